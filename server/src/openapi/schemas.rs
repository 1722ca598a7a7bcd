//! The forms of requests and answers, for the description of the API. They describe; what reads and writes is in
//! `domain` and [`crate::api`], and tests compare the two.
#![expect(dead_code, reason = "never made, only described")]

mod billing;
mod events;
mod exports;
mod reports;

pub use billing::*;
pub use events::*;
pub use exports::*;
pub use reports::*;

use serde::Serialize;
use utoipa::ToSchema;

/// The members of a token request.
#[derive(ToSchema)]
pub struct TokenRequest {
    /// Always `client_credentials`.
    #[schema(example = "client_credentials")]
    grant_type: GrantType,
    /// The public half of the credentials; left out with HTTP Basic.
    #[schema(nullable = false, max_length = 200)]
    client_id: Option<String>,
    /// The secret; left out with HTTP Basic.
    #[schema(nullable = false, max_length = 200)]
    client_secret: Option<String>,
    /// Names of scopes, separated by spaces; all scopes if left out.
    #[schema(nullable = false, example = "events:write helplines:read")]
    scope: Option<String>,
}

/// The one grant.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum GrantType {
    ClientCredentials,
}

/// An access token.
#[derive(ToSchema)]
pub struct Token {
    access_token: String,
    #[schema(pattern = "^Bearer$")]
    token_type: String,
    /// Seconds for which the token is valid.
    #[schema(minimum = 1, example = 3600)]
    expires_in: u32,
    /// The scopes of the token, separated by spaces.
    scope: String,
}

/// Why there is no token (RFC 6749 section 5.2).
#[derive(ToSchema)]
pub struct TokenRefusal {
    error: TokenError,
    /// A sentence for people.
    error_description: String,
}

/// The codes of RFC 6749 section 5.2 that occur.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum TokenError {
    InvalidRequest,
    InvalidClient,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
}

/// Helplines, priority ones first, then by name.
#[derive(ToSchema)]
pub struct Helplines {
    helplines: Vec<Helpline>,
}

/// One helpline.
#[derive(ToSchema)]
pub struct OneHelpline {
    helpline: Helpline,
}

/// A helpline. Contact fields that it does not have are left out.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Helpline {
    /// The id that events must carry.
    id: String,
    name: String,
    #[schema(nullable = false)]
    description: Option<String>,
    #[schema(nullable = false)]
    website: Option<String>,
    country: Country,
    /// IANA name.
    timezone: String,
    topics: Vec<Topic>,
    /// BCP 47 tags.
    #[schema(rename = "supported_languages")]
    supported_languages: Vec<String>,
    /// Groups of people that the helpline is for.
    specialties: Vec<String>,
    /// Kinds of help.
    support_types: Vec<String>,
    hours: Hours,
    #[schema(nullable = false)]
    phone_number: Option<String>,
    #[schema(nullable = false)]
    sms_number: Option<String>,
    #[schema(nullable = false)]
    web_chat_url: Option<String>,
    #[schema(nullable = false)]
    whatsapp_url: Option<String>,
    /// Listed before the others of its country.
    priority: bool,
    availability: Availability,
}

/// Whether a helpline can take people now.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum Availability {
    Available,
    Limited,
    Unavailable,
}

/// When a helpline is open, in its own time zone.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Hours {
    always_open: bool,
    periods: Vec<OpenPeriod>,
}

/// A span of a day.
#[derive(ToSchema)]
pub struct OpenPeriod {
    day: Weekday,
    /// `HH:MM`
    #[schema(pattern = "^[0-9]{2}:[0-9]{2}$")]
    open: String,
    /// `HH:MM`; `24:00` is midnight at the day's end.
    #[schema(pattern = "^[0-9]{2}:[0-9]{2}$")]
    close: String,
}

/// A day of the week.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A country.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Country {
    name: String,
    #[schema(pattern = "^[A-Z]{2}$")]
    code: String,
    /// The number for police, fire and ambulance.
    #[schema(nullable = false)]
    emergency_number: Option<String>,
}

/// The countries.
#[derive(ToSchema)]
pub struct Countries {
    countries: Vec<Country>,
}

