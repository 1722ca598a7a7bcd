//! Lists, a page at a time.

use crate::error::Error;
use domain::{CustomerId, FaultCode, Faults};
use uuid::Uuid;

/// Most items of a page.
pub(crate) const PAGE_MAX: usize = 500;

/// Which page of a list.
#[derive(Debug, Clone)]
pub struct Paging {
    /// Where the page before said that this one starts.
    pub cursor: Option<String>,
    /// Items of a page, at most 500.
    pub limit: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { cursor: None, limit: 50 }
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
}

/// Something in a list of all customers, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfCustomer<T> {
    pub customer: CustomerId,
    /// The customer's name at present.
    pub name: String,
    pub item: T,
}

/// What a list has under an id, unless it cannot be read.
pub(crate) type Found<T> = (Uuid, Result<T, Error>);

/// What to say to a cursor that no page came with: taken for the end of a list, it would make the list look whole.
pub(crate) fn no_page() -> Error {
    Faults::one("cursor", FaultCode::FieldInvalid, "This is not where a page starts.").into()
}

impl Paging {
    /// Cuts a page out of a list in memory; `key` must tell its items apart, and be the same at the next call.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is the key of none.
    pub(crate) fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> Result<Paged<T>, Error> {
        self.cut_at_most(items, PAGE_MAX, key)
    }

    /// The same with another limit on the page.
    pub(crate) fn cut_at_most<T>(
        &self,
        items: Vec<T>,
        limit_max: usize,
        key: impl Fn(&T) -> String,
    ) -> Result<Paged<T>, Error> {
        let start = match &self.cursor {
            None => 0,
            Some(cursor) => 1 + items.iter().position(|item| key(item) == *cursor).ok_or_else(no_page)?,
        };
        let limit = self.limit.clamp(1, limit_max);
        let is_last = start + limit >= items.len();
        let items: Vec<T> = items.into_iter().skip(start).take(limit).collect();
        let next_cursor = if is_last { None } else { items.last().map(&key) };
        Ok(Paged { items, next_cursor })
    }

    /// A page of a list in the store, whose ids sort by time. `list` reads so many items before an id, newest first; `id`
    /// is an item's.
    pub(crate) async fn newest_first<T, F>(
        &self,
        limit_max: usize,
        list: impl FnOnce(Uuid, i64) -> F,
        id: impl Fn(&T) -> Uuid,
    ) -> Result<Paged<T>, Error>
    where
        F: Future<Output = Result<Vec<T>, Error>>,
    {
        let limit = self.limit.clamp(1, limit_max);
        let before = match &self.cursor {
            None => Uuid::max(),
            Some(cursor) => cursor.parse().map_err(|_| no_page())?,
        };
        let mut items = list(before, i64::try_from(limit + 1).unwrap_or(i64::MAX)).await?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if has_more { items.last().map(|item| id(item).to_string()) } else { None };
        Ok(Paged { items, next_cursor })
    }

    /// The same, without those that the present code cannot read, such as what a later version wrote: they are logged, and
    /// keep no other from being listed.
    pub(crate) async fn newest_readable<T, F>(
        &self,
        limit_max: usize,
        list: impl FnOnce(Uuid, i64) -> F,
    ) -> Result<Paged<T>, Error>
    where
        F: Future<Output = Result<Vec<Found<T>>, Error>>,
    {
        let page = self.newest_first(limit_max, list, |(id, _): &Found<T>| *id).await?;
        let readable =
            |(id, item): Found<T>| item.inspect_err(|error| tracing::error!(%error, %id, "left out of a list")).ok();
        Ok(Paged { items: page.items.into_iter().filter_map(readable).collect(), next_cursor: page.next_cursor })
    }
}
