//! What belongs to another customer is as unknown as what does not exist, on every route that takes an id.

use crate::app::{Answer, PASSWORD, TestApp, display};
use domain::account::Role;
use http::Method;

const PERIOD: &str = "from=2026-11-23&to=2026-11-25";

async fn cookie(app: &TestApp, email: &str, role: Role) -> String {
    app.user(email, role, Some(app.acme.id)).await;
    let form = [("email", email), ("password", PASSWORD), ("next", "")];
    let request = app.request(Method::POST, "/api/sign_in").header("accept", "text/html").form(&form);
    let answer = app.send(request.header("sec-fetch-site", "same-origin")).await;
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn same(foreign: &Answer, unknown: &Answer) {
    assert_eq!(foreign.status, unknown.status);
    assert!(foreign.status.is_client_error(), "{}: {}", foreign.status, foreign.text());
    assert_eq!(foreign.text(), unknown.text());
}

on_both! {
    async fn filters_by_anothers_application_tell_nothing(app) {
        let theirs = app.token(&app.other.production).await;
        app.post("/v1/events/helpline-display", &theirs, &display("a")).await;
        app.wait_for(&theirs, "reach", 1).await;
        let mine = app.token(&app.acme.production).await;
        let unknown = "0199c0de-0000-7000-8000-000000000001";
        let foreign = app.other.production.application.id;
        for report in ["summary?", "summary.csv?", "timeseries?", "timeseries.csv?", "breakdown?by=helpline&", "breakdown.csv?by=application&"] {
            let get = async |id: &str| app.get(&format!("/v1/analytics/{report}{PERIOD}&application_id={id}"), &mine).await;
            same(&get(&foreign.to_string()).await, &get(unknown).await);
        }
        let all = app.get(&format!("/v1/analytics/breakdown?by=application&{PERIOD}"), &mine).await;
        assert!(!all.text().contains(&foreign.to_string()));
        app.wait_for(&mine, "reach", 0).await;
    }

    async fn people_see_their_own_customer_only(app) {
        let theirs = app.token(&app.other.production).await;
        app.post("/v1/events/helpline-display", &theirs, &display("a")).await;
        app.wait_for(&theirs, "reach", 1).await;
        let cookie = cookie(app, "a@acme.example", Role::CustomerAdmin).await;
        let get = async |path: &str| {
            app.send(app.request(Method::GET, path).header("cookie", &cookie).header("accept", "text/html")).await
        };
        let unknown = "0199c0de-0000-7000-8000-000000000001";
        let (customer, application) = (app.other.id.to_string(), app.other.production.application.id.to_string());
        for file in ["summary", "timeseries", "breakdown"] {
            let download = async |filter: &str, id: &str| get(&format!("/download/{file}.csv?{PERIOD}&{filter}={id}")).await;
            same(&download("customer", &customer).await, &download("customer", unknown).await);
            same(&download("application_id", &application).await, &download("application_id", unknown).await);
        }
        for (path, marker) in [
            (format!("/overview?customer={customer}"), "Other"),
            (format!("/applications?customer={customer}"), application.as_str()),
            (format!("/admin/customers/{customer}"), "Other"),
        ] {
            let page = get(&path).await;
            assert_ne!(page.status, 200, "{path}");
            assert!(!page.text().contains(marker), "{path}");
        }
    }

    async fn nobody_changes_what_is_anothers(app) {
        let cookie = cookie(app, "a@acme.example", Role::CustomerAdmin).await;
        let post = async |path: &str, form: &[(&str, &str)]| {
            let request = app.request(Method::POST, path).header("cookie", &cookie).header("sec-fetch-site", "same-origin");
            app.send(request.form(form)).await
        };
        let (own, other) = (app.acme.id.to_string(), app.other.id.to_string());
        let application = app.other.production.application.id.to_string();
        let secret = app.other.production.application.secrets[0].id.to_string();
        for customer in [own.as_str(), other.as_str()] {
            let on_application = [("customer", customer), ("application", application.as_str()), ("secret", secret.as_str())];
            for path in ["/api/rotate_application", "/api/revoke_application", "/api/revoke_secret"] {
                let answer = post(path, &on_application).await;
                assert!(answer.status.is_client_error(), "{path}: {}", answer.text());
            }
        }
        let planted = [("customer", other.as_str()), ("form[name]", "planted"), ("form[tier]", "sandbox")];
        assert!(post("/api/create_application", &planted).await.status.is_client_error());
        let renamed = [("customer", other.as_str()), ("form[name]", "Mine"), ("form[time_zone]", "UTC")];
        assert!(post("/api/save_customer", &renamed).await.status.is_client_error());
        let token = app.token(&app.other.production).await;
        assert_eq!(app.get("/v1/topics", &token).await.status, 200, "nothing was revoked");
        let operator = app.engine.authenticate_console();
        let reader = app.engine.console_reader(&operator, Some(app.other.id)).unwrap();
        assert_eq!(app.engine.list_applications(&reader, engine::Paging::default()).await.unwrap().items.len(), 2);
        assert_eq!(app.engine.customer(&operator.as_supervisor(), app.other.id).await.unwrap().name, "Other");
    }
}
