//! What `/metrics` tells: requests by route template and status, events by outcome. Never an id.

use engine::Health;
use http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

const REQUESTS: &str = "reachline_http_requests_total";
const DURATIONS: &str = "reachline_http_request_duration_seconds";
const EVENTS: &str = "reachline_events_total";
const BACKLOG: &str = "reachline_backlog_events";
const LAG: &str = "reachline_figures_lag_seconds";
const WAITING: &str = "reachline_waiting_requests";
const KEPT: &str = "reachline_kept_batches";
const CONNECTIONS: &str = "reachline_client_connections";
const READY: &str = "reachline_ready";
const AGGREGATES: &str = "reachline_aggregates";
/// Bounds of the duration's buckets, in seconds.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// The counters of one server. They are kept here rather than in a global, so that a process can hold several.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// Looking up a counter by its labels is dear: these are the ones that have been used.
    requests: RwLock<HashMap<RequestKey, (Counter, Histogram)>>,
    events_seen: RwLock<HashMap<(&'static str, &'static str), Counter>>,
}

#[derive(PartialEq, Eq, Hash)]
struct RequestKey {
    route: String,
    method: Method,
    status: StatusCode,
}

impl Default for Metrics {
    fn default() -> Self {
        // Buckets are refused only if there are none; then durations become summaries.
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        recorder.describe_counter(REQUESTS.into(), Some(Unit::Count), "Requests by route, method and status".into());
        recorder.describe_histogram(DURATIONS.into(), Some(Unit::Seconds), "Time to answer, by route".into());
        recorder.describe_counter(EVENTS.into(), Some(Unit::Count), "Events by kind and outcome".into());
        for (name, unit, text) in [
            (BACKLOG, Unit::Count, "Events that are stored and not in the figures yet"),
            (LAG, Unit::Seconds, "For how long the oldest of them has waited"),
            (WAITING, Unit::Count, "Requests that wait for the commit of their events"),
            (KEPT, Unit::Count, "Batches that are kept waiting until more is counted"),
            (CONNECTIONS, Unit::Count, "Connections of clients, with those on which requests are refused as too many"),
            (READY, Unit::Count, "1 if events can be taken in"),
            (AGGREGATES, Unit::Count, "1 if this process brings the figures up to date"),
        ] {
            recorder.describe_gauge(name.into(), Some(unit), text.into());
        }
        Self { recorder, handle, requests: RwLock::default(), events_seen: RwLock::default() }
    }
}

/// A connection that is open.
pub struct Connection(Gauge);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl Metrics {
    /// Notes an answered request. `route` is the template, such as `/v1/helplines/{id}`.
    pub fn request(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        // Methods that a client makes up must not fill the memory.
        let method = if is_usual(method) { method.clone() } else { Method::TRACE };
        let key = RequestKey { route: route.to_owned(), method, status };
        let note = |(count, durations): &(Counter, Histogram)| {
            count.increment(1);
            durations.record(took.as_secs_f64());
        };
        if let Some(known) = self.requests.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            note(known);
            return;
        }
        let route = Label::new("route", key.route.clone());
        let labels = vec![
            route.clone(),
            Label::new("method", key.method.to_string()),
            Label::new("status", key.status.as_u16().to_string()),
        ];
        let count = self.recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA);
        let durations = self.recorder.register_histogram(&Key::from_parts(DURATIONS, vec![route]), &METADATA);
        note(&(count.clone(), durations.clone()));
        self.requests.write().unwrap_or_else(PoisonError::into_inner).insert(key, (count, durations));
    }

    /// Notes an event: see [`Metrics::events`].
    pub fn event(&self, kind: &'static str, outcome: &'static str) {
        self.events(kind, outcome, 1);
    }

    /// Notes events: `kind` is `display`, `click` or, in batches, `unknown`; `outcome` the answer's status or the code
    /// of the refusal.
    pub fn events(&self, kind: &'static str, outcome: &'static str, count: u64) {
        if let Some(known) = self.events_seen.read().unwrap_or_else(PoisonError::into_inner).get(&(kind, outcome)) {
            known.increment(count);
            return;
        }
        let labels = vec![Label::from_static_parts("kind", kind), Label::from_static_parts("outcome", outcome)];
        let counter = self.recorder.register_counter(&Key::from_parts(EVENTS, labels), &METADATA);
        counter.increment(count);
        self.events_seen.write().unwrap_or_else(PoisonError::into_inner).insert((kind, outcome), counter);
    }

    /// Notes a connection of a client, until what this returns is dropped.
    #[must_use]
    pub fn connection(&self) -> Connection {
        let connections = self.recorder.register_gauge(&Key::from_static_name(CONNECTIONS), &METADATA);
        connections.increment(1.0);
        Connection(connections)
    }

    /// Notes how the engine is at present.
    pub fn health(&self, health: &Health) {
        let set = |name: &'static str, value: f64| {
            self.recorder.register_gauge(&Key::from_static_name(name), &METADATA).set(value);
        };
        set(BACKLOG, health.backlog_events as f64);
        set(LAG, health.lag_ms as f64 / 1_000.0);
        set(WAITING, health.waiting_requests as f64);
        set(KEPT, health.kept_batches as f64);
        set(READY, f64::from(u8::from(health.ready)));
        set(AGGREGATES, f64::from(u8::from(health.aggregates)));
    }

    /// All of it in Prometheus' text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds recorded durations into their buckets; to be called now and then, or they pile up unread.
    pub fn tidy(&self) {
        self.handle.run_upkeep();
    }
}

fn is_usual(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rendered() {
        let metrics = Metrics::default();
        for _ in 0..2 {
            metrics.request("/v1/topics", &Method::GET, StatusCode::OK, Duration::from_millis(3));
            metrics.event("display", "accepted");
        }
        let text = metrics.render();
        assert!(text.contains(r#"reachline_events_total{kind="display",outcome="accepted"} 2"#), "{text}");
        assert!(
            text.contains(r#"reachline_http_requests_total{route="/v1/topics",method="GET",status="200"} 2"#),
            "{text}"
        );
        assert!(text.contains(r#"reachline_http_request_duration_seconds_bucket{route="/v1/topics",le="0.005"} 2"#));
    }
}
