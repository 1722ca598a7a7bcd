//! The connection that appends to the log on Postgres.

use super::pools::set_up;
use crate::error::Error;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How long an append to the log waits for its connection: whoever waits for the answer is told rather to try again.
const APPEND_WAIT_MAX: Duration = Duration::from_secs(1);

/// The connection that appends to the log. It is taken out while a statement is under way, so that one that broke off, or
/// was given up, is never used again; the next statement makes another.
///
/// Not a pool of one, which asks the server after each statement whether the connection is still there.
#[derive(Clone)]
pub struct PostgresLog {
    options: Arc<PgConnectOptions>,
    idle: Arc<Mutex<Option<PgConnection>>>,
}

impl PostgresLog {
    /// Nothing is connected yet.
    pub fn new(options: PgConnectOptions) -> Self {
        Self { options: options.into(), idle: Arc::default() }
    }

    /// How it is connected.
    pub fn options(&self) -> PgConnectOptions {
        (*self.options).clone()
    }

    /// The connection, made if there is none, and where to put it back after a statement that ended well.
    pub async fn take(&self) -> Result<(MutexGuard<'_, Option<PgConnection>>, PgConnection), Error> {
        let connected = async {
            let mut idle = self.idle.lock().await;
            let connection = match idle.take() {
                Some(connection) => connection,
                None => {
                    let mut connection = PgConnection::connect_with(&self.options).await?;
                    set_up(&mut connection).await?;
                    connection
                }
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
