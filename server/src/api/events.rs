//! `POST /v1/events/…`: displays and clicks.

use crate::http::body::{self, EVENT_BYTES_MAX};
use crate::http::client::EventsClient;
use crate::http::error::{ApiError, Malformed};
use crate::openapi::schemas;
use crate::state::AppState;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use domain::event::Kind;
use engine::actor::ApiClient;
use engine::{ApiScope, EventError, EventFault, Receipt, ReceiptStatus, UnreadBody};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// The answer to an event that is stored.
#[derive(Serialize)]
pub struct Accepted {
    event_id: String,
    status: &'static str,
}

type Answer = Result<(StatusCode, Json<Accepted>), ApiError>;

/// Report that a helpline was displayed.
///
/// Answered only after the event is durable. Sending the same event again is safe: it is answered `duplicate` with
/// the same `event_id` and counted once. Does not count against the quota of calls.
#[utoipa::path(
    post,
    path = "/v1/events/helpline-display",
    tag = "Events",
    security(("token" = ["events:write"])),
    request_body(content((schemas::DisplayEvent = "application/json"))),
    responses((status = 202, description = "The event is stored.", body = schemas::EventReceipt))
)]
pub async fn display(
    State(state): State<AppState>,
    EventsClient(client): EventsClient,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    record(&state, &client, Kind::Display, &headers, body).await
}

/// Report that a user chose a way to contact a helpline.
///
/// Answered only after the event is durable. A click is *attributed* if the same session was shown the same helpline
/// in the 24 hours before it.
#[utoipa::path(
    post,
    path = "/v1/events/helpline-click",
    tag = "Events",
    security(("token" = ["events:write"])),
    request_body(content((schemas::ClickEvent = "application/json"))),
    responses((status = 202, description = "The event is stored.", body = schemas::EventReceipt))
)]
pub async fn click(
    State(state): State<AppState>,
    EventsClient(client): EventsClient,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    record(&state, &client, Kind::Click, &headers, body).await
}

async fn record(state: &AppState, client: &ApiClient, kind: Kind, headers: &HeaderMap, body: Body) -> Answer {
    let recorded = match read(headers, body).await {
        Ok(bytes) => {
            state.engine.record_event(client, kind, &bytes).await.map_err(|error| refused(error, Malformed::Event))
        }
        Err(error) => Err(refused_unread(state, client, error).await),
    };
    let name = name_of(Some(kind));
    match recorded {
        Ok(Receipt { event_id, status }) => {
            let status = status_of(status);
            state.metrics.event(name, status);
            Ok((StatusCode::ACCEPTED, Json(Accepted { event_id: event_id.to_string(), status })))
        }
        Err(error) => {
            state.metrics.event(name, outcome(&error));
            Err(error)
        }
    }
}

/// A kind of event, as counts of events name it.
pub fn name_of(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Display) => "display",
        Some(Kind::Click) => "click",
        None => "unknown",
    }
}

/// A status, as answers name it.
pub fn status_of(status: ReceiptStatus) -> &'static str {
    match status {
        ReceiptStatus::Accepted => "accepted",
        ReceiptStatus::Duplicate => "duplicate",
    }
}

/// The body. What it holds is for the engine to judge, which also counts what it refuses.
async fn read(headers: &HeaderMap, body: Body) -> Result<bytes::Bytes, ApiError> {
    if !body::media_type(headers).is_some_and(|essence| body::is_json(&essence)) {
        return Err(ApiError::MediaTypeUnsupported);
    }
    let bytes = body::read_encoded(headers, body, EVENT_BYTES_MAX).await?;
    // An event is an object: an array, whose members would be taken by their position, is passed on as nothing.
    Ok(if body::is_object(&bytes) { bytes } else { bytes::Bytes::new() })
}

/// Has a body counted that was refused before the engine saw it, and says what to answer.
pub async fn refused_unread(state: &AppState, client: &ApiClient, error: ApiError) -> ApiError {
    let why = match &error {
        ApiError::MalformedJson(_) => UnreadBody::Malformed,
        ApiError::BodyTooLarge { .. } => UnreadBody::TooLarge,
        ApiError::MediaTypeUnsupported => UnreadBody::MediaTypeUnsupported,
        _ => return error,
    };
    state.engine.record_unread(client, why).await.map_or_else(|error| refused(error, Malformed::Event), |()| error)
}

/// What to answer to what the engine refuses; `malformed` says what should have been there.
pub fn refused(error: EventError, malformed: Malformed) -> ApiError {
    match error {
        EventError::Forbidden => ApiError::ScopeMissing(ApiScope::EventsWrite),
        EventError::Refused(EventFault::Malformed) => ApiError::MalformedJson(malformed),
        EventError::Refused(EventFault::Invalid(faults)) => ApiError::ValidationFailed(faults),
        EventError::TooMany { events_max } => ApiError::TooManyEvents { events_max },
        EventError::Unavailable { retry_after_seconds } => {
            ApiError::Unavailable { retry_after_seconds: retry_after_seconds.into() }
        }
    }
}

/// The code under which a refused event is counted: that of the first rule it breaks.
pub fn outcome(error: &ApiError) -> &'static str {
    match error {
        ApiError::ValidationFailed(faults) => faults.first_code().map_or("validation_failed", |code| code.as_str()),
        other => other.code(),
    }
}
