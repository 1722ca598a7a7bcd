//! Pages: logging in, sessions, requests from other sites, downloads.

use crate::app::{Answer, PASSWORD, TestApp, click, display};
use domain::account::Role;
use http::Method;

/// Logs in as the page's plain form does and returns the session's cookie.
async fn log_in(app: &TestApp, email: &str, password: &str) -> (Answer, String) {
    let form = [("email", email), ("password", password), ("next", "")];
    let request = app.request(Method::POST, "/api/sign_in").header("accept", "text/html").form(&form);
    let answer = app.send(request.header("sec-fetch-site", "same-origin").header("referer", app.url("/login"))).await;
    let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    (answer, cookie)
}

async fn get(app: &TestApp, path: &str, cookie: &str) -> Answer {
    app.send(app.request(Method::GET, path).header("cookie", cookie).header("accept", "text/html")).await
}

async fn cookie_of(app: &TestApp, email: &str, role: Role, of_acme: bool) -> String {
    app.user(email, role, of_acme.then_some(app.acme.id)).await;
    let (answer, cookie) = log_in(app, email, PASSWORD).await;
    assert!(answer.status.is_redirection(), "{}", answer.text());
    assert!(cookie.starts_with("reachline_session="), "{cookie}");
    cookie
}

const PERIOD: &str = "from=2026-11-23&to=2026-11-25";

on_both! {
    async fn a_session_begins_with_the_login_and_ends_with_the_logout(app) {
        assert_eq!(get(app, "/overview", "").await.status.as_u16() / 100, 3, "strangers are sent to the login");
        app.user("v@acme.example", Role::Viewer, Some(app.acme.id)).await;
        let (refused, _) = log_in(app, "v@acme.example", "wrong password").await;
        let (unknown, _) = log_in(app, "nobody@acme.example", "wrong password").await;
        for answer in [&refused, &unknown] {
            assert!(!answer.header("location").contains("overview"), "{}", answer.header("location"));
        }
        let (answer, cookie) = log_in(app, "v@acme.example", PASSWORD).await;
        let line = answer.header("set-cookie");
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"), "{line}");
        assert!(!line.contains("Secure"), "plain HTTP on this machine");
        let page = get(app, "/overview", &cookie).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(page.header("cache-control"), "no-store");
        let out = app.request(Method::POST, "/api/sign_out").header("cookie", &cookie).header("accept", "text/html");
        app.send(out.header("sec-fetch-site", "same-origin").form(&[("", "")])).await;
        assert_eq!(get(app, "/overview", &cookie).await.status.as_u16() / 100, 3, "the session is gone on the server");
        assert_eq!(get(app, &format!("/download/summary.csv?{PERIOD}"), &cookie).await.status, 303);
    }

    async fn sessions_end_after_rest_and_after_seven_days(app) {
        let cookie = cookie_of(app, "v@acme.example", Role::Viewer, true).await;
        let path = format!("/download/summary.csv?{PERIOD}");
        for _ in 0..15 {
            app.clock.advance(11 * 3_600);
            assert_eq!(get(app, &path, &cookie).await.status, 200, "in use");
        }
        app.clock.advance(4 * 3_600);
        assert_eq!(get(app, &path, &cookie).await.status, 303, "seven days are over");
        let (_, cookie) = log_in(app, "v@acme.example", PASSWORD).await;
        app.clock.advance(12 * 3_600 + 60);
        assert_eq!(get(app, &path, &cookie).await.status, 303, "twelve hours of rest");
    }

    async fn requests_from_other_sites_change_nothing(app) {
        let cookie = cookie_of(app, "a@acme.example", Role::CustomerAdmin, true).await;
        let customer = app.acme.id.to_string();
        let create = || {
            let form = [("customer", customer.as_str()), ("form[name]", "planted"), ("form[tier]", "sandbox")];
            app.request(Method::POST, "/api/create_application").header("cookie", &cookie).form(&form)
        };
        for request in [
            create().header("sec-fetch-site", "cross-site"),
            create().header("sec-fetch-site", "same-site"),
            create().header("origin", "https://evil.example"),
            create().header("origin", "null"),
            create().header("referer", "https://evil.example/"),
        ] {
            let answer = app.send(request).await;
            assert_eq!(answer.status, 403);
            assert!(answer.header("content-type").starts_with("text/html"));
        }
        let manager_sees = get(app, "/applications", &cookie).await;
        assert!(!manager_sees.text().contains("planted"));
        let own = app.send(create().header("sec-fetch-site", "same-origin")).await;
        assert!(own.status.is_success() || own.status.is_redirection(), "{}", own.text());
    }

    async fn forms_have_a_limit(app) {
        let post = || app.request(Method::POST, "/api/sign_in").header("content-type", "application/x-www-form-urlencoded");
        let large = app.send(post().body("x".repeat(256 * 1024 + 1))).await;
        assert_eq!(large.status, 413);
        for body in ["", "email=%zz", "email[]=a", "password=x", "\u{0}"] {
            let answer = app.send(post().body(body)).await;
            assert!(answer.status.as_u16() < 500, "{body}: {}", answer.text());
        }
    }

    async fn downloads_give_what_the_screen_shows(app) {
        let token = app.token(&app.acme.production).await;
        app.post("/v1/events/helpline-display", &token, &display("a")).await;
        app.post("/v1/events/helpline-click", &token, &click("a")).await;
        app.wait_for(&token, "converted_sessions", 1).await;
        let cookie = cookie_of(app, "v@acme.example", Role::Viewer, true).await;
        for (file, query) in [("summary", ""), ("timeseries", "&interval=day"), ("breakdown", "&by=helpline"), ("breakdown", "&by=country")] {
            let of_person = get(app, &format!("/download/{file}.csv?{PERIOD}{query}&helpline_id="), &cookie).await;
            let of_program = app.get(&format!("/v1/analytics/{file}.csv?{PERIOD}{query}"), &token).await;
            assert_eq!(of_person.status, 200, "{}", of_person.text());
            assert_eq!(of_person.text(), of_program.text());
            assert!(of_person.header("content-disposition").starts_with("attachment"));
        }
        assert_eq!(get(app, "/download/breakdown.csv?from=x", &cookie).await.status, 422);
        assert_eq!(get(app, &format!("/download/summary.csv?{PERIOD}"), "").await.header("location"), "/login");
        assert_eq!(get(app, &format!("/download/summary.csv?{PERIOD}"), "reachline_session=nonsense").await.status, 303);
    }
}

#[tokio::test]
async fn cookies_are_secure_where_they_leave_the_machine() {
    let app = TestApp::on_sqlite_with(|config| config.public_url = Some("https://figures.example".to_owned())).await;
    app.user("v@acme.example", Role::Viewer, Some(app.acme.id)).await;
    let (answer, _) = log_in(&app, "v@acme.example", PASSWORD).await;
    assert!(answer.header("set-cookie").contains("; Secure"), "{}", answer.header("set-cookie"));
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    app.stop().await;
}

#[tokio::test]
async fn pages_carry_a_policy_with_a_nonce_of_their_own() {
    let app = TestApp::on_sqlite().await;
    let mut nonces = Vec::new();
    for path in ["/login", "/login", "/nope"] {
        let page = get(&app, path, "").await;
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script-src 'unsafe"), "{policy}");
        let nonce =
            policy.split("script-src 'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
        let scripts = page.text().matches("<script").count();
        assert_eq!(page.text().matches(&format!("nonce=\"{nonce}\"")).count(), scripts, "every script has the nonce");
        nonces.push(nonce);
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
    assert_eq!(get(&app, "/nope", "").await.status, 404);
    app.stop().await;
}
