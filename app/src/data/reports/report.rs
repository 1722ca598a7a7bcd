//! One report.

use super::{REPORTS, badge, can_change, period};
use crate::data::billing::Asked;
use crate::data::{id, take_refused};
use crate::error::UiError;
use crate::format;
use domain::ids::ReportId;
use domain::report::{Change, Content};
use engine::ReportStatus;

/// What the page of a report shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportView {
    pub id: String,
    pub customer: String,
    pub content: Content,
    pub period: String,
    pub version: u32,
    pub badge: (&'static str, &'static str),
    /// Who made it, who approved it, and when.
    pub history: Vec<String>,
    pub reason: Option<String>,
    pub changes: Vec<Change>,
    /// What whoever approves it should know.
    pub warning: Option<String>,
    pub is_draft: bool,
    pub can_change: bool,
    /// The address of the list.
    pub back: String,
    /// Of its files: name and address.
    pub files: Vec<(&'static str, String)>,
    /// The address of the form of a correction.
    pub correct: String,
    /// Why a change was refused.
    pub error: Option<UiError>,
}

/// A report of the chosen customer.
///
/// # Errors
/// Those of the engine.
pub async fn report(report: &str, customer: Option<String>) -> Result<ReportView, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let of = asked.reader.customer().ok_or(UiError::NotFound)?.clone();
    let found = asked.engine.report(&asked.reader, id::<ReportId>(report)?).await?;
    let zone = asked.zone();
    let mut history = vec![
        format!("Counted {} by {}", format::instant(found.created_at, zone), found.created_by),
        format!("From version {} of its template", found.body.content.template.version),
    ];
    if let ReportStatus::Approved { at, by } = &found.status {
        history.push(format!("Approved {} by {by}", format::instant(*at, zone)));
    }
    if let Some(predecessor) = found.body.predecessor {
        history.push(format!("Corrects version {predecessor}"));
    }
    let file = |file: &str| asked.href(&format!("/download/{file}"), &[("report", report)]);
    let template = found.body.content.template.key.clone();
    Ok(ReportView {
        id: found.id.to_string(),
        customer: of.id.to_string(),
        period: period(found.first, found.last),
        version: found.version,
        badge: badge(&found),
        history,
        reason: found.body.reason.clone(),
        changes: found.body.changes.clone(),
        warning: found.body.warning.clone(),
        is_draft: !found.is_approved(),
        can_change: can_change(&asked),
        back: asked.href(REPORTS, &[]),
        files: vec![("PDF", file("report.pdf")), ("CSV", file("report.csv")), ("JSON", file("report.json"))],
        correct: asked.href("/reports/new", &[("template", &template)]),
        error: take_refused::<()>("report").await?.map(|((), error)| error),
        content: found.body.content,
    })
}
