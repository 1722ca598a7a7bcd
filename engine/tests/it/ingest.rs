//! Taking in events, and the quota of the catalogue.

use crate::support::{Installation, at, on_both};
use domain::account::Tier;
use domain::event::Kind;
use domain::period::{Filter, Interval, Period};
use engine::{Engine, EventError, EventFault, ReceiptStatus, TokenRefusal};
use serde_json::json;

on_both!(
    a_retry_gets_the_same_id_even_after_a_restart,
    a_flood_of_retries_from_all_over_a_month_is_known,
    a_batch_waits_a_moment_for_what_is_before_it_to_be_counted,
    refusals_are_counted_by_their_first_code,
    two_processes_aggregate_as_one,
    the_quota_is_exact_under_concurrency,
    tokens_end_with_time_and_with_their_secret,
    hours_days_and_months_add_up,
);

async fn a_retry_gets_the_same_id_even_after_a_restart(mut installation: Installation) {
    installation.helplines(&[("h1", "NZ")]).await;
    let customer = installation.customer("A", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    let body = json!({"helpline_id": "h1", "session_id": "s1", "timestamp": "2026-11-24T11:00:00.1239Z"}).to_string();
    let first = installation.engine.record_event(&client, Kind::Display, body.as_bytes()).await.unwrap();
    assert_eq!(first.status, ReceiptStatus::Accepted);
    installation.restart().await;
    let client = installation.client(&credentials).await;
    // The same instant, written otherwise.
    let again = body.replace("11:00:00.1239Z", "12:00:00.123+01:00");
    let again = installation.engine.record_event(&client, Kind::Display, again.as_bytes()).await.unwrap();
    assert_eq!((again.status, again.event_id), (ReceiptStatus::Duplicate, first.event_id));
    // Its id begins with its time.
    assert_eq!(first.event_id.to_string()[..13].replace('-', ""), format!("{:012x}", 1_795_518_000_123_i64));
    installation.settle().await;
}

/// A standby takes the database's place that had not got all of it: what is missing there is not known when it comes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failover_lost_is_new_when_it_is_sent_again() {
    let installation = Installation::on_postgres().await;
    installation.helplines(&[("h1", "NZ")]).await;
    let customer = installation.customer("A", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    // `None`: try again.
    let send = async |n: i32| {
        let body = json!({"helpline_id": "h1", "session_id": format!("s{n}"), "timestamp": "2026-11-24T11:00:00Z"});
        match installation.engine.record_event(&client, Kind::Display, body.to_string().as_bytes()).await {
            Ok(receipt) => Some(receipt.status),
            Err(EventError::Unavailable { .. }) => None,
            Err(other) => panic!("{other}"),
        }
    };
    let (accepted, duplicate) = (Some(ReceiptStatus::Accepted), Some(ReceiptStatus::Duplicate));
    // All that is not counted, but for the first two packs.
    let back = "WITH gone AS (DELETE FROM log WHERE seq > (SELECT applied + 2 FROM aggregator) RETURNING seq) \
                SELECT setval('log_seq', (SELECT applied + 2 FROM aggregator)) FROM gone";
    // It is found by the next look at the log, or by the next event, of which it is not told then that it was stored.
    for (first, pause, answers) in [(0, 1_500, [accepted, duplicate]), (10, 0, [None, duplicate])] {
        let uncounted = installation.uncounted().await;
        for n in first..first + 4 {
            assert_eq!(send(n).await, accepted);
        }
        installation.execute(back).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        assert_eq!(send(first + 2).await, answers[0], "after {pause} ms");
        let began = std::time::Instant::now();
        let again = loop {
            match send(first + 2).await {
                None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                again => break again,
            }
            assert!(began.elapsed().as_secs() < 5);
        };
        assert_eq!(again, answers[1]);
        assert_eq!(send(first + 1).await, duplicate);
        assert_eq!(send(first + 3).await, accepted);
        drop(uncounted);
        installation.settle().await;
    }
    let verified = installation.engine.verify_figures(&installation.operator).await.unwrap();
    assert_eq!(verified.events, 8);
}

/// As of a partner who was cut off and sends all of it again: each event lies in a block of its own.
async fn a_flood_of_retries_from_all_over_a_month_is_known(mut installation: Installation) {
    const BATCHES: i64 = 8;
    installation.helplines(&[("h1", "NZ")]).await;
    let customer = installation.customer("A", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let start = at("2026-10-22T00:00:00Z");
    let body = |batch: i64| {
        let events = (0..1_000).map(|n| {
            let timestamp = start.plus((batch * 1_000 + n) * 300_000).to_string();
            json!({"type": "helpline_display", "helpline_id": "h1", "session_id": format!("s{n}"), "timestamp": timestamp})
        });
        serde_json::Value::from(events.collect::<Vec<_>>()).to_string()
    };
    for expected in [ReceiptStatus::Accepted, ReceiptStatus::Duplicate] {
        let client = installation.client(&credentials).await;
        let (engine, client) = (installation.engine.clone(), std::sync::Arc::new(client));
        let send = |batch: i64| {
            let (engine, client, body) = (engine.clone(), client.clone(), body(batch));
            tokio::spawn(async move {
                let batch = engine::Batch::read(engine::BatchForm::Json, body.as_bytes());
                let results = engine.record_batch(&client, batch).await.map_err(|error| error.to_string()).unwrap();
                results.into_iter().map(|result| result.outcome.unwrap().status).collect::<Vec<_>>()
            })
        };
        let began = std::time::Instant::now();
        for answer in (0..BATCHES).map(send).collect::<Vec<_>>() {
            assert!(answer.await.unwrap().iter().all(|status| *status == expected));
        }
        assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
        installation.engine.wait_for_figures().await.unwrap();
        // Nothing is remembered then, and all of it has to be looked for.
        installation.restart().await;
    }
    installation.settle().await;
}

/// Figures do not fall behind for long, and nobody is refused for it.
async fn a_batch_waits_a_moment_for_what_is_before_it_to_be_counted(mut installation: Installation) {
    const WAIT: std::time::Duration = std::time::Duration::from_millis(500);
    installation.settings.room.batch_events = 1_000;
    installation.restart().await;
    installation.helplines(&[("h1", "NZ")]).await;
    let customer = installation.customer("A", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    let took = async |engine: &Engine, session: &str| {
        let events = (0..1_000).map(|n| {
            let timestamp = at("2026-11-24T00:00:00Z").plus(n).to_string();
            json!({"type": "helpline_display", "helpline_id": "h1", "session_id": session, "timestamp": timestamp})
        });
        let body = serde_json::Value::from(events.collect::<Vec<_>>()).to_string();
        let batch = engine::Batch::read(engine::BatchForm::Json, body.as_bytes());
        let began = std::time::Instant::now();
        let results = engine.record_batch(&client, batch).await.map_err(|error| error.to_string()).unwrap();
        let took = began.elapsed();
        assert!(results.iter().all(|result| result.outcome.as_ref().unwrap().status == ReceiptStatus::Accepted));
        took
    };
    let uncounted = installation.uncounted().await;
    took(&installation.engine, "s1").await;
    let kept = async || installation.engine.health().await.kept_batches;
    let is_shown = async {
        while kept().await == 0 {
            tokio::time::sleep(WAIT / 100).await;
        }
    };
    let (waited, shown) = tokio::join!(took(&installation.engine, "s2"), tokio::time::timeout(WAIT, is_shown));
    assert!(waited >= WAIT && shown.is_ok());
    assert_eq!(kept().await, 0);
    drop(uncounted);
    installation.engine.wait_for_figures().await.unwrap();
    // Nobody else has to be waited for, so one of several is as fast as it would be alone.
    let mut fastest = WAIT;
    for session in ["s3", "s4", "s5"] {
        fastest = fastest.min(took(&installation.engine, session).await);
        installation.engine.wait_for_figures().await.unwrap();
    }
    assert!(fastest < WAIT);
    installation.settle().await;
}

async fn refusals_are_counted_by_their_first_code(installation: Installation) {
    installation.helplines(&[("h1", "NZ")]).await;
    let customer = installation.customer("A", "Asia/Kathmandu").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    let none = json!({});
    let faults = installation.post(&client, Kind::Click, &none).await.unwrap_err();
    assert_eq!(faults, ["field_missing", "session_id_missing", "field_missing", "field_missing"]);
    let malformed = installation.engine.record_event(&client, Kind::Click, b"{\"helpline_id\": \"\xff\"}").await;
    assert!(matches!(malformed, Err(EventError::Refused(EventFault::Malformed))));
    let array = installation.engine.record_event(&client, Kind::Click, b"[]").await;
    assert!(array.is_err());
    installation.settle().await;
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    let period = Period::new("2026-11-24".parse().unwrap(), "2026-11-25".parse().unwrap()).unwrap();
    let intake = installation.engine.intake(&reader, period, Some(client.application_id())).await.unwrap();
    let refused: i64 = intake.refused.iter().map(|(_, n)| n).sum();
    assert_eq!((intake.accepted, refused), (0, 3));
}

async fn two_processes_aggregate_as_one(installation: Installation) {
    let second = Engine::open(installation.settings.clone(), installation.clock.clone()).await.unwrap();
    let workers = second.start().await.unwrap();
    installation.helplines(&[("h1", "NZ"), ("h2", "AU")]).await;
    let customer = installation.customer("A", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    for i in 0..300 {
        let body = json!({
            "helpline_id": if i % 3 == 0 { "h2" } else { "h1" },
            "session_id": format!("s{}", i % 20),
            "timestamp": format!("2026-11-23T{:02}:{:02}:00Z", i % 24, i % 60),
        });
        // The same event to both: one of them stores it.
        let engines = [&installation.engine, &second];
        let body = body.to_string();
        let posts = engines.map(|engine| engine.record_event(&client, Kind::Display, body.as_bytes()));
        let [a, b] = posts;
        let (a, b) = tokio::join!(a, b);
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(a.event_id, b.event_id);
        assert!(!(a.status == ReceiptStatus::Accepted && b.status == ReceiptStatus::Accepted));
    }
    installation.settle().await;
    workers.stop().await;
}

async fn the_quota_is_exact_under_concurrency(installation: Installation) {
    let customer = installation.customer("A", "UTC").await;
    let form = domain::account::CustomerForm {
        name: "A".into(),
        time_zone: "UTC".into(),
        limits: domain::account::CustomerLimits {
            catalogue_quota_per_day: Some(25),
            event_burst_per_second: None,
            ..Default::default()
        },
    };
    installation.engine.update_customer(&installation.operator, customer, &form).await.unwrap();
    // Two applications share the customer's quota.
    let mut clients = Vec::new();
    for name in ["web", "mobile"] {
        let credentials = installation.application(customer, name, Tier::Production).await;
        clients.push(installation.client(&credentials).await);
    }
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..40 {
        let (engine, client) = (installation.engine.clone(), clients[i % 2].clone());
        calls.spawn(async move { engine.charge_catalogue_call(&client).await.unwrap() });
    }
    let standings = calls.join_all().await;
    assert_eq!(standings.iter().filter(|standing| standing.allowed).count(), 25);
    installation.clock.set("2026-11-25T11:59:59Z");
    assert!(!installation.engine.charge_catalogue_call(&clients[0]).await.unwrap().allowed);
    installation.clock.set("2026-11-25T12:00:00Z");
    let standing = installation.engine.charge_catalogue_call(&clients[0]).await.unwrap();
    assert_eq!((standing.allowed, standing.remaining), (true, 24));
}

async fn tokens_end_with_time_and_with_their_secret(installation: Installation) {
    let customer = installation.customer("A", "UTC").await;
    let first = installation.application(customer, "web", Tier::Production).await;
    let token = installation.token(&first).await;
    let engine = &installation.engine;
    let manager = engine.console_manager(&installation.operator, customer).unwrap();
    let second = engine.rotate_application(&manager, first.application.id).await.unwrap();
    assert!(engine.rotate_application(&manager, first.application.id).await.is_err(), "two at most");
    let of_second = installation.token(&second).await;
    let oldest = first.application.secrets[0].id;
    engine.revoke_secret(&manager, first.application.id, oldest).await.unwrap();
    assert_eq!(engine.authenticate_token(&token).err(), Some(TokenRefusal::Invalid));
    assert!(engine.authenticate_token(&of_second).is_ok());
    let client_id = &first.application.client_id;
    assert!(engine.issue_token(client_id, &first.client_secret, None).await.is_err());
    assert!(engine.issue_token(client_id, &second.client_secret, Some("no:scope")).await.is_err());
    for broken in ["", "rlt_", "rlt_AAAA", &of_second[..of_second.len() - 2], &of_second.to_uppercase()] {
        assert_eq!(engine.authenticate_token(broken).err(), Some(TokenRefusal::Invalid), "{broken}");
    }
    installation.clock.set("2026-11-24T12:59:59Z");
    assert!(engine.authenticate_token(&of_second).is_ok());
    installation.clock.set("2026-11-24T13:00:00Z");
    assert_eq!(engine.authenticate_token(&of_second).err(), Some(TokenRefusal::Expired));
}

async fn hours_days_and_months_add_up(installation: Installation) {
    installation.helplines(&[("h1", "NZ")]).await;
    let customer = installation.customer("A", "Australia/Lord_Howe").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    // Around the end of summer time, when an hour has ninety minutes there.
    for i in 0..96 {
        let minute = i * 15;
        let at = format!("2026-04-04T{:02}:{:02}:00Z", minute / 60, minute % 60);
        let body = json!({"helpline_id": "h1", "session_id": format!("s{i}"), "timestamp": at});
        assert_eq!(installation.post(&client, Kind::Display, &body).await, Ok(true));
    }
    installation.settle().await;
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    let period = Period::new("2026-04-01".parse().unwrap(), "2026-05-01".parse().unwrap()).unwrap();
    let filter = Filter::default();
    let summary = installation.engine.summary(&reader, period, &filter).await.unwrap();
    assert_eq!(summary.counts.0[0], 96);
    for interval in Interval::ALL {
        let series = installation.engine.timeseries(&reader, period, *interval, &filter).await.unwrap();
        let mut sum = domain::figures::Counts::default();
        series.buckets.iter().for_each(|(_, counts)| sum.merge(counts));
        assert_eq!(sum, summary.counts, "{interval:?}");
    }
}
