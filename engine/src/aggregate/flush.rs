//! The writing down of what is known of sessions, so that the log need not be kept for it.

use super::packer::Packing;
use super::{Aggregator, Held};
use crate::error::Error;
use crate::store::runs;

/// After so many packs sessions are written down, and after so many times the events that [`crate::Room::session_events`]
/// gives: whoever takes over reads what came since, and the log keeps it.
const UNFLUSHED_PACKS_MAX: i64 = 50_000;
const UNFLUSHED_TIMES: usize = 4;
/// So many times that may gather while the last is being written down. Then it is waited for.
const TIMES_MAX: usize = 2;

/// What is being written down.
pub(super) struct Flush {
    /// The place in the log up to which it is what of all events is in no run.
    to: i64,
    packing: Packing,
}

impl Held {
    /// Whether there is so many times what is to be written down in memory, or in the log on its account. Most of the log may
    /// be retries and refusals, which leave nothing in memory.
    fn is_much(&self, session_events: usize, times: usize) -> bool {
        self.known.recent_events() >= session_events * times
            || self.unflushed_events >= session_events * UNFLUSHED_TIMES * times
            || self.applied - self.flushed >= UNFLUSHED_PACKS_MAX * times as i64
    }
}

impl Aggregator {
    /// Ends the flush that is done, and begins another if there is much in memory, with rests unless there is a hurry.
    pub(super) async fn flush_some(&self, held: &mut Held, rests: bool) -> Result<(), Error> {
        let session_events = self.engine.0.settings.room.session_events;
        let is_too_much = held.is_much(session_events, TIMES_MAX);
        if let Some(flush) = held.flush.take_if(|flush| is_too_much || !flush.packing.is_empty()) {
            self.end_flush(held, flush).await?;
        }
        if held.flush.is_none() && held.is_much(session_events, 1) {
            self.begin_flush(held, rests);
        }
        Ok(())
    }

    /// Ends the flush that is under way.
    pub(super) async fn end_any_flush(&self, held: &mut Held) -> Result<(), Error> {
        if let Some(flush) = held.flush.take() {
            self.end_flush(held, flush).await?;
        }
        Ok(())
    }

    /// Writes down all that is in memory.
    pub(super) async fn flush_all(&self, held: &mut Held) -> Result<(), Error> {
        while held.flushed < held.applied {
            match held.flush.take() {
                Some(flush) => self.end_flush(held, flush).await?,
                None => self.begin_flush(held, false),
            }
        }
        Ok(())
    }

    fn begin_flush(&self, held: &mut Held, rests: bool) {
        let frozen = held.known.freeze(self.engine.0.settings.room.run_events);
        let packing = self.packer.pack(held.flushed, frozen, self.engine.0.settings.is_server && rests);
        held.flush = Some(Flush { to: held.applied, packing });
        held.unflushed_events = 0;
    }

    /// Waits until all is written, and makes it runs.
    async fn end_flush(&self, held: &mut Held, Flush { to, packing }: Flush) -> Result<(), Error> {
        let ended = |_| Error::Internal("the thread of the sessions has ended".to_owned());
        let runs = packing.await.map_err(ended)??;
        let mut tx = self.begin_writing().await?;
        self.fence(&mut tx, held, held.applied, to).await?;
        for run in &runs {
            runs::save(&mut tx, run).await?;
        }
        tx.commit().await?;
        held.flushed = to;
        let replaced = runs.iter().flat_map(|new| new.replaces.iter().map(|run| (new.run.customer, *run))).collect();
        self.packer.delete(to, replaced);
        held.known.flushed(runs);
        Ok(())
    }
}
