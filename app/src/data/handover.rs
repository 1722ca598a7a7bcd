//! Secrets on their way to the one page that shows them.

use crate::context;
use axum::http::header;

/// The cookie that carries a new secret to the page that a browser without script loads next.
const SECRET_COOKIE: &str = "reachline_new_secret";
/// For how long it does, in seconds.
const MAX_AGE_SECONDS: u32 = 60;

/// Hands the new secret of a thing over to the next page, which is at `path` and clears the cookie. It is in no log,
/// address or session.
pub fn hand_over(path: &str, of: &str, secret: &str) {
    set_cookie(path, &format!("{of}.{secret}"), MAX_AGE_SECONDS);
}

/// The thing and its secret in the cookie, if there is one; the cookie ends here.
pub fn take(path: &str) -> Option<(String, String)> {
    let parts = context::parts().ok()?;
    let mut cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = cookies.find_map(|cookies| {
        let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == SECRET_COOKIE).map(|(_, value)| value.to_owned())
    })?;
    set_cookie(path, "", 0);
    context::answer_header(header::CACHE_CONTROL, "no-store");
    let (of, secret) = value.split_once('.')?;
    Some((of.to_owned(), secret.to_owned()))
}

fn set_cookie(path: &str, value: &str, max_age_seconds: u32) {
    // The server adds `Secure` to every cookie where the browser comes by TLS.
    let cookie = format!("{SECRET_COOKIE}={value}; Path={path}; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict");
    context::answer_header(header::SET_COOKIE, &cookie);
}
