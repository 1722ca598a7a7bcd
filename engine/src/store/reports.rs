//! Reports, the texts that customers write for them, and public pages. The database itself refuses to change an approved
//! report.

use super::accounts::{of_customer, whose};
use super::db::{Db, Row, Sql, Tx};
use super::statements::json;
use crate::error::{Error, corrupt};
use crate::paging::{Found, OfCustomer};
use crate::reports::{Body, ListedReport, Report, ReportStatus};
use domain::Timestamp;
use domain::ids::{CustomerNo, DisclosureId, ReportId};
use domain::zone::Month;
use std::collections::BTreeMap;
use uuid::Uuid;

const COLUMNS: &str = "id, first_month, last_month, version, created_at, created_by, approved_at, approved_by, body";

fn report(row: &Row) -> Result<Report, Error> {
    let status = match row.opt_at(6)? {
        None => ReportStatus::Draft,
        Some(at) => ReportStatus::Approved { at, by: row.text(7)? },
    };
    Ok(Report {
        id: ReportId::from_uuid(row.uuid(0)?),
        first: Month(row.narrow(1)?),
        last: Month(row.narrow(2)?),
        version: row.narrow(3)?,
        created_at: row.at(4)?,
        created_by: row.text(5)?,
        status,
        body: serde_json::from_str(&row.text(8)?).map_err(|_| corrupt("report"))?,
    })
}

/// A page of a customer's reports, newest first, before `before`.
pub async fn list(db: &Db, customer: CustomerNo, before: Uuid, limit: i64) -> Result<Vec<Found<Report>>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM reports WHERE customer_no = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    db.fetch(Sql::new(sql).bind(customer).bind(before).bind(limit))
        .await?
        .iter()
        .map(|row| Ok((row.uuid(0)?, report(row))))
        .collect()
}

/// A page of the reports of all customers, or of one of them or from one template, newest first, before `before`.
pub async fn list_all(
    db: &Db,
    (customer, template): (Option<CustomerNo>, Option<&str>),
    before: Uuid,
    limit: i64,
) -> Result<Vec<Found<OfCustomer<ListedReport>>>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, {}, CAST(CASE WHEN approved_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reports later \
         WHERE later.customer_no = reports.customer_no AND later.template = reports.template \
         AND later.first_month = reports.first_month AND later.last_month = reports.last_month \
         AND later.version > reports.version AND later.approved_at IS NOT NULL) THEN 1 ELSE 0 END AS BIGINT) \
         FROM reports WHERE id < $1 {}{} ORDER BY id DESC LIMIT $2",
        whose("reports"),
        if customer.is_some() { "AND customer_no = $3 " } else { "" },
        match (customer, template) {
            (_, None) => "",
            (None, Some(_)) => "AND template = $3",
            (Some(_), Some(_)) => "AND template = $4",
        }
    );
    let mut sql = Sql::new(sql).bind(before).bind(limit);
    if let Some(customer) = customer {
        sql = sql.bind(customer);
    }
    if let Some(template) = template {
        sql = sql.bind(template);
    }
    let listed = |row: &Row| Ok(ListedReport { report: report(row)?, is_in_force: row.int(11)? == 1 });
    db.fetch(sql).await?.iter().map(|row| Ok((row.uuid(0)?, of_customer(row, 9, listed(row))))).collect()
}

/// One of a customer's reports.
pub async fn find(db: &Db, customer: CustomerNo, id: ReportId) -> Result<Option<Report>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM reports WHERE customer_no = $1 AND id = $2");
    db.fetch_optional(Sql::new(sql).bind(customer).bind(id.uuid())).await?.as_ref().map(report).transpose()
}

/// All that a customer has approved of months from one up to and including another, oldest version first.
pub async fn approved(tx: &mut Tx, customer: CustomerNo, first: Month, last: Month) -> Result<Vec<Report>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM reports WHERE customer_no = $1 AND approved_at IS NOT NULL \
         AND first_month <= $2 AND last_month >= $3 ORDER BY version, id"
    );
    tx.fetch(Sql::new(sql).bind(customer).bind(last).bind(first)).await?.iter().map(report).collect()
}

/// Whether a customer has approved any report.
pub async fn has_approved(tx: &mut Tx, customer: CustomerNo) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM reports WHERE customer_no = $1 AND approved_at IS NOT NULL LIMIT 1";
    Ok(tx.fetch_optional(Sql::new(sql).bind(customer)).await?.is_some())
}

/// The latest approved version of a template, of the latest period.
pub async fn latest_approved(db: &Db, customer: CustomerNo, template: &str) -> Result<Option<Report>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM reports WHERE customer_no = $1 AND template = $2 AND approved_at IS NOT NULL \
         ORDER BY last_month DESC, version DESC LIMIT 1"
    );
    db.fetch_optional(Sql::new(sql).bind(customer).bind(template)).await?.as_ref().map(report).transpose()
}

/// How often drafts of a customer were outdated so far, as [`open_book`] says.
pub async fn outdated(tx: &mut Tx, customer: CustomerNo) -> Result<i64, Error> {
    let sql = Sql::new("SELECT approvals FROM report_books WHERE customer_no = $1").bind(customer);
    tx.fetch_optional(sql).await?.map_or(Ok(0), |row| row.int(0))
}

