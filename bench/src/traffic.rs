//! The events that are sent: requests formatted once, of which only the session, helpline and time are filled in.
//!
//! Seven of ten events are displays, each in a new session; three are clicks that follow one of them. No two events
//! are the same, so each must be answered `accepted`.

use domain::Timestamp;
use engine::clock::{Clock, SystemClock};
use std::cell::{Cell, RefCell};
use std::hash::BuildHasher;
use std::time::Instant;

/// Displays and clicks in each ten events, in this order.
const PATTERN: [Kind; 10] = {
    use Kind::{Click, Display};
    [Display, Display, Click, Display, Display, Click, Display, Display, Click, Display]
};
const METHODS: [&str; 4] = ["phone", "sms", "online_chat", "website"];
/// Bytes of the filled in texts.
const SESSION_BYTES: usize = 32;
const TIME_BYTES: usize = 24;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Display,
    Click,
}

/// What all connections of a run share.
pub struct Traffic {
    helplines: Vec<String>,
    /// Distinguishes the sessions of this process from those of any other.
    prefix: u64,
    sessions: Cell<u64>,
    began: Instant,
    began_at: Timestamp,
    /// The present millisecond, counted from `began`, and its text.
    stamp: RefCell<(i64, String)>,
}

impl Traffic {
    /// Events of these helplines, whose ids are all of one length.
    pub fn new(helplines: Vec<String>) -> Self {
        let prefix = std::hash::RandomState::new().hash_one(0);
        let (began, began_at) = (Instant::now(), SystemClock.now());
        Self { helplines, prefix, sessions: Cell::new(0), began, began_at, stamp: RefCell::new((-1, String::new())) }
    }

    /// A session that there was not before, and the helpline that it sees.
    fn new_session(&self) -> Shown {
        let number = self.sessions.get();
        self.sessions.set(number + 1);
        // A multiplier without factors in common with the number of helplines takes turns among all of them.
        let helpline = (number.wrapping_mul(7_919) % self.helplines.len() as u64) as usize;
        Shown { session: number, helpline }
    }

    fn fill(&self, bytes: &mut [u8], slots: Slots, shown: Shown) {
        let helpline = &self.helplines[shown.helpline];
        bytes[slots.helpline..][..helpline.len()].copy_from_slice(helpline.as_bytes());
        hex(&mut bytes[slots.session..][..16], self.prefix);
        hex(&mut bytes[slots.session + 16..][..16], shown.session);
        bytes[slots.time..][..TIME_BYTES].copy_from_slice(self.stamp.borrow().1.as_bytes());
    }

    /// Formats the time of an instant, unless it is in the millisecond that was formatted last.
    fn keep_time(&self, now: Instant) {
        let mut stamp = self.stamp.borrow_mut();
        let millis = i64::try_from(now.saturating_duration_since(self.began).as_millis()).unwrap_or(i64::MAX);
        if stamp.0 != millis {
            *stamp = (millis, Timestamp::from_millis(self.began_at.millis() + millis).to_string());
        }
    }
}

