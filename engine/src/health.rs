//! Whether the engine can do its work.

use crate::error::Error;
use crate::store::log::Backlog;
use crate::{Engine, store};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the database may take to say that it is there.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether events can be taken in.
    pub ready: bool,
    /// Whether the database answers.
    pub database: bool,
    /// Whether every migration has been applied.
    pub migrated: bool,
    /// Whether the last commit of events went well.
    pub writing: bool,
    /// Requests whose events wait for their commit.
    pub waiting_requests: usize,
    /// Batches that are kept waiting until more is counted.
    pub kept_batches: usize,
    /// Events that are committed and not in the figures yet.
    pub backlog_events: i64,
    /// For how long the oldest of them has waited, in milliseconds.
    pub lag_ms: i64,
    /// Whether this process brings the figures up to date, rather than another one.
    pub aggregates: bool,
}

impl Engine {
    /// Asks the database and the writer.
    pub async fn health(&self) -> Health {
        let asked = async { Ok::<_, Error>((self.backlog().await?, self.0.watched_db.is_migrated().await)) };
        let answer = tokio::time::timeout(ANSWER_MAX, asked).await.ok().and_then(Result::ok);
        let (database, (backlog, migrated)) = (answer.is_some(), answer.unwrap_or_default());
        let writing = self.0.writer.is_healthy();
        Health {
            ready: database && migrated && writing,
            database,
            migrated,
            writing,
            waiting_requests: self.0.writer.waiting(),
            kept_batches: self.0.writer.uncounted().kept(),
            backlog_events: backlog.events,
            lag_ms: backlog.since.map_or(0, |since| (self.now().millis() - since.millis()).max(0)),
            aggregates: self.0.aggregates.load(Ordering::Relaxed),
        }
    }

    /// For how long the oldest event that is not in the figures has waited, in milliseconds.
    pub(crate) async fn lag_ms(&self) -> Result<i64, Error> {
        let since = self.backlog().await?.since;
        Ok(since.map_or(0, |since| (self.now().millis() - since.millis()).max(0)))
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        let db = &self.0.watched_db;
        let applied = store::aggregator::progress(db).await?.applied;
        store::log::backlog(db, applied).await
    }
}
