//! Exports.

use super::Tier;
use serde::Serialize;
use utoipa::ToSchema;

/// What an export has a row for.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ExportKind {
    Events,
    Days,
    Helplines,
    Countries,
    ContactMethods,
    Applications,
}

/// How a file is written.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    Ndjson,
}

/// How a file that is made in the background is written.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ExportFileFormat {
    Csv,
    Ndjson,
    Xlsx,
    Parquet,
}

/// How far an export is.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ExportStatus {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// A file that was made.
#[derive(ToSchema)]
pub struct ExportMadeFile {
    versions: ExportVersions,
    /// The name of the file.
    file: String,
    format: ExportFileFormat,
    #[schema(minimum = 0)]
    bytes: i64,
    /// Rows, without the names of the columns.
    #[schema(minimum = 0)]
    rows: i64,
    /// SHA-256 of the whole file, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
}

/// An export.
#[derive(ToSchema)]
pub struct ExportJob {
    #[schema(format = Uuid)]
    id: String,
    export: ExportKind,
    format: ExportFileFormat,
    bom: bool,
    /// First day, in the customer's time zone.
    #[schema(format = Date)]
    from: String,
    /// The day after the last one.
    #[schema(format = Date)]
    to: String,
    filters: ExportJobFilters,
    status: ExportStatus,
    /// From 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    progress: f64,
    #[schema(format = DateTime)]
    requested_at: String,
    /// An e-mail address, an application, a link or the command line.
    requested_by: String,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Until when the file can be downloaded; null where none is kept.
    #[schema(format = DateTime)]
    file_expires_at: Option<String>,
    file: Option<ExportMadeFile>,
    /// Why it failed.
    error: Option<String>,
}

/// A page of exports.
#[derive(ToSchema)]
pub struct ExportJobs {
    jobs: Vec<ExportJob>,
    next_cursor: Option<String>,
}

/// Which events were asked for; null where all were.
#[derive(ToSchema)]
pub struct ExportJobFilters {
    /// Null is production.
    tier: Option<Tier>,
    #[schema(format = Uuid)]
    application_id: Option<String>,
    helpline_id: Option<String>,
    country_code: Option<String>,
    contact_method: Option<String>,
}

/// What the values of a column are.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ExportColumnType {
    Text,
    Integer,
    Ratio,
    Instant,
    LocalTime,
    Date,
}

/// A column of a file.
#[derive(ToSchema)]
pub struct ExportColumn {
    name: String,
    r#type: ExportColumnType,
    /// What is counted, where it is a count.
    unit: Option<String>,
    may_be_empty: bool,
    definition: String,
}

/// Which rules a file follows.
#[derive(ToSchema)]
pub struct ExportVersions {
    /// Of the rules by which figures are counted.
    metering: u32,
    /// Of the columns and their meaning.
    columns: u32,
    /// Of the manifest's own form.
    manifest: u32,
}

/// Which events take part; null where all do.
#[derive(ToSchema)]
pub struct ExportFilters {
    tier: Tier,
    #[schema(format = Uuid)]
    application_id: Option<String>,
    helpline_id: Option<String>,
    country_code: Option<String>,
    contact_method: Option<String>,
}

/// What a file is.
#[derive(ToSchema)]
pub struct ExportManifest {
    versions: ExportVersions,
    export: ExportKind,
    /// The name of the file.
    file: String,
    format: ExportFileFormat,
    #[schema(minimum = 0)]
    bytes: i64,
    /// Rows, without the names of the columns.
    #[schema(minimum = 0)]
    rows: i64,
    /// SHA-256 of the whole file, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    #[schema(format = Uuid)]
    customer_id: String,
    customer_name: String,
    /// First day, in the time zone.
    #[schema(format = Date)]
    from: String,
    /// The day after the last one.
    #[schema(format = Date)]
    to: String,
    time_zone: String,
    filters: ExportFilters,
    /// The place in the customer's log up to which raw events take part; null of figures.
    log_length: Option<i64>,
    #[schema(format = DateTime)]
    made_at: String,
    /// The order of the rows.
    order: String,
    columns: Vec<ExportColumn>,
}
