//! A customer's exports.

use super::{EXPORTS, NEW_EXPORT, badge, filters, period, rows, size};
use crate::data::billing::{Asked, Whose};
use crate::data::paging;
use crate::error::UiError;
use crate::format;
use domain::export::job::ExportJob;

/// The page of the exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exports {
    pub whose: Whose,
    /// `None` while no customer is chosen.
    pub list: Option<ExportList>,
}

/// A page of a customer's exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportList {
    pub items: Vec<ExportRow>,
    /// The addresses of the first page and of the next.
    pub first: Option<String>,
    pub next: Option<String>,
    /// The address of the form of a new one.
    pub new: String,
    /// Whether one of them is under way.
    pub is_live: bool,
}

/// An export in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRow {
    pub title: &'static str,
    pub href: String,
    pub period: String,
    /// What it is limited to.
    pub filters: String,
    pub format: &'static str,
    pub badge: (&'static str, String),
    /// Rows and size of the file.
    pub size: String,
    /// When and by whom it was requested.
    pub requested: String,
    /// Versions of the rules and of the columns.
    pub versions: String,
}

/// The exports of the chosen customer.
///
/// # Errors
/// Those of the engine.
pub async fn exports(customer: Option<String>, cursor: Option<String>) -> Result<Exports, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let whose = asked.whose()?;
    if asked.reader.customer().is_none() {
        return Ok(Exports { whose, list: None });
    }
    let is_later = cursor.is_some();
    let found = asked.engine.export_jobs(&asked.reader, &paging(cursor)).await?;
    let list = ExportList {
        is_live: found.items.iter().any(|job| job.status.is_under_way()),
        items: found.items.iter().map(|job| row(&asked, job)).collect(),
        first: is_later.then(|| asked.href(EXPORTS, &[])),
        next: found.next_cursor.map(|cursor| asked.href(EXPORTS, &[("cursor", &cursor)])),
        new: asked.href(NEW_EXPORT, &[]),
    };
    Ok(Exports { whose, list: Some(list) })
}

fn row(asked: &Asked, job: &ExportJob) -> ExportRow {
    let filters: Vec<String> = filters(asked, &job.form.filter).into_iter().map(|(_, value)| value).collect();
    let made = job.made.as_ref();
    ExportRow {
        title: job.form.kind.label(),
        href: asked.href(&format!("{EXPORTS}/{}", job.id), &[]),
        period: period(&job.form),
        filters: filters.join(", "),
        format: job.form.format.label(),
        badge: badge(job),
        size: made.map_or_else(
            || "–".to_owned(),
            |made| format!("{} rows, {}", rows(made.written.rows), size(made.written.bytes)),
        ),
        requested: format!("{} by {}", format::instant(job.requested_at, asked.zone()), job.requested_by),
        versions: made.map_or_else(
            || "–".to_owned(),
            |made| format!("rules {}, columns {}", made.versions.metering, made.versions.columns),
        ),
    }
}
