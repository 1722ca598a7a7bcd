//! `audit-log`.

use super::{Failure, Output, member, open_migrated};
use crate::config::Config;
use clap::Args;
use domain::CustomerId;
use domain::audit::ActionKind;
use engine::{AuditEntry, Paging};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What `audit-log` takes.
#[derive(Args)]
pub struct AuditLog {
    /// Only what was done with the data of the customer with this id
    #[arg(long, value_name = "ID")]
    customer: Option<CustomerId>,
    /// Only actions of one kind, such as exports, users or billing
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<ActionKind>,
    /// How many entries at most, the newest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// Go on where the list before ended, with its `next_cursor`
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl AuditLog {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let reader = engine.console_audit_reader(&engine.authenticate_console(), self.customer)?.of_kind(self.kind);
        let paging = Paging { cursor: self.cursor, limit: usize::from(self.limit) };
        let page = engine.audit_log(&reader, &paging).await?;
        let items: Vec<Value> = page.items.iter().map(item).collect();
        if self.output.json {
            self.output.print(&json!({"items": items, "next_cursor": page.next_cursor}), String::new)?;
        } else {
            self.output.print_list(&items, ["AT", "WHO", "WHAT", "SUBJECT"], |item| {
                ["at", "actor", "action", "subject"].map(|name| member(item, name))
            })?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn kind(text: &str) -> Result<ActionKind, String> {
    let names = || ActionKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    ActionKind::from_name(text).ok_or_else(|| format!("must be one of {}", names()))
}

fn item(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "at": entry.at.to_string(),
        "customer_id": entry.customer_id,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
    })
}
