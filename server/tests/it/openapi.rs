//! The description of the API.

use crate::app::{TestApp, click, display};
use http::Method;
use serde_json::Value;
use server::openapi::document;

/// Every reference in the document leads somewhere.
fn check_references(value: &Value) {
    if let Some(reference) = value["$ref"].as_str() {
        assert!(document().pointer(&reference[1..]).is_some(), "{reference}");
    }
    for child in
        value.as_array().into_iter().flatten().chain(value.as_object().into_iter().flat_map(|map| map.values()))
    {
        check_references(child);
    }
}

#[test]
fn the_document_is_whole() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    check_references(document);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                let response = server::openapi::example::resolve(document, response);
                assert!(response["headers"]["X-Request-Id"].is_object(), "{method} {path} {status}");
            }
            if path.starts_with("/v1/") {
                for status in ["401", "403", "500", "503"] {
                    assert!(responses.contains_key(status), "{method} {path} {status}");
                }
            }
        }
    }
}

/// A path with its parameters filled in.
fn filled(path: &str) -> String {
    path.replace("{id}", "gb-1").replace("{month}", "2026-11").replace("{step}", "rejected").replace("{kind}", "days")
}

#[tokio::test]
async fn every_described_path_exists_and_no_other() {
    let app = TestApp::on_sqlite().await;
    for (path, item) in document()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = app.send(app.request(method.clone(), &filled(path))).await;
            assert!(answer.status != 404 && answer.status != 405, "{method} {path}: {}", answer.status);
            let described = &item[method.as_str().to_lowercase()]["responses"];
            assert!(described.get(answer.status.as_str()).is_some(), "{method} {path}: {}", answer.status);
        }
    }
    let served = app.get("/openapi.json", "").await;
    assert_eq!(&served.json(), document());
    app.stop().await;
}

/// Checks a value against the parts of JSON Schema that the document uses.
fn conforms(schema: &Value, value: &Value, at: &str) {
    let schema = server::openapi::example::resolve(document(), schema);
    if let Some(all) = schema["oneOf"].as_array() {
        // Nothing, or one thing: what nullable objects and a batch's forms are described as.
        let of_null = |schema: &&Value| (schema["type"] == "null") == value.is_null();
        let fitting = all.iter().find(of_null);
        assert!(fitting.is_some(), "{at}: {value}");
        return conforms(fitting.unwrap_or(&Value::Null), value, at);
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value}");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(
        types.contains(&actual) || (actual == "integer" && types.contains(&"number")),
        "{at}: {value} is no {types:?}"
    );
    for item in value.as_array().into_iter().flatten() {
        conforms(&schema["items"], item, at);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let described = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
        assert!(described.is_object(), "{at}.{name} is not described");
        conforms(described, member, &format!("{at}.{name}"));
    }
    if value.is_object() {
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(value.get(required.as_str().unwrap()).is_some(), "{at}: {required} is missing");
        }
    }
}

#[tokio::test]
async fn answers_have_the_described_form() {
    let app = TestApp::on_sqlite().await;
    let token = app.token(&app.acme.production).await;
    app.post("/v1/events/helpline-display", &token, &display("a")).await;
    app.post("/v1/events/helpline-click", &token, &click("a")).await;
    app.post("/v1/events/helpline-click", &token, &serde_json::json!({})).await;
    crate::billing::card(&app, &app.acme, "Standard", "2026-10").await;
    app.wait_for(&token, "converted_sessions", 1).await;
    let period = "from=2026-11-01&to=2026-12-01";
    for (path, query) in [
        ("/v1/helplines", "?country_code=GB".to_owned()),
        ("/v1/helplines/{id}", String::new()),
        ("/v1/countries", String::new()),
        ("/v1/topics", String::new()),
        ("/v1/analytics/summary", format!("?{period}")),
        ("/v1/analytics/summary", format!("?{period}&contact_method=phone")),
        ("/v1/analytics/timeseries", format!("?{period}")),
        ("/v1/analytics/breakdown", format!("?{period}&by=helpline")),
        ("/v1/usage/{month}", String::new()),
        ("/v1/usage/{month}/events", String::new()),
        ("/v1/usage/{month}/events", "?limit=1&step=billable".to_owned()),
        ("/v1/usage/{month}/steps/{step}", String::new()),
        ("/v1/statements", String::new()),
        ("/v1/statements/{month}", String::new()),
        ("/v1/helplines", String::new()),
        ("/v1/analytics/summary", String::new()),
        ("/v1/usage/{month}/events", "?step=received".to_owned()),
        ("/v1/statements", "?limit=101".to_owned()),
        ("/healthz", String::new()),
    ] {
        let answer = app.get(&format!("{}{query}", filled(path)), &token).await;
        let response = &document()["paths"][path]["get"]["responses"][answer.status.as_str()];
        let response = server::openapi::example::resolve(document(), response);
        let content = &response["content"][answer.header("content-type")];
        assert!(content.is_object(), "{path}: {}", answer.header("content-type"));
        conforms(&content["schema"], &answer.json(), path);
        for (name, header) in response["headers"].as_object().unwrap() {
            let header = server::openapi::example::resolve(document(), header);
            assert!(header["required"] != true || answer.headers.contains_key(name.to_lowercase()), "{path}: {name}");
        }
    }
    app.stop().await;
}

/// What is shown as an example is such an answer.
#[test]
fn examples_have_the_described_form() {
    let schemas = document()["components"]["schemas"].as_object().unwrap();
    let with_example = schemas.iter().filter(|(_, schema)| schema.get("example").is_some());
    let mut count = 0;
    for (name, schema) in with_example {
        conforms(schema, &schema["example"], name);
        count += 1;
    }
    assert!(count >= 6, "{count}");
}

#[tokio::test]
async fn a_batch_is_answered_in_the_described_form() {
    let app = TestApp::on_sqlite().await;
    let token = app.token(&app.acme.production).await;
    let path = "/v1/events/batch";
    let described = &document()["paths"][path]["post"];
    let mut good = display("a");
    good["type"] = "helpline_display".into();
    let good_and_bad = serde_json::json!([good, good, {}, 5]);
    let documented = &described["requestBody"]["content"]["application/json"]["schema"]["example"];
    for body in [&good_and_bad, documented, &Value::Null, &serde_json::json!({})] {
        let answer = app.post(path, &token, body).await;
        let response = server::openapi::example::resolve(document(), &described["responses"][answer.status.as_str()]);
        let content = &response["content"][answer.header("content-type")];
        assert!(content.is_object(), "{}: {}", answer.status, answer.header("content-type"));
        conforms(&content["schema"], &answer.json(), path);
    }
    app.stop().await;
}

#[tokio::test]
async fn the_page_for_people_needs_no_script() {
    let app = TestApp::on_sqlite().await;
    let page = app.get("/docs", "").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(page.text().contains(&format!("curl -s http://{}/oauth/token", app.address)), "examples work when pasted");
    assert!(!page.text().contains("<script"));
    assert_eq!(app.get("/docs/style.css", "").await.header("content-type"), "text/css; charset=utf-8");
    app.stop().await;
}
