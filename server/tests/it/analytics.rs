//! `GET /v1/analytics/…`.

use crate::app::{TestApp, click, display};
use http::Method;
use serde_json::{Value, json};

const PERIOD: &str = "from=2026-11-23&to=2026-11-25";
const REPORTS: [&str; 3] = ["summary?", "timeseries?", "breakdown?by=helpline&"];

/// One session sees both helplines and clicks one of them; another only sees one.
async fn traffic(app: &TestApp) -> String {
    let token = app.token(&app.acme.production).await;
    let mut second = display("a");
    second["helpline_id"] = json!("fr-1");
    for event in [display("a"), second, display("b")] {
        assert_eq!(app.post("/v1/events/helpline-display", &token, &event).await.status, 202);
    }
    assert_eq!(app.post("/v1/events/helpline-click", &token, &click("a")).await.status, 202);
    app.wait_for(&token, "converted_sessions", 1).await;
    token
}

async fn figures(app: &TestApp, token: &str, report: &str) -> Value {
    let answer = app.get(&format!("/v1/analytics/{report}"), token).await;
    assert_eq!(answer.status, 200, "{report}: {}", answer.text());
    answer.json()
}

on_both! {
    async fn a_summary_gives_every_figure(app) {
        let token = traffic(app).await;
        let summary = figures(app, &token, &format!("summary?{PERIOD}")).await;
        assert_eq!((&summary["from"], &summary["to"], &summary["time_zone"]), (&json!("2026-11-23"), &json!("2026-11-25"), &json!("Europe/London")));
        let expected = json!({
            "gross_displays": 3, "net_displays": 3, "unique_displays": 3, "reach": 2, "gross_clicks": 1, "net_clicks": 1,
            "attributed_clicks": 1, "unattributed_clicks": 0, "conversions": 1, "converted_sessions": 1,
            "notifications": 2, "ctr": 0.5,
        });
        assert_eq!(summary["figures"], expected);
    }

    async fn filters_leave_out_what_they_cannot_give(app) {
        let token = traffic(app).await;
        let of = async |filter: &str| figures(app, &token, &format!("summary?{PERIOD}&{filter}")).await["figures"].clone();
        let helpline = of("helpline_id=gb-1").await;
        assert_eq!((&helpline["unique_displays"], &helpline["ctr"]), (&json!(2), &json!(0.5)));
        assert!(helpline.get("reach").is_none());
        let method = of("contact_method=phone").await;
        assert_eq!(method["net_clicks"], 1);
        assert!(method.get("ctr").is_none() && method.get("net_displays").is_none());
        assert_eq!(of("country_code=fr").await["reach"], 1);
        assert_eq!(of("tier=sandbox").await["reach"], 0);
        assert_eq!(of("tier=sandbox").await["ctr"], Value::Null);
        let application = app.acme.production.application.id;
        assert_eq!(of(&format!("application_id={application}")).await["reach"], 2);
    }

    async fn a_series_has_all_buckets(app) {
        let token = traffic(app).await;
        let series = figures(app, &token, &format!("timeseries?{PERIOD}&interval=day")).await;
        assert_eq!(series["interval"], "day");
        let buckets = series["buckets"].as_array().unwrap();
        assert_eq!(buckets.len(), 2);
        assert_eq!((&buckets[1]["start"], &buckets[1]["end"]), (&json!("2026-11-24T00:00:00.000Z"), &json!("2026-11-25T00:00:00.000Z")));
        assert_eq!((&buckets[0]["figures"]["reach"], &buckets[1]["figures"]["reach"]), (&json!(0), &json!(2)));
        for (interval, count) in [("hour", 48), ("week", 1), ("month", 1)] {
            let series = figures(app, &token, &format!("timeseries?{PERIOD}&interval={interval}")).await;
            assert_eq!(series["buckets"].as_array().unwrap().len(), count, "{interval}");
        }
        assert_eq!(figures(app, &token, &format!("timeseries?{PERIOD}")).await["interval"], "day");
    }

    async fn a_breakdown_comes_in_pages(app) {
        let token = traffic(app).await;
        for (by, keys) in [("helpline", vec!["gb-1", "fr-1"]), ("country", vec!["GB", "FR"]), ("contact_method", vec!["phone"])] {
            let page = figures(app, &token, &format!("breakdown?{PERIOD}&by={by}")).await;
            let found: Vec<_> = page["rows"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
            assert_eq!(found, keys, "{by}");
            assert_eq!((&page["by"], &page["next_cursor"]), (&json!(by), &Value::Null));
        }
        let by_application = figures(app, &token, &format!("breakdown?{PERIOD}&by=application")).await;
        assert_eq!(by_application["rows"][0]["name"], "web");
        figures(app, &token, &format!("breakdown?{PERIOD}&by=topic")).await;
        let first = figures(app, &token, &format!("breakdown?{PERIOD}&by=helpline&limit=1")).await;
        assert_eq!(first["rows"].as_array().unwrap().len(), 1);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = figures(app, &token, &format!("breakdown?{PERIOD}&by=helpline&limit=1&cursor={cursor}")).await;
        assert_eq!((&second["rows"][0]["key"], &second["next_cursor"]), (&json!("fr-1"), &Value::Null));
        let path = format!("/v1/analytics/breakdown?{PERIOD}&by=helpline&limit=1&cursor=nonsense");
        app.get(&path, &token).await.has_faults(&[("cursor", "field_invalid")]);
    }

    async fn the_same_comes_as_csv(app) {
        let token = traffic(app).await;
        let csv = app.get(&format!("/v1/analytics/summary.csv?{PERIOD}"), &token).await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert!(csv.header("content-disposition").contains("reachline-summary-2026-11-23-2026-11-25.csv"));
        assert_eq!(csv.text(), "from,to,time_zone,gross_displays,net_displays,unique_displays,reach,gross_clicks,net_clicks,attributed_clicks,unattributed_clicks,conversions,converted_sessions,notifications,ctr\r\n2026-11-23,2026-11-25,Europe/London,3,3,3,2,1,1,1,0,1,1,2,0.5\r\n");
        let series = app.get(&format!("/v1/analytics/timeseries.csv?{PERIOD}"), &token).await;
        assert_eq!(series.text().lines().count(), 3);
        let request = app.request(Method::GET, &format!("/v1/analytics/breakdown?{PERIOD}&by=helpline&limit=1"));
        let rows = app.send(request.bearer_auth(&token).header("accept", "text/csv")).await;
        // The name of the helpline begins like a formula.
        assert!(rows.text().contains("gb-1,\"'=Evenlight, \"\"Line\"\"\",2,2,2,"), "{}", rows.text());
        assert!(rows.header("link").starts_with("</v1/analytics/breakdown?"), "{}", rows.header("link"));
        assert_eq!(rows.header("vary"), "accept");
    }

    async fn every_parameter_is_checked_and_all_faults_come_at_once(app) {
        let token = app.token(&app.acme.production).await;
        for report in REPORTS {
            let cases = [
                ("from=2026-11-23", "to", "field_missing"),
                ("to=2026-11-23", "from", "field_missing"),
                ("from=2026-02-30&to=2026-11-24", "from", "field_invalid"),
                ("from=2026-11-23T00:00:00Z&to=2026-11-24", "from", "field_invalid"),
                ("from=2026-11-24&to=2026-11-24", "to", "period_invalid"),
                ("from=2026-11-25&to=2026-11-24", "to", "period_invalid"),
                ("from=1990-01-01&to=2026-11-24", "to", "period_invalid"),
                ("from=9999-12-31&to=2026-11-24", "to", "period_invalid"),
                (&format!("{PERIOD}&tier=test"), "tier", "field_invalid"),
                (&format!("{PERIOD}&application_id=1"), "application_id", "field_invalid"),
                (&format!("{PERIOD}&helpline_id=a%20b"), "helpline_id", "field_invalid"),
                (&format!("{PERIOD}&country_code=GBR"), "country_code", "country_unknown"),
                (&format!("{PERIOD}&contact_method=fax"), "contact_method", "contact_method_invalid"),
                (&format!("{PERIOD}&from=2026-11-22"), "from", "field_invalid"),
                (&format!("{PERIOD}&tier=%ff"), "tier", "field_invalid"),
                (&format!("{PERIOD}&tier=%00"), "tier", "field_invalid"),
            ];
            for (query, field, code) in cases {
                let answer = app.get(&format!("/v1/analytics/{report}{query}"), &token).await;
                answer.is_problem(422, "validation_failed");
                assert_eq!(answer.faults(), [(field.to_owned(), code.to_owned())], "{report}{query}");
            }
        }
        for (query, field, code) in [
            ("timeseries?interval=minute", "interval", "field_invalid"),
            ("timeseries?interval=", "interval", "field_invalid"),
            ("breakdown?by=colour", "by", "field_invalid"),
            ("breakdown?limit=5", "by", "field_missing"),
            ("breakdown?by=helpline&limit=0", "limit", "field_invalid"),
            ("breakdown?by=helpline&limit=1001", "limit", "field_invalid"),
        ] {
            app.get(&format!("/v1/analytics/{query}&{PERIOD}"), &token).await.has_faults(&[(field, code)]);
        }
        let path = "/v1/analytics/timeseries?interval=hour&from=2026-01-01&to=2026-03-01";
        app.get(path, &token).await.has_faults(&[("interval", "period_invalid")]);
        let all = "/v1/analytics/breakdown?from=x&to=y&tier=z&application_id=1&helpline_id=!&country_code=1&contact_method=2&by=3&limit=4444&cursor=";
        assert_eq!(app.get(all, &token).await.faults().len(), 10);
    }

    async fn empty_and_far_periods_are_fine(app) {
        let token = app.token(&app.acme.production).await;
        for period in ["from=0001-01-01&to=0001-01-02", "from=9999-12-30&to=9999-12-31", "from=2016-12-01&to=2026-11-24"] {
            for report in REPORTS {
                figures(app, &token, &format!("{report}{period}")).await;
            }
        }
    }
}
