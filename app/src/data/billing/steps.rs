//! What is behind a step of a waterfall: counts, and then single events.

use super::{Asked, Whose, month};
use crate::data::{Choice, Link};
use crate::error::UiError;
use crate::format;
use crate::query::TrailQuery;
use domain::billing::judge::Judgement;
use domain::billing::{BillableFigure, Step};
use domain::event::ContactMethod;
use domain::zone::{Day, Month};
use domain::{FaultCode, Faults, Timestamp, Zone};
use engine::{Paging, StatementEvent, StatementEvents, StepCounts, TrailFilter};

/// Events of a page.
const EVENTS: usize = 50;
/// Most parts that a list of counts shows; the choosers have all of them.
const PARTS: usize = 12;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPage {
    pub whose: Whose,
    pub month: String,
    pub title: String,
    pub definition: String,
    pub statement: String,
    pub overview: String,
    /// The steps, of which this is one.
    pub steps: Vec<Link>,
    /// What the statement says.
    pub stated: String,
    /// What the counts sum to, where it is something else, and why.
    pub note: Option<String>,
    pub detail: Result<Detail, UiError>,
}

/// Counts and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    pub lists: Vec<CountList>,
    pub events: Option<EventList>,
}

/// Counts by one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountList {
    pub by: &'static str,
    pub rows: Vec<CountRow>,
    /// How many more there are, and their sum.
    pub rest: Option<String>,
}

/// A part and its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountRow {
    pub label: String,
    /// The events of this part alone.
    pub href: Option<String>,
    pub count: String,
    pub bar_percent: u8,
}

/// A page of single events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventList {
    pub path: String,
    pub query: TrailQuery,
    pub days: Vec<Choice>,
    pub applications: Vec<Choice>,
    pub helplines: Vec<Choice>,
    pub methods: Vec<Choice>,
    /// The filters in force; each link takes one away.
    pub filters: Vec<Link>,
    pub rows: Vec<EventRow>,
    /// As of which place of the log.
    pub as_of: String,
    pub time_zone: String,
    pub first: Option<String>,
    pub next: Option<String>,
    pub csv: String,
}

/// An event and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    pub day: String,
    pub clock: String,
    pub method: String,
    pub helpline: String,
    pub application: String,
    pub place: String,
    pub id: String,
    pub badge: (&'static str, &'static str),
    pub why: String,
}

/// What is behind a step.
///
/// # Errors
/// Those of the engine; [`UiError::Invalid`] for filters that make no sense.
pub async fn step(text: &str, name: &str, query: TrailQuery) -> Result<StepPage, UiError> {
    let month = month(text)?;
    let step = Step::from_name(name).ok_or(UiError::NotFound)?;
    let asked = Asked::of(query.customer.as_deref()).await?;
    let filter = filter(&query, step)?;
    let as_of = read("as_of", query.as_of.as_deref())?;
    let usage = asked.engine.usage(&asked.reader, month).await?;
    let figure = usage.waterfall.figure;
    let counts = asked.engine.step_counts(&asked.reader, month, step, as_of).await;
    let note = counts.as_ref().ok().and_then(note);
    let detail = match counts {
        Ok(counts) => Ok(detail(&asked, &counts, query, &filter, usage.time_zone).await?),
        // The month's events are gone, or too many: the number itself stays.
        Err(error @ engine::Error::Invalid(_)) => Err(error.into()),
        Err(error) => return Err(error.into()),
    };
    let link = |of: Step| Link {
        label: of.label(figure).to_owned(),
        href: asked.href(&format!("/billing/{month}/{}", of.as_str()), &[]),
        is_current: of == step,
    };
    Ok(StepPage {
        whose: asked.whose()?,
        month: format::month_long(month),
        title: step.label(figure).to_owned(),
        definition: step.definition(figure).to_owned(),
        statement: asked.statement_href(month),
        overview: asked.href("/billing", &[]),
        steps: super::waterfall::shown(&usage.waterfall).map(link).collect(),
        stated: format::count(usage.waterfall.get(step)),
        note,
        detail,
    })
}

/// A parameter; what cannot be read is a fault.
fn read<T: std::str::FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, UiError> {
    let fault = |_| UiError::Invalid(Faults::one(name, FaultCode::FieldInvalid, "This value is not known."));
    text.map(|text| text.parse().map_err(|_| ())).transpose().map_err(fault)
}

fn filter(query: &TrailQuery, step: Step) -> Result<TrailFilter, UiError> {
    let method = query.contact_method.as_deref().map(|name| ContactMethod::from_name(name).ok_or(()));
    let fault =
        |()| UiError::Invalid(Faults::one("contact_method", FaultCode::FieldInvalid, "This value is not known."));
    Ok(TrailFilter {
        // Everything that was received and is kept was accepted.
        step: Some(step).filter(|step| *step != Step::Received),
        day: read("day", query.day.as_deref())?,
        application_id: read("application_id", query.application_id.as_deref())?,
        helpline_id: read("helpline_id", query.helpline_id.as_deref())?,
        contact_method: method.transpose().map_err(fault)?,
    })
}

