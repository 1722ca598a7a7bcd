//! How usage and statements are printed as JSON. Amounts and prices are decimal strings: a program that reads them as
//! floating point does so on its own account.

use domain::Zone;
use domain::billing::{self, BillableFigure, LineKind, Money, Status};
use domain::zone::{Day, Month};
use engine::{StatementEvent, StatementEvents, StepCounts, Usage};
use serde::{Serialize, Serializer};

fn zone<S: Serializer>(zone: &Zone, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}

fn text<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

fn by_code<S: Serializer>(counts: &[(String, i64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.iter().map(|(code, n)| (code, n)))
}

/// A waterfall: its steps by their names.
#[derive(Serialize)]
pub struct Waterfall<'a> {
    figure: BillableFigure,
    received: i64,
    #[serde(serialize_with = "by_code")]
    rejected: &'a [(String, i64)],
    rejected_total: i64,
    duplicates: i64,
    sandbox: i64,
    other_kind: i64,
    gross: i64,
    repeats: i64,
    net: i64,
    not_unique: i64,
    billable: i64,
}

impl<'a> From<&'a billing::Waterfall> for Waterfall<'a> {
    fn from(of: &'a billing::Waterfall) -> Self {
        Self {
            figure: of.figure,
            received: of.received,
            rejected: &of.rejected,
            rejected_total: of.refused(),
            duplicates: of.duplicates,
            sandbox: of.sandbox,
            other_kind: of.other_kind,
            gross: of.gross,
            repeats: of.repeats,
            net: of.net,
            not_unique: of.not_unique,
            billable: of.billable,
        }
    }
}

/// The terms of a rate card.
#[derive(Serialize)]
pub struct Terms {
    currency: &'static str,
    figure: BillableFigure,
    included: u64,
    tiers: Vec<Tier>,
    base_fee: String,
    minimum: String,
}

#[derive(Serialize)]
struct Tier {
    up_to: Option<u64>,
    unit_price: String,
}

impl From<&billing::Terms> for Terms {
    fn from(of: &billing::Terms) -> Self {
        let tier =
            |tier: &billing::PriceTier| Tier { up_to: tier.up_to, unit_price: tier.unit_price.normalize().to_string() };
        Self {
            currency: of.currency.code(),
            figure: of.figure,
            included: of.included,
            tiers: of.tiers.iter().map(tier).collect(),
            base_fee: of.base_fee().to_string(),
            minimum: of.minimum().to_string(),
        }
    }
}

/// The version of a rate card that a statement is priced with.
#[derive(Serialize)]
struct Card<'a> {
    id: String,
    name: &'a str,
    version: u32,
    effective_from: Month,
    #[serde(flatten)]
    terms: Terms,
}

/// A line of a statement. Members that its kind does not have are left out.
#[derive(Serialize)]
pub struct Line {
    kind: &'static str,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    /// Of a tier without an end `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<Month>,
    quantity: Option<i64>,
    unit_price: Option<String>,
    amount: String,
}

/// The name of a line's kind.
#[must_use]
pub const fn kind(kind: LineKind) -> &'static str {
    match kind {
        LineKind::BaseFee => "base_fee",
        LineKind::Included => "included",
        LineKind::Tier { .. } => "tier",
        LineKind::MinimumTopUp => "minimum_top_up",
        LineKind::Adjustment { .. } => "adjustment",
    }
}

impl Line {
    /// A line; `figure` names its units.
    #[must_use]
    pub fn new(line: &billing::Line, figure: BillableFigure) -> Self {
        let (tier, from, up_to) = match line.kind {
            LineKind::Tier { tier, from, up_to } => (Some(tier), Some(from), Some(up_to)),
            _ => (None, None, None),
        };
        let month = if let LineKind::Adjustment { month } = line.kind { Some(month) } else { None };
        Self {
            kind: kind(line.kind),
            description: line.description(figure),
            tier,
            from,
            up_to,
            month,
            quantity: line.quantity,
            unit_price: line.unit_price.map(|price| price.normalize().to_string()),
            amount: line.amount.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Adjustment<'a> {
    month: Month,
    before: Waterfall<'a>,
    after: Waterfall<'a>,
    #[serde(serialize_with = "text")]
    billed: Money,
    #[serde(serialize_with = "text")]
    recomputed: Money,
    #[serde(serialize_with = "text")]
    amount: Money,
}

#[derive(Serialize)]
struct Forecast {
    quantity: i64,
    #[serde(serialize_with = "text")]
    total: Money,
    days: u32,
}

/// A statement. Who issued it is not said: it may be a person's address.
#[derive(Serialize)]
pub struct Statement<'a> {
    number: &'a str,
    month: Month,
    #[serde(serialize_with = "zone")]
    time_zone: Zone,
    status: &'static str,
    issued_at: Option<String>,
    forecast: Option<Forecast>,
    currency: &'static str,
    #[serde(serialize_with = "text")]
    total: Money,
    rate_card: Card<'a>,
    lines: Vec<Line>,
    adjustments: Vec<Adjustment<'a>>,
    waterfall: Waterfall<'a>,
    log_length: u64,
}

impl<'a> From<&'a billing::Statement> for Statement<'a> {
    fn from(of: &'a billing::Statement) -> Self {
        let (status, issued_at, forecast) = match &of.status {
            Status::Draft { forecast } => ("draft", None, forecast.as_ref()),
            Status::Issued { issued_at, .. } => ("issued", Some(issued_at.to_string()), None),
        };
        let card = &of.card;
        let adjustment = |it: &'a billing::Adjustment| Adjustment {
            month: it.month,
            before: (&it.before).into(),
            after: (&it.after).into(),
            billed: it.billed,
            recomputed: it.recomputed,
            amount: it.amount,
        };
        Self {
            number: &of.number,
            month: of.month,
            time_zone: of.time_zone,
            status,
            issued_at,
            forecast: forecast.map(|it| Forecast { quantity: it.quantity, total: it.total, days: it.days }),
            currency: of.total.currency.code(),
            total: of.total,
            rate_card: Card {
                id: card.id.to_string(),
                name: &card.name,
                version: card.version,
                effective_from: card.effective_from,
                terms: (&card.terms).into(),
            },
            lines: of.lines.iter().map(|line| Line::new(line, card.terms.figure)).collect(),
            adjustments: of.adjustments.iter().map(adjustment).collect(),
            waterfall: (&of.waterfall).into(),
            log_length: of.log_length,
        }
    }
}

