//! `GET /v1/usage/…`, `GET /v1/statements…`.

use crate::app::{Tenant, TestApp, click, display};
use domain::billing::{TermsForm, TierForm};
use domain::zone::Month;
use engine::{CardForm, Error, RateCard, VersionForm};
use http::Method;
use serde_json::{Value, json};

const MONTHS: [&str; 2] = ["2026-10", "2026-11"];

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// One is included; the next two cost 0.25, all after them 0.005; 1.00 base fee.
fn terms(currency: &str) -> TermsForm {
    let tier = |up_to: &str, price: &str| TierForm { up_to: up_to.to_owned(), unit_price: price.to_owned() };
    TermsForm {
        currency: currency.to_owned(),
        figure: "reach".to_owned(),
        included: "1".to_owned(),
        tiers: vec![tier("2", "0.25"), tier("", "0.005")],
        base_fee: "1".to_owned(),
        minimum: String::new(),
    }
}

fn form(name: &str, from: &str, terms: TermsForm) -> CardForm {
    CardForm { name: name.to_owned(), version: VersionForm { effective_from: from.to_owned(), terms } }
}

/// A card in euros that prices a customer's months.
pub async fn card(app: &TestApp, tenant: &Tenant, name: &str, from: &str) -> RateCard {
    assigned(app, tenant, form(name, from, terms("EUR"))).await
}

async fn assigned(app: &TestApp, tenant: &Tenant, form: CardForm) -> RateCard {
    let operator = app.engine.authenticate_console();
    let card = app.engine.create_rate_card(&operator, &form).await.unwrap();
    let from = month(&form.version.effective_from);
    app.engine.assign_rate_card(&operator, tenant.id, Some(card.id), from).await.unwrap();
    card
}

async fn issue(app: &TestApp, tenant: &Tenant, of: &str) -> engine::Issued {
    let operator = app.engine.authenticate_console();
    let by = Some("ann@example.org".to_owned());
    app.engine.issue_statement(&operator, tenant.id, month(of), by, true).await.unwrap()
}

async fn post(app: &TestApp, token: &str, session: &str, timestamp: &str) {
    let mut event = display(session);
    event["timestamp"] = json!(timestamp);
    assert_eq!(app.post("/v1/events/helpline-display", token, &event).await.status, 202);
}

/// In October four sessions, one of them twice within a burst and once more later; in November one, and a click. One event is
/// sent twice, one is refused, one is of the sandbox.
async fn traffic(app: &TestApp) -> String {
    let token = app.token(&app.acme.production).await;
    for (session, at) in [
        ("secret-a", "2026-10-24T12:00:00Z"),
        ("secret-a", "2026-10-24T12:00:20Z"),
        ("secret-a", "2026-10-24T15:00:00Z"),
        ("secret-b", "2026-10-25T12:00:00Z"),
        ("secret-c", "2026-10-26T12:00:00Z"),
        ("secret-d", "2026-10-27T12:00:00Z"),
        ("secret-d", "2026-10-27T12:00:00Z"),
        ("secret-e", "2026-11-02T12:00:00Z"),
    ] {
        post(app, &token, session, at).await;
    }
    app.post("/v1/events/helpline-click", &token, &click("secret-e")).await;
    let mut refused = display("secret-f");
    refused["helpline_id"] = json!("nowhere");
    assert_eq!(app.post("/v1/events/helpline-display", &token, &refused).await.status, 422);
    post(app, &app.token(&app.acme.sandbox).await, "secret-g", "2026-10-24T12:00:00Z").await;
    app.engine.wait_for_figures().await.unwrap();
    token
}

async fn json_of(app: &TestApp, token: &str, path: &str) -> Value {
    let answer = app.get(path, token).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert!(!answer.text().contains("secret-") && !answer.text().contains("ann@example.org"), "{}", answer.text());
    answer.json()
}

async fn csv_of(app: &TestApp, token: &str, path: &str) -> String {
    let answer = app.get(path, token).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(!answer.text().contains("secret-") && !answer.text().contains("ann@example.org"), "{}", answer.text());
    answer.text().to_owned()
}

