//! Exports: raw events and figures of one customer, a page at a time, however many there are.

mod events;
mod jobs;
mod place;

pub use jobs::{BegunExport, ExportTask};

use crate::Engine;
use crate::actor::Reader;
use crate::directory::Directory;
use crate::error::Error;
use crate::store;
use crate::store::aggregator::Kept;
use crate::store::codec::Stored;
use domain::account::Tier;
use domain::export::{Cell, Kind, Subject, check_period};
use domain::fault::{FaultCode, Faults};
use domain::figures::{Counts, Scope};
use domain::helpline::CountryCode;
use domain::ids::CustomerNo;
use domain::period::{Filter, Interval, Period};
use domain::zone::{Day, Zone};
use events::Events;
use std::sync::Arc;

/// Rows of figures that come at once.
const FIGURES_PAGE: usize = 1_000;

/// An export that is being read.
pub struct Export {
    subject: Subject,
    rows: Rows,
}

enum Rows {
    Events(Box<Events>),
    /// Those of figures are as many as days or helplines, and all of one state.
    Figures(Scope, std::vec::IntoIter<FigureRow>),
}

/// A row of figures and what it is about.
#[derive(Debug, Clone)]
struct FigureRow {
    of: RowOf,
    counts: Counts,
}

#[derive(Debug, Clone)]
enum RowOf {
    Day(Day),
    Helpline(String, String, Option<CountryCode>),
    /// Anything else, with its id and its name.
    Named(String, String),
}

/// Some rows of an export.
pub struct ExportPage(Page);

enum Page {
    Events { directory: Arc<Directory>, zone: Zone, events: Vec<Stored> },
    Figures { scope: Scope, rows: Vec<FigureRow> },
}

impl Export {
    /// What the export is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The next rows; `None` when there are no more.
    ///
    /// # Errors
    /// Of the store; and [`Error::Invalid`] if raw events of the period were given up meanwhile.
    pub async fn next(&mut self) -> Result<Option<ExportPage>, Error> {
        let page = match &mut self.rows {
            Rows::Events(events) => events.next().await?.map(|page| Page::Events {
                directory: events.directory().clone(),
                zone: self.subject.time_zone,
                events: page,
            }),
            Rows::Figures(scope, rows) => {
                let page: Vec<_> = rows.by_ref().take(FIGURES_PAGE).collect();
                (!page.is_empty()).then_some(Page::Figures { scope: *scope, rows: page })
            }
        };
        Ok(page.map(ExportPage))
    }
}

