//! Connecting to a database: as servers and commands do, and to what is filled at once.

use super::Db;
use super::db::Sql;
use super::pools::{WAIT_MAX, postgres_pool, sqlite_pool};
use super::postgres_log::PostgresLog;
use super::sqlite_log::SqliteLog;
use crate::error::Error;
use crate::settings::Settings;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Connections of a runtime apart, see [`Db::apart`]: a transaction, and a snapshot or what is read ahead.
const APART_CONNECTIONS_MAX: u32 = 2;

/// What is added to the name of a database's file for that of its log.
const LOG: &str = "-log";

/// Pages of the write-ahead log after which they are taken into the file. The aggregator writes the same pages again and
/// again: taken rarely, they are written there once, and disturb the log's syncs less often.
const AUTOCHECKPOINT: &str = "8192";

/// The page cache of a connection that fills a database, in KiB: keys come in any order …
const FILL_CACHE_KIB: u32 = 65_536;
/// … and of one that reads all of a backup once, in the order in which it lies there.
const READ_CACHE_KIB: u32 = 2_048;

impl Db {
    /// Connects; creates the file of an SQLite database that does not exist yet.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let (url, connections_max) = (settings.database_url.as_str(), settings.connections_max);
        if is_postgres(url) {
            return Self::on_postgres(url, connections_max).await;
        }
        let options = usual(sqlite_options(url)?, settings.room.cache_kib).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal);
        let writer = sqlite_pool(1).connect_with(options.clone().pragma("wal_autocheckpoint", AUTOCHECKPOINT)).await?;
        let log_options = options.clone().filename(beside(options.get_filename(), LOG)).foreign_keys(false);
        let log = SqliteLog::new(log_options.get_filename().to_owned(), settings.room.cache_kib);
        log.execute(super::log::SQLITE_TABLE)?;
        let log_checkpoints = sqlite_pool(1).connect_lazy_with(log_options.clone());
        let log_readers = sqlite_pool(2).connect_with(log_options.pragma("query_only", "ON")).await?;
        let readers = sqlite_pool(connections_max).connect_with(options.pragma("query_only", "ON")).await?;
        Ok(Self::Sqlite { writer, readers, log, log_readers, log_checkpoints })
    }

    async fn on_postgres(url: &str, connections_max: u32) -> Result<Self, Error> {
        let pool = postgres_pool(connections_max).connect(url).await?;
        Ok(Self::Postgres { pool, log: PostgresLog::new(PgConnectOptions::from_str(url)?) })
    }

    /// Connects to a database that nobody else uses yet, to fill it in one transaction on one connection.
    ///
    /// On SQLite the log's file is attached to that of the database. With a rollback journal both become what they will be in the
    /// same instant, whatever happens (with write-ahead logs, each for itself), and what is written goes into the files themselves
    /// rather than into logs of the same size first. Whoever connects next brings the write-ahead logs back.
    pub async fn connect_to_fill(settings: &Settings) -> Result<Self, Error> {
        let url = settings.database_url.as_str();
        if is_postgres(url) {
            return Self::on_postgres(url, 1).await;
        }
        let options = usual(sqlite_options(url)?, FILL_CACHE_KIB).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Delete);
        let log = beside(options.get_filename(), LOG);
        let log = log.to_str().ok_or_else(|| Error::Internal("the file's name is no UTF-8".to_owned()))?.to_owned();
        let writer = sqlite_pool(1).after_connect(move |connection, _| {
            let log = log.clone();
            Box::pin(async move { attach_log(connection, log).await })
        });
        Self::one_connection(writer, options).await
    }

    /// A backup that is to be filled: an SQLite database that is one file, the log's table in it. The file is new or empty.
    pub async fn create_backup(file: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new().filename(absolute(file)?).create_if_missing(true);
        let options = usual(options, FILL_CACHE_KIB).journal_mode(SqliteJournalMode::Delete);
        let db = Self::one_connection(sqlite_pool(1), options).await?;
        let mut tx = db.begin().await?;
        tx.execute(Sql::new(super::log::SQLITE_TABLE)).await?;
        tx.commit().await?;
        Ok(db)
    }

    /// A backup, to read it. Nothing is written beside it either.
    pub async fn open_backup(file: &Path) -> Result<Self, Error> {
        let options = usual(SqliteConnectOptions::new().filename(absolute(file)?), READ_CACHE_KIB).read_only(true);
        Self::one_connection(sqlite_pool(1), options).await
    }

    /// A database that is read or written by one connection, which reaches the log as well.
    async fn one_connection(writer: SqlitePoolOptions, options: SqliteConnectOptions) -> Result<Self, Error> {
        let log = SqliteLog::new(options.get_filename().to_owned(), FILL_CACHE_KIB);
        let readers = sqlite_pool(1).connect_lazy_with(options.clone());
        let writer = writer.connect_with(options).await?;
        let (log_readers, log_checkpoints) = (readers.clone(), writer.clone());
        Ok(Self::Sqlite { writer, readers, log, log_readers, log_checkpoints })
    }

    /// Whether the log is in a file of its own.
    pub fn has_log_apart(&self) -> bool {
        match self {
            Self::Sqlite { writer, log_readers, .. } => {
                writer.connect_options().get_filename() != log_readers.connect_options().get_filename()
            }
            Self::Postgres { .. } => false,
        }
    }

    /// The same database for another runtime: connections to Postgres belong to the runtime that made them, so these are
    /// others. Those to SQLite have threads of their own; but those that read are others too, so that nobody's long reading is
    /// waited for.
    pub fn apart(&self) -> Self {
        match self {
            Self::Sqlite { writer, readers, log, log_readers, log_checkpoints } => {
                let options = readers.connect_options().as_ref().clone();
                Self::Sqlite {
                    writer: writer.clone(),
                    readers: sqlite_pool(APART_CONNECTIONS_MAX).connect_lazy_with(options),
                    log: log.clone(),
                    log_readers: log_readers.clone(),
                    log_checkpoints: log_checkpoints.clone(),
                }
            }
            Self::Postgres { log, .. } => {
                let pool = postgres_pool(APART_CONNECTIONS_MAX).connect_lazy_with(log.options());
                Self::Postgres { pool, log: PostgresLog::new(log.options()) }
            }
        }
    }

    /// Closes the connections that [`Self::apart`] has made.
    pub async fn close_apart(&self) {
        match self {
            Self::Sqlite { readers, .. } => readers.close().await,
            Self::Postgres { .. } => self.close().await,
        }
    }

    /// What lies beside the database's file under its name and this ending; Postgres has no such file.
    pub fn beside(&self, ending: &str) -> Option<PathBuf> {
        match self {
            Self::Sqlite { writer, .. } => Some(beside(writer.connect_options().get_filename(), ending)),
            Self::Postgres { .. } => None,
        }
    }
}

