//! The worked stream gives the figures that the reference implementation gives.

use crate::support::{Installation, on_both};
use domain::account::Tier;
use domain::event::Kind;
use domain::figures::{Counts, Scope, six_decimals};
use domain::period::{Breakdown, Filter, Interval, Period};
use engine::actor::{ApiClient, Reader};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

on_both!(the_worked_stream_gives_the_expected_figures, figures_follow_the_customers_time_zone);

pub const EVENTS: &str = include_str!("../../../domain/tests/golden/events.ndjson");
const CONFIG: &str = include_str!("../../../domain/tests/golden/config.json");
pub const EXPECTED: &str = include_str!("../../../domain/tests/golden/expected.json");

/// The customer, applications and helplines of the worked stream.
pub struct Stream {
    pub installation: Arc<Installation>,
    pub clients: BTreeMap<String, ApiClient>,
    /// Names of applications by id.
    pub names: BTreeMap<String, String>,
    pub reader: Reader,
    pub customer: domain::CustomerId,
}

pub async fn prepare(installation: Installation, zone: &str) -> Stream {
    let config: Value = serde_json::from_str(CONFIG).unwrap();
    let helplines = config["helplines"].as_object().unwrap();
    let helplines: Vec<_> = helplines.iter().map(|(id, country)| (id.as_str(), country.as_str().unwrap())).collect();
    installation.helplines(&helplines).await;
    let customer = installation.customer("Golden", zone).await;
    let (mut clients, mut names) = (BTreeMap::new(), BTreeMap::new());
    for (name, application) in config["applications"].as_object().unwrap() {
        let tier = Tier::from_name(application["tier"].as_str().unwrap()).unwrap();
        let credentials = installation.application(customer, name, tier).await;
        clients.insert(name.clone(), installation.client(&credentials).await);
        names.insert(credentials.application.id.to_string(), name.clone());
    }
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    Stream { installation: Arc::new(installation), clients, names, reader, customer }
}

/// Posts events from many tasks at once, in an order of their own; returns how many were new, were not, were refused.
async fn post(stream: &Stream) -> (usize, usize, BTreeMap<String, usize>) {
    let mut events: Vec<Value> = EVENTS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Another order than that of the file: by a hash of sorts.
    events.sort_by_cached_key(|event| event.to_string().bytes().fold(7_u64, |h, b| h.wrapping_mul(31) ^ u64::from(b)));
    let shares: Vec<Vec<Value>> = events.chunks(events.len().div_ceil(32)).map(<[Value]>::to_vec).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for share in shares {
        let (installation, clients) = (stream.installation.clone(), stream.clients.clone());
        tasks.spawn(async move {
            let mut outcomes = Vec::new();
            for event in share {
                let client = &clients[event["application"].as_str().unwrap()];
                let kind = if event["type"] == "helpline_click" { Kind::Click } else { Kind::Display };
                outcomes.push(installation.post(client, kind, &event).await);
            }
            outcomes
        });
    }
    let (mut new, mut known, mut refused) = (0, 0, BTreeMap::new());
    for outcome in tasks.join_all().await.into_iter().flatten() {
        match outcome {
            Ok(true) => new += 1,
            Ok(false) => known += 1,
            Err(codes) => *refused.entry(codes[0].clone()).or_default() += 1,
        }
    }
    (new, known, refused)
}

/// Counts as the reference prints them: only the figures that a view gives.
fn figures(counts: &Counts, scope: Scope) -> Value {
    let mut figures = Map::new();
    for figure in scope.figures() {
        figures.insert(figure.name().to_owned(), counts.get(figure).into());
    }
    if scope.ctr_of().is_some() {
        figures.insert("ctr".to_owned(), counts.ctr(scope).map(six_decimals).into());
    }
    figures.into()
}

