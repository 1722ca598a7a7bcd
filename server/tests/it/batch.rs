//! `POST /v1/events/batch`.

use crate::app::{Answer, NOW, TestApp, click, display};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::io::Write;

const BATCH: &str = "/v1/events/batch";
const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

fn typed(name: &str, mut event: Value) -> Value {
    event["type"] = json!(name);
    event
}

fn a_display(session: &str) -> Value {
    typed("helpline_display", display(session))
}

fn a_click(session: &str) -> Value {
    typed("helpline_click", click(session))
}

async fn send(app: &TestApp, token: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let mut request = app.request(Method::POST, BATCH).bearer_auth(token).body(body.into());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request).await
}

async fn send_as(app: &TestApp, token: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    send(app, token, &[("content-type", content_type)], body).await
}

/// Checks that the counts add up and that each result is whole; returns the results.
#[track_caller]
fn results(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.headers.get("ratelimit").is_none(), "events carry no quota");
    let body = answer.json();
    let results = body["results"].as_array().unwrap().clone();
    for status in ["accepted", "duplicate", "rejected"] {
        let count = results.iter().filter(|result| result["status"] == status).count();
        assert_eq!(body[status], count, "{body}");
    }
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
        let is_rejected = result["status"] == "rejected";
        assert_eq!(result.get("error").is_some(), is_rejected, "{result}");
        assert_eq!(result.get("event_id").is_some(), !is_rejected, "{result}");
    }
    results
}

/// For each result its status, or its faults as `field code`, or the code of its error.
#[track_caller]
fn outcomes(answer: &Answer) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let outcome = |result: &Value| match result["error"]["errors"].as_array() {
        Some(faults) => {
            assert_eq!(result["error"]["code"], "validation_failed");
            let fault = |fault: &Value| format!("{} {}", text(&fault["field"]), text(&fault["code"]));
            faults.iter().map(fault).collect::<Vec<_>>().join(", ")
        }
        None => text(result["error"].get("code").unwrap_or(&result["status"])),
    };
    results(answer).iter().map(outcome).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

