//! The one writer of a process: it appends to the log whatever has gathered while the last append was under way, then
//! answers.

use super::catch_up::{Gap, beginning, catch_up, remembered};
use super::clearing::Clearing;
use super::recent::{FORGET_STEP, Recent};
use super::uncounted::Uncounted;
use super::{EventError, RETRY_AFTER_SECONDS};
use crate::Room;
use crate::clock::{Clock, random_bytes};
use crate::error::Error;
use crate::store::codec::Pack;
use crate::store::intake::IntakeKey;
use crate::store::{self, Db};
use crate::worker_thread::WorkerThread;
use domain::event::Event;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

/// Most events of one commit, unless a single request brings more.
const COMMIT_EVENTS_MAX: usize = 16_384;
/// How long a commit, or a look at the log, may take before whoever waits is told to try again.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long a process that stops waits for what was taken to be answered.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(10);
/// How often a writer that has nothing to do takes in what others wrote, and clears the log.
const LOOK: Duration = Duration::from_secs(1);
/// Most events that wait for their commit, unless a single request brings more: some dozen megabytes.
const WAITING_EVENTS_MAX: usize = 524_288;
/// Bytes that are appended to the log until what was written ahead of its file is taken into it, on SQLite.
const CHECKPOINT_BYTES: usize = 32 << 20;
/// Bytes that an append writes at least: the page that it ends in.
const APPEND_BYTES_MIN: usize = 4_096;

/// What one request brings.
pub(crate) struct Intake {
    /// Events that passed all checks.
    pub events: Vec<Event>,
    /// What was refused, by code.
    pub refused: Vec<IntakeKey>,
}

impl Intake {
    pub fn event(event: Event) -> Self {
        Self { events: vec![event], refused: Vec::new() }
    }
    pub fn refused(key: IntakeKey) -> Self {
        Self { events: Vec::new(), refused: vec![key] }
    }
}

/// For each event of a request, whether it was new.
type Outcome = Result<Vec<bool>, Unavailable>;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Unavailable;

impl From<Unavailable> for EventError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
    }
}

struct Waiting {
    intake: Intake,
    answer: oneshot::Sender<Outcome>,
}

/// The way to the writer.
pub(crate) struct Writer {
    queue: mpsc::Sender<Waiting>,
    /// Events in the queue.
    waiting_events: Arc<AtomicUsize>,
    /// Taken by the task that writes.
    inbox: std::sync::Mutex<Option<mpsc::Receiver<Waiting>>>,
    /// Whether the last append went well.
    healthy: Arc<AtomicBool>,
    uncounted: Arc<Uncounted>,
    /// See [`crate::Room::remembered_events`].
    remembered_max: usize,
}

impl Writer {
    pub fn new(requests_max: usize, room: Room) -> Self {
        let (queue, inbox) = mpsc::channel(requests_max.max(1));
        let (inbox, healthy) = (std::sync::Mutex::new(Some(inbox)), Arc::new(AtomicBool::new(true)));
        let (uncounted, remembered_max) = (Arc::new(Uncounted::new(room.batch_events)), room.remembered_events);
        Self { queue, waiting_events: Arc::default(), inbox, healthy, uncounted, remembered_max }
    }

    /// Hands in what a request brought and waits until it is durable.
    pub async fn send(&self, intake: Intake) -> Outcome {
        // While the store is away, nobody waits to be told so: the writer looks whether it is back.
        if !self.is_healthy() {
            return Err(Unavailable);
        }
        let (answer, answered) = oneshot::channel();
        // A full queue is refused at once: memory stays flat, and the client tries again.
        let events = intake.events.len();
        let waiting = self.waiting_events.fetch_add(events, Ordering::Relaxed);
        let is_too_much = waiting > 0 && waiting.saturating_add(events) > WAITING_EVENTS_MAX;
        if is_too_much || self.queue.try_send(Waiting { intake, answer }).is_err() {
            self.waiting_events.fetch_sub(events, Ordering::Relaxed);
            return Err(Unavailable);
        }
        match tokio::time::timeout(ANSWER_MAX, answered).await {
            Ok(answer) => answer.unwrap_or(Err(Unavailable)),
            // The writer hangs, as on a disk that has gone silent. Whoever comes now is told at once.
            Err(_) => {
                self.healthy.store(false, Ordering::Relaxed);
                Err(Unavailable)
            }
        }
    }

