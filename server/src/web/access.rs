//! Opening an access link: a page that says what it opens, and a button. Whoever only looks, such as a program that
//! previews links in a chat, opens nothing.
//!
//! The token is in the path. So nothing on the page comes from elsewhere, what the browser is led to learns no more than
//! the origin, the log has routes instead of paths, and no answer is kept.

use crate::openapi::docs::escape;
use crate::state::AppState;
use crate::web::download::Refusal;
use crate::web::page;
use app::context::{self, ClientAddress, SESSION_LINK_ID};
use app::format;
use axum::extract::{Extension, Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::Zone;
use engine::actor::SessionUser;
use engine::{LoginError, Opening};
use http::header::{REFERRER_POLICY, RETRY_AFTER};
use http::{HeaderName, HeaderValue};
use tower_sessions::Session;

/// Tells a form's target that it is sent from this site, and no path.
const ORIGIN_ALONE: HeaderValue = HeaderValue::from_static("strict-origin");
const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// `GET /access/{token}`
pub async fn page(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Path(token): Path<String>,
) -> Response {
    sealed(async {
        let opening = state.engine.look_at_link(&token, address).await.map_err(refusal)?;
        let present = context::who(&state.engine, &session).await.map_err(failure)?;
        Ok(Html(page::document("Read-only access", &invitation(&opening, present.as_ref()))).into_response())
    })
    .await
}

/// `POST /access/{token}`: what the button sends. The browser's session is one of this link from then on.
pub async fn open(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Path(token): Path<String>,
) -> Response {
    sealed(async {
        let link = state.engine.open_link(&token, address).await.map_err(refusal)?;
        let begun = context::begin(&session, SESSION_LINK_ID, link).await;
        begun.map_err(|error| failure(engine::Error::Unavailable(format!("sessions: {error}"))))?;
        Ok(Redirect::to("/overview").into_response())
    })
    .await
}

/// The answer, with what keeps the token from leaving by it.
async fn sealed(work: impl Future<Output = Result<Response, Response>>) -> Response {
    let mut response = work.await.unwrap_or_else(|refused| refused);
    response.headers_mut().insert(REFERRER_POLICY, ORIGIN_ALONE);
    response.headers_mut().insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex, nofollow"));
    response
}

fn failure(error: engine::Error) -> Response {
    Refusal::Engine(error).into_response()
}

fn refusal(error: LoginError) -> Response {
    match error {
        LoginError::Refused => page::no_link(),
        LoginError::Throttled { retry_after_seconds } => {
            let mut response = page::too_many_attempts();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
            response
        }
        LoginError::Unavailable(error) => failure(error),
    }
}

/// What the link opens, and what becomes of whoever is signed in.
fn invitation(opening: &Opening, present: Option<&SessionUser>) -> String {
    let Opening { link, customer } = opening;
    let whose = customer.as_ref().map_or("all customers", |customer| customer.name.as_str());
    let zone = customer.as_ref().map_or(Zone::UTC, |customer| customer.time_zone);
    let until = format::instant_in(link.expires_at, zone);
    let replaced = present.map(|present| {
        let who = escape(&present.acts_as());
        format!(
            "<p class=\"note\">You are signed in here as <strong>{who}</strong>. Opening the link signs you out of that.</p>"
        )
    });
    format!(
        "<p class=\"brand\">Reachline</p><h1>Read-only access</h1>\
         <p>This link was made for <strong>{}</strong>. It opens the figures, statements and reports of <strong>{}</strong>, \
         to read and not to change, until <strong>{}</strong>. That it is opened is noted.</p>{}\
         <form method=\"post\"><button type=\"submit\">Open</button></form>",
        escape(&link.name),
        escape(whose),
        escape(&until),
        replaced.unwrap_or_default(),
    )
}
