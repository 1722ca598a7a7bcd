//! What the server provides with each request, for pages and server functions alike.

use crate::error::UiError;
use axum::http::{HeaderValue, Method, header, request::Parts};
use domain::UserId;
use domain::ids::AccessLinkId;
use engine::{Engine, actor::SessionUser};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::net::IpAddr;
use tower_sessions::Session;

/// The key of the session under which the id of the person who logged in is kept.
pub const SESSION_USER_ID: &str = "user_id";
/// The key of the session under which the id of the access link is kept that it was opened with.
pub const SESSION_LINK_ID: &str = "link_id";

/// Whose request it is, as far as the network tells. Put into the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// Where the site is reached from outside, without a slash at its end. Provided where the configuration says it.
#[derive(Debug, Clone)]
pub struct PublicUrl(pub String);

/// The engine of this process.
///
/// # Errors
/// [`UiError::Internal`] where the server provided none.
pub fn engine() -> Result<Engine, UiError> {
    use_context::<Engine>().ok_or_else(|| UiError::internal("no engine in the context"))
}

/// The head of the request.
///
/// # Errors
/// [`UiError::Internal`] outside of a request.
pub fn parts() -> Result<Parts, UiError> {
    use_context::<Parts>().ok_or_else(|| UiError::internal("no request in the context"))
}

/// The browser's session.
///
/// # Errors
/// [`UiError::Internal`] where the server provided none.
pub fn session() -> Result<Session, UiError> {
    let session = parts()?.extensions.get::<Session>().cloned();
    session.ok_or_else(|| UiError::internal("no session in the request"))
}

/// Whose request it is; the unspecified address where the server did not say.
#[must_use]
pub fn client_address() -> IpAddr {
    let address = parts().ok().and_then(|parts| parts.extensions.get::<ClientAddress>().copied());
    address.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |address| address.0)
}

/// Whoever a session is of, asked of the engine at each request; nobody once an account is disabled, or a link expired
/// or revoked.
///
/// # Errors
/// When the session or whoever it is of cannot be read.
pub async fn who(engine: &Engine, session: &Session) -> Result<Option<SessionUser>, engine::Error> {
    let unread = |error: tower_sessions::session::Error| engine::Error::Unavailable(format!("sessions: {error}"));
    let user = session.get::<UserId>(SESSION_USER_ID).await.map_err(unread)?;
    let link = session.get::<AccessLinkId>(SESSION_LINK_ID).await.map_err(unread)?;
    let found = match (user, link) {
        (Some(user), _) => engine.authenticate_user(user).await,
        (None, Some(link)) => engine.authenticate_link(link).await,
        (None, None) => return Ok(None),
    };
    match found {
        Ok(user) => Ok(Some(user)),
        // Removed or ended since: the session is worth nothing.
        Err(engine::Error::NotFound | engine::Error::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a session one of this person or link. Whatever it was before is worth nothing from then on, as is its id, which
/// somebody may have planted.
///
/// # Errors
/// When the session cannot be written.
pub async fn begin(
    session: &Session,
    key: &str,
    id: impl serde::Serialize + Send + Sync,
) -> Result<(), tower_sessions::session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(key, id).await
}

/// Whoever is signed in, if anybody is.
///
/// # Errors
/// [`UiError::Unavailable`] or [`UiError::Internal`] when the session or whoever it is of cannot be read.
pub async fn signed_in() -> Result<Option<SessionUser>, UiError> {
    Ok(who(&engine()?, &session()?).await?)
}

/// The engine and whoever is signed in.
///
/// # Errors
/// [`UiError::SignedOut`] when nobody is.
pub async fn acting() -> Result<(Engine, SessionUser), UiError> {
    let user = signed_in().await?.ok_or(UiError::SignedOut)?;
    Ok((engine()?, user))
}

/// Whether the request is a form that a browser posts without our script: it wants a page, not JSON.
#[must_use]
pub fn is_plain_form() -> bool {
    parts().is_ok_and(|parts| {
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        parts.method == Method::POST && accept.is_some_and(|accept| accept.contains("text/html"))
    })
}

/// Whether a server function is called over HTTP, rather than from a page that is being rendered.
#[must_use]
pub fn is_call() -> bool {
    parts().is_ok_and(|parts| parts.uri.path().starts_with("/api/"))
}

/// Adds a header to the answer.
pub fn answer_header(name: header::HeaderName, value: &str) {
    if let (Some(answer), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(value)) {
        answer.append_header(name, value);
    }
}

/// Sets the status of the answer, except where a plain form is about to be sent back to its page.
pub fn answer_status(status: axum::http::StatusCode) {
    if let Some(answer) = use_context::<ResponseOptions>().filter(|_| !is_plain_form()) {
        answer.set_status(status);
    }
}

/// Where the site is reached, such as `https://figures.example.org`: as the configuration says, or else the request.
#[must_use]
pub fn origin() -> String {
    if let Some(PublicUrl(url)) = use_context::<PublicUrl>() {
        return url;
    }
    let Ok(parts) = parts() else { return String::new() };
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let plain = |host: &String| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-[]".contains(&b));
    let host = text("x-forwarded-host").or_else(|| text("host")).filter(plain);
    let scheme = if is_https() { "https" } else { "http" };
    format!("{scheme}://{}", host.as_deref().unwrap_or("127.0.0.1:3000"))
}

/// Whether the browser reached the site over TLS, in front of which a proxy may stand.
#[must_use]
pub fn is_https() -> bool {
    let forwarded = |parts: Parts| {
        let proto = parts.headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok().map(str::to_owned));
        proto.is_some_and(|proto| proto == "https") || parts.uri.scheme_str() == Some("https")
    };
    parts().is_ok_and(forwarded)
}
