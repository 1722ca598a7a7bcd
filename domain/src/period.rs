//! Periods that figures are asked for, and the questions about them.

use crate::account::{Tier, named};
use crate::event::ContactMethod;
use crate::fault::{FaultCode, Faults};
use crate::figures::{Counts, Scope};
use crate::helpline::CountryCode;
use crate::ids::{ApplicationId, HelplineId};
use crate::metering::Grain;
use crate::timestamp::{HOUR_MS, Timestamp};
use crate::zone::{Day, Zone};
use serde::{Deserialize, Serialize};

/// Longest period, in days: ten years and a bit.
pub const PERIOD_DAYS_MAX: i32 = 3_660;
/// Longest period that is shown by the hour, in days.
pub const HOURLY_DAYS_MAX: i32 = 31;

/// Days from `from` up to, not including, `to`, in a customer's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub from: Day,
    /// Exclusive.
    pub to: Day,
}

/// Counts of which a period is made up, with the bounds (inclusive, exclusive) as their grain has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub grain: Grain,
    pub from: i64,
    pub to: i64,
    /// They are part of another span, and to be taken off.
    pub is_off: bool,
}

impl Period {
    /// Checks the bounds: at least one day, at most [`PERIOD_DAYS_MAX`].
    ///
    /// # Errors
    /// A fault of `to`.
    pub fn new(from: Day, to: Day) -> Result<Self, Faults> {
        if to <= from {
            return Err(Faults::one("to", FaultCode::PeriodInvalid, "Must lie after from; it is exclusive."));
        }
        if to.0 - from.0 > PERIOD_DAYS_MAX {
            let detail = format!("At most {PERIOD_DAYS_MAX} days at once.");
            return Err(Faults::one("to", FaultCode::PeriodInvalid, detail));
        }
        Ok(Self { from, to })
    }

    /// Its length in days.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.to.0 - self.from.0
    }

    /// The spans of counts that make up the period: months, and for a month of which only some days are meant either these
    /// or, where that is less to read, the others, to be taken off. Days ahead of `today` hardly have counts.
    #[must_use]
    pub fn spans(self, today: Day) -> Vec<Span> {
        let days =
            |from: Day, to: Day, is_off| Span { grain: Grain::Day, from: from.0.into(), to: to.0.into(), is_off };
        // It may be tomorrow where others of several customers are.
        let counted = |(from, to): (Day, Day)| (to.min(today.plus(2)).0 - from.0).max(0);
        let (mut months, mut rest): (Vec<Span>, Vec<Span>) = Default::default();
        let mut month = self.from.month();
        while month.first_day() < self.to {
            let (start, end) = (month.first_day(), month.plus(1).first_day());
            let (from, to) = (self.from.max(start), self.to.min(end));
            let others = [(start, from), (to, end)];
            if others.map(counted).iter().sum::<i32>() + 1 < to.0 - from.0 {
                let at = i64::from(month.0);
                match months.last_mut() {
                    Some(last) if last.to == at => last.to += 1,
                    _ => months.push(Span { grain: Grain::Month, from: at, to: at + 1, is_off: false }),
                }
                rest.extend(others.iter().filter(|(from, to)| from < to).map(|(from, to)| days(*from, *to, true)));
            } else {
                rest.push(days(from, to, false));
            }
            month = month.plus(1);
        }
        months.extend(rest);
        months
    }

    /// The period of the same length just before.
    #[must_use]
    pub const fn before(self) -> Self {
        Self { from: self.from.plus(-self.days()), to: self.from }
    }
}

named! {
    /// The steps of a time series.
    Interval {
        Hour = "hour", "By hour";
        Day = "day", "By day";
        Week = "week", "By week";
        Month = "month", "By month";
    }
}

/// A bucket of a time series: from `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub start: Timestamp,
    pub end: Timestamp,
    /// The local date of `start`.
    pub day: Day,
}

impl Interval {
    /// The counts that a series of this interval is read from.
    #[must_use]
    pub const fn grain(self) -> Grain {
        match self {
            Self::Hour => Grain::Hour,
            Self::Day | Self::Week | Self::Month => Grain::Day,
        }
    }

