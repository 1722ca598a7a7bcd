//! The demo: customers, people, applications, a catalogue of fictitious helplines and ninety days of traffic.

mod cast;
mod traffic;

use crate::actor::Operator;
use crate::directory::ApplicationEntry;
use crate::error::Error;
use crate::ingest::{Intake, session_key};
use crate::{Engine, parse_helplines_json, store};
use cast::{APPLICATIONS, CUSTOMERS, HELPLINES_JSON, PASSWORD, USERS};
use domain::account::{ApplicationForm, CustomerForm, NewCredentials, UserForm};
use domain::event::Event;
use domain::fault::{FaultCode, Faults};
use domain::ids::HelplineNo;
use serde::Serialize;
use std::sync::Arc;
use traffic::{DemoEvent, SEED, traffic};

/// Events that are stored together.
const BATCH_EVENTS: usize = 1_000;

/// How to log in to the demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoLogin {
    pub email: String,
    pub password: String,
    /// The role's name for people.
    pub role: String,
    /// The customer's name, of customer roles.
    pub customer: Option<String>,
}

/// What the demo consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoReport {
    pub logins: Vec<DemoLogin>,
    /// The applications with their secrets, shown this once.
    pub applications: Vec<NewCredentials>,
    pub helplines: usize,
    /// Accepted events.
    pub events: u64,
}

impl Engine {
    /// How to log in, if the demo has been loaded.
    #[must_use]
    pub fn demo_logins() -> Vec<DemoLogin> {
        let login = |user: &cast::DemoUser| DemoLogin {
            email: user.email.to_owned(),
            password: PASSWORD.to_owned(),
            role: user.role.label().to_owned(),
            customer: user.customer.map(|customer| CUSTOMERS[customer].name.to_owned()),
        };
        USERS.iter().map(login).collect()
    }

    /// Whether the demo has been loaded into this installation.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn has_demo(&self) -> Result<bool, Error> {
        Ok(store::accounts::find_login(&self.0.db, USERS[0].email).await?.is_some())
    }

    /// Loads the demo. The workers must have been started. `progress` is told how many of how many events are done.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the installation has customers or users already.
    pub async fn load_demo(&self, operator: &Operator, progress: impl Fn(u64, u64)) -> Result<DemoReport, Error> {
        if !self.is_empty().await? {
            let detail = "The demo is for an empty installation; this one has customers or users.";
            return Err(Faults::one("database", FaultCode::FieldTaken, detail).into());
        }
        let rows = parse_helplines_json(HELPLINES_JSON)?;
        let helplines: Vec<_> = rows.iter().map(|(_, helpline)| helpline.clone()).collect();
        self.import_helplines(operator, rows).await?;
        let applications = self.load_demo_accounts(operator).await?;

        let events: Vec<DemoEvent> = traffic(self.now(), &helplines, SEED).collect();
        let directory = self.directory();
        let numbers: Vec<HelplineNo> =
            helplines.iter().filter_map(|helpline| directory.helpline_no(helpline.id.as_str())).collect();
        let entry = |new: &NewCredentials| directory.application_of_client(&new.application.client_id).cloned();
        let entries: Vec<Arc<ApplicationEntry>> = applications.iter().filter_map(entry).collect();
        let total = events.len() as u64;
        let (mut accepted, mut done) = (0_u64, 0_u64);
        for batch in events.chunks(BATCH_EVENTS) {
            let events = batch.iter().map(|event| stored_form(event, &entries, &numbers)).collect();
            let outcome = self.0.writer.send(Intake { events, refused: Vec::new() }).await;
            let outcome = outcome.map_err(|_| Error::Unavailable("the writer does not run".to_owned()))?;
            accepted += outcome.into_iter().filter(|is_new| *is_new).count() as u64;
            done += batch.len() as u64;
            progress(done, total);
        }
        self.wait_for_figures().await?;
        Ok(DemoReport { logins: Self::demo_logins(), applications, helplines: helplines.len(), events: accepted })
    }

    async fn load_demo_accounts(&self, operator: &Operator) -> Result<Vec<NewCredentials>, Error> {
        let mut customers = Vec::new();
        for customer in &CUSTOMERS {
            let form = CustomerForm {
                name: customer.name.to_owned(),
                time_zone: customer.time_zone.to_owned(),
                limits: domain::account::CustomerLimits::default(),
            };
            customers.push(self.create_customer(operator, &form).await?.id);
        }
        for user in &USERS {
            let form = UserForm {
                email: user.email.to_owned(),
                name: user.name.to_owned(),
                role: user.role,
                customer_id: user.customer.map(|customer| customers[customer]),
                password: Some(PASSWORD.to_owned()),
            };
            self.create_user(operator, &form).await?;
        }
        let mut applications = Vec::new();
        for application in &APPLICATIONS {
            let manager = self.console_manager(operator, customers[application.customer])?;
            let form = ApplicationForm { name: application.name.to_owned(), tier: application.tier };
            applications.push(self.create_application(&manager, &form).await?);
        }
        Ok(applications)
    }
}

/// A demo event as the store takes it: its times lie further back than a request's may.
fn stored_form(event: &DemoEvent, applications: &[Arc<ApplicationEntry>], helplines: &[HelplineNo]) -> Event {
    let application = &applications[event.application];
    Event {
        at: event.at,
        customer: application.record.customer_no,
        application: application.record.no,
        helpline: helplines[event.helpline],
        action: event.action,
        session: session_key(&application.customer.session_mac, &event.session_id),
    }
}
