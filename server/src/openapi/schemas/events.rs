//! Events, alone and in batches, and what is answered to them.

use super::Fault;
use serde::Serialize;
use utoipa::ToSchema;

/// A helpline was displayed.
#[derive(ToSchema)]
pub struct DisplayEvent {
    /// The id of the helpline, from the catalogue.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$", example = "gb-evenlight")]
    helpline_id: String,
    /// Any opaque text of at most 255 bytes that is the same for the displays and clicks of one user session. Never
    /// an e-mail address, telephone number or IP address.
    #[schema(min_length = 1, max_length = 255, example = "b1f6c2d0-5a0e-4c3e-9d53-0d3a2f1c7e11")]
    session_id: String,
    /// When it happened, with an offset or `Z`.
    #[schema(format = DateTime, example = "2026-11-24T09:30:00Z")]
    timestamp: String,
}

/// A way to contact a helpline was clicked.
#[derive(ToSchema)]
pub struct ClickEvent {
    /// The id of the helpline, from the catalogue.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$", example = "gb-evenlight")]
    helpline_id: String,
    /// The session of the display that the click follows.
    #[schema(min_length = 1, max_length = 255, example = "b1f6c2d0-5a0e-4c3e-9d53-0d3a2f1c7e11")]
    session_id: String,
    /// When it happened, with an offset or `Z`.
    #[schema(format = DateTime, example = "2026-11-24T09:30:20Z")]
    timestamp: String,
    /// Which way was chosen.
    #[schema(example = "phone")]
    contact_method: AcceptedContactMethod,
}

/// The ways to contact a helpline, and their aliases in events and filters.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum AcceptedContactMethod {
    Phone,
    Sms,
    OnlineChat,
    Website,
    Tty,
    Whatsapp,
    ReportingForm,
    /// The same as `online_chat`.
    Chat,
    /// The same as `online_chat`.
    #[serde(rename = "online-chat")]
    #[schema(rename = "online-chat")]
    OnlineChatHyphen,
    /// The same as `reporting_form`.
    #[serde(rename = "reporting-form")]
    #[schema(rename = "reporting-form")]
    ReportingFormHyphen,
}

/// The event is stored.
#[derive(ToSchema)]
pub struct EventReceipt {
    /// The same for the same event, however often it is sent.
    #[schema(format = Uuid)]
    event_id: String,
    /// `duplicate` if the event had been sent before.
    status: ReceiptStatus,
}

/// Whether the event is new.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ReceiptStatus {
    Accepted,
    Duplicate,
}

/// One event of a batch.
#[derive(ToSchema)]
pub struct BatchEvent {
    r#type: EventType,
    /// The id of the helpline, from the catalogue.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$", example = "gb-evenlight")]
    helpline_id: String,
    /// Any opaque text of at most 255 bytes that is the same for the displays and clicks of one user session.
    #[schema(min_length = 1, max_length = 255, example = "b1f6c2d0-5a0e-4c3e-9d53-0d3a2f1c7e11")]
    session_id: String,
    /// When it happened, with an offset or `Z`.
    #[schema(format = DateTime, example = "2026-11-24T09:30:00Z")]
    timestamp: String,
    /// Which way was chosen: required of a click.
    #[schema(nullable = false)]
    contact_method: Option<AcceptedContactMethod>,
}

/// What an event reports.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum EventType {
    HelplineDisplay,
    HelplineClick,
    /// The same as `helpline_display`.
    #[serde(rename = "helpline-display")]
    #[schema(rename = "helpline-display")]
    HelplineDisplayHyphen,
    /// The same as `helpline_click`.
    #[serde(rename = "helpline-click")]
    #[schema(rename = "helpline-click")]
    HelplineClickHyphen,
}

/// A batch as an object.
#[derive(ToSchema)]
pub struct EventBatch {
    events: Vec<BatchEvent>,
}

/// What became of a batch. The three counts add up to the number of results.
#[derive(ToSchema)]
pub struct BatchReceipt {
    /// Events that are new.
    #[schema(minimum = 0)]
    accepted: u32,
    /// Events that had been sent before, or earlier in this batch.
    #[schema(minimum = 0)]
    duplicate: u32,
    /// Events that break rules. Nothing of them is stored.
    #[schema(minimum = 0)]
    rejected: u32,
    /// One for each event, in the order in which they were sent.
    results: Vec<BatchResult>,
}

/// What became of one event of a batch.
#[derive(ToSchema)]
pub struct BatchResult {
    /// Which event, from 0. Blank lines are none.
    #[schema(minimum = 0)]
    index: u32,
    status: BatchStatus,
    /// Of events that are stored.
    #[schema(format = Uuid, nullable = false)]
    event_id: Option<String>,
    /// Of rejected events.
    #[schema(nullable = false)]
    error: Option<EventProblem>,
}

/// Whether the event is stored.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum BatchStatus {
    Accepted,
    Duplicate,
    Rejected,
}

/// Why an event of a batch is rejected.
#[derive(ToSchema)]
pub struct EventProblem {
    /// `malformed_json` if it is no JSON object, else `validation_failed`.
    code: EventProblemCode,
    /// A sentence for people.
    detail: String,
    /// Every fault of the event.
    #[schema(nullable = false)]
    errors: Option<Vec<Fault>>,
}

/// The codes of events of a batch.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum EventProblemCode {
    MalformedJson,
    ValidationFailed,
}
