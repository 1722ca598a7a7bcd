//! What runs beside the requests: the writer, the aggregator, the look at the directory, the clearing up.

use crate::actor::Operator;
use crate::alerts::{deliver_messages, watch_alerts};
use crate::directory::Directory;
use crate::error::Error;
use crate::worker_thread::WorkerThread;
use crate::{Engine, aggregate, ingest, store};
use domain::quota::first_counted_hour;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often a process looks whether the directory has changed.
const DIRECTORY_LOOK: Duration = Duration::from_millis(500);
/// How often it is looked for statements that are due.
const STATEMENTS_LOOK: Duration = Duration::from_secs(60);
/// How often what has expired is cleared up.
const CLEAR_UP: Duration = Duration::from_secs(600);

/// The running workers, to be ended by [`Workers::stop`].
pub struct Workers {
    writer: WorkerThread,
    aggregator: WorkerThread,
    others: Vec<JoinHandle<()>>,
    engine: Engine,
}

impl Workers {
    /// Takes nothing more, answers what was taken, brings the figures up to date and closes the database.
    pub async fn stop(self) {
        self.writer.stop(ingest::STOP_MAX).await;
        self.aggregator.stop(aggregate::STOP_MAX).await;
        for other in self.others {
            other.abort();
            // Aborted on purpose.
            let _ = other.await;
        }
        self.engine.0.watched_db.close_apart().await;
        self.engine.0.db.close().await;
    }

    /// The same, for so long at most: what is not done by then, as the database is away, whoever starts next makes up for.
    pub async fn stop_within(self, max: Duration) {
        if tokio::time::timeout(max, self.stop()).await.is_err() {
            tracing::warn!("what was under way could not be brought to its end");
        }
    }
}

impl Workers {
    /// Ends at once, as if the process had been killed: what waits is not answered, nothing is written down.
    pub fn abandon(self) {
        drop((self.writer, self.aggregator));
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
        let (db, clock) = (&self.0.db, self.0.clock.clone());
        let writer = self.0.writer.start(db, clock, self.0.work_to_do.clone()).await?;
        let aggregator = aggregate::start(self)?;
        let mut others = vec![tokio::spawn(watch_directory(self.clone()))];
        if self.0.settings.is_server {
            others.extend([
                tokio::spawn(clear_up(self.clone())),
                tokio::spawn(issue_statements(self.clone())),
                tokio::spawn(watch_alerts(self.clone())),
                tokio::spawn(deliver_messages(self.clone())),
            ]);
        }
        Ok(Workers { writer, aggregator, others, engine: self.clone() })
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
        self.forget_old_alerts().await?;
        self.make_partitions_ahead().await
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

async fn issue_statements(engine: Engine) {
    loop {
        match engine.issue_due_statements(&Operator::itself()).await {
            Ok(0) => {}
            Ok(issued) => tracing::info!(issued, "statements were issued"),
            Err(error) => tracing::warn!(%error, "statements that are due could not be issued"),
        }
        tokio::time::sleep(STATEMENTS_LOOK).await;
    }
}
