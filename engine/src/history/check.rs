//! The first time a file is read: every row is checked, nothing is written.

use super::read::{Broken, rows};
use super::{HistoryError, HistoryForm, HistoryProgress, Watch, fingerprint};
use crate::Engine;
use crate::directory::{CustomerEntry, Directory};
use crate::error::Error;
use crate::ingest::session_key;
use crate::store;
use domain::Timestamp;
use domain::account::Tier;
use domain::event::{AcceptedTimes, SessionKey};
use domain::fault::{FaultCode, Faults};
use domain::history::{Checker, ImportStatus, Known, Rejected, RowFault, Survey};
use domain::ids::{ApplicationNo, HelplineNo};
use domain::metering::NEIGHBOURHOOD_MS;
use domain::timestamp::SECOND_MS;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows between two looks at how far the reading is.
const WATCH_ROWS: u64 = 4_096;
/// Applications that are listed where one must be chosen.
const CHOICES_MAX: usize = 20;

/// A file of which every row is good.
pub struct Checked {
    pub checker: Checker,
    pub survey: Survey,
    pub sha256: [u8; 32],
}

impl Checked {
    pub fn has_sessions(&self) -> bool {
        self.checker.mapping.has_sessions()
    }
}

/// What rows name, as the directory knows it.
pub struct Names {
    directory: Arc<Directory>,
    customer: Arc<CustomerEntry>,
    applications: HashMap<String, ApplicationNo>,
    /// Whether sessions are hashed, which is dear.
    hashes: bool,
    /// The session before: a session's events often come together.
    last: Option<(String, SessionKey)>,
}

impl Names {
    pub fn new(directory: Arc<Directory>, customer: Arc<CustomerEntry>, hashes: bool) -> Self {
        let own = |entry: &&Arc<crate::directory::ApplicationEntry>| entry.record.customer_no == customer.record.no;
        let named = |entry: &Arc<crate::directory::ApplicationEntry>| {
            (entry.record.application.id.to_string(), entry.record.no)
        };
        let applications = directory.applications().into_iter().filter(own).map(named).collect();
        Self { directory, customer, applications, hashes, last: None }
    }
}

impl Known for Names {
    fn helpline(&self, id: &str) -> Option<HelplineNo> {
        self.directory.helpline_no(id)
    }
    fn application(&self, id: &str) -> Option<ApplicationNo> {
        self.applications.get(id).copied()
    }
    fn session(&mut self, id: &str) -> SessionKey {
        if !self.hashes {
            return SessionKey([0; 16]);
        }
        if let Some((_, key)) = self.last.as_ref().filter(|(last, _)| last == id) {
            return *key;
        }
        let key = session_key(&self.customer.session_mac, id);
        self.last = Some((id.to_owned(), key));
        key
    }
}

/// Counts and hashes what is read through it.
pub struct Hashed<R> {
    source: R,
    hash: Sha256,
    /// So many bytes.
    pub read: Arc<AtomicU64>,
}

impl<R: Read> Hashed<R> {
    pub fn new(source: R) -> Self {
        Self { source, hash: Sha256::new(), read: Arc::default() }
    }

