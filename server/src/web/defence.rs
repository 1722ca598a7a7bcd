//! Defences around pages: requests that other sites make us receive are refused, and answers carry the headers that
//! keep a browser from being used against the person in front of it.

use crate::config::CookieSecure;
use crate::http::body;
use crate::http::error::ApiError;
use crate::http::observe::{Transport, is_api};
use crate::state::AppState;
use crate::web::page;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERER, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::net::IpAddr;

/// Largest body of a form or of a page's call, in bytes.
pub const FORM_BYTES_MAX: usize = 256 * 1024;

/// Of pages without scripts of their own, and everything that is no page.
const STRICT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                             base-uri 'none'; frame-ancestors 'none'";

/// Sets the policy of a page that is being drawn: only its own scripts run, those that carry the answer's nonce.
pub fn set_page_policy() {
    // Calls of server functions have no nonce; their answers get the strict policy.
    let (Some(nonce), Some(answer)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    // `style` attributes carry lengths of bars and positions in charts; they cannot run or load anything.
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        answer.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

/// Marks an answer that other sites may show inside of their pages.
#[derive(Debug, Clone, Copy)]
pub struct Embeddable;

/// Refuses requests from other sites that would change something, and adds the headers.
pub async fn defend(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_program = is_api(request.uri().path());
    let is_https = request.extensions().get::<Transport>().is_some_and(|transport| transport.is_https);
    let is_local = is_https_needless(request.headers());
    let mut response = if is_program || is_safe(request.method()) {
        next.run(request).await
    } else if is_cross_site(request.headers()) {
        page::cross_site()
    } else {
        let (parts, body) = request.into_parts();
        match body::read(&parts.headers, body, FORM_BYTES_MAX).await {
            Ok(form) => next.run(Request::from_parts(parts, form.into())).await,
            Err(ApiError::BodyTooLarge { .. }) => page::too_large(),
            Err(_) => page::incomplete(),
        }
    };
    let secure = match state.config.cookie_secure {
        CookieSecure::Always => true,
        CookieSecure::Never => false,
        CookieSecure::Auto => is_https || !is_local,
    };
    harden(response.headers_mut(), is_https);
    if response.extensions().get::<Embeddable>().is_some() {
        response.headers_mut().remove(X_FRAME_OPTIONS);
    }
    if secure {
        secure_cookies(response.headers_mut());
    }
    response
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Whether another site made the browser send this. Browsers say so in `Sec-Fetch-Site`; older ones in `Origin` or
/// `Referer`, to be compared with `Host`. What says nothing is no browser, and has no cookie that could be abused.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text(&HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(source) = text(&ORIGIN).or_else(|| text(&REFERER)) else { return false };
    let host = text(&HOST).unwrap_or_default();
    host.is_empty() || authority(source) != Some(host)
}

/// The host and port of a URL.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

/// Whether the browser runs on this machine and reached us by plain HTTP: there is nobody between.
fn is_https_needless(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn harden(headers: &mut HeaderMap, is_https: bool) {
    let always = [
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    let usual =
        [(CONTENT_SECURITY_POLICY, STRICT_POLICY), (CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "same-origin")];
    for (name, value) in usual {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "text/html") {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
}

/// Marks every cookie of the answer `Secure`.
fn secure_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        let secured = cookie.to_str().ok().filter(|text| !text.contains("; Secure"));
        let secured = secured.and_then(|text| HeaderValue::try_from(format!("{text}; Secure")).ok());
        headers.append(SET_COOKIE, secured.unwrap_or(cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
        pairs.collect()
    }

    #[test]
    fn other_sites_are_told_by_what_browsers_send() {
        let host = ("host", "figures.example.org");
        for (sent, refused) in [
            (vec![host], false),
            (vec![host, ("sec-fetch-site", "same-origin")], false),
            (vec![host, ("sec-fetch-site", "same-origin"), ("origin", "null")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], true),
            (vec![host, ("sec-fetch-site", "same-site"), ("origin", "https://figures.example.org")], true),
            (vec![host, ("origin", "https://figures.example.org")], false),
            (vec![host, ("origin", "https://evil.example")], true),
            (vec![host, ("origin", "null")], true),
            (vec![host, ("referer", "https://evil.example/figures.example.org")], true),
            (vec![host, ("referer", "https://figures.example.org/login")], false),
            (vec![("origin", "https://figures.example.org")], true),
        ] {
            assert_eq!(is_cross_site(&headers(&sent)), refused, "{sent:?}");
        }
    }

    #[test]
    fn cookies_may_go_in_the_clear_only_on_this_machine() {
        for (host, local) in [
            ("localhost:3000", true),
            ("127.0.0.1", true),
            ("[::1]:3000", true),
            ("localhost.evil.example", false),
            ("192.168.1.2:3000", false),
        ] {
            let mut sent = HeaderMap::new();
            sent.insert(HOST, host.parse().unwrap());
            assert_eq!(is_https_needless(&sent), local, "{host}");
        }
        let mut answer = headers(&[("set-cookie", "id=1; HttpOnly")]);
        secure_cookies(&mut answer);
        secure_cookies(&mut answer);
        assert_eq!(answer[SET_COOKIE], "id=1; HttpOnly; Secure");
    }
}
