//! Customers, applications and users.

use super::db::{Db, Row, Sql, Tx};
use crate::error::{Error, corrupt};
use crate::paging::OfCustomer;
use domain::account::{ApplicationForm, CustomerLimits, NewCustomer, Role, User, UserForm};
use domain::ids::{ApplicationNo, CustomerNo};
use domain::{ApplicationId, CustomerId, SecretId, Timestamp, UserId};

/// Columns of a table of customers' things that say whose each of them is, for [`of_customer`].
pub fn whose(table: &str) -> String {
    let column = |name| format!("(SELECT c.{name} FROM customers c WHERE c.no = {table}.customer_no) AS whose_{name}");
    ["id", "name"].map(column).join(", ")
}

/// Something of a row of which [`whose`] begins at column `at`.
pub fn of_customer<T>(row: &Row, at: usize, item: Result<T, Error>) -> Result<OfCustomer<T>, Error> {
    Ok(OfCustomer { customer: CustomerId::from_uuid(row.uuid(at)?), name: row.text(at + 1)?, item: item? })
}

/// Writes a new customer.
pub async fn insert_customer(
    tx: &mut Tx,
    id: CustomerId,
    new: &NewCustomer,
    session_secret: &[u8],
    now: Timestamp,
) -> Result<CustomerNo, Error> {
    let sql = "INSERT INTO customers (id, name, time_zone, figures_zone, session_secret, catalogue_quota_per_day, \
               event_burst_per_second, event_retention_months, suppress_below, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING no";
    let zone = new.time_zone.name();
    let sql = Sql::new(sql).bind(id).bind(new.name.as_str()).bind(zone).bind(zone).bind(session_secret);
    let sql = limits(sql, new).bind(now);
    Ok(CustomerNo(tx.fetch_one(sql).await?.narrow(0)?))
}

/// What is set of a customer.
pub async fn find_customer(tx: &mut Tx, no: CustomerNo) -> Result<NewCustomer, Error> {
    let sql = "SELECT name, time_zone, catalogue_quota_per_day, event_burst_per_second, event_retention_months, suppress_below \
               FROM customers WHERE no = $1";
    let row = tx.fetch_one(Sql::new(sql).bind(no)).await?;
    let limit = |column| row.opt_int(column)?.map(|n| u32::try_from(n).map_err(|_| corrupt("limit"))).transpose();
    Ok(NewCustomer {
        name: row.text(0)?,
        time_zone: row.text(1)?.parse().map_err(|_| corrupt("time zone"))?,
        limits: CustomerLimits {
            catalogue_quota_per_day: limit(2)?,
            event_burst_per_second: limit(3)?,
            event_retention_months: limit(4)?,
            suppress_below: limit(5)?,
        },
    })
}

fn limits(sql: Sql, new: &NewCustomer) -> Sql {
    let CustomerLimits { catalogue_quota_per_day, event_burst_per_second, event_retention_months, suppress_below } =
        new.limits;
    sql.bind(catalogue_quota_per_day).bind(event_burst_per_second).bind(event_retention_months).bind(suppress_below)
}

/// Changes a customer; `false` if its time zone cannot be changed, as raw events that figures would be counted anew from
/// have been given up.
pub async fn update_customer(tx: &mut Tx, no: CustomerNo, new: &NewCustomer) -> Result<bool, Error> {
    let sql = "UPDATE customers SET name = $1, time_zone = $2, catalogue_quota_per_day = $3, event_burst_per_second = $4, \
               event_retention_months = $5, suppress_below = $6 WHERE no = $7 AND (time_zone = $2 OR events_from IS NULL)";
    let sql = Sql::new(sql).bind(new.name.as_str()).bind(new.time_zone.name());
    Ok(tx.execute(limits(sql, new).bind(no)).await? == 1)
}

/// The name of a customer's time zone.
pub async fn zone_name(tx: &mut Tx, no: CustomerNo) -> Result<String, Error> {
    tx.fetch_one(Sql::new("SELECT time_zone FROM customers WHERE no = $1").bind(no)).await?.text(0)
}

/// Writes a new application.
pub async fn insert_application(
    tx: &mut Tx,
    id: ApplicationId,
    customer: CustomerNo,
    form: &ApplicationForm,
    client_id: &str,
    now: Timestamp,
) -> Result<ApplicationNo, Error> {
    let sql = "INSERT INTO applications (id, customer_no, name, tier, client_id, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING no";
    let sql = Sql::new(sql).bind(id).bind(customer).bind(form.name.as_str()).bind(form.tier.as_str());
    let row = tx.fetch_one(sql.bind(client_id).bind(now)).await?;
    Ok(ApplicationNo(row.narrow(0)?))
}

