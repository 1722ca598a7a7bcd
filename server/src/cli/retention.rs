//! `retention`.

use super::{Failure, Output, member, open_migrated};
use crate::config::Config;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;

/// What `retention` takes.
#[derive(Args)]
pub struct Retention {
    #[command(flatten)]
    output: Output,
}

impl Retention {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let expiring = engine.expiring_events(&engine.authenticate_console()).await?;
        let items: Vec<Value> = expiring
            .iter()
            .map(|expiring| {
                json!({
                    "customer_id": expiring.customer,
                    "customer": expiring.name,
                    "kept_from": expiring.kept_from.to_string(),
                    "events": expiring.events,
                })
            })
            .collect();
        self.output.print_list(&items, ["CUSTOMER", "EVENTS ARE KEPT FROM", "EVENTS BEFORE"], |item| {
            ["customer", "kept_from", "events"].map(|name| member(item, name))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
