//! The command line: `reachline serve`, and what an operator does without a browser.
//!
//! With `--json` standard output holds one JSON value and nothing else; everything for people goes to standard error.
//! A command that could not do its work ends with 1, one that was called wrongly with 2.

mod access_links;
mod accounts;
mod audit_log;
mod backups;
mod card_file;
mod demo;
mod exports;
mod figures;
mod helplines;
mod history;
mod memory;
mod open_files;
mod rate_cards;
mod reports;
mod retention;
mod serve;
mod statement_files;
mod statements;

pub use serve::answer_until_told;

use crate::config::{Config, ConfigError, LogFormat};
use clap::{Args, Parser, Subcommand};
use domain::{CustomerId, Faults};
use engine::actor::{Operator, Reader};
use engine::clock::SystemClock;
use engine::{Engine, Paged, Room, Settings};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

/// Who acts here, as reports, statements and the audit log name it.
const BY: &str = engine::actor::CONSOLE;
/// Threads of a command's runtime; each holds memory of its own.
const COMMAND_THREADS: usize = 2;

/// Figures about helplines that everybody can trust.
#[derive(Parser)]
#[command(
    name = "reachline",
    version,
    after_help = "Configuration: REACHLINE_* variables or a TOML file; see the README."
)]
struct Cli {
    /// A TOML file with settings; REACHLINE_CONFIG names one as well.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server
    Serve(serve::Serve),
    /// Bring the database's tables up to date
    Migrate(Migrate),
    /// Load customers, people, helplines and ninety days of traffic to look at
    Demo(demo::Demo),
    /// Create and list customers
    #[command(subcommand)]
    Customer(accounts::Customer),
    /// Create, list, rotate and revoke applications
    #[command(subcommand)]
    Application(accounts::Application),
    /// Create and list users
    #[command(subcommand)]
    User(accounts::User),
    /// Bring helplines in
    #[command(subcommand)]
    Helplines(helplines::Helplines),
    /// Import history from before Reachline, list such imports and withdraw counts
    #[command(subcommand)]
    Events(history::Events),
    /// Check figures
    #[command(subcommand)]
    Figures(figures::Figures),
    /// Create, change, assign and try out rate cards
    #[command(subcommand)]
    RateCard(rate_cards::RateCards),
    /// List, show, issue, recompute and export statements
    #[command(subcommand)]
    Statement(statements::Statements),
    /// Draft, approve, show and publish reports for regulators and the public
    #[command(subcommand)]
    Report(reports::Reports),
    /// Make, list and revoke links with which auditors read for a while
    #[command(subcommand)]
    AccessLink(access_links::AccessLinks),
    /// Write a customer's raw events or figures to a file, with a manifest beside it
    Export(exports::Export),
    /// Show what was done, and by whom
    AuditLog(audit_log::AuditLog),
    /// Say which raw events are kept no longer: a running server gives them up within the hour
    Retention(retention::Retention),
    /// Write all data into one file, at any time
    Backup(backups::Backup),
    /// Fill an empty database with what is in a backup
    Restore(backups::Restore),
    /// Fill an empty database with all data of another one, such as to move from SQLite to Postgres
    Copy(backups::Copy),
}

/// How a command answers.
#[derive(Args, Clone, Copy)]
struct Output {
    /// Print one JSON value on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Migrate {
    #[command(flatten)]
    output: Output,
}

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Called wrongly.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        Self::Failed(match error {
            engine::Error::NotFound => "there is no such thing".to_owned(),
            engine::Error::Forbidden => "this is not allowed".to_owned(),
            engine::Error::Invalid(faults) => explain(&faults),
            engine::Error::Unavailable(cause) => format!("the database is not available: {cause}"),
            engine::Error::Internal(cause) => format!("something went wrong: {cause}"),
        })
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Faults for people, one on each line.
fn explain(Faults(faults): &Faults) -> String {
    let lines: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.detail)).collect();
    lines.join("\n       ")
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(if matches!(failure, Failure::Failed(_)) { 1 } else { 2 })
        }
    }
}

