//! `/docs`: the description of the API for people, drawn from the same document that programs read.

use crate::http::error::MEANINGS;
use crate::http::observe::Transport;
use crate::openapi::{batch, document, example};
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use domain::FaultCode;
use domain::figures::Figure;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The page's own style, also for the small pages of [`crate::web::page`].
const STYLE: &str = include_str!("docs.css");

/// `GET /docs/style.css`
pub async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")], STYLE).into_response()
}

/// `GET /docs`
pub async fn page(State(state): State<AppState>, request: Request) -> Html<String> {
    Html(Page { base: base_url(&state, &request) }.draw(document()))
}

/// How the reader reached us, so that the examples work when pasted.
fn base_url(state: &AppState, request: &Request) -> String {
    if let Some(url) = &state.config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let is_https = request.extensions().get::<Transport>().is_some_and(|transport| transport.is_https);
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_plain = |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-[]".contains(&b));
    let host = host.filter(is_plain).unwrap_or(&state.config.addr);
    format!("{}://{host}", if is_https { "https" } else { "http" })
}

/// The order in which groups are shown.
const GROUPS: [&str; 8] = ["Tokens", "Events", "Helplines", "Analytics", "Billing", "Reports", "Exports", "Operation"];

struct Page {
    base: String,
}

/// One operation of the document.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    value: &'a Value,
}

impl Page {
    fn draw(&self, document: &Value) -> String {
        let operations = operations(document);
        let mut html = String::with_capacity(64 * 1024);
        html.push_str(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>API · Reachline</title>\
             <link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body class=\"docs\">\
             <a class=\"skip\" href=\"#content\">Skip to content</a>",
        );
        navigation(&mut html, document, &operations);
        html.push_str("<main id=\"content\">");
        self.introduction(&mut html, document);
        for group in GROUPS {
            let of_group: Vec<_> = operations.iter().filter(|op| op.value["tags"][0] == group).collect();
            let _ = write!(html, "<section class=\"group\" id=\"{}\"><h2>{group}</h2>", group.to_lowercase());
            let tags = document["tags"].as_array().into_iter().flatten();
            for tag in tags.filter(|tag| tag["name"] == group) {
                let _ = write!(html, "<p>{}</p>", inline(text(&tag["description"])));
            }
            for operation in of_group {
                self.operation(&mut html, document, operation);
            }
            html.push_str("</section>");
        }
        errors(&mut html);
        figures(&mut html);
        html.push_str("</main></body></html>");
        html
    }

    fn introduction(&self, html: &mut String, document: &Value) {
        let base = escape(&self.base);
        let _ = write!(
            html,
            "<header><h1>API</h1><p class=\"lead\">{}</p>\
             <p>JSON in UTF-8 throughout. The same description for programs: <a href=\"/openapi.json\">/openapi.json</a> \
             (OpenAPI {}).</p></header>",
            inline(text(&document["info"]["description"])),
            escape(text(&document["openapi"])),
        );
        let _ = write!(
            html,
            "<section id=\"quick-start\"><h2>Quick start</h2>\
             <p>An administrator of your organisation creates an application in the dashboard and gives you its \
             <code>client_id</code> and <code>client_secret</code>. An application of the tier <em>sandbox</em> is for \
             trying out: its events are shown in the sandbox view and nowhere else.</p>\
             <h3>1. Get a token</h3><pre><code>TOKEN=$(curl -s {base}/oauth/token \\\n  -d grant_type=client_credentials \\\n  \
             -d client_id=YOUR_ID -d client_secret=YOUR_SECRET | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')</code></pre>\
             <h3>2. Report a display, then a click</h3><pre><code>NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)\n\
             curl {base}/v1/events/helpline-display -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n  \
             -d '{{\"helpline_id\":\"HELPLINE\",\"session_id\":\"any-opaque-id\",\"timestamp\":\"'$NOW'\"}}'\n\
             curl {base}/v1/events/helpline-click -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n  \
             -d '{{\"helpline_id\":\"HELPLINE\",\"session_id\":\"any-opaque-id\",\"timestamp\":\"'$NOW'\",\"contact_method\":\"phone\"}}'</code></pre>\
             <p>Whoever has many events sends up to a thousand at once: <a href=\"#batch\"><code>POST /v1/events/batch</code></a>.</p>\
             <h3>3. See the figures</h3><pre><code>curl \"{base}/v1/analytics/summary?from=$(date -u +%Y-%m-01)&amp;to=$(date -u +%Y)-12-31\" \\\n  \
             -H \"Authorization: Bearer $TOKEN\"</code></pre>\
             <p>An event that is answered with <code>202</code> is stored for good. Sending it again is safe: the same \
             event is answered <code>duplicate</code> and counted once, so after a timeout or a <code>5xx</code> simply send \
             it again. The same session id in display and click is what makes a click-through rate possible; never send \
             one that is somebody’s e-mail address, telephone number or IP address.</p></section>",
        );
    }

