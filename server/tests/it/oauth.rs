//! `POST /oauth/token`.

use crate::app::{Answer, TestApp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn credentials(app: &TestApp) -> (&str, &str) {
    let new = &app.acme.production;
    (&new.application.client_id, &new.client_secret)
}

async fn form(app: &TestApp, pairs: &[(&str, &str)]) -> Answer {
    app.send(app.request(Method::POST, "/oauth/token").form(pairs)).await
}

async fn json_body(app: &TestApp, body: &Value) -> Answer {
    app.send(app.request(Method::POST, "/oauth/token").json(body)).await
}

#[track_caller]
fn is_token(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(token["access_token"].as_str().is_some_and(|text| text.len() > 20));
    token
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.json()["error"], error);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("www-authenticate").starts_with("Basic realm="), status == 401);
}

on_both! {
    async fn a_suspended_application_gets_nothing_until_it_is_resumed(app) {
        let token = app.token(&app.acme.production).await;
        let operator = app.engine.authenticate_console();
        let of = &app.acme.production.application;
        let (id, secret) = credentials(app);
        for suspended in [true, false] {
            let application = app.engine.suspend_application(&operator, of.customer_id, of.id, suspended).await.unwrap();
            assert_eq!(application.suspended_at.is_some(), suspended);
            let answer = form(app, &[GRANT, ("client_id", id), ("client_secret", secret)]).await;
            let call = app.get("/v1/topics", &token).await;
            if suspended {
                is_refused(&answer, 400, "unauthorized_client");
                call.is_problem(403, "application_suspended");
                // Nobody else is told.
                is_refused(&form(app, &[GRANT, ("client_id", id), ("client_secret", "guessed")]).await, 401, "invalid_client");
            } else {
                is_token(&answer);
                assert_eq!(call.status, 200);
            }
        }
    }

    async fn all_three_forms_give_a_token_that_works(app) {
        let (id, secret) = credentials(app);
        let by_form = form(app, &[GRANT, ("client_id", id), ("client_secret", secret)]).await;
        let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret});
        let by_json = json_body(app, &body).await;
        let basic = app.request(Method::POST, "/oauth/token").basic_auth(id, Some(secret)).form(&[GRANT]);
        let by_basic = app.send(basic).await;
        for answer in [by_form, by_json, by_basic] {
            let token = is_token(&answer);
            assert_eq!(token["scope"], "events:write helplines:read analytics:read");
            assert_eq!(app.get("/v1/topics", token["access_token"].as_str().unwrap()).await.status, 200);
        }
    }

    async fn basic_credentials_may_be_percent_encoded(app) {
        let (id, secret) = credentials(app);
        let encoded = format!("{}:{}", id.replace('_', "%5F"), secret.replace('_', "%5f"));
        let line = format!("basic {}", STANDARD.encode(encoded));
        let request = app.request(Method::POST, "/oauth/token").header("authorization", line).form(&[GRANT]);
        is_token(&app.send(request).await);
    }

    async fn scopes_can_be_narrowed(app) {
        let (id, secret) = credentials(app);
        let with = [GRANT, ("client_id", id), ("client_secret", secret), ("scope", "helplines:read")];
        let token = is_token(&form(app, &with).await);
        assert_eq!(token["scope"], "helplines:read");
        let answer = app.get("/v1/analytics/summary", token["access_token"].as_str().unwrap()).await;
        answer.is_problem(403, "scope_missing");
        assert!(answer.header("www-authenticate").contains("insufficient_scope"));
        let with = [GRANT, ("client_id", id), ("client_secret", secret), ("scope", "everything")];
        is_refused(&form(app, &with).await, 400, "invalid_scope");
    }

    async fn wrong_credentials_are_refused_alike(app) {
        let (id, secret) = credentials(app);
        let foreign = &app.other.production.client_secret;
        for (id, secret) in [(id, "wrong"), ("nobody", secret), (id, ""), ("", ""), (id, foreign), ("x\0", "y")] {
            let answer = json_body(app, &json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret})).await;
            is_refused(&answer, 401, "invalid_client");
        }
        is_refused(&form(app, &[GRANT]).await, 401, "invalid_client");
        is_refused(&form(app, &[GRANT, ("client_id", id)]).await, 401, "invalid_client");
        for line in ["Basic ###", "Basic", "Bearer x", &format!("Basic {}", STANDARD.encode("no colon"))] {
            let request = app.request(Method::POST, "/oauth/token").header("authorization", line).form(&[GRANT]);
            is_refused(&app.send(request).await, 401, "invalid_client");
        }
    }

    async fn malformed_requests_are_refused(app) {
        let (id, secret) = credentials(app);
        let both = [("client_id", id), ("client_secret", secret)];
        is_refused(&form(app, &both).await, 400, "invalid_request");
        is_refused(&form(app, &[GRANT, GRANT, both[0], both[1]]).await, 400, "invalid_request");
        is_refused(&form(app, &[("grant_type", "password"), both[0], both[1]]).await, 400, "unsupported_grant_type");
        is_refused(&json_body(app, &json!(["grant_type"])).await, 400, "invalid_request");
        is_refused(&json_body(app, &json!({"grant_type": 1})).await, 400, "invalid_request");
        let twice = app.request(Method::POST, "/oauth/token").basic_auth(id, Some(secret)).form(&[GRANT, both[0], both[1]]);
        is_refused(&app.send(twice).await, 400, "invalid_request");
        let post = || app.request(Method::POST, "/oauth/token");
        for request in [
            post(),
            post().header("content-type", "text/plain").body("grant_type=client_credentials"),
            post().header("content-type", "application/json").body("{"),
            post().header("content-type", "application/json").body(vec![0xff, 0xfe]),
            post().header("content-type", "application/x-www-form-urlencoded").body("grant_type=%zz"),
            post().header("content-type", "application/x-www-form-urlencoded").body("grant_type=%ff"),
            post().header("content-type", "application/x-www-form-urlencoded; charset=utf-16").body("grant_type=x"),
        ] {
            is_refused(&app.send(request).await, 400, "invalid_request");
        }
        let large = post().header("content-type", "application/json").body("x".repeat(8_193));
        app.send(large).await.is_problem(413, "body_too_large");
        app.get("/oauth/token", "").await.is_problem(405, "method_not_allowed");
        app.get("/oauth/other", "").await.is_problem(404, "not_found");
    }

    async fn revoked_secrets_end_their_tokens(app) {
        let operator = app.engine.authenticate_console();
        let manager = app.engine.console_manager(&operator, app.acme.id).unwrap();
        let application = app.acme.production.application.id;
        let old = app.token(&app.acme.production).await;
        let new = app.engine.rotate_application(&manager, application).await.unwrap();
        let newer = app.token(&new).await;
        for token in [&old, &newer] {
            assert_eq!(app.get("/v1/topics", token).await.status, 200);
        }
        app.engine.revoke_secret(&manager, application, app.acme.production.application.secrets[0].id).await.unwrap();
        app.get("/v1/topics", &old).await.is_problem(401, "token_invalid");
        assert_eq!(app.get("/v1/topics", &newer).await.status, 200);
        app.engine.revoke_application(&manager, application).await.unwrap();
        app.get("/v1/topics", &newer).await.is_problem(401, "token_invalid");
        let (id, secret) = (&new.application.client_id, &new.client_secret);
        is_refused(&form(app, &[GRANT, ("client_id", id), ("client_secret", secret)]).await, 401, "invalid_client");
    }

    async fn tokens_expire(app) {
        let token = app.token(&app.acme.production).await;
        app.clock.advance(3_599);
        assert_eq!(app.get("/v1/topics", &token).await.status, 200);
        app.clock.advance(1);
        let answer = app.get("/v1/topics", &token).await;
        answer.is_problem(401, "token_expired");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    }
}
