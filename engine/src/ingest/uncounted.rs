//! What is committed and waits to be counted, and how long batches are kept for its sake.
//!
//! Batches can come far faster than events are counted. Then everybody's figures would fall behind, the longer the
//! more. So a batch waits for its turn as long as more is uncounted than the aggregator counts in about a second, and its
//! sender, who waits for the answer, sends no faster. Single events never wait here, and no batch for long: while nothing
//! is counted, as after a stop or while another process takes over, events are taken in all the same.

use crate::Engine;
use crate::store;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Over how long it is looked how fast is counted.
const LATELY: Duration = Duration::from_secs(2);
/// How long what is uncounted may take to be counted, for another batch to be let in.
const COUNTED_WITHIN: Duration = Duration::from_secs(1);
/// How long a batch is kept at most, for each event: a full one half a second.
const WAIT_MAX: Duration = Duration::from_micros(500);
/// How often a process that does not count looks how far that has come, while batches wait.
const PROGRESS_LOOK: Duration = Duration::from_millis(100);

/// What of the log is not counted yet, as far as this process knows.
pub(crate) struct Uncounted {
    /// So much may always be: what the aggregator takes at once.
    at_least: usize,
    state: Mutex<State>,
    /// Told when some was counted.
    counted: Notify,
    /// Batches are let in in their order.
    turn: tokio::sync::Mutex<()>,
    /// How many wait for that.
    kept: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Packs, oldest first: the place in the log, and events.
    packs: VecDeque<(i64, usize)>,
    /// Events in these packs.
    events: usize,
    /// Events of batches that were let in and are in no pack yet.
    let_in: usize,
    /// How many events were counted lately, and when.
    counted: VecDeque<(Instant, usize)>,
}

impl State {
    /// A pack was appended to the log, or is in it. One that is known already changes nothing.
    fn appended(&mut self, seq: i64, events: usize) {
        if events > 0 && self.packs.back().is_none_or(|(last, _)| *last < seq) {
            self.packs.push_back((seq, events));
            self.events += events;
        }
    }

    /// All packs up to this one are in the figures. Says how many events that adds.
    fn counted(&mut self, applied: i64, now: Instant) -> usize {
        let mut events = 0;
        while let Some((_, of_pack)) = self.packs.pop_front_if(|(seq, _)| *seq <= applied) {
            events += of_pack;
        }
        self.events -= events;
        while self.counted.pop_front_if(|(at, _)| !is_lately(*at, now)).is_some() {}
        if events > 0 {
            self.counted.push_back((now, events));
        }
        events
    }

    /// Whether another batch is let in.
    fn has_room(&self, at_least: usize, now: Instant) -> bool {
        let lately = self.counted.iter().filter(|(at, _)| is_lately(*at, now));
        let lately: usize = lately.map(|(_, events)| events).sum();
        let room = lately as f64 * (COUNTED_WITHIN.as_secs_f64() / LATELY.as_secs_f64());
        self.events + self.let_in < at_least.max(room as usize)
    }
}

fn is_lately(at: Instant, now: Instant) -> bool {
    now.duration_since(at) <= LATELY
}

/// Events of a batch that was let in, until they are in a pack or refused.
pub(super) struct LetIn<'a> {
    uncounted: &'a Uncounted,
    events: usize,
}

/// A batch that waits, until it is let in or its sender has gone.
struct Kept<'a>(&'a AtomicUsize);

impl<'a> Kept<'a> {
    fn one_of(kept: &'a AtomicUsize) -> Self {
        kept.fetch_add(1, Ordering::Relaxed);
        Self(kept)
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for LetIn<'_> {
    fn drop(&mut self) {
        self.uncounted.state().let_in -= self.events;
    }
}

impl Uncounted {
    pub fn new(at_least: usize) -> Self {
        Self {
            at_least,
            state: Mutex::default(),
            counted: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            kept: AtomicUsize::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`State::appended`].
    pub fn appended(&self, seq: i64, events: usize) {
        self.state().appended(seq, events);
    }

    /// All packs up to this one are in the figures.
    pub fn counted(&self, applied: i64) {
        if self.state().counted(applied, Instant::now()) > 0 {
            self.counted.notify_one();
        }
    }

    /// How many batches wait for something to be counted.
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    fn has_room(&self) -> bool {
        self.state().has_room(self.at_least, Instant::now())
    }

    fn let_in(&self, events: usize) -> LetIn<'_> {
        self.state().let_in += events;
        LetIn { uncounted: self, events }
    }
}

impl Engine {
    /// Waits until a batch of so many events is let in.
    pub(super) async fn wait_for_room(&self, events: usize) -> LetIn<'_> {
        let uncounted = self.0.writer.uncounted();
        // While the store is away, nobody waits to be told so.
        if !self.0.writer.is_healthy() {
            return uncounted.let_in(events);
        }
        let _kept = Kept::one_of(&uncounted.kept);
        let until = Instant::now() + WAIT_MAX * u32::try_from(events).unwrap_or(u32::MAX);
        // Its time goes by as well while others are before it.
        if let Ok(_turn) = timeout_at(until, uncounted.turn.lock()).await {
            while self.0.writer.is_healthy() && !uncounted.has_room() && Instant::now() < until {
                self.0.figures_awaited.notify_one();
                let look = until.min(Instant::now() + PROGRESS_LOOK);
                if timeout_at(look, uncounted.counted.notified()).await.is_err()
                    && let Ok(Ok(progress)) = timeout_at(until, store::aggregator::progress(&self.0.db)).await
                {
                    uncounted.counted(progress.applied);
                }
            }
        }
        uncounted.let_in(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_may_be_uncounted_as_is_counted_in_a_second() {
        let mut state = State::default();
        let began = Instant::now();
        let at = |tenths: u64| began + Duration::from_millis(100) * u32::try_from(tenths).unwrap();
        assert!(state.has_room(1_000, at(0)));
        state.appended(1, 400);
        state.appended(2, 600);
        // Known already.
        state.appended(2, 600);
        assert_eq!((state.events, state.has_room(1_000, at(0)), state.has_room(1_001, at(0))), (1_000, false, true));
        // What is let in counts before it is in the log.
        state.let_in = 1;
        assert!(!state.has_room(1_001, at(0)));
        state.let_in = 0;
        // Half of it is counted, later the rest: 3,000 within two seconds are 1,500 a second.
        state.appended(3, 2_000);
        assert_eq!([state.counted(1, at(1)), state.counted(1, at(2)), state.counted(3, at(10))], [400, 0, 2_600]);
        for (seq, events, has_room) in [(5, 1_499, true), (6, 1, false)] {
            state.appended(seq, events);
            assert_eq!(state.has_room(1_000, at(11)), has_room, "{events}");
        }
        // What was counted is long ago.
        assert!(state.has_room(1_501, at(29)) && !state.has_room(1_000, at(29)));
        assert!(!state.has_room(1_000, at(31)));
        assert_eq!(state.counted(i64::MAX, at(32)), 1_500);
        assert!(state.has_room(1, at(32)));
    }
}
