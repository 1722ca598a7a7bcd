//! Helplines as the catalogue holds them and the API answers them.

use crate::account::named;
use crate::event::ContactMethod;
use crate::fault::{FaultCode, Faults};
use crate::ids::HelplineId;
use crate::text;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Most topics, languages, specialties or support types of a helpline.
pub const LIST_MAX: usize = 40;
/// Most opening periods of a helpline.
pub const PERIODS_MAX: usize = 60;

/// An ISO 3166-1 alpha-2 code, in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([u8; 2]);

/// The text is no pair of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a two-letter country code")]
pub struct CountryInvalid;

impl CountryCode {
    /// ISO 3166 leaves ZZ to its users: here, unknown.
    pub const UNKNOWN: Self = Self(*b"ZZ");

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Both bytes are ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
    /// The code as a number, for count tables.
    #[must_use]
    pub const fn number(self) -> i64 {
        (self.0[0] as i64) << 8 | self.0[1] as i64
    }
    /// The code of such a number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        let bytes = [u8::try_from(number >> 8).ok()?, (number & 0xff) as u8];
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }
}

impl FromStr for CountryCode {
    type Err = CountryInvalid;
    /// Reads either case.
    fn from_str(text: &str) -> Result<Self, CountryInvalid> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(CountryInvalid),
        }
    }
}

impl TryFrom<String> for CountryCode {
    type Error = CountryInvalid;
    fn try_from(text: String) -> Result<Self, CountryInvalid> {
        text.parse()
    }
}

impl From<CountryCode> for String {
    fn from(code: CountryCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A country of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Country {
    pub name: String,
    pub code: CountryCode,
    /// The number for police, fire and ambulance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_number: Option<String>,
}

/// What a helpline helps with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Topic {
    pub name: String,
    /// Lower case letters, digits and `_`.
    pub code: String,
}

named! {
    /// Whether a helpline can take people now.
    Availability {
        Available = "available", "Available";
        /// It can be reached, but people wait.
        Limited = "limited", "Limited";
        Unavailable = "unavailable", "Unavailable";
    }
}

named! {
    /// A day of the week.
    Weekday {
        Monday = "monday", "Monday";
        Tuesday = "tuesday", "Tuesday";
        Wednesday = "wednesday", "Wednesday";
        Thursday = "thursday", "Thursday";
        Friday = "friday", "Friday";
        Saturday = "saturday", "Saturday";
        Sunday = "sunday", "Sunday";
    }
}

/// A span of a day in which a helpline is open, in its own time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPeriod {
    pub day: Weekday,
    /// `HH:MM`
    pub open: String,
    /// `HH:MM`; `24:00` is midnight at the day's end.
    pub close: String,
}

/// When a helpline is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hours {
    pub always_open: bool,
    pub periods: Vec<OpenPeriod>,
}

/// A helpline, in the form that the API answers and the import reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Helpline {
    /// The id that events must carry.
    pub id: HelplineId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    pub country: Country,
    /// IANA name.
    pub timezone: String,
    #[serde(default)]
    pub topics: Vec<Topic>,
    /// BCP 47 tags.
    #[serde(default, rename = "supported_languages", alias = "supportedLanguages")]
    pub supported_languages: Vec<String>,
    /// Groups of people that the helpline is for.
    #[serde(default)]
    pub specialties: Vec<String>,
    /// Kinds of help, such as `listening`.
    #[serde(default)]
    pub support_types: Vec<String>,
    #[serde(default)]
    pub hours: Hours,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_chat_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp_url: Option<String>,
    /// A priority helpline is listed before the others of its country.
    #[serde(default)]
    pub priority: bool,
    #[serde(default = "available")]
    pub availability: Availability,
}

const fn available() -> Availability {
    Availability::Available
}

