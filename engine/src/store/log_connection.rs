//! The connection through which the log is appended to.

use crate::error::Error;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How long an append to the log waits for its connection: whoever waits for the answer is told rather to try again.
const APPEND_WAIT_MAX: Duration = Duration::from_secs(1);

/// The connection that appends to the log. It is taken out while a statement is under way, so that one that broke off, or
/// was given up, is never used again; the next statement makes another.
///
/// Not a pool of one, which asks after each statement whether the connection is still there: on Postgres the server, on
/// SQLite the connection's thread, which is woken once more for each append.
pub struct LogConnection<C: Connection> {
    options: Arc<C::Options>,
    idle: Arc<Mutex<Option<C>>>,
}

impl<C: Connection> Clone for LogConnection<C> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), idle: self.idle.clone() }
    }
}

impl<C: Connection> LogConnection<C> {
    /// Nothing is connected yet.
    pub fn new(options: C::Options) -> Self {
        Self { options: options.into(), idle: Arc::default() }
    }

    /// How it is connected.
    pub fn options(&self) -> C::Options {
        (*self.options).clone()
    }

    /// The connection, made if there is none, and where to put it back after a statement that ended well.
    pub async fn take(&self) -> Result<(MutexGuard<'_, Option<C>>, C), Error> {
        let connected = async {
            let mut idle = self.idle.lock().await;
            let connection = match idle.take() {
                Some(connection) => connection,
                None => C::connect_with(&self.options).await?,
            };
            Ok::<_, sqlx::Error>((idle, connection))
        };
        let connected = tokio::time::timeout(APPEND_WAIT_MAX, connected).await;
        Ok(connected.unwrap_or(Err(sqlx::Error::PoolTimedOut))?)
    }

    /// Closes the connection, if there is one.
    pub async fn close(&self) {
        if let Some(connection) = self.idle.lock().await.take() {
            // It is not used again in either case.
            let _ = connection.close().await;
        }
    }
}

impl LogConnection<SqliteConnection> {
    /// Runs a statement without values.
    pub async fn execute(&self, sql: &'static str) -> Result<(), Error> {
        let (mut idle, mut connection) = self.take().await?;
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        *idle = Some(connection);
        Ok(())
    }
}
