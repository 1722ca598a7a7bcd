//! Server functions: each asks the engine one thing and turns the answer into what a page shows. No rule lives here.

pub mod applications;
pub mod customers;
pub mod figures;
pub mod helplines;
pub mod people;
pub mod series;
pub mod tables;
pub mod users;

use serde::{Deserialize, Serialize};

/// A link that leads to another state of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    pub href: String,
    /// Whether it leads to the state that is shown.
    pub is_current: bool,
}

/// An option of a chooser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPage<T> {
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
    /// Whether the person may change what is listed.
    pub can_change: bool,
}

#[cfg(feature = "ssr")]
pub(crate) use of_the_server::*;

#[cfg(feature = "ssr")]
mod of_the_server {
    use crate::{context, error::UiError};
    use axum::http::header;
    use serde::{Serialize, de::DeserializeOwned};

    /// Rows of an administration list's page.
    const LIST_LIMIT: usize = 25;
    /// The key of the session under which a form's input waits for its page.
    const DRAFT: &str = "draft";

    /// Runs a server function; where it is called over HTTP, the answer gets the status of its error and is never kept.
    pub(crate) async fn answering<T>(work: impl Future<Output = Result<T, UiError>>) -> Result<T, UiError> {
        let result = work.await;
        if context::is_call() {
            context::answer_header(header::CACHE_CONTROL, "no-store");
            if let Err(error) = &result {
                error.mark_answer();
            }
        }
        result
    }

    /// The name of the draft of a form: that of one thing must never show up in the form of another.
    pub(crate) fn draft_name(form: &str, of: Option<&str>) -> String {
        format!("{form} {}", of.unwrap_or("new"))
    }

    /// Keeps the input of a faulty form for its page, when the browser will load that page anew.
    pub(crate) async fn keep_draft<T, F: Serialize>(
        name: &str,
        form: &F,
        result: Result<T, UiError>,
    ) -> Result<T, UiError> {
        if result.is_err() && context::is_plain_form() {
            context::session()?.insert(DRAFT, (name, form)).await.map_err(UiError::internal)?;
        }
        result
    }

    /// Takes out the input that was kept under this name, if any.
    pub(crate) async fn take_draft<F: DeserializeOwned + Send>(name: &str) -> Result<Option<F>, UiError> {
        let session = context::session()?;
        let kept: Option<(String, F)> = match session.get(DRAFT).await {
            Ok(kept) => kept,
            // The draft of another form.
            Err(_) => None,
        };
        let Some((_, form)) = kept.filter(|(of, _)| of == name) else { return Ok(None) };
        session.remove_value(DRAFT).await.map_err(UiError::internal)?;
        Ok(Some(form))
    }

    /// A page of an administration list.
    pub(crate) fn paging(cursor: Option<String>) -> engine::Paging {
        engine::Paging { cursor: cursor.filter(|cursor| !cursor.is_empty()), limit: LIST_LIMIT }
    }

    /// An id from a form or an address. One that is none names nothing.
    pub(crate) fn id<T: std::str::FromStr>(text: &str) -> Result<T, UiError> {
        text.parse().map_err(|_| UiError::NotFound)
    }
}
