//! `GET /v1/helplines`, `/v1/countries`, `/v1/topics`.

use crate::app::TestApp;
use http::Method;
use serde_json::json;

on_both! {
    async fn helplines_are_found_by_country_and_filters(app) {
        let token = app.token(&app.acme.production).await;
        let ids = async |query: &str| {
            let answer = app.get(&format!("/v1/helplines?{query}"), &token).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let helplines = answer.json()["helplines"].as_array().cloned().unwrap();
            helplines.iter().map(|helpline| helpline["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for query in ["country_code=GB", "country_code=gb", "country_code=GB&topic=GRIEF", "country_code=GB&topic=grief",
            "country_code=GB&specialty=young+people", "country_code=GB&contact_method=chat",
            "country_code=GB&contact_method=online_chat", "country_code=GB&priority_only=true&limit=1", "country_code=GB&unknown=1"] {
            assert_eq!(ids(query).await, ["gb-1"], "{query}");
        }
        for query in ["country_code=ZZ", "country_code=GB&topic=none", "country_code=FR&contact_method=sms",
            "country_code=FR&priority_only=true", "country_code=GB&specialty=%C3%A9"] {
            assert!(ids(query).await.is_empty(), "{query}");
        }
    }

    async fn a_helpline_has_its_documented_form(app) {
        let token = app.token(&app.acme.production).await;
        let full = app.get("/v1/helplines/gb-1", &token).await.json()["helpline"].clone();
        assert_eq!(full["country"], json!({"name": "United Kingdom", "code": "GB", "emergencyNumber": "999"}));
        assert_eq!(full["hours"]["periods"][0], json!({"day": "monday", "open": "09:00", "close": "21:00"}));
        for member in ["supported_languages", "supportTypes", "phoneNumber", "smsNumber", "webChatUrl", "whatsappUrl", "priority", "availability", "timezone", "topics", "specialties"] {
            assert!(!full[member].is_null(), "{member}");
        }
        let bare = app.get("/v1/helplines/fr-1", &token).await.json()["helpline"].clone();
        let bare = bare.as_object().unwrap();
        for absent in ["smsNumber", "webChatUrl", "whatsappUrl", "website", "description"] {
            assert!(!bare.contains_key(absent), "{absent} is left out");
        }
        assert!(!bare["country"].as_object().unwrap().contains_key("emergencyNumber"));
        let countries = app.get("/v1/countries", &token).await.json();
        assert_eq!(countries["countries"][1], json!({"name": "United Kingdom", "code": "GB", "emergencyNumber": "999"}));
        assert_eq!(app.get("/v1/topics", &token).await.json(), json!({"topics": [{"name": "Grief", "code": "grief"}]}));
    }

    async fn every_parameter_is_checked(app) {
        let token = app.token(&app.acme.production).await;
        let long = format!("topic={}", "x".repeat(121));
        let cases = [
            ("topic=", "topic", "field_invalid"),
            (long.as_str(), "topic", "field_too_long"),
            ("specialty=%20", "specialty", "field_invalid"),
            ("topic=a&topic=b", "topic", "field_invalid"),
            ("topic=%ff", "topic", "field_invalid"),
            ("topic=%00", "topic", "field_invalid"),
            ("contact_method=fax", "contact_method", "contact_method_invalid"),
            ("priority_only=1", "priority_only", "field_invalid"),
            ("limit=0", "limit", "field_invalid"),
            ("limit=101", "limit", "field_invalid"),
            ("limit=-1", "limit", "field_invalid"),
            ("limit=1.5", "limit", "field_invalid"),
            ("limit=99999999999999999999999999", "limit", "field_invalid"),
        ];
        for (query, field, code) in cases {
            app.get(&format!("/v1/helplines?country_code=GB&{query}"), &token).await.has_faults(&[(field, code)]);
        }
        app.get("/v1/helplines", &token).await.has_faults(&[("country_code", "field_missing")]);
        for wrong in ["G", "GBR", "1B", "%C3%A9"] {
            let path = format!("/v1/helplines?country_code={wrong}");
            app.get(&path, &token).await.has_faults(&[("country_code", "country_unknown")]);
        }
        let all = app.get("/v1/helplines?limit=x&contact_method=y&topic=&country_code=", &token).await;
        assert_eq!(all.faults().len(), 4);
    }

    async fn bad_escapes_in_queries_and_paths_are_refused(app) {
        let token = app.token(&app.acme.production).await;
        for (target, expected) in [
            ("/v1/helplines?country_code=GB&topic=%zz", 422),
            ("/v1/helplines?country_code=GB&topic=%", 422),
            ("/v1/helplines?%ff=1&country_code=GB", 422),
            ("/v1/helplines/%ff", 404),
            ("/v1/helplines/%zz", 404),
            ("/v1/helplines/a%00b", 404),
            ("/v1/helplines/a%2Fb", 404),
            ("/v1/helplines/", 404),
        ] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
            let (status, text) = app.raw(request.as_bytes()).await;
            assert_eq!(status, expected, "{target}: {text}");
            assert!(text.contains("application/problem+json"), "{target}: {text}");
        }
    }

    async fn unknown_ids_are_not_found(app) {
        let token = app.token(&app.acme.production).await;
        let long = "x".repeat(65);
        for id in ["nowhere", "é", "a%20b", long.as_str(), "..", "%2e%2e"] {
            let answer = app.get(&format!("/v1/helplines/{id}"), &token).await;
            assert!(answer.status == 404 || answer.status == 422, "{id}: {}", answer.status);
        }
        app.get("/v1/helplines/nowhere", &token).await.is_problem(404, "not_found");
    }

    async fn the_quota_is_told_and_kept(app) {
        let operator = app.engine.authenticate_console();
        let limits = domain::account::CustomerLimits { catalogue_quota_per_day: Some(3), event_burst_per_second: None, ..Default::default() };
        let form = domain::account::CustomerForm { name: "Acme".to_owned(), time_zone: "Europe/London".to_owned(), limits };
        app.engine.update_customer(&operator, app.acme.id, &form).await.unwrap();
        let token = app.token(&app.acme.production).await;
        let sandbox = app.token(&app.acme.sandbox).await;
        let paths = ["/v1/topics", "/v1/helplines?country_code=GB", "/v1/helplines?limit=0"];
        for (used, (path, token)) in paths.into_iter().zip([&token, &sandbox, &token]).enumerate() {
            let answer = app.get(path, token).await;
            assert_eq!(answer.header("ratelimit-policy"), "\"day\";q=3;w=86400");
            assert_eq!(answer.header("ratelimit"), format!("\"day\";r={};t=86400", 2 - used), "{path}");
        }
        let over = app.get("/v1/countries", &token).await;
        over.is_problem(429, "quota_exceeded");
        assert_eq!(over.header("retry-after"), "86400");
        assert_eq!(over.header("ratelimit"), "\"day\";r=0;t=86400");
        // A path that is no id costs nothing, and events and other customers are not concerned.
        app.get("/v1/helplines/%20", &token).await.is_problem(404, "not_found");
        assert_eq!(app.post("/v1/events/helpline-display", &token, &crate::app::display("s")).await.status, 202);
        let foreign = app.token(&app.other.production).await;
        assert_eq!(app.get("/v1/topics", &foreign).await.status, 200);
        app.clock.advance(23 * 3_600 + 3_599);
        let later = app.token(&app.acme.production).await;
        app.get("/v1/topics", &later).await.is_problem(429, "quota_exceeded");
        app.clock.advance(1);
        let later = app.token(&app.acme.production).await;
        assert_eq!(app.get("/v1/topics", &later).await.status, 200);
    }

    async fn head_is_answered_without_a_body(app) {
        let token = app.token(&app.acme.production).await;
        let answer = app.send(app.request(Method::HEAD, "/v1/topics").bearer_auth(&token)).await;
        assert_eq!((answer.status.as_u16(), answer.bytes.len()), (200, 0));
    }
}

#[tokio::test]
async fn an_address_may_call_so_often_a_second() {
    let app = TestApp::on_sqlite_with(|config| config.catalogue_rate_per_ip = 3).await;
    let token = app.token(&app.acme.production).await;
    let mut refused = None;
    for _ in 0..20 {
        let answer = app.get("/v1/topics", &token).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the limit holds");
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit-policy"), "\"address\";q=3;w=1");
    app.stop().await;
}
