//! Reports as CSV: one row for the total and one for each row of a table, the figures side by side, and at the end rows
//! that say what the report is, what its figures and rules mean, and what was imported without sessions. A report without
//! tables is one row, with its texts: nothing else can get into it.

use crate::api::analytics::Table;
use crate::api::csv;
use domain::figures::Figure;
use domain::report::form::period_code;
use engine::Report;

/// A report as a file.
#[must_use]
pub fn report(report: &Report) -> Table {
    let content = &report.body.content;
    let k = content.rules.suppress_below;
    let names = content.figures.iter().map(|figure| figure.name());
    let bytes = if content.template.tables.is_empty() {
        let texts = content.texts.iter();
        let columns: Vec<&str> = ["period"].into_iter().chain(names).chain(texts.map(|it| it.key.as_str())).collect();
        let mut table = csv::Table::new(&columns);
        let cells = content.total.iter().map(|cell| cell.plain(k));
        let texts = content.texts.iter().map(|it| it.text.clone());
        table.row([period(report)].into_iter().chain(cells).chain(texts));
        table.finish()
    } else {
        let columns: Vec<&str> = ["table", "key", "name"].into_iter().chain(names).collect();
        let mut table = csv::Table::new(&columns);
        let first = ["total", "", "Total"].map(str::to_owned);
        table.row(first.into_iter().chain(content.total.iter().map(|cell| cell.plain(k))));
        for part in &content.tables {
            for row in &part.rows {
                let first = [part.by.as_str().to_owned(), row.key.clone(), row.name.clone()];
                table.row(first.into_iter().chain(row.cells.iter().map(|cell| cell.plain(k))));
            }
        }
        for (key, text) in notes(report) {
            let first = ["note", key, &text].map(str::to_owned);
            table.row(first.into_iter().chain(content.figures.iter().map(|_| String::new())));
        }
        table.finish()
    };
    Table { name: file_name(report, "csv"), bytes }
}

/// What is said about the numbers, each with what it is about: the report, a figure, the rules, or what was imported.
fn notes(report: &Report) -> Vec<(&'static str, String)> {
    let content = &report.body.content;
    let template = &content.template;
    let corrects =
        report.body.predecessor.map(|before| format!(", which corrects version {before}")).unwrap_or_default();
    let status = if report.is_approved() { "Approved" } else { "Draft, not approved" };
    let what = format!(
        "{} ({}), version {} of the template. Version {} of the report{corrects}. {status}.",
        template.title, template.key, template.version, report.version
    );
    let mut notes = vec![("report", what)];
    let figure = |figure: Figure, definition| (figure.name(), format!("{}: {definition}", figure.label()));
    notes.extend(content.defined().map(|(it, _, definition)| figure(it, definition)));
    notes.extend(content.rule_sentences().iter().map(|sentence| ("rules", sentence.clone())));
    notes.extend(content.imported_sentence().map(|sentence| ("imported", sentence)));
    notes
}

/// The report's period, as a form takes it.
#[must_use]
pub fn period(report: &Report) -> String {
    period_code(report.first, report.last)
}

/// The name of a report's file.
#[must_use]
pub fn file_name(report: &Report, extension: &str) -> String {
    let (key, period) = (&report.body.content.template.key, period(report).replace('/', "-"));
    let draft = if report.is_approved() { "" } else { "-draft" };
    format!("reachline-{key}-{period}-v{}{draft}.{extension}", report.version)
}
