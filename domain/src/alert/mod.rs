//! Alerts: what a customer wants to be told, when it is told, and how the news is delivered.
//!
//! [`AlertForm`] is what a customer enters, [`evaluate`] decides whether an alert fires now, [`delivery`] when a delivery
//! is tried again, and [`webhook`] which addresses may be called.

pub mod address;
pub mod delivery;
mod evaluate;
mod form;
mod message;
pub mod webhook;

pub use delivery::{Channel, Delivery, DeliveryStatus, Outcome};
pub use evaluate::{Fired, Firing, LastDay, MonthSoFar, Observations, Occurrence, evaluate};
pub use form::{AlertForm, AlertOptions, NewAlert};
pub use message::{About, Message, test_message};
pub use webhook::{NewWebhook, Webhook, WebhookForm};

use crate::account::named;
use crate::billing::Money;
use crate::ids::{AlertId, WebhookId};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Most alerts of a customer.
pub const ALERTS_MAX: usize = 50;
/// Most e-mail addresses of an alert.
pub const EMAILS_MAX: usize = 10;
/// Largest share of the included quantity, in per cent.
pub const INCLUDED_PERCENT_MAX: u32 = 1_000;
/// Longest silence, in hours: thirty days.
pub const SILENT_HOURS_MAX: u32 = 720;
/// Largest share of refused events, in per cent: no share is above a hundred.
pub const REJECTED_PERCENT_MAX: u32 = 99;

named! {
    /// What an alert watches.
    AlertKind {
        /// The month's statement reaches an amount.
        SpendReaches = "spend_reaches", "Spend reaches an amount";
        /// The month's billed quantity reaches a number.
        UsageReaches = "usage_reaches", "Usage reaches a quantity";
        /// The month's billed quantity reaches a share of what the rate card includes.
        IncludedShareReaches = "included_share_reaches", "Usage reaches a share of the included quantity";
        /// No event has come for some hours.
        Silent = "silent", "The integration is silent";
        /// Of the last 24 hours' events more than a share was refused.
        RejectedShareAbove = "rejected_share_above", "The share of rejected events is high";
    }
}

/// When an alert fires. Months are the customer's, and only production applications count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AlertRule {
    /// Once a month, as soon as the draft of its statement comes to this much. Where a later version of the rate card
    /// has another currency, never.
    SpendReaches { amount: Money },
    /// Once a month, as soon as the billed quantity is this large.
    UsageReaches { quantity: u64 },
    /// Once a month, as soon as the billed quantity is this share of the included one, in per cent. Never where nothing
    /// is included.
    IncludedShareReaches { percent: u32 },
    /// Once in each silence: when so many hours have passed since the hour of the last counted event.
    Silent { hours: u32 },
    /// At most once in 24 hours: when of the last 24 hours' events, if they are so many, more than this share was
    /// refused, in per cent.
    RejectedShareAbove { percent: u32, events_min: u64 },
}

impl AlertRule {
    /// What the rule watches.
    #[must_use]
    pub const fn kind(&self) -> AlertKind {
        match self {
            Self::SpendReaches { .. } => AlertKind::SpendReaches,
            Self::UsageReaches { .. } => AlertKind::UsageReaches,
            Self::IncludedShareReaches { .. } => AlertKind::IncludedShareReaches,
            Self::Silent { .. } => AlertKind::Silent,
            Self::RejectedShareAbove { .. } => AlertKind::RejectedShareAbove,
        }
    }

    /// The rule in words, without a full stop.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::SpendReaches { amount } => format!("The month's spend reaches {}", message::amount(*amount)),
            Self::UsageReaches { quantity } => format!("The month's usage reaches {}", message::count(*quantity)),
            Self::IncludedShareReaches { percent } => {
                format!("The month's usage reaches {percent} % of the included quantity")
            }
            Self::Silent { hours } => format!("No event for {}", message::hours(*hours)),
            Self::RejectedShareAbove { percent, events_min } => {
                let events_min = message::count(*events_min);
                format!("More than {percent} % of at least {events_min} events in 24 hours are rejected")
            }
        }
    }
}

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    pub name: String,
    pub rule: AlertRule,
    /// Who is written to.
    pub emails: Vec<String>,
    /// The endpoint that is called.
    pub webhook_id: Option<WebhookId>,
    pub created_at: Timestamp,
    /// When it fired last, since its rule was changed.
    pub fired_at: Option<Timestamp>,
}
