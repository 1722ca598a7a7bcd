//! Limits on calls a second: per application on events, per address on the catalogue.

use crate::http::error::ApiError;
use app::context::ClientAddress;
use domain::ApplicationId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, RateLimiter};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What `RateLimit-Policy` and `RateLimit` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The policy's name.
    pub policy: &'static str,
    pub limit: i64,
    pub remaining: i64,
    pub window_seconds: i64,
    pub reset_seconds: i64,
}

fn per_second(calls: u32) -> governor::Quota {
    governor::Quota::per_second(NonZeroU32::new(calls).unwrap_or(NonZeroU32::MIN))
}

/// Whole seconds until the next call is allowed, at least one.
fn retry_after_seconds(not_until: &governor::NotUntil<<DefaultClock as Clock>::Instant>) -> u64 {
    not_until.wait_time_from(DefaultClock::default().now()).as_millis().div_ceil(1_000).max(1) as u64
}

/// Events a second, per application. There are no more entries than applications that hold a valid token.
#[derive(Default)]
pub struct Bursts(RwLock<HashMap<ApplicationId, Burst>>);

#[derive(Clone)]
struct Burst {
    per_second: u32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl Bursts {
    /// Takes one event of the application's second.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`].
    pub fn check(&self, application: ApplicationId, per_second: u32) -> Result<(), ApiError> {
        let limiter = self.limiter(application, per_second);
        let checked = limiter.check();
        checked.map_err(|until| ApiError::RateLimited { retry_after_seconds: retry_after_seconds(&until) })
    }

    /// The application's limiter; a new one where its limit has changed.
    fn limiter(&self, application: ApplicationId, limit: u32) -> Arc<DefaultDirectRateLimiter> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(burst) = known.get(&application).filter(|burst| burst.per_second == limit) {
            return Arc::clone(&burst.limiter);
        }
        drop(known);
        let burst = Burst { per_second: limit, limiter: Arc::new(RateLimiter::direct(per_second(limit))) };
        let limiter = Arc::clone(&burst.limiter);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(application, burst);
        limiter
    }
}

/// After this many calls, addresses that have been quiet for a second are forgotten. So memory holds no more
/// addresses than called in about that many calls.
const FORGET_EVERY_CALLS: usize = 4_096;

/// Catalogue calls a second, per address.
pub struct Addresses {
    per_second: u32,
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    calls: AtomicUsize,
}

impl Addresses {
    /// Allows `calls` a second to each address.
    #[must_use]
    pub fn new(calls: u32) -> Self {
        Self { per_second: calls, limiter: RateLimiter::keyed(per_second(calls)), calls: AtomicUsize::new(0) }
    }

    /// Takes one call of the second of the caller's address.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] and what the headers should say.
    pub fn check(&self, extensions: &http::Extensions) -> Result<(), (ApiError, Quota)> {
        // Without an address (no socket, as in tests of parts) all share one entry.
        let address = extensions.get::<ClientAddress>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |caller| caller.0);
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY_CALLS) {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(&network_of(address)).map_err(|until| {
            let retry_after_seconds = retry_after_seconds(&until);
            let reset_seconds = retry_after_seconds as i64;
            let limit = i64::from(self.per_second);
            let quota = Quota { policy: "address", limit, remaining: 0, window_seconds: 1, reset_seconds };
            (ApiError::RateLimited { retry_after_seconds }, quota)
        })
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, which one subscriber has whole.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_limited_each_on_its_own() {
        let addresses = Addresses::new(3);
        let from = |text: &str| {
            let mut extensions = http::Extensions::new();
            extensions.insert(ClientAddress(text.parse().unwrap()));
            addresses.check(&extensions).is_ok()
        };
        assert!((0..3).all(|_| from("192.0.2.1")) && !from("192.0.2.1"));
        assert!(from("192.0.2.2"));
        assert!((0..3).all(|i| from(&format!("2001:db8::{i}"))) && !from("2001:db8::ffff"));
    }

    #[test]
    fn a_changed_limit_holds_at_once() {
        let bursts = Bursts::default();
        let application = ApplicationId::from_uuid(uuid::Uuid::nil());
        assert!(bursts.check(application, 1).is_ok());
        assert!(matches!(bursts.check(application, 1), Err(ApiError::RateLimited { retry_after_seconds: 1 })));
        assert!(bursts.check(application, 2).is_ok());
    }
}
