//! `GET /v1/reports…`: a customer's reports for regulators and the public, as they are printed.

pub mod json;
pub mod overview;
pub mod pdf;
pub mod tables;

use crate::api::analytics::{Answer, CURSOR_CHARS_MAX, Call};
use crate::http::client::{AnalyticsRead, Client};
use crate::http::path::PathReport;
use crate::http::query::Query;
use crate::openapi::{params, schemas};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use engine::{FileOf, Paging};
use serde::Serialize;

/// Reports of a page, unless asked otherwise, and at most.
const REPORTS_LIMIT: (usize, usize) = (20, 100);

/// A page of reports.
#[derive(Serialize)]
struct Reports<'a> {
    reports: Vec<json::ReportJson<'a>>,
    next_cursor: Option<&'a str>,
}

/// All reports.
///
/// Newest first, in pages, drafts among them. Counts are numbers; a suppressed one is `"<10"` or `"withheld"`, and one that a
/// table does not give exactly is null.
#[utoipa::path(
    get,
    path = "/v1/reports",
    tag = "Reports",
    security(("token" = ["analytics:read"])),
    params(params::ReportsParams),
    responses((status = 200, description = "A page of reports.", body = schemas::Reports))
)]
pub async fn reports(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    call: Call,
) -> Answer {
    let mut query = Query::parse(call.query.as_deref());
    let limit = query.limit("limit", REPORTS_LIMIT.0, REPORTS_LIMIT.1);
    let cursor = query.short_text("cursor", CURSOR_CHARS_MAX);
    query.faults.or(())?;
    let reader = state.engine.api_reader(&client)?;
    let page = state.engine.reports(&reader, &Paging { cursor, limit }).await?;
    let next_cursor = page.next_cursor.as_deref();
    let body = Reports { reports: page.items.iter().map(Into::into).collect(), next_cursor };
    Ok(call.with_next(Json(&body).into_response(), next_cursor))
}

/// One report.
///
/// An approved one never changes; a correction is a version of its own, which names its predecessor and what changed. As
/// CSV the total and the rows of all tables; of a report without tables one row, with its texts.
#[utoipa::path(
    get,
    path = "/v1/reports/{report}",
    tag = "Reports",
    security(("token" = ["analytics:read"])),
    params(params::ReportPath),
    responses((status = 200, description = "The report.", content(
        (schemas::Report = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn report(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathReport(id): PathReport,
    call: Call,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    let report = state.engine.report(&reader, id).await?;
    let file = if call.wants_pdf() { Some("PDF") } else { call.wants_csv.then_some("CSV") };
    if let Some(file) = file {
        state.engine.note_file(&reader, &FileOf::Report { report: &report, file }, &client.acts_as()).await?;
    }
    if call.wants_pdf() {
        return Ok(pdf::answer(report).await?);
    }
    Ok(call.answer(&json::ReportJson::from(&report), || tables::report(&report)))
}