impl ExportPage {
    /// Gives each row as its cells, in the order of the columns.
    ///
    /// # Errors
    /// Those of `row`.
    pub fn each<E: From<Error>>(&self, mut row: impl FnMut(&[Cell<'_>]) -> Result<(), E>) -> Result<(), E> {
        match &self.0 {
            Page::Events { directory, zone, events } => {
                events.iter().try_for_each(|stored| row(&events::cells(directory, *zone, stored)?))
            }
            Page::Figures { scope, rows } => {
                let mut cells = Vec::new();
                for figures in rows {
                    cells.clear();
                    figures.write(*scope, &mut cells);
                    row(&cells)?;
                }
                Ok(())
            }
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        match &self.0 {
            Page::Events { events, .. } => events.len(),
            Page::Figures { rows, .. } => rows.len(),
        }
    }

    /// Of raw events, which come in the order of time: the day that has been reached.
    #[must_use]
    pub fn day(&self) -> Option<Day> {
        match &self.0 {
            Page::Events { zone, events, .. } => events.last().map(|stored| zone.day(stored.event.at)),
            Page::Figures { .. } => None,
        }
    }
}

impl FigureRow {
    fn write<'a>(&'a self, scope: Scope, cells: &mut Vec<Cell<'a>>) {
        match &self.of {
            RowOf::Day(day) => cells.push(Cell::Date(*day)),
            RowOf::Helpline(id, name, country) => {
                let country = country.as_ref().map_or(Cell::Empty, |code| Cell::Text(code.as_str()));
                cells.extend([Cell::Text(id), Cell::Text(name), country]);
            }
            RowOf::Named(id, name) => cells.extend([Cell::Text(id), Cell::Text(name)]),
        }
        cells.extend(scope.figures().map(|figure| Cell::Integer(self.counts.get(figure))));
        cells.extend(scope.ctr_of().map(|_| self.counts.ctr(scope).map_or(Cell::Empty, Cell::Ratio)));
    }
}

impl Engine {
    /// Begins an export of a customer's raw events or figures. Raw events are those that were counted when it begins,
    /// whatever arrives meanwhile, or up to a place in the customer's log, `as_of`; figures are as they are then.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of all customers; [`Error::Invalid`] for a period that has not begun, for a
    /// filter that names what there is not, for figures as of a place, and for raw events that are kept no longer;
    /// [`Error::Unavailable`] for figures while they are counted anew in another time zone.
    pub async fn export(
        &self,
        reader: &Reader,
        kind: Kind,
        period: Period,
        filter: &Filter,
        as_of: Option<u64>,
    ) -> Result<Export, Error> {
        let customer = &reader.one()?.record;
        let time_zone = customer.customer.time_zone;
        let made_at = self.now();
        check_period(period, time_zone.day(made_at))?;
        if as_of.is_some() && kind != Kind::Events {
            let detail = "Only raw events are kept by their places in the log.";
            return Err(Faults::one("as_of", FaultCode::FieldInvalid, detail).into());
        }
        let kept = self.kept(customer.no).await?;
        // After the place in the log: what lies before that names only what is known by now.
        self.refresh_directory().await?;
        let subject = Subject {
            kind,
            customer_id: customer.customer.id,
            customer_name: customer.customer.name.clone(),
            period,
            time_zone,
            filter: Filter { tier: Some(filter.tier.unwrap_or(Tier::Production)), ..filter.clone() },
            made_at,
            log_length: None,
        };
        if kind == Kind::Events {
            let until = as_of.map_or(kept.log_length, |as_of| as_of.min(kept.log_length));
            let subject = Subject { log_length: Some(until), ..subject };
            let kept = Kept { log_length: until, ..kept };
            let rows = Rows::Events(Box::new(Events::new(self, reader, period, filter, &kept)?));
            return Ok(Export { subject, rows });
        }
        check_zone(&kept, time_zone)?;
        let (scope, rows) = match kind {
            Kind::Days => self.day_rows(reader, period, time_zone.day(made_at), filter).await?,
            _ => self.breakdown_rows(reader, kind, period, filter).await?,
        };
        // They may have been counted anew while they were read.
        check_zone(&self.kept(customer.no).await?, time_zone)?;
        Ok(Export { subject, rows: Rows::Figures(scope, rows.into_iter()) })
    }

    /// What a customer's figures are kept by.
    pub(crate) async fn kept(&self, customer: CustomerNo) -> Result<Kept, Error> {
        let mut tx = self.0.db.snapshot().await?;
        store::aggregator::kept_of(&mut tx, customer).await
    }

    /// The days up to today. Days ahead have none but counts of events whose clocks are ahead.
    async fn day_rows(
        &self,
        reader: &Reader,
        period: Period,
        today: Day,
        filter: &Filter,
    ) -> Result<(Scope, Vec<FigureRow>), Error> {
        let series = self.timeseries(reader, period, Interval::Day, filter).await?;
        let begun = series.buckets.into_iter().filter(|(bucket, counts)| bucket.day <= today || !counts.is_zero());
        let rows = begun.map(|(bucket, counts)| FigureRow { of: RowOf::Day(bucket.day), counts });
        Ok((series.scope, rows.collect()))
    }

    async fn breakdown_rows(
        &self,
        reader: &Reader,
        kind: Kind,
        period: Period,
        filter: &Filter,
    ) -> Result<(Scope, Vec<FigureRow>), Error> {
        let by = kind.breakdown().ok_or(Error::NotFound)?;
        let (_, scope, rows) = self.whole_breakdown(reader, period, by, filter).await?;
        let directory = self.directory();
        let country = |id: &str| directory.helpline_no(id).and_then(|no| directory.country(no));
        let rows = rows.into_iter().map(|row| {
            let of = if kind == Kind::Helplines {
                let country = country(&row.key);
                RowOf::Helpline(row.key, row.name, country)
            } else {
                RowOf::Named(row.key, row.name)
            };
            FigureRow { of, counts: row.counts }
        });
        Ok((scope, rows.collect()))
    }
}

/// Refuses figures that were counted in another zone than the customer's: their days are not those that are asked for.
///
/// # Errors
/// [`Error::Unavailable`]: they are being counted anew.
pub(crate) fn check_zone(kept: &Kept, zone: Zone) -> Result<(), Error> {
    if kept.zone == zone {
        return Ok(());
    }
    Err(Error::Unavailable("the figures are being counted anew in another time zone".to_owned()))
}
