//! What the aggregator knows of sessions: the latest events in memory, all others in runs.

use super::gathered::{Gathered, Walk};
use crate::error::Error;
use crate::pace::breathe;
use crate::store::Db;
use crate::store::codec::{OfSession, Session};
use crate::store::filter::{Mark, hash};
use crate::store::runs::{self, Frozen, NewRun, Run};
use domain::Timestamp;
use domain::event::Event;
use domain::ids::CustomerNo;
use domain::metering::{Entry, NEIGHBOURHOOD_MS};
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Sessions that a run is asked for between two rests.
const ASKED_BETWEEN_RESTS: usize = 2_048;
/// Runs of further apart are not merged, so that old ones stay alone and are not read.
const RUN_SPAN_MAX_MS: i64 = 62 * domain::timestamp::DAY_MS;

/// An event as its session knows it.
pub(crate) fn entry(event: &Event) -> Entry {
    Entry { helpline: event.helpline, action: event.action, at: event.at }
}

/// The session of an event.
pub(crate) fn session(event: &Event) -> Session {
    Session { key: event.session, application: event.application }
}

/// What is known of a customer's sessions.
#[derive(Default)]
struct OfCustomer {
    /// Events that are in no run …
    recent: Gathered,
    /// … and those that are being packed as one, sorted.
    frozen: Arc<Vec<OfSession>>,
    /// Oldest first.
    runs: Vec<Run>,
}

/// What is known of all sessions.
pub(super) struct Known {
    of: BTreeMap<CustomerNo, OfCustomer>,
}

/// A session that runs are asked for, and from when to when its events are that are to be counted.
pub(super) struct Asked {
    pub session: Session,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// Events of some sessions that were found in runs.
#[derive(Default)]
pub(super) struct Earlier(pub(super) HashMap<(CustomerNo, Session), Vec<Entry>>);

impl Earlier {
    /// Those of a session, sorted.
    pub fn of(&self, customer: CustomerNo, session: Session) -> &[Entry] {
        self.0.get(&(customer, session)).map_or(&[], Vec::as_slice)
    }
}

impl Known {
    /// Knows what is in these runs.
    pub fn new(runs: Vec<Run>) -> Self {
        let mut of: BTreeMap<CustomerNo, OfCustomer> = BTreeMap::new();
        for run in runs {
            of.entry(run.customer).or_default().runs.push(run);
        }
        Self { of }
    }

    /// How many events are in memory, but for those that are being packed.
    pub fn recent_events(&self) -> usize {
        self.of.values().map(|of| of.recent.len()).sum()
    }

    /// Takes events into memory that have been counted before; retries among them change nothing.
    pub fn remember(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut counted: BTreeMap<CustomerNo, Vec<OfSession>> = BTreeMap::new();
        for event in events {
            counted.entry(event.customer).or_default().push((session(&event), entry(&event)));
        }
        for (customer, mut events) in counted {
            events.sort_unstable();
            events.dedup();
            let (mut memory, mut known) = (self.in_memory(customer), Vec::new());
            events.retain(|(session, entry)| {
                known.clear();
                memory.find(*session, &mut known);
                !known.contains(entry)
            });
            self.add(customer, events);
        }
    }

    /// What is known of a customer's sessions in memory.
    pub fn in_memory(&self, customer: CustomerNo) -> Walk<'_> {
        let of = self.of.get(&customer);
        Walk::through(of.into_iter().flat_map(|of| of.recent.layers().chain([of.frozen.as_slice()])))
    }

    /// Takes events into memory that are not known yet.
    pub fn add(&mut self, customer: CustomerNo, new: Vec<OfSession>) {
        self.of.entry(customer).or_default().recent.add(new);
    }

