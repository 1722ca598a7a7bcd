//! The aggregator: what it knows in memory, in runs and after a crash, and which process it is.

use crate::support::{Installation, on_both};
use domain::account::{CustomerForm, CustomerLimits, Tier};
use domain::event::Kind;
use domain::figures::Figure;
use domain::period::{Filter, Period};
use engine::actor::ApiClient;
use serde_json::{Value, json};

on_both!(
    sessions_are_known_from_runs_and_from_memory,
    a_crash_loses_and_doubles_nothing,
    a_crash_while_much_waits_loses_and_doubles_nothing,
    a_time_zone_that_changes_while_much_waits_is_that_of_all_figures,
    another_process_takes_over,
    writers_know_what_others_wrote,
    a_new_month_waits_for_nobody_who_reads,
);

async fn prepare(installation: &Installation) -> ApiClient {
    installation.helplines(&[("h1", "NZ"), ("h2", "AU")]).await;
    let customer = installation.customer("A", "Europe/Paris").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    installation.client(&credentials).await
}

/// Event `i` of a stream in which sessions come back after hundreds of others, with clicks a while later.
fn event(i: usize) -> (Kind, Value) {
    let (session, helpline) = (i * 7 % 331, ["h1", "h2"][i % 2]);
    let at =
        format!("2026-11-{:02}T{:02}:{:02}:{:02}.{:03}Z", 1 + i % 20, i * 5 % 24, i * 11 % 60, i * 13 % 60, i % 1_000);
    let mut body = json!({"helpline_id": helpline, "session_id": format!("s{session}"), "timestamp": at});
    if i.is_multiple_of(3) {
        body["contact_method"] = ["phone", "sms", "website"][i / 3 % 3].into();
        return (Kind::Click, body);
    }
    (Kind::Display, body)
}

async fn post(installation: &Installation, client: &ApiClient, events: std::ops::Range<usize>) -> usize {
    let mut new = 0;
    for i in events {
        let (kind, body) = event(i);
        new += usize::from(installation.post(client, kind, &body).await.unwrap());
    }
    new
}

