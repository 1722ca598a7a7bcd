//! All that a database holds: one state of it, and putting that into another, empty one.
//!
//! Rows are copied as they are, whatever the two databases are: their tables and columns are the same.

use super::aggregator::{self, Progress};
use super::db::{Db, Row, Sql, Tx, Value, chunks, in_time};
use super::directory::MARK_SEED;
use super::log;
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::timestamp::DAY_MS;
use futures_util::stream::{BoxStream, TryStreamExt};
use sqlx::{AssertSqlSafe, query};
use std::time::Duration;
use uuid::Uuid;

/// The version of the tables that is the first of which all is known here.
pub const FIRST_VERSION: i64 = 11;

/// What is copied, in an order in which what refers to others comes after them. The log comes first: on SQLite others wait
/// for what is read of it.
const TABLES: [&str; 32] = [
    "log",
    "settings",
    "customers",
    "applications",
    "application_secrets",
    "users",
    "helplines",
    "quota_hours",
    "rate_cards",
    "rate_card_versions",
    "rate_card_assignments",
    "statements",
    "webhooks",
    "alerts",
    "alert_firings",
    "deliveries",
    "report_texts",
    "report_books",
    "reports",
    "disclosures",
    "audit_log",
    "exports",
    "imports",
    "imported_counts",
    "access_links",
    "event_blocks",
    "intake_quarters",
    "intake_days",
    "session_runs",
    "session_parts",
    "figures",
    "aggregator",
];

/// What is not: people log in anew.
#[cfg(test)]
const LEFT: [&str; 2] = ["login_failures", "web_sessions"];

/// What a new database has rows in.
const NEVER_EMPTY: [&str; 2] = ["settings", "aggregator"];

/// Whose numbers Postgres gives.
const NUMBERED: [&str; 3] = ["customers", "applications", "helplines"];

/// Rows that are written at once, and bytes of them, about.
const ROWS_MAX: usize = 512;
const BYTES_MAX: usize = 4 << 20;

/// How long the next row may take, and whatever is written meanwhile …
const ROW_MAX: Duration = Duration::from_secs(60);
/// … and the count of all rows of a table.
const COUNT_MAX: Duration = Duration::from_secs(3_600);

/// How often, and after what pause, it is looked whether others have left a database.
const LEAVING_LOOKS: usize = 20;
const LEAVING_LOOK: Duration = Duration::from_millis(50);
/// And how long for the lock that they hold.
const LOCK_MAX_MS: u32 = 2_000;

/// How often it is tried to see a state of the two files of SQLite that belongs together.
const TRIES: usize = 10;

/// One state of all that a database holds.
pub struct Whole {
    tx: Tx,
    /// Where the log is apart, its state: of the same moment or a little later.
    log: Option<Tx>,
    progress: Progress,
}

impl Whole {
    /// Begins to read one state, whatever is written meanwhile. The log is seen after the rest, so it holds all that is
    /// counted; and it has to hold whatever is not written down elsewhere, of which some may just have been cleared away.
    pub async fn see(db: &Db) -> Result<Self, Error> {
        for _ in 0..TRIES {
            let mut tx = db.snapshot().await?;
            let progress = aggregator::progress_in(&mut tx).await?;
            let Some(mut log) = db.snapshot_of_log().await? else { return Ok(Self { tx, log: None, progress }) };
            let ends = log::ends_in(&mut log).await?;
            if ends.map_or(progress.applied == progress.flushed, |(oldest, newest)| {
                oldest <= progress.flushed + 1 && newest >= progress.applied
            }) {
                return Ok(Self { tx, log: Some(log), progress });
            }
        }
        Err(Error::Internal(
            "the file …-log does not belong to this database: no server could start on the two".to_owned(),
        ))
    }

    /// The transaction that a table is in.
    fn holding(&mut self, table: &str) -> &mut Tx {
        match &mut self.log {
            Some(log) if table == "log" => log,
            _ => &mut self.tx,
        }
    }

    /// A statement that reads what is copied of a table. Of the log that is what is in no run: all else is in the event blocks.
    fn read(&self, what: &str, table: &str) -> Sql {
        let sql = format!("SELECT {what} FROM {table}");
        if table == "log" { Sql::new(sql + " WHERE seq > $1").bind(self.progress.flushed) } else { Sql::new(sql) }
    }

