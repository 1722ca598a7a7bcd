//! The form of an alert.

use super::{ALERTS, SoFar, WEBHOOKS, can_change, form_of, is_monthly, month_name};
use crate::data::billing::Asked;
use crate::data::{Choice, id, take_refused};
use crate::error::UiError;
use crate::format;
use crate::forms::AlertInput;
use domain::alert::webhook::WEBHOOKS_MAX;
use domain::alert::{Alert, AlertForm, AlertKind, AlertOptions, AlertRule, Webhook};
use domain::fault::Fault;

/// What the form of an alert needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEditor {
    pub title: String,
    /// Whose alert it is.
    pub customer: String,
    pub customer_name: String,
    pub alert: Option<String>,
    /// The address of the list.
    pub back: String,
    /// The address of the webhook endpoints.
    pub webhooks: String,
    pub input: AlertInput,
    /// What was wrong with it when it was sent.
    pub error: Option<UiError>,
    pub kinds: Vec<KindView>,
    /// Whether the installation sends e-mail.
    pub sends_mail: bool,
    /// Endpoints that can be called; the first choice is none.
    pub endpoints: Vec<Choice>,
}

/// A kind of alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindView {
    pub kind: AlertKind,
    /// When such an alert fires.
    pub text: String,
    /// What the running month has come to.
    pub so_far: Option<String>,
    /// Why such an alert cannot fire.
    pub never: Option<&'static str>,
}

/// The form of an alert; of a new one without an id.
///
/// # Errors
/// Those of the engine; [`UiError::Forbidden`] for those who only read.
pub async fn editor(
    alert: Option<String>,
    customer: Option<String>,
    kind: Option<String>,
) -> Result<AlertEditor, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let of = asked.reader.customer().ok_or(UiError::NotFound)?.clone();
    if !can_change(&asked) {
        return Err(UiError::Forbidden);
    }
    let stored = match &alert {
        Some(alert) => Some(asked.engine.alert(&asked.reader, id(alert)?).await?),
        None => None,
    };
    let options = asked.engine.alert_options(&asked.reader).await?;
    let all = engine::Paging { cursor: None, limit: WEBHOOKS_MAX };
    let webhooks = asked.engine.list_webhooks(&asked.reader, all).await?.items;
    let so_far = SoFar::of(&asked).await?;
    let customer = of.id.to_string();
    let refused = take_refused::<AlertInput>(&form_of(&customer, alert.as_deref())).await?;
    let shown = stored.as_ref().map_or_else(|| suggestion(&asked, options), AlertInput::of);
    let (mut input, mut error) = refused.map_or((shown, None), |(input, error)| (input, Some(error)));
    if !options.sends_mail && input.emails.trim().is_empty() {
        error = error.map(without_mail);
    }
    let kind = kind.filter(|kind| AlertKind::from_name(kind).is_some() && error.is_none());
    input.kind = kind.unwrap_or(input.kind);
    Ok(AlertEditor {
        title: stored.map_or_else(|| "New alert".to_owned(), |alert| alert.name),
        customer,
        customer_name: of.name,
        alert,
        back: asked.href(ALERTS, &[]),
        webhooks: asked.href(WEBHOOKS, &[]),
        input,
        error,
        kinds: AlertKind::ALL.iter().map(|kind| kind_view(*kind, &so_far)).collect(),
        sends_mail: options.sends_mail,
        endpoints: endpoints(&webhooks),
    })
}

/// The error, where the form has no field for addresses: what is missing is an endpoint.
fn without_mail(mut error: UiError) -> UiError {
    if let UiError::Invalid(faults) = &mut error {
        for fault in faults.0.iter_mut().filter(|fault| fault.field == "emails") {
            *fault = Fault::new("webhook_id", fault.code, "Choose an endpoint: nobody would be told.");
        }
    }
    error
}

/// What a new form begins with.
fn suggestion(asked: &Asked, options: AlertOptions) -> AlertInput {
    let kind = if options.currency.is_some() { AlertKind::SpendReaches } else { AlertKind::Silent };
    // Whoever belongs to the customer is likely to be told.
    let own = asked.user.person().filter(|_| options.sends_mail && asked.user.role().is_of_customer());
    AlertInput {
        kind: kind.as_str().to_owned(),
        included_percent: "80".to_owned(),
        hours: "24".to_owned(),
        rejected_percent: "5".to_owned(),
        events_min: "100".to_owned(),
        emails: own.map(|person| person.email.clone()).unwrap_or_default(),
        ..AlertInput::default()
    }
}

fn endpoints(webhooks: &[Webhook]) -> Vec<Choice> {
    let mut choices = vec![Choice { value: String::new(), label: "None".to_owned() }];
    choices.extend(webhooks.iter().map(|webhook| {
        let disabled = if webhook.disabled_at.is_some() { " (disabled)" } else { "" };
        Choice { value: webhook.id.to_string(), label: format!("{}{disabled}", webhook.url) }
    }));
    choices
}

