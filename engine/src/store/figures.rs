//! The count tables.

use super::db::{Db, Row, Sql, Tx, Value};
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::account::Tier;
use domain::figures::{Counts, Figure, Scope};
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::{Cell, Grain};
use std::fmt::Write;

const KEY: &str = "customer_no, scope, grain, bucket, application_no, member, method";
/// Rows that are handed to the database at once.
const ROWS_MAX: usize = 2_048;
const WIDTH: usize = 7 + Figure::ALL.len();

/// A cell of the count tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub customer: CustomerNo,
    pub application: ApplicationNo,
    pub cell: Cell,
}

fn figure_names() -> String {
    Figure::ALL.map(Figure::name).join(", ")
}

/// Adds signed counts to their cells.
pub async fn add(tx: &mut Tx, deltas: &[(Key, Counts)]) -> Result<(), Error> {
    let into = format!("figures ({KEY}, {})", figure_names());
    let sums = Figure::ALL.map(|figure| format!("{0} = figures.{0} + excluded.{0}", figure.name())).join(", ");
    let on_conflict = format!("ON CONFLICT ({KEY}) DO UPDATE SET {sums}");
    for some in deltas.chunks(ROWS_MAX) {
        let rows: Vec<[i64; WIDTH]> = some.iter().map(row).collect();
        tx.insert_all(&into, &rows, &on_conflict).await?;
    }
    Ok(())
}

/// A cell and its counts in the order of the columns.
fn row((key, counts): &(Key, Counts)) -> [i64; WIDTH] {
    let cell = key.cell;
    let (scope, grain, method) = (i64::from(cell.scope as u8), i64::from(cell.grain as u8), i64::from(cell.method));
    let key = [key.customer.into(), scope, grain, cell.bucket, key.application.into(), cell.member, method];
    let mut row = [0; WIDTH];
    for (column, value) in row.iter_mut().zip(key.into_iter().chain(counts.0)) {
        *column = value;
    }
    row
}

/// What counts are added up by. Each is a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    Nothing,
    Bucket,
    Application,
    Member,
    Method,
}

/// Which cells to add up.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    pub customers: &'a [CustomerNo],
    pub applications: &'a [ApplicationNo],
    pub scope: Scope,
    pub grain: Grain,
    /// From here …
    pub from: i64,
    /// … up to, not including, here.
    pub to: i64,
    pub member: Option<i64>,
    pub method: Option<u8>,
    pub group_by: GroupBy,
}

/// Sums of the counts that the scope gives, by a column's value (0 for [`GroupBy::Nothing`]): each column more is a tenth of the
/// time more.
pub async fn sums(tx: &mut Tx, query: &Query<'_>) -> Result<Vec<(i64, Counts)>, Error> {
    if query.customers.is_empty() || query.applications.is_empty() {
        return Ok(Vec::new());
    }
    let group = match query.group_by {
        GroupBy::Nothing => "0",
        GroupBy::Bucket => "bucket",
        GroupBy::Application => "application_no",
        GroupBy::Member => "member",
        GroupBy::Method => "method",
    };
    let mut text = format!("SELECT CAST({group} AS BIGINT)");
    let figures: Vec<Figure> = query.scope.figures().collect();
    for figure in &figures {
        // Writing to a String cannot fail.
        let _ = write!(text, ", CAST(SUM({}) AS BIGINT)", figure.name());
    }
    let mut values: Vec<Value> = Vec::new();
    text.push_str(" FROM figures WHERE customer_no IN (");
    list(&mut text, &mut values, query.customers.iter().map(|no| Value::from(*no)));
    text.push_str(") AND scope = ");
    list(&mut text, &mut values, [Value::from(query.scope as u8)].into_iter());
    text.push_str(" AND grain = ");
    list(&mut text, &mut values, [Value::from(query.grain as u8)].into_iter());
    text.push_str(" AND bucket >= ");
    list(&mut text, &mut values, [Value::from(query.from)].into_iter());
    text.push_str(" AND bucket < ");
    list(&mut text, &mut values, [Value::from(query.to)].into_iter());
    text.push_str(" AND application_no IN (");
    list(&mut text, &mut values, query.applications.iter().map(|no| Value::from(*no)));
    text.push(')');
    if let Some(member) = query.member {
        text.push_str(" AND member = ");
        list(&mut text, &mut values, [Value::from(member)].into_iter());
    }
    if let Some(method) = query.method {
        text.push_str(" AND method = ");
        list(&mut text, &mut values, [Value::from(method)].into_iter());
    }
    if query.group_by != GroupBy::Nothing {
        let _ = write!(text, " GROUP BY {group}");
    }
    let rows = tx.fetch(Sql::new(text).bind_all(values)).await?;
    rows.iter().filter(|row| !matches!(row.opt_int(1), Ok(None))).map(|row| sum(row, &figures)).collect()
}

