//! The audit log.

use crate::data::billing::{Asked, Whose};
use crate::data::{Choice, id, paging};
use crate::error::UiError;
use crate::format;
use domain::Zone;
use domain::audit::ActionKind;
use engine::AuditEntry;
use serde_json::Value;
use std::collections::HashMap;

/// The path of the audit log.
pub const AUDIT_LOG: &str = "/audit-log";

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    pub whose: Whose,
    /// What the log can be narrowed to, and the value of what it is narrowed to; empty for all.
    pub kinds: Vec<Choice>,
    pub kind: String,
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

/// What was done with the chosen customer's data, or with all: of one kind, or everything.
///
/// # Errors
/// Those of the engine; [`UiError::Forbidden`] for viewers; [`UiError::NotFound`] if there is no such kind.
pub async fn audit_log(
    customer: Option<String>,
    kind: Option<String>,
    cursor: Option<String>,
) -> Result<AuditLog, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let of = customer.as_deref().map(id).transpose()?;
    let kind = kind.filter(|kind| !kind.is_empty());
    let narrowed = kind.as_deref().map(|kind| ActionKind::from_name(kind).ok_or(UiError::NotFound)).transpose()?;
    let reader = asked.engine.audit_reader(&asked.user, of)?.of_kind(narrowed);
    let whose = asked.whose()?;
    let is_later = cursor.is_some();
    let found = asked.engine.audit_log(&reader, &paging(cursor)).await?;
    let names: HashMap<&str, &str> =
        whose.customers.iter().map(|choice| (choice.value.as_str(), choice.label.as_str())).collect();
    let is_of_all = asked.reader.customer().is_none();
    let reading = Reading { zone: asked.zone(), customers: &names };
    let row = |entry: AuditEntry| {
        let of = entry.customer_id.map(|id| id.to_string());
        let name = || of.as_deref().map_or("The installation", |id| names.get(id).copied().unwrap_or("A customer"));
        AuditRow {
            at: format::instant_exact(entry.at, asked.zone()),
            action: entry.action.label(),
            customer: is_of_all.then(|| name().to_owned()),
            details: details(&entry.details, &reading),
            actor: entry.actor,
            subject: entry.subject,
        }
    };
    let kind = kind.unwrap_or_default();
    let kept: Vec<(&str, &str)> = [("kind", kind.as_str())].into_iter().filter(|(_, kind)| !kind.is_empty()).collect();
    let next = |cursor: String| asked.href(AUDIT_LOG, &[&kept[..], &[("cursor", cursor.as_str())][..]].concat());
    let choice = |kind: &ActionKind| Choice { value: kind.as_str().to_owned(), label: kind.label().to_owned() };
    Ok(AuditLog {
        items: found.items.into_iter().map(row).collect(),
        first: is_later.then(|| asked.href(AUDIT_LOG, &kept)),
        next: found.next_cursor.map(next),
        kinds: ActionKind::ALL.iter().map(choice).collect(),
        kind,
        whose,
    })
}

/// What it takes to tell values in words.
struct Reading<'a> {
    zone: Zone,
    /// Names by ids, for those who see several.
    customers: &'a HashMap<&'a str, &'a str>,
}

/// Members that say something, those of objects by both names.
fn details(value: &Value, reading: &Reading<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match (change(value), value) {
            (Some((from, to)), _) => {
                found.push((words(name), format!("{} → {}", plain(from, reading), plain(to, reading))));
            }
            (None, Value::Null) => {}
            (None, Value::Object(_)) => {
                let inner = details(value, reading).into_iter();
                found.extend(inner.map(|(inner, text)| (format!("{}: {inner}", words(name)), text)));
            }
            (None, other) => found.push((words(name), plain(other, reading))),
        }
    }
    found
}

/// What something was and is, where a value tells of a change.
fn change(value: &Value) -> Option<(&Value, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 2)?;
    Some((members.get("from")?, members.get("to")?))
}

/// A value in words.
fn plain(value: &Value, reading: &Reading<'_>) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), format::count),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => match reading.customers.get(text.as_str()) {
            Some(name) => (*name).to_owned(),
            None => instant(text, reading.zone).unwrap_or_else(|| text.clone()),
        },
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(|item| plain(item, reading)).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let told = members.iter().filter(|(_, value)| !value.is_null());
            told.map(|(name, value)| format!("{} {}", words(name), plain(value, reading))).collect::<Vec<_>>().join(" ")
        }
    }
}

/// An instant of the log, which is written as in RFC 3339, as pages tell it.
fn instant(text: &str, zone: Zone) -> Option<String> {
    let is_written_so = text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    let at = is_written_so.then(|| domain::Timestamp::parse_rfc3339(text).ok())??;
    Some(format::instant_exact(at, zone))
}

/// `catalogue_quota_per_day` and `whatsappUrl` in words. Ids and hashes have short names of their own.
fn words(name: &str) -> String {
    match name {
        "sha256" => return "SHA-256".to_owned(),
        "secret" => return "id of the secret".to_owned(),
        "user" => return "id of the user".to_owned(),
        _ => {}
    }
    let mut words = String::new();
    for c in name.chars() {
        match c {
            '_' => words.push(' '),
            c if c.is_ascii_uppercase() => words.extend([' ', c.to_ascii_lowercase()]),
            c => words.push(c),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(value: &Value) -> Vec<(String, String)> {
        let customers = HashMap::from([("019ab4c2-7d1e-7c3a-9f00-2b6403f2a91c", "Acme")]);
        let mut found = details(value, &Reading { zone: Zone::UTC, customers: &customers });
        found.sort();
        found
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn details_are_told_flat_and_without_what_is_absent() {
        let value = json!({"rows": 3, "filters": {"tier": "sandbox", "helpline_id": null}, "file_name": "a.csv"});
        assert_eq!(told(&value), [pair("file name", "a.csv"), pair("filters: tier", "sandbox"), pair("rows", "3")]);
        assert_eq!(told(&Value::Null), []);
    }

    #[test]
    fn changes_are_told_as_what_was_and_is() {
        let value = json!({
            "suppress_below": {"from": null, "to": 5},
            "emails": {"from": ["a@example.org", "b@example.org"], "to": []},
            "country": {"emergencyNumber": {"from": "", "to": "112"}},
            "customer": {"from": "019ab4c2-7d1e-7c3a-9f00-2b6403f2a91c", "to": "019ab4c2-7d1e-7c3a-9f00-2b6403f2a91d"},
            "priority": {"from": false, "to": true},
            "topics": {"from": [{"code": "grief", "name": "Grief"}], "to": [{"code": "loss", "name": null}]},
        });
        let expected = [
            pair("country: emergency number", "nothing → 112"),
            pair("customer", "Acme → 019ab4c2-7d1e-7c3a-9f00-2b6403f2a91d"),
            pair("emails", "a@example.org, b@example.org → none"),
            pair("priority", "no → yes"),
            pair("suppress below", "nothing → 5"),
            pair("topics", "code grief name Grief → code loss"),
        ];
        assert_eq!(told(&value), expected);
    }

    #[test]
    fn instants_are_told_as_elsewhere_and_other_texts_as_they_are() {
        let value = json!({"expires_at": "2026-11-24T12:00:00.000Z", "name": "2026-11-24T12 o'clock in ÄÖÜ Z"});
        let found = told(&value);
        assert!(found[0].1.contains("2026") && !found[0].1.contains('T'), "{found:?}");
        assert_eq!(found[1], pair("name", "2026-11-24T12 o'clock in ÄÖÜ Z"));
    }
}
