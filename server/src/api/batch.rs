//! `POST /v1/events/batch`: many events in one request.

use super::events::{name_of, outcome, refused, refused_unread, status_of};
use crate::http::body::{self, BATCH_BYTES_MAX};
use crate::http::client::BatchClient;
use crate::http::error::{ApiError, EventProblem, Malformed};
use crate::openapi::schemas;
use crate::state::AppState;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use domain::EventId;
use engine::actor::ApiClient;
use engine::{Batch, BatchForm, BatchResult};
use http::HeaderMap;
use serde::{Serialize, Serializer};

/// What became of a batch.
#[derive(Serialize)]
pub struct Answer {
    accepted: usize,
    duplicate: usize,
    rejected: usize,
    #[serde(serialize_with = "results")]
    results: Vec<BatchResult>,
}

/// Report many events at once.
///
/// Answered only after all of its events are durable, with a result for each in the order in which they were sent. One
/// bad event never costs another: what is wrong with it is its `error`, and the others are stored. Of an event that
/// comes twice the first is `accepted` and the next a `duplicate`. Sending a batch again is safe.
///
/// Each event counts against the limit of events a second. A batch of more than that is taken where the second before
/// was quiet, and what comes after it waits accordingly.
///
/// While more comes than can be counted, a batch waits before it is stored: at most half a millisecond for each of its
/// events. So figures do not fall behind.
#[utoipa::path(
    post,
    path = "/v1/events/batch",
    tag = "Events",
    security(("token" = ["events:write"])),
    request_body(content(
        (schemas::EventBatch = "application/json"),
        (String = "application/x-ndjson"),
        (String = "application/ndjson"),
    )),
    responses((status = 200, description = "A result for each event; the good ones are stored.", body = schemas::BatchReceipt))
)]
pub async fn batch(
    State(state): State<AppState>,
    BatchClient(client): BatchClient,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Answer>, ApiError> {
    let _place = state.batches.take(client.customer_id()).await?;
    let answered = take(&state, &client, &headers, body).await;
    if let Err((error, events)) = &answered {
        state.metrics.events(name_of(None), outcome(error), (*events).max(1) as u64);
    }
    answered.map(Json).map_err(|(error, _)| error)
}

/// An error comes with the number of events that it concerns, as far as that is known.
async fn take(
    state: &AppState,
    client: &ApiClient,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, (ApiError, usize)> {
    let burst = state.engine.event_burst(client);
    let (form, bytes) = match read(headers, body).await {
        Ok(read) => read,
        Err(error) => {
            state.bursts.check_many(client.application_id(), burst, 1).map_err(|error| (error, 1))?;
            return Err((refused_unread(state, client, error).await, 1));
        }
    };
    let batch = Batch::read(form, &bytes);
    let events = batch.len();
    // A body that holds no event was a call nevertheless.
    state.bursts.check_many(client.application_id(), burst, events.max(1)).map_err(|error| (error, events))?;
    let results = state.engine.record_batch(client, batch).await;
    let results = results.map_err(|error| (refused(error, Malformed::Batch), events))?;
    Ok(count(state, results))
}

async fn read(headers: &HeaderMap, body: Body) -> Result<(BatchForm, Bytes), ApiError> {
    Ok((form(headers)?, body::read_encoded(headers, body, BATCH_BYTES_MAX).await?))
}

/// How the media type says that the batch is written.
fn form(headers: &HeaderMap) -> Result<BatchForm, ApiError> {
    match body::media_type(headers) {
        Some(essence) if body::is_json(&essence) => Ok(BatchForm::Json),
        Some(essence) if body::is_json_lines(&essence) => Ok(BatchForm::Lines),
        _ => Err(ApiError::MediaTypeUnsupported),
    }
}

/// Sums up the results, for the answer and for the operators' counts.
fn count(state: &AppState, results: Vec<BatchResult>) -> Answer {
    // There are few different ones, and a look at a counter is dear.
    let mut counts: Vec<(&'static str, &'static str, u64)> = Vec::new();
    let mut answer = Answer { accepted: 0, duplicate: 0, rejected: 0, results };
    for BatchResult { kind, outcome } in &answer.results {
        let (total, outcome) = match outcome {
            Ok(receipt) if receipt.status == engine::ReceiptStatus::Accepted => (&mut answer.accepted, "accepted"),
            Ok(_) => (&mut answer.duplicate, "duplicate"),
            Err(fault) => (&mut answer.rejected, fault.code()),
        };
        *total += 1;
        let kind = name_of(*kind);
        match counts.iter_mut().find(|(k, o, _)| (*k, *o) == (kind, outcome)) {
            Some((.., count)) => *count += 1,
            None => counts.push((kind, outcome, 1)),
        }
    }
    for (kind, outcome, count) in counts {
        state.metrics.events(kind, outcome, count);
    }
    answer
}

/// One line of the answer.
#[derive(Serialize)]
struct Row<'a> {
    index: usize,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EventProblem<'a>>,
}

/// Written one by one: of a thousand events no list of rows is made.
fn results<S: Serializer>(results: &[BatchResult], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(results.iter().enumerate().map(|(index, result)| match &result.outcome {
        Ok(receipt) => Row { index, status: status_of(receipt.status), event_id: Some(receipt.event_id), error: None },
        Err(fault) => Row { index, status: "rejected", event_id: None, error: Some(fault.into()) },
    }))
}
