//! `retention`.

use super::{Failure, Output, customer_reader, member, open_migrated};
use crate::config::Config;
use clap::Args;
use domain::CustomerId;
use domain::retention::{MONTHS_MAX, MONTHS_MIN};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What `retention` takes.
#[derive(Args)]
pub struct Retention {
    /// Id of the customer; all where left out
    #[arg(long)]
    customer: Option<CustomerId>,
    /// Tell what would go if raw events were kept for so many months besides the present one, instead of as is set
    #[arg(long, value_parser = clap::value_parser!(u32).range(i64::from(MONTHS_MIN)..=i64::from(MONTHS_MAX)))]
    months: Option<u32>,
    #[command(flatten)]
    output: Output,
}

impl Retention {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let operator = engine.authenticate_console();
        if let Some(customer) = self.customer {
            customer_reader(&engine, &operator, customer)?;
        }
        let expiring = engine.expiring_events(&operator, self.customer, self.months).await?;
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
