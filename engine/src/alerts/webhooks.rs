//! The endpoints that a customer has.

use super::call::new_secret;
use super::{payload, to_endpoint};
use crate::actor::{Manager, Reader};
use crate::clock::new_uuid;
use crate::error::Error;
use crate::{Engine, Paged, Paging, store};
use domain::alert::webhook::{OLD_SECRET_MS, WEBHOOKS_MAX};
use domain::alert::{NewWebhook, Webhook, WebhookForm, test_message};
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::{CustomerNo, WebhookId};
use serde_json::json;

impl Engine {
    /// A page of a customer's webhook endpoints, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn list_webhooks(&self, reader: &Reader, paging: Paging) -> Result<Paged<Webhook>, Error> {
        let records = store::webhooks::of_customer(&self.0.db, reader.one()?.record.no, self.now()).await?;
        paging.cut(records.into_iter().map(|record| record.webhook).collect(), |webhook| webhook.id.to_string())
    }

    /// Creates an endpoint with its secret, which is shown this once.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form, or if there are too many.
    pub async fn create_webhook(&self, manager: &Manager, form: &WebhookForm) -> Result<NewWebhook, Error> {
        let url = form.check(self.0.settings.webhook_allow_private)?;
        let (customer, id) = (manager.customer_no(), WebhookId::from_uuid(new_uuid(self.now())));
        let mut tx = self.begin_alerts(customer).await?;
        if store::webhooks::count(&mut tx, customer).await? >= WEBHOOKS_MAX {
            let detail = format!("There are {WEBHOOKS_MAX} endpoints already: delete one first.");
            return Err(Faults::one("url", FaultCode::FieldTooLong, detail).into());
        }
        let secret = new_secret();
        store::webhooks::insert(&mut tx, customer, id, &url, &secret, self.now()).await?;
        self.note_webhook(&mut tx, (customer, &*manager.by), Action::WebhookMade, (id, &url)).await?;
        tx.commit().await?;
        Ok(NewWebhook { webhook: self.webhook(customer, id).await?, secret })
    }

    /// Gives an endpoint another secret, which is shown this once. For a day deliveries are signed with the one before
    /// as well.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn rotate_webhook(&self, manager: &Manager, id: WebhookId) -> Result<NewWebhook, Error> {
        let (customer, secret) = (manager.customer_no(), new_secret());
        let mut tx = self.0.db.begin().await?;
        let old_until = self.now().plus(OLD_SECRET_MS);
        if !store::webhooks::rotate(&mut tx, customer, id, &secret, old_until).await? {
            return Err(Error::NotFound);
        }
        let url = self.url_of(&mut tx, customer, id).await?;
        self.note_webhook(&mut tx, (customer, &*manager.by), Action::WebhookSecretMade, (id, &url)).await?;
        tx.commit().await?;
        Ok(NewWebhook { webhook: self.webhook(customer, id).await?, secret })
    }

    /// Disables an endpoint, so that it is not called, or enables it again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_webhook_disabled(
        &self,
        manager: &Manager,
        id: WebhookId,
        disabled: bool,
    ) -> Result<Webhook, Error> {
        let customer = manager.customer_no();
        let mut tx = self.0.db.begin().await?;
        if store::webhooks::set_disabled(&mut tx, customer, id, disabled.then(|| self.now())).await? {
            let url = self.url_of(&mut tx, customer, id).await?;
            let action = if disabled { Action::WebhookDisabled } else { Action::WebhookEnabled };
            self.note_webhook(&mut tx, (customer, &*manager.by), action, (id, &url)).await?;
        }
        tx.commit().await?;
        self.webhook(customer, id).await
    }

    /// Deletes an endpoint. The log of its deliveries stays.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if an alert calls it.
    pub async fn delete_webhook(&self, manager: &Manager, id: WebhookId) -> Result<(), Error> {
        let customer = manager.customer_no();
        let mut tx = self.begin_alerts(customer).await?;
        if store::alerts::calls(&mut tx, customer, id).await? {
            let detail = "An alert calls this endpoint: choose another one there first.";
            return Err(Faults::one("webhook", FaultCode::FieldInvalid, detail).into());
        }
        let url = self.url_of(&mut tx, customer, id).await?;
        if !store::webhooks::delete(&mut tx, customer, id).await? {
            return Err(Error::NotFound);
        }
        self.note_webhook(&mut tx, (customer, &*manager.by), Action::WebhookDeleted, (id, &url)).await?;
        tx.commit().await
    }

    /// Sends a test message to an endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if much was sent in the last hour.
    pub async fn test_webhook(&self, manager: &Manager, id: WebhookId) -> Result<(), Error> {
        let (customer, now) = (manager.customer_no(), self.now());
        let message = test_message(&manager.customer().name, None);
        let mut tx = self.0.db.begin().await?;
        self.check_tests(&mut tx, customer).await?;
        let endpoint = store::webhooks::find_in(&mut tx, customer, id, now).await?.ok_or(Error::NotFound)?;
        let body = payload(("webhook.test", json!({})), &manager.of, &message, now);
        let new = to_endpoint(None, id, endpoint.webhook.url, &message, body, now);
        store::deliveries::insert(&mut tx, customer, new, now).await?;
        tx.commit().await?;
        self.0.messages_due.notify_one();
        Ok(())
    }

    async fn webhook(&self, customer: CustomerNo, id: WebhookId) -> Result<Webhook, Error> {
        let found = store::webhooks::find(&self.0.db, customer, id, self.now()).await?;
        found.map(|record| record.webhook).ok_or(Error::NotFound)
    }
}
