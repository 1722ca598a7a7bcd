//! Time zones: where a customer's hours, days and months begin.

use crate::timestamp::{MINUTE_MS, SECOND_MS, Timestamp};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// All offsets in use today are multiples of this, and so are all their changes.
pub(crate) const QUARTER_HOUR_MS: i64 = 15 * MINUTE_MS;

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(chrono_tz::Tz);

/// No IANA time zone has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no IANA time zone of this name")]
pub struct ZoneUnknown;

impl Zone {
    /// The zone of a customer that has not chosen one.
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Every name that can be chosen.
    pub fn names() -> impl Iterator<Item = &'static str> {
        chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
    }

    /// The wall clock at an instant.
    #[must_use]
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        let utc = at.utc().naive_utc();
        utc + self.0.offset_from_utc_datetime(&utc).fix()
    }

    /// The local date of an instant.
    #[must_use]
    pub fn day(self, at: Timestamp) -> Day {
        Day::from_date(self.local(at).date())
    }

    /// The first instant of a local date, midnight unless the clocks skip it.
    #[must_use]
    pub fn day_start(self, day: Day) -> Timestamp {
        let mut local = day.date().and_time(chrono::NaiveTime::MIN);
        loop {
            if let Some(start) = self.0.from_local_datetime(&local).earliest() {
                return Timestamp::from_millis(start.timestamp_millis());
            }
            local += chrono::TimeDelta::milliseconds(QUARTER_HOUR_MS);
        }
    }

    /// The earliest and the latest instant at which the wall clock shows this; `None` if it never does.
    #[must_use]
    pub fn instants(self, local: NaiveDateTime) -> Option<(Timestamp, Timestamp)> {
        let found = self.0.from_local_datetime(&local);
        let at = |instant: chrono::DateTime<chrono_tz::Tz>| Timestamp::from_millis(instant.timestamp_millis());
        found.earliest().map(at).zip(found.latest().map(at))
    }

    /// The start of the local hour an instant lies in, on the same local date. Where the clocks move by half an hour, that
    /// hour is longer.
    #[must_use]
    pub fn hour_start(self, at: Timestamp) -> Timestamp {
        let local = self.local(at);
        // Of another date where the clocks move around midnight: days are sums of hours.
        let is_full =
            |earlier: NaiveDateTime| earlier.minute() == 0 && earlier.second() == 0 && earlier.date() == local.date();
        let seconds = i64::from(local.minute() * 60 + local.second());
        let start = at.plus(-seconds * SECOND_MS - at.millis().rem_euclid(SECOND_MS));
        if is_full(self.local(start)) {
            return start;
        }
        // The clocks moved since, by a part of an hour: by quarters of one, but for the odd local times of long ago.
        let quarter = Timestamp::from_millis(at.millis().div_euclid(QUARTER_HOUR_MS) * QUARTER_HOUR_MS);
        let mut earlier = (0..8).map(|quarters| quarter.plus(-quarters * QUARTER_HOUR_MS));
        let full = earlier.find(|earlier| is_full(self.local(*earlier)));
        full.unwrap_or_else(|| start.max(self.day_start(Day::from_date(local.date()))))
    }
}

impl FromStr for Zone {
    type Err = ZoneUnknown;
    fn from_str(name: &str) -> Result<Self, ZoneUnknown> {
        name.parse().map(Self).map_err(|_| ZoneUnknown)
    }
}

