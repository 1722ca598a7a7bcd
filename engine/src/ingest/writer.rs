//! The one writer: it commits together whatever has gathered while the last commit was under way, then answers.

use super::{DUPLICATE, EventError, RETRY_AFTER_SECONDS, quarter};
use crate::error::Error;
use crate::store::events::IntakeKey;
use crate::store::{self, Db};
use domain::event::Event;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Notify, mpsc, oneshot};

/// Most events of one commit.
const COMMIT_EVENTS_MAX: usize = 4_096;

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
    /// Taken by the task that writes.
    inbox: std::sync::Mutex<Option<mpsc::Receiver<Waiting>>>,
    /// Whether the last commit went well.
    healthy: Arc<AtomicBool>,
}

impl Writer {
    pub fn new(requests_max: usize) -> Self {
        let (queue, inbox) = mpsc::channel(requests_max.max(1));
        Self { queue, inbox: std::sync::Mutex::new(Some(inbox)), healthy: Arc::new(AtomicBool::new(true)) }
    }

    /// Hands in what a request brought and waits until it is durable.
    pub async fn send(&self, intake: Intake) -> Outcome {
        let (answer, answered) = oneshot::channel();
        // A full queue is refused at once: memory stays flat, and the client tries again.
        self.queue.try_send(Waiting { intake, answer }).map_err(|_| Unavailable)?;
        answered.await.unwrap_or(Err(Unavailable))
    }

    /// How many requests wait for their commit.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Whether the last commit went well.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Starts the task that writes. It ends once `stop` says so and the queue is empty.
    pub fn start(&self, db: Db, committed: Arc<Notify>, stop: Arc<Notify>) -> Option<tokio::task::JoinHandle<()>> {
        let inbox = self.inbox.lock().ok()?.take()?;
        let healthy = self.healthy.clone();
        Some(tokio::spawn(run(inbox, db, committed, stop, healthy)))
    }
}

async fn run(
    mut inbox: mpsc::Receiver<Waiting>,
    db: Db,
    committed: Arc<Notify>,
    stop: Arc<Notify>,
    healthy: Arc<AtomicBool>,
) {
    let mut stopping = false;
    loop {
        let first = if stopping {
            inbox.recv().await
        } else {
            tokio::select! {
                first = inbox.recv() => first,
                () = stop.notified() => {
                    // From now on nothing is taken, and what was taken is still answered.
                    inbox.close();
                    stopping = true;
                    continue;
                }
            }
        };
        let Some(first) = first else { return };
        let mut gathered = vec![first];
        let mut events = gathered[0].intake.events.len();
        while events < COMMIT_EVENTS_MAX {
            let Ok(next) = inbox.try_recv() else { break };
            events += next.intake.events.len();
            gathered.push(next);
        }
        match commit(&db, &gathered).await {
            Ok(outcomes) => {
                healthy.store(true, Ordering::Relaxed);
                committed.notify_one();
                for (waiting, outcome) in gathered.into_iter().zip(outcomes) {
                    // Whoever went away meanwhile will ask again, and get the same id.
                    let _ = waiting.answer.send(Ok(outcome));
                }
            }
            Err(error) => {
                healthy.store(false, Ordering::Relaxed);
                tracing::error!(%error, "events could not be stored");
                for waiting in gathered {
                    let _ = waiting.answer.send(Err(Unavailable));
                }
            }
        }
    }
}

/// Stores all events of some requests in one transaction and says which were new. Of an identity that comes twice
/// within it, the first is new.
async fn commit(db: &Db, gathered: &[Waiting]) -> Result<Vec<Vec<bool>>, Error> {
    let mut events: Vec<Event> = gathered.iter().flat_map(|waiting| waiting.intake.events.iter().copied()).collect();
    events.sort_unstable();
    events.dedup();
    let mut tx = db.begin().await?;
    let mut unseen: HashSet<Event> = store::events::append(&mut tx, &events).await?;
    let mut counts: BTreeMap<IntakeKey, i64> = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(gathered.len());
    for waiting in gathered {
        let is_new: Vec<bool> = waiting.intake.events.iter().map(|event| unseen.remove(event)).collect();
        for (event, _) in waiting.intake.events.iter().zip(&is_new).filter(|(_, is_new)| !**is_new) {
            let Event { customer, application, at, .. } = *event;
            let key = IntakeKey { quarter: quarter(at), customer, application, code: DUPLICATE };
            *counts.entry(key).or_default() += 1;
        }
        for key in &waiting.intake.refused {
            *counts.entry(*key).or_default() += 1;
        }
        outcomes.push(is_new);
    }
    store::events::count_intake(&mut tx, &counts).await?;
    tx.commit().await?;
    Ok(outcomes)
}
