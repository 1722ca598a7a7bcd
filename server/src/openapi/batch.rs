//! The batch of events in the description: what annotations cannot say of it.

use crate::http::body::BATCH_BYTES_MAX;
use engine::BATCH_EVENTS_MAX;
use serde_json::{Value, json};

/// Where batches are posted.
pub const PATH: &str = "/v1/events/batch";

/// Completes the description of the batch.
pub fn complete(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    schemas["EventBatch"]["properties"]["events"] = events();
    schemas["BatchReceipt"]["properties"]["results"]["maxItems"] = json!(BATCH_EVENTS_MAX);
    schemas["BatchReceipt"]["example"] = example_of_answer();
    let body = &mut document["paths"][PATH]["post"]["requestBody"];
    body["description"] = json!(format!(
        "An array of events, an object whose member `events` is one, or (`application/x-ndjson`) an event on each line, \
         in UTF-8: at most {BATCH_EVENTS_MAX} events and {BATCH_BYTES_MAX} bytes, also once decompressed. It may be \
         compressed: `Content-Encoding: gzip` or `zstd`. What is no JSON at all is refused as a whole; an event that is \
         no object, or a line that is no JSON, is a rejected event. Of an empty batch there are no results. Unknown \
         members are ignored."
    ));
    body["content"]["application/json"]["schema"] = json!({
        "oneOf": [events(), {"$ref": "#/components/schemas/EventBatch"}],
        "example": {"events": example_of_events()},
    });
    for lines_type in ["application/x-ndjson", "application/ndjson"] {
        body["content"][lines_type]["schema"] = json!({"type": "string"});
    }
}

/// Anything may stand in the array: what is no good event is answered as such. How many may is said in words: what
/// breaks a schema is expected to be invalid, and too many of what is valid are refused as too large.
fn events() -> Value {
    json!({
        "type": "array",
        "items": {"anyOf": [{"$ref": "#/components/schemas/BatchEvent"}, {"description": "Answered as rejected."}]},
    })
}

fn example_of_events() -> Value {
    json!([
        {"type": "helpline_display", "helpline_id": "gb-evenlight", "session_id": "b1f6c2d0", "timestamp": "2026-11-24T09:30:00Z"},
        {"type": "helpline_click", "helpline_id": "gb-evenlight", "session_id": "b1f6c2d0", "timestamp": "2026-11-24T09:30:20Z", "contact_method": "phone"},
    ])
}

fn example_of_answer() -> Value {
    let fault = json!({
        "field": "timestamp",
        "code": "timestamp_too_old",
        "detail": "Lies too long ago: at least 2026-10-20T09:30:00.000Z is accepted.",
    });
    json!({
        "accepted": 1,
        "duplicate": 0,
        "rejected": 1,
        "results": [
            {"index": 0, "status": "accepted", "event_id": "019ab4c2-7d1e-8c3a-9f00-2b64a1c0ffee"},
            {"index": 1, "status": "rejected", "error": {
                "code": "validation_failed", "detail": "There is one fault; see errors.", "errors": [fault],
            }},
        ],
    })
}
