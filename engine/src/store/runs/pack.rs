//! The packing of sessions as a run, those of runs that are merged among them.

use super::{PARTS_MAX, Run, number, part_of, slices};
use crate::error::Error;
use crate::pace::breathe;
use crate::store::codec::{Entries, OfSession, Session, pack_part, unpack_part};
use crate::store::db::{Db, Sql};
use crate::store::filter::{Filter, hash};
use domain::Timestamp;
use domain::ids::CustomerNo;
use std::sync::Arc;

/// Events of a part, about: what is read for one session.
const PART_EVENTS: usize = 128;

/// Sessions with their events: sorted, each once, and so their events.
#[derive(Debug, Default)]
pub struct Sessions(Vec<(Session, Entries)>);

impl Sessions {
    /// Brings sessions, some of which come more than once, together.
    pub fn of(mut sessions: Vec<(Session, Entries)>) -> Self {
        // A stable sort, as what comes from runs is in order already.
        sessions.sort_by_key(|(session, _)| *session);
        sessions.dedup_by(|(again, more), (session, entries)| {
            let is_same = again == session;
            if is_same {
                entries.append(more);
                entries.sort_unstable();
                entries.dedup();
            }
            is_same
        });
        Self(sessions)
    }
}

/// A run as it is stored.
pub(super) struct Packed {
    first_at: Timestamp,
    parts: usize,
    /// In their order, those without sessions left out.
    packs: Vec<(i64, Vec<u8>)>,
}

impl Packed {
    pub async fn read(db: &Db, run: &Run) -> Result<Self, Error> {
        let sql = "SELECT part, pack FROM session_parts WHERE customer_no = $1 AND run = $2 ORDER BY part";
        let rows = db.fetch(Sql::new(sql).bind(run.customer).bind(run.no)).await?;
        let packs = rows.iter().map(|row| Ok((row.int(0)?, row.bytes(1)?))).collect::<Result<_, Error>>()?;
        Ok(Self { first_at: run.first_at, parts: run.parts, packs })
    }

    /// Unpacks one of so many slices.
    pub fn unpack(&self, slice: usize, slices: usize, into: &mut Vec<(Session, Entries)>) -> Result<(), Error> {
        let start = |slice: usize| self.packs.partition_point(|(part, _)| *part < number(slice * self.parts / slices));
        for (_, pack) in &self.packs[start(slice)..start(slice + 1)] {
            breathe();
            into.extend(unpack_part(self.first_at, pack)?);
        }
        Ok(())
    }
}

/// What becomes a run.
pub struct Frozen {
    pub customer: CustomerNo,
    pub no: i64,
    /// Of all events, see [`extent`].
    pub extent: (Timestamp, Timestamp, usize),
    /// Those of its events that are in no run yet, sorted.
    pub in_memory: Arc<Vec<OfSession>>,
    /// Runs whose place it takes.
    pub merged: Vec<Run>,
}

/// A run whose parts are written, and those that it takes the place of.
#[derive(Debug)]
pub struct NewRun {
    pub run: Run,
    pub replaces: Vec<i64>,
}

/// A part of a run, as it is written.
pub struct Part {
    pub(super) customer: CustomerNo,
    pub(super) run: i64,
    pub(super) part: i64,
    /// Sessions.
    pub(super) pack: Vec<u8>,
}

impl Frozen {
    /// Reads the runs that are merged.
    pub async fn read(self, db: &Db) -> Result<Unpacked, Error> {
        let mut stored = Vec::new();
        for run in &self.merged {
            stored.push(Packed::read(db, run).await?);
        }
        Ok(Unpacked { frozen: self, stored })
    }
}

/// What becomes a run, with all that it needs.
pub struct Unpacked {
    frozen: Frozen,
    stored: Vec<Packed>,
}