/// Why the counts are not what the statement says.
fn note(counts: &StepCounts) -> Option<String> {
    let total = format::count(counts.total);
    match counts.step {
        _ if counts.total == counts.stated => None,
        Step::Received | Step::Rejected | Step::Duplicates => Some(format!(
            "The counts below come to {total}: requests were refused or repeated after the statement was issued."
        )),
        _ => Some(format!(
            "The lists below hold {total} events: where a burst of displays runs into the next month, its last one within this month stands for the session and is listed under two steps."
        )),
    }
}

async fn detail(
    asked: &Asked,
    counts: &StepCounts,
    mut query: TrailQuery,
    filter: &TrailFilter,
    zone: Zone,
) -> Result<Detail, UiError> {
    let (month, step) = (counts.month, counts.step);
    let path = format!("/billing/{month}/{}", step.as_str());
    // From here on the lists stay as they are, whatever arrives.
    query.as_of = Some(counts.log_length.to_string());
    let has_list = step.has_events() || step == Step::Received;
    let part = |change: &dyn Fn(&mut TrailQuery)| {
        let mut query = query.clone();
        query.cursor = None;
        change(&mut query);
        has_list.then(|| format!("{}#events", query.href(&path)))
    };
    let day_row =
        |(day, n): &(Day, i64)| (format::day_long(*day), part(&|query| query.day = Some(day.to_string())), *n);
    let mut lists = Vec::new();
    if !counts.by_code.is_empty() {
        let rows = counts.by_code.iter().map(|(code, n)| (code.clone(), None, *n)).collect();
        lists.push(count_list("Reason", rows));
    }
    lists.push(count_list("Day", counts.by_day.iter().map(day_row).collect()));
    let applications = counts
        .by_application
        .iter()
        .map(|it| (it.name.clone(), part(&|query| query.application_id = Some(it.key.to_string())), it.events));
    lists.push(count_list("Application", applications.collect()));
    if !counts.by_helpline.is_empty() {
        let helplines = counts
            .by_helpline
            .iter()
            .map(|it| (it.name.clone(), part(&|query| query.helpline_id = Some(it.key.to_string())), it.events));
        lists.push(count_list("Helpline", helplines.collect()));
    }
    let events = if has_list { Some(events(asked, counts, query, filter, zone, path).await?) } else { None };
    Ok(Detail { lists, events })
}

fn count_list(by: &'static str, rows: Vec<(String, Option<String>, i64)>) -> CountList {
    let most = rows.iter().map(|(.., n)| *n).max().unwrap_or(0).max(1);
    // Days are few enough to be shown, all of them.
    let limit = if by == "Day" { rows.len() } else { PARTS };
    let rest: i64 = rows.iter().skip(limit).map(|(.., n)| n).sum();
    let more = rows.len().saturating_sub(limit);
    let row = |(label, href, n): (String, Option<String>, i64)| CountRow {
        label,
        href,
        count: format::count(n),
        bar_percent: u8::try_from((n.max(0) * 100 + most - 1) / most).unwrap_or(100),
    };
    CountList {
        by,
        rows: rows.into_iter().take(limit).map(row).collect(),
        rest: (more > 0).then(|| format!("{more} more with {} together", format::count(rest))),
    }
}

async fn events(
    asked: &Asked,
    counts: &StepCounts,
    query: TrailQuery,
    filter: &TrailFilter,
    zone: Zone,
    path: String,
) -> Result<EventList, UiError> {
    let paging = Paging { cursor: query.cursor.clone(), limit: EVENTS };
    let (month, as_of) = (counts.month, Some(counts.log_length));
    let found = asked.engine.statement_events(&asked.reader, month, filter, as_of, &paging).await?;
    let at_cursor = |cursor: Option<String>| {
        let href = TrailQuery { cursor, ..query.clone() }.href(&path);
        format!("{href}#events")
    };
    let choice = |value: String, label: String| Choice { value, label };
    let has_clicks =
        found.figure.is_of_clicks() || matches!(counts.step, Step::Received | Step::Sandbox | Step::OtherKind);
    let methods: &[ContactMethod] = if has_clicks { &ContactMethod::ALL } else { &[] };
    let file = TrailQuery { cursor: None, ..query.clone() };
    let mut csv: Vec<(&str, &str)> = file.pairs();
    let (month_text, step_text) = (month.to_string(), counts.step.as_str());
    csv.push(("month", &month_text));
    if counts.step != Step::Received {
        csv.push(("step", step_text));
    }
    Ok(EventList {
        days: counts.by_day.iter().map(|(day, _)| choice(day.to_string(), format::day_long(*day))).collect(),
        applications: counts.by_application.iter().map(|it| choice(it.key.to_string(), it.name.clone())).collect(),
        helplines: counts.by_helpline.iter().map(|it| choice(it.key.to_string(), it.name.clone())).collect(),
        methods: methods.iter().map(|it| choice(it.as_str().to_owned(), it.label().to_owned())).collect(),
        filters: filters(counts, &query, filter, &path),
        rows: found.events.iter().map(|event| row(event, &found, zone)).collect(),
        as_of: format::count(i64::try_from(counts.log_length).unwrap_or(i64::MAX)),
        time_zone: zone.name().to_owned(),
        first: query.cursor.is_some().then(|| at_cursor(None)),
        next: found.next_cursor.clone().map(|cursor| at_cursor(Some(cursor))),
        csv: crate::query::href("/download/statement-events.csv", &csv),
        path,
        query,
    })
}

