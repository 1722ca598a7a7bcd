//! What a customer enters to be alerted.

use super::{AlertKind, AlertRule, EMAILS_MAX, INCLUDED_PERCENT_MAX, REJECTED_PERCENT_MAX, SILENT_HOURS_MAX};
use crate::billing::Currency;
use crate::billing::card::{decimal, quantity};
use crate::fault::{FaultCode, Faults};
use crate::ids::WebhookId;
use crate::text;
use serde::{Deserialize, Serialize};

/// An alert as it is entered: every field as text, of which those count that belong to the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertForm {
    pub name: String,
    /// The name of an [`AlertKind`].
    pub kind: String,
    /// Of spend: in the major unit of the rate card's currency.
    pub amount: String,
    /// Of usage.
    pub quantity: String,
    /// Of a share of the included quantity, or of rejected events.
    pub percent: String,
    /// Of silence.
    pub hours: String,
    /// Of rejected events: how many events there must be, rejected or not.
    pub events_min: String,
    /// Addresses, separated by commas, semicolons, spaces or lines.
    pub emails: String,
    /// The id of a webhook endpoint; empty for none.
    pub webhook_id: String,
}

/// What can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertOptions {
    /// Of the customer's rate card; `None` where the customer has no card.
    pub currency: Option<Currency>,
    /// Whether the installation sends e-mail.
    pub sends_mail: bool,
}

/// A checked [`AlertForm`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    pub name: String,
    pub rule: AlertRule,
    pub emails: Vec<String>,
    pub webhook_id: Option<WebhookId>,
}

impl AlertForm {
    /// Checks the form.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(&self, options: &AlertOptions) -> Result<NewAlert, Faults> {
        let mut faults = Faults::default();
        let name = text::name("name", &self.name, &mut faults);
        let rule = self.rule(options.currency, &mut faults);
        let emails = self.emails(options.sends_mail, &mut faults);
        let webhook = self.webhook_id.trim();
        let webhook_id = webhook.parse().ok();
        if webhook_id.is_none() && !webhook.is_empty() {
            faults.add("webhook_id", FaultCode::FieldInvalid, "There is no such webhook endpoint.");
        }
        if emails.is_empty() && webhook.is_empty() {
            faults.add("emails", FaultCode::FieldMissing, "Enter an e-mail address, or choose a webhook endpoint.");
        }
        match rule {
            Some(rule) if faults.0.is_empty() => Ok(NewAlert { name, rule, emails, webhook_id }),
            _ => Err(faults),
        }
    }

    /// `None` only with a fault.
    fn rule(&self, currency: Option<Currency>, faults: &mut Faults) -> Option<AlertRule> {
        let Some(kind) = AlertKind::from_name(self.kind.trim()) else {
            let names: Vec<&str> = AlertKind::ALL.iter().map(|kind| kind.as_str()).collect();
            faults.add("kind", FaultCode::FieldInvalid, format!("Must be one of {}.", names.join(", ")));
            return None;
        };
        match kind {
            AlertKind::SpendReaches => self.spend(currency, faults),
            AlertKind::UsageReaches | AlertKind::IncludedShareReaches if currency.is_none() => {
                faults.add("kind", FaultCode::FieldInvalid, "There is no rate card that says which figure is billed.");
                None
            }
            AlertKind::UsageReaches => {
                let quantity = at_least_one("quantity", &self.quantity, faults)?;
                Some(AlertRule::UsageReaches { quantity })
            }
            AlertKind::IncludedShareReaches => {
                let percent = from_one_to("percent", &self.percent, INCLUDED_PERCENT_MAX, faults)?;
                Some(AlertRule::IncludedShareReaches { percent })
            }
            AlertKind::Silent => {
                let hours = from_one_to("hours", &self.hours, SILENT_HOURS_MAX, faults)?;
                Some(AlertRule::Silent { hours })
            }
            AlertKind::RejectedShareAbove => {
                let percent = from_one_to("percent", &self.percent, REJECTED_PERCENT_MAX, faults);
                let events_min = at_least_one("events_min", &self.events_min, faults);
                Some(AlertRule::RejectedShareAbove { percent: percent?, events_min: events_min? })
            }
        }
    }

    fn spend(&self, currency: Option<Currency>, faults: &mut Faults) -> Option<AlertRule> {
        let Some(currency) = currency else {
            faults.add("kind", FaultCode::FieldInvalid, "There is no rate card that says what usage costs.");
            return None;
        };
        let before = faults.0.len();
        let amount = decimal("amount", &self.amount, currency.decimals(), faults);
        if faults.0.len() > before {
            return None;
        }
        match currency.round(amount) {
            Ok(amount) if amount.minor > 0 => return Some(AlertRule::SpendReaches { amount }),
            Ok(_) => faults.add("amount", FaultCode::FieldInvalid, "More than nothing."),
            Err(_) => faults.add("amount", FaultCode::FieldTooLong, "The amount is too large."),
        }
        None
    }

    fn emails(&self, sends_mail: bool, faults: &mut Faults) -> Vec<String> {
        let mut emails: Vec<String> = Vec::new();
        let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
        for address in self.emails.split(separates).filter(|address| !address.is_empty()) {
            let mut found = Faults::default();
            let address = text::email("emails", address, &mut found);
            // The same fault of many addresses is one fault of the field.
            for fault in found.0 {
                if !faults.0.contains(&fault) {
                    faults.0.push(fault);
                }
            }
            if !emails.contains(&address) {
                emails.push(address);
            }
        }
        if !emails.is_empty() && !sends_mail {
            let detail = "This installation sends no e-mail: its operator must set REACHLINE_SMTP_URL first.";
            faults.add("emails", FaultCode::FieldInvalid, detail);
        }
        if emails.len() > EMAILS_MAX {
            faults.add("emails", FaultCode::FieldTooLong, format!("At most {EMAILS_MAX} addresses."));
        }
        emails
    }
}

