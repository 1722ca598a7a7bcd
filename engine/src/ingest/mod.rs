//! Taking in events: check, wait for the commit, answer.

mod batch;
mod catch_up;
mod clearing;
mod recent;
mod uncounted;
mod writer;

pub use batch::{BATCH_EVENTS_MAX, Batch, BatchForm, BatchResult};
pub(crate) use recent::Identity;
pub(crate) use writer::{Intake, STOP_MAX, Writer};

use crate::Engine;
use crate::actor::ApiClient;
use crate::store::intake::IntakeKey;
use domain::event::{AcceptedTimes, Event, Kind, SessionKey, Submitted, check};
use domain::fault::{FaultCode, Faults};
use domain::retention::age_accepted;
use domain::timestamp::{DAY_MS, MINUTE_MS, SECOND_MS};
use domain::{EventId, Timestamp};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// The code under which duplicates are counted, besides those of faults.
pub(crate) const DUPLICATE: &str = "duplicate";
/// The code under which bodies that are no JSON object are counted.
pub(crate) const MALFORMED: &str = "malformed_json";
/// The code under which batches of too many events are counted.
pub(crate) const TOO_MANY: &str = "too_many_events";
/// How long whoever names an unknown helpline waits for a look at the store.
const DIRECTORY_MAX: std::time::Duration = std::time::Duration::from_secs(1);
/// When to try again if the queue is full or the store is away, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// How an event was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptStatus {
    /// It is new, and stored.
    Accepted,
    /// It was stored before.
    Duplicate,
}

/// The answer to an event. Once given, the event survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub event_id: EventId,
    pub status: ReceiptStatus,
}

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFault {
    /// It is no JSON object in UTF-8.
    Malformed,
    /// All of its faults.
    Invalid(Faults),
}

impl EventFault {
    /// The code under which it is counted: that of the first rule that it breaks.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => MALFORMED,
            Self::Invalid(faults) => faults.first_code().map_or(MALFORMED, FaultCode::as_str),
        }
    }

    fn has(&self, code: FaultCode) -> bool {
        matches!(self, Self::Invalid(faults) if faults.0.iter().any(|fault| fault.code == code))
    }
}

/// Why a body was refused before what it holds was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadBody {
    /// It broke off, or is not compressed as its request says.
    Malformed,
    TooLarge,
    /// It is of another media type, or compressed in another way, than are read.
    MediaTypeUnsupported,
}

impl UnreadBody {
    /// The code under which it is counted.
    const fn code(self) -> &'static str {
        match self {
            Self::Malformed => MALFORMED,
            Self::TooLarge => "body_too_large",
            Self::MediaTypeUnsupported => "media_type_unsupported",
        }
    }
}

/// Why an event, or all of a batch, was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The token was not issued for events.
    #[error("forbidden")]
    Forbidden,
    /// It breaks rules.
    #[error("refused")]
    Refused(EventFault),
    /// A batch of more events than one may hold.
    #[error("too many")]
    TooMany { events_max: usize },
    /// The queue is full or the store is away. Nothing was stored, or a retry will tell.
    #[error("unavailable")]
    Unavailable { retry_after_seconds: u32 },
}

impl From<EventFault> for EventError {
    fn from(fault: EventFault) -> Self {
        Self::Refused(fault)
    }
}

impl Engine {
    /// Takes one event and answers after it is durable. What is refused is counted, and the count is durable too.
    ///
    /// # Errors
    /// See [`EventError`].
    pub async fn record_event(&self, client: &ApiClient, kind: Kind, body: &[u8]) -> Result<Receipt, EventError> {
        client.require(crate::ApiScope::EventsWrite).map_err(|_| EventError::Forbidden)?;
        let mut parsed = self.parse_event(client, kind, body);
        if matches!(&parsed, Err(fault) if fault.has(FaultCode::HelplineUnknown)) && self.refreshed_directory().await {
            parsed = self.parse_event(client, kind, body);
        }
        match parsed {
            Ok(event) => {
                let stored = self.store(Intake::event(event)).await?;
                let is_new = stored.first().copied().unwrap_or(false);
                let status = if is_new { ReceiptStatus::Accepted } else { ReceiptStatus::Duplicate };
                Ok(Receipt { event_id: event_id(&event), status })
            }
            Err(fault) => {
                self.count_refused(client, fault.code()).await?;
                Err(fault.into())
            }
        }
    }