fn filters(counts: &StepCounts, query: &TrailQuery, filter: &TrailFilter, path: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut add = |kind: &str, name: String, change: fn(&mut TrailQuery)| {
        let mut without = TrailQuery { cursor: None, ..query.clone() };
        change(&mut without);
        let href = format!("{}#events", without.href(path));
        links.push(Link { label: format!("{kind}: {name}"), href, is_current: true });
    };
    if let Some(day) = filter.day {
        add("Day", format::day_long(day), |query| query.day = None);
    }
    if let Some(id) = filter.application_id {
        let name = counts.by_application.iter().find(|it| it.key == id).map(|it| it.name.clone());
        add("Application", name.unwrap_or_else(|| id.to_string()), |query| query.application_id = None);
    }
    if let Some(id) = &filter.helpline_id {
        let name = counts.by_helpline.iter().find(|it| it.key == *id).map(|it| it.name.clone());
        add("Helpline", name.unwrap_or_else(|| id.to_string()), |query| query.helpline_id = None);
    }
    if let Some(method) = filter.contact_method {
        add("Contact method", method.label().to_owned(), |query| query.contact_method = None);
    }
    links
}

fn row(event: &StatementEvent, found: &StatementEvents, zone: Zone) -> EventRow {
    EventRow {
        day: format::day(zone.day(event.at)),
        clock: format::clock_exact(zone.local(event.at)),
        method: event
            .contact_method
            .map_or_else(|| "Display".to_owned(), |method| format!("Click: {}", method.label())),
        helpline: event.helpline_name.clone(),
        application: event.application_name.clone(),
        place: format::count(i64::try_from(event.place).unwrap_or(i64::MAX)),
        id: event.event_id.to_string(),
        badge: badge(event.judgement),
        why: why(event, found.figure, found.month, zone),
    }
}

const fn badge(judgement: Option<Judgement>) -> (&'static str, &'static str) {
    let Some(judgement) = judgement else { return ("badge badge-sandbox", "Sandbox") };
    match judgement.outcome() {
        Step::Billable => ("badge badge-good", "Billed"),
        Step::NotUnique => ("badge", "Not unique"),
        Step::Repeats => ("badge", "Repeat"),
        _ => ("badge", "Not billed"),
    }
}

/// Why an event is on the bill, or not.
#[must_use]
pub fn why(event: &StatementEvent, figure: BillableFigure, month: Month, zone: Zone) -> String {
    let Some(judgement) = event.judgement else {
        return "Of a sandbox application, whose events are never billed.".to_owned();
    };
    let at = |at: Timestamp| {
        // Of the same day the time is enough.
        if zone.day(at) == zone.day(event.at) {
            format!("at {}", format::clock_exact(zone.local(at)))
        } else {
            format!("on {}", format::instant_exact(at, zone))
        }
    };
    let of = judgement.because_of;
    match judgement.outcome() {
        Step::OtherKind => match judgement.attributed {
            Some(true) => "A click after a display: this rate card bills displays.".to_owned(),
            Some(false) => "A click without a display before it: this rate card bills displays.".to_owned(),
            None => "A display: this rate card bills clicks.".to_owned(),
        },
        Step::Billable => billed(figure, judgement, month),
        Step::NotUnique => {
            let what = match figure {
                BillableFigure::UniqueDisplays => "This helpline in this session",
                _ => "This session",
            };
            match of {
                Some(first) => format!("{what} was counted {}.", at(first)),
                None => format!("{what} was counted already."),
            }
        }
        _ => match (figure, of) {
            (BillableFigure::Notifications, Some(before)) => {
                format!("Within 10 seconds of the display {}.", at(before))
            }
            (BillableFigure::NetClicks, Some(next)) => format!("Followed by another click {}.", at(next)),
            (_, Some(next)) => format!("Followed by another display {}.", at(next)),
            (_, None) => "Followed by another one.".to_owned(),
        },
    }
}

fn billed(figure: BillableFigure, judgement: Judgement, month: Month) -> String {
    let month = format::month_long(month);
    let why = match figure {
        BillableFigure::Reach => format!("The first time that this session was shown a helpline in {month}."),
        BillableFigure::UniqueDisplays => {
            format!("The first time that this session was shown this helpline in {month}.")
        }
        BillableFigure::NetDisplays => "A display that none follows within 30 seconds.".to_owned(),
        BillableFigure::NetClicks => "A click that none follows within 30 seconds.".to_owned(),
        BillableFigure::Notifications => "It begins a referral.".to_owned(),
    };
    match judgement.is_kept {
        true => why,
        false => format!("{why} Its burst runs into the next month."),
    }
}
