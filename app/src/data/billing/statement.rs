//! A month's statement.

use super::waterfall::{WaterfallView, view};
use super::{Asked, Card, LineView, Whose, due, issued, lines, month, quantity};
use crate::data::take_refused;
use crate::error::UiError;
use crate::format;
use domain::billing::statement::{has_begun, has_ended};
use domain::billing::{Adjustment, BillableFigure, Statement, Status, Step, Waterfall};
use domain::zone::Month;
use engine::{Recomputation, Usage};

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementPage {
    pub whose: Whose,
    /// `2026-10`, as addresses have it.
    pub month: String,
    pub title: String,
    pub number: Option<String>,
    pub badge: (&'static str, &'static str),
    pub cards: Vec<Card>,
    /// Lines and total; without a rate card there are none.
    pub lines: Option<(Vec<LineView>, String)>,
    /// The rate card that prices the month, and its address where the person may see it.
    pub card: Option<(String, Option<String>)>,
    pub waterfall: WaterfallView,
    /// What was billed, and the place of the last event that is counted.
    pub counted: String,
    pub adjustments: Vec<AdjustmentView>,
    pub files: Files,
    pub check: Check,
    pub issue: Option<Issue>,
    /// The statements of the months around it.
    pub before: String,
    pub after: Option<String>,
    pub overview: String,
}

/// Addresses of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Of a month that a rate card prices.
    pub pdf: Option<String>,
    pub lines: String,
    pub days: String,
    pub events: String,
}

/// What changed in an earlier month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdjustmentView {
    pub month: String,
    pub href: String,
    pub billed: String,
    pub recomputed: String,
    pub amount: String,
    /// Step, before, after and change.
    pub steps: Vec<[String; 4]>,
    pub after: WaterfallView,
}

/// Counting again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The customer that the form names, of those who see several.
    pub customer: Option<String>,
    /// The address of the form.
    pub path: String,
    pub result: Option<Checked>,
}

/// What counting again has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    Equal {
        text: String,
    },
    /// Step, what the statement says and what the events say.
    Different {
        text: String,
        steps: Vec<[String; 3]>,
    },
    Impossible(UiError),
}

/// The form that issues a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub customer: String,
    /// Why it was refused.
    pub error: Option<UiError>,
    /// The month still runs, which must be confirmed: until when.
    pub runs_until: Option<String>,
    pub total: String,
}

/// A month's statement; `check`: counted again.
///
/// # Errors
/// Those of the engine.
pub async fn statement(text: &str, customer: Option<String>, check: bool) -> Result<StatementPage, UiError> {
    let month = month(text)?;
    let asked = Asked::of(customer.as_deref()).await?;
    let usage = asked.engine.usage(&asked.reader, month).await?;
    let zone = usage.time_zone;
    let (now, statement) = (asked.engine.now(), usage.statement.as_ref());
    let refused = take_refused::<()>(&form_of(text)).await?;
    let result = if check { Some(recompute(&asked, &usage).await) } else { None };
    let title = format::month_long(month);
    let href = |step: Step| Some(asked.href(&format!("/billing/{month}/{}", step.as_str()), &[]));
    let next = month.plus(1);
    Ok(StatementPage {
        whose: asked.whose()?,
        month: month.to_string(),
        number: statement.map(|it| it.number.clone()),
        badge: badge(&usage, !has_ended(month, zone, now)),
        cards: cards(&asked, &usage),
        lines: statement.map(|it| (lines(it), format::money(it.total))),
        card: statement.map(|it| card_used(&asked, it)),
        waterfall: view(&usage.waterfall, &format!("Waterfall of {title}"), href),
        counted: counted(statement, usage.waterfall.figure),
        adjustments: statement
            .iter()
            .flat_map(|it| &it.adjustments)
            .map(|adjustment| adjustment_view(&asked, adjustment))
            .collect(),
        files: files(&asked, &usage),
        check: Check {
            customer: asked.whose()?.customer.filter(|_| !asked.user.role().is_of_customer()),
            path: format!("/billing/{month}"),
            result,
        },
        issue: issue(&asked, &usage, refused.map(|((), error)| error)),
        before: asked.statement_href(month.plus(-1)),
        after: has_begun(next, zone, now).then(|| asked.statement_href(next)),
        overview: asked.href("/billing", &[]),
        title,
    })
}

/// The name of the form that issues a month's statement.
#[must_use]
pub fn form_of(month: &str) -> String {
    format!("issue {month}")
}

fn badge(usage: &Usage, is_running: bool) -> (&'static str, &'static str) {
    match &usage.statement {
        None => ("badge", "No rate card"),
        Some(it) if it.is_issued() => ("badge badge-good", "Issued"),
        Some(_) if is_running => ("badge badge-production", "Running"),
        Some(_) => ("badge badge-warning", "Draft"),
    }
}

