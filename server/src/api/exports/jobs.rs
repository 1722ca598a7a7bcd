//! `/v1/export-jobs…`: exports that are written in the background, in every format, and the list of all exports.

use super::NDJSON;
use crate::api::analytics::{Answer, CURSOR_CHARS_MAX, Call, Question};
use crate::api::csv::TEXT_CSV;
use crate::http::client::{AnalyticsRead, Client};
use crate::http::error::ApiError;
use crate::http::path::PathId;
use crate::http::query::Query;
use crate::openapi::{params, schemas};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::Faults;
use domain::export::job::{ExportForm, ExportJob, MadeFile};
use domain::export::{Format, Kind, check_bom};
use domain::ids::ExportId;
use domain::period::Filter;
use domain::zone::Day;
use engine::Paging;
use engine::actor::Reader;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use serde::Serialize;

/// Exports of a page, unless asked otherwise, and at most.
const JOBS_LIMIT: (usize, usize) = (20, 100);

/// An export as the API tells it.
#[derive(Serialize)]
struct JobJson<'a> {
    id: ExportId,
    export: Kind,
    format: Format,
    bom: bool,
    /// First day, and the day after the last one.
    from: Day,
    to: Day,
    filters: &'a Filter,
    status: &'static str,
    /// From 0 to 1.
    progress: f64,
    requested_at: String,
    requested_by: &'a str,
    ended_at: Option<String>,
    /// Until when the file can be downloaded; null where there is none.
    file_expires_at: Option<String>,
    file: Option<&'a MadeFile>,
    error: Option<&'a str>,
}

impl<'a> From<&'a ExportJob> for JobJson<'a> {
    fn from(job: &'a ExportJob) -> Self {
        let ExportForm { kind, period, filter, format, bom } = &job.form;
        Self {
            id: job.id,
            export: *kind,
            format: *format,
            bom: *bom,
            from: period.from,
            to: period.to,
            filters: filter,
            status: job.status.as_str(),
            progress: f64::from(job.progress) / f64::from(domain::export::job::WHOLE),
            requested_at: job.requested_at.to_string(),
            requested_by: &job.requested_by,
            ended_at: job.ended_at.map(|at| at.to_string()),
            file_expires_at: job.file_expires_at.map(|at| at.to_string()),
            file: job.made.as_ref(),
            error: job.error.as_deref(),
        }
    }
}

/// A page of exports.
#[derive(Serialize)]
struct Jobs<'a> {
    jobs: Vec<JobJson<'a>>,
    next_cursor: Option<&'a str>,
}

/// Request an export.
///
/// It is written in the background, as CSV, NDJSON, XLSX or Parquet; ask for it again to see how far it is. Its file is kept
/// for 30 days, or until it is deleted. A customer's files may be 200 and have 20 GB; beyond that requests are refused. Raw events are those that were counted when it was requested, however long it takes.
#[utoipa::path(
    post,
    path = "/v1/export-jobs",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::FigureParams, params::ExportJobParams),
    responses((status = 201, description = "The export, which waits to be written.", body = schemas::ExportJob,
        headers(("Location" = String, description = "Its address."))))
)]
pub async fn request_job(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    call: Call,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    let form = job_form(Query::parse(call.query.as_deref()))?;
    let job = state.engine.request_export(&reader, &form, &client.acts_as()).await?;
    let location = format!("/v1/export-jobs/{}", job.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(JobJson::from(&job))).into_response())
}

fn job_form(mut query: Query) -> Result<ExportForm, ApiError> {
    let more = |query: &mut Query| {
        let kind = query.named::<Kind>("kind");
        let kind = query.require("kind", kind);
        let format = query.named("format").unwrap_or(Format::Csv);
        let bom = query.flag("bom");
        if let Err(Faults(faults)) = check_bom(format, bom) {
            query.faults.0.extend(faults);
        }
        Some((kind?, format, bom))
    };
    let (Question { period, filter }, (kind, format, bom)) = Question::with(&mut query, more)?;
    Ok(ExportForm { kind, period, filter, format, bom })
}

/// All exports.
///
/// Newest first, in pages: who asked for each, when, and which versions of the rules its file follows. Also those that were
/// answered at once, by `GET /v1/exports/{kind}` or the command line, whose files are not kept.
#[utoipa::path(
    get,
    path = "/v1/export-jobs",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::ReportsParams),
    responses((status = 200, description = "A page of exports.", body = schemas::ExportJobs))
)]
pub async fn list_jobs(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    call: Call,
) -> Answer {
    let mut query = Query::parse(call.query.as_deref());
    let limit = query.limit("limit", JOBS_LIMIT.0, JOBS_LIMIT.1);
    let cursor = query.short_text("cursor", CURSOR_CHARS_MAX);
    query.faults.or(())?;
    let reader = state.engine.api_reader(&client)?;
    let page = state.engine.export_jobs(&reader, &Paging { cursor, limit }).await?;
    let next_cursor = page.next_cursor.as_deref();
    let body = Jobs { jobs: page.items.iter().map(Into::into).collect(), next_cursor };
    Ok(call.with_next(Json(&body).into_response(), next_cursor))
}

