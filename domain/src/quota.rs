//! The daily quota of catalogue calls: a rolling window that moves on hourly.

use crate::timestamp::{HOUR_MS, SECOND_MS, Timestamp};

/// Hours in the window.
const WINDOW_HOURS: i64 = 24;
/// The window's length in seconds, as `RateLimit-Policy` names it.
pub const WINDOW_SECONDS: i64 = WINDOW_HOURS * 3_600;

/// The hour an instant lies in, in hours since 1970 (UTC).
#[must_use]
pub const fn hour(now: Timestamp) -> i64 {
    now.millis().div_euclid(HOUR_MS)
}

/// The first hour whose calls still count: the next full hour less 24 h. At 17:45 those since 18:00 yesterday count,
/// at 18:00 those since 19:00.
#[must_use]
pub const fn first_counted_hour(now: Timestamp) -> i64 {
    hour(now) + 1 - WINDOW_HOURS
}

/// Where a customer stands in its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Calls allowed in the window.
    pub limit: i64,
    /// Calls that are left.
    pub remaining: i64,
    /// Seconds until calls are given back.
    pub reset_seconds: i64,
    /// Whether this call is within the quota.
    pub allowed: bool,
}

impl Standing {
    /// The standing after a call that was counted as the last of `used`; `oldest` is the first hour with calls.
    #[must_use]
    pub fn new(limit: i64, used: i64, oldest_hour: i64, now: Timestamp) -> Self {
        let given_back = (oldest_hour + WINDOW_HOURS) * HOUR_MS;
        let reset_seconds = (given_back - now.millis() + SECOND_MS - 1).div_euclid(SECOND_MS).max(1);
        Self { limit, remaining: (limit - used).max(0), reset_seconds, allowed: used <= limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_window_moves_on_hourly() {
        for (now, first) in [
            ("2026-11-24T17:45:00Z", "2026-11-23T18:00:00Z"),
            ("2026-11-24T17:59:59.999Z", "2026-11-23T18:00:00Z"),
            ("2026-11-24T18:00:00Z", "2026-11-23T19:00:00Z"),
        ] {
            assert_eq!(first_counted_hour(at(now)) * HOUR_MS, at(first).millis(), "{now}");
        }
    }

    #[test]
    fn calls_come_back_when_their_hour_leaves_the_window() {
        let now = at("2026-11-24T17:45:00Z");
        let standing = Standing::new(1000, 1001, hour(at("2026-11-23T18:00:00Z")), now);
        assert_eq!((standing.allowed, standing.remaining, standing.reset_seconds), (false, 0, 15 * 60));
        let fresh = Standing::new(1000, 1, hour(now), now);
        assert_eq!((fresh.allowed, fresh.remaining, fresh.reset_seconds), (true, 999, 23 * 3600 + 15 * 60));
    }
}