    async fn number(&mut self, table: &str, sql: Sql) -> Result<u64, Error> {
        let mut rows = self.holding(table).stream(sql)?;
        let row = next(&mut rows, COUNT_MAX).await?;
        row.ok_or_else(|| corrupt("count"))?.narrow(0)
    }

    /// How many rows there are to copy.
    pub async fn count(&mut self) -> Result<u64, Error> {
        let mut rows = 0;
        for table in TABLES {
            rows += self.number(table, self.read("COUNT(*)", table)).await?;
        }
        Ok(rows)
    }

    /// How many events there are in blocks, and how many wait to be counted, of which some may have been sent again.
    pub async fn events(&mut self) -> Result<(u64, u64), Error> {
        const SUM: &str = "CAST(COALESCE(SUM(events), 0) AS BIGINT)";
        let waiting = Sql::new(format!("SELECT {SUM} FROM log WHERE seq > $1")).bind(self.progress.applied);
        let in_blocks = self.number("event_blocks", self.read(SUM, "event_blocks")).await?;
        Ok((in_blocks, self.number("log", waiting).await?))
    }

    /// The days of UTC that there are events of, by their first instants.
    pub async fn days(&mut self) -> Result<Vec<Timestamp>, Error> {
        // Before 1970 the remainder is negative.
        let sql = "SELECT DISTINCT span - (span % $1 + $1) % $1 FROM event_blocks";
        let (mut days, mut rows) = (Vec::new(), self.tx.stream(Sql::new(sql).bind(DAY_MS))?);
        while let Some(row) = next(&mut rows, COUNT_MAX).await? {
            days.push(row.at(0)?);
        }
        Ok(days)
    }
}

/// The next row, unless it takes too long.
async fn next(rows: &mut BoxStream<'_, Result<Row, Error>>, max: Duration) -> Result<Option<Row>, Error> {
    let row = tokio::time::timeout(max, rows.try_next()).await;
    row.map_err(|_| Error::Unavailable("the database has gone silent".to_owned()))?
}

/// Whether a database has no table of ours yet, or none but those that a migration makes, with nothing in them.
pub async fn is_empty(db: &Db) -> Result<bool, Error> {
    let there = match db {
        Db::Sqlite { .. } => "SELECT name FROM sqlite_schema WHERE type = 'table'",
        Db::Postgres { .. } => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
        }
    };
    let there: Vec<String> =
        db.fetch(Sql::new(there)).await?.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    let ours: Vec<_> = TABLES.iter().filter(|table| there.iter().any(|name| name == *table)).collect();
    if db.version().await? == 0 {
        return Ok(ours.is_empty());
    }
    for table in ours.iter().filter(|table| !NEVER_EMPTY.contains(table)) {
        if db.fetch_optional(Sql::new(format!("SELECT 1 FROM {table} LIMIT 1"))).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(log::ends(db).await?.is_none())
}

/// A database that is being filled: all in one transaction.
pub struct Filling {
    tx: Tx,
}

impl Filling {
    /// Begins to fill a database; `None` if there is something in it, or somebody uses it.
    pub async fn begin(db: &Db) -> Result<Option<Self>, Error> {
        let mut tx = db.begin().await?;
        tx.give_up_when_idle(ROW_MAX).await?;
        if is_used(&mut tx).await? {
            return Ok(None);
        }
        for table in TABLES.iter().filter(|table| !NEVER_EMPTY.contains(table)) {
            let sql = Sql::new(format!("SELECT 1 FROM {table} LIMIT 1"));
            if tx.fetch_optional(sql).await?.is_some() {
                return Ok(None);
            }
        }
        if aggregator::progress_in(&mut tx).await?.holder.is_some() {
            return Ok(None);
        }
        for table in NEVER_EMPTY {
            tx.execute(Sql::new(format!("DELETE FROM {table}"))).await?;
        }
        Ok(Some(Self { tx }))
    }

