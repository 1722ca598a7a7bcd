//! Answers to what no endpoint knows, and what every answer carries.

use crate::app::{TestApp, display};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use http::Method;
use serde_json::Value;
use server::config::Config;
use server::http::observe::observe;
use server::state::AppState;
use tokio::net::TcpListener;

on_both! {
    async fn unknown_paths_and_methods_are_problems(app) {
        for path in ["/v1", "/v1/", "/v1/events", "/v1/events/helpline-view", "/v1/helpline", "/v1/analytics", "/oauth", "/oauth/tokens", "/v1/topics/"] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                app.send(app.request(method, path)).await.is_problem(404, "not_found");
            }
        }
        for (path, allowed) in [("/v1/events/helpline-display", "POST"), ("/v1/topics", "GET,HEAD"), ("/oauth/token", "POST"), ("/openapi.json", "GET,HEAD")] {
            for method in ["PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
                let answer = app.send(app.request(Method::from_bytes(method.as_bytes()).unwrap(), path)).await;
                answer.is_problem(405, "method_not_allowed");
                assert_eq!(answer.header("allow"), allowed, "{method} {path}");
            }
            let options = app.send(app.request(Method::OPTIONS, path)).await;
            assert_eq!((options.status.as_u16(), options.header("allow")), (204, allowed));
        }
    }

    async fn every_answer_names_its_request(app) {
        let uuid = "0199c0de-0000-7000-8000-000000000001";
        for path in ["/v1/topics", "/healthz", "/docs", "/login", "/nope", "/docs/style.css", "/assets/nope"] {
            let given = app.send(app.request(Method::GET, path).header("x-request-id", uuid)).await;
            assert_eq!(given.header("x-request-id"), uuid, "{path}");
            let absurd = app.send(app.request(Method::GET, path).header("x-request-id", "ann@example.org")).await;
            assert!(!absurd.header("x-request-id").is_empty() && !absurd.header("x-request-id").contains('@'));
            assert_eq!(absurd.header("x-content-type-options"), "nosniff", "{path}");
        }
    }

    async fn operators_see_health_and_counts(app) {
        let token = app.token(&app.acme.production).await;
        app.post("/v1/events/helpline-display", &token, &display("very-secret-session")).await;
        app.post("/v1/events/helpline-display", &token, &Value::Null).await;
        for path in ["/healthz", "/readyz"] {
            assert_eq!(app.get(path, "").await.json()["status"], "ok");
        }
        let metrics = app.get("/metrics", "").await;
        assert!(metrics.text().contains("reachline_events_total{kind=\"display\",outcome=\"accepted\"} 1"));
        assert!(metrics.text().contains("route=\"/v1/events/helpline-display\",method=\"POST\",status=\"202\""));
        assert!(!metrics.text().contains("very-secret-session"));
    }

    async fn http_that_is_none_is_refused(app) {
        let long = "x".repeat(100_000);
        for (request, expected) in [
            (b"GET /v1/topics HTTP/1.1\r\nAuthorization: Bearer \xff\xfe\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(), 401),
            (b"GET /v1/topics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\nConnection: close\r\n\r\n".to_vec(), 401),
            (b"GET / v1 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 400),
            (format!("GET /v1/topics?{long} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes(), 414),
        ] {
            let (status, text) = app.raw(&request).await;
            assert_eq!(status, expected, "{text}");
        }
    }
}

async fn fails() -> &'static str {
    panic!("very internal")
}

#[tokio::test]
async fn a_panic_ends_one_request_and_tells_nothing() {
    let app = TestApp::on_sqlite().await;
    let state = AppState::new(app.engine.clone(), Config::default());
    let router = Router::new().route("/v1/panic", get(fails)).route("/panic", get(fails));
    let router = router.layer(from_fn_with_state(state, observe));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    for (path, kind) in [("/v1/panic", "application/problem+json"), ("/panic", "text/html; charset=utf-8")] {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (500, &kind.parse().unwrap()));
        assert!(answer.headers().contains_key("x-request-id"));
        assert!(!answer.text().await.unwrap().contains("very internal"));
    }
    serving.abort();
    app.stop().await;
}
