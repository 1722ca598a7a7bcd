//! Statements as files: the same tables as the API's, asked for by the person who is logged in.

use crate::api::billing::export::EventPages;
use crate::api::billing::{EventsQuestion, tables};
use crate::http::query::Query;
use crate::state::AppState;
use crate::web::download::{Refusal, asking};
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use domain::zone::Month;
use domain::{FaultCode, Faults};
use engine::FileOf;
use engine::actor::{Reader, SessionUser};
use tower_sessions::Session;

/// The parameter `month`, which is required.
fn month(query: &mut Query) -> Result<Month, Faults> {
    let month = query.parsed("month", FaultCode::FieldInvalid, "Must be a month, such as 2026-11.");
    query.require("month", month).ok_or_else(|| std::mem::take(&mut query.faults))
}

/// Notes that a person is given a file of a statement, or of what a month rests on.
async fn note(state: &AppState, user: &SessionUser, reader: &Reader, of: &str, file: &str) -> Result<(), Refusal> {
    Ok(state.engine.note_file(reader, &FileOf::Statement { of, file }, &user.acts_as()).await?)
}

/// `GET /download/statement-lines.csv`
pub async fn lines(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let statement = state.engine.statement(&reader, month(&mut query)?).await?;
    note(&state, &user, &reader, &statement.number, "lines as CSV").await?;
    Ok(tables::lines(&statement).into_response())
}

/// `GET /download/statement-days.csv`: every step of the waterfall, day by day.
pub async fn days(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let month = month(&mut query)?;
    let steps = state.engine.all_step_counts(&reader, month).await?;
    note(&state, &user, &reader, &month.to_string(), "days as CSV").await?;
    Ok(tables::daily(month, &steps).into_response())
}

/// `GET /download/statement-events.csv`: the events behind a statement or one of its steps, however many.
pub async fn events(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let month = month(&mut query)?;
    let EventsQuestion { filter, as_of, .. } = EventsQuestion::read(query)?;
    let pages = EventPages::new(state.engine.clone(), reader, month, filter, as_of, None);
    Ok(pages.into_answer(&user.acts_as()).await?)
}

/// `GET /download/statement.pdf`
pub async fn pdf(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let statement = state.engine.statement(&reader, month(&mut query)?).await?;
    let number = statement.number.clone();
    let name = format!("reachline-statement-{number}.pdf");
    let made_at = state.engine.now();
    let making = tokio::task::spawn_blocking(move || crate::documents::statement_pdf(&statement, made_at));
    let internal = |error: String| Refusal::Engine(engine::Error::Internal(error));
    let made = making.await.map_err(|error| internal(error.to_string()))?;
    let bytes = made.map_err(|error| internal(error.to_string()))?;
    note(&state, &user, &reader, &number, "PDF").await?;
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok((
        [(http::header::CONTENT_TYPE, "application/pdf".to_owned()), (http::header::CONTENT_DISPOSITION, disposition)],
        bytes,
    )
        .into_response())
}
