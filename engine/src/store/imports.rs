//! Imports of history, and the counts of those without sessions.

use super::db::{Db, Row, Sql, Tx, Value, chunks};
use super::statements::json;
use crate::error::{Error, corrupt};
use crate::paging::Found;
use domain::Timestamp;
use domain::account::Tier;
use domain::figures::Scope;
use domain::history::ImportStatus;
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo, ImportId};
use domain::metering::Grain;
use domain::period::Period;
use domain::report::Contribution;
use domain::zone::Day;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Days of an application that an import covers, the last inclusive. It may have several such stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    pub application: ApplicationNo,
    pub first: Day,
    pub last: Day,
}

impl From<(ApplicationNo, Day, Day)> for Covered {
    fn from((application, first, last): (ApplicationNo, Day, Day)) -> Self {
        Self { application, first, last }
    }
}

/// An import.
#[derive(Debug, Clone)]
pub struct ImportRow {
    pub id: ImportId,
    pub started_at: Timestamp,
    pub started_by: String,
    /// The file's name.
    pub file: String,
    pub fingerprint: String,
    pub has_sessions: bool,
    pub status: ImportStatus,
    pub rows_total: u64,
    /// So many of the first rows are brought in.
    pub rows_done: u64,
    /// Of events: how many of them were new. Of counts: their sum.
    pub added: u64,
    /// Tells those first rows from others, see [`advance`]; `None` if nothing was brought in, or it is not known.
    pub brought: Option<String>,
    pub covered: Vec<Covered>,
    pub ended_at: Option<Timestamp>,
}

impl ImportRow {
    /// Whose rows it has.
    pub fn applications(&self) -> BTreeSet<ApplicationNo> {
        self.covered.iter().map(|covered| covered.application).collect()
    }
}

const COLUMNS: &str = "id, started_at, started_by, file, fingerprint, has_sessions, status, rows_total, rows_done, added, \
                       covered, ended_at, brought";

fn import(row: &Row) -> Result<ImportRow, Error> {
    Ok(ImportRow {
        id: ImportId::from_uuid(row.uuid(0)?),
        started_at: row.at(1)?,
        started_by: row.text(2)?,
        file: row.text(3)?,
        fingerprint: row.text(4)?,
        has_sessions: row.int(5)? == 1,
        status: ImportStatus::from_name(&row.text(6)?).ok_or_else(|| corrupt("status of an import"))?,
        rows_total: row.narrow(7)?,
        rows_done: row.narrow(8)?,
        added: row.narrow(9)?,
        covered: serde_json::from_str(&row.text(10)?).map_err(|_| corrupt("import"))?,
        ended_at: row.opt_at(11)?,
        brought: row.opt_text(12)?,
    })
}

/// Writes an import that begins.
pub async fn insert(tx: &mut Tx, customer: CustomerNo, new: &ImportRow) -> Result<(), Error> {
    let sql = "INSERT INTO imports (customer_no, id, started_at, started_by, file, fingerprint, has_sessions, status, \
               rows_total, rows_done, added, covered) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let sql = Sql::new(sql).bind(customer).bind(new.id.uuid()).bind(new.started_at).bind(new.started_by.as_str());
    let sql = sql.bind(new.file.as_str()).bind(new.fingerprint.as_str()).bind(i64::from(new.has_sessions));
    let sql = sql.bind(new.status.as_str()).bind(number(new.rows_total)).bind(number(new.rows_done));
    tx.execute(sql.bind(number(new.added)).bind(json(&new.covered)?)).await?;
    Ok(())
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A page of a customer's imports, newest first, before `before`.
pub async fn list(db: &Db, customer: CustomerNo, before: Uuid, limit: i64) -> Result<Vec<Found<ImportRow>>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM imports WHERE customer_no = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    db.fetch(Sql::new(sql).bind(customer).bind(before).bind(limit))
        .await?
        .iter()
        .map(|row| Ok((row.uuid(0)?, import(row))))
        .collect()
}

/// One of a customer's imports.
pub async fn find(tx: &mut Tx, customer: CustomerNo, id: ImportId) -> Result<Option<ImportRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM imports WHERE customer_no = $1 AND id = $2");
    tx.fetch_optional(Sql::new(sql).bind(customer).bind(id.uuid())).await?.as_ref().map(import).transpose()
}

/// The import of a file that was brought in, or is being.
pub async fn of_file(tx: &mut Tx, customer: CustomerNo, fingerprint: &str) -> Result<Option<ImportRow>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM imports WHERE customer_no = $1 AND fingerprint = $2 AND status <> 'withdrawn' \
         ORDER BY id LIMIT 1"
    );
    tx.fetch_optional(Sql::new(sql).bind(customer).bind(fingerprint)).await?.as_ref().map(import).transpose()
}

/// A customer's imports without sessions that were not withdrawn.
pub async fn of_counts(tx: &mut Tx, customer: CustomerNo) -> Result<Vec<ImportRow>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM imports WHERE customer_no = $1 AND has_sessions = 0 AND status <> 'withdrawn' ORDER BY id"
    );
    tx.fetch(Sql::new(sql).bind(customer)).await?.iter().map(import).collect()
}