    /// Counts a request whose body was refused before what it holds was looked at.
    ///
    /// # Errors
    /// [`EventError::Forbidden`] and [`EventError::Unavailable`].
    pub async fn record_unread(&self, client: &ApiClient, why: UnreadBody) -> Result<(), EventError> {
        client.require(crate::ApiScope::EventsWrite).map_err(|_| EventError::Forbidden)?;
        self.count_refused(client, why.code()).await
    }

    /// Looks whether another process added a helpline a moment ago: whether the directory is another one now. While the store
    /// is away nobody waits for that.
    async fn refreshed_directory(&self) -> bool {
        if !self.0.writer.is_healthy() {
            return false;
        }
        let look = async {
            let is_current = self.directory().is_current(&self.0.db).await.unwrap_or(true);
            !is_current && self.refresh_directory().await.is_ok()
        };
        tokio::time::timeout(DIRECTORY_MAX, look).await.unwrap_or(false)
    }

    /// Hands what a request brought to the writer. For each of its events, whether it is new.
    async fn store(&self, intake: Intake) -> Result<Vec<bool>, EventError> {
        if self.0.stores_no_events {
            return Ok(vec![true; intake.events.len()]);
        }
        Ok(self.0.writer.send(intake).await?)
    }

    /// Counts a request that is refused as a whole: a customer sees what it loses, and why.
    async fn count_refused(&self, client: &ApiClient, code: &'static str) -> Result<(), EventError> {
        self.store(Intake::refused(self.intake_key(client, code))).await.map(drop)
    }

    fn parse_event(&self, client: &ApiClient, kind: Kind, body: &[u8]) -> Result<Event, EventFault> {
        // As text first: members that nobody knows are skipped without a look at their encoding.
        let body = std::str::from_utf8(body).map_err(|_| EventFault::Malformed)?;
        let submitted: Submitted<'_> = serde_json::from_str(body).map_err(|_| EventFault::Malformed)?;
        let directory = self.directory();
        let parsed = check(&submitted, kind, self.accepted_times(client), |id| directory.helpline_no(id))
            .map_err(EventFault::Invalid)?;
        Ok(Event {
            at: parsed.at,
            customer: client.customer_no(),
            application: client.application_no(),
            helpline: parsed.helpline,
            action: parsed.action,
            session: session_key(&client.application.customer.session_mac, parsed.session_id),
        })
    }

    fn accepted_times(&self, client: &ApiClient) -> AcceptedTimes {
        let (now, settings) = (self.now(), &self.0.settings);
        let age_max_ms = i64::from(settings.event_age_max_days) * DAY_MS;
        AcceptedTimes {
            now,
            age_max_ms: age_accepted(now, age_max_ms, client.application.customer.record.events_from),
            ahead_max_ms: i64::from(settings.event_ahead_max_seconds) * SECOND_MS,
        }
    }

    fn intake_key(&self, client: &ApiClient, code: &'static str) -> IntakeKey {
        let (customer, application) = (client.customer_no(), client.application_no());
        IntakeKey { quarter: quarter(self.now()), customer, application, code: code.into() }
    }

    /// Events a second that the client's application may send.
    #[must_use]
    pub fn event_burst(&self, client: &ApiClient) -> u32 {
        let own = client.application.customer.record.customer.limits.event_burst_per_second;
        own.unwrap_or(self.0.settings.event_burst_per_second).max(1)
    }
}

/// The quarter hour of an instant: every zone's hours and days are made of whole ones.
pub(crate) fn quarter(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis().div_euclid(15 * MINUTE_MS) * (15 * MINUTE_MS))
}

/// HMAC-SHA-256 of a session id under the customer's secret, cut to 128 bits: all that is kept of it.
pub(crate) fn session_key(mac: &Hmac<Sha256>, session_id: &str) -> SessionKey {
    let mut mac = mac.clone();
    mac.update(session_id.as_bytes());
    let hash = mac.finalize().into_bytes();
    let mut key = [0; 16];
    key.copy_from_slice(&hash[..16]);
    SessionKey(key)
}

/// The id of an event: a UUIDv8 that begins with the event's millisecond, like a UUIDv7, and goes on with a hash of
/// its identity. So a retry gets the same, ids sort by time, and an event is found by its id without an index.
pub(crate) fn event_id(event: &Event) -> EventId {
    let mut hash = Sha256::new();
    hash.update(event.at.millis().to_be_bytes());
    hash.update(event.customer.0.to_be_bytes());
    hash.update(event.application.0.to_be_bytes());
    hash.update(event.helpline.0.to_be_bytes());
    hash.update([event.action.code()]);
    hash.update(event.session.0);
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&event.at.millis().to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&hash[..10]);
    EventId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
