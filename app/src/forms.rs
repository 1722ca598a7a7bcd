//! What browser and server exchange: forms as they are entered, of which nothing is checked yet, and who is signed in.

use domain::account::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of a new application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationInput {
    pub name: String,
    pub tier: String,
}

/// The form of a customer, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomerInput {
    pub name: String,
    pub time_zone: String,
    pub catalogue_quota_per_day: String,
    pub event_burst_per_second: String,
    pub event_retention_months: String,
    pub suppress_below: String,
    /// Confirms that raw events before this instant are given up, if the retention asks for it.
    pub gives_up_before: String,
}

/// The form of a user, as entered.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInput {
    pub email: String,
    pub name: String,
    pub role: String,
    pub customer: String,
    /// Empty keeps that of an existing user. Never sent to a page nor kept as a draft.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
}

impl std::fmt::Debug for UserInput {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserInput").field("email", &self.email).field("role", &self.role).finish_non_exhaustive()
    }
}

/// The form of a helpline, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelplineInput {
    pub id: String,
    pub name: String,
    pub description: String,
    pub website: String,
    pub country_code: String,
    pub country_name: String,
    pub emergency_number: String,
    pub timezone: String,
    /// A line each: `Name` or `Name | code`.
    pub topics: String,
    /// Separated by commas.
    pub languages: String,
    /// Separated by commas.
    pub specialties: String,
    /// Separated by commas.
    pub support_types: String,
    pub always_open: bool,
    /// Spans of each day, such as `09:00–17:00, 18:00–24:00`.
    pub monday: String,
    pub tuesday: String,
    pub wednesday: String,
    pub thursday: String,
    pub friday: String,
    pub saturday: String,
    pub sunday: String,
    pub phone_number: String,
    pub sms_number: String,
    pub web_chat_url: String,
    pub whatsapp_url: String,
    pub priority: bool,
    pub availability: String,
}

/// The form of a rate card's version, as entered. Every number is text: none is rounded before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RateCardInput {
    /// Of a new card.
    pub name: String,
    pub effective_from: String,
    pub currency: String,
    pub figure: String,
    pub included: String,
    pub base_fee: String,
    pub minimum: String,
    pub tiers: Vec<TierInput>,
    /// Whose last months it is tried out on.
    pub tried_on: String,
}

/// A tier of the form of a rate card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TierInput {
    pub up_to: String,
    pub unit_price: String,
}

/// Who gets which rate card, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssignmentInput {
    pub customer: String,
    /// Empty: none from then on.
    pub card: String,
    pub from: String,
}

/// The form of an alert, as entered: it has the fields of every kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertInput {
    pub name: String,
    pub kind: String,
    pub amount: String,
    pub quantity: String,
    pub included_percent: String,
    pub hours: String,
    pub rejected_percent: String,
    pub events_min: String,
    pub emails: String,
    pub webhook: String,
}

/// The form of a report, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportInput {
    pub period: String,
    /// Names of the chosen figures.
    pub figures: Vec<String>,
    /// Names of the chosen tables.
    pub tables: Vec<String>,
    /// By their keys.
    pub texts: BTreeMap<String, String>,
    pub reason: String,
}

/// The form of an export as it was entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportInput {
    pub kind: String,
    pub format: String,
    pub bom: bool,
    /// First and last day.
    pub from: String,
    pub last: String,
    pub tier: String,
    pub application_id: String,
    pub helpline_id: String,
    pub country_code: String,
    pub contact_method: String,
}

/// A customer whose statement can be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub customer: String,
    pub name: String,
}

/// The form of an access link, as entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessLinkInput {
    pub name: String,
    pub days: String,
}

/// Whoever is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub name: String,
    /// Empty of whoever came by an access link.
    pub email: String,
    pub role: Role,
    /// The customer that the person belongs to; operators and auditors belong to none.
    pub customer: Option<String>,
    /// Of whoever came by an access link: until when it is valid.
    pub link_until: Option<String>,
}

#[cfg(feature = "ssr")]
impl ReportInput {
    /// The form as the rules read it.
    #[must_use]
    pub fn form(&self, template: &str) -> domain::report::ReportForm {
        domain::report::ReportForm {
            template: template.to_owned(),
            period: self.period.clone(),
            figures: self.figures.clone(),
            tables: self.tables.clone(),
            texts: self.texts.clone(),
            reason: self.reason.clone(),
        }
    }
}

#[cfg(feature = "ssr")]
impl AccessLinkInput {
    /// The form as the rules read it. What is no number of days is none that is allowed.
    #[must_use]
    pub fn form(&self) -> domain::access_link::AccessLinkForm {
        domain::access_link::AccessLinkForm { name: self.name.clone(), days: self.days.trim().parse().unwrap_or(0) }
    }
}
