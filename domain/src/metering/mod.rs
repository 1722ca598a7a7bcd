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
//! Hundreds of thousands of sessions a second are measured so, most with an event or two: what is put together of one
//! is put where that of the last one was, and no memory is asked for.
//!
//! [`measure`] counts all events of a session at once. A change of them is counted by measuring the events before with
//! −1 and those after with +1 into one [`Tally`]: what cancels out was not touched, what remains is what the count
//! tables must take in. It is exact as soon as every event within [`NEIGHBOURHOOD_MS`] of the new ones takes part.

pub mod month;
pub mod tally;
pub mod timeline;

pub use tally::{Cell, Counter, Grain, Tally};
pub use timeline::Entry;

use crate::helpline::CountryCode;
use crate::ids::HelplineNo;
use crate::timestamp::DAY_MS;

/// The version of the rules in this module: it changes whenever the same events would come to other figures, or what figures
/// mean is said in other words.
pub const RULES_VERSION: u32 = 1;

/// Repeat filter: of a burst with steps up to this, in milliseconds, the last is kept (COUNTER 5.1 section 7).
pub const REPEAT_MS: i64 = 30_000;
/// A click is attributed to a display at most this long before it, in milliseconds.
pub const ATTRIBUTION_MS: i64 = 24 * 3_600_000;
/// Displays that follow each other within this, in milliseconds, are one notification.
pub const NOTIFICATION_MS: i64 = 10_000;

/// How far from an event, in milliseconds, the events lie that its session's figures depend on besides it: in its
/// calendar month, in the one before if a click of its first day converts a display there, and a day to either side.
pub const NEIGHBOURHOOD_MS: i64 = 33 * DAY_MS;

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

/// Counts all events of one session of an application. `sorted` must be sorted and hold each event once.
pub fn measure(sorted: &[Entry], countries: &impl Countries, counter: &mut Counter<'_>) {
    timeline::measure(sorted, counter);
    month::measure(sorted, countries, counter);
}

#[cfg(test)]
mod tests;
