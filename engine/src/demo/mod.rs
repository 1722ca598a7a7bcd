//! The demo: customers, people, applications, a catalogue of fictitious helplines, ninety days of traffic, and the
//! statements of the months that are over.

mod billing;
mod cast;
mod traffic;

use crate::actor::Operator;
use crate::directory::ApplicationEntry;
use crate::error::Error;
use crate::ingest::{BATCH_EVENTS_MAX, Intake, session_key};
use crate::{Engine, parse_helplines_json, store};
use cast::{APPLICATIONS, CUSTOMERS, DemoApplication, HELPLINES_JSON, PASSWORD, USERS};
use domain::CustomerId;
use domain::account::{ApplicationForm, CustomerForm, NewCredentials, UserForm};
use domain::event::{Event, SessionKey};
use domain::fault::{FaultCode, Faults};
use domain::helpline::Helpline;
use domain::ids::HelplineNo;
use serde::Serialize;
use std::sync::Arc;
use tokio::task::JoinSet;
use traffic::year::year;
use traffic::{DemoEvent, SEED, traffic};

/// Batches that wait for their commit at the same time: so many that the writer always has some, and few enough to
/// take no memory to speak of.
const BATCHES_UNDER_WAY: usize = 8;
/// After so many events it is looked how far counting is behind …
const EVENTS_BETWEEN_WAITS: u64 = 500_000;
/// … and waited until it is no more than this: a writer that has to remember far more takes nothing.
const UNCOUNTED_MAX: i64 = 4_000_000;

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
        let (customers, applications) = self.load_demo_accounts(operator).await?;
        self.load_demo_cards(operator, &customers).await?;

        let entry = |new: &NewCredentials| self.directory().application_of_client(&new.application.client_id).cloned();
        let cast = Cast::new(self, applications.iter().filter_map(entry).collect(), &helplines);
        let events: Vec<DemoEvent> = traffic(self.now(), &helplines, SEED).collect();
        let total = events.len() as u64;
        let (in_time, late) = billing::take_late(events, self.now());
        let mut accepted = self.take_demo_events(&cast, in_time.into_iter(), |done| progress(done, total)).await?;
        // It waits for the figures.
        self.issue_demo_statements(operator, &customers).await?;
        let before = total - late.len() as u64;
        accepted += self.take_demo_events(&cast, late.into_iter(), |done| progress(before + done, total)).await?;
        self.wait_for_figures().await?;
        Ok(DemoReport { logins: Self::demo_logins(), applications, helplines: helplines.len(), events: accepted })
    }

    /// Adds `count` events of the past year to the demo's applications, and says how many of them were new. The same
    /// `seed` at the same instant gives the same events; a few in a thousand are retries. The workers must have been
    /// started. `progress` is told how many events are done.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the demo is not loaded, or not whole any more.
    pub async fn add_demo_traffic(
        &self,
        _: &Operator,
        count: u64,
        seed: u64,
        progress: impl Fn(u64),
    ) -> Result<u64, Error> {
        let helplines: Vec<_> = parse_helplines_json(HELPLINES_JSON)?.into_iter().map(|(_, line)| line).collect();
        let cast = self.find_cast(&helplines).ok_or_else(|| {
            let detail = "Traffic is added to the demo, and its customers, applications or helplines are not here.";
            Faults::one("database", FaultCode::FieldMissing, detail)
        })?;
        let accepted = self.take_demo_events(&cast, year(self.now(), &helplines, seed, count), progress).await?;
        self.wait_for_figures().await?;
        Ok(accepted)
    }

    /// The demo's applications, if all of them are there, by their names and those of their customers.
    fn find_cast(&self, helplines: &[Helpline]) -> Option<Cast> {
        let directory = self.directory();
        let find = |wanted: &DemoApplication| {
            let is_it = |entry: &&Arc<ApplicationEntry>| {
                entry.record.application.name == wanted.name
                    && entry.customer.record.customer.name == CUSTOMERS[wanted.customer].name
            };
            directory.applications().into_iter().find(is_it).cloned()
        };
        let applications: Vec<_> = APPLICATIONS.iter().filter_map(find).collect();
        let is_whole = applications.len() == APPLICATIONS.len();
        let cast = Cast::new(self, applications, helplines);
        (is_whole && cast.helplines.len() == helplines.len()).then_some(cast)
    }

    /// Stores events in batches, several of them under way at a time, and says how many were new.
    async fn take_demo_events(
        &self,
        cast: &Cast,
        mut events: impl Iterator<Item = DemoEvent>,
        progress: impl Fn(u64),
    ) -> Result<u64, Error> {
        let mut under_way = JoinSet::new();
        let (mut accepted, mut done, mut waited) = (0_u64, 0_u64, 0_u64);
        loop {
            if done - waited >= EVENTS_BETWEEN_WAITS {
                self.wait_for_counting(UNCOUNTED_MAX).await?;
                waited = done;
            }
            let batch = cast.batch(&mut events);
            let is_last = batch.is_empty();
            if !is_last {
                let engine = self.clone();
                under_way.spawn(async move { engine.0.writer.send(Intake { events: batch, refused: vec![] }).await });
            }
            while under_way.len() >= BATCHES_UNDER_WAY || (is_last && !under_way.is_empty()) {
                let Some(Ok(Ok(outcome))) = under_way.join_next().await else {
                    return Err(Error::Unavailable("the writer does not answer".to_owned()));
                };
                accepted += outcome.iter().filter(|is_new| **is_new).count() as u64;
                done += outcome.len() as u64;
                progress(done);
            }
            if is_last {
                return Ok(accepted);
            }
        }
    }

    async fn load_demo_accounts(&self, operator: &Operator) -> Result<(Vec<CustomerId>, Vec<NewCredentials>), Error> {
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
        Ok((customers, applications))
    }
}

/// Those whose traffic it is.
struct Cast {
    /// As [`APPLICATIONS`].
    applications: Vec<Arc<ApplicationEntry>>,
    helplines: Vec<HelplineNo>,
}

impl Cast {
    fn new(engine: &Engine, applications: Vec<Arc<ApplicationEntry>>, helplines: &[Helpline]) -> Self {
        let directory = engine.directory();
        let helplines = helplines.iter().filter_map(|line| directory.helpline_no(line.id.as_str())).collect();
        Self { applications, helplines }
    }

    /// The next events as the store takes them: their times lie further back than a request's may.
    fn batch(&self, events: &mut impl Iterator<Item = DemoEvent>) -> Vec<Event> {
        let mut last: Option<(DemoEvent, SessionKey)> = None;
        let stored = |event: DemoEvent| {
            let application = &self.applications[event.application];
            // The events of a session come together, and hashing its id is dear.
            let known = last
                .take()
                .filter(|(last, _)| (last.application, &last.session_id) == (event.application, &event.session_id));
            let hash = || session_key(&application.customer.session_mac, &event.session_id);
            let session = known.map_or_else(hash, |(_, key)| key);
            let (at, action, helpline) = (event.at, event.action, self.helplines[event.helpline]);
            let (customer, no) = (application.record.customer_no, application.record.no);
            last = Some((event, session));
            Event { at, customer, application: no, helpline, action, session }
        };
        events.take(BATCH_EVENTS_MAX).map(stored).collect()
    }
}
