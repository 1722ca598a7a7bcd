//! The overview's frame (period, customer, filters) and its headline figures.

use super::{Choice, Link};
use crate::error::UiError;

use crate::{context, format, question::Question};

/// What stands above the figures: where they come from and how to see others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whom an operator or auditor can choose; empty for others.
    pub customers: Vec<Choice>,
    /// The chosen customer's id.
    pub customer: Option<String>,
    /// Whose figures these are.
    pub customer_name: String,
    /// Whose days these are.
    pub time_zone: String,
    pub presets: Vec<Link>,
    pub tiers: Vec<Link>,
    /// First and last day, as date inputs take them.
    pub from: String,
    pub last: String,
    /// The same for people.
    pub period: String,
    /// The period that it is compared with.
    pub before: String,
    /// The address of the form that exports what is on the screen.
    pub export: Option<String>,
    /// The filters in force; each link takes one away.
    pub filters: Vec<Link>,
}

/// A figure of the period, next to the period before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    pub label: String,
    pub definition: String,
    pub value: String,
    /// The change in the figure's own unit, of counts.
    pub change: Option<String>,
    /// The change in per cent, or in points, where there is something to compare with.
    pub change_percent: Option<String>,
    /// The value of the period before.
    pub before: String,
    /// What to say in place of a comparison.
    pub note: Option<String>,
}

/// The headline figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// Whose days these are, where that is one zone's.
    pub time_zone: Option<String>,
    pub cards: Vec<Card>,
    /// The address of a file with the figures.
    pub csv: String,
    /// Set when so many clicks have no display that an integration must be broken.
    pub unattributed: Option<Unattributed>,
    /// Set when there is nothing to see in this period nor in the one before.
    pub first_event: Option<FirstEvent>,
}

/// A warning about clicks without a display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unattributed {
    pub clicks: String,
    pub share: String,
    pub definition: String,
    /// The figures by application, to find the one that is broken.
    pub href: String,
}

/// How to send the first event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstEvent {
    pub is_sandbox: bool,
    /// Commands for a shell.
    pub token: String,
    pub display: String,
}

use domain::{
    billing::BillableFigure,
    figures::{CTR_DEFINITION, Counts, Figure, HELPLINE_CTR_DEFINITION, Scope},
    period::Summary,
};
use futures_util::future::try_join;

/// The headline figures of the period and of the one before.
///
/// # Errors
/// Those of the engine.
pub async fn headline(question: &Question) -> Result<Headline, UiError> {
    let (engine, reader) = (&question.engine, &question.reader);
    let summary = |period| engine.summary(reader, period, &question.filter);
    let (now, before) = try_join(summary(question.period), summary(question.period.before())).await?;
    let is_empty = now.counts.is_zero() && before.counts.is_zero() && !question.is_filtered();
    let is_first = is_empty && summary(question.ever()).await?.counts.is_zero();
    let billed = match reader.customer() {
        Some(_) => engine.billed_figure(reader, question.period).await?,
        None => None,
    };
    Ok(Headline {
        time_zone: now.time_zone.map(|zone| zone.name().to_owned()),
        cards: cards(question, &now, &before.counts, billed),
        csv: question.download("summary"),
        unattributed: unattributed(question, &now.counts),
        first_event: is_first.then(|| first_event(question.is_sandbox())),
    })
}

/// The cards that the view's scope gives exactly. Where it gives no reach, unique displays stand in under their own name.
fn cards(question: &Question, now: &Summary, before: &Counts, billed: Option<BillableFigure>) -> Vec<Card> {
    let scope = now.scope;
    let people = if scope.gives(Figure::Reach) { Figure::Reach } else { Figure::UniqueDisplays };
    let mut figures = vec![people, Figure::NetDisplays, Figure::NetClicks];
    figures.retain(|figure| scope.gives(*figure));
    if figures.len() < 3 {
        // Views by contact method know clicks alone.
        figures.extend([Figure::AttributedClicks, Figure::Conversions]);
    }
    let mut cards: Vec<Card> = figures.into_iter().map(|figure| card(figure, &now.counts, before)).collect();
    cards.extend(rate_card(scope, &now.counts, before));
    if scope == Scope::Application {
        cards.extend(billed.map(|figure| billable(question, figure.figure(), &now.counts, before)));
    }
    cards
}

