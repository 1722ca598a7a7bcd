//! What pages show, gathered from the engine and put into words. No rule lives here.

pub mod alerts;
pub mod applications;
pub mod audit;
pub mod billing;
pub mod customers;
pub mod exports;
pub mod figures;
pub mod handover;
pub mod helplines;
pub mod links;
pub mod people;
pub mod reports;
pub mod series;
pub mod system;
pub mod tables;
pub mod users;

use crate::{context, error::UiError};
use axum::http::header;
use serde::{Serialize, de::DeserializeOwned};

/// A link that leads to another state of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub label: String,
    pub href: String,
    /// Whether it leads to the state that is shown.
    pub is_current: bool,
}

/// An option of a chooser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage<T> {
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
    /// Whether this is not the first page.
    pub is_later: bool,
    /// Whether the person may change what is listed.
    pub can_change: bool,
}

/// Rows of an administration list's page.
const LIST_LIMIT: usize = 25;
/// The key of the session under which a refused form waits for its page.
const REFUSED: &str = "refused";

/// Runs a server function; where it is called over HTTP, the answer gets the status of its error and is never kept.
pub async fn answering<T>(work: impl Future<Output = Result<T, UiError>>) -> Result<T, UiError> {
    let result = work.await;
    if context::is_call() {
        context::answer_header(header::CACHE_CONTROL, "no-store");
        if let Err(error) = &result {
            error.mark_answer();
        }
    }
    result
}

/// Answers a form: sends the browser to `done`, or back to `page` where the form shows what is wrong.
///
/// `form` names the form and the thing that it is about: the input of one must never show up in another.
pub async fn submitting<I: Serialize>(
    form: String,
    input: &I,
    page: &str,
    done: &str,
    work: impl Future<Output = Result<(), UiError>>,
) -> Result<(), UiError> {
    let result = answering(work).await;
    if !context::is_plain_form() {
        return result;
    }
    if let Err(error) = &result {
        let refused = (form, input, error);
        context::session()?.insert(REFUSED, refused).await.map_err(UiError::internal)?;
    }
    leptos_axum::redirect(if result.is_ok() { done } else { page });
    result
}

/// Takes out what was entered into a form that was refused, and why.
pub async fn take_refused<I: DeserializeOwned + Send>(form: &str) -> Result<Option<(I, UiError)>, UiError> {
    let session = context::session()?;
    // What another form left is of another shape or name.
    let kept: Option<(String, I, UiError)> = session.get(REFUSED).await.unwrap_or_default();
    let Some((_, input, error)) = kept.filter(|(of, ..)| of == form) else { return Ok(None) };
    session.remove_value(REFUSED).await.map_err(UiError::internal)?;
    Ok(Some((input, error)))
}

/// The key of the session under which a form that is not finished waits for its page.
const ENTERED: &str = "entered";

/// Keeps what was entered into a form that is to be gone on with.
///
/// # Errors
/// [`UiError::Internal`] if the session cannot be written.
pub async fn keep_entered<I: Serialize>(form: &str, input: &I) -> Result<(), UiError> {
    context::session()?.insert(ENTERED, (form, input)).await.map_err(UiError::internal)
}

/// Takes out what was entered into a form that is to be gone on with.
///
/// # Errors
/// [`UiError::Internal`] if the session cannot be written.
pub async fn take_entered<I: DeserializeOwned + Send>(form: &str) -> Result<Option<I>, UiError> {
    let session = context::session()?;
    let kept: Option<(String, I)> = session.get(ENTERED).await.unwrap_or_default();
    let Some((_, input)) = kept.filter(|(of, _)| of == form) else { return Ok(None) };
    session.remove_value(ENTERED).await.map_err(UiError::internal)?;
    Ok(Some(input))
}

/// The address of the form of a thing, new or known.
#[must_use]
pub fn edit_path(list: &str, of: Option<&str>) -> String {
    let mut path = format!("{list}/");
    crate::query::encode(of.unwrap_or("new"), &mut path);
    path
}

/// A page of an administration list.
#[must_use]
pub fn paging(cursor: Option<String>) -> engine::Paging {
    engine::Paging { cursor: cursor.filter(|cursor| !cursor.is_empty()), limit: LIST_LIMIT }
}

/// An id from a form or an address.
///
/// # Errors
/// [`UiError::NotFound`]: what is no id names nothing.
pub fn id<T: std::str::FromStr>(text: &str) -> Result<T, UiError> {
    text.parse().map_err(|_| UiError::NotFound)
}
