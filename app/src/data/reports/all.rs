//! All customers' reports, for operators and auditors.

use super::REPORTS;
use super::list::{ReportRow, row};
use crate::data::billing::Asked;
use crate::data::{Choice, paging};
use crate::error::UiError;
use crate::query;
use domain::Zone;
use engine::ReportsOf;

/// A page of all customers' reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllReports {
    pub items: Vec<ReportRow>,
    /// The addresses of the first page and of the next.
    pub first: Option<String>,
    pub next: Option<String>,
    pub kinds: Vec<Choice>,
    /// The kind of which reports are shown; empty for all.
    pub kind: String,
    /// The address of the file of all of them.
    pub download: String,
}

/// All customers' reports, or those of a kind.
///
/// # Errors
/// Those of the engine.
pub(super) async fn all(
    asked: &Asked,
    template: Option<String>,
    cursor: Option<String>,
) -> Result<AllReports, UiError> {
    let template = template.filter(|key| !key.is_empty());
    let is_later = cursor.is_some();
    let supervisor = asked.engine.supervisor(&asked.user)?;
    let templates = asked.engine.report_templates()?;
    let of = ReportsOf { customer: None, template: template.as_deref() };
    let found = asked.engine.all_reports(&supervisor, of, &paging(cursor)).await?;
    let kind: Vec<_> = template.iter().map(|key| ("template", key.as_str())).collect();
    let here = query::href(REPORTS, &kind);
    let items = found.items.iter().map(|of| {
        let report = &of.item.report;
        let href = query::href(&format!("{REPORTS}/{}", report.id), &[("customer", &of.customer.to_string())]);
        ReportRow { customer: Some(of.name.clone()), ..row(templates, report, href, Zone::UTC) }
    });
    let next = found.next_cursor.map(|cursor| {
        let pairs: Vec<_> = kind.iter().copied().chain([("cursor", cursor.as_str())]).collect();
        query::href(REPORTS, &pairs)
    });
    Ok(AllReports {
        items: items.collect(),
        next,
        first: is_later.then_some(here),
        kinds: templates.iter().map(|it| Choice { value: it.key.clone(), label: it.title.clone() }).collect(),
        download: query::href("/download/reports.csv", &kind),
        kind: template.unwrap_or_default(),
    })
}