    /// What else is to be written with it.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Copies all rows, and tells how many they are so far. The partitions of their events must be there.
    pub async fn fill(&mut self, from: &mut Whole, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
        let mut copied = 0;
        for table in TABLES {
            let columns = columns(&mut self.tx, table).await?;
            let mut batch = Batch::default();
            let sql = from.read(&names(&columns), table);
            let source = from.holding(table);
            let mut rows = source.stream(sql)?;
            loop {
                let row = next(&mut rows, ROW_MAX).await?;
                let is_last = row.is_none();
                if let Some(row) = row {
                    batch.push(&row, &columns)?;
                }
                if batch.is_full() || is_last {
                    copied += batch.rows.len() as u64;
                    self.write(table, &columns, std::mem::take(&mut batch).rows).await?;
                    progress(copied);
                }
                if is_last {
                    break;
                }
            }
            drop(rows);
            if table == "log" {
                from.log = None;
                log::begin_with_nothing(&mut self.tx, from.progress.flushed).await?;
            }
        }
        Ok(copied)
    }

    async fn write(&mut self, table: &str, columns: &[Column], rows: Vec<Vec<Value>>) -> Result<(), Error> {
        let tx = &mut self.tx;
        let into = format!("INSERT INTO {table} ({})", names(columns));
        if let Tx::Postgres(tx) = tx {
            let arrays: Vec<_> = columns
                .iter()
                .enumerate()
                .map(|(at, column)| format!("${}::{}[]", at + 1, column.kind.on_postgres()))
                .collect();
            // Numbers stay what they are, where Postgres would give its own.
            let sql = format!("{into} OVERRIDING SYSTEM VALUE SELECT * FROM UNNEST({})", arrays.join(", "));
            let mut arrays: Vec<_> = columns.iter().map(|column| Array::new(column.kind, rows.len())).collect();
            for row in rows {
                for (array, value) in arrays.iter_mut().zip(row) {
                    array.push(value)?;
                }
            }
            let statement = arrays.into_iter().fold(query(AssertSqlSafe(sql)), |statement, array| match array {
                Array::Ints(values) => statement.bind(values),
                Array::Texts(values) => statement.bind(values),
                Array::Bytes(values) => statement.bind(values),
                Array::Uuids(values) => statement.bind(values),
            });
            in_time(async { statement.execute(&mut **tx).await }).await?;
            return Ok(());
        }
        for chunk in chunks(&rows) {
            let sql = format!("{into} VALUES {}", tx.placeholders(chunk.len(), columns.len()));
            tx.execute(Sql::new(sql).bind_all(chunk.iter().flatten().cloned())).await?;
        }
        Ok(())
    }

    /// Makes it last, all of it in the same instant.
    pub async fn commit(mut self) -> Result<(), Error> {
        // Nobody counts here yet; no file of an export came along; and it is another database than the one it was.
        for sql in [
            Sql::new("UPDATE aggregator SET holder = NULL"),
            Sql::new("UPDATE exports SET file_expires_at = NULL"),
            Sql::new("DELETE FROM settings WHERE name = $1").bind(MARK_SEED),
        ] {
            self.tx.execute(sql).await?;
        }
        if matches!(self.tx, Tx::Postgres(_)) {
            for table in NUMBERED {
                let sql = format!("SELECT setval(pg_get_serial_sequence('{table}', 'no'), MAX(no)) FROM {table}");
                self.tx.fetch(Sql::new(sql)).await?;
            }
            self.tx.fetch(Sql::new("SELECT setval('log_seq', GREATEST(MAX(seq), 1)) FROM log")).await?;
        }
        self.tx.commit().await
    }
}

