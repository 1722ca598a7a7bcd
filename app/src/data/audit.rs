//! The audit log.

use crate::data::billing::{Asked, Whose};
use crate::data::{id, paging};
use crate::error::UiError;
use crate::format;
use engine::AuditEntry;
use std::collections::HashMap;

/// The path of the audit log.
pub const AUDIT_LOG: &str = "/audit-log";

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    pub whose: Whose,
    pub items: Vec<AuditRow>,
    /// The addresses of the first page and of the next.
    pub first: Option<String>,
    pub next: Option<String>,
}

/// An entry in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    pub at: String,
    pub actor: String,
    pub action: &'static str,
    pub subject: String,
    /// Where those of all customers are shown: whose data it is about.
    pub customer: Option<String>,
    /// Names and values of what else is known.
    pub details: Vec<(String, String)>,
}

/// What was done with the chosen customer's data, or with all.
///
/// # Errors
/// Those of the engine; [`UiError::Forbidden`] for viewers.
pub async fn audit_log(customer: Option<String>, cursor: Option<String>) -> Result<AuditLog, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let of = customer.as_deref().map(id).transpose()?;
    let reader = asked.engine.audit_reader(&asked.user, of)?;
    let whose = asked.whose()?;
    let is_later = cursor.is_some();
    let found = asked.engine.audit_log(&reader, &paging(cursor)).await?;
    let names: HashMap<&str, &str> =
        whose.customers.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())).collect();
    let is_of_all = asked.reader.customer().is_none();
    let row = |entry: AuditEntry| {
        let of = entry.customer_id.map(|id| id.to_string());
        let name = || of.as_deref().map_or("The installation", |id| names.get(id).copied().unwrap_or("A customer"));
        AuditRow {
            at: format::instant_exact(entry.at, asked.zone()),
            action: entry.action.label(),
            customer: is_of_all.then(|| name().to_owned()),
            details: details(&entry.details),
            actor: entry.actor,
            subject: entry.subject,
        }
    };
    Ok(AuditLog {
        items: found.items.into_iter().map(row).collect(),
        first: is_later.then(|| asked.href(AUDIT_LOG, &[])),
        next: found.next_cursor.map(|cursor| asked.href(AUDIT_LOG, &[("cursor", &cursor)])),
        whose,
    })
}

/// Members that say something, those of objects by both names.
fn details(value: &serde_json::Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => found.push((words(name), text.clone())),
            serde_json::Value::Object(_) => {
                found.extend(
                    details(value).into_iter().map(|(inner, text)| (format!("{}: {inner}", words(name)), text)),
                );
            }
            other => found.push((words(name), other.to_string())),
        }
    }
    found
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_told_flat_and_without_what_is_absent() {
        let value =
            serde_json::json!({"rows": 3, "filters": {"tier": "sandbox", "helpline_id": null}, "file_name": "a.csv"});
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let mut found = details(&value);
        found.sort();
        assert_eq!(found, [pair("file name", "a.csv"), pair("filters: tier", "sandbox"), pair("rows", "3")]);
        assert_eq!(details(&serde_json::Value::Null), []);
    }
}
