//! Why a single event is on a bill, or not.
//!
//! The waterfall is a row of counts; this is what it says of each event, so that the events listed behind a step are as
//! many as the step says. A session is billed for the burst that it was first shown a helpline in: the event that stands
//! for it is the burst's last, as double-click filtering keeps that one. Where the burst runs on into the next month, the
//! last one within the month stands for it: then it is listed as a repeat *and* as billable, and one more event than the
//! step says is listed as not unique ([`Waterfall::not_unique`](super::Waterfall::not_unique)).

use super::card::BillableFigure;
use super::waterfall::Step;
use crate::event::Action;
use crate::metering::timeline::attributed_to;
use crate::metering::{Entry, NOTIFICATION_MS, REPEAT_MS};
use crate::timestamp::Timestamp;
use crate::zone::{Month, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of an event of a production application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Not of the kind that is billed.
    pub is_other_kind: bool,
    /// Whether double-click filtering keeps it; for notifications, whether it begins one.
    pub is_kept: bool,
    pub is_billed: bool,
    /// Why it is no further on: the event that it repeats, or after which it is not unique.
    pub because_of: Option<Timestamp>,
    /// Of a click: whether it is attributed to a display.
    pub attributed: Option<bool>,
}

impl Judgement {
    /// Whether the event is listed behind a step.
    #[must_use]
    pub const fn is_in(self, step: Step) -> bool {
        match step {
            Step::OtherKind => self.is_other_kind,
            Step::Gross => !self.is_other_kind,
            Step::Repeats => !self.is_other_kind && !self.is_kept,
            Step::Net => self.is_kept,
            Step::NotUnique => self.is_kept && !self.is_billed,
            Step::Billable => self.is_billed,
            Step::Received | Step::Rejected | Step::Duplicates | Step::Sandbox => false,
        }
    }

    /// The last step that the event reached, under which it is explained.
    #[must_use]
    pub const fn outcome(self) -> Step {
        if self.is_other_kind {
            Step::OtherKind
        } else if self.is_billed {
            Step::Billable
        } else if self.is_kept {
            Step::NotUnique
        } else {
            Step::Repeats
        }
    }
}

/// Judges all events of one session of a production application, in their order. `sorted` must be sorted and hold each
/// event once, and all that lie in a month of the customer's or within half a minute of it.
#[must_use]
pub fn judge(sorted: &[Entry], figure: BillableFigure, zone: Zone) -> Vec<Judgement> {
    let displays_of = |entry: &Entry| -> &[Entry] {
        let of = sorted.partition_point(|other| other.helpline < entry.helpline);
        let of = &sorted[of..];
        &of[..of.partition_point(|other| other.helpline == entry.helpline && other.action == Action::Display)]
    };
    let mut judged: Vec<Judgement> = sorted
        .iter()
        .map(|entry| {
            let is_click = entry.action != Action::Display;
            Judgement {
                is_other_kind: is_click != figure.is_of_clicks(),
                is_kept: false,
                is_billed: false,
                because_of: None,
                attributed: is_click.then(|| attributed_to(entry, displays_of(entry)).is_some()),
            }
        })
        .collect();
    if figure == BillableFigure::Notifications {
        notifications(sorted, &mut judged);
        return judged;
    }
    let bursts = bursts(sorted, &judged);
    for burst in &bursts {
        for i in burst.clone() {
            let next = (i + 1 < burst.end).then(|| sorted[i + 1].at);
            judged[i].is_kept = next.is_none();
            judged[i].because_of = next;
        }
    }
    match figure {
        BillableFigure::NetDisplays | BillableFigure::NetClicks => {
            for judgement in &mut judged {
                judgement.is_billed = judgement.is_kept;
            }
        }
        BillableFigure::UniqueDisplays => unique(sorted, zone, &bursts, &mut judged, |entry| entry.helpline.0),
        BillableFigure::Reach => unique(sorted, zone, &bursts, &mut judged, |_| 0),
        BillableFigure::Notifications => {}
    }
    judged
}

/// The bursts of the billed kind: runs of one helpline and action with steps of up to [`REPEAT_MS`].
fn bursts(sorted: &[Entry], judged: &[Judgement]) -> Vec<std::ops::Range<usize>> {
    let mut bursts: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, entry) in sorted.iter().enumerate().filter(|(i, _)| !judged[*i].is_other_kind) {
        let goes_on = bursts.last().is_some_and(|burst| {
            let before = &sorted[i - 1];
            burst.end == i
                && (before.helpline, before.action) == (entry.helpline, entry.action)
                && entry.at.millis() - before.at.millis() <= REPEAT_MS
        });
        match bursts.last_mut() {
            Some(burst) if goes_on => burst.end = i + 1,
            _ => bursts.push(i..i + 1),
        }
    }
    bursts
}

/// Of each month and group, bills the burst that holds the first display.
fn unique(
    sorted: &[Entry],
    zone: Zone,
    bursts: &[std::ops::Range<usize>],
    judged: &mut [Judgement],
    group: impl Fn(&Entry) -> u32,
) {
    let month = |i: usize| zone.day(sorted[i].at).month();
    // By month and group: the first display, and the last display of its burst that lies in the month.
    let mut billed: BTreeMap<(Month, u32), (Timestamp, usize)> = BTreeMap::new();
    for burst in bursts {
        let mut from = burst.start;
        while from < burst.end {
            let in_month = (from..burst.end).take_while(|i| month(*i) == month(from)).last().unwrap_or(from);
            let first = (sorted[from].at, in_month);
            let known = billed.entry((month(from), group(&sorted[from]))).or_insert(first);
            if first.0 < known.0 {
                *known = first;
            }
            from = in_month + 1;
        }
    }
    for (_, i) in billed.values() {
        judged[*i].is_billed = true;
        judged[*i].because_of = None;
    }
    for i in
        bursts.iter().flat_map(Clone::clone).filter(|i| judged[*i].is_kept && !judged[*i].is_billed).collect::<Vec<_>>()
    {
        judged[i].because_of = billed.get(&(month(i), group(&sorted[i]))).map(|(first, _)| *first);
    }
}

/// Bills of each referral the first display; of several at one instant the one that is first in order.
fn notifications(sorted: &[Entry], judged: &mut [Judgement]) {
    let mut displays: Vec<usize> = (0..sorted.len()).filter(|i| !judged[*i].is_other_kind).collect();
    displays.sort_by_key(|i| (sorted[*i].at, *i));
    let mut before: Option<Timestamp> = None;
    for i in displays {
        let at = sorted[i].at;
        let near = before.filter(|before| at.millis() - before.millis() <= NOTIFICATION_MS);
        judged[i].is_kept = near.is_none();
        judged[i].is_billed = near.is_none();
        judged[i].because_of = near;
        before = Some(at);
    }
}

#[cfg(test)]
mod tests;
