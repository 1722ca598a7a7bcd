//! How long raw events are kept. Figures are kept for ever.
//!
//! Whole months of UTC are given up at a time, so that where events are stored by month a month is dropped and no row is
//! looked for. What is given up is never needed again: not by an event that may still be accepted, nor by its session's.

use crate::metering::{ATTRIBUTION_MS, Cell, Grain, NEIGHBOURHOOD_MS};
use crate::timestamp::Timestamp;
use crate::zone::{Month, Zone};
use std::time::Duration;

/// Months that raw events are kept for, besides the present one, unless an operator says otherwise.
pub const MONTHS_DEFAULT: u32 = 13;
/// Fewest months, besides the present one.
pub const MONTHS_MIN: u32 = 3;
/// Most months, besides the present one: a hundred years.
pub const MONTHS_MAX: u32 = 1_200;

/// The first instant whose events are kept, if `months` are, besides the present one. Events are accepted from
/// `accepted_from` on: whatever may change with them is kept as well.
#[must_use]
pub fn kept_from(now: Timestamp, accepted_from: Timestamp, months: u32) -> Timestamp {
    let month = |at: Timestamp| Zone::UTC.day(at).month();
    let months = i32::try_from(months.clamp(MONTHS_MIN, MONTHS_MAX)).unwrap_or(i32::MAX);
    let needed = month(accepted_from.plus(-NEIGHBOURHOOD_MS));
    Zone::UTC.day_start(month(now).plus(-months).min(needed).first_day())
}

/// How much faster than time passes the clock may go and still be believed, see [`believed`].
const BELIEVED_TIMES: i64 = 12;
/// 2026-11-01: a clock that shows less has not been set.
const EARLIEST: Timestamp = Timestamp::from_millis(1_793_491_200_000);

/// The time by which raw events are given up, of which there is no other copy: `now`, but of a clock that has leapt ahead only
/// some times as much as has passed for certain. `seen` is what was believed last, `passed` how long this process has run
/// since. After months in which nothing ran it is late for days; a day with a wrong clock costs days of the oldest events.
#[must_use]
pub fn believed(now: Timestamp, seen: Option<Timestamp>, passed: Duration) -> Timestamp {
    let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    seen.map_or(now, |seen| now.min(seen.plus(passed_ms.saturating_mul(BELIEVED_TIMES))))
}

/// Whether a clock that shows this has been set at all: what shows less is no time to go on from.
#[must_use]
pub fn is_set(now: Timestamp) -> bool {
    now >= EARLIEST
}

/// The age up to which events are accepted, in milliseconds, where raw events before `kept_from` have been given up: whether
/// one of before is new cannot be told any more, nor what follows from it. It is `age_max_ms` unless events were accepted for
/// a shorter time when they were given up.
///
/// (Of an instant that events can hardly have been given up at, the clock must have been wrong: that is no reason to accept
/// none.)
#[must_use]
pub fn age_accepted(now: Timestamp, age_max_ms: i64, kept_from: Option<Timestamp>) -> i64 {
    let known = kept_from.map(|from| now.millis().saturating_sub(from.plus(NEIGHBOURHOOD_MS).millis()));
    known.filter(|known| *known >= 0).map_or(age_max_ms, |known| age_max_ms.min(known))
}

/// The first month of a zone whose figures can be counted again from the events since `kept_from`: its first clicks may
/// follow displays of the day before.
#[must_use]
pub fn first_countable(kept_from: Timestamp, zone: Zone) -> Month {
    let mut month = zone.day(kept_from).month();
    while zone.day_start(month.first_day()) < kept_from.plus(ATTRIBUTION_MS) {
        month = month.plus(1);
    }
    month
}

/// Whether the figures of a month of a zone can be counted again, where raw events before `kept_from` have been given up.
#[must_use]
pub fn is_countable(month: Month, kept_from: Option<Timestamp>, zone: Zone) -> bool {
    kept_from.is_none_or(|from| month >= first_countable(from, zone))
}