/// The file of an SQLite database; `None` of one on Postgres.
pub fn file_of(database_url: &str) -> Result<Option<PathBuf>, Error> {
    if is_postgres(database_url) {
        return Ok(None);
    }
    Ok(Some(sqlite_options(database_url)?.get_filename().to_owned()))
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, Error> {
    SqliteConnectOptions::from_str(url)
        .map_err(|error| Error::Internal(format!("the database URL is neither sqlite:// nor postgres://: {error}")))
}

fn usual(options: SqliteConnectOptions, cache_kib: u32) -> SqliteConnectOptions {
    options
        .foreign_keys(true)
        // FULL syncs the log at every commit: what was answered survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(WAIT_MAX)
        // Negative means KiB.
        .pragma("cache_size", format!("-{cache_kib}"))
        .pragma("temp_store", "MEMORY")
        // Where hundreds of rows are wanted of millions, it would rather index all of these, for each statement anew.
        .pragma("automatic_index", "OFF")
}

/// Attaches the log's file, with its table.
async fn attach_log(connection: &mut SqliteConnection, log: String) -> Result<(), sqlx::Error> {
    sqlx::query("ATTACH ? AS apart").bind(log).execute(&mut *connection).await?;
    let table = super::log::SQLITE_TABLE.replace(" log ", " apart.log ");
    let sql = format!("PRAGMA apart.journal_mode = DELETE; {table}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

/// SQLite would take a name such as `file:a` for an address.
fn absolute(file: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(file).map_err(|error| Error::Unavailable(error.to_string()))
}

/// A file beside the database's, with something added to its name.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
