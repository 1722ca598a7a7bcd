//! Calling webhook endpoints, as Standard Webhooks says (<https://www.standardwebhooks.com>).

use super::deliver::{Sent, causes};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Timestamp;
use domain::alert::address::is_public;
use domain::alert::webhook::SECRET_PREFIX;
use domain::alert::{Outcome, WebhookForm};
use domain::ids::DeliveryId;
use hmac::{Hmac, Mac};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, Url, redirect};
use sha2::Sha256;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long an endpoint may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1_024;
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

const NOT_PUBLIC: &str = "the host is not on the public internet, where alone this installation calls";

/// Calls endpoints.
pub(crate) struct Caller {
    /// Made when first needed, as it reads all certificates that are trusted.
    client: OnceLock<Client>,
    may_be_private: bool,
}

/// A message for one endpoint.
pub(super) struct Call<'a> {
    /// The same at each attempt.
    pub id: DeliveryId,
    pub url: &'a str,
    /// JSON.
    pub body: &'a str,
    /// Each of them signs.
    pub secrets: Vec<&'a str>,
}

/// A new secret.
pub(super) fn new_secret() -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(crate::clock::random_bytes::<SECRET_BYTES>()))
}

/// The signature of a message at an instant (unix seconds): `v1,` and Base64 of the HMAC-SHA-256 of id, instant and body.
/// `None` if the secret is none.
fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// Finds only addresses of the public internet. What a name meant when the endpoint was entered does not count: it may
/// mean another address at every call.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

impl Caller {
    pub(crate) fn new(may_be_private: bool) -> Self {
        Self { client: OnceLock::new(), may_be_private }
    }

    fn client(&self) -> Result<&Client, reqwest::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let builder = Client::builder()
            .user_agent(concat!("Reachline/", env!("CARGO_PKG_VERSION")))
            .timeout(ANSWER_MAX)
            // A redirect, or a proxy of the environment, would lead around the look at the address; a connection that
            // is kept would lead to one that was looked at long ago.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0);
        let builder = if self.may_be_private { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
        let client = builder.build()?;
        Ok(self.client.get_or_init(|| client))
    }

    pub(super) async fn call(&self, call: &Call<'_>, now: Timestamp) -> Sent {
        let failed = |note: &str| Sent::new(Outcome::Failed, None, note);
        // It was checked when it was entered, perhaps under other settings.
        let checked = WebhookForm { url: call.url.to_owned() }.check(self.may_be_private);
        let Some(url) = checked.ok().and_then(|url| url.parse::<Url>().ok()) else {
            return failed("this installation does not call such an address");
        };
        // Names are resolved by the client, addresses are taken as they stand.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if !self.may_be_private && host.parse::<IpAddr>().is_ok_and(|address| !is_public(address)) {
            return failed(NOT_PUBLIC);
        }
        let (id, seconds) = (call.id.to_string(), now.millis().div_euclid(1_000));
        let signatures: Vec<_> =
            call.secrets.iter().filter_map(|secret| signature(secret, &id, seconds, call.body)).collect();
        let request = self.client().map(|client| {
            client
                .post(url)
                .header("content-type", "application/json")
                .header("webhook-id", id)
                .header("webhook-timestamp", seconds.to_string())
                .header("webhook-signature", signatures.join(" "))
                .body(call.body.to_owned())
        });
        let answer = match request {
            Ok(request) => request.send().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => judge(answer).await,
            Err(error) if error.is_timeout() => failed("no answer within ten seconds"),
            Err(error) => failed(&causes(&error.without_url())),
        }
    }
}

async fn judge(answer: Response) -> Sent {
    let status = answer.status();
    let outcome = Outcome::of_http(status.as_u16());
    let note = match outcome {
        Outcome::Delivered => String::new(),
        _ => format!("{status} {}", beginning(answer).await),
    };
    Sent::new(outcome, Some(status.as_u16()), &note)
}

/// The beginning of what an endpoint answered; what is not read in time is left out.
async fn beginning(mut answer: Response) -> String {
    let mut read: Vec<u8> = Vec::new();
    while read.len() < ANSWER_BYTES_MAX {
        match answer.chunk().await {
            Ok(Some(chunk)) => read.extend(chunk.iter().take(ANSWER_BYTES_MAX - read.len())),
            Ok(None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of the reference implementations.
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = signature(secret, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signature.unwrap(), "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn secrets_are_long_enough_and_never_the_same() {
        let secret = new_secret();
        assert_eq!(STANDARD.decode(secret.strip_prefix(SECRET_PREFIX).unwrap()).unwrap().len(), SECRET_BYTES);
        assert_ne!(secret, new_secret());
    }
}
