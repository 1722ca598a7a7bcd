//! Where counts fall: the cells of the count tables.
//!
//! Counting touches as few cells as can be: by the hour, and additive figures by helpline alone. Days and months,
//! countries and totals are their sums and are made at the end, by [`Tally::into_cells`].

use super::Countries;
use super::month::{Pair, Shown};
use crate::event::ContactMethod;
use crate::figures::{Counts, Figure, Scope};
use crate::helpline::CountryCode;
use crate::ids::HelplineNo;
use crate::timestamp::Timestamp;
use crate::zone::{Month, QUARTER_HOUR_MS, Zone};
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

/// What a quarter of an hour lies in.
#[derive(Debug, Clone, Copy)]
struct Quarter {
    start: Timestamp,
    hour: Timestamp,
    month: Month,
}

impl Quarter {
    /// The quarter hour of an instant; `None` if it lies in several hours: a zone has to be asked for each instant.
    fn of(at: Timestamp, zone: Zone) -> Option<Self> {
        // Hours begin elsewhere where the offset is no multiple of quarter hours, as long ago.
        let start = Timestamp::from_millis(at.millis().div_euclid(QUARTER_HOUR_MS) * QUARTER_HOUR_MS);
        let last = start.plus(QUARTER_HOUR_MS - 1);
        let (hour, month) = (zone.hour_start(start), zone.day(start).month());
        ((hour, month) == (zone.hour_start(last), zone.day(last).month())).then_some(Self { start, hour, month })
    }

    fn has(&self, at: Timestamp) -> bool {
        (0..QUARTER_HOUR_MS).contains(&(at.millis() - self.start.millis()))
    }
}

/// A signed sum of counts, in a customer's time zone.
#[derive(Debug)]
pub struct Tally {
    zone: Zone,
    /// Where in `counts` those of a cell are.
    places: HashMap<Of, usize>,
    counts: Vec<Counts>,
    /// The cell of each scope that was counted last: most figures of a session fall into a few cells.
    latest: [Option<(Of, usize)>; Scope::ALL.len()],
    /// What quarter hours lie in: a zone's offsets are costly to look up.
    quarters: HashMap<i64, Option<Quarter>>,
    /// The quarter hour that was looked up last: events mostly come in the order of time.
    latest_quarter: Option<Quarter>,
    room: Room,
}

/// Room for what is put together of one session, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub instants: Vec<Timestamp>,
    pub pairs: Vec<(Month, Pair)>,
    pub by_country: Vec<(CountryCode, Shown)>,
}

impl Tally {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self {
            zone,
            places: HashMap::new(),
            counts: Vec::new(),
            latest: [None; Scope::ALL.len()],
            quarters: HashMap::new(),
            latest_quarter: None,
            room: Room::default(),
        }
    }

    fn quarter(&mut self, at: Timestamp) -> Option<Quarter> {
        if !self.latest_quarter.is_some_and(|latest| latest.has(at)) {
            let number = at.millis().div_euclid(QUARTER_HOUR_MS);
            self.latest_quarter = *self.quarters.entry(number).or_insert_with(|| Quarter::of(at, self.zone));
        }
        self.latest_quarter
    }

    fn hour_start(&mut self, at: Timestamp) -> Timestamp {
        self.quarter(at).map_or_else(|| self.zone.hour_start(at), |quarter| quarter.hour)
    }

    /// The counts of a cell.
    fn counts(&mut self, of: Of) -> &mut Counts {
        let latest = &mut self.latest[of.scope as usize];
        let place = match *latest {
            Some((cell, place)) if cell == of => place,
            _ => {
                let place = *self.places.entry(of).or_insert(self.counts.len());
                *latest = Some((of, place));
                place
            }
        };
        if place == self.counts.len() {
            self.counts.push(Counts::default());
        }
        &mut self.counts[place]
    }

    /// The cells whose counts are not all 0, `countries` being those of the helplines that were counted.
    #[must_use]
    pub fn into_cells(self, countries: &impl Countries) -> Vec<(Cell, Counts)> {
        let mut cells: HashMap<Cell, Counts> = HashMap::new();
        let counted = self.places.into_iter().map(|(of, place)| (of, self.counts[place]));
        for (of, counts) in counted.filter(|(_, counts)| !counts.is_zero()) {
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
    sign: i64,
}

impl<'t> Counter<'t> {
    /// Counts what is measured.
    pub fn plus(tally: &'t mut Tally) -> Self {
        Self { tally, sign: 1 }
    }

    /// Takes back what is measured.
    pub fn minus(tally: &'t mut Tally) -> Self {
        Self { tally, sign: -1 }
    }

    /// The local month of an instant.
    pub(super) fn month(&mut self, at: Timestamp) -> Month {
        self.tally.quarter(at).map_or_else(|| self.tally.zone.day(at).month(), |quarter| quarter.month)
    }

    /// The room that sessions are measured in.
    pub(super) fn room(&mut self) -> &mut Room {
        &mut self.tally.room
    }

    fn add(&mut self, figures: &[Figure], at: Timestamp, scope: Scope, member: i64, method: Option<ContactMethod>) {
        let hour = self.tally.hour_start(at);
        let of = Of { scope, hour, member, method: method.map_or(0, |method| method as u8) };
        let counts = self.tally.counts(of);
        for figure in figures {
            counts.add(*figure, self.sign);
        }
    }

    /// Display figures of a helpline: additive over helplines and countries.
    pub fn display(&mut self, figures: &[Figure], at: Timestamp, helpline: HelplineNo) {
        self.add(figures, at, Scope::Helpline, helpline.into(), None);
    }

    /// Click figures of a helpline and method: additive over all.
    pub fn click(&mut self, figures: &[Figure], at: Timestamp, helpline: HelplineNo, method: ContactMethod) {
        self.display(figures, at, helpline);
        self.click_through(figures, at, helpline, method);
    }

    /// Figures that are counted once per method besides their total: only the counts by method.
    pub fn click_through(&mut self, figures: &[Figure], at: Timestamp, helpline: HelplineNo, method: ContactMethod) {
        self.add(figures, at, Scope::HelplineMethod, helpline.into(), Some(method));
    }

    /// Figures of the session as a whole.
    pub fn session(&mut self, figures: &[Figure], at: Timestamp) {
        self.add(figures, at, Scope::Application, 0, None);
    }

    /// Figures of the session, counted per country.
    pub fn session_in_country(&mut self, figures: &[Figure], at: Timestamp, country: CountryCode) {
        self.add(figures, at, Scope::Country, country.number(), None);
    }

    /// Figures of the session, counted per method.
    pub fn session_by_method(&mut self, figures: &[Figure], at: Timestamp, method: ContactMethod) {
        self.add(figures, at, Scope::Method, 0, Some(method));
    }

    /// Figures of the session, counted per country and method.
    pub fn session_in_country_by_method(
        &mut self,
        figures: &[Figure],
        at: Timestamp,
        country: CountryCode,
        method: ContactMethod,
    ) {
        self.add(figures, at, Scope::CountryMethod, country.number(), Some(method));
    }
}