    /// Every bucket of a period, empty ones included. The first and last week or month are cut to the period.
    ///
    /// # Errors
    /// A fault of `interval`, for hours over more than [`HOURLY_DAYS_MAX`] days.
    pub fn buckets(self, period: Period, zone: Zone) -> Result<Vec<Bucket>, Faults> {
        if self == Self::Hour && period.days() > HOURLY_DAYS_MAX {
            let detail = format!("By the hour at most {HOURLY_DAYS_MAX} days at once.");
            return Err(Faults::one("interval", FaultCode::PeriodInvalid, detail));
        }
        if self == Self::Hour {
            return Ok(hours(period, zone));
        }
        let mut buckets = Vec::new();
        let mut day = period.from;
        while day < period.to {
            let next = self.next(day).min(period.to);
            buckets.push(Bucket { start: zone.day_start(day), end: zone.day_start(next), day });
            day = next;
        }
        Ok(buckets)
    }

    /// The first day after `day` on which a new bucket begins.
    fn next(self, day: Day) -> Day {
        match self {
            Self::Week => day.monday().plus(7),
            Self::Month => day.month().plus(1).first_day(),
            Self::Hour | Self::Day => day.plus(1),
        }
    }
}

fn hours(period: Period, zone: Zone) -> Vec<Bucket> {
    let end_of_period = zone.day_start(period.to);
    let mut buckets = Vec::new();
    let mut start = zone.day_start(period.from);
    while start < end_of_period {
        // The next hour starts an hour later, or up to two where the clocks move by a part of one.
        let mut end = zone.hour_start(start.plus(HOUR_MS));
        if end <= start {
            end = zone.hour_start(start.plus(2 * HOUR_MS)).max(start.plus(1));
        }
        buckets.push(Bucket { start, end, day: zone.day(start) });
        start = end;
    }
    buckets
}

/// Which events a question is about. The customer is not part of it: that comes from who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// `None` is production.
    pub tier: Option<Tier>,
    pub application_id: Option<ApplicationId>,
    pub helpline_id: Option<HelplineId>,
    pub country_code: Option<CountryCode>,
    pub contact_method: Option<ContactMethod>,
}

impl Filter {
    /// The scope that answers the question, given what it is broken down by.
    #[must_use]
    pub const fn scope(&self, by: Option<Breakdown>) -> Scope {
        let by_helpline = matches!(by, Some(Breakdown::Helpline | Breakdown::Topic));
        let by_country = matches!(by, Some(Breakdown::Country));
        let by_method = matches!(by, Some(Breakdown::ContactMethod));
        Scope::of(
            by_helpline || self.helpline_id.is_some(),
            by_country || self.country_code.is_some(),
            by_method || self.contact_method.is_some(),
        )
    }
}

named! {
    /// What a total is broken down by.
    Breakdown {
        Helpline = "helpline", "Helpline";
        Country = "country", "Country";
        ContactMethod = "contact_method", "Contact method";
        Application = "application", "Application";
        Topic = "topic", "Topic";
    }
}

/// The figures of a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub period: Period,
    /// `None` where customers of several zones are added up: each one's days are its own.
    pub time_zone: Option<Zone>,
    pub scope: Scope,
    pub counts: Counts,
}

/// The figures of a period over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeseries {
    pub period: Period,
    pub time_zone: Option<Zone>,
    pub interval: Interval,
    pub scope: Scope,
    pub buckets: Vec<(Bucket, Counts)>,
}

/// The figures of a period, broken down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakdownRows {
    pub period: Period,
    pub time_zone: Option<Zone>,
    pub by: Breakdown,
    pub scope: Scope,
    /// Largest first (by gross displays, then gross clicks, then key).
    pub rows: Vec<BreakdownRow>,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
}

/// One row of a breakdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakdownRow {
    /// The id or code of what the row is about.
    pub key: String,
    /// Its name for people.
    pub name: String,
    pub counts: Counts,
}

