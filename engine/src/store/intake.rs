//! Counts of what was received but not stored: refused events by code, and duplicates.

use super::db::{Db, Sql, Tx, Value, chunks};
use crate::error::Error;
use domain::Timestamp;
use domain::ids::{ApplicationNo, CustomerNo};
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

/// Adds to the counts of what was not stored.
pub async fn count(tx: &mut Tx, counts: &BTreeMap<IntakeKey, i64>) -> Result<(), Error> {
    let rows: Vec<_> = counts.iter().collect();
    for chunk in chunks(&rows) {
        let sql = format!(
            "INSERT INTO intake_counts (quarter, customer_no, application_no, code, events) VALUES {} \
             ON CONFLICT (quarter, customer_no, application_no, code) \
             DO UPDATE SET events = intake_counts.events + excluded.events",
            tx.placeholders(chunk.len(), 5)
        );
        let values = chunk.iter().flat_map(|(key, n)| -> [Value; 5] {
            [key.quarter.into(), key.customer.into(), key.application.into(), (*key.code).into(), (**n).into()]
        });
        tx.execute(Sql::new(sql).bind_all(values)).await?;
    }
    Ok(())
}

/// What some applications of a customer sent without it being stored, by code, received from `from` up to `to`.
pub async fn of_applications(
    db: &Db,
    customer: CustomerNo,
    applications: &[ApplicationNo],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(String, i64)>, Error> {
    if applications.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = (0..applications.len()).map(|i| format!("${}", i + 4)).collect();
    let sql = format!(
        "SELECT code, CAST(SUM(events) AS BIGINT) FROM intake_counts \
         WHERE quarter >= $1 AND quarter < $2 AND customer_no = $3 AND application_no IN ({}) \
         GROUP BY code ORDER BY 2 DESC, code",
        list.join(", ")
    );
    let sql = Sql::new(sql).bind(from).bind(to).bind(customer);
    let sql = sql.bind_all(applications.iter().map(|application| Value::from(*application)));
    db.fetch(sql).await?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// What a customer sent without it being stored, by code, from `from` up to `to`.
pub async fn of_customer(
    tx: &mut Tx,
    customer: CustomerNo,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(String, i64)>, Error> {
    let sql = "SELECT code, CAST(SUM(events) AS BIGINT) FROM intake_counts \
               WHERE customer_no = $1 AND quarter >= $2 AND quarter < $3 GROUP BY code";
    let rows = tx.fetch(Sql::new(sql).bind(customer).bind(from).bind(to)).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// The same, by quarter hour, application and code.
pub async fn rows_of_customer(
    tx: &mut Tx,
    customer: CustomerNo,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(IntakeKey, i64)>, Error> {
    let sql = "SELECT quarter, application_no, code, events FROM intake_counts \
               WHERE customer_no = $1 AND quarter >= $2 AND quarter < $3";
    let row = |row: &super::db::Row| {
        let application = ApplicationNo(row.narrow(1)?);
        Ok((IntakeKey { quarter: row.at(0)?, customer, application, code: row.text(2)?.into() }, row.int(3)?))
    };
    tx.fetch(Sql::new(sql).bind(customer).bind(from).bind(to)).await?.iter().map(row).collect()
}
