//! Issued statements. The database itself refuses to change or delete one.

use super::db::{Db, Row, Sql, Tx};
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::billing::{Currency, Statement};
use domain::ids::{CustomerNo, RateCardId};
use domain::zone::Month;
use serde::Serialize;

/// A value as JSON, which is never queried.
pub fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Internal(format!("JSON: {error}")))
}

fn statement(row: &Row) -> Result<Statement, Error> {
    serde_json::from_str(&row.text(0)?).map_err(|_| corrupt("statement"))
}

/// All of a customer's, in the order in which they were issued.
pub async fn of_customer(tx: &mut Tx, customer: CustomerNo) -> Result<Vec<Statement>, Error> {
    let sql = "SELECT body FROM statements WHERE customer_no = $1 ORDER BY issue";
    tx.fetch(Sql::new(sql).bind(customer)).await?.iter().map(statement).collect()
}

/// The months of all customers that are issued, from one on.
pub async fn issued_since(db: &Db, month: Month) -> Result<Vec<(CustomerNo, Month)>, Error> {
    let sql = "SELECT customer_no, month FROM statements WHERE month >= $1";
    let rows = db.fetch(Sql::new(sql).bind(month)).await?;
    rows.iter().map(|row| Ok((CustomerNo(row.narrow(0)?), Month(row.narrow(1)?)))).collect()
}

/// Writes an issued statement as the customer's `issue`-th; `false` if another process was faster.
pub async fn insert(
    tx: &mut Tx,
    customer: CustomerNo,
    issue: usize,
    issued_at: Timestamp,
    statement: &Statement,
) -> Result<bool, Error> {
    let sql = "INSERT INTO statements (customer_no, month, issue, card_id, card_version, currency, total, issued_at, body) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let issue = i64::try_from(issue).unwrap_or(i64::MAX);
    let sql = Sql::new(sql).bind(customer).bind(statement.month).bind(issue);
    let sql = sql.bind(statement.card.id).bind(statement.card.version).bind(statement.total.currency.code());
    let sql = sql.bind(statement.total.minor).bind(issued_at).bind(json(statement)?);
    Ok(tx.execute(sql).await? == 1)
}

/// The latest month of a customer that is issued.
pub async fn latest_month(tx: &mut Tx, customer: CustomerNo) -> Result<Option<Month>, Error> {
    let sql = "SELECT MAX(month) FROM statements WHERE customer_no = $1";
    latest(&tx.fetch_one(Sql::new(sql).bind(customer)).await?)
}

/// The latest issued month that was priced with a card, or with one version of it.
pub async fn latest_month_of_card(tx: &mut Tx, card: RateCardId, version: Option<u32>) -> Result<Option<Month>, Error> {
    let sql = match version {
        None => Sql::new("SELECT MAX(month) FROM statements WHERE card_id = $1").bind(card),
        Some(version) => {
            let sql = "SELECT MAX(month) FROM statements WHERE card_id = $1 AND card_version = $2";
            Sql::new(sql).bind(card).bind(version)
        }
    };
    latest(&tx.fetch_one(sql).await?)
}

fn latest(row: &Row) -> Result<Option<Month>, Error> {
    let month = row.opt_int(0)?.map(|month| i32::try_from(month).map_err(|_| corrupt("month")));
    Ok(month.transpose()?.map(Month))
}

/// The currency of a customer's statements, if it has any.
pub async fn currency(tx: &mut Tx, customer: CustomerNo) -> Result<Option<Currency>, Error> {
    let sql = "SELECT currency FROM statements WHERE customer_no = $1 LIMIT 1";
    let row = tx.fetch_optional(Sql::new(sql).bind(customer)).await?;
    row.map(|row| row.text(0)?.parse().map_err(|_| corrupt("currency"))).transpose()
}