    /// Finds the events in runs that the figures of these sessions depend on, and goes on holding filters of so many bytes.
    pub async fn look_up(
        &mut self,
        db: &Db,
        asked: BTreeMap<CustomerNo, Vec<Asked>>,
        filter_bytes: usize,
    ) -> Result<Earlier, Error> {
        let (mut earlier, mut held_bytes) = (Earlier::default(), self.hold_of_others(&asked, filter_bytes));
        for (customer, asked) in asked {
            let Some(of) = self.of.get_mut(&customer) else { continue };
            let (mut wanted, mut held) = (Wanted::default(), Vec::new());
            for run in &mut of.runs {
                if !asked.iter().any(|asked| is_near(run, asked)) {
                    // Of a time that is over, mostly: it takes three bytes a session.
                    run.filter = None;
                    continue;
                }
                run.read_filter(db).await?;
                held_bytes += run.filter_size();
                if held_bytes > filter_bytes {
                    wanted.ask(&[run], &asked);
                    run.filter = None;
                } else {
                    held.push(&*run);
                }
            }
            wanted.ask(&held, &asked);
            let parts: Vec<(i64, i64)> = wanted.parts.into_iter().collect();
            for (session, entries) in runs::parts(db, customer, &parts).await? {
                if wanted.sessions.contains(&session) {
                    earlier.0.entry((customer, session)).or_default().extend(entries);
                }
            }
        }
        for entries in earlier.0.values_mut() {
            entries.sort_unstable();
        }
        Ok(earlier)
    }

    /// How many bytes of filters are held of customers that are not asked for; none where these would be too many.
    fn hold_of_others(&mut self, asked: &BTreeMap<CustomerNo, Vec<Asked>>, filter_bytes: usize) -> usize {
        let others = self.of.iter_mut().filter(|(customer, _)| !asked.contains_key(customer));
        let runs: Vec<&mut Run> = others.flat_map(|(_, of)| &mut of.runs).collect();
        let bytes = runs.iter().map(|run| run.filter_size()).sum();
        if bytes <= filter_bytes / 2 {
            return bytes;
        }
        runs.into_iter().for_each(|run| run.filter = None);
        0
    }

    /// Forgets a customer's runs all of whose events lie before an instant.
    pub fn give_up(&mut self, customer: CustomerNo, before: Timestamp) {
        if let Some(of) = self.of.get_mut(&customer) {
            of.runs.retain(|run| run.last_at >= before);
        }
    }

    /// The numbers of a customer's runs, in their order.
    pub fn runs(&self, customer: CustomerNo) -> Vec<i64> {
        self.of.get(&customer).map_or_else(Vec::new, |of| of.runs.iter().map(|run| run.no).collect())
    }

    /// Freezes what is in memory, to be packed as runs, merged with earlier ones that are not larger, up to `events_max`
    /// events: so there are few of them, and an event is written again only as often as their number doubles. What is frozen
    /// is known until [`Self::flushed`]; until then nothing may be frozen, nor given up.
    pub fn freeze(&mut self, events_max: usize) -> Vec<Frozen> {
        let mut all_frozen = Vec::new();
        for (customer, of) in &mut self.of {
            let sessions = std::mem::take(&mut of.recent).into_sorted();
            let extent = runs::extent(sessions.iter().map(|(_, entry)| entry));
            let Some((mut first, mut last, mut events)) = extent else { continue };
            let mut merged = Vec::new();
            for run in of.runs.iter().rev() {
                let (joined_first, joined_last) = (first.min(run.first_at), last.max(run.last_at));
                let is_near = joined_last.millis() - joined_first.millis() <= RUN_SPAN_MAX_MS;
                if run.events > events || run.events + events > events_max || !is_near {
                    break;
                }
                (first, last, events) = (joined_first, joined_last, events + run.events);
                merged.push(run.without_filter());
            }
            let no = of.runs.last().map_or(0, |last| last.no) + 1;
            of.frozen = Arc::new(sessions);
            let (customer, in_memory) = (*customer, of.frozen.clone());
            all_frozen.push(Frozen { customer, no, extent: (first, last, events), in_memory, merged });
        }
        all_frozen
    }

    /// What was frozen is in these runs now.
    pub fn flushed(&mut self, runs: Vec<NewRun>) {
        for NewRun { run, replaces, .. } in runs {
            let of = self.of.entry(run.customer).or_default();
            of.runs.retain(|known| !replaces.contains(&known.no));
            of.runs.push(run);
            of.frozen = Arc::default();
        }
    }
}

