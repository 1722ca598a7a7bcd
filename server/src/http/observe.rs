//! The outermost layer: every request gets an id, is timed and noted, and is answered whatever happens.

use crate::http::address;
use crate::http::error::ApiError;
use crate::http::unread::Unread;
use crate::state::AppState;
use crate::web;
use app::context::ClientAddress;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Names a request in answers and logs.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Whether a path belongs to the API, whose answers are for programs.
#[must_use]
pub fn is_api(path: &str) -> bool {
    let under = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    under("/v1") || under("/oauth") || ["/openapi.json", "/healthz", "/readyz", "/metrics"].contains(&path)
}

/// Wraps the handling of every request.
pub async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.uri().path(), request.headers());
    let method = request.method().clone();
    let is_api = is_api(request.uri().path());
    let route = request.extensions().get::<MatchedPath>().cloned();
    place(&state, &mut request);
    let (unread, request) = Unread::of(request);

    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| {
        tracing::error!(request_id = ?id, "a handler panicked");
        if is_api { ApiError::Internal.into_response() } else { web::page::internal_error() }
    });
    let mut response = if method == Method::OPTIONS { describe_options(response) } else { response };
    unread.settle(response.headers_mut()).await;
    finish(response.headers_mut(), &id, is_api);

    let status = response.status();
    let template = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let took = started.elapsed();
    state.metrics.request(template, &method, status, took);
    note(template, &method, status, took.as_micros(), &id);
    response
}

/// One line for each request; events, of which there are many, only when asked for. Never a query, body or address.
fn note(route: &str, method: &Method, status: StatusCode, took_us: u128, id: &HeaderValue) {
    let (status, id) = (status.as_u16(), id.to_str().unwrap_or_default());
    if status >= 500 {
        tracing::warn!(target: "server::access", %method, route, status, took_us, id);
    } else if route.starts_with("/v1/events") || route.starts_with("/pkg") {
        tracing::debug!(target: "server::access", %method, route, status, took_us, id);
    } else {
        tracing::info!(target: "server::access", %method, route, status, took_us, id);
    }
}

/// Notes when and from where the request came, for sessions, limits and throttles.
fn place(state: &AppState, request: &mut Request) {
    request.extensions_mut().insert(web::sessions::Now(state.engine.now()));
    let Some(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip()) else { return };
    let trusted = &state.config.trusted_proxies;
    let caller = address::caller(peer, request.headers(), trusted);
    let is_https = state.config.is_public_https() || address::is_forwarded_https(peer, request.headers(), trusted);
    request.extensions_mut().insert(ClientAddress(caller));
    request.extensions_mut().insert(Transport { is_https });
}

/// How the browser or program reached us, as far as we can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    pub is_https: bool,
}

/// `OPTIONS` on a path that exists is answered with the methods that it knows; axum adds them, in `Allow`.
fn describe_options(response: Response) -> Response {
    let is_known = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    if is_known { StatusCode::NO_CONTENT.into_response() } else { response }
}

fn finish(headers: &mut HeaderMap, id: &HeaderValue, is_api: bool) {
    headers.insert(X_REQUEST_ID, id.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_api && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The caller's id if it is a UUID, which can name nobody; else a new one. Always a new one of calls with events: who sends
/// them may have nothing at hand but the session's id, and that is never logged.
fn request_id(path: &str, headers: &HeaderMap) -> HeaderValue {
    if let Some(given) = headers.get(X_REQUEST_ID).filter(|_| !path.starts_with("/v1/events")) {
        let is_uuid = given.to_str().is_ok_and(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok());
        if is_uuid {
            return given.clone();
        }
    }
    new_request_id()
}

/// Unlike any other of this or another process: a number drawn at the start, and a count. It need not be secret.
fn new_request_id() -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| std::hash::RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let text = format!("{:016x}{:016x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_are_taken_over() {
        let id = |given: &str| {
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_bytes(given.as_bytes()).unwrap())]);
            ["/v1/helplines", "/v1/events/batch"].map(|path| request_id(path, &headers).to_str().unwrap().to_owned())
        };
        let uuid = "0199c0de-0000-7000-8000-000000000001";
        let [other, of_events] = id(uuid);
        assert!(other == uuid && of_events != uuid && of_events.len() == 32);
        for absurd in ["", "ann@example.org", "x y", "0199c0de00007000", &"a".repeat(5_000)] {
            assert!(id(absurd).iter().all(|made| made != absurd && made.len() == 32), "{absurd}");
        }
        assert_ne!(new_request_id(), new_request_id());
    }

    #[test]
    fn what_is_the_api() {
        for path in ["/v1", "/v1/", "/v1/x", "/oauth/token", "/healthz"] {
            assert!(is_api(path), "{path}");
        }
        for path in ["/", "/v1x", "/docs", "/login", "/healthz/x"] {
            assert!(!is_api(path), "{path}");
        }
    }
}
