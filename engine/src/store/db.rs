//! The seam between the two databases: pools, transactions, rows and binds.
//!
//! Queries are written once, with `$1` placeholders, as [`Sql`]; what comes back is a [`Row`]. Elsewhere in the store a
//! database is named only where it needs a way of its own, with a comment.

use super::postgres_log::PostgresLog;
pub use super::sql::{Sql, Value, chunks};
use super::sql::{placeholder, placeholders};
use super::sqlite_log::SqliteLog;
use crate::error::{Error, corrupt};
use futures_util::stream::{BoxStream, StreamExt};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Column, Executor, PgPool, Postgres, Row as _, Sqlite, Transaction, TypeInfo};
use std::time::Duration;
use uuid::Uuid;

/// How long a statement on Postgres may take: none comes near it, unless the network has gone silent.
const STATEMENT_MAX: Duration = Duration::from_secs(30);

/// Waits for nobody: what a reader still needs stays where it is.
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The database.
#[derive(Clone)]
pub enum Db {
    /// One connection writes (so writers queue here rather than fail), the others read. The log is in a file of its
    /// own, see [`super::log`].
    Sqlite {
        writer: sqlx::SqlitePool,
        readers: sqlx::SqlitePool,
        log: SqliteLog,
        log_readers: sqlx::SqlitePool,
        /// Takes the log's write-ahead log into its file, beside the appends.
        log_checkpoints: sqlx::SqlitePool,
    },
    /// A pool for everything, and a connection that appends to the log.
    Postgres { pool: sqlx::PgPool, log: PostgresLog },
}

