//! Access links.

use super::db::{Db, Row, Sql, Tx};
use crate::error::Error;
use domain::access_link::AccessLink;
use domain::ids::{AccessLinkId, CustomerNo};
use domain::{CustomerId, Timestamp};
use uuid::Uuid;

const LINK: &str = "SELECT l.id, c.id, l.name, l.created_at, l.created_by, l.expires_at, l.revoked_at, l.last_used_at \
                    FROM access_links l LEFT JOIN customers c ON c.no = l.customer_no";
/// Of a link that opens something at the instant `$1`.
const IS_VALID: &str = "revoked_at IS NULL AND expires_at > $1";

fn link(row: &Row) -> Result<AccessLink, Error> {
    Ok(AccessLink {
        id: AccessLinkId::from_uuid(row.uuid(0)?),
        customer_id: row.opt_uuid(1)?.map(CustomerId::from_uuid),
        name: row.text(2)?,
        created_at: row.at(3)?,
        created_by: row.text(4)?,
        expires_at: row.at(5)?,
        revoked_at: row.opt_at(6)?,
        last_used_at: row.opt_at(7)?,
    })
}

/// Writes a new link to a customer, or to all.
pub async fn insert(
    tx: &mut Tx,
    customer: Option<CustomerNo>,
    link: &AccessLink,
    token_hash: &[u8],
) -> Result<(), Error> {
    let sql = "INSERT INTO access_links (id, customer_no, name, token_hash, created_at, created_by, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let sql = Sql::new(sql).bind(link.id.uuid()).bind(customer).bind(link.name.as_str()).bind(token_hash);
    tx.execute(sql.bind(link.created_at).bind(link.created_by.as_str()).bind(link.expires_at)).await?;
    Ok(())
}

/// How many links to a customer, or to all, are valid.
pub async fn count_valid(tx: &mut Tx, customer: Option<CustomerNo>, now: Timestamp) -> Result<usize, Error> {
    let count = format!("SELECT COUNT(*) FROM access_links WHERE {IS_VALID} AND customer_no");
    let sql = match customer {
        None => Sql::new(format!("{count} IS NULL")).bind(now),
        Some(customer) => Sql::new(format!("{count} = $2")).bind(now).bind(customer),
    };
    tx.fetch_one(sql).await?.narrow(0)
}

/// A page of links, newest first, before `before`: those to a customer, or all that there are.
pub async fn list(db: &Db, customer: Option<CustomerNo>, before: Uuid, limit: i64) -> Result<Vec<AccessLink>, Error> {
    let order = "ORDER BY l.id DESC LIMIT $2";
    let sql = match customer {
        None => Sql::new(format!("{LINK} WHERE l.id < $1 {order}")).bind(before).bind(limit),
        Some(customer) => {
            let sql = format!("{LINK} WHERE l.id < $1 AND l.customer_no = $3 {order}");
            Sql::new(sql).bind(before).bind(limit).bind(customer)
        }
    };
    db.fetch(sql).await?.iter().map(link).collect()
}

/// A link.
pub async fn find(db: &Db, id: AccessLinkId) -> Result<Option<AccessLink>, Error> {
    let row = db.fetch_optional(Sql::new(format!("{LINK} WHERE l.id = $1")).bind(id.uuid())).await?;
    row.as_ref().map(link).transpose()
}

/// A link by the hash of its token.
pub async fn find_by_token(db: &Db, token_hash: &[u8]) -> Result<Option<AccessLink>, Error> {
    let row = db.fetch_optional(Sql::new(format!("{LINK} WHERE l.token_hash = $1")).bind(token_hash)).await?;
    row.as_ref().map(link).transpose()
}

/// Notes that a link was opened; `false` if it is valid no longer.
pub async fn touch(tx: &mut Tx, id: AccessLinkId, now: Timestamp) -> Result<bool, Error> {
    let sql = format!("UPDATE access_links SET last_used_at = $1 WHERE {IS_VALID} AND id = $2");
    Ok(tx.execute(Sql::new(sql).bind(now).bind(id.uuid())).await? == 1)
}

/// Revokes a link; `false` if it is valid no longer.
pub async fn revoke(tx: &mut Tx, id: AccessLinkId, now: Timestamp) -> Result<bool, Error> {
    let sql = format!("UPDATE access_links SET revoked_at = $1 WHERE {IS_VALID} AND id = $2");
    Ok(tx.execute(Sql::new(sql).bind(now).bind(id.uuid())).await? == 1)
}
