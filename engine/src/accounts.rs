//! Customers, applications and users.

use crate::Engine;
use crate::account_notes::{self, UserChange};
use crate::actor::{Manager, Operator, Reader, Supervisor};
use crate::audit::{Note, changes};
use crate::auth::{hash_secret, new_secret};
use crate::clock::{new_uuid, random_bytes};
use crate::directory::{ApplicationEntry, CustomerEntry};
use crate::error::Error;
use crate::login::hash_password;
use crate::paging::{Paged, Paging};
use crate::store::{self, Tx};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::account::{
    Application, ApplicationForm, Customer, CustomerForm, NewCredentials, SECRETS_MAX, User, UserForm,
};
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::{ApplicationNo, CustomerNo};
use domain::{ApplicationId, CustomerId, SecretId, UserId};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl Engine {
    /// A customer of the directory, which is looked at again if it is not there.
    pub(crate) async fn customer_entry(&self, id: CustomerId) -> Result<Arc<CustomerEntry>, Error> {
        if let Some(entry) = self.directory().customer(id) {
            return Ok(entry.clone());
        }
        self.refresh_directory().await?;
        self.directory().customer(id).cloned().ok_or(Error::NotFound)
    }

    fn application_entry(&self, manager: &Manager, id: ApplicationId) -> Result<Arc<ApplicationEntry>, Error> {
        self.directory().application_of(manager.customer_no(), id).cloned().ok_or(Error::NotFound)
    }

    /// Ends a transaction that changed the directory, and tells all processes.
    pub(crate) async fn commit_directory(&self, mut tx: Tx) -> Result<(), Error> {
        store::directory::touch(&mut tx, &new_uuid(self.now()).to_string()).await?;
        tx.commit().await?;
        self.refresh_directory().await
    }

    /// A page of the customers, oldest first.
    ///
    /// # Errors
    /// None but of the store.
    pub async fn list_customers(&self, _: &Supervisor, paging: Paging) -> Result<Paged<Customer>, Error> {
        let all = self.directory().customers().into_iter().map(|entry| entry.record.customer.clone()).collect();
        paging.cut(all, |customer| customer.id.to_string())
    }

    /// Names of all customers, for choosers.
    #[must_use]
    pub fn all_customers(&self, _: &Supervisor) -> Vec<(CustomerId, String)> {
        let directory = self.directory();
        let name = |entry: &Arc<CustomerEntry>| (entry.record.customer.id, entry.record.customer.name.clone());
        let mut all: Vec<_> = directory.customers().into_iter().map(name).collect();
        all.sort_by_cached_key(|(_, name)| name.to_lowercase());
        all
    }

    /// A customer.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn customer(&self, _: &Supervisor, id: CustomerId) -> Result<Customer, Error> {
        Ok(self.customer_entry(id).await?.record.customer.clone())
    }

    /// Creates a customer.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form.
    pub async fn create_customer(&self, operator: &Operator, form: &CustomerForm) -> Result<Customer, Error> {
        let new = form.check()?;
        let id = CustomerId::from_uuid(new_uuid(self.now()));
        let mut tx = self.begin_change().await?;
        let no = store::accounts::insert_customer(&mut tx, id, &new, &random_bytes::<32>(), self.now()).await?;
        let (by, action, subject) = (&operator.by, Action::CustomerAdded, new.name.clone());
        let details = account_notes::customer(&new);
        self.note(&mut tx, Note { customer: Some(no), by, action, subject, details }).await?;
        self.commit_directory(tx).await?;
        Ok(self.customer_entry(id).await?.record.customer.clone())
    }

    /// Changes a customer. Figures in a new time zone are counted anew, off the request.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] with all faults of the form, or if the time zone can no longer change.
    pub async fn update_customer(
        &self,
        operator: &Operator,
        id: CustomerId,
        form: &CustomerForm,
    ) -> Result<Customer, Error> {
        let no = self.customer_entry(id).await?.record.no;
        let new = form.check()?;
        let mut tx = self.begin_change().await?;
        let before = store::accounts::find_customer(&mut tx, no).await?;
        let changes_zone = before.time_zone != new.time_zone;
        if changes_zone && store::statements::latest_month(&mut tx, no).await?.is_some() {
            let detail = "A statement has been issued: the days and months that it counts stay as they are.";
            return Err(Error::Invalid(Faults::one("time_zone", FaultCode::MonthIssued, detail)));
        }
        if changes_zone {
            // In turn with this, reports are approved, of which drafts are outdated: they count other days. And imports of counts
            // begin: they are summed by the customer's days.
            store::reports::open_book(&mut tx, no, true).await?;
            if store::reports::has_approved(&mut tx, no).await? {
                let detail = "A report has been approved: the days and months that it counts stay as they are.";
                return Err(Error::Invalid(Faults::one("time_zone", FaultCode::FieldInvalid, detail)));
            }
            if !store::imports::of_counts(&mut tx, no).await?.is_empty() {
                let detail = "Counts of history were imported by the days of its time zone: withdraw them first.";
                return Err(Error::Invalid(Faults::one("time_zone", FaultCode::FieldInvalid, detail)));
            }
        }
        if !store::accounts::update_customer(&mut tx, no, &new).await? {
            let detail = "Events of the past are kept no longer, so its figures cannot be counted in another zone.";
            return Err(Error::Invalid(Faults::one("time_zone", FaultCode::FieldInvalid, detail)));
        }
        self.note_customer_change(&mut tx, operator, no, (&before, &new)).await?;
        self.commit_directory(tx).await?;
        self.0.work_to_do.notify_one();
        Ok(self.customer_entry(id).await?.record.customer.clone())
    }

    /// A page of the applications that the reader may see, oldest first.
    ///
    /// # Errors
    /// None but of the store.
    pub async fn list_applications(&self, reader: &Reader, paging: Paging) -> Result<Paged<Application>, Error> {
        let of = reader.of.as_ref().map(|entry| entry.record.no);
        let directory = self.directory();
        let visible = directory.applications().into_iter();
        let visible = visible.filter(|entry| of.is_none_or(|no| no == entry.record.customer_no));
        let all = visible.map(|entry| entry.record.application.clone()).collect();
        paging.cut(all, |application: &Application| application.id.to_string())
    }

    /// The name of an application that the reader may see.
    #[must_use]
    pub fn application_name(&self, reader: &Reader, id: ApplicationId) -> Option<String> {
        let directory = self.directory();
        let entry = directory.application_of(reader.of.as_ref()?.record.no, id)?;
        Some(entry.record.application.name.clone())
    }

    /// Creates an application with its first secret, which is shown this once.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form.
    pub async fn create_application(&self, manager: &Manager, form: &ApplicationForm) -> Result<NewCredentials, Error> {
        let form = form.check()?;
        let now = self.now();
        let id = ApplicationId::from_uuid(new_uuid(now));
        let client_id = format!("rlc_{}", URL_SAFE_NO_PAD.encode(random_bytes::<15>()));
        let mut tx = self.begin_change().await?;
        let customer = manager.customer_no();
        let no = store::accounts::insert_application(&mut tx, id, customer, &form, &client_id, now).await?;
        let (secret, client_secret) = self.add_secret(&mut tx, no).await?;
        let details = json!({ "tier": form.tier, "client_id": client_id, "secret": secret });
        self.note_application(&mut tx, manager, Action::ApplicationAdded, (&form.name, details), id).await?;
        self.commit_directory(tx).await?;
        self.credentials(manager, id, client_secret)
    }

    /// Gives an application a second secret; the first stays valid until it is revoked.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if two are valid already, or the application was revoked.
    pub async fn rotate_application(&self, manager: &Manager, id: ApplicationId) -> Result<NewCredentials, Error> {
        let entry = self.application_entry(manager, id)?;
        if entry.record.application.revoked_at.is_some() {
            let detail = "The application was revoked: create a new one.";
            return Err(Faults::one("application", FaultCode::FieldInvalid, detail).into());
        }
        let mut tx = self.begin_change().await?;
        if store::accounts::count_valid_secrets(&mut tx, entry.record.no).await? >= SECRETS_MAX {
            let detail = "Two secrets are valid already: revoke the one that is no longer used first.";
            return Err(Faults::one("secret", FaultCode::FieldTaken, detail).into());
        }
        let (secret, client_secret) = self.add_secret(&mut tx, entry.record.no).await?;
        let told = (entry.record.application.name.as_str(), json!({ "secret": secret }));
        self.note_application(&mut tx, manager, Action::SecretMade, told, id).await?;
        self.commit_directory(tx).await?;
        self.credentials(manager, id, client_secret)
    }

    /// Makes a secret: its id, and its text.
    async fn add_secret(&self, tx: &mut Tx, application: ApplicationNo) -> Result<(SecretId, String), Error> {
        let secret = new_secret();
        let id = SecretId::from_uuid(new_uuid(self.now()));
        let hint = &secret[secret.len() - 4..];
        store::accounts::insert_secret(tx, id, application, &hash_secret(&secret), hint, self.now()).await?;
        Ok((id, secret))
    }

    fn credentials(
        &self,
        manager: &Manager,
        id: ApplicationId,
        client_secret: String,
    ) -> Result<NewCredentials, Error> {
        let application = self.application_entry(manager, id)?.record.application.clone();
        Ok(NewCredentials { application, client_secret })
    }

    /// Revokes one secret: its tokens stop working within seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the application has no such valid secret.
    pub async fn revoke_secret(
        &self,
        manager: &Manager,
        id: ApplicationId,
        secret: SecretId,
    ) -> Result<Application, Error> {
        let entry = self.application_entry(manager, id)?;
        let mut tx = self.begin_change().await?;
        if store::accounts::revoke_secrets(&mut tx, entry.record.no, Some(secret), self.now()).await? == 0 {
            return Err(Error::NotFound);
        }
        let told = (entry.record.application.name.as_str(), json!({ "secret": secret }));
        self.note_application(&mut tx, manager, Action::SecretRevoked, told, id).await?;
        self.commit_directory(tx).await?;
        Ok(self.application_entry(manager, id)?.record.application.clone())
    }

    /// Revokes an application with all of its secrets, for good. Its figures stay.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke_application(&self, manager: &Manager, id: ApplicationId) -> Result<Application, Error> {
        let entry = self.application_entry(manager, id)?;
        let no = entry.record.no;
        let mut tx = self.begin_change().await?;
        let secrets = store::accounts::revoke_secrets(&mut tx, no, None, self.now()).await?;
        if store::accounts::revoke_application(&mut tx, no, self.now()).await? {
            let told = (entry.record.application.name.as_str(), json!({ "secrets": secrets }));
            self.note_application(&mut tx, manager, Action::ApplicationRevoked, told, id).await?;
        }
        self.commit_directory(tx).await?;
        Ok(self.application_entry(manager, id)?.record.application.clone())
    }

    /// Suspends an application (its tokens are refused, its secrets stay) or lets it go on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn suspend_application(
        &self,
        operator: &Operator,
        customer: CustomerId,
        id: ApplicationId,
        suspended: bool,
    ) -> Result<Application, Error> {
        let customer = self.customer_entry(customer).await?.record.no;
        let entry = self.directory().application_of(customer, id).cloned().ok_or(Error::NotFound)?;
        let mut tx = self.begin_change().await?;
        if store::accounts::suspend_application(&mut tx, entry.record.no, suspended.then(|| self.now())).await? {
            self.note_suspension(&mut tx, operator, customer, &entry.record.application, suspended).await?;
        }
        self.commit_directory(tx).await?;
        Ok(self.directory().application_of(customer, id).ok_or(Error::NotFound)?.record.application.clone())
    }

    /// A page of the users, by e-mail address.
    ///
    /// # Errors
    /// None but of the store.
    pub async fn list_users(&self, _: &Supervisor, paging: Paging) -> Result<Paged<User>, Error> {
        let limit = paging.limit.clamp(1, crate::paging::PAGE_MAX);
        let after = paging.cursor.unwrap_or_default();
        let fetch = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let mut items = store::accounts::list_users(&self.0.db, &after, fetch).await?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if has_more { items.last().map(|user| user.email.clone()) } else { None };
        Ok(Paged { items, next_cursor })
    }

    /// A user.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user(&self, _: &Supervisor, id: UserId) -> Result<User, Error> {
        store::accounts::find_user(&self.0.db, id).await?.ok_or(Error::NotFound)
    }

    async fn customer_of(&self, form: &UserForm) -> Result<Option<CustomerNo>, Error> {
        let Some(id) = form.customer_id else { return Ok(None) };
        match self.customer_entry(id).await {
            Ok(entry) => Ok(Some(entry.record.no)),
            Err(Error::NotFound) => {
                Err(Faults::one("customer_id", FaultCode::FieldInvalid, "There is no such customer.").into())
            }
            Err(error) => Err(error),
        }
    }

    /// Creates a user.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form, or if the address is taken.
    pub async fn create_user(&self, operator: &Operator, form: &UserForm) -> Result<User, Error> {
        let form = form.check(true)?;
        let customer = self.customer_of(&form).await?;
        let hash = hash_password(form.password.clone().unwrap_or_default()).await?;
        let id = UserId::from_uuid(new_uuid(self.now()));
        let mut tx = self.begin_change().await?;
        if !store::accounts::insert_user(&mut tx, id, &form, customer, &hash, self.now()).await? {
            return Err(email_taken());
        }
        let details = told(&form).as_object().cloned().unwrap_or_default();
        let change = UserChange { id, email: &form.email, of: (customer, customer), details };
        self.note_user(&mut tx, operator, Action::UserAdded, change).await?;
        tx.commit().await?;
        store::accounts::find_user(&self.0.db, id).await?.ok_or(Error::NotFound)
    }

    /// Changes a user; a new password or role ends the user's sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] with all faults of the form, or if the address is taken.
    pub async fn update_user(&self, operator: &Operator, id: UserId, form: &UserForm) -> Result<User, Error> {
        self.user(&operator.as_supervisor(), id).await?;
        let form = form.check(false)?;
        let customer = self.customer_of(&form).await?;
        let hash = match form.password.clone() {
            None => None,
            Some(password) => Some(hash_password(password).await?),
        };
        let mut tx = self.begin_change().await?;
        let before = store::accounts::find_user_in(&mut tx, id).await?.ok_or(Error::NotFound)?;
        if store::accounts::is_email_taken(&mut tx, &form.email, id).await? {
            return Err(email_taken());
        }
        store::accounts::update_user(&mut tx, id, &form, customer).await?;
        if let Some(hash) = &hash {
            store::accounts::set_password(&mut tx, id, hash).await?;
        }
        if hash.is_some() || before.role != form.role || before.customer_id != form.customer_id {
            store::web_sessions::delete_of_user(&mut tx, id).await?;
        }
        let was = account_notes::user(&before.email, &before.name, before.role, before.customer_id);
        let mut details = changes(&was, &told(&form));
        if hash.is_some() {
            details.insert("password".to_owned(), json!("set"));
        }
        if !details.is_empty() {
            let of = (self.no_of(before.customer_id).await?, customer);
            let change = UserChange { id, email: &before.email, of, details };
            self.note_user(&mut tx, operator, Action::UserChanged, change).await?;
        }
        tx.commit().await?;
        self.user(&operator.as_supervisor(), id).await
    }

    /// Disables a user, which ends its sessions, or enables it again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_user_disabled(&self, operator: &Operator, id: UserId, disabled: bool) -> Result<User, Error> {
        let mut tx = self.begin_change().await?;
        let before = store::accounts::find_user_in(&mut tx, id).await?.ok_or(Error::NotFound)?;
        store::accounts::set_disabled(&mut tx, id, disabled.then(|| self.now())).await?;
        store::web_sessions::delete_of_user(&mut tx, id).await?;
        if before.disabled_at.is_some() != disabled {
            let customer = self.no_of(before.customer_id).await?;
            let action = if disabled { Action::UserDisabled } else { Action::UserEnabled };
            let change = UserChange { id, email: &before.email, of: (customer, customer), details: Map::new() };
            self.note_user(&mut tx, operator, action, change).await?;
        }
        tx.commit().await?;
        self.user(&operator.as_supervisor(), id).await
    }

    /// Whether nothing has been set up yet.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        store::accounts::is_empty(&self.0.db).await
    }
}

/// What the audit log tells of a person.
fn told(form: &UserForm) -> Value {
    account_notes::user(&form.email, &form.name, form.role, form.customer_id)
}

fn email_taken() -> Error {
    Faults::one("email", FaultCode::FieldTaken, "Another user has this e-mail address.").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list() {
        let all: Vec<u32> = (0..7).collect();
        let mut paging = Paging { cursor: None, limit: 3 };
        let mut seen = Vec::new();
        loop {
            let page = paging.cut(all.clone(), ToString::to_string).unwrap();
            seen.extend(page.items);
            match page.next_cursor {
                None => break,
                cursor => paging.cursor = cursor,
            }
        }
        assert_eq!(seen, all);
        let beyond = Paging { cursor: Some("gone".into()), limit: 3 };
        assert!(matches!(beyond.cut(all, ToString::to_string), Err(Error::Invalid(_))));
    }
}