/// A customer's imports that have not ended: they go on, or broke off.
pub async fn unended(tx: &mut Tx, customer: CustomerNo) -> Result<Vec<ImportRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM imports WHERE customer_no = $1 AND status = 'running' ORDER BY id");
    tx.fetch(Sql::new(sql).bind(customer)).await?.iter().map(import).collect()
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub rows: u64,
    pub added: u64,
}

/// Notes how far an import is, and a hash of all rows that were brought in up to there; `false` if it is not where it was
/// left: another process goes on with it.
pub async fn advance(
    tx: &mut Tx,
    (customer, id): (CustomerNo, ImportId),
    from: Done,
    to: Done,
    brought: Option<String>,
) -> Result<bool, Error> {
    let sql = "UPDATE imports SET rows_done = $1, added = $2, brought = $3 \
               WHERE customer_no = $4 AND id = $5 AND rows_done = $6 AND status = 'running'";
    let sql = Sql::new(sql).bind(number(to.rows)).bind(number(to.added)).bind(brought).bind(customer).bind(id.uuid());
    Ok(tx.execute(sql.bind(number(from.rows))).await? == 1)
}

/// Ends an import that is `running` or `done`; `false` if it is not in that state, or has not come so far.
pub async fn end(
    tx: &mut Tx,
    (customer, id): (CustomerNo, ImportId),
    rows_done: u64,
    status: ImportStatus,
    at: Timestamp,
) -> Result<bool, Error> {
    let sql = "UPDATE imports SET status = $1, ended_at = $2 \
               WHERE customer_no = $3 AND id = $4 AND rows_done = $5 AND status <> $1 AND status <> 'withdrawn'";
    let sql = Sql::new(sql).bind(status.as_str()).bind(at).bind(customer).bind(id.uuid()).bind(number(rows_done));
    Ok(tx.execute(sql).await? == 1)
}

/// From when on a customer's raw events are there, if earlier ones have been given up.
pub async fn events_from(db: &Db, customer: CustomerNo) -> Result<Option<Timestamp>, Error> {
    db.fetch_one(Sql::new("SELECT events_from FROM customers WHERE no = $1").bind(customer)).await?.opt_at(0)
}

/// The first hour that a customer has figures of.
pub async fn first_hour(db: &Db, customer: CustomerNo) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT MIN(bucket) FROM figures WHERE customer_no = $1 AND scope = $2 AND grain = $3";
    let sql = Sql::new(sql).bind(customer).bind(Scope::Application as u8).bind(Grain::Hour as u8);
    db.fetch_one(sql).await?.opt_at(0)
}

/// Of which day, application, helpline and action a count is.
pub type CountKey = (Day, ApplicationNo, HelplineNo, u8);

/// Adds to the counts of an import.
pub async fn add_counts(
    tx: &mut Tx,
    (customer, id): (CustomerNo, ImportId),
    counts: &BTreeMap<CountKey, i64>,
) -> Result<(), Error> {
    let rows: Vec<_> = counts.iter().collect();
    for chunk in chunks(&rows) {
        let sql = format!(
            "INSERT INTO imported_counts (customer_no, day, application_no, helpline_no, action, import_id, count) VALUES {} \
             ON CONFLICT (customer_no, day, application_no, helpline_no, action, import_id) \
             DO UPDATE SET count = imported_counts.count + excluded.count",
            tx.placeholders(chunk.len(), 7)
        );
        let values = chunk.iter().flat_map(|((day, application, helpline, action), n)| -> [Value; 7] {
            let day = Value::from(day.0);
            [
                customer.into(),
                day,
                (*application).into(),
                (*helpline).into(),
                (*action).into(),
                id.uuid().into(),
                (**n).into(),
            ]
        });
        tx.execute(Sql::new(sql).bind_all(values)).await?;
    }
    Ok(())
}

/// Forgets the counts of an import.
pub async fn delete_counts(tx: &mut Tx, customer: CustomerNo, id: ImportId) -> Result<(), Error> {
    let sql = "DELETE FROM imported_counts WHERE customer_no = $1 AND import_id = $2";
    tx.execute(Sql::new(sql).bind(customer).bind(id.uuid())).await?;
    Ok(())
}

/// What each of a customer's imports that are whole brings to a period, in production.
pub async fn contributions(tx: &mut Tx, customer: CustomerNo, period: Period) -> Result<Vec<Contribution>, Error> {
    let sql = "SELECT CAST(SUM(CASE WHEN c.action = 0 THEN c.count ELSE 0 END) AS BIGINT), \
               CAST(SUM(CASE WHEN c.action = 0 THEN 0 ELSE c.count END) AS BIGINT), MIN(c.day), MAX(c.day) \
               FROM imported_counts c JOIN imports i ON i.customer_no = c.customer_no AND i.id = c.import_id \
               JOIN applications a ON a.no = c.application_no \
               WHERE c.customer_no = $1 AND c.day >= $2 AND c.day < $3 AND c.count > 0 AND i.status = 'done' AND a.tier = $4 \
               GROUP BY c.import_id ORDER BY c.import_id";
    let sql = Sql::new(sql).bind(customer).bind(period.from.0).bind(period.to.0).bind(Tier::Production.as_str());
    let contribution = |row: &Row| {
        Ok(Contribution {
            displays: row.int(0)?,
            clicks: row.int(1)?,
            first: Day(row.narrow(2)?),
            last: Day(row.narrow(3)?),
        })
    };
    tx.fetch(sql).await?.iter().map(contribution).collect()
}