fn at_least_one(field: &str, text: &str, faults: &mut Faults) -> Option<u64> {
    let number = quantity(field, text, faults)?;
    if number == 0 {
        faults.add(field, FaultCode::FieldInvalid, "At least 1.");
        return None;
    }
    Some(number)
}

fn from_one_to(field: &str, text: &str, max: u32, faults: &mut Faults) -> Option<u32> {
    let number = text.trim().parse::<u32>().ok().filter(|number| (1..=max).contains(number));
    if number.is_none() {
        faults.add(field, FaultCode::FieldInvalid, format!("Must be a whole number from 1 to {max}."));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::Money;
    use proptest::prelude::*;

    fn options() -> AlertOptions {
        AlertOptions { currency: "EUR".parse().ok(), sends_mail: true }
    }

    fn form(kind: &str) -> AlertForm {
        AlertForm {
            name: "Budget".to_owned(),
            kind: kind.to_owned(),
            amount: "1500.50".to_owned(),
            quantity: "10000".to_owned(),
            percent: "80".to_owned(),
            hours: "6".to_owned(),
            events_min: "100".to_owned(),
            emails: "a@example.org, B@example.org\na@example.org".to_owned(),
            webhook_id: String::new(),
        }
    }

    #[test]
    fn a_good_form_becomes_an_alert() {
        let amount = Money { currency: "EUR".parse().unwrap(), minor: 150_050 };
        for (kind, rule) in [
            ("spend_reaches", AlertRule::SpendReaches { amount }),
            ("usage_reaches", AlertRule::UsageReaches { quantity: 10_000 }),
            ("included_share_reaches", AlertRule::IncludedShareReaches { percent: 80 }),
            ("silent", AlertRule::Silent { hours: 6 }),
            ("rejected_share_above", AlertRule::RejectedShareAbove { percent: 80, events_min: 100 }),
        ] {
            let alert = form(kind).check(&options()).unwrap();
            assert_eq!((alert.rule, alert.rule.kind().as_str()), (rule, kind));
            assert_eq!(alert.emails, ["a@example.org", "b@example.org"]);
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<AlertRule>(&json).unwrap(), rule);
        }
    }

    #[test]
    fn every_fault_names_its_field() {
        type Change = fn(&mut AlertForm, &mut AlertOptions);
        let many = |form: &mut AlertForm, _: &mut AlertOptions| {
            form.emails = (0..11).map(|i| format!("a{i}@example.org ")).collect();
        };
        let cases: [(&str, Change, &str); 22] = [
            ("silent", |form, _| form.name = " ".to_owned(), "name"),
            ("silence", |_, _| {}, "kind"),
            ("silent", |form, _| form.hours = "0".to_owned(), "hours"),
            ("silent", |form, _| form.hours = "721".to_owned(), "hours"),
            ("silent", |form, _| form.hours = "1.5".to_owned(), "hours"),
            ("silent", |form, _| form.hours.clear(), "hours"),
            ("spend_reaches", |form, _| form.amount = "0".to_owned(), "amount"),
            ("spend_reaches", |form, _| form.amount = "1.005".to_owned(), "amount"),
            ("spend_reaches", |form, _| form.amount = "-5".to_owned(), "amount"),
            ("spend_reaches", |_, options| options.currency = None, "kind"),
            ("usage_reaches", |form, _| form.quantity = "0".to_owned(), "quantity"),
            ("usage_reaches", |form, _| form.quantity = "x".to_owned(), "quantity"),
            ("usage_reaches", |_, options| options.currency = None, "kind"),
            ("included_share_reaches", |form, _| form.percent = "1001".to_owned(), "percent"),
            ("included_share_reaches", |_, options| options.currency = None, "kind"),
            ("rejected_share_above", |form, _| form.percent = "100".to_owned(), "percent"),
            ("rejected_share_above", |form, _| form.events_min = "0".to_owned(), "events_min"),
            ("silent", |form, _| form.emails = "nobody, nowhere".to_owned(), "emails"),
            ("silent", |form, _| form.emails = " ;, ".to_owned(), "emails"),
            ("silent", |form, _| form.emails.clear(), "emails"),
            ("silent", |_, options| options.sends_mail = false, "emails"),
            ("silent", |form, _| form.webhook_id = "x".to_owned(), "webhook_id"),
        ];
        for (kind, change, field) in cases.into_iter().chain([("silent", many as Change, "emails")]) {
            let (mut form, mut options) = (form(kind), options());
            change(&mut form, &mut options);
            let faults = form.check(&options).map_or_else(|faults| faults.0, |_| Vec::new());
            let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, [field], "{form:?}");
        }
    }

    #[test]
    fn all_faults_come_at_once() {
        let form = AlertForm { kind: "rejected_share_above".to_owned(), ..AlertForm::default() };
        let fields: Vec<String> = form.check(&options()).unwrap_err().0.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["name", "percent", "events_min", "emails"]);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_passes_is_in_range(
            kind in proptest::sample::select(AlertKind::ALL), number in "[0-9.x]{0,12}", emails in "\\PC{0,40}"
        ) {
            let form = AlertForm {
                name: "x".to_owned(), kind: kind.as_str().to_owned(), amount: number.clone(), quantity: number.clone(),
                percent: number.clone(), hours: number.clone(), events_min: number, emails, webhook_id: String::new(),
            };
            if let Ok(alert) = form.check(&options()) {
                prop_assert!(!alert.emails.is_empty() && alert.emails.len() <= EMAILS_MAX);
                match alert.rule {
                    AlertRule::SpendReaches { amount } => prop_assert!(amount.minor > 0),
                    AlertRule::UsageReaches { quantity } => prop_assert!(quantity > 0),
                    AlertRule::IncludedShareReaches { percent } => prop_assert!((1..=1_000).contains(&percent)),
                    AlertRule::Silent { hours } => prop_assert!((1..=720).contains(&hours)),
                    AlertRule::RejectedShareAbove { percent, events_min } => {
                        prop_assert!((1..100).contains(&percent) && events_min > 0);
                    }
                }
            }
        }
    }
}
