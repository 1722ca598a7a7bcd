//! All customers' statements of a month, for operators and auditors.

use super::overview::badge;
use super::{Card, due, quantity};
use crate::data::{Choice, take_refused};
use crate::error::UiError;
use crate::forms::Due;
use crate::{context, format};
use domain::billing::Money;
use domain::zone::Month;
use domain::{FaultCode, Faults, Zone};
use engine::{Engine, MonthRow, MonthStatus, Paging, actor::Supervisor};
use std::collections::BTreeMap;

/// The path of the page.
pub const PATH: &str = "/admin/statements";
/// Months that can be chosen.
const MONTHS: i32 = 24;
/// Rows of a page.
const ROWS: usize = 50;
/// Customers that are read at once.
const READ: usize = 500;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthPage {
    pub month: String,
    pub title: String,
    pub months: Vec<Choice>,
    pub totals: Vec<Card>,
    pub rows: Vec<RowView>,
    pub first: Option<String>,
    pub next: Option<String>,
    /// Statements that can be issued now.
    pub due: usize,
    pub can_issue: bool,
    /// What has just been issued.
    pub outcome: Option<String>,
    /// Why a statement was refused.
    pub error: Option<UiError>,
}

/// A customer's month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowView {
    pub id: String,
    pub name: String,
    pub href: String,
    pub quantity: String,
    pub total: String,
    pub badge: (&'static str, &'static str),
    pub when: String,
    pub can_issue: bool,
}

/// The month of an address; the last one that has ended everywhere without it.
///
/// # Errors
/// [`UiError::Invalid`] for what is no month.
fn month_of(text: Option<&str>, now: Month) -> Result<Month, UiError> {
    let Some(text) = text else { return Ok(now.plus(-1)) };
    text.parse().map_err(|_| {
        UiError::Invalid(Faults::one("month", FaultCode::FieldInvalid, "Must be a month, such as 2026-11."))
    })
}

/// All customers' statements of a month.
///
/// # Errors
/// Those of the engine.
pub async fn statements(
    month: Option<&str>,
    cursor: Option<String>,
    issued: Option<&str>,
    refused: Option<&str>,
) -> Result<MonthPage, UiError> {
    let (engine, user) = context::acting().await?;
    let supervisor = engine.supervisor(&user)?;
    let now = Zone::UTC.day(engine.now()).month();
    let month = month_of(month, now)?;
    let all = rows(&engine, &supervisor, month).await?;
    let can_issue = engine.operator(&user).is_ok();
    let start = cursor
        .as_ref()
        .and_then(|cursor| all.iter().position(|row| row.customer_id.to_string() == *cursor).map(|found| found + 1));
    let shown: Vec<&MonthRow> = all.iter().skip(start.unwrap_or(0)).take(ROWS).collect();
    let has_more = start.unwrap_or(0) + shown.len() < all.len();
    let path = crate::query::href(PATH, &[("month", &month.to_string())]);
    let next = shown.last().filter(|_| has_more).map(|row| row.customer_id.to_string());
    let error = take_refused::<()>(&form_of(&month.to_string())).await?.map(|((), error)| error);
    let choice = |month: Month| Choice { value: month.to_string(), label: format::month_long(month) };
    let mut months: Vec<Choice> = (0..MONTHS).map(|back| choice(now.plus(-back))).collect();
    if !months.iter().any(|choice| choice.value == month.to_string()) {
        months.push(choice(month));
    }
    Ok(MonthPage {
        title: format::month_long(month),
        months,
        totals: totals(&all),
        rows: shown.iter().map(|row| row_view(&engine, row, month, can_issue)).collect(),
        first: cursor.is_some().then(|| path.clone()),
        next: next.map(|cursor| crate::query::with_cursor(&path, &cursor)),
        due: all.iter().filter(|row| is_due(row)).count(),
        can_issue,
        outcome: outcome(issued, refused),
        error,
        month: month.to_string(),
    })
}

/// The name of the form that issues a statement of a month.
#[must_use]
pub fn form_of(month: &str) -> String {
    format!("issue of {month}")
}

async fn rows(engine: &Engine, supervisor: &Supervisor, month: Month) -> Result<Vec<MonthRow>, UiError> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let page = engine.statements_of_month(supervisor, month, Paging { cursor, limit: READ }).await?;
        rows.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(rows);
        }
    }
}

/// Whether a statement waits to be issued.
fn is_due(row: &MonthRow) -> bool {
    row.has_ended && matches!(row.bill.status, MonthStatus::Draft { .. })
}

/// The customers whose statements of a month can be issued now.
///
/// # Errors
/// Those of the engine.
pub async fn due_of(engine: &Engine, supervisor: &Supervisor, month: Month) -> Result<Vec<Due>, UiError> {
    let due = |row: MonthRow| Due { customer: row.customer_id.to_string(), name: row.customer_name };
    Ok(rows(engine, supervisor, month).await?.into_iter().filter(is_due).map(due).collect())
}

fn totals(rows: &[MonthRow]) -> Vec<Card> {
    let mut sums: BTreeMap<&'static str, (i128, usize, usize, Money)> = BTreeMap::new();
    for row in rows {
        let Some(total) = row.bill.total else { continue };
        let sum = sums.entry(total.currency.code()).or_insert((0, 0, 0, Money::zero(total.currency)));
        sum.0 += i128::from(total.minor);
        sum.1 += 1;
        sum.2 += usize::from(matches!(row.bill.status, MonthStatus::Issued { .. }));
    }
    let card = |(code, (sum, all, issued, zero)): (&str, (i128, usize, usize, Money))| {
        let statements = if all == 1 { "1 statement".to_owned() } else { format!("{all} statements") };
        Card {
            label: format!("Total in {code}"),
            definition: "The sum of all customers’ totals in this currency, issued or not.".to_owned(),
            value: i64::try_from(sum)
                .map_or_else(|_| format::NONE.to_owned(), |minor| format::money(Money { minor, ..zero })),
            notes: vec![format!("{statements}, {issued} issued")],
        }
    };
    sums.into_iter().map(card).collect()
}

fn row_view(engine: &Engine, row: &MonthRow, month: Month, can_issue: bool) -> RowView {
    let (id, bill) = (row.customer_id.to_string(), &row.bill);
    RowView {
        href: crate::query::href(&format!("/billing/{month}"), &[("customer", &id)]),
        name: row.customer_name.clone(),
        quantity: quantity(bill.figure, bill.quantity),
        total: bill.total.map_or_else(|| format::NONE.to_owned(), format::money),
        badge: badge(bill.status, !row.has_ended),
        when: match bill.status {
            MonthStatus::Issued { issued_at } => format::day(Zone::UTC.day(issued_at)),
            MonthStatus::Draft { due_at } => due(due_at, engine.now(), Zone::UTC),
            MonthStatus::NoCard => String::new(),
        },
        can_issue: can_issue && is_due(row),
        id,
    }
}

/// What the address says has been issued.
fn outcome(issued: Option<&str>, refused: Option<&str>) -> Option<String> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let issued = match number(issued)? {
        0 => "No statement was issued.".to_owned(),
        1 => "1 statement was issued.".to_owned(),
        n => format!("{n} statements were issued."),
    };
    Some(match number(refused).unwrap_or(0) {
        0 => issued,
        n => format!("{issued} {n} could not be issued: try again, or look at them one by one."),
    })
}
