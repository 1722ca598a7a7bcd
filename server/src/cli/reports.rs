//! `report`.

use super::statement_files::Target;
use super::{BY, Failure, Output, all_pages, customer_reader, member, open_migrated};
use crate::api::reports::{json, overview, tables};
use crate::config::Config;
use crate::documents::report_pdf;
use clap::{Args, Subcommand};
use domain::CustomerId;
use domain::ids::ReportId;
use domain::report::{ReportForm, Row};
use engine::actor::{Manager, Operator};
use engine::{Engine, FileOf, ListedReport, OfCustomer, Report, ReportsOf};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Reports {
    /// List the kinds of report
    Templates(Output),
    /// List the reports of a customer or of all, newest first
    List(List),
    /// Write all customers' reports with their numbers to a CSV file
    Table(OfAll),
    /// Count a report and keep it as a draft, in place of the draft before
    Draft(Draft),
    /// Show a report as people read it, or as JSON
    Show(Which),
    /// Approve a draft: from then on it never changes
    Approve(Which),
    /// Delete a draft
    Discard(Which),
    /// Write a report as PDF, CSV or JSON
    Export(Export),
    /// Switch a customer's public page on or off
    Disclose(Disclose),
}

#[derive(Args)]
pub struct List {
    /// Id of the customer; without it, the reports of all
    #[arg(long, value_name = "ID")]
    customer: Option<CustomerId>,
    /// Only of this kind, see `reachline report templates`
    #[arg(long, value_name = "KEY")]
    template: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct OfAll {
    /// Only of this kind, see `reachline report templates`
    #[arg(long, value_name = "KEY")]
    template: Option<String>,
    /// The file; it is replaced
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Draft {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    /// The kind of report, see `reachline report templates`
    #[arg(long, value_name = "KEY")]
    template: String,
    /// A year, a month, or two months: 2026, 2026-03, 2026-01/2026-06
    #[arg(long)]
    period: String,
    /// A figure, where the kind lets choose; may be repeated
    #[arg(long = "figure", value_name = "NAME")]
    figures: Vec<String>,
    /// What the total is broken down by, where the kind lets choose; may be repeated
    #[arg(long = "by", value_name = "TABLE")]
    tables: Vec<String>,
    /// A text that the kind asks for, from a file; may be repeated. Missing ones are as they were last
    #[arg(long = "text", value_name = "KEY=FILE", value_parser = text_file)]
    texts: Vec<(String, PathBuf)>,
    /// Why an approved report is corrected
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    output: Output,
}

fn text_file(given: &str) -> Result<(String, PathBuf), String> {
    let (key, file) = given.split_once('=').ok_or("must be KEY=FILE")?;
    Ok((key.to_owned(), file.into()))
}

/// Which report.
#[derive(Args)]
pub struct Which {
    /// Id of the report
    report: ReportId,
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// Where it goes; what the file's name ends in says how it is written
    #[arg(long, value_name = "FILE.pdf|FILE.csv|FILE.json")]
    out: PathBuf,
}

#[derive(Args)]
pub struct Disclose {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    /// Take the page away
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    output: Output,
}

impl Reports {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let operator = engine.authenticate_console();
        match self {
            Self::Templates(output) => templates(&engine, output)?,
            Self::List(which) => list(&engine, &operator, which).await?,
            Self::Table(of) => of.run(&engine, &operator).await?,
            Self::Draft(draft) => draft.run(&engine, &operator).await?,
            Self::Show(which) => {
                let report = find(&engine, &operator, &which).await?;
                which.output.print(&json::ReportJson::from(&report), || describe(&report))?;
            }
            Self::Approve(which) => {
                let manager = manager(&engine, &operator, which.customer)?;
                let report = engine.approve_report(&manager, which.report, BY).await?;
                which.output.print(&json::ReportJson::from(&report), || {
                    format!("Approved version {} of {}, {}.", report.version, title(&report), tables::period(&report))
                })?;
            }
            Self::Discard(which) => {
                let manager = manager(&engine, &operator, which.customer)?;
                engine.discard_report(&manager, which.report, BY).await?;
                which.output.print(&json!({"discarded": which.report}), || "Deleted the draft.".to_owned())?;
            }
            Self::Export(export) => export.run(&engine, &operator).await?,
            Self::Disclose(disclose) => disclose.run(&engine, &operator, config).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn manager(engine: &Engine, operator: &Operator, customer: CustomerId) -> Result<Manager, Failure> {
    // The same sentence where there is no such customer.
    customer_reader(engine, operator, customer)?;
    Ok(engine.console_manager(operator, customer)?)
}

fn title(report: &Report) -> &str {
    &report.body.content.template.title
}

fn templates(engine: &Engine, output: Output) -> Result<(), Failure> {
    let items: Vec<Value> =
        engine.report_templates()?.iter().map(|template| serde_json::to_value(template).unwrap_or_default()).collect();
    output.print_list(&items, ["KEY", "VERSION", "TITLE", "PERIOD"], |item| {
        ["key", "version", "title", "period"].map(|name| member(item, name))
    })
}

async fn list(engine: &Engine, operator: &Operator, which: List) -> Result<(), Failure> {
    let (supervisor, of) =
        (&operator.as_supervisor(), ReportsOf { customer: which.customer, template: which.template.as_deref() });
    if let Some(customer) = which.customer {
        // Says who is not there.
        customer_reader(engine, operator, customer)?;
    }
    let reports = all_pages(|paging| async move { engine.all_reports(supervisor, of, &paging).await }).await?;
    let item =
        |OfCustomer { customer, name, item: ListedReport { report: item, is_in_force } }: &OfCustomer<ListedReport>| {
            json!({
                "customer_id": customer,
                "customer": name,
                "id": item.id,
                "template": item.body.content.template.key,
                "template_version": item.body.content.template.version,
                "rules_version": item.body.content.rules.version,
                "period": tables::period(item),
                "version": item.version,
                "status": item.status.name(),
                "in_force": is_in_force,
                "created_at": item.created_at.to_string(),
                "created_by": item.created_by,
            })
        };
    let items: Vec<Value> = reports.iter().map(item).collect();
    let heads = ["CUSTOMER", "ID", "TEMPLATE", "PERIOD", "VERSION", "RULES", "STATUS", "CREATED", "BY"];
    let names =
        ["customer", "id", "template", "period", "version", "rules_version", "status", "created_at", "created_by"];
    which.output.print_list(&items, heads, |item| names.map(|name| member(item, name)))
}

impl OfAll {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let template = self.template.as_deref();
        let table = overview::of_all(engine, &operator.as_supervisor(), template).await?;
        let all = engine.console_reader(operator, None)?;
        engine.note_file(&all, &FileOf::Reports { template }, BY).await?;
        write(&self.out, &table.bytes, self.output)
    }
}

/// Writes a file, and says so.
fn write(out: &Path, bytes: &[u8], output: Output) -> Result<(), Failure> {
    let mut target = Target::open(Some(out))?;
    target.write(bytes)?;
    target.finish()?;
    let file = out.display().to_string();
    output.print(&json!({"file": file, "bytes": bytes.len()}), || format!("Wrote {file}."))
}

impl Draft {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let manager = manager(engine, operator, self.customer)?;
        let mut texts = BTreeMap::new();
        for (key, file) in self.texts {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
            texts.insert(key, text);
        }
        let form = ReportForm {
            template: self.template,
            period: self.period,
            figures: self.figures,
            tables: self.tables,
            texts,
            reason: self.reason,
        };
        let report = super::statements::with_figures(engine, engine.draft_report(&manager, &form, BY)).await?;
        self.output.print(&json::ReportJson::from(&report), || {
            format!("{}\nDraft {}: approve it when all of it is right.", describe(&report), report.id)
        })
    }
}

async fn find(engine: &Engine, operator: &Operator, which: &Which) -> Result<Report, Failure> {
    let reader = customer_reader(engine, operator, which.customer)?;
    Ok(engine.report(&reader, which.report).await?)
}

impl Export {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let report = find(engine, operator, &self.which).await?;
        let bytes = match self.out.extension().and_then(|it| it.to_str()) {
            Some("pdf") => report_pdf(&report).map_err(|error| Failure::Failed(error.to_string()))?,
            Some("csv") => tables::report(&report).bytes,
            Some("json") => serde_json::to_vec_pretty(&json::ReportJson::given_away(&report))
                .map_err(|error| Failure::Failed(error.to_string()))?,
            _ => return Err(Failure::Usage("--out must end in .pdf, .csv or .json".to_owned())),
        };
        let file = self.out.extension().and_then(|it| it.to_str()).unwrap_or_default().to_uppercase();
        let reader = customer_reader(engine, operator, self.which.customer)?;
        engine.note_file(&reader, &FileOf::Report { report: &report, file: &file }, BY).await?;
        write(&self.out, &bytes, self.which.output)
    }
}

impl Disclose {
    async fn run(self, engine: &Engine, operator: &Operator, config: &Config) -> Result<(), Failure> {
        let manager = manager(engine, operator, self.customer)?;
        let page = engine.set_disclosure(&manager, !self.off, BY).await?;
        let base = config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        let url = format!("{base}/disclosures/{}", page.id);
        self.output.print(&json!({"id": page.id, "on": page.is_on, "url": url}), || match page.is_on {
            true => format!("Public at {url}, as soon as a yearly disclosure is approved."),
            false => "The page is switched off.".to_owned(),
        })
    }
}

/// A report as people read it.
fn describe(report: &Report) -> String {
    let content = &report.body.content;
    let k = content.rules.suppress_below;
    let mut text = String::new();
    let status = report.status.name();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{}\n{}, {}, days in {}",
        title(report),
        content.customer,
        tables::period(report),
        content.time_zone
    );
    let _ = writeln!(text, "Version {}, {status}; template version {}\n", report.version, content.template.version);
    if let Some(warning) = report.body.warning.as_ref().filter(|_| !report.is_approved()) {
        let _ = writeln!(text, "{warning}\n");
    }
    for (figure, cell, definition) in content.defined() {
        let _ = writeln!(text, "{}: {}\n    {definition}", figure.label(), cell.text(k));
    }
    for table in &content.tables {
        let _ = writeln!(text, "\nBy {}", table.by.label().to_lowercase());
        let heads = content.figures.iter().map(|figure| figure.name());
        let _ = writeln!(text, "  {}", std::iter::once("").chain(heads).collect::<Vec<_>>().join("\t"));
        for Row { name, cells, .. } in &table.rows {
            let cells = cells.iter().map(|cell| cell.text(k));
            let _ = writeln!(text, "  {}", std::iter::once(name.clone()).chain(cells).collect::<Vec<_>>().join("\t"));
        }
    }
    for part in &content.texts {
        let _ = writeln!(text, "\n{}\n{}", part.label, part.text);
    }
    if let Some(sentence) = content.imported_sentence() {
        let _ = writeln!(text, "\n{sentence}");
    }
    if let (Some(before), Some(reason)) = (report.body.predecessor, &report.body.reason) {
        let _ = writeln!(text, "\nCorrects version {before}: {reason}");
        for change in &report.body.changes {
            let _ = writeln!(text, "  {}: {} → {}", change.what, change.before, change.after);
        }
    }
    let _ = write!(text, "\n{}", content.rule_sentences().join("\n"));
    text
}
