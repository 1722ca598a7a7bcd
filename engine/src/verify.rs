//! Checks the count tables against the raw events.

use crate::Engine;
use crate::actor::Operator;
use crate::aggregate::{deltas, measure_whole, slices};
use crate::error::Error;
use crate::store::figures::Key;
use crate::store::{self, Tx};
use domain::figures::{Counts, Figure};
use domain::ids::{ApplicationNo, CustomerNo};
use domain::metering::tally::Counter;
use domain::metering::{Entry, Tally};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most differences that are told.
const DIFFERENCES_MAX: usize = 100;
/// Slices of the sessions of a customer, by its number of events.
const EVENTS_PER_SLICE: u64 = 200_000;
/// Cells that are read at once.
const CELLS_PAGE: i64 = 5_000;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    pub customers: usize,
    pub events: u64,
    /// Cells of the count tables that were compared.
    pub cells: u64,
    /// The first 100 differences.
    pub differences: Vec<Difference>,
}

/// A count that is not what the raw events give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub customer: String,
    /// Which figure of which cell.
    pub what: String,
    pub stored: i64,
    pub recomputed: i64,
}

impl Engine {
    /// Recomputes every figure of every customer from the raw events and compares. It reads one state of the database,
    /// in which events that are still queued are in no figure, so it can run at any time and holds up nobody.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn verify_figures(&self, _: &Operator) -> Result<Verification, Error> {
        let mut tx = self.0.db.snapshot().await?;
        self.refresh_directory().await?;
        let mut found = Verification::default();
        for entry in self.directory().customers() {
            let name = &entry.record.customer.name;
            self.verify_customer(&mut tx, entry.record.no, name, &mut found).await?;
            found.customers += 1;
        }
        Ok(found)
    }

    async fn verify_customer(
        &self,
        tx: &mut Tx,
        customer: CustomerNo,
        name: &str,
        found: &mut Verification,
    ) -> Result<(), Error> {
        let zone = store::sessions::log(tx, customer).await?.zone;
        let queued = store::events::queued(tx, customer).await?;
        let events = store::events::count(tx, customer).await?;
        let slice_count = u8::try_from((events / EVENTS_PER_SLICE + 1).min(128)).unwrap_or(128).next_power_of_two();
        let mut tallies: BTreeMap<ApplicationNo, Tally> = BTreeMap::new();
        for (first, last) in slices(slice_count) {
            let mut sessions: BTreeMap<_, Vec<Entry>> = BTreeMap::new();
            for event in store::events::between(tx, customer, first, last).await? {
                if queued.contains(&event) {
                    continue;
                }
                // The place in the log is of no figure.
                let entry = Entry { helpline: event.helpline, action: event.action, at: event.at, place: 0 };
                sessions.entry((event.application, event.session)).or_default().push(entry);
            }
            let helplines: BTreeSet<_> = sessions.values().flatten().map(|entry| entry.helpline).collect();
            let countries = self.countries(helplines.into_iter()).await?;
            for ((application, _), mut entries) in sessions {
                entries.sort_unstable();
                found.events += entries.len() as u64;
                let mut counter = Counter { tally: tallies.entry(application).or_default(), zone, sign: 1 };
                measure_whole(&entries, &countries, &mut counter);
            }
        }
        self.compare_cells(tx, customer, name, tallies, found).await
    }

    async fn compare_cells(
        &self,
        tx: &mut Tx,
        customer: CustomerNo,
        name: &str,
        tallies: BTreeMap<ApplicationNo, Tally>,
        found: &mut Verification,
    ) -> Result<(), Error> {
        let mut expected: BTreeMap<Key, Counts> = deltas(customer, tallies).into_iter().collect();
        let mut after = None;
        loop {
            let page = store::figures::page(tx, customer, after, CELLS_PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (key, stored) in page {
                found.cells += 1;
                compare(name, &key, &stored, &expected.remove(&key).unwrap_or_default(), found);
            }
        }
        for (key, counts) in expected {
            compare(name, &key, &Counts::default(), &counts, found);
        }
        Ok(())
    }
}

fn compare(customer: &str, key: &Key, stored: &Counts, recomputed: &Counts, found: &mut Verification) {
    for figure in Figure::ALL {
        let (stored, recomputed) = (stored.get(figure), recomputed.get(figure));
        if stored != recomputed && found.differences.len() < DIFFERENCES_MAX {
            let what = format!("{} of {:?} of application {}", figure.name(), key.cell, key.application.0);
            found.differences.push(Difference { customer: customer.to_owned(), what, stored, recomputed });
        }
    }
}
