//! How reports are printed as JSON.

use domain::figures::Figure;
use domain::report::{Cell, Change, Days, Imported, Rules, Table, TableBy, Template, Text};
use engine::{Report, ReportStatus};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A count as it is printed: a number, or a text that says why there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Printed {
    Count(i64),
    Text(String),
    Absent,
}

fn printed(cell: Cell, rules: &Rules) -> Printed {
    match cell {
        Cell::Count(n) => Printed::Count(n),
        Cell::Absent => Printed::Absent,
        hidden => Printed::Text(hidden.plain(rules.suppress_below)),
    }
}

/// Counts by the names of their figures.
type Counts = BTreeMap<&'static str, Printed>;

fn counts(figures: &[Figure], cells: &[Cell], rules: &Rules) -> Counts {
    figures.iter().zip(cells).map(|(figure, cell)| (figure.name(), printed(*cell, rules))).collect()
}

/// What a figure means.
#[derive(Serialize)]
struct Definition<'a> {
    name: &'static str,
    label: &'static str,
    definition: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    key: &'a str,
    name: &'a str,
    figures: Counts,
}

#[derive(Serialize)]
struct TableJson<'a> {
    by: TableBy,
    rows: Vec<Row<'a>>,
}

/// What was imported of the period without sessions.
#[derive(Serialize)]
struct ImportedJson<'a> {
    displays: Printed,
    clicks: Printed,
    days: &'a [Days],
    note: String,
}

impl<'a> ImportedJson<'a> {
    fn of(imported: &'a Imported, rules: &Rules) -> Self {
        Self {
            displays: printed(imported.displays, rules),
            clicks: printed(imported.clicks, rules),
            days: &imported.days,
            note: imported.sentence(rules.suppress_below),
        }
    }
}

/// The kind of a report, and where it comes from.
#[derive(Serialize)]
pub struct TemplateJson<'a> {
    key: &'a str,
    version: u32,
    title: &'a str,
    law: &'a str,
    source_url: &'a str,
}

impl<'a> From<&'a Template> for TemplateJson<'a> {
    fn from(of: &'a Template) -> Self {
        Self { key: &of.key, version: of.version, title: &of.title, law: &of.law, source_url: &of.source_url }
    }
}

/// Who had to do with a report.
#[derive(Serialize)]
struct People<'a> {
    created_by: &'a str,
    approved_by: Option<&'a str>,
}

/// A version of a report.
#[derive(Serialize)]
pub struct ReportJson<'a> {
    id: String,
    template: TemplateJson<'a>,
    customer: &'a str,
    /// Inclusive, and exclusive.
    from: String,
    to: String,
    time_zone: &'static str,
    status: &'static str,
    version: u32,
    predecessor: Option<u32>,
    reason: Option<&'a str>,
    changes: &'a [Change],
    /// What whoever approves a draft should know.
    warning: Option<&'a str>,
    created_at: String,
    approved_at: Option<String>,
    #[serde(flatten)]
    people: Option<People<'a>>,
    counted_at: String,
    figures: Counts,
    tables: Vec<TableJson<'a>>,
    texts: &'a [Text],
    rules: Rules,
    notes: Cow<'a, [String]>,
    /// What was imported without sessions, and is in none of the figures.
    imported: Option<ImportedJson<'a>>,
    definitions: Vec<Definition<'a>>,
}

impl<'a> ReportJson<'a> {
    /// As it is given away: files and public pages name nobody, a regulator's least of all, and warn nobody. Who drafted and
    /// who approved it is said to those who are logged in, and in the audit log.
    #[must_use]
    pub fn given_away(of: &'a Report) -> Self {
        Self { people: None, warning: None, ..Self::from(of) }
    }
}

impl<'a> From<&'a Report> for ReportJson<'a> {
    fn from(of: &'a Report) -> Self {
        let content = &of.body.content;
        let (approved_at, approved_by) = match &of.status {
            ReportStatus::Draft => (None, None),
            ReportStatus::Approved { at, by } => (Some(at.to_string()), Some(by.as_str())),
        };
        let people = Some(People { created_by: &of.created_by, approved_by });
        let row = |row: &'a domain::report::Row| Row {
            key: &row.key,
            name: &row.name,
            figures: counts(&content.figures, &row.cells, &content.rules),
        };
        let table = |table: &'a Table| TableJson { by: table.by, rows: table.rows.iter().map(row).collect() };
        let definition = |(figure, _, definition): (Figure, Cell, &'a str)| Definition {
            name: figure.name(),
            label: figure.label(),
            definition,
        };
        Self {
            id: of.id.to_string(),
            template: (&content.template).into(),
            customer: &content.customer,
            from: content.period.from.to_string(),
            to: content.period.to.to_string(),
            time_zone: content.time_zone.name(),
            status: of.status.name(),
            version: of.version,
            predecessor: of.body.predecessor,
            reason: of.body.reason.as_deref(),
            changes: &of.body.changes,
            warning: of.body.warning.as_deref().filter(|_| !of.is_approved()),
            created_at: of.created_at.to_string(),
            approved_at,
            people,
            counted_at: content.counted_at.to_string(),
            figures: counts(&content.figures, &content.total, &content.rules),
            tables: content.tables.iter().map(table).collect(),
            texts: &content.texts,
            rules: content.rules,
            notes: content.rule_sentences(),
            imported: content.imported.as_ref().map(|imported| ImportedJson::of(imported, &content.rules)),
            definitions: content.defined().map(definition).collect(),
        }
    }
}
