//! The overview's blocks as files: the same questions as the API, asked by the person who is logged in.

use crate::api::analytics::{
    Question, Table, breakdown_name, breakdown_table, by, interval, summary_table, timeseries_table,
};
use crate::api::csv;
use crate::http::query::Query;
use crate::state::AppState;
use crate::web::page;
use app::context;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use domain::period::{BREAKDOWN_LIMIT_MAX, Breakdown};
use domain::{CustomerId, FaultCode, Faults};
use engine::FileOf;
use engine::actor::{Reader, SessionUser};
use http::HeaderValue;
use http::header::RETRY_AFTER;
use tower_sessions::Session;

/// Why there is no file.
pub enum Refusal {
    SignedOut,
    Invalid,
    Engine(engine::Error),
}

impl From<engine::Error> for Refusal {
    fn from(error: engine::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Faults> for Refusal {
    fn from(_: Faults) -> Self {
        Self::Invalid
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::SignedOut => Redirect::to("/login").into_response(),
            Self::Invalid | Self::Engine(engine::Error::Invalid(_)) => page::invalid(),
            Self::Engine(engine::Error::NotFound) => page::not_found(),
            Self::Engine(engine::Error::Forbidden) => page::forbidden(),
            Self::Engine(engine::Error::Unavailable(cause)) => {
                tracing::warn!(%cause, "the store is not available");
                let mut response = page::unavailable();
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Self::Engine(engine::Error::Internal(cause)) => {
                tracing::error!(%cause, "a download failed");
                page::internal_error()
            }
        }
    }
}

/// Who asks, and about whose figures: of those who see several customers, the parameter `customer` says.
pub(super) async fn asking(
    state: &AppState,
    session: &Session,
    query: &mut Query,
) -> Result<(SessionUser, Reader), Refusal> {
    let user = context::who(&state.engine, session).await?.ok_or(Refusal::SignedOut)?;
    let customer = query.parsed::<CustomerId>("customer", FaultCode::FieldInvalid, "Must be an id of a customer.");
    let reader = state.engine.reader(&user, customer)?;
    Ok((user, reader))
}

/// Notes that a person is given a file of figures.
async fn note(
    state: &AppState,
    user: &SessionUser,
    reader: &Reader,
    what: &str,
    question: &Question,
) -> Result<(), Refusal> {
    let file = FileOf::Figures { what, period: question.period, filter: &question.filter };
    Ok(state.engine.note_file(reader, &file, &user.acts_as()).await?)
}

/// `GET /download/summary.csv`
pub async fn summary(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let question = Question::read(&mut query)?;
    let summary = state.engine.summary(&reader, question.period, &question.filter).await?;
    note(&state, &user, &reader, "Summary", &question).await?;
    Ok(summary_table(&summary).into_response())
}

/// `GET /download/timeseries.csv`
pub async fn timeseries(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let (question, interval) = Question::with(&mut query, interval)?;
    let series = state.engine.timeseries(&reader, question.period, interval, &question.filter).await?;
    note(&state, &user, &reader, "Figures over time", &question).await?;
    Ok(timeseries_table(&series).into_response())
}

/// Most pages of a breakdown in one file: 100,000 rows, more than there are helplines in the world.
const PAGES_MAX: usize = 100;

/// `GET /download/breakdown.csv`: all rows, not only those of the page on the screen.
pub async fn breakdown(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let by_default = |query: &mut Query| if query.has("by") { by(query) } else { Some(Breakdown::Helpline) };
    let (question, by) = Question::with(&mut query, by_default)?;
    let Question { period, filter } = &question;
    let mut pages = Vec::new();
    let mut cursor = None;
    while pages.len() < PAGES_MAX {
        let page = state.engine.breakdown(&reader, *period, by, filter, BREAKDOWN_LIMIT_MAX, cursor.as_deref()).await?;
        cursor.clone_from(&page.next_cursor);
        pages.push(page);
        if cursor.is_none() {
            break;
        }
    }
    note(&state, &user, &reader, &breakdown_name(by), &question).await?;
    let pages: Vec<_> = pages.iter().collect();
    Ok(breakdown_table(filter.scope(Some(by)), &pages).into_response())
}

/// `GET /download/intake.csv`: what became of the requests, as the overview tells it.
pub async fn intake(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut query = Query::parse_form(query.as_deref());
    let (user, reader) = asking(&state, &session, &mut query).await?;
    let question = Question::read(&mut query)?;
    let period = question.period;
    let report = state.engine.intake(&reader, period, question.filter.application_id).await?;
    note(&state, &user, &reader, "What became of requests", &question).await?;
    let mut table = csv::Table::new(&["outcome", "code", "requests"]);
    let known = [("accepted", report.accepted), ("duplicate", report.duplicates)];
    let known = known.iter().map(|(outcome, n)| (*outcome, "", *n));
    let refused = report.refused.iter().map(|(code, n)| ("refused", code.as_str(), *n));
    for (outcome, code, n) in known.chain(refused) {
        table.row([outcome.to_owned(), code.to_owned(), n.to_string()].into_iter());
    }
    let name = format!("reachline-intake-{}-{}.csv", period.from, period.to);
    Ok(Table { name, bytes: table.finish() }.into_response())
}
