//! The waterfall: from everything that was received to what is billed, step by step.

use super::card::BillableFigure;
use crate::figures::{Counts, Figure};
use serde::{Deserialize, Serialize};

/// What was received in a month and is in no figure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// Refused events by code, by the time they were received.
    pub rejected: Vec<(String, i64)>,
    /// Repeated identities, by the time of the event.
    pub duplicates: i64,
}

/// How a month's billable quantity comes about. Every number counts events of the customer's applications, but `net` and
/// `billable`, which count what is left of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waterfall {
    pub figure: BillableFigure,
    /// Everything that was received.
    pub received: i64,
    /// Refused, by code; most first.
    pub rejected: Vec<(String, i64)>,
    /// The same event again.
    pub duplicates: i64,
    /// Accepted from sandbox applications.
    pub sandbox: i64,
    /// Accepted clicks where displays are billed, and displays where clicks are.
    pub other_kind: i64,
    /// Accepted events of the billed kind: gross displays or gross clicks.
    pub gross: i64,
    /// Of a burst all but the last; of notifications, displays of a referral that has begun.
    pub repeats: i64,
    /// What is left after double-click filtering.
    pub net: i64,
    /// Further displays of a session (or of a session and helpline) that the month counts already. It is the difference of
    /// two counts, and below 0 where a burst begins in the month and ends in the next: the session counts where it was
    /// first shown a helpline, the display where the burst ends.
    pub not_unique: i64,
    /// What is priced.
    pub billable: i64,
}

/// A step of the waterfall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Received,
    Rejected,
    Duplicates,
    Sandbox,
    OtherKind,
    Gross,
    Repeats,
    Net,
    NotUnique,
    Billable,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 10] = [
        Self::Received,
        Self::Rejected,
        Self::Duplicates,
        Self::Sandbox,
        Self::OtherKind,
        Self::Gross,
        Self::Repeats,
        Self::Net,
        Self::NotUnique,
        Self::Billable,
    ];

    /// The name in the API, in addresses and in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Rejected => "rejected",
            Self::Duplicates => "duplicates",
            Self::Sandbox => "sandbox",
            Self::OtherKind => "other_kind",
            Self::Gross => "gross",
            Self::Repeats => "repeats",
            Self::Net => "net",
            Self::NotUnique => "not_unique",
            Self::Billable => "billable",
        }
    }

    /// The step of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }

    /// Whether the step takes away; the others say what there is.
    #[must_use]
    pub const fn takes_away(self) -> bool {
        matches!(
            self,
            Self::Rejected | Self::Duplicates | Self::Sandbox | Self::OtherKind | Self::Repeats | Self::NotUnique
        )
    }

    /// Whether the events behind the step are kept. Of refused and repeated ones only counts are.
    #[must_use]
    pub const fn has_events(self) -> bool {
        !matches!(self, Self::Received | Self::Rejected | Self::Duplicates)
    }

    /// The name for people.
    #[must_use]
    pub const fn label(self, figure: BillableFigure) -> &'static str {
        match (self, figure.is_of_clicks()) {
            (Self::Received, _) => "Received",
            (Self::Rejected, _) => "Rejected",
            (Self::Duplicates, _) => "Duplicates",
            (Self::Sandbox, _) => "Sandbox",
            (Self::OtherKind, false) => "Clicks",
            (Self::OtherKind, true) => "Displays",
            (Self::Gross, false) => "Gross displays",
            (Self::Gross, true) => "Gross clicks",
            (Self::Repeats, _) => "Repeats",
            (Self::Net, _) => match figure {
                BillableFigure::Notifications => "Notifications",
                BillableFigure::NetClicks => "Net clicks",
                _ => "Net displays",
            },
            (Self::NotUnique, _) => "Not unique",
            (Self::Billable, _) => "Billable",
        }
    }

    /// What the step counts, in a sentence.
    #[must_use]
    pub const fn definition(self, figure: BillableFigure) -> &'static str {
        match self {
            Self::Received => "Everything that the customer's applications sent: accepted, repeated or refused.",
            Self::Rejected => {
                "Events that were refused, by the time they were received. Nothing of them is kept but a count by reason."
            }
            Self::Duplicates => {
                "Events that had been accepted before: the same application, type, helpline, session, instant and contact method."
            }
            Self::Sandbox => "Accepted events of sandbox applications, which are never billed.",
            Self::OtherKind => match figure {
                BillableFigure::NetClicks => "Accepted displays: this rate card bills clicks.",
                _ => "Accepted clicks: this rate card bills displays.",
            },
            Self::Gross => "Accepted events of production applications, each counted at its own instant.",
            Self::Repeats => match figure {
                BillableFigure::Notifications => {
                    "Displays within 10 seconds of an earlier one in the same session: they are one referral."
                }
                BillableFigure::NetClicks => {
                    "Clicks that were followed by another one on the same contact method within 30 seconds."
                }
                _ => {
                    "Displays that were followed by another one of the same helpline in the same session within 30 seconds."
                }
            },
            Self::Net => match figure {
                BillableFigure::Notifications => "Referrals.",
                _ => "What is left of bursts: the last of each.",
            },
            Self::NotUnique => match figure {
                BillableFigure::Reach => {
                    "Further displays in sessions that the month counts already. Below 0 where bursts run into the next month."
                }
                BillableFigure::UniqueDisplays => {
                    "Further displays of a helpline in sessions that the month counts for it already. Below 0 where bursts run into the next month."
                }
                _ => "This figure counts every one.",
            },
            Self::Billable => figure.figure().definition(),
        }
    }
}

