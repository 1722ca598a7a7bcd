//! Whether the engine can do its work.

use crate::Engine;
use crate::error::Error;

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
    /// Packs of events that are not in the figures yet.
    pub backlog_packs: i64,
}

impl Engine {
    /// Asks the database and the writer.
    ///
    /// # Errors
    /// None: what is wrong is part of the answer.
    pub async fn health(&self) -> Result<Health, Error> {
        let backlog = crate::aggregate::backlog(&self.0.db).await;
        let (database, backlog_packs) = (backlog.is_ok(), backlog.unwrap_or(0));
        let migrated = database && self.0.db.is_migrated().await;
        let writing = self.0.writer.is_healthy();
        let waiting_requests = self.0.writer.waiting();
        let ready = database && migrated && writing;
        Ok(Health { ready, database, migrated, writing, waiting_requests, backlog_packs })
    }
}
