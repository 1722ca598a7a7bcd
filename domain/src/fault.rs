//! What is wrong with an input: every fault names its field, a code for programs and a sentence for people.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)?) => {
        /// The code of a fault: part of the API's contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FaultCode {
            $($(#[$doc])* $variant),*
        }
        impl FaultCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// The code as the API prints it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

codes! {
    /// No such helpline.
    HelplineUnknown = "helpline_unknown",
    /// A session id is required.
    SessionIdMissing = "session_id_missing",
    /// Longer than 255 bytes.
    SessionIdTooLong = "session_id_too_long",
    /// It looks like somebody's e-mail address, phone number or IP address.
    SessionIdPersonal = "session_id_personal",
    /// No RFC 3339 date-time.
    TimestampInvalid = "timestamp_invalid",
    /// Too far ahead of the server's clock.
    TimestampInFuture = "timestamp_in_future",
    /// Longer ago than events are accepted for.
    TimestampTooOld = "timestamp_too_old",
    /// No known contact method.
    ContactMethodInvalid = "contact_method_invalid",
    /// No known type of event.
    TypeInvalid = "type_invalid",
    /// A required member or parameter is missing.
    FieldMissing = "field_missing",
    /// The value is of the wrong type or form.
    FieldInvalid = "field_invalid",
    /// The value is too long or too large.
    FieldTooLong = "field_too_long",
    /// Another one already has this value.
    FieldTaken = "field_taken",
    /// The period ends before it begins, or spans more than is answered at once.
    PeriodInvalid = "period_invalid",
    /// No IANA time zone of this name.
    TimeZoneUnknown = "time_zone_unknown",
    /// No ISO 3166 country code.
    CountryUnknown = "country_unknown",
    /// No ISO 4217 currency code.
    CurrencyUnknown = "currency_unknown",
    /// The month's statement has been issued, and never changes.
    MonthIssued = "month_issued",
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One fault of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The member, parameter or form field; for a row of a file `line 7: name`.
    pub field: String,
    pub code: FaultCode,
    /// A sentence for people. Never echoes the value.
    pub detail: String,
}

impl Fault {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, code: FaultCode, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code, detail: detail.into() }
    }
}

/// All faults of an input at once, in the order of the rules. Never empty where it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// A single fault.
    pub fn one(field: impl Into<String>, code: FaultCode, detail: impl Into<String>) -> Self {
        Self(vec![Fault::new(field, code, detail)])
    }

    /// Notes one more fault.
    pub fn add(&mut self, field: impl Into<String>, code: FaultCode, detail: impl Into<String>) {
        self.0.push(Fault::new(field, code, detail));
    }

    /// The fault under which the input is counted: the first rule that it breaks.
    #[must_use]
    pub fn first_code(&self) -> Option<FaultCode> {
        self.0.first().map(|fault| fault.code)
    }

    /// `value` if nothing is wrong.
    ///
    /// # Errors
    /// The faults, if there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", fault.field, fault.detail)?;
        }
        Ok(())
    }
}
