//! What runs beside the requests: the writer, the aggregator, the look at the directory, the clearing up.

use crate::aggregate::Taken;
use crate::directory::Directory;
use crate::error::Error;
use crate::{Engine, store};
use domain::quota::first_counted_hour;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often a process looks whether the directory has changed.
const DIRECTORY_LOOK: Duration = Duration::from_millis(500);
/// How often the aggregator looks at the log, besides when this process has committed events.
const LOG_LOOK: Duration = Duration::from_millis(250);
/// How long the aggregator at least lets commits gather before it takes them …
const GATHER_MIN: Duration = Duration::from_millis(50);
/// … and at most: fewer, larger batches write each count less often. Figures have to follow within two seconds.
const GATHER_MAX: Duration = Duration::from_millis(600);
/// How long a process that stops may still bring the figures up to date.
const LEAVE_MAX: Duration = Duration::from_secs(4);
/// How often what has expired is cleared up.
const CLEAR_UP: Duration = Duration::from_secs(600);

/// The running workers. Dropped without [`Workers::stop`] they go on until the process ends.
pub struct Workers {
    stop_writer: Arc<Notify>,
    stopping: Arc<AtomicBool>,
    writer: JoinHandle<()>,
    aggregator: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
    engine: Engine,
}

impl Workers {
    /// Takes nothing more, answers what was taken, brings the figures up to date and closes the database.
    pub async fn stop(self) {
        self.stop_writer.notify_one();
        let _ = self.writer.await;
        self.stopping.store(true, Ordering::Relaxed);
        self.engine.0.work_to_do.notify_one();
        // Not in the middle of a batch: what is in memory would be lost, and made anew only from the log.
        let _ = tokio::time::timeout(LEAVE_MAX, self.aggregator).await;
        for other in self.others {
            other.abort();
            // Aborted on purpose.
            let _ = other.await;
        }
        if let Err(error) = self.engine.leave_figures().await {
            tracing::warn!(%error, "the figures could not be left to others");
        }
        self.engine.0.db.close().await;
    }
}

impl Workers {
    /// Ends at once, as if the process had been killed: what waits is not answered, nothing is written down.
    pub fn abandon(self) {
        self.writer.abort();
        self.aggregator.abort();
        self.others.iter().for_each(JoinHandle::abort);
    }
}

impl Engine {
    /// Starts what runs beside the requests. Once per process.
    ///
    /// # Errors
    /// If the store cannot be read, or the workers run already.
    pub async fn start(&self) -> Result<Workers, Error> {
        self.load_token_key().await?;
        self.refresh_directory().await?;
        let stop_writer = Arc::new(Notify::new());
        let stopping = Arc::new(AtomicBool::new(false));
        let (db, clock) = (self.0.db.clone(), self.0.clock.clone());
        let writer = self.0.writer.start(db, clock, self.0.work_to_do.clone(), stop_writer.clone()).await?;
        let aggregator = tokio::spawn(aggregate(self.clone(), stopping.clone()));
        let others = vec![tokio::spawn(watch_directory(self.clone())), tokio::spawn(clear_up(self.clone()))];
        Ok(Workers { stop_writer, stopping, writer, aggregator, others, engine: self.clone() })
    }

    /// Reads the directory again if it has changed.
    pub(crate) async fn refresh_directory(&self) -> Result<(), Error> {
        if self.directory().is_current(&self.0.db).await? && self.0.directory_loaded.load(Ordering::Relaxed) {
            return Ok(());
        }
        let directory = Arc::new(Directory::load(&self.0.db).await?);
        *self.0.directory.write().unwrap_or_else(std::sync::PoisonError::into_inner) = directory;
        self.0.directory_loaded.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The directory as this process knows it.
    pub(crate) fn directory(&self) -> Arc<Directory> {
        self.0.directory.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn clear_up(&self) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        store::web_sessions::delete_expired(&mut tx, self.now()).await?;
        store::limits::forget_catalogue_calls(&mut tx, first_counted_hour(self.now())).await?;
        tx.commit().await?;
        self.make_partitions_ahead().await
    }
}

async fn aggregate(engine: Engine, stopping: Arc<AtomicBool>) {
    loop {
        let began = Instant::now();
        match engine.aggregate().await {
            // Only once there is nothing left to do.
            Ok(Taken::Nothing) if stopping.load(Ordering::Relaxed) => return,
            Ok(Taken::Nothing) => {
                tokio::select! {
                    () = engine.0.work_to_do.notified() => tokio::time::sleep(GATHER_MIN).await,
                    () = tokio::time::sleep(LOG_LOOK) => {}
                }
            }
            // The longer a batch takes, the more gathers for the next one.
            Ok(Taken::All) if !stopping.load(Ordering::Relaxed) => {
                tokio::time::sleep((began.elapsed() * 5).clamp(GATHER_MIN, GATHER_MAX)).await;
            }
            Ok(Taken::All | Taken::Batch) => {}
            Err(error) => {
                tracing::error!(%error, "figures could not be brought up to date");
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                tokio::time::sleep(DIRECTORY_LOOK).await;
            }
        }
    }
}

async fn watch_directory(engine: Engine) {
    loop {
        tokio::time::sleep(DIRECTORY_LOOK).await;
        if let Err(error) = engine.refresh_directory().await {
            tracing::warn!(%error, "the directory could not be read");
        }
    }
}

async fn clear_up(engine: Engine) {
    loop {
        if let Err(error) = engine.clear_up().await {
            tracing::warn!(%error, "what has expired could not be cleared up");
        }
        tokio::time::sleep(CLEAR_UP).await;
    }
}
