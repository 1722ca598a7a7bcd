//! How fast figures over a year are answered.

use crate::Failure;
use crate::http::Connection;
use crate::load::Target;
use chrono::{DateTime, Days};
use engine::clock::{Clock, SystemClock};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Instant;

/// Longest time that is told from longer ones, in microseconds.
const TOOK_MAX_US: u64 = 60_000_000;
/// Not measured, of each question.
const WARM_UP: usize = 5;

/// A question and how long its answers took, seen from a client on the same machine.
#[derive(Debug, Clone, Serialize)]
pub struct Read {
    pub question: String,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub body_bytes: usize,
}

/// Asks each question some times, one after the other on one connection.
pub async fn measure(target: &Target, times: usize) -> Result<Vec<Read>, Failure> {
    let today = DateTime::from_timestamp_millis(SystemClock.now().millis()).unwrap_or_default().date_naive();
    let (from, to) = (today - Days::new(364), today + Days::new(1));
    let mut reads = Vec::new();
    for question in [
        "summary?",
        "timeseries?interval=day&",
        "timeseries?interval=week&",
        "timeseries?interval=month&",
        "breakdown?by=helpline&",
        "breakdown?by=country&",
        "breakdown?by=contact_method&",
        "breakdown?by=application&",
    ] {
        let path = format!("/v1/analytics/{question}from={from}&to={to}");
        let mut connection = Connection::open(target.address).await?;
        let mut took_us = Histogram::<u64>::new_with_bounds(1, TOOK_MAX_US, 3)?;
        let mut body_bytes = 0;
        for time in 0..times + WARM_UP {
            let began = Instant::now();
            body_bytes = connection.get(&path, &target.token).await?.len();
            if time >= WARM_UP {
                took_us.saturating_record(u64::try_from(began.elapsed().as_micros()).unwrap_or(TOOK_MAX_US).max(1));
            }
        }
        let ms = |quantile: f64| took_us.value_at_quantile(quantile) as f64 / 1_000.0;
        let question = question.trim_end_matches(['?', '&']).to_owned();
        reads.push(Read { question, p50_ms: ms(0.5), p99_ms: ms(0.99), body_bytes });
    }
    Ok(reads)
}
