//! Rate cards in files: a JSON object whose numbers may be written as numbers or as text.

use super::{Failure, explain};
use domain::billing::{TermsForm, TierForm};
use domain::{FaultCode, Faults};
use engine::{CardForm, VersionForm};
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// Largest file of a rate card, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
const MEMBERS: [&str; 8] = ["name", "effective_from", "currency", "figure", "included", "tiers", "base_fee", "minimum"];
const MEMBERS_OF_TIER: [&str; 2] = ["up_to", "unit_price"];

/// What was given as arguments, which wins over the file.
#[derive(Default)]
pub struct Given {
    pub name: Option<String>,
    pub effective_from: Option<String>,
}

/// Reads a rate card from a file, or from standard input where it is `-`.
pub fn read(path: &Path, given: Given) -> Result<CardForm, Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| Failure::Failed(format!("cannot read {shown}: {error}"));
    let mut text = String::new();
    let source: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(std::fs::File::open(path).map_err(unreadable)?),
    };
    source.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Failure::Failed(format!("{shown}: at most {FILE_BYTES_MAX} bytes")));
    }
    let value = serde_json::from_str(&text).map_err(|error| Failure::Failed(format!("{shown}: {error}")))?;
    let mut form = form(&value).map_err(|faults| Failure::Failed(format!("{shown}:\n       {}", explain(&faults))))?;
    form.name = given.name.unwrap_or(form.name);
    form.version.effective_from = given.effective_from.unwrap_or(form.version.effective_from);
    Ok(form)
}

/// The form that a JSON value holds. What is missing is empty, and so found wrong where it is needed; what no card has is
/// refused, as a misspelt price would otherwise be none.
fn form(value: &Value) -> Result<CardForm, Faults> {
    let mut faults = Faults::default();
    let Some(members) = value.as_object() else {
        return Err(Faults::one("rate card", FaultCode::FieldInvalid, "Must be a JSON object."));
    };
    check_names(members, &MEMBERS, "", &mut faults);
    let mut text = |name: &str| text(members, name, "", &mut faults);
    let (name, effective_from) = (text("name"), text("effective_from"));
    let (currency, figure, included) = (text("currency"), text("figure"), text("included"));
    let (base_fee, minimum) = (text("base_fee"), text("minimum"));
    let tiers = tiers(members.get("tiers"), &mut faults);
    let terms = TermsForm { currency, figure, included, tiers, base_fee, minimum };
    faults.or(CardForm { name, version: VersionForm { effective_from, terms } })
}

fn tiers(value: Option<&Value>, faults: &mut Faults) -> Vec<TierForm> {
    let list = match value {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            faults.add("tiers", FaultCode::FieldInvalid, "Must be a list.");
            return Vec::new();
        }
    };
    let tier = |(i, tier): (usize, &Value)| {
        let Some(members) = tier.as_object() else {
            faults.add(format!("tiers.{i}"), FaultCode::FieldInvalid, "Must be a JSON object.");
            return TierForm::default();
        };
        let before = format!("tiers.{i}.");
        check_names(members, &MEMBERS_OF_TIER, &before, faults);
        let mut text = |name: &str| text(members, name, &before, faults);
        TierForm { up_to: text("up_to"), unit_price: text("unit_price") }
    };
    list.iter().enumerate().map(tier).collect()
}

fn check_names(members: &Map<String, Value>, known: &[&str], before: &str, faults: &mut Faults) {
    for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
        // A name of our own is not needed here: it is the file of whoever reads this.
        let detail = format!("There is no such member: only {}.", known.join(", "));
        faults.add(format!("{before}{}", name.escape_debug()), FaultCode::FieldInvalid, detail);
    }
}

/// A text, or a number as it is written without an exponent.
fn text(members: &Map<String, Value>, name: &str, before: &str, faults: &mut Faults) -> String {
    match members.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(fraction) => fraction.to_string(),
            None => number.to_string(),
        },
        Some(_) => {
            faults.add(format!("{before}{name}"), FaultCode::FieldInvalid, "Must be a text or a number.");
            String::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_may_be_numbers_or_texts() {
        let form = form(&json!({
            "name": "Standard", "effective_from": "2026-11", "currency": "EUR", "figure": "reach", "included": 1000,
            "tiers": [{"up_to": "10", "unit_price": 0.1}, {"up_to": null, "unit_price": 0.000_001}], "base_fee": 49.9,
        }));
        let form = form.unwrap();
        let terms = form.version.terms;
        assert_eq!((terms.included.as_str(), terms.base_fee.as_str(), terms.minimum.as_str()), ("1000", "49.9", ""));
        assert_eq!((terms.tiers[0].unit_price.as_str(), terms.tiers[1].unit_price.as_str()), ("0.1", "0.000001"));
        assert!(terms.check().is_ok());
    }

    #[test]
    fn what_no_card_has_is_refused() {
        let faults = form(&json!({
            "inclded": 5, "currency": ["EUR"], "figure": {}, "tiers": [5, {"price": 1, "up_to": true}],
        }));
        let fields: Vec<_> = faults.unwrap_err().0.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["inclded", "currency", "figure", "tiers.0", "tiers.1.price", "tiers.1.up_to"]);
        assert_eq!(form(&json!({"tiers": 1})).unwrap_err().0[0].field, "tiers");
        assert_eq!(form(&json!([])).unwrap_err().0.len(), 1);
    }
}
