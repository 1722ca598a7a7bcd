//! Refusals as programs see them: RFC 9457 `application/problem+json`. The one mapping from what went wrong to a
//! status, and the source of the table in the documentation.

use axum::response::{IntoResponse, Response};
use domain::{Fault, Faults};
use engine::{ApiScope, EventFault, TokenRefusal};
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use std::borrow::Cow;

/// The media type of refusals.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Named in `WWW-Authenticate`.
pub const REALM: &str = "reachline";

/// Why a call was refused. No variant carries a text from below: what is printed is written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// The body is not JSON in UTF-8.
    MalformedJson(Malformed),
    TokenMissing,
    TokenInvalid,
    TokenExpired,
    ApplicationSuspended,
    /// The token lacks this scope.
    ScopeMissing(ApiScope),
    /// The caller may not do this.
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// A body that took longer than this many seconds to arrive.
    BodyTooSlow {
        seconds_max: u64,
    },
    /// Larger than this many bytes.
    BodyTooLarge {
        bytes_max: usize,
    },
    /// A batch of more than this many events.
    TooManyEvents {
        events_max: usize,
    },
    MediaTypeUnsupported,
    /// Every fault of the input at once.
    ValidationFailed(Faults),
    /// Too many calls at once.
    RateLimited {
        retry_after_seconds: u64,
    },
    /// The day's calls are used up.
    QuotaExceeded {
        retry_after_seconds: u64,
    },
    /// The store cannot be reached or is behind.
    Unavailable {
        retry_after_seconds: u64,
    },
    /// A defect.
    Internal,
}

/// What should have been there instead of a body that is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    Event,
    Batch,
    /// All that was announced.
    BrokenOff,
    /// What the header `Content-Encoding` says.
    Encoding,
}

/// What is the same for all refusals of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub code: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// What to do about it, for the documentation.
    pub advice: &'static str,
}

const fn meaning(code: &'static str, status: StatusCode, title: &'static str, advice: &'static str) -> Meaning {
    Meaning { code, status, title, advice }
}

/// Every code that an answer can carry, in the order of their statuses.
pub const MEANINGS: [Meaning; 18] = [
    meaning(
        "malformed_json",
        StatusCode::BAD_REQUEST,
        "The body is not JSON",
        "Send JSON in UTF-8: one object, or a batch; compressed only as Content-Encoding says.",
    ),
    meaning(
        "token_missing",
        StatusCode::UNAUTHORIZED,
        "An access token is required",
        "Send the header Authorization: Bearer with a token from POST /oauth/token.",
    ),
    meaning(
        "token_invalid",
        StatusCode::UNAUTHORIZED,
        "The access token is not valid",
        "It was never issued or its secret was revoked. Get a new one.",
    ),
    meaning(
        "token_expired",
        StatusCode::UNAUTHORIZED,
        "The access token has expired",
        "Get a new one; tokens are valid as long as expires_in says.",
    ),
    meaning(
        "application_suspended",
        StatusCode::FORBIDDEN,
        "The application is suspended",
        "Ask the operator of this service, who suspended it.",
    ),
    meaning(
        "scope_missing",
        StatusCode::FORBIDDEN,
        "The token lacks a scope",
        "Ask for the scope that detail names, or leave scope out of the token request to get all.",
    ),
    meaning(
        "forbidden",
        StatusCode::FORBIDDEN,
        "Not allowed",
        "The caller may not do this. Ask an administrator of your organisation.",
    ),
    meaning("not_found", StatusCode::NOT_FOUND, "Not found", "Check the path and the id."),
    meaning(
        "method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "The method is not allowed here",
        "The header Allow lists the methods that are.",
    ),
    meaning(
        "body_too_slow",
        StatusCode::REQUEST_TIMEOUT,
        "The body did not arrive in time",
        "Nothing was stored. Send the same call again; detail names the limit.",
    ),
    meaning(
        "body_too_large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
        "Send less; detail names the limit.",
    ),
    meaning(
        "too_many_events",
        StatusCode::PAYLOAD_TOO_LARGE,
        "Too many events in one batch",
        "Nothing was stored. Send them as several batches; detail names the limit.",
    ),
    meaning(
        "media_type_unsupported",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The media type is not supported",
        "Send a Content-Type that the endpoint knows, in UTF-8. Events may have Content-Encoding: gzip or zstd.",
    ),
    meaning(
        "validation_failed",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The input breaks rules",
        "errors lists every fault with its field and code.",
    ),
    meaning(
        "rate_limited",
        StatusCode::TOO_MANY_REQUESTS,
        "Too many calls at once",
        "Send the same call again after Retry-After seconds.",
    ),
    meaning(
        "quota_exceeded",
        StatusCode::TOO_MANY_REQUESTS,
        "The daily quota is used up",
        "Calls come back hour by hour; Retry-After says when the next do.",
    ),
    meaning(
        "unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "Not available at the moment",
        "Send the same call again after Retry-After seconds. Events may have been stored; sent again they count once.",
    ),
    meaning(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong on our side",
        "Report it with the X-Request-Id of the answer.",
    ),
];