impl Waterfall {
    /// The waterfall of a month, from its counts.
    #[must_use]
    pub fn of(figure: BillableFigure, intake: Intake, production: &Counts, sandbox: &Counts) -> Self {
        let accepted = |counts: &Counts| (counts.get(Figure::GrossDisplays), counts.get(Figure::GrossClicks));
        let (displays, clicks) = accepted(production);
        let (gross, other_kind) = if figure.is_of_clicks() { (clicks, displays) } else { (displays, clicks) };
        let billable = production.get(figure.figure());
        let net = match figure {
            BillableFigure::Notifications | BillableFigure::NetClicks => billable,
            BillableFigure::Reach | BillableFigure::UniqueDisplays | BillableFigure::NetDisplays => {
                production.get(Figure::NetDisplays)
            }
        };
        let (sandbox_displays, sandbox_clicks) = accepted(sandbox);
        let sandbox = sandbox_displays + sandbox_clicks;
        let Intake { mut rejected, duplicates } = intake;
        rejected.retain(|(_, n)| *n != 0);
        rejected.sort_by(|(a_code, a), (b_code, b)| b.cmp(a).then_with(|| a_code.cmp(b_code)));
        let refused: i64 = rejected.iter().map(|(_, n)| n).sum();
        Self {
            figure,
            received: refused + duplicates + sandbox + other_kind + gross,
            rejected,
            duplicates,
            sandbox,
            other_kind,
            gross,
            repeats: gross - net,
            net,
            not_unique: net - billable,
            billable,
        }
    }

    /// All that was refused.
    #[must_use]
    pub fn refused(&self) -> i64 {
        self.rejected.iter().map(|(_, n)| n).sum()
    }

    /// The number of a step.
    #[must_use]
    pub fn get(&self, step: Step) -> i64 {
        match step {
            Step::Received => self.received,
            Step::Rejected => self.refused(),
            Step::Duplicates => self.duplicates,
            Step::Sandbox => self.sandbox,
            Step::OtherKind => self.other_kind,
            Step::Gross => self.gross,
            Step::Repeats => self.repeats,
            Step::Net => self.net,
            Step::NotUnique => self.not_unique,
            Step::Billable => self.billable,
        }
    }

    /// Whether every level is the one before less what the steps between take away.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let mut level = self.received;
        Step::ALL.into_iter().skip(1).all(|step| {
            if step.takes_away() {
                level -= self.get(step);
                true
            } else {
                level == self.get(step)
            }
        })
    }

    /// Whether what was accepted is the same: such waterfalls are billed alike.
    #[must_use]
    pub fn accepts_as(&self, other: &Self) -> bool {
        let accepted = [Step::Sandbox, Step::OtherKind, Step::Gross, Step::Net, Step::Billable];
        accepted.into_iter().all(|step| self.get(step) == other.get(step))
    }

    /// The billable quantity as it is priced.
    #[must_use]
    pub fn quantity(&self) -> u64 {
        u64::try_from(self.billable).unwrap_or(0)
    }
}
