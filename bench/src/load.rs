//! The load: connections that post events as fast as they are answered, or at a given rate.

use crate::Failure;
use crate::http::{Answer, Connection};
use crate::lag::Watch;
use crate::traffic::{Requests, Traffic};
use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;

/// How often the count of accepted events is noted.
const SAMPLE: Duration = Duration::from_millis(10);
/// How long a connection waits after it was turned away.
const TURNED_AWAY: Duration = Duration::from_millis(5);
/// Longest latency that is told from longer ones.
const LATENCY_MAX_US: u64 = 120_000_000;

/// What to send, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub connections: usize,
    /// Events in each request.
    pub batch: usize,
    /// Requests a second over all connections; without, each connection sends as soon as it is answered.
    pub rate: Option<f64>,
    /// Not measured.
    pub warm_up: Duration,
    pub length: Duration,
}

/// Where to.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub token: String,
}

/// What came of it.
pub struct Outcome<U> {
    /// Events answered `accepted` in all, warm-up included.
    pub accepted: u64,
    /// Those of the measured time.
    pub measured_events: u64,
    pub measured: Duration,
    /// Answers in the measured time, in microseconds; at a rate counted from when the request was due.
    pub latency_us: Histogram<u64>,
    /// Answers that were none of the kind, by status; 0 stands for events answered as duplicates.
    pub others: BTreeMap<u16, u64>,
    /// What `usage` gave at the beginning and at the end of the measured time.
    pub usage: [U; 2],
    /// Accepted events since the beginning, every [`SAMPLE`].
    pub samples: Vec<(Instant, u64)>,
    /// What the summary said meanwhile, if it was watched.
    pub seen: Vec<(Instant, u64)>,
}

impl<U> Outcome<U> {
    /// Accepted events a second.
    pub fn per_second(&self) -> f64 {
        self.measured_events as f64 / self.measured.as_secs_f64()
    }
}

struct Shared {
    traffic: Rc<Traffic>,
    load: Load,
    /// When the first request is due, if there is a rate.
    began: Instant,
    due: Cell<u64>,
    accepted: Cell<u64>,
    measuring: Cell<bool>,
    over: Cell<bool>,
    latency_us: RefCell<Histogram<u64>>,
    others: RefCell<BTreeMap<u16, u64>>,
}

/// Runs a load. `usage` is asked at both ends of the measured time; `watch` looks at the figures meanwhile.
pub async fn run<U>(
    load: Load,
    target: &Target,
    traffic: &Rc<Traffic>,
    usage: impl Fn() -> U,
    watch: Option<&Watch>,
) -> Result<Outcome<U>, Failure> {
    let shared = Rc::new(Shared {
        traffic: traffic.clone(),
        load,
        began: Instant::now(),
        due: Cell::new(0),
        accepted: Cell::new(0),
        measuring: Cell::new(false),
        over: Cell::new(false),
        latency_us: RefCell::new(Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)?),
        others: RefCell::default(),
    });
    let local = LocalSet::new();
    local.run_until(direct(&shared, target, usage, watch)).await
}

async fn direct<U>(
    shared: &Rc<Shared>,
    target: &Target,
    usage: impl Fn() -> U,
    watch: Option<&Watch>,
) -> Result<Outcome<U>, Failure> {
    let mut senders = Vec::new();
    for _ in 0..shared.load.connections {
        let connection = Connection::open(target.address).await?;
        let requests = Requests::new(shared.load.batch, &shared.traffic, &target.token);
        senders.push(spawn_local(send(shared.clone(), connection, requests)));
    }
    let sampling = spawn_local(sample(shared.clone()));
    let seen = Rc::new(RefCell::new(Vec::new()));
    let watching = watch.map(|watch| spawn_local(watch.clone().follow(target.clone(), seen.clone())));
    sleep(shared.load.warm_up).await;
    let (began, before, accepted_before) = (Instant::now(), usage(), shared.accepted.get());
    shared.measuring.set(true);
    sleep(shared.load.length).await;
    shared.measuring.set(false);
    let (measured, after) = (began.elapsed(), usage());
    let measured_events = shared.accepted.get() - accepted_before;
    shared.over.set(true);
    for sender in senders {
        sender.await??;
    }
    let samples = sampling.await?;
    if let Some(watching) = watching {
        watching.abort();
    }
    let latency_us = shared.latency_us.borrow().clone();
    let (others, seen) = (shared.others.take(), seen.take());
    let accepted = shared.accepted.get();
    Ok(Outcome { accepted, measured_events, measured, latency_us, others, usage: [before, after], samples, seen })
}

/// One connection. At a rate, whichever is free takes the request that is due next.
async fn send(shared: Rc<Shared>, mut connection: Connection, mut requests: Requests) -> Result<(), Failure> {
    while !shared.over.get() {
        let mut began = Instant::now();
        if let Some(rate) = shared.load.rate {
            let number = shared.due.get();
            shared.due.set(number + 1);
            began = shared.began + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(began.into()).await;
        }
        let request = requests.next(&shared.traffic, Instant::now());
        let answer = connection.exchange(request).await?;
        let turned_away = shared.note(&answer)?;
        if shared.measuring.get() {
            let took_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(LATENCY_MAX_US);
            shared.latency_us.borrow_mut().saturating_record(took_us.max(1));
        }
        if turned_away {
            sleep(TURNED_AWAY).await;
        }
    }
    Ok(())
}

impl Shared {
    /// Counts an answer, and says whether it turned the request away for now.
    fn note(&self, answer: &Answer<'_>) -> Result<bool, Failure> {
        let batch = self.load.batch as u64;
        let accepted = match answer.status {
            202 if batch == 1 => u64::from(find(answer.body, b"\"accepted\"").is_some()),
            200 if batch > 1 => count_after(answer.body, b"\"accepted\":").ok_or("a batch's answer counts nothing")?,
            429 | 503 => {
                *self.others.borrow_mut().entry(answer.status).or_default() += 1;
                return Ok(true);
            }
            status => {
                let text = String::from_utf8_lossy(answer.body);
                return Err(format!("an event was answered {status}: {text}").into());
            }
        };
        self.accepted.set(self.accepted.get() + accepted);
        if accepted < batch {
            *self.others.borrow_mut().entry(0).or_default() += batch - accepted;
        }
        Ok(false)
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

/// The number that follows a word.
fn count_after(text: &[u8], word: &[u8]) -> Option<u64> {
    let rest = &text[find(text, word)? + word.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

async fn sample(shared: Rc<Shared>) -> Vec<(Instant, u64)> {
    let mut samples = Vec::new();
    while !shared.over.get() {
        samples.push((Instant::now(), shared.accepted.get()));
        sleep(SAMPLE).await;
    }
    samples.push((Instant::now(), shared.accepted.get()));
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let answer = br#"{"accepted":97,"duplicate":3,"rejected":0,"results":[{"index":0,"status":"accepted"}]}"#;
        assert_eq!(count_after(answer, b"\"accepted\":"), Some(97));
        assert_eq!(count_after(b"{}", b"\"accepted\":"), None);
    }
}
