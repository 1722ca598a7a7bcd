//! The breakdown, and what became of the requests.

use super::Link;
use crate::error::UiError;

use crate::{format, question::Question};

/// A column of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub label: String,
    pub definition: String,
}

/// A row of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// Its id or code.
    pub key: String,
    /// Whether people know it by its key, too.
    pub shows_key: bool,
    /// The overview of this part alone.
    pub href: String,
    /// The length of its bar, in per cent of the longest on the page.
    pub bar_percent: u8,
    pub cells: Vec<String>,
}

/// A page of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub tabs: Vec<Link>,
    /// What the rows are, such as `Helpline`.
    pub of: String,
    /// What the bars measure.
    pub measure: String,
    pub note: Option<String>,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// The first page, where this is another.
    pub first: Option<String>,
    pub next: Option<String>,
    /// The address of a file with the same table.
    pub csv: String,
}

/// What became of the requests that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// How many were accepted, repeated and refused.
    pub text: String,
    pub reasons: Vec<Reason>,
    /// The address of a file with the same numbers.
    pub csv: String,
}

/// Why requests were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub code: String,
    /// What a developer does about it.
    pub advice: String,
    pub count: String,
    pub bar_percent: u8,
}

use domain::{
    figures::{CTR_DEFINITION, Figure, HELPLINE_CTR_DEFINITION, Scope},
    period::{Breakdown, BreakdownRow, BreakdownRows},
};

/// The breakdown of the overview.
///
/// # Errors
/// Those of the engine.
pub async fn breakdown(question: &Question) -> Result<Table, UiError> {
    let Question { engine, reader, period, filter, by, .. } = question;
    let cursor = question.query.cursor.as_deref();
    let rows = engine.breakdown(reader, *period, *by, filter, ROWS, cursor).await?;
    Ok(table(question, &rows, cursor.is_some()))
}

/// What became of the requests in the overview’s period.
///
/// # Errors
/// Those of the engine.
pub async fn intake(question: &Question) -> Result<Intake, UiError> {
    let Question { engine, reader, period, filter, .. } = question;
    let report = engine.intake(reader, *period, filter.application_id).await?;
    let refused: i64 = report.refused.iter().map(|(_, n)| n).sum();
    let most = report.refused.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let reason = |(code, n): &(String, i64)| Reason {
        code: code.clone(),
        advice: advice(code).to_owned(),
        count: format::count(*n),
        bar_percent: bar_percent(*n, most),
    };
    Ok(Intake {
        text: outcome(report.accepted, report.duplicates, refused),
        reasons: report.refused.iter().map(reason).collect(),
        csv: question.download("intake"),
    })
}

/// A share that is there, however small.
fn share(ratio: f64) -> String {
    if ratio < 0.0005 { "less than 0.1\u{a0}%".to_owned() } else { format::percent(ratio) }
}

/// What became of all requests, in a sentence each.
fn outcome(accepted: i64, duplicates: i64, refused: i64) -> String {
    let all = accepted + duplicates + refused;
    if all == 0 {
        return "None in this period, neither in production nor in sandbox.".to_owned();
    }
    let number = |n: i64, one: &str, many: &str| format!("{} {}", format::count(n), if n == 1 { one } else { many });
    let accepted = number(accepted, "event was accepted", "events were accepted");
    let repeats = match duplicates {
        0 => String::new(),
        n => number(
            n,
            "was a repeat of an event already known and counts once",
            "were repeats of events already known and count once",
        ),
    };
    let refusals = match refused {
        0 => "None was refused.".to_owned(),
        n => format!(
            "{} ({}) {} refused.",
            number(n, "request", "requests"),
            share(n as f64 / all as f64),
            if n == 1 { "was" } else { "were" }
        ),
    };
    let comma = if repeats.is_empty() { "" } else { ", " };
    format!("In production and sandbox, {accepted}{comma}{repeats}. {refusals}")
}

/// Rows of a page.
const ROWS: usize = 15;

fn table(question: &Question, found: &BreakdownRows, is_later_page: bool) -> Table {
    let scope = found.scope;
    let figures: Vec<Figure> = scope.figures().collect();
    let measure = [Figure::Reach, Figure::UniqueDisplays, Figure::NetClicks].into_iter().find(|f| scope.gives(*f));
    let measure = measure.unwrap_or(Figure::GrossClicks);
    let most = found.rows.iter().map(|row| row.counts.get(measure)).max().unwrap_or(0);
    let row = |row: &BreakdownRow| {
        let mut cells: Vec<String> = figures.iter().map(|figure| format::count(row.counts.get(*figure))).collect();
        cells.extend(scope.ctr_of().map(|_| format::percent_or_none(row.counts.ctr(scope))));
        Row {
            name: row.name.clone(),
            key: row.key.clone(),
            shows_key: found.by == Breakdown::Country,
            href: part(question, found.by, &row.key),
            bar_percent: bar_percent(row.counts.get(measure), most),
            cells,
        }
    };
    let next = found.next_cursor.clone();
    Table {
        tabs: tabs(question),
        of: found.by.label().to_owned(),
        measure: measure.label().to_owned(),
        note: note(found.by, scope),
        columns: columns(scope),
        rows: found.rows.iter().map(row).collect(),
        first: is_later_page.then(|| format!("{}#breakdown", question.href(|_| ()))),
        next: next.map(|cursor| format!("{}#breakdown", question.href(|query| query.cursor = Some(cursor)))),
        csv: question.download("breakdown"),
    }
}

