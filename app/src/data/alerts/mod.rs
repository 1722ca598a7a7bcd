//! Alerts: what a customer is told, where it goes, and what became of it.

pub mod deliveries;
pub mod editor;
pub mod list;
pub mod webhooks;

use crate::data::Link;
use crate::data::billing::{Asked, Whose, quantity};
use crate::error::UiError;
use crate::format;
use domain::Zone;
use domain::alert::webhook::origin;
use domain::alert::{AlertKind, AlertRule};
use domain::zone::Month;
use engine::Usage;

/// The path of the alerts.
pub const ALERTS: &str = "/alerts";
/// The path of the webhook endpoints.
pub const WEBHOOKS: &str = "/alerts/webhooks";
/// The path of the log of deliveries.
pub const DELIVERIES: &str = "/alerts/deliveries";

/// What all lists about alerts share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub whose: Whose,
    pub tabs: Vec<Link>,
    /// Whether the person may change what is listed.
    pub can_change: bool,
}

impl Frame {
    /// The frame of the list at a path.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn of(asked: &Asked, path: &str) -> Result<Self, UiError> {
        let tab =
            |label: &str, to: &str| Link { label: label.to_owned(), href: asked.href(to, &[]), is_current: to == path };
        Ok(Self {
            whose: asked.whose()?,
            tabs: vec![tab("Alerts", ALERTS), tab("Webhook endpoints", WEBHOOKS), tab("Deliveries", DELIVERIES)],
            can_change: can_change(asked),
        })
    }
}

/// Whether the person may change the alerts of the chosen customer.
fn can_change(asked: &Asked) -> bool {
    asked.reader.customer().is_some_and(|customer| asked.engine.manager(&asked.user, customer.id).is_ok())
}

/// The address of an endpoint as it is shown: all of it, which may hold a secret, only to whoever may change it.
fn address(url: &str, can_change: bool) -> String {
    if can_change { url.to_owned() } else { origin(url) }
}

/// Of the form of an alert of a customer: what one of them leaves must never show up in another.
#[must_use]
pub fn form_of(customer: &str, alert: Option<&str>) -> String {
    format!("alert {} of {customer}", alert.unwrap_or("new"))
}

/// `November`
fn month_name(month: Month) -> String {
    month.first_day().date().format("%B").to_string()
}

/// When an alert fires, in words: `When November’s spend reaches EUR 500.00`.
fn sentence(rule: &AlertRule, month: Month) -> String {
    let month = month_name(month);
    let number = |n: u64| format::count(i64::try_from(n).unwrap_or(i64::MAX));
    let plural = |n: u64, one: &str| format!("{}\u{a0}{one}{}", number(n), if n == 1 { "" } else { "s" });
    match *rule {
        AlertRule::SpendReaches { amount } => format!("When {month}’s spend reaches {}", format::money(amount)),
        AlertRule::UsageReaches { quantity } => format!("When {month}’s usage reaches {}", number(quantity)),
        AlertRule::IncludedShareReaches { percent } => {
            let percent = number(percent.into());
            format!("When {month}’s usage reaches {percent}\u{a0}% of the included quantity")
        }
        AlertRule::Silent { hours } => format!("When no event has come for {}", plural(hours.into(), "hour")),
        AlertRule::RejectedShareAbove { percent, events_min } => {
            let events = plural(events_min, "event");
            format!("When more than {percent}\u{a0}% of 24\u{a0}hours’ events are rejected, of at least {events}")
        }
    }
}

/// Whether an alert is about the running month, and fires once in each.
const fn is_monthly(kind: AlertKind) -> bool {
    match kind {
        AlertKind::SpendReaches | AlertKind::UsageReaches | AlertKind::IncludedShareReaches => true,
        AlertKind::Silent | AlertKind::RejectedShareAbove => false,
    }
}

/// What the running month has come to, to be held against alerts.
struct SoFar {
    month: Month,
    usage: Usage,
}

/// How near an alert is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// What there is, and how much of what is waited for it is, in per cent.
    Part { text: String, percent: u8 },
    /// Why the alert cannot fire.
    Never(String),
}

impl SoFar {
    async fn of(asked: &Asked) -> Result<Self, UiError> {
        let month = running_month(asked);
        let usage = asked.engine.usage(&asked.reader, month).await?;
        Ok(Self { month, usage })
    }

