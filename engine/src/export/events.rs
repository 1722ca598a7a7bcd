//! Raw events in the order of time, with flat memory.
//!
//! Event blocks lie in spans of five minutes, each span's in the order in which its events came. So the events of a span
//! are gathered and sorted before they are given. A span that holds more than fits is read again in slices of time.
//!
//! No transaction is held from one page to the next, as a reader may be slow. What is written meanwhile moves events of
//! a span only to later blocks of it: none is passed over, one that comes twice is told by its place, and what is new
//! lies after the place in the log at which the export began.

use crate::Engine;
use crate::actor::Reader;
use crate::directory::Directory;
use crate::error::{Error, corrupt};
use crate::ingest::event_id;
use crate::store::aggregator::Kept;
use crate::store::blocks::{PageEnd, SPAN_MS, blocks_with, count_of_span, page_between, span};
use crate::store::codec::Stored;
use crate::store::{self, Db};
use domain::Timestamp;
use domain::event::{Action, ContactMethod};
use domain::export::Cell;
use domain::fault::{FaultCode, Faults};
use domain::helpline::CountryCode;
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::period::{Filter, Period};
use domain::zone::Zone;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Events of a page, about.
const PAGE_EVENTS: usize = 16_384;
/// Fewest and most blocks that are looked at at once: full ones, and ones with a few events.
const BLOCKS: (i64, i64) = (16, 2_048);
/// Most events of a span that are gathered at once, about.
const SPAN_EVENTS_MAX: usize = 131_072;

/// Which events are wanted, what a filter names looked up.
struct Wanted {
    applications: HashSet<ApplicationNo>,
    helpline: Option<HelplineNo>,
    country: Option<CountryCode>,
    method: Option<ContactMethod>,
    /// The place of the last event that takes part.
    until: u64,
}

impl Wanted {
    fn takes(&self, directory: &Directory, stored: &Stored) -> bool {
        let event = &stored.event;
        stored.place <= self.until
            && self.applications.contains(&event.application)
            && self.helpline.is_none_or(|no| no == event.helpline)
            && self.method.is_none_or(|method| event.action == Action::Click(method))
            && self.country.is_none_or(|code| directory.country(event.helpline) == Some(code))
    }
}

/// The events of an export that are still to come.
pub struct Events {
    db: Db,
    directory: Arc<Directory>,
    customer: CustomerNo,
    wanted: Wanted,
    from: Timestamp,
    to: Timestamp,
    after: PageEnd,
    blocks: i64,
    /// Of the last span, which may go on.
    gathered: Vec<Stored>,
    /// What is left of a span that holds more than fits.
    slices: VecDeque<(Timestamp, Timestamp)>,
    is_over: bool,
}

impl Events {
    /// The events of a customer's period that a filter takes.
    pub fn new(engine: &Engine, reader: &Reader, period: Period, filter: &Filter, kept: &Kept) -> Result<Self, Error> {
        let customer = &reader.one()?.record;
        let directory = engine.directory();
        let zone = customer.customer.time_zone;
        let applications = engine.question(&directory, reader, filter, None)?.applications;
        let wanted = Wanted {
            applications: applications.into_iter().collect(),
            helpline: filter.helpline_id.as_ref().and_then(|id| directory.helpline_no(id.as_str())),
            country: filter.country_code,
            method: filter.contact_method,
            until: kept.log_length,
        };
        let (from, to) = (zone.day_start(period.from), zone.day_start(period.to));
        check_kept(kept, from)?;
        Ok(Self {
            db: engine.0.db.clone(),
            directory,
            customer: customer.no,
            wanted,
            from,
            to,
            after: (i64::MIN, 0),
            blocks: BLOCKS.0,
            gathered: Vec::new(),
            slices: VecDeque::new(),
            is_over: false,
        })
    }

