//! Delivering messages: each is written down first, in the transaction of what it tells of, and then tried until it
//! arrives or is given up. It arrives at least once: whoever sends it may end before it is noted.

use super::call::Call;
use super::mail::Letter;
use crate::actor::{ITSELF, Manager, Reader};
use crate::clock::random_bytes;
use crate::error::Error;
use crate::paging::PAGE_MAX;
use crate::store::deliveries::Ended;
use crate::{Engine, Paged, Paging, store};
use domain::Timestamp;
use domain::alert::delivery::note;
use domain::alert::{Channel, Delivery, Outcome};
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::{CustomerNo, DeliveryId};
use domain::timestamp::MINUTE_MS;
use std::time::Duration;
use tokio::task::JoinSet;

/// For how long a process has a message to itself, in milliseconds. Longer than any attempt takes: nobody else may send
/// the message meanwhile.
const LEASE_MS: i64 = 2 * MINUTE_MS;
/// Messages that a process sends at once.
const AT_ONCE_MAX: i64 = 20;
/// How often it is looked for messages of other processes, and such as are tried again.
const LOOK: Duration = Duration::from_secs(1);

/// What an attempt came to.
pub(super) struct Sent {
    outcome: Outcome,
    status: Option<u16>,
    note: String,
}

impl Sent {
    pub fn new(outcome: Outcome, status: Option<u16>, text: &str) -> Self {
        Self { outcome, status, note: note(text) }
    }
}

/// An error and what caused it.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl Engine {
    /// A page of a customer's deliveries, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn deliveries(&self, reader: &Reader, paging: Paging) -> Result<Paged<Delivery>, Error> {
        let customer = reader.one()?.record.no;
        let list = |before, limit| store::deliveries::page(&self.0.db, customer, before, limit);
        paging.newest_first(PAGE_MAX, list, |delivery: &Delivery| delivery.id.uuid()).await
    }

    /// Tries a delivery that failed, or was given up, once more at once.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if it has arrived, or is about to be tried for the first time.
    pub async fn retry_delivery(&self, manager: &Manager, id: DeliveryId) -> Result<(), Error> {
        let customer = manager.customer_no();
        let mut tx = self.0.db.begin().await?;
        if !store::deliveries::retry(&mut tx, customer, id, self.now()).await? {
            if store::deliveries::exists(&mut tx, customer, id).await? {
                let detail = "It has arrived, or is being tried already.";
                return Err(Faults::one("delivery", FaultCode::FieldInvalid, detail).into());
            }
            return Err(Error::NotFound);
        }
        tx.commit().await?;
        self.0.messages_due.notify_one();
        Ok(())
    }

    /// Sends the messages that are due, some at once, and says how many attempts were made.
    pub(crate) async fn deliver_due(&self) -> Result<usize, Error> {
        let now = self.now();
        // Looking disturbs nobody; claiming waits for SQLite's one writer.
        if !store::deliveries::are_due(&self.0.db, now).await? {
            return Ok(0);
        }
        let mut tx = self.0.db.begin().await?;
        let claimed = store::deliveries::claim(&mut tx, now, now.plus(LEASE_MS), AT_ONCE_MAX).await?;
        tx.commit().await?;
        let attempts = claimed.len();
        let mut sending = JoinSet::new();
        for (customer, delivery) in claimed {
            let engine = self.clone();
            sending.spawn(async move { engine.attempt(customer, delivery).await });
        }
        while let Some(ended) = sending.join_next().await {
            if let Err(error) = ended.map_err(|error| Error::Internal(error.to_string())).flatten() {
                tracing::warn!(%error, "a delivery could not be noted: it is tried again");
            }
        }
        Ok(attempts)
    }

    async fn attempt(&self, customer: CustomerNo, delivery: Delivery) -> Result<(), Error> {
        let sent = match delivery.channel {
            Channel::Email => self.mail(&delivery).await,
            Channel::Webhook => self.call(customer, &delivery).await?,
        };
        let now = self.now();
        let [random] = random_bytes::<1>();
        let (status, next_attempt_at) = sent.outcome.after(delivery.attempts, now, random);
        let delivered_at = (sent.outcome == Outcome::Delivered).then_some(now);
        let ended = Ended { status, next_attempt_at, response_status: sent.status, note: sent.note, delivered_at };
        tracing::info!(id = %delivery.id, attempt = delivery.attempts, status = status.as_str(), "tried a delivery");
        self.note_attempt(customer, &delivery, sent.outcome, ended, now).await
    }

    async fn note_attempt(
        &self,
        customer: CustomerNo,
        delivery: &Delivery,
        outcome: Outcome,
        ended: Ended,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        store::deliveries::end_attempt(&mut tx, customer, delivery.id, delivery.attempts, ended).await?;
        if let (Outcome::Gone, Some(webhook)) = (outcome, delivery.webhook_id) {
            let is_new = store::webhooks::set_disabled(&mut tx, customer, webhook, Some(now)).await?;
            if is_new {
                let of = (webhook, delivery.target.as_str());
                self.note_webhook(&mut tx, (customer, ITSELF), Action::WebhookDisabled, of).await?;
            }
        }
        tx.commit().await
    }

    async fn mail(&self, delivery: &Delivery) -> Sent {
        let Some(mailer) = &self.0.mailer else {
            return Sent::new(Outcome::Failed, None, "this installation sends no e-mail");
        };
        let Delivery { id, target, subject, payload, .. } = delivery;
        mailer.send(&Letter { id: *id, to: target, subject, body: payload }, self.now()).await
    }

    async fn call(&self, customer: CustomerNo, delivery: &Delivery) -> Result<Sent, Error> {
        let now = self.now();
        let endpoint = match delivery.webhook_id {
            None => None,
            Some(id) => store::webhooks::find(&self.0.db, customer, id, now).await?,
        };
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.webhook.disabled_at.is_none()) else {
            return Ok(Sent::new(Outcome::Refused, None, "the endpoint was disabled or deleted"));
        };
        let secrets = std::iter::once(&endpoint.secret).chain(&endpoint.old_secret).map(String::as_str).collect();
        let call = Call { id: delivery.id, url: &delivery.target, body: &delivery.payload, secrets };
        Ok(self.0.caller.call(&call, now).await)
    }
}

/// Sends what is due, for as long as the process runs.
pub(crate) async fn deliver_messages(engine: Engine) {
    loop {
        match engine.deliver_due().await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "messages could not be delivered"),
        }
        tokio::select! {
            () = engine.0.messages_due.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
