//! What every server process keeps in memory: customers, applications with their secrets, helplines.

use super::db::{Db, Row, Sql, Tx};
use crate::error::{Error, corrupt};
use domain::account::{Application, Customer, CustomerLimits, Secret, Tier};
use domain::helpline::Helpline;
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::{ApplicationId, CustomerId, SecretId, Timestamp};

/// A customer with what only the engine may know.
#[derive(Clone)]
pub struct CustomerRecord {
    pub no: CustomerNo,
    pub customer: Customer,
    pub session_secret: Vec<u8>,
    /// Raw events before have been given up.
    pub events_from: Option<Timestamp>,
}

/// An application with what only the engine may know.
#[derive(Clone)]
pub struct ApplicationRecord {
    pub no: ApplicationNo,
    pub customer_no: CustomerNo,
    pub application: Application,
    /// SHA-256 of the valid secrets, in the order of `application.secrets`.
    pub hashes: Vec<Vec<u8>>,
}

const VERSION: &str = "directory_version";
const TOKEN_KEY: &str = "token_key";
/// What [`mark_seed`] is called among the settings.
pub(super) const MARK_SEED: &str = "database_mark_seed";

/// Changes whenever something of the directory does.
pub async fn version(db: &Db) -> Result<Option<String>, Error> {
    setting(db, VERSION).await
}

/// The version that a transaction sees.
pub async fn version_in(tx: &mut Tx) -> Result<Option<String>, Error> {
    tx.fetch_optional(setting_sql(VERSION)).await?.map(|row| row.text(0)).transpose()
}

async fn setting(db: &Db, name: &str) -> Result<Option<String>, Error> {
    db.fetch_optional(setting_sql(name)).await?.map(|row| row.text(0)).transpose()
}

fn setting_sql(name: &str) -> Sql {
    Sql::new("SELECT value FROM settings WHERE name = $1").bind(name)
}

/// Tells all processes that the directory has changed. `version` must be new.
pub async fn touch(tx: &mut Tx, version: &str) -> Result<(), Error> {
    let sql =
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.execute(Sql::new(sql).bind(VERSION).bind(version)).await?;
    Ok(())
}

/// The key that signs access tokens (hexadecimal), unless it was never made.
pub async fn token_key(db: &Db) -> Result<Option<String>, Error> {
    setting(db, TOKEN_KEY).await
}

/// Sets the key that signs access tokens, unless there is one.
pub async fn make_token_key(tx: &mut Tx, key: &str) -> Result<(), Error> {
    make(tx, TOKEN_KEY, key).await
}

async fn make(tx: &mut Tx, name: &str, value: &str) -> Result<(), Error> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    tx.execute(Sql::new(sql).bind(name).bind(value)).await?;
    Ok(())
}

/// What the database's mark is made of, unless it was never made.
pub async fn mark_seed(db: &Db) -> Result<Option<String>, Error> {
    setting(db, MARK_SEED).await
}

/// Sets what the database's mark is made of, unless it is there.
pub async fn make_mark_seed(tx: &mut Tx, seed: &str) -> Result<(), Error> {
    make(tx, MARK_SEED, seed).await
}

/// The database's name on its server; `None` if it is a file.
pub async fn database_name(db: &Db) -> Result<Option<String>, Error> {
    match db {
        Db::Sqlite { .. } => Ok(None),
        Db::Postgres { .. } => {
            Ok(Some(db.fetch_one(Sql::new("SELECT CAST(current_database() AS TEXT)")).await?.text(0)?))
        }
    }
}

/// All customers.
pub async fn customers(db: &Db) -> Result<Vec<CustomerRecord>, Error> {
    let sql = "SELECT no, id, name, time_zone, session_secret, catalogue_quota_per_day, event_burst_per_second, \
               event_retention_months, created_at, suppress_below, events_from FROM customers ORDER BY no";
    let limit = |row: &Row, column| -> Result<Option<u32>, Error> {
        row.opt_int(column)?.map(|n| u32::try_from(n).map_err(|_| corrupt("limit"))).transpose()
    };
    let record = |row: &Row| {
        let limits = CustomerLimits {
            catalogue_quota_per_day: limit(row, 5)?,
            event_burst_per_second: limit(row, 6)?,
            event_retention_months: limit(row, 7)?,
            suppress_below: limit(row, 9)?,
        };
        let customer = Customer {
            id: CustomerId::from_uuid(row.uuid(1)?),
            name: row.text(2)?,
            time_zone: row.text(3)?.parse().map_err(|_| corrupt("time zone"))?,
            limits,
            created_at: row.at(8)?,
        };
        Ok(CustomerRecord {
            no: CustomerNo(row.narrow(0)?),
            customer,
            session_secret: row.bytes(4)?,
            events_from: row.opt_at(10)?,
        })
    };
    db.fetch(Sql::new(sql)).await?.iter().map(record).collect()
}

/// All applications with their valid secrets, newest secret first.
pub async fn applications(db: &Db) -> Result<Vec<ApplicationRecord>, Error> {
    let sql = "SELECT a.no, a.id, a.customer_no, c.id, a.name, a.tier, a.client_id, a.created_at, a.revoked_at, a.suspended_at \
               FROM applications a JOIN customers c ON c.no = a.customer_no ORDER BY a.no";
    let record = |row: &Row| {
        let application = Application {
            id: ApplicationId::from_uuid(row.uuid(1)?),
            customer_id: CustomerId::from_uuid(row.uuid(3)?),
            name: row.text(4)?,
            tier: Tier::from_name(&row.text(5)?).ok_or_else(|| corrupt("tier"))?,
            client_id: row.text(6)?,
            secrets: Vec::new(),
            created_at: row.at(7)?,
            revoked_at: row.opt_at(8)?,
            suspended_at: row.opt_at(9)?,
        };
        Ok(ApplicationRecord {
            no: ApplicationNo(row.narrow(0)?),
            customer_no: CustomerNo(row.narrow(2)?),
            application,
            hashes: Vec::new(),
        })
    };
    let mut records = db.fetch(Sql::new(sql)).await?.iter().map(record).collect::<Result<Vec<_>, Error>>()?;
    let sql = "SELECT application_no, id, hash, hint, created_at FROM application_secrets WHERE revoked_at IS NULL \
               ORDER BY created_at DESC, id DESC";
    for row in db.fetch(Sql::new(sql)).await? {
        let no = ApplicationNo(row.narrow(0)?);
        let Ok(at) = records.binary_search_by_key(&no, |record| record.no) else { continue };
        let secret = Secret { id: SecretId::from_uuid(row.uuid(1)?), hint: row.text(3)?, created_at: row.at(4)? };
        records[at].application.secrets.push(secret);
        records[at].hashes.push(row.bytes(2)?);
    }
    Ok(records)
}

/// All helplines.
pub async fn helplines(db: &Db) -> Result<Vec<(HelplineNo, Helpline)>, Error> {
    let rows = db.fetch(Sql::new("SELECT no, body FROM helplines ORDER BY no")).await?;
    let helpline = |row: &Row| {
        let body = serde_json::from_str(&row.text(1)?).map_err(|_| corrupt("helpline"))?;
        Ok((HelplineNo(row.narrow(0)?), body))
    };
    rows.iter().map(helpline).collect()
}