    pub fn digest(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(to)?;
        self.hash.update(&to[..read]);
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Engine {
    /// How the rows of a file are checked.
    async fn history_checker(&self, of: &CustomerEntry, form: &HistoryForm) -> Result<Checker, HistoryError> {
        let zone = of.record.customer.time_zone;
        let mapping = form.mapping.parse(form.without_sessions, zone)?;
        let (earliest, too_old) = if mapping.has_sessions() {
            self.earliest_event(of).await?
        } else {
            (Timestamp::from_millis(0), "Lies before 1970.".to_owned())
        };
        let now = self.now();
        let ahead_max_ms = i64::from(self.0.settings.event_ahead_max_seconds) * SECOND_MS;
        let times = AcceptedTimes { now, age_max_ms: now.millis().saturating_sub(earliest.millis()), ahead_max_ms };
        let (application, no_application) = self.application_of_rows(of, form)?;
        let is_only_application = form.application.is_some();
        Ok(Checker { mapping, times, too_old, application, is_only_application, no_application })
    }

    /// From when on events of a customer may be imported, and what to say of earlier ones.
    async fn earliest_event(&self, of: &CustomerEntry) -> Result<(Timestamp, String), Error> {
        let keeping = store::retention::keeping(&self.0.db).await?;
        let keeping = keeping.into_iter().find(|keeping| keeping.customer == of.record.no).ok_or(Error::NotFound)?;
        let kept_from = self.events_kept_from(&keeping, self.now());
        let from = keeping.events_from.map_or(kept_from, |given_up| given_up.max(kept_from));
        let is_for_good = keeping.events_from.is_some_and(|given_up| given_up >= kept_from);
        // What was given up, or soon is, may be of sessions that go on later: these could not be counted right any more.
        let first = store::imports::first_hour(&self.0.db, of.record.no).await?;
        let is_after_others = first.is_some_and(|first| first < from);
        let from = if is_after_others { from.plus(NEIGHBOURHOOD_MS) } else { from };
        let detail = if is_after_others || is_for_good {
            "earlier ones are given up. Earlier history can be imported as counts without sessions."
        } else {
            "earlier ones are not kept. Raise how many months raw events of this customer are kept for, then import."
        };
        Ok((from, format!("The customer's events can be imported from {from} on; {detail}")))
    }

    /// The application of rows that name none, or what to say of them.
    fn application_of_rows(
        &self,
        of: &CustomerEntry,
        form: &HistoryForm,
    ) -> Result<(Option<ApplicationNo>, String), Faults> {
        let directory = self.directory();
        if let Some(id) = form.application {
            let detail = "The customer has no application of this id.";
            let entry = directory.application_of(of.record.no, id);
            let entry = entry.ok_or_else(|| Faults::one("application", FaultCode::FieldInvalid, detail))?;
            return Ok((Some(entry.record.no), String::new()));
        }
        let all = directory.applications();
        let own: Vec<_> = all.into_iter().filter(|entry| entry.record.customer_no == of.record.no).collect();
        let is_used = |entry: &&&Arc<crate::directory::ApplicationEntry>| {
            let application = &entry.record.application;
            application.tier == Tier::Production && application.revoked_at.is_none()
        };
        let production: Vec<_> = own.iter().filter(is_used).collect();
        if let [only] = production.as_slice() {
            return Ok((Some(only.record.no), String::new()));
        }
        let choice = |entry: &Arc<crate::directory::ApplicationEntry>| {
            let application = &entry.record.application;
            format!("{} ({}, {})", application.id, application.name, application.tier.as_str())
        };
        let choices: Vec<_> = own.iter().take(CHOICES_MAX).map(|entry| choice(entry)).collect();
        let choices = if choices.is_empty() { "none".to_owned() } else { choices.join(", ") };
        Ok((None, format!("Name the application, as --application or in a column. The customer has {choices}.")))
    }

    /// Reads all of a file, and checks it. One that was imported before is good though its events are too old by now.
    pub(super) async fn check_history<R: Read + Seek + Send + 'static>(
        &self,
        of: &Arc<CustomerEntry>,
        form: &HistoryForm,
        source: R,
        watch: Watch,
    ) -> Result<(R, Checked), HistoryError> {
        let checker = self.history_checker(of, form).await?;
        let times = AcceptedTimes { age_max_ms: checker.times.now.millis(), ..checker.times };
        let of_any_age = checker.mapping.has_sessions().then(|| Checker { times, ..checker.clone() });
        let (source, rejected) = match self.read_all(of, form, checker, source, watch.clone()).await? {
            (source, Ok(checked)) => return Ok((source, checked)),
            (source, Err(rejected)) => (source, rejected),
        };
        let is_too_old = |fault: &RowFault| fault.code == FaultCode::TimestampTooOld.as_str();
        if let Some(checker) = of_any_age.filter(|_| rejected.first.iter().all(is_too_old))
            && let (source, Ok(checked)) = self.read_all(of, form, checker, source, watch).await?
        {
            let fingerprint = fingerprint(form, &checked, of.record.customer.time_zone);
            let known = store::imports::of_file(&mut self.0.db.snapshot().await?, of.record.no, &fingerprint).await?;
            if known.is_some_and(|known| known.status == ImportStatus::Done) {
                return Ok((source, checked));
            }
        }
        Err(HistoryError::Rejected(rejected))
    }

    async fn read_all<R: Read + Seek + Send + 'static>(
        &self,
        of: &Arc<CustomerEntry>,
        form: &HistoryForm,
        checker: Checker,
        mut source: R,
        watch: Watch,
    ) -> Result<(R, Result<Checked, Rejected>), HistoryError> {
        let (names, zone) = (Names::new(self.directory(), of.clone(), false), of.record.customer.time_zone);
        let form = form.form;
        let check = move || {
            let size = source.seek(SeekFrom::End(0))?;
            source.rewind()?;
            let (mut names, mut survey, mut rejected) = (names, Survey::default(), Rejected::default());
            let mut hashed = Hashed::new(&mut source);
            let (read, mut seen) = (hashed.read.clone(), 0_u64);
            let mut take = |taken: super::read::Taken| {
                match taken {
                    Ok(record) => survey.take(&record, zone),
                    Err(faults) => rejected.take(faults),
                }
                seen += 1;
                if seen.is_multiple_of(WATCH_ROWS) {
                    watch(HistoryProgress::Checking(read.load(Ordering::Relaxed), size));
                }
                true
            };
            match rows(&mut hashed, form, &checker, &mut names, &mut take) {
                Ok(()) | Err(Broken::Stopped) => {}
                Err(Broken::Read(error)) => return Err(HistoryError::Read(error)),
                Err(Broken::Faults(faults)) => rejected.take(faults),
            }
            let sha256 = hashed.digest();
            let checked = if rejected.faults > 0 { Err(rejected) } else { Ok(Checked { checker, survey, sha256 }) };
            Ok((source, checked))
        };
        let joined = tokio::task::spawn_blocking(check).await;
        joined.map_err(|error| Error::Internal(format!("the reading of a file: {error}")))?
    }
}
