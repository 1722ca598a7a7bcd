//! `/healthz`, `/readyz`, `/metrics`, `/openapi.json`: for operators and tools.

use crate::http::error::{ApiError, STORE_RETRY_AFTER_SECONDS};
use crate::openapi::{self, schemas};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};

/// Whether the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "Operation",
    responses((status = 200, description = "It does.", body = schemas::Health))
)]
pub async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Whether the server can take events and answer figures.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Operation",
    responses((status = 200, description = "It can.", body = schemas::Health))
)]
pub async fn readyz(State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    if state.engine.health().await.ready {
        return Ok(Json(json!({"status": "ok"})));
    }
    Err(ApiError::Unavailable { retry_after_seconds: STORE_RETRY_AFTER_SECONDS })
}

/// Counters in Prometheus' text form.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Operation",
    responses((status = 200, description = "The counters.", body = String, content_type = "text/plain"))
)]
pub async fn metrics(State(state): State<AppState>) -> Response {
    state.metrics.health(&state.engine.health().await);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render()).into_response()
}

/// This description of the API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Operation",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Value))
)]
pub async fn openapi_json() -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, openapi::document_json()).into_response()
}