/// Whether somebody else has to do with the database, and keeps everybody from it until the transaction ends. Who starts a server
/// on it meanwhile waits, and then finds what there is; who has started one before is connected.
///
/// On SQLite whoever may write is alone.
async fn is_used(tx: &mut Tx) -> Result<bool, Error> {
    if matches!(tx, Tx::Sqlite(_)) {
        return Ok(false);
    }
    tx.execute(Sql::new(format!("SET LOCAL lock_timeout = {LOCK_MAX_MS}"))).await?;
    if let Err(error) = tx.execute(Sql::new("LOCK TABLE settings IN ACCESS EXCLUSIVE MODE")).await {
        tracing::debug!(%error, "somebody else uses the database");
        return Ok(true);
    }
    let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user \
                  AND pid <> pg_backend_pid()";
    tx.execute(Sql::new("SET LOCAL lock_timeout TO DEFAULT")).await?;
    // One that was closed a moment ago may still be there; and a transaction sees what it has seen before.
    for _ in 0..LEAVING_LOOKS {
        tx.fetch(Sql::new("SELECT CAST(pg_stat_clear_snapshot() AS TEXT)")).await?;
        if tx.fetch_one(Sql::new(others)).await?.int(0)? == 0 {
            return Ok(false);
        }
        tokio::time::sleep(LEAVING_LOOK).await;
    }
    Ok(true)
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Bytes,
    Uuid,
}

impl Kind {
    fn of(declared: &str) -> Result<Self, Error> {
        Ok(match declared.to_ascii_lowercase().as_str() {
            "bigint" | "integer" | "smallint" => Self::Int,
            "text" => Self::Text,
            "blob" | "bytea" => Self::Bytes,
            "uuid" => Self::Uuid,
            _ => return Err(corrupt("column")),
        })
    }

    const fn on_postgres(self) -> &'static str {
        match self {
            Self::Int => "BIGINT",
            Self::Text => "TEXT",
            Self::Bytes => "BYTEA",
            Self::Uuid => "UUID",
        }
    }
}

struct Column {
    name: String,
    kind: Kind,
}

/// The columns of a table, as they are where it is written.
async fn columns(tx: &mut Tx, table: &str) -> Result<Vec<Column>, Error> {
    let sql = match tx {
        Tx::Sqlite(_) => "SELECT name, type FROM pragma_table_info($1)",
        Tx::Postgres(_) => {
            "SELECT column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
        }
    };
    let column = |row: &Row| Ok(Column { name: row.text(0)?, kind: Kind::of(&row.text(1)?)? });
    tx.fetch(Sql::new(sql).bind(table)).await?.iter().map(column).collect()
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Rows that are written at once.
#[derive(Default)]
struct Batch {
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, row: &Row, columns: &[Column]) -> Result<(), Error> {
        let value = |(at, column): (usize, &Column)| {
            Ok(match column.kind {
                Kind::Int => Value::Int(row.opt_int(at)?),
                Kind::Text => Value::Text(row.opt_text(at)?),
                Kind::Bytes => Value::Bytes(row.opt_bytes(at)?),
                Kind::Uuid => Value::Uuid(row.opt_uuid(at)?),
            })
        };
        let row: Vec<Value> = columns.iter().enumerate().map(value).collect::<Result<_, Error>>()?;
        self.bytes += row.iter().map(size).sum::<usize>();
        self.rows.push(row);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS_MAX || self.bytes >= BYTES_MAX
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => size_of::<Value>(),
    }
}

/// The values of a column of several rows.
enum Array {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Uuids(Vec<Option<Uuid>>),
}

impl Array {
    fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Int => Self::Ints(Vec::with_capacity(rows)),
            Kind::Text => Self::Texts(Vec::with_capacity(rows)),
            Kind::Bytes => Self::Bytes(Vec::with_capacity(rows)),
            Kind::Uuid => Self::Uuids(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), Error> {
        match (self, value) {
            (Self::Ints(values), Value::Int(value)) => values.push(value),
            (Self::Texts(values), Value::Text(value)) => values.push(value),
            (Self::Bytes(values), Value::Bytes(value)) => values.push(value),
            (Self::Uuids(values), Value::Uuid(value)) => values.push(value),
            _ => return Err(corrupt("column")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::new_db;
    use std::collections::BTreeSet;

    #[tokio::test]
    async fn every_table_is_copied_or_left_on_purpose() {
        let (_directory, db) = new_db().await;
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let rows = db.fetch(Sql::new(sql)).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
        let known = TABLES.iter().chain(&LEFT).chain(&["_sqlx_migrations"]).filter(|name| **name != "log");
        assert_eq!(there, known.map(ToString::to_string).collect());
    }
}
