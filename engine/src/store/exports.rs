//! Exports: what was asked for, how far it is, and what was made.

use super::accounts::{of_customer, whose};
use super::db::{Db, Row, Sql, Tx};
use super::statements::json;
use crate::error::{Error, corrupt};
use crate::paging::{Found, OfCustomer};
use domain::Timestamp;
use domain::export::Manifest;
use domain::export::job::{ExportForm, ExportJob, Held, JobStatus, WHOLE};
use domain::ids::{CustomerNo, ExportId};
use uuid::Uuid;

const COLUMNS: &str =
    "id, form, requested_at, requested_by, status, progress, manifest, error, ended_at, file_expires_at, tries";

fn job(row: &Row) -> Result<ExportJob, Error> {
    let made = row.opt_text(6)?.map(|text| serde_json::from_str(&text).map_err(|_| corrupt("manifest")));
    Ok(ExportJob {
        id: ExportId::from_uuid(row.uuid(0)?),
        form: serde_json::from_str(&row.text(1)?).map_err(|_| corrupt("form of an export"))?,
        requested_at: row.at(2)?,
        requested_by: row.text(3)?,
        status: JobStatus::from_name(&row.text(4)?).ok_or_else(|| corrupt("status of an export"))?,
        progress: row.narrow(5)?,
        made: made.transpose()?,
        error: row.opt_text(7)?,
        ended_at: row.opt_at(8)?,
        file_expires_at: row.opt_at(9)?,
        tries: row.narrow(10)?,
    })
}

/// An export that waits to be written.
pub struct NewExport<'a> {
    pub id: ExportId,
    pub form: &'a ExportForm,
    pub by: &'a str,
    pub at: Timestamp,
    /// The place in the customer's log up to which raw events take part.
    pub log_length: Option<u64>,
}

/// Writes an export that waits.
pub async fn insert(tx: &mut Tx, customer: CustomerNo, new: &NewExport<'_>) -> Result<(), Error> {
    let sql = "INSERT INTO exports (customer_no, id, requested_at, requested_by, form, status, progress, log_length, tries) \
               VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0)";
    let log_length = new.log_length.map(|place| i64::try_from(place).unwrap_or(i64::MAX));
    let sql = Sql::new(sql).bind(customer).bind(new.id.uuid()).bind(new.at).bind(new.by).bind(json(new.form)?);
    tx.execute(sql.bind(JobStatus::Queued.as_str()).bind(log_length)).await?;
    Ok(())
}

/// A page of a customer's exports, newest first, before `before`.
pub async fn list(db: &Db, customer: CustomerNo, before: Uuid, limit: i64) -> Result<Vec<Found<ExportJob>>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM exports WHERE customer_no = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    db.fetch(Sql::new(sql).bind(customer).bind(before).bind(limit))
        .await?
        .iter()
        .map(|row| Ok((row.uuid(0)?, job(row))))
        .collect()
}

/// A page of the exports of all customers, newest first, before `before`.
pub async fn list_all(db: &Db, before: Uuid, limit: i64) -> Result<Vec<Found<OfCustomer<ExportJob>>>, Error> {
    let whose = whose("exports");
    let sql = format!("SELECT {COLUMNS}, {whose} FROM exports WHERE id < $1 ORDER BY id DESC LIMIT $2");
    let rows = db.fetch(Sql::new(sql).bind(before).bind(limit)).await?;
    rows.iter().map(|row| Ok((row.uuid(0)?, of_customer(row, 11, job(row))))).collect()
}

/// One of a customer's exports.
pub async fn find(db: &Db, customer: CustomerNo, id: ExportId) -> Result<Option<ExportJob>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM exports WHERE customer_no = $1 AND id = $2");
    db.fetch_optional(Sql::new(sql).bind(customer).bind(id.uuid())).await?.as_ref().map(job).transpose()
}

