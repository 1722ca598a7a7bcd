//! Messages on their way, and the log of those that were.

use super::db::{Db, Row, Sql, Tx};
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::alert::{Channel, Delivery, DeliveryStatus};
use domain::ids::{AlertId, CustomerNo, DeliveryId, WebhookId};
use uuid::Uuid;

/// A message to write down, to be sent at once.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub alert_id: Option<AlertId>,
    pub webhook_id: Option<WebhookId>,
    pub channel: Channel,
    pub target: String,
    pub subject: String,
    pub payload: String,
}

const COLUMNS: &str = "customer_no, id, alert_id, webhook_id, channel, target, subject, payload, status, attempts, \
                       next_attempt_at, response_status, note, created_at, delivered_at";

fn delivery(row: &Row) -> Result<(CustomerNo, Delivery), Error> {
    let response_status = row.opt_int(11)?.map(|status| u16::try_from(status).map_err(|_| corrupt("status")));
    let delivery = Delivery {
        id: DeliveryId::from_uuid(row.uuid(1)?),
        alert_id: row.opt_uuid(2)?.map(AlertId::from_uuid),
        webhook_id: row.opt_uuid(3)?.map(WebhookId::from_uuid),
        channel: Channel::from_name(&row.text(4)?).ok_or_else(|| corrupt("channel"))?,
        target: row.text(5)?,
        subject: row.text(6)?,
        payload: row.text(7)?,
        status: DeliveryStatus::from_name(&row.text(8)?).ok_or_else(|| corrupt("status"))?,
        attempts: row.narrow(9)?,
        next_attempt_at: row.opt_at(10)?,
        response_status: response_status.transpose()?,
        note: row.text(12)?,
        created_at: row.at(13)?,
        delivered_at: row.opt_at(14)?,
    };
    Ok((CustomerNo(row.narrow(0)?), delivery))
}

/// Writes down a message that is due at once.
pub async fn insert(tx: &mut Tx, customer: CustomerNo, new: NewDelivery, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO deliveries (customer_no, id, alert_id, webhook_id, channel, target, subject, payload, status, \
               attempts, next_attempt_at, note, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, '', $10)";
    let sql = Sql::new(sql).bind(customer).bind(new.id.uuid()).bind(new.alert_id.map(AlertId::uuid));
    let sql = sql.bind(new.webhook_id.map(WebhookId::uuid)).bind(new.channel.as_str()).bind(new.target);
    let sql = sql.bind(new.subject).bind(new.payload).bind(DeliveryStatus::Pending.as_str()).bind(now);
    tx.execute(sql).await?;
    Ok(())
}

/// Whether any message is due.
pub async fn are_due(db: &Db, now: Timestamp) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM deliveries WHERE next_attempt_at <= $1 LIMIT 1";
    Ok(db.fetch_optional(Sql::new(sql).bind(now)).await?.is_some())
}

/// Takes messages that are due, the longest first: until the lease ends, no other process does.
///
/// Of two processes that want one message at once the later waits for the earlier's commit, and then finds that the
/// message is not due any more.
pub async fn claim(
    tx: &mut Tx,
    now: Timestamp,
    lease_end: Timestamp,
    limit: i64,
) -> Result<Vec<(CustomerNo, Delivery)>, Error> {
    let sql = format!(
        "UPDATE deliveries SET next_attempt_at = $1, attempts = attempts + 1 \
         WHERE next_attempt_at <= $2 AND (customer_no, id) IN \
         (SELECT customer_no, id FROM deliveries WHERE next_attempt_at <= $2 ORDER BY next_attempt_at LIMIT $3) \
         RETURNING {COLUMNS}"
    );
    tx.fetch(Sql::new(sql).bind(lease_end).bind(now).bind(limit)).await?.iter().map(delivery).collect()
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub status: DeliveryStatus,
    pub next_attempt_at: Option<Timestamp>,
    pub response_status: Option<u16>,
    pub note: String,
    pub delivered_at: Option<Timestamp>,
}

/// Notes how an attempt ended, unless another one has begun since, after the lease.
pub async fn end_attempt(
    tx: &mut Tx,
    customer: CustomerNo,
    id: DeliveryId,
    attempt: u32,
    ended: Ended,
) -> Result<bool, Error> {
    let sql = "UPDATE deliveries SET status = $1, next_attempt_at = $2, response_status = $3, note = $4, \
               delivered_at = $5 WHERE customer_no = $6 AND id = $7 AND attempts = $8";
    let sql = Sql::new(sql).bind(ended.status.as_str()).bind(ended.next_attempt_at);
    let sql = sql.bind(ended.response_status.map(i64::from)).bind(ended.note).bind(ended.delivered_at);
    Ok(tx.execute(sql.bind(customer).bind(id.uuid()).bind(attempt)).await? == 1)
}

/// Makes a message that has not arrived due at once; `false` if there is none, or it has arrived, or has not been tried
/// yet.
pub async fn retry(tx: &mut Tx, customer: CustomerNo, id: DeliveryId, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE deliveries SET next_attempt_at = $1, status = $2 \
               WHERE customer_no = $3 AND id = $4 AND status IN ($5, $6)";
    let sql = Sql::new(sql).bind(now).bind(DeliveryStatus::Pending.as_str()).bind(customer).bind(id.uuid());
    let sql = sql.bind(DeliveryStatus::Failed.as_str()).bind(DeliveryStatus::GivenUp.as_str());
    Ok(tx.execute(sql).await? == 1)
}

/// Whether there is a message.
pub async fn exists(tx: &mut Tx, customer: CustomerNo, id: DeliveryId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM deliveries WHERE customer_no = $1 AND id = $2";
    Ok(tx.fetch_optional(Sql::new(sql).bind(customer).bind(id.uuid())).await?.is_some())
}

/// How many messages of a customer were written down since an instant.
pub async fn count_since(tx: &mut Tx, customer: CustomerNo, since: Timestamp) -> Result<usize, Error> {
    let sql = "SELECT COUNT(*) FROM deliveries WHERE customer_no = $1 AND created_at > $2";
    tx.fetch_one(Sql::new(sql).bind(customer).bind(since)).await?.narrow(0)
}

/// A page of a customer's messages, newest first, before `before`.
pub async fn page(db: &Db, customer: CustomerNo, before: Uuid, limit: i64) -> Result<Vec<Delivery>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE customer_no = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    let rows = db.fetch(Sql::new(sql).bind(customer).bind(before).bind(limit)).await?;
    rows.iter().map(|row| Ok(delivery(row)?.1)).collect()
}

/// Forgets messages that were written down before an instant.
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM deliveries WHERE created_at < $1").bind(before)).await?;
    Ok(())
}