    fn operation(&self, html: &mut String, document: &Value, operation: &Operation<'_>) {
        let Operation { method, path, value } = operation;
        let _ = write!(
            html,
            "<article id=\"{}\"><h3><span class=\"method {method}\">{}</span> <code>{}</code></h3><p><strong>{}</strong> {}</p>",
            escape(text(&value["operationId"])),
            method.to_uppercase(),
            escape(path),
            inline(text(&value["summary"])),
            inline(text(&value["description"])),
        );
        let scopes = value["security"].as_array().into_iter().flatten().filter_map(|need| need["token"][0].as_str());
        for scope in scopes {
            let _ = write!(html, "<p class=\"scope\">Scope <code>{scope}</code></p>");
        }
        parameters(html, document, value);
        members(html, document, value);
        let curl = self.curl(document, operation);
        let _ = write!(html, "<h4>Example</h4><pre><code>{}</code></pre>", escape(&curl));
        if let Some(body) = example::of_answer(document, value) {
            let _ = write!(html, "<pre class=\"answer\"><code>{}</code></pre>", escape(&body));
        }
        answers(html, document, value);
        html.push_str("</article>");
    }

    fn curl(&self, document: &Value, Operation { method, path, value }: &Operation<'_>) -> String {
        let query = example::query(value);
        let mut curl = format!("curl '{}{}{query}'", self.base, example::path(path));
        if value["security"].as_array().is_some_and(|needs| needs.iter().any(|need| need.get("token").is_some())) {
            curl.push_str(" \\\n  -H \"Authorization: Bearer $TOKEN\"");
        }
        if *path == "/oauth/token" {
            curl.push_str(" \\\n  -d grant_type=client_credentials -d client_id=YOUR_ID -d client_secret=YOUR_SECRET");
        } else if *method == "post" {
            let body = example::of_request(document, value);
            let _ = write!(curl, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'");
        }
        if *path == batch::PATH {
            let _ = write!(
                curl,
                "\n\ngzip -c events.ndjson | curl '{}{path}' \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
                 -H 'Content-Type: application/x-ndjson' -H 'Content-Encoding: gzip' \\\n  --data-binary @-",
                self.base
            );
        }
        if path.ends_with(".csv") || path.ends_with(".pdf") {
            curl.push_str(" -O");
        }
        curl
    }
}

/// What comes first in its group; the rest follows by name.
const FIRST: [&str; 11] = [
    "/v1/events/helpline-display",
    "/v1/events/helpline-click",
    "/v1/events/batch",
    "/v1/helplines",
    "/v1/helplines/{id}",
    "/v1/analytics/summary",
    "/v1/analytics/timeseries",
    "/v1/usage/{month}",
    "/v1/usage/{month}/steps/{step}",
    "/v1/usage/{month}/events",
    "/v1/statements",
];

/// The operations, in the order in which they are shown.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut operations: Vec<_> = paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, value)| Operation { method, path, value })
        })
        .collect();
    operations.sort_by_key(|operation| FIRST.iter().position(|path| *path == operation.path).unwrap_or(FIRST.len()));
    operations
}

fn navigation(html: &mut String, document: &Value, operations: &[Operation<'_>]) {
    let _ = write!(
        html,
        "<nav aria-label=\"Contents\"><p class=\"brand\"><a href=\"/\">Reachline</a></p><p class=\"version\">API {}</p>\
         <ul><li><a href=\"#quick-start\">Quick start</a></li>",
        escape(text(&document["info"]["version"])),
    );
    for group in GROUPS {
        let _ = write!(html, "<li><a href=\"#{}\">{group}</a><ul>", group.to_lowercase());
        for operation in operations.iter().filter(|operation| operation.value["tags"][0] == group) {
            let _ = write!(
                html,
                "<li><a href=\"#{}\">{}</a></li>",
                escape(text(&operation.value["operationId"])),
                escape(operation.path.trim_start_matches("/v1")),
            );
        }
        html.push_str("</ul></li>");
    }
    html.push_str("<li><a href=\"#errors\">Errors</a></li><li><a href=\"#figures\">Figures</a></li></ul></nav>");
}

fn parameters(html: &mut String, document: &Value, operation: &Value) {
    let Some(parameters) = operation["parameters"].as_array().filter(|list| !list.is_empty()) else { return };
    html.push_str("<h4>Parameters</h4>");
    table(
        html,
        ["Name", "Form", "Meaning"],
        parameters.iter().map(|parameter| {
            let required = if parameter["required"] == true { " <span class=\"required\">required</span>" } else { "" };
            let name = format!("<code>{}</code>{required}", escape(text(&parameter["name"])));
            [name, form(document, &parameter["schema"]), inline(text(&parameter["description"]))]
        }),
    );
}

fn members(html: &mut String, document: &Value, operation: &Value) {
    let body = &operation["requestBody"];
    let Some((_, content)) = body["content"].as_object().and_then(|content| content.iter().next()) else { return };
    let schema = match content["schema"].get("oneOf") {
        // A batch: its members are those of its events.
        Some(_) => &document["components"]["schemas"]["BatchEvent"],
        None => example::resolve(document, &content["schema"]),
    };
    let types: Vec<_> = body["content"].as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let _ = write!(
        html,
        "<h4>Body</h4><p><code>{}</code> {}</p>",
        escape(&types.join(" or ")),
        inline(text(&body["description"]))
    );
    let properties = schema["properties"].as_object().into_iter().flatten();
    table(
        html,
        ["Member", "Form", "Meaning"],
        properties.map(|(name, property)| {
            let mark = if required.contains(&name.as_str()) { " <span class=\"required\">required</span>" } else { "" };
            let description = property["description"].as_str();
            let description = description.unwrap_or(text(&example::resolve(document, property)["description"]));
            [format!("<code>{}</code>{mark}", escape(name)), form(document, property), inline(description)]
        }),
    );
}

/// What a value may be, in a few words.
fn form(document: &Value, schema: &Value) -> String {
    let schema = example::resolve(document, schema);
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter_map(Value::as_str).map(|value| format!("<code>{}</code>", escape(value)));
        return values.collect::<Vec<_>>().join(", ");
    }
    let kind = schema["type"].as_str().unwrap_or("value");
    let mut form = match schema["format"].as_str() {
        Some("int32" | "int64" | "double") | None => kind.to_owned(),
        Some(format) => format.to_owned(),
    };
    let mut bounds = |low: &str, high: &str, unit: &str| {
        if let (Some(low), Some(high)) = (schema[low].as_u64(), schema[high].as_u64()) {
            let _ = if low == high { write!(form, ", {low}{unit}") } else { write!(form, ", {low} to {high}{unit}") };
        }
    };
    bounds("minLength", "maxLength", " characters");
    bounds("minimum", "maximum", "");
    escape(&form)
}

