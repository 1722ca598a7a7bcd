//! The catalogue's table.

use super::db::{Sql, Tx};
use crate::error::{Error, corrupt};
use domain::helpline::Helpline;
use domain::ids::{HelplineId, HelplineNo};

/// A helpline as it is stored.
pub async fn find(tx: &mut Tx, id: &HelplineId) -> Result<Option<(HelplineNo, Helpline)>, Error> {
    let sql = Sql::new("SELECT no, body FROM helplines WHERE id = $1").bind(id.as_str());
    let Some(row) = tx.fetch_optional(sql).await? else { return Ok(None) };
    let body = serde_json::from_str(&row.text(1)?).map_err(|_| corrupt("helpline"))?;
    Ok(Some((HelplineNo(row.narrow(0)?), body)))
}

/// Writes a new helpline; `false` if there is one of this id.
pub async fn insert(tx: &mut Tx, helpline: &Helpline) -> Result<bool, Error> {
    let sql = "INSERT INTO helplines (id, name, country_code, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let sql = Sql::new(sql).bind(helpline.id.as_str()).bind(helpline.name.as_str());
    let sql = sql.bind(helpline.country.code.as_str()).bind(body(helpline)?);
    Ok(tx.execute(sql).await? == 1)
}

/// Replaces a helpline.
pub async fn update(tx: &mut Tx, helpline: &Helpline) -> Result<(), Error> {
    let sql = "UPDATE helplines SET name = $1, country_code = $2, body = $3 WHERE id = $4";
    let sql = Sql::new(sql).bind(helpline.name.as_str()).bind(helpline.country.code.as_str());
    tx.execute(sql.bind(body(helpline)?).bind(helpline.id.as_str())).await?;
    Ok(())
}

fn body(helpline: &Helpline) -> Result<String, Error> {
    serde_json::to_string(helpline).map_err(|error| Error::Internal(error.to_string()))
}
