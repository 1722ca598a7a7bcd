//! The parameters of requests, for the description of the API. What reads them is in [`crate::api`].
#![expect(dead_code, reason = "never made, only described")]

use crate::openapi::schemas::{
    AcceptedContactMethod, By, ExportFileFormat, ExportFormat, ExportKind, Interval, ListedStep, Step, Tier,
};
use utoipa::IntoParams;

/// Which helplines are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HelplineParams {
    /// ISO 3166 code of the country, either case.
    #[param(min_length = 2, max_length = 2, pattern = "^[A-Za-z]{2}$", example = "GB")]
    country_code: String,
    /// Name or code of a topic, either case.
    #[param(
        nullable = false,
        min_length = 1,
        max_length = 120,
        pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$",
        example = "grief"
    )]
    topic: Option<String>,
    /// Name of a specialty, either case.
    #[param(nullable = false, min_length = 1, max_length = 120, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")]
    specialty: Option<String>,
    /// Only helplines that can be contacted in this way.
    #[param(nullable = false, inline)]
    contact_method: Option<AcceptedContactMethod>,
    /// Only priority helplines.
    #[param(nullable = false)]
    priority_only: Option<bool>,
    /// How many at most.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Which helpline is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct HelplinePath {
    /// The id of the helpline.
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$", example = "gb-evenlight")]
    id: String,
}

/// Which figures are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FigureParams {
    /// First day, in the customer's time zone.
    #[param(format = Date, example = "2026-11-01")]
    from: String,
    /// The day after the last one; at most 3,660 days after `from`.
    #[param(format = Date, example = "2026-11-24")]
    to: String,
    /// Events of which applications; production unless asked otherwise.
    #[param(nullable = false, inline)]
    tier: Option<Tier>,
    /// Only of this application.
    #[param(nullable = false, format = Uuid)]
    application_id: Option<String>,
    /// Only of this helpline.
    #[param(nullable = false, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$")]
    helpline_id: Option<String>,
    /// Only of the helplines of this country.
    #[param(nullable = false, min_length = 2, max_length = 2, pattern = "^[A-Za-z]{2}$")]
    country_code: Option<String>,
    /// Only of this way of contact.
    #[param(nullable = false, inline)]
    contact_method: Option<AcceptedContactMethod>,
}

/// The steps of a time series.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IntervalParam {
    /// By day unless asked otherwise; by the hour at most 31 days.
    #[param(nullable = false, inline)]
    interval: Option<Interval>,
}

/// What figures are broken down by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BreakdownParams {
    /// What the rows are.
    #[param(inline)]
    by: By,
    /// How many rows at most.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, min_length = 1, max_length = 200, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")]
    cursor: Option<String>,
}

/// Which month is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MonthPath {
    /// A calendar month, in the customer's time zone.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-11")]
    month: String,
}

/// Which step is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct StepPath {
    /// A step of the waterfall.
    #[param(inline)]
    step: Step,
}

/// Which statements are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementsParams {
    /// How many at most.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 24)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, min_length = 1, max_length = 200, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")]
    cursor: Option<String>,
}

/// Which page of the reports.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportsParams {
    /// How many at most.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, min_length = 1, max_length = 200, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")]
    cursor: Option<String>,
}

/// Which report is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ReportPath {
    /// The id of the report.
    #[param(format = Uuid)]
    report: String,
}

/// Up to where events take part.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsOfParam {
    /// A place in the customer's log, as an earlier answer named it. Of an issued month it is not looked at: that is as its
    /// statement has it.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    as_of: Option<i64>,
}

/// Which events are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsParams {
    /// Only those behind this step; all accepted ones unless asked otherwise. Of rejected and repeated events only counts are
    /// kept.
    #[param(nullable = false, inline)]
    step: Option<ListedStep>,
    /// Only of this day, in the customer's time zone.
    #[param(nullable = false, format = Date)]
    day: Option<String>,
    /// Only of this application.
    #[param(nullable = false, format = Uuid)]
    application_id: Option<String>,
    /// Only of this helpline.
    #[param(nullable = false, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$")]
    helpline_id: Option<String>,
    /// Only clicks on this way of contact.
    #[param(nullable = false, inline)]
    contact_method: Option<AcceptedContactMethod>,
    /// How many at most.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false, min_length = 1, max_length = 200, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")]
    cursor: Option<String>,
    /// A place in the customer's log, as the first page named it. Of an issued month it is not looked at: that is as its
    /// statement has it.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    as_of: Option<i64>,
}

/// What is exported.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ExportPath {
    /// What there is a row for.
    #[param(inline)]
    kind: ExportKind,
}

/// Which export is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ExportJobPath {
    /// The id of the export.
    #[param(format = Uuid)]
    job: String,
}

/// What is exported, and how it is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportJobParams {
    /// What the file has a row for.
    #[param(inline)]
    kind: ExportKind,
    /// CSV unless asked otherwise.
    #[param(nullable = false, inline)]
    format: Option<ExportFileFormat>,
    /// Whether a CSV file begins with a byte order mark.
    #[param(nullable = false)]
    bom: Option<bool>,
}

/// How an export is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// CSV unless asked otherwise.
    #[param(nullable = false, inline)]
    format: Option<ExportFormat>,
    /// Whether a CSV file begins with a byte order mark.
    #[param(nullable = false)]
    bom: Option<bool>,
    /// A place in the customer's log: raw events up to it take part. Figures have none.
    #[param(nullable = false, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    as_of: Option<i64>,
}
