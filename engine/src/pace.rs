//! How fast a thread works: one that counts for long stretches leaves the processor to those who answer requests.
//!
//! With few processors and all of them wanted, whoever answers waits for a stretch of this work at each step of its way.
//! So a thread that is not in a hurry rests again and again, for as long as it has worked.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a thread works before it rests: less than the kernel would leave it the processor for.
const STRETCH: Duration = Duration::from_micros(500);
/// The longest rest.
const REST_MAX: Duration = Duration::from_millis(5);

#[derive(Clone, Copy)]
struct Ease {
    /// When the present stretch began.
    since: Instant,
    /// How long may still be rested in all.
    left: Duration,
}

thread_local! {
    /// None: this thread does not rest.
    static EASE: Cell<Option<Ease>> = const { Cell::new(None) };
}

/// From now on this thread rests at [`breathe`], in all at most so long.
pub(crate) fn ease(rests_max: Duration) {
    EASE.set(Some(Ease { since: Instant::now(), left: rests_max }));
}

/// From now on this thread does not rest.
pub(crate) fn hurry() {
    EASE.set(None);
}

/// Whether this thread rests.
pub(crate) fn is_at_ease() -> bool {
    EASE.get().is_some()
}

/// Rests for as long as was worked since the last rest, if that is a stretch and this thread is at ease. To be called at
/// short intervals, and only where nobody waits for what this thread holds.
pub(crate) fn breathe() {
    let Some(Ease { since, left }) = EASE.get() else { return };
    let worked = since.elapsed();
    if worked < STRETCH {
        return;
    }
    let began = Instant::now();
    std::thread::sleep(worked.min(REST_MAX).min(left));
    // Where processors are wanted, more than was meant to be.
    let left = left.saturating_sub(began.elapsed());
    EASE.set((!left.is_zero()).then(|| Ease { since: Instant::now(), left }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(time: Duration) -> Duration {
        let began = Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
        let rested = Instant::now();
        breathe();
        rested.elapsed()
    }

    #[test]
    fn who_is_at_ease_rests_as_long_as_it_works_until_that_is_enough() {
        work(STRETCH * 2);
        assert!(!is_at_ease(), "nobody said so");
        ease(Duration::from_secs(60));
        assert!(work(STRETCH * 2) >= STRETCH * 2);
        assert!(work(REST_MAX * 2) >= REST_MAX);
        assert!(is_at_ease());
        ease(STRETCH);
        assert!(work(STRETCH * 2) >= STRETCH);
        assert!(!is_at_ease(), "it has rested enough");
        ease(Duration::from_secs(1));
        hurry();
        assert!(!is_at_ease());
    }
}
