//! The rules that look at an event's neighbours: repeats, attribution, notifications.

use super::tally::Counter;
use super::{ATTRIBUTION_MS, NOTIFICATION_MS, REPEAT_MS};
use crate::event::{Action, ContactMethod};
use crate::figures::Figure;
use crate::ids::HelplineNo;
use crate::timestamp::Timestamp;

/// An event of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub helpline: HelplineNo,
    pub action: Action,
    pub at: Timestamp,
}

/// The displays and clicks of one helpline within a session, each sorted by time.
pub(super) struct OfHelpline<'a> {
    pub helpline: HelplineNo,
    pub displays: &'a [Entry],
    /// Sorted by method, then time.
    pub clicks: &'a [Entry],
}

/// Splits entries, which must be sorted, by helpline. (Sorted, a helpline's displays come before its clicks.)
pub(super) fn by_helpline(sorted: &[Entry]) -> impl Iterator<Item = OfHelpline<'_>> {
    sorted.chunk_by(|a, b| a.helpline == b.helpline).map(|entries| {
        let (displays, clicks) = entries.split_at(entries.partition_point(|entry| entry.action == Action::Display));
        OfHelpline { helpline: entries[0].helpline, displays, clicks }
    })
}

/// The latest display at or before a click, if it is near enough for the click to be attributed to it.
pub(crate) fn attributed_to(click: &Entry, displays: &[Entry]) -> Option<Timestamp> {
    let before = displays.partition_point(|display| display.at <= click.at);
    let latest = displays[..before].last()?.at;
    (click.at.millis() - latest.millis() <= ATTRIBUTION_MS).then_some(latest)
}

/// Counts gross, net and attributed figures and notifications of a session's events.
///
/// `sorted` are events of one (application, session), sorted, each once. An event's status depends on those within
/// 24 hours around it, so to take in a new event it is enough to measure the days around it before and after.
pub(super) fn measure(sorted: &[Entry], counter: &mut Counter<'_>) {
    debug_assert!(sorted.is_sorted());
    for of in by_helpline(sorted) {
        for display in of.displays {
            counter.display(Figure::GrossDisplays, display.at, of.helpline);
        }
        for kept in net(of.displays) {
            counter.display(Figure::NetDisplays, kept, of.helpline);
        }
        for (method, clicks) in by_method(of.clicks) {
            for click in clicks {
                let attributed = attributed_to(click, of.displays).is_some();
                let figure = if attributed { Figure::AttributedClicks } else { Figure::UnattributedClicks };
                counter.click(Figure::GrossClicks, click.at, of.helpline, method);
                counter.click(figure, click.at, of.helpline, method);
            }
            for kept in net(clicks) {
                counter.click(Figure::NetClicks, kept, of.helpline, method);
            }
        }
    }
    for at in notifications(sorted) {
        counter.session(Figure::Notifications, at);
    }
}

fn by_method(clicks: &[Entry]) -> impl Iterator<Item = (ContactMethod, &[Entry])> {
    clicks.chunk_by(|a, b| a.action == b.action).filter_map(|clicks| match clicks[0].action {
        Action::Click(method) => Some((method, clicks)),
        Action::Display => None,
    })
}

/// Of the distinct instants, those with no later one within [`REPEAT_MS`].
fn net(sorted: &[Entry]) -> impl Iterator<Item = Timestamp> {
    sorted.iter().enumerate().filter_map(|(i, entry)| {
        let next = sorted.get(i + 1);
        next.is_none_or(|next| next.at.millis() - entry.at.millis() > REPEAT_MS).then_some(entry.at)
    })
}

/// The distinct display instants with no earlier one within [`NOTIFICATION_MS`].
fn notifications(entries: &[Entry]) -> Vec<Timestamp> {
    let mut instants: Vec<Timestamp> =
        entries.iter().filter(|entry| entry.action == Action::Display).map(|entry| entry.at).collect();
    instants.sort_unstable();
    instants.dedup();
    let starts = |i: usize| i == 0 || instants[i].millis() - instants[i - 1].millis() > NOTIFICATION_MS;
    (0..instants.len()).filter(|i| starts(*i)).map(|i| instants[i]).collect()
}