fn cards(asked: &Asked, usage: &Usage) -> Vec<Card> {
    let (figure, zone, now) = (usage.waterfall.figure, usage.time_zone, asked.engine.now());
    let card = |label: &str, definition: &str, value: String, notes: Vec<String>| Card {
        label: label.to_owned(),
        definition: definition.to_owned(),
        value,
        notes,
    };
    let mut cards = Vec::new();
    if let Some(statement) = &usage.statement {
        let when = issued(&statement.status, zone, !asked.user.role().is_of_customer()).map_or_else(
            || due(asked.engine.statement_due_at(usage.month, zone), now, zone),
            |issued| format!("issued {issued}"),
        );
        let label = if statement.is_issued() { "Total" } else { "Total so far" };
        let adjusted = !statement.adjustments.is_empty();
        let mut notes = vec![when];
        if let (true, Ok(own)) = (adjusted, statement.own_total()) {
            notes.insert(0, format!("{} of this month, the rest adjustments", format::money(own)));
        }
        cards.push(card(
            label,
            "The sum of all lines: what the month’s own usage costs, and what arrived late for earlier months.",
            format::money(statement.total),
            notes,
        ));
    }
    cards.push(card(
        figure.label(),
        figure.figure().definition(),
        format::count(usage.waterfall.billable),
        vec!["billable".to_owned()],
    ));
    if let Some(Status::Draft { forecast: Some(forecast) }) = usage.statement.as_ref().map(|it| &it.status) {
        cards.push(card(
            "Forecast of the month",
            "What the whole month will cost if each day to come brings what the whole days so far brought on average. Adjustments are not in it.",
            format::money(forecast.total),
            vec![quantity(figure, forecast.quantity)],
        ));
    }
    cards.push(card(
        "Received",
        Step::Received.definition(figure),
        format::count(usage.waterfall.received),
        vec![format!("{} refused or repeated", format::count(usage.waterfall.refused() + usage.waterfall.duplicates))],
    ));
    cards
}

fn card_used(asked: &Asked, statement: &Statement) -> (String, Option<String>) {
    let card = &statement.card;
    let name = format!("{}, version {} from {}", card.name, card.version, format::month_long(card.effective_from));
    let can_see = !asked.user.role().is_of_customer();
    (name, can_see.then(|| format!("/admin/rate-cards/{}", card.id)))
}

fn counted(statement: Option<&Statement>, figure: BillableFigure) -> String {
    let of = format!("{} is what the rate card bills.", figure.label());
    match statement {
        None => "No rate card prices this month; the steps are those of reach.".to_owned(),
        Some(it) if it.is_issued() => format!(
            "{of} Counted are the events up to place {} of the customer’s log: what came later is adjusted on a later statement.",
            format::count(i64::try_from(it.log_length).unwrap_or(i64::MAX))
        ),
        Some(_) => format!("{of} Counted are all events until now."),
    }
}

/// The steps of which what is accepted depends, and the rest around them.
fn compared(before: &Waterfall, after: &Waterfall) -> Vec<[String; 4]> {
    let row = |step: Step| {
        let (b, a) = (before.get(step), after.get(step));
        [step.label(before.figure).to_owned(), format::count(b), format::count(a), format::signed(a - b)]
    };
    super::waterfall::shown(before).map(row).collect()
}

fn adjustment_view(asked: &Asked, adjustment: &Adjustment) -> AdjustmentView {
    let month = format::month_long(adjustment.month);
    AdjustmentView {
        href: asked.statement_href(adjustment.month),
        billed: format::money(adjustment.billed),
        recomputed: format::money(adjustment.recomputed),
        amount: format::signed_money(adjustment.amount),
        steps: compared(&adjustment.before, &adjustment.after),
        after: view(&adjustment.after, &format!("Waterfall of {month} after all"), |_| None),
        month,
    }
}

fn files(asked: &Asked, usage: &Usage) -> Files {
    Files {
        pdf: usage.statement.as_ref().map(|_| asked.download("statement.pdf", usage.month)),
        lines: asked.download("statement-lines.csv", usage.month),
        days: asked.download("statement-days.csv", usage.month),
        events: asked.download("statement-events.csv", usage.month),
    }
}

async fn recompute(asked: &Asked, usage: &Usage) -> Checked {
    match asked.engine.recompute_statement(&asked.reader, usage.month).await {
        Ok(found) => checked(&found),
        Err(error) => Checked::Impossible(error.into()),
    }
}

fn checked(found: &Recomputation) -> Checked {
    let events = format::count(i64::try_from(found.events).unwrap_or(i64::MAX));
    let stated = &found.stated;
    if found.is_equal {
        let later = found.present.gross + found.present.other_kind + found.present.sandbox
            - (stated.gross + stated.other_kind + stated.sandbox);
        let since = match later {
            0 => String::new(),
            1 => " Since it was issued 1 event more has arrived for this month.".to_owned(),
            n => format!(" Since it was issued {} events more have arrived for this month.", format::count(n)),
        };
        let billable = format::count(stated.billable);
        let text = format!("{events} events were counted anew, without the stored counts: {billable} billable.{since}");
        return Checked::Equal { text };
    }
    let row = |it: &engine::StepDifference| {
        [it.step.label(stated.figure).to_owned(), format::count(it.stated), format::count(it.recomputed)]
    };
    Checked::Different {
        text: format!("{events} events were read and counted anew, and come to other numbers."),
        steps: found.differences.iter().map(row).collect(),
    }
}

fn issue(asked: &Asked, usage: &Usage, error: Option<UiError>) -> Option<Issue> {
    let statement = usage.statement.as_ref().filter(|it| !it.is_issued())?;
    asked.engine.operator(&asked.user).ok()?;
    let (zone, month) = (usage.time_zone, usage.month);
    let runs = !has_ended(month, zone, asked.engine.now());
    Some(Issue {
        customer: statement.customer_id.to_string(),
        error,
        runs_until: runs.then(|| last_day(month)),
        total: format::money(statement.total),
    })
}

fn last_day(month: Month) -> String {
    format::day(month.plus(1).first_day().plus(-1))
}