    /// What is committed and not counted yet.
    pub fn uncounted(&self) -> &Uncounted {
        &self.uncounted
    }

    /// How many requests wait for their commit.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Whether the last append went well, and the task that writes has not ended.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed) && !self.queue.is_closed()
    }

    /// Starts the thread that writes, on which nothing else keeps the next commit waiting when one is done. Told to stop,
    /// it ends once the queue is empty.
    pub async fn start(&self, db: &Db, clock: Arc<dyn Clock>, committed: Arc<Notify>) -> Result<WorkerThread, Error> {
        let inbox = self.inbox.lock().ok().and_then(|mut inbox| inbox.take());
        let inbox = inbox.ok_or_else(|| Error::Internal("the workers run already".to_owned()))?;
        let task = Task {
            recent: remembered(db, self.remembered_max, &self.uncounted).await?,
            uncounted: self.uncounted.clone(),
            remembered_max: self.remembered_max,
            db: db.apart(),
            clock,
            committed,
            healthy: self.healthy.clone(),
            waiting_events: self.waiting_events.clone(),
            id: Uuid::from_bytes(random_bytes()),
            number: 0,
            clearing: Clearing::new(),
            appended_bytes: 0,
            checkpoint: None,
        };
        WorkerThread::start("writer", |stop| task.run(inbox, stop))
    }
}