/// The manifest of a file that was made, as JSON.
pub async fn manifest(db: &Db, customer: CustomerNo, id: ExportId) -> Result<Option<String>, Error> {
    let sql = "SELECT manifest FROM exports WHERE customer_no = $1 AND id = $2 AND manifest IS NOT NULL";
    let row = db.fetch_optional(Sql::new(sql).bind(customer).bind(id.uuid())).await?;
    row.map(|row| row.text(0)).transpose()
}

/// What is held of a customer's exports.
pub async fn held(tx: &mut Tx, customer: CustomerNo, now: Timestamp) -> Result<Held, Error> {
    let sql = "SELECT COUNT(*) FROM exports WHERE status IN ('queued', 'running') AND customer_no = $1";
    let under_way = tx.fetch_one(Sql::new(sql).bind(customer)).await?.narrow(0)?;
    let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM exports \
               WHERE customer_no = $1 AND file_expires_at > $2";
    let kept = tx.fetch_one(Sql::new(sql).bind(customer).bind(now)).await?;
    Ok(Held { under_way, files: kept.narrow(0)?, bytes: kept.narrow(1)? })
}

/// Gives up the file of an export; `false` if none is kept.
pub async fn give_up_file(tx: &mut Tx, (customer, id): (CustomerNo, ExportId), now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE exports SET file_expires_at = $1 \
               WHERE customer_no = $2 AND id = $3 AND status = 'done' AND file_expires_at > $1";
    Ok(tx.execute(Sql::new(sql).bind(now).bind(customer).bind(id.uuid())).await? == 1)
}

/// An export that a process has taken on.
pub struct Claimed {
    pub customer: CustomerNo,
    pub id: ExportId,
    /// And up to which place in the log; or why what was asked for cannot be read.
    pub asked: Result<(ExportForm, Option<u64>), Error>,
    pub by: String,
    pub tries: u32,
}

/// Takes on the export that has waited longest and does not rest, or whose process is no longer alive. Until the lease ends,
/// no other process does. Of two that want the same the later waits for the earlier's commit, and then finds that it is taken.
pub async fn claim(tx: &mut Tx, process: Uuid, now: Timestamp, lease_end: Timestamp) -> Result<Option<Claimed>, Error> {
    // Of one that waits: until when it rests.
    let is_free =
        "((status = 'queued' AND claimed_until IS NULL) OR (status IN ('queued', 'running') AND claimed_until <= $3))";
    let sql = format!(
        "UPDATE exports SET status = 'running', claimed_by = $1, claimed_until = $2, tries = tries + 1, progress = 0 \
         WHERE {is_free} AND (customer_no, id) IN \
         (SELECT customer_no, id FROM exports WHERE {is_free} ORDER BY id LIMIT 1) \
         RETURNING customer_no, id, form, requested_by, log_length, tries"
    );
    let row = tx.fetch_optional(Sql::new(sql).bind(process).bind(lease_end).bind(now)).await?;
    let asked = |row: &Row| {
        let form = serde_json::from_str(&row.text(2)?).map_err(|_| corrupt("form of an export"))?;
        let log_length = row.opt_int(4)?.map(u64::try_from).transpose().map_err(|_| corrupt("place of an export"))?;
        Ok((form, log_length))
    };
    let claimed = |row: Row| {
        Ok(Claimed {
            customer: CustomerNo(row.narrow(0)?),
            id: ExportId::from_uuid(row.uuid(1)?),
            asked: asked(&row),
            by: row.text(3)?,
            tries: row.narrow(5)?,
        })
    };
    row.map(claimed).transpose()
}

/// Notes how far an export is and that its process is alive; `false` if it was cancelled, or another process has it.
pub async fn keep(
    tx: &mut Tx,
    (customer, id): (CustomerNo, ExportId),
    process: Uuid,
    progress: u32,
    lease_end: Timestamp,
) -> Result<bool, Error> {
    let sql = "UPDATE exports SET progress = $1, claimed_until = $2 \
               WHERE customer_no = $3 AND id = $4 AND claimed_by = $5 AND status = 'running'";
    let sql = Sql::new(sql).bind(progress).bind(lease_end).bind(customer).bind(id.uuid()).bind(process);
    Ok(tx.execute(sql).await? == 1)
}

