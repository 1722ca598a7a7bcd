//! Gives up raw events that are not kept any longer. The figures stay.
//!
//! The process that aggregates does it, in small steps between its batches: nobody else then changes what it holds. Where
//! that is a command it is left to the server, see [`crate::Settings::is_server`].

use super::believed::Believed;
use super::{Aggregator, Held, month_start};
use crate::Engine;
use crate::actor::{ITSELF, Operator};
use crate::audit::Note;
use crate::clock::new_uuid;
use crate::error::Error;
use crate::store::{self, retention::Keeping};
use domain::account::Customer;
use domain::audit::Action;
use domain::retention::kept_from;
use domain::timestamp::DAY_MS;
use domain::{CustomerId, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// How often it is looked for what need not be kept any longer.
pub(super) const LOOK: Duration = Duration::from_secs(3_600);
/// Blocks that are deleted at once: so few that figures do not wait for it.
const STEP_BLOCKS: i64 = 500;

/// Raw events that will be given up next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    pub customer: CustomerId,
    pub name: String,
    /// Those before.
    pub kept_from: Timestamp,
    /// How many these are.
    pub events: u64,
}

impl Engine {
    /// From when on the raw events of a customer are kept.
    pub(crate) fn events_kept_from(&self, keeping: &Keeping, now: Timestamp) -> Timestamp {
        let settings = &self.0.settings;
        let accepted_from = now.plus(-i64::from(settings.event_age_max_days) * DAY_MS);
        kept_from(now, accepted_from, keeping.months.unwrap_or(settings.event_retention_months))
    }

    /// The raw events of each customer, or of one, that would be given up now: as is set, or if all were kept for so many
    /// `months` besides the present one.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer.
    pub async fn expiring_events(
        &self,
        _: &Operator,
        customer: Option<CustomerId>,
        months: Option<u32>,
    ) -> Result<Vec<Expiring>, Error> {
        self.refresh_directory().await?;
        let of = match customer {
            Some(customer) => Some(self.customer_entry(customer).await?.record.no),
            None => None,
        };
        let mut expiring = Vec::new();
        for keeping in store::retention::keeping(&self.0.db).await? {
            if of.is_none_or(|of| of == keeping.customer) {
                expiring.extend(self.expiring(Keeping { months: months.or(keeping.months), ..keeping }).await?);
            }
        }
        Ok(expiring)
    }

    /// The raw events that would be given up besides those that go anyway, if a customer's were kept for so many `months`,
    /// or as the installation is set, and not as they are kept now. `None` if there are none.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer.
    pub async fn more_expiring_events(
        &self,
        _: &Operator,
        customer: CustomerId,
        months: Option<u32>,
    ) -> Result<Option<Expiring>, Error> {
        let no = self.customer_entry(customer).await?.record.no;
        let keeping = store::retention::keeping(&self.0.db).await?;
        let present = keeping.into_iter().find(|keeping| keeping.customer == no).ok_or(Error::NotFound)?;
        let new = Keeping { months, ..present };
        let (Some(anyway), Some(all)) = (self.expiring(present).await?, self.expiring(new).await?) else {
            return Ok(None);
        };
        let events = all.events.saturating_sub(anyway.events);
        Ok((all.kept_from > anyway.kept_from && events > 0).then_some(Expiring { events, ..all }))
    }

    /// What would be given up of one customer. `None` if the customer is not known here yet.
    async fn expiring(&self, keeping: Keeping) -> Result<Option<Expiring>, Error> {
        let directory = self.directory();
        let Some(entry) = directory.customer_of_no(keeping.customer) else { return Ok(None) };
        // What was given up is not kept again.
        let kept_from = self
            .events_kept_from(&keeping, self.now())
            .max(keeping.events_from.unwrap_or(Timestamp::from_millis(i64::MIN)));
        let events = store::retention::count(&self.0.db, keeping.customer, kept_from).await?;
        let Customer { id, name, .. } = &entry.record.customer;
        Ok(Some(Expiring { customer: *id, name: name.clone(), kept_from, events }))
    }
}