/// One export.
#[utoipa::path(
    get,
    path = "/v1/export-jobs/{job}",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::ExportJobPath),
    responses((status = 200, description = "The export.", body = schemas::ExportJob))
)]
pub async fn job(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathId(id): PathId<ExportId>,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    let job = state.engine.export_job(&reader, id).await?;
    Ok(Json(JobJson::from(&job)).into_response())
}

/// Cancel or delete an export.
///
/// One that is under way is cancelled; of one that is done, the file is deleted before its 30 days are over. Either stays in
/// the list. Only the application that requested it may do this. One that has no file, or none any more, is refused.
#[utoipa::path(
    delete,
    path = "/v1/export-jobs/{job}",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::ExportJobPath),
    responses((status = 204, description = "Nothing is left of its file."))
)]
pub async fn end_job(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathId(id): PathId<ExportId>,
) -> Answer {
    let keeper = state.engine.api_export_keeper(&client)?;
    state.engine.end_or_delete_export(&keeper, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The file of an export.
///
/// There is none until it is done, and none after 30 days.
#[utoipa::path(
    get,
    path = "/v1/export-jobs/{job}/file",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::ExportJobPath),
    responses((status = 200, description = "The file.", content(
        (String = "text/csv"), (String = "application/x-ndjson"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Vec<u8> = "application/vnd.apache.parquet"),
    )))
)]
pub async fn job_file(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathId(id): PathId<ExportId>,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    file_answer(&state, &reader, id, &client.acts_as()).await.map_err(ApiError::from)
}

/// The manifest of an export that is done.
#[utoipa::path(
    get,
    path = "/v1/export-jobs/{job}/manifest",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::ExportJobPath),
    responses((status = 200, description = "The manifest.", body = schemas::ExportManifest))
)]
pub async fn job_manifest(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathId(id): PathId<ExportId>,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    manifest_answer(&state, &reader, id).await.map_err(ApiError::from)
}

/// The media type of a format.
const fn media_type(format: Format) -> &'static str {
    match format {
        Format::Csv => TEXT_CSV,
        Format::Ndjson => NDJSON,
        Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Format::Parquet => "application/vnd.apache.parquet",
    }
}

/// The file of an export as an answer, and an entry of the audit log that `by` was given it.
///
/// # Errors
/// [`engine::Error::NotFound`] if it is not made yet or kept no longer, or not where this server looks.
pub async fn file_answer(state: &AppState, reader: &Reader, id: ExportId, by: &str) -> Result<Response, engine::Error> {
    let job = state.engine.export_job(reader, id).await?;
    if !job.has_file(state.engine.now()) {
        return Err(engine::Error::NotFound);
    }
    let (body, bytes) = state.exports.open(&job).await.map_err(|error| {
        tracing::warn!(%error, export = %job.id, "the file of an export cannot be read");
        match error.kind() {
            std::io::ErrorKind::NotFound => engine::Error::NotFound,
            _ => engine::Error::Unavailable("the file of an export".to_owned()),
        }
    })?;
    state.engine.note_fetched_export(reader, &job, by).await?;
    let name = job.made.map_or_else(|| id.to_string(), |made| made.written.file);
    let headers = [
        (CONTENT_TYPE, media_type(job.form.format).to_owned()),
        (CONTENT_LENGTH, bytes.to_string()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body).into_response())
}

/// The manifest of an export as an answer.
///
/// # Errors
/// [`engine::Error::NotFound`] if it is not made yet.
pub async fn manifest_answer(state: &AppState, reader: &Reader, id: ExportId) -> Result<Response, engine::Error> {
    let manifest = state.engine.export_manifest(reader, id).await?;
    let name = format!("{}.manifest.json", manifest["file"].as_str().unwrap_or("export"));
    Ok(([(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))], Json(manifest)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_a_request_come_at_once() {
        let read = |text: &str| job_form(Query::parse(Some(text)));
        let form = read("kind=days&from=2026-11-01&to=2026-12-01&format=parquet").unwrap();
        assert_eq!((form.kind, form.format, form.bom), (Kind::Days, Format::Parquet, false));
        let Err(ApiError::ValidationFailed(faults)) = read("from=x&to=2026-12-01&format=doc&bom=1") else { panic!() };
        let fields: Vec<_> = faults.0.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["from", "kind", "format", "bom"]);
    }
}
