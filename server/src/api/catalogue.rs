//! `GET /v1/helplines`, `/v1/countries`, `/v1/topics`: the catalogue.

use crate::http::client::{CatalogueClient, Charged};
use crate::http::error::ApiError;
use crate::http::path::PathId;
use crate::http::query::Query;
use crate::openapi::{params, schemas};
use crate::state::AppState;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::helpline::{Country, CountryCode, Helpline, HelplineFilter, LIMIT_DEFAULT, LIMIT_MAX, Topic};
use domain::text::NAME_CHARS_MAX;
use domain::{FaultCode, Faults, HelplineId};
use engine::actor::ApiClient;
use serde::Serialize;

/// The answer, or the refusal that its headers come with.
type Answer = Result<Response, Response>;
type Found = Result<Json<Helplines>, ApiError>;

#[derive(Serialize)]
struct Helplines {
    helplines: Vec<Helpline>,
}

#[derive(Serialize)]
struct OneHelpline {
    helpline: Helpline,
}

#[derive(Serialize)]
struct Countries {
    countries: Vec<Country>,
}

#[derive(Serialize)]
struct Topics {
    topics: Vec<Topic>,
}

/// Find the helplines of a country.
///
/// Priority helplines come first. Contact fields that a helpline does not have are left out.
#[utoipa::path(
    get,
    path = "/v1/helplines",
    tag = "Helplines",
    security(("token" = ["helplines:read"])),
    params(params::HelplineParams),
    responses((status = 200, description = "The helplines that match.", body = schemas::Helplines))
)]
pub async fn helplines(
    State(state): State<AppState>,
    CatalogueClient(client): CatalogueClient,
    RawQuery(query): RawQuery,
) -> Answer {
    let charged = Charged::charge(&state, &client).await?;
    Ok(charged.answer(find(&state, &client, query.as_deref()).await))
}

async fn find(state: &AppState, client: &ApiClient, query: Option<&str>) -> Found {
    let filter = filter(Query::parse(query))?;
    Ok(Json(Helplines { helplines: state.engine.find_helplines(client, &filter).await? }))
}

/// One helpline.
#[utoipa::path(
    get,
    path = "/v1/helplines/{id}",
    tag = "Helplines",
    security(("token" = ["helplines:read"])),
    params(params::HelplinePath),
    responses((status = 200, description = "The helpline.", body = schemas::OneHelpline))
)]
pub async fn helpline(
    State(state): State<AppState>,
    CatalogueClient(client): CatalogueClient,
    PathId(id): PathId<HelplineId>,
) -> Answer {
    let charged = Charged::charge(&state, &client).await?;
    let found = state.engine.get_helpline(&client, &id).await;
    Ok(charged.answer(found.map(|helpline| Json(OneHelpline { helpline })).map_err(ApiError::from)))
}

/// The countries that have helplines.
#[utoipa::path(
    get,
    path = "/v1/countries",
    tag = "Helplines",
    security(("token" = ["helplines:read"])),
    responses((status = 200, description = "The countries, by name.", body = schemas::Countries))
)]
pub async fn countries(State(state): State<AppState>, CatalogueClient(client): CatalogueClient) -> Answer {
    let charged = Charged::charge(&state, &client).await?;
    let found = state.engine.list_countries(&client).await;
    Ok(charged.answer(found.map(|countries| Json(Countries { countries })).map_err(ApiError::from)))
}

/// The topics that helplines help with.
#[utoipa::path(
    get,
    path = "/v1/topics",
    tag = "Helplines",
    security(("token" = ["helplines:read"])),
    responses((status = 200, description = "The topics, by name.", body = schemas::Topics))
)]
pub async fn topics(State(state): State<AppState>, CatalogueClient(client): CatalogueClient) -> Answer {
    let charged = Charged::charge(&state, &client).await?;
    let found = state.engine.list_topics(&client).await;
    Ok(charged.answer(found.map(|topics| Json(Topics { topics })).map_err(ApiError::from)))
}

fn filter(mut query: Query) -> Result<HelplineFilter, Faults> {
    const TWO_LETTERS: &str = "Must be an ISO 3166 code of two letters, such as GB.";
    let country = query.parsed::<CountryCode>("country_code", FaultCode::CountryUnknown, TWO_LETTERS);
    let country = query.require("country_code", country);
    let topic = query.short_text("topic", NAME_CHARS_MAX);
    let specialty = query.short_text("specialty", NAME_CHARS_MAX);
    let contact_method = query.named("contact_method");
    let priority_only = query.flag("priority_only");
    let limit = query.limit("limit", LIMIT_DEFAULT, LIMIT_MAX);
    match country {
        Some(country) => {
            query.faults.or(HelplineFilter { country, topic, specialty, contact_method, priority_only, limit })
        }
        None => Err(query.faults),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        let filter = |query: &str| filter(Query::parse(Some(query)));
        let found = filter("country_code=gb&topic=Grief&contact_method=chat&priority_only=true&limit=5").unwrap();
        assert_eq!((found.country.as_str(), found.limit, found.priority_only), ("GB", 5, true));
        let codes = |query: &str| {
            let faults = filter(query).unwrap_err().0;
            faults.into_iter().map(|fault| (fault.field, fault.code.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(codes(""), [("country_code".to_owned(), "field_missing")]);
        assert_eq!(codes("country_code=%zz"), [("country_code".to_owned(), "field_invalid")]);
        let all = codes("country_code=GBR&topic=&specialty=%20&contact_method=fax&priority_only=yes&limit=101");
        assert_eq!(all.len(), 6, "{all:?}");
    }
}
