//! Recomputing a statement from the raw events, independent of the count tables.

use super::statements::intake_in;
use super::trail::sessions_between;
use crate::Engine;
use crate::actor::Reader;
use crate::aggregate::slices;
use crate::error::Error;
use crate::store;
use domain::account::Tier;
use domain::billing::{Step, Waterfall};
use domain::fault::{FaultCode, Faults};
use domain::figures::{Counts, Scope};
use domain::metering::{Counter, Grain, Tally, measure};
use domain::retention::is_countable;
use domain::zone::Month;
use serde::{Deserialize, Serialize};

/// What a statement's month comes to, counted from the events again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recomputation {
    pub month: Month,
    /// Whether it is what the statement says, or the count tables where there is none.
    pub is_equal: bool,
    pub differences: Vec<StepDifference>,
    /// From the events that the statement counted: up to its place in the customer's log.
    pub recomputed: Waterfall,
    pub stated: Waterfall,
    /// From all events until now, what arrived after the statement was issued among them.
    pub present: Waterfall,
    /// Events that were read.
    pub events: u64,
}

/// A step of which statement and events say different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDifference {
    pub step: Step,
    pub stated: i64,
    pub recomputed: i64,
}

/// Counts of production and sandbox applications.
#[derive(Default)]
struct ByTier {
    production: Counts,
    sandbox: Counts,
}

impl Engine {
    /// Counts a month's statement again from the raw events and compares. What was refused, or received again, is stored
    /// as counts alone and taken from the statement.
    ///
    /// # Errors
    /// [`Error::NotFound`] as [`Engine::usage`]; [`Error::Invalid`] if the month's events are kept no longer.
    pub async fn recompute_statement(&self, reader: &Reader, month: Month) -> Result<Recomputation, Error> {
        let entry = reader.one()?;
        let no = entry.record.no;
        if !domain::billing::statement::has_begun(month, entry.record.customer.time_zone, self.now()) {
            return Err(Error::NotFound);
        }
        self.refresh_directory().await?;
        // One state of the database, in which count tables and events belong together.
        let mut tx = self.0.db.snapshot().await?;
        let kept = store::aggregator::kept_of(&mut tx, no).await?;
        if !is_countable(month, kept.events_from, kept.zone) {
            let detail = "The events of this month are kept no longer, so that it cannot be counted again.";
            return Err(Faults::one("month", FaultCode::PeriodInvalid, detail).into());
        }
        let usage = self.usage_in(&mut tx, entry, month).await?;
        let stated = usage.waterfall;
        let until = usage.statement.as_ref().map_or(kept.log_length, |statement| statement.log_length);
        let events = store::blocks::count(&mut tx, no).await?;
        let (mut then, mut now, mut read) = (ByTier::default(), ByTier::default(), 0);
        for slice in slices(events) {
            let mut sessions = sessions_between(&mut tx, no, (month, usage.time_zone), slice).await?;
            read += sessions.values().map(|events| events.len() as u64).sum::<u64>();
            self.count_month(&sessions, (month, usage.time_zone), &mut now).await?;
            for events in sessions.values_mut() {
                events.retain(|(_, place)| *place <= until);
            }
            self.count_month(&sessions, (month, usage.time_zone), &mut then).await?;
        }
        let intake = domain::billing::Intake { rejected: stated.rejected.clone(), duplicates: stated.duplicates };
        let recomputed = Waterfall::of(stated.figure, intake, &then.production, &then.sandbox);
        let intake = intake_in(&mut tx, no, month, usage.time_zone).await?;
        let present = Waterfall::of(stated.figure, intake, &now.production, &now.sandbox);
        let differs = |step: &Step| stated.get(*step) != recomputed.get(*step);
        let difference =
            |step: Step| StepDifference { step, stated: stated.get(step), recomputed: recomputed.get(step) };
        let differences: Vec<_> = Step::ALL.into_iter().filter(differs).map(difference).collect();
        let is_equal = differences.is_empty();
        Ok(Recomputation { month, is_equal, differences, recomputed, stated, present, events: read })
    }

    /// Adds what sessions count in a month.
    async fn count_month(
        &self,
        sessions: &super::trail::Sessions,
        (month, zone): (Month, domain::Zone),
        into: &mut ByTier,
    ) -> Result<(), Error> {
        let helplines = sessions.values().flatten().map(|(entry, _)| entry.helpline);
        let countries = self.countries(&self.0.db, helplines).await?;
        let directory = self.directory();
        let mut tallies = [Tally::new(zone), Tally::new(zone)];
        let mut entries = Vec::new();
        for (session, events) in sessions {
            entries.clear();
            entries.extend(events.iter().map(|(entry, _)| *entry));
            let application = directory.application(session.application).ok_or(Error::NotFound)?;
            let tally = &mut tallies[usize::from(application.record.application.tier == Tier::Sandbox)];
            measure(&entries, &countries, &mut Counter::plus(tally));
        }
        let [production, sandbox] = tallies.map(|tally| {
            let mut counts = Counts::default();
            for (cell, more) in tally.into_cells(&countries) {
                let is_total = cell.scope == Scope::Application && cell.grain == Grain::Month;
                if is_total && cell.bucket == i64::from(month.0) {
                    counts.merge(&more);
                }
            }
            counts
        });
        into.production.merge(&production);
        into.sandbox.merge(&sandbox);
        Ok(())
    }
}