impl Helpline {
    /// Checks and tidies a helpline before it is stored.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(mut self) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let f = &mut faults;
        self.name = text::name("name", &self.name, f);
        self.description = text::optional("description", self.description.as_deref(), text::TEXT_CHARS_MAX, f);
        self.website = text::optional_url("website", self.website.as_deref(), f);
        self.web_chat_url = text::optional_url("webChatUrl", self.web_chat_url.as_deref(), f);
        self.whatsapp_url = text::optional_url("whatsappUrl", self.whatsapp_url.as_deref(), f);
        self.phone_number = text::optional("phoneNumber", self.phone_number.as_deref(), 40, f);
        self.sms_number = text::optional("smsNumber", self.sms_number.as_deref(), 40, f);
        self.country.name = text::name("country.name", &self.country.name, f);
        let emergency = self.country.emergency_number.as_deref();
        self.country.emergency_number = text::optional("country.emergencyNumber", emergency, 40, f);
        if self.timezone.parse::<crate::Zone>().is_err() {
            f.add("timezone", FaultCode::TimeZoneUnknown, "No IANA time zone has this name.");
        }
        check_list("supported_languages", &mut self.supported_languages, f);
        check_list("specialties", &mut self.specialties, f);
        check_list("supportTypes", &mut self.support_types, f);
        check_topics(&mut self.topics, f);
        check_hours(&self.hours, f);
        faults.or(self)
    }

    /// Whether people can contact the helpline in this way.
    #[must_use]
    pub const fn offers(&self, method: ContactMethod) -> bool {
        match method {
            ContactMethod::Phone | ContactMethod::Tty => self.phone_number.is_some(),
            ContactMethod::Sms => self.sms_number.is_some(),
            ContactMethod::OnlineChat => self.web_chat_url.is_some(),
            ContactMethod::Website | ContactMethod::ReportingForm => self.website.is_some(),
            ContactMethod::Whatsapp => self.whatsapp_url.is_some(),
        }
    }
}

fn check_list(field: &str, list: &mut Vec<String>, faults: &mut Faults) {
    if list.len() > LIST_MAX {
        faults.add(field, FaultCode::FieldTooLong, format!("At most {LIST_MAX} entries."));
        list.truncate(LIST_MAX);
    }
    for entry in list {
        *entry = text::name(field, entry, faults);
    }
}

fn check_topics(topics: &mut Vec<Topic>, faults: &mut Faults) {
    if topics.len() > LIST_MAX {
        faults.add("topics", FaultCode::FieldTooLong, format!("At most {LIST_MAX} entries."));
        topics.truncate(LIST_MAX);
    }
    for topic in topics {
        topic.name = text::name("topics.name", &topic.name, faults);
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if topic.code.is_empty() || topic.code.len() > 60 || !topic.code.bytes().all(plain) {
            let detail = "A code is 1 to 60 lower case letters, digits, hyphens or underscores.";
            faults.add("topics.code", FaultCode::FieldInvalid, detail);
        }
    }
}

fn check_hours(hours: &Hours, faults: &mut Faults) {
    if hours.periods.len() > PERIODS_MAX {
        faults.add("hours.periods", FaultCode::FieldTooLong, format!("At most {PERIODS_MAX} periods."));
    }
    for period in &hours.periods {
        let (open, close) = (minutes(&period.open), minutes(&period.close));
        if open.is_none() || close.is_none() {
            faults.add("hours.periods", FaultCode::FieldInvalid, "Times are HH:MM, from 00:00 to 24:00.");
        } else if open == close {
            faults.add("hours.periods", FaultCode::FieldInvalid, "A period must not open and close at the same time.");
        }
    }
}

/// `HH:MM` in minutes of the day, up to `24:00`.
fn minutes(clock: &str) -> Option<u16> {
    let (hours, minutes) = clock.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 || !clock.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let of_day = hours * 60 + minutes;
    (minutes < 60 && of_day <= 24 * 60).then_some(of_day)
}

/// What a call of the catalogue asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelplineFilter {
    pub country: CountryCode,
    /// Name or code, either case.
    pub topic: Option<String>,
    pub specialty: Option<String>,
    pub contact_method: Option<ContactMethod>,
    pub priority_only: bool,
    /// 1 to [`LIMIT_MAX`].
    pub limit: usize,
}

/// How many helplines are answered unless asked otherwise.
pub const LIMIT_DEFAULT: usize = 20;
/// How many helplines can be asked for.
pub const LIMIT_MAX: usize = 100;

impl HelplineFilter {
    /// Whether a helpline is asked for.
    #[must_use]
    pub fn matches(&self, helpline: &Helpline) -> bool {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let topic = |wanted: &str| helpline.topics.iter().any(|t| same(&t.name, wanted) || same(&t.code, wanted));
        let specialty = |wanted: &str| helpline.specialties.iter().any(|s| same(s, wanted));
        helpline.country.code == self.country
            && self.topic.as_deref().is_none_or(topic)
            && self.specialty.as_deref().is_none_or(specialty)
            && self.contact_method.is_none_or(|method| helpline.offers(method))
            && (!self.priority_only || helpline.priority)
    }
}
