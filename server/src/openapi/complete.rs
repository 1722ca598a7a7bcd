//! What is the same for many operations, added to the description: refusals, headers, aliases.

use super::{batch, billing};
use crate::http::body::{EVENT_BYTES_MAX, TOKEN_REQUEST_BYTES_MAX};
use crate::http::error::{MEANINGS, PROBLEM_JSON};
use domain::FaultCode;
use engine::ApiScope;
use serde_json::{Map, Value, json};

/// Completes the description.
pub fn complete(document: &mut Value) {
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["servers"] = json!([{"url": "/", "description": "This server"}]);
    document["components"]["securitySchemes"] = security_schemes();
    document["components"]["responses"] = refusals();
    document["components"]["headers"] = headers();
    let problem = &mut document["components"]["schemas"]["Problem"]["properties"];
    problem["type"]["format"] = json!("uri-reference");
    problem["code"]["enum"] = MEANINGS.iter().map(|meaning| meaning.code).collect();
    let fault = &mut document["components"]["schemas"]["Fault"]["properties"];
    fault["code"]["enum"] = FaultCode::ALL.iter().map(|code| code.as_str()).collect();
    batch::complete(document);
    billing::complete(document);
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths.iter_mut() {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete_operation(path, operation);
        }
    }
    add_aliases(paths);
}

fn security_schemes() -> Value {
    let scopes: Map<String, Value> = ApiScope::ALL
        .iter()
        .map(|scope| {
            let what = match scope {
                ApiScope::EventsWrite => "Post events.",
                ApiScope::HelplinesRead => "Read the catalogue.",
                ApiScope::AnalyticsRead => "Read figures, usage and statements.",
            };
            (scope.as_str().to_owned(), json!(what))
        })
        .collect();
    json!({
        "token": {
            "type": "oauth2",
            "description": "An access token from POST /oauth/token, sent as `Authorization: Bearer …`.",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes}},
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "Client id and secret, each percent-encoded.",
        },
    })
}

/// The refusals of a status: a name for references, the headers that come with them.
const REFUSALS: [(u16, &str, &[&str]); 12] = [
    (400, "MalformedBody", &[]),
    (401, "Unauthorized", &["WWW-Authenticate"]),
    (403, "Forbidden", &[]),
    (404, "NotFound", &[]),
    (405, "MethodNotAllowed", &["Allow"]),
    (408, "BodyTooSlow", &[]),
    (413, "BodyTooLarge", &[]),
    (415, "MediaTypeUnsupported", &["Accept-Encoding"]),
    (422, "ValidationFailed", &[]),
    (429, "TooMany", &["Retry-After"]),
    (500, "Internal", &[]),
    (503, "Unavailable", &["Retry-After"]),
];

