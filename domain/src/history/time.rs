//! The forms in which files write times.

use crate::account::named;
use crate::fault::{FaultCode, Faults};
use crate::timestamp::{SECOND_MS, Timestamp};
use crate::zone::{Day, Zone};
use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems};
use chrono::{NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

/// Instants that have a date of four digits: from the year 1 up to the year 10000, in unix milliseconds.
const MILLIS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

named! {
    /// How times are written.
    TimeKind {
        Rfc3339 = "rfc3339", "RFC 3339";
        UnixSeconds = "unix_seconds", "Seconds since 1970";
        UnixMilliseconds = "unix_milliseconds", "Milliseconds since 1970";
        Pattern = "pattern", "A pattern";
    }
}

named! {
    /// Which of two instants a local time is that the clocks show twice.
    Overlap {
        Earlier = "earlier", "The earlier one";
        Later = "later", "The later one";
    }
}

/// Said of a text that is no time by the pattern.
const OTHER: &str = "Does not follow the mapping's pattern.";

/// How times are written, as a mapping says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeForm {
    /// RFC 3339 if it is not said.
    pub form: Option<TimeKind>,
    /// For the form `pattern`: as chrono has it, such as `%d.%m.%Y %H:%M:%S`.
    pub pattern: Option<String>,
    /// The IANA zone of times without an offset; the customer's if it is not said. Days without a time are the customer's.
    pub time_zone: Option<String>,
    /// Which of two instants a local time is that the clocks show twice; an error if it is not said.
    pub overlap: Option<Overlap>,
}

/// Reads times of one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Times {
    Rfc3339,
    Seconds,
    Milliseconds,
    Pattern(Pattern),
}

/// Times by a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    items: Vec<Item<'static>>,
    tells: Tells,
    zone: Zone,
    overlap: Option<Overlap>,
    /// Whether a day without a time will do.
    takes_days: bool,
}

/// What a pattern tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// An instant, so that no zone is needed.
    Instant,
    /// What the clocks of a zone show.
    Local,
    /// A day without a time.
    Day,
}

impl Tells {
    fn of(items: &[Item<'_>]) -> Self {
        if items.iter().any(is_of_instant) {
            Self::Instant
        } else if items.iter().any(is_of_clock) {
            Self::Local
        } else {
            Self::Day
        }
    }
}

/// Whether a part of a pattern makes an instant of it.
fn is_of_instant(item: &Item<'_>) -> bool {
    match item {
        Item::Numeric(Numeric::Timestamp, _) => true,
        // Of parts that are chrono's own, only this one is an offset.
        Item::Fixed(Fixed::Internal(_)) => StrftimeItems::new("%#z").next().as_ref() == Some(item),
        Item::Fixed(fixed) => matches!(
            fixed,
            Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetZ
                | Fixed::RFC2822
                | Fixed::RFC3339
        ),
        _ => false,
    }
}

/// Whether a part of a pattern is of the time of day.
fn is_of_clock(item: &Item<'_>) -> bool {
    match item {
        Item::Numeric(numeric, _) => {
            matches!(numeric, Numeric::Hour | Numeric::Hour12 | Numeric::Minute | Numeric::Second | Numeric::Nanosecond)
        }
        Item::Fixed(fixed) => matches!(
            fixed,
            Fixed::LowerAmPm
                | Fixed::UpperAmPm
                | Fixed::Nanosecond
                | Fixed::Nanosecond3
                | Fixed::Nanosecond6
                | Fixed::Nanosecond9
                | Fixed::Internal(_)
        ),
        _ => false,
    }
}

impl TimeForm {
    /// Checks the form. `zone` is the customer's; `takes_days`: whether a day without a time will do.
    pub(super) fn parse(&self, zone: Zone, takes_days: bool, faults: &mut Faults) -> Times {
        let kind = self.form.unwrap_or(TimeKind::Rfc3339);
        if kind != TimeKind::Pattern {
            let others = [("pattern", self.pattern.is_some()), ("time_zone", self.time_zone.is_some())];
            for (name, _) in others.into_iter().chain([("overlap", self.overlap.is_some())]).filter(|(_, is)| *is) {
                faults.add(format!("timestamp.{name}"), FaultCode::FieldInvalid, "Only of the form pattern.");
            }
        }
        match kind {
            TimeKind::Rfc3339 => Times::Rfc3339,
            TimeKind::UnixSeconds => Times::Seconds,
            TimeKind::UnixMilliseconds => Times::Milliseconds,
            TimeKind::Pattern => Times::Pattern(self.pattern(zone, takes_days, faults)),
        }
    }

