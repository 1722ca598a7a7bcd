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
        for (i, display) in of.displays.iter().enumerate() {
            let figures = [Figure::GrossDisplays, Figure::NetDisplays];
            counter.display(&figures[..1 + usize::from(is_net(of.displays, i))], display.at, of.helpline);
        }
        for (method, clicks) in by_method(of.clicks) {
            for (i, click) in clicks.iter().enumerate() {
                let attributed = attributed_to(click, of.displays).is_some();
                let figure = if attributed { Figure::AttributedClicks } else { Figure::UnattributedClicks };
                let figures = [Figure::GrossClicks, figure, Figure::NetClicks];
                counter.click(&figures[..2 + usize::from(is_net(clicks, i))], click.at, of.helpline, method);
            }
        }
    }
    let mut instants = std::mem::take(&mut counter.room().instants);
    instants.extend(sorted.iter().filter(|entry| entry.action == Action::Display).map(|entry| entry.at));
    instants.sort_unstable();
    for at in notifications(&instants) {
        counter.session(&[Figure::Notifications], at);
    }
    instants.clear();
    counter.room().instants = instants;
}

fn by_method(clicks: &[Entry]) -> impl Iterator<Item = (ContactMethod, &[Entry])> {
    clicks.chunk_by(|a, b| a.action == b.action).filter_map(|clicks| match clicks[0].action {
        Action::Click(method) => Some((method, clicks)),
        Action::Display => None,
    })
}

/// Whether, of sorted entries, there is none within [`REPEAT_MS`] after this one.
fn is_net(sorted: &[Entry], i: usize) -> bool {
    let next = sorted.get(i + 1);
    next.is_none_or(|next| next.at.millis() - sorted[i].at.millis() > REPEAT_MS)
}

/// Of sorted instants, those with no earlier one within [`NOTIFICATION_MS`], each once.
fn notifications(sorted: &[Timestamp]) -> impl Iterator<Item = Timestamp> {
    sorted.iter().enumerate().filter_map(|(i, at)| {
        let before = i.checked_sub(1).map(|before| sorted[before]);
        before.is_none_or(|before| at.millis() - before.millis() > NOTIFICATION_MS).then_some(*at)
    })
}
