//! The audit log. The database itself refuses to change it.

use super::db::{Db, Row, Sql, Tx};
use super::statements::json;
use crate::audit::{AuditEntry, Note};
use crate::error::Error;
use domain::audit::{Action, ActionKind};
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

/// A page of entries, newest first, before `before`: a customer's, or all; of one kind, or of all.
pub async fn list(
    db: &Db,
    (customer, kind): (Option<CustomerNo>, Option<ActionKind>),
    before: Uuid,
    limit: i64,
) -> Result<Vec<AuditEntry>, Error> {
    let columns = "SELECT a.id, a.at, c.id, a.actor, a.action, a.subject, a.details FROM audit_log a \
                   LEFT JOIN customers c ON c.no = a.customer_no WHERE a.id < $1";
    let of_kind = kind.map_or_else(String::new, |kind| {
        let names: Vec<String> = kind.actions().map(|action| format!("'{}'", action.as_str())).collect();
        format!(" AND a.action IN ({})", names.join(", "))
    });
    let of_customer = if customer.is_some() { " AND a.customer_no = $3" } else { "" };
    let sql = Sql::new(format!("{columns}{of_customer}{of_kind} ORDER BY a.id DESC LIMIT $2")).bind(before).bind(limit);
    let sql = if customer.is_some() { sql.bind(customer) } else { sql };
    db.fetch(sql).await?.iter().map(entry).collect()
}

/// Whether somebody has left an entry like this one since an instant.
pub async fn has_like(db: &Db, note: &Note<'_>, since: Timestamp) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM audit_log WHERE customer_no = $1 AND id >= $2 AND actor = $3 AND action = $4 AND subject = $5 \
               AND details = $6 LIMIT 1";
    let sql = Sql::new(sql).bind(note.customer).bind(first_id(since)).bind(note.by).bind(note.action.as_str());
    let sql = sql.bind(note.subject.as_str()).bind(json(&note.details)?);
    Ok(db.fetch_optional(sql).await?.is_some())
}

/// Ids begin with the millisecond: no entry since an instant has a smaller one.
fn first_id(since: Timestamp) -> Uuid {
    let millis = u128::try_from(since.millis().max(0)).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

/// What a later version wrote is told as far as it can be read: nothing in the log is left out.
fn entry(row: &Row) -> Result<AuditEntry, Error> {
    let (name, details) = (row.text(4)?, row.text(6)?);
    let action = Action::from_name(&name).unwrap_or(Action::Unknown);
    let details = serde_json::from_str(&details).unwrap_or_else(|_| serde_json::json!({ "details": details }));
    let subject = row.text(5)?;
    Ok(AuditEntry {
        id: AuditEntryId::from_uuid(row.uuid(0)?),
        at: row.at(1)?,
        customer_id: row.opt_uuid(2)?.map(CustomerId::from_uuid),
        actor: row.text(3)?,
        action,
        subject: if action == Action::Unknown { format!("{name}: {subject}") } else { subject },
        details,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_since_an_instant_are_found() {
        let at = |millis| Timestamp::from_millis(millis);
        let id = crate::clock::new_uuid(at(1_700_000_000_000));
        assert!(first_id(at(1_700_000_000_000)) <= id && id < first_id(at(1_700_000_000_001)));
        assert_eq!(first_id(at(-1)), Uuid::nil());
    }
}