    /// `4,321 reach`
    fn quantity(&self) -> String {
        quantity(self.usage.waterfall.figure, self.usage.waterfall.billable)
    }

    /// Units that the rate card includes; `None` without a card.
    fn included(&self) -> Option<u64> {
        self.usage.statement.as_ref().map(|statement| statement.card.terms.included)
    }

    /// How near an alert is; `None` for those that are not about the month.
    fn progress(&self, rule: &AlertRule) -> Option<Progress> {
        if !is_monthly(rule.kind()) {
            return None;
        }
        let never = |text: &str| Some(Progress::Never(text.to_owned()));
        let Some(statement) = &self.usage.statement else {
            return never("There is no rate card now, so it cannot fire.");
        };
        let billable = self.usage.waterfall.billable;
        match *rule {
            AlertRule::SpendReaches { amount } if amount.currency != statement.total.currency => {
                never("The rate card is in another currency now, so it cannot fire.")
            }
            AlertRule::SpendReaches { amount } => {
                let spend = format::money(statement.total);
                Some(part(&spend, statement.total.minor, amount.minor.into()))
            }
            AlertRule::UsageReaches { quantity } => Some(part(&self.quantity(), billable, quantity.into())),
            AlertRule::IncludedShareReaches { .. } if statement.card.terms.included == 0 => {
                never("The rate card includes nothing now, so it cannot fire.")
            }
            AlertRule::IncludedShareReaches { percent } => {
                let included = statement.card.terms.included;
                let share = share(billable, included.into());
                let included = format::count(i64::try_from(included).unwrap_or(i64::MAX));
                let text = format!("{} of {included}, {share}\u{a0}%", self.quantity());
                let percent = u8::try_from(share * 100 / i128::from(percent.max(1)).max(1)).unwrap_or(100).min(100);
                Some(Progress::Part { text, percent })
            }
            AlertRule::Silent { .. } | AlertRule::RejectedShareAbove { .. } => None,
        }
    }
}

/// The running month of the customer's calendar.
fn running_month(asked: &Asked) -> Month {
    asked.zone().day(asked.engine.now()).month()
}

/// A share in whole per cent, rounded down: 100 stands for reached. Nothing is below 0.
fn share(part: i64, whole: i128) -> i128 {
    i128::from(part.max(0)) * 100 / whole.max(1)
}

fn part(what: &str, part: i64, whole: i128) -> Progress {
    let share = share(part, whole);
    Progress::Part {
        text: format!("{what}, {}\u{a0}%", format::count(i64::try_from(share).unwrap_or(i64::MAX))),
        percent: u8::try_from(share).unwrap_or(100).min(100),
    }
}

/// Whether an instant is in a month of a zone's calendar.
fn is_in(month: Month, at: domain::Timestamp, zone: Zone) -> bool {
    zone.day(at).month() == month
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::billing::Money;

    #[test]
    fn alerts_are_told_in_words() {
        let november: Month = "2026-11".parse().unwrap();
        let amount = Money { currency: "EUR".parse().unwrap(), minor: 50_000 };
        for (rule, text) in [
            (AlertRule::SpendReaches { amount }, "When November’s spend reaches EUR 500.00"),
            (AlertRule::UsageReaches { quantity: 10_000 }, "When November’s usage reaches 10,000"),
            (
                AlertRule::IncludedShareReaches { percent: 80 },
                "When November’s usage reaches 80 % of the included quantity",
            ),
            (AlertRule::Silent { hours: 1 }, "When no event has come for 1 hour"),
            (AlertRule::Silent { hours: 24 }, "When no event has come for 24 hours"),
            (
                AlertRule::RejectedShareAbove { percent: 5, events_min: 1_000 },
                "When more than 5 % of 24 hours’ events are rejected, of at least 1,000 events",
            ),
        ] {
            assert_eq!(sentence(&rule, november).replace('\u{a0}', " "), text);
        }
    }

    #[test]
    fn shares_are_full_only_where_it_is_reached() {
        for (spent, text, percent) in
            [(-5, "0", 0), (49_999, "99", 99), (50_000, "100", 100), (1_000_000, "2,000", 100)]
        {
            let Progress::Part { text: said, percent: drawn } = part("so much", spent, 50_000) else {
                panic!("a part");
            };
            assert_eq!((said, drawn), (format!("so much, {text}\u{a0}%"), percent));
        }
    }
}
