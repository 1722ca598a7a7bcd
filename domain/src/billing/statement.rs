//! Statements: what one customer owes for one month, how it comes about, and what changed after it was issued.

use super::card::{BillableFigure, Terms};
use super::money::{AmountTooLarge, Money};
use super::price::{Line, LineKind, price};
use super::waterfall::Waterfall;
use crate::ids::{CustomerId, RateCardId};
use crate::text::grouped;
use crate::timestamp::{DAY_MS, Timestamp};
use crate::zone::{Month, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days after a month's end at which its statement is issued, unless an operator says otherwise.
pub const GRACE_DAYS_DEFAULT: u32 = 5;

/// Whether a statement may still change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Status {
    /// Live: it follows the figures.
    Draft {
        /// The quantity and total of the whole month, if it goes on as it has begun.
        forecast: Option<Forecast>,
    },
    /// Never changes again.
    Issued {
        issued_at: Timestamp,
        /// Who issued it; `None`: it was issued by itself.
        issued_by: Option<String>,
    },
}

/// What a month will come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    pub quantity: i64,
    /// What the statement will come to, adjustments of earlier months included as far as they are known.
    pub total: Money,
    /// Whole days that it rests on.
    pub days: u32,
}

/// The version of a rate card that a statement is priced with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardUsed {
    pub id: RateCardId,
    pub name: String,
    pub version: u32,
    pub effective_from: Month,
    pub terms: Terms,
}

/// What arrived for an issued month after it had been billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// The issued month.
    pub month: Month,
    /// As it was billed last: by its statement, or by an adjustment since.
    pub before: Waterfall,
    pub after: Waterfall,
    /// What the month was billed at, with all adjustments until now.
    pub billed: Money,
    /// What the month costs after all.
    pub recomputed: Money,
    /// The difference, which the statement carries as a line.
    pub amount: Money,
}

/// What a customer owes for a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub number: String,
    pub customer_id: CustomerId,
    pub customer_name: String,
    pub month: Month,
    pub time_zone: Zone,
    #[serde(flatten)]
    pub status: Status,
    pub card: CardUsed,
    /// The place of the last event in the customer's log that is counted: those after it arrived too late.
    pub log_length: u64,
    pub waterfall: Waterfall,
    /// What the month's own usage is priced at, and then an adjustment per earlier month that changed.
    pub lines: Vec<Line>,
    pub adjustments: Vec<Adjustment>,
    /// The sum of all lines.
    pub total: Money,
}

impl Statement {
    /// Whether it never changes again.
    #[must_use]
    pub const fn is_issued(&self) -> bool {
        matches!(self.status, Status::Issued { .. })
    }

    /// What the month's own usage comes to, without adjustments of earlier months.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn own_total(&self) -> Result<Money, AmountTooLarge> {
        self.adjustments.iter().try_fold(self.total, |total, adjustment| total.minus(adjustment.amount))
    }
}

/// An issued month as it stands billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    pub card: CardUsed,
    pub waterfall: Waterfall,
    /// Its own statement's share, with all adjustments since.
    pub total: Money,
}

/// What every issued month stands billed at, from a customer's issued statements in the order in which they were issued.
///
/// # Errors
/// If an amount does not fit.
pub fn ledger(issued: &[Statement]) -> Result<BTreeMap<Month, Billed>, AmountTooLarge> {
    let mut ledger = BTreeMap::new();
    for statement in issued {
        let (card, waterfall) = (statement.card.clone(), statement.waterfall.clone());
        ledger.insert(statement.month, Billed { card, waterfall, total: statement.own_total()? });
        for adjustment in &statement.adjustments {
            if let Some(billed) = ledger.get_mut(&adjustment.month) {
                billed.waterfall = adjustment.after.clone();
                billed.total = billed.total.plus(adjustment.amount)?;
            }
        }
    }
    Ok(ledger)
}

/// What an issued month must be adjusted by, its waterfall now being `after`; `None` if what was accepted is the same.
///
/// # Errors
/// If an amount does not fit.
pub fn adjust(month: Month, billed: &Billed, after: Waterfall) -> Result<Option<Adjustment>, AmountTooLarge> {
    if billed.waterfall.accepts_as(&after) {
        return Ok(None);
    }
    let recomputed = price(&billed.card.terms, after.quantity())?.total;
    let amount = recomputed.minus(billed.total)?;
    Ok(Some(Adjustment { month, before: billed.waterfall.clone(), after, billed: billed.total, recomputed, amount }))
}

