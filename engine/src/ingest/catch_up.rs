//! How a writer comes to know what others, or it before it ended, appended to the log.

use super::recent::{PENDING_MAX, Recent, Sizes};
use super::uncounted::Uncounted;
use crate::error::Error;
use crate::store::log::{READ_EVENTS_MAX, READ_PACKS_MAX};
use crate::store::{self, Db};

/// What a writer must remember when it starts.
pub(super) async fn remembered(db: &Db, remembered_max: usize, uncounted: &Uncounted) -> Result<Recent, Error> {
    let mut recent = beginning(db, remembered_max).await?;
    catch_up(db, &mut recent, uncounted, i64::MAX, Gap::Empty).await?;
    Ok(recent)
}

/// Nothing remembered yet, of a log that has to be taken in from where the event blocks end.
pub(super) async fn beginning(db: &Db, remembered_max: usize) -> Result<Recent, Error> {
    let mut tx = db.snapshot().await?;
    let progress = store::aggregator::progress_in(&mut tx).await?;
    let latest = store::blocks::latest(&mut tx).await?;
    drop(tx);
    store::log::go_on_after(db, &progress).await?;
    let floor = latest.map_or(domain::Timestamp::from_millis(i64::MIN), |latest| latest.plus(1));
    Ok(Recent::new(floor, progress.applied, Sizes { remembered_max, pending_max: PENDING_MAX }))
}

/// What it means that the next pack in the log does not follow the last one that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing: of what is not in the event blocks no pack is cleared away, and an append that failed leaves a gap.
    Empty,
    /// Those between may have been cleared away, as this process slept for so long.
    MaybeCleared,
}

/// Takes in the packs of the log that lie before `until`. `false` if some may be gone: what is remembered is worth nothing
/// then. Given up on the way, it is gone on with later.
pub(super) async fn catch_up(
    db: &Db,
    recent: &mut Recent,
    uncounted: &Uncounted,
    until: i64,
    gap: Gap,
) -> Result<bool, Error> {
    while recent.seq + 1 < until {
        let packs = store::log::after(db, recent.seq, READ_PACKS_MAX, READ_EVENTS_MAX).await?;
        let follows = packs.first().is_some_and(|first| first.seq == recent.seq + 1);
        // Asked before anything is taken in, so that it is asked again where this is given up. Packs are cleared away in
        // their order: those that are gone are the first.
        if gap == Gap::MaybeCleared && !follows && oldest(db).await?.is_some_and(|oldest| oldest > recent.seq + 1) {
            return Ok(false);
        }
        let is_last = packs.last().is_none_or(|last| last.seq >= until);
        for logged in packs.iter().take_while(|logged| logged.seq < until) {
            for event in &logged.pack.events {
                recent.take_in(event, logged.seq);
            }
            recent.seq = logged.seq;
            uncounted.appended(logged.seq, logged.pack.events.len());
        }
        if is_last {
            break;
        }
    }
    Ok(true)
}

/// The place of the oldest pack that is there.
pub(super) async fn oldest(db: &Db) -> Result<Option<i64>, Error> {
    Ok(store::log::ends(db).await?.map(|(oldest, _)| oldest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::Pack;
    use crate::store::log::Append;
    use crate::store::testing::new_db;
    use domain::Timestamp;
    use domain::event::{Action, Event, SessionKey};
    use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
    use uuid::Uuid;

    async fn append(db: &Db, number: i64) {
        let event = Event {
            at: Timestamp::from_millis(number),
            customer: CustomerNo(1),
            application: ApplicationNo(1),
            helpline: HelplineNo(1),
            action: Action::Display,
            session: SessionKey([1; 16]),
        };
        let pack = store::codec::pack(&Pack { events: vec![event], refused: Vec::new() });
        let new = Append { writer: Uuid::nil(), number, appended_at: event.at, events: 1, pack: &pack };
        store::log::append(db, &new).await.unwrap();
    }

    #[tokio::test]
    async fn packs_that_are_gone_before_they_were_seen_are_missed_however_often_it_is_asked() {
        let (_directory, db) = new_db().await;
        let sizes = Sizes { remembered_max: 10, pending_max: 10 };
        let uncounted = Uncounted::new(10);
        let recent = |seq| Recent::new(Timestamp::from_millis(0), seq, sizes);
        for number in 1..=4 {
            append(&db, number).await;
        }
        store::log::trim(&db, 2).await.unwrap();
        let mut behind = recent(1);
        for _ in 0..2 {
            assert!(!catch_up(&db, &mut behind, &uncounted, i64::MAX, Gap::MaybeCleared).await.unwrap());
            assert_eq!(behind.seq, 1);
        }
        // One that has seen all that is gone, or needs none of it, takes in the rest, and leaves what is its own.
        for (seq, gap, until, to) in [
            (2, Gap::MaybeCleared, i64::MAX, 4),
            (2, Gap::MaybeCleared, 4, 3),
            (4, Gap::MaybeCleared, i64::MAX, 4),
            (1, Gap::Empty, i64::MAX, 4),
        ] {
            let mut recent = recent(seq);
            assert!(catch_up(&db, &mut recent, &uncounted, until, gap).await.unwrap());
            assert_eq!(recent.seq, to, "after {seq}, until {until}");
        }
    }
}