impl ApiError {
    /// The code, as programs see it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed_json",
            Self::TokenMissing => "token_missing",
            Self::TokenInvalid => "token_invalid",
            Self::TokenExpired => "token_expired",
            Self::ApplicationSuspended => "application_suspended",
            Self::ScopeMissing(_) => "scope_missing",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooSlow { .. } => "body_too_slow",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::MediaTypeUnsupported => "media_type_unsupported",
            Self::ValidationFailed(_) => "validation_failed",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// What the code means.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let code = self.code();
        // The last row is `internal`: a code without a row would be a defect, and a test looks for one.
        MEANINGS.into_iter().find(|meaning| meaning.code == code).unwrap_or(MEANINGS[MEANINGS.len() - 1])
    }

    fn detail(&self) -> String {
        match self {
            Self::MalformedJson(malformed) => match malformed {
                Malformed::Event => "The body must be one JSON object in UTF-8, with each member once.",
                Malformed::Batch => "The body must be JSON in UTF-8: an array of events, or an object with one.",
                Malformed::BrokenOff => "The body broke off before its end.",
                Malformed::Encoding => {
                    "The body is not encoded as its Content-Encoding says, or with a window of zstd above 8 MiB."
                }
            }
            .to_owned(),
            Self::TokenMissing => "Send the header Authorization: Bearer with an access token.".to_owned(),
            Self::TokenInvalid => "This access token was not issued here, or its secret was revoked.".to_owned(),
            Self::TokenExpired => "This access token has expired. Get a new one.".to_owned(),
            Self::ApplicationSuspended => "An operator suspended this application.".to_owned(),
            Self::ScopeMissing(scope) => format!("The token needs the scope {}.", scope.as_str()),
            Self::Forbidden => "The caller may not do this.".to_owned(),
            Self::NotFound => "There is nothing here under this path and id.".to_owned(),
            Self::MethodNotAllowed => "The header Allow lists the methods of this path.".to_owned(),
            Self::BodyTooSlow { seconds_max } => format!("A body must arrive within {seconds_max} s."),
            Self::BodyTooLarge { bytes_max } => format!("At most {bytes_max} bytes, also once decompressed."),
            Self::TooManyEvents { events_max } => format!("At most {events_max} events in one batch."),
            Self::MediaTypeUnsupported => {
                "Send Content-Type: application/json (a batch also as application/x-ndjson), in UTF-8, and no \
                 Content-Encoding but gzip or zstd."
                    .to_owned()
            }
            Self::ValidationFailed(faults) => count_of(faults),
            Self::RateLimited { retry_after_seconds }
            | Self::QuotaExceeded { retry_after_seconds }
            | Self::Unavailable { retry_after_seconds } => {
                format!("Try again in {retry_after_seconds} s.")
            }
            Self::Internal => "It was noted under the X-Request-Id of this answer.".to_owned(),
        }
    }

    const fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_seconds }
            | Self::QuotaExceeded { retry_after_seconds }
            | Self::Unavailable { retry_after_seconds } => Some(*retry_after_seconds),
            _ => None,
        }
    }

    /// The challenge of RFC 6750.
    fn challenge(&self) -> Option<String> {
        match self {
            Self::TokenMissing => Some(format!("Bearer realm=\"{REALM}\"")),
            Self::TokenInvalid | Self::TokenExpired => Some(format!(
                "Bearer realm=\"{REALM}\", error=\"invalid_token\", error_description=\"{}\"",
                self.meaning().title
            )),
            Self::ScopeMissing(scope) => {
                Some(format!("Bearer realm=\"{REALM}\", error=\"insufficient_scope\", scope=\"{}\"", scope.as_str()))
            }
            _ => None,
        }
    }
}