/// Whether a cell lies in `month` of its customer's zone or later.
#[must_use]
pub fn is_since(cell: &Cell, month: Month, zone: Zone) -> bool {
    let first = match cell.grain {
        Grain::Hour => zone.day_start(month.first_day()).millis(),
        Grain::Day => i64::from(month.first_day().0),
        Grain::Month => i64::from(month.0),
    };
    cell.bucket >= first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Scope;
    use crate::timestamp::DAY_MS;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn whole_months_are_kept_and_what_may_still_change() {
        let now = at("2026-11-24T12:00:00Z");
        let usual = now.plus(-35 * DAY_MS);
        for (months, accepted_from, expected) in [
            (13, usual, "2025-10-01T00:00:00Z"),
            (3, usual, "2026-08-01T00:00:00Z"),
            // Fewer than the fewest, more than the most.
            (0, usual, "2026-08-01T00:00:00Z"),
            (u32::MAX, usual, "1926-11-01T00:00:00Z"),
            // Events of a year ago are accepted, and their sessions' of a month before count.
            (3, now.plus(-365 * DAY_MS), "2025-10-01T00:00:00Z"),
        ] {
            assert_eq!(kept_from(now, accepted_from, months), at(expected), "{months}");
        }
    }

    #[test]
    fn a_clock_that_leaps_ahead_is_believed_bit_by_bit() {
        let seen = at("2026-11-24T12:00:00Z");
        let hour = Duration::from_secs(3_600);
        for (now, passed, expected) in [
            ("2026-11-24T13:00:00Z", hour, "2026-11-24T13:00:00Z"),
            // Behind for a moment, as after a restart, and wrong.
            ("2026-11-24T11:00:00Z", hour, "2026-11-24T11:00:00Z"),
            ("2026-11-24T12:30:00Z", Duration::ZERO, "2026-11-24T12:00:00Z"),
            ("2099-01-01T00:00:00Z", Duration::ZERO, "2026-11-24T12:00:00Z"),
            ("2099-01-01T00:00:00Z", hour, "2026-11-25T00:00:00Z"),
        ] {
            assert_eq!(believed(at(now), Some(seen), passed), at(expected), "{now}");
        }
        assert_eq!(believed(at("2099-01-01T00:00:00Z"), None, hour), at("2099-01-01T00:00:00Z"), "there is no other");
        assert_eq!(believed(seen, Some(seen), Duration::MAX), seen);
        assert!(is_set(at("2026-11-01T00:00:00Z")) && !is_set(at("2026-10-31T23:59:59Z")));
    }

    #[test]
    fn no_event_is_accepted_whose_neighbours_were_given_up() {
        let now = at("2026-11-24T12:00:00Z");
        let usual = 35 * DAY_MS;
        for (age_max_ms, kept_from, expected) in [
            (usual, None, usual),
            (usual, Some("2026-08-01T00:00:00Z"), usual),
            // Events of half a year ago are accepted only since.
            (180 * DAY_MS, Some("2026-08-01T12:00:00Z"), (115 - 33) * DAY_MS),
            (180 * DAY_MS, Some("2025-10-01T00:00:00Z"), 180 * DAY_MS),
            // The clock was wrong.
            (usual, Some("2026-11-01T00:00:00Z"), usual),
            (usual, Some("2028-01-01T00:00:00Z"), usual),
        ] {
            assert_eq!(age_accepted(now, age_max_ms, kept_from.map(at)), expected, "{kept_from:?}");
        }
    }

    #[test]
    fn the_first_countable_month_has_a_day_of_events_before_it() {
        for (kept_from, zone, expected) in [
            ("2025-10-01T00:00:00Z", "UTC", "2025-11"),
            ("2025-10-01T00:00:00Z", "Asia/Tokyo", "2025-11"),
            // October begins here eleven hours after what is kept.
            ("2025-10-01T00:00:00Z", "Pacific/Niue", "2025-11"),
            ("2025-09-30T00:00:00Z", "UTC", "2025-10"),
        ] {
            let (kept_from, zone): (_, Zone) = (at(kept_from), zone.parse().unwrap());
            let first = first_countable(kept_from, zone);
            assert_eq!(first.to_string(), expected, "{zone}");
            assert!(is_countable(first, Some(kept_from), zone) && !is_countable(first.plus(-1), Some(kept_from), zone));
            assert!(is_countable(first.plus(-1), None, zone), "nothing has been given up");
        }
    }

    #[test]
    fn cells_of_all_grains_are_told_apart_by_their_month() {
        let zone: Zone = "Asia/Kathmandu".parse().unwrap();
        let month = zone.day(at("2025-11-10T00:00:00Z")).month();
        let start = zone.day_start(month.first_day());
        for (grain, first, last) in [
            (Grain::Hour, start.millis(), start.plus(-1).millis()),
            (Grain::Day, i64::from(month.first_day().0), i64::from(month.first_day().0) - 1),
            (Grain::Month, i64::from(month.0), i64::from(month.0) - 1),
        ] {
            let cell = |bucket| Cell { scope: Scope::Application, grain, bucket, member: 0, method: 0 };
            assert!(is_since(&cell(first), month, zone));
            assert!(!is_since(&cell(last), month, zone));
        }
    }
}
