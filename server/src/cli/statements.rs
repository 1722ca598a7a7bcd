//! `statement`.

use super::statement_files::{Export, Pdf};
use super::{BY, Failure, Output, all_pages, customer_reader, member, open_migrated};
use crate::api::billing::json;
use crate::config::Config;
use clap::{Args, Subcommand};
use domain::CustomerId;
use domain::billing::{Statement, Status, Step, Waterfall};
use domain::zone::{Month, Zone};
use engine::actor::Operator;
use engine::{Engine, MonthRow, MonthStatus, Recomputation};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// How long another process has to bring the figures up to date, before this one does.
const FIGURES_WAIT: Duration = Duration::from_secs(3);

#[derive(Subcommand)]
pub enum Statements {
    /// List the statements of a customer, or those of all customers for a month: the present one unless told otherwise
    List(List),
    /// Show a statement: as it was issued or, until then, live
    Show(Show),
    /// Issue a customer's statement of a month, or all that are due; one that is issued stays as it is
    Issue(Issue),
    /// Count a statement's month again from the raw events and compare; ends with 0 if all is equal, with 1 if not
    Recompute(Recompute),
    /// Write a statement as PDF
    Pdf(Pdf),
    /// Write what a statement rests on as CSV
    Export(Export),
}

#[derive(Args)]
pub struct List {
    /// Id of a customer
    #[arg(long, value_name = "ID", conflicts_with = "month")]
    customer: Option<CustomerId>,
    /// A month, such as 2026-11
    #[arg(long)]
    month: Option<Month>,
    #[command(flatten)]
    output: Output,
}

/// Which statement.
#[derive(Args, Clone, Copy)]
pub struct Which {
    /// Id of the customer
    pub customer: CustomerId,
    /// The month, such as 2026-11
    pub month: Month,
}

#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Issue {
    /// Id of the customer
    #[arg(required_unless_present = "due", conflicts_with = "due", requires = "month")]
    customer: Option<CustomerId>,
    /// The month, such as 2026-11
    month: Option<Month>,
    /// Also while the month still runs: what comes later is adjusted on the next statement
    #[arg(long, conflicts_with = "due")]
    before_end: bool,
    /// All whose days of grace are over, as a running server does by itself
    #[arg(long)]
    due: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Recompute {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    output: Output,
}

impl Statements {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let operator = engine.authenticate_console();
        match self {
            Self::List(list) => list.run(&engine, &operator).await?,
            Self::Show(Show { which, output }) => {
                let statement = find(&engine, &operator, which).await?;
                output.print(&statement_json(&statement), || describe(&statement))?;
            }
            Self::Issue(issue) => issue.run(&engine, &operator).await?,
            Self::Recompute(recompute) => return recompute.run(&engine, &operator).await,
            Self::Pdf(pdf) => pdf.run(&engine, &operator).await?,
            Self::Export(export) => export.run(engine, &operator).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A statement, or a sentence that says that there is none.
pub(super) async fn find(engine: &Engine, operator: &Operator, which: Which) -> Result<Statement, Failure> {
    let reader = customer_reader(engine, operator, which.customer)?;
    engine.statement(&reader, which.month).await.map_err(|error| no_statement(error, which.month))
}

fn no_statement(error: engine::Error, month: Month) -> Failure {
    match error {
        engine::Error::NotFound => {
            Failure::Failed(format!("there is no statement of {month}: it has not begun, or no rate card prices it"))
        }
        other => other.into(),
    }
}

impl List {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let Self { customer, month, output } = self;
        if let Some(customer) = customer {
            let reader = customer_reader(engine, operator, customer)?;
            let statements = all_pages(|paging| engine.statements(&reader, paging)).await?;
            let items: Vec<_> = statements.iter().map(statement_json).collect();
            return output.print_list(&items, ["MONTH", "NUMBER", "STATUS", "ISSUED", "TOTAL", "CURRENCY"], |item| {
                ["month", "number", "status", "issued_at", "total", "currency"].map(|name| member(item, name))
            });
        }
        let month = month.unwrap_or_else(|| Zone::UTC.day(engine.now()).month());
        let supervisor = operator.as_supervisor();
        let rows = all_pages(|paging| engine.statements_of_month(&supervisor, month, paging)).await?;
        let items: Vec<_> = rows.iter().map(row_json).collect();
        output.print_list(&items, ["CUSTOMER", "NAME", "MONTH", "STATUS", "QUANTITY", "TOTAL", "CURRENCY"], |item| {
            ["customer_id", "customer", "month", "status", "quantity", "total", "currency"]
                .map(|name| member(item, name))
        })
    }
}

fn row_json(row: &MonthRow) -> Value {
    let bill = &row.bill;
    let (status, issued_at, due_at) = match bill.status {
        MonthStatus::Draft { due_at } => ("draft", None, Some(due_at)),
        MonthStatus::Issued { issued_at } => ("issued", Some(issued_at), None),
        MonthStatus::NoCard => ("no_rate_card", None, None),
    };
    json!({
        "customer_id": row.customer_id,
        "customer": row.customer_name,
        "month": bill.month,
        "status": status,
        "issued_at": issued_at.map(|at| at.to_string()),
        "due_at": due_at.map(|at| at.to_string()),
        "ended": row.has_ended,
        "figure": bill.figure,
        "quantity": bill.quantity,
        "currency": bill.total.map(|total| total.currency.code()),
        "total": bill.total.map(|total| total.to_string()),
    })
}

impl Issue {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let Self { customer, month, before_end, due: _, output } = self;
        let (Some(customer), Some(month)) = (customer, month) else {
            let issued = with_figures(engine, engine.issue_due_statements(operator)).await?;
            return output.print(&json!({"issued": issued}), || match issued {
                1 => "Issued 1 statement.".to_owned(),
                count => format!("Issued {count} statements."),
            });
        };
        customer_reader(engine, operator, customer)?;
        let issuing = engine.issue_statement(operator, customer, month, Some(BY.to_owned()), before_end);
        let issued = with_figures(engine, issuing).await?;
        let json = json!({"new": issued.is_new, "statement": statement_json(&issued.statement)});
        output.print(&json, || {
            let Statement { number, total, .. } = &issued.statement;
            let done = if issued.is_new { "Issued" } else { "It was issued before:" };
            format!("{done} statement {number}, {total} {}.", total.currency)
        })
    }
}