fn count_of(Faults(faults): &Faults) -> String {
    match faults.len() {
        1 => "There is one fault; see errors.".to_owned(),
        count => format!("There are {count} faults; see errors."),
    }
}

/// What is wrong with one event of a batch: the members of a [`Problem`] that say it.
#[derive(Serialize)]
pub struct EventProblem<'a> {
    code: &'static str,
    detail: Cow<'static, str>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
}

impl<'a> From<&'a EventFault> for EventProblem<'a> {
    fn from(fault: &'a EventFault) -> Self {
        match fault {
            EventFault::Malformed => {
                Self { code: "malformed_json", detail: "It must be one JSON object in UTF-8.".into(), errors: &[] }
            }
            EventFault::Invalid(faults) => {
                Self { code: "validation_failed", detail: count_of(faults).into(), errors: &faults.0 }
            }
        }
    }
}

/// The body of a refusal.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Meaning { code, status, title, .. } = self.meaning();
        let errors = if let Self::ValidationFailed(faults) = &self { faults.0.as_slice() } else { &[] };
        let r#type = format!("/docs#error-{code}");
        let problem = Problem { r#type, title, status: status.as_u16(), detail: self.detail(), code, errors };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::MediaTypeUnsupported {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// How long to wait before the next try when the store does not answer, in seconds.
pub const STORE_RETRY_AFTER_SECONDS: u64 = 1;

impl From<engine::Error> for ApiError {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::NotFound => Self::NotFound,
            engine::Error::Forbidden => Self::Forbidden,
            engine::Error::Invalid(faults) => Self::ValidationFailed(faults),
            engine::Error::Unavailable(cause) => {
                tracing::warn!(%cause, "the store is not available");
                Self::Unavailable { retry_after_seconds: STORE_RETRY_AFTER_SECONDS }
            }
            engine::Error::Internal(cause) => {
                tracing::error!(%cause, "a call failed");
                Self::Internal
            }
        }
    }
}

impl From<TokenRefusal> for ApiError {
    fn from(refusal: TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::Invalid => Self::TokenInvalid,
            TokenRefusal::Expired => Self::TokenExpired,
            TokenRefusal::Suspended => Self::ApplicationSuspended,
        }
    }
}

impl From<Faults> for ApiError {
    fn from(faults: Faults) -> Self {
        Self::ValidationFailed(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_row() {
        let all = [
            ApiError::MalformedJson(Malformed::Event),
            ApiError::TokenMissing,
            ApiError::TokenInvalid,
            ApiError::TokenExpired,
            ApiError::ApplicationSuspended,
            ApiError::ScopeMissing(ApiScope::EventsWrite),
            ApiError::Forbidden,
            ApiError::NotFound,
            ApiError::MethodNotAllowed,
            ApiError::BodyTooSlow { seconds_max: 1 },
            ApiError::BodyTooLarge { bytes_max: 1 },
            ApiError::TooManyEvents { events_max: 1 },
            ApiError::MediaTypeUnsupported,
            ApiError::ValidationFailed(Faults::default()),
            ApiError::RateLimited { retry_after_seconds: 1 },
            ApiError::QuotaExceeded { retry_after_seconds: 1 },
            ApiError::Unavailable { retry_after_seconds: 1 },
            ApiError::Internal,
        ];
        let codes: Vec<_> = all.iter().map(ApiError::code).collect();
        assert_eq!(codes, MEANINGS.map(|meaning| meaning.code));
    }
}
