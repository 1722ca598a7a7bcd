//! Single events behind a step, in the order of time, a page at a time.

use super::judged::{Judged, Mark, with_events};
use super::{BLOCKS_PAGE, extent};
use crate::Engine;
use crate::actor::Reader;
use crate::directory::Directory;
use crate::error::Error;
use crate::ingest::event_id;
use crate::paging::no_page;
use crate::store::codec::Stored;
use crate::store::{self, Tx};
use domain::billing::judge::Judgement;
use domain::billing::{BillableFigure, Step};
use domain::event::{Action, ContactMethod};
use domain::fault::{FaultCode, Faults};
use domain::ids::{ApplicationNo, HelplineNo};
use domain::zone::{Day, Month};
use domain::{ApplicationId, EventId, HelplineId, Timestamp, Zone};
use serde::{Deserialize, Serialize};

/// Most events of a page.
pub const EVENTS_PAGE_MAX: usize = 5_000;

/// Which events of a month are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailFilter {
    /// Those behind a step; all accepted ones without it.
    pub step: Option<Step>,
    pub day: Option<Day>,
    pub application_id: Option<ApplicationId>,
    pub helpline_id: Option<HelplineId>,
    pub contact_method: Option<ContactMethod>,
}

/// An event of a month, and what became of it. Nothing tells its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementEvent {
    pub event_id: EventId,
    pub at: Timestamp,
    /// `None`: a display.
    pub contact_method: Option<ContactMethod>,
    pub application_id: ApplicationId,
    pub application_name: String,
    pub helpline_id: HelplineId,
    pub helpline_name: String,
    /// In the customer's log: 1, 2, 3 …
    pub place: u64,
    /// `None`: the application is a sandbox.
    pub judgement: Option<Judgement>,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementEvents {
    pub month: Month,
    pub time_zone: Zone,
    pub figure: BillableFigure,
    pub events: Vec<StatementEvent>,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
    /// The place in the customer's log up to which events take part: the next page must be asked for as of it.
    pub log_length: u64,
}

/// A filter with what it names looked up.
struct Wanted {
    step: Option<Step>,
    application: Option<ApplicationNo>,
    helpline: Option<HelplineNo>,
    method: Option<ContactMethod>,
    after: (Timestamp, u64),
}

impl Wanted {
    fn takes(&self, stored: &Stored, mark: Mark) -> bool {
        let event = &stored.event;
        (event.at, stored.place) > self.after
            && self.step.is_none_or(|step| mark.is_in(step))
            && self.application.is_none_or(|no| no == event.application)
            && self.helpline.is_none_or(|no| no == event.helpline)
            && self.method.is_none_or(|method| event.action == Action::Click(method))
    }
}

/// Reads a cursor: an instant and a place.
fn position(cursor: &str) -> Result<(Timestamp, u64), Error> {
    let parsed = cursor.split_once('.').and_then(|(at, place)| Some((at.parse().ok()?, place.parse().ok()?)));
    let (at, place) = parsed.ok_or_else(no_page)?;
    Ok((Timestamp::from_millis(at), place))
}

