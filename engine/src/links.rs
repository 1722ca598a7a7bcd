//! Access links: read-only access for somebody who has no account, for a while.
//!
//! A link is a random token, of which only the hash is kept. Whoever opens it gets a browser session that names the link;
//! the link is looked at again at every request, so that its end is the end of all that came by it.

use crate::actor::{LinkKeeper, Operator, SessionUser, Who};
use crate::audit::Note;
use crate::auth::hash_secret;
use crate::clock::{new_uuid, random_bytes};
use crate::error::Error;
use crate::login::{FAILURES_PER_ADDRESS_MAX, LoginError, subject};
use crate::paging::PAGE_MAX;
use crate::store::{self, Turn, Tx};
use crate::{Engine, Paged, Paging};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::CustomerId;
use domain::access_link::{AccessLink, AccessLinkForm, LinkStatus, NewAccessLink, check_room};
use domain::account::Customer;
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::{AccessLinkId, CustomerNo};
use serde_json::{Value, json};
use std::net::IpAddr;

/// What a link opens, for whoever holds it and has not opened it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub link: AccessLink,
    /// Whose data; `None` for all customers'.
    pub customer: Option<Customer>,
}

/// A new token. Its beginning lets scanners find leaked ones.
fn new_token() -> String {
    format!("rll_{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()))
}

impl Engine {
    /// Whether a person may make and revoke links: to a customer, or (`None`, of those who see all) to all customers.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a customer that the person may not know of, [`Error::Forbidden`] if it may only read.
    pub fn link_keeper(&self, user: &SessionUser, customer: Option<CustomerId>) -> Result<LinkKeeper, Error> {
        let of = self.reader(user, customer)?.of;
        if user.role().manages_applications() { Ok(LinkKeeper { of }) } else { Err(Error::Forbidden) }
    }

    /// Any customer's links, or all, for the command line.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer.
    pub fn console_link_keeper(&self, operator: &Operator, customer: Option<CustomerId>) -> Result<LinkKeeper, Error> {
        Ok(LinkKeeper { of: self.console_reader(operator, customer)?.of })
    }

    /// Makes a link to the keeper's customer, or to all customers. Its token is shown this once.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form, or if too many links are valid.
    pub async fn make_link(
        &self,
        keeper: &LinkKeeper,
        form: &AccessLinkForm,
        by: &str,
    ) -> Result<NewAccessLink, Error> {
        let form = form.check()?;
        let (now, token, customer) = (self.now(), new_token(), keeper.customer_no());
        let link = AccessLink {
            id: AccessLinkId::from_uuid(new_uuid(now)),
            customer_id: keeper.customer().map(|customer| customer.id),
            created_at: now,
            created_by: by.to_owned(),
            expires_at: form.expires_at(now),
            revoked_at: None,
            last_used_at: None,
            name: form.name,
        };
        let mut tx = self.0.db.begin().await?;
        tx.take_turn(Turn::Links, customer).await?;
        check_room(store::links::count_valid(&mut tx, customer, now).await?)?;
        store::links::insert(&mut tx, customer, &link, &hash_secret(&token)).await?;
        self.note_link(&mut tx, customer, (Action::LinkMade, by), &link).await?;
        tx.commit().await?;
        Ok(NewAccessLink { link, token })
    }

    /// A page of links, newest first: those to the keeper's customer, or all that there are.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn links(&self, keeper: &LinkKeeper, paging: &Paging) -> Result<Paged<AccessLink>, Error> {
        let list = |before, limit| store::links::list(&self.0.db, keeper.customer_no(), before, limit);
        paging.newest_first(PAGE_MAX, list, |link: &AccessLink| link.id.uuid()).await
    }

    /// Revokes a link: what was opened with it is closed at the next request.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not the keeper's; [`Error::Invalid`] if it is valid no longer.
    pub async fn revoke_link(&self, keeper: &LinkKeeper, id: AccessLinkId, by: &str) -> Result<AccessLink, Error> {
        let link = store::links::find(&self.0.db, id).await?.ok_or(Error::NotFound)?;
        if !keeper.keeps(link.customer_id) {
            return Err(Error::NotFound);
        }
        let customer = self.no_of(link.customer_id).await?;
        let mut tx = self.0.db.begin().await?;
        if !store::links::revoke(&mut tx, id, self.now()).await? {
            return Err(Faults::one("link", FaultCode::FieldInvalid, "It is no longer valid anyway.").into());
        }
        self.note_link(&mut tx, customer, (Action::LinkRevoked, by), &link).await?;
        tx.commit().await?;
        store::links::find(&self.0.db, id).await?.ok_or(Error::NotFound)
    }

    /// What the link of a token opens. Nothing is opened yet.
    ///
    /// # Errors
    /// See [`LoginError`]. Links that are unknown, expired or revoked are refused alike and in the same time.
    pub async fn look_at_link(&self, token: &str, address: IpAddr) -> Result<Opening, LoginError> {
        // A kind of its own: an office whose link has ended still logs in.
        let address = subject("address of links", &address.to_string());
        self.check_throttle(&address, FAILURES_PER_ADDRESS_MAX).await?;
        let known = store::links::find_by_token(&self.0.db, &hash_secret(token)).await?;
        let Some(link) = known.filter(|link| link.status(self.now()) == LinkStatus::Valid) else {
            self.count_login_failures(&[&address]).await?;
            return Err(LoginError::Refused);
        };
        let customer = match link.customer_id {
            None => None,
            Some(id) => Some(self.customer_entry(id).await?.record.customer.clone()),
        };
        Ok(Opening { link, customer })
    }

    /// Opens the link of a token; the caller begins a session for it.
    ///
    /// # Errors
    /// As [`Engine::look_at_link`].
    pub async fn open_link(&self, token: &str, address: IpAddr) -> Result<AccessLinkId, LoginError> {
        let Opening { link, .. } = self.look_at_link(token, address).await?;
        let customer = self.no_of(link.customer_id).await?;
        let mut tx = self.0.db.begin().await?;
        if !store::links::touch(&mut tx, link.id, self.now()).await? {
            // It has ended since.
            return Err(LoginError::Refused);
        }
        self.note_link(&mut tx, customer, (Action::LinkUsed, &link.acts_as()), &link).await?;
        tx.commit().await?;
        Ok(link.id)
    }

    /// Whoever came by a link, of a browser session.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such link, [`Error::Forbidden`] if it is valid no longer.
    pub async fn authenticate_link(&self, id: AccessLinkId) -> Result<SessionUser, Error> {
        let link = store::links::find(&self.0.db, id).await?.ok_or(Error::NotFound)?;
        if link.status(self.now()) != LinkStatus::Valid {
            return Err(Error::Forbidden);
        }
        let customer = match link.customer_id {
            None => None,
            Some(id) => Some(self.customer_entry(id).await?),
        };
        Ok(SessionUser { who: Who::Link(link), customer })
    }

    /// The number of a customer; `None` of all.
    pub(crate) async fn no_of(&self, customer: Option<CustomerId>) -> Result<Option<CustomerNo>, Error> {
        match customer {
            None => Ok(None),
            Some(id) => Ok(Some(self.customer_entry(id).await?.record.no)),
        }
    }

    async fn note_link(
        &self,
        tx: &mut Tx,
        customer: Option<CustomerNo>,
        (action, by): (Action, &str),
        link: &AccessLink,
    ) -> Result<(), Error> {
        let note = Note { customer, by, action, subject: link.name.clone(), details: details(link) };
        self.note(tx, note).await
    }
}

fn details(link: &AccessLink) -> Value {
    let opens = if link.customer_id.is_some() { "this customer" } else { "all customers" };
    json!({ "link": link.id, "opens": opens, "expires_at": link.expires_at.to_string() })
}