/// Writes the next placeholders, separated by commas.
fn list(text: &mut String, values: &mut Vec<Value>, more: impl Iterator<Item = Value>) {
    for (i, value) in more.enumerate() {
        values.push(value);
        let _ = write!(text, "{}${}", if i > 0 { ", " } else { "" }, values.len());
    }
}

fn sum(row: &Row, figures: &[Figure]) -> Result<(i64, Counts), Error> {
    let mut counts = Counts::default();
    for (i, figure) in figures.iter().enumerate() {
        counts.add(*figure, row.int(1 + i)?);
    }
    Ok((row.int(0)?, counts))
}

fn counts(row: &Row, first: usize) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for (i, count) in counts.0.iter_mut().enumerate() {
        *count = row.int(first + i)?;
    }
    Ok(counts)
}

/// A customer's counts by tier and month, or day, over all applications of the tier: from one bucket up to another.
pub async fn by_tier(
    tx: &mut Tx,
    customer: CustomerNo,
    grain: Grain,
    (from, to): (i64, i64),
) -> Result<Vec<(Tier, i64, Counts)>, Error> {
    let sums = Figure::ALL.map(|figure| format!("CAST(SUM(f.{}) AS BIGINT)", figure.name())).join(", ");
    let sql = format!(
        "SELECT a.tier, f.bucket, {sums} FROM figures f JOIN applications a ON a.no = f.application_no \
         WHERE f.customer_no = $1 AND f.scope = $2 AND f.grain = $3 AND f.bucket >= $4 AND f.bucket < $5 \
         GROUP BY a.tier, f.bucket"
    );
    let sql = Sql::new(sql).bind(customer).bind(Scope::Application as u8).bind(grain as u8).bind(from).bind(to);
    let row = |row: &Row| {
        let tier = Tier::from_name(&row.text(0)?).ok_or_else(|| corrupt("tier"))?;
        Ok((tier, row.int(1)?, counts(row, 2)?))
    };
    tx.fetch(sql).await?.iter().map(row).collect()
}

/// The start of the latest hour with accepted events of some applications of a customer.
pub async fn last_hour(
    db: &Db,
    customer: CustomerNo,
    applications: &[ApplicationNo],
) -> Result<Option<Timestamp>, Error> {
    if applications.is_empty() {
        return Ok(None);
    }
    let list: Vec<String> = (0..applications.len()).map(|i| format!("${}", i + 4)).collect();
    let sql = format!(
        "SELECT bucket FROM figures WHERE customer_no = $1 AND scope = $2 AND grain = $3 AND application_no IN ({}) \
         AND gross_displays + gross_clicks > 0 ORDER BY bucket DESC LIMIT 1",
        list.join(", ")
    );
    let sql = Sql::new(sql).bind(customer).bind(Scope::Application as u8).bind(Grain::Hour as u8);
    let sql = sql.bind_all(applications.iter().map(|application| Value::from(*application)));
    db.fetch_optional(sql).await?.map(|row| row.at(0)).transpose()
}

/// Whether a helpline has figures, and so events.
pub async fn has_helpline(tx: &mut Tx, helpline: HelplineNo) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM figures WHERE scope = $1 AND member = $2 LIMIT 1";
    let sql = Sql::new(sql).bind(Scope::Helpline as u8).bind(helpline);
    Ok(tx.fetch_optional(sql).await?.is_some())
}

/// A page of a customer's cells that are not all zero, in the order of the key, after `after`.
pub async fn page(
    tx: &mut Tx,
    customer: CustomerNo,
    after: Option<Key>,
    limit: i64,
) -> Result<Vec<(Key, Counts)>, Error> {
    let names = figure_names();
    let order = "scope, grain, bucket, application_no, member, method";
    let start: [Value; 6] =
        after.map_or([(-1_i64).into(), 0_i64.into(), 0_i64.into(), 0_i64.into(), 0_i64.into(), 0_i64.into()], |key| {
            let cell = key.cell;
            [
                (cell.scope as u8).into(),
                (cell.grain as u8).into(),
                cell.bucket.into(),
                key.application.into(),
                cell.member.into(),
                cell.method.into(),
            ]
        });
    let sql = format!(
        "SELECT {order}, {names} FROM figures WHERE customer_no = $1 AND ({order}) > ($2, $3, $4, $5, $6, $7) \
         ORDER BY {order} LIMIT $8"
    );
    let rows = tx.fetch(Sql::new(sql).bind(customer).bind_all(start).bind(limit)).await?;
    let cell = |row: &Row| -> Result<(Key, Counts), Error> {
        let (scope, grain): (usize, usize) = (row.narrow(0)?, row.narrow(1)?);
        let cell = Cell {
            scope: *Scope::ALL.get(scope).ok_or_else(|| corrupt("scope"))?,
            grain: *Grain::ALL.get(grain).ok_or_else(|| corrupt("grain"))?,
            bucket: row.int(2)?,
            member: row.int(4)?,
            method: row.narrow(5)?,
        };
        Ok((Key { customer, application: ApplicationNo(row.narrow(3)?), cell }, counts(row, 6)?))
    };
    rows.iter().map(cell).collect()
}
