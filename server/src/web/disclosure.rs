//! Public pages of what a customer discloses: for people, as JSON, and to embed into the customer's own site and app. Open
//! to all, as the customer has switched them on; there is no session and no cookie in here.

use crate::api::reports::{json::ReportJson, tables};
use crate::openapi::docs::escape;
use crate::state::AppState;
use crate::web::defence::Embeddable;
use crate::web::download::Refusal;
use crate::web::page::document;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use domain::Zone;
use domain::ids::DisclosureId;
use engine::{Report, ReportStatus};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use serde::Serialize;
use std::fmt::Write as _;

/// How long a copy may be shown: a correction is seen within minutes.
const CACHED: &str = "public, max-age=300";
/// The page may be shown inside of any other; it has no script, no form and nothing from elsewhere.
const EMBEDDED_POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors *";

#[derive(Serialize)]
struct Disclosed<'a> {
    reports: Vec<ReportJson<'a>>,
}

/// What the page of an id shows; an id that is none is as unknown as a page that is switched off.
async fn disclosed(state: &AppState, id: &str) -> Result<Vec<Report>, Refusal> {
    let id = id.parse::<DisclosureId>().map_err(|_| Refusal::Engine(engine::Error::NotFound))?;
    Ok(state.engine.disclosed(id).await?)
}

/// `GET /disclosures/{id}`
pub async fn page(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let reports = disclosed(&state, &id).await?;
    let id = escape(&id);
    let mut body = String::from("<p class=\"brand\">Reachline</p><h1>Referrals to crisis helplines</h1>");
    if reports.is_empty() {
        body.push_str("<p>Nothing has been published here yet.</p>");
    }
    for report in &reports {
        body.push_str(&article(report, None));
    }
    let title = reports.first().map_or("", |report| report.body.content.customer.as_str());
    let _ = write!(
        body,
        "<h2>Elsewhere</h2><p>The same <a href=\"/disclosures/{id}/report.json\">as JSON</a>. To show it on a site or in \
         an app:</p><pre><code>&lt;iframe src=\"{base}/disclosures/{id}/widget\" title=\"Referrals to crisis helplines\" \
         width=\"360\" height=\"260\"&gt;&lt;/iframe&gt;</code></pre>",
        base = escape(state.config.public_url.as_deref().unwrap_or_default().trim_end_matches('/')),
    );
    Ok(([(CACHE_CONTROL, CACHED)], Html(document(title, &body))).into_response())
}

/// `GET /disclosures/{id}/widget`: the number alone, to be shown inside of another page.
pub async fn widget(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let reports = disclosed(&state, &id).await?;
    let body = match reports.first() {
        Some(report) => article(report, Some(&format!("/disclosures/{}", escape(&id)))),
        None => "<p>Nothing has been published here yet.</p>".to_owned(),
    };
    let headers = [(CACHE_CONTROL, CACHED), (CONTENT_SECURITY_POLICY, EMBEDDED_POLICY)];
    let mut response = (headers, Html(document("Referrals to crisis helplines", &body))).into_response();
    response.extensions_mut().insert(Embeddable);
    Ok(response)
}

/// `GET /disclosures/{id}/report.json`, for programs of any site.
pub async fn data(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let reports = disclosed(&state, &id).await?;
    let body = Disclosed { reports: reports.iter().map(ReportJson::given_away).collect() };
    Ok(([(CACHE_CONTROL, CACHED), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(body)).into_response())
}

/// A report's numbers, each with its definition; and its rules, source and history, or the address where these are.
fn article(report: &Report, whole: Option<&str>) -> String {
    let content = &report.body.content;
    let mut html = format!("<section><h2>{}, {}</h2>", escape(&content.customer), escape(&tables::period(report)));
    // Writing to a String cannot fail.
    for (figure, cell, definition) in content.defined() {
        let number = escape(&cell.text(content.rules.suppress_below));
        let _ = write!(html, "<p class=\"disclosed\"><strong>{number}</strong> {}</p>", figure.label().to_lowercase());
        let _ = write!(html, "<p>{}</p>", escape(definition));
    }
    if let Some(sentence) = content.imported_sentence() {
        let _ = write!(html, "<p>{}</p>", escape(&sentence));
    }
    if let Some(href) = whole {
        let corrects = report.body.predecessor.map(|it| format!(", which corrects version {it}")).unwrap_or_default();
        let _ = write!(
            html,
            "<p>Days in {}. Version {}{corrects}. <a href=\"{href}\" target=\"_blank\" rel=\"noopener\">How it is \
             counted</a></p>",
            content.time_zone, report.version
        );
        return html + "</section>";
    }
    let _ = write!(html, "<p>Whole months, days in {}.</p><ul>", content.time_zone);
    for sentence in content.rule_sentences().iter() {
        let _ = write!(html, "<li>{}</li>", escape(sentence));
    }
    html.push_str("</ul>");
    if !content.template.law.is_empty() {
        let (url, law) = (escape(&content.template.source_url), escape(&content.template.law));
        let _ = write!(html, "<p>Published under <a href=\"{url}\">{law}</a>.</p>");
    }
    if let ReportStatus::Approved { at, .. } = &report.status {
        let _ = write!(html, "<p>Version {}, approved on {}", report.version, Zone::UTC.day(*at));
        if let (Some(before), Some(reason)) = (report.body.predecessor, &report.body.reason) {
            let _ = write!(html, "; it corrects version {before}: {}", escape(reason));
        }
        html.push_str(".</p>");
    }
    if !report.body.changes.is_empty() {
        html.push_str("<ul>");
        for change in &report.body.changes {
            let (what, before, after) = (escape(&change.what), escape(&change.before), escape(&change.after));
            let _ = write!(html, "<li>{what}: {before} before, {after} now</li>");
        }
        html.push_str("</ul>");
    }
    html + "</section>"
}
