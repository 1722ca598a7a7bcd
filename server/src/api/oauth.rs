//! `POST /oauth/token`: OAuth 2.0 client credentials (RFC 6749 section 4.4).

use crate::http::body::{self, TOKEN_REQUEST_BYTES_MAX};
use crate::http::encoding::Encoding;
use crate::http::error::{ApiError, REALM};
use crate::http::query::decode_form_value;
use crate::openapi::schemas;
use crate::state::AppState;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::TokenRequestError;
use http::header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;

/// The members of a token request, whichever way they came.
#[derive(Default, Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

/// Why there is no token: the errors of RFC 6749 section 5.2, or a problem of another kind.
#[derive(Debug, PartialEq)]
enum Refusal {
    InvalidRequest(&'static str),
    InvalidClient,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    Other(ApiError),
}

/// Get an access token.
///
/// OAuth 2.0 client credentials (RFC 6749 section 4.4). The credentials go in a form, in JSON, or in HTTP Basic
/// authentication; not in two of these at once. Without `scope` the token has all scopes.
#[utoipa::path(
    post,
    path = "/oauth/token",
    tag = "Tokens",
    security((), ("client" = [])),
    request_body(content(
        (schemas::TokenRequest = "application/x-www-form-urlencoded"),
        (schemas::TokenRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "A token.", body = schemas::Token),
        (status = 400, description = "`invalid_request`, `unauthorized_client` (the application is suspended), `unsupported_grant_type` or `invalid_scope`.", body = schemas::TokenRefusal),
        (status = 401, description = "`invalid_client`: unknown client, wrong or revoked secret.", body = schemas::TokenRefusal),
    )
)]
pub async fn token(State(state): State<AppState>, headers: HeaderMap, body: Body) -> Response {
    let issued = match read_request(&headers, body).await {
        Ok(request) => issue(&state, request).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = issued.map_or_else(IntoResponse::into_response, |token| Json(token).into_response());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

async fn issue(state: &AppState, request: TokenRequest) -> Result<serde_json::Value, Refusal> {
    match request.grant_type.as_deref() {
        None | Some("") => return Err(Refusal::InvalidRequest("The parameter grant_type is required.")),
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
    }
    let (Some(id), Some(secret)) = (request.client_id, request.client_secret) else {
        return Err(Refusal::InvalidClient);
    };
    let token = state.engine.issue_token(&id, &secret, request.scope.as_deref()).await?;
    Ok(json!({
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in_seconds,
        "scope": token.scope,
    }))
}

/// Reads body and `Authorization`. Each parameter at most once, and one way to authenticate (section 2.3).
async fn read_request(headers: &HeaderMap, body: Body) -> Result<TokenRequest, Refusal> {
    let bytes = body::read(headers, body, TOKEN_REQUEST_BYTES_MAX).await.map_err(|error| match error {
        ApiError::MalformedJson(_) => Refusal::InvalidRequest("The body broke off."),
        other => Refusal::Other(other),
    })?;
    let is_plain = Encoding::of(headers) == Ok(Encoding::Identity);
    let mut request = match body::media_type(headers).filter(|_| is_plain).as_deref() {
        _ if bytes.is_empty() => TokenRequest::default(),
        Some("application/x-www-form-urlencoded") => from_form(&bytes)?,
        Some(essence) if body::is_json(essence) => Some(&bytes)
            .filter(|bytes| body::is_object(bytes))
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .ok_or(Refusal::InvalidRequest("The body is not a JSON object of texts."))?,
        _ => return Err(Refusal::InvalidRequest("The body must be a form or JSON, in UTF-8.")),
    };
    // What has no value counts as left out (section 3.2).
    for member in [&mut request.client_id, &mut request.client_secret, &mut request.scope] {
        member.take_if(|value| value.is_empty());
    }
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(request) };
    let (id, secret) = line.to_str().ok().and_then(basic).ok_or(Refusal::InvalidClient)?;
    let is_one_way = request.client_secret.is_none() && request.client_id.as_ref().is_none_or(|other| *other == id);
    if lines.next().is_some() || !is_one_way {
        return Err(Refusal::InvalidRequest("Authenticate in one way: by HTTP Basic or in the body."));
    }
    (request.client_id, request.client_secret) = (Some(id), Some(secret));
    Ok(request)
}

fn from_form(bytes: &[u8]) -> Result<TokenRequest, Refusal> {
    const MALFORMED: Refusal = Refusal::InvalidRequest("The form is not percent-encoded UTF-8.");
    let text = std::str::from_utf8(bytes).map_err(|_| MALFORMED)?;
    let mut request = TokenRequest::default();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode_form_value(name).ok_or(MALFORMED)?, decode_form_value(value).ok_or(MALFORMED)?);
        let member = match name.as_str() {
            "grant_type" => &mut request.grant_type,
            "client_id" => &mut request.client_id,
            "client_secret" => &mut request.client_secret,
            "scope" => &mut request.scope,
            _ => continue,
        };
        if member.replace(value).is_some() {
            return Err(Refusal::InvalidRequest("A parameter is given more than once."));
        }
    }
    Ok(request)
}

/// Id and secret of `Basic …`, each percent-encoded within (section 2.3.1).
fn basic(line: &str) -> Option<(String, String)> {
    let (scheme, encoded) = line.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((decode_form_value(id)?, decode_form_value(secret)?))
}

impl From<TokenRequestError> for Refusal {
    fn from(error: TokenRequestError) -> Self {
        match error {
            TokenRequestError::InvalidClient => Self::InvalidClient,
            TokenRequestError::Suspended => Self::UnauthorizedClient,
            TokenRequestError::InvalidScope => Self::InvalidScope,
            TokenRequestError::Unavailable(error) => Self::Other(error.into()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, description) = match self {
            Self::InvalidRequest(description) => (StatusCode::BAD_REQUEST, "invalid_request", description),
            Self::InvalidClient => {
                (StatusCode::UNAUTHORIZED, "invalid_client", "Unknown client, or a wrong or revoked secret.")
            }
            Self::UnauthorizedClient => {
                (StatusCode::BAD_REQUEST, "unauthorized_client", "An operator suspended this application.")
            }
            Self::UnsupportedGrantType => {
                (StatusCode::BAD_REQUEST, "unsupported_grant_type", "Only client_credentials is supported.")
            }
            Self::InvalidScope => (StatusCode::BAD_REQUEST, "invalid_scope", "There is no such scope."),
            Self::Other(error) => return error.into_response(),
        };
        let mut response = (status, Json(json!({"error": error, "error_description": description}))).into_response();
        if status == StatusCode::UNAUTHORIZED
            && let Ok(challenge) = HeaderValue::try_from(format!("Basic realm=\"{REALM}\", charset=\"UTF-8\""))
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_percent_decoded() {
        let line = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(basic(&line("a%3Ab:s%20+e")), Some(("a:b".to_owned(), "s  e".to_owned())));
        assert_eq!(basic("basic YTpi"), Some(("a".to_owned(), "b".to_owned())));
        for wrong in [&line("no colon"), &line("a:%zz"), "Basic ###", "Bearer YTpi", "Basic"] {
            assert_eq!(basic(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn forms_have_each_parameter_once() {
        let request = from_form(b"grant_type=client_credentials&client_id=a%20b&other=1&scope=").ok().unwrap();
        assert_eq!(request.client_id.as_deref(), Some("a b"));
        for wrong in ["client_id=a&client_id=a", "client_id=%", "client_id=%ff", "scope=%00"] {
            assert!(matches!(from_form(wrong.as_bytes()), Err(Refusal::InvalidRequest(_))), "{wrong}");
        }
    }
}
