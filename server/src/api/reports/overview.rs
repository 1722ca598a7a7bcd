//! All customers' reports as one table, with the numbers of those that are approved, as they are printed: which number was
//! reported by whom, and which version of it holds. It names no person. Drafts have no numbers: nothing was decided yet of what
//! they would give away beside others.

use super::tables::period;
use crate::api::analytics::Table;
use crate::api::csv;
use domain::figures::Figure;
use engine::actor::Supervisor;
use engine::{Engine, ListedReport, OfCustomer, Paging, ReportStatus, ReportsOf};

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

fn row(OfCustomer { customer, name, item }: &OfCustomer<ListedReport>) -> impl Iterator<Item = String> {
    let (report, content) = (&item.report, &item.report.body.content);
    let (template, k) = (&content.template, content.rules.suppress_below);
    let approved_at = match &report.status {
        ReportStatus::Draft => None,
        ReportStatus::Approved { at, .. } => Some(at.to_string()),
    };
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
        report.status.name().to_owned(),
        item.is_in_force.to_string(),
        content.counted_at.to_string(),
        approved_at.unwrap_or_default(),
        content.rules.version.to_string(),
    ];
    let total = |figure| content.total_of(figure).filter(|_| report.is_approved());
    first.into_iter().chain(Figure::ALL.map(|figure| total(figure).map(|cell| cell.plain(k)).unwrap_or_default()))
}

/// The file of all customers' reports, or of those of one kind.
///
/// # Errors
/// Those of [`Engine::all_reports`].
pub async fn of_all(engine: &Engine, supervisor: &Supervisor, template: Option<&str>) -> Result<Table, engine::Error> {
    let columns: Vec<&str> = COLUMNS.into_iter().chain(Figure::ALL.map(Figure::name)).collect();
    let mut table = csv::Table::new(&columns);
    let mut paging = Paging { cursor: None, limit: READ };
    loop {
        let page = engine.all_reports(supervisor, ReportsOf { customer: None, template }, &paging).await?;
        page.items.iter().for_each(|of| table.row(row(of)));
        paging.cursor = page.next_cursor;
        if paging.cursor.is_none() {
            let of = template.map(|key| format!("-{key}")).unwrap_or_default();
            return Ok(Table { name: format!("reachline-reports{of}.csv"), bytes: table.finish() });
        }
    }
}
