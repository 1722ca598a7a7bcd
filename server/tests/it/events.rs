//! `POST /v1/events/…`.

use crate::app::{Answer, TestApp, click, display};
use http::Method;
use serde_json::{Value, json};

const DISPLAY: &str = "/v1/events/helpline-display";
const CLICK: &str = "/v1/events/helpline-click";

#[track_caller]
fn is_receipt(answer: &Answer, status: &str) -> String {
    assert_eq!(answer.status, 202, "{}", answer.text());
    let receipt = answer.json();
    assert_eq!(receipt["status"], status);
    for quota in ["ratelimit", "ratelimit-policy"] {
        assert!(answer.headers.get(quota).is_none(), "events carry no quota");
    }
    receipt["event_id"].as_str().unwrap().to_owned()
}

async fn send(app: &TestApp, token: &str, content_type: Option<&str>, body: Vec<u8>) -> Answer {
    let mut request = app.request(Method::POST, DISPLAY).bearer_auth(token).body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    app.send(request).await
}

on_both! {
    async fn events_are_taken_under_all_names_and_retries_are_recognised(app) {
        let token = app.token(&app.acme.production).await;
        let first = is_receipt(&app.post(DISPLAY, &token, &display("a")).await, "accepted");
        let again = app.post("/v1/events/helpline_display", &token, &display("a")).await;
        assert_eq!(is_receipt(&again, "duplicate"), first);
        is_receipt(&app.post(CLICK, &token, &click("a")).await, "accepted");
        let mut aliased = click("a");
        for (method, status) in [("chat", "accepted"), ("online-chat", "duplicate"), ("online_chat", "duplicate"), ("reporting-form", "accepted")] {
            aliased["contact_method"] = json!(method);
            is_receipt(&app.post("/v1/events/helpline_click", &token, &aliased).await, status);
        }
        app.wait_for(&token, "gross_clicks", 3).await;
        assert_eq!(app.intake(&app.acme).await.0, 4);
    }

    async fn unknown_members_and_json_types_are_fine(app) {
        let token = app.token(&app.acme.production).await;
        let mut event = display("b");
        event["surname"] = json!({"ignored": [1, 2]});
        event["contact_method"] = json!(7);
        is_receipt(&app.post(DISPLAY, &token, &event).await, "accepted");
        for (i, kind) in ["application/json; charset=UTF-8", "application/vnd.acme+json"].into_iter().enumerate() {
            let body = display(&format!("type-{i}")).to_string().into_bytes();
            is_receipt(&send(app, &token, Some(kind), body).await, "accepted");
        }
        let keyed = app.request(Method::POST, DISPLAY).bearer_auth(&token).header("idempotency-key", "k").json(&display("c"));
        is_receipt(&app.send(keyed).await, "accepted");
    }

    async fn all_faults_come_at_once(app) {
        let token = app.token(&app.acme.production).await;
        app.post(CLICK, &token, &json!({})).await.has_faults(&[
            ("helpline_id", "field_missing"),
            ("session_id", "session_id_missing"),
            ("timestamp", "field_missing"),
            ("contact_method", "field_missing"),
        ]);
        let wrong = json!({"helpline_id": 1, "session_id": [], "timestamp": {}, "contact_method": "fax"});
        app.post(CLICK, &token, &wrong).await.has_faults(&[
            ("helpline_id", "helpline_unknown"),
            ("session_id", "session_id_missing"),
            ("timestamp", "timestamp_invalid"),
            ("contact_method", "contact_method_invalid"),
        ]);
    }

    async fn each_member_is_checked(app) {
        let token = app.token(&app.acme.production).await;
        let long = "x".repeat(256);
        let cases: [(&str, Value, &str); 22] = [
            ("helpline_id", json!("nowhere"), "helpline_unknown"),
            ("helpline_id", json!("x".repeat(5_000)), "helpline_unknown"),
            ("helpline_id", json!("gb-1\0"), "helpline_unknown"),
            ("helpline_id", json!(null), "field_missing"),
            ("helpline_id", json!(true), "helpline_unknown"),
            ("session_id", json!(null), "session_id_missing"),
            ("session_id", json!(""), "session_id_missing"),
            ("session_id", json!(5), "session_id_missing"),
            ("session_id", json!(long), "session_id_too_long"),
            ("session_id", json!("é".repeat(128)), "session_id_too_long"),
            ("session_id", json!("ann@example.org"), "session_id_personal"),
            ("session_id", json!("+44 1632 960001"), "session_id_personal"),
            ("session_id", json!("2001:db8::1"), "session_id_personal"),
            ("timestamp", json!(null), "field_missing"),
            ("timestamp", json!("2026-11-24"), "timestamp_invalid"),
            ("timestamp", json!("2026-11-24T12:00:00"), "timestamp_invalid"),
            ("timestamp", json!(1_700_000_000), "timestamp_invalid"),
            ("timestamp", json!("2026-11-24T12:05:00.001Z"), "timestamp_in_future"),
            ("timestamp", json!("2026-10-20T11:59:59.999Z"), "timestamp_too_old"),
            ("contact_method", json!(null), "field_missing"),
            ("contact_method", json!("Phone"), "contact_method_invalid"),
            ("contact_method", json!(["phone"]), "contact_method_invalid"),
        ];
        for (member, value, code) in cases {
            let mut event = click("s");
            event[member] = value;
            app.post(CLICK, &token, &event).await.has_faults(&[(member, code)]);
        }
        let (accepted, refused) = app.intake(&app.acme).await;
        assert_eq!(accepted, 0, "nothing refused is stored");
        assert_eq!(refused.iter().map(|(_, count)| count).sum::<i64>(), 22, "every refusal is counted: {refused:?}");
    }

    async fn bodies_must_be_json_in_utf8(app) {
        let token = app.token(&app.acme.production).await;
        let good = display("s").to_string();
        let mut latin1 = good.clone().into_bytes();
        latin1.insert(20, 0xe9);
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let deep = "[".repeat(10_000);
        for body in [b"".to_vec(), b"{".to_vec(), b"null".to_vec(), b"[]".to_vec(), b"\"x\"".to_vec(), latin1, utf16, deep.into(), format!("{good}{good}").into(), b"\xef\xbb\xbf{}".to_vec()] {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = send(app, &token, Some("application/json"), body).await;
            assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
            answer.is_problem(400, "malformed_json");
        }
        let (accepted, refused) = app.intake(&app.acme).await;
        assert_eq!(accepted, 0);
        assert_eq!(refused.iter().map(|(_, count)| count).sum::<i64>(), 10, "{refused:?}");
    }

    async fn other_media_types_are_refused(app) {
        let token = app.token(&app.acme.production).await;
        let good = || display("s").to_string().into_bytes();
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/json; charset=iso-8859-1"), Some("json")] {
            send(app, &token, kind, good()).await.is_problem(415, "media_type_unsupported");
        }
        let request = app.request(Method::POST, DISPLAY).bearer_auth(&token).header("content-encoding", "br").json(&display("s"));
        app.send(request).await.is_problem(415, "media_type_unsupported");
        assert_eq!(app.intake(&app.acme).await, (0, vec![("media_type_unsupported".into(), 6)]));
    }

    async fn bodies_may_be_compressed(app) {
        let token = app.token(&app.acme.production).await;
        let send = async |encoding: &str, body: Vec<u8>| {
            let request = app.request(Method::POST, DISPLAY).bearer_auth(&token).header("content-type", "application/json");
            app.send(request.header("content-encoding", encoding).body(body)).await
        };
        let event = display("s").to_string().into_bytes();
        is_receipt(&send("zstd", zstd::encode_all(&event[..], 3).unwrap()).await, "accepted");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &event).unwrap();
        is_receipt(&send("gzip", gzip.finish().unwrap()).await, "duplicate");
        send("gzip", event).await.is_problem(400, "malformed_json");
        let bomb = zstd::encode_all(&vec![b' '; 16_385][..], 3).unwrap();
        send("zstd", bomb).await.is_problem(413, "body_too_large");
    }

    async fn bodies_have_a_limit(app) {
        let token = app.token(&app.acme.production).await;
        let padded = |bytes: usize| {
            let mut event = display("s");
            let bare = { event["pad"] = json!(""); event.to_string().len() };
            event["pad"] = json!("x".repeat(bytes - bare));
            event.to_string().into_bytes()
        };
        is_receipt(&send(app, &token, Some("application/json"), padded(16_384)).await, "accepted");
        send(app, &token, Some("application/json"), padded(16_385)).await.is_problem(413, "body_too_large");
        // The same without an announced length.
        let head = format!("POST {DISPLAY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n");
        let (status, _) = app.raw(&[head.into_bytes(), padded(0x5000), b"\r\n0\r\n\r\n".to_vec()].concat()).await;
        assert_eq!(status, 413);
        assert_eq!(app.intake(&app.acme).await, (1, vec![("body_too_large".into(), 2)]));
    }

    async fn tokens_are_required(app) {
        let without = app.request(Method::POST, DISPLAY).json(&display("s"));
        let answer = app.send(without).await;
        answer.is_problem(401, "token_missing");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        for token in ["x", "rlt_AAAA", &"a".repeat(4_000)] {
            app.post(DISPLAY, token, &display("s")).await.is_problem(401, "token_invalid");
        }
        let mut tampered = app.token(&app.acme.production).await;
        let last = if tampered.ends_with('A') { 'B' } else { 'A' };
        tampered.replace_range(10..11, &last.to_string());
        app.post(DISPLAY, &tampered, &display("s")).await.is_problem(401, "token_invalid");
        let reading = app.token_with(&app.acme.production, Some("helplines:read")).await;
        app.post(DISPLAY, &reading, &display("s")).await.is_problem(403, "scope_missing");
        assert_eq!(app.intake(&app.acme).await.0, 0);
    }

    async fn the_sandbox_is_apart(app) {
        let sandbox = app.token(&app.acme.sandbox).await;
        is_receipt(&app.post(DISPLAY, &sandbox, &display("s")).await, "accepted");
        for _ in 0..100 {
            let path = "/v1/analytics/summary?from=2026-11-01&to=2026-12-01&tier=sandbox";
            if app.get(path, &sandbox).await.json()["figures"]["reach"] == 1 {
                app.wait_for(&sandbox, "reach", 0).await;
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the sandbox shows nothing");
    }
}