/// All lines of a statement, and their sum: its own usage and the adjustments of earlier months.
///
/// # Errors
/// If an amount does not fit.
pub fn lines(
    terms: &Terms,
    waterfall: &Waterfall,
    adjustments: &[Adjustment],
) -> Result<(Vec<Line>, Money), AmountTooLarge> {
    let priced = price(terms, waterfall.quantity())?;
    let (mut lines, mut total) = (priced.lines, priced.total);
    for adjustment in adjustments {
        total = total.plus(adjustment.amount)?;
        lines.push(Line {
            kind: LineKind::Adjustment { month: adjustment.month },
            quantity: Some(adjustment.after.billable - adjustment.before.billable),
            unit_price: None,
            amount: adjustment.amount,
        });
    }
    Ok((lines, total))
}

/// A statement's number, unique within the installation: the month and the customer's short number.
#[must_use]
pub fn number(month: Month, customer_no: u32) -> String {
    format!("{month}-{customer_no:04}")
}

/// When the statement of a month is issued by itself.
#[must_use]
pub fn due_at(month: Month, zone: Zone, grace_days: u32) -> Timestamp {
    zone.day_start(month.plus(1).first_day()).plus(i64::from(grace_days) * DAY_MS)
}

/// Whether a month has begun: before that there is no statement.
#[must_use]
pub fn has_begun(month: Month, zone: Zone, now: Timestamp) -> bool {
    zone.day_start(month.first_day()) <= now
}

/// Whether a month is over.
#[must_use]
pub fn has_ended(month: Month, zone: Zone, now: Timestamp) -> bool {
    zone.day_start(month.plus(1).first_day()) <= now
}

/// The whole days of a month that have passed.
#[must_use]
pub fn whole_days(month: Month, zone: Zone, now: Timestamp) -> u32 {
    let today = zone.day(now).0.min(month.plus(1).first_day().0);
    u32::try_from(today - month.first_day().0).unwrap_or(0)
}

/// What a running month will come to if each day to come brings what the whole days so far brought on average: `so_far` is
/// their quantity, and `quantity` that of the month until now. `None` on the first day, and once the month is over.
/// Adjustments are not in its total yet.
///
/// # Errors
/// If the amount does not fit.
pub fn forecast(
    terms: &Terms,
    month: Month,
    days: u32,
    so_far: i64,
    quantity: i64,
) -> Result<Option<Forecast>, AmountTooLarge> {
    let of_month = month.plus(1).first_day().0 - month.first_day().0;
    if days == 0 || i64::from(days) >= i64::from(of_month) {
        return Ok(None);
    }
    let (days_wide, so_far) = (i128::from(days), i128::from(so_far.max(0)));
    let whole = (so_far * i128::from(of_month) * 2 + days_wide) / (days_wide * 2);
    let quantity = i64::try_from(whole).unwrap_or(i64::MAX).max(quantity);
    let total = price(terms, u64::try_from(quantity).unwrap_or(0))?.total;
    Ok(Some(Forecast { quantity, total, days }))
}

impl Line {
    /// What the line is for, in words.
    #[must_use]
    pub fn description(&self, figure: BillableFigure) -> String {
        let (unit, grouped) = (figure.label(), |units: u64| grouped(&units.to_string()));
        match self.kind {
            LineKind::BaseFee => "Base fee".to_owned(),
            LineKind::Included => format!("{unit}, included"),
            LineKind::Tier { tier, from, up_to: Some(up_to) } => {
                format!("{unit}, tier {tier}: {} to {}", grouped(from), grouped(up_to))
            }
            LineKind::Tier { from: 1, up_to: None, .. } => unit.to_owned(),
            LineKind::Tier { tier, from, up_to: None } => format!("{unit}, tier {tier}: from {}", grouped(from)),
            LineKind::MinimumTopUp => "Top-up to the minimum".to_owned(),
            LineKind::Adjustment { month } => format!("Adjustment of {}", month.first_day().date().format("%B %Y")),
        }
    }
}

#[cfg(test)]
mod tests;
