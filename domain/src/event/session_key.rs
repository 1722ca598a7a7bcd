//! The key of a session, in place of its id.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// HMAC-SHA-256 of a session id under a secret of the customer, cut to 128 bits. Not printable on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionKey(pub [u8; 16]);

impl SessionKey {
    /// All of it as one number, the first byte highest: keys are in the order of their numbers.
    #[must_use]
    pub const fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl Ord for SessionKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // That of the bytes as well, but two instructions instead of a call: sessions are sorted by the million.
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for SessionKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}
