//! `demo`: something to look at.

use super::accounts::credentials_json;
use super::{Failure, Output, open_migrated};
use crate::config::Config;
use clap::Args;
use engine::{DemoReport, Engine};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

#[derive(Args)]
pub struct Demo {
    /// Do nothing if the installation has customers or users already
    #[arg(long)]
    if_empty: bool,
    /// Add this many events of the past year to the demo's applications, after loading the demo if it is not loaded
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Decides, with the time of the call, what those events are
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "events")]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

impl Demo {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        if self.if_empty && !engine.is_empty().await? {
            let text = || "The installation is in use; no demo was loaded.".to_owned();
            self.output.print(&json!({"loaded": false}), text)?;
            return Ok(ExitCode::SUCCESS);
        }
        let is_addition = self.events.is_some() && engine.has_demo().await?;
        let workers = engine.start().await?;
        let loaded = async {
            let report = if is_addition { None } else { Some(load(&engine).await?) };
            let added = match self.events {
                Some(count) => Some(add(&engine, count, self.seed).await?),
                None => None,
            };
            Ok::<_, engine::Error>((report, added))
        }
        .await;
        workers.stop().await;
        let (report, added) = loaded?;
        let mut value = report.as_ref().map_or_else(|| json!({"loaded": false}), report_json);
        if let Some(added) = added {
            value["added"] = json!(added);
        }
        let text = || {
            let mut text = report.as_ref().map_or_else(String::new, describe);
            if let Some(added) = added {
                let _ = writeln!(text, "Added {added} events of the past year.");
            }
            text
        };
        self.output.print(&value, text)?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn load(engine: &Engine) -> Result<DemoReport, engine::Error> {
    let bar = progress_bar("events");
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let loaded = engine.load_demo(&engine.authenticate_console(), progress).await;
    bar.finish_and_clear();
    loaded
}

async fn add(engine: &Engine, count: u64, seed: u64) -> Result<u64, engine::Error> {
    let bar = progress_bar("events");
    bar.set_length(count);
    let added =
        engine.add_demo_traffic(&engine.authenticate_console(), count, seed, |done| bar.set_position(done)).await;
    bar.finish_and_clear();
    added
}

/// A bar on standard error, drawn only where that is a terminal.
pub fn progress_bar(unit: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{pos}}/{{len}} {unit} {{eta}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn report_json(report: &DemoReport) -> Value {
    json!({
        "loaded": true,
        "logins": report.logins,
        "applications": report.applications.iter().map(credentials_json).collect::<Vec<_>>(),
        "helplines": report.helplines,
        "events": report.events,
    })
}

fn describe(report: &DemoReport) -> String {
    let mut text = format!("Loaded {} helplines and {} events.\n\n{}", report.helplines, report.events, logins());
    text.push_str("\nApplications (the secrets are not shown again):\n");
    for new in &report.applications {
        let application = &new.application;
        let tier = application.tier.as_str();
        let _ = writeln!(text, "  {:22} {tier:10}  {}  {}", application.name, application.client_id, new.client_secret);
    }
    text
}

/// How to log in to the demo.
pub fn logins() -> String {
    let mut text = "Logins of the demo:\n".to_owned();
    for login in Engine::demo_logins() {
        let whose = login.customer.map_or(String::new(), |customer| format!(" of {customer}"));
        let _ = writeln!(text, "  {:28} {}   {}{whose}", login.email, login.password, login.role);
    }
    text
}