    fn pattern(&self, zone: Zone, takes_days: bool, faults: &mut Faults) -> Pattern {
        let items = self.items(faults);
        let tells = Tells::of(&items);
        let zone = match self.time_zone.as_deref().map(str::parse::<Zone>) {
            None => zone,
            Some(Err(unknown)) => {
                faults.add("timestamp.time_zone", FaultCode::TimeZoneUnknown, format!("There is {unknown}."));
                zone
            }
            Some(Ok(_)) if tells == Tells::Day && !items.is_empty() => {
                let detail = "Days without a time are the customer's days: no other zone can be told from them.";
                faults.add("timestamp.time_zone", FaultCode::FieldInvalid, detail);
                zone
            }
            Some(Ok(zone)) => zone,
        };
        Pattern { items, tells, zone, overlap: self.overlap, takes_days }
    }

    /// The parts of the pattern; none if there is something wrong with it.
    fn items(&self, faults: &mut Faults) -> Vec<Item<'static>> {
        let pattern = self.pattern.as_deref().unwrap_or_default();
        let (code, detail) = match StrftimeItems::new(pattern).parse_to_owned() {
            _ if pattern.is_empty() => (FaultCode::FieldMissing, "The form pattern needs one."),
            Err(_) => (FaultCode::FieldInvalid, "No pattern that chrono knows, such as %d.%m.%Y %H:%M:%S."),
            Ok(items) if items.contains(&Item::Fixed(Fixed::TimezoneName)) => {
                let detail = "Names of zones (%Z) are not unique: nothing can be told from them. Let time_zone say it.";
                (FaultCode::FieldInvalid, detail)
            }
            Ok(items) => return items,
        };
        faults.add("timestamp.pattern", code, detail);
        Vec::new()
    }
}

impl Times {
    /// The zone without which nothing can be told from a text.
    pub(super) fn zone(&self) -> Option<Zone> {
        match self {
            Self::Pattern(pattern) if pattern.tells != Tells::Instant => Some(pattern.zone),
            _ => None,
        }
    }

    /// The instant of a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(&self, text: &str) -> Result<Timestamp, &'static str> {
        let at = match self {
            Self::Rfc3339 => Timestamp::parse_rfc3339(text)
                .map_err(|_| "Must be an RFC 3339 date-time with an offset or Z, such as 2026-11-24T09:30:00Z.")?,
            Self::Seconds => {
                decimal(text, SECOND_MS).ok_or("Must be seconds since 1970, such as 1764000000 or 1764000000.25.")?
            }
            Self::Milliseconds => decimal(text, 1).ok_or("Must be milliseconds since 1970, such as 1764000000000.")?,
            Self::Pattern(pattern) => pattern.read(text)?,
        };
        if MILLIS.contains(&at.millis()) { Ok(at) } else { Err("Lies outside of the years that have four digits.") }
    }
}

/// A decimal number of units of so many milliseconds; parts of a millisecond are cut off.
fn decimal(text: &str, unit_ms: i64) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole.strip_prefix('-').unwrap_or(whole)) || !fraction.is_none_or(is_number) {
        return None;
    }
    let millis = whole.parse::<i64>().ok()?.checked_mul(unit_ms)?;
    let (mut part, mut worth) = (0, unit_ms);
    for digit in fraction.unwrap_or_default().bytes() {
        worth /= 10;
        part += i64::from(digit - b'0') * worth;
    }
    let part = if whole.starts_with('-') { -part } else { part };
    millis.checked_add(part).map(Timestamp::from_millis)
}

impl Pattern {
    fn read(&self, text: &str) -> Result<Timestamp, &'static str> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, self.items.iter()).map_err(|_| OTHER)?;
        match self.tells {
            Tells::Instant => {
                let read = parsed.to_datetime().map_err(|_| OTHER)?;
                no_leap_second(read.nanosecond()).map(|()| Timestamp::from_millis(read.timestamp_millis()))
            }
            Tells::Day if !self.takes_days => Err("Is a day without a time: sessions cannot be told from days."),
            Tells::Day => parsed.to_naive_date().map(|day| self.zone.day_start(Day::from_date(day))).map_err(|_| OTHER),
            Tells::Local => self.local(parsed),
        }
    }

    fn local(&self, mut parsed: Parsed) -> Result<Timestamp, &'static str> {
        if parsed.minute().is_none() {
            if !self.takes_days {
                return Err("Is an hour without minutes: sessions cannot be told from hours.");
            }
            // It stands for the hour that begins then.
            parsed.set_minute(0).map_err(|_| OTHER)?;
        }
        let local = parsed.to_naive_datetime_with_offset(0).map_err(|_| OTHER)?;
        no_leap_second(local.nanosecond())?;
        let Some((earlier, later)) = self.zone.instants(local) else {
            if self.takes_days && local.time() == NaiveTime::MIN {
                // Midnight stands for the day, which begins later where the clocks skip it.
                return Ok(self.zone.day_start(Day::from_date(local.date())));
            }
            return Err("Is a local time that the clocks of its zone skip.");
        };
        match self.overlap {
            Some(Overlap::Later) => Ok(later),
            Some(Overlap::Earlier) => Ok(earlier),
            None if earlier == later => Ok(earlier),
            None => Err("Is a local time that the clocks of its zone show twice: let the mapping say which is meant."),
        }
    }
}

