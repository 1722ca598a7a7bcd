//! Rate cards: what a month's usage costs.

use super::money::{Currency, Money};
use crate::account::named;
use crate::fault::{FaultCode, Faults};
use crate::figures::Figure;
use crate::zone::Month;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Most tiers of a card.
pub const TIERS_MAX: usize = 20;
/// Most decimals of a unit price.
pub const PRICE_DECIMALS_MAX: u32 = 6;
/// Largest quantity on a card.
pub const QUANTITY_MAX: u64 = 1_000_000_000_000;
/// Largest price, base fee or minimum, in major units.
pub const AMOUNT_MAX: u64 = 1_000_000_000;

named! {
    /// The figure whose count is billed.
    BillableFigure {
        /// Sessions that were shown a helpline.
        Reach = "reach", "Reach";
        /// Sessions by helpline.
        UniqueDisplays = "unique_displays", "Unique displays";
        /// Displays after double-click filtering.
        NetDisplays = "net_displays", "Net displays";
        /// Clicks after double-click filtering.
        NetClicks = "net_clicks", "Net clicks";
        /// Referrals.
        Notifications = "notifications", "Notifications";
    }
}

impl BillableFigure {
    /// The figure.
    #[must_use]
    pub const fn figure(self) -> Figure {
        match self {
            Self::Reach => Figure::Reach,
            Self::UniqueDisplays => Figure::UniqueDisplays,
            Self::NetDisplays => Figure::NetDisplays,
            Self::NetClicks => Figure::NetClicks,
            Self::Notifications => Figure::Notifications,
        }
    }

    /// Whether clicks are billed, and not displays.
    #[must_use]
    pub const fn is_of_clicks(self) -> bool {
        matches!(self, Self::NetClicks)
    }
}

/// A tier of graduated prices: the units after the tier before it, up to `up_to`, cost `unit_price` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceTier {
    /// The last unit of the tier; `None`: the tier has no end. Units are counted beyond the included quantity.
    pub up_to: Option<u64>,
    /// In the currency's major unit, with up to [`PRICE_DECIMALS_MAX`] decimals.
    pub unit_price: Decimal,
}

/// What a version of a rate card says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub currency: Currency,
    pub figure: BillableFigure,
    /// Free units of a month; tiers begin after them.
    pub included: u64,
    /// Graduated; the last has no end.
    pub tiers: Vec<PriceTier>,
    /// Owed for every month, in minor units.
    pub base_fee: i64,
    /// What base fee and usage of a month come to at least, in minor units.
    pub minimum: i64,
}

impl Terms {
    /// The base fee.
    #[must_use]
    pub const fn base_fee(&self) -> Money {
        Money { currency: self.currency, minor: self.base_fee }
    }
    /// The minimum of a month.
    #[must_use]
    pub const fn minimum(&self) -> Money {
        Money { currency: self.currency, minor: self.minimum }
    }
}

/// A version of a rate card, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardVersion {
    /// 1, 2, 3 … within the card.
    pub version: u32,
    /// The first month that it prices.
    pub effective_from: Month,
    pub terms: Terms,
}

/// The version that prices a month: of those whose effective month has come, the latest.
#[must_use]
pub fn version_of(versions: &[CardVersion], month: Month) -> Option<&CardVersion> {
    let effective = versions.iter().filter(|version| version.effective_from <= month);
    effective.max_by_key(|version| (version.effective_from, version.version))
}

/// A tier as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierForm {
    /// Empty: the tier has no end.
    #[serde(default, deserialize_with = "number_or_text")]
    pub up_to: String,
    #[serde(deserialize_with = "number_or_text")]
    pub unit_price: String,
}

/// A version of a rate card as it is entered, every number as text: so none is rounded before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsForm {
    pub currency: String,
    pub figure: String,
    #[serde(default, deserialize_with = "number_or_text")]
    pub included: String,
    pub tiers: Vec<TierForm>,
    #[serde(default, deserialize_with = "number_or_text")]
    pub base_fee: String,
    #[serde(default, deserialize_with = "number_or_text")]
    pub minimum: String,
}

/// Reads a text, nothing (empty), or a JSON number in its shortest decimal form, which is how it was written.
fn number_or_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Whole(i64),
        Fraction(f64),
        Nothing(()),
    }
    Ok(match Written::deserialize(from)? {
        Written::Text(text) => text,
        Written::Whole(number) => number.to_string(),
        Written::Fraction(number) => number.to_string(),
        Written::Nothing(()) => String::new(),
    })
}

