//! Links with which somebody who has no account, such as an outside auditor, reads for a while and changes nothing.

use crate::account::{Role, named};
use crate::fault::{FaultCode, Faults};
use crate::ids::{AccessLinkId, CustomerId};
use crate::text;
use crate::timestamp::{DAY_MS, Timestamp};
use serde::{Deserialize, Serialize};

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// For how many days a link is valid at least, unless something else is asked for, and at most.
pub const DAYS_MIN: u32 = 1;
/// See [`DAYS_MIN`].
pub const DAYS_USUAL: u32 = 14;
/// See [`DAYS_MIN`].
pub const DAYS_MAX: u32 = 90;
/// Most links to a customer, or to all customers, that are valid at once.
pub const LINKS_MAX: usize = 50;

named! {
    /// Whether a link opens anything.
    LinkStatus {
        Valid = "valid", "Valid";
        Expired = "expired", "Expired";
        /// Ended by somebody, before its time.
        Revoked = "revoked", "Revoked";
    }
}

/// What is needed to make a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLinkForm {
    /// Whom it is for.
    pub name: String,
    /// For how many days it is valid.
    pub days: u32,
}

impl AccessLinkForm {
    /// Checks the form.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(&self) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let name = text::short("name", &self.name, NAME_CHARS_MAX, &mut faults);
        if !(DAYS_MIN..=DAYS_MAX).contains(&self.days) {
            let range = format!("Must be a whole number of days from {DAYS_MIN} to {DAYS_MAX}.");
            faults.add("days", FaultCode::FieldInvalid, range);
        }
        faults.or(Self { name, days: self.days })
    }

    /// When a link that is made now ends.
    #[must_use]
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        now.plus(i64::from(self.days) * DAY_MS)
    }
}

/// Whether there may be one more link besides so many that are valid.
///
/// # Errors
/// A fault that says what to do.
pub fn check_room(valid: usize) -> Result<(), Faults> {
    if valid < LINKS_MAX {
        return Ok(());
    }
    let detail = format!("{LINKS_MAX} links are valid already: revoke one that is no longer needed first.");
    Err(Faults::one("name", FaultCode::FieldInvalid, detail))
}

/// A link, of whose token only a hash is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLink {
    pub id: AccessLinkId,
    /// Whose data it opens; `None` for all customers'.
    pub customer_id: Option<CustomerId>,
    /// Whom it is for.
    pub name: String,
    pub created_at: Timestamp,
    /// An e-mail address or the command line.
    pub created_by: String,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// When it was opened last.
    pub last_used_at: Option<Timestamp>,
}

impl AccessLink {
    /// Whether it opens anything. One that was revoked stays so when its time is over.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> LinkStatus {
        match self.revoked_at {
            Some(_) => LinkStatus::Revoked,
            None if self.expires_at <= now => LinkStatus::Expired,
            None => LinkStatus::Valid,
        }
    }

    /// Whose rights whoever comes by it has. Both roles only read.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self.customer_id {
            Some(_) => Role::Viewer,
            None => Role::Auditor,
        }
    }

    /// What tells it from others of the same name: the end of its id, such as `…3f2a91c0`. The beginning is the time.
    #[must_use]
    pub fn mark(&self) -> String {
        let [.., a, b, c, d] = *self.id.uuid().as_bytes();
        format!("…{:08x}", u32::from_be_bytes([a, b, c, d]))
    }

    /// As whom lists and the audit log name whoever comes by it, such as `link Ada (…3f2a91c0)`.
    #[must_use]
    pub fn acts_as(&self) -> String {
        format!("link {} ({})", self.name, self.mark())
    }
}

/// A link as it is shown, once.
#[derive(Clone)]
pub struct NewAccessLink {
    pub link: AccessLink,
    /// The token in the clear: never stored.
    pub token: String,
}

impl NewAccessLink {
    /// Where it opens, on the site.
    #[must_use]
    pub fn path(&self) -> String {
        path(&self.token)
    }
}

