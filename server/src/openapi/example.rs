//! Examples for the documentation, made from the schemas.

use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Follows a reference.
#[must_use]
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The body of a request, in one line.
#[must_use]
pub fn of_request(document: &Value, operation: &Value) -> String {
    sample(document, &operation["requestBody"]["content"]["application/json"]["schema"]).to_string()
}

/// The body of the good answer, where it is JSON.
#[must_use]
pub fn of_answer(document: &Value, operation: &Value) -> Option<String> {
    let responses = operation["responses"].as_object()?;
    let (_, good) = responses.iter().find(|(status, _)| status.starts_with('2'))?;
    let schema = good["content"]["application/json"].get("schema")?;
    schema.get("$ref")?;
    Some(format!("{:#}", sample(document, schema)))
}

/// A path with its parameters filled in.
#[must_use]
pub fn path(path: &str) -> String {
    path.replace("{id}", "gb-evenlight").replace("{month}", "2026-11").replace("{step}", "billable")
}

/// The query string of an example: what is required.
#[must_use]
pub fn query(operation: &Value) -> String {
    let mut query = String::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] != "query" || parameter["required"] != true {
            continue;
        }
        let value = parameter["example"].as_str().or_else(|| parameter["schema"]["enum"][0].as_str());
        let mark = if query.is_empty() { '?' } else { '&' };
        let _ = write!(query, "{mark}{}={}", parameter["name"].as_str().unwrap_or_default(), value.unwrap_or("…"));
    }
    query
}

/// A value that a schema describes.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let schema = resolve(document, schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match (kind, schema["format"].as_str()) {
        ("object", _) => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let members: Map<_, _> =
                properties.map(|(name, member)| (name.clone(), named(document, name, member))).collect();
            Value::Object(members)
        }
        ("array", _) => json!([sample(document, &schema["items"])]),
        ("boolean", _) => json!(false),
        ("integer", _) => json!(120),
        ("number", _) => json!(0.25),
        (_, Some("date-time")) => json!("2026-11-24T00:00:00.000Z"),
        (_, Some("uuid")) => json!("019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee"),
        (_, Some("date")) => json!("2026-11-24"),
        _ => json!("…"),
    }
}

/// A sample that fits the name of its member, where the schema says no more than *text*.
fn named(document: &Value, name: &str, member: &Value) -> Value {
    match name {
        "access_token" => json!("rlt_…"),
        "token_type" => json!("Bearer"),
        "status" if member["type"] == "string" => json!("ok"),
        "scope" => json!("events:write helplines:read analytics:read"),
        "time_zone" | "timezone" => json!("Europe/London"),
        "from" => json!("2026-11-01"),
        "to" => json!("2026-11-24"),
        "open" => json!("09:00"),
        "close" => json!("21:00"),
        "phoneNumber" | "smsNumber" => json!("+44 1632 960001"),
        "website" | "webChatUrl" | "whatsappUrl" => json!("https://helpline.example/"),
        "emergencyNumber" => json!("999"),
        "supported_languages" => json!(["en", "cy"]),
        "specialties" => json!(["young people"]),
        "supportTypes" => json!(["listening"]),
        "id" | "key" => json!("gb-evenlight"),
        "next_cursor" => Value::Null,
        _ => sample(document, member),
    }
}