/// A transaction that may write. Dropped without [`Tx::commit`] it leaves nothing behind.
pub enum Tx {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// A statement with its values as sqlx takes it: `bound!(sql, SqliteArguments)`.
macro_rules! bound {
    ($sql:expr, $arguments:ident) => {{
        let mut arguments = $arguments::default();
        arguments.reserve($sql.values.len(), $sql.values.len() * size_of::<i64>());
        let added = $sql.values.into_iter().try_for_each(|value| match value {
            Value::Int(v) => arguments.add(v),
            Value::Text(v) => arguments.add(v),
            Value::Bytes(v) => arguments.add(v),
            Value::Uuid(v) => arguments.add(v),
        });
        sqlx::query_with(AssertSqlSafe($sql.text), added.map(|()| arguments).map_err(sqlx::Error::Encode)?)
    }};
}

/// Begins a transaction on Postgres that may write. A process that freezes, or whose network is gone, keeps its locks for a
/// minute: without an end to it, for hours. Where others would wait for them, see [`Tx::give_up_when_idle`].
macro_rules! begin {
    ($begin:literal) => {
        concat!($begin, "; SET LOCAL idle_in_transaction_session_timeout = '60s'")
    };
}

impl Db {
    /// Begins a transaction that may write. On SQLite it waits for its turn here and holds the write lock at once.
    pub async fn begin(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite { writer, .. } => Ok(Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)),
            Self::Postgres { pool, .. } => Ok(Tx::Postgres(begun(pool, begin!("BEGIN")).await?)),
        }
    }

    /// Begins a transaction that reads one state of the database, whatever is written meanwhile.
    pub async fn snapshot(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite { readers, .. } => Ok(Tx::Sqlite(readers.begin().await?)),
            Self::Postgres { pool, .. } => {
                Ok(Tx::Postgres(begun(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?))
            }
        }
    }

    /// The same of the log's file, where it has one of its own.
    pub async fn snapshot_of_log(&self) -> Result<Option<Tx>, Error> {
        match self {
            Self::Sqlite { log_readers, .. } if self.has_log_apart() => {
                Ok(Some(Tx::Sqlite(log_readers.begin().await?)))
            }
            _ => Ok(None),
        }
    }

    /// Begins a transaction that may write, and sees one state of the database but for what it writes itself. On Postgres
    /// it fails with [`Error::Unavailable`] where another one has changed what it writes: worth another try.
    pub async fn begin_on_snapshot(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite { .. } => self.begin().await,
            Self::Postgres { pool, .. } => {
                Ok(Tx::Postgres(begun(pool, begin!("BEGIN ISOLATION LEVEL REPEATABLE READ")).await?))
            }
        }
    }

    /// Reads all rows.
    pub async fn fetch(&self, sql: Sql) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite { readers, .. } => {
                Ok(readers.fetch_all(bound!(sql, SqliteArguments)).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres { pool, .. } => {
                let rows = in_time(async { pool.fetch_all(bound!(sql, PgArguments)).await }).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs one statement that writes, a transaction by itself, and gives what it returns. On Postgres no lock hangs on whether
    /// this process goes on.
    pub async fn write(&self, sql: Sql) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite { writer, .. } => {
                Ok(writer.fetch_all(bound!(sql, SqliteArguments)).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres { .. } => self.fetch(sql).await,
        }
    }

    /// Reads all rows from the file or database that holds the log.
    pub async fn fetch_log(&self, sql: Sql) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite { log_readers, .. } => {
                Ok(log_readers.fetch_all(bound!(sql, SqliteArguments)).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres { .. } => self.fetch(sql).await,
        }
    }

    /// Runs a statement that writes the log, durable once this returns, and gives the number of the row: on Postgres
    /// that which the statement returns, on SQLite, where it returns nothing, that of the row inserted last.
    ///
    /// On SQLite the thread waits meanwhile, so only the writer's may do this, or one that has nothing else to do.
    pub async fn append(&self, sql: Sql) -> Result<Option<i64>, Error> {
        match self {
            Self::Sqlite { log, .. } => log.run(sql).map(Some),
            Self::Postgres { log, .. } => {
                let (mut idle, mut connection) = log.take().await?;
                // To the end, as a commit may fail after the row has come.
                let rows = in_time(async { connection.fetch_all(bound!(sql, PgArguments)).await }).await?;
                *idle = Some(connection);
                rows.into_iter().next().map(|row| Row::Postgres(row).int(0)).transpose()
            }
        }
    }

    /// Takes what was appended to the log so far from its write-ahead log into its file, on SQLite, while more is
    /// appended.
    pub async fn checkpoint_log_beside(&self) -> Result<(), Error> {
        if let Self::Sqlite { log_checkpoints, .. } = self {
            sqlx::query(CHECKPOINT).execute(log_checkpoints).await?;
        }
        Ok(())
    }

    /// The same with what has been appended meanwhile, which is little, so that the write-ahead log can begin anew.
    /// Appends wait for it.
    pub fn checkpoint_log(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite { log, .. } => log.execute(CHECKPOINT),
            Self::Postgres { .. } => Ok(()),
        }
    }

    /// `($1, $2), ($3, $4)` for rows of values that are the first of a statement.
    pub fn placeholders(&self, rows: usize, width: usize) -> String {
        placeholders(rows, width, |text, at| placeholder(text, at, matches!(self, Self::Sqlite { .. })))
    }

    /// Joins what a table has under a key to each row of what is before it, in turn. On SQLite a CROSS JOIN keeps that
    /// order. Postgres would rather read all of a table than look up some hundred rows of it; `OFFSET 0` keeps it from that.
    pub fn look_up(&self, table: &str, alias: &str, key: &str) -> String {
        match self {
            Self::Sqlite { .. } => format!("CROSS JOIN {table} {alias} ON {key}"),
            Self::Postgres { .. } => {
                format!("CROSS JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {key} OFFSET 0) {alias}")
            }
        }
    }

    /// The placeholder of a statement's value, counted from 1, in the order of the values.
    pub fn placeholder(&self, at: usize) -> String {
        let mut text = String::new();
        placeholder(&mut text, at, matches!(self, Self::Sqlite { .. }));
        text
    }

    /// Reads the first row, if there is one.
    pub async fn fetch_optional(&self, sql: Sql) -> Result<Option<Row>, Error> {
        Ok(self.fetch(sql).await?.into_iter().next())
    }

    /// Reads the one row that must be there.
    pub async fn fetch_one(&self, sql: Sql) -> Result<Row, Error> {
        self.fetch_optional(sql).await?.ok_or(Error::NotFound)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, log, log_readers, log_checkpoints } => {
                for pool in [log_checkpoints, log_readers, readers] {
                    pool.close().await;
                }
                log.close();
                writer.close().await;
            }
            Self::Postgres { pool, log } => {
                log.close().await;
                pool.close().await;
            }
        }
    }
}