fn kind_view(kind: AlertKind, so_far: &SoFar) -> KindView {
    let statement = so_far.usage.statement.as_ref();
    let month = month_name(so_far.month);
    let never = match kind {
        _ if is_monthly(kind) && statement.is_none() => {
            Some("No rate card prices the running month. Such an alert can be set once an operator has assigned one.")
        }
        AlertKind::IncludedShareReaches if so_far.included() == Some(0) => {
            Some("The rate card includes nothing: such an alert does not fire.")
        }
        _ => None,
    };
    let so_far = match (kind, statement) {
        (AlertKind::SpendReaches, Some(statement)) => {
            Some(format!("{month} has come to {} so far.", format::money(statement.total)))
        }
        (AlertKind::UsageReaches, Some(_)) => Some(format!("{month} has come to {} so far.", so_far.quantity())),
        (AlertKind::IncludedShareReaches, Some(statement)) if never.is_none() => {
            let included = i64::try_from(statement.card.terms.included).unwrap_or(i64::MAX);
            Some(format!("{month} has come to {} of {} so far.", so_far.quantity(), format::count(included)))
        }
        _ => None,
    };
    let text = match kind {
        AlertKind::SpendReaches => {
            let currency = statement.map(|statement| format!(" in {}", statement.card.terms.currency));
            let currency = currency.unwrap_or_default();
            format!("Once a month, as soon as the month’s statement comes to this amount{currency}.")
        }
        AlertKind::UsageReaches => "Once a month, as soon as so many units are billed.".to_owned(),
        AlertKind::IncludedShareReaches => {
            "Once a month, as soon as this share of what the rate card includes is used.".to_owned()
        }
        AlertKind::Silent => "Once in each silence of your production applications, counted in whole hours.".to_owned(),
        AlertKind::RejectedShareAbove => {
            "At most once in 24 hours. It looks at the last 24 hours of your production applications.".to_owned()
        }
    };
    KindView { kind, text, so_far, never }
}

impl AlertInput {
    /// An alert as the form shows it.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        let mut input = Self {
            name: alert.name.clone(),
            kind: alert.rule.kind().as_str().to_owned(),
            emails: alert.emails.join("\n"),
            webhook: alert.webhook_id.map(|id| id.to_string()).unwrap_or_default(),
            ..Self::default()
        };
        match alert.rule {
            AlertRule::SpendReaches { amount } => input.amount = amount.to_string(),
            AlertRule::UsageReaches { quantity } => input.quantity = quantity.to_string(),
            AlertRule::IncludedShareReaches { percent } => input.included_percent = percent.to_string(),
            AlertRule::Silent { hours } => input.hours = hours.to_string(),
            AlertRule::RejectedShareAbove { percent, events_min } => {
                input.rejected_percent = percent.to_string();
                input.events_min = events_min.to_string();
            }
        }
        input
    }

    /// The field of the form that holds the share of the chosen kind.
    fn percent_field(&self) -> &'static str {
        match AlertKind::from_name(&self.kind) {
            Some(AlertKind::RejectedShareAbove) => "rejected_percent",
            _ => "included_percent",
        }
    }

    /// The form as it is checked, which has one field for both shares.
    #[must_use]
    pub fn form(&self) -> AlertForm {
        let percent =
            if self.percent_field() == "rejected_percent" { &self.rejected_percent } else { &self.included_percent };
        AlertForm {
            name: self.name.clone(),
            kind: self.kind.clone(),
            amount: self.amount.clone(),
            quantity: self.quantity.clone(),
            percent: percent.clone(),
            hours: self.hours.clone(),
            events_min: self.events_min.clone(),
            emails: self.emails.clone(),
            webhook_id: self.webhook.clone(),
        }
    }

    /// The error, with its faults at the fields of this form.
    #[must_use]
    pub fn at_fields(&self, error: impl Into<UiError>) -> UiError {
        let mut error = error.into();
        if let UiError::Invalid(faults) = &mut error {
            for fault in faults.0.iter_mut().filter(|fault| fault.field == "percent") {
                self.percent_field().clone_into(&mut fault.field);
            }
            // As they stand in the form: what is watched comes first.
            let last = ["name", "emails", "webhook_id"];
            faults.0.sort_by_key(|fault| last.iter().position(|field| *field == fault.field));
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{FaultCode, Faults};

    #[test]
    fn shares_have_a_field_each_and_their_faults_are_there() {
        let input = AlertInput {
            included_percent: "80".to_owned(),
            rejected_percent: "5".to_owned(),
            kind: "included_share_reaches".to_owned(),
            ..AlertInput::default()
        };
        let other = AlertInput { kind: "rejected_share_above".to_owned(), ..input.clone() };
        assert_eq!((input.form().percent.as_str(), other.form().percent.as_str()), ("80", "5"));
        let fault = || UiError::Invalid(Faults::one("percent", FaultCode::FieldInvalid, "No."));
        for (input, field) in [(input, "included_percent"), (other, "rejected_percent")] {
            let UiError::Invalid(faults) = input.at_fields(fault()) else { panic!("faults") };
            assert_eq!(faults.0[0].field, field);
        }
    }
}
