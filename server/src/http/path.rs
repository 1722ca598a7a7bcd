//! Ids, months and steps in paths: what is none is a 404 before anything is asked of the store.

use crate::http::error::ApiError;
use axum::extract::{FromRequestParts, RawPathParams};
use domain::billing::Step;
use domain::export::Kind;
use domain::ids::ReportId;
use domain::zone::Month;
use http::request::Parts;
use std::str::FromStr;

/// The id that is the path's one parameter.
pub struct PathId<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::NotFound)?;
        let (_, text) = params.iter().next().ok_or(ApiError::NotFound)?;
        text.parse().map(Self).map_err(|_| ApiError::NotFound)
    }
}

/// The month that is the path's parameter `month`. At the path's end it may be followed by `.csv`.
pub struct PathMonth(pub Month);

impl<S: Send + Sync> FromRequestParts<S> for PathMonth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        param_or_file(parts, state, "month", &[".csv"]).await.map(Self)
    }
}

/// The report that is the path's parameter `report`; it may be followed by `.csv` or `.pdf`.
pub struct PathReport(pub ReportId);

impl<S: Send + Sync> FromRequestParts<S> for PathReport {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        param_or_file(parts, state, "report", &[".csv", ".pdf"]).await.map(Self)
    }
}

/// A parameter that may be followed by one of some endings at the path's end.
async fn param_or_file<S: Send + Sync, T: FromStr>(
    parts: &mut Parts,
    state: &S,
    name: &str,
    endings: &[&str],
) -> Result<T, ApiError> {
    let text = param(parts, state, name).await?;
    let last = parts.uri.path().rsplit('/').next().unwrap_or_default();
    let bare = endings.iter().filter(|_| last == text).find_map(|ending| text.strip_suffix(ending));
    bare.unwrap_or(&text).parse().map_err(|_| ApiError::NotFound)
}

/// The step of a waterfall that is the path's parameter `step`.
pub struct PathStep(pub Step);

impl<S: Send + Sync> FromRequestParts<S> for PathStep {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Step::from_name(&param(parts, state, "step").await?).map(Self).ok_or(ApiError::NotFound)
    }
}

/// What is exported, the path's parameter `kind`.
pub struct PathKind(pub Kind);

impl<S: Send + Sync> FromRequestParts<S> for PathKind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Kind::from_name(&param(parts, state, "kind").await?).map(Self).ok_or(ApiError::NotFound)
    }
}

async fn param<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, ApiError> {
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::NotFound)?;
    let found = params.iter().find(|(of, _)| *of == name).map(|(_, text)| text.to_owned());
    found.ok_or(ApiError::NotFound)
}
