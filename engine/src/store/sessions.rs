//! The states of sessions: their events by UTC day, what their months must remember, and the places in the log.

use super::codec::{pack_day, pack_month, unpack_day, unpack_month};
use super::db::{Db, Row, Sql, Tx, Value, chunks};
use crate::error::Error;
use domain::event::SessionKey;
use domain::ids::{ApplicationNo, CustomerNo};
use domain::metering::{Entry, MonthState};
use domain::zone::{Month, Zone};
use std::collections::BTreeMap;

/// A session of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    pub customer: CustomerNo,
    pub application: ApplicationNo,
    pub key: SessionKey,
}

/// A UTC day of a session (days since 1970). Time comes first, as in the store's key.
pub type DayKey = (i32, Session);
/// A month of a session.
pub type MonthKey = (Month, Session);

fn key_values(span: i32, session: &Session) -> [Value; 4] {
    [span.into(), session.customer.into(), session.application.into(), session.key.into()]
}

fn key(row: &Row) -> Result<(i32, Session), Error> {
    let session = Session {
        customer: CustomerNo(row.narrow(1)?),
        application: ApplicationNo(row.narrow(2)?),
        key: SessionKey(row.uuid(3)?.into_bytes()),
    };
    Ok((row.narrow(0)?, session))
}

/// Rows of one of the two tables of state, by their keys. Keys that are not there are left out.
async fn load(
    tx: &mut Tx,
    table: &str,
    span: &str,
    state: &str,
    keys: &[(i32, Session)],
) -> Result<Vec<((i32, Session), Vec<u8>)>, Error> {
    let mut found = Vec::new();
    for chunk in chunks(keys) {
        let sql = format!(
            "WITH wanted (span, customer_no, application_no, session) AS (VALUES {}) \
             SELECT t.{span}, t.customer_no, t.application_no, t.session, t.{state} FROM wanted w JOIN {table} t \
             ON t.{span} = w.span AND t.customer_no = w.customer_no AND t.application_no = w.application_no \
             AND t.session = w.session",
            tx.placeholders(chunk.len(), 4)
        );
        let values = chunk.iter().flat_map(|(span, session)| key_values(*span, session));
        for row in tx.fetch(Sql::new(sql).bind_all(values)).await? {
            found.push((key(&row)?, row.bytes(4)?));
        }
    }
    Ok(found)
}

/// Writes rows of one of the two tables of state.
async fn save(
    tx: &mut Tx,
    table: &str,
    span: &str,
    state: &str,
    rows: &[((i32, Session), Vec<u8>)],
) -> Result<(), Error> {
    for chunk in chunks(rows) {
        let sql = format!(
            "INSERT INTO {table} ({span}, customer_no, application_no, session, {state}) VALUES {} \
             ON CONFLICT ({span}, customer_no, application_no, session) DO UPDATE SET {state} = excluded.{state}",
            tx.placeholders(chunk.len(), 5)
        );
        let values = chunk.iter().flat_map(|((span, session), packed)| {
            key_values(*span, session).into_iter().chain([Value::from(packed.as_slice())])
        });
        tx.execute(Sql::new(sql).bind_all(values)).await?;
    }
    Ok(())
}

/// The events of sessions' days.
pub async fn load_days(tx: &mut Tx, keys: &[DayKey]) -> Result<BTreeMap<DayKey, Vec<Entry>>, Error> {
    let rows = load(tx, "session_days", "day", "events", keys).await?;
    rows.into_iter().map(|(key, packed)| Ok((key, unpack_day(key.0, &packed)?))).collect()
}

/// Replaces the events of sessions' days.
pub async fn save_days(tx: &mut Tx, days: &BTreeMap<DayKey, Vec<Entry>>) -> Result<(), Error> {
    let packed = |(key, entries): (&DayKey, &Vec<Entry>)| Ok((*key, pack_day(key.0, entries)?));
    let rows = days.iter().map(packed).collect::<Result<Vec<_>, Error>>()?;
    save(tx, "session_days", "day", "events", &rows).await
}

