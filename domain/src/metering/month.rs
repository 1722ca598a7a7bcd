//! The rules that look at a session's calendar month: unique displays, reach, conversions.

use super::timeline::{Entry, by_helpline};
use super::{ATTRIBUTION_MS, Countries, tally::Counter};
use crate::event::{Action, ContactMethod};
use crate::figures::Figure;
use crate::ids::HelplineNo;
use crate::timestamp::Timestamp;
use crate::zone::Month;

/// A helpline within a session's month, in which it was displayed at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    helpline: HelplineNo,
    /// The first display in the month.
    first: Timestamp,
    converted: Methods,
}

/// A set of contact methods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Methods(pub u8);

impl Methods {
    /// The set with one more.
    #[must_use]
    pub const fn with(self, method: ContactMethod) -> Self {
        Self(self.0 | 1 << method as u8)
    }
    /// All of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// The methods of the set.
    pub fn iter(self) -> impl Iterator<Item = ContactMethod> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let method = ContactMethod::from_code(left.trailing_zeros() as u8)?;
            left &= left - 1;
            Some(method)
        })
    }
}

/// Counts unique displays, reach, conversions and converted sessions of a session's events, month by month.
///
/// A click may convert a display of the month before.
pub(super) fn measure(sorted: &[Entry], countries: &impl Countries, counter: &mut Counter<'_>) {
    let mut pairs = std::mem::take(&mut counter.room().pairs);
    for of in by_helpline(sorted) {
        let mut displays = of.displays;
        while let Some(Entry { at: first, .. }) = displays.first().copied() {
            let month = counter.month(first);
            let within = displays.iter().take_while(|display| counter.month(display.at) == month).count();
            let (of_month, later) = displays.split_at(within);
            let converted = converting_methods(of_month, of.clicks);
            pairs.push((month, Pair { helpline: of.helpline, first, converted }));
            displays = later;
        }
    }
    pairs.sort_unstable_by_key(|(month, pair)| (*month, pair.helpline, pair.first));
    // Where clocks go back over midnight, a month ends twice.
    pairs.dedup_by(|(month_again, again), (month, pair)| {
        let is_same = (*month_again, again.helpline) == (*month, pair.helpline);
        if is_same {
            pair.converted = pair.converted.union(again.converted);
        }
        is_same
    });
    for of_month in pairs.chunk_by(|(a, _), (b, _)| a == b) {
        measure_month(of_month, countries, counter);
    }
    pairs.clear();
    counter.room().pairs = pairs;
}

/// The methods of the clicks that follow one of these displays within [`ATTRIBUTION_MS`].
fn converting_methods(displays: &[Entry], clicks: &[Entry]) -> Methods {
    clicks.iter().fold(Methods::default(), |methods, click| {
        let Action::Click(method) = click.action else {
            return methods;
        };
        let before = displays.partition_point(|display| display.at <= click.at);
        let near = |display: &Entry| click.at.millis() - display.at.millis() <= ATTRIBUTION_MS;
        if displays[..before].last().is_some_and(near) { methods.with(method) } else { methods }
    })
}

/// Counts a month of a session, in total and by country and method.
fn measure_month(pairs: &[(Month, Pair)], countries: &impl Countries, counter: &mut Counter<'_>) {
    let Some((_, first)) = pairs.first() else { return };
    let mut by_country = std::mem::take(&mut counter.room().by_country);
    let mut session = Shown::of(first);
    for (_, pair) in pairs {
        session.add(pair);
        let country = countries.country(pair.helpline);
        match by_country.iter_mut().find(|(known, _)| *known == country) {
            Some((_, shown)) => shown.add(pair),
            None => by_country.push((country, Shown::of(pair))),
        }
        let figures = [Figure::UniqueDisplays, Figure::Conversions];
        counter.display(&figures[..1 + usize::from(!pair.converted.is_empty())], pair.first, pair.helpline);
        for method in pair.converted.iter() {
            counter.click_through(&[Figure::Conversions], pair.first, pair.helpline, method);
        }
    }
    counter.session(session.figures(), session.first);
    for method in session.converted.iter() {
        counter.session_by_method(&[Figure::ConvertedSessions], session.first, method);
    }
    for (country, shown) in by_country.drain(..) {
        counter.session_in_country(shown.figures(), shown.first, country);
        for method in shown.converted.iter() {
            counter.session_in_country_by_method(&[Figure::ConvertedSessions], shown.first, country, method);
        }
    }
    counter.room().by_country = by_country;
}

/// A session's month over some of its helplines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    first: Timestamp,
    converted: Methods,
}

impl Shown {
    fn of(pair: &Pair) -> Self {
        Self { first: pair.first, converted: pair.converted }
    }

    fn add(&mut self, pair: &Pair) {
        self.first = self.first.min(pair.first);
        self.converted = self.converted.union(pair.converted);
    }

    /// What it counts for.
    fn figures(&self) -> &'static [Figure] {
        let figures = &[Figure::Reach, Figure::ConvertedSessions];
        if self.converted.is_empty() { &figures[..1] } else { figures }
    }
}
