//! Counting figures from the events again: after a change of time zone, and to verify them.

use super::{Aggregator, Countries, Held};
use crate::Engine;
use crate::error::Error;
use crate::store::blocks::PageEnd;
use crate::store::codec::Session;
use crate::store::figures::Key;
use crate::store::{self, Db, Tx};
use domain::event::SessionKey;
use domain::figures::Counts;
use domain::ids::{ApplicationNo, CustomerNo};
use domain::metering::{Counter, Entry, Tally, measure};
use domain::zone::Zone;
use std::collections::BTreeMap;

/// Events of a slice of a customer's sessions, about: what is held in memory at once.
const EVENTS_PER_SLICE: u64 = 1_000_000;
/// How long counting a slice may take, on Postgres.
const COUNTING_MAX: std::time::Duration = std::time::Duration::from_secs(60);
/// Blocks that are read at once.
const BLOCKS_PAGE: i64 = 64;

/// Into how many slices the sessions of so many events are cut.
fn slice_count(events: u64) -> u32 {
    u32::try_from(events / EVENTS_PER_SLICE + 1).unwrap_or(u32::MAX)
}

/// The keys of sessions, cut into so many slices that of so many events about a million lie in each.
pub(crate) fn slices(events: u64) -> impl Iterator<Item = (SessionKey, SessionKey)> {
    equal_slices(slice_count(events))
}

/// The 128-bit keys of sessions cut into slices of equal width, the last key of each included.
fn equal_slices(count: u32) -> impl Iterator<Item = (SessionKey, SessionKey)> {
    let count = u128::from(count.max(1));
    let width = (u128::MAX / count).saturating_add(1);
    (0..count).map(move |i| {
        let last = if i + 1 == count { u128::MAX } else { (i + 1) * width - 1 };
        (SessionKey((i * width).to_be_bytes()), SessionKey(last.to_be_bytes()))
    })
}

/// Reads the events of a customer's sessions whose keys lie in a slice, each session's sorted.
async fn sessions_of_slice(
    tx: &mut Tx,
    customer: CustomerNo,
    (first, last): (SessionKey, SessionKey),
) -> Result<BTreeMap<Session, Vec<Entry>>, Error> {
    let mut sessions: BTreeMap<Session, Vec<Entry>> = BTreeMap::new();
    let mut after: PageEnd = (i64::MIN, 0);
    while let Some((end, events)) = store::blocks::page(tx, customer, after, BLOCKS_PAGE).await? {
        after = end;
        let within = events.iter().filter(|stored| (first..=last).contains(&stored.event.session));
        for event in within.map(|stored| &stored.event) {
            sessions.entry(super::sessions::session(event)).or_default().push(super::sessions::entry(event));
        }
    }
    for entries in sessions.values_mut() {
        entries.sort_unstable();
    }
    Ok(sessions)
}

/// Counts sessions into the tallies of their applications.
fn count(
    sessions: &BTreeMap<Session, Vec<Entry>>,
    zone: Zone,
    countries: &Countries,
    tallies: &mut BTreeMap<ApplicationNo, Tally>,
) {
    for (session, entries) in sessions {
        let tally = tallies.entry(session.application).or_insert_with(|| Tally::new(zone));
        measure(entries, countries, &mut Counter::plus(tally));
    }
}

/// All cells of a customer, counted from its events alone, and how many these are.
pub(crate) async fn customer_cells(
    engine: &Engine,
    db: &Db,
    tx: &mut Tx,
    customer: CustomerNo,
    zone: Zone,
) -> Result<(Vec<(Key, Counts)>, u64), Error> {
    let events = store::blocks::count(tx, customer).await?;
    let mut cells: BTreeMap<Key, Counts> = BTreeMap::new();
    let mut counted = 0;
    for slice in slices(events) {
        let sessions = sessions_of_slice(tx, customer, slice).await?;
        counted += sessions.values().map(|entries| entries.len() as u64).sum::<u64>();
        let countries = engine.countries(db, sessions.values().flatten().map(|entry| entry.helpline)).await?;
        let counting = tokio::task::spawn_blocking(move || {
            let mut tallies = BTreeMap::new();
            count(&sessions, zone, &countries, &mut tallies);
            let cells = tallies.into_iter().map(|(application, tally)| (application, tally.into_cells(&countries)));
            cells.collect::<Vec<_>>()
        });
        let counted = counting.await.map_err(|error| Error::Internal(format!("counting: {error}")))?;
        for (application, of_application) in counted {
            for (cell, counts) in of_application {
                cells.entry(Key { customer, application, cell }).or_default().merge(&counts);
            }
        }
    }
    Ok((cells.into_iter().collect(), counted))
}

impl Aggregator {
    /// Counts a customer's figures anew in another time zone.
    pub(super) async fn make_anew(&self, held: &Held, customer: CustomerNo, zone: Zone) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.fence(&mut tx, held, held.applied, held.flushed).await?;
        // A million events are counted between two statements.
        tx.give_up_when_idle(COUNTING_MAX).await?;
        store::aggregator::forget_figures(&mut tx, customer, zone).await?;
        let (cells, _) = customer_cells(&self.engine, &self.db, &mut tx, customer, zone).await?;
        store::figures::add(&mut tx, &cells).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_every_session_once() {
        for count in [1, 2, 3, 64, 128, 1_000] {
            let slices: Vec<_> = equal_slices(count).collect();
            let number = |key: SessionKey| u128::from_be_bytes(key.0);
            assert_eq!((number(slices[0].0), number(slices[slices.len() - 1].1)), (0, u128::MAX));
            assert!(slices.windows(2).all(|pair| number(pair[0].1) + 1 == number(pair[1].0)), "{count}");
        }
    }
}
