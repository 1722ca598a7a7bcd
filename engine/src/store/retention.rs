//! Raw events that are not kept any longer.

use super::blocks::SPAN_MS;
use super::db::{Db, Row, Sql, Tx};
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::figures::Scope;
use domain::ids::CustomerNo;
use domain::metering::Grain;
use domain::zone::Month;

/// How long a DROP waits for those that read the table: whoever comes after it waits as well.
const DROP_WAIT_MAX: &str = "SET LOCAL lock_timeout = '1s'";

/// What is kept of a customer's raw events.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    pub customer: CustomerNo,
    /// Months, if other than the installation's.
    pub months: Option<u32>,
    /// Those before have been given up.
    pub events_from: Option<Timestamp>,
    /// The first month that has figures.
    pub first_month: Option<Month>,
}

/// What is kept of all customers' raw events.
pub async fn keeping(db: &Db) -> Result<Vec<Keeping>, Error> {
    let sql = "SELECT no, event_retention_months, events_from, (SELECT MIN(f.bucket) FROM figures f \
               WHERE f.customer_no = customers.no AND f.scope = $1 AND f.grain = $2) FROM customers ORDER BY no";
    let keeping = |row: &Row| {
        let small = |column| -> Result<Option<i32>, Error> {
            row.opt_int(column)?.map(|n| i32::try_from(n).map_err(|_| corrupt("month"))).transpose()
        };
        Ok(Keeping {
            customer: CustomerNo(row.narrow(0)?),
            months: small(1)?.map(i32::unsigned_abs),
            events_from: row.opt_at(2)?,
            first_month: small(3)?.map(Month),
        })
    };
    let sql = Sql::new(sql).bind(Scope::Application as u8).bind(Grain::Month as u8);
    db.fetch(sql).await?.iter().map(keeping).collect()
}

/// The last span all of whose events lie before an instant.
fn last_span(before: Timestamp) -> i64 {
    before.millis() - SPAN_MS
}

/// How many of a customer's raw events lie before an instant.
pub async fn count(db: &Db, customer: CustomerNo, before: Timestamp) -> Result<u64, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM event_blocks WHERE customer_no = $1 AND span <= $2";
    db.fetch_one(Sql::new(sql).bind(customer).bind(last_span(before))).await?.narrow(0)
}

/// Notes that a customer's raw events before an instant are given up, and forgets the sessions that are older. `false`
/// if its figures have still to be made anew from them.
pub async fn give_up(tx: &mut Tx, customer: CustomerNo, before: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE customers SET events_from = $1 WHERE no = $2 AND time_zone = figures_zone";
    if tx.execute(Sql::new(sql).bind(before).bind(customer)).await? == 0 {
        return Ok(false);
    }
    let old = "SELECT run FROM session_runs WHERE customer_no = $1 AND last_at < $2";
    for table in ["session_parts", "session_runs"] {
        let sql = format!("DELETE FROM {table} WHERE customer_no = $1 AND run IN ({old})");
        tx.execute(Sql::new(sql).bind(customer).bind(before)).await?;
    }
    Ok(true)
}

/// Deletes a customer's blocks that lie before an instant, the oldest first, at most so many, and says how many.
pub async fn delete_blocks(tx: &mut Tx, customer: CustomerNo, before: Timestamp, max: i64) -> Result<u64, Error> {
    let sql = "DELETE FROM event_blocks WHERE customer_no = $1 AND (span, block) IN (SELECT span, block \
               FROM event_blocks WHERE customer_no = $1 AND span <= $2 ORDER BY span, block LIMIT $3)";
    tx.execute(Sql::new(sql).bind(customer).bind(last_span(before)).bind(max)).await
}

/// The months that have partitions, on Postgres.
pub async fn partitions(tx: &mut Tx) -> Result<Vec<Month>, Error> {
    if matches!(tx, Tx::Sqlite(_)) {
        return Ok(Vec::new());
    }
    let sql = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
               WHERE i.inhparent = 'event_blocks'::regclass ORDER BY c.relname";
    let month = |row: &Row| {
        let name = row.text(0)?;
        let month = name.strip_prefix("event_blocks_").map(|month| month.replace('_', "-").parse());
        month.and_then(Result::ok).ok_or_else(|| corrupt("partition"))
    };
    tx.fetch(Sql::new(sql)).await?.iter().map(month).collect()
}

/// Whether a block between two instants is of a customer of whom not all before the second is given up.
pub async fn is_needed(tx: &mut Tx, from: Timestamp, to: Timestamp) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM event_blocks b JOIN customers c ON c.no = b.customer_no WHERE b.span >= $1 AND b.span < $2 \
               AND (c.events_from IS NULL OR c.events_from < $2) LIMIT 1";
    Ok(tx.fetch_optional(Sql::new(sql).bind(from).bind(to)).await?.is_some())
}

/// Drops the partition of a month, on Postgres. Fails if somebody reads the table for long.
pub async fn drop_partition(tx: &mut Tx, month: Month) -> Result<(), Error> {
    tx.execute(Sql::new(DROP_WAIT_MAX)).await?;
    tx.execute(Sql::new(format!("DROP TABLE {}", super::aggregator::partition(month)))).await?;
    Ok(())
}
