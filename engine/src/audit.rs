//! The audit log: who did what. Entries are written in the transaction of what they tell, so that neither is there without
//! the other.

use crate::actor::{AuditReader, Operator, SessionUser};
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

    /// Who may read what was done: everybody but viewers. Customer admins read about their own customer; others about the
    /// one that is named, or all.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NotFound`] for another customer.
    pub fn audit_reader(&self, user: &SessionUser, customer: Option<CustomerId>) -> Result<AuditReader, Error> {
        if user.reads_audit_log() {
            Ok(AuditReader { of: self.reader(user, customer)?.of })
        } else {
            Err(Error::Forbidden)
        }
    }

    /// What was done with any customer's data, or all, for the command line.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer.
    pub fn console_audit_reader(
        &self,
        operator: &Operator,
        customer: Option<CustomerId>,
    ) -> Result<AuditReader, Error> {
        Ok(AuditReader { of: self.console_reader(operator, customer)?.of })
    }

    /// A page of what was done, newest first.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn audit_log(&self, reader: &AuditReader, paging: &Paging) -> Result<Paged<AuditEntry>, Error> {
        let customer = reader.of.as_ref().map(|of| of.record.no);
        let list = |before, limit| store::audit::list(&self.0.db, customer, before, limit);
        paging.newest_first(PAGE_MAX, list, |entry: &AuditEntry| entry.id.uuid()).await
    }
}
