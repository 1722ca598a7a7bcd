//! Batches on their way from the log to the figures, and the thread that measures the next one while the last is written,
//! when more waits than one takes: writing is mostly waiting.
//!
//! A batch that is measured ahead is in memory, and what is known of its sessions with it, but not in the store. So it is
//! written before anything else is done to figures; if that fails, all that is in memory is made anew.

use super::Countries;
use super::batch::{Batch, Measured};
use super::sessions::Known;
use crate::Engine;
use crate::error::Error;
use crate::store::log::Logged;
use crate::store::{self, Db};
use crate::worker_thread::WorkerThread;
use domain::ids::CustomerNo;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Packs that are enough for a batch, as are [`crate::Room::batch_events`] events. It has twice as many at most, when some
/// were read ahead, and as many events as its last pack may bring.
const BATCH_PACKS_MAX: i64 = 5_000;

/// What became of a look at the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// There was nothing, or another process takes it.
    Nothing,
    /// All that there was.
    All,
    /// As much as fits into a batch: there is more.
    Batch,
}

/// The lengths of customers' logs, as far as they are other than in the store.
pub(super) type Lengths = BTreeMap<CustomerNo, u64>;

/// What comes next of the log.
pub(super) enum Next {
    /// Packs that follow what is in the figures.
    Packs(Vec<Logged>),
    Ready(Ready),
}

/// A batch that is measured, with what must be written of it.
pub(super) struct Ready {
    /// The place of its last pack in the log.
    pub to: i64,
    /// Events in its packs, retries among them.
    pub events: usize,
    pub countries: Countries,
    pub measured: Measured,
}

impl Default for Next {
    fn default() -> Self {
        Self::Packs(Vec::new())
    }
}

impl Next {
    /// What it takes of the log.
    pub fn taken(&self, batch_events: usize) -> Taken {
        match self {
            // No other is measured ahead.
            Self::Ready(_) => Taken::Batch,
            Self::Packs(packs) => match packs.len() as i64 {
                0 => Taken::Nothing,
                n if n >= BATCH_PACKS_MAX || events_of(packs) >= batch_events => Taken::Batch,
                _ => Taken::All,
            },
        }
    }

    /// Adds what has come since to packs that follow what is `applied`, as much as fits into a batch.
    pub async fn fill(&mut self, db: &Db, applied: i64, batch_events: usize) -> Result<(), Error> {
        let is_full = self.taken(batch_events) == Taken::Batch;
        if let Self::Packs(packs) = self
            && !is_full
        {
            let last = packs.last().map_or(applied, |last| last.seq);
            let events_max = batch_events.saturating_sub(events_of(packs));
            packs.extend(store::log::after(db, last, BATCH_PACKS_MAX, events_max).await?);
        }
        Ok(())
    }
}

fn events_of(packs: &[Logged]) -> usize {
    packs.iter().map(|logged| logged.pack.events.len()).sum()
}

/// Packs of the log after a place that hold about as many events as one batch.
pub(super) async fn batch_after(db: &Db, seq: i64, batch_events: usize) -> Result<Vec<Logged>, Error> {
    store::log::after(db, seq, BATCH_PACKS_MAX, batch_events).await
}

/// Takes packs into memory and measures what they change; `None` if there are none.
pub(super) async fn measure(
    engine: &Engine,
    db: &Db,
    known: &mut Known,
    packs: Vec<Logged>,
    lengths: &Lengths,
) -> Result<Option<Ready>, Error> {
    let Some(to) = packs.last().map(|last| last.seq) else { return Ok(None) };
    let batch = Batch::of(packs);
    let events = batch.len();
    let earlier = known.look_up(db, batch.sessions(), engine.0.settings.room.filter_bytes).await?;
    let countries = engine.countries(db, batch.helplines()).await?;
    // Nobody but the holder changes what this reads.
    let mut snapshot = db.snapshot().await?;
    let mut kept = store::aggregator::kept(&mut snapshot, &batch.customers()).await?;
    drop(snapshot);
    for (customer, kept) in &mut kept {
        kept.log_length = lengths.get(customer).copied().unwrap_or(kept.log_length);
    }
    let measured = batch.measure(known, &earlier, &kept, &countries)?;
    Ok(Some(Ready { to, events, countries, measured }))
}

/// What is known of sessions, and what comes next of the log: if that is a whole batch, it is measured, and known.
pub(super) type Seen = (Known, Next);

struct Job {
    known: Known,
    /// The batch before, which is being written: the place of its last pack, and how long it makes the logs.
    to: i64,
    lengths: Lengths,
    done: oneshot::Sender<Result<Seen, Error>>,
}

/// The way to the thread.
pub(super) struct Lookout {
    jobs: mpsc::UnboundedSender<Job>,
    thread: WorkerThread,
}

impl Lookout {
    /// Starts the thread.
    pub fn start(engine: &Engine) -> Result<Self, Error> {
        let engine = engine.clone();
        let (jobs, mut inbox) = mpsc::unbounded_channel();
        let thread = WorkerThread::start("lookout", move |_| async move {
            let db = engine.0.db.apart();
            while let Some(Job { known, to, lengths, done }) = inbox.recv().await {
                // Whoever waited for it may have failed meanwhile.
                let _ = done.send(look(&engine, &db, known, to, &lengths).await);
            }
            db.close_apart().await;
        })?;
        Ok(Self { jobs, thread })
    }