fn card(figure: Figure, now: &Counts, before: &Counts) -> Card {
    let (now, before) = (now.get(figure), before.get(figure));
    Card {
        label: figure.label().to_owned(),
        definition: figure.definition().to_owned(),
        value: format::count(now),
        change: Some(format::signed(now - before)),
        change_percent: (before != 0).then(|| format::signed_percent((now - before) as f64 / before as f64)),
        before: format::count(before),
        note: None,
    }
}

fn rate_card(scope: Scope, now: &Counts, before: &Counts) -> Option<Card> {
    scope.ctr_of()?;
    let (label, definition) = match scope {
        Scope::Helpline => ("Helpline CTR", HELPLINE_CTR_DEFINITION),
        _ => ("CTR", CTR_DEFINITION),
    };
    let (now, before) = (now.ctr(scope), before.ctr(scope));
    let both = now.zip(before);
    Some(Card {
        label: label.to_owned(),
        definition: definition.to_owned(),
        value: format::percent_or_none(now),
        change: None,
        // A change of a percentage in per cent would be taken for one in points.
        change_percent: both.map(|(now, before)| format::signed_points(now - before)),
        before: format::percent_or_none(before),
        note: both.is_none().then(|| "Nothing to compare with".to_owned()),
    })
}

fn billable(question: &Question, figure: Figure, now: &Counts, before: &Counts) -> Card {
    let mut card = card(figure, now, before);
    let name = figure.label().to_lowercase();
    card.label = format!("Billable usage ({name})");
    card.definition = format!(
        "What the rate card bills: the {name} of production applications. {} Sandbox events are never billed.",
        figure.definition()
    );
    if question.is_sandbox() {
        card.value = format::NONE.to_owned();
        (card.change, card.change_percent) = (None, None);
        card.note = Some("Sandbox events are never billed".to_owned());
    }
    card
}

/// From this share of clicks without a display on, they are a warning rather than chance.
const UNATTRIBUTED_SHARE_MAX: f64 = 0.05;
/// Fewer of them say nothing.
const UNATTRIBUTED_CLICKS_MIN: i64 = 10;

fn unattributed(question: &Question, counts: &Counts) -> Option<Unattributed> {
    let (clicks, all) = (counts.get(Figure::UnattributedClicks), counts.get(Figure::GrossClicks));
    let share = clicks as f64 / all.max(1) as f64;
    (clicks >= UNATTRIBUTED_CLICKS_MIN && share > UNATTRIBUTED_SHARE_MAX).then(|| Unattributed {
        clicks: format::count(clicks),
        share: format::percent(share),
        definition: Figure::UnattributedClicks.definition().to_owned(),
        href: format!("{}#breakdown", question.href(|query| query.by = Some("application".to_owned()))),
    })
}

fn first_event(is_sandbox: bool) -> FirstEvent {
    let origin = context::origin();
    FirstEvent {
        is_sandbox,
        token: format!(
            "TOKEN=$(curl -s {origin}/oauth/token -d grant_type=client_credentials \\\n  -d client_id=YOUR_CLIENT_ID -d client_secret=YOUR_CLIENT_SECRET \\\n  | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')"
        ),
        display: format!(
            "curl {origin}/v1/events/helpline-display -H \"Authorization: Bearer $TOKEN\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"helpline_id\":\"HELPLINE_ID\",\"session_id\":\"any-opaque-id\",\"timestamp\":\"'$(date -u +%FT%TZ)'\"}}'"
        ),
    }
}
