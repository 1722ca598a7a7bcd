//! Webhook endpoints, which are called as Standard Webhooks says (<https://www.standardwebhooks.com>).

use super::address::is_loopback;
use crate::fault::{FaultCode, Faults};
use crate::ids::WebhookId;
use crate::text::URL_CHARS_MAX;
use crate::timestamp::{DAY_MS, Timestamp};
use serde::{Deserialize, Serialize};

/// Most endpoints of a customer.
pub const WEBHOOKS_MAX: usize = 10;
/// For how long deliveries are signed with the secret before as well, in milliseconds.
pub const OLD_SECRET_MS: i64 = DAY_MS;
/// What a secret begins with; Base64 of the key follows.
pub const SECRET_PREFIX: &str = "whsec_";

/// An endpoint as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    /// The last four characters of the secret, to tell two apart.
    pub secret_hint: String,
    /// Until when deliveries are signed with the secret before as well.
    pub old_secret_until: Option<Timestamp>,
    pub created_at: Timestamp,
    /// A disabled endpoint is not called.
    pub disabled_at: Option<Timestamp>,
}

/// An endpoint with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWebhook {
    pub webhook: Webhook,
    /// `whsec_…`: what deliveries are signed with.
    pub secret: String,
}

/// What is needed to create an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookForm {
    pub url: String,
}

impl WebhookForm {
    /// Checks the form and gives the URL: `https`, or of this machine `http` where the installation allows that.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn check(&self, may_be_private: bool) -> Result<String, Faults> {
        let url = self.url.trim();
        let refuse = |code, detail: &str| Err(Faults::one("url", code, detail));
        if url.is_empty() {
            return refuse(FaultCode::FieldMissing, "Enter a web address.");
        }
        if url.len() > URL_CHARS_MAX {
            return refuse(FaultCode::FieldTooLong, &format!("At most {URL_CHARS_MAX} characters."));
        }
        let Some((scheme, host)) = parts(url) else {
            return refuse(FaultCode::FieldInvalid, "Must be a web address, such as https://example.org/hooks.");
        };
        match scheme {
            "https" => Ok(url.to_owned()),
            "http" if may_be_private && is_loopback(host) => Ok(url.to_owned()),
            _ => refuse(FaultCode::FieldInvalid, "Must begin with https://."),
        }
    }
}

/// The scheme and host of a URL that is written plainly: no name or password, no characters that readers disagree on.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'#');
    if !url.bytes().all(is_plain) {
        return None;
    }
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    let host_end = match authority.find(']') {
        Some(end) => end + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(host_end);
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0));
    (is_host && is_port).then_some((scheme, host))
}

/// The scheme and host of a URL, for whoever is to know where calls go and not how to make one: what follows the host may
/// be a secret of the receiver's. Empty of a URL that no form would take.
#[must_use]
pub fn origin(url: &str) -> String {
    parts(url).map(|(scheme, host)| format!("{scheme}://{host}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_origin_tells_nothing_but_scheme_and_host() {
        for (url, shown) in [
            ("https://example.org", "https://example.org"),
            ("https://example.org/", "https://example.org"),
            ("https://hooks.example.org/services/T0/B0/secret", "https://hooks.example.org"),
            ("https://example.org?token=secret", "https://example.org"),
            ("https://example.org:8443/secret", "https://example.org"),
            ("http://[::1]:80/secret", "http://[::1]"),
            ("https://me:secret@example.org/", ""),
            ("secret", ""),
        ] {
            assert_eq!(origin(url), shown, "{url}");
        }
    }

    #[test]
    fn addresses_are_https_unless_this_machine_is_allowed() {
        for (url, usual, private) in [
            ("https://example.org", true, true),
            ("  https://example.org:8443/hooks?key=1  ", true, true),
            ("https://192.168.1.1/x", true, true),
            ("https://[2001:db8::1]:443/", true, true),
            ("http://example.org/", false, false),
            ("http://127.0.0.1:9000/hook", false, true),
            ("http://localhost/hook", false, true),
            ("http://[::1]:80/", false, true),
            ("http://127.0.0.1.example.org/", false, false),
            ("http://localhost@example.org/", false, false),
            ("https://user:password@example.org/", false, false),
            ("https://example.org\\@localhost/", false, false),
            ("https://example.org/#part", false, false),
            ("https://exämple.org/", false, false),
            ("https://example.org:0/", false, false),
            ("https://example.org:65536/", false, false),
            ("https://example.org:+80/", false, false),
            ("https://exam ple.org/", false, false),
            ("https:///x", false, false),
            ("https://[::1", false, false),
            ("https://[::x]/", false, false),
            ("ftp://example.org/", false, false),
            ("example.org", false, false),
            ("", false, false),
        ] {
            let of = |private| WebhookForm { url: url.to_owned() }.check(private).is_ok();
            assert_eq!((of(false), of(true)), (usual, private), "{url}");
        }
        assert!(WebhookForm { url: format!("https://example.org/{}", "x".repeat(500)) }.check(false).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(url in "(https?://)?[\\[\\]a-z:/@.?é0-9]{0,30}", private: bool) {
            let _ = WebhookForm { url }.check(private);
        }
    }
}
