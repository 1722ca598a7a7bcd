//! Looking whether alerts fire. Several processes may look at once: an alert fires once for each occasion.

use crate::actor::Operator;
use crate::directory::CustomerEntry;
use crate::error::Error;
use crate::ingest::{DUPLICATE, quarter};
use crate::store::alerts::AlertRecord;
use crate::store::figures::{GroupBy, Query, sums};
use crate::{Engine, store};
use domain::account::Tier;
use domain::alert::{About, AlertKind, Firing, LastDay, MonthSoFar, Observations, evaluate};
use domain::figures::{Figure, Scope};
use domain::ids::ApplicationNo;
use domain::metering::Grain;
use domain::timestamp::{DAY_MS, MINUTE_MS};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often it is looked whether alerts fire.
const LOOK: Duration = Duration::from_secs(60);
/// Alerts that are read at once.
const PAGE: i64 = 500;
/// How far figures may be behind, in milliseconds, for their silence to be the integration's.
const LAG_MAX_MS: i64 = MINUTE_MS;

impl Engine {
    /// Looks whether alerts fire, as a worker does every minute, and says how many did.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn evaluate_alerts(&self, _: &Operator) -> Result<usize, Error> {
        let (mut fired, mut after) = (0, None);
        loop {
            let page = store::alerts::page(&self.0.db, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(fired) };
            after = Some((last.customer, last.alert.id));
            for of_customer in page.chunk_by(|a, b| a.customer == b.customer) {
                match self.evaluate_of_customer(of_customer).await {
                    Ok(more) => fired += more,
                    Err(error @ Error::Unavailable(_)) => return Err(error),
                    // What is wrong with one customer costs no other its alerts.
                    Err(error) => tracing::error!(%error, "a customer's alerts could not be looked at"),
                }
            }
        }
    }

    async fn evaluate_of_customer(&self, records: &[AlertRecord]) -> Result<usize, Error> {
        let directory = self.directory();
        let of = |customer: &&&Arc<CustomerEntry>| records.iter().any(|it| it.customer == customer.record.no);
        // One that was created a moment ago comes with the next look.
        let Some(customer) = directory.customers().iter().find(of).map(|it| Arc::clone(it)) else { return Ok(0) };
        let seen = self.observe(&customer, records).await?;
        let mut fired = 0;
        for record in records {
            if let Some(firing) = evaluate(&record.alert.rule, &seen, record.fired.as_ref()) {
                fired += usize::from(self.fire(&customer, record, &firing, &seen).await?);
            }
        }
        Ok(fired)
    }

    /// What is known of a customer, as far as its alerts ask for it.
    async fn observe(&self, customer: &CustomerEntry, records: &[AlertRecord]) -> Result<Observations, Error> {
        let asks = |kinds: &[AlertKind]| records.iter().any(|record| kinds.contains(&record.alert.rule.kind()));
        let now = self.now();
        let mut seen = Observations { now, month: None, last_event_hour: None, last_day: LastDay::default() };
        if asks(&[AlertKind::SpendReaches, AlertKind::UsageReaches, AlertKind::IncludedShareReaches]) {
            seen.month = self.current_statement(customer).await?.map(|statement| MonthSoFar {
                month: statement.month,
                figure: statement.waterfall.figure,
                quantity: statement.waterfall.billable,
                included: statement.card.terms.included,
                spend: statement.total,
            });
        }
        let applications = self.production_applications(customer);
        if asks(&[AlertKind::Silent]) && self.lag_ms().await? <= LAG_MAX_MS {
            seen.last_event_hour = store::figures::last_hour(&self.0.db, customer.record.no, &applications).await?;
        }
        if asks(&[AlertKind::RejectedShareAbove]) {
            seen.last_day = self.last_day(customer, &applications).await?;
        }
        Ok(seen)
    }

    fn production_applications(&self, customer: &CustomerEntry) -> Vec<ApplicationNo> {
        let directory = self.directory();
        let all = directory.applications().into_iter().map(|entry| &entry.record);
        let own = all
            .filter(|record| record.customer_no == customer.record.no && record.application.tier == Tier::Production);
        own.map(|record| record.no).collect()
    }

    /// What was received since the hour began that it was 24 hours ago: figures are by the hour.
    async fn last_day(&self, customer: &CustomerEntry, applications: &[ApplicationNo]) -> Result<LastDay, Error> {
        let no = customer.record.no;
        let from = customer.record.customer.time_zone.hour_start(self.now().plus(-DAY_MS));
        let query = Query {
            customers: &[no],
            applications,
            scope: Scope::Application,
            grain: Grain::Hour,
            from: from.millis(),
            to: i64::MAX,
            member: None,
            method: None,
            group_by: GroupBy::Nothing,
        };
        let mut tx = self.0.db.snapshot().await?;
        let accepted = sums(&mut tx, &query).await?;
        let accepted = accepted.iter().map(|(_, n)| n.get(Figure::GrossDisplays) + n.get(Figure::GrossClicks));
        let to = quarter(self.now().plus(DAY_MS));
        let intake = store::intake::of_applications(&mut tx, no, applications, quarter(from), to).await?;
        let all: i64 = intake.iter().map(|(_, n)| n).sum();
        let rejected = intake.iter().filter(|(code, _)| code != DUPLICATE).map(|(_, n)| n).sum();
        Ok(LastDay { received: accepted.sum::<i64>() + all, rejected })
    }

    async fn fire(
        &self,
        customer: &CustomerEntry,
        record: &AlertRecord,
        firing: &Firing,
        seen: &Observations,
    ) -> Result<bool, Error> {
        let (alert, of) = (&record.alert, &customer.record.customer);
        let about =
            About { customer: &of.name, alert: &alert.name, rule: &alert.rule, zone: of.time_zone, now: seen.now };
        let message = firing.message(&about);
        let data = json!({
            "alert_id": alert.id,
            "alert": alert.name,
            "rule": alert.rule,
            "occurrence": firing.occurrence,
        });
        let mut tx = self.0.db.begin().await?;
        if !store::alerts::fire(&mut tx, record, firing.occasion, seen.now).await? {
            return Ok(false);
        }
        self.write_down(&mut tx, customer, alert, &message, ("alert.fired", data)).await?;
        tx.commit().await?;
        tracing::info!(alert = %alert.id, "an alert fired");
        self.0.messages_due.notify_one();
        Ok(true)
    }
}

/// Looks whether alerts fire, for as long as the process runs: in the process that aggregates, as one is enough.
pub(crate) async fn watch_alerts(engine: Engine) {
    loop {
        tokio::time::sleep(LOOK).await;
        if !engine.0.aggregates.load(Ordering::Relaxed) {
            continue;
        }
        if let Err(error) = engine.evaluate_alerts(&engine.authenticate_console()).await {
            tracing::warn!(%error, "alerts could not be looked at");
        }
    }
}
