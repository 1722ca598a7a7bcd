//! A customer's alerts.

use super::{
    ALERTS, Frame, Progress, SoFar, address, can_change, is_in, is_monthly, month_name, running_month, sentence,
};
use crate::data::billing::Asked;
use crate::data::{paging, take_refused};
use crate::error::UiError;
use crate::format;
use domain::alert::webhook::WEBHOOKS_MAX;
use domain::alert::{Alert, Webhook};

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    pub frame: Frame,
    /// `None`: no customer is chosen.
    pub list: Option<AlertList>,
}

/// A page of a customer's alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertList {
    pub items: Vec<AlertView>,
    /// The addresses of the first page and of the next.
    pub first: Option<String>,
    pub next: Option<String>,
    /// The address of the form of a new one.
    pub new: String,
    /// Why a change was refused.
    pub error: Option<UiError>,
    /// Whether somebody is to be written to, and the installation sends no e-mail.
    pub lacks_mail: bool,
}

/// An alert as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertView {
    pub id: String,
    pub name: String,
    /// When it fires, in words.
    pub when: String,
    /// The running month, and how near it is.
    pub progress: Option<(String, Progress)>,
    pub emails: Vec<String>,
    /// The endpoint that is called, and whether it is disabled.
    pub endpoint: Option<(String, bool)>,
    /// When it fired last.
    pub fired: Option<String>,
    /// Class and text.
    pub badge: (&'static str, String),
    /// The address of its form.
    pub edit: String,
}

/// The alerts of the chosen customer.
///
/// # Errors
/// Those of the engine.
pub async fn alerts(customer: Option<String>, cursor: Option<String>) -> Result<Alerts, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let frame = Frame::of(&asked, ALERTS)?;
    if asked.reader.customer().is_none() {
        return Ok(Alerts { frame, list: None });
    }
    let is_later = cursor.is_some();
    let found = asked.engine.list_alerts(&asked.reader, paging(cursor)).await?;
    let all = engine::Paging { cursor: None, limit: WEBHOOKS_MAX };
    let webhooks = asked.engine.list_webhooks(&asked.reader, all).await?.items;
    let is_any_monthly = found.items.iter().any(|alert| is_monthly(alert.rule.kind()));
    let so_far = if is_any_monthly { Some(SoFar::of(&asked).await?) } else { None };
    let writes = found.items.iter().any(|alert| !alert.emails.is_empty());
    let sends_mail = asked.engine.alert_options(&asked.reader).await?.sends_mail;
    let next = found.next_cursor.map(|cursor| asked.href(ALERTS, &[("cursor", &cursor)]));
    let list = AlertList {
        items: found.items.iter().map(|alert| view(&asked, alert, &webhooks, so_far.as_ref())).collect(),
        first: is_later.then(|| asked.href(ALERTS, &[])),
        next,
        new: asked.href("/alerts/new", &[]),
        error: take_refused::<()>("alerts").await?.map(|((), error)| error),
        lacks_mail: writes && !sends_mail,
    };
    Ok(Alerts { frame, list: Some(list) })
}

fn view(asked: &Asked, alert: &Alert, webhooks: &[Webhook], so_far: Option<&SoFar>) -> AlertView {
    let zone = asked.zone();
    let month = running_month(asked);
    let progress = so_far.and_then(|so_far| Some((month_name(so_far.month), so_far.progress(&alert.rule)?)));
    let is_past = is_monthly(alert.rule.kind()) && alert.fired_at.is_some_and(|at| is_in(month, at, zone));
    let badge = match &progress {
        _ if is_past => ("badge badge-warning", format!("Reached in {}", month_name(month))),
        Some((_, Progress::Never(_))) => ("badge badge-bad", "Cannot fire".to_owned()),
        _ => ("badge badge-good", "Watching".to_owned()),
    };
    let endpoint = webhooks.iter().find(|webhook| Some(webhook.id) == alert.webhook_id);
    AlertView {
        id: alert.id.to_string(),
        name: alert.name.clone(),
        when: sentence(&alert.rule, month),
        progress,
        emails: alert.emails.clone(),
        endpoint: endpoint.map(|webhook| (address(&webhook.url, can_change(asked)), webhook.disabled_at.is_some())),
        fired: alert.fired_at.map(|at| format::instant(at, zone)),
        badge,
        edit: asked.href(&format!("{ALERTS}/{}", alert.id), &[]),
    }
}