impl TermsForm {
    /// Checks the form. Fields of tiers are named `tiers.0.up_to`.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(&self) -> Result<Terms, Faults> {
        let mut faults = Faults::default();
        let currency = self.currency.parse::<Currency>();
        if currency.is_err() {
            faults.add("currency", FaultCode::CurrencyUnknown, "No currency of ISO 4217 has this code, such as EUR.");
        }
        let figure = BillableFigure::from_name(self.figure.trim());
        if figure.is_none() {
            let names: Vec<&str> = BillableFigure::ALL.iter().map(|figure| figure.as_str()).collect();
            faults.add("figure", FaultCode::FieldInvalid, format!("Must be one of {}.", names.join(", ")));
        }
        let included = if self.included.trim().is_empty() {
            0
        } else {
            quantity("included", &self.included, &mut faults).unwrap_or(0)
        };
        let tiers = self.tiers(&mut faults);
        let decimals = currency.map_or(PRICE_DECIMALS_MAX, Currency::decimals);
        let base_fee = amount("base_fee", &self.base_fee, decimals, &mut faults);
        let minimum = amount("minimum", &self.minimum, decimals, &mut faults);
        match (currency, figure) {
            (Ok(currency), Some(figure)) if faults.0.is_empty() => {
                let minor = |amount: Decimal| currency.round(amount).map(|money| money.minor);
                match (minor(base_fee), minor(minimum)) {
                    (Ok(base_fee), Ok(minimum)) => Ok(Terms { currency, figure, included, tiers, base_fee, minimum }),
                    _ => Err(Faults::one("base_fee", FaultCode::FieldTooLong, "The amount is too large.")),
                }
            }
            _ => Err(faults),
        }
    }

    fn tiers(&self, faults: &mut Faults) -> Vec<PriceTier> {
        if self.tiers.is_empty() {
            faults.add("tiers", FaultCode::FieldMissing, "At least one tier is needed.");
        }
        if self.tiers.len() > TIERS_MAX {
            faults.add("tiers", FaultCode::FieldTooLong, format!("At most {TIERS_MAX} tiers."));
            return Vec::new();
        }
        let mut before = 0;
        let mut tiers = Vec::new();
        for (i, tier) in self.tiers.iter().enumerate() {
            let (bound, is_last) = (format!("tiers.{i}.up_to"), i + 1 == self.tiers.len());
            let up_to = match (tier.up_to.trim().is_empty(), is_last) {
                (true, true) => None,
                (true, false) => {
                    faults.add(bound, FaultCode::FieldMissing, "Only the last tier has no end.");
                    None
                }
                (false, _) => {
                    let up_to = quantity(&bound, &tier.up_to, faults);
                    if up_to.is_some_and(|up_to| up_to <= before) {
                        let detail = format!("Tiers must not overlap or go backwards: more than {before}.");
                        faults.add(bound, FaultCode::FieldInvalid, detail);
                    } else if is_last {
                        faults.add(bound, FaultCode::FieldInvalid, "The last tier must have no end: leave this empty.");
                    }
                    up_to
                }
            };
            before = up_to.unwrap_or(before);
            let unit_price = decimal(&format!("tiers.{i}.unit_price"), &tier.unit_price, PRICE_DECIMALS_MAX, faults);
            tiers.push(PriceTier { up_to, unit_price });
        }
        tiers
    }
}

/// A whole number, written with digits alone.
pub(crate) fn quantity(field: &str, text: &str, faults: &mut Faults) -> Option<u64> {
    let text = text.trim();
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    match number {
        Some(number) if number <= QUANTITY_MAX => Some(number),
        Some(_) => {
            faults.add(field, FaultCode::FieldTooLong, format!("At most {QUANTITY_MAX}."));
            None
        }
        None => {
            faults.add(field, FaultCode::FieldInvalid, "Must be a whole number, such as 10000.");
            None
        }
    }
}

/// An amount that may be left out: then it is nothing.
fn amount(field: &str, text: &str, decimals_max: u32, faults: &mut Faults) -> Decimal {
    if text.trim().is_empty() { Decimal::ZERO } else { decimal(field, text, decimals_max, faults) }
}