/// What a statement on Postgres gives, unless it takes too long.
pub(super) async fn in_time<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    let late = |_| Error::Unavailable("the database has gone silent".to_owned());
    Ok(tokio::time::timeout(STATEMENT_MAX, statement).await.map_err(late)??)
}

/// Begins a transaction on Postgres, in a task of its own: whoever asked may go away meanwhile, as a client that hangs up,
/// and a connection that sqlx takes back in the middle of `BEGIN` would stay in that transaction, whoever gets it next.
async fn begun(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>, Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    in_time(async { begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)) }).await
}

impl Tx {
    /// Reads all rows, or those that the statement returns.
    pub async fn fetch(&mut self, sql: Sql) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(tx) => {
                Ok(tx.fetch_all(bound!(sql, SqliteArguments)).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let rows = in_time(async { tx.fetch_all(bound!(sql, PgArguments)).await }).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Reads rows as they are asked for, however many there are.
    pub fn stream(&mut self, sql: Sql) -> Result<BoxStream<'_, Result<Row, Error>>, Error> {
        Ok(match self {
            Self::Sqlite(tx) => tx.fetch(bound!(sql, SqliteArguments)).map(|row| Ok(Row::Sqlite(row?))).boxed(),
            Self::Postgres(tx) => tx.fetch(bound!(sql, PgArguments)).map(|row| Ok(Row::Postgres(row?))).boxed(),
        })
    }

    /// Lets Postgres end this transaction and its connection if it is idle for so long, other than the minute that is usual.
    /// On SQLite the file's lock goes with the process.
    pub async fn give_up_when_idle(&mut self, after: Duration) -> Result<(), Error> {
        if matches!(self, Self::Postgres(_)) {
            // `SET` takes no parameters.
            let sql = format!("SET LOCAL idle_in_transaction_session_timeout = {}", after.as_millis());
            self.execute(Sql::new(sql)).await?;
        }
        Ok(())
    }

    /// Reads the first row, if there is one.
    pub async fn fetch_optional(&mut self, sql: Sql) -> Result<Option<Row>, Error> {
        Ok(self.fetch(sql).await?.into_iter().next())
    }

    /// Reads the one row that must be there.
    pub async fn fetch_one(&mut self, sql: Sql) -> Result<Row, Error> {
        self.fetch_optional(sql).await?.ok_or(Error::NotFound)
    }

    /// Runs a statement and says how many rows it touched.
    pub async fn execute(&mut self, sql: Sql) -> Result<u64, Error> {
        match self {
            Self::Sqlite(tx) => Ok(tx.execute(bound!(sql, SqliteArguments)).await?.rows_affected()),
            Self::Postgres(tx) => {
                Ok(in_time(async { tx.execute(bound!(sql, PgArguments)).await }).await?.rows_affected())
            }
        }
    }

    /// Inserts some thousand rows of whole numbers at most: `into` names the table and its columns, `on_conflict` ends the
    /// statement.
    pub async fn insert_all<const WIDTH: usize>(
        &mut self,
        into: &str,
        rows: &[[i64; WIDTH]],
        on_conflict: &str,
    ) -> Result<(), Error> {
        if let Self::Postgres(tx) = self {
            // As columns: a statement of one text for any number of rows.
            let columns: Vec<String> = (1..=WIDTH).map(|at| format!("${at}::BIGINT[]")).collect();
            let sql = format!("INSERT INTO {into} SELECT * FROM UNNEST({}) {on_conflict}", columns.join(", "));
            let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<_>>();
            let statement = (0..WIDTH).map(column).fold(sqlx::query(AssertSqlSafe(sql)), sqlx::query::Query::bind);
            in_time(async { statement.execute(&mut **tx).await }).await?;
            return Ok(());
        }
        for chunk in chunks(rows) {
            let sql = format!("INSERT INTO {into} VALUES {} {on_conflict}", self.placeholders(chunk.len(), WIDTH));
            let values = chunk.iter().flatten().map(|value| Value::from(*value));
            self.execute(Sql::new(sql).room(chunk.len() * WIDTH).bind_all(values)).await?;
        }
        Ok(())
    }

    /// `($1, $2), ($3, $4)` for rows of values that are the statement's only ones; see [`Db::placeholder`].
    pub fn placeholders(&self, rows: usize, width: usize) -> String {
        placeholders(rows, width, |text, at| placeholder(text, at, matches!(self, Self::Sqlite(_))))
    }

    /// Makes it last.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => Ok(tx.commit().await?),
            Self::Postgres(tx) => in_time(tx.commit()).await,
        }
    }
}

