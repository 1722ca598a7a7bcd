//! Counters that limit what may be done: catalogue calls and failed logins.

use super::db::{Db, Sql, Tx};
use crate::error::Error;
use domain::ids::CustomerNo;

/// Counts a catalogue call, unless there are `max` since `first_hour` already, and says how many there are with it (one more
/// than `max` of one that is not counted), and in which hour the oldest was.
///
/// The increment is a statement by itself: calls count one after the other, and none waits for a process that is away.
pub async fn count_catalogue_call(
    db: &Db,
    customer: CustomerNo,
    (first_hour, hour): (i64, i64),
    max: i64,
) -> Result<(i64, i64), Error> {
    let before = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT), MIN(hour) FROM quota_hours \
                  WHERE hour >= $1 AND hour <> $2 AND customer_no = $3";
    let before = db.fetch_one(Sql::new(before).bind(first_hour).bind(hour).bind(customer)).await?;
    let oldest = before.opt_int(1)?.unwrap_or(hour).min(hour);
    let max_now = max - before.int(0)?;
    if max_now <= 0 {
        return Ok((max + 1, oldest));
    }
    let increment = "INSERT INTO quota_hours (hour, customer_no, calls) VALUES ($1, $2, 1) ON CONFLICT (hour, customer_no) \
                     DO UPDATE SET calls = quota_hours.calls + 1 WHERE quota_hours.calls < $3 RETURNING calls";
    let counted = db.write(Sql::new(increment).bind(hour).bind(customer).bind(max_now)).await?;
    let calls = counted.first().map_or(Ok(max_now + 1), |row| row.int(0))?;
    Ok((before.int(0)? + calls, oldest))
}

/// Forgets the calls of hours before `first_hour`.
pub async fn forget_catalogue_calls(tx: &mut Tx, first_hour: i64) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM quota_hours WHERE hour < $1").bind(first_hour)).await?;
    Ok(())
}

/// Failed logins of a subject (an account or address, hashed) in the spans from `span` on.
pub async fn login_failures(db: &Db, span: i64, subject: &[u8]) -> Result<i64, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(failures), 0) AS BIGINT) FROM login_failures WHERE span >= $1 AND subject = $2";
    db.fetch_one(Sql::new(sql).bind(span).bind(subject)).await?.int(0)
}

/// Counts a failed login of a subject.
pub async fn count_login_failure(tx: &mut Tx, span: i64, subject: &[u8]) -> Result<(), Error> {
    let sql = "INSERT INTO login_failures (span, subject, failures) VALUES ($1, $2, 1) \
               ON CONFLICT (span, subject) DO UPDATE SET failures = login_failures.failures + 1";
    tx.execute(Sql::new(sql).bind(span).bind(subject)).await?;
    Ok(())
}

/// Forgets the failed logins of a subject.
pub async fn forget_login_failures(tx: &mut Tx, subject: &[u8]) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM login_failures WHERE subject = $1").bind(subject)).await?;
    Ok(())
}

/// Forgets the failed logins of spans before `span`.
pub async fn forget_old_login_failures(tx: &mut Tx, span: i64) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM login_failures WHERE span < $1").bind(span)).await?;
    Ok(())
}
