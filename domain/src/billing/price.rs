//! What a quantity costs under a card's terms.

use super::card::Terms;
use super::money::{AmountTooLarge, Money};
use crate::zone::Month;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a line of a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum LineKind {
    /// Owed for every month.
    BaseFee,
    /// Free units.
    Included,
    /// Units of a tier.
    Tier {
        /// 1, 2, 3 …
        tier: u32,
        /// The first unit of the tier, counted beyond the included quantity.
        from: u64,
        /// The last; `None`: the tier has no end.
        up_to: Option<u64>,
    },
    /// What is missing to the minimum.
    MinimumTopUp,
    /// What arrived late for an earlier month.
    Adjustment { month: Month },
}

/// A line of a statement. Its amount is rounded once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    #[serde(flatten)]
    pub kind: LineKind,
    /// Units, where the line is for units; of an adjustment signed.
    pub quantity: Option<i64>,
    /// In the currency's major unit, where units have one price.
    pub unit_price: Option<Decimal>,
    pub amount: Money,
}

/// The lines of a month's usage and their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    pub lines: Vec<Line>,
    pub total: Money,
}

/// Prices a month's quantity: base fee, the included units, tier by tier what is beyond them, and what is missing to the
/// minimum. Lines that are for nothing are left out.
///
/// # Errors
/// If an amount does not fit.
pub fn price(terms: &Terms, quantity: u64) -> Result<Priced, AmountTooLarge> {
    let line = |kind, quantity: Option<u64>, unit_price, amount| Line {
        kind,
        quantity: quantity.map(|quantity| i64::try_from(quantity).unwrap_or(i64::MAX)),
        unit_price,
        amount,
    };
    let mut lines = Vec::new();
    if terms.base_fee != 0 {
        lines.push(line(LineKind::BaseFee, None, None, terms.base_fee()));
    }
    let free = quantity.min(terms.included);
    if free > 0 {
        lines.push(line(LineKind::Included, Some(free), Some(Decimal::ZERO), Money::zero(terms.currency)));
    }
    let beyond = quantity - free;
    for part in split(terms, beyond) {
        let tier = terms.tiers[part.index];
        let amount = Decimal::from(part.units).checked_mul(tier.unit_price).ok_or(AmountTooLarge)?;
        let number = u32::try_from(part.index + 1).unwrap_or(u32::MAX);
        let kind = LineKind::Tier { tier: number, from: part.from, up_to: tier.up_to };
        lines.push(line(kind, Some(part.units), Some(tier.unit_price), terms.currency.round(amount)?));
    }
    let mut total = sum(terms, &lines)?;
    if total.minor < terms.minimum {
        let missing = terms.minimum().minus(total)?;
        lines.push(line(LineKind::MinimumTopUp, None, None, missing));
        total = terms.minimum();
    }
    Ok(Priced { lines, total })
}

fn sum(terms: &Terms, lines: &[Line]) -> Result<Money, AmountTooLarge> {
    lines.iter().try_fold(Money::zero(terms.currency), |sum, line| sum.plus(line.amount))
}

/// The units of a quantity that fall into one tier.
struct Part {
    index: usize,
    /// The tier's first unit.
    from: u64,
    units: u64,
}

