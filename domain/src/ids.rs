//! Typed identifiers: an id of one kind never fits where another is expected.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct IdInvalid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id that was read from the store or has just been made.
            #[must_use]
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }
            /// The id as the store keeps it.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = IdInvalid;
            fn from_str(text: &str) -> Result<Self, IdInvalid> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdInvalid)
            }
        }
    )*};
}

uuid_ids! {
    /// Who is billed.
    CustomerId,
    /// A set of credentials of a customer.
    ApplicationId,
    /// One of the (at most two) valid secrets of an application.
    SecretId,
    /// A person who logs in.
    UserId,
    /// What months cost.
    RateCardId,
    /// One version of a report.
    ReportId,
    /// A customer's public page of what it discloses.
    DisclosureId,
    /// What a customer wants to be told.
    AlertId,
    /// An endpoint that is called with alerts.
    WebhookId,
    /// One message to one address or endpoint.
    DeliveryId,
    /// A file that was exported or is being.
    ExportId,
    /// A file of history that was brought in.
    ImportId,
    /// A link that opens what an auditor may read.
    AccessLinkId,
    /// An entry of the audit log.
    AuditEntryId,
    /// An event as partners see it: a function of the event's identity, so that a retry gets the same.
    EventId,
}

/// The longest helpline id, in bytes.
pub const HELPLINE_ID_BYTES_MAX: usize = 64;

/// The id that events must carry: 1 to 64 characters of `A–Z a–z 0–9 . _ : -`, given by the catalogue's owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HelplineId(String);

impl HelplineId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that an id is looked up by its text.
impl Borrow<str> for HelplineId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for HelplineId {
    type Err = IdInvalid;
    fn from_str(text: &str) -> Result<Self, IdInvalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        if text.is_empty() || text.len() > HELPLINE_ID_BYTES_MAX || !text.bytes().all(allowed) {
            return Err(IdInvalid);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for HelplineId {
    type Error = IdInvalid;
    fn try_from(text: String) -> Result<Self, IdInvalid> {
        text.parse()
    }
}

impl From<HelplineId> for String {
    fn from(id: HelplineId) -> Self {
        id.0
    }
}

impl fmt::Display for HelplineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
        impl From<$name> for i64 {
            fn from(no: $name) -> i64 {
                i64::from(no.0)
            }
        }
    )*};
}

numbers! {
    /// A customer's short number: large tables carry it instead of the id, to stay small.
    CustomerNo,
    /// An application's short number.
    ApplicationNo,
    /// A helpline's short number.
    HelplineNo,
}