impl TryFrom<String> for Zone {
    type Error = ZoneUnknown;
    fn try_from(name: String) -> Result<Self, ZoneUnknown> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A calendar date, as days since 1970-01-01. Printed and read as `2026-11-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub i32);

/// A calendar month, as months since January 1970. Printed and read as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(pub i32);

/// The text is no calendar date, or no calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a calendar date (YYYY-MM-DD) or month (YYYY-MM)")]
pub struct DateInvalid;

const EPOCH_DAYS_FROM_CE: i32 = 719_163;

impl Day {
    /// The day of a chrono date.
    #[must_use]
    pub fn from_date(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce() - EPOCH_DAYS_FROM_CE)
    }

    /// The chrono date. Days that chrono cannot hold become its smallest date; no parser lets one in.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(EPOCH_DAYS_FROM_CE)).unwrap_or(NaiveDate::MIN)
    }

    /// The month the day lies in.
    #[must_use]
    pub fn month(self) -> Month {
        let date = self.date();
        Month((date.year() - 1970) * 12 + date.month0() as i32)
    }

    /// The Monday on or before the day (ISO 8601 weeks).
    #[must_use]
    pub fn monday(self) -> Self {
        Self(self.0 - self.date().weekday().num_days_from_monday() as i32)
    }

    /// The day `days` later.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }
}

impl Month {
    /// The first day of the month.
    #[must_use]
    pub fn first_day(self) -> Day {
        let (year, month) = (1970 + self.0.div_euclid(12), self.0.rem_euclid(12) as u32 + 1);
        Day::from_date(NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(NaiveDate::MIN))
    }

    /// The month `months` later.
    #[must_use]
    pub const fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }
}

impl FromStr for Day {
    type Err = DateInvalid;
    fn from_str(text: &str) -> Result<Self, DateInvalid> {
        // chrono also reads `2026-1-1` and `+2026-01-01`: one form only.
        if text.len() != 10 || !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(DateInvalid);
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self::from_date).map_err(|_| DateInvalid)
    }
}

impl FromStr for Month {
    type Err = DateInvalid;
    fn from_str(text: &str) -> Result<Self, DateInvalid> {
        format!("{text}-01").parse::<Day>().map(Day::month)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date().format("%Y-%m-%d"))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first_day().date().format("%Y-%m"))
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = DateInvalid;
            fn try_from(text: String) -> Result<Self, DateInvalid> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )*};
}
as_text!(Day, Month);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::{DAY_MS, HOUR_MS};
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn days_begin_where_people_say() {
        for (zone, day, start) in [
            ("UTC", "2026-11-01", "2026-11-01T00:00:00Z"),
            ("Asia/Kathmandu", "2026-11-01", "2026-10-31T18:15:00Z"),
            ("Pacific/Kiritimati", "2026-11-01", "2026-10-31T10:00:00Z"),
            ("Pacific/Pago_Pago", "2026-11-01", "2026-11-01T11:00:00Z"),
            // Clocks go from 00:00 to 01:00: there is no midnight.
            ("America/Havana", "2026-03-08", "2026-03-08T05:00:00Z"),
            // Clocks go back from 01:00 to 00:00: midnight comes twice, the first counts.
            ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
        ] {
            let zone: Zone = zone.parse().unwrap();
            assert_eq!(zone.day_start(day.parse().unwrap()), at(start), "{zone} {day}");
        }
    }

    #[test]
    fn hours_follow_the_wall_clock() {
        for (zone, instant, start) in [
            ("UTC", "2026-11-01T10:59:59.999Z", "2026-11-01T10:00:00Z"),
            ("Asia/Kathmandu", "2026-11-01T10:14:59Z", "2026-11-01T09:15:00Z"),
            ("Asia/Kathmandu", "2026-11-01T10:15:00Z", "2026-11-01T10:15:00Z"),
            // Lord Howe goes from 02:00 back to 01:30: the hour from 01:00 lasts ninety minutes.
            ("Australia/Lord_Howe", "2026-04-04T15:20:00Z", "2026-04-04T14:00:00Z"),
            // Clocks went from 00:00 to 00:15, so the first hour of the year was shorter.
            ("Asia/Kathmandu", "1985-12-31T18:30:00Z", "1985-12-31T18:30:00Z"),
            ("Asia/Kathmandu", "1985-12-31T19:14:59.999Z", "1985-12-31T18:30:00Z"),
            // Clocks went from 00:01 back to 23:01: what was November for a minute became October again.
            ("America/St_Johns", "2009-11-01T02:30:59Z", "2009-11-01T02:30:00Z"),
            ("America/St_Johns", "2009-11-01T02:35:00Z", "2009-11-01T01:30:00Z"),
            ("America/St_Johns", "2009-11-01T03:15:00Z", "2009-11-01T01:30:00Z"),
            // Offsets of long ago are those of the sun: +05:41:16 and +07:20.
            ("Asia/Kathmandu", "1900-01-01T00:00:00Z", "1899-12-31T23:18:44Z"),
            ("Asia/Singapore", "1935-01-01T00:00:00Z", "1934-12-31T23:40:00Z"),
        ] {
            let zone: Zone = zone.parse().unwrap();
            assert_eq!(zone.hour_start(at(instant)), at(start), "{zone} {instant}");
        }
    }

    #[test]
    fn one_form_of_date() {
        for text in ["2026-1-01", "2026-02-30", "+026-01-01", "2026-01-01T", "", "20260101"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!("2026-11".parse::<Month>().unwrap().first_day().to_string(), "2026-11-01");
        assert!("2026-13".parse::<Month>().is_err());
    }

    proptest! {
        #[test]
        fn days_are_sums_of_hours(
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            millis in 800_000_000_000_i64..1_900_000_000_000,
        ) {
            let (zone, at) = (Zone(zone), Timestamp::from_millis(millis));
            let hour = zone.hour_start(at);
            prop_assert!(hour <= at);
            prop_assert_eq!(zone.day(hour), zone.day(at));
        }

        #[test]
        fn an_instant_lies_in_its_own_hour_day_and_month(
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            millis in 1_600_000_000_000_i64..1_900_000_000_000,
        ) {
            let (zone, at) = (Zone(zone), Timestamp::from_millis(millis));
            let day = zone.day(at);
            prop_assert!(zone.day_start(day) <= at && at < zone.day_start(day.plus(1)));
            prop_assert!(zone.day(zone.day_start(day)) == day);
            prop_assert!(zone.day(zone.day_start(day).plus(-1)) < day);
            let hour = zone.hour_start(at);
            prop_assert!(hour <= at && at.millis() - hour.millis() < 2 * HOUR_MS);
            prop_assert_eq!(zone.hour_start(hour), hour);
            let month = day.month();
            prop_assert!(month.first_day() <= day && day < month.plus(1).first_day());
            prop_assert!((at.millis() - zone.day_start(day).millis()) < 2 * DAY_MS);
            prop_assert!(day.monday() <= day && day.0 - day.monday().0 < 7);
        }
    }
}