/// An amount of at most so many decimals, not negative.
pub(crate) fn decimal(field: &str, text: &str, decimals_max: u32, faults: &mut Faults) -> Decimal {
    let text = text.trim();
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number = plain.then(|| Decimal::from_str_exact(text).ok()).flatten();
    let mut refuse = |code, detail: String| {
        faults.add(field, code, detail);
        Decimal::ZERO
    };
    match number {
        None if text.is_empty() => refuse(FaultCode::FieldMissing, "Enter an amount.".to_owned()),
        None => refuse(FaultCode::FieldInvalid, "Must be an amount such as 0.05, not negative.".to_owned()),
        Some(number) if number.normalize().scale() > decimals_max => {
            let detail = match decimals_max {
                0 => "This currency has no decimals.".to_owned(),
                n => format!("At most {n} decimals."),
            };
            refuse(FaultCode::FieldInvalid, detail)
        }
        Some(number) if number > Decimal::from(AMOUNT_MAX) => {
            refuse(FaultCode::FieldTooLong, format!("At most {AMOUNT_MAX}."))
        }
        Some(number) => number.normalize(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> TermsForm {
        let tier =
            |up_to: &str, unit_price: &str| TierForm { up_to: up_to.to_owned(), unit_price: unit_price.to_owned() };
        TermsForm {
            currency: "EUR".to_owned(),
            figure: "reach".to_owned(),
            included: "1000".to_owned(),
            tiers: vec![tier("10000", "0.05"), tier("", "0.000001")],
            base_fee: "49.90".to_owned(),
            minimum: String::new(),
        }
    }

    #[test]
    fn a_good_form_becomes_terms() {
        let terms = form().check().unwrap();
        assert_eq!((terms.included, terms.base_fee, terms.minimum), (1_000, 4_990, 0));
        assert_eq!(terms.tiers[1].up_to, None);
    }

    #[test]
    fn every_fault_names_its_field() {
        type Change = fn(&mut TermsForm);
        let cases: [(Change, &str); 14] = [
            (|form| form.currency = "EURO".to_owned(), "currency"),
            (|form| form.figure = "events".to_owned(), "figure"),
            (|form| form.included = "-1".to_owned(), "included"),
            (|form| form.included = "1.5".to_owned(), "included"),
            (|form| form.tiers.clear(), "tiers"),
            (|form| form.tiers[0].up_to = "0".to_owned(), "tiers.0.up_to"),
            (|form| form.tiers[0].up_to.clear(), "tiers.0.up_to"),
            (|form| form.tiers[1].up_to = "9000".to_owned(), "tiers.1.up_to"),
            (|form| form.tiers[1].up_to = "90000".to_owned(), "tiers.1.up_to"),
            (|form| form.tiers[0].unit_price = "0.0000001".to_owned(), "tiers.0.unit_price"),
            (|form| form.tiers[1].unit_price = "-1".to_owned(), "tiers.1.unit_price"),
            (|form| form.tiers[1].unit_price.clear(), "tiers.1.unit_price"),
            (|form| form.base_fee = "1.005".to_owned(), "base_fee"),
            (|form| form.minimum = "1e3".to_owned(), "minimum"),
        ];
        for (change, field) in cases {
            let mut form = form();
            change(&mut form);
            let faults = form.check().unwrap_err();
            assert_eq!(faults.0.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn all_faults_come_at_once() {
        let form = TermsForm { tiers: vec![TierForm::default(); 2], ..TermsForm::default() };
        let fields: Vec<String> = form.check().unwrap_err().0.into_iter().map(|fault| fault.field).collect();
        let expected = ["currency", "figure", "tiers.0.up_to", "tiers.0.unit_price", "tiers.1.unit_price"];
        assert_eq!(fields, expected);
    }

    #[test]
    fn numbers_and_texts_are_read_alike() {
        let json = r#"{"currency":"KWD","figure":"net_clicks","included":5,"base_fee":0.001,"minimum":null,
                       "tiers":[{"up_to":10,"unit_price":0.1},{"up_to":null,"unit_price":"0.000001"}]}"#;
        let terms = serde_json::from_str::<TermsForm>(json).unwrap().check().unwrap();
        assert_eq!((terms.included, terms.base_fee, terms.minimum), (5, 1, 0));
        assert_eq!(terms.tiers[0], PriceTier { up_to: Some(10), unit_price: Decimal::new(1, 1) });
    }

    #[test]
    fn a_month_is_priced_by_one_version() {
        let terms = form().check().unwrap();
        let version =
            |version, from: &str| CardVersion { version, effective_from: from.parse().unwrap(), terms: terms.clone() };
        let versions = [version(1, "2025-06"), version(2, "2026-01"), version(3, "2026-01")];
        let of = |month: &str| version_of(&versions, month.parse().unwrap()).map(|version| version.version);
        assert_eq!((of("2025-05"), of("2025-12"), of("2026-01"), of("2027-03")), (None, Some(1), Some(3), Some(3)));
    }
}