fn fields(error: Error) -> Vec<(String, String)> {
    match error {
        Error::Invalid(faults) => {
            faults.0.into_iter().map(|fault| (fault.field, fault.code.as_str().to_owned())).collect()
        }
        error => panic!("{error}"),
    }
}

on_both! {
    async fn usage_leads_to_what_is_billed(app) {
        let token = traffic(app).await;
        let october = json!({
            "figure": "reach", "received": 8, "rejected": {}, "rejected_total": 0, "duplicates": 1, "sandbox": 1,
            "other_kind": 0, "gross": 6, "repeats": 1, "net": 5, "not_unique": 1, "billable": 4,
        });
        let without = json_of(app, &token, "/v1/usage/2026-10").await;
        assert_eq!(without, json!({"month": "2026-10", "time_zone": "Europe/London", "waterfall": october, "statement": null}));
        let november = json_of(app, &token, "/v1/usage/2026-11").await;
        assert_eq!(november["waterfall"]["rejected"], json!({"helpline_unknown": 1}));
        assert_eq!((&november["waterfall"]["other_kind"], &november["waterfall"]["billable"]), (&json!(1), &json!(1)));
        let card = card(app, &app.acme, "Standard", "2026-10").await;
        let statement = json_of(app, &token, "/v1/statements/2026-10").await;
        let rate_card = json!({
            "id": card.id, "name": "Standard", "version": 1, "effective_from": "2026-10", "currency": "EUR",
            "figure": "reach", "included": 1, "tiers": [{"up_to": 2, "unit_price": "0.25"}, {"up_to": null, "unit_price": "0.005"}],
            "base_fee": "1.00", "minimum": "0.00",
        });
        assert_eq!(statement["rate_card"], rate_card);
        let lines = json!([
            {"kind": "base_fee", "description": "Base fee", "quantity": null, "unit_price": null, "amount": "1.00"},
            {"kind": "included", "description": "Reach, included", "quantity": 1, "unit_price": "0", "amount": "0.00"},
            {"kind": "tier", "description": "Reach, tier 1: 1 to 2", "tier": 1, "from": 1, "up_to": 2, "quantity": 2, "unit_price": "0.25", "amount": "0.50"},
            {"kind": "tier", "description": "Reach, tier 2: from 3", "tier": 2, "from": 3, "up_to": null, "quantity": 1, "unit_price": "0.005", "amount": "0.01"},
        ]);
        assert_eq!(statement["lines"], lines);
        assert_eq!((&statement["total"], &statement["currency"]), (&json!("1.51"), &json!("EUR")));
        assert_eq!((&statement["status"], &statement["issued_at"]), (&json!("draft"), &Value::Null));
        assert_eq!(json_of(app, &token, "/v1/usage/2026-10").await["statement"], statement);
        let running = json_of(app, &token, "/v1/statements/2026-11").await;
        assert_eq!((&running["forecast"]["quantity"], &running["forecast"]["days"]), (&json!(1), &json!(23)));
    }

    async fn amounts_have_the_currencys_decimals(app) {
        let token = traffic(app).await;
        for (from, currency, total, base_fee, tier) in [
            // One of November is included: the base fee is all.
            ("2026-11", "JPY", "1", "1", None),
            ("2026-10", "KWD", "1.505", "1.000", Some("0.005")),
        ] {
            assigned(app, &app.acme, form(currency, from, terms(currency))).await;
            let statement = json_of(app, &token, &format!("/v1/statements/{from}")).await;
            assert_eq!((&statement["total"], &statement["currency"]), (&json!(total), &json!(currency)));
            assert_eq!(statement["rate_card"]["base_fee"], base_fee);
            let tier = tier.map_or(Value::Null, Value::from);
            assert_eq!(statement["lines"][3]["amount"], tier);
        }
    }

    async fn an_issued_statement_stays_and_the_next_one_adjusts(app) {
        let token = traffic(app).await;
        card(app, &app.acme, "Standard", "2026-10").await;
        assert!(issue(app, &app.acme, "2026-10").await.is_new);
        let before = app.get("/v1/statements/2026-10", &token).await;
        assert_eq!(before.json()["status"], "issued");
        assert_eq!(before.json()["issued_at"], "2026-11-24T12:00:00.000Z");
        for (session, at) in [("secret-late", "2026-10-31T12:00:00Z"), ("secret-late", "2026-10-31T13:00:00Z")] {
            post(app, &token, session, at).await;
        }
        app.engine.wait_for_figures().await.unwrap();
        assert!(!issue(app, &app.acme, "2026-10").await.is_new);
        assert_eq!(app.get("/v1/statements/2026-10", &token).await.bytes, before.bytes);
        let next = json_of(app, &token, "/v1/statements/2026-11").await;
        let adjustment = &next["adjustments"][0];
        assert_eq!((&adjustment["before"], &adjustment["month"]), (&before.json()["waterfall"], &json!("2026-10")));
        assert_eq!((&adjustment["after"]["billable"], &adjustment["after"]["gross"]), (&json!(5), &json!(8)));
        // Two units at 0.005 are 0.01, as one is.
        for (member, amount) in [("billed", "1.51"), ("recomputed", "1.51"), ("amount", "0.00")] {
            assert_eq!(adjustment[member], amount, "{member}");
        }
        let line = next["lines"].as_array().unwrap().last().unwrap();
        let expected = json!({
            "kind": "adjustment", "description": "Adjustment of October 2026", "month": "2026-10", "quantity": 1,
            "unit_price": null, "amount": "0.00",
        });
        assert_eq!(line, &expected);
        let listed = json_of(app, &token, "/v1/usage/2026-10/events?step=gross").await;
        assert_eq!(listed["events"].as_array().unwrap().len(), 6, "what came later is on no list of this statement");
    }

    async fn statements_come_in_pages(app) {
        let token = traffic(app).await;
        assert_eq!(json_of(app, &token, "/v1/statements").await, json!({"statements": [], "next_cursor": null}));
        card(app, &app.acme, "Standard", "2026-09").await;
        issue(app, &app.acme, "2026-10").await;
        issue(app, &app.acme, "2026-09").await;
        let months = |page: &Value| -> Vec<String> {
            page["statements"].as_array().unwrap().iter().map(|it| it["month"].as_str().unwrap().to_owned()).collect()
        };
        let all = json_of(app, &token, "/v1/statements").await;
        assert_eq!((months(&all), &all["next_cursor"]), (vec!["2026-11".to_owned(), "2026-10".to_owned(), "2026-09".to_owned()], &Value::Null));
        let first = json_of(app, &token, "/v1/statements?limit=2").await;
        assert_eq!((months(&first).len(), &first["next_cursor"]), (2, &json!("2026-10")));
        let csv = app.get("/v1/statements.csv?limit=2", &token).await;
        assert_eq!(csv.header("link"), "</v1/statements.csv?limit=2&cursor=2026%2D10>; rel=\"next\"");
        let second = json_of(app, &token, "/v1/statements?limit=2&cursor=2026-10").await;
        assert_eq!((months(&second), &second["next_cursor"]), (vec!["2026-09".to_owned()], &Value::Null));
        let csv = csv_of(app, &token, "/v1/statements.csv").await;
        let rows: Vec<&str> = csv.lines().collect();
        assert_eq!(rows[0], "number,month,status,issued_at,currency,total,adjustments,figure,billable,rate_card,version");
        assert!(rows[1].contains(",2026-11,draft,,EUR,1.00,0.00,reach,1,Standard,1"), "{}", rows[1]);
        assert!(rows[2].contains(",2026-10,issued,2026-11-24T12:00:00.000Z,EUR,1.51,0.00,reach,4,Standard,1"), "{}", rows[2]);
        for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=", "cursor")] {
            app.get(&format!("/v1/statements?{query}"), &token).await.has_faults(&[(field, "field_invalid")]);
        }
    }

    async fn the_same_comes_as_csv(app) {
        let token = traffic(app).await;
        card(app, &app.acme, "Standard", "2026-10").await;
        let usage = csv_of(app, &token, "/v1/usage/2026-11.csv").await;
        assert!(usage.starts_with("step,code,events\r\nreceived,,3\r\nrejected,,1\r\nrejected,helpline_unknown,1\r\nduplicates,,0\r\n"), "{usage}");
        let lines = csv_of(app, &token, "/v1/statements/2026-10.csv").await;
        let rows: Vec<&str> = lines.lines().collect();
        assert_eq!(rows[0], "statement,month,status,kind,description,tier,from,up_to,adjusted_month,quantity,unit_price,amount,currency");
        assert!(rows[1].ends_with(",2026-10,draft,base_fee,Base fee,,,,,,,1.00,EUR"), "{}", rows[1]);
        assert!(rows[4].ends_with(",tier,\"Reach, tier 2: from 3\",2,3,,,1,0.005,0.01,EUR"), "{}", rows[4]);
        let events = csv_of(app, &token, "/v1/usage/2026-10/events.csv?step=gross").await;
        assert_eq!(events.lines().count(), 7);
        assert!(events.starts_with("event_id,type,timestamp,contact_method,application_id,application,helpline_id,helpline,place,outcome,is_kept,is_billed,because_of,attributed\r\n"));
        // A burst is kept with its last event; the name of the helpline begins like a formula.
        assert!(events.contains(",gb-1,\"'=Evenlight, \"\"Line\"\"\",1,repeats,false,false,2026-10-24T12:00:20.000Z,\r\n"), "{events}");
        for path in ["/v1/usage/2026-10", "/v1/usage/2026-10/events", "/v1/statements", "/v1/statements/2026-10"] {
            let request = app.request(Method::GET, path).bearer_auth(&token).header("accept", "text/csv");
            let by_header = app.send(request).await;
            assert_eq!(by_header.text(), csv_of(app, &token, &format!("{path}.csv")).await, "{path}");
            assert_eq!(by_header.header("vary"), "accept");
            assert!(by_header.header("content-disposition").starts_with("attachment; filename=\"reachline-"));
        }
    }

    async fn every_event_says_why(app) {
        let token = traffic(app).await;
        card(app, &app.acme, "Standard", "2026-10").await;
        let all = json_of(app, &token, "/v1/usage/2026-10/events").await;
        assert_eq!((&all["figure"], &all["next_cursor"]), (&json!("reach"), &Value::Null));
        let first = all["events"].as_array().unwrap().iter().find(|event| event["why"]["outcome"] == "repeats").unwrap();
        let expected = json!({"outcome": "repeats", "is_kept": false, "is_billed": false, "because_of": "2026-10-24T12:00:20.000Z", "attributed": null});
        assert_eq!(first["why"], expected);
        let names: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = ["application_id", "application_name", "contact_method", "event_id", "helpline_id", "helpline_name", "place", "timestamp", "type", "why"];
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "nothing tells the session");
        // Page by page: as many as the step says, and the same as in one.
        for step in ["sandbox", "other_kind", "gross", "repeats", "net", "not_unique", "billable"] {
            for of in MONTHS {
                let counts = json_of(app, &token, &format!("/v1/usage/{of}/steps/{step}")).await;
                let as_of = &counts["as_of"];
                let (mut found, mut cursor) = (Vec::new(), String::new());
                loop {
                    let page = json_of(app, &token, &format!("/v1/usage/{of}/events?step={step}&limit=1&as_of={as_of}{cursor}")).await;
                    found.extend(page["events"].as_array().unwrap().clone());
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    cursor = format!("&cursor={next}");
                }
                assert_eq!(json!(found.len()), counts["total"], "{step} of {of}");
                assert_eq!(counts["total"], counts["stated"], "{step} of {of}");
                let whole = json_of(app, &token, &format!("/v1/usage/{of}/events?step={step}")).await;
                assert_eq!(json!(found), whole["events"]);
            }
        }
        let clicks = json_of(app, &token, "/v1/usage/2026-11/events?contact_method=phone").await;
        assert_eq!(clicks["events"][0]["why"]["attributed"], false, "the display was three weeks before");
        let of_day = json_of(app, &token, "/v1/usage/2026-10/events?day=2026-10-25").await;
        assert_eq!(of_day["events"].as_array().unwrap().len(), 1);
        let sandbox = app.acme.sandbox.application.id;
        let of_application = json_of(app, &token, &format!("/v1/usage/2026-10/events?application_id={sandbox}")).await;
        assert_eq!(of_application["events"][0]["why"]["outcome"], "sandbox");
        let of_helpline = json_of(app, &token, "/v1/usage/2026-10/events?helpline_id=fr-1").await;
        assert_eq!(of_helpline["events"], json!([]));
        let rejected = json_of(app, &token, "/v1/usage/2026-11/steps/rejected").await;
        assert_eq!(rejected["by_code"], json!([{"code": "helpline_unknown", "events": 1}]));
        assert_eq!(rejected["by_day"], json!([{"day": "2026-11-24", "events": 1}]));
    }

    async fn every_parameter_is_checked_and_all_faults_come_at_once(app) {
        let token = app.token(&app.acme.production).await;
        let events = "/v1/usage/2026-11/events";
        let foreign = app.other.production.application.id;
        for (query, field, code) in [
            ("step=received", "step", "field_invalid"),
            ("step=x", "step", "field_invalid"),
            ("day=2026-02-30", "day", "field_invalid"),
            ("application_id=1", "application_id", "field_invalid"),
            (&format!("application_id={foreign}"), "application_id", "field_invalid"),
            ("helpline_id=a%20b", "helpline_id", "field_invalid"),
            ("helpline_id=nowhere", "helpline_id", "field_invalid"),
            ("contact_method=fax", "contact_method", "contact_method_invalid"),
            ("limit=1001", "limit", "field_invalid"),
            ("cursor=nonsense", "cursor", "field_invalid"),
            ("as_of=-1", "as_of", "field_invalid"),
            ("as_of=1&as_of=2", "as_of", "field_invalid"),
            ("day=%ff", "day", "field_invalid"),
        ] {
            for form in ["", ".csv"] {
                app.get(&format!("{events}{form}?{query}"), &token).await.has_faults(&[(field, code)]);
            }
        }
        let all = "?step=y&day=x&application_id=1&helpline_id=!&contact_method=2&limit=4444&cursor=&as_of=x";
        assert_eq!(app.get(&format!("{events}{all}"), &token).await.faults().len(), 8);
        app.get("/v1/usage/2026-11/steps/net?as_of=x", &token).await.has_faults(&[("as_of", "field_invalid")]);
    }

    async fn what_is_no_month_or_has_no_statement_is_not_found(app) {
        let token = app.token(&app.acme.production).await;
        for of in ["2026-13", "2026-1", "26-11", "2026-11-01", "november", "2026-11%00", "%ff", "2026-12", "9999-12", "2026-11.csv.csv", ".csv"] {
            for path in [format!("/v1/usage/{of}"), format!("/v1/statements/{of}"), format!("/v1/usage/{of}/events"), format!("/v1/usage/{of}/steps/net")] {
                app.get(&path, &token).await.is_problem(404, "not_found");
            }
        }
        for path in ["/v1/usage/2026-11/steps/none", "/v1/usage/2026-11/steps/", "/v1/usage/2026-11.csv/events", "/v1/statements/2026-11", "/v1/statements/2026-11.csv"] {
            app.get(path, &token).await.is_problem(404, "not_found");
        }
        // Long before anything was sent there is usage all the same: none.
        for of in ["0001-01", "1970-01", "2026-10"] {
            assert_eq!(json_of(app, &token, &format!("/v1/usage/{of}")).await["waterfall"]["received"], 0, "{of}");
            assert_eq!(json_of(app, &token, &format!("/v1/usage/{of}/events")).await["events"], json!([]), "{of}");
        }
    }

    async fn another_customer_never_sees_it(app) {
        let token = traffic(app).await;
        card(app, &app.acme, "Secret terms", "2026-10").await;
        issue(app, &app.acme, "2026-10").await;
        let mine = json_of(app, &token, "/v1/usage/2026-10/events").await;
        assert_eq!(mine["events"].as_array().unwrap().len(), 7);
        let other = app.token(&app.other.production).await;
        for of in MONTHS {
            for form in ["", ".csv"] {
                app.get(&format!("/v1/statements/{of}{form}"), &other).await.is_problem(404, "not_found");
                for path in ["/v1/statements".to_owned(), format!("/v1/usage/{of}"), format!("/v1/usage/{of}/events")] {
                    let answer = app.get(&format!("{path}{form}"), &other).await;
                    assert_eq!(answer.status, 200, "{path}{form}");
                    for mark in ["Secret", &app.acme.id.to_string(), &app.acme.production.application.id.to_string(), "2026-10-24T"] {
                        assert!(!answer.text().contains(mark), "{path}{form}: {}", answer.text());
                    }
                }
            }
            for step in ["received", "rejected", "duplicates", "gross", "billable"] {
                let counts = json_of(app, &other, &format!("/v1/usage/{of}/steps/{step}")).await;
                assert_eq!((&counts["total"], &counts["by_day"]), (&json!(0), &json!([])));
            }
        }
        // The other's own place in its own log opens nothing, nor does a cursor.
        let listed = json_of(app, &other, "/v1/usage/2026-10/events?as_of=100&cursor=0.0").await;
        assert_eq!((&listed["events"], &listed["as_of"]), (&json!([]), &json!(0)));
        let writes_only = app.token_with(&app.acme.production, Some("events:write")).await;
        for path in ["/v1/statements", "/v1/usage/2026-10", "/v1/usage/2026-10/events", "/v1/usage/2026-10/steps/net", "/v1/statements/2026-10"] {
            app.get(path, &writes_only).await.is_problem(403, "scope_missing");
            app.send(app.request(Method::GET, path)).await.is_problem(401, "token_missing");
            app.post(path, &token, &json!({})).await.is_problem(405, "method_not_allowed");
        }
    }

    async fn what_is_wrong_with_a_card_is_said_by_field(app) {
        let operator = app.engine.authenticate_console();
        let card = card(app, &app.acme, "Standard", "2026-09").await;
        type Change = fn(&mut VersionForm);
        let cases: [(Change, &str, &str); 8] = [
            (|form| form.terms.tiers[1].up_to = "2".to_owned(), "tiers.1.up_to", "field_invalid"),
            (|form| form.terms.tiers.insert(1, TierForm { up_to: "1".to_owned(), unit_price: "1".to_owned() }), "tiers.1.up_to", "field_invalid"),
            (|form| form.terms.currency = "EURO".to_owned(), "currency", "currency_unknown"),
            (|form| form.terms.tiers[0].unit_price = "0.0000001".to_owned(), "tiers.0.unit_price", "field_invalid"),
            (|form| form.terms.base_fee = "0.001".to_owned(), "base_fee", "field_invalid"),
            (|form| form.effective_from = "2026-13".to_owned(), "effective_from", "field_invalid"),
            (|form| form.terms.currency = "JPY".to_owned(), "currency", "field_invalid"),
            (|form| form.effective_from = "2026-10".to_owned(), "effective_from", "month_issued"),
        ];
        issue(app, &app.acme, "2026-10").await;
        for (change, field, code) in cases {
            let mut wrong = form("Other", "2026-11", terms("EUR")).version;
            change(&mut wrong);
            let refused = app.engine.add_rate_card_version(&operator, card.id, &wrong).await.unwrap_err();
            assert_eq!(fields(refused), [(field.to_owned(), code.to_owned())]);
        }
        let used = app.engine.update_rate_card_version(&operator, card.id, 1, &form("", "2026-11", terms("EUR")).version).await;
        assert_eq!(fields(used.unwrap_err())[0].1, "month_issued");
        let assigned = app.engine.assign_rate_card(&operator, app.acme.id, None, month("2026-10")).await;
        assert_eq!(fields(assigned.unwrap_err()), [("from".to_owned(), "month_issued".to_owned())]);
        let taken = app.engine.create_rate_card(&operator, &form("Standard", "2026-10", terms("EUR"))).await;
        assert_eq!(fields(taken.unwrap_err()), [("name".to_owned(), "field_taken".to_owned())]);
    }
}