/// The stream's figures, as the reference prints them.
pub async fn measured(stream: &Stream, tier: Tier) -> Value {
    let engine = &stream.installation.engine;
    let period = Period::new("2026-10-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
    let filter = Filter { tier: Some(tier), ..Filter::default() };
    let summary = engine.summary(&stream.reader, period, &filter).await.unwrap();
    let series = engine.timeseries(&stream.reader, period, Interval::Day, &filter).await.unwrap();
    let days = series.buckets.iter().filter(|(_, counts)| !counts.is_zero());
    let by_day: Map<String, Value> =
        days.map(|(bucket, counts)| (bucket.day.to_string(), figures(counts, series.scope))).collect();
    let mut tables = Map::new();
    tables.insert("total".to_owned(), figures(&summary.counts, summary.scope));
    tables.insert("by_day".to_owned(), by_day.into());
    for (name, by) in [
        ("by_application", Breakdown::Application),
        ("by_helpline", Breakdown::Helpline),
        ("by_country", Breakdown::Country),
        ("by_method", Breakdown::ContactMethod),
    ] {
        let table = engine.breakdown(&stream.reader, period, by, &filter, 1_000, None).await.unwrap();
        let key = |key: &String| stream.names.get(key).unwrap_or(key).clone();
        let rows: Map<String, Value> =
            table.rows.iter().map(|row| (key(&row.key), figures(&row.counts, table.scope))).collect();
        tables.insert(name.to_owned(), rows.into());
    }
    tables.into()
}

async fn the_worked_stream_gives_the_expected_figures(installation: Installation) {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let stream = prepare(installation, "Asia/Kathmandu").await;
    let (new, known, refused) = post(&stream).await;
    assert_eq!(
        json!({"accepted": new, "duplicates": known, "rejected": refused}),
        json!({
            "accepted": expected["accepted"], "duplicates": expected["duplicates"], "rejected": expected["rejected"],
        })
    );
    stream.installation.settle().await;
    for tier in [Tier::Production, Tier::Sandbox] {
        pretty_assertions(&measured(&stream, tier).await, &expected["tiers"][tier.as_str()]);
    }
    // All of it once more changes nothing but the count of duplicates.
    let (new, known, _) = post(&stream).await;
    assert_eq!((new, known), (0, 2_100));
    stream.installation.settle().await;
    pretty_assertions(&measured(&stream, Tier::Production).await, &expected["tiers"]["production"]);
    let period = Period::new("2026-10-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
    let intake = stream.installation.engine.intake(&stream.reader, period, None).await.unwrap();
    assert_eq!((intake.accepted, intake.duplicates), (2_000, 2_200));
    let refused: Vec<_> = intake.refused.iter().map(|(code, n)| (code.as_str(), *n)).collect();
    assert_eq!(refused, [("helpline_unknown", 38), ("contact_method_invalid", 28), ("timestamp_invalid", 14)]);
}

/// Says where two tables differ, which a comparison of whole documents would hide.
pub fn pretty_assertions(measured: &Value, expected: &Value) {
    for (table, rows) in expected.as_object().unwrap() {
        for (key, value) in rows.as_object().unwrap() {
            assert_eq!(&measured[table][key], value, "{table} {key}");
        }
        assert_eq!(measured[table].as_object().unwrap().len(), rows.as_object().unwrap().len(), "{table}");
    }
}

async fn figures_follow_the_customers_time_zone(installation: Installation) {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let mut stream = prepare(installation, "America/St_Johns").await;
    post(&stream).await;
    stream.installation.settle().await;
    let form = domain::account::CustomerForm {
        name: "Golden".into(),
        time_zone: "Asia/Kathmandu".into(),
        limits: domain::account::CustomerLimits::default(),
    };
    let installation = &stream.installation;
    installation.engine.update_customer(&installation.operator, stream.customer, &form).await.unwrap();
    installation.settle().await;
    stream.reader = installation.engine.console_reader(&installation.operator, Some(stream.customer)).unwrap();
    pretty_assertions(&measured(&stream, Tier::Production).await, &expected["tiers"]["production"]);
}
