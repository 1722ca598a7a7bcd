//! A customer's webhook endpoints.

use super::{ALERTS, Frame, WEBHOOKS, address};
use crate::data::billing::Asked;
use crate::data::{handover, take_refused};
use crate::error::UiError;
use crate::format;
use domain::Zone;
use domain::alert::webhook::WEBHOOKS_MAX;
use domain::alert::{ALERTS_MAX, NewWebhook, Webhook};

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    pub frame: Frame,
    /// `None`: no customer is chosen.
    pub list: Option<WebhookList>,
}

/// The endpoints of a customer: they are few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookList {
    pub items: Vec<WebhookView>,
    /// What was entered into the form of a new endpoint when it was refused.
    pub url: String,
    /// Why it was refused.
    pub create_error: Option<UiError>,
    /// Why a change was refused.
    pub error: Option<UiError>,
    /// A secret that was made just before this page was loaded: shown this once.
    pub new: Option<NewSecret>,
}

/// An endpoint as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookView {
    pub id: String,
    pub url: String,
    pub secret_hint: String,
    /// Until when the secret before signs as well.
    pub old_secret_until: Option<String>,
    pub created: String,
    pub disabled: Option<String>,
    /// Name and address of the alerts that call it.
    pub alerts: Vec<(String, String)>,
}

/// A secret in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSecret {
    pub url: String,
    pub secret: String,
    /// Until when the secret before signs as well.
    pub old_until: Option<String>,
}

/// The form of a new endpoint of a customer.
#[must_use]
pub fn form_of(customer: &str) -> String {
    format!("endpoint of {customer}")
}

/// The endpoints of the chosen customer.
///
/// # Errors
/// Those of the engine.
pub async fn webhooks(customer: Option<String>) -> Result<Webhooks, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let frame = Frame::of(&asked, WEBHOOKS)?;
    let Some(of) = asked.reader.customer() else { return Ok(Webhooks { frame, list: None }) };
    let page = |limit| engine::Paging { cursor: None, limit };
    let found = asked.engine.list_webhooks(&asked.reader, page(WEBHOOKS_MAX)).await?.items;
    let alerts = asked.engine.list_alerts(&asked.reader, page(ALERTS_MAX)).await?.items;
    let calls = |webhook: &Webhook| {
        let calling = alerts.iter().filter(|alert| alert.webhook_id == Some(webhook.id));
        let link =
            |alert: &domain::alert::Alert| (alert.name.clone(), asked.href(&format!("{ALERTS}/{}", alert.id), &[]));
        calling.map(link).collect()
    };
    let zone = asked.zone();
    let (url, create_error) = take_refused::<String>(&form_of(&of.id.to_string())).await?.unzip();
    let list = WebhookList {
        items: found.iter().map(|webhook| view(webhook, frame.can_change, zone, calls(webhook))).collect(),
        url: url.unwrap_or_default(),
        create_error,
        error: take_refused::<()>("endpoints").await?.map(|((), error)| error),
        new: take_secret(&found, zone),
    };
    Ok(Webhooks { frame, list: Some(list) })
}

fn view(webhook: &Webhook, can_change: bool, zone: Zone, alerts: Vec<(String, String)>) -> WebhookView {
    WebhookView {
        id: webhook.id.to_string(),
        url: address(&webhook.url, can_change),
        secret_hint: webhook.secret_hint.clone(),
        old_secret_until: webhook.old_secret_until.map(|until| format::instant(until, zone)),
        created: format::instant(webhook.created_at, zone),
        disabled: webhook.disabled_at.map(|at| format::instant(at, zone)),
        alerts,
    }
}

/// Hands a new secret over to the next page.
pub fn hand_over(made: &NewWebhook) {
    handover::hand_over(WEBHOOKS, &made.webhook.id.to_string(), &made.secret);
}

/// The secret that was handed over, if it is of an endpoint that is listed.
fn take_secret(listed: &[Webhook], zone: Zone) -> Option<NewSecret> {
    let (webhook, secret) = handover::take(WEBHOOKS)?;
    let webhook = listed.iter().find(|listed| listed.id.to_string() == webhook)?;
    let old_until = webhook.old_secret_until.map(|until| format::instant(until, zone));
    Some(NewSecret { url: webhook.url.clone(), secret, old_until })
}