/// Rows of a breakdown's page unless asked otherwise.
pub const BREAKDOWN_LIMIT_DEFAULT: usize = 100;
/// Most rows of a breakdown's page.
pub const BREAKDOWN_LIMIT_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Month;
    use proptest::prelude::*;

    fn period(from: &str, to: &str) -> Period {
        Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    #[test]
    fn buckets_cover_the_period_and_weeks_begin_on_monday() {
        let days = |interval: Interval| {
            let buckets = interval.buckets(period("2026-10-28", "2026-11-11"), Zone::UTC).unwrap();
            buckets.iter().map(|bucket| bucket.day.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(days(Interval::Week), ["2026-10-28", "2026-11-02", "2026-11-09"]);
        assert_eq!(days(Interval::Month), ["2026-10-28", "2026-11-01"]);
        assert_eq!(days(Interval::Day).len(), 14);
    }

    #[test]
    fn as_little_is_read_as_can_be() {
        let spans = |from: &str, to: &str, today: &str| {
            let spans = period(from, to).spans(today.parse().unwrap());
            let sign = |span: &Span| if span.is_off { -1 } else { 1 };
            spans.iter().map(|span| (span.grain, (span.to - span.from) * sign(span))).collect::<Vec<_>>()
        };
        let (day, month, past) = (Grain::Day, Grain::Month, "2028-01-01");
        assert_eq!(spans("2026-11-01", "2026-12-01", past), [(month, 1)]);
        assert_eq!(spans("2026-11-02", "2026-12-01", past), [(month, 1), (day, -1)]);
        assert_eq!(spans("2026-11-03", "2026-11-30", past), [(month, 1), (day, -2), (day, -1)]);
        assert_eq!(spans("2026-11-05", "2026-11-06", past), [(day, 1)]);
        assert_eq!(spans("2026-11-01", "2026-11-16", past), [(day, 15)]);
        assert_eq!(spans("2026-10-31", "2027-01-02", past), [(month, 2), (day, 1), (day, 1)]);
        assert_eq!(spans("2026-11-05", "2026-12-06", past), [(month, 1), (day, -4), (day, 5)]);
        // A year until today, in the middle of a month: of what is still to come there is nothing to read.
        assert_eq!(spans("2025-11-16", "2026-11-15", "2026-11-14"), [(month, 12), (day, 15), (day, -16)]);
        assert_eq!(spans("2026-11-01", "2026-11-27", "2026-11-26"), [(month, 1), (day, -4)]);
        assert_eq!(spans("2026-12-01", "2027-03-02", "2026-11-26"), [(month, 3), (day, 1)]);
    }

    #[test]
    fn a_period_has_days() {
        let day = |text: &str| text.parse().unwrap();
        assert!(Period::new(day("2026-11-02"), day("2026-11-02")).is_err());
        assert!(Period::new(day("2026-11-02"), day("2026-11-01")).is_err());
        assert!(Period::new(day("2006-11-02"), day("2026-11-01")).is_err());
        assert!(Interval::Hour.buckets(period("2026-01-01", "2026-03-01"), Zone::UTC).is_err());
    }

    proptest! {
        #[test]
        fn spans_are_the_days_of_the_period(from in 18_000_i32..21_000, days in 1_i32..500, today in 17_900_i32..21_600) {
            let period = Period::new(Day(from), Day(from + days)).unwrap();
            let mut times: std::collections::BTreeMap<i32, i32> = std::collections::BTreeMap::new();
            for span in period.spans(Day(today)) {
                let day = |bucket: i64| match span.grain {
                    Grain::Month => Month(i32::try_from(bucket).unwrap()).first_day(),
                    _ => Day(i32::try_from(bucket).unwrap()),
                };
                for day in day(span.from).0..day(span.to).0 {
                    *times.entry(day).or_default() += if span.is_off { -1 } else { 1 };
                }
            }
            times.retain(|_, times| *times != 0);
            prop_assert_eq!(times, (from..from + days).map(|day| (day, 1)).collect());
        }

        #[test]
        fn buckets_touch_and_are_where_instants_are_counted(
            zone in proptest::sample::select(Zone::names().collect::<Vec<_>>()),
            from in 18_000_i32..21_000,
            days in 1_i32..20,
            interval in proptest::sample::select(Interval::ALL.to_vec()),
        ) {
            let zone: Zone = zone.parse().unwrap();
            let period = Period::new(Day(from), Day(from + days)).unwrap();
            let buckets = interval.buckets(period, zone).unwrap();
            prop_assert_eq!(buckets[0].start, zone.day_start(period.from));
            prop_assert_eq!(buckets.last().unwrap().end, zone.day_start(period.to));
            prop_assert!(buckets.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(buckets.iter().all(|bucket| bucket.start < bucket.end));
            if interval == Interval::Hour {
                let kept = |b: &Bucket| zone.hour_start(b.start) == b.start && zone.hour_start(b.end.plus(-1)) == b.start;
                prop_assert!(buckets.iter().all(kept));
            }
        }
    }
}
