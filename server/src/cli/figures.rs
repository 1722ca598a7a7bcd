//! `figures verify`.

use super::{Failure, Output, open_migrated};
use crate::config::Config;
use clap::{Args, Subcommand};
use engine::Verification;
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Figures {
    /// Recompute every figure from the events and compare; ends with 1 if any differs
    Verify(Verify),
}

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    output: Output,
}

impl Figures {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let Self::Verify(Verify { output }) = self;
        let engine = open_migrated(config).await?;
        let verification = engine.verify_figures(&engine.authenticate_console()).await?;
        let differences: Vec<_> = verification
            .differences
            .iter()
            .map(|difference| {
                json!({
                    "customer": difference.customer,
                    "what": difference.what,
                    "stored": difference.stored,
                    "recomputed": difference.recomputed,
                })
            })
            .collect();
        let is_equal = differences.is_empty();
        let report = json!({
            "equal": is_equal,
            "customers": verification.customers,
            "events": verification.events,
            "partly": verification.partly,
            "differences": differences,
        });
        output.print(&report, || describe(&verification))?;
        Ok(if is_equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn describe(verification: &Verification) -> String {
    let Verification { customers, events, partly, differences, .. } = verification;
    let mut text = format!("Recomputed {events} events of {customers} customers: ");
    if differences.is_empty() {
        text.push_str("every figure is equal.");
        if *partly > 0 {
            let _ = write!(text, " (Not compared: figures of {partly} customers from events that are kept no longer.)");
        }
        return text;
    }
    let _ = write!(text, "{} figures differ.", differences.len());
    for difference in differences {
        let (customer, what) = (&difference.customer, &difference.what);
        let _ =
            write!(text, "\n  {customer}: {what}: stored {}, recomputed {}", difference.stored, difference.recomputed);
    }
    text
}
