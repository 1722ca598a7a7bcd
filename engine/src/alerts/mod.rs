//! Alerts: what customers want to be told, looking whether it has happened, and telling them.

mod call;
mod deliver;
mod mail;
mod notes;
mod watch;
mod webhooks;

pub(crate) use call::Caller;
pub(crate) use deliver::deliver_messages;
pub(crate) use mail::Mailer;
pub use mail::check_mail_settings;
pub(crate) use watch::watch_alerts;

use crate::actor::{Manager, Reader};
use crate::clock::new_uuid;
use crate::directory::CustomerEntry;
use crate::error::Error;
use crate::store::alerts::AlertRecord;
use crate::store::deliveries::NewDelivery;
use crate::store::{self, Tx};
use crate::{Engine, Paged, Paging};
use domain::Timestamp;
use domain::alert::delivery::KEPT_MS;
use domain::alert::{ALERTS_MAX, Alert, AlertForm, AlertOptions, Channel, Message, NewAlert, test_message};
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::{AlertId, CustomerNo, DeliveryId, WebhookId};
use domain::timestamp::{DAY_MS, HOUR_MS};
use notes::was;
use serde_json::{Value, json};

/// Messages of a customer in an hour after which nothing more is tried out.
const TESTS_UNTIL_MESSAGES_PER_HOUR: usize = 60;
/// For how long it is known what alerts fired for, in milliseconds: longer than any occasion lasts.
const FIRINGS_KEPT_MS: i64 = 400 * DAY_MS;