fn execute(cli: Cli) -> Result<ExitCode, Failure> {
    let config = Config::load(cli.config.as_deref())?;
    start_log(&config, matches!(cli.command, Command::Serve(_)))?;
    if matches!(cli.command, Command::Events(_) | Command::Export(_)) {
        memory::give_back_at_once();
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if !matches!(cli.command, Command::Serve(_)) {
        memory::use_small_pages();
        runtime.worker_threads(COMMAND_THREADS);
    }
    let runtime = runtime.enable_all().build()?;
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve.run(config).await,
            Command::Migrate(Migrate { output }) => migrate(&config, output).await,
            Command::Demo(demo) => demo.run(&config).await,
            Command::Customer(command) => command.run(&config).await,
            Command::Application(command) => command.run(&config).await,
            Command::User(command) => command.run(&config).await,
            Command::Helplines(command) => command.run(&config).await,
            Command::Events(command) => command.run(&config).await,
            Command::Figures(command) => command.run(&config).await,
            Command::RateCard(command) => command.run(&config).await,
            Command::Statement(command) => command.run(&config).await,
            Command::Report(command) => command.run(&config).await,
            Command::AccessLink(command) => command.run(&config).await,
            Command::Export(command) => command.run(&config).await,
            Command::AuditLog(log) => log.run(&config).await,
            Command::Retention(command) => command.run(&config).await,
            Command::Backup(command) => command.run(&config).await,
            Command::Restore(command) => command.run(&config).await,
            Command::Copy(command) => command.run(&config).await,
        }
    });
    // What still waits on a thread of its own, such as for a name, is nothing that anybody waits for.
    runtime.shutdown_background();
    done
}

