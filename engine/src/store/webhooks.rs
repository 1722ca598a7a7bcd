//! Webhook endpoints.

use super::db::{Db, Row, Sql, Tx};
use crate::error::Error;
use domain::Timestamp;
use domain::alert::Webhook;
use domain::ids::{CustomerNo, WebhookId};

/// An endpoint with what only the engine may know. Not printable, because of the secrets.
pub struct WebhookRecord {
    pub webhook: Webhook,
    pub secret: String,
    /// Signs besides, for a while after a change.
    pub old_secret: Option<String>,
}

const WEBHOOK: &str = "SELECT id, url, secret, COALESCE(old_secret, ''), old_secret_until, created_at, disabled_at \
                       FROM webhooks WHERE customer_no = $1";

fn record(row: &Row, now: Timestamp) -> Result<WebhookRecord, Error> {
    let (secret, old_secret) = (row.text(2)?, row.text(3)?);
    let old_secret_until = row.opt_at(4)?.filter(|until| now < *until);
    let hint = secret.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    let webhook = Webhook {
        id: WebhookId::from_uuid(row.uuid(0)?),
        url: row.text(1)?,
        secret_hint: secret[hint..].to_owned(),
        old_secret_until,
        created_at: row.at(5)?,
        disabled_at: row.opt_at(6)?,
    };
    Ok(WebhookRecord { webhook, secret, old_secret: old_secret_until.map(|_| old_secret) })
}

/// All endpoints of a customer, oldest first: they are few.
pub async fn of_customer(db: &Db, customer: CustomerNo, now: Timestamp) -> Result<Vec<WebhookRecord>, Error> {
    let sql = Sql::new(format!("{WEBHOOK} ORDER BY id")).bind(customer);
    db.fetch(sql).await?.iter().map(|row| record(row, now)).collect()
}

/// An endpoint.
pub async fn find(
    db: &Db,
    customer: CustomerNo,
    id: WebhookId,
    now: Timestamp,
) -> Result<Option<WebhookRecord>, Error> {
    let sql = Sql::new(format!("{WEBHOOK} AND id = $2")).bind(customer).bind(id.uuid());
    db.fetch_optional(sql).await?.map(|row| record(&row, now)).transpose()
}

/// An endpoint as a transaction sees it.
pub async fn find_in(
    tx: &mut Tx,
    customer: CustomerNo,
    id: WebhookId,
    now: Timestamp,
) -> Result<Option<WebhookRecord>, Error> {
    let sql = Sql::new(format!("{WEBHOOK} AND id = $2")).bind(customer).bind(id.uuid());
    tx.fetch_optional(sql).await?.map(|row| record(&row, now)).transpose()
}

/// How many endpoints a customer has.
pub async fn count(tx: &mut Tx, customer: CustomerNo) -> Result<usize, Error> {
    let sql = "SELECT COUNT(*) FROM webhooks WHERE customer_no = $1";
    tx.fetch_one(Sql::new(sql).bind(customer)).await?.narrow(0)
}

/// Writes a new endpoint.
pub async fn insert(
    tx: &mut Tx,
    customer: CustomerNo,
    id: WebhookId,
    url: &str,
    secret: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO webhooks (customer_no, id, url, secret, created_at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(Sql::new(sql).bind(customer).bind(id.uuid()).bind(url).bind(secret).bind(now)).await?;
    Ok(())
}

/// Gives an endpoint another secret; the present one signs besides until the instant. Says whether there is one.
pub async fn rotate(
    tx: &mut Tx,
    customer: CustomerNo,
    id: WebhookId,
    secret: &str,
    old_until: Timestamp,
) -> Result<bool, Error> {
    let sql = "UPDATE webhooks SET old_secret = secret, old_secret_until = $1, secret = $2 \
               WHERE customer_no = $3 AND id = $4";
    Ok(tx.execute(Sql::new(sql).bind(old_until).bind(secret).bind(customer).bind(id.uuid())).await? == 1)
}

/// Disables an endpoint, or enables it again; `false` if it is so already, or there is none.
pub async fn set_disabled(
    tx: &mut Tx,
    customer: CustomerNo,
    id: WebhookId,
    at: Option<Timestamp>,
) -> Result<bool, Error> {
    let state = if at.is_some() { "IS NULL" } else { "IS NOT NULL" };
    let sql =
        format!("UPDATE webhooks SET disabled_at = $1 WHERE customer_no = $2 AND id = $3 AND disabled_at {state}");
    Ok(tx.execute(Sql::new(sql).bind(at).bind(customer).bind(id.uuid())).await? == 1)
}

/// Deletes an endpoint; says whether there was one.
pub async fn delete(tx: &mut Tx, customer: CustomerNo, id: WebhookId) -> Result<bool, Error> {
    let sql = "DELETE FROM webhooks WHERE customer_no = $1 AND id = $2";
    Ok(tx.execute(Sql::new(sql).bind(customer).bind(id.uuid())).await? == 1)
}