impl Engine {
    /// What can be chosen for a customer's alerts.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn alert_options(&self, reader: &Reader) -> Result<AlertOptions, Error> {
        self.options_of(reader.one()?).await
    }

    async fn options_of(&self, customer: &CustomerEntry) -> Result<AlertOptions, Error> {
        let statement = self.current_statement(customer).await?;
        let currency = statement.map(|statement| statement.card.terms.currency);
        Ok(AlertOptions { currency, sends_mail: self.0.mailer.is_some() })
    }

    /// A page of a customer's alerts, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn list_alerts(&self, reader: &Reader, paging: Paging) -> Result<Paged<Alert>, Error> {
        let records = store::alerts::of_customer(&self.0.db, reader.one()?.record.no).await?;
        paging.cut(records.into_iter().map(|record| record.alert).collect(), |alert| alert.id.to_string())
    }

    /// An alert.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn alert(&self, reader: &Reader, id: AlertId) -> Result<Alert, Error> {
        Ok(self.alert_record(reader.one()?.record.no, id).await?.alert)
    }

    async fn alert_record(&self, customer: CustomerNo, id: AlertId) -> Result<AlertRecord, Error> {
        store::alerts::find(&self.0.db, customer, id).await?.ok_or(Error::NotFound)
    }

    /// Creates an alert.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form, or if there are too many.
    pub async fn create_alert(&self, manager: &Manager, form: &AlertForm) -> Result<Alert, Error> {
        let new = self.check_alert(manager, form).await?;
        let (customer, id) = (manager.customer_no(), AlertId::from_uuid(new_uuid(self.now())));
        let mut tx = self.begin_alerts(customer).await?;
        if store::alerts::count(&mut tx, customer).await? >= ALERTS_MAX {
            let detail = format!("There are {ALERTS_MAX} alerts already: delete one first.");
            return Err(Faults::one("name", FaultCode::FieldTooLong, detail).into());
        }
        store::alerts::insert(&mut tx, customer, id, &new, self.now()).await?;
        self.note_alert(&mut tx, manager, Action::AlertMade, id, (None, Some(&new))).await?;
        tx.commit().await?;
        Ok(self.alert_record(customer, id).await?.alert)
    }

    /// Changes an alert. With another rule it has not fired yet.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] with all faults of the form.
    pub async fn update_alert(&self, manager: &Manager, id: AlertId, form: &AlertForm) -> Result<Alert, Error> {
        let customer = manager.customer_no();
        self.alert_record(customer, id).await?;
        let new = self.check_alert(manager, form).await?;
        let mut tx = self.begin_alerts(customer).await?;
        let before = store::alerts::find_in(&mut tx, customer, id).await?.ok_or(Error::NotFound)?.alert;
        if !store::alerts::update(&mut tx, customer, id, &new).await? {
            return Err(Error::NotFound);
        }
        let both = (Some(&was(before)), Some(&new));
        self.note_alert(&mut tx, manager, Action::AlertChanged, id, both).await?;
        tx.commit().await?;
        Ok(self.alert_record(customer, id).await?.alert)
    }

    /// Deletes an alert. The log of its deliveries stays.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_alert(&self, manager: &Manager, id: AlertId) -> Result<(), Error> {
        let customer = manager.customer_no();
        let mut tx = self.begin_alerts(customer).await?;
        let before = store::alerts::find_in(&mut tx, customer, id).await?.ok_or(Error::NotFound)?.alert;
        store::alerts::delete(&mut tx, customer, id).await?;
        self.note_alert(&mut tx, manager, Action::AlertDeleted, id, (Some(&was(before)), None)).await?;
        tx.commit().await
    }

    async fn check_alert(&self, manager: &Manager, form: &AlertForm) -> Result<NewAlert, Error> {
        let new = form.check(&self.options_of(&manager.of).await?)?;
        let mut faults = Faults::default();
        if !new.emails.iter().all(|address| mail::is_address(address)) {
            faults.add("emails", FaultCode::FieldInvalid, "One of them is not an e-mail address.");
        }
        if let Some(id) = new.webhook_id
            && store::webhooks::find(&self.0.db, manager.customer_no(), id, self.now()).await?.is_none()
        {
            faults.add("webhook_id", FaultCode::FieldInvalid, "There is no such webhook endpoint.");
        }
        Ok(faults.or(new)?)
    }

    /// Sends a test message to all that an alert tells, and says how many they are.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if much was sent in the last hour.
    pub async fn test_alert(&self, manager: &Manager, id: AlertId) -> Result<usize, Error> {
        let alert = self.alert_record(manager.customer_no(), id).await?.alert;
        let message = test_message(&manager.customer().name, Some(&alert.name));
        let mut tx = self.0.db.begin().await?;
        self.check_tests(&mut tx, manager.customer_no()).await?;
        let data = json!({"alert_id": id, "alert": alert.name});
        let sent = self.write_down(&mut tx, &manager.of, &alert, &message, ("alert.test", data)).await?;
        tx.commit().await?;
        self.0.messages_due.notify_one();
        Ok(sent)
    }

    async fn check_tests(&self, tx: &mut Tx, customer: CustomerNo) -> Result<(), Error> {
        let since = self.now().plus(-HOUR_MS);
        if store::deliveries::count_since(tx, customer, since).await? < TESTS_UNTIL_MESSAGES_PER_HOUR {
            return Ok(());
        }
        let detail = "Many messages were sent in the last hour: try again later.";
        Err(Faults::one("alert", FaultCode::FieldTooLong, detail).into())
    }

    /// Writes a message down for each address and the endpoint of an alert; says how many they are. The endpoint gets the
    /// `event` with its data besides.
    async fn write_down(
        &self,
        tx: &mut Tx,
        customer: &CustomerEntry,
        alert: &Alert,
        message: &Message,
        event: (&str, Value),
    ) -> Result<usize, Error> {
        let now = self.now();
        let mut new: Vec<NewDelivery> = Vec::new();
        for address in &alert.emails {
            new.push(NewDelivery {
                id: DeliveryId::from_uuid(new_uuid(now)),
                alert_id: Some(alert.id),
                webhook_id: None,
                channel: Channel::Email,
                target: address.clone(),
                subject: message.subject.clone(),
                payload: message.body.clone(),
            });
        }
        if let Some(id) = alert.webhook_id
            && let Some(endpoint) = store::webhooks::find_in(tx, customer.record.no, id, now).await?
        {
            let body = payload(event, customer, message, now);
            new.push(to_endpoint(Some(alert.id), id, endpoint.webhook.url, message, body, now));
        }
        let count = new.len();
        for delivery in new {
            store::deliveries::insert(tx, customer.record.no, delivery, now).await?;
        }
        Ok(count)
    }

    /// Forgets deliveries and firings of long ago.
    pub(crate) async fn forget_old_alerts(&self) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        store::deliveries::forget(&mut tx, self.now().plus(-KEPT_MS)).await?;
        store::alerts::forget_firings(&mut tx, self.now().plus(-FIRINGS_KEPT_MS)).await?;
        tx.commit().await
    }
}

fn to_endpoint(
    alert_id: Option<AlertId>,
    webhook: WebhookId,
    url: String,
    message: &Message,
    payload: String,
    now: Timestamp,
) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from_uuid(new_uuid(now)),
        alert_id,
        webhook_id: Some(webhook),
        channel: Channel::Webhook,
        target: url,
        subject: message.subject.clone(),
        payload,
    }
}

/// What an endpoint gets: type, instant and data, as Standard Webhooks recommends.
fn payload((kind, data): (&str, Value), customer: &CustomerEntry, message: &Message, now: Timestamp) -> String {
    let mut all = json!({
        "customer_id": customer.record.customer.id,
        "customer": customer.record.customer.name,
        "subject": message.subject,
        "text": message.body,
    });
    if let (Some(all), Value::Object(data)) = (all.as_object_mut(), data) {
        all.extend(data);
    }
    json!({"type": kind, "timestamp": now.to_string(), "data": all}).to_string()
}
