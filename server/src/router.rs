//! The one table of routes.

use crate::api::{analytics, batch, billing, catalogue, events, exports, oauth, ops, reports};
use crate::http::error::{ApiError, STORE_RETRY_AFTER_SECONDS};
use crate::http::observe;
use crate::state::AppState;
use crate::{assets, web};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::Uri;

/// Everything that the server answers.
pub fn router(state: AppState) -> Router {
    let api = Router::new()
        .route("/oauth/token", post(oauth::token))
        .route("/v1/events/helpline-display", post(events::display))
        .route("/v1/events/helpline_display", post(events::display))
        .route("/v1/events/helpline-click", post(events::click))
        .route("/v1/events/helpline_click", post(events::click))
        .route("/v1/events/batch", post(batch::batch))
        .route("/v1/helplines", get(catalogue::helplines))
        .route("/v1/helplines/{id}", get(catalogue::helpline))
        .route("/v1/countries", get(catalogue::countries))
        .route("/v1/topics", get(catalogue::topics))
        .route("/v1/analytics/summary", get(analytics::summary))
        .route("/v1/analytics/summary.csv", get(analytics::summary))
        .route("/v1/analytics/timeseries", get(analytics::timeseries))
        .route("/v1/analytics/timeseries.csv", get(analytics::timeseries))
        .route("/v1/analytics/breakdown", get(analytics::breakdown))
        .route("/v1/analytics/breakdown.csv", get(analytics::breakdown))
        // With `.csv` after the month, too.
        .route("/v1/usage/{month}", get(billing::usage))
        .route("/v1/usage/{month}/events", get(billing::billed_events))
        .route("/v1/usage/{month}/events.csv", get(billing::billed_events))
        .route("/v1/usage/{month}/steps/{step}", get(billing::step_counts))
        .route("/v1/statements", get(billing::statements))
        .route("/v1/statements.csv", get(billing::statements))
        .route("/v1/statements/{month}", get(billing::statement))
        .route("/v1/reports", get(reports::reports))
        // With `.csv` or `.pdf` after the id, too.
        .route("/v1/reports/{report}", get(reports::report))
        .route("/v1/exports/{kind}", get(exports::export))
        .route("/v1/exports/{kind}/manifest", get(exports::manifest))
        .route("/v1/export-jobs", get(exports::list_jobs).post(exports::request_job))
        .route("/v1/export-jobs/{job}", get(exports::job).delete(exports::end_job))
        .route("/v1/export-jobs/{job}/file", get(exports::job_file))
        .route("/v1/export-jobs/{job}/manifest", get(exports::job_manifest))
        .route("/openapi.json", get(ops::openapi_json))
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .method_not_allowed_fallback(method_not_allowed);
    api.merge(web::routes(&state))
        .merge(assets::routes(&state.leptos_options()))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

/// What is answered on a connection beyond those that there may be: who watches over the server is told how it is, everybody
/// else to come back.
pub fn refusing_router(state: AppState) -> Router {
    Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .fallback(too_many_connections)
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

async fn too_many_connections(uri: Uri) -> Response {
    if observe::is_api(uri.path()) {
        return ApiError::Unavailable { retry_after_seconds: STORE_RETRY_AFTER_SECONDS }.into_response();
    }
    web::page::unavailable()
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
