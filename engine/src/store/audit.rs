//! The audit log. The database itself refuses to change it.

use super::db::{Db, Row, Sql, Tx};
use super::statements::json;
use crate::audit::{AuditEntry, Note};
use crate::error::{Error, corrupt};
use domain::audit::Action;
use domain::ids::{AuditEntryId, CustomerNo};
use domain::{CustomerId, Timestamp};
use uuid::Uuid;

/// Writes an entry.
pub async fn insert(tx: &mut Tx, id: AuditEntryId, at: Timestamp, note: &Note<'_>) -> Result<(), Error> {
    let sql = "INSERT INTO audit_log (id, customer_no, at, actor, action, subject, details) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let sql = Sql::new(sql).bind(id.uuid()).bind(note.customer).bind(at).bind(note.by).bind(note.action.as_str());
    tx.execute(sql.bind(note.subject.as_str()).bind(json(&note.details)?)).await?;
    Ok(())
}

/// A page of entries, newest first, before `before`: a customer's, or all.
pub async fn list(db: &Db, customer: Option<CustomerNo>, before: Uuid, limit: i64) -> Result<Vec<AuditEntry>, Error> {
    let columns = "SELECT a.id, a.at, c.id, a.actor, a.action, a.subject, a.details FROM audit_log a \
                   LEFT JOIN customers c ON c.no = a.customer_no";
    let order = "ORDER BY a.id DESC LIMIT $2";
    let sql = match customer {
        None => Sql::new(format!("{columns} WHERE a.id < $1 {order}")).bind(before).bind(limit),
        Some(customer) => {
            let sql = format!("{columns} WHERE a.id < $1 AND a.customer_no = $3 {order}");
            Sql::new(sql).bind(before).bind(limit).bind(customer)
        }
    };
    db.fetch(sql).await?.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<AuditEntry, Error> {
    Ok(AuditEntry {
        id: AuditEntryId::from_uuid(row.uuid(0)?),
        at: row.at(1)?,
        customer_id: row.opt_uuid(2)?.map(CustomerId::from_uuid),
        actor: row.text(3)?,
        action: Action::from_name(&row.text(4)?).ok_or_else(|| corrupt("action"))?,
        subject: row.text(5)?,
        details: serde_json::from_str(&row.text(6)?).map_err(|_| corrupt("details of an audit entry"))?,
    })
}