fn answers(html: &mut String, document: &Value, operation: &Value) {
    html.push_str("<h4>Answers</h4>");
    let responses = operation["responses"].as_object().into_iter().flatten();
    table(
        html,
        ["Status", "Meaning", "Headers"],
        responses.map(|(status, response)| {
            let response = example::resolve(document, response);
            let headers = response["headers"].as_object().into_iter().flat_map(Map::keys);
            let headers: Vec<_> = headers.map(|name| format!("<code>{}</code>", escape(name))).collect();
            let description = text(&response["description"]).replace("\n\n", " ");
            [format!("<code>{status}</code>"), inline(&description), headers.join(" ")]
        }),
    );
}

fn errors(html: &mut String) {
    html.push_str(
        "<section id=\"errors\"><h2>Errors</h2><p>A refusal is <code>application/problem+json</code> (RFC 9457) with \
         <code>type</code>, <code>title</code>, <code>status</code>, <code>detail</code> and <code>code</code>. Where \
         input breaks rules, <code>errors</code> lists every fault at once, each with <code>field</code>, \
         <code>code</code> and <code>detail</code>. Token requests are refused as RFC 6749 says. Every answer has \
         <code>X-Request-Id</code>: name it when you ask for help.</p>",
    );
    table(
        html,
        ["Code", "Status", "What to do"],
        MEANINGS.iter().map(|meaning| {
            let code = format!("<code id=\"error-{0}\">{0}</code>", meaning.code);
            [
                code,
                meaning.status.as_u16().to_string(),
                format!("{}. {}", escape(meaning.title), escape(meaning.advice)),
            ]
        }),
    );
    html.push_str("<h3>Codes of faults</h3><p>");
    let codes = FaultCode::ALL.iter().map(|code| format!("<code>{}</code>", code.as_str()));
    html.push_str(&codes.collect::<Vec<_>>().join(" "));
    html.push_str("</p></section>");
}

fn figures(html: &mut String) {
    html.push_str(
        "<section id=\"figures\"><h2>Figures</h2><p>What each figure counts. <code>ctr</code> is converted \
         sessions ÷ reach, of one helpline conversions ÷ unique displays; it is null where nobody was reached.</p>",
    );
    table(
        html,
        ["Name", "Figure", "Counts"],
        Figure::ALL.iter().map(|figure| {
            [format!("<code>{}</code>", figure.name()), escape(figure.label()), escape(figure.definition())]
        }),
    );
    html.push_str("</section>");
}

/// A table of cells that are HTML already.
fn table<const N: usize>(html: &mut String, heads: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    html.push_str("<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table><thead><tr>");
    for head in heads {
        let _ = write!(html, "<th scope=\"col\">{head}</th>");
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = write!(html, "<td>{cell}</td>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Escapes, and sets what stands between backticks as code.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (i, part) in escape(text).split('`').enumerate() {
        let _ = if i % 2 == 1 { write!(html, "<code>{part}</code>") } else { write!(html, "{part}") };
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_drawn_and_nothing_runs() {
        let html = Page { base: "http://x".to_owned() }.draw(document());
        for operation in operations(document()) {
            let id = text(&operation.value["operationId"]);
            assert!(html.contains(&format!("<article id=\"{id}\">")), "{id}");
        }
        for meaning in MEANINGS {
            assert!(html.contains(&format!("id=\"error-{}\"", meaning.code)));
        }
        assert!(!html.contains("<script") && !html.contains("style=\""));
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(inline("a `b<c` & d"), "a <code>b&lt;c</code> &amp; d");
    }
}