/// Splits a quantity over the tiers; tiers without a unit are left out.
fn split(terms: &Terms, quantity: u64) -> Vec<Part> {
    let mut before = 0;
    let mut parts = Vec::new();
    for (index, tier) in terms.tiers.iter().enumerate() {
        let end = tier.up_to.unwrap_or(u64::MAX);
        let units = quantity.min(end).saturating_sub(before);
        if units > 0 {
            parts.push(Part { index, from: before + 1, units });
        }
        before = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::card::{PriceTier, QUANTITY_MAX};
    use super::*;
    use crate::billing::card::BillableFigure;
    use proptest::prelude::*;

    fn terms(currency: &str, included: u64, tiers: &[(Option<u64>, &str)], base_fee: i64, minimum: i64) -> Terms {
        let tier =
            |(up_to, price): &(Option<u64>, &str)| PriceTier { up_to: *up_to, unit_price: price.parse().unwrap() };
        Terms {
            currency: currency.parse().unwrap(),
            figure: BillableFigure::Reach,
            included,
            tiers: tiers.iter().map(tier).collect(),
            base_fee,
            minimum,
        }
    }

    /// Kind, quantity and amount of each line, then the total.
    fn priced(terms: &Terms, quantity: u64) -> (Vec<String>, String) {
        let priced = price(terms, quantity).unwrap();
        let line = |line: &Line| {
            let kind = match line.kind {
                LineKind::BaseFee => "base".to_owned(),
                LineKind::Included => "included".to_owned(),
                LineKind::Tier { tier, .. } => format!("tier {tier}"),
                LineKind::MinimumTopUp => "minimum".to_owned(),
                LineKind::Adjustment { month } => format!("adjustment {month}"),
            };
            let quantity = line.quantity.map(|quantity| format!(" {quantity}")).unwrap_or_default();
            format!("{kind}{quantity}: {}", line.amount)
        };
        (priced.lines.iter().map(line).collect(), priced.total.to_string())
    }

    #[test]
    fn examples_worked_by_hand_in_three_currencies() {
        // 12,345 reach: 1,000 free; 10,000 at 0.0375 = 375; 1,345 at 0.012505 = 16.819225.
        let euro = terms("EUR", 1_000, &[(Some(10_000), "0.0375"), (None, "0.012505")], 4_990, 10_000);
        let lines = ["base: 49.90", "included 1000: 0.00", "tier 1 10000: 375.00", "tier 2 1345: 16.82"];
        assert_eq!(priced(&euro, 12_345), (lines.map(str::to_owned).to_vec(), "441.72".to_owned()));
        // 1,001 reach: one unit at 0.0375 = 0.0375, rounded to 0.04; 50.06 is missing to the minimum.
        let lines = ["base: 49.90", "included 1000: 0.00", "tier 1 1: 0.04", "minimum: 50.06"];
        assert_eq!(priced(&euro, 1_001), (lines.map(str::to_owned).to_vec(), "100.00".to_owned()));
        // Yen have no minor unit: 15 at 0.5 = 7.5, rounded to 8; 3 at 0.3 = 0.9, rounded to 1.
        let yen = terms("JPY", 0, &[(Some(15), "0.5"), (None, "0.3")], 0, 0);
        let lines = ["tier 1 15: 8", "tier 2 3: 1"];
        assert_eq!(priced(&yen, 18), (lines.map(str::to_owned).to_vec(), "9".to_owned()));
        // Dinars have thousandths: 7 at 0.000357 = 0.002499, rounded to 0.002; 1 at 0.0125 = 0.013.
        let dinar = terms("KWD", 0, &[(Some(7), "0.000357"), (None, "0.0125")], 1_250, 0);
        let lines = ["base: 1.250", "tier 1 7: 0.002", "tier 2 1: 0.013"];
        assert_eq!(priced(&dinar, 8), (lines.map(str::to_owned).to_vec(), "1.265".to_owned()));
    }

    #[test]
    fn an_empty_month_costs_base_fee_and_minimum() {
        assert_eq!(priced(&terms("EUR", 5, &[(None, "1")], 0, 0), 0), (vec![], "0.00".to_owned()));
        let with_both = terms("EUR", 5, &[(None, "1")], 100, 250);
        let lines = ["base: 1.00", "minimum: 1.50"];
        assert_eq!(priced(&with_both, 0), (lines.map(str::to_owned).to_vec(), "2.50".to_owned()));
    }

    #[test]
    fn tiers_begin_where_the_one_before_ends() {
        let steps = terms("EUR", 0, &[(Some(1), "3"), (Some(2), "2"), (None, "1")], 0, 0);
        let froms = |quantity| {
            let lines = price(&steps, quantity).unwrap().lines.into_iter();
            let from = |line: Line| match line.kind {
                LineKind::Tier { from, up_to, .. } => (from, up_to, line.quantity),
                _ => panic!("a tier"),
            };
            lines.map(from).collect::<Vec<_>>()
        };
        assert_eq!(froms(1), [(1, Some(1), Some(1))]);
        assert_eq!(froms(5), [(1, Some(1), Some(1)), (2, Some(2), Some(1)), (3, None, Some(3))]);
    }

    #[test]
    fn amounts_that_do_not_fit_are_errors() {
        let dear = terms("EUR", 0, &[(None, "1000000000")], 0, 0);
        assert!(price(&dear, u64::MAX).is_err() && price(&dear, QUANTITY_MAX).is_err());
    }

    prop_compose! {
        fn any_terms()(
            currency in prop::sample::select(vec!["EUR", "JPY", "KWD"]),
            included in 0_u64..1_000,
            mut bounds in prop::collection::btree_set(1_u64..100_000, 0..5),
            prices in prop::collection::vec(0_i64..5_000_000, 6),
            base_fee in 0_i64..100_000,
            minimum in 0_i64..200_000,
        ) -> Terms {
            let ends = std::mem::take(&mut bounds).into_iter().map(Some).chain([None]);
            let tiers = ends.zip(prices).map(|(up_to, price)| PriceTier { up_to, unit_price: Decimal::new(price, 6) });
            let (currency, figure) = (currency.parse().unwrap(), BillableFigure::Reach);
            Terms { currency, figure, included, tiers: tiers.collect(), base_fee, minimum }
        }
    }

    proptest! {
        #[test]
        fn splitting_a_quantity_loses_nothing(terms in any_terms(), quantity in 0_u64..1_000_000) {
            let lines = price(&terms, quantity).unwrap().lines;
            let units: i64 = lines.iter().filter_map(|line| line.quantity).sum();
            prop_assert_eq!(units, i64::try_from(quantity).unwrap());
        }

        #[test]
        fn lines_sum_to_the_total_and_are_each_rounded_once(terms in any_terms(), quantity in 0_u64..1_000_000) {
            let Priced { lines, total } = price(&terms, quantity).unwrap();
            prop_assert_eq!(lines.iter().map(|line| line.amount.minor).sum::<i64>(), total.minor);
            prop_assert!(total.minor >= terms.minimum && total.minor >= terms.base_fee);
            for line in lines {
                if let (Some(quantity), Some(unit_price)) = (line.quantity, line.unit_price) {
                    let off = (Decimal::from(quantity) * unit_price - line.amount.decimal()).abs();
                    prop_assert!(off * Decimal::TWO <= Decimal::new(1, terms.currency.decimals()));
                }
            }
        }

        #[test]
        fn more_never_costs_less(terms in any_terms(), quantity in 0_u64..1_000_000, more in 0_u64..10_000) {
            let total = |quantity| price(&terms, quantity).unwrap().total.minor;
            prop_assert!(total(quantity + more) >= total(quantity));
        }
    }
}
