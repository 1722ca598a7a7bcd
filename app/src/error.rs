//! The one error that pages and server functions know.

use crate::codec::JsonTextEncoding;
use domain::Faults;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// Why a page or a form cannot be answered. Carries nothing that a browser must not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum UiError {
    /// Nobody is signed in, or no longer.
    #[error("signed out")]
    SignedOut,
    /// Wrong e-mail address or password; which of them is not said.
    #[error("login refused")]
    LoginRefused,
    /// Too many attempts.
    #[error("throttled")]
    Throttled { retry_after_seconds: u32 },
    /// The person may not do this.
    #[error("forbidden")]
    Forbidden,
    /// There is no such thing, or it belongs to somebody else.
    #[error("not found")]
    NotFound,
    /// The input has faults, by field.
    #[error("invalid input")]
    Invalid(Faults),
    /// The request itself cannot be read: a form that this site did not make.
    #[error("malformed request")]
    Malformed,
    /// The store or the network does not answer for now.
    #[error("unavailable")]
    Unavailable { retry_after_seconds: u32 },
    /// Our fault. The cause is in the server's log.
    #[error("internal error")]
    Internal,
}

impl FromServerFnError for UiError {
    type Encoder = JsonTextEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Unavailable { retry_after_seconds: 5 },
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                #[cfg(feature = "ssr")]
                crate::context::answer_status(axum::http::StatusCode::BAD_REQUEST);
                Self::Malformed
            }
            ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Serialization(_)
            | ServerFnErrorErr::Response(_) => Self::Internal,
        }
    }
}

#[cfg(feature = "ssr")]
mod of_the_server {
    use super::UiError;
    use crate::context;
    use axum::http::{StatusCode, header};
    use std::fmt::Display;

    /// When to come again after the store was out of reach.
    const RETRY_AFTER_SECONDS: u32 = 5;

    impl UiError {
        /// Logs the cause, which stays here, and says that something went wrong.
        pub fn internal(cause: impl Display) -> Self {
            tracing::error!(%cause, "a page or server function failed");
            Self::Internal
        }

        /// The status of a page or call that ends in this error.
        #[must_use]
        pub const fn status(&self) -> StatusCode {
            match self {
                Self::SignedOut | Self::LoginRefused => StatusCode::UNAUTHORIZED,
                Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
                Self::Forbidden => StatusCode::FORBIDDEN,
                Self::NotFound => StatusCode::NOT_FOUND,
                Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Self::Malformed => StatusCode::BAD_REQUEST,
                Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
                Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }

        /// Gives the answer the status, and when to come again where that is known.
        pub fn mark_answer(&self) {
            context::answer_status(self.status());
            if let Self::Unavailable { retry_after_seconds } | Self::Throttled { retry_after_seconds } = self {
                context::answer_header(header::RETRY_AFTER, &retry_after_seconds.to_string());
            }
        }
    }

    impl From<engine::Error> for UiError {
        fn from(error: engine::Error) -> Self {
            match error {
                engine::Error::NotFound => Self::NotFound,
                engine::Error::Forbidden => Self::Forbidden,
                engine::Error::Invalid(faults) => Self::Invalid(faults),
                engine::Error::Unavailable(cause) => {
                    tracing::warn!(%cause, "the store is out of reach");
                    Self::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
                }
                engine::Error::Internal(cause) => Self::internal(cause),
            }
        }
    }

    impl From<engine::LoginError> for UiError {
        fn from(error: engine::LoginError) -> Self {
            match error {
                engine::LoginError::Refused => Self::LoginRefused,
                engine::LoginError::Throttled { retry_after_seconds } => Self::Throttled { retry_after_seconds },
                engine::LoginError::Unavailable(error) => error.into(),
            }
        }
    }
}