impl Engine {
    /// A page of the events of a month, and what became of each. `as_of` is a place in the customer's log: a list of a
    /// running month goes on from it as it began.
    ///
    /// # Errors
    /// [`Error::NotFound`] as [`Engine::usage`]; [`Error::Invalid`] for a filter that names what there is not, or if the
    /// month's events are kept no longer.
    pub async fn statement_events(
        &self,
        reader: &Reader,
        month: Month,
        filter: &TrailFilter,
        as_of: Option<u64>,
        paging: &crate::Paging,
    ) -> Result<StatementEvents, Error> {
        let directory = self.directory();
        let customer = reader.one()?.record.no;
        let absent = |field: &str, what: &str| {
            Error::from(Faults::one(field, FaultCode::FieldInvalid, format!("There is no such {what}.")))
        };
        let application = filter.application_id.map(|id| {
            let known = directory.application_of(customer, id).map(|entry| entry.record.no);
            known.ok_or_else(|| absent("application_id", "application"))
        });
        let helpline = filter
            .helpline_id
            .as_ref()
            .map(|id| directory.helpline_no(id.as_str()).ok_or_else(|| absent("helpline_id", "helpline")));
        let start = (Timestamp::from_millis(i64::MIN), 0);
        let wanted = Wanted {
            step: filter.step,
            application: application.transpose()?,
            helpline: helpline.transpose()?,
            method: filter.contact_method,
            after: paging.cursor.as_deref().map_or(Ok(start), position)?,
        };
        let (judged, usage) = self.judged(reader, month, as_of).await?;
        let (mut from, mut to) = extent((month, usage.time_zone));
        if let Some(day) = filter.day {
            from = from.max(usage.time_zone.day_start(day));
            to = to.min(usage.time_zone.day_start(Day(day.0.saturating_add(1))));
        }
        from = from.max(wanted.after.0);
        let limit = paging.limit.clamp(1, EVENTS_PAGE_MAX);
        let mut tx = self.0.db.snapshot().await?;
        // They may have been given up since they were judged.
        with_events(&mut tx, customer, (month, usage.time_zone)).await?;
        let (events, has_more) = page(&mut tx, &judged, &wanted, (from, to), limit).await?;
        let last = events.last().map(|(stored, ..)| format!("{}.{}", stored.event.at.millis(), stored.place));
        let events =
            events.iter().filter_map(|(stored, mark, because_of)| listed(&directory, stored, *mark, *because_of));
        Ok(StatementEvents {
            month,
            time_zone: usage.time_zone,
            figure: usage.waterfall.figure,
            events: events.collect(),
            next_cursor: last.filter(|_| has_more),
            log_length: judged.subject.log_length,
        })
    }
}

/// An event that a list takes, what became of it and after which other.
type Found = (Stored, Mark, Option<Timestamp>);

/// The first events, in the order of time, that are wanted, and whether there are more.
async fn page(
    tx: &mut Tx,
    judged: &Judged,
    wanted: &Wanted,
    range: (Timestamp, Timestamp),
    limit: usize,
) -> Result<(Vec<Found>, bool), Error> {
    let mut found: Vec<Found> = Vec::new();
    // Of one span, whose blocks are in the order in which events came.
    let mut of_span: Vec<Found> = Vec::new();
    let mut after = (i64::MIN, 0);
    loop {
        let blocks = store::blocks::page_between(tx, judged.subject.customer, range, after, BLOCKS_PAGE).await?;
        let is_end = blocks.is_none();
        if let Some((end, events)) = blocks {
            after = end;
            let taken = events.into_iter().filter_map(|stored| {
                let (mark, because_of) = judged.find(stored.place)?;
                wanted.takes(&stored, mark).then_some((stored, mark, because_of))
            });
            of_span.extend(taken);
        }
        // The last span may go on in the next blocks.
        of_span.sort_by_key(|(stored, ..)| (stored.event.at, stored.place));
        let is_whole = |(stored, ..): &Found| is_end || store::blocks::span(&stored.event).0 < after.0;
        let whole = of_span.partition_point(is_whole);
        found.extend(of_span.drain(..whole));
        if is_end || found.len() > limit {
            break;
        }
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok((found, has_more))
}

fn listed(directory: &Directory, stored: &Stored, mark: Mark, because_of: Option<Timestamp>) -> Option<StatementEvent> {
    let event = &stored.event;
    let application = &directory.application(event.application)?.record.application;
    let helpline = directory.helpline(event.helpline)?;
    Some(StatementEvent {
        event_id: event_id(event),
        at: event.at,
        contact_method: match event.action {
            Action::Display => None,
            Action::Click(method) => Some(method),
        },
        application_id: application.id,
        application_name: application.name.clone(),
        helpline_id: helpline.id.clone(),
        helpline_name: helpline.name.clone(),
        place: stored.place,
        judgement: mark.judgement(event.action, because_of),
    })
}
