//! All events behind a bill as one table, a page at a time: however many they are, no more than a page is in memory.

use super::tables;
use crate::api::csv::TEXT_CSV;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::zone::Month;
use engine::actor::Reader;
use engine::{Engine, Paging, TrailFilter};
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

/// Events that are read at once.
const PAGE: usize = 5_000;

/// The pages of a table of events.
pub struct EventPages {
    engine: Engine,
    reader: Reader,
    month: Month,
    filter: TrailFilter,
    /// As the first page found the log: what comes later must not shift the pages after it.
    as_of: Option<u64>,
    cursor: Option<String>,
    pages: usize,
    is_over: bool,
    /// Whether they begin with the first event.
    is_whole: bool,
}

impl EventPages {
    /// The events of a month that a filter takes, from a cursor on.
    #[must_use]
    pub fn new(
        engine: Engine,
        reader: Reader,
        month: Month,
        filter: TrailFilter,
        as_of: Option<u64>,
        cursor: Option<String>,
    ) -> Self {
        let is_whole = cursor.is_none();
        Self { engine, reader, month, filter, as_of, cursor, pages: 0, is_over: false, is_whole }
    }

    /// The next page as CSV, the first one with the names of the columns; `None` when there is no more.
    ///
    /// # Errors
    /// Those of [`Engine::statement_events`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, engine::Error> {
        if self.is_over {
            return Ok(None);
        }
        let paging = Paging { cursor: self.cursor.take(), limit: PAGE };
        let page = self.engine.statement_events(&self.reader, self.month, &self.filter, self.as_of, &paging).await?;
        self.as_of = Some(page.log_length);
        self.is_over = page.next_cursor.is_none();
        self.cursor = page.next_cursor;
        self.pages += 1;
        Ok(Some(tables::events(&page.events, self.pages == 1)))
    }

    /// All pages as an answer. What goes wrong before the first one is refused as usual; after it the answer breaks off, so
    /// that a table that ended well is a whole one. It is noted that `by` is given it.
    ///
    /// # Errors
    /// Those of [`Engine::statement_events`].
    pub async fn into_answer(mut self, by: &str) -> Result<Response, engine::Error> {
        let name = tables::file_name("events", self.month);
        let first = self.next().await?.unwrap_or_default();
        self.engine.note_events_page(&self.reader, (self.month, &self.filter), self.is_whole, by).await?;
        let others = stream::try_unfold(self, |mut pages| async move {
            match pages.next().await {
                Ok(page) => Ok(page.map(|page| (Bytes::from(page), pages))),
                Err(error) => {
                    tracing::warn!(%error, "a table of events broke off");
                    Err(error)
                }
            }
        });
        let body = Body::from_stream(stream::once(async { Ok(Bytes::from(first)) }).chain(others));
        let disposition = format!("attachment; filename=\"{name}\"");
        Ok(([(CONTENT_TYPE, TEXT_CSV.to_owned()), (CONTENT_DISPOSITION, disposition)], body).into_response())
    }
}
