//! The description of the API (OpenAPI 3.1), made from the handlers' own annotations and from the tables of refusals,
//! so that it cannot say other than what they do.

pub mod batch;
pub mod billing;
pub mod complete;
pub mod docs;
pub mod example;
pub mod params;
pub mod schemas;

use crate::api;
use serde_json::Value;
use std::sync::LazyLock;
use utoipa::OpenApi;

/// Everything that is described where it is handled.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Reachline API",
        description = "Report which helplines were shown and how people chose to contact them; read the catalogue and \
                       the figures. No personal data: only which helpline, how and when.",
        license(name = "AGPL-3.0-or-later", identifier = "AGPL-3.0-or-later"),
    ),
    tags(
        (name = "Tokens", description = "Every call of /v1 needs an access token."),
        (name = "Events", description = "The two signals: a helpline was displayed, a way to contact it was clicked."),
        (name = "Helplines", description = "The catalogue: helplines, countries, topics."),
        (name = "Analytics", description = "Figures of your own applications, as JSON and as CSV."),
        (name = "Billing", description = "What a month costs, and how that comes about: usage, statements, and the events behind them."),
        (name = "Reports", description = "Reports for regulators and the public, as they were approved."),
        (name = "Exports", description = "Raw events and figures as files, each with a manifest."),
        (name = "Operation", description = "For those who run the server."),
    ),
    paths(
        api::oauth::token,
        api::events::display,
        api::events::click,
        api::batch::batch,
        api::catalogue::helplines,
        api::catalogue::helpline,
        api::catalogue::countries,
        api::catalogue::topics,
        api::analytics::summary,
        api::analytics::timeseries,
        api::analytics::breakdown,
        api::billing::usage,
        api::billing::statements,
        api::billing::statement,
        api::billing::billed_events,
        api::billing::step_counts,
        api::reports::reports,
        api::reports::report,
        api::exports::export,
        api::exports::manifest,
        api::exports::request_job,
        api::exports::list_jobs,
        api::exports::job,
        api::exports::end_job,
        api::exports::job_file,
        api::exports::job_manifest,
        api::ops::openapi_json,
        api::ops::healthz,
        api::ops::readyz,
        api::ops::metrics,
    ),
    components(schemas(schemas::Problem, schemas::BatchEvent)),
)]
struct Described;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // Writing the document to memory cannot fail; an empty one would be noticed by every test of it.
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    complete::complete(&mut document);
    document
});

static DOCUMENT_JSON: LazyLock<String> = LazyLock::new(|| format!("{:#}", *DOCUMENT));

/// The whole description.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The whole description, as text.
#[must_use]
pub fn document_json() -> &'static str {
    &DOCUMENT_JSON
}