/// Notes that a customer's reports are about to change, and says how often drafts were outdated: by an approval, by an import of
/// history that ended or was withdrawn, or by another time zone. `outdates`: they are once more, by this change. Others who do
/// the same wait, or fail,
/// until this transaction ends.
pub async fn open_book(tx: &mut Tx, customer: CustomerNo, outdates: bool) -> Result<i64, Error> {
    let sql = "INSERT INTO report_books (customer_no, changes, approvals) VALUES ($1, 1, $2) \
               ON CONFLICT (customer_no) DO UPDATE SET changes = report_books.changes + 1, \
               approvals = report_books.approvals + excluded.approvals RETURNING approvals";
    tx.fetch_one(Sql::new(sql).bind(customer).bind(i64::from(outdates))).await?.int(0)
}

/// Writes a draft in place of the series' other one, if there is one; `false` if there is an approved report of that version.
pub async fn insert(tx: &mut Tx, customer: CustomerNo, draft: &Report, approvals: i64) -> Result<bool, Error> {
    let template = draft.body.content.template.key.as_str();
    let sql = "DELETE FROM reports WHERE customer_no = $1 AND template = $2 AND first_month = $3 AND last_month = $4 \
               AND approved_at IS NULL";
    tx.execute(Sql::new(sql).bind(customer).bind(template).bind(draft.first).bind(draft.last)).await?;
    let sql = "INSERT INTO reports (customer_no, id, template, first_month, last_month, version, created_at, created_by, \
               approvals_before, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    let sql = Sql::new(sql).bind(customer).bind(draft.id.uuid()).bind(template).bind(draft.first).bind(draft.last);
    let sql = sql.bind(draft.version).bind(draft.created_at).bind(draft.created_by.as_str());
    Ok(tx.execute(sql.bind(approvals).bind(json::<Body>(&draft.body)?)).await? == 1)
}

/// Approves a draft that was counted when drafts had been outdated `approvals` times; `false` if there is none such.
pub async fn approve(
    tx: &mut Tx,
    customer: CustomerNo,
    id: ReportId,
    approvals: i64,
    (at, by): (Timestamp, &str),
) -> Result<bool, Error> {
    let sql = "UPDATE reports SET approved_at = $1, approved_by = $2 \
               WHERE customer_no = $3 AND id = $4 AND approved_at IS NULL AND approvals_before = $5";
    let sql = Sql::new(sql).bind(at).bind(by).bind(customer).bind(id.uuid()).bind(approvals);
    Ok(tx.execute(sql).await? == 1)
}

/// Deletes a draft; `false` if there is none such.
pub async fn delete_draft(tx: &mut Tx, customer: CustomerNo, id: ReportId) -> Result<bool, Error> {
    let sql = "DELETE FROM reports WHERE customer_no = $1 AND id = $2 AND approved_at IS NULL";
    Ok(tx.execute(Sql::new(sql).bind(customer).bind(id.uuid())).await? == 1)
}

/// A customer's texts by their keys.
pub async fn texts(db: &Db, customer: CustomerNo) -> Result<BTreeMap<String, String>, Error> {
    let sql = "SELECT key, text FROM report_texts WHERE customer_no = $1";
    let rows = db.fetch(Sql::new(sql).bind(customer)).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// Keeps a customer's texts for its next reports.
pub async fn keep_texts(
    tx: &mut Tx,
    customer: CustomerNo,
    texts: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO report_texts (customer_no, key, text, updated_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (customer_no, key) DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at";
    for (key, text) in texts {
        tx.execute(Sql::new(sql).bind(customer).bind(key.as_str()).bind(text.as_str()).bind(now)).await?;
    }
    Ok(())
}

/// Whose public page this is, if it is switched on.
pub async fn disclosing_customer(db: &Db, id: DisclosureId) -> Result<Option<CustomerNo>, Error> {
    let sql = "SELECT customer_no FROM disclosures WHERE id = $1 AND is_on = 1";
    let row = db.fetch_optional(Sql::new(sql).bind(id.uuid())).await?;
    row.map(|row| Ok(CustomerNo(row.narrow(0)?))).transpose()
}

/// A customer's public page, and whether it is switched on.
pub async fn disclosure(db: &Db, customer: CustomerNo) -> Result<Option<(DisclosureId, bool)>, Error> {
    let sql = "SELECT id, is_on FROM disclosures WHERE customer_no = $1";
    let row = db.fetch_optional(Sql::new(sql).bind(customer)).await?;
    row.map(|row| Ok((DisclosureId::from_uuid(row.uuid(0)?), row.int(1)? == 1))).transpose()
}

/// Switches a customer's public page on or off. Its address stays the same.
pub async fn set_disclosure(
    tx: &mut Tx,
    customer: CustomerNo,
    new: DisclosureId,
    is_on: bool,
    (at, by): (Timestamp, &str),
) -> Result<(), Error> {
    let sql = "INSERT INTO disclosures (id, customer_no, is_on, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (customer_no) DO UPDATE SET is_on = excluded.is_on, updated_at = excluded.updated_at, \
               updated_by = excluded.updated_by";
    tx.execute(Sql::new(sql).bind(new.uuid()).bind(customer).bind(i64::from(is_on)).bind(at).bind(by)).await?;
    Ok(())
}