async fn gross(installation: &Installation, client: &ApiClient) -> i64 {
    let period = Period::new("2026-10-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
    let customer = client.customer_id();
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    let counts = installation.engine.summary(&reader, period, &Filter::default()).await.unwrap().counts;
    counts.get(Figure::GrossDisplays) + counts.get(Figure::GrossClicks)
}

async fn sessions_are_known_from_runs_and_from_memory(mut installation: Installation) {
    let client = prepare(&installation).await;
    for part in 0..8 {
        assert_eq!(post(&installation, &client, part * 150..(part + 1) * 150).await, 150);
        // In pieces, so that events of one session are counted at different times.
        installation.settle().await;
        if part == 4 {
            installation.restart().await;
        }
    }
    // Retries of what is in runs by now.
    assert_eq!(post(&installation, &client, 0..300).await, 0);
    installation.settle().await;
    assert_eq!(gross(&installation, &client).await, 1_200);
}

async fn a_crash_loses_and_doubles_nothing(mut installation: Installation) {
    let client = prepare(&installation).await;
    for round in 0..4 {
        assert_eq!(post(&installation, &client, round * 90..(round + 1) * 90).await, 90);
        installation.crash().await;
        assert_eq!(post(&installation, &client, round * 90..(round + 1) * 90).await, 0, "answered, so never new again");
    }
    installation.settle().await;
    assert_eq!(gross(&installation, &client).await, 360);
}

/// Posts events while nothing can be counted: a dozen batches wait then, each of which is read while the one before is
/// written.
async fn post_uncounted(installation: &Installation, client: &ApiClient, events: std::ops::Range<usize>) {
    let uncounted = installation.uncounted().await;
    let count = events.len();
    assert_eq!(post(installation, client, events).await, count);
    drop(uncounted);
}

async fn a_crash_while_much_waits_loses_and_doubles_nothing(mut installation: Installation) {
    let client = prepare(&installation).await;
    for round in 0..5 {
        let events = round * 600..(round + 1) * 600;
        post_uncounted(&installation, &client, events.clone()).await;
        tokio::time::sleep(std::time::Duration::from_millis(20 * round as u64)).await;
        installation.crash().await;
        assert_eq!(post(&installation, &client, events.start + 100..events.start + 150).await, 0);
    }
    installation.settle().await;
    assert_eq!(gross(&installation, &client).await, 3_000);
    // In order, with much that waits.
    post_uncounted(&installation, &client, 3_000..3_600).await;
    installation.restart().await;
    installation.settle().await;
    assert_eq!(gross(&installation, &client).await, 3_600);
}

async fn a_time_zone_that_changes_while_much_waits_is_that_of_all_figures(installation: Installation) {
    let client = prepare(&installation).await;
    for (round, zone) in ["Asia/Tokyo", "America/St_Johns", "Pacific/Kiritimati"].into_iter().enumerate() {
        post_uncounted(&installation, &client, round * 600..(round + 1) * 600).await;
        let form = CustomerForm { name: "A".into(), time_zone: zone.into(), limits: CustomerLimits::default() };
        installation.engine.update_customer(&installation.operator, client.customer_id(), &form).await.unwrap();
        installation.settle().await;
    }
    assert_eq!(gross(&installation, &client).await, 1_800);
}

async fn another_process_takes_over(mut installation: Installation) {
    let client = prepare(&installation).await;
    post(&installation, &client, 0..50).await;
    installation.settle().await;
    let (second, workers) = installation.another().await;
    assert!(installation.engine.health().await.aggregates);
    assert!(!second.health().await.aggregates, "one at a time");
    installation.crash().await;
    post(&installation, &client, 50..100).await;
    let begun = std::time::Instant::now();
    installation.settle().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    assert_eq!(gross(&installation, &client).await, 100);
    workers.stop().await;
}

async fn writers_know_what_others_wrote(installation: Installation) {
    let client = prepare(&installation).await;
    let (second, workers) = installation.another().await;
    for i in 0..120 {
        let (kind, body) = event(i);
        let body = body.to_string();
        let (first, again) = if i % 2 == 0 { (&installation.engine, &second) } else { (&second, &installation.engine) };
        let receipt = first.record_event(&client, kind, body.as_bytes()).await.unwrap();
        assert_eq!(receipt.status, engine::ReceiptStatus::Accepted);
        // At once, and again when it is counted.
        if i % 10 == 0 {
            installation.settle().await;
        }
        let receipt = again.record_event(&client, kind, body.as_bytes()).await.unwrap();
        assert_eq!(receipt.status, engine::ReceiptStatus::Duplicate);
    }
    installation.settle().await;
    assert_eq!(gross(&installation, &client).await, 120);
    workers.stop().await;
}

/// Such as a backup, which reads all tables in one transaction.
async fn a_new_month_waits_for_nobody_who_reads(installation: Installation) {
    let client = prepare(&installation).await;
    let _reading = installation.transaction("SELECT COUNT(*) FROM event_blocks").await;
    for at in ["2026-08-05T10:00:00Z", "2026-11-05T10:00:00Z", "2027-03-05T10:00:00Z"] {
        let body = json!({"helpline_id": "h1", "session_id": "s1", "timestamp": at});
        assert!(installation.post(&client, Kind::Display, &body).await.unwrap());
        let settled = tokio::time::timeout(std::time::Duration::from_secs(10), installation.settle()).await;
        assert!(settled.is_ok(), "the figures wait, with what came at {at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_log_loses_nothing_once_the_engine_has_stopped() {
    let mut installation = Installation::on_sqlite().await;
    let client = prepare(&installation).await;
    post(&installation, &client, 0..100).await;
    installation.stop().await;
    lose_log(&installation);
    installation.restart().await;
    assert_eq!(post(&installation, &client, 0..150).await, 50);
    installation.settle().await;
    assert_eq!(gross(&installation, &client).await, 150);
    // Retries alone leave nothing to write down but how far the log was read.
    installation.restart().await;
    assert_eq!(post(&installation, &client, 0..150).await, 0);
    installation.stop().await;
    lose_log(&installation);
    installation.restart().await;
    assert_eq!(gross(&installation, &client).await, 150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_starts_without_the_log_that_a_crash_left() {
    let mut installation = Installation::on_sqlite().await;
    let client = prepare(&installation).await;
    post(&installation, &client, 0..100).await;
    installation.settle().await;
    installation.abandon();
    lose_log(&installation);
    let engine = engine::Engine::open(installation.settings.clone(), installation.clock.clone()).await.unwrap();
    let refused = engine.start().await.err().map(|error| error.to_string());
    assert!(refused.is_some_and(|reason| reason.contains("-log")));
}

fn lose_log(installation: &Installation) {
    for file in ["test.db-log", "test.db-log-wal", "test.db-log-shm"] {
        // Those of the log's own log are gone with its last connection.
        let _ = std::fs::remove_file(installation.directory().join(file));
    }
}