fn columns(scope: Scope) -> Vec<Column> {
    let column = |label: &str, definition: &str| Column { label: label.to_owned(), definition: definition.to_owned() };
    let mut columns: Vec<Column> = scope.figures().map(|f| column(f.label(), f.definition())).collect();
    columns.extend(scope.ctr_of().map(|_| match scope {
        Scope::Helpline => column("Helpline CTR", HELPLINE_CTR_DEFINITION),
        _ => column("CTR", CTR_DEFINITION),
    }));
    columns
}

fn tabs(question: &Question) -> Vec<Link> {
    let label = |by: Breakdown| match by {
        Breakdown::Helpline => "Helplines",
        Breakdown::Country => "Countries",
        Breakdown::ContactMethod => "Contact methods",
        Breakdown::Application => "Applications",
        Breakdown::Topic => "Topics",
    };
    [Breakdown::Helpline, Breakdown::Country, Breakdown::ContactMethod, Breakdown::Application]
        .into_iter()
        .map(|by| Link {
            label: label(by).to_owned(),
            href: format!("{}#breakdown", question.href(|query| query.by = Some(by.as_str().to_owned()))),
            is_current: by == question.by,
        })
        .collect()
}

/// The overview of one row alone.
fn part(question: &Question, by: Breakdown, key: &str) -> String {
    question.href(|query| {
        let value = Some(key.to_owned());
        // A table of the one row that is chosen says nothing: show what it consists of.
        query.by = None;
        match by {
            Breakdown::Helpline | Breakdown::Topic => {
                query.by = Some(Breakdown::ContactMethod.as_str().to_owned());
                query.helpline_id = value;
            }
            Breakdown::Country => query.country_code = value,
            Breakdown::ContactMethod => query.contact_method = value,
            Breakdown::Application => query.application_id = value,
        }
    })
}

/// What must not be read into the table.
fn note(by: Breakdown, scope: Scope) -> Option<String> {
    let text = match by {
        Breakdown::Helpline | Breakdown::Topic if scope.gives(Figure::UniqueDisplays) => {
            "A session that was shown several helplines is a unique display of each, so these rows add up to more than the reach."
        }
        Breakdown::Country => "A session that was shown helplines of several countries is reach of each of them.",
        Breakdown::ContactMethod => "Displays belong to no contact method: these are the clicks.",
        _ => return None,
    };
    Some(text.to_owned())
}

fn bar_percent(n: i64, most: i64) -> u8 {
    let most = most.max(1);
    // Rounded up: what is there has a bar.
    u8::try_from((n.max(0) * 100 + most - 1) / most).unwrap_or(100).min(100)
}

/// What a developer does about refusals of a code.
#[must_use]
pub fn advice(code: &str) -> &'static str {
    match code {
        "malformed_json" => {
            "The body was no JSON, not in UTF-8, or broke off. Send one event as an object, or a batch."
        }
        "body_too_large" => "The body was too large: 16 KiB for one event, 1 MiB for a batch, also once decompressed.",
        "media_type_unsupported" => {
            "Send Content-Type: application/json, a batch also as application/x-ndjson; compressed with gzip or zstd or not at all."
        }
        "too_many_events" => "A batch has at most 1,000 events. Send more of them in several.",
        "helpline_unknown" => "No helpline has this id. Take ids from GET /v1/helplines and refresh copies of it.",
        "session_id_missing" => "Send an opaque id of the session with each event.",
        "session_id_too_long" => "A session id has at most 255 bytes. Hash longer ones.",
        "session_id_personal" => {
            "The session id was an e-mail address, a phone number or an IP address. Send an opaque id."
        }
        "timestamp_invalid" => "Send RFC 3339 with an offset or Z, such as 2026-11-24T14:05:00Z.",
        "timestamp_in_future" => "The time lay ahead of the server’s clock. Check the clock of the sender.",
        "timestamp_too_old" => {
            "The event came too late. Send events as they happen; old ones are imported by the operator."
        }
        "contact_method_invalid" => "Send one of phone, sms, online_chat, website, tty, whatsapp, reporting_form.",
        "type_invalid" => "In a batch each event has a type: helpline_display or helpline_click.",
        "field_missing" => {
            "A required member was missing: helpline_id, session_id, timestamp, contact_method for clicks, type in a batch."
        }
        "field_invalid" => "A member was of the wrong type. All of them are texts.",
        "field_too_long" => "A member was too long.",
        _ => "See the description of the API.",
    }
}
