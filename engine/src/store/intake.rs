//! Counts of what was received but not stored: refused events by code, and duplicates.

use super::db::{Row, Sql, Tx, Value, chunks};
use crate::error::Error;
use domain::Timestamp;
use domain::ids::{ApplicationNo, CustomerNo};
use domain::timestamp::DAY_MS;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What was received by an application in a quarter hour but not stored, under a code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IntakeKey {
    pub quarter: Timestamp,
    pub customer: CustomerNo,
    pub application: ApplicationNo,
    pub code: Cow<'static, str>,
}

/// The day of UTC that an instant lies in.
fn day(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(i64::from(at.utc_day()) * DAY_MS)
}

/// The days that lie whole within some time: from the first up to the last one's end. Where there is none, both are the end of
/// that time, before which all is quarter hours then.
fn whole_days(from: Timestamp, to: Timestamp) -> (Timestamp, Timestamp) {
    let (first, end) = (day(from.plus(DAY_MS - 1)), day(to));
    if first < end { (first, end) } else { (to, to) }
}

/// Adds to the counts of what was not stored.
pub async fn count(tx: &mut Tx, counts: &BTreeMap<IntakeKey, i64>) -> Result<(), Error> {
    // Under each day's first quarter hour.
    let mut by_day: BTreeMap<IntakeKey, i64> = BTreeMap::new();
    for (key, n) in counts {
        *by_day.entry(IntakeKey { quarter: day(key.quarter), ..key.clone() }).or_default() += n;
    }
    add(tx, ("intake_quarters", "quarter"), counts).await?;
    add(tx, ("intake_days", "day"), &by_day).await
}

async fn add(tx: &mut Tx, (table, time): (&str, &str), counts: &BTreeMap<IntakeKey, i64>) -> Result<(), Error> {
    let rows: Vec<_> = counts.iter().collect();
    for chunk in chunks(&rows) {
        let sql = format!(
            "INSERT INTO {table} ({time}, customer_no, application_no, code, events) VALUES {} \
             ON CONFLICT ({time}, customer_no, application_no, code) DO UPDATE SET events = {table}.events + excluded.events",
            tx.placeholders(chunk.len(), 5)
        );
        let values = chunk.iter().flat_map(|(key, n)| -> [Value; 5] {
            [key.quarter.into(), key.customer.into(), key.application.into(), (*key.code).into(), (**n).into()]
        });
        tx.execute(Sql::new(sql).bind_all(values)).await?;
    }
    Ok(())
}

/// What a customer sent (or some of its applications) without it being stored, by code, from `from` up to `to`: whole days,
/// and the quarter hours before and after them.
fn sums(customer: CustomerNo, applications: Option<&[ApplicationNo]>, from: Timestamp, to: Timestamp) -> Sql {
    let (first, end) = whole_days(from, to);
    let of = applications.map_or(String::new(), |applications| {
        let list: Vec<String> = (0..applications.len()).map(|i| format!("${}", i + 6)).collect();
        format!("AND application_no IN ({})", list.join(", "))
    });
    let text = format!(
        "SELECT code, CAST(SUM(events) AS BIGINT) FROM (\
         SELECT code, events FROM intake_days WHERE customer_no = $1 AND day >= $2 AND day < $3 {of} UNION ALL \
         SELECT code, events FROM intake_quarters WHERE customer_no = $1 AND quarter >= $4 AND quarter < $2 {of} UNION ALL \
         SELECT code, events FROM intake_quarters WHERE customer_no = $1 AND quarter >= $3 AND quarter < $5 {of}\
         ) AS counted GROUP BY code ORDER BY 2 DESC, code"
    );
    let sql = Sql::new(text).bind(customer).bind(first).bind(end).bind(from).bind(to);
    sql.bind_all(applications.unwrap_or_default().iter().map(|application| Value::from(*application)))
}

fn sum(row: &Row) -> Result<(String, i64), Error> {
    Ok((row.text(0)?, row.int(1)?))
}

/// What some applications of a customer sent without it being stored, by code, received from `from` up to `to`.
pub async fn of_applications(
    tx: &mut Tx,
    customer: CustomerNo,
    applications: &[ApplicationNo],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(String, i64)>, Error> {
    if applications.is_empty() {
        return Ok(Vec::new());
    }
    tx.fetch(sums(customer, Some(applications), from, to)).await?.iter().map(sum).collect()
}

/// What a customer sent without it being stored, by code, from `from` up to `to`.
pub async fn of_customer(
    tx: &mut Tx,
    customer: CustomerNo,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(String, i64)>, Error> {
    tx.fetch(sums(customer, None, from, to)).await?.iter().map(sum).collect()
}

/// The same, by quarter hour, application and code.
pub async fn rows_of_customer(
    tx: &mut Tx,
    customer: CustomerNo,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(IntakeKey, i64)>, Error> {
    let sql = "SELECT quarter, application_no, code, events FROM intake_quarters \
               WHERE customer_no = $1 AND quarter >= $2 AND quarter < $3";
    let row = |row: &Row| {
        let application = ApplicationNo(row.narrow(1)?);
        Ok((IntakeKey { quarter: row.at(0)?, customer, application, code: row.text(2)?.into() }, row.int(3)?))
    };
    tx.fetch(Sql::new(sql).bind(customer).bind(from).bind(to)).await?.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::new_db;

    #[tokio::test]
    async fn days_and_quarter_hours_add_up() {
        const QUARTER_MS: i64 = 15 * 60_000;
        let (_directory, db) = new_db().await;
        let at = |quarter: i64| Timestamp::from_millis(20_000 * DAY_MS + quarter * QUARTER_MS);
        let (customer, other) = (CustomerNo(1), CustomerNo(2));
        let key = |customer, quarter, application| IntakeKey {
            quarter: at(quarter),
            customer,
            application: ApplicationNo(application),
            code: if quarter % 3 == 0 { "a" } else { "b" }.into(),
        };
        // Four days, each quarter hour of an application of its own number of events, in two batches.
        for half in 0..2 {
            let mut tx = db.begin().await.unwrap();
            let counts = (0..384).filter(|quarter| quarter % 2 == half);
            let counts =
                counts.flat_map(|q| [(key(customer, q, 1), q), (key(customer, q, 2), 1_000), (key(other, q, 3), 7)]);
            count(&mut tx, &counts.collect()).await.unwrap();
            tx.commit().await.unwrap();
        }
        for (from, to) in
            [(0, 384), (0, 96), (1, 384), (0, 383), (95, 97), (96, 288), (50, 340), (50, 60), (10, 97), (5, 5)]
        {
            let of = |code: usize, each: i64| {
                let of_code = (from..to).filter(|quarter| (quarter % 3 == 0) == (code == 0));
                of_code.map(|quarter| quarter + each).sum::<i64>()
            };
            let expected = |each: i64| {
                let mut expected = vec![("a".to_owned(), of(0, each)), ("b".to_owned(), of(1, each))];
                expected.retain(|(_, n)| *n > 0);
                expected.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
                expected
            };
            let mut tx = db.snapshot().await.unwrap();
            let found = of_applications(&mut tx, customer, &[ApplicationNo(1)], at(from), at(to)).await.unwrap();
            assert_eq!(found, expected(0), "{from} to {to}");
            let mut tx = db.snapshot().await.unwrap();
            let found = of_customer(&mut tx, customer, at(from), at(to)).await.unwrap();
            assert_eq!(found, expected(1_000), "{from} to {to}");
        }
    }
}
