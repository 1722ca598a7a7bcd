//! `GET /v1/usage/…` and `GET /v1/statements…`: what a month costs, and how that comes about, down to the events.

pub mod export;
pub mod json;
pub mod tables;

use crate::api::analytics::{Answer, CURSOR_CHARS_MAX, Call};
use crate::http::client::{AnalyticsRead, Client};
use crate::http::path::{PathMonth, PathStep};
use crate::http::query::{Named, Query};
use crate::openapi::{params, schemas};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use domain::billing::Step;
use domain::zone::Day;
use domain::{FaultCode, Faults};
use engine::{FileOf, Paging, TrailFilter};
use export::EventPages;
use http::HeaderValue;
use http::header::VARY;

/// Statements of a page, unless asked otherwise, and at most.
const STATEMENTS_LIMIT: (usize, usize) = (24, 100);
/// Events of a page, unless asked otherwise, and at most.
const EVENTS_LIMIT: (usize, usize) = (100, 1_000);
/// Largest place in a customer's log that is asked for: what JSON's readers still count exactly.
const PLACE_MAX: u64 = (1 << 53) - 1;

/// A month's usage.
///
/// The waterfall leads from everything that was received to what is billed; the statement says what that costs: as it was
/// issued or, until then, live. It is null where no rate card prices the month.
#[utoipa::path(
    get,
    path = "/v1/usage/{month}",
    tag = "Billing",
    security(("token" = ["analytics:read"])),
    params(params::MonthPath),
    responses((status = 200, description = "The month's waterfall and statement.", content(
        (schemas::Usage = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn usage(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathMonth(month): PathMonth,
    call: Call,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    let usage = state.engine.usage(&reader, month).await?;
    if call.wants_csv {
        let file = FileOf::Statement { of: &month.to_string(), file: "usage as CSV" };
        state.engine.note_file(&reader, &file, &client.acts_as()).await?;
    }
    Ok(call.answer(&json::usage(&usage), || tables::usage(&usage)))
}

/// All statements.
///
/// Newest first, in pages: the drafts of the running month and of those that are not issued yet, then what was issued. As
/// CSV one in a row, with the next page in the header `Link`.
#[utoipa::path(
    get,
    path = "/v1/statements",
    tag = "Billing",
    security(("token" = ["analytics:read"])),
    params(params::StatementsParams),
    responses((status = 200, description = "A page of statements.", content(
        (schemas::Statements = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn statements(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    call: Call,
) -> Answer {
    let mut query = Query::parse(call.query.as_deref());
    let limit = query.limit("limit", STATEMENTS_LIMIT.0, STATEMENTS_LIMIT.1);
    let cursor = query.short_text("cursor", CURSOR_CHARS_MAX);
    query.faults.or(())?;
    let reader = state.engine.api_reader(&client)?;
    let is_first = cursor.is_none();
    let page = state.engine.statements(&reader, Paging { cursor, limit }).await?;
    if call.wants_csv {
        let file = FileOf::Statement { of: "Statements", file: "a list as CSV" };
        state.engine.note_page(&reader, &file, is_first, &client.acts_as()).await?;
    }
    let next_cursor = page.next_cursor.as_deref();
    let body = json::Statements { statements: page.items.iter().map(Into::into).collect(), next_cursor };
    let response = call.answer(&body, || tables::statements(&page.items));
    Ok(call.with_next(response, next_cursor))
}

/// The statement of a month.
///
/// As it was issued: it never changes again. What arrives later is adjusted on the next statement, which says what the
/// month came to before and after. Until it is issued it is a draft, that of the running month with a forecast. As CSV its
/// lines.
#[utoipa::path(
    get,
    path = "/v1/statements/{month}",
    tag = "Billing",
    security(("token" = ["analytics:read"])),
    params(params::MonthPath),
    responses((status = 200, description = "The statement.", content(
        (schemas::Statement = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn statement(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathMonth(month): PathMonth,
    call: Call,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    let statement = state.engine.statement(&reader, month).await?;
    if call.wants_csv {
        let file = FileOf::Statement { of: &statement.number, file: "lines as CSV" };
        state.engine.note_file(&reader, &file, &client.acts_as()).await?;
    }
    Ok(call.answer(&json::Statement::from(&statement), || tables::lines(&statement)))
}

/// The events behind a bill.
///
/// In the order of time, each with what became of it. Those of an issued month are the ones that its statement counts,
/// whatever arrived since. Of a running month the answer names the place in the log up to which it goes: give it as `as_of`
/// with the next page's `cursor`, so that pages fit together. Nothing tells sessions apart. As CSV all events come in one
/// answer, from `cursor` on, whatever `limit` is.
#[utoipa::path(
    get,
    path = "/v1/usage/{month}/events",
    tag = "Billing",
    security(("token" = ["analytics:read"])),
    params(params::MonthPath, params::EventsParams),
    responses((status = 200, description = "A page of events.", content(
        (schemas::BilledEvents = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn billed_events(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathMonth(month): PathMonth,
    call: Call,
) -> Answer {
    let EventsQuestion { filter, as_of, paging } = EventsQuestion::read(Query::parse(call.query.as_deref()))?;
    let reader = state.engine.api_reader(&client)?;
    let mut response = if call.wants_csv {
        let pages = EventPages::new(state.engine.clone(), reader, month, filter, as_of, paging.cursor);
        pages.into_answer(&client.acts_as()).await?
    } else {
        let page = state.engine.statement_events(&reader, month, &filter, as_of, &paging).await?;
        let is_first = paging.cursor.is_none();
        state.engine.note_events_page(&reader, (month, &filter), is_first, &client.acts_as()).await?;
        Json(json::events(&page)).into_response()
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// The counts behind a step of a month's waterfall.
///
/// By day, application and helpline; what was refused by reason. Of refused and repeated events only counts are kept, by
/// quarter hours: refusals when they were received, repetitions at the time of the event.
#[utoipa::path(
    get,
    path = "/v1/usage/{month}/steps/{step}",
    tag = "Billing",
    security(("token" = ["analytics:read"])),
    params(params::MonthPath, params::StepPath, params::AsOfParam),
    responses((status = 200, description = "The counts.", body = schemas::StepCounts))
)]
pub async fn step_counts(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathMonth(month): PathMonth,
    PathStep(step): PathStep,
    call: Call,
) -> Answer {
    let mut query = Query::parse(call.query.as_deref());
    let as_of = query.whole("as_of", PLACE_MAX);
    query.faults.or(())?;
    let reader = state.engine.api_reader(&client)?;
    let counts = state.engine.step_counts(&reader, month, step, as_of).await?;
    Ok(Json(json::step(&counts)).into_response())
}

/// A step whose events are kept, so that they can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listed(Step);

impl Named for Listed {
    fn named(name: &str) -> Option<Self> {
        Step::from_name(name).filter(|step| step.has_events()).map(Self)
    }
    fn names() -> Vec<&'static str> {
        Step::ALL.into_iter().filter(|step| step.has_events()).map(Step::as_str).collect()
    }
}

/// Which events are asked for.
#[derive(Debug)]
pub struct EventsQuestion {
    pub filter: TrailFilter,
    pub as_of: Option<u64>,
    pub paging: Paging,
}

impl EventsQuestion {
    /// Reads the parameters.
    ///
    /// # Errors
    /// All faults of all parameters.
    pub fn read(mut query: Query) -> Result<Self, Faults> {
        const DATE: &str = "Must be a calendar date, such as 2026-11-24.";
        let filter = TrailFilter {
            step: query.named::<Listed>("step").map(|Listed(step)| step),
            day: query.parsed::<Day>("day", FaultCode::FieldInvalid, DATE),
            application_id: query.parsed("application_id", FaultCode::FieldInvalid, "Must be an id of an application."),
            helpline_id: query.parsed("helpline_id", FaultCode::FieldInvalid, "Must be an id of a helpline."),
            contact_method: query.named("contact_method"),
        };
        let limit = query.limit("limit", EVENTS_LIMIT.0, EVENTS_LIMIT.1);
        let cursor = query.short_text("cursor", CURSOR_CHARS_MAX);
        let as_of = query.whole("as_of", PLACE_MAX);
        query.faults.or(Self { filter, as_of, paging: Paging { cursor, limit } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_a_question_come_at_once() {
        let read = |query: &str| EventsQuestion::read(Query::parse(Some(query)));
        let good = "step=net&day=2026-11-24&contact_method=chat&limit=1000&cursor=1.2&as_of=0";
        let question = read(good).unwrap();
        assert_eq!((question.filter.step, question.as_of), (Some(Step::Net), Some(0)));
        let bad = "step=received&day=24&application_id=1&helpline_id=!&contact_method=2&limit=0&cursor=&as_of=-1";
        let fields: Vec<_> = read(bad).unwrap_err().0.into_iter().map(|fault| fault.field).collect();
        let expected = ["step", "day", "application_id", "helpline_id", "contact_method", "limit", "cursor", "as_of"];
        assert_eq!(fields, expected);
    }
}
