//! The exports of a customer or, for operators and auditors, of all.

use super::{EXPORTS, NEW_EXPORT, badge, filters, period, rows, size};
use crate::data::billing::{Asked, Whose};
use crate::data::paging;
use crate::error::UiError;
use crate::{format, query};
use domain::Zone;
use domain::export::job::ExportJob;
use engine::OfCustomer;

/// The page of the exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exports {
    pub whose: Whose,
    pub list: ExportList,
}

/// A page of exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportList {
    pub items: Vec<ExportRow>,
    /// The addresses of the first page and of the next.
    pub first: Option<String>,
    pub next: Option<String>,
    /// The address of the form of a new one; `None` while no customer is chosen.
    pub new: Option<String>,
    /// Whether one of them is under way.
    pub is_live: bool,
}

/// An export in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRow {
    /// Whose it is, where the exports are of all.
    pub customer: Option<String>,
    pub title: &'static str,
    pub href: String,
    pub period: String,
    /// What it is limited to.
    pub filters: String,
    pub format: &'static str,
    pub badge: (&'static str, String),
    pub is_under_way: bool,
    /// Rows and size of the file.
    pub size: String,
    /// When and by whom it was requested.
    pub requested: String,
    /// Versions of the rules and of the columns.
    pub versions: String,
}

/// The exports of the chosen customer, or of all.
///
/// # Errors
/// Those of the engine.
pub async fn exports(customer: Option<String>, cursor: Option<String>) -> Result<Exports, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let whose = asked.whose()?;
    let is_later = cursor.is_some();
    let (paging, engine) = (paging(cursor), &asked.engine);
    let (items, next_cursor): (Vec<_>, _) = if asked.reader.customer().is_some() {
        let found = engine.export_jobs(&asked.reader, &paging).await?;
        (found.items.iter().map(|job| row(&asked, job, asked.zone())).collect(), found.next_cursor)
    } else {
        let found = engine.all_export_jobs(&engine.supervisor(&asked.user)?, &paging).await?;
        (found.items.iter().map(|of| row_of_all(&asked, of)).collect(), found.next_cursor)
    };
    let list = ExportList {
        is_live: items.iter().any(|row| row.is_under_way),
        items,
        first: is_later.then(|| asked.href(EXPORTS, &[])),
        next: next_cursor.map(|cursor| asked.href(EXPORTS, &[("cursor", &cursor)])),
        new: asked.reader.customer().map(|_| asked.href(NEW_EXPORT, &[])),
    };
    Ok(Exports { whose, list })
}

/// An export among those of all: as in its customer's list, but for its times, and whose it is.
fn row_of_all(asked: &Asked, of: &OfCustomer<ExportJob>) -> ExportRow {
    // A process may not know yet whom another one has just added: then it does not know the applications either.
    let reader = asked.engine.reader(&asked.user, Some(of.customer)).unwrap_or_else(|_| asked.reader.clone());
    let asked = Asked { engine: asked.engine.clone(), user: asked.user.clone(), reader };
    let href = query::href(&format!("{EXPORTS}/{}", of.item.id), &[("customer", &of.customer.to_string())]);
    ExportRow { customer: Some(of.name.clone()), href, ..row(&asked, &of.item, Zone::UTC) }
}

fn row(asked: &Asked, job: &ExportJob, zone: Zone) -> ExportRow {
    let filters: Vec<String> = filters(asked, &job.form.filter).into_iter().map(|(_, value)| value).collect();
    let made = job.made.as_ref();
    ExportRow {
        customer: None,
        title: job.form.kind.label(),
        href: asked.href(&format!("{EXPORTS}/{}", job.id), &[]),
        period: period(&job.form),
        filters: filters.join(", "),
        format: job.form.format.label(),
        badge: badge(job),
        is_under_way: job.status.is_under_way(),
        size: made.map_or_else(
            || "–".to_owned(),
            |made| format!("{} rows, {}", rows(made.written.rows), size(made.written.bytes)),
        ),
        requested: format!("{} by {}", format::instant(job.requested_at, zone), job.requested_by),
        versions: made.map_or_else(
            || "–".to_owned(),
            |made| format!("rules {}, columns {}", made.versions.metering, made.versions.columns),
        ),
    }
}
