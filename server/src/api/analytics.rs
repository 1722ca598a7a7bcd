//! `GET /v1/analytics/…`: figures, as JSON and as CSV.

use crate::api::csv::TEXT_CSV;
use crate::api::figures;
use crate::http::client::{AnalyticsRead, Client};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::openapi::{params, schemas};
use crate::state::AppState;
use axum::Json;
use axum::extract::{OriginalUri, RawQuery, State};
use axum::response::{IntoResponse, Response};
use domain::figures::Scope;
use domain::period::{
    BREAKDOWN_LIMIT_DEFAULT, BREAKDOWN_LIMIT_MAX, Breakdown, BreakdownRows, Filter, Interval, Period, Summary,
    Timeseries,
};
use domain::zone::Day;
use domain::{FaultCode, Faults};
use engine::FileOf;
use engine::actor::{ApiClient, Reader};
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LINK, VARY};
use http::{HeaderMap, HeaderValue, Uri};

/// What a question about figures is answered with.
pub type Answer = Result<Response, ApiError>;

/// Figures of a period.
///
/// Which figures there are depends on the filters: those that cannot be given exactly are left out.
#[utoipa::path(
    get,
    path = "/v1/analytics/summary",
    tag = "Analytics",
    security(("token" = ["analytics:read"])),
    params(params::FigureParams),
    responses((status = 200, description = "The figures.", content(
        (schemas::Summary = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn summary(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    call: Call,
) -> Answer {
    let mut query = Query::parse(call.query.as_deref());
    let question = Question::read(&mut query)?;
    let reader = state.engine.api_reader(&client)?;
    let summary = state.engine.summary(&reader, question.period, &question.filter).await?;
    call.note(&state, (&client, &reader), ("Summary", &question), true).await?;
    Ok(call.answer(&figures::summary_json(&summary, question.filter.tier), || summary_table(&summary)))
}

/// Figures of a period over time.
///
/// Buckets without events are present. The first and last week or month are cut to the period. By the hour at most 31
/// days.
#[utoipa::path(
    get,
    path = "/v1/analytics/timeseries",
    tag = "Analytics",
    security(("token" = ["analytics:read"])),
    params(params::FigureParams, params::IntervalParam),
    responses((status = 200, description = "The figures of each bucket.", content(
        (schemas::Timeseries = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn timeseries(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    call: Call,
) -> Answer {
    let mut query = Query::parse(call.query.as_deref());
    let (question, interval) = Question::with(&mut query, interval)?;
    let reader = state.engine.api_reader(&client)?;
    let series = state.engine.timeseries(&reader, question.period, interval, &question.filter).await?;
    call.note(&state, (&client, &reader), ("Figures over time", &question), true).await?;
    Ok(call.answer(&figures::timeseries_json(&series, question.filter.tier), || timeseries_table(&series)))
}

/// Figures of a period, broken down.
///
/// Largest first, in pages. As CSV the next page is in the header `Link`.
#[utoipa::path(
    get,
    path = "/v1/analytics/breakdown",
    tag = "Analytics",
    security(("token" = ["analytics:read"])),
    params(params::FigureParams, params::BreakdownParams),
    responses((status = 200, description = "The figures of each row.", content(
        (schemas::Breakdown = "application/json"), (String = "text/csv"),
    )))
)]
pub async fn breakdown(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    call: Call,
) -> Answer {
    let mut query = Query::parse(call.query.as_deref());
    let limit = query.limit("limit", BREAKDOWN_LIMIT_DEFAULT, BREAKDOWN_LIMIT_MAX);
    let cursor = query.short_text("cursor", CURSOR_CHARS_MAX);
    let (question, by) = Question::with(&mut query, by)?;
    let reader = state.engine.api_reader(&client)?;
    let Question { period, filter } = &question;
    let page = state.engine.breakdown(&reader, *period, by, filter, limit, cursor.as_deref()).await?;
    call.note(&state, (&client, &reader), (&breakdown_name(by), &question), cursor.is_none()).await?;
    let response = call.answer(&figures::breakdown_json(&page, filter.tier), || breakdown_table(page.scope, &[&page]));
    Ok(call.with_next(response, page.next_cursor.as_deref()))
}

/// Longest cursor, in characters. Ours are shorter.
pub const CURSOR_CHARS_MAX: usize = 200;

/// The address of the next page (RFC 8288).
fn next_link(uri: &Uri, cursor: &str) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let kept: Vec<&str> = others.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
    let cursor = percent_encoding::utf8_percent_encode(cursor, percent_encoding::NON_ALPHANUMERIC);
    let mark = if kept.is_empty() { "" } else { "&" };
    format!("<{}?{}{mark}cursor={cursor}>; rel=\"next\"", uri.path(), kept.join("&"))
}

/// What every question about figures says.
pub struct Question {
    pub period: Period,
    pub filter: Filter,
}

impl Question {
    /// Reads a question that has nothing besides.
    ///
    /// # Errors
    /// All faults of all parameters.
    pub fn read(query: &mut Query) -> Result<Self, Faults> {
        Self::with(query, |_| Some(())).map(|(question, ())| question)
    }

    /// Reads a question and one thing more, so that the faults of both come at once.
    ///
    /// # Errors
    /// All faults of all parameters.
    pub fn with<T>(query: &mut Query, more: impl FnOnce(&mut Query) -> Option<T>) -> Result<(Self, T), Faults> {
        const DATE: &str = "Must be a calendar date, such as 2026-11-24.";
        let day = |query: &mut Query, name: &str| {
            let day = query.parsed::<Day>(name, FaultCode::FieldInvalid, DATE);
            query.require(name, day)
        };
        let (from, to) = (day(query, "from"), day(query, "to"));
        let filter = Filter {
            tier: query.named("tier"),
            application_id: query.parsed("application_id", FaultCode::FieldInvalid, "Must be an id of an application."),
            helpline_id: query.parsed("helpline_id", FaultCode::FieldInvalid, "Must be an id of a helpline."),
            country_code: query.parsed("country_code", FaultCode::CountryUnknown, "Must be two letters, such as GB."),
            contact_method: query.named("contact_method"),
        };
        let more = more(query);
        let period = match (from, to) {
            (Some(from), Some(to)) => Period::new(from, to).map_err(|faults| query.faults.0.extend(faults.0)).ok(),
            _ => None,
        };
        let faults = std::mem::take(&mut query.faults);
        match (period, more) {
            (Some(period), Some(more)) => faults.or((Self { period, filter }, more)),
            _ => Err(faults),
        }
    }
}

/// The parameter `interval`, by day unless asked otherwise.
pub fn interval(query: &mut Query) -> Option<Interval> {
    let faults_before = query.faults.0.len();
    let interval = query.named("interval");
    if query.faults.0.len() == faults_before { interval.or(Some(Interval::Day)) } else { None }
}

/// The parameter `by`, which is required.
pub fn by(query: &mut Query) -> Option<Breakdown> {
    let by = query.named("by");
    query.require("by", by)
}

/// How a call wants its answer.
pub struct Call {
    pub query: Option<String>,
    uri: Uri,
    pub wants_csv: bool,
}

impl axum::extract::FromRequestParts<AppState> for Call {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        let wants_csv = uri.path().ends_with(".csv") || prefers_csv(&parts.headers);
        Ok(Self { query, uri, wants_csv })
    }
}

impl Call {
    /// Whether the address asks for a PDF. Only paths that have one can end so.
    #[must_use]
    pub fn wants_pdf(&self) -> bool {
        self.uri.path().ends_with(".pdf")
    }

    /// Notes that a program is given a file of figures, if that is what is wanted; of a breakdown once for each walk
    /// through its pages.
    ///
    /// # Errors
    /// Only of the store: then it must not be given.
    async fn note(
        &self,
        state: &AppState,
        (client, reader): (&ApiClient, &Reader),
        (what, question): (&str, &Question),
        is_first: bool,
    ) -> Result<(), engine::Error> {
        if !self.wants_csv {
            return Ok(());
        }
        let file = FileOf::Figures { what, period: question.period, filter: &question.filter };
        state.engine.note_page(reader, &file, is_first, &client.acts_as()).await
    }

    /// The answer in the form that is wanted.
    pub fn answer(&self, json: &impl serde::Serialize, csv: impl FnOnce() -> Table) -> Response {
        let mut response = if self.wants_csv { csv().into_response() } else { Json(json).into_response() };
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        response
    }

    /// The same with the address of the next page, if there is one.
    #[must_use]
    pub fn with_next(&self, mut response: Response, next_cursor: Option<&str>) -> Response {
        let link = next_cursor.and_then(|cursor| HeaderValue::try_from(next_link(&self.uri, cursor)).ok());
        if let Some(link) = link {
            response.headers_mut().insert(LINK, link);
        }
        response
    }
}

/// What a breakdown is called in the audit log.
#[must_use]
pub fn breakdown_name(by: Breakdown) -> String {
    format!("Figures by {}", by.as_str().replace('_', " "))
}

/// A CSV file and its name.
pub struct Table {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        ([(CONTENT_TYPE, TEXT_CSV.to_owned()), (CONTENT_DISPOSITION, disposition)], self.bytes).into_response()
    }
}

/// A summary as a file.
#[must_use]
pub fn summary_table(summary: &Summary) -> Table {
    Table { name: file_name("summary", summary.period), bytes: figures::summary_csv(summary) }
}

/// A time series as a file.
#[must_use]
pub fn timeseries_table(series: &Timeseries) -> Table {
    let what = format!("timeseries-{}", series.interval.as_str());
    Table { name: file_name(&what, series.period), bytes: figures::timeseries_csv(series) }
}

/// Pages of a breakdown as a file. `scope` names the columns also where there are no rows.
#[must_use]
pub fn breakdown_table(scope: Scope, pages: &[&BreakdownRows]) -> Table {
    let name = pages.first().map_or_else(
        || "breakdown.csv".to_owned(),
        |page| file_name(&format!("breakdown-{}", page.by.as_str()), page.period),
    );
    Table { name, bytes: figures::breakdown_csv(scope, pages) }
}

fn file_name(what: &str, period: Period) -> String {
    format!("reachline-{what}-{}-{}.csv", period.from, period.to)
}

/// Whether `Accept` prefers CSV over JSON. Where CSV is named and JSON is not, CSV wins a tie with `*/*`.
fn prefers_csv(headers: &HeaderMap) -> bool {
    let (mut csv, mut json, mut any) = (None, None, None);
    for range in headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let place = match parts.next().unwrap_or_default().as_str() {
            "text/csv" | "text/*" => &mut csv,
            "application/json" | "application/*" => &mut json,
            "*/*" => &mut any,
            _ => continue,
        };
        let q = parts.find_map(|parameter| parameter.strip_prefix("q=").map(|q| q.parse().unwrap_or(0.0)));
        let q: f32 = q.unwrap_or(1.0);
        *place = Some(place.map_or(q, |before: f32| before.max(q)));
    }
    let csv = csv.unwrap_or(0.0);
    csv > json.unwrap_or(0.0) && (json.is_some() || csv >= any.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_given_to_those_who_prefer_it() {
        let prefers = |accept: &str| prefers_csv(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]));
        for csv in ["text/csv", "TEXT/CSV; charset=utf-8", "text/csv, */*", "application/json;Q=0.5, text/csv"] {
            assert!(prefers(csv), "{csv}");
        }
        for json in [
            "*/*",
            "application/json",
            "application/json, text/csv",
            "text/csv;Q=0",
            "*/*, text/csv;q=0.5",
            "text/html",
            "garbage;;",
        ] {
            assert!(!prefers(json), "{json}");
        }
    }

    #[test]
    fn all_faults_come_at_once() {
        let mut query =
            Query::parse(Some("from=2026-02-30&tier=x&application_id=1&helpline_id=%20&country_code=1&by=y"));
        let faults = Question::with(&mut query, by).err().unwrap();
        let fields: Vec<_> = faults.0.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["from", "to", "tier", "application_id", "helpline_id", "country_code", "by"]);
        let mut query = Query::parse(Some("from=2026-11-02&to=2026-11-01&interval=minute"));
        let faults = Question::with(&mut query, interval).err().unwrap();
        assert_eq!(faults.0.len(), 2);
    }

    #[test]
    fn the_next_page_keeps_the_question() {
        let uri: Uri = "/v1/analytics/breakdown.csv?from=a&cursor=old&by=helpline".parse().unwrap();
        let link = next_link(&uri, "x/y");
        assert_eq!(link, "</v1/analytics/breakdown.csv?from=a&by=helpline&cursor=x%2Fy>; rel=\"next\"");
    }
}
