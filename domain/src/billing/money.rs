//! Exact money: amounts are whole numbers of a currency's minor unit, prices are decimals. No floating point.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A currency of ISO 4217 that has a minor unit (the yen's is the yen itself, the dinar's a thousandth).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

/// No currency of ISO 4217 has this code, or it is none that bills are made out in, such as gold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no ISO 4217 currency with this code")]
pub struct CurrencyUnknown;

/// The amount does not fit: it is beyond some 90 quadrillion minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large")]
pub struct AmountTooLarge;

impl Currency {
    /// The three letters, such as `EUR`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The name in English.
    #[must_use]
    pub fn name(self) -> String {
        self.0.name().to_owned()
    }

    /// Decimals of the minor unit: 2 for most, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// Rounds an amount once, half away from zero, to the minor unit.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn round(self, amount: Decimal) -> Result<Money, AmountTooLarge> {
        let rounded = amount.round_dp_with_strategy(self.decimals(), RoundingStrategy::MidpointAwayFromZero);
        let scale = Decimal::from(10_u64.pow(self.decimals()));
        let minor = rounded.checked_mul(scale).and_then(|minor| i64::try_from(minor).ok());
        let minor = minor.filter(|minor| minor.unsigned_abs() <= MINOR_MAX).ok_or(AmountTooLarge)?;
        Ok(Money { currency: self, minor })
    }
}

/// Largest amount, in minor units: JavaScript and spreadsheets still count it exactly.
pub const MINOR_MAX: u64 = (1 << 53) - 1;

impl FromStr for Currency {
    type Err = CurrencyUnknown;
    fn from_str(code: &str) -> Result<Self, CurrencyUnknown> {
        let known = iso_currency::Currency::from_code(&code.trim().to_ascii_uppercase());
        known.filter(|currency| currency.exponent().is_some()).map(Self).ok_or(CurrencyUnknown)
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyUnknown;
    fn try_from(code: String) -> Result<Self, CurrencyUnknown> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount, which may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub currency: Currency,
    /// In minor units: cents, yen, fils.
    pub minor: i64,
}

impl Money {
    /// Nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { currency, minor: 0 }
    }

    /// The amount in the currency's major unit, with as many decimals as its minor unit has: `1234.50`.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimals())
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// If it does not fit. Amounts of two currencies have no sum: that it is never asked for is the caller's to see to.
    pub fn plus(self, other: Self) -> Result<Self, AmountTooLarge> {
        debug_assert!(self.currency == other.currency, "amounts of one currency");
        let minor = self.minor.checked_add(other.minor).ok_or(AmountTooLarge)?;
        Ok(Self { currency: self.currency, minor })
    }

    /// What is left of this amount after another of the same currency.
    ///
    /// # Errors
    /// As [`Money::plus`].
    pub fn minus(self, other: Self) -> Result<Self, AmountTooLarge> {
        let minor = other.minor.checked_neg().ok_or(AmountTooLarge)?;
        self.plus(Self { currency: other.currency, minor })
    }
}

/// As programs read it: `1234.50`, without the currency.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.decimal().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(code: &str, amount: &str) -> String {
        let currency: Currency = code.parse().unwrap();
        currency.round(amount.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn amounts_are_rounded_half_away_from_zero_to_the_minor_unit() {
        for (code, amount, expected) in [
            ("EUR", "1.005", "1.01"),
            ("EUR", "-1.005", "-1.01"),
            ("EUR", "1.0049999", "1.00"),
            ("EUR", "0", "0.00"),
            ("JPY", "0.5", "1"),
            ("JPY", "-0.5", "-1"),
            ("JPY", "1234.499999", "1234"),
            ("KWD", "0.0005", "0.001"),
            ("KWD", "12.3454999", "12.345"),
            ("usd", "10", "10.00"),
        ] {
            assert_eq!(round(code, amount), expected, "{amount} {code}");
        }
    }

    #[test]
    fn only_currencies_with_a_minor_unit_are_known() {
        for unknown in ["", "EU", "EURO", "XXX", "XAU", "ABC", "€"] {
            assert!(unknown.parse::<Currency>().is_err(), "{unknown}");
        }
        let of = |code: &str| code.parse::<Currency>().unwrap().decimals();
        assert_eq!((of("JPY"), of("EUR"), of("KWD")), (0, 2, 3));
    }

    #[test]
    fn amounts_that_do_not_fit_are_errors() {
        let eur: Currency = "EUR".parse().unwrap();
        assert!(eur.round(Decimal::MAX).is_err() && eur.round(Decimal::MIN).is_err());
        let most = Money { currency: eur, minor: i64::MAX };
        assert!(most.plus(Money { currency: eur, minor: 1 }).is_err());
        assert!(Money::zero(eur).minus(Money { currency: eur, minor: i64::MIN }).is_err());
    }
}