/// The states of sessions' months.
pub async fn load_months(tx: &mut Tx, keys: &[MonthKey]) -> Result<BTreeMap<MonthKey, MonthState>, Error> {
    let keys: Vec<(i32, Session)> = keys.iter().map(|(month, session)| (month.0, *session)).collect();
    let rows = load(tx, "session_months", "month", "state", &keys).await?;
    rows.into_iter().map(|((month, session), packed)| Ok(((Month(month), session), unpack_month(&packed)?))).collect()
}

/// Replaces the states of sessions' months.
pub async fn save_months<'a>(
    tx: &mut Tx,
    months: impl Iterator<Item = (MonthKey, &'a MonthState)>,
) -> Result<(), Error> {
    let packed = |((month, session), state): (MonthKey, &MonthState)| Ok(((month.0, session), pack_month(state)?));
    let rows = months.map(packed).collect::<Result<Vec<_>, Error>>()?;
    save(tx, "session_months", "month", "state", &rows).await
}

/// The zone in which a customer's figures are kept, and the length of its log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    pub zone: Zone,
    pub length: u64,
}

/// A customer's log.
pub async fn log(tx: &mut Tx, customer: CustomerNo) -> Result<Log, Error> {
    let sql = "SELECT figures_zone, log_length FROM customers WHERE no = $1";
    let row = tx.fetch_one(Sql::new(sql).bind(customer)).await?;
    let zone = row.text(0)?.parse().map_err(|_| crate::error::corrupt("time zone"))?;
    Ok(Log { zone, length: row.narrow(1)? })
}

/// Notes how long a customer's log has become.
pub async fn set_log_length(tx: &mut Tx, customer: CustomerNo, length: u64) -> Result<(), Error> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    tx.execute(Sql::new("UPDATE customers SET log_length = $1 WHERE no = $2").bind(length).bind(customer)).await?;
    Ok(())
}

/// Customers whose figures are kept in another zone than their own: they have to be made anew.
pub async fn customers_of_changed_zone(tx: &mut Tx) -> Result<Vec<(CustomerNo, Zone)>, Error> {
    let rows = tx.fetch(Sql::new("SELECT no, time_zone FROM customers WHERE time_zone <> figures_zone")).await?;
    let zone = |row: &Row| row.text(1)?.parse().map_err(|_| crate::error::corrupt("time zone"));
    rows.iter().map(|row| Ok((CustomerNo(row.narrow(0)?), zone(row)?))).collect()
}

/// Whether there is any such customer.
pub async fn is_a_zone_changed(db: &Db) -> Result<bool, Error> {
    let sql = Sql::new("SELECT 1 FROM customers WHERE time_zone <> figures_zone LIMIT 1");
    Ok(db.fetch_optional(sql).await?.is_some())
}

/// Notes the zone of a customer's figures and forgets all that was counted in another: its months and figures.
/// The days stay, as they are kept by UTC.
pub async fn forget_months_and_figures(tx: &mut Tx, customer: CustomerNo, zone: Zone) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM session_months WHERE customer_no = $1").bind(customer)).await?;
    tx.execute(Sql::new("DELETE FROM figures WHERE customer_no = $1").bind(customer)).await?;
    let sql = Sql::new("UPDATE customers SET figures_zone = $1 WHERE no = $2").bind(zone.name()).bind(customer);
    tx.execute(sql).await?;
    Ok(())
}

/// All events of a customer's sessions whose keys lie from `first` to `last`, by session.
pub async fn days_between(
    tx: &mut Tx,
    customer: CustomerNo,
    first: SessionKey,
    last: SessionKey,
) -> Result<BTreeMap<Session, Vec<Entry>>, Error> {
    let sql = "SELECT day, customer_no, application_no, session, events FROM session_days \
               WHERE customer_no = $1 AND session BETWEEN $2 AND $3";
    let mut sessions: BTreeMap<Session, Vec<Entry>> = BTreeMap::new();
    for row in tx.fetch(Sql::new(sql).bind(customer).bind(first).bind(last)).await? {
        let (day, session) = key(&row)?;
        sessions.entry(session).or_default().extend(unpack_day(day, &row.bytes(4)?)?);
    }
    Ok(sessions)
}
