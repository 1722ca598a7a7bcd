//! One export.

use super::{EXPORTS, badge, filters, percent, period, rows, size};
use crate::data::billing::Asked;
use crate::data::{id, take_refused};
use crate::error::UiError;
use crate::format;
use domain::export::job::{ExportJob, JobStatus, WHOLE};

/// What the page of an export shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportView {
    pub id: String,
    pub customer: String,
    pub customer_name: String,
    pub time_zone: &'static str,
    /// The address of the list, and of this page.
    pub back: String,
    pub here: String,
    pub title: String,
    pub badge: (&'static str, String),
    /// While it is under way: how far it is, in thousandths, and in words.
    pub progress: Option<(u32, String)>,
    /// Names and values of what was asked for and made.
    pub facts: Vec<(&'static str, String)>,
    /// Of what was made: name, meaning and unit of each column.
    pub columns: Vec<(String, String)>,
    /// Name and address of each file that is kept.
    pub files: Vec<(&'static str, String)>,
    /// Whether the person may cancel it, or delete its file.
    pub can_end: bool,
    /// What else there is to say.
    pub note: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Why a change was refused.
    pub error: Option<UiError>,
}

/// One of a customer's exports.
///
/// # Errors
/// Those of the engine.
pub async fn export(export: &str, customer: Option<String>) -> Result<ExportView, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let of = asked.reader.customer().ok_or(UiError::NotFound)?.clone();
    let job = asked.engine.export_job(&asked.reader, id(export)?).await?;
    let columns = if job.made.is_some() { columns(&asked, &job).await? } else { Vec::new() };
    let has_file = job.has_file(asked.engine.now());
    let keeper = asked.engine.export_keeper(&asked.user, Some(of.id))?;
    Ok(ExportView {
        customer: of.id.to_string(),
        customer_name: of.name,
        time_zone: of.time_zone.name(),
        back: asked.href(EXPORTS, &[]),
        here: asked.href(&format!("{EXPORTS}/{}", job.id), &[]),
        title: format!("{}, {}", job.form.kind.label(), period(&job.form)),
        badge: badge(&job),
        progress: job.status.is_under_way().then(|| (job.progress.min(WHOLE), percent(&job))),
        facts: facts(&asked, &job),
        columns,
        files: if has_file { files(&job) } else { Vec::new() },
        can_end: keeper.keeps(&job),
        note: note(&asked, &job, has_file),
        failure: job.error.clone(),
        error: take_refused::<()>("export").await?.map(|((), error)| error),
        id: job.id.to_string(),
    })
}

fn files(job: &ExportJob) -> Vec<(&'static str, String)> {
    let path = |part: &str| format!("/download/exports/{}{part}", job.id);
    vec![(job.form.format.label(), path("")), ("Manifest", path("/manifest"))]
}

fn note(asked: &Asked, job: &ExportJob, has_file: bool) -> Option<String> {
    let until = || job.file_expires_at.map(|until| format::instant(until, asked.zone()));
    match job.status {
        JobStatus::Done if has_file => Some(format!("The file is kept until {}.", until()?)),
        JobStatus::Done if job.file_expires_at.is_some() => {
            Some(format!("The file was kept until {}. What was in it is said here.", until()?))
        }
        JobStatus::Done => Some("The file was handed over as it was made; it is not kept here.".to_owned()),
        JobStatus::Cancelled => Some("It was cancelled; nothing was made.".to_owned()),
        JobStatus::Queued | JobStatus::Running | JobStatus::Failed => None,
    }
}

fn facts(asked: &Asked, job: &ExportJob) -> Vec<(&'static str, String)> {
    let zone = asked.zone();
    let mut facts = vec![
        ("Period", period(&job.form)),
        ("Time zone", zone.name().to_owned()),
        ("Format", job.form.format.label().to_owned()),
    ];
    facts.extend(filters(asked, &job.form.filter));
    facts.push(("Requested", format!("{} by {}", format::instant(job.requested_at, zone), job.requested_by)));
    if let Some(at) = job.ended_at {
        facts.push(("Ended", format::instant(at, zone)));
    }
    if let Some(made) = &job.made {
        let (written, versions) = (&made.written, made.versions);
        facts.extend([
            ("File", written.file.clone()),
            ("Rows", rows(written.rows)),
            ("Size", size(written.bytes)),
            ("SHA-256", written.sha256.clone()),
            ("Version of the rules", versions.metering.to_string()),
            ("Version of the columns", versions.columns.to_string()),
        ]);
    }
    facts
}

/// The columns, as the manifest tells them.
async fn columns(asked: &Asked, job: &ExportJob) -> Result<Vec<(String, String)>, UiError> {
    let manifest = asked.engine.export_manifest(&asked.reader, job.id).await?;
    let text = |column: &serde_json::Value, name: &str| column[name].as_str().unwrap_or_default().to_owned();
    let columns = manifest["columns"].as_array().cloned().unwrap_or_default();
    Ok(columns.iter().map(|column| (text(column, "name"), text(column, "definition"))).collect())
}
