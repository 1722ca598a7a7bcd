//! Alerts, and what they fired for.

use super::db::{Db, Row, Sql, Tx};
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::alert::{Alert, Fired, NewAlert};
use domain::ids::{AlertId, CustomerNo, WebhookId};

/// An alert with what only the engine may know.
#[derive(Debug, Clone)]
pub struct AlertRecord {
    pub customer: CustomerNo,
    pub alert: Alert,
    /// Counts changes of the rule.
    pub revision: i64,
    /// How this revision fired last.
    pub fired: Option<Fired>,
}

const ALERT: &str = "SELECT customer_no, id, name, rule, revision, emails, webhook_id, created_at, fired_at, \
                     fired_occasion FROM alerts";

fn record(row: &Row) -> Result<AlertRecord, Error> {
    let (fired_at, occasion) = (row.opt_at(8)?, row.opt_int(9)?);
    let alert = Alert {
        id: AlertId::from_uuid(row.uuid(1)?),
        name: row.text(2)?,
        rule: serde_json::from_str(&row.text(3)?).map_err(|_| corrupt("rule of an alert"))?,
        emails: serde_json::from_str(&row.text(5)?).map_err(|_| corrupt("list of addresses"))?,
        webhook_id: row.opt_uuid(6)?.map(WebhookId::from_uuid),
        created_at: row.at(7)?,
        fired_at,
    };
    let fired = fired_at.zip(occasion).map(|(at, occasion)| Fired { at, occasion });
    Ok(AlertRecord { customer: CustomerNo(row.narrow(0)?), alert, revision: row.int(4)?, fired })
}

/// All alerts of all customers, a page at a time, after one of them.
pub async fn page(db: &Db, after: Option<(CustomerNo, AlertId)>, limit: i64) -> Result<Vec<AlertRecord>, Error> {
    let sql = match after {
        None => Sql::new(format!("{ALERT} ORDER BY customer_no, id LIMIT $1")).bind(limit),
        Some((customer, id)) => {
            let text = format!("{ALERT} WHERE (customer_no, id) > ($1, $2) ORDER BY customer_no, id LIMIT $3");
            Sql::new(text).bind(customer).bind(id.uuid()).bind(limit)
        }
    };
    db.fetch(sql).await?.iter().map(record).collect()
}

/// All alerts of a customer, oldest first: they are few.
pub async fn of_customer(db: &Db, customer: CustomerNo) -> Result<Vec<AlertRecord>, Error> {
    let sql = Sql::new(format!("{ALERT} WHERE customer_no = $1 ORDER BY id")).bind(customer);
    db.fetch(sql).await?.iter().map(record).collect()
}

/// An alert.
pub async fn find(db: &Db, customer: CustomerNo, id: AlertId) -> Result<Option<AlertRecord>, Error> {
    let sql = Sql::new(format!("{ALERT} WHERE customer_no = $1 AND id = $2")).bind(customer).bind(id.uuid());
    db.fetch_optional(sql).await?.as_ref().map(record).transpose()
}

/// An alert as a transaction sees it.
pub async fn find_in(tx: &mut Tx, customer: CustomerNo, id: AlertId) -> Result<Option<AlertRecord>, Error> {
    let sql = Sql::new(format!("{ALERT} WHERE customer_no = $1 AND id = $2")).bind(customer).bind(id.uuid());
    tx.fetch_optional(sql).await?.as_ref().map(record).transpose()
}

/// How many alerts a customer has.
pub async fn count(tx: &mut Tx, customer: CustomerNo) -> Result<usize, Error> {
    let sql = "SELECT COUNT(*) FROM alerts WHERE customer_no = $1";
    tx.fetch_one(Sql::new(sql).bind(customer)).await?.narrow(0)
}

/// Whether an alert calls an endpoint.
pub async fn calls(tx: &mut Tx, customer: CustomerNo, webhook: WebhookId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM alerts WHERE customer_no = $1 AND webhook_id = $2 LIMIT 1";
    Ok(tx.fetch_optional(Sql::new(sql).bind(customer).bind(webhook.uuid())).await?.is_some())
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}

/// Writes a new alert.
pub async fn insert(
    tx: &mut Tx,
    customer: CustomerNo,
    id: AlertId,
    new: &NewAlert,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO alerts (customer_no, id, name, rule, revision, emails, webhook_id, created_at) \
               VALUES ($1, $2, $3, $4, 1, $5, $6, $7)";
    let sql = Sql::new(sql).bind(customer).bind(id.uuid()).bind(new.name.as_str()).bind(json(&new.rule)?);
    let sql = sql.bind(json(&new.emails)?).bind(new.webhook_id.map(WebhookId::uuid)).bind(now);
    tx.execute(sql).await?;
    Ok(())
}

/// Changes an alert; says whether there is one. Another rule has not fired yet.
pub async fn update(tx: &mut Tx, customer: CustomerNo, id: AlertId, new: &NewAlert) -> Result<bool, Error> {
    let sql = "UPDATE alerts SET name = $1, emails = $2, webhook_id = $3, \
               fired_at = CASE WHEN rule = $4 THEN fired_at END, \
               fired_occasion = CASE WHEN rule = $4 THEN fired_occasion END, \
               revision = CASE WHEN rule = $4 THEN revision ELSE revision + 1 END, rule = $4 \
               WHERE customer_no = $5 AND id = $6";
    let sql = Sql::new(sql).bind(new.name.as_str()).bind(json(&new.emails)?);
    let sql = sql.bind(new.webhook_id.map(WebhookId::uuid)).bind(json(&new.rule)?).bind(customer).bind(id.uuid());
    Ok(tx.execute(sql).await? == 1)
}

/// Deletes an alert with what it fired for; says whether there was one.
pub async fn delete(tx: &mut Tx, customer: CustomerNo, id: AlertId) -> Result<bool, Error> {
    let of_alert = |sql: &'static str| Sql::new(sql).bind(customer).bind(id.uuid());
    tx.execute(of_alert("DELETE FROM alert_firings WHERE customer_no = $1 AND alert_id = $2")).await?;
    Ok(tx.execute(of_alert("DELETE FROM alerts WHERE customer_no = $1 AND id = $2")).await? == 1)
}

/// Notes that an alert fires for an occasion; `false` if it has, or was changed since it was read.
///
/// The update locks the alert until the transaction ends: of two processes that find out at once one waits here, and
/// then learns that the occasion has passed.
pub async fn fire(tx: &mut Tx, record: &AlertRecord, occasion: i64, now: Timestamp) -> Result<bool, Error> {
    let (customer, id, revision) = (record.customer, record.alert.id.uuid(), record.revision);
    let sql = "UPDATE alerts SET fired_at = $1, fired_occasion = $2 WHERE customer_no = $3 AND id = $4 \
               AND revision = $5 AND (fired_occasion IS NULL OR fired_occasion <> $2)";
    let sql = Sql::new(sql).bind(now).bind(occasion).bind(customer).bind(id).bind(revision);
    if tx.execute(sql).await? == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO alert_firings (customer_no, alert_id, revision, occasion, fired_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let sql = Sql::new(sql).bind(customer).bind(id).bind(revision).bind(occasion).bind(now);
    Ok(tx.execute(sql).await? == 1)
}

/// Forgets what alerts fired for before an instant; what each fired for last it knows itself.
pub async fn forget_firings(tx: &mut Tx, before: Timestamp) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM alert_firings WHERE fired_at < $1").bind(before)).await?;
    Ok(())
}