impl Aggregator {
    /// Gives up some of what need not be kept any longer, and says whether there may be more.
    pub(super) async fn give_up_some(&mut self, held: &mut Held) -> Result<bool, Error> {
        let now = self.believed_now(held).await?;
        let keeping = store::retention::keeping(&self.db).await?;
        for of_customer in &keeping {
            let from = self.engine.events_kept_from(of_customer, now);
            // What was given up stays so, whatever the clock or an operator says later.
            let is_known = of_customer.events_from.is_some_and(|known| known >= from);
            // A month of the customer's zone may begin a day before that of UTC.
            let first = of_customer.first_month.map(|month| month_start(month).plus(-DAY_MS));
            if !is_known && first.is_some_and(|first| first < from) && self.give_up(held, of_customer, from).await? {
                return Ok(true);
            }
        }
        if self.drop_a_partition(held, &keeping).await? {
            return Ok(true);
        }
        for of_customer in &keeping {
            let Some(before) = of_customer.events_from else { continue };
            let mut tx = self.db.begin().await?;
            self.fence(&mut tx, held, held.applied, held.flushed).await?;
            let deleted = store::retention::delete_blocks(&mut tx, of_customer.customer, before, STEP_BLOCKS).await?;
            if deleted > 0 {
                tx.commit().await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The time, as far as the clock is believed; see [`domain::retention::believed`].
    pub(super) async fn believed_now(&mut self, held: &Held) -> Result<Timestamp, Error> {
        let (now, at) = (self.engine.now(), Instant::now());
        let seen = store::aggregator::believed_at(&self.db).await?;
        let time = self.believed.time(now, seen, at);
        if now.millis() - time.millis() > DAY_MS {
            tracing::warn!(clock = %now, believed = %time, "the clock is far ahead: raw events are given up as of an earlier time");
        }
        if Believed::is_news(now, seen, time) {
            let mut tx = self.db.begin().await?;
            self.fence(&mut tx, held, held.applied, held.flushed).await?;
            store::aggregator::set_believed_at(&mut tx, time).await?;
            tx.commit().await?;
            self.believed.stored(time, at);
        }
        Ok(time)
    }

    /// Notes that a customer's raw events before an instant are given up; `false` if that has to wait.
    async fn give_up(&self, held: &mut Held, keeping: &Keeping, before: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        self.fence(&mut tx, held, held.applied, held.flushed).await?;
        if !store::retention::give_up(&mut tx, keeping.customer, before).await? {
            return Ok(false);
        }
        let (customer, action, subject) = (Some(keeping.customer), Action::EventsGivenUp, format!("Before {before}"));
        let known = keeping.events_from.map(|from| from.to_string());
        let details = serde_json::json!({ "kept_from": { "from": known, "to": before.to_string() } });
        self.engine.note(&mut tx, Note { customer, by: ITSELF, action, subject, details }).await?;
        // No process accepts events any more that would need them.
        store::directory::touch(&mut tx, &new_uuid(self.engine.now()).to_string()).await?;
        tx.commit().await?;
        held.known.give_up(keeping.customer, before);
        tracing::info!(customer_no = keeping.customer.0, %before, "raw events are kept no longer");
        Ok(true)
    }

    /// Drops a partition of which nothing is kept, if there is one.
    async fn drop_a_partition(&self, held: &mut Held, keeping: &[Keeping]) -> Result<bool, Error> {
        let Some(latest) = keeping.iter().filter_map(|of_customer| of_customer.events_from).max() else {
            return Ok(false);
        };
        let mut tx = self.db.begin().await?;
        self.fence(&mut tx, held, held.applied, held.flushed).await?;
        for month in store::retention::partitions(&mut tx).await? {
            let (from, to) = (month_start(month), month_start(month.plus(1)));
            if to > latest || store::retention::is_needed(&mut tx, from, to).await? {
                continue;
            }
            if let Err(error) = store::retention::drop_partition(&mut tx, month).await {
                tracing::warn!(%error, %month, "a partition is in use: it is dropped later");
                return Ok(false);
            }
            tx.commit().await?;
            held.partitions.remove(&month.0);
            return Ok(true);
        }
        Ok(false)
    }
}
