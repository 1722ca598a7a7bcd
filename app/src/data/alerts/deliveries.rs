//! The log of what was sent to a customer.

use super::{DELIVERIES, Frame, address};
use crate::data::billing::Asked;
use crate::data::{paging, take_refused};
use crate::error::UiError;
use crate::format;
use domain::Zone;
use domain::alert::{Channel, Delivery, DeliveryStatus};

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliveries {
    pub frame: Frame,
    /// `None`: no customer is chosen.
    pub list: Option<DeliveryList>,
}

/// A page of a customer's deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryList {
    pub items: Vec<DeliveryView>,
    /// Where this page starts.
    pub cursor: Option<String>,
    /// The addresses of this page, of the first and of the next.
    pub here: String,
    pub first: Option<String>,
    pub next: Option<String>,
    /// Why a message was not tried again.
    pub error: Option<UiError>,
    /// When this was found out.
    pub checked: String,
}

/// A delivery as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryView {
    pub id: String,
    pub created: String,
    pub channel: &'static str,
    pub target: String,
    pub subject: String,
    /// What is sent.
    pub payload: String,
    /// Class and text.
    pub badge: (&'static str, &'static str),
    pub delivered: Option<String>,
    pub attempts: String,
    /// What the receiver answered last, or what went wrong.
    pub answer: String,
    /// When it is tried next.
    pub next: String,
    /// Whether it can be tried again at once.
    pub can_retry: bool,
}

/// The deliveries of the chosen customer.
///
/// # Errors
/// Those of the engine.
pub async fn deliveries(customer: Option<String>, cursor: Option<String>) -> Result<Deliveries, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let frame = Frame::of(&asked, DELIVERIES)?;
    if asked.reader.customer().is_none() {
        return Ok(Deliveries { frame, list: None });
    }
    let zone = asked.zone();
    let found = asked.engine.deliveries(&asked.reader, paging(cursor.clone())).await?;
    let at = |cursor: &str| asked.href(DELIVERIES, &[("cursor", cursor)]);
    let here = || asked.href(DELIVERIES, &[]);
    let list = DeliveryList {
        items: found.items.into_iter().map(|delivery| view(delivery, frame.can_change, zone)).collect(),
        here: cursor.as_deref().map_or_else(here, at),
        first: cursor.is_some().then(here),
        next: found.next_cursor.as_deref().map(at),
        error: take_refused::<()>("deliveries").await?.map(|((), error)| error),
        checked: format::clock(zone.local(asked.engine.now())),
        cursor,
    };
    Ok(Deliveries { frame, list: Some(list) })
}

fn view(delivery: Delivery, can_change: bool, zone: Zone) -> DeliveryView {
    let Delivery { id, channel, target, subject, payload, status, attempts, note, .. } = delivery;
    let badge = match status {
        DeliveryStatus::Pending => ("badge", "On its way"),
        DeliveryStatus::Delivered => ("badge badge-good", "Delivered"),
        DeliveryStatus::Failed => ("badge badge-warning", "Will be tried again"),
        DeliveryStatus::GivenUp => ("badge badge-bad", "Given up"),
    };
    let answer = delivery.response_status.map(|code| code.to_string());
    let answer = match answer {
        // Most notes tell the status themselves.
        Some(code) if !note.contains(&code) => format!("{code} {note}").trim_end().to_owned(),
        _ => note,
    };
    let next = match (status, delivery.next_attempt_at) {
        (DeliveryStatus::Failed, Some(at)) => format::instant(at, zone),
        (DeliveryStatus::Pending, _) => "Now".to_owned(),
        _ => format::NONE.to_owned(),
    };
    DeliveryView {
        id: id.to_string(),
        created: format::instant(delivery.created_at, zone),
        channel: channel.label(),
        target: match channel {
            Channel::Webhook => address(&target, can_change),
            Channel::Email => target,
        },
        subject,
        payload,
        badge,
        delivered: delivery.delivered_at.map(|at| format::instant(at, zone)),
        attempts: format::count(attempts.into()),
        answer: if answer.is_empty() { format::NONE.to_owned() } else { answer },
        next,
        can_retry: matches!(status, DeliveryStatus::Failed | DeliveryStatus::GivenUp),
    }
}