on_both! {
    async fn one_bad_event_never_costs_another(app) {
        let token = app.token(&app.acme.production).await;
        let mut unknown = a_click("b");
        unknown["helpline_id"] = json!("nowhere");
        unknown["contact_method"] = json!("fax");
        let events = json!([
            a_display("a"), a_display("a"), 5, a_click("a"), null, unknown, typed("helpline_view", display("c")), display("d"),
            [a_display("e")], {}, "x", typed("helpline-display", display("a")), typed("helpline-click", click("f")),
        ]);
        let answer = app.post(BATCH, &token, &events).await;
        assert_eq!(outcomes(&answer), [
            "accepted", "duplicate", "malformed_json", "accepted", "malformed_json",
            "helpline_id helpline_unknown, contact_method contact_method_invalid", "type type_invalid", "type field_missing",
            "malformed_json", "type field_missing, helpline_id field_missing, session_id session_id_missing, timestamp field_missing",
            "malformed_json", "duplicate", "accepted",
        ]);
        app.wait_for(&token, "gross_clicks", 2).await;
        let (accepted, mut refused) = app.intake(&app.acme).await;
        refused.sort();
        assert_eq!(accepted, 3);
        let counted = [("field_missing", 2), ("helpline_unknown", 1), ("malformed_json", 4), ("type_invalid", 1)];
        assert_eq!(refused, counted.map(|(code, count)| (code.to_owned(), count)));
        let metrics = app.get("/metrics", "").await;
        for line in [
            r#"kind="display",outcome="accepted"} 1"#, r#"kind="display",outcome="duplicate"} 2"#, r#"kind="click",outcome="accepted"} 2"#,
            r#"kind="click",outcome="helpline_unknown"} 1"#, r#"kind="unknown",outcome="malformed_json"} 4"#,
        ] {
            assert!(metrics.text().contains(line), "{line}");
        }
    }

    async fn all_forms_and_the_single_endpoints_give_the_same_ids(app) {
        let token = app.token(&app.acme.production).await;
        let events = vec![a_display("a"), a_display("b"), a_click("a")];
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let array = json!(events).to_string();
        let ids = |answer: &Answer| results(answer).iter().map(|result| result["event_id"].clone()).collect::<Vec<_>>();
        let first = send_as(app, &token, JSON, array.clone()).await;
        assert_eq!(outcomes(&first), ["accepted"; 3]);
        for (content_type, body) in [
            ("application/json; charset=utf-8", array.clone()),
            ("application/vnd.acme+json", format!(" \r\n{array}\n")),
            (JSON, json!({"events": events}).to_string()),
            (JSON, format!(r#"{{"batch":[1,{{"events":[]}}],"events":{array},"more":null}}"#)),
            (LINES, lines.join("\n")),
            ("application/ndjson", lines.join("\r\n\r\n  \n") + "\n\n"),
        ] {
            let again = send_as(app, &token, content_type, body).await;
            assert_eq!(outcomes(&again), ["duplicate"; 3], "{content_type}");
            assert_eq!(ids(&again), ids(&first));
        }
        for (path, event, id) in [("display", display("b"), 1), ("click", click("a"), 2)] {
            let single = app.post(&format!("/v1/events/helpline-{path}"), &token, &event).await;
            assert_eq!(single.json(), json!({"event_id": ids(&first)[id], "status": "duplicate"}));
        }
    }

    async fn a_line_that_is_no_json_is_one_rejected_event(app) {
        let token = app.token(&app.acme.production).await;
        let good = |session: &str| a_display(session).to_string().into_bytes();
        let mut latin1 = good("s");
        let at = latin1.windows(3).position(|part| part == b"\"s\"").unwrap();
        latin1[at + 1] = 0xe9;
        let cut = good("x")[..40].to_vec();
        let two = [good("y"), good("z")].concat();
        let bodies = [good("a"), cut, b"".to_vec(), b"nonsense".to_vec(), latin1, b"[]".to_vec(), two, b"\xef\xbb\xbf{}".to_vec(), good("b")];
        let answer = send_as(app, &token, LINES, bodies.join(&b'\n')).await;
        let bad = "malformed_json";
        assert_eq!(outcomes(&answer), ["accepted", bad, bad, bad, bad, bad, bad, "accepted"]);
        app.wait_for(&token, "gross_displays", 2).await;
        assert_eq!(app.intake(&app.acme).await, (2, vec![(bad.to_owned(), 6)]));
        // By its media type JSON, by its looks lines: refused as what it says that it is.
        let lines = [good("a"), good("b")].join(&b'\n');
        send_as(app, &token, JSON, lines).await.is_problem(400, bad);
    }

    async fn events_that_are_json_but_cannot_be_read_are_rejected_alone(app) {
        let token = app.token(&app.acme.production).await;
        let good = a_display("a").to_string();
        let twice = good.replace("{", r#"{"session_id":"b","#);
        let surrogate = good.replace(r#""a""#, r#""\ud800""#);
        let huge = good.replace(r#""a""#, "1e999");
        let deep = good.replace(r#""a""#, &format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)));
        let ignored = good.replace("{", &format!(r#"{{"x":{}{},"y":"\udc00","z":1e999,"#, "[".repeat(5_000), "]".repeat(5_000)));
        let other = a_display("b").to_string();
        let events = [&good, &twice, &surrogate, &huge, &deep, &ignored, &other].map(String::as_str);
        let bad = "malformed_json";
        let expected = ["accepted", bad, bad, bad, "session_id session_id_missing", "duplicate", "accepted"];
        assert_eq!(outcomes(&send_as(app, &token, JSON, format!("[{}]", events.join(","))).await), expected);
        let again = expected.map(|outcome| if outcome == "accepted" { "duplicate" } else { outcome });
        assert_eq!(outcomes(&send_as(app, &token, LINES, events.join("\n")).await), again);
    }

    async fn what_is_no_batch_is_refused_as_a_whole(app) {
        let token = app.token(&app.acme.production).await;
        let good = a_display("a").to_string();
        let bodies = [
            "".to_owned(), " ".to_owned(), "nonsense".to_owned(), "[".to_owned(), format!("[{good}"), format!("[{good},]"), format!("[{good}]x"),
            format!("[{good}][{good}]"), "5".to_owned(), "null".to_owned(), "\"x\"".to_owned(), format!(r#"{{"events":[{good}],"events":[]}}"#),
            "[".repeat(100_000), format!("\u{feff}[{good}]"),
        ];
        let count = bodies.len() as i64;
        for body in bodies {
            let shown: String = body.chars().take(40).collect();
            let answer = send_as(app, &token, JSON, body).await;
            assert_eq!(answer.status, 400, "{shown}");
            answer.is_problem(400, "malformed_json");
        }
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let latin1 = [b"[\"\xe9\",".to_vec(), good.clone().into_bytes(), b"]".to_vec()].concat();
        for body in [utf16, latin1] {
            send_as(app, &token, JSON, body).await.is_problem(400, "malformed_json");
        }
        for (body, code) in [(good.as_str(), "field_missing"), ("{}", "field_missing"), (r#"{"events":null}"#, "field_missing"),
            (r#"{"events":{}}"#, "field_invalid"), (r#"{"events":"x"}"#, "field_invalid"), (r#"{"events":1e99}"#, "field_invalid")] {
            send_as(app, &token, JSON, body).await.has_faults(&[("events", code)]);
        }
        let (accepted, mut refused) = app.intake(&app.acme).await;
        refused.sort();
        assert_eq!((accepted, refused), (0, vec![("field_invalid".into(), 3), ("field_missing".into(), 3), ("malformed_json".into(), count + 2)]));
    }

    async fn an_empty_batch_has_no_results(app) {
        let token = app.token(&app.acme.production).await;
        let empty = json!({"accepted": 0, "duplicate": 0, "rejected": 0, "results": []});
        for (content_type, body) in [(JSON, "[]"), (JSON, r#"{"events":[]}"#), (LINES, ""), (LINES, "\n \r\n")] {
            let answer = send_as(app, &token, content_type, body).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, empty.clone()), "{body}");
        }
        assert_eq!(app.intake(&app.acme).await, (0, vec![]));
    }

    async fn a_batch_has_its_limits(app) {
        let token = app.token(&app.acme.production).await;
        let events: Vec<Value> = (0..1_001).map(|i| a_display(&format!("s{i}"))).collect();
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        assert!(app.post(BATCH, &token, &json!(events)).await.is_problem(413, "too_many_events").text().contains("1000"));
        app.post(BATCH, &token, &json!({"events": events})).await.is_problem(413, "too_many_events");
        send_as(app, &token, LINES, lines.join("\n")).await.is_problem(413, "too_many_events");
        assert_eq!(app.intake(&app.acme).await, (0, vec![("too_many_events".into(), 3)]));
        assert_eq!(outcomes(&app.post(BATCH, &token, &json!(events[1..])).await), ["accepted"; 1_000]);
        // Many elements that cannot be read one by one count as well.
        send_as(app, &token, JSON, format!(r#"["\ud800"{}]"#, ",5".repeat(1_000))).await.is_problem(413, "too_many_events");

        let padded = |bytes: usize| format!("[]{}", " ".repeat(bytes - 2)).into_bytes();
        assert_eq!(send_as(app, &token, JSON, padded(1 << 20)).await.status, 200);
        send_as(app, &token, JSON, padded((1 << 20) + 1)).await.is_problem(413, "body_too_large");
        for (encoding, compressed) in [("gzip", gzip(&padded(1 << 20))), ("zstd", zstd(&padded(1 << 20)))] {
            let headers = [("content-type", JSON), ("content-encoding", encoding)];
            assert_eq!(send(app, &token, &headers, compressed).await.status, 200);
        }
        for (encoding, bomb) in [("gzip", gzip(&padded(100 << 20))), ("zstd", zstd(&padded(100 << 20))), ("gzip", gzip(&padded((1 << 20) + 1)))] {
            let headers = [("content-type", JSON), ("content-encoding", encoding)];
            send(app, &token, &headers, bomb).await.is_problem(413, "body_too_large");
        }
        let (accepted, mut refused) = app.intake(&app.acme).await;
        refused.sort();
        assert_eq!((accepted, refused), (1_000, vec![("body_too_large".into(), 4), ("too_many_events".into(), 4)]));
    }

    async fn bodies_may_be_compressed(app) {
        let token = app.token(&app.acme.production).await;
        let lines = format!("{}\n{}\n", a_display("a"), a_click("a")).into_bytes();
        for (i, (encoding, body)) in [
            ("gzip", gzip(&lines)), ("zstd", zstd(&lines)), ("X-Gzip", gzip(&lines)), ("identity", lines.clone()),
            ("gzip", [gzip(&lines[..50]), gzip(&lines[50..])].concat()),
        ].into_iter().enumerate() {
            let answer = send(app, &token, &[("content-type", LINES), ("content-encoding", encoding)], body).await;
            assert_eq!(outcomes(&answer), if i == 0 { ["accepted"; 2] } else { ["duplicate"; 2] }, "{encoding}");
        }
        let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 3].to_vec();
        for (encoding, body) in [("gzip", lines.clone()), ("zstd", lines.clone()), ("gzip", cut(gzip(&lines))), ("zstd", cut(zstd(&lines))),
            ("gzip", zstd(&lines)), ("gzip", vec![]), ("gzip", [gzip(&lines), b"x".to_vec()].concat())] {
            let answer = send(app, &token, &[("content-type", LINES), ("content-encoding", encoding)], body).await;
            answer.is_problem(400, "malformed_json");
        }
        for encoding in ["br", "deflate", "compress", "gzip, gzip", "gzip, zstd", "nonsense"] {
            let answer = send(app, &token, &[("content-type", LINES), ("content-encoding", encoding)], lines.clone()).await;
            answer.is_problem(415, "media_type_unsupported");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/x-json-lines", ""] {
            send_as(app, &token, kind, lines.clone()).await.is_problem(415, "media_type_unsupported");
        }
        // The two events were accepted once; a batch that is refused as a whole is counted as one.
        let (accepted, mut refused) = app.intake(&app.acme).await;
        refused.sort();
        assert_eq!((accepted, refused), (2, vec![("malformed_json".into(), 7), ("media_type_unsupported".into(), 11)]));
    }

    async fn a_batch_needs_a_token_that_may_post_events(app) {
        let events = json!([a_display("a")]);
        app.send(app.request(Method::POST, BATCH).json(&events)).await.is_problem(401, "token_missing");
        app.post(BATCH, "x", &events).await.is_problem(401, "token_invalid");
        let reading = app.token_with(&app.acme.production, Some("helplines:read analytics:read")).await;
        app.post(BATCH, &reading, &events).await.is_problem(403, "scope_missing");
        assert_eq!(app.intake(&app.acme).await.0, 0);
        // The token decides whose events they are, whatever they say.
        let mut claims = a_display("a");
        claims["application_id"] = json!(app.other.production.application.id);
        claims["customer_id"] = json!(app.other.id);
        let token = app.token(&app.acme.production).await;
        assert_eq!(outcomes(&app.post(BATCH, &token, &json!([claims])).await), ["accepted"]);
        app.wait_for(&token, "gross_displays", 1).await;
        assert_eq!(app.intake(&app.other).await.0, 0);
        let theirs = app.token(&app.other.production).await;
        assert_eq!(outcomes(&app.post(BATCH, &theirs, &events).await), ["accepted"]);
    }

    async fn a_helpline_of_a_moment_ago_is_known(app) {
        let token = app.token(&app.acme.production).await;
        // As another process would: this one learns of it by looking.
        let other = engine::Engine::open(app.config.engine(), app.clock.clone()).await.unwrap();
        let new = crate::app::HELPLINES.replace("fr-1", "fr-2");
        other.import_helplines(&other.authenticate_console(), engine::parse_helplines_json(new.as_bytes()).unwrap()).await.unwrap();
        let mut event = a_display("a");
        event["helpline_id"] = json!("fr-2");
        let answer = app.post(BATCH, &token, &json!([a_display("b"), event, a_display("b")])).await;
        assert_eq!(outcomes(&answer), ["accepted", "accepted", "duplicate"]);
    }
}

#[tokio::test]
async fn each_event_of_a_batch_counts_against_the_burst() {
    let app = TestApp::on_sqlite_with(|config| config.event_burst_per_second = 100).await;
    let (web, trial) = (app.token(&app.acme.production).await, app.token(&app.acme.sandbox).await);
    let events = |count: usize| json!((0..count).map(|i| a_display(&format!("s{i}"))).collect::<Vec<_>>());
    assert_eq!(results(&app.post(BATCH, &web, &events(90)).await).len(), 90);
    let refused = app.post(BATCH, &web, &events(90)).await;
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    // More than a second's worth is taken at once, and paid for afterwards.
    assert_eq!(results(&app.post(BATCH, &trial, &events(500)).await).len(), 500);
    let next = app.post("/v1/events/helpline-display", &trial, &display("s")).await;
    next.is_problem(429, "rate_limited");
    assert!(["4", "5"].contains(&next.header("retry-after")), "{}", next.header("retry-after"));
    app.stop().await;
}

/// An element as it may stand in a batch, in JSON.
fn element() -> impl Strategy<Value = String> {
    let member = |values: &'static [&'static str]| prop::sample::select(values);
    let event = (
        member(&[
            "\"helpline_display\"",
            "\"helpline-click\"",
            "\"helpline_click\"",
            "\"display\"",
            "null",
            "7",
            "\"\\u0068elpline_click\"",
        ]),
        member(&["\"gb-1\"", "\"gb-1\"", "\"fr-1\"", "\"\\u0067b-1\"", "\"nowhere\"", "{}", "null"]),
        member(&[
            "\"a\"",
            "\"b\"",
            "\"b\\n\"",
            "\"\u{1f642}\"",
            "\"ann@example.org\"",
            "\"\"",
            "\"\\ud800\"",
            "[[]]",
            "1e999",
        ]),
        member(&[
            "\"2026-11-24T11:00:00Z\"",
            "\"2026-11-24T12:00:00+01:00\"",
            "\"2026-11-24T11:59:59.123456Z\"",
            "\"yesterday\"",
            "-1",
        ]),
        member(&["\"phone\"", "\"chat\"", "\"online_chat\"", "\"fax\"", "null", "false"]),
    );
    let event = event.prop_map(|(kind, helpline, session, at, method)| {
        format!(r#"{{"contact_method":{method},"type":{kind},"helpline_id":{helpline},"x":{{"type":1}},"session_id":{session},"timestamp":{at}}}"#)
    });
    prop_oneof![8 => event, 1 => member(&["5", "null", "true", "[]", "\"x\"", "{}", "{\"type\":1,\"type\":2}", "\"\\udfff\""]).prop_map(str::to_owned)]
}

/// Whatever is in a batch, each element is answered as it would be alone.
#[tokio::test]
async fn a_batch_is_answered_like_its_events_alone() {
    let app = TestApp::on_sqlite().await;
    let token = app.token(&app.acme.production).await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..40 {
        let elements = prop::collection::vec(element(), 0..12).new_tree(&mut runner).unwrap().current();
        let array = format!("[{}]", elements.join(","));
        let batch = outcomes(&send_as(&app, &token, JSON, array).await);
        assert_eq!(batch.len(), elements.len());
        let lines = send_as(&app, &token, LINES, elements.join("\n")).await;
        let again: Vec<_> = batch.iter().map(|outcome| outcome.replace("accepted", "duplicate")).collect();
        assert_eq!(outcomes(&lines), again);
        for (element, result) in elements.iter().zip(results(&lines)) {
            let faults = result["error"]["errors"].as_array().cloned().unwrap_or_default();
            if faults.iter().any(|fault| fault["field"] == "type") {
                continue;
            }
            let is_display =
                serde_json::from_str::<Value>(element).is_ok_and(|event| event["type"] == "helpline_display");
            let path = if is_display { "/v1/events/helpline-display" } else { "/v1/events/helpline-click" };
            let request =
                app.request(Method::POST, path).bearer_auth(&token).header("content-type", JSON).body(element.clone());
            let single = app.send(request).await;
            if result["status"] == "duplicate" {
                assert_eq!(single.json(), json!({"event_id": result["event_id"], "status": "duplicate"}), "{element}");
            } else {
                assert_eq!(single.json()["code"], result["error"]["code"], "{element}");
                assert_eq!(single.json()["errors"], result["error"]["errors"], "{element}");
            }
        }
    }
    app.stop().await;
}

/// No bytes cause an error of the server (`TestApp::send` sees to that) or an answer whose sums do not add up.
#[tokio::test]
async fn any_bytes_are_answered() {
    let app = TestApp::on_sqlite().await;
    let token = app.token(&app.acme.production).await;
    let mut runner = TestRunner::deterministic();
    let pieces = prop::sample::select(
        &["[", "]", "{", "}", "\"", "\\", ",", ":", "\n", "events", "\"type\":", "\u{0}", "1", "null", NOW][..],
    );
    let structured = prop::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat().into_bytes());
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..300), structured];
    for i in 0..300 {
        let body = bytes.new_tree(&mut runner).unwrap().current();
        let content_type = if i % 2 == 0 { JSON } else { LINES };
        let encoding = ["identity", "gzip", "zstd"][i % 3];
        let body = if i % 5 > 0 && encoding == "gzip" { gzip(&body) } else { body };
        let answer = send(&app, &token, &[("content-type", content_type), ("content-encoding", encoding)], body).await;
        match answer.status.as_u16() {
            200 => drop(results(&answer)),
            400 => drop(answer.is_problem(400, "malformed_json")),
            _ => drop(answer.is_problem(422, "validation_failed")),
        }
    }
    app.stop().await;
}
