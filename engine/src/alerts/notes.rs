//! What the audit log says of alerts and endpoints. Of an endpoint it is scheme and host: what follows may be a secret of the
//! receiver's.

use crate::Engine;
use crate::actor::Manager;
use crate::audit::{Note, changes};
use crate::error::Error;
use crate::store::{self, Turn, Tx};
use domain::alert::webhook::origin;
use domain::alert::{Alert, NewAlert};
use domain::audit::Action;
use domain::ids::{AlertId, CustomerNo, WebhookId};
use serde_json::{Value, json};

/// What an alert was made of.
pub(super) fn was(alert: Alert) -> NewAlert {
    NewAlert { name: alert.name, rule: alert.rule, emails: alert.emails, webhook_id: alert.webhook_id }
}

fn told(of: &NewAlert) -> Value {
    json!({ "name": of.name, "rule": of.rule.description(), "emails": of.emails, "webhook": of.webhook_id })
}

impl Engine {
    /// Begins a transaction that changes a customer's alerts or endpoints: another one that does waits until it ends.
    pub(super) async fn begin_alerts(&self, customer: CustomerNo) -> Result<Tx, Error> {
        let mut tx = self.0.db.begin().await?;
        tx.take_turn(Turn::Alerts, Some(customer)).await?;
        Ok(tx)
    }

    /// Notes what became of an alert: of a changed one what differs, if anything does.
    pub(super) async fn note_alert(
        &self,
        tx: &mut Tx,
        manager: &Manager,
        action: Action,
        id: AlertId,
        (before, after): (Option<&NewAlert>, Option<&NewAlert>),
    ) -> Result<(), Error> {
        let mut details = match (before, after) {
            (Some(before), Some(after)) if before == after => return Ok(()),
            (Some(before), Some(after)) => Value::Object(changes(&told(before), &told(after))),
            (Some(one), None) | (None, Some(one)) => told(one),
            (None, None) => json!({}),
        };
        details["alert"] = json!(id);
        let subject = before.or(after).map_or_else(String::new, |alert| alert.name.clone());
        let customer = Some(manager.customer_no());
        self.note(tx, Note { customer, by: &manager.by, action, subject, details }).await
    }

    /// The address of an endpoint.
    pub(super) async fn url_of(&self, tx: &mut Tx, customer: CustomerNo, id: WebhookId) -> Result<String, Error> {
        let found = store::webhooks::find_in(tx, customer, id, self.now()).await?;
        found.map(|record| record.webhook.url).ok_or(Error::NotFound)
    }

    /// Notes what was done to an endpoint.
    pub(super) async fn note_webhook(
        &self,
        tx: &mut Tx,
        (customer, by): (CustomerNo, &str),
        action: Action,
        (id, url): (WebhookId, &str),
    ) -> Result<(), Error> {
        let note =
            Note { customer: Some(customer), by, action, subject: origin(url), details: json!({ "webhook": id }) };
        self.note(tx, note).await
    }
}
