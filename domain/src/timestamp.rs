//! Instants in unix milliseconds, and the RFC 3339 form that partners send.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds in a second, minute, hour and day.
pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// The text is no RFC 3339 date-time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date-time with an offset or Z")]
pub struct TimestampInvalid;

impl Timestamp {
    /// An instant from unix milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Unix milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The instant `millis` later (earlier if negative).
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The UTC day, in days since 1970-01-01.
    #[must_use]
    pub const fn utc_day(self) -> i32 {
        self.0.div_euclid(DAY_MS) as i32
    }

    /// The instant as chrono knows it; instants outside its range become its epoch (none that a parser lets in are).
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// Parses RFC 3339: `Z` or an offset is required, fractions beyond the millisecond are cut off, a leap second is
    /// refused as there is no unix millisecond for it.
    ///
    /// # Errors
    /// [`TimestampInvalid`] for any other text.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimestampInvalid> {
        parse(text.as_bytes()).map(Self).ok_or(TimestampInvalid)
    }
}

/// The decimal number in `bytes`, all of which must be digits.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

fn parse(text: &[u8]) -> Option<i64> {
    let (clock, rest) = text.split_at_checked(19)?;
    let separators = clock[4] == b'-' && clock[7] == b'-' && clock[13] == b':' && clock[16] == b':';
    if !separators || !matches!(clock[10], b'T' | b't' | b' ') {
        return None;
    }
    let year = number(&clock[0..4]).filter(|year| *year >= 1)?;
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&clock[5..7])?, number(&clock[8..10])?)?;
    let local = day.and_hms_opt(number(&clock[11..13])?, number(&clock[14..16])?, number(&clock[17..19])?)?;
    let (fraction_ms, offset) = fraction(rest)?;
    Some((local.and_utc().timestamp() - offset_seconds(offset)?) * SECOND_MS + fraction_ms)
}

/// Splits `.123456+02:00` into milliseconds (cut off) and the offset.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let millis = (0..3).fold(0, |sum, i| {
        let digit = if i < count { i64::from(digits[i] - b'0') } else { 0 };
        sum * 10 + digit
    });
    Some((millis, &digits[count..]))
}

fn offset_seconds(offset: &[u8]) -> Option<i64> {
    match offset {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_offsets_and_cuts_fractions() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00z", 0),
            ("1970-01-01 00:00:00.1Z", 100),
            ("1970-01-01T00:00:00.0019999Z", 1),
            ("1970-01-01T05:45:00.5+05:45", 500),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2024-02-29T12:00:00-08:00", 1_709_236_800_000),
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), Ok(Timestamp(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "now",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-45T99:00:00Z",
            "0000-01-01T00:00:00Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+05:99",
            "2026-01-01T00:00:00+0200",
            "2026-01-01T00:00:00Z ",
            "２026-01-01T00:00:00Z",
            "1735689600000",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), Err(TimestampInvalid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(millis in -60_000_000_000_000_i64..200_000_000_000_000) {
            let at = Timestamp(millis);
            prop_assert_eq!(Timestamp::parse_rfc3339(&at.to_string()), Ok(at));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = Timestamp::parse_rfc3339(&text);
        }
    }
}
