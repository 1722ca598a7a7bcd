//! Reports: what is made for regulators and the public.

pub mod all;
pub mod editor;
pub mod list;
pub mod report;

use crate::data::billing::Asked;
use crate::format;
use domain::report::form::period_code;
use domain::zone::Month;
use engine::{Report, ReportStatus};

/// The path of the reports.
pub const REPORTS: &str = "/reports";

/// Whether the person may make and approve reports of the chosen customer.
fn can_change(asked: &Asked) -> bool {
    asked.reader.customer().is_some_and(|customer| asked.engine.manager(&asked.user, customer.id).is_ok())
}

/// Of the form of a report of a customer: what one of them leaves must never show up in another.
#[must_use]
pub fn form_of(customer: &str, template: &str) -> String {
    format!("report {template} of {customer}")
}

/// `2026`, `November 2026` or `October 2026 to November 2026`
fn period(first: Month, last: Month) -> String {
    if last == first {
        return format::month_long(first);
    }
    let code = period_code(first, last);
    if code.contains('/') { format!("{} to {}", format::month_long(first), format::month_long(last)) } else { code }
}

/// Class and text of a report's badge.
fn badge(report: &Report) -> (&'static str, &'static str) {
    match report.status {
        ReportStatus::Draft => ("badge badge-warning", "Draft"),
        ReportStatus::Approved { .. } => ("badge badge-good", "Approved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_told_in_words() {
        let of = |first: &str, last: &str| period(first.parse().unwrap(), last.parse().unwrap());
        assert_eq!(of("2026-01", "2026-12"), "2026");
        assert_eq!(of("2026-03", "2026-03"), "March 2026");
        assert_eq!(of("2026-02", "2027-01"), "February 2026 to January 2027");
    }
}
