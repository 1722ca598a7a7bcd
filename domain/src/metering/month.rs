//! The rules that look at a session's calendar month: unique displays, reach, conversions.

use super::timeline::{Entry, by_helpline};
use super::{ATTRIBUTION_MS, Countries, tally::Counter};
use crate::event::{Action, ContactMethod};
use crate::figures::Figure;
use crate::helpline::CountryCode;
use crate::ids::HelplineNo;
use crate::timestamp::Timestamp;
use crate::zone::{Month, Zone};
use std::collections::BTreeMap;

/// What a month of a session must remember. It only ever grows: first displays move earlier, methods are added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonthState {
    /// By helpline, those with at least one display in the month.
    pub pairs: BTreeMap<HelplineNo, Pair>,
}

/// A helpline within a session's month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The pair's first display in the month.
    pub first: Timestamp,
    pub converted: Methods,
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
        ContactMethod::ALL.into_iter().filter(move |method| self.0 & 1 << *method as u8 != 0)
    }
}

/// Takes a session's events into the states of its months. Taking in the same ones again changes nothing.
///
/// `sorted` must hold every event within 24 hours of a new one; a click may convert a display of the month before.
pub fn take_in(sorted: &[Entry], zone: Zone, months: &mut BTreeMap<Month, MonthState>) {
    for of in by_helpline(sorted) {
        for displays in of.displays.chunk_by(|a, b| zone.day(a.at).month() == zone.day(b.at).month()) {
            let first = displays[0].at;
            let converted = converting_methods(displays, of.clicks);
            let state = months.entry(zone.day(first).month()).or_default();
            let pair = state.pairs.entry(of.helpline).or_insert(Pair { first, converted });
            pair.first = pair.first.min(first);
            pair.converted = pair.converted.union(converted);
        }
    }
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

impl MonthState {
    /// Counts unique displays, reach, conversions and converted sessions, in total and by country and method.
    pub fn measure(&self, countries: &impl Countries, counter: &mut Counter<'_>) {
        let mut session = Shown::default();
        let mut by_country: BTreeMap<CountryCode, Shown> = BTreeMap::new();
        for (helpline, pair) in &self.pairs {
            let country = countries.country(*helpline);
            session.add(pair);
            by_country.entry(country).or_default().add(pair);
            counter.display(Figure::UniqueDisplays, pair.first, *helpline);
            if !pair.converted.is_empty() {
                counter.display(Figure::Conversions, pair.first, *helpline);
            }
            for method in pair.converted.iter() {
                counter.click_through(Figure::Conversions, pair.first, *helpline, method);
            }
        }
        if let Some(first) = session.first {
            counter.session(Figure::Reach, first);
            if !session.converted.is_empty() {
                counter.session(Figure::ConvertedSessions, first);
            }
            for method in session.converted.iter() {
                counter.session_by_method(Figure::ConvertedSessions, first, method);
            }
        }
        for (country, shown) in by_country {
            let Some(first) = shown.first else { continue };
            counter.session_in_country(Figure::Reach, first, country);
            if !shown.converted.is_empty() {
                counter.session_in_country(Figure::ConvertedSessions, first, country);
            }
            for method in shown.converted.iter() {
                counter.session_in_country_by_method(Figure::ConvertedSessions, first, country, method);
            }
        }
    }
}

/// A session's month over some of its helplines.
#[derive(Default)]
struct Shown {
    first: Option<Timestamp>,
    converted: Methods,
}

impl Shown {
    fn add(&mut self, pair: &Pair) {
        self.first = Some(self.first.map_or(pair.first, |first| first.min(pair.first)));
        self.converted = self.converted.union(pair.converted);
    }
}