/// A row; columns by position.
pub enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! get {
    ($self:ident, $column:ident) => {
        match $self {
            Self::Sqlite(row) => Ok(row.try_get($column)?),
            Self::Postgres(row) => Ok(row.try_get($column)?),
        }
    };
}

impl Row {
    /// A whole number that may be null. Postgres' narrow integers are widened.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => match row.column(column).type_info().name() {
                "INT4" => Ok(row.try_get::<Option<i32>, _>(column)?.map(i64::from)),
                "INT2" => Ok(row.try_get::<Option<i16>, _>(column)?.map(i64::from)),
                _ => Ok(row.try_get(column)?),
            },
        }
    }
    /// A whole number.
    pub fn int(&self, column: usize) -> Result<i64, Error> {
        self.opt_int(column)?.ok_or_else(|| corrupt("number"))
    }
    /// A whole number that fits a smaller type.
    pub fn narrow<T: TryFrom<i64>>(&self, column: usize) -> Result<T, Error> {
        T::try_from(self.int(column)?).map_err(|_| corrupt("number"))
    }
    /// A text.
    pub fn text(&self, column: usize) -> Result<String, Error> {
        get!(self, column)
    }
    /// A text that may be null.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, Error> {
        get!(self, column)
    }
    /// Bytes.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>, Error> {
        get!(self, column)
    }
    /// Bytes that may be null; those of an id as well.
    pub fn opt_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Postgres(row) if row.column(column).type_info().name() == "UUID" => {
                Ok(self.opt_uuid(column)?.map(|id| id.into_bytes().to_vec()))
            }
            _ => get!(self, column),
        }
    }
    /// An id or other 128 bits.
    pub fn uuid(&self, column: usize) -> Result<Uuid, Error> {
        get!(self, column)
    }
    /// An id that may be null.
    pub fn opt_uuid(&self, column: usize) -> Result<Option<Uuid>, Error> {
        get!(self, column)
    }
    /// An instant.
    pub fn at(&self, column: usize) -> Result<domain::Timestamp, Error> {
        self.int(column).map(domain::Timestamp::from_millis)
    }
    /// An instant that may be null.
    pub fn opt_at(&self, column: usize) -> Result<Option<domain::Timestamp>, Error> {
        Ok(self.opt_int(column)?.map(domain::Timestamp::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_the_database_has_ended_spoils_no_connection() {
        let directory = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite://{}", directory.path().join("test.db").display());
        let settings = crate::Settings { database_url, connections_max: 1, ..crate::Settings::default() };
        let db = Db::connect(&settings).await.unwrap();
        for _ in 0..3 {
            let mut tx = db.begin().await.unwrap();
            // As SQLite does by itself when there is no room for what is to be committed.
            tx.execute(Sql::new("ROLLBACK")).await.unwrap();
            assert!(tx.commit().await.is_err());
        }
        db.begin().await.unwrap().commit().await.unwrap();
    }
}
