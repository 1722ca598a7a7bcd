//! Pools of connections, and when one of them is fit for use.

use sqlx::Connection;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::sqlite::SqlitePoolOptions;
use std::time::Duration;

/// How long a query waits for a connection, or SQLite for another process's write.
pub const WAIT_MAX: Duration = Duration::from_secs(10);

/// How long a Postgres server may take to show that a connection is alive. One behind which the network has gone silent
/// would look busy for a quarter of an hour.
const SIGN_OF_LIFE_MAX: Duration = Duration::from_secs(2);

/// Connections to SQLite. A file does not go away like a server: no need to ask before each use.
pub fn sqlite_pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(WAIT_MAX)
        .test_before_acquire(false)
        // A commit that fails for want of space ends the transaction, of which sqlx knows nothing: it would refuse to begin
        // another on this connection for ever.
        .before_acquire(|connection, _| {
            let fit = !connection.is_in_transaction();
            Box::pin(async move { Ok(fit) })
        })
}

/// Connections to Postgres, each of which shows signs of life before it is used.
pub fn postgres_pool(connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(WAIT_MAX)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(set_up(connection)))
        .before_acquire(|connection, _| Box::pin(is_alive(connection)))
        .after_release(|connection, _| Box::pin(is_alive(connection)))
}

/// What each connection to Postgres is set to, whatever the server or the role says: what was committed is on the disk. And a
/// statement that nobody waits for any more, as it took too long or the process has ended, ends within seconds rather than
/// going on with its locks.
pub async fn set_up(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let durable =
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
    sqlx::query(durable).fetch_all(&mut *connection).await?;
    // A server before version 14, or on Windows, cannot do it, and says so: there such statements go on to their end.
    let _ = sqlx::query("SET client_connection_check_interval = '5s'").execute(connection).await;
    Ok(())
}

/// Asks the server behind a connection for a sign of life.
async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(SIGN_OF_LIFE_MAX, connection.ping()).await {
        Ok(alive) => alive.map(|()| true),
        // An error, as one that is only unfit is parted with politely.
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}
