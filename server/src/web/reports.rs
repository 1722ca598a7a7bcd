//! Reports as files: the same as the API's, asked for by the person who is logged in.

use crate::api::reports::{json::ReportJson, overview, pdf, tables};
use crate::http::query::Query;
use crate::state::AppState;
use crate::web::download::{Refusal, asking};
use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use domain::ids::ReportId;
use domain::{FaultCode, Faults};
use engine::{FileOf, Report};
use http::header::CONTENT_DISPOSITION;
use tower_sessions::Session;

/// The report that is asked for. That it is given, as which file, is noted.
async fn report(state: &AppState, session: &Session, query: Option<&str>, file: &str) -> Result<Report, Refusal> {
    let mut query = Query::parse_form(query);
    let (user, reader) = asking(state, session, &mut query).await?;
    let id = query.parsed::<ReportId>("report", FaultCode::FieldInvalid, "Must be an id of a report.");
    let id: Result<_, Faults> = query.require("report", id).ok_or_else(|| std::mem::take(&mut query.faults));
    let report = state.engine.report(&reader, id?).await?;
    state.engine.note_file(&reader, &FileOf::Report { report: &report, file }, &user.acts_as()).await?;
    Ok(report)
}

/// `GET /download/report.csv`
pub async fn csv(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    Ok(tables::report(&report(&state, &session, query.as_deref(), "CSV").await?).into_response())
}

/// `GET /download/reports.csv`: all customers' reports with their numbers, or those of a kind.
pub async fn all(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let template = query.text("template").filter(|key| !key.is_empty());
    let supervisor = state.engine.supervisor(&user)?;
    if reader.customer().is_some() {
        return Err(Refusal::Invalid);
    }
    let template = template.as_deref();
    let file = overview::of_all(&state.engine, &supervisor, template).await?;
    state.engine.note_file(&reader, &FileOf::Reports { template }, &user.acts_as()).await?;
    Ok(file.into_response())
}

/// `GET /download/report.json`
pub async fn json(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let report = report(&state, &session, query.as_deref(), "JSON").await?;
    let name = tables::file_name(&report, "json");
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(CONTENT_DISPOSITION, disposition)], Json(ReportJson::given_away(&report))).into_response())
}

/// `GET /download/report.pdf`
pub async fn pdf(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    Ok(pdf::answer(report(&state, &session, query.as_deref(), "PDF").await?).await?)
}