    /// Lets it be looked what comes after a batch that is about to be written.
    pub fn look(&self, known: Known, batch: &Ready) -> oneshot::Receiver<Result<Seen, Error>> {
        let (done, seen) = oneshot::channel();
        // The thread ends with the process alone, if not after `stop`.
        let _ = self.jobs.send(Job { known, to: batch.to, lengths: batch.measured.log_lengths.clone(), done });
        seen
    }

    /// Ends the thread, and waits for it at most so long.
    pub async fn stop(self, wait_max: Duration) {
        drop(self.jobs);
        self.thread.stop(wait_max).await;
    }
}

async fn look(engine: &Engine, db: &Db, mut known: Known, to: i64, lengths: &Lengths) -> Result<Seen, Error> {
    let batch_events = engine.0.settings.room.batch_events;
    let next = Next::Packs(batch_after(db, to, batch_events).await?);
    let next = match (next.taken(batch_events), next) {
        (Taken::Batch, Next::Packs(packs)) => measure(engine, db, &mut known, packs, lengths).await?.map(Next::Ready),
        (_, next) => Some(next),
    };
    Ok((known, next.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, random_bytes};
    use crate::store::codec::{Pack, pack};
    use crate::store::log::{Append, append};
    use crate::{Room, Settings, parse_helplines_json};
    use domain::Timestamp;
    use domain::account::{CustomerForm, CustomerLimits};
    use domain::event::{Action, Event, SessionKey};
    use domain::ids::ApplicationNo;
    use std::sync::Arc;
    use uuid::Uuid;

    /// An engine that aggregates nothing, with a helpline and a customer; and these.
    async fn engine(files: &tempfile::TempDir) -> (Engine, Event) {
        let database_url = format!("sqlite://{}", files.path().join("test.db").display());
        let room = Room { batch_events: 50, ..Room::default() };
        let settings = Settings { database_url, room, ..Settings::default() };
        let engine = Engine::open(settings, Arc::new(SystemClock)).await.unwrap();
        engine.migrate().await.unwrap();
        let operator = engine.authenticate_console();
        let json = r#"[{"id": "h1", "name": "A", "country": {"code": "NZ", "name": "New Zealand"}, "timezone": "Pacific/Auckland", "phone_number": "111"}]"#;
        engine.import_helplines(&operator, parse_helplines_json(json.as_bytes()).unwrap()).await.unwrap();
        let form =
            CustomerForm { name: "A".into(), time_zone: "Europe/Paris".into(), limits: CustomerLimits::default() };
        let customer = engine.create_customer(&operator, &form).await.unwrap().id;
        let event = Event {
            at: Timestamp::from_millis(1_795_518_000_000),
            customer: engine.customer_entry(customer).await.unwrap().record.no,
            application: ApplicationNo(1),
            helpline: engine.directory().helpline_no("h1").unwrap(),
            action: Action::Display,
            session: SessionKey([1; 16]),
        };
        (engine, event)
    }

    #[tokio::test]
    async fn a_whole_batch_is_measured_ahead_and_takes_places_after_those_of_the_one_before() {
        let files = tempfile::tempdir().unwrap();
        let (engine, event) = engine(&files).await;
        let db = &engine.0.db;
        for number in 1..=8 {
            let events = (0..10).map(|_| Event { session: SessionKey(random_bytes()), ..event }).collect();
            let pack = pack(&Pack { events, refused: Vec::new() });
            let new = Append { writer: Uuid::nil(), number, appended_at: event.at, events: 10, pack: &pack };
            assert_eq!(append(db, &new).await.unwrap(), number);
        }
        // The first pack is being written: it makes the customer's log 10 events long, of which the store knows nothing yet.
        let lengths = Lengths::from([(event.customer, 10)]);
        let (known, next) = look(&engine, db, Known::default(), 1, &lengths).await.unwrap();
        let Next::Ready(ready) = next else { panic!("not measured") };
        assert_eq!((ready.to, ready.events, known.recent_events()), (6, 50, 50));
        let places = ready.measured.new.values().flatten().map(|stored| stored.place);
        assert!(places.eq(11..=60));
        assert_eq!(ready.measured.log_lengths, [(event.customer, 60)].into());
        // What is left is no whole batch: more may come until its turn.
        let (known, next) = look(&engine, db, known, 6, &ready.measured.log_lengths).await.unwrap();
        let Next::Packs(packs) = &next else { panic!("measured") };
        assert!(packs.iter().map(|logged| logged.seq).eq(7..=8));
        assert_eq!((known.recent_events(), next.taken(50)), (50, Taken::All));
        let mut next = next;
        next.fill(db, 6, 50).await.unwrap();
        assert_eq!(
            events_of(&match next {
                Next::Packs(packs) => packs,
                Next::Ready(_) => panic!("measured"),
            }),
            20
        );
    }
}
