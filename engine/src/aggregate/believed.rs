//! How far a process believes the clock where something would be lost for ever.

use domain::Timestamp;
use domain::retention::{believed, is_set};
use domain::timestamp::MINUTE_MS;
use std::time::Duration;
use tokio::time::Instant;

/// What was believed last, and since when this process knows that.
#[derive(Debug, Default)]
pub(super) struct Believed(Option<(Timestamp, Instant)>);

impl Believed {
    /// What time it is, by a clock that shows `now`, where `seen` is stored; see [`believed`].
    pub fn time(&mut self, now: Timestamp, seen: Option<Timestamp>, at: Instant) -> Timestamp {
        // What another process has stored since is gone on from anew.
        if self.0.map(|(known, _)| known) != seen {
            self.0 = seen.map(|seen| (seen, at));
        }
        believed(now, seen, self.0.map_or(Duration::ZERO, |(_, since)| at - since))
    }

    /// Whether a time is to be stored that differs from what is. Earlier ones as well: then the clock was ahead.
    pub fn is_news(now: Timestamp, seen: Option<Timestamp>, time: Timestamp) -> bool {
        is_set(now) && seen.is_none_or(|seen| (time.millis() - seen.millis()).abs() >= MINUTE_MS)
    }

    /// Notes that a time was stored.
    pub fn stored(&mut self, time: Timestamp, at: Instant) {
        self.0 = Some((time, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::timestamp::{DAY_MS, HOUR_MS};

    #[test]
    fn what_has_passed_counts_from_what_was_stored() {
        let (mut process, began) = (Believed::default(), Instant::now());
        let at = |hours: u64| began + Duration::from_secs(hours * 3_600);
        let day = Timestamp::parse_rfc3339("2026-11-24T12:00:00Z").unwrap();
        let leapt = day.plus(10_000 * DAY_MS);
        // It knows nothing but what is stored.
        assert_eq!(process.time(leapt, Some(day), at(0)), day);
        // Looked at again and again, as while much is given up: nothing is stored, and time passes nevertheless.
        assert_eq!(process.time(leapt, Some(day), at(1)), day.plus(12 * HOUR_MS));
        let later = process.time(leapt, Some(day), at(2));
        assert_eq!(later, day.plus(DAY_MS));
        assert!(Believed::is_news(leapt, Some(day), later));
        process.stored(later, at(2));
        assert_eq!(process.time(leapt, Some(later), at(2)), later, "no hour counts twice");
        // Another process went on meanwhile.
        let others = later.plus(HOUR_MS);
        assert_eq!(process.time(leapt, Some(others), at(5)), others);
        // The clock is set right.
        assert_eq!(process.time(day, Some(others), at(6)), day);
        assert!(Believed::is_news(day, Some(others), day));
        // One that has not been set is nothing to go on from.
        let unset = Timestamp::from_millis(0);
        assert_eq!(process.time(unset, Some(others), at(6)), unset);
        assert!(!Believed::is_news(unset, Some(others), unset) && !Believed::is_news(unset, None, unset));
    }
}