/// A page of statements.
#[derive(Serialize)]
pub struct Statements<'a> {
    pub statements: Vec<Statement<'a>>,
    pub next_cursor: Option<&'a str>,
}

/// The JSON of a month's usage.
pub fn usage(of: &Usage) -> impl Serialize {
    #[derive(Serialize)]
    struct Body<'a> {
        month: Month,
        #[serde(serialize_with = "zone")]
        time_zone: Zone,
        waterfall: Waterfall<'a>,
        statement: Option<Statement<'a>>,
    }
    Body {
        month: of.month,
        time_zone: of.time_zone,
        waterfall: (&of.waterfall).into(),
        statement: of.statement.as_ref().map(Into::into),
    }
}

/// Why an event is on the bill, or not.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    pub outcome: &'static str,
    pub is_kept: bool,
    pub is_billed: bool,
    pub because_of: Option<String>,
    pub attributed: Option<bool>,
}

impl From<&StatementEvent> for Why {
    fn from(event: &StatementEvent) -> Self {
        match &event.judgement {
            None => {
                let outcome = billing::Step::Sandbox.as_str();
                Self { outcome, is_kept: false, is_billed: false, because_of: None, attributed: None }
            }
            Some(judgement) => Self {
                outcome: judgement.outcome().as_str(),
                is_kept: judgement.is_kept,
                is_billed: judgement.is_billed,
                because_of: judgement.because_of.map(|at| at.to_string()),
                attributed: judgement.attributed,
            },
        }
    }
}

/// The type of an event, as it was posted.
#[must_use]
pub const fn event_type(event: &StatementEvent) -> &'static str {
    if event.contact_method.is_some() { "helpline_click" } else { "helpline_display" }
}

/// The JSON of a page of events.
pub fn events(page: &StatementEvents) -> impl Serialize {
    #[derive(Serialize)]
    struct Event<'a> {
        event_id: String,
        r#type: &'static str,
        timestamp: String,
        contact_method: Option<&'static str>,
        application_id: String,
        application_name: &'a str,
        helpline_id: &'a str,
        helpline_name: &'a str,
        place: u64,
        why: Why,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        month: Month,
        #[serde(serialize_with = "zone")]
        time_zone: Zone,
        figure: BillableFigure,
        events: Vec<Event<'a>>,
        next_cursor: Option<&'a str>,
        as_of: u64,
    }
    fn listed(event: &StatementEvent) -> Event<'_> {
        Event {
            event_id: event.event_id.to_string(),
            r#type: event_type(event),
            timestamp: event.at.to_string(),
            contact_method: event.contact_method.map(domain::event::ContactMethod::as_str),
            application_id: event.application_id.to_string(),
            application_name: &event.application_name,
            helpline_id: event.helpline_id.as_str(),
            helpline_name: &event.helpline_name,
            place: event.place,
            why: event.into(),
        }
    }
    Body {
        month: page.month,
        time_zone: page.time_zone,
        figure: page.figure,
        events: page.events.iter().map(listed).collect(),
        next_cursor: page.next_cursor.as_deref(),
        as_of: page.log_length,
    }
}

/// The JSON of the counts behind a step.
pub fn step(counts: &StepCounts) -> impl Serialize {
    #[derive(Serialize)]
    struct OfDay {
        day: Day,
        events: i64,
    }
    #[derive(Serialize)]
    struct OfKey<'a> {
        id: String,
        name: &'a str,
        events: i64,
    }
    #[derive(Serialize)]
    struct OfCode<'a> {
        code: &'a str,
        events: i64,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        month: Month,
        step: &'static str,
        figure: BillableFigure,
        total: i64,
        stated: i64,
        by_day: Vec<OfDay>,
        by_application: Vec<OfKey<'a>>,
        by_helpline: Vec<OfKey<'a>>,
        by_code: Vec<OfCode<'a>>,
        as_of: u64,
    }
    fn keys<K, I: ToString>(keys: &[engine::StepKey<K>], id: impl Fn(&K) -> I) -> Vec<OfKey<'_>> {
        keys.iter().map(|key| OfKey { id: id(&key.key).to_string(), name: &key.name, events: key.events }).collect()
    }
    Body {
        month: counts.month,
        step: counts.step.as_str(),
        figure: counts.figure,
        total: counts.total,
        stated: counts.stated,
        by_day: counts.by_day.iter().map(|(day, events)| OfDay { day: *day, events: *events }).collect(),
        by_application: keys(&counts.by_application, |id| *id),
        by_helpline: keys(&counts.by_helpline, |id| id.as_str().to_owned()),
        by_code: counts.by_code.iter().map(|(code, events)| OfCode { code, events: *events }).collect(),
        as_of: counts.log_length,
    }
}
