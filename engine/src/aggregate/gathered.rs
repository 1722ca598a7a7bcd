//! Events of sessions in memory, in the order of sessions.
//!
//! A batch asks and adds in that order as well, so it goes through this memory from its beginning to its end. In a table
//! by hash, each session would be somewhere else, and be waited for: that was a quarter of what the aggregator's thread did
//! under a flood.

use crate::store::codec::{OfSession, Session};
use domain::metering::Entry;

/// Events of sessions, sorted, each once: in layers, each at least twice as long as the next, so that what comes is merged
/// with no more than as much again, however little it is.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    layers: Vec<Vec<OfSession>>,
}

impl Gathered {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.layers.iter().map(Vec::len).sum()
    }

    /// Adds events that are not there yet.
    pub fn add(&mut self, mut new: Vec<OfSession>) {
        // A stable sort takes what is in order already as it is; this is, but for sessions of several applications.
        new.sort();
        while let Some(layer) = self.layers.pop_if(|layer| layer.len() < new.len() * 2) {
            new = merged(layer, new);
        }
        if !new.is_empty() {
            self.layers.push(new);
        }
    }

    /// All of them in one layer.
    pub fn into_sorted(self) -> Vec<OfSession> {
        self.layers.into_iter().rev().reduce(|shorter, longer| merged(longer, shorter)).unwrap_or_default()
    }

    /// The layers, for a [`Walk`].
    pub fn layers(&self) -> impl Iterator<Item = &[OfSession]> {
        self.layers.iter().map(Vec::as_slice)
    }
}

fn merged(mut layer: Vec<OfSession>, mut other: Vec<OfSession>) -> Vec<OfSession> {
    layer.append(&mut other);
    layer.sort();
    layer
}

/// A way through layers of events, from the first session to the last.
pub(super) struct Walk<'a>(Vec<&'a [OfSession]>);

impl<'a> Walk<'a> {
    /// Through layers that are sorted.
    pub fn through(layers: impl Iterator<Item = &'a [OfSession]>) -> Self {
        Self(layers.collect())
    }

    /// Goes on to a session, which is not before the last one, and adds its events to `entries`: sorted, as far as they
    /// are of one layer.
    pub fn find(&mut self, session: Session, entries: &mut Vec<Entry>) {
        for layer in &mut self.0 {
            *layer = &layer[before(layer, session)..];
            let of_session = layer.iter().take_while(|(of, _)| *of == session);
            entries.extend(of_session.map(|(_, entry)| *entry));
        }
    }
}

/// How many events there are of sessions before one. Few steps if these are few.
fn before(layer: &[OfSession], session: Session) -> usize {
    let mut step = 1;
    while layer.get(step).is_some_and(|(of, _)| *of < session) {
        step *= 2;
    }
    let (from, to) = (step / 2, layer.len().min(step));
    from + layer[from..to].partition_point(|(of, _)| *of < session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::event::{Action, SessionKey};
    use domain::ids::{ApplicationNo, HelplineNo};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn of_session(key: u8, application: u32, at: i64) -> OfSession {
        let session = Session { key: SessionKey([key; 16]), application: ApplicationNo(application) };
        (session, Entry { helpline: HelplineNo(1), action: Action::Display, at: Timestamp::from_millis(at) })
    }

    #[test]
    fn little_that_comes_often_is_in_few_layers() {
        let mut gathered = Gathered::default();
        for i in 0..1_000 {
            gathered.add(vec![of_session(7, 1, i)]);
            let lengths: Vec<usize> = gathered.layers().map(<[_]>::len).collect();
            assert!(lengths.windows(2).all(|pair| pair[0] >= 2 * pair[1]), "{lengths:?}");
        }
        gathered.add(Vec::new());
        assert_eq!((gathered.len(), gathered.layers().count() <= 10), (1_000, true));
    }

    proptest! {
        /// Against a set of all that was added.
        #[test]
        fn every_event_is_found_by_its_session(
            batches in prop::collection::vec(prop::collection::vec((0_u8..30, 1_u32..3, 0_i64..40), 0..40), 1..20),
        ) {
            let (mut gathered, mut all) = (Gathered::default(), BTreeSet::new());
            for batch in batches {
                let events = batch.into_iter().map(|(key, application, at)| of_session(key, application, at));
                gathered.add(events.filter(|event| all.insert(*event)).collect());
                for application in 1..3 {
                    let mut walk = Walk::through(gathered.layers());
                    for key in 0..31 {
                        let (session, _) = of_session(key, application, 0);
                        // Whoever asks again finds it again.
                        for _ in 0..2 {
                            let mut found = Vec::new();
                            walk.find(session, &mut found);
                            found.sort_unstable();
                            let of = all.iter().filter(|(of, _)| *of == session).map(|(_, entry)| *entry);
                            prop_assert_eq!(found, of.collect::<Vec<Entry>>());
                        }
                    }
                }
            }
            prop_assert_eq!(gathered.len(), all.len());
            prop_assert!(gathered.into_sorted().into_iter().eq(all));
        }
    }
}
