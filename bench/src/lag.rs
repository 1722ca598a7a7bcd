//! How long after its answer an event is in the figures.

use crate::Failure;
use crate::http::Connection;
use crate::load::Target;
use chrono::{DateTime, Days};
use engine::clock::{Clock, SystemClock};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How often the summary is asked for.
const LOOK: Duration = Duration::from_millis(100);

/// Looks at the summary of the days around now.
#[derive(Clone)]
pub struct Watch {
    path: String,
}

impl Watch {
    /// Of all events of a run that begins now and takes less than a day.
    pub fn new() -> Self {
        let day = |days_ahead: u64, days_back: u64| {
            let now = DateTime::from_timestamp_millis(SystemClock.now().millis()).unwrap_or_default().date_naive();
            now + Days::new(days_ahead) - Days::new(days_back)
        };
        Self { path: format!("/v1/analytics/summary?from={}&to={}", day(0, 3), day(3, 0)) }
    }

    /// Gross displays and gross clicks, as the figures have them now.
    pub async fn look(&self, connection: &mut Connection, token: &str) -> Result<u64, Failure> {
        let summary: serde_json::Value = serde_json::from_slice(connection.get(&self.path, token).await?)?;
        let figure = |name: &str| summary["figures"][name].as_u64();
        Ok(figure("gross_displays").ok_or("no figures")? + figure("gross_clicks").ok_or("no figures")?)
    }

    /// Notes what the summary says until it is stopped.
    pub(crate) async fn follow(self, target: Target, seen: Rc<RefCell<Vec<(Instant, u64)>>>) -> Result<(), Failure> {
        let mut connection = Connection::open(target.address).await?;
        loop {
            let count = self.look(&mut connection, &target.token).await?;
            seen.borrow_mut().push((Instant::now(), count));
            sleep(LOOK).await;
        }
    }

    /// Waits until the figures have `stored` events, or no longer than `patience`. Notes what it saw meanwhile and
    /// answers what the figures have in the end.
    pub async fn catch_up(
        &self,
        target: &Target,
        stored: u64,
        patience: Duration,
        seen: &mut Vec<(Instant, u64)>,
    ) -> Result<u64, Failure> {
        let began = Instant::now();
        let mut connection = Connection::open(target.address).await?;
        loop {
            let count = self.look(&mut connection, &target.token).await?;
            seen.push((Instant::now(), count));
            if count >= stored || began.elapsed() > patience {
                return Ok(count);
            }
            sleep(LOOK).await;
        }
    }
}

/// The longest time that an event was answered and not yet in the figures: at each look, how long ago the first event
/// that it did not show was answered. `before` events were stored before the first sample.
pub fn longest(samples: &[(Instant, u64)], seen: &[(Instant, u64)], before: u64) -> Duration {
    let lag = |(at, count): &(Instant, u64)| {
        let shown = count.saturating_sub(before);
        let next = samples.partition_point(|(_, accepted)| *accepted <= shown);
        samples.get(next).map_or(Duration::ZERO, |(answered, _)| at.saturating_duration_since(*answered))
    };
    seen.iter().map(lag).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags() {
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let samples = [(at(0), 0), (at(10), 5), (at(20), 10)];
        assert_eq!(longest(&samples, &[(at(30), 110)], 100), Duration::ZERO);
        assert_eq!(longest(&samples, &[(at(15), 100), (at(520), 107)], 100), Duration::from_millis(500));
        assert_eq!(longest(&samples, &[], 0), Duration::ZERO);
    }
}
