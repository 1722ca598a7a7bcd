//! Checks the count tables against the raw events.

use crate::Engine;
use crate::actor::Operator;
use crate::aggregate::customer_cells;
use crate::error::Error;
use crate::store::aggregator::Kept;
use crate::store::figures::Key;
use crate::store::{self, Tx};
use domain::figures::{Counts, Figure};
use domain::ids::CustomerNo;
use domain::retention::{first_countable, is_since};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most differences that are told.
const DIFFERENCES_MAX: usize = 100;
/// Cells that are read at once.
const CELLS_PAGE: i64 = 5_000;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    pub customers: usize,
    pub events: u64,
    /// Cells of the count tables that were compared.
    pub cells: u64,
    /// Customers of whom some figures were not compared, as the events are kept no longer that they were counted from.
    pub partly: usize,
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
    /// in which the events that wait in the log are in no figure, so it can run at any time and holds up nobody.
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
        let kept = store::aggregator::kept(tx, &[customer]).await?;
        let Kept { zone, events_from, .. } = *kept.get(&customer).ok_or(Error::NotFound)?;
        let (mut cells, events) = customer_cells(self, &self.0.db, tx, customer, zone).await?;
        found.events += events;
        found.partly += usize::from(events_from.is_some());
        let since = events_from.map(|from| first_countable(from, zone));
        let is_compared = |key: &Key| since.is_none_or(|month| is_since(&key.cell, month, zone));
        cells.retain(|(key, _)| is_compared(key));
        self.compare_cells(tx, customer, name, (cells, is_compared), found).await
    }

    async fn compare_cells(
        &self,
        tx: &mut Tx,
        customer: CustomerNo,
        name: &str,
        (cells, is_compared): (Vec<(Key, Counts)>, impl Fn(&Key) -> bool),
        found: &mut Verification,
    ) -> Result<(), Error> {
        let mut expected: BTreeMap<Key, Counts> = cells.into_iter().collect();
        let mut after = None;
        loop {
            let page = store::figures::page(tx, customer, after, CELLS_PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (key, stored) in page.into_iter().filter(|(key, _)| is_compared(key)) {
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
