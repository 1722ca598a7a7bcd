//! Where counts fall: the cells of the count tables.

use crate::event::ContactMethod;
use crate::figures::{Counts, Figure, Scope};
use crate::helpline::CountryCode;
use crate::ids::HelplineNo;
use crate::timestamp::Timestamp;
use crate::zone::Zone;
use std::collections::HashMap;

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

/// A signed sum of counts by cell.
#[derive(Debug, Default)]
pub struct Tally {
    cells: HashMap<Cell, Counts>,
}

/// Counts with a sign into a [`Tally`], in a customer's time zone.
pub struct Counter<'t> {
    pub tally: &'t mut Tally,
    pub zone: Zone,
    /// +1 to count, −1 to take back.
    pub sign: i64,
}

impl Tally {
    /// The cells whose counts are not all 0.
    pub fn into_cells(self) -> impl Iterator<Item = (Cell, Counts)> {
        self.cells.into_iter().filter(|(_, counts)| !counts.is_zero())
    }
}

/// The buckets of one instant.
#[derive(Clone, Copy)]
struct Buckets([i64; 3]);

impl Counter<'_> {
    fn buckets(&self, at: Timestamp) -> Buckets {
        let day = self.zone.day(at);
        Buckets([self.zone.hour_start(at).millis(), i64::from(day.0), i64::from(day.month().0)])
    }

    fn add(&mut self, figure: Figure, buckets: Buckets, scope: Scope, member: i64, method: Option<ContactMethod>) {
        let method = method.map_or(0, |method| method as u8);
        for (grain, bucket) in Grain::ALL.into_iter().zip(buckets.0) {
            let cell = Cell { scope, grain, bucket, member, method };
            self.tally.cells.entry(cell).or_default().add(figure, self.sign);
        }
    }

    /// A display figure of a helpline: additive over helplines and countries.
    pub fn display(&mut self, figure: Figure, at: Timestamp, helpline: HelplineNo, country: CountryCode) {
        let buckets = self.buckets(at);
        self.add(figure, buckets, Scope::Application, 0, None);
        self.add(figure, buckets, Scope::Helpline, helpline.into(), None);
        self.add(figure, buckets, Scope::Country, country.number(), None);
    }

    /// A click figure of a helpline and method: additive over all.
    pub fn click(
        &mut self,
        figure: Figure,
        at: Timestamp,
        helpline: HelplineNo,
        country: CountryCode,
        method: ContactMethod,
    ) {
        self.display(figure, at, helpline, country);
        self.click_through(figure, at, helpline, country, method);
    }

    /// A figure that is counted once per method besides its total: only the counts by method.
    pub fn click_through(
        &mut self,
        figure: Figure,
        at: Timestamp,
        helpline: HelplineNo,
        country: CountryCode,
        method: ContactMethod,
    ) {
        let buckets = self.buckets(at);
        self.add(figure, buckets, Scope::Method, 0, Some(method));
        self.add(figure, buckets, Scope::HelplineMethod, helpline.into(), Some(method));
        self.add(figure, buckets, Scope::CountryMethod, country.number(), Some(method));
    }

    /// A figure of the session as a whole.
    pub fn session(&mut self, figure: Figure, at: Timestamp) {
        self.add(figure, self.buckets(at), Scope::Application, 0, None);
    }

    /// A figure of the session, counted per country.
    pub fn session_in_country(&mut self, figure: Figure, at: Timestamp, country: CountryCode) {
        self.add(figure, self.buckets(at), Scope::Country, country.number(), None);
    }

    /// A figure of the session, counted per method.
    pub fn session_by_method(&mut self, figure: Figure, at: Timestamp, method: ContactMethod) {
        self.add(figure, self.buckets(at), Scope::Method, 0, Some(method));
    }

    /// A figure of the session, counted per country and method.
    pub fn session_in_country_by_method(
        &mut self,
        figure: Figure,
        at: Timestamp,
        country: CountryCode,
        method: ContactMethod,
    ) {
        self.add(figure, self.buckets(at), Scope::CountryMethod, country.number(), Some(method));
    }
}
