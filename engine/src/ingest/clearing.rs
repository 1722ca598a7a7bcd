//! Clearing away the packs of the log that nobody needs any more.

use super::catch_up::oldest;
use crate::error::Error;
use crate::store::{self, Db};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

/// Packs stay in the log for at least this long, so that every writer has taken them in.
const STAY: Duration = Duration::from_secs(60);
/// Packs that are cleared away at once, and events in them: so few that nobody waits for it. (500 packs of a flood are two
/// hundred megabytes.)
const PACKS: i64 = 500;
const EVENTS: usize = 16_384;
/// How many times as long as that took the next is waited with: it takes a fifth of the writer's time at most.
const RESTS: u32 = 4;

/// What of the log can be cleared away.
pub(super) struct Clearing {
    /// How far the log was, and when.
    seen: VecDeque<(Instant, i64)>,
    /// Packs to clear away: after which, up to which.
    packs: Option<(i64, i64)>,
    /// Not before then.
    from: Instant,
}

impl Clearing {
    pub fn new() -> Self {
        Self { seen: VecDeque::new(), packs: None, from: Instant::now() }
    }

    /// Sees what can be cleared away, of a log that is as far as `seq` now. Packs after `flushed` are needed: of what is in
    /// them no run was written down.
    pub async fn look(&mut self, db: &Db, now: Instant, seq: i64, flushed: i64) -> Result<(), Error> {
        self.seen.push_back((now, seq));
        let mut old = None;
        while let Some((_, seq)) = self.seen.pop_front_if(|(at, _)| now.duration_since(*at) > STAY) {
            old = Some(seq);
        }
        if let (Some(old), None) = (old, self.packs)
            && let Some(oldest) = oldest(db).await?
            && oldest <= old.min(flushed)
        {
            self.packs = Some((oldest - 1, old.min(flushed)));
        }
        Ok(())
    }

    /// Ends when some can be cleared away, and some have not been a moment ago.
    pub async fn is_due(&self) {
        match self.packs {
            Some(_) => tokio::time::sleep_until(self.from).await,
            None => std::future::pending().await,
        }
    }

    /// Clears some away, if that is due, or gives it up when it takes longer than `max`. The next look says what is left
    /// then.
    pub async fn step(&mut self, db: &Db, max: Duration) -> Result<Result<(), Error>, Elapsed> {
        let began = Instant::now();
        if began < self.from {
            return Ok(Ok(()));
        }
        let Some((after, to)) = self.packs.take() else { return Ok(Ok(())) };
        let clear = async {
            let until = store::log::some_after(db, after, PACKS, EVENTS).await?.min(to);
            store::log::trim(db, until).await?;
            Ok(until)
        };
        let cleared = timeout(max, clear).await;
        if let Ok(Ok(until)) = cleared
            && after < until
            && until < to
        {
            self.packs = Some((until, to));
        }
        self.from = Instant::now() + began.elapsed() * RESTS;
        Ok(cleared?.map(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::Pack;
    use crate::store::log::Append;
    use crate::store::testing::new_db;
    use domain::Timestamp;
    use uuid::Uuid;

    const MAX: Duration = Duration::from_secs(5);

    async fn places(db: &Db) -> Vec<i64> {
        let packs = store::log::after(db, 0, i64::MAX, usize::MAX).await.unwrap();
        packs.iter().map(|logged| logged.seq).collect()
    }

    #[tokio::test]
    async fn packs_are_cleared_away_when_nobody_needs_them_a_few_at_a_time() {
        let (_directory, db) = new_db().await;
        let pack = store::codec::pack(&Pack::default());
        for number in 1..=9 {
            // Half as many events as are cleared away at once.
            let appended_at = Timestamp::from_millis(number);
            let new = Append { writer: Uuid::nil(), number, appended_at, events: EVENTS / 2, pack: &pack };
            store::log::append(&db, &new).await.unwrap();
        }
        let began = Instant::now();
        let mut clearing = Clearing::new();
        // They have not stayed for long enough; nobody needs them by their age, but their sessions are nowhere else.
        for (seconds, seq, flushed) in [(0, 8, 9), (60, 9, 9), (61, 9, 0)] {
            clearing.look(&db, began + Duration::from_secs(seconds), seq, flushed).await.unwrap();
            assert_eq!(clearing.packs, None, "after {seconds} s");
            clearing.step(&db, MAX).await.unwrap().unwrap();
        }
        assert_eq!(places(&db).await, (1..=9).collect::<Vec<_>>());
        // The newest stays in any case.
        for (seconds, flushed, steps) in [(122, 5, vec![3, 5, 6]), (183, 9, vec![8, 9])] {
            clearing.look(&db, began + Duration::from_secs(seconds), 9, flushed).await.unwrap();
            for oldest in steps {
                clearing.from = Instant::now() + MAX;
                clearing.step(&db, MAX).await.unwrap().unwrap();
                assert!(timeout(Duration::from_millis(1), clearing.is_due()).await.is_err());
                assert!(places(&db).await[0] < oldest, "cleared away while it rests");
                clearing.from = Instant::now();
                timeout(MAX, clearing.is_due()).await.unwrap();
                clearing.step(&db, MAX).await.unwrap().unwrap();
                assert_eq!(places(&db).await[0], oldest);
            }
            assert!(timeout(Duration::from_millis(1), clearing.is_due()).await.is_err());
        }
    }
}
