//! All customers' reports as one table, with their numbers as they are printed: which number was reported by whom, and which
//! version of it holds. It names no person.

use super::tables::period;
use crate::api::analytics::Table;
use crate::api::csv;
use domain::CustomerId;
use domain::figures::Figure;
use domain::zone::Month;
use engine::actor::Supervisor;
use engine::{Engine, OfCustomer, Paging, Report, ReportStatus};
use std::collections::HashSet;

/// Reports that are read at once.
const READ: usize = 100;

const COLUMNS: [&str; 14] = [
    "customer_id",
    "customer",
    "report_id",
    "template",
    "template_version",
    "period",
    "time_zone",
    "version",
    "corrects",
    "status",
    "in_force",
    "counted_at",
    "approved_at",
    "rules_version",
];

/// The table while it is written.
struct Overview {
    table: csv::Table,
    /// Of which an approved version has been written: those before it are corrected.
    seen: HashSet<(CustomerId, String, Month, Month)>,
}

impl Overview {
    fn new() -> Self {
        let columns: Vec<&str> = COLUMNS.into_iter().chain(Figure::ALL.map(Figure::name)).collect();
        Self { table: csv::Table::new(&columns), seen: HashSet::new() }
    }

    /// Adds reports, newest first.
    fn add(&mut self, reports: &[OfCustomer<Report>]) {
        for OfCustomer { customer, name, item: report } in reports {
            let content = &report.body.content;
            let (template, k) = (&content.template, content.rules.suppress_below);
            let approved_at = match &report.status {
                ReportStatus::Draft => None,
                ReportStatus::Approved { at, .. } => Some(at.to_string()),
            };
            let series = (*customer, template.key.clone(), report.first, report.last);
            let in_force = report.is_approved() && self.seen.insert(series);
            let first = [
                customer.to_string(),
                name.clone(),
                report.id.to_string(),
                template.key.clone(),
                template.version.to_string(),
                period(report),
                content.time_zone.name().to_owned(),
                report.version.to_string(),
                report.body.predecessor.map(|version| version.to_string()).unwrap_or_default(),
                if report.is_approved() { "approved" } else { "draft" }.to_owned(),
                in_force.to_string(),
                content.counted_at.to_string(),
                approved_at.unwrap_or_default(),
                content.rules.version.to_string(),
            ];
            let printed =
                Figure::ALL.map(|figure| content.total_of(figure).map(|cell| cell.plain(k)).unwrap_or_default());
            self.table.row(first.into_iter().chain(printed));
        }
    }

    /// The file.
    fn finish(self, template: Option<&str>) -> Table {
        let of = template.map(|key| format!("-{key}")).unwrap_or_default();
        Table { name: format!("reachline-reports{of}.csv"), bytes: self.table.finish() }
    }
}

/// The file of all customers' reports, or of those of one kind.
///
/// # Errors
/// Those of [`Engine::all_reports`].
pub async fn of_all(engine: &Engine, supervisor: &Supervisor, template: Option<&str>) -> Result<Table, engine::Error> {
    let mut overview = Overview::new();
    let mut paging = Paging { cursor: None, limit: READ };
    loop {
        let page = engine.all_reports(supervisor, template, &paging).await?;
        overview.add(&page.items);
        paging.cursor = page.next_cursor;
        if paging.cursor.is_none() {
            return Ok(overview.finish(template));
        }
    }
}
