//! Rate cards: their versions, and which customers' months they price.

use super::db::{Db, Row, Sql, Tx};
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::billing::{CardVersion, Currency, Terms};
use domain::ids::{CustomerNo, RateCardId};
use domain::zone::Month;

/// A card, without its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRecord {
    pub id: RateCardId,
    pub name: String,
    /// Of all of its versions.
    pub currency: Currency,
    pub created_at: Timestamp,
}

fn card(row: &Row) -> Result<CardRecord, Error> {
    Ok(CardRecord {
        id: RateCardId::from_uuid(row.uuid(0)?),
        name: row.text(1)?,
        currency: row.text(2)?.parse().map_err(|_| corrupt("currency"))?,
        created_at: row.at(3)?,
    })
}

/// A page of the cards by name, after `after`.
pub async fn list(db: &Db, after: &str, limit: i64) -> Result<Vec<CardRecord>, Error> {
    let sql = "SELECT id, name, currency, created_at FROM rate_cards WHERE name > $1 ORDER BY name LIMIT $2";
    db.fetch(Sql::new(sql).bind(after).bind(limit)).await?.iter().map(card).collect()
}

/// A card.
pub async fn find(tx: &mut Tx, id: RateCardId) -> Result<Option<CardRecord>, Error> {
    let sql = "SELECT id, name, currency, created_at FROM rate_cards WHERE id = $1";
    tx.fetch_optional(Sql::new(sql).bind(id)).await?.as_ref().map(card).transpose()
}

/// Writes a new card; `false` if the name is taken.
pub async fn insert(tx: &mut Tx, card: &CardRecord) -> Result<bool, Error> {
    let sql = "INSERT INTO rate_cards (id, name, currency, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let sql = Sql::new(sql).bind(card.id).bind(card.name.as_str()).bind(card.currency.code()).bind(card.created_at);
    Ok(tx.execute(sql).await? == 1)
}

/// The versions of a card, oldest first.
pub async fn versions(tx: &mut Tx, id: RateCardId) -> Result<Vec<CardVersion>, Error> {
    let sql = "SELECT version, effective_from, terms FROM rate_card_versions WHERE card_id = $1 ORDER BY version";
    let version = |row: &Row| {
        Ok(CardVersion { version: row.narrow(0)?, effective_from: Month(row.narrow(1)?), terms: terms(&row.text(2)?)? })
    };
    tx.fetch(Sql::new(sql).bind(id)).await?.iter().map(version).collect()
}

fn terms(json: &str) -> Result<Terms, Error> {
    serde_json::from_str(json).map_err(|_| corrupt("terms of a rate card"))
}

/// Writes a new version of a card; `false` if there is one of this number.
pub async fn insert_version(tx: &mut Tx, id: RateCardId, version: &CardVersion, now: Timestamp) -> Result<bool, Error> {
    let sql = "INSERT INTO rate_card_versions (card_id, version, effective_from, terms, created_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let sql = Sql::new(sql).bind(id).bind(version.version).bind(version.effective_from);
    Ok(tx.execute(sql.bind(super::statements::json(&version.terms)?).bind(now)).await? == 1)
}

/// Changes a version that no statement was priced with; `false` if there is none of this number.
pub async fn update_version(tx: &mut Tx, id: RateCardId, version: &CardVersion) -> Result<bool, Error> {
    let sql = "UPDATE rate_card_versions SET effective_from = $1, terms = $2 WHERE card_id = $3 AND version = $4";
    let sql = Sql::new(sql).bind(version.effective_from).bind(super::statements::json(&version.terms)?);
    Ok(tx.execute(sql.bind(id).bind(version.version)).await? == 1)
}

/// Which card prices a customer's months from one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    pub from: Month,
    /// `None`: from then on no card does.
    pub card: Option<RateCardId>,
}

/// A customer's assignments, oldest first.
pub async fn assignments(tx: &mut Tx, customer: CustomerNo) -> Result<Vec<Assignment>, Error> {
    let sql = "SELECT from_month, card_id FROM rate_card_assignments WHERE customer_no = $1 ORDER BY from_month";
    let assignment =
        |row: &Row| Ok(Assignment { from: Month(row.narrow(0)?), card: row.opt_uuid(1)?.map(RateCardId::from_uuid) });
    tx.fetch(Sql::new(sql).bind(customer)).await?.iter().map(assignment).collect()
}

/// Lets a card price a customer's months from one on, in place of what was said for that month before.
pub async fn assign(tx: &mut Tx, customer: CustomerNo, assignment: Assignment, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO rate_card_assignments (customer_no, from_month, card_id, created_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (customer_no, from_month) DO UPDATE SET card_id = excluded.card_id, created_at = excluded.created_at";
    let sql = Sql::new(sql).bind(customer).bind(assignment.from).bind(assignment.card.map(RateCardId::uuid));
    tx.execute(sql.bind(now)).await?;
    Ok(())
}

/// The customers that a card is assigned to, and from which month on.
pub async fn customers_of(tx: &mut Tx, id: RateCardId) -> Result<Vec<(CustomerNo, Month)>, Error> {
    let sql = "SELECT customer_no, from_month FROM rate_card_assignments WHERE card_id = $1 \
               ORDER BY customer_no, from_month";
    let rows = tx.fetch(Sql::new(sql).bind(id)).await?;
    rows.iter().map(|row| Ok((CustomerNo(row.narrow(0)?), Month(row.narrow(1)?)))).collect()
}
