//! The thread that aggregates.

use super::{Aggregator, Taken};
use crate::Engine;
use crate::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// How often the aggregator looks at the log, besides when this process has committed events.
const LOG_LOOK: Duration = Duration::from_millis(250);
/// How long the aggregator at least lets commits gather before it takes them.
const GATHER_MIN: Duration = Duration::from_millis(50);
/// How far figures may fall behind for the sake of fewer, larger batches, which write each count less often.
const LAG_AIM: Duration = Duration::from_millis(1_500);
/// How long it waits after a failure.
const RETRY: Duration = Duration::from_millis(500);
/// How long a process that stops may still bring the figures up to date …
const CATCH_UP_MAX: Duration = Duration::from_secs(4);
/// … and take in all to write down what is in memory. What is not, is read from the log again.
const STOP_MAX: Duration = Duration::from_secs(6);

/// The thread on which a process aggregates, with a runtime of its own: counting takes a processor for long stretches,
/// and must not take it from whoever answers requests. Dropped, it ends as if the process had been killed.
pub(crate) struct Worker {
    stop: Arc<Notify>,
    /// Never sent: the thread ends when this is dropped.
    _alive: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts the thread.
    pub fn start(engine: &Engine) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Internal(format!("the aggregator's thread: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let stop = Arc::new(Notify::new());
        let (alive, mut dropped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let (engine, told) = (engine.clone(), stop.clone());
        let work = move || {
            runtime.block_on(async {
                let db = engine.0.db.apart();
                let aggregator = Aggregator { engine, db, held: None, watched: None, retention_due: Instant::now() };
                tokio::select! {
                    () = aggregator.run(&told) => {}
                    _ = &mut dropped => {}
                }
            });
            let _ = end.send(());
        };
        std::thread::Builder::new().name("aggregator".to_owned()).spawn(work).map_err(failed)?;
        Ok(Self { stop, _alive: alive, ended })
    }

    /// Brings the figures up to date, if that is soon done, and leaves them to others.
    pub async fn stop(self) {
        self.stop.notify_one();
        if tokio::time::timeout(STOP_MAX, self.ended).await.is_err() {
            tracing::warn!("the figures could not be brought up to date in time");
        }
    }
}

/// How long to let commits gather after a batch that took so long: the longer, the more, so that counting takes a
/// tenth of the time; but an event that just missed this batch waits for its end, the gathering and the next batch.
fn gather(took: Duration) -> Duration {
    (took * 9).min(LAG_AIM.saturating_sub(took * 2)).max(GATHER_MIN)
}

impl Aggregator {
    /// Aggregates until it is told to stop.
    async fn run(mut self, stop: &Notify) {
        let mut stopping: Option<Instant> = None;
        loop {
            let began = Instant::now();
            let pause = match self.aggregate().await {
                Ok(Taken::Batch) => Duration::ZERO,
                Ok(Taken::All) => gather(began.elapsed()),
                // Only once there is nothing left to do.
                Ok(Taken::Nothing) if stopping.is_some() => break,
                Ok(Taken::Nothing) => self.wait_for_work().await,
                Err(error) => {
                    tracing::error!(%error, "figures could not be brought up to date");
                    if stopping.is_some() {
                        break;
                    }
                    RETRY
                }
            };
            match stopping {
                Some(since) if since.elapsed() >= CATCH_UP_MAX => break,
                Some(_) => {}
                None => {
                    tokio::select! {
                        biased;
                        () = stop.notified() => stopping = Some(Instant::now()),
                        () = self.engine.0.figures_awaited.notified() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
        if let Err(error) = self.leave().await {
            tracing::warn!(%error, "the figures could not be left to others");
        }
        self.db.close_apart().await;
    }

    /// Waits until there may be something to do, and says how long to let more gather.
    async fn wait_for_work(&self) -> Duration {
        tokio::select! {
            () = self.engine.0.work_to_do.notified() => GATHER_MIN,
            () = self.engine.0.figures_awaited.notified() => Duration::ZERO,
            () = tokio::time::sleep(LOG_LOOK) => Duration::ZERO,
        }
    }
}
