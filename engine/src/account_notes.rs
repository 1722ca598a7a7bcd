//! What the audit log says of changes of accounts: old and new values, never a password, a secret or a hash of one.

use crate::Engine;
use crate::actor::{Manager, Operator};
use crate::audit::{Note, changes};
use crate::error::Error;
use crate::store::Tx;
use domain::account::{Application, CustomerLimits, NewCustomer, Role};
use domain::audit::Action;
use domain::ids::CustomerNo;
use domain::{CustomerId, UserId};
use serde_json::{Map, Value, json};

/// What is told of a customer.
pub(crate) fn customer(of: &NewCustomer) -> Value {
    let CustomerLimits { catalogue_quota_per_day, event_burst_per_second, event_retention_months, suppress_below } =
        of.limits;
    json!({
        "name": of.name,
        "time_zone": of.time_zone.name(),
        "catalogue_quota_per_day": catalogue_quota_per_day,
        "event_burst_per_second": event_burst_per_second,
        "event_retention_months": event_retention_months,
        "suppress_below": suppress_below,
    })
}

/// A person before and after a change.
pub(crate) struct UserChange<'a> {
    pub id: UserId,
    /// Before, or of one who is new.
    pub email: &'a str,
    /// Whose person it was, and is.
    pub of: (Option<CustomerNo>, Option<CustomerNo>),
    pub details: Map<String, Value>,
}

/// What is told of a person.
pub(crate) fn user(email: &str, name: &str, role: Role, customer: Option<CustomerId>) -> Value {
    json!({ "email": email, "name": name, "role": role.as_str(), "customer": customer })
}

impl Engine {
    /// Notes what was changed of a customer, if anything was.
    pub(crate) async fn note_customer_change(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        no: CustomerNo,
        (before, after): (&NewCustomer, &NewCustomer),
    ) -> Result<(), Error> {
        let details = changes(&customer(before), &customer(after));
        if details.is_empty() {
            return Ok(());
        }
        let (subject, details) = (before.name.clone(), Value::Object(details));
        let action = Action::CustomerChanged;
        self.note(tx, Note { customer: Some(no), by: &operator.by, action, subject, details }).await
    }

    /// Notes what was done to an application; `more` is told besides its id.
    pub(crate) async fn note_application(
        &self,
        tx: &mut Tx,
        manager: &Manager,
        action: Action,
        (name, mut details): (&str, Value),
        application: domain::ApplicationId,
    ) -> Result<(), Error> {
        details["application"] = json!(application);
        let customer = Some(manager.customer_no());
        self.note(tx, Note { customer, by: &manager.by, action, subject: name.to_owned(), details }).await
    }

    /// Notes that all of an application's access was ended, or let go on.
    pub(crate) async fn note_suspension(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        customer: CustomerNo,
        application: &Application,
        suspended: bool,
    ) -> Result<(), Error> {
        let action = if suspended { Action::ApplicationSuspended } else { Action::ApplicationResumed };
        let (subject, details) = (application.name.clone(), json!({ "application": application.id }));
        self.note(tx, Note { customer: Some(customer), by: &operator.by, action, subject, details }).await
    }

    /// Notes what was done to a person's account: with the customer whose person it is, and with the one whose it was.
    pub(crate) async fn note_user(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        action: Action,
        change: UserChange<'_>,
    ) -> Result<(), Error> {
        let UserChange { id, email, of: (before, after), mut details } = change;
        details.insert("user".to_owned(), json!(id));
        let details = Value::Object(details);
        let both = [Some(after), (before != after).then_some(before)];
        for customer in both.into_iter().flatten() {
            let (subject, details) = (email.to_owned(), details.clone());
            self.note(tx, Note { customer, by: &operator.by, action, subject, details }).await?;
        }
        Ok(())
    }
}
