//! Usage, statements, and the events behind them.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The figure whose count is billed.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum BillableFigure {
    Reach,
    UniqueDisplays,
    NetDisplays,
    NetClicks,
    Notifications,
}

/// A step of the waterfall.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum Step {
    Received,
    Rejected,
    Duplicates,
    Sandbox,
    OtherKind,
    Gross,
    Repeats,
    Net,
    NotUnique,
    Billable,
}

/// A step of the waterfall whose events are kept.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ListedStep {
    Sandbox,
    OtherKind,
    Gross,
    Repeats,
    Net,
    NotUnique,
    Billable,
}

/// The last step that an event reached.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum Outcome {
    Sandbox,
    OtherKind,
    Repeats,
    NotUnique,
    Billable,
}

/// A month's usage.
#[derive(ToSchema)]
pub struct Usage {
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    /// IANA name of the zone of the customer's days.
    time_zone: String,
    waterfall: Waterfall,
    /// Null where no rate card prices the month.
    #[schema(required = true)]
    statement: Option<Statement>,
}

/// How the billable quantity comes about: received, less rejected, duplicates, sandbox and other kind, is gross; less repeats
/// it is net; less what is not unique it is billable.
#[derive(ToSchema)]
pub struct Waterfall {
    figure: BillableFigure,
    /// Everything that the customer's applications sent.
    received: i64,
    /// Refused events by the code of their first fault, by the time they were received.
    rejected: BTreeMap<String, i64>,
    rejected_total: i64,
    /// Events that had been accepted before.
    duplicates: i64,
    /// Accepted events of sandbox applications.
    sandbox: i64,
    /// Accepted clicks where displays are billed, and displays where clicks are.
    other_kind: i64,
    /// Accepted events of the billed kind.
    gross: i64,
    /// Of a burst all but the last; of notifications, displays of a referral that has begun.
    repeats: i64,
    /// What is left after double-click filtering.
    net: i64,
    /// What the month counts already. Below 0 where bursts run into the next month.
    not_unique: i64,
    /// What is priced.
    billable: i64,
}

/// Statements, newest first.
#[derive(ToSchema)]
pub struct Statements {
    statements: Vec<Statement>,
    /// Where the next page starts; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Whether a statement may still change.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum StatementStatus {
    /// It follows the figures.
    Draft,
    /// It never changes again.
    Issued,
}

/// What is owed for a month. Amounts and prices are decimal strings in the currency's major unit.
#[derive(ToSchema)]
pub struct Statement {
    /// Unique within the installation.
    number: String,
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    time_zone: String,
    status: StatementStatus,
    /// Null of a draft.
    #[schema(required = true, format = DateTime)]
    issued_at: Option<String>,
    /// Of the running month, from its second day on.
    #[schema(required = true)]
    forecast: Option<Forecast>,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// The sum of all lines.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    total: String,
    rate_card: RateCardUsed,
    /// What the month's own usage is priced at, then an adjustment for each earlier month that has changed.
    lines: Vec<Line>,
    adjustments: Vec<Adjustment>,
    waterfall: Waterfall,
    /// The place in the customer's log up to which events are counted.
    #[schema(minimum = 0)]
    log_length: i64,
}

/// What the running month comes to if it goes on as it has begun.
#[derive(ToSchema)]
pub struct Forecast {
    quantity: i64,
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    total: String,
    /// Whole days that it rests on.
    #[schema(minimum = 1)]
    days: i32,
}

/// The version of a rate card that prices the month.
#[derive(ToSchema)]
pub struct RateCardUsed {
    #[schema(format = Uuid)]
    id: String,
    name: String,
    #[schema(minimum = 1)]
    version: i32,
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    effective_from: String,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    figure: BillableFigure,
    /// Free units of a month; tiers begin after them.
    #[schema(minimum = 0)]
    included: i64,
    /// Graduated.
    tiers: Vec<PriceTier>,
    /// Owed for every month.
    #[schema(pattern = "^[0-9]+(\\.[0-9]+)?$")]
    base_fee: String,
    /// What base fee and usage come to at least.
    #[schema(pattern = "^[0-9]+(\\.[0-9]+)?$")]
    minimum: String,
}

/// A tier: the units after the one before it cost so much each.
#[derive(ToSchema)]
pub struct PriceTier {
    /// The last unit of the tier, counted beyond the included ones; null of the last tier.
    #[schema(required = true, minimum = 1)]
    up_to: Option<i64>,
    /// With up to six decimals.
    #[schema(pattern = "^[0-9]+(\\.[0-9]+)?$")]
    unit_price: String,
}

