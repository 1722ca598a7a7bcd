//! Metering: from the events of a session to counts.
//!
//! Every figure is a function of the *set* of accepted events. The rules of *Counting* fall into two groups, and each
//! has a small state that is enough to apply it:
//!
//! - [`timeline`]: repeats, attribution and notifications look at most 24 hours to either side of an event, so the
//!   events of the days around it decide.
//! - [`month`]: unique displays, reach and conversions look at one calendar month of a session, of which the first
//!   display and the methods of attributed clicks per helpline are enough.
//!
//! A change of a session's events is counted by measuring the state before with −1 and the state after with +1 into
//! one [`Tally`]: what cancels out was not touched, what remains is what the count tables must take in.

pub mod month;
pub mod tally;
pub mod timeline;

pub use month::MonthState;
pub use tally::{Cell, Grain, Tally};
pub use timeline::Entry;

use crate::helpline::CountryCode;
use crate::ids::HelplineNo;

/// Repeat filter: of a burst with steps up to this, in milliseconds, the last is kept (COUNTER 5.1 section 7).
pub const REPEAT_MS: i64 = 30_000;
/// A click is attributed to a display at most this long before it, in milliseconds.
pub const ATTRIBUTION_MS: i64 = 24 * 3_600_000;
/// Displays that follow each other within this, in milliseconds, are one notification.
pub const NOTIFICATION_MS: i64 = 10_000;

/// Looks up the country of a helpline, which cannot change once the helpline has events.
pub trait Countries {
    /// The country of a helpline that has events.
    fn country(&self, helpline: HelplineNo) -> CountryCode;
}

impl<F: Fn(HelplineNo) -> CountryCode> Countries for F {
    fn country(&self, helpline: HelplineNo) -> CountryCode {
        self(helpline)
    }
}
