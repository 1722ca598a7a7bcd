//! Access links in a browser: the page, the button, and the end.

use crate::app::{Answer, PASSWORD, TestApp};
use domain::access_link::{AccessLinkForm, NewAccessLink};
use domain::account::Role;
use http::Method;

async fn made(app: &TestApp, days: u32) -> NewAccessLink {
    let keeper = app.engine.console_link_keeper(&app.engine.authenticate_console(), Some(app.acme.id)).unwrap();
    let form = AccessLinkForm { name: "Ada <b>& Co</b>".to_owned(), days };
    app.engine.make_link(&keeper, &form, "console").await.unwrap()
}

async fn ask(app: &TestApp, method: Method, path: &str, cookie: &str) -> Answer {
    let request = app.request(method, path).header("accept", "text/html").header("cookie", cookie);
    app.send(request.header("sec-fetch-site", "same-origin")).await
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

async fn logged_in(app: &TestApp, email: &str) -> String {
    app.user(email, Role::CustomerAdmin, Some(app.acme.id)).await;
    let form = [("email", email), ("password", PASSWORD), ("next", "")];
    let request = app.request(Method::POST, "/api/sign_in").header("accept", "text/html").form(&form);
    cookie_of(&app.send(request).await)
}

on_both! {
    async fn a_link_is_looked_at_opened_and_left(app) {
        let made = made(app, 14).await;
        let page = ask(app, Method::GET, &made.path(), "").await;
        assert_eq!(page.status, 200, "{}", page.text());
        for text in ["Ada &lt;b&gt;&amp; Co&lt;/b&gt;", "Acme", "8 Dec 2026, 12:00 (Europe/London)", "<form method=\"post\">"] {
            assert!(page.text().contains(text), "{text} in {}", page.text());
        }
        assert!(!page.text().contains("You are signed in"), "{}", page.text());
        assert_eq!(page.header("set-cookie"), "", "whoever looks opens nothing");
        for answer in [&page, &ask(app, Method::POST, &made.path(), "").await, &ask(app, Method::GET, "/access/x", "").await] {
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("referrer-policy"), "strict-origin", "the path has the token");
            assert!(answer.header("x-robots-tag").contains("noindex"));
            assert!(answer.header("content-security-policy").contains("default-src 'none'"));
            assert!(!answer.text().contains(&made.token));
        }

        let planted = "reachline_session=AAAAAAAAAAAAAAAAAAAAAA";
        let opened = ask(app, Method::POST, &made.path(), planted).await;
        assert_eq!((opened.status.as_u16(), opened.header("location")), (303, "/overview"));
        let cookie = cookie_of(&opened);
        assert!(cookie.starts_with("reachline_session=") && cookie != planted, "{cookie}");
        let overview = ask(app, Method::GET, "/overview", &cookie).await;
        assert_eq!(overview.status, 200);
        assert!(overview.text().contains("Link until 8 Dec 2026, 12:00 (Europe/London)"), "{}", overview.text());
        let account = ask(app, Method::GET, "/account", &cookie).await;
        assert!(account.text().contains("Leave") && !account.text().contains("type=\"password\""), "{}", account.text());
        ask(app, Method::POST, "/api/sign_out", &cookie).await;
        assert_eq!(ask(app, Method::GET, "/overview", &cookie).await.status.as_u16() / 100, 3);
        // It can be opened again, in another browser as well.
        assert_eq!(ask(app, Method::POST, &made.path(), "").await.status, 303);
    }

    async fn whoever_came_by_a_link_is_out_when_it_ends(app) {
        let files = "/download/summary.csv?from=2026-11-23&to=2026-11-25";
        let keeper = app.engine.console_link_keeper(&app.engine.authenticate_console(), None).unwrap();
        let [brief, long] = [made(app, 1).await, made(app, 90).await];
        let mut cookies = Vec::new();
        for made in [&brief, &long] {
            let cookie = cookie_of(&ask(app, Method::POST, &made.path(), "").await);
            assert_eq!(ask(app, Method::GET, files, &cookie).await.status, 200);
            cookies.push(cookie);
        }
        // Used now and then, so that it is the link that ends and not the session.
        for _ in 0..3 {
            app.clock.advance(7 * 3_600);
            assert_eq!(ask(app, Method::GET, files, &cookies[0]).await.status, 200);
            assert_eq!(ask(app, Method::GET, files, &cookies[1]).await.status, 200);
        }
        app.clock.advance(3 * 3_600);
        assert_eq!(ask(app, Method::GET, files, &cookies[0]).await.status, 303, "expired");
        assert_eq!(ask(app, Method::GET, files, &cookies[1]).await.status, 200);
        app.engine.revoke_link(&keeper, long.link.id, "console").await.unwrap();
        for path in [files, "/overview", "/account"] {
            assert_eq!(ask(app, Method::GET, path, &cookies[1]).await.status.as_u16() / 100, 3, "revoked: {path}");
        }
        assert_eq!(ask(app, Method::POST, "/api/pages/overview", &cookies[1]).await.status.as_u16() / 100, 4);
        // All that open nothing are answered alike.
        let unknown = ask(app, Method::GET, "/access/rll_unknown", "").await;
        assert_eq!(unknown.status, 404);
        for token in [&brief.token, &long.token] {
            for method in [Method::GET, Method::POST] {
                let answer = ask(app, method, &format!("/access/{token}"), "").await;
                assert_eq!((answer.status, answer.text()), (unknown.status, unknown.text()));
                assert_eq!(answer.header("set-cookie"), "");
            }
        }
    }

    async fn a_session_is_replaced_by_the_button_alone(app) {
        let cookie = logged_in(app, "a@acme.example").await;
        let made = made(app, 14).await;
        let page = ask(app, Method::GET, &made.path(), &cookie).await;
        assert!(page.text().contains("You are signed in here as <strong>a@acme.example</strong>"), "{}", page.text());
        let account = ask(app, Method::GET, "/account", &cookie).await;
        assert!(account.text().contains("a@acme.example"), "looking changes nothing");
        for foreign in ["cross-site", "same-site"] {
            let request = app.request(Method::POST, &made.path()).header("cookie", &cookie);
            assert_eq!(app.send(request.header("sec-fetch-site", foreign)).await.status, 403);
        }
        let opened = cookie_of(&ask(app, Method::POST, &made.path(), &cookie).await);
        assert_ne!(opened, cookie);
        assert_eq!(ask(app, Method::GET, "/account", &cookie).await.status.as_u16() / 100, 3, "the old id is worth nothing");
        let account = ask(app, Method::GET, "/account", &opened).await;
        assert!(account.text().contains("Ada &lt;b&gt;&amp; Co&lt;/b&gt;") && !account.text().contains("a@acme.example"));
        // And the other way round.
        let form = [("email", "a@acme.example"), ("password", PASSWORD), ("next", "")];
        let request = app.request(Method::POST, "/api/sign_in").header("accept", "text/html").header("cookie", &opened);
        let again = cookie_of(&app.send(request.form(&form)).await);
        assert!(ask(app, Method::GET, "/account", &again).await.text().contains("a@acme.example"));
        assert_eq!(ask(app, Method::GET, "/account", &opened).await.status.as_u16() / 100, 3);
    }

    async fn guessing_is_slowed_down(app) {
        let made = made(app, 14).await;
        for n in 0..50 {
            assert_eq!(ask(app, Method::GET, &format!("/access/rll_{n}"), "").await.status, 404);
        }
        for path in ["/access/rll_guess", &made.path()] {
            for method in [Method::GET, Method::POST] {
                let answer = ask(app, method, path, "").await;
                assert_eq!(answer.status, 429);
                assert!(!answer.header("retry-after").is_empty() && answer.header("set-cookie").is_empty());
            }
        }
        app.clock.advance(15 * 60);
        assert_eq!(ask(app, Method::POST, &made.path(), "").await.status, 303);
    }
}

#[tokio::test]
async fn a_new_link_is_shown_as_it_is_reached_from_outside() {
    for (public_url, base) in
        [(Some("https://figures.example/"), "https://figures.example"), (None, "http://127.0.0.1:")]
    {
        let app = TestApp::on_sqlite_with(|config| config.public_url = public_url.map(str::to_owned)).await;
        let cookie = logged_in(&app, "a@acme.example").await;
        let form = [("customer", ""), ("form[name]", "Ada"), ("form[days]", "7")];
        let request = app.request(Method::POST, "/api/make_access_link").header("accept", "text/html").form(&form);
        let answer = app.send(request.header("cookie", &cookie)).await;
        assert!(answer.header("location").ends_with("done=link_made"), "{}", answer.header("location"));
        let handover = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        let handover = handover.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ");
        let page = ask(&app, Method::GET, "/access-links", &format!("{cookie}; {handover}")).await;
        assert!(page.text().contains(base) && page.text().contains("/access/rll_"), "{}", page.text());
        let shown_once = ask(&app, Method::GET, "/access-links", &cookie).await;
        assert!(!shown_once.text().contains("rll_"), "{}", shown_once.text());
        app.stop().await;
    }
}