/// What a line is for.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum LineKind {
    BaseFee,
    Included,
    Tier,
    MinimumTopUp,
    Adjustment,
}

/// A line of a statement. Its amount is rounded once, half away from zero, to the currency's minor unit.
#[derive(ToSchema)]
pub struct Line {
    kind: LineKind,
    /// In words.
    description: String,
    /// Of a tier its number, from 1.
    #[schema(nullable = false, minimum = 1)]
    tier: Option<i32>,
    /// Of a tier its first unit, counted beyond the included ones.
    #[schema(nullable = false, minimum = 1)]
    from: Option<i64>,
    /// Of a tier its last unit; null where it has no end.
    #[schema(minimum = 1)]
    up_to: Option<i64>,
    /// Of an adjustment the month that has changed.
    #[schema(nullable = false, pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: Option<String>,
    /// Units; of an adjustment, more or less of them than were billed.
    #[schema(required = true)]
    quantity: Option<i64>,
    /// Where units have one price.
    #[schema(required = true, pattern = "^[0-9]+(\\.[0-9]+)?$")]
    unit_price: Option<String>,
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    amount: String,
}

/// What arrived for an issued month after it had been billed.
#[derive(ToSchema)]
pub struct Adjustment {
    /// The issued month.
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    /// As it was billed last.
    before: Waterfall,
    after: Waterfall,
    /// What the month was billed at, with all adjustments until now.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    billed: String,
    /// What it costs after all.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    recomputed: String,
    /// The difference, which the statement carries as a line.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    amount: String,
}

/// Events of a month, in the order of time.
#[derive(ToSchema)]
pub struct BilledEvents {
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    time_zone: String,
    figure: BillableFigure,
    events: Vec<BilledEvent>,
    /// Where the next page starts; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// The place in the customer's log up to which events take part: give it with `next_cursor`.
    #[schema(minimum = 0)]
    as_of: i64,
}

/// An accepted event, and what became of it.
#[derive(ToSchema)]
pub struct BilledEvent {
    #[schema(format = Uuid)]
    event_id: String,
    r#type: PostedType,
    #[schema(format = DateTime)]
    timestamp: String,
    /// Null of a display.
    #[schema(required = true)]
    contact_method: Option<ContactMethod>,
    #[schema(format = Uuid)]
    application_id: String,
    application_name: String,
    helpline_id: String,
    helpline_name: String,
    /// Its place in the customer's log: 1, 2, 3 …
    #[schema(minimum = 1)]
    place: i64,
    why: Why,
}

/// What an event reports.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum PostedType {
    HelplineDisplay,
    HelplineClick,
}

/// The ways to contact a helpline.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum ContactMethod {
    Phone,
    Sms,
    OnlineChat,
    Website,
    Tty,
    Whatsapp,
    ReportingForm,
}

/// Why an event is on the bill, or not.
#[derive(ToSchema)]
pub struct Why {
    outcome: Outcome,
    /// Whether double-click filtering keeps it; for notifications, whether it begins one.
    is_kept: bool,
    is_billed: bool,
    /// The event that it repeats, or after which it is not unique.
    #[schema(required = true, format = DateTime)]
    because_of: Option<String>,
    /// Of a click: whether it follows a display of the same helpline in the same session within 24 hours.
    #[schema(required = true)]
    attributed: Option<bool>,
}

/// The counts behind a step of a waterfall.
#[derive(ToSchema)]
pub struct StepCounts {
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    step: Step,
    figure: BillableFigure,
    /// What `by_day` and `by_application` each sum to.
    total: i64,
    /// What the waterfall says. Of `not_unique` it is less where bursts run into the next month: then the last display within
    /// the month is listed as a repeat and as billable. Of what is only counted it is less by what came after the statement
    /// was issued.
    stated: i64,
    by_day: Vec<DayCount>,
    /// Most first.
    by_application: Vec<KeyCount>,
    /// Most first; empty for steps of which only counts are kept.
    by_helpline: Vec<KeyCount>,
    /// Refused events by the code of their first fault, most first.
    by_code: Vec<CodeCount>,
    /// The place in the customer's log up to which events take part.
    #[schema(minimum = 0)]
    as_of: i64,
}

/// A day's events.
#[derive(ToSchema)]
pub struct DayCount {
    #[schema(format = Date)]
    day: String,
    events: i64,
}

/// The events of an application or helpline.
#[derive(ToSchema)]
pub struct KeyCount {
    id: String,
    name: String,
    events: i64,
}

/// The events of a code.
#[derive(ToSchema)]
pub struct CodeCount {
    code: String,
    events: i64,
}
