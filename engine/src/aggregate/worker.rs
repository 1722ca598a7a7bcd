//! The thread that aggregates.

use super::believed::Believed;
use super::packer::Packer;
use super::{Aggregator, Taken};
use crate::Engine;
use crate::error::Error;
use crate::pace;
use crate::worker_thread::WorkerThread;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often the aggregator looks at the log, besides when this process has committed events.
const LOG_LOOK: Duration = Duration::from_millis(250);
/// How long the aggregator at least lets commits gather before it takes them.
const GATHER_MIN: Duration = Duration::from_millis(50);
/// How far figures may fall behind for the sake of fewer, larger batches, which write each count less often, and of others,
/// who want the processor.
const LAG_AIM: Duration = Duration::from_millis(1_700);
/// How long a batch may rest in all.
const RESTS_MAX: Duration = Duration::from_millis(400);
/// How long it waits after a failure.
const RETRY: Duration = Duration::from_millis(500);
/// How long a process that stops may still bring the figures up to date …
const CATCH_UP_MAX: Duration = Duration::from_secs(4);
/// … and take in all to write down what is in memory. What is not, is read from the log again.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(6);

/// How long the thread of the sessions may take to end.
const PACKER_STOP_MAX: Duration = Duration::from_secs(1);

/// Starts the thread on which a process aggregates: counting takes a processor for long stretches, and must not take it
/// from whoever answers requests.
pub(crate) fn start(engine: &Engine) -> Result<WorkerThread, Error> {
    let (engine, packer) = (engine.clone(), Packer::start(engine)?);
    WorkerThread::start("aggregator", |stop| async move {
        let db = engine.0.db.apart();
        let (retention_due, believed) = (Instant::now(), Believed::default());
        let aggregator = Aggregator {
            engine,
            db,
            packer,
            held: None,
            watched: None,
            looked_at: Instant::now(),
            retention_due,
            believed,
        };
        aggregator.run(&stop).await;
    })
}

/// How long to let commits gather after a batch that took so long: the longer, the more, so that counting takes a
/// tenth of the time; but an event that just missed this batch waits for its end, the gathering and the next batch, which
/// may take twice as long as this one, as disks and processors have their moments.
fn gather(took: Duration) -> Duration {
    (took * 9).min(LAG_AIM.saturating_sub(took * 3)).max(GATHER_MIN)
}

/// How long a batch may rest whose oldest event has waited so long.
pub(super) fn rests_max(waited: Duration) -> Duration {
    RESTS_MAX.min(LAG_AIM.saturating_sub(waited))
}

impl Aggregator {
    /// Aggregates until it is told to stop.
    async fn run(mut self, stop: &Notify) {
        let mut stopping: Option<Instant> = None;
        loop {
            let began = Instant::now();
            let taken = self.aggregate().await;
            pace::hurry();
            let pause = match taken {
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
        self.packer.stop(PACKER_STOP_MAX).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_counting_takes_the_less_is_waited_for() {
        for (took, gathers) in
            [(0, 50), (10, 90), (100, 900), (140, 1_260), (200, 1_100), (400, 500), (550, 50), (9_000, 50)]
        {
            assert_eq!(gather(Duration::from_millis(took)).as_millis(), gathers, "{took} ms");
        }
        for (waited, rests) in [(0, 400), (1_300, 400), (1_500, 200), (1_700, 0), (9_000, 0)] {
            assert_eq!(rests_max(Duration::from_millis(waited)).as_millis(), rests, "{waited} ms");
        }
    }
}
