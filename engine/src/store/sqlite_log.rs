//! The connection that appends to the log on SQLite.

use super::sql::{Sql, Value};
use crate::error::Error;
use rusqlite::types::{ToSql, ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Connection, params_from_iter};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long an append waits for another process's: whoever waits for the answer is told rather to try again.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(4);

/// Pages of the write-ahead log after which an append would take them into the file, and wait for it. Many, as
/// [`super::Db::checkpoint_log_beside`] sees to it long before.
const AUTOCHECKPOINT: i64 = 65_536;

/// The connection that appends to the log. It is taken out while a statement is under way, so that one that failed is
/// never used again; the next statement makes another.
///
/// Not one of sqlx, which has a thread for each: on a busy machine that thread, woken for every append, waits for a
/// processor behind those whose answers wait for it. Here the append is made on the thread that asks for it, which
/// waits until it is durable.
#[derive(Clone)]
pub struct SqliteLog {
    file: PathBuf,
    cache_kib: u32,
    idle: Arc<Mutex<Option<Connection>>>,
}

impl SqliteLog {
    /// Nothing is connected yet.
    pub fn new(file: PathBuf, cache_kib: u32) -> Self {
        Self { file, cache_kib, idle: Arc::default() }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.file)?;
        connection.busy_timeout(LOCK_WAIT_MAX)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Syncs the write-ahead log at every commit: what was answered survives a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", AUTOCHECKPOINT)?;
        // Negative means KiB.
        connection.pragma_update(None, "cache_size", -i64::from(self.cache_kib))?;
        Ok(connection)
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match idle.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let done = work(&connection)?;
        *idle = Some(connection);
        Ok(done)
    }

    /// Runs a statement that returns nothing, durable once this returns, and gives the number of the row that was
    /// inserted last.
    pub fn run(&self, sql: Sql) -> Result<i64, Error> {
        self.with(|connection| {
            connection.prepare_cached(&sql.text)?.execute(params_from_iter(sql.values))?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Runs a statement without values, whatever it returns.
    pub fn execute(&self, sql: &'static str) -> Result<(), Error> {
        self.with(|connection| connection.execute_batch(sql))
    }

    /// Closes the connection, if there is one and no statement hangs on it.
    pub fn close(&self) {
        if let Ok(mut idle) = self.idle.try_lock() {
            idle.take();
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self {
            Self::Int(Some(value)) => return Ok(ToSqlOutput::Owned(Owned::Integer(*value))),
            Self::Text(Some(value)) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(Some(value)) => ValueRef::Blob(value),
            Self::Uuid(Some(value)) => ValueRef::Blob(value.as_bytes()),
            Self::Int(None) | Self::Text(None) | Self::Bytes(None) | Self::Uuid(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_the_log_locked_is_told_to_try_again() {
        let directory = tempfile::tempdir().unwrap();
        let [log, other] = [(); 2].map(|()| SqliteLog::new(directory.path().join("test.db-log"), 1_024));
        log.execute(super::super::log::SQLITE_TABLE).unwrap();
        let append = |number: i64| {
            let sql = Sql::new("INSERT INTO log (writer, number, appended_at, events, pack) VALUES ($1, $2, 0, 0, $3)");
            log.run(sql.bind(uuid::Uuid::nil()).bind(number).bind(vec![1, 2, 3]))
        };
        assert_eq!(append(1).unwrap(), 1);
        other.execute("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(append(2), Err(Error::Unavailable(_))));
        other.execute("ROLLBACK").unwrap();
        assert_eq!(append(3).unwrap(), 2);
    }
}