/// The task that writes.
struct Task {
    db: Db,
    clock: Arc<dyn Clock>,
    recent: Recent,
    uncounted: Arc<Uncounted>,
    remembered_max: usize,
    committed: Arc<Notify>,
    healthy: Arc<AtomicBool>,
    waiting_events: Arc<AtomicUsize>,
    /// Tells this writer's packs from those of others.
    id: Uuid,
    /// Of the last pack.
    number: i64,
    clearing: Clearing,
    /// Bytes that were appended since the last checkpoint began.
    appended_bytes: usize,
    /// Is under way beside the appends.
    checkpoint: Option<tokio::task::JoinHandle<Result<(), Error>>>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Waiting>, stop: Arc<Notify>) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut stopping = false;
        loop {
            let first = tokio::select! {
                biased;
                _ = looks.tick() => {
                    match tokio::time::timeout(ANSWER_MAX, self.look()).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => tracing::warn!(%error, "the log could not be looked at"),
                        Err(_) => {
                            self.healthy.store(false, Ordering::Relaxed);
                            tracing::error!("a look at the log takes too long");
                        }
                    }
                    continue;
                }
                first = inbox.recv() => first,
                // Nobody waits: time to clear away.
                () = self.clearing.is_due(), if !stopping => {
                    self.clear_away().await;
                    continue;
                }
                () = stop.notified(), if !stopping => {
                    // From now on nothing is taken, and what was taken is still answered.
                    inbox.close();
                    stopping = true;
                    continue;
                }
            };
            let Some(first) = first else { break };
            let mut events = first.intake.events.len();
            let mut gathered = vec![first];
            while events < COMMIT_EVENTS_MAX {
                let Ok(next) = inbox.try_recv() else { break };
                events += next.intake.events.len();
                gathered.push(next);
            }
            self.waiting_events.fetch_sub(events, Ordering::Relaxed);
            self.commit_and_answer(gathered).await;
            self.recent.forget_some(FORGET_STEP);
            if self.recent.is_full() && !self.recent.is_overrun() {
                // Far more than there is room for can come within a second.
                looks.reset_immediately();
            }
            self.clear_away().await;
            self.checkpoint().await;
        }
        self.db.close_apart().await;
    }

    async fn commit_and_answer(&mut self, gathered: Vec<Waiting>) {
        // While the store is away, only `look` tries whether it is back: nobody waits for that.
        if !self.healthy.load(Ordering::Relaxed) {
            return refuse(gathered);
        }
        // It can be given up anywhere: what is committed after all is taken in like another writer's pack.
        let late = |_| Error::Unavailable("the database takes too long".to_owned());
        match tokio::time::timeout(ANSWER_MAX, self.commit(&gathered)).await.map_err(late).flatten() {
            Ok(outcomes) => {
                self.healthy.store(true, Ordering::Relaxed);
                self.committed.notify_one();
                for (waiting, outcome) in gathered.into_iter().zip(outcomes) {
                    // Whoever went away meanwhile will ask again, and get the same id.
                    let _ = waiting.answer.send(Ok(outcome));
                }
            }
            Err(error) => {
                self.healthy.store(false, Ordering::Relaxed);
                tracing::error!(%error, "events could not be stored");
                refuse(gathered);
            }
        }
    }

    /// Appends what some requests brought as one pack and says which events were new. Of an identity that comes twice,
    /// the first in the log is new.
    async fn commit(&mut self, gathered: &[Waiting]) -> Result<Vec<Vec<bool>>, Error> {
        if self.recent.is_overrun() {
            return Err(Error::Unavailable("the figures are too far behind".to_owned()));
        }
        let pack = pack_of(gathered);
        let early: Vec<Event> = pack.events.iter().filter(|event| self.recent.must_ask(event)).copied().collect();
        if !early.is_empty() {
            let known = store::blocks::known(&self.db, &early).await?;
            for event in early.iter().filter(|event| known.contains(&super::Identity::of(event))) {
                self.recent.take_in(event, 0);
            }
        }
        let seq = self.append(&pack).await?;
        if seq <= self.recent.seq {
            self.begin_anew().await?;
            return Err(Error::Unavailable("the log is an earlier one than it was".to_owned()));
        }
        if seq > self.recent.seq + 1 {
            self.take_in_others(seq).await?;
        }
        let mut is_new = pack.events.iter().map(|event| self.recent.take_in(event, seq));
        let outcomes = gathered.iter().map(|waiting| is_new.by_ref().take(waiting.intake.events.len()).collect());
        let outcomes = outcomes.collect();
        self.recent.seq = seq;
        self.uncounted.appended(seq, pack.events.len());
        Ok(outcomes)
    }

    /// Appends a pack. Where the connection breaks off, it is not known whether the pack was committed: appending it
    /// once more, under the same number, settles that.
    async fn append(&mut self, pack: &Pack) -> Result<i64, Error> {
        self.number += 1;
        let packed = store::codec::pack(pack);
        self.appended_bytes += packed.len() + APPEND_BYTES_MIN;
        let append = store::log::Append {
            writer: self.id,
            number: self.number,
            appended_at: self.clock.now(),
            events: pack.events.len(),
            pack: &packed,
        };
        match store::log::append(&self.db, &append).await {
            Err(Error::Unavailable(reason)) if matches!(self.db, Db::Postgres { .. }) => {
                tracing::warn!(reason, "the connection broke off in a commit; asking what became of it");
                store::log::append(&self.db, &append).await
            }
            appended => appended,
        }
    }

    /// Takes in what other writers appended before the pack at `seq`.
    async fn take_in_others(&mut self, seq: i64) -> Result<(), Error> {
        if !catch_up(&self.db, &mut self.recent, &self.uncounted, seq, Gap::MaybeCleared).await? {
            self.begin_anew().await?;
            return Err(Error::Unavailable("the writer has fallen behind the log".to_owned()));
        }
        Ok(())
    }

    /// Forgets all, as it is worth nothing: whoever waits for an answer will get one when it asks again.
    async fn begin_anew(&mut self) -> Result<(), Error> {
        self.recent = beginning(&self.db, self.remembered_max).await?;
        Ok(())
    }

    /// Takes in what other writers appended, forgets what need not be remembered, and sees what can be cleared away.
    async fn look(&mut self) -> Result<(), Error> {
        let progress = store::aggregator::progress(&self.db).await?;
        self.uncounted.counted(progress.applied);
        let newest = store::log::ends(&self.db).await?.map_or(self.recent.seq, |(_, newest)| newest);
        // It never goes back, but where another server has taken the database's place that had not got all of it: what was
        // answered and is not there must not be known when it is sent again.
        let goes_on = newest >= self.recent.seq;
        if newest != self.recent.seq
            && !(goes_on && catch_up(&self.db, &mut self.recent, &self.uncounted, i64::MAX, Gap::MaybeCleared).await?)
        {
            self.begin_anew().await?;
            catch_up(&self.db, &mut self.recent, &self.uncounted, i64::MAX, Gap::Empty).await?;
        }
        // An append that succeeds tells it as well; without one, this is how a writer finds that the store is back.
        if !self.healthy.load(Ordering::Relaxed) {
            self.append(&Pack::default()).await?;
            self.healthy.store(true, Ordering::Relaxed);
        }
        if self.recent.is_full() {
            self.recent.forget(progress.applied);
        }
        // Most of it is done between appends. Where nothing more can be taken there are none, and nobody waits for this.
        while self.recent.forget_some(FORGET_STEP) && self.recent.is_overrun() {}
        self.clearing.look(&self.db, Instant::now(), self.recent.seq, progress.flushed).await?;
        self.clear_away().await;
        Ok(())
    }

    /// Keeps what is written ahead of the log's file short: most of it is taken into the file beside the appends, and
    /// the rest, when that is done, between two of them.
    async fn checkpoint(&mut self) {
        let done = match self.checkpoint.take() {
            Some(beside) if beside.is_finished() => match beside.await {
                Ok(Ok(())) => self.db.checkpoint_log(),
                Ok(Err(error)) => Err(error),
                Err(error) => Err(Error::Internal(error.to_string())),
            },
            Some(beside) => {
                self.checkpoint = Some(beside);
                Ok(())
            }
            None if self.appended_bytes >= CHECKPOINT_BYTES => {
                self.appended_bytes = 0;
                let db = self.db.clone();
                self.checkpoint = Some(tokio::spawn(async move { db.checkpoint_log_beside().await }));
                Ok(())
            }
            None => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the log's write-ahead log could not be taken into its file");
        }
    }

    /// Clears some packs away, if that is due.
    async fn clear_away(&mut self) {
        match self.clearing.step(&self.db, ANSWER_MAX).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the log could not be cleared"),
            Err(_) => {
                // Whoever waits for an append has waited for this.
                self.healthy.store(false, Ordering::Relaxed);
                tracing::error!("clearing the log takes too long");
            }
        }
    }
}