fn refusals() -> Value {
    let response = |(status, name, with): (u16, &str, &[&str])| {
        let meanings = MEANINGS.iter().filter(|meaning| meaning.status == status);
        let sentences = meanings.map(|meaning| format!("`{}`: {}. {}", meaning.code, meaning.title, meaning.advice));
        let mut response = json!({
            "description": sentences.collect::<Vec<_>>().join("\n\n"),
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        for header in with {
            response["headers"][header] = json!({"$ref": format!("#/components/headers/{header}")});
        }
        (name.to_owned(), response)
    };
    Value::Object(REFUSALS.into_iter().map(response).collect())
}

fn headers() -> Value {
    let header = |description: &str, schema: Value, required: bool| json!({"description": description, "schema": schema, "required": required});
    let text = || json!({"type": "string"});
    json!({
        "X-Request-Id": header("Names this call in the server's log.", json!({"type": "string", "minLength": 1}), true),
        "WWW-Authenticate": header("How to authenticate (RFC 6750, RFC 7617).", text(), true),
        "Retry-After": header("Seconds to wait before the next try.", json!({"type": "string", "pattern": "^[0-9]+$"}), true),
        "Accept-Encoding": header("The encodings that bodies of events may have.", text(), true),
        "Allow": header("The methods of this path.", text(), true),
        "RateLimit-Policy": header("The limits: calls `q` in `w` seconds.", text(), true),
        "RateLimit": header("Calls left `r`, and seconds `t` until some are given back.", text(), true),
        "Link": header("The next page, with `rel=\"next\"`, if there is one.", text(), false),
        "Manifest": header("The manifest of the file, with `rel=\"describedby\"`.", text(), true),
    })
}

fn complete_operation(path: &str, operation: &mut Value) {
    let statuses: &[u16] = match path {
        "/oauth/token" => &[408, 413, 500, 503],
        "/healthz" | "/metrics" | "/openapi.json" => &[500],
        "/readyz" => &[500, 503],
        _ if path.starts_with("/v1/events/") => &[400, 401, 403, 408, 413, 415, 422, 429, 500, 503],
        "/v1/helplines" => &[401, 403, 422, 429, 500, 503],
        "/v1/helplines/{id}" => &[401, 403, 404, 429, 500, 503],
        "/v1/statements" | "/v1/reports" => &[401, 403, 422, 500, 503],
        // Also asked to cancel or delete, which whoever did not request it may not, and one without a file refuses; an
        // application of a filter may be none.
        "/v1/export-jobs" | "/v1/export-jobs/{job}" => &[401, 403, 404, 422, 500, 503],
        "/v1/reports/{report}" | "/v1/export-jobs/{job}/file" | "/v1/export-jobs/{job}/manifest" => {
            &[401, 403, 404, 500, 503]
        }
        _ if ["/v1/analytics/", "/v1/usage/", "/v1/statements/", "/v1/exports/"]
            .iter()
            .any(|group| path.starts_with(group)) =>
        {
            &[401, 403, 404, 422, 500, 503]
        }
        _ => &[401, 403, 429, 500, 503],
    };
    let is_catalogue = operation["tags"][0] == "Helplines";
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (_, response) in responses.iter_mut() {
        response["headers"]["X-Request-Id"] = json!({"$ref": "#/components/headers/X-Request-Id"});
    }
    for (status, name, _) in REFUSALS.iter().filter(|(status, ..)| statuses.contains(status)) {
        responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
    if is_catalogue {
        for header in ["RateLimit-Policy", "RateLimit"] {
            responses["200"]["headers"][header] = json!({"$ref": format!("#/components/headers/{header}")});
        }
    }
    match path {
        "/oauth/token" => {
            responses["401"]["headers"]["WWW-Authenticate"] = json!({"$ref": "#/components/headers/WWW-Authenticate"});
            operation["requestBody"]["description"] = json!(format!("At most {TOKEN_REQUEST_BYTES_MAX} bytes."));
        }
        "/v1/analytics/breakdown" | "/v1/statements" | "/v1/reports" | "/v1/export-jobs"
            if responses.contains_key("200") =>
        {
            responses["200"]["headers"]["Link"] = json!({"$ref": "#/components/headers/Link"});
        }
        "/v1/exports/{kind}" => {
            responses["200"]["headers"]["Link"] = json!({"$ref": "#/components/headers/Manifest"});
        }
        _ if path.starts_with("/v1/events/helpline") => {
            operation["requestBody"]["description"] = json!(format!(
                "One JSON object in UTF-8 of at most {EVENT_BYTES_MAX} bytes. Unknown members are ignored. It may be \
                 compressed: `Content-Encoding: gzip` or `zstd`."
            ));
        }
        _ => {}
    }
}

/// What has a second address, with `.csv` at its end.
const WITH_CSV: [&str; 8] = [
    "/v1/analytics/summary",
    "/v1/analytics/timeseries",
    "/v1/analytics/breakdown",
    "/v1/usage/{month}",
    "/v1/usage/{month}/events",
    "/v1/statements",
    "/v1/statements/{month}",
    "/v1/reports/{report}",
];

/// And with `.pdf`.
const WITH_PDF: [&str; 1] = ["/v1/reports/{report}"];

/// The other addresses of some endpoints.
fn add_aliases(paths: &mut Map<String, Value>) {
    for event in ["display", "click"] {
        let (path, alias) = (format!("/v1/events/helpline-{event}"), format!("/v1/events/helpline_{event}"));
        let Some(mut item) = paths.get(&path).cloned() else { continue };
        item["post"]["operationId"] = json!(format!("{event}_alias"));
        item["post"]["summary"] = json!(format!("The same as {path}."));
        item["post"]["description"] = json!("For clients that write the name with an underscore.");
        paths.insert(alias, item);
    }
    for path in WITH_CSV {
        let Some(mut item) = paths.get(path).cloned() else { continue };
        let of_json = item["get"]["operationId"].as_str().unwrap_or_default();
        item["get"]["operationId"] = json!(format!("{of_json}_csv"));
        item["get"]["summary"] = json!(format!("The same as {path}, always as CSV."));
        item["get"]["description"] = json!("Cells that a spreadsheet would run as a formula begin with an apostrophe.");
        if let Some(content) = item["get"]["responses"]["200"]["content"].as_object_mut() {
            content.remove("application/json");
        }
        paths.insert(format!("{path}.csv"), item);
    }
    for path in WITH_PDF {
        let Some(mut item) = paths.get(path).cloned() else { continue };
        let of_json = item["get"]["operationId"].as_str().unwrap_or_default();
        item["get"]["operationId"] = json!(format!("{of_json}_pdf"));
        item["get"]["summary"] = json!(format!("The same as {path}, as PDF."));
        item["get"]["description"] =
            json!("To print, send and keep: PDF/A-2a and PDF/UA-1. The same report gives the same bytes.");
        let file = json!({"application/pdf": {"schema": {"type": "string", "format": "binary"}}});
        item["get"]["responses"]["200"]["content"] = file;
        paths.insert(format!("{path}.pdf"), item);
    }
}