/// Gives back what a process has taken on, as if it had not; how many that were.
pub async fn release(tx: &mut Tx, process: Uuid) -> Result<u64, Error> {
    let sql = "UPDATE exports SET status = 'queued', claimed_by = NULL, claimed_until = NULL, progress = 0, \
               tries = tries - 1 WHERE claimed_by = $1 AND status = 'running'";
    tx.execute(Sql::new(sql).bind(process)).await
}

/// Gives back one that a process has taken on, to rest until an instant; whether the try `counts`. `false` if it is not the
/// process's any more.
pub async fn put_off(
    tx: &mut Tx,
    (customer, id): (CustomerNo, ExportId),
    process: Uuid,
    (until, counts): (Option<Timestamp>, bool),
) -> Result<bool, Error> {
    let sql = "UPDATE exports SET status = 'queued', claimed_by = NULL, claimed_until = $1, progress = 0, tries = tries - $2 \
               WHERE customer_no = $3 AND id = $4 AND claimed_by = $5 AND status = 'running'";
    let sql = Sql::new(sql).bind(until).bind(i64::from(!counts)).bind(customer).bind(id.uuid()).bind(process);
    Ok(tx.execute(sql).await? == 1)
}

/// How an export ended.
pub enum Ending<'a> {
    Done { manifest: &'a Manifest, file_expires_at: Option<Timestamp> },
    Failed(&'a str),
    Cancelled,
}

/// Ends an export; `false` if it is not under way, or, where a process is named, not that one's.
pub async fn end(
    tx: &mut Tx,
    (customer, id): (CustomerNo, ExportId),
    process: Option<Uuid>,
    at: Timestamp,
    ending: Ending<'_>,
) -> Result<bool, Error> {
    let bytes = match ending {
        Ending::Done { manifest, .. } => Some(i64::try_from(manifest.written.bytes).unwrap_or(i64::MAX)),
        Ending::Failed(_) | Ending::Cancelled => None,
    };
    let (status, progress, manifest, error, expires) = match ending {
        Ending::Done { manifest, file_expires_at } => {
            (JobStatus::Done, Some(WHOLE), Some(json(manifest)?), None, file_expires_at)
        }
        Ending::Failed(error) => (JobStatus::Failed, None, None, Some(error), None),
        Ending::Cancelled => (JobStatus::Cancelled, None, None, None, None),
    };
    let sql = "UPDATE exports SET status = $1, progress = COALESCE($2, progress), manifest = $3, error = $4, \
               file_expires_at = $5, ended_at = $6, bytes = $7, claimed_by = NULL, claimed_until = NULL \
               WHERE customer_no = $8 AND id = $9 AND status IN ('queued', 'running')";
    let of_process = if process.is_some() { " AND claimed_by = $10" } else { "" };
    let sql = Sql::new(format!("{sql}{of_process}")).bind(status.as_str()).bind(progress).bind(manifest).bind(error);
    let sql = sql.bind(expires).bind(at).bind(bytes).bind(customer).bind(id.uuid());
    let sql = if let Some(process) = process { sql.bind(process) } else { sql };
    Ok(tx.execute(sql).await? == 1)
}

/// Exports that have a file which is still kept, or are under way, each with the latest try: what else lies where files are
/// is left over.
pub async fn with_file(db: &Db, now: Timestamp) -> Result<Vec<(ExportId, u32)>, Error> {
    let sql = "SELECT id, tries FROM exports WHERE status IN ('queued', 'running') \
               UNION ALL SELECT id, tries FROM exports WHERE status = 'done' AND file_expires_at > $1";
    let rows = db.fetch(Sql::new(sql).bind(now)).await?;
    rows.iter().map(|row| Ok((ExportId::from_uuid(row.uuid(0)?), row.narrow(1)?))).collect()
}
