//! Small pages for when the dashboard cannot draw one.

use crate::openapi::docs::escape;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

/// A small page. `title` is a text, `body` what stands in `main`, in which texts from outside must be escaped.
pub(super) fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{} · Reachline</title>\
         <link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body class=\"plain\"><main>{body}</main></body></html>",
        escape(title),
    )
}

/// A page with a heading and a paragraph. Both texts are ours: nothing from outside is printed.
fn page(status: StatusCode, heading: &str, text: &str) -> Response {
    let body = format!(
        "<p class=\"brand\">Reachline</p><h1>{heading}</h1><p>{text}</p><p><a href=\"/\">Back to the start</a></p>"
    );
    (status, Html(document(heading, &body))).into_response()
}

/// For requests that another site made the browser send.
#[must_use]
pub fn cross_site() -> Response {
    let text = "This request came from another site, so nothing was changed. Go back to Reachline and try there.";
    page(StatusCode::FORBIDDEN, "Request refused", text)
}

/// For paths that lead nowhere.
#[must_use]
pub fn not_found() -> Response {
    page(StatusCode::NOT_FOUND, "Not found", "There is no page at this address.")
}

/// For methods that a page does not know.
pub async fn method_not_allowed() -> Response {
    page(StatusCode::METHOD_NOT_ALLOWED, "Not possible here", "This page cannot be used in this way.")
}

/// For forms that nobody can have filled in.
#[must_use]
pub fn too_large() -> Response {
    page(StatusCode::PAYLOAD_TOO_LARGE, "Too much", "The form is larger than this site accepts.")
}

/// For forms that broke off, or came too slowly.
#[must_use]
pub fn incomplete() -> Response {
    page(
        StatusCode::REQUEST_TIMEOUT,
        "Not all of it came",
        "The form did not arrive whole, so nothing was changed. Please try again.",
    )
}

/// For what somebody may not see.
#[must_use]
pub fn forbidden() -> Response {
    page(StatusCode::FORBIDDEN, "Not allowed", "Your role does not include this.")
}

/// For an address with parameters that make no sense.
#[must_use]
pub fn invalid() -> Response {
    let text = "Some parameters of this address make no sense. Go back to the overview and choose again.";
    page(StatusCode::UNPROCESSABLE_ENTITY, "Invalid address", text)
}

/// For access links that open nothing; whether one ever did is not told.
#[must_use]
pub fn no_link() -> Response {
    let text =
        "It may have expired or been revoked, or the address is not whole. Ask whoever gave it to you for a new one.";
    page(StatusCode::NOT_FOUND, "This link opens nothing", text)
}

/// For whoever tries too many access links.
#[must_use]
pub fn too_many_attempts() -> Response {
    let text = "Too many links that open nothing were tried from here. Please try again in some minutes.";
    page(StatusCode::TOO_MANY_REQUESTS, "Too many attempts", text)
}

/// For when the store does not answer.
#[must_use]
pub fn unavailable() -> Response {
    page(StatusCode::SERVICE_UNAVAILABLE, "Not available at the moment", "Please try again in a moment.")
}

/// For defects.
#[must_use]
pub fn internal_error() -> Response {
    let text = "Something went wrong on our side. It was noted; please try again in a moment.";
    page(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", text)
}