fn no_leap_second(nanosecond: u32) -> Result<(), &'static str> {
    // So chrono writes a 60th second, for which there is no unix millisecond.
    if nanosecond < 1_000_000_000 { Ok(()) } else { Err("Is a leap second.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Times of a mapping of this zone, of a customer in UTC.
    fn times_in(zone: Option<&str>, pattern: &str, overlap: Option<Overlap>, takes_days: bool) -> Times {
        let (pattern, time_zone) = (Some(pattern.to_owned()), zone.map(str::to_owned));
        parsed(&TimeForm { form: Some(TimeKind::Pattern), pattern, time_zone, overlap }, Zone::UTC, takes_days)
    }

    fn parsed(form: &TimeForm, zone: Zone, takes_days: bool) -> Times {
        let mut faults = Faults::default();
        let times = form.parse(zone, takes_days, &mut faults);
        assert_eq!(faults, Faults::default());
        times
    }

    #[test]
    fn numbers_are_instants() {
        let of = |form| parsed(&TimeForm { form: Some(form), ..TimeForm::default() }, Zone::UTC, false);
        let seconds = of(TimeKind::UnixSeconds);
        for (text, millis) in [("0", 0), ("1764000000", 1_764_000_000_000), ("1.2569", 1_256), ("-1.5", -1_500)] {
            assert_eq!(seconds.read(text), Ok(Timestamp::from_millis(millis)), "{text}");
        }
        for text in ["", ".5", "5.", "1e3", "+5", "0x1", "99999999999999999999", "253402300800", "1 "] {
            assert!(seconds.read(text).is_err(), "{text}");
        }
        let millis = of(TimeKind::UnixMilliseconds);
        assert_eq!(millis.read("1764000000001.9"), Ok(Timestamp::from_millis(1_764_000_000_001)));
    }

    #[test]
    fn local_times_that_are_skipped_or_come_twice_are_told() {
        let read = |text: &str, overlap| {
            let times = times_in(Some("Europe/Berlin"), "%d.%m.%Y %H:%M", overlap, false);
            times.read(text).map(|at| at.to_string())
        };
        let summer = Ok("2026-07-01T10:30:00.000Z".to_owned());
        assert_eq!(read("01.07.2026 12:30", None), summer);
        assert!(read("29.03.2026 02:30", Some(Overlap::Earlier)).is_err(), "skipped");
        assert!(read("25.10.2026 02:30", None).is_err(), "twice");
        assert_eq!(read("25.10.2026 02:30", Some(Overlap::Earlier)), Ok("2026-10-25T00:30:00.000Z".to_owned()));
        assert_eq!(read("25.10.2026 02:30", Some(Overlap::Later)), Ok("2026-10-25T01:30:00.000Z".to_owned()));
        assert!(read("2026-07-01 12:30", None).is_err());
    }

    #[test]
    fn days_will_do_for_counts_alone() {
        let read = |takes_days| times_in(None, "%Y-%m-%d", None, takes_days).read("2026-07-01");
        assert_eq!(read(true).unwrap().to_string(), "2026-07-01T00:00:00.000Z");
        assert!(read(false).is_err());
        let hours = |takes_days| times_in(Some("Asia/Tokyo"), "%Y-%m-%d %H", None, takes_days).read("2026-07-01 12");
        assert_eq!(hours(true).unwrap().to_string(), "2026-07-01T03:00:00.000Z");
        assert!(hours(false).is_err());
    }

    #[test]
    fn whatever_has_an_offset_needs_no_zone() {
        let expected = Ok("2026-07-01T06:15:00.000Z".to_owned());
        for (pattern, text) in [
            ("%Y-%m-%d %H:%M:%S%z", "2026-07-01 12:00:00+0545"),
            ("%Y-%m-%d %H:%M:%S %:z", "2026-07-01 12:00:00 +05:45"),
            ("%Y-%m-%d %H:%M:%S%::z", "2026-07-01 12:00:00 +05:45"),
            ("%Y-%m-%d %H:%M:%S%#z", "2026-07-01 12:00:00+05:45"),
            ("%Y-%m-%d %H:%M:%S%:::z", "2026-07-01 09:15:00+03:00"),
            ("%H%M%S%9f %Y-%m-%d %#z", "121500000000000 2026-07-01 +06"),
            ("%+", "2026-07-01T12:00:00+05:45"),
            ("at %s", "at 1782886500"),
        ] {
            let times = times_in(Some("America/New_York"), pattern, None, false);
            assert_eq!(times.read(text).map(|at| at.to_string()), expected, "{pattern}");
            assert_eq!(times.zone(), None);
        }
        for (pattern, text) in [
            ("%H%M%S%9f %Y-%m-%d", "061500000000000 2026-07-01"),
            ("%Y-%m-%d %T%.3f", "2026-07-01 06:15:00.000"),
            ("%m/%d/%y %I:%M %p", "07/01/26 06:15 AM"),
        ] {
            let times = times_in(Some("Etc/UTC"), pattern, None, false);
            assert_eq!(times.read(text).map(|at| at.to_string()), expected, "{pattern}");
            assert_eq!(times.zone().map(Zone::name), Some("Etc/UTC"));
        }
        let offset = times_in(None, "%Y-%m-%d %H:%M:%S%z", None, false);
        assert!(offset.read("2026-06-30 23:59:60+0000").is_err(), "a leap second");
    }

    #[test]
    fn a_form_says_what_is_wrong_with_it() {
        let faults = |form: TimeForm| {
            let mut faults = Faults::default();
            form.parse(Zone::UTC, false, &mut faults);
            faults.0.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        let pattern = |pattern: &str, zone: &str| TimeForm {
            form: Some(TimeKind::Pattern),
            pattern: Some(pattern.to_owned()),
            time_zone: Some(zone.to_owned()),
            overlap: None,
        };
        assert_eq!(faults(pattern("%Q", "Mars/Base")), ["timestamp.pattern", "timestamp.time_zone"]);
        assert_eq!(faults(pattern("", "UTC")), ["timestamp.pattern"]);
        assert_eq!(faults(pattern("%Y-%m-%d %H:%M %Z", "UTC")), ["timestamp.pattern"]);
        assert_eq!(faults(pattern("%d.%m.%Y", "UTC")), ["timestamp.time_zone"], "days are the customer's");
        assert_eq!(faults(TimeForm { overlap: Some(Overlap::Later), ..TimeForm::default() }), ["timestamp.overlap"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}", pattern in "[%a-zA-Z0-9 :.-]{0,12}", takes_days in any::<bool>()) {
            let form = TimeForm { form: Some(TimeKind::Pattern), pattern: Some(pattern), ..TimeForm::default() };
            let mut faults = Faults::default();
            let times = form.parse(Zone::UTC, takes_days, &mut faults);
            let _ = (times.read(&text), Times::Seconds.read(&text), Times::Milliseconds.read(&text));
        }

        /// Counts are summed by the days of that zone.
        #[test]
        fn a_day_without_a_time_is_the_customers_day(
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            day in 0..22_000_i32,
        ) {
            let (zone, day): (Zone, _) = (zone.name().parse().unwrap(), Day(day));
            let pattern = Some("%Y-%m-%d".to_owned());
            let times = parsed(&TimeForm { form: Some(TimeKind::Pattern), pattern, ..TimeForm::default() }, zone, true);
            prop_assert_eq!(times.read(&day.to_string()), Ok(zone.day_start(day)));
        }

        #[test]
        fn whatever_is_written_by_the_clock_reads_back(
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            seconds in 1_500_000_000_i64..1_900_000_000,
        ) {
            let zone: Zone = zone.name().parse().unwrap();
            let at = Timestamp::from_millis(seconds * SECOND_MS);
            let text = zone.local(at).format("%Y-%m-%d %H:%M:%S").to_string();
            let read = |overlap| times_in(Some(zone.name()), "%Y-%m-%d %H:%M:%S", Some(overlap), false).read(&text);
            prop_assert!([read(Overlap::Earlier), read(Overlap::Later)].contains(&Ok(at)));
        }
    }
}
