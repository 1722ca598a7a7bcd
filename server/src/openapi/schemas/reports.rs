//! Reports for regulators and the public.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A count: a number; `"<10"` where it is suppressed, `"withheld"` where it would give a suppressed one away.
#[derive(ToSchema, Serialize)]
#[serde(untagged)]
pub enum PrintedCount {
    Count(i64),
    Suppressed(String),
    /// The table does not give the figure exactly.
    Absent,
}

/// Whether a report may still change.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ReportStatus {
    Draft,
    /// It never changes again.
    Approved,
}

/// What the total of a report is broken down by.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum TableBy {
    Month,
    Country,
    Helpline,
    ContactMethod,
}

/// The kind of a report.
#[derive(ToSchema)]
pub struct ReportTemplate {
    key: String,
    version: u32,
    title: String,
    /// The rule that asks for such a report; empty where none does.
    law: String,
    source_url: String,
}

/// One row of a table.
#[derive(ToSchema)]
pub struct ReportRow {
    /// The month, code or id.
    key: String,
    name: String,
    /// By the names of the figures; null where the table does not give one exactly.
    figures: BTreeMap<String, PrintedCount>,
}

/// The total broken down.
#[derive(ToSchema)]
pub struct ReportTable {
    by: TableBy,
    rows: Vec<ReportRow>,
}

/// A text of the customer.
#[derive(ToSchema)]
pub struct ReportText {
    key: String,
    label: String,
    text: String,
}

/// What a version changes of the one before.
#[derive(ToSchema)]
pub struct ReportChange {
    what: String,
    before: String,
    after: String,
}

/// The parameters of the rules by which a report was counted.
#[derive(ToSchema)]
pub struct ReportRules {
    /// Of the rules by which figures are counted.
    version: u32,
    /// Displays, and clicks, that follow each other within this many seconds are net one.
    repeat_seconds: i64,
    /// A click belongs to a display at most this many hours before it.
    attribution_hours: i64,
    /// Displays in a session that follow each other within this many seconds are one notification.
    notification_seconds: i64,
    /// Counts from 1 up to, not including, this are suppressed; null: none are.
    #[schema(required = true)]
    suppress_below: Option<u32>,
}

/// Some days, in the customer's time zone.
#[derive(ToSchema)]
pub struct ReportDays {
    #[schema(format = Date)]
    first: String,
    /// Inclusive.
    #[schema(format = Date)]
    last: String,
}

/// Counts of history whose sessions are not known. No figure of the report can be told from them, and they are in none.
#[derive(ToSchema)]
pub struct ReportImported {
    displays: PrintedCount,
    clicks: PrintedCount,
    /// The days that the counts are of; whole months where a number is withheld or, as in reports of one exact number, null.
    days: Vec<ReportDays>,
    /// The same in a sentence.
    note: String,
}

/// What a figure means.
#[derive(ToSchema)]
pub struct ReportDefinition {
    name: String,
    label: String,
    definition: String,
}

/// A version of a report.
#[derive(ToSchema)]
pub struct Report {
    #[schema(format = Uuid)]
    id: String,
    template: ReportTemplate,
    /// The customer's name at that time.
    customer: String,
    /// First day, in the customer's time zone.
    #[schema(format = Date)]
    from: String,
    /// The day after the last one.
    #[schema(format = Date)]
    to: String,
    time_zone: String,
    status: ReportStatus,
    /// 1, 2, 3 … of the kind and period.
    version: u32,
    /// The version that this one corrects.
    #[schema(required = true)]
    predecessor: Option<u32>,
    /// Why.
    #[schema(required = true)]
    reason: Option<String>,
    changes: Vec<ReportChange>,
    /// What whoever approves a draft should know: what it would give away. Null: nothing, it is approved, or this is a file.
    #[schema(required = true)]
    warning: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Files and public pages name nobody.
    created_by: String,
    #[schema(required = true, format = DateTime)]
    approved_at: Option<String>,
    /// Files and public pages name nobody.
    #[schema(required = true)]
    approved_by: Option<String>,
    #[schema(format = DateTime)]
    counted_at: String,
    /// Totals by the names of the figures.
    figures: BTreeMap<String, PrintedCount>,
    tables: Vec<ReportTable>,
    texts: Vec<ReportText>,
    rules: ReportRules,
    /// The rules in sentences.
    notes: Vec<String>,
    /// What was imported of the period without sessions; null: nothing.
    #[schema(required = true)]
    imported: Option<ReportImported>,
    definitions: Vec<ReportDefinition>,
}

/// Reports, newest first.
#[derive(ToSchema)]
pub struct Reports {
    reports: Vec<Report>,
    /// Where the next page starts; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}
