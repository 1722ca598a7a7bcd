//! `events`: history from before Reachline.

use super::demo::progress_bar;
use super::exports::named;
use super::{BY, Failure, Output, all_pages, customer_reader, explain, member, open_for_file, open_migrated};
use crate::config::Config;
use clap::{Args, Subcommand};
use domain::history::{FileForm, MappingForm};
use domain::ids::ImportId;
use domain::{ApplicationId, CustomerId};
use engine::{Engine, HistoryError, HistoryForm, HistoryProgress, HistoryReport, Watch};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Connections of a command that counts: for what is written, what is counted and what is looked up meanwhile.
pub(super) const CONNECTIONS_MAX: u32 = 3;
/// Largest mapping file, in bytes.
const MAPPING_BYTES_MAX: u64 = 1 << 20;

#[derive(Subcommand)]
pub enum Events {
    /// Import a file of events from before Reachline, or of counts; all rows or none
    Import(Import),
    /// List a customer's imports, newest first
    Imports(Of),
    /// Take the counts of an import without sessions away again, or give up one of events that broke off
    Withdraw(Withdraw),
}

#[derive(Args)]
pub struct Import {
    file: PathBuf,
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    /// Id of the application whose events these are, where rows do not say
    #[arg(long, value_name = "ID")]
    application: Option<ApplicationId>,
    /// csv or ndjson, where the file's name does not say
    #[arg(long, value_parser = named::<FileForm>)]
    format: Option<FileForm>,
    /// A JSON file that says which column is what
    #[arg(long, value_name = "FILE.json")]
    mapping: Option<PathBuf>,
    /// Import counts only: they are in no figure, statement or usage, and marked in reports
    #[arg(long)]
    without_sessions: bool,
    /// Check the whole file and say what would happen
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Of {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Withdraw {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    /// Id of the import, see `reachline events imports`
    #[arg(long, value_name = "ID")]
    import: ImportId,
    #[command(flatten)]
    output: Output,
}

impl Events {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        match self {
            Self::Import(import) => import.run(config).await?,
            Self::Imports(of) => list(config, of).await?,
            Self::Withdraw(withdraw) => withdraw.run(config).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Import {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        let form = self.form()?;
        let file = File::open(&self.file).map_err(|error| unreadable(&self.file, &error))?;
        let engine = open_for_file(config, CONNECTIONS_MAX).await?;
        // Says who is not there before anything is read.
        customer_reader(&engine, &engine.authenticate_console(), self.customer)?;
        let imported = if self.dry_run {
            self.import(&engine, &form, file).await
        } else {
            let workers = engine.start().await?;
            let imported = self.import(&engine, &form, file).await;
            workers.stop().await;
            imported
        };
        let report = imported.map_err(|error| self.failure(error))?;
        self.output.print(&report, || describe(&report))
    }

    fn form(&self) -> Result<HistoryForm, Failure> {
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let form = self.format.or_else(|| FileForm::of_name(&name)).ok_or_else(|| {
            let shown = self.file.display();
            Failure::Usage(format!("{shown}: its name ends neither in .csv nor in .ndjson or .jsonl; give --format"))
        })?;
        Ok(HistoryForm {
            file: name,
            form,
            mapping: self.mapping.as_deref().map_or_else(|| Ok(MappingForm::default()), mapping)?,
            application: self.application,
            without_sessions: self.without_sessions,
            dry_run: self.dry_run,
        })
    }

    async fn import(&self, engine: &Engine, form: &HistoryForm, file: File) -> Result<HistoryReport, HistoryError> {
        let (checking, bringing) = (progress_bar("bytes checked"), progress_bar("rows imported"));
        let bars = [checking.clone(), bringing.clone()];
        let watch: Watch = Arc::new(move |progress| match progress {
            HistoryProgress::Checking(done, all) => {
                checking.set_length(all);
                checking.set_position(done);
            }
            HistoryProgress::Bringing(done, all) => {
                checking.finish_and_clear();
                bringing.set_length(all);
                bringing.set_position(done);
            }
        });
        let operator = engine.authenticate_console();
        let imported = engine.import_history(&operator, self.customer, form, file, BY, watch).await;
        bars.iter().for_each(indicatif::ProgressBar::finish_and_clear);
        imported
    }

    fn failure(&self, error: HistoryError) -> Failure {
        let shown = self.file.display();
        match error {
            HistoryError::Rejected(rejected) => {
                let lines = rejected.to_string().replace('\n', "\n       ");
                Failure::Failed(format!("nothing was imported from {shown}:\n       {lines}"))
            }
            HistoryError::Read(error) => unreadable(&self.file, &error),
            HistoryError::Engine(engine::Error::Invalid(faults)) => {
                Failure::Failed(format!("{shown} was not imported:\n       {}", explain(&faults)))
            }
            HistoryError::Engine(error) => error.into(),
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("cannot read {}: {error}", path.display()))
}

fn mapping(path: &Path) -> Result<MappingForm, Failure> {
    let shown = path.display();
    let mut text = String::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(MAPPING_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > MAPPING_BYTES_MAX {
        return Err(Failure::Failed(format!("{shown}: at most {MAPPING_BYTES_MAX} bytes")));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    serde_json::from_str(text).map_err(|error| Failure::Failed(format!("{shown} is no mapping: {error}")))
}

fn describe(report: &HistoryReport) -> String {
    let HistoryReport { file, rows, first_day, last_day, helplines, .. } = report;
    let what = match (report.already_done, report.dry_run, report.has_sessions) {
        (true, true, _) => "The same file was imported already: nothing would change.".to_owned(),
        (true, false, _) => "The same file was imported already: nothing has changed.".to_owned(),
        (false, true, true) => "Every row is good. They would be imported as events with sessions.".to_owned(),
        (false, true, false) => "Every row is good. They would be imported as counts, without sessions.".to_owned(),
        (false, false, true) => {
            let (new, known) = (report.accepted.unwrap_or_default(), report.duplicates.unwrap_or_default());
            format!("Imported: {new} events were new, {known} were known.")
        }
        (false, false, false) => {
            let added = report.added.unwrap_or_default();
            format!("Imported {added} displays and clicks as counts. They are in no figure, and marked in reports.")
        }
    };
    let of = if *helplines == 1 { "1 helpline".to_owned() } else { format!("{helplines} helplines") };
    let mut text = format!("{file}: {rows} rows of {first_day} to {last_day}, of {of}.\n{what}\n");
    if report.resumed_at > 0 && !report.already_done {
        let _ = writeln!(text, "It went on after the {} rows of an earlier try.", report.resumed_at);
    }
    let _ = write!(text, "\n{:8} {:>12} {:>12}", "MONTH", "DISPLAYS", "CLICKS");
    for (month, pair) in &report.months {
        let _ = write!(text, "\n{month:8} {:>12} {:>12}", pair.displays, pair.clicks);
    }
    if let Some(import) = report.import {
        let _ = write!(text, "\n\nImport {import}");
    }
    text
}

async fn list(config: &Config, of: Of) -> Result<(), Failure> {
    let engine = open_migrated(config).await?;
    let reader = customer_reader(&engine, &engine.authenticate_console(), of.customer)?;
    let imports = all_pages(async |paging| engine.history_imports(&reader, &paging).await).await?;
    let items: Vec<Value> = imports.iter().map(|import| json!(import)).collect();
    let heads = ["ID", "STARTED", "FILE", "STATUS", "SESSIONS", "ROWS", "DONE", "ADDED", "FIRST DAY", "LAST DAY"];
    let names =
        ["id", "started_at", "file", "status", "has_sessions", "rows", "rows_done", "added", "first_day", "last_day"];
    of.output.print_list(&items, heads, |item| names.map(|name| member(item, name)))
}

impl Withdraw {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        let engine = open_migrated(config).await?;
        let operator = engine.authenticate_console();
        customer_reader(&engine, &operator, self.customer)?;
        let import = engine.withdraw_history(&operator, self.customer, self.import, BY).await?;
        self.output.print(&import, || {
            if import.has_sessions {
                format!("The import of {} is given up. Its events that came in stay.", import.file)
            } else {
                format!("The counts of {} are withdrawn.", import.file)
            }
        })
    }
}
