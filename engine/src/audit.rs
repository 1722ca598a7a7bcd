//! The audit log: who did what. Entries are written in the transaction of what they tell, so that neither is there without
//! the other.

use crate::actor::{AuditReader, Operator, SessionUser};
use crate::clock::new_uuid;
use crate::error::Error;
use crate::paging::PAGE_MAX;
use crate::store::{self, Turn, Tx};
use crate::{Engine, Paged, Paging};
use domain::audit::Action;
use domain::ids::{AuditEntryId, CustomerNo};
use domain::{CustomerId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An entry that is to be written.
pub(crate) struct Note<'a> {
    /// Whose data it is about; `None` for the installation's.
    pub customer: Option<CustomerNo>,
    /// Who does it: an e-mail address, an application, a link, the command line or the installation itself.
    pub by: &'a str,
    pub action: Action,
    /// What it is done to, in a few words. Never a session or a secret.
    pub subject: String,
    /// An object of what else is known of it; null for nothing.
    pub details: Value,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: AuditEntryId,
    pub at: Timestamp,
    /// Whose data it is about; `None` for the installation's.
    pub customer_id: Option<CustomerId>,
    /// An e-mail address, an application, a link, the command line or the installation itself.
    pub actor: String,
    pub action: Action,
    /// What it was done to, in a few words.
    pub subject: String,
    /// What else is known of it: names and values.
    pub details: Value,
}

/// What differs between two states of something, field by field: `{"from": …, "to": …}`. Fields of objects inside stand
/// under their own names. Empty if nothing differs.
pub(crate) fn changes(before: &Value, after: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return found };
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(gone) {
        let (from, to) = (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
        if from.is_object() && to.is_object() {
            let inner = changes(from, to);
            if !inner.is_empty() {
                found.insert(name.clone(), Value::Object(inner));
            }
        } else if from != to {
            found.insert(name.clone(), json!({ "from": from, "to": to }));
        }
    }
    found
}

impl Engine {
    /// Begins a transaction that changes accounts, helplines or rate cards: what it reads is there until it ends, so that an
    /// entry tells truly what there was before.
    pub(crate) async fn begin_change(&self) -> Result<Tx, Error> {
        let mut tx = self.0.db.begin().await?;
        tx.take_turn(Turn::Accounts, None).await?;
        Ok(tx)
    }

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
            Ok(AuditReader { of: self.reader(user, customer)?.of, kind: None })
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
        Ok(AuditReader { of: self.console_reader(operator, customer)?.of, kind: None })
    }

    /// A page of what was done, newest first.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn audit_log(&self, reader: &AuditReader, paging: &Paging) -> Result<Paged<AuditEntry>, Error> {
        let of = (reader.of.as_ref().map(|of| of.record.no), reader.kind);
        let list = |before, limit| store::audit::list(&self.0.db, of, before, limit);
        paging.newest_first(PAGE_MAX, list, |entry: &AuditEntry| entry.id.uuid()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let before = json!({"name": "A", "zone": "UTC", "country": {"code": "NZ", "name": "New Zealand"}, "gone": 1, "tags": [1]});
        let after = json!({"name": "B", "zone": "UTC", "country": {"code": "NZ", "name": "Aotearoa"}, "new": null, "tags": [1, 2]});
        let expected = json!({
            "name": {"from": "A", "to": "B"},
            "country": {"name": {"from": "New Zealand", "to": "Aotearoa"}},
            "gone": {"from": 1, "to": null},
            "tags": {"from": [1], "to": [1, 2]},
        });
        assert_eq!(Value::Object(changes(&before, &after)), expected);
        assert!(changes(&after, &after).is_empty());
    }
}
