//! A customer's billing at a glance.

use super::{Asked, Card, LineView, TermsView, Whose, due, lines, quantity, terms};
use crate::bars::{self, Bar, Kind};
use crate::error::UiError;
use crate::format;
use domain::Zone;
use domain::billing::card::version_of;
use domain::billing::{Money, Status};
use domain::zone::Month;
use engine::{Contract, MonthBill, MonthStatus, Usage};

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    pub whose: Whose,
    /// `None`: no customer is chosen.
    pub bills: Option<Bills>,
}

/// A customer's bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bills {
    /// The running month.
    pub month: String,
    pub href: String,
    pub cards: Vec<Card>,
    /// What the running month costs until now, and its total; without a rate card there is nothing to tell.
    pub so_far: Option<(Vec<LineView>, String)>,
    /// The same drawing for screens of several widths, as SVG of the server's own making.
    pub drawings: String,
    /// Newest first.
    pub months: Vec<MonthView>,
    pub contract: Vec<ContractView>,
    /// Where operators assign rate cards.
    pub can_assign: bool,
}

/// A month in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthView {
    pub label: String,
    pub href: String,
    pub quantity: String,
    pub total: String,
    pub badge: (&'static str, &'static str),
    /// When it was issued or is to be.
    pub when: String,
}

/// What prices months from one on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractView {
    pub from: String,
    /// The card's name and version; `None`: nothing prices these months.
    pub card: Option<(String, TermsView)>,
}

/// The billing overview.
///
/// # Errors
/// Those of the engine.
pub async fn overview(customer: Option<String>) -> Result<Overview, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let whose = asked.whose()?;
    if asked.reader.customer().is_none() {
        return Ok(Overview { whose, bills: None });
    }
    let found = asked.engine.billing_overview(&asked.reader).await?;
    let now = asked.engine.now();
    let month = found.current.month;
    let bill = found.months.last();
    let due_at = bill.and_then(|bill| match bill.status {
        MonthStatus::Draft { due_at } => Some(due(due_at, now, asked.zone())),
        _ => None,
    });
    let before = found.months.iter().rev().nth(1);
    Ok(Overview {
        whose,
        bills: Some(Bills {
            month: format::month_long(month),
            href: asked.statement_href(month),
            cards: cards(&found.current, due_at, before, asked.zone()),
            so_far: found.current.statement.as_ref().map(|it| (lines(it), format::money(it.total))),
            drawings: drawings(&found.months, month),
            months: found.months[known(&found.months)..].iter().rev().map(|bill| month_view(&asked, bill)).collect(),
            contract: contract(&found.contract, month),
            can_assign: asked.engine.operator(&asked.user).is_ok(),
        }),
    })
}

fn cards(current: &Usage, due: Option<String>, before: Option<&MonthBill>, zone: Zone) -> Vec<Card> {
    let figure = current.waterfall.figure;
    let card = |label: &str, definition: &str, value: String, notes: Vec<String>| Card {
        label: label.to_owned(),
        definition: definition.to_owned(),
        value,
        notes,
    };
    let none = || format::NONE.to_owned();
    let so_far = current.statement.as_ref().map_or_else(none, |it| format::money(it.total));
    let forecast = current.statement.as_ref().and_then(|statement| match &statement.status {
        Status::Draft { forecast } => forecast.clone(),
        Status::Issued { .. } => None,
    });
    let (value, note) = match forecast {
        Some(it) => {
            let days = if it.days == 1 { "1 whole day".to_owned() } else { format!("{} whole days", it.days) };
            (
                format::money(it.total),
                format!("{}, if all days bring what {days} brought", quantity(figure, it.quantity)),
            )
        }
        None => (none(), "Told once a whole day has passed".to_owned()),
    };
    let mut cards = vec![
        card(
            "This month so far",
            "What the month costs with every event until now, adjustments of earlier months included.",
            so_far,
            vec![quantity(figure, current.waterfall.billable)],
        ),
        card(
            "Forecast of the month",
            "What the whole month will cost if each day to come brings what the whole days so far brought on average. Adjustments are not in it.",
            value,
            vec![note],
        ),
    ];
    if let Some(before) = before.filter(|before| before.total.is_some()) {
        let when = match before.status {
            MonthStatus::Issued { issued_at } => format!("issued on {}", format::day(zone.day(issued_at))),
            _ => "not issued yet".to_owned(),
        };
        cards.push(card(
            "Last month",
            "The total of the month before, as it was issued or as it stands now.",
            before.total.map_or_else(none, format::money),
            vec![format!("{}, {when}", quantity(before.figure, before.quantity))],
        ));
    }
    if let Some(due) = due {
        let number = current.statement.as_ref().map_or_else(none, |it| it.number.clone());
        cards.push(card(
            "Next statement",
            "The number of the running month’s statement. Until it is issued it follows the figures; then it never changes.",
            number,
            vec![due],
        ));
    }
    cards
}

