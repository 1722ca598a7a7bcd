//! `helplines import`.

use super::{Failure, Output, explain, open_migrated};
use crate::config::Config;
use clap::{Args, Subcommand};
use engine::{parse_helplines_csv, parse_helplines_json};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Largest file of helplines, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Subcommand)]
pub enum Helplines {
    /// Create and update helplines from a CSV file or the API's own JSON; all rows or none
    Import(Import),
}

#[derive(Args)]
pub struct Import {
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Helplines {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let Self::Import(Import { file, output }) = self;
        let shown = file.display();
        let unreadable = |error: std::io::Error| Failure::Failed(format!("cannot read {shown}: {error}"));
        if std::fs::metadata(&file).map_err(unreadable)?.len() > FILE_BYTES_MAX {
            return Err(Failure::Failed(format!("{shown}: at most {FILE_BYTES_MAX} bytes")));
        }
        let bytes = std::fs::read(&file).map_err(unreadable)?;
        let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let parsed = if is_csv { parse_helplines_csv(&bytes) } else { parse_helplines_json(&bytes) };
        let rows = parsed.map_err(|faults| {
            Failure::Failed(format!("nothing was imported from {shown}:\n       {}", explain(&faults)))
        })?;
        let engine = open_migrated(config).await?;
        let report = engine.import_helplines(&engine.authenticate_console(), rows).await?;
        let (created, updated, unchanged) = (report.created, report.updated, report.unchanged);
        output.print(&json!({"created": created, "updated": updated, "unchanged": unchanged}), || {
            format!("{created} created, {updated} updated, {unchanged} unchanged.")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
