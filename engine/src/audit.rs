//! The audit log: who did what. Entries are written in the transaction of what they tell, so that neither is there without
//! the other.

use crate::actor::{Reader, Supervisor};
use crate::clock::new_uuid;
use crate::error::Error;
use crate::paging::PAGE_MAX;
use crate::store::{self, Tx};
use crate::{Engine, Paged, Paging};
use domain::audit::Action;
use domain::ids::{AuditEntryId, CustomerNo};
use domain::{CustomerId, Timestamp};
use serde::{Deserialize, Serialize};

/// An entry that is to be written.
pub(crate) struct Note<'a> {
    /// Whose data it is about; `None` for the installation's.
    pub customer: Option<CustomerNo>,
    /// Who does it: an e-mail address, an application, a link or the command line.
    pub by: &'a str,
    pub action: Action,
    /// What it is done to, in a few words. Never a session or a secret.
    pub subject: String,
    /// An object of what else is known of it; null for nothing.
    pub details: serde_json::Value,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: AuditEntryId,
    pub at: Timestamp,
    /// Whose data it is about; `None` for the installation's.
    pub customer_id: Option<CustomerId>,
    /// An e-mail address, an application, a link or the command line.
    pub actor: String,
    pub action: Action,
    /// What it was done to, in a few words.
    pub subject: String,
    /// What else is known of it: names and values.
    pub details: serde_json::Value,
}

impl Engine {
    /// Writes an entry, with the transaction that does what it tells.
    pub(crate) async fn note(&self, tx: &mut Tx, note: Note<'_>) -> Result<(), Error> {
        let now = self.now();
        store::audit::insert(tx, AuditEntryId::from_uuid(new_uuid(now)), now, &note).await
    }

    /// A page of what was done with a customer's data, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of several customers.
    pub async fn audit_log(&self, reader: &Reader, paging: &Paging) -> Result<Paged<AuditEntry>, Error> {
        self.audit_page(Some(reader.one()?.record.no), paging).await
    }

    /// A page of all that was done, newest first.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn whole_audit_log(&self, _: &Supervisor, paging: &Paging) -> Result<Paged<AuditEntry>, Error> {
        self.audit_page(None, paging).await
    }

    async fn audit_page(&self, customer: Option<CustomerNo>, paging: &Paging) -> Result<Paged<AuditEntry>, Error> {
        let list = |before, limit| store::audit::list(&self.0.db, customer, before, limit);
        paging.newest_first(PAGE_MAX, list, |entry: &AuditEntry| entry.id.uuid()).await
    }
}