/// Whether events of a run may be counted with those of a session that is asked for.
fn is_near(run: &Run, asked: &Asked) -> bool {
    let (first, last) = (run.first_at.plus(-NEIGHBOURHOOD_MS), run.last_at.plus(NEIGHBOURHOOD_MS));
    first <= asked.last_at && asked.first_at <= last
}

/// What is to be read of a customer's runs.
#[derive(Default)]
struct Wanted {
    /// Parts of runs …
    parts: BTreeSet<(i64, i64)>,
    /// … for the sake of these sessions.
    sessions: BTreeSet<Session>,
}

impl Wanted {
    /// Asks runs, whose filters are read, for sessions: each run for some of them before the next ones, so that these stay
    /// in the processor's cache however many runs there are.
    fn ask(&mut self, runs: &[&Run], asked: &[Asked]) {
        for some in asked.chunks(ASKED_BETWEEN_RESTS) {
            let marks: Vec<Mark> = some.iter().map(|asked| Mark::of(hash(&asked.session))).collect();
            for run in runs {
                breathe();
                // Most are new, so the filter is asked first.
                let may_be_known = some.iter().zip(&marks).filter(|(_, mark)| run.may_know(**mark));
                for (Asked { session, .. }, _) in may_be_known.filter(|(asked, _)| is_near(run, asked)) {
                    self.parts.insert((run.no, run.part_of(session)));
                    self.sessions.insert(*session);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{new_db, session as session_no};
    use domain::event::Action;
    use domain::ids::HelplineNo;

    const CUSTOMER: CustomerNo = CustomerNo(1);

    fn at(i: u32) -> Timestamp {
        Timestamp::from_millis(i64::from(i))
    }

    fn event(i: u32) -> Event {
        let Session { key, application } = session_no(i);
        Event {
            at: at(i),
            customer: CUSTOMER,
            application,
            helpline: HelplineNo(1),
            action: Action::Display,
            session: key,
        }
    }

    fn held_filters(known: &Known) -> usize {
        known.of[&CUSTOMER].runs.iter().filter(|run| run.filter.is_some()).count()
    }

    #[tokio::test]
    async fn sessions_are_found_in_runs_however_few_filters_are_held() {
        let (_directory, db) = new_db().await;
        let mut known = Known::new(Vec::new());
        for events in [0..3_000, 3_000..6_000] {
            known.remember(events.map(event));
            let mut runs = Vec::new();
            for frozen in known.freeze(3_000) {
                runs.push(runs::saved(&db, frozen).await);
            }
            known.flushed(runs);
        }
        assert_eq!(known.of[&CUSTOMER].runs.len(), 2);
        for (filter_bytes, held) in [(usize::MAX, 2), (10_000, 1), (0, 0)] {
            let asked = [10, 2_999, 4_000, 5_999, 6_000, 7_000];
            let asked = asked.map(|i| Asked { session: session_no(i), first_at: at(i), last_at: at(i) });
            let asked = [(CUSTOMER, Vec::from(asked))].into();
            let earlier = known.look_up(&db, asked, filter_bytes).await.unwrap();
            let found = (0..8_000).filter(|i| !earlier.of(CUSTOMER, session_no(*i)).is_empty());
            assert_eq!(found.collect::<Vec<_>>(), [10, 2_999, 4_000, 5_999]);
            assert_eq!(earlier.of(CUSTOMER, session_no(10)), [entry(&event(10))]);
            assert_eq!(held_filters(&known), held);
        }
        // Of a customer of whom nothing comes.
        let held = async |known: &mut Known, filter_bytes| {
            known.look_up(&db, BTreeMap::new(), filter_bytes).await.unwrap();
            held_filters(known)
        };
        let asked = vec![Asked { session: session_no(1), first_at: at(1), last_at: at(1) }];
        known.look_up(&db, [(CUSTOMER, asked)].into(), usize::MAX).await.unwrap();
        assert_eq!([held(&mut known, 40_000).await, held(&mut known, 10_000).await], [2, 0]);
    }
}