/// Where a token opens, on the site.
#[must_use]
pub fn path(token: &str) -> String {
    format!("/access/{token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(customer_id: Option<CustomerId>, expires_at: i64, revoked_at: Option<i64>) -> AccessLink {
        AccessLink {
            id: AccessLinkId::from_uuid(uuid::Uuid::nil()),
            customer_id,
            name: "Ada of Count & Sons".to_owned(),
            created_at: Timestamp::from_millis(0),
            created_by: "a@example.org".to_owned(),
            expires_at: Timestamp::from_millis(expires_at),
            revoked_at: revoked_at.map(Timestamp::from_millis),
            last_used_at: None,
        }
    }

    #[test]
    fn a_link_is_valid_until_the_instant_at_which_it_ends() {
        for (expires_at, revoked_at, now, status) in [
            (100, None, 0, LinkStatus::Valid),
            (100, None, 99, LinkStatus::Valid),
            (100, None, 100, LinkStatus::Expired),
            (100, None, 101, LinkStatus::Expired),
            (100, Some(50), 50, LinkStatus::Revoked),
            (100, Some(50), 200, LinkStatus::Revoked),
            // By a clock that goes after another's.
            (100, Some(50), 40, LinkStatus::Revoked),
        ] {
            let found = link(None, expires_at, revoked_at).status(Timestamp::from_millis(now));
            assert_eq!(found, status, "{expires_at} {revoked_at:?} at {now}");
        }
    }

    #[test]
    fn whoever_comes_by_a_link_only_reads() {
        let one = link(Some(CustomerId::from_uuid(uuid::Uuid::nil())), 1, None);
        let all = link(None, 1, None);
        assert_eq!((one.role(), all.role()), (Role::Viewer, Role::Auditor));
        assert!(!one.role().manages_applications() && !all.role().manages_applications());
    }

    #[test]
    fn links_of_one_name_are_told_apart() {
        let of = |id: &str| AccessLink { id: id.parse().unwrap(), ..link(None, 1, None) };
        let one = of("019ab4c2-7d1e-7c3a-9f00-2b6403f2a91c");
        assert_eq!(one.acts_as(), "link Ada of Count & Sons (…03f2a91c)");
        assert!(one.id.to_string().ends_with(one.mark().trim_start_matches('…')));
        // Made in the same millisecond.
        assert_ne!(one.acts_as(), of("019ab4c2-7d1e-7c3a-9f00-2b6403f2a91d").acts_as());
        // No name makes a link look like another one.
        let other = AccessLink { name: one.acts_as(), ..of("019ab4c2-7d1e-7c3a-9f00-2b6403f2a91d") };
        assert_ne!(one.acts_as(), other.acts_as());
    }

    #[test]
    fn forms_are_checked() {
        let long = "é".repeat(NAME_CHARS_MAX);
        for (name, days, faulty) in [
            ("Ada", 1, &[][..]),
            ("  Ada  ", 90, &[]),
            (&long, DAYS_USUAL, &[]),
            (&format!("{long}é"), 14, &["name"]),
            ("", 14, &["name"]),
            (" \t", 14, &["name"]),
            ("A\u{0}da", 14, &["name"]),
            ("A\nda", 14, &["name"]),
            ("Ada", 0, &["days"]),
            ("Ada", 91, &["days"]),
            ("", u32::MAX, &["name", "days"]),
        ] {
            let checked = AccessLinkForm { name: name.to_owned(), days }.check();
            let faults: Vec<_> = checked.as_ref().err().into_iter().flat_map(|faults| &faults.0).collect();
            assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), faulty, "{name:?}, {days}");
            assert!(checked.is_err() || checked.is_ok_and(|form| form.name == name.trim()));
        }
    }

    #[test]
    fn it_ends_so_many_days_later() {
        let form = AccessLinkForm { name: "Ada".to_owned(), days: 14 };
        assert_eq!(form.expires_at(Timestamp::from_millis(5)).millis(), 14 * DAY_MS + 5);
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        assert!(check_room(0).is_ok() && check_room(LINKS_MAX - 1).is_ok());
        assert!(check_room(LINKS_MAX).is_err() && check_room(LINKS_MAX + 1).is_err());
    }
}
