//! The application that calls, from its access token.

use crate::http::error::ApiError;
use crate::http::limits::Quota;
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use domain::quota::{Standing, WINDOW_SECONDS};
use engine::ApiScope;
use engine::actor::ApiClient;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

/// The scope that an endpoint asks for.
pub trait Scope: Send + Sync + 'static {
    /// Asked for by name in the token request.
    const SCOPE: ApiScope;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $scope:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl Scope for $name {
            const SCOPE: ApiScope = ApiScope::$scope;
        }
    )*};
}

scopes! {
    /// Posting events.
    EventsWrite = EventsWrite;
    /// Reading the catalogue.
    HelplinesRead = HelplinesRead;
    /// Reading figures.
    AnalyticsRead = AnalyticsRead;
}

/// A client whose token has the scope `S`.
pub struct Client<S> {
    pub client: ApiClient,
    scope: std::marker::PhantomData<S>,
}

impl<S: Scope> FromRequestParts<AppState> for Client<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let client = state.engine.authenticate_token(bearer(&parts.headers)?)?;
        client.require(S::SCOPE).map_err(|_| ApiError::ScopeMissing(S::SCOPE))?;
        Ok(Self { client, scope: std::marker::PhantomData })
    }
}

/// The access token of `Authorization: Bearer …` (RFC 6750 section 2.1, the one way that is supported).
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().ok_or(ApiError::TokenMissing)?;
    if lines.next().is_some() {
        return Err(ApiError::TokenInvalid);
    }
    let text = line.to_str().map_err(|_| ApiError::TokenInvalid)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::TokenMissing);
    }
    match token.trim_matches(' ') {
        "" => Err(ApiError::TokenMissing),
        token => Ok(token),
    }
}

/// A client that may post one more event now.
pub struct EventsClient(pub ApiClient);

impl FromRequestParts<AppState> for EventsClient {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Client { client, .. } = Client::<EventsWrite>::from_request_parts(parts, state).await?;
        let limit = state.engine.event_burst(&client);
        state.bursts.check(client.application_id(), limit)?;
        Ok(Self(client))
    }
}

/// A client that may post events now. How many, only the body tells: they are taken once that is read.
pub struct BatchClient(pub ApiClient);

impl FromRequestParts<AppState> for BatchClient {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Client { client, .. } = Client::<EventsWrite>::from_request_parts(parts, state).await?;
        state.bursts.peek(client.application_id(), state.engine.event_burst(&client))?;
        Ok(Self(client))
    }
}

/// A client whose address may make one more call of the catalogue in this second. The day's quota is charged by
/// [`Charged::charge`], so that a path that is no id costs nothing.
pub struct CatalogueClient(pub ApiClient);

impl FromRequestParts<AppState> for CatalogueClient {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        state.addresses.check(&parts.extensions).map_err(|(error, quota)| quota.on(error.into_response()))?;
        let client = Client::<HelplinesRead>::from_request_parts(parts, state).await;
        client.map(|client| Self(client.client)).map_err(IntoResponse::into_response)
    }
}

/// A catalogue call that was counted: its answer says what is left.
pub struct Charged(Quota);

impl Charged {
    /// Counts a call against the customer's quota.
    ///
    /// # Errors
    /// The answer to give if the quota is used up or cannot be told.
    pub async fn charge(state: &AppState, client: &ApiClient) -> Result<Self, Response> {
        let standing =
            state.engine.charge_catalogue_call(client).await.map_err(|e| ApiError::from(e).into_response())?;
        let Standing { limit, remaining, reset_seconds, allowed } = standing;
        let quota = Quota { policy: "day", limit, remaining, window_seconds: WINDOW_SECONDS, reset_seconds };
        if allowed {
            return Ok(Self(quota));
        }
        let retry_after_seconds = u64::try_from(reset_seconds).unwrap_or(1);
        Err(quota.on(ApiError::QuotaExceeded { retry_after_seconds }.into_response()))
    }

    /// The answer, with the headers that tell the quota.
    pub fn answer(self, answer: Result<impl IntoResponse, ApiError>) -> Response {
        self.0.on(answer.into_response())
    }
}

impl Quota {
    /// Adds `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) to an answer.
    fn on(&self, mut response: Response) -> Response {
        let policy = format!("\"{}\";q={};w={}", self.policy, self.limit, self.window_seconds);
        let standing = format!("\"{}\";r={};t={}", self.policy, self.remaining, self.reset_seconds);
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", standing)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_tokens_are_found() {
        let token = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AUTHORIZATION, line.parse().unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token(&["Bearer abc"]).as_deref(), Ok("abc"));
        assert_eq!(token(&["bearer  abc"]).as_deref(), Ok("abc"));
        for missing in [&[][..], &["Basic abc"], &["Bearer"], &["Bearer "], &["abc"]] {
            assert_eq!(token(missing), Err(ApiError::TokenMissing));
        }
        assert_eq!(token(&["Bearer a", "Bearer b"]), Err(ApiError::TokenInvalid));
        assert_eq!(token(&["Bearer é"]), Err(ApiError::TokenInvalid));
    }
}
