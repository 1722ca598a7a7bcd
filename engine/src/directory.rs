//! The directory: customers, applications and helplines, kept in memory by every server process.
//!
//! A change of any of them sets a new version in the store; each process looks twice a second whether it still has the
//! current one. So a revoked secret stops working everywhere within seconds, and no request asks the database who
//! somebody is.

use crate::error::Error;
use crate::store::directory::{ApplicationRecord, CustomerRecord};
use crate::store::{self, Db, Tx};
use domain::helpline::{Country, CountryCode, Helpline};
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::{ApplicationId, CustomerId, HelplineId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A customer with its keyed hash of session ids.
pub(crate) struct CustomerEntry {
    pub record: CustomerRecord,
    pub session_mac: Hmac<Sha256>,
}

/// An application and its customer.
pub(crate) struct ApplicationEntry {
    pub record: ApplicationRecord,
    pub customer: Arc<CustomerEntry>,
}

/// A snapshot of the directory.
#[derive(Default)]
pub(crate) struct Directory {
    version: Option<String>,
    customers: HashMap<CustomerId, Arc<CustomerEntry>>,
    applications: HashMap<ApplicationNo, Arc<ApplicationEntry>>,
    by_client_id: HashMap<String, ApplicationNo>,
    helplines: HashMap<HelplineId, HelplineNo>,
    by_helpline_no: HashMap<HelplineNo, Arc<Helpline>>,
}

impl Directory {
    /// Reads the whole directory.
    pub async fn load(db: &Db) -> Result<Self, Error> {
        // The version first: a change that comes while the rest is read is then noticed at the next look.
        let version = store::directory::version(db).await?;
        let mut directory = Self { version, ..Self::default() };
        let mut by_no = HashMap::new();
        for record in store::directory::customers(db).await? {
            let session_mac = Hmac::new_from_slice(&record.session_secret)
                .map_err(|_| Error::Internal("an HMAC takes keys of any length".to_owned()))?;
            let entry = Arc::new(CustomerEntry { record, session_mac });
            by_no.insert(entry.record.no, entry.clone());
            directory.customers.insert(entry.record.customer.id, entry);
        }
        for record in store::directory::applications(db).await? {
            // One that was created since the customers were read comes with the next look.
            let Some(customer) = by_no.get(&record.customer_no).cloned() else { continue };
            directory.by_client_id.insert(record.application.client_id.clone(), record.no);
            directory.applications.insert(record.no, Arc::new(ApplicationEntry { record, customer }));
        }
        for (no, helpline) in store::directory::helplines(db).await? {
            directory.helplines.insert(helpline.id.clone(), no);
            directory.by_helpline_no.insert(no, Arc::new(helpline));
        }
        Ok(directory)
    }

    /// Whether this is the version that the store has now.
    pub async fn is_current(&self, db: &Db) -> Result<bool, Error> {
        Ok(store::directory::version(db).await? == self.version)
    }

    /// The same in what a transaction sees.
    pub async fn is_current_in(&self, tx: &mut Tx) -> Result<bool, Error> {
        Ok(store::directory::version_in(tx).await? == self.version)
    }

    pub fn customer(&self, id: CustomerId) -> Option<&Arc<CustomerEntry>> {
        self.customers.get(&id)
    }

    pub fn customer_of_no(&self, no: CustomerNo) -> Option<&Arc<CustomerEntry>> {
        self.customers.values().find(|entry| entry.record.no == no)
    }

    /// All customers, in the order in which they were created.
    pub fn customers(&self) -> Vec<&Arc<CustomerEntry>> {
        let mut all: Vec<_> = self.customers.values().collect();
        all.sort_unstable_by_key(|entry| entry.record.no);
        all
    }

    pub fn application(&self, no: ApplicationNo) -> Option<&Arc<ApplicationEntry>> {
        self.applications.get(&no)
    }

    pub fn application_of_client(&self, client_id: &str) -> Option<&Arc<ApplicationEntry>> {
        self.application(*self.by_client_id.get(client_id)?)
    }

    /// An application of a customer.
    pub fn application_of(&self, customer: CustomerNo, id: ApplicationId) -> Option<&Arc<ApplicationEntry>> {
        self.applications
            .values()
            .find(|entry| entry.record.application.id == id && entry.record.customer_no == customer)
    }

    /// All applications, in the order in which they were created.
    pub fn applications(&self) -> Vec<&Arc<ApplicationEntry>> {
        let mut all: Vec<_> = self.applications.values().collect();
        all.sort_unstable_by_key(|entry| entry.record.no);
        all
    }

    pub fn helpline_no(&self, id: &str) -> Option<HelplineNo> {
        self.helplines.get(id).copied()
    }

    pub fn helpline(&self, no: HelplineNo) -> Option<&Arc<Helpline>> {
        self.by_helpline_no.get(&no)
    }

    pub fn helplines(&self) -> impl Iterator<Item = (HelplineNo, &Arc<Helpline>)> {
        self.by_helpline_no.iter().map(|(no, helpline)| (*no, helpline))
    }

    /// The countries of the catalogue. Helplines may call one by several names, as a file may leave the name out: it is the one
    /// that the oldest helpline with a name gives it, so that two files of the same figures are the same.
    pub fn countries(&self) -> BTreeMap<CountryCode, &Country> {
        let mut by_age: Vec<_> = self.helplines().map(|(no, helpline)| (no, &helpline.country)).collect();
        by_age.sort_by_key(|(no, country)| (country.name == country.code.as_str(), *no));
        let mut countries = BTreeMap::new();
        for (_, country) in by_age {
            countries.entry(country.code).or_insert(country);
        }
        countries
    }

    /// The country of a helpline that has events. (One that is not in the directory is looked for before.)
    pub fn country(&self, no: HelplineNo) -> Option<CountryCode> {
        self.helpline(no).map(|helpline| helpline.country.code)
    }
}
