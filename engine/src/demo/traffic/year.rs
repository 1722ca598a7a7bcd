//! As many events as are asked for, over a year: made one session after the other, so that memory stays flat.

use super::{DemoEvent, HOUR_WEIGHTS, Maker, SESSIONS_PER_DAY, WEEKDAY_WEIGHTS, choose};
use domain::Timestamp;
use domain::helpline::Helpline;
use domain::timestamp::{DAY_MS, HOUR_MS};
use rand::Rng;

/// The days of traffic, the last of which ends now.
pub const DAYS: i32 = 365;

/// Exactly `count` events of the year before `now`, day by day and within a day in any order, as they arrive from
/// many places. None if there are no helplines.
pub fn year(now: Timestamp, helplines: &[Helpline], seed: u64, count: u64) -> impl Iterator<Item = DemoEvent> + use<> {
    let maker = Maker::new(now, DAYS, helplines, seed);
    let left = if maker.catalogue.0.is_empty() { 0 } else { count };
    Year { maker, count: left, made: 0, day: 0, until: 0 }
}

struct Year {
    maker: Maker,
    count: u64,
    made: u64,
    /// Days that are done.
    day: i32,
    /// How many events there are once the present day is done.
    until: u64,
}

impl Iterator for Year {
    type Item = DemoEvent;

    fn next(&mut self) -> Option<DemoEvent> {
        if self.made == self.count {
            return None;
        }
        while self.made == self.until && self.day < DAYS {
            self.day += 1;
            self.until = (share(self.day) * self.count as f64) as u64;
            if self.day == DAYS {
                self.until = self.count;
            }
            // What is left of a day's last session belongs to no other day.
            self.maker.events.clear();
        }
        loop {
            if let Some(event) = self.maker.events.pop() {
                self.made += 1;
                return Some(event);
            }
            self.make_session();
        }
    }
}

impl Year {
    /// A session of the present day: the 24 hours that end so many days before now.
    fn make_session(&mut self) {
        let Some(application) = choose(&mut self.maker.rng, SESSIONS_PER_DAY.into_iter()) else { return };
        let Some(market) = self.maker.market(application) else { return };
        let day_start = self.maker.after.plus(i64::from(self.day - 1) * DAY_MS);
        // How busy each of these hours is depends on the clocks of where the people are.
        let zone = self.maker.catalogue.0[market].zone;
        let hour = (day_start.millis() - zone.day_start(zone.day(day_start)).millis()).div_euclid(HOUR_MS);
        let hour = usize::try_from(hour).unwrap_or_default();
        let busy = (0..HOUR_WEIGHTS.len()).map(|i| HOUR_WEIGHTS[(hour + i) % HOUR_WEIGHTS.len()]);
        let chosen = choose(&mut self.maker.rng, busy).unwrap_or_default() as i64;
        let in_hour = self.maker.rng.random_range(0..HOUR_MS);
        self.maker.play(application, market, day_start.plus(chosen * HOUR_MS + in_hour));
        // They are taken from the end.
        self.maker.events.reverse();
    }
}

/// The share of all events that come in the first so many days: weekdays differ, and over the year there is growth by
/// two thirds.
fn share(days: i32) -> f64 {
    let sum = |days: i32| -> f64 { (0..days).map(weight).sum() };
    sum(days) / sum(DAYS)
}

fn weight(day: i32) -> f64 {
    let weekday = WEEKDAY_WEIGHTS[day.rem_euclid(7) as usize];
    weekday * (0.75 + 0.5 * f64::from(day) / f64::from(DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::parse_helplines_json;
    use crate::demo::cast::{APPLICATIONS, HELPLINES_JSON};
    use std::collections::HashSet;

    fn events(seed: u64, count: u64) -> Vec<DemoEvent> {
        let helplines: Vec<_> = parse_helplines_json(HELPLINES_JSON).unwrap().into_iter().map(|(_, h)| h).collect();
        let now = Timestamp::parse_rfc3339("2026-11-24T15:30:00Z").unwrap();
        year(now, &helplines, seed, count).collect()
    }

    #[test]
    fn there_are_exactly_as_many_as_asked_for() {
        for count in [0, 1, 2, 364, 365, 366, 9_999] {
            assert_eq!(events(1, count).len() as u64, count);
        }
        let now = Timestamp::parse_rfc3339("2026-11-24T15:30:00Z").unwrap();
        assert_eq!(year(now, &[], 1, 100).count(), 0);
    }

    #[test]
    fn the_seed_decides() {
        assert!(events(1, 5_000) == events(1, 5_000));
        assert!(events(1, 5_000) != events(2, 5_000));
    }

    #[test]
    fn the_year_is_covered_day_by_day() {
        let events = events(1, 50_000);
        let now = Timestamp::parse_rfc3339("2026-11-24T15:30:00Z").unwrap();
        let days_ago: Vec<i64> = events.iter().map(|e| (now.millis() - e.at.millis()).div_euclid(DAY_MS)).collect();
        assert!(days_ago.iter().all(|days| (0..i64::from(DAYS)).contains(days)));
        assert_eq!(days_ago.iter().collect::<HashSet<_>>().len(), 365);
        // A session may end on the day after, or send a late click.
        let backward = days_ago.windows(2).filter(|pair| pair[1] > pair[0] + 3).count();
        assert_eq!(backward, 0);
        let sessions = events.iter().map(|e| &e.session_id).collect::<HashSet<_>>().len();
        assert!((10_000..40_000).contains(&sessions), "{sessions}");
        for application in 0..APPLICATIONS.len() {
            assert!(events.iter().any(|e| e.application == application));
        }
        assert_eq!(events.iter().map(|e| e.helpline).collect::<HashSet<_>>().len(), 40);
    }
}
