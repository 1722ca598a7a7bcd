//! Files of exports, for the person who is logged in.

use crate::api::exports::{file_answer, manifest_answer};
use crate::http::query::Query;
use crate::state::AppState;
use crate::web::download::{Refusal, asking};
use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use domain::ids::ExportId;
use tower_sessions::Session;

fn id(text: &str) -> Result<ExportId, Refusal> {
    text.parse().map_err(|_| Refusal::Engine(engine::Error::NotFound))
}

/// `GET /download/exports/{export}`
pub async fn file(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Path(export): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let (user, reader) = asking(&state, &session, &mut Query::parse_form(query.as_deref())).await?;
    Ok(file_answer(&state, &reader, id(&export)?, &user.acts_as()).await?)
}

/// `GET /download/exports/{export}/manifest`
pub async fn manifest(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Path(export): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let (_, reader) = asking(&state, &session, &mut Query::parse_form(query.as_deref())).await?;
    Ok(manifest_answer(&state, &reader, id(&export)?).await?)
}