/// A topic.
#[derive(ToSchema)]
pub struct Topic {
    name: String,
    code: String,
}

/// The topics.
#[derive(ToSchema)]
pub struct Topics {
    topics: Vec<Topic>,
}

/// Whether events are billed and reported.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum Tier {
    Production,
    Sandbox,
}

/// The steps of a time series.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum Interval {
    Hour,
    Day,
    Week,
    Month,
}

/// What the rows of a breakdown are.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum By {
    Helpline,
    Country,
    ContactMethod,
    Application,
    Topic,
}

/// The figures that a view gives exactly; the others are left out.
#[derive(ToSchema)]
pub struct Figures {
    /// All accepted display events.
    #[schema(nullable = false)]
    gross_displays: Option<i64>,
    /// Displays without repeats within 30 seconds.
    #[schema(nullable = false)]
    net_displays: Option<i64>,
    /// Pairs of session and helpline, once a month.
    #[schema(nullable = false)]
    unique_displays: Option<i64>,
    /// Sessions that were shown a helpline, once a month.
    #[schema(nullable = false)]
    reach: Option<i64>,
    /// All accepted click events.
    #[schema(nullable = false)]
    gross_clicks: Option<i64>,
    /// Clicks without repeats within 30 seconds.
    #[schema(nullable = false)]
    net_clicks: Option<i64>,
    /// Clicks that follow a display of the same helpline in the same session within 24 hours.
    #[schema(nullable = false)]
    attributed_clicks: Option<i64>,
    /// Clicks that do not: the sign of a broken integration.
    #[schema(nullable = false)]
    unattributed_clicks: Option<i64>,
    /// Unique displays that led to an attributed click.
    #[schema(nullable = false)]
    conversions: Option<i64>,
    /// Sessions within reach that had a conversion.
    #[schema(nullable = false)]
    converted_sessions: Option<i64>,
    /// Referrals: displays in one session that follow each other within 10 seconds are one.
    #[schema(nullable = false)]
    notifications: Option<i64>,
    /// The click-through rate, from 0 to 1 with six decimals; null where nobody was reached.
    #[schema(minimum = 0, maximum = 1)]
    ctr: Option<f64>,
}

/// The figures of a period.
#[derive(ToSchema)]
pub struct Summary {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    to: String,
    /// IANA name of the zone of the customer's days.
    #[schema(required = true)]
    time_zone: Option<String>,
    tier: Tier,
    figures: Figures,
}

/// The figures of a period over time.
#[derive(ToSchema)]
pub struct Timeseries {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    to: String,
    #[schema(required = true)]
    time_zone: Option<String>,
    tier: Tier,
    interval: Interval,
    buckets: Vec<Bucket>,
}

/// From `start` up to, not including, `end`.
#[derive(ToSchema)]
pub struct Bucket {
    #[schema(format = DateTime)]
    start: String,
    #[schema(format = DateTime)]
    end: String,
    figures: Figures,
}

/// The figures of a period, broken down.
#[derive(ToSchema)]
pub struct Breakdown {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    to: String,
    #[schema(required = true)]
    time_zone: Option<String>,
    tier: Tier,
    by: By,
    /// Largest first.
    rows: Vec<Row>,
    /// Where the next page starts; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// One row of a breakdown.
#[derive(ToSchema)]
pub struct Row {
    /// The id or code of what the row is about.
    key: String,
    /// Its name for people.
    name: String,
    figures: Figures,
}

/// A refusal (RFC 9457).
#[derive(ToSchema)]
pub struct Problem {
    /// Where the code is explained.
    #[schema(example = "/docs#error-validation_failed")]
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A sentence for people.
    detail: String,
    /// For programs.
    code: String,
    /// Every fault of the input.
    #[schema(nullable = false)]
    errors: Option<Vec<Fault>>,
}

/// One fault of an input.
#[derive(ToSchema)]
pub struct Fault {
    /// The member or parameter.
    field: String,
    /// For programs.
    code: String,
    /// A sentence for people.
    detail: String,
}

/// The server's state.
#[derive(ToSchema)]
pub struct Health {
    #[schema(pattern = "^ok$")]
    status: String,
}
