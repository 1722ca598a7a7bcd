//! What the audit log says of rate cards and statements.

use super::Issued;
use crate::Engine;
use crate::actor::Operator;
use crate::audit::{Note, changes};
use crate::error::Error;
use crate::store::rate_cards::CardRecord;
use crate::store::{self, Tx};
use domain::audit::Action;
use domain::billing::{CardVersion, PriceTier};
use domain::ids::{CustomerNo, RateCardId};
use domain::zone::Month;
use serde_json::{Map, Value, json};

/// What is told of a version of a card.
fn told(of: &CardVersion) -> Map<String, Value> {
    let tier = |tier: &PriceTier| match tier.up_to {
        Some(last) => format!("{} up to {last}", tier.unit_price),
        None => format!("{} beyond", tier.unit_price),
    };
    let terms = &of.terms;
    let told = json!({
        "effective_from": of.effective_from,
        "currency": terms.currency.code(),
        "figure": terms.figure.as_str(),
        "included": terms.included,
        "tiers": terms.tiers.iter().map(tier).collect::<Vec<_>>(),
        "base_fee": terms.base_fee().to_string(),
        "minimum": terms.minimum().to_string(),
    });
    told.as_object().cloned().unwrap_or_default()
}

impl Engine {
    /// Notes what was done to a card, which is the installation's; nothing if a version stays as it was.
    pub(super) async fn note_card(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        action: Action,
        card: &CardRecord,
        (before, after): (Option<&CardVersion>, &CardVersion),
    ) -> Result<(), Error> {
        let told_of = before.map(|before| changes(&Value::Object(told(before)), &Value::Object(told(after))));
        if told_of.as_ref().is_some_and(Map::is_empty) {
            return Ok(());
        }
        let mut details = told_of.unwrap_or_else(|| told(after));
        details.insert("rate_card".to_owned(), json!(card.id));
        let subject = format!("{}, version {}", card.name, after.version);
        let details = Value::Object(details);
        self.note(tx, Note { customer: None, by: &operator.by, action, subject, details }).await
    }

    /// Notes which card (or none) prices a customer's months from one on, and which was to before.
    pub(super) async fn note_assignment(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        customer: CustomerNo,
        (before, after): (Option<RateCardId>, Option<&CardRecord>),
        from: Month,
    ) -> Result<(), Error> {
        let before = match before {
            None => None,
            Some(id) => store::rate_cards::find(tx, id).await?.map(|card| card.name),
        };
        let name = after.map(|card| card.name.as_str());
        let subject = format!("{} from {from} on", name.unwrap_or("No rate card"));
        let details = json!({ "card": { "from": before, "to": name }, "rate_card": after.map(|card| card.id) });
        let (customer, action) = (Some(customer), Action::RateCardAssigned);
        self.note(tx, Note { customer, by: &operator.by, action, subject, details }).await
    }

    /// Notes that a statement is issued.
    pub(super) async fn note_issued(
        &self,
        tx: &mut Tx,
        customer: CustomerNo,
        by: &str,
        issued: &Issued,
    ) -> Result<(), Error> {
        let statement = &issued.statement;
        let subject = format!("{}, {} {}", statement.number, statement.total, statement.total.currency);
        let details = json!({
            "month": statement.month,
            "rate_card": statement.card.id,
            "rate_card_version": statement.card.version,
            "adjustments": statement.adjustments.len(),
            "log_length": statement.log_length,
        });
        let (customer, action) = (Some(customer), Action::StatementIssued);
        self.note(tx, Note { customer, by, action, subject, details }).await
    }
}