/// Writes a new secret of an application.
pub async fn insert_secret(
    tx: &mut Tx,
    id: SecretId,
    application: ApplicationNo,
    hash: &[u8],
    hint: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO application_secrets (id, application_no, hash, hint, created_at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(Sql::new(sql).bind(id).bind(application).bind(hash).bind(hint).bind(now)).await?;
    Ok(())
}

/// How many secrets of an application are valid.
pub async fn count_valid_secrets(tx: &mut Tx, application: ApplicationNo) -> Result<usize, Error> {
    let sql = "SELECT COUNT(*) FROM application_secrets WHERE application_no = $1 AND revoked_at IS NULL";
    tx.fetch_one(Sql::new(sql).bind(application)).await?.narrow(0)
}

/// Revokes one secret of an application, or all of them; says how many there were.
pub async fn revoke_secrets(
    tx: &mut Tx,
    application: ApplicationNo,
    secret: Option<SecretId>,
    now: Timestamp,
) -> Result<u64, Error> {
    let text = "UPDATE application_secrets SET revoked_at = $1 WHERE application_no = $2 AND revoked_at IS NULL";
    let sql = match secret {
        None => Sql::new(text).bind(now).bind(application),
        Some(secret) => Sql::new(format!("{text} AND id = $3")).bind(now).bind(application).bind(secret),
    };
    tx.execute(sql).await
}

/// Marks an application as revoked; `false` if it was before.
pub async fn revoke_application(tx: &mut Tx, application: ApplicationNo, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE applications SET revoked_at = $1 WHERE no = $2 AND revoked_at IS NULL";
    Ok(tx.execute(Sql::new(sql).bind(now).bind(application)).await? == 1)
}

/// Suspends an application, or lets it go on; `false` if it is so already.
pub async fn suspend_application(
    tx: &mut Tx,
    application: ApplicationNo,
    at: Option<Timestamp>,
) -> Result<bool, Error> {
    let state = if at.is_some() { "IS NULL" } else { "IS NOT NULL" };
    let sql = format!("UPDATE applications SET suspended_at = $1 WHERE no = $2 AND suspended_at {state}");
    Ok(tx.execute(Sql::new(sql).bind(at).bind(application)).await? == 1)
}

const USER: &str = "SELECT u.id, u.email, u.name, u.role, c.id, u.created_at, u.disabled_at, u.password_hash \
                    FROM users u LEFT JOIN customers c ON c.no = u.customer_no";

fn user(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: UserId::from_uuid(row.uuid(0)?),
        email: row.text(1)?,
        name: row.text(2)?,
        role: Role::from_name(&row.text(3)?).ok_or_else(|| corrupt("role"))?,
        customer_id: row.opt_uuid(4)?.map(CustomerId::from_uuid),
        created_at: row.at(5)?,
        disabled_at: row.opt_at(6)?,
    })
}

/// A user.
pub async fn find_user(db: &Db, id: UserId) -> Result<Option<User>, Error> {
    let row = db.fetch_optional(Sql::new(format!("{USER} WHERE u.id = $1")).bind(id)).await?;
    row.as_ref().map(user).transpose()
}

/// A user as a transaction sees it.
pub async fn find_user_in(tx: &mut Tx, id: UserId) -> Result<Option<User>, Error> {
    let row = tx.fetch_optional(Sql::new(format!("{USER} WHERE u.id = $1")).bind(id)).await?;
    row.as_ref().map(user).transpose()
}

/// A user and the hash of its password, by e-mail address.
pub async fn find_login(db: &Db, email: &str) -> Result<Option<(User, String)>, Error> {
    let row = db.fetch_optional(Sql::new(format!("{USER} WHERE u.email = $1")).bind(email)).await?;
    row.map(|row| Ok((user(&row)?, row.text(7)?))).transpose()
}

/// A page of users by e-mail address, after `after`.
pub async fn list_users(db: &Db, after: &str, limit: i64) -> Result<Vec<User>, Error> {
    let sql = format!("{USER} WHERE u.email > $1 ORDER BY u.email LIMIT $2");
    db.fetch(Sql::new(sql).bind(after).bind(limit)).await?.iter().map(user).collect()
}

/// Writes a new user; `false` if the address is taken.
pub async fn insert_user(
    tx: &mut Tx,
    id: UserId,
    form: &UserForm,
    customer: Option<CustomerNo>,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let sql = "INSERT INTO users (id, email, name, role, customer_no, password_hash, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let sql = Sql::new(sql).bind(id).bind(form.email.as_str()).bind(form.name.as_str()).bind(form.role.as_str());
    Ok(tx.execute(sql.bind(customer).bind(password_hash).bind(now)).await? == 1)
}

/// Changes a user, but for its password.
pub async fn update_user(tx: &mut Tx, id: UserId, form: &UserForm, customer: Option<CustomerNo>) -> Result<(), Error> {
    let sql = "UPDATE users SET email = $1, name = $2, role = $3, customer_no = $4 WHERE id = $5";
    let sql = Sql::new(sql).bind(form.email.as_str()).bind(form.name.as_str()).bind(form.role.as_str());
    tx.execute(sql.bind(customer).bind(id)).await?;
    Ok(())
}

/// Whether another user than `id` has this address.
pub async fn is_email_taken(tx: &mut Tx, email: &str, id: UserId) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM users WHERE email = $1 AND id <> $2";
    Ok(tx.fetch_optional(Sql::new(sql).bind(email).bind(id)).await?.is_some())
}

/// Sets a user's password.
pub async fn set_password(tx: &mut Tx, id: UserId, password_hash: &str) -> Result<(), Error> {
    tx.execute(Sql::new("UPDATE users SET password_hash = $1 WHERE id = $2").bind(password_hash).bind(id)).await?;
    Ok(())
}

/// Disables a user, or enables it again.
pub async fn set_disabled(tx: &mut Tx, id: UserId, at: Option<Timestamp>) -> Result<(), Error> {
    tx.execute(Sql::new("UPDATE users SET disabled_at = $1 WHERE id = $2").bind(at).bind(id)).await?;
    Ok(())
}

/// Whether there is any customer or user.
pub async fn is_empty(db: &Db) -> Result<bool, Error> {
    let sql = "SELECT (SELECT COUNT(*) FROM customers) + (SELECT COUNT(*) FROM users)";
    Ok(db.fetch_one(Sql::new(sql)).await?.int(0)? == 0)
}
