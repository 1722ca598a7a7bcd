//! Deliveries: one message to one address or endpoint, tried until it arrives or is given up.

use crate::account::named;
use crate::ids::{AlertId, DeliveryId, WebhookId};
use crate::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a delivery waits after its first, second … failure, in milliseconds, and at most a tenth longer. After as
/// many failures and one more it is given up. Source: the schedule that Standard Webhooks recommends.
pub const RETRY_AFTER_MS: [i64; 9] = [
    5 * SECOND_MS,
    5 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    24 * HOUR_MS,
];
/// For how long deliveries are kept, in milliseconds.
pub const KEPT_MS: i64 = 90 * DAY_MS;
/// Longest note of a delivery, in characters.
pub const NOTE_CHARS_MAX: usize = 300;

named! {
    /// How a message travels.
    Channel {
        Email = "email", "E-mail";
        Webhook = "webhook", "Webhook";
    }
}

named! {
    /// How far a delivery is.
    DeliveryStatus {
        /// Not tried yet.
        Pending = "pending", "Pending";
        /// It has arrived.
        Delivered = "delivered", "Delivered";
        /// It did not arrive, and will be tried again.
        Failed = "failed", "Failed, to be tried again";
        /// It is not tried any more.
        GivenUp = "given_up", "Given up";
    }
}

/// A delivery as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Also the id that the receiver of a webhook sees, the same at each attempt.
    pub id: DeliveryId,
    /// The alert, which may have been deleted since; `None` where an endpoint was tried out.
    pub alert_id: Option<AlertId>,
    pub webhook_id: Option<WebhookId>,
    pub channel: Channel,
    /// The e-mail address or URL.
    pub target: String,
    pub subject: String,
    /// The text of the e-mail, or the JSON that the endpoint gets.
    pub payload: String,
    pub status: DeliveryStatus,
    /// Attempts until now, the one that is under way among them.
    pub attempts: u32,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// What the receiver answered last: an HTTP status, or a reply code of SMTP.
    pub response_status: Option<u16>,
    /// What went wrong last, for people; empty if nothing did.
    pub note: String,
    pub created_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// Worth another try.
    Failed,
    /// The receiver will never take it.
    Refused,
    /// The receiver wants nothing any more: its endpoint is disabled.
    Gone,
}

impl Outcome {
    /// What an HTTP status says. Source: Standard Webhooks: 2xx has arrived, 410 disables the endpoint.
    #[must_use]
    pub const fn of_http(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            _ => Self::Failed,
        }
    }

    /// What the reply code of an SMTP server that did not take a message says. 5xx is for ever (RFC 5321, 4.2.1), but
    /// where it is about who we are (RFC 4954, 6): then an operator can mend it.
    #[must_use]
    pub const fn of_smtp(code: u16) -> Self {
        match code {
            530 | 534 | 535 | 538 => Self::Failed,
            500..=599 => Self::Refused,
            _ => Self::Failed,
        }
    }

    /// How the delivery stands after so many attempts, the last of which came to this, and when it is tried next.
    /// `random` is any byte: it spreads what failed at once.
    #[must_use]
    pub fn after(self, attempts: u32, now: Timestamp, random: u8) -> (DeliveryStatus, Option<Timestamp>) {
        match self {
            Self::Delivered => (DeliveryStatus::Delivered, None),
            Self::Refused | Self::Gone => (DeliveryStatus::GivenUp, None),
            Self::Failed => {
                let failures = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
                match RETRY_AFTER_MS.get(failures) {
                    None => (DeliveryStatus::GivenUp, None),
                    Some(wait) => {
                        let longer = wait / 10 * i64::from(random) / i64::from(u8::MAX);
                        (DeliveryStatus::Failed, Some(now.plus(wait + longer)))
                    }
                }
            }
        }
    }
}

/// A note as it is kept: one line, not too long.
#[must_use]
pub fn note(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().chars().take(NOTE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_attempts_and_no_more() {
        let now = Timestamp::from_millis(0);
        for (attempts, wait) in (1..).zip(RETRY_AFTER_MS) {
            let expected = (DeliveryStatus::Failed, Some(now.plus(wait)));
            assert_eq!(Outcome::Failed.after(attempts, now, 0), expected);
        }
        assert_eq!(Outcome::Failed.after(10, now, 0), (DeliveryStatus::GivenUp, None));
        assert_eq!(Outcome::Refused.after(1, now, 0), (DeliveryStatus::GivenUp, None));
        assert_eq!(Outcome::Gone.after(1, now, 0), (DeliveryStatus::GivenUp, None));
        assert_eq!(Outcome::Delivered.after(10, now, 0), (DeliveryStatus::Delivered, None));
    }

    #[test]
    fn answers_are_understood() {
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (199, Outcome::Failed),
            (301, Outcome::Failed),
            (404, Outcome::Failed),
            (410, Outcome::Gone),
            (429, Outcome::Failed),
            (500, Outcome::Failed),
        ] {
            assert_eq!(Outcome::of_http(status), outcome, "{status}");
        }
        for (code, outcome) in
            [(421, Outcome::Failed), (450, Outcome::Failed), (535, Outcome::Failed), (550, Outcome::Refused)]
        {
            assert_eq!(Outcome::of_smtp(code), outcome, "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_retry_is_at_most_a_tenth_late(attempts in 0..20_u32, random: u8, now in 0..4_000_000_000_000_i64) {
            let now = Timestamp::from_millis(now);
            let (status, next) = Outcome::Failed.after(attempts, now, random);
            prop_assert_eq!(next.is_none(), status == DeliveryStatus::GivenUp);
            prop_assert_eq!(next.is_none(), attempts >= 10);
            if let Some(next) = next {
                let wait = RETRY_AFTER_MS[attempts.max(1) as usize - 1];
                let waited = next.millis() - now.millis();
                prop_assert!(wait <= waited && waited <= wait + wait / 10);
            }
        }

        #[test]
        fn a_note_is_one_short_line(text: String) {
            let note = note(&text);
            prop_assert!(note.chars().count() <= NOTE_CHARS_MAX && !note.contains(char::is_control));
        }
    }
}
