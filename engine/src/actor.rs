//! Who asks. Only the engine's `authenticate_*` methods make these, and what they allow is asked of them: a method that
//! touches customers' data takes one of them, so it cannot forget to look who asks, and whose data it is comes from
//! the actor, never from the request.

use crate::auth::ApiScope;
use crate::directory::{ApplicationEntry, CustomerEntry};
use crate::error::Error;
use domain::access_link::AccessLink;
use domain::account::{Customer, Role, Tier, User};
use domain::audit::ActionKind;
use domain::export::job::ExportJob;
use domain::ids::{ApplicationNo, CustomerNo};
use domain::{ApplicationId, CustomerId, Zone};
use std::sync::Arc;

/// As whom whoever can run commands on the server is written down.
pub const CONSOLE: &str = "command line";
/// As whom the installation is, for what it does by itself.
pub const ITSELF: &str = "Reachline";

/// A program with a valid access token.
#[derive(Clone)]
pub struct ApiClient {
    pub(crate) application: Arc<ApplicationEntry>,
    pub(crate) scopes: u8,
}

impl ApiClient {
    /// Checks that the token was issued for a scope.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if it was not.
    pub fn require(&self, scope: ApiScope) -> Result<(), Error> {
        if self.scopes & scope.bit() == 0 { Err(Error::Forbidden) } else { Ok(()) }
    }
    /// The customer whose application this is.
    #[must_use]
    pub fn customer_id(&self) -> CustomerId {
        self.application.customer.record.customer.id
    }
    /// As whom it is written down, such as `application web (rlc_…)`: a customer may have several of one name.
    #[must_use]
    pub fn acts_as(&self) -> String {
        let application = &self.application.record.application;
        format!("application {} ({})", application.name, application.client_id)
    }
    /// The application.
    #[must_use]
    pub fn application_id(&self) -> ApplicationId {
        self.application.record.application.id
    }
    /// Whether its events are billed and reported.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.application.record.application.tier
    }
    pub(crate) fn customer_no(&self) -> CustomerNo {
        self.application.record.customer_no
    }
    pub(crate) fn application_no(&self) -> ApplicationNo {
        self.application.record.no
    }
}

/// Whoever a browser session is of.
#[derive(Debug, Clone)]
pub enum Who {
    /// A person who has an account.
    Person(User),
    /// Somebody who came by a link.
    Link(AccessLink),
}

/// Whoever is logged in: a person with an account, or somebody who came by an access link and only reads.
#[derive(Clone)]
pub struct SessionUser {
    pub(crate) who: Who,
    pub(crate) customer: Option<Arc<CustomerEntry>>,
}

impl SessionUser {
    /// Who it is.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.who
    }
    /// The person; `None` for somebody who came by a link.
    #[must_use]
    pub fn person(&self) -> Option<&User> {
        match &self.who {
            Who::Person(user) => Some(user),
            Who::Link(_) => None,
        }
    }
    /// The name under which it acts, in lists and in the audit log: an e-mail address, or `link`, the
    /// link's name and the end of its id.
    #[must_use]
    pub fn acts_as(&self) -> String {
        match &self.who {
            Who::Person(user) => user.email.clone(),
            Who::Link(link) => link.acts_as(),
        }
    }
    /// The role; somebody who came by a link has one that only reads.
    #[must_use]
    pub fn role(&self) -> Role {
        match &self.who {
            Who::Person(user) => user.role,
            Who::Link(link) => link.role(),
        }
    }
    /// Whether it may read what was done with the data that it reads, and by whom. Links are made for auditors.
    #[must_use]
    pub fn reads_audit_log(&self) -> bool {
        match &self.who {
            Who::Person(user) => user.role.reads_audit_log(),
            Who::Link(_) => true,
        }
    }
    /// Of customer roles: the customer.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.customer.as_ref().map(|entry| &entry.record.customer)
    }
}

/// May read the figures and applications of one customer, or of all.
#[derive(Clone)]
pub struct Reader {
    pub(crate) of: Option<Arc<CustomerEntry>>,
}

impl Reader {
    /// The customer; `None` for all.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.of.as_ref().map(|entry| &entry.record.customer)
    }
    /// The zone of the customer's days; `None` for all customers, where each one's days are its own.
    #[must_use]
    pub fn time_zone(&self) -> Option<Zone> {
        self.customer().map(|customer| customer.time_zone)
    }
}

/// May end exports of one customer: those that it requested itself or, of who manages the customer's applications, all.
#[derive(Clone)]
pub struct ExportKeeper {
    pub(crate) reader: Reader,
    /// The name under which it acts, and requested what is its own.
    pub(crate) by: String,
    pub(crate) keeps_all: bool,
}

impl ExportKeeper {
    /// Whether it may end an export.
    #[must_use]
    pub fn keeps(&self, job: &ExportJob) -> bool {
        self.keeps_all || job.requested_by == self.by
    }
}

/// May read what was done with the data of one customer, or of all.
#[derive(Clone)]
pub struct AuditReader {
    pub(crate) of: Option<Arc<CustomerEntry>>,
    /// `None` for all kinds.
    pub(crate) kind: Option<ActionKind>,
}

impl AuditReader {
    /// The same for actions of one kind, or of all.
    #[must_use]
    pub fn of_kind(self, kind: Option<ActionKind>) -> Self {
        Self { kind, ..self }
    }
}

/// May manage the applications of one customer.
#[derive(Clone)]
pub struct Manager {
    pub(crate) of: Arc<CustomerEntry>,
    /// The name under which it acts.
    pub(crate) by: Arc<str>,
}

impl Manager {
    /// The customer.
    #[must_use]
    pub fn customer(&self) -> &Customer {
        &self.of.record.customer
    }
    pub(crate) fn customer_no(&self) -> CustomerNo {
        self.of.record.no
    }
}

/// May make, see and revoke access links: to one customer, or to all and to each.
#[derive(Clone)]
pub struct LinkKeeper {
    pub(crate) of: Option<Arc<CustomerEntry>>,
}

impl LinkKeeper {
    /// The customer; `None` for all.
    #[must_use]
    pub fn customer(&self) -> Option<&Customer> {
        self.of.as_ref().map(|entry| &entry.record.customer)
    }
    pub(crate) fn customer_no(&self) -> Option<CustomerNo> {
        self.of.as_ref().map(|entry| entry.record.no)
    }
    /// Whether a link to this customer (`None`: to all) is the keeper's.
    pub(crate) fn keeps(&self, customer: Option<CustomerId>) -> bool {
        self.customer().is_none_or(|own| Some(own.id) == customer)
    }
}

/// May read everything about the installation: an operator or an auditor.
#[derive(Clone)]
pub struct Supervisor {
    pub(crate) _made_here: (),
}

/// Runs the installation: a user of that role, or whoever can run commands on the server.
#[derive(Clone)]
pub struct Operator {
    /// The name under which it acts.
    pub(crate) by: Arc<str>,
}

impl Operator {
    /// The installation, which does some things by itself.
    pub(crate) fn itself() -> Self {
        Self { by: ITSELF.into() }
    }
    /// What an operator may read.
    #[must_use]
    pub fn as_supervisor(&self) -> Supervisor {
        Supervisor { _made_here: () }
    }
}
