//! How far the figures are, who brings them further, and what they are kept by.

use super::db::{Db, Row, Sql, Tx, Value, chunks};
use super::retention::partitions;
use super::turn::Turn;
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::ids::CustomerNo;
use domain::zone::{Month, Zone};
use std::collections::HashMap;
use uuid::Uuid;

/// How far the figures are, and who brings them further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The place in the log up to which it is in the figures.
    pub applied: i64,
    /// The place in the log up to which sessions are in runs.
    pub flushed: i64,
    /// The process that aggregates, unless it has left.
    pub holder: Option<Uuid>,
    /// Changes as long as the holder lives.
    pub beat: i64,
}

const PROGRESS: &str = "SELECT applied, flushed, holder, beat FROM aggregator WHERE id = 1";

fn progress_of(row: &Row) -> Result<Progress, Error> {
    Ok(Progress { applied: row.int(0)?, flushed: row.int(1)?, holder: row.opt_uuid(2)?, beat: row.int(3)? })
}

/// How far the figures are.
pub async fn progress(db: &Db) -> Result<Progress, Error> {
    progress_of(&db.fetch_one(Sql::new(PROGRESS)).await?)
}

/// How far the figures are in the state that a transaction sees.
pub async fn progress_in(tx: &mut Tx) -> Result<Progress, Error> {
    progress_of(&tx.fetch_one(Sql::new(PROGRESS)).await?)
}

/// Keeps everybody from bringing the figures further until a transaction ends.
pub async fn hold(tx: &mut Tx) -> Result<(), Error> {
    tx.execute(Sql::new("UPDATE aggregator SET beat = beat WHERE id = 1")).await?;
    Ok(())
}

/// Keeps everybody from bringing the figures further, or taking them over, until a transaction ends: if a process still holds
/// them, and sessions are written down as far as it knows.
pub async fn hold_as(tx: &mut Tx, process: Uuid, flushed: i64) -> Result<bool, Error> {
    let sql = "UPDATE aggregator SET beat = beat WHERE id = 1 AND holder = $1 AND flushed = $2";
    Ok(tx.execute(Sql::new(sql).bind(process).bind(flushed)).await? == 1)
}

/// Makes a process the holder, if nothing has changed since `seen`.
pub async fn take_over(tx: &mut Tx, seen: &Progress, process: Uuid) -> Result<bool, Error> {
    let sql = "UPDATE aggregator SET holder = $1, beat = beat + 1 WHERE id = 1 AND beat = $2";
    Ok(tx.execute(Sql::new(sql).bind(process).bind(seen.beat)).await? == 1)
}

/// Notes progress, if the process still holds the figures and they are where it left them: whoever lost them while it
/// was away must not write.
pub async fn advance(tx: &mut Tx, process: Uuid, from: i64, to: i64, flushed: i64) -> Result<bool, Error> {
    let sql = "UPDATE aggregator SET applied = $1, flushed = $2, beat = beat + 1 \
               WHERE id = 1 AND holder = $3 AND applied = $4";
    Ok(tx.execute(Sql::new(sql).bind(to).bind(flushed).bind(process).bind(from)).await? == 1)
}

/// Leaves the figures to others.
pub async fn leave(tx: &mut Tx, process: Uuid) -> Result<(), Error> {
    let sql = "UPDATE aggregator SET holder = NULL, beat = beat + 1 WHERE id = 1 AND holder = $1";
    tx.execute(Sql::new(sql).bind(process)).await?;
    Ok(())
}

/// The time, as far as the clock was believed last where something would be lost for ever.
pub async fn believed_at(db: &Db) -> Result<Option<Timestamp>, Error> {
    db.fetch_one(Sql::new("SELECT believed_at FROM aggregator WHERE id = 1")).await?.opt_at(0)
}

/// Notes how far the clock is believed.
pub async fn set_believed_at(tx: &mut Tx, at: Timestamp) -> Result<(), Error> {
    tx.execute(Sql::new("UPDATE aggregator SET believed_at = $1 WHERE id = 1").bind(at)).await?;
    Ok(())
}