/// Does something that waits for the figures. A running server counts them; where there is none, this process does.
pub(super) async fn with_figures<T>(
    engine: &Engine,
    work: impl Future<Output = Result<T, engine::Error>>,
) -> Result<T, Failure> {
    if let Ok(waited) = tokio::time::timeout(FIGURES_WAIT, engine.wait_for_figures()).await {
        waited?;
        return Ok(work.await?);
    }
    let workers = engine.start().await?;
    let done = work.await;
    workers.stop().await;
    Ok(done?)
}

impl Recompute {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<ExitCode, Failure> {
        let Self { which, output } = self;
        let reader = customer_reader(engine, operator, which.customer)?;
        let recomputed = engine.recompute_statement(&reader, which.month).await;
        let found = recomputed.map_err(|error| no_statement(error, which.month))?;
        output.print(&recomputation_json(&found), || describe_recomputation(&found))?;
        Ok(if found.is_equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The steps of which two waterfalls say different things.
fn differences(before: &Waterfall, after: &Waterfall) -> Vec<(Step, i64, i64)> {
    let steps = Step::ALL.into_iter().map(|step| (step, before.get(step), after.get(step)));
    steps.filter(|(_, before, after)| before != after).collect()
}

fn recomputation_json(found: &Recomputation) -> Value {
    let difference =
        |it: &engine::StepDifference| json!({"step": it.step, "stated": it.stated, "recomputed": it.recomputed});
    let since = differences(&found.recomputed, &found.present);
    let since = since.into_iter().map(|(step, then, now)| json!({"step": step, "recomputed": then, "present": now}));
    json!({
        "month": found.month,
        "equal": found.is_equal,
        "events": found.events,
        "differences": found.differences.iter().map(difference).collect::<Vec<_>>(),
        "since": since.collect::<Vec<_>>(),
        "stated": json::Waterfall::from(&found.stated),
        "recomputed": json::Waterfall::from(&found.recomputed),
        "present": json::Waterfall::from(&found.present),
    })
}

fn describe_recomputation(found: &Recomputation) -> String {
    let mut text = format!("Counted {} from {} events again: ", found.month, found.events);
    let figure = found.stated.figure;
    if found.is_equal {
        text.push_str("every step is equal.");
    } else {
        let _ = write!(text, "{} steps differ.", found.differences.len());
    }
    for it in &found.differences {
        let label = it.step.label(figure);
        let _ = write!(text, "\n  {label}: stated {}, recomputed {}", it.stated, it.recomputed);
    }
    let since = differences(&found.recomputed, &found.present);
    if !since.is_empty() {
        text.push_str("\nSince then has arrived, for the next statement to adjust:");
    }
    for (step, then, now) in since {
        let _ = write!(text, "\n  {}: {then}, now {now}", step.label(figure));
    }
    text
}

/// A statement as the API prints it, with whose it is and who issued it.
pub(super) fn statement_json(statement: &Statement) -> Value {
    let mut json = json!(json::Statement::from(statement));
    let by = if let Status::Issued { issued_by, .. } = &statement.status { issued_by.clone() } else { None };
    json["customer_id"] = json!(statement.customer_id);
    json["customer"] = statement.customer_name.clone().into();
    json["issued_by"] = by.into();
    json
}

/// A statement for people.
fn describe(statement: &Statement) -> String {
    let Statement { number, customer_name, month, time_zone, total, waterfall, .. } = statement;
    let mut text = format!("Statement {number}: {customer_name}, {month} ({time_zone})\n");
    match &statement.status {
        Status::Draft { forecast: None } => text.push_str("Draft"),
        Status::Draft { forecast: Some(forecast) } => {
            let _ = write!(text, "Draft; the month comes to some {} {}", forecast.total, total.currency);
        }
        Status::Issued { issued_at, issued_by: None } => {
            let _ = write!(text, "Issued at {issued_at}");
        }
        Status::Issued { issued_at, issued_by: Some(by) } => {
            let _ = write!(text, "Issued at {issued_at} by {by}");
        }
    }
    text.push('\n');
    for step in Step::ALL {
        let sign = if step.takes_away() { "−" } else { " " };
        let _ = write!(text, "\n  {sign} {:20} {:>15}", step.label(waterfall.figure), waterfall.get(step));
    }
    text.push('\n');
    for line in &statement.lines {
        let quantity = line.quantity.map_or(String::new(), |quantity| quantity.to_string());
        let price = line.unit_price.map_or(String::new(), |price| format!("× {}", price.normalize()));
        let description = line.description(statement.card.terms.figure);
        let _ = write!(text, "\n  {description:44} {quantity:>12} {price:14} {:>14}", line.amount.to_string());
    }
    let _ = write!(text, "\n  {:44} {:>42} {}", "Total", total.to_string(), total.currency);
    text
}
