//! Where counts fall: the cells of the count tables.
//!
//! Counting touches as few cells as can be: by the hour, and additive figures by helpline alone. Days and months,
//! countries and totals are their sums and are made at the end, by [`Tally::into_cells`].

use super::Countries;
use crate::event::ContactMethod;
use crate::figures::{Counts, Figure, Scope};
use crate::helpline::CountryCode;
use crate::ids::HelplineNo;
use crate::timestamp::Timestamp;
use crate::zone::{QUARTER_HOUR_MS, Zone};
use hashbrown::HashMap;

/// The lengths of time that counts are kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// The bucket is the hour's start in unix milliseconds.
    Hour = 0,
    /// The bucket is the local date ([`crate::zone::Day`]).
    Day = 1,
    /// The bucket is the local month ([`crate::zone::Month`]).
    Month = 2,
}

impl Grain {
    /// Every grain.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];
}

/// One cell of the count tables, of one application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    pub scope: Scope,
    pub grain: Grain,
    /// See [`Grain`] for what it means.
    pub bucket: i64,
    /// The helpline's number, the country's code, or 0, as the scope has it.
    pub member: i64,
    /// The contact method's code, or 0.
    pub method: u8,
}

/// What is counted within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Of {
    scope: Scope,
    /// The hour's start.
    hour: Timestamp,
    member: i64,
    method: u8,
}

/// A signed sum of counts, in a customer's time zone.
#[derive(Debug)]
pub struct Tally {
    zone: Zone,
    counts: HashMap<Of, Counts>,
    /// The hours of quarter hours, of those that lie in one: a zone's offsets are costly to look up.
    hours: HashMap<i64, Option<Timestamp>>,
    /// The quarter hour that was looked up last, and its hour: events mostly come in the order of time.
    latest: (i64, Option<Timestamp>),
}

impl Tally {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self { zone, counts: HashMap::new(), hours: HashMap::new(), latest: (i64::MIN, None) }
    }

    fn hour_start(&mut self, at: Timestamp) -> Timestamp {
        let (zone, quarter) = (self.zone, at.millis().div_euclid(QUARTER_HOUR_MS));
        if self.latest.0 != quarter {
            let within = *self.hours.entry(quarter).or_insert_with(|| {
                // Hours begin elsewhere where the offset is no multiple of quarter hours, as long ago.
                let first = Timestamp::from_millis(quarter * QUARTER_HOUR_MS);
                let hour = zone.hour_start(first);
                (hour == zone.hour_start(first.plus(QUARTER_HOUR_MS - 1))).then_some(hour)
            });
            self.latest = (quarter, within);
        }
        self.latest.1.unwrap_or_else(|| zone.hour_start(at))
    }

    /// The cells whose counts are not all 0, `countries` being those of the helplines that were counted.
    #[must_use]
    pub fn into_cells(self, countries: &impl Countries) -> Vec<(Cell, Counts)> {
        let mut cells: HashMap<Cell, Counts> = HashMap::new();
        for (of, counts) in self.counts.into_iter().filter(|(_, counts)| !counts.is_zero()) {
            let day = self.zone.day(of.hour);
            let buckets = [of.hour.millis(), i64::from(day.0), i64::from(day.month().0)];
            for (scope, member) in sums(of.scope, of.member, countries).into_iter().flatten() {
                for (grain, bucket) in Grain::ALL.into_iter().zip(buckets) {
                    let cell = Cell { scope, grain, bucket, member, method: of.method };
                    cells.entry(cell).or_default().merge(&counts);
                }
            }
        }
        cells.into_iter().filter(|(_, counts)| !counts.is_zero()).collect()
    }
}

/// The scopes, and their members, that a count of one scope is part of: itself first.
fn sums(scope: Scope, member: i64, countries: &impl Countries) -> [Option<(Scope, i64)>; 3] {
    let country = || countries.country(HelplineNo(u32::try_from(member).unwrap_or(0))).number();
    match scope {
        Scope::Helpline => [Some((scope, member)), Some((Scope::Country, country())), Some((Scope::Application, 0))],
        Scope::HelplineMethod => {
            [Some((scope, member)), Some((Scope::CountryMethod, country())), Some((Scope::Method, 0))]
        }
        Scope::Application | Scope::Country | Scope::Method | Scope::CountryMethod => {
            [Some((scope, member)), None, None]
        }
    }
}

/// Counts with a sign into a [`Tally`].
pub struct Counter<'t> {
    tally: &'t mut Tally,
    /// The zone of the tally.
    pub zone: Zone,
    sign: i64,
}

impl<'t> Counter<'t> {
    /// Counts what is measured.
    pub fn plus(tally: &'t mut Tally) -> Self {
        Self { zone: tally.zone, tally, sign: 1 }
    }

    /// Takes back what is measured.
    pub fn minus(tally: &'t mut Tally) -> Self {
        Self { zone: tally.zone, tally, sign: -1 }
    }

    fn add(&mut self, figure: Figure, at: Timestamp, scope: Scope, member: i64, method: Option<ContactMethod>) {
        let hour = self.tally.hour_start(at);
        let of = Of { scope, hour, member, method: method.map_or(0, |method| method as u8) };
        self.tally.counts.entry(of).or_default().add(figure, self.sign);
    }

    /// A display figure of a helpline: additive over helplines and countries.
    pub fn display(&mut self, figure: Figure, at: Timestamp, helpline: HelplineNo) {
        self.add(figure, at, Scope::Helpline, helpline.into(), None);
    }

    /// A click figure of a helpline and method: additive over all.
    pub fn click(&mut self, figure: Figure, at: Timestamp, helpline: HelplineNo, method: ContactMethod) {
        self.display(figure, at, helpline);
        self.click_through(figure, at, helpline, method);
    }

    /// A figure that is counted once per method besides its total: only the counts by method.
    pub fn click_through(&mut self, figure: Figure, at: Timestamp, helpline: HelplineNo, method: ContactMethod) {
        self.add(figure, at, Scope::HelplineMethod, helpline.into(), Some(method));
    }

    /// A figure of the session as a whole.
    pub fn session(&mut self, figure: Figure, at: Timestamp) {
        self.add(figure, at, Scope::Application, 0, None);
    }

    /// A figure of the session, counted per country.
    pub fn session_in_country(&mut self, figure: Figure, at: Timestamp, country: CountryCode) {
        self.add(figure, at, Scope::Country, country.number(), None);
    }

    /// A figure of the session, counted per method.
    pub fn session_by_method(&mut self, figure: Figure, at: Timestamp, method: ContactMethod) {
        self.add(figure, at, Scope::Method, 0, Some(method));
    }

    /// A figure of the session, counted per country and method.
    pub fn session_in_country_by_method(
        &mut self,
        figure: Figure,
        at: Timestamp,
        country: CountryCode,
        method: ContactMethod,
    ) {
        self.add(figure, at, Scope::CountryMethod, country.number(), Some(method));
    }
}
