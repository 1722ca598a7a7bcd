//! Usage and statements as CSV: for the API, for downloads and for `statement export`.

use super::json::{self, Why};
use crate::api::analytics::Table;
use crate::api::csv;
use domain::billing::{LineKind, Money, Statement, Status, Step, Waterfall};
use domain::event::ContactMethod;
use domain::zone::{Day, Month};
use engine::{StatementEvent, StepCounts, Usage};
use std::collections::BTreeMap;

/// The columns of a table of events.
const EVENT_COLUMNS: [&str; 14] = [
    "event_id",
    "type",
    "timestamp",
    "contact_method",
    "application_id",
    "application",
    "helpline_id",
    "helpline",
    "place",
    "outcome",
    "is_kept",
    "is_billed",
    "because_of",
    "attributed",
];

fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// The name of a file about a month.
#[must_use]
pub fn file_name(what: &str, month: Month) -> String {
    format!("reachline-{what}-{month}.csv")
}

/// A waterfall: a row for each step, and after `rejected` one for each reason.
#[must_use]
pub fn usage(usage: &Usage) -> Table {
    let mut table = csv::Table::new(&["step", "code", "events"]);
    for (step, code, events) in rows_of(&usage.waterfall) {
        table.row([step.as_str().to_owned(), code.to_owned(), events.to_string()].into_iter());
    }
    Table { name: file_name("usage", usage.month), bytes: table.finish() }
}

fn rows_of(waterfall: &Waterfall) -> Vec<(Step, &str, i64)> {
    let mut rows = Vec::new();
    for step in Step::ALL {
        rows.push((step, "", waterfall.get(step)));
        if step == Step::Rejected {
            rows.extend(waterfall.rejected.iter().map(|(code, n)| (step, code.as_str(), *n)));
        }
    }
    rows
}

/// The lines of a statement.
#[must_use]
pub fn lines(statement: &Statement) -> Table {
    let mut table = csv::Table::new(&[
        "statement",
        "month",
        "status",
        "kind",
        "description",
        "tier",
        "from",
        "up_to",
        "adjusted_month",
        "quantity",
        "unit_price",
        "amount",
        "currency",
    ]);
    for line in &statement.lines {
        let (tier, from, up_to) = match line.kind {
            LineKind::Tier { tier, from, up_to } => (Some(tier), Some(from), up_to),
            _ => (None, None, None),
        };
        let adjusted = if let LineKind::Adjustment { month } = line.kind { Some(month) } else { None };
        let cells = [
            statement.number.clone(),
            statement.month.to_string(),
            status(statement).to_owned(),
            json::kind(line.kind).to_owned(),
            line.description(statement.card.terms.figure),
            cell(tier),
            cell(from),
            cell(up_to),
            cell(adjusted),
            cell(line.quantity),
            cell(line.unit_price.map(|price| price.normalize())),
            line.amount.to_string(),
            line.amount.currency.code().to_owned(),
        ];
        table.row(cells.into_iter());
    }
    Table { name: file_name("statement", statement.month), bytes: table.finish() }
}

const fn status(statement: &Statement) -> &'static str {
    if statement.is_issued() { "issued" } else { "draft" }
}

/// Statements, one in a row.
#[must_use]
pub fn statements(statements: &[Statement]) -> Table {
    let mut table = csv::Table::new(&[
        "number",
        "month",
        "status",
        "issued_at",
        "currency",
        "total",
        "adjustments",
        "figure",
        "billable",
        "rate_card",
        "version",
    ]);
    for statement in statements {
        let issued_at = if let Status::Issued { issued_at, .. } = &statement.status { Some(issued_at) } else { None };
        let currency = statement.total.currency;
        let adjusted = statement.adjustments.iter().map(|adjustment| adjustment.amount.minor).sum();
        let cells = [
            statement.number.clone(),
            statement.month.to_string(),
            status(statement).to_owned(),
            cell(issued_at),
            currency.code().to_owned(),
            statement.total.to_string(),
            Money { currency, minor: adjusted }.to_string(),
            statement.waterfall.figure.as_str().to_owned(),
            statement.waterfall.billable.to_string(),
            statement.card.name.clone(),
            statement.card.version.to_string(),
        ];
        table.row(cells.into_iter());
    }
    Table { name: "reachline-statements.csv".to_owned(), bytes: table.finish() }
}

/// The steps of a month day by day: a row for each day that has any, a column for each step.
#[must_use]
pub fn daily(month: Month, steps: &[StepCounts]) -> Table {
    let mut days: BTreeMap<Day, BTreeMap<Step, i64>> = BTreeMap::new();
    for counts in steps {
        for (day, events) in &counts.by_day {
            days.entry(*day).or_default().insert(counts.step, *events);
        }
    }
    let columns: Vec<&str> = std::iter::once("day").chain(steps.iter().map(|counts| counts.step.as_str())).collect();
    let mut table = csv::Table::new(&columns);
    for (day, events) in days {
        let cells = steps.iter().map(|counts| events.get(&counts.step).copied().unwrap_or(0).to_string());
        table.row(std::iter::once(day.to_string()).chain(cells));
    }
    Table { name: file_name("daily", month), bytes: table.finish() }
}

/// A page of events; the first one begins with the names of the columns.
#[must_use]
pub fn events(events: &[StatementEvent], is_first: bool) -> Vec<u8> {
    let mut table = if is_first { csv::Table::new(&EVENT_COLUMNS) } else { csv::Table::continued() };
    for event in events {
        let why = Why::from(event);
        let cells = [
            event.event_id.to_string(),
            json::event_type(event).to_owned(),
            event.at.to_string(),
            cell(event.contact_method.map(ContactMethod::as_str)),
            event.application_id.to_string(),
            event.application_name.clone(),
            event.helpline_id.as_str().to_owned(),
            event.helpline_name.clone(),
            event.place.to_string(),
            why.outcome.to_owned(),
            why.is_kept.to_string(),
            why.is_billed.to_string(),
            cell(why.because_of),
            cell(why.attributed),
        ];
        table.row(cells.into_iter());
    }
    table.finish()
}