fn hex(bytes: &mut [u8], mut number: u64) {
    for byte in bytes.iter_mut().rev() {
        *byte = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

/// A session and the helpline that was displayed in it.
#[derive(Clone, Copy)]
struct Shown {
    session: u64,
    helpline: usize,
}

/// Where texts are filled in, in bytes from the start of a request.
#[derive(Clone, Copy)]
struct Slots {
    helpline: usize,
    session: usize,
    time: usize,
}

/// The requests of one connection.
pub enum Requests {
    /// One event each.
    Single(Single),
    /// Many.
    Batch(Batch),
}

pub struct Single {
    display: Template,
    clicks: Vec<Template>,
    sent: usize,
    shown: Shown,
}

pub struct Batch {
    template: Template,
}

/// The bytes of a request and, for each of its events, the kind and the slots.
struct Template {
    bytes: Vec<u8>,
    events: Vec<(Kind, Slots)>,
}

impl Requests {
    /// Requests of `batch` events; of one, to the paths for single events.
    pub fn new(batch: usize, traffic: &Traffic, token: &str) -> Self {
        let id_bytes = traffic.helplines.first().map_or(0, String::len);
        if batch == 1 {
            let template = |path, kind, method| Template::new(path, token, id_bytes, false, &[(kind, method)]);
            let display = template("/v1/events/helpline-display", Kind::Display, "");
            let click = |method: &&'static str| template("/v1/events/helpline-click", Kind::Click, method);
            let clicks = METHODS.iter().map(click).collect();
            return Self::Single(Single { display, clicks, sent: 0, shown: Shown { session: 0, helpline: 0 } });
        }
        let event = |index: usize| (PATTERN[index % PATTERN.len()], METHODS[index % METHODS.len()]);
        let events: Vec<_> = (0..batch).map(event).collect();
        Self::Batch(Batch { template: Template::new("/v1/events/batch", token, id_bytes, true, &events) })
    }

    /// The next request, of the present time.
    pub fn next(&mut self, traffic: &Traffic, now: Instant) -> &[u8] {
        traffic.keep_time(now);
        match self {
            Self::Single(single) => single.next(traffic),
            Self::Batch(batch) => {
                let mut shown = Shown { session: 0, helpline: 0 };
                batch.template.fill(traffic, &mut shown)
            }
        }
    }
}

impl Single {
    fn next(&mut self, traffic: &Traffic) -> &[u8] {
        let kind = PATTERN[self.sent % PATTERN.len()];
        self.sent += 1;
        let methods = self.clicks.len();
        let template = match kind {
            Kind::Display => &mut self.display,
            Kind::Click => &mut self.clicks[self.sent / PATTERN.len() % methods],
        };
        template.fill(traffic, &mut self.shown)
    }
}

impl Template {
    fn new(path: &str, token: &str, id_bytes: usize, is_batch: bool, events: &[(Kind, &str)]) -> Self {
        let mut body = String::new();
        let mut slots = Vec::with_capacity(events.len());
        if is_batch {
            body.push_str("{\"events\":[");
        }
        for (index, (kind, method)) in events.iter().enumerate() {
            body.push_str(if index == 0 { "{" } else { ",{" });
            if is_batch {
                let name = if *kind == Kind::Click { "helpline_click" } else { "helpline_display" };
                body.push_str(&format!("\"type\":\"{name}\","));
            }
            let mut member = |name: &str, bytes: usize| {
                body.push_str(&format!("\"{name}\":\""));
                let at = body.len();
                body.push_str(&"x".repeat(bytes));
                body.push_str("\",");
                at
            };
            let helpline = member("helpline_id", id_bytes);
            let session = member("session_id", SESSION_BYTES);
            let time = member("timestamp", TIME_BYTES);
            if *kind == Kind::Click {
                body.push_str(&format!("\"contact_method\":\"{method}\"}}"));
            } else {
                body.pop();
                body.push('}');
            }
            slots.push((*kind, Slots { helpline, session, time }));
        }
        if is_batch {
            body.push_str("]}");
        }
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        let moved = |(kind, Slots { helpline, session, time })| {
            let by = head.len();
            (kind, Slots { helpline: helpline + by, session: session + by, time: time + by })
        };
        Self { events: slots.into_iter().map(moved).collect(), bytes: (head.clone() + &body).into_bytes() }
    }

    /// Fills in all events: displays show a helpline to a new session, clicks follow the last.
    fn fill(&mut self, traffic: &Traffic, shown: &mut Shown) -> &[u8] {
        for (kind, slots) in &self.events {
            if *kind == Kind::Display {
                *shown = traffic.new_session();
            }
            traffic.fill(&mut self.bytes, *slots, *shown);
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::HashSet;

    fn body(request: &[u8]) -> Value {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
        serde_json::from_str(body).unwrap()
    }

    fn traffic() -> Traffic {
        Traffic::new((0..10).map(|number| format!("line-{number}")).collect())
    }

    #[test]
    fn every_event_is_another() {
        let traffic = traffic();
        let mut requests = Requests::new(1, &traffic, "token");
        let mut seen = HashSet::new();
        let mut clicks = 0;
        for _ in 0..1_000 {
            let event = body(requests.next(&traffic, Instant::now()));
            clicks += usize::from(event["contact_method"].is_string());
            assert!(seen.insert(format!("{} {}", event["session_id"], event["contact_method"])));
        }
        assert_eq!(clicks, 300);
    }

    #[test]
    fn batches_hold_what_they_say() {
        let traffic = traffic();
        let mut requests = Requests::new(1_000, &traffic, "token");
        let batch = body(requests.next(&traffic, Instant::now()));
        let events = batch["events"].as_array().unwrap();
        assert_eq!(events.len(), 1_000);
        let displayed: HashSet<_> = events
            .iter()
            .filter(|event| event["type"] == "helpline_display")
            .map(|event| format!("{} {}", event["session_id"], event["helpline_id"]))
            .collect();
        assert_eq!(displayed.len(), 700);
        for click in events.iter().filter(|event| event["type"] == "helpline_click") {
            assert!(displayed.contains(&format!("{} {}", click["session_id"], click["helpline_id"])));
            assert!(Timestamp::parse_rfc3339(click["timestamp"].as_str().unwrap()).is_ok());
        }
    }
}