/// Badge of a month: class and text.
#[must_use]
pub const fn badge(status: MonthStatus, is_running: bool) -> (&'static str, &'static str) {
    match status {
        MonthStatus::Issued { .. } => ("badge badge-good", "Issued"),
        MonthStatus::Draft { .. } if is_running => ("badge badge-production", "Running"),
        MonthStatus::Draft { .. } => ("badge badge-warning", "Draft"),
        MonthStatus::NoCard => ("badge", "No rate card"),
    }
}

fn month_view(asked: &Asked, bill: &MonthBill) -> MonthView {
    let (now, zone) = (asked.engine.now(), asked.zone());
    let is_running = bill.month == zone.day(now).month();
    MonthView {
        label: format::month_long(bill.month),
        href: asked.statement_href(bill.month),
        quantity: quantity(bill.figure, bill.quantity),
        total: bill.total.map_or_else(|| format::NONE.to_owned(), format::money),
        badge: badge(bill.status, is_running),
        when: match bill.status {
            MonthStatus::Issued { issued_at } => format::day(zone.day(issued_at)),
            MonthStatus::Draft { due_at } => due(due_at, now, zone),
            MonthStatus::NoCard => String::new(),
        },
    }
}

/// Where the months begin of which there is something to tell; the running one always is.
fn known(months: &[MonthBill]) -> usize {
    let tells = |bill: &MonthBill| bill.quantity != 0 || bill.total.is_some();
    months.iter().position(tells).unwrap_or(months.len().saturating_sub(1))
}

/// An amount in major units, for drawing alone.
fn major(amount: Money) -> f64 {
    amount.minor as f64 / 10_f64.powi(i32::try_from(amount.currency.decimals()).unwrap_or(0))
}

fn drawings(months: &[MonthBill], running: Month) -> String {
    let Some(currency) = months.iter().rev().find_map(|bill| bill.total).map(|total| total.currency) else {
        return String::new();
    };
    let bar = |bill: &MonthBill| {
        // Of another currency there is no bar: amounts of two have no common scale.
        let total = bill.total.filter(|total| total.currency == currency);
        let text = total.map_or_else(|| "no statement".to_owned(), format::money);
        let day = bill.month.first_day();
        Bar {
            label: format::month(day).split(' ').next().unwrap_or_default().to_owned(),
            value: String::new(),
            hover: format!("{}: {text}, {}", format::month(day), quantity(bill.figure, bill.quantity)),
            from: 0.0,
            to: total.map_or(0.0, major),
            kind: if bill.month == running { Kind::Running } else { Kind::Result },
        }
    };
    let bars: Vec<Bar> = months.iter().map(bar).collect();
    let description = format!("Totals of the last months in {currency}; the same values are in the table");
    let axis = |value: f64| match value.abs() {
        10_000_000.0.. => format!("{} M", format::count((value / 1_000_000.0).round() as i64)),
        10_000.0.. => format!("{} k", format::count((value / 1_000.0).round() as i64)),
        _ => format::count(value.round() as i64),
    };
    bars::SIZES.iter().map(|size| bars::columns(&description, &bars, axis, *size)).collect()
}

/// The contract, what is in force first.
fn contract(contract: &[Contract], now: Month) -> Vec<ContractView> {
    let view = |it: &Contract| ContractView {
        from: format::month_long(it.from),
        card: it.card.as_ref().and_then(|(_, name, versions)| {
            let version = version_of(versions, now.max(it.from)).or(versions.first())?;
            Some((format!("{name}, version {}", version.version), terms(&version.terms)))
        }),
    };
    contract.iter().rev().map(view).collect()
}