impl Unpacked {
    /// Packs sessions, those of merged runs among them, as a run: itself, and its parts. Takes up to a second.
    ///
    /// Slice by slice of the sessions' keys, as all of these runs unpacked are a hundred megabytes.
    pub fn pack(self) -> Result<(NewRun, Vec<Part>), Error> {
        let Self { frozen, stored } = self;
        let Frozen { customer, no, extent: (first_at, last_at, events), in_memory, merged } = frozen;
        let parts = events.div_ceil(PART_EVENTS).next_power_of_two().min(PARTS_MAX);
        let (mut packed, mut hashes) = (Vec::with_capacity(parts), Vec::new());
        for of_slice in Slices::of(&in_memory, stored, slices(events).min(parts))? {
            let Sessions(of_slice) = of_slice?;
            hashes.extend(of_slice.iter().map(|(session, _)| hash(session)));
            let of_parts = of_slice.chunk_by(|(a, _), (b, _)| part_of(a, parts) == part_of(b, parts));
            packed.extend(of_parts.map(|part| {
                breathe();
                let (no_of_part, pack) = (part_of(&part[0].0, parts), pack_part(first_at, part));
                Part { customer, run: no, part: no_of_part, pack }
            }));
        }
        let run = Run { customer, no, first_at, last_at, events, parts, filter: Some(Filter::of(&hashes)) };
        Ok((NewRun { run, replaces: merged.iter().map(|run| run.no).collect() }, packed))
    }
}

/// Sessions in memory and in runs, cut by the first bits of their keys.
struct Slices<'a> {
    in_memory: &'a [OfSession],
    stored: Vec<Packed>,
    /// Of runs of fewer parts than there are slices.
    of_small: std::iter::Peekable<std::vec::IntoIter<(Session, Entries)>>,
    next: usize,
    slices: usize,
}

impl<'a> Slices<'a> {
    fn of(in_memory: &'a [OfSession], mut stored: Vec<Packed>, slices: usize) -> Result<Self, Error> {
        let mut of_small = Vec::new();
        for run in stored.extract_if(.., |run| run.parts < slices) {
            run.unpack(0, 1, &mut of_small)?;
        }
        of_small.sort_unstable_by_key(|(session, _)| *session);
        Ok(Self { in_memory, stored, of_small: of_small.into_iter().peekable(), next: 0, slices })
    }
}

impl Iterator for Slices<'_> {
    type Item = Result<Sessions, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (slice, slices) = (self.next, self.slices);
        if slice == slices {
            return None;
        }
        self.next += 1;
        breathe();
        let is_in = |session: &Session| part_of(session, slices) == number(slice);
        let end = self.in_memory.partition_point(|(session, _)| is_in(session));
        let in_memory = self.in_memory.split_off(..end).unwrap_or_default();
        let of_session = |of: &[OfSession]| (of[0].0, of.iter().map(|(_, entry)| *entry).collect::<Entries>());
        let mut sessions: Vec<_> = in_memory.chunk_by(|(a, _), (b, _)| a == b).map(of_session).collect();
        sessions.extend(std::iter::from_fn(|| self.of_small.next_if(|(session, _)| is_in(session))));
        for run in &self.stored {
            if let Err(error) = run.unpack(slice, slices, &mut sessions) {
                return Some(Err(error));
            }
        }
        breathe();
        Some(Ok(Sessions::of(sessions)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::session;
    use domain::event::Action;
    use domain::ids::HelplineNo;
    use domain::metering::Entry;
    use smallvec::smallvec;

    #[test]
    fn sessions_that_come_twice_become_one() {
        let twice = vec![
            (session(2), smallvec![entry(5)]),
            (session(1), smallvec![entry(1)]),
            (session(2), smallvec![entry(3)]),
        ];
        let mut expected = vec![(session(2), smallvec![entry(3), entry(5)]), (session(1), smallvec![entry(1)])];
        expected.sort();
        assert_eq!(Sessions::of(twice).0, expected);
    }

    fn entry(at: i64) -> Entry {
        Entry { helpline: HelplineNo(1), action: Action::Display, at: Timestamp::from_millis(at) }
    }
}