fn refuse(gathered: Vec<Waiting>) {
    for waiting in gathered {
        let _ = waiting.answer.send(Err(Unavailable));
    }
}

/// Everything that some requests brought, in their order.
fn pack_of(gathered: &[Waiting]) -> Pack {
    let events = gathered.iter().flat_map(|waiting| waiting.intake.events.iter().copied()).collect();
    let mut refused: BTreeMap<&IntakeKey, i64> = BTreeMap::new();
    for key in gathered.iter().flat_map(|waiting| &waiting.intake.refused) {
        *refused.entry(key).or_default() += 1;
    }
    Pack { events, refused: refused.into_iter().map(|(key, n)| (key.clone(), n)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_writer_that_hangs() {
        // Takes requests and answers none, as nothing is started.
        let writer = Writer::new(10, Room::COMMAND);
        let nothing = || Intake { events: Vec::new(), refused: Vec::new() };
        assert!(writer.is_healthy());
        let began = Instant::now();
        assert!(writer.send(nothing()).await.is_err() && began.elapsed() >= ANSWER_MAX);
        // The next one is told at once.
        assert!(!writer.is_healthy());
        let began = Instant::now();
        assert!(writer.send(nothing()).await.is_err() && began.elapsed() < ANSWER_MAX);
    }
}
