//! The trail: from a step of the waterfall to the counts and then the single events behind it.
//!
//! Whether an event is billed depends on its session, and sessions lie all over a month. So the whole month is judged
//! once, session by session, and what became of each event is remembered by its place in the customer's log, in a few
//! bytes; lists are then read from the event blocks in the order of time. The log's length says which events take part:
//! those of an issued statement are the ones that it counted, whatever has arrived since.

mod judged;
mod list;

pub use judged::{StepCounts, StepKey};
pub use list::{StatementEvent, StatementEvents, TrailFilter};

use crate::aggregate::{entry_of, session_of};
use crate::error::Error;
use crate::store::codec::Session;
use crate::store::{self, Tx};
use domain::billing::BillableFigure;
use domain::event::SessionKey;
use domain::ids::CustomerNo;
use domain::metering::{ATTRIBUTION_MS, Entry, REPEAT_MS};
use domain::zone::{Month, Zone};
use domain::{Timestamp, timestamp::SECOND_MS};
use judged::Judged;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks that are read at once.
const BLOCKS_PAGE: i64 = 64;
/// Most events of a month that are listed one by one: what is remembered of them takes some 17 bytes each.
const MONTH_EVENTS_MAX: u64 = 30_000_000;
/// Months that are remembered, the latest looked at.
const REMEMBERED_MAX: usize = 8;
/// Most events of all of them together, unless a single one has more.
const REMEMBERED_EVENTS_MAX: usize = 4_000_000;
/// A running month is judged again after this long, in milliseconds.
const FRESH_MS: i64 = 60 * SECOND_MS;

/// Events of sessions, sorted, with their places in the customer's log.
pub(super) type Sessions = BTreeMap<Session, Vec<(Entry, u64)>>;

/// The first and last instant of a month.
pub(super) fn extent((month, zone): (Month, Zone)) -> (Timestamp, Timestamp) {
    (zone.day_start(month.first_day()), zone.day_start(month.plus(1).first_day()))
}

/// Reads the events of a month, and those next to it that decide about its own, of the sessions of a slice.
pub(super) async fn sessions_between(
    tx: &mut Tx,
    customer: CustomerNo,
    month: (Month, Zone),
    (first, last): (SessionKey, SessionKey),
) -> Result<Sessions, Error> {
    let (start, end) = extent(month);
    let range = (start.plus(-ATTRIBUTION_MS), end.plus(REPEAT_MS + 1));
    let mut sessions = Sessions::new();
    let mut after = (i64::MIN, 0);
    while let Some((at, events)) = store::blocks::page_between(tx, customer, range, after, BLOCKS_PAGE).await? {
        after = at;
        for stored in events.iter().filter(|stored| (first..=last).contains(&stored.event.session)) {
            let events = sessions.entry(session_of(&stored.event)).or_default();
            events.push((entry_of(&stored.event), stored.place));
        }
    }
    for events in sessions.values_mut() {
        events.sort_unstable();
    }
    Ok(sessions)
}

/// Which events are judged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subject {
    customer: CustomerNo,
    month: Month,
    zone: Zone,
    figure: BillableFigure,
    /// The place of the last event that takes part.
    log_length: u64,
}

/// The months that a process remembers.
#[derive(Default)]
pub(crate) struct Trails {
    remembered: Mutex<VecDeque<Arc<Judged>>>,
    /// Held by whoever judges a month: one at a time, as it takes memory and a processor.
    judging: tokio::sync::Mutex<()>,
}

impl Trails {
    /// A month that was judged already: the very same one, or, where any length of the log will do, one as of lately.
    fn find(&self, subject: &Subject, fresh_since: Option<Timestamp>) -> Option<Arc<Judged>> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let does = |judged: &Arc<Judged>| {
            let is_fresh = fresh_since.is_some_and(|since| judged.at >= since);
            let length = if is_fresh { subject.log_length } else { judged.subject.log_length };
            Subject { log_length: length, ..judged.subject } == *subject
        };
        let found = remembered.iter().position(does)?;
        let judged = remembered.remove(found)?;
        remembered.push_front(judged.clone());
        Some(judged)
    }

    fn remember(&self, judged: Arc<Judged>) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.push_front(judged);
        let too_much = |remembered: &VecDeque<Arc<Judged>>| {
            remembered.len() > REMEMBERED_MAX
                || remembered.iter().map(|judged| judged.len()).sum::<usize>() > REMEMBERED_EVENTS_MAX
        };
        while remembered.len() > 1 && too_much(&remembered) {
            remembered.pop_back();
        }
    }
}
