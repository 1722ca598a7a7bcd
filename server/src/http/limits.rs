//! Limits on calls a second: per application on events, per address on the catalogue.

use crate::http::error::{ApiError, STORE_RETRY_AFTER_SECONDS};
use app::context::ClientAddress;
use domain::{ApplicationId, CustomerId};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

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
pub struct Bursts {
    started: Instant,
    applications: RwLock<HashMap<ApplicationId, Arc<Burst>>>,
}

impl Default for Bursts {
    fn default() -> Self {
        Self { started: Instant::now(), applications: RwLock::default() }
    }
}

impl Bursts {
    /// Takes one event of the application's second.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`].
    pub fn check(&self, application: ApplicationId, per_second: u32) -> Result<(), ApiError> {
        self.check_many(application, per_second, 1)
    }

    /// Takes the events of a batch.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`]; then none is taken.
    pub fn check_many(&self, application: ApplicationId, per_second: u32, events: usize) -> Result<(), ApiError> {
        self.burst(application, per_second).take(events, self.now_ns()).map_err(limited)
    }

    /// Whether one more event could be taken now, without taking it.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`].
    pub fn peek(&self, application: ApplicationId, per_second: u32) -> Result<(), ApiError> {
        self.burst(application, per_second).fits(1, self.now_ns()).map(drop).map_err(limited)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The application's burst; a new one where its limit has changed.
    fn burst(&self, application: ApplicationId, per_second: u32) -> Arc<Burst> {
        let known = self.applications.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(burst) = known.get(&application).filter(|burst| burst.per_second == per_second) {
            return Arc::clone(burst);
        }
        drop(known);
        let burst = Arc::new(Burst { per_second, paid_until_ns: AtomicU64::new(0) });
        self.applications.write().unwrap_or_else(PoisonError::into_inner).insert(application, burst.clone());
        burst
    }
}

fn limited(wait_ns: u64) -> ApiError {
    ApiError::RateLimited { retry_after_seconds: wait_ns.div_ceil(SECOND_NS).max(1) }
}

const SECOND_NS: u64 = 1_000_000_000;

/// What an application has taken (the generic cell rate algorithm). Each event costs its share of a second, and what
/// is paid for may lie up to a second ahead. A batch of more events than that fits into a whole second; then it is
/// taken and still costs all it costs, so that over time no more than the limit comes through, however it is cut.
struct Burst {
    per_second: u32,
    /// On the clock of [`Bursts`].
    paid_until_ns: AtomicU64,
}

impl Burst {
    fn cost_ns(&self, events: usize) -> u64 {
        (events as u64).saturating_mul(SECOND_NS) / u64::from(self.per_second.max(1))
    }

    /// What is paid for so far, if so many events can be taken; or the time until they can.
    fn fits(&self, events: usize, now_ns: u64) -> Result<(u64, u64), u64> {
        let seen = self.paid_until_ns.load(Ordering::Relaxed);
        let from = seen.max(now_ns);
        let ahead = (from - now_ns).saturating_add(self.cost_ns(events).min(SECOND_NS));
        if ahead > SECOND_NS { Err(ahead - SECOND_NS) } else { Ok((seen, from)) }
    }

    fn take(&self, events: usize, now_ns: u64) -> Result<(), u64> {
        loop {
            let (seen, from) = self.fits(events, now_ns)?;
            let to = from.saturating_add(self.cost_ns(events));
            let taken = self.paid_until_ns.compare_exchange_weak(seen, to, Ordering::Relaxed, Ordering::Relaxed);
            if taken.is_ok() {
                return Ok(());
            }
        }
    }
}

/// Batches that are read and stored at the same time: each may fill two bodies and a thousand events of memory.
const BATCHES_MAX: usize = 128;
/// Of one customer: who sends batches slowly keeps no other waiting.
const BATCHES_OF_ONE_MAX: usize = BATCHES_MAX / 2;
/// How long a batch waits for its place; nothing of its body is read until then.
const PLACE_WAIT: Duration = Duration::from_secs(5);

/// The places of batches under way. There are no more entries than customers that hold a valid token.
pub struct Places {
    all: Arc<Semaphore>,
    customers: RwLock<HashMap<CustomerId, Arc<Semaphore>>>,
}

/// The place of a batch, until it is dropped.
pub struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_one: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Semaphore::new(BATCHES_MAX).into(), customers: RwLock::default() }
    }
}

impl Places {
    /// Takes a place for a batch of a customer.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if there is none in time.
    pub async fn take(&self, customer: CustomerId) -> Result<Place, ApiError> {
        let (of_one, of_all) = (self.of_one(customer), self.all.clone());
        let both = async {
            // Whoever waits for its own others holds no place that somebody else could have.
            let of_one = of_one.acquire_owned().await?;
            Ok::<_, AcquireError>(Place { _of_all: of_all.acquire_owned().await?, _of_one: of_one })
        };
        match tokio::time::timeout(PLACE_WAIT, both).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(ApiError::Unavailable { retry_after_seconds: STORE_RETRY_AFTER_SECONDS }),
        }
    }

    fn of_one(&self, customer: CustomerId) -> Arc<Semaphore> {
        let known = self.customers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = known.get(&customer) {
            return places.clone();
        }
        drop(known);
        let mut known = self.customers.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(customer).or_insert_with(|| Semaphore::new(BATCHES_OF_ONE_MAX).into()).clone()
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

    #[tokio::test]
    async fn one_customer_leaves_places_to_others() {
        let (places, one, other) =
            (Places::default(), CustomerId::from_uuid(uuid::Uuid::nil()), CustomerId::from_uuid(uuid::Uuid::max()));
        let take = async |customer| tokio::time::timeout(Duration::from_millis(20), places.take(customer)).await;
        let mut taken = Vec::new();
        while let Ok(place) = take(one).await {
            taken.push(place.unwrap());
        }
        assert_eq!(taken.len(), BATCHES_OF_ONE_MAX);
        while let Ok(place) = take(other).await {
            taken.push(place.unwrap());
        }
        assert_eq!(taken.len(), BATCHES_MAX);
        taken.remove(0);
        assert!(take(other).await.is_err(), "it has its half");
        assert!(take(one).await.is_ok());
    }

    #[test]
    fn a_batch_costs_what_its_events_cost() {
        let ms = |millis: u64| millis * SECOND_NS / 1_000;
        let burst = Burst { per_second: 100, paid_until_ns: AtomicU64::new(0) };
        assert_eq!(burst.take(60, ms(5_000)), Ok(()));
        assert_eq!(burst.take(60, ms(5_000)), Err(ms(200)), "all of it or nothing");
        assert_eq!(burst.take(40, ms(5_000)), Ok(()));
        assert_eq!(burst.take(1, ms(5_000)), Err(ms(10)));
        assert_eq!(burst.take(60, ms(5_600)), Ok(()));
        // More than a second's: taken once the second is untouched, and paid for afterwards.
        assert_eq!(burst.take(1_000, ms(5_600)), Err(ms(1_000)));
        assert_eq!(burst.take(1_000, ms(6_600)), Ok(()));
        assert!(burst.fits(1, ms(6_600)).is_err());
        assert_eq!(burst.take(1, ms(15_600)), Err(ms(10)));
        assert_eq!(burst.take(100, ms(16_600)), Ok(()));
    }
}