    /// The directory that knows all that these events name.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The next events, in order; `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Stored>>, Error> {
        loop {
            let events = if let Some(slice) = self.slices.pop_front() {
                self.slice(slice).await?
            } else if self.is_over {
                break;
            } else {
                self.page().await?
            };
            if !events.is_empty() {
                return Ok(Some(in_order(events)));
            }
        }
        // A month that was given up meanwhile is missing in what was read.
        let mut tx = self.db.snapshot().await?;
        let kept = store::aggregator::kept(&mut tx, &[self.customer]).await?;
        check_kept(kept.get(&self.customer).ok_or(Error::NotFound)?, self.from)?;
        Ok(None)
    }

    /// Events of the spans that are whole with the next blocks.
    async fn page(&mut self) -> Result<Vec<Stored>, Error> {
        let mut tx = self.db.snapshot().await?;
        let range = (self.from, self.to);
        // After a quiet week there may be a busy one.
        let most = (self.blocks, PAGE_EVENTS as u64);
        let blocks = blocks_with(&mut tx, self.customer, range, self.after, most).await?;
        let page = page_between(&mut tx, self.customer, range, self.after, blocks).await?;
        let Some((end, events)) = page else {
            self.is_over = true;
            return Ok(std::mem::take(&mut self.gathered));
        };
        self.after = end;
        self.blocks = match events.len() {
            _ if blocks < self.blocks => (blocks * 2).max(BLOCKS.0),
            few if few < PAGE_EVENTS / 2 => (self.blocks * 2).min(BLOCKS.1),
            _ => self.blocks,
        };
        let mut all = std::mem::take(&mut self.gathered);
        all.extend(events.into_iter().filter(|stored| self.wanted.takes(&self.directory, stored)));
        let (gathered, whole): (Vec<_>, Vec<_>) = all.into_iter().partition(|stored| span(&stored.event).0 == end.0);
        if gathered.len() > SPAN_EVENTS_MAX {
            let events = count_of_span(&mut tx, (end.0, self.customer)).await?;
            self.slices = cut(end.0, events);
            self.after = (end.0, i64::MAX);
        } else {
            self.gathered = gathered;
        }
        // Ended here, the connection is there again for the next page: each has a cache of its own.
        tx.commit().await?;
        Ok(whole)
    }

    /// The events of a slice of a span.
    async fn slice(&self, (from, to): (Timestamp, Timestamp)) -> Result<Vec<Stored>, Error> {
        let range = (from.max(self.from), to.min(self.to));
        let mut events = Vec::new();
        let mut after = (i64::MIN, 0);
        loop {
            let mut tx = self.db.snapshot().await?;
            let page = page_between(&mut tx, self.customer, range, after, BLOCKS.0).await?;
            tx.commit().await?;
            let Some((end, page)) = page else { break };
            after = end;
            events.extend(page.into_iter().filter(|stored| self.wanted.takes(&self.directory, stored)));
        }
        Ok(events)
    }
}

/// Cuts a span into slices of time, so that of so many events about half of what fits lies in each.
fn cut(span: i64, events: u64) -> VecDeque<(Timestamp, Timestamp)> {
    let slices = i64::try_from(events / (SPAN_EVENTS_MAX as u64 / 2) + 1).unwrap_or(SPAN_MS).min(SPAN_MS);
    let start = |slice: i64| Timestamp::from_millis(span + SPAN_MS * slice / slices);
    (0..slices).map(|slice| (start(slice), start(slice + 1))).collect()
}

/// Events in the order of time, each once.
fn in_order(mut events: Vec<Stored>) -> Vec<Stored> {
    // A stable sort, as much is in order already.
    events.sort_by_key(|stored| (stored.event.at, stored.place));
    events.dedup_by_key(|stored| stored.place);
    events
}

fn check_kept(kept: &Kept, from: Timestamp) -> Result<(), Error> {
    match kept.events_from {
        Some(since) if from < since => {
            let detail = format!("Raw events from before {since} are kept no longer. Figures are.");
            Err(Faults::one("from", FaultCode::PeriodInvalid, detail).into())
        }
        _ => Ok(()),
    }
}

/// The cells of an event, in the order of the columns.
pub fn cells<'a>(directory: &'a Directory, zone: Zone, stored: &Stored) -> Result<[Cell<'a>; 12], Error> {
    let event = &stored.event;
    let application = directory.application(event.application).ok_or_else(|| corrupt("application of an event"))?;
    let application = &application.record.application;
    let helpline = directory.helpline(event.helpline).ok_or_else(|| corrupt("helpline of an event"))?;
    let (kind, method) = match event.action {
        Action::Display => ("helpline_display", Cell::Empty),
        Action::Click(method) => ("helpline_click", Cell::Text(method.as_str())),
    };
    Ok([
        Cell::Id(event_id(event).uuid()),
        Cell::Text(kind),
        Cell::Instant(event.at),
        Cell::Local(event.at, zone),
        Cell::Id(application.id.uuid()),
        Cell::Text(&application.name),
        Cell::Text(application.tier.as_str()),
        Cell::Text(helpline.id.as_str()),
        Cell::Text(&helpline.name),
        Cell::Text(helpline.country.code.as_str()),
        method,
        Cell::Integer(i64::try_from(stored.place).unwrap_or(i64::MAX)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{Event, SessionKey};

    #[test]
    fn slices_cover_a_span_once() {
        for events in [0, 1, 65_536, 131_072, 9_000_000, u64::MAX] {
            let slices = cut(SPAN_MS * 7, events);
            assert_eq!(slices.front().map(|(from, _)| from.millis()), Some(SPAN_MS * 7));
            assert_eq!(slices.back().map(|(_, to)| to.millis()), Some(SPAN_MS * 8));
            assert!(slices.iter().zip(slices.iter().skip(1)).all(|(a, b)| a.1 == b.0 && a.0 < a.1));
        }
        assert_eq!(cut(0, 131_072).len(), 3);
    }

    #[test]
    fn events_that_came_twice_are_one() {
        let at = |millis| Event {
            at: Timestamp::from_millis(millis),
            customer: CustomerNo(1),
            application: ApplicationNo(1),
            helpline: HelplineNo(1),
            action: Action::Display,
            session: SessionKey([0; 16]),
        };
        let stored = |millis, place| Stored { event: at(millis), place };
        let events = vec![stored(5, 3), stored(1, 2), stored(5, 1), stored(5, 3), stored(1, 2)];
        let places: Vec<_> = in_order(events).iter().map(|stored| stored.place).collect();
        assert_eq!(places, [2, 1, 3]);
    }
}
