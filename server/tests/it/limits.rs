//! Limits on calls a second, and proxies in front.

use crate::app::{TestApp, display};
use http::Method;

#[tokio::test]
async fn events_have_a_burst_limit_for_each_application() {
    let app = TestApp::on_sqlite_with(|config| config.event_burst_per_second = 5).await;
    let token = app.token(&app.acme.production).await;
    let mut refused = None;
    for i in 0..50 {
        let answer = app.post("/v1/events/helpline-display", &token, &display(&format!("s{i}"))).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 202);
    }
    let refused = refused.expect("the limit holds");
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert!(refused.headers.get("ratelimit").is_none(), "events carry no quota");
    let sandbox = app.token(&app.acme.sandbox).await;
    assert_eq!(app.post("/v1/events/helpline-display", &sandbox, &display("s")).await.status, 202);
    app.stop().await;
}

#[tokio::test]
async fn batches_that_are_refused_unread_count_against_it_as_well() {
    let app = TestApp::on_sqlite_with(|config| config.event_burst_per_second = 5).await;
    let token = app.token(&app.acme.production).await;
    let mut statuses = Vec::new();
    for _ in 0..50 {
        let request = app.request(Method::POST, "/v1/events/batch").bearer_auth(&token);
        statuses.push(app.send(request.header("content-type", "text/plain").body("x")).await.status.as_u16());
    }
    assert_eq!(statuses[0], 415);
    assert!(statuses.contains(&429) && statuses.iter().all(|status| [415, 429].contains(status)), "{statuses:?}");
    let counted = statuses.iter().filter(|status| **status == 415).count() as i64;
    assert_eq!(app.intake(&app.acme).await, (0, vec![("media_type_unsupported".to_owned(), counted)]));
    app.stop().await;
}

/// Whether `X-Forwarded-For` is believed, seen by the limit per address.
async fn distinct_addresses(trusted: &'static str) -> bool {
    let app = TestApp::on_sqlite_with(|config| {
        config.catalogue_rate_per_ip = 1;
        config.trusted_proxies = trusted.parse().unwrap();
    })
    .await;
    let token = app.token(&app.acme.production).await;
    let mut all_passed = true;
    for i in 0..8 {
        let request = app.request(Method::GET, "/v1/topics").bearer_auth(&token);
        let answer = app.send(request.header("x-forwarded-for", format!("198.51.100.{i}"))).await;
        all_passed &= answer.status == 200;
    }
    app.stop().await;
    all_passed
}

#[tokio::test]
async fn forwarded_addresses_are_believed_of_trusted_proxies_only() {
    assert!(distinct_addresses("127.0.0.0/8").await);
    assert!(!distinct_addresses("").await);
    assert!(!distinct_addresses("10.0.0.0/8").await);
}