/// Logs to standard error. Commands other than `serve` say what went wrong themselves.
fn start_log(config: &Config, is_server: bool) -> Result<(), Failure> {
    let directives = if is_server { config.log.as_str() } else { "error" };
    let filter = EnvFilter::try_new(directives).map_err(|e| Failure::Usage(format!("REACHLINE_LOG: {e}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Where nothing can be written, on a full disk, complaining of it there would panic.
    let log = log.with_ansi(std::io::stderr().is_terminal()).log_internal_errors(false);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// The engine on the configured database.
async fn open(config: &Config) -> Result<Engine, Failure> {
    Ok(Engine::open(config.engine(), Arc::new(SystemClock)).await?)
}

/// The engine on a database whose tables are up to date: commands work on a new installation, too.
async fn open_migrated(config: &Config) -> Result<Engine, Failure> {
    let engine = open(config).await?;
    engine.migrate().await?;
    Ok(engine)
}

/// The same for a command that works through a large file: it holds little in memory, and each connection takes some.
async fn open_for_file(config: &Config, connections_max: u32) -> Result<Engine, Failure> {
    let connections_max = config.connections_max.min(connections_max);
    let settings = Settings { room: Room::COMMAND, connections_max, ..config.engine() };
    let engine = Engine::open(settings, Arc::new(SystemClock)).await?;
    engine.migrate().await?;
    Ok(engine)
}

/// Whose figures and statements are read.
fn customer_reader(engine: &Engine, operator: &Operator, customer: CustomerId) -> Result<Reader, Failure> {
    engine.console_reader(operator, Some(customer)).map_err(|error| match error {
        engine::Error::NotFound => Failure::Failed(format!("there is no customer {customer}")),
        other => other.into(),
    })
}

async fn migrate(config: &Config, output: Output) -> Result<ExitCode, Failure> {
    let applied = open(config).await?.migrate().await?;
    output.print(&json!({"applied": applied}), || match applied {
        0 => "The database is up to date.".to_owned(),
        1 => "Applied 1 migration.".to_owned(),
        count => format!("Applied {count} migrations."),
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Output {
    /// Prints the result of a command.
    fn print(self, json: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let printed = if self.json {
            serde_json::to_string(json).map_err(|error| Failure::Failed(error.to_string()))?
        } else {
            text()
        };
        Ok(writeln!(std::io::stdout(), "{printed}")?)
    }

    /// Prints a list: `{"items": […]}`, or a table.
    fn print_list<const N: usize>(
        self,
        items: &[Value],
        heads: [&str; N],
        row: impl Fn(&Value) -> [String; N],
    ) -> Result<(), Failure> {
        self.print(&json!({"items": items}), || {
            let rows: Vec<_> = std::iter::once(heads.map(str::to_owned)).chain(items.iter().map(row)).collect();
            let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            let widths: [usize; N] = std::array::from_fn(width);
            let line = |row: &[String; N]| {
                let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
                cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
            };
            rows.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }
}

/// All items of a list that comes in pages.
async fn all_pages<T, F>(mut page: impl FnMut(engine::Paging) -> F) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<Paged<T>, engine::Error>>,
{
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let Paged { items, next_cursor } = page(engine::Paging { cursor, limit: 200 }).await?;
        all.extend(items);
        if next_cursor.is_none() {
            return Ok(all);
        }
        cursor = next_cursor;
    }
}

/// The text of a member, for tables.
fn member(item: &Value, name: &str) -> String {
    match &item[name] {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn scripts_can_call_what_is_documented() {
        for line in [
            "reachline customer create --name Acme --time-zone Asia/Kathmandu --json",
            "reachline application create --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --name web --tier production --json",
            "reachline user create --email a@example.org --role operator --password-stdin --json",
            "reachline helplines import FILE --json",
            "reachline events import x.csv --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --application 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --mapping m.json --without-sessions --dry-run --json",
            "reachline events import x --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --format ndjson",
            "reachline events imports --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --json",
            "reachline events withdraw --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --import 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --json",
            "reachline figures verify --json",
            "reachline retention --json",
            "reachline retention --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --months 6 --json",
            "reachline rate-card create --name Standard --file - --effective-from 2026-11 --json",
            "reachline rate-card create --file card.json --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --json",
            "reachline rate-card list --json",
            "reachline rate-card show 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --json",
            "reachline rate-card add-version 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --file card.json --json",
            "reachline rate-card update-version 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2 --file card.json --json",
            "reachline rate-card assign --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --none --from 2026-11 --json",
            "reachline rate-card preview --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --file card.json --months 24",
            "reachline statement list --json",
            "reachline statement list --month 2026-11 --json",
            "reachline statement show 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --json",
            "reachline statement issue 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --before-end --json",
            "reachline statement issue --due --json",
            "reachline statement recompute 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --json",
            "reachline statement pdf 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --output x.pdf --json",
            "reachline statement export 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --lines",
            "reachline statement export 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --events --output x.csv --json",
            "reachline export events --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --from 2026-11-01 --to 2026-12-01 --format csv --bom --out x.csv --json",
            "reachline export contact_methods --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --from 2026-11-01 --to 2026-12-01 --tier sandbox --helpline x --country gb --contact-method phone --application 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --format parquet --out x",
            "reachline access-link create --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --name Ada --days 7 --json",
            "reachline access-link create --all --name Ada",
            "reachline access-link list --json",
            "reachline access-link revoke 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --json",
            "reachline backup x.backup --json",
            "reachline restore x.backup --json",
            "reachline copy --from sqlite://a.db --to postgres://b/c --json",
            "reachline copy --to postgres://b/c",
            "reachline demo --if-empty --json",
            "reachline serve --addr 127.0.0.1:0",
            "reachline --config x.toml application list --json",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_lacks_something_is_told() {
        for line in [
            "reachline",
            "reachline user create --email a --role king",
            "reachline user create --password x",
            "reachline rate-card create --name x",
            "reachline rate-card assign --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --from 2026-11",
            "reachline export sessions --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --from 2026-11-01 --to 2026-12-01 --format csv --out x",
            "reachline export events --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --from 2026-11-01 --to 2026-12-01 --format csv",
            "reachline export events --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --from 2026-11-31 --to 2026-12-01 --format csv --out x",
            "reachline events import --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee",
            "reachline events import x.csv",
            "reachline events withdraw --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee",
            "reachline access-link create --name Ada",
            "reachline access-link create --all --customer 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee --name Ada",
            "reachline access-link create --all",
            "reachline backup",
            "reachline restore",
            "reachline copy --from sqlite://a.db",
            "reachline statement issue",
            "reachline statement issue 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee",
            "reachline statement issue 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --due",
            "reachline statement show 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee November",
            "reachline statement export 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11",
            "reachline statement export 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --lines --events",
            "reachline statement export 019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee 2026-11 --lines --json",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
