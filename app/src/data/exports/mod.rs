//! Exports: files of events and figures.

pub mod editor;
pub mod job;
pub mod list;

use crate::data::billing::Asked;
use crate::format;
use domain::export::job::{ExportForm, ExportJob, JobStatus, WHOLE};
use domain::period::Filter;

/// The path of the exports.
pub const EXPORTS: &str = "/exports";
/// The path of the form of a new one.
pub const NEW_EXPORT: &str = "/exports/new";

/// Of the form of an export of a customer: what one of them leaves must never show up in another.
#[must_use]
pub fn form_of(customer: &str) -> String {
    format!("export of {customer}")
}

/// Class and text of an export's badge.
#[must_use]
fn badge(job: &ExportJob) -> (&'static str, String) {
    let text = job.status.label().to_owned();
    match job.status {
        JobStatus::Queued => ("badge", text),
        JobStatus::Running => ("badge badge-warning", format!("{text}, {}", percent(job))),
        JobStatus::Done => ("badge badge-good", text),
        JobStatus::Failed => ("badge badge-bad", text),
        JobStatus::Cancelled => ("badge", text),
    }
}

/// How far it is, such as `42 %`.
fn percent(job: &ExportJob) -> String {
    format!("{} %", job.progress * 100 / WHOLE)
}

/// What is exported, and of which applications and helplines, in words.
fn filters(asked: &Asked, filter: &Filter) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let Some(tier) = filter.tier {
        found.push(("Tier", tier.label().to_owned()));
    }
    if let Some(id) = filter.application_id {
        found.push(("Application", asked.engine.application_name(&asked.reader, id).unwrap_or_else(|| id.to_string())));
    }
    if let Some(id) = &filter.helpline_id {
        found.push(("Helpline", id.to_string()));
    }
    if let Some(code) = filter.country_code {
        found.push(("Country", code.to_string()));
    }
    if let Some(method) = filter.contact_method {
        found.push(("Contact method", method.label().to_owned()));
    }
    found
}

/// The days that are exported, in words.
fn period(form: &ExportForm) -> String {
    format::period(form.period)
}

/// A number of rows.
fn rows(rows: u64) -> String {
    format::count(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// A size such as `1.4 MB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} bytes");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_tenths() {
        let of = [0, 999, 1_000, 1_449, 999_999, 1_000_000, 12_345_678_901, u64::MAX].map(size);
        assert_eq!(of, ["0 bytes", "999 bytes", "1.0 kB", "1.4 kB", "999.9 kB", "1.0 MB", "12.3 GB", "18446744.0 TB"]);
    }
}