/// What a customer's figures are kept by.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// The zone of its hours, days and months.
    pub zone: Zone,
    /// Events in its log: the place of the latest.
    pub log_length: u64,
    /// Raw events before have been given up.
    pub events_from: Option<Timestamp>,
}

/// What customers' figures are kept by.
pub async fn kept(tx: &mut Tx, customers: &[CustomerNo]) -> Result<HashMap<CustomerNo, Kept>, Error> {
    let mut kept = HashMap::new();
    for chunk in chunks(customers) {
        let list: Vec<String> = (1..=chunk.len()).map(|i| format!("${i}")).collect();
        let sql = format!(
            "SELECT no, figures_zone, log_length, events_from FROM customers WHERE no IN ({})",
            list.join(", ")
        );
        for row in tx.fetch(Sql::new(sql).bind_all(chunk.iter().map(|no| Value::from(*no)))).await? {
            let zone = row.text(1)?.parse().map_err(|_| corrupt("time zone"))?;
            kept.insert(
                CustomerNo(row.narrow(0)?),
                Kept { zone, log_length: row.narrow(2)?, events_from: row.opt_at(3)? },
            );
        }
    }
    Ok(kept)
}

/// The same of one customer.
///
/// # Errors
/// [`Error::NotFound`] if there is no such customer.
pub async fn kept_of(tx: &mut Tx, customer: CustomerNo) -> Result<Kept, Error> {
    kept(tx, &[customer]).await?.remove(&customer).ok_or(Error::NotFound)
}

/// Notes how long a customer's log has become.
pub async fn set_log_length(tx: &mut Tx, customer: CustomerNo, length: u64) -> Result<(), Error> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    tx.execute(Sql::new("UPDATE customers SET log_length = $1 WHERE no = $2").bind(length).bind(customer)).await?;
    Ok(())
}

/// Customers whose figures are kept in another zone than their own: they have to be made anew.
pub async fn customers_of_changed_zone(db: &Db) -> Result<Vec<(CustomerNo, Zone)>, Error> {
    let rows = db.fetch(Sql::new("SELECT no, time_zone FROM customers WHERE time_zone <> figures_zone")).await?;
    let zone = |row: &Row| row.text(1)?.parse().map_err(|_| corrupt("time zone"));
    rows.iter().map(|row| Ok((CustomerNo(row.narrow(0)?), zone(row)?))).collect()
}

/// Notes the zone of a customer's figures and forgets those that were counted in another.
pub async fn forget_figures(tx: &mut Tx, customer: CustomerNo, zone: Zone) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM figures WHERE customer_no = $1").bind(customer)).await?;
    let sql = Sql::new("UPDATE customers SET figures_zone = $1 WHERE no = $2").bind(zone.name()).bind(customer);
    tx.execute(sql).await?;
    Ok(())
}

/// The name of the partition of a month.
pub fn partition(month: Month) -> String {
    format!("event_blocks_{}", month.to_string().replace('-', "_"))
}

/// Makes the partitions of some months, from one instant to another, on Postgres, unless they are there.
///
/// A table is made and then attached: made as a partition, it would wait for everybody who reads the others, such as a
/// backup, and whoever came then would wait behind it.
pub async fn make_partitions(tx: &mut Tx, months: &[(Month, Timestamp, Timestamp)]) -> Result<(), Error> {
    let is_missing = |there: &[Month]| months.iter().any(|(month, ..)| !there.contains(month));
    if matches!(tx, Tx::Sqlite(_)) || !is_missing(&partitions(tx).await?) {
        return Ok(());
    }
    tx.take_turn(Turn::Partitions, None).await?;
    let there = partitions(tx).await?;
    for (month, from, to) in months.iter().filter(|(month, ..)| !there.contains(month)) {
        let partition = partition(*month);
        tx.execute(Sql::new(format!("CREATE TABLE {partition} (LIKE event_blocks INCLUDING ALL)"))).await?;
        let (from, to) = (from.millis(), to.millis());
        let sql = format!("ALTER TABLE event_blocks ATTACH PARTITION {partition} FOR VALUES FROM ({from}) TO ({to})");
        tx.execute(Sql::new(sql)).await?;
    }
    Ok(())
}
