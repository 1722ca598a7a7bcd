//! Customers, applications, users, and what each may do.

use crate::fault::{FaultCode, Faults};
use crate::ids::{ApplicationId, CustomerId, SecretId, UserId};
use crate::report::form::SUPPRESS_BELOW_RANGE;
use crate::retention::{MONTHS_MAX, MONTHS_MIN};
use crate::text;
use crate::timestamp::Timestamp;
use crate::zone::Zone;
use serde::{Deserialize, Serialize};

/// Shortest and longest password, in characters. Length is all that is asked for (NIST SP 800-63B).
pub const PASSWORD_CHARS_MIN: usize = 12;
/// See [`PASSWORD_CHARS_MIN`]; long enough for passphrases, short enough to hash.
pub const PASSWORD_CHARS_MAX: usize = 128;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }
        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// The name in the API, on the command line and in the store.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
            /// The name for people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
            /// The value of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}
pub(crate) use named;

named! {
    /// What a person may do. The first two belong to one customer, the others to the installation.
    Role {
        /// Reads the figures of one customer.
        Viewer = "viewer", "Viewer";
        /// Also manages the applications and colleagues of that customer.
        CustomerAdmin = "customer_admin", "Customer admin";
        /// Reads everything of all customers, changes nothing.
        Auditor = "auditor", "Auditor";
        /// Runs the installation.
        Operator = "operator", "Operator";
    }
}

named! {
    /// Whether an application's events are billed and reported.
    Tier {
        /// Billed and reported.
        Production = "production", "Production";
        /// For trying out: shown in the sandbox view and nowhere else.
        Sandbox = "sandbox", "Sandbox";
    }
}

impl Role {
    /// Whether the role belongs to one customer.
    #[must_use]
    pub const fn is_of_customer(self) -> bool {
        matches!(self, Self::Viewer | Self::CustomerAdmin)
    }
    /// Whether the role may read what was done, and by whom.
    #[must_use]
    pub const fn reads_audit_log(self) -> bool {
        !matches!(self, Self::Viewer)
    }
    /// Whether the role may create and revoke applications.
    #[must_use]
    pub const fn manages_applications(self) -> bool {
        matches!(self, Self::CustomerAdmin | Self::Operator)
    }
}

/// Limits that an operator can set for one customer; `None` is the installation's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerLimits {
    /// Catalogue calls in the rolling day.
    pub catalogue_quota_per_day: Option<u32>,
    /// Events a second, per application.
    pub event_burst_per_second: Option<u32>,
    /// Months that raw events are kept for, besides the present one.
    pub event_retention_months: Option<u32>,
    /// Counts from 1 up to, not including, this are suppressed in reports with tables.
    pub suppress_below: Option<u32>,
}

/// Who is billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    pub name: String,
    pub time_zone: Zone,
    pub limits: CustomerLimits,
    pub created_at: Timestamp,
}

/// What is needed to create or change a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerForm {
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    pub limits: CustomerLimits,
}

/// A checked [`CustomerForm`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    pub name: String,
    pub time_zone: Zone,
    pub limits: CustomerLimits,
}

impl CustomerForm {
    /// Checks the form.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(&self) -> Result<NewCustomer, Faults> {
        let mut faults = Faults::default();
        let name = text::name("name", &self.name, &mut faults);
        let time_zone = self.time_zone.trim().parse().unwrap_or_else(|_| {
            faults.add(
                "time_zone",
                FaultCode::TimeZoneUnknown,
                "No IANA time zone has this name, such as Europe/Paris.",
            );
            Zone::UTC
        });
        if self.limits.event_burst_per_second == Some(0) {
            faults.add("event_burst_per_second", FaultCode::FieldInvalid, "At least 1.");
        }
        if self.limits.event_retention_months.is_some_and(|months| !(MONTHS_MIN..=MONTHS_MAX).contains(&months)) {
            let range = format!("At least {MONTHS_MIN} and at most {MONTHS_MAX} months.");
            faults.add("event_retention_months", FaultCode::FieldInvalid, range);
        }
        if self.limits.suppress_below.is_some_and(|k| !SUPPRESS_BELOW_RANGE.contains(&k)) {
            let (least, most) = (SUPPRESS_BELOW_RANGE.start(), SUPPRESS_BELOW_RANGE.end());
            faults.add("suppress_below", FaultCode::FieldInvalid, format!("At least {least} and at most {most}."));
        }
        faults.or(NewCustomer { name, time_zone, limits: self.limits })
    }
}

/// A set of credentials of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub id: ApplicationId,
    pub customer_id: CustomerId,
    pub name: String,
    pub tier: Tier,
    /// The public half of the credentials.
    pub client_id: String,
    /// The valid secrets (never their texts), newest first; none once revoked.
    pub secrets: Vec<Secret>,
    pub created_at: Timestamp,
    /// When all of its credentials were revoked.
    pub revoked_at: Option<Timestamp>,
    /// Since when it is suspended: its secrets stay, but it gets no token and its tokens are refused.
    pub suspended_at: Option<Timestamp>,
}

/// A secret of an application, of which only a hash is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub id: SecretId,
    /// The last four characters, to tell two secrets apart.
    pub hint: String,
    pub created_at: Timestamp,
}

/// At most this many secrets of an application are valid at once.
pub const SECRETS_MAX: usize = 2;

/// What is needed to create an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationForm {
    pub name: String,
    pub tier: Tier,
}

impl ApplicationForm {
    /// Checks the form.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(&self) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let name = text::name("name", &self.name, &mut faults);
        faults.or(Self { name, tier: self.tier })
    }
}

/// Credentials as they are shown, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCredentials {
    pub application: Application,
    /// The secret in the clear: never stored.
    pub client_secret: String,
}

/// A person who logs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Of customer roles: whose figures the person sees.
    pub customer_id: Option<CustomerId>,
    pub created_at: Timestamp,
    /// A disabled user cannot log in.
    pub disabled_at: Option<Timestamp>,
}

/// What is needed to create or change a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserForm {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub customer_id: Option<CustomerId>,
    /// Required for a new user; `None` keeps that of an existing one.
    pub password: Option<String>,
}

impl UserForm {
    /// Checks the form; `is_new` asks for a password.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(&self, is_new: bool) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let email = text::email("email", &self.email, &mut faults);
        let name = text::optional("name", Some(&self.name), text::NAME_CHARS_MAX, &mut faults).unwrap_or_default();
        match (self.role.is_of_customer(), self.customer_id) {
            (true, None) => {
                faults.add("customer_id", FaultCode::FieldMissing, "This role belongs to a customer: choose one.");
            }
            (false, Some(_)) => {
                faults.add("customer_id", FaultCode::FieldInvalid, "This role belongs to no customer.");
            }
            _ => {}
        }
        let password = self.password.clone().filter(|password| !password.is_empty());
        match password.as_deref().map(|password| password.chars().count()) {
            None if is_new => faults.add("password", FaultCode::FieldMissing, "Enter a password."),
            Some(..PASSWORD_CHARS_MIN) => {
                faults.add("password", FaultCode::FieldInvalid, format!("At least {PASSWORD_CHARS_MIN} characters."));
            }
            Some(chars) if chars > PASSWORD_CHARS_MAX => {
                faults.add("password", FaultCode::FieldTooLong, format!("At most {PASSWORD_CHARS_MAX} characters."));
            }
            _ => {}
        }
        faults.or(Self { email, name, role: self.role, customer_id: self.customer_id, password })
    }
}
