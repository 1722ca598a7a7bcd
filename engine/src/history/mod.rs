//! Imports of history: files of events, or of counts, from before Reachline.
//!
//! A file is read twice. The first time every row is checked, and nothing is imported unless all of them are good. The second
//! time events go to the writer like those of the API, so that they are durable, deduplicated and counted as any others; counts
//! without sessions go into a table of their own, which no figure reads. After each portion it is noted how far the import is:
//! the same file again goes on from there.

mod bring;
mod check;
mod prefix;
mod read;

use crate::Engine;
use crate::actor::{Operator, Reader};
use crate::audit::Note;
use crate::clock::new_uuid;
use crate::error::Error;
use crate::paging::PAGE_MAX;
use crate::store::imports::{Covered, Done, ImportRow};
use crate::store::{self, Tx};
use crate::{Paged, Paging};
use check::Checked;
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::history::{FileForm, ImportStatus, MappingForm, Pair, Rejected};
use domain::ids::{ApplicationNo, CustomerNo, ImportId};
use domain::zone::{Day, Month, Zone};
use domain::{ApplicationId, CustomerId, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::sync::Arc;

/// What is to be imported, and how it is read.
#[derive(Debug, Clone)]
pub struct HistoryForm {
    /// The file's name, without its directory.
    pub file: String,
    pub form: FileForm,
    pub mapping: MappingForm,
    /// Of rows that name none. Rows may then name no other.
    pub application: Option<ApplicationId>,
    /// Only counts are brought in, of which no session is known.
    pub without_sessions: bool,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryProgress {
    /// Bytes of the file that have been checked, and all.
    Checking(u64, u64),
    /// Rows that have been brought in, and all.
    Bringing(u64, u64),
}

/// Told how far an import is, also by threads that read.
pub type Watch = Arc<dyn Fn(HistoryProgress) + Send + Sync>;

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Rows are at fault; nothing was imported.
    #[error("{0}")]
    Rejected(Rejected),
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("{0}")]
    Engine(#[from] Error),
}

impl From<Faults> for HistoryError {
    fn from(faults: Faults) -> Self {
        Self::Engine(faults.into())
    }
}

/// What was imported, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryReport {
    /// `None` if nothing was imported.
    pub import: Option<ImportId>,
    pub file: String,
    pub has_sessions: bool,
    pub dry_run: bool,
    /// Whether the same file was imported before: nothing has changed.
    pub already_done: bool,
    /// Rows that an earlier try had brought in.
    pub resumed_at: u64,
    pub rows: u64,
    /// With sessions: events that were new. An earlier try's are among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
    /// With sessions: events that were known. Those that a try repeated after it broke off are among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<u64>,
    /// Without sessions: displays and clicks that were added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    /// In the customer's time zone.
    pub first_day: Day,
    /// Inclusive.
    pub last_day: Day,
    pub applications: Vec<ApplicationId>,
    /// How many.
    pub helplines: usize,
    pub months: BTreeMap<Month, Pair>,
}

/// An import, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryImport {
    pub id: ImportId,
    pub file: String,
    pub started_at: String,
    pub started_by: String,
    pub ended_at: Option<String>,
    pub status: ImportStatus,
    pub has_sessions: bool,
    pub rows: u64,
    pub rows_done: u64,
    /// With sessions: events that were new; without: displays and clicks.
    pub added: u64,
    /// In the customer's time zone.
    pub first_day: Option<Day>,
    /// Inclusive.
    pub last_day: Option<Day>,
    pub applications: Vec<ApplicationId>,
}

impl Engine {
    /// Imports a file of history of a customer. With sessions the workers must have been started. `by` is who does it.
    ///
    /// # Errors
    /// [`HistoryError::Rejected`] with what is wrong with the file; [`Error::NotFound`] if there is no such customer;
    /// [`Error::Invalid`] with what is wrong with the form, if days have been imported already, or if the file changed while
    /// it was brought in, now or by an earlier try. After [`Error::Unavailable`] the same call goes on where it stopped.
    pub async fn import_history(
        &self,
        operator: &Operator,
        customer: CustomerId,
        form: &HistoryForm,
        source: impl Read + Seek + Send + 'static,
        by: &str,
        watch: Watch,
    ) -> Result<HistoryReport, HistoryError> {
        self.refresh_directory().await?;
        let of = self.console_manager(operator, customer)?.of;
        let (source, checked) = self.check_history(&of, form, source, watch.clone()).await?;
        let zone = of.record.customer.time_zone;
        let fingerprint = fingerprint(form, &checked, zone);
        let mut report = self.report_of(form, &checked)?;
        let (import, is_new) = {
            let mut tx = self.0.db.begin().await?;
            let begun = self.begin_history(&mut tx, (of.record.no, zone), &fingerprint, form, &checked, by).await?;
            if !form.dry_run {
                tx.commit().await?;
            }
            begun
        };
        report.already_done = import.status == ImportStatus::Done;
        if form.dry_run {
            report.import = (!is_new).then_some(import.id);
            return Ok(report);
        }
        report.resumed_at = import.rows_done;
        let mut done = Done { rows: import.rows_done, added: import.added };
        if !report.already_done {
            done = self.bring(&of, form, &checked, &import, source, (by, watch)).await?;
            self.end_history(of.record.no, &import, done, by).await?;
        }
        if report.has_sessions {
            self.wait_for_figures().await?;
            report.accepted = Some(done.added);
            report.duplicates = Some(done.rows.saturating_sub(done.added));
        } else {
            report.added = Some(done.added);
        }
        report.import = Some(import.id);
        Ok(report)
    }

    /// Finds the import of a file, or notes that one begins; and whether it is a new one.
    async fn begin_history(
        &self,
        tx: &mut Tx,
        (customer, zone): (CustomerNo, Zone),
        fingerprint: &str,
        form: &HistoryForm,
        checked: &Checked,
        by: &str,
    ) -> Result<(ImportRow, bool), Error> {
        // Of two that begin at once, one waits for the other; and reports that are being drafted know of it.
        store::reports::open_book(tx, customer, false).await?;
        if let Some(known) = store::imports::of_file(tx, customer, fingerprint).await? {
            return Ok((known, false));
        }
        let import = ImportRow {
            id: ImportId::from_uuid(new_uuid(self.now())),
            started_at: self.now(),
            started_by: by.to_owned(),
            file: form.file.clone(),
            fingerprint: fingerprint.to_owned(),
            has_sessions: checked.has_sessions(),
            status: ImportStatus::Running,
            rows_total: checked.survey.rows,
            rows_done: 0,
            added: 0,
            brought: None,
            covered: checked.survey.stretches().into_iter().map(Covered::from).collect(),
            ended_at: None,
        };
        if !import.has_sessions {
            if store::accounts::zone_name(tx, customer).await? != zone.name() {
                let detail = "The customer's time zone changed while the file was checked. Import it again.";
                return Err(Faults::one("file", FaultCode::FieldInvalid, detail).into());
            }
            for earlier in store::imports::of_counts(tx, customer).await? {
                no_overlap(&import, &earlier)?;
            }
        }
        store::imports::insert(tx, customer, &import).await?;
        self.note_history(tx, customer, Action::HistoryBegun, &import, by).await?;
        Ok((import, true))
    }

    async fn end_history(&self, customer: CustomerNo, import: &ImportRow, done: Done, by: &str) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        // The book first, as in a withdrawal: of the two at once, one waits. Drafts that were counted before say nothing of
        // what came in, or only of a part of it: they cannot be approved any more.
        store::reports::open_book(&mut tx, customer, true).await?;
        let ended = store::imports::end(&mut tx, (customer, import.id), done.rows, ImportStatus::Done, self.now());
        if !ended.await? {
            return Err(elsewhere());
        }
        let import = ImportRow { rows_done: done.rows, added: done.added, ..import.clone() };
        self.note_history(&mut tx, customer, Action::HistoryImported, &import, by).await?;
        tx.commit().await
    }

    /// Takes the counts of an import without sessions away again. One with sessions that has not ended is given up: its events
    /// stay, but no report waits for its end any more.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] for an import with sessions that has ended, as events are counted once for ever,
    /// and for one that was withdrawn before.
    pub async fn withdraw_history(
        &self,
        operator: &Operator,
        customer: CustomerId,
        id: ImportId,
        by: &str,
    ) -> Result<HistoryImport, Error> {
        let customer = self.console_manager(operator, customer)?.customer_no();
        let mut tx = self.0.db.begin().await?;
        store::reports::open_book(&mut tx, customer, true).await?;
        let import = store::imports::find(&mut tx, customer, id).await?.ok_or(Error::NotFound)?;
        if import.has_sessions && import.status != ImportStatus::Running {
            let detail = "It has sessions and has ended: its events are counted for ever. Only counts without sessions are withdrawn.";
            return Err(Faults::one("import", FaultCode::FieldInvalid, detail).into());
        }
        let end = store::imports::end(&mut tx, (customer, id), import.rows_done, ImportStatus::Withdrawn, self.now());
        if !end.await? {
            let detail = "It was withdrawn already, or goes on at this moment: then try again.";
            return Err(Faults::one("import", FaultCode::FieldTaken, detail).into());
        }
        store::imports::delete_counts(&mut tx, customer, id).await?;
        self.note_history(&mut tx, customer, Action::HistoryWithdrawn, &import, by).await?;
        let withdrawn = store::imports::find(&mut tx, customer, id).await?.ok_or(Error::NotFound)?;
        tx.commit().await?;
        Ok(self.listed(withdrawn))
    }

    /// A page of a customer's imports, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of several customers.
    pub async fn history_imports(&self, reader: &Reader, paging: &Paging) -> Result<Paged<HistoryImport>, Error> {
        let customer = reader.one()?.record.no;
        let list = |before, limit| store::imports::list(&self.0.db, customer, before, limit);
        let page = paging.newest_readable(PAGE_MAX, list).await?;
        let items = page.items.into_iter().map(|import| self.listed(import)).collect();
        Ok(Paged { items, next_cursor: page.next_cursor })
    }

    fn listed(&self, import: ImportRow) -> HistoryImport {
        HistoryImport {
            first_day: import.covered.iter().map(|covered| covered.first).min(),
            last_day: import.covered.iter().map(|covered| covered.last).max(),
            applications: self.application_ids(import.applications().into_iter()),
            id: import.id,
            file: import.file,
            started_at: import.started_at.to_string(),
            started_by: import.started_by,
            ended_at: import.ended_at.map(|at: Timestamp| at.to_string()),
            status: import.status,
            has_sessions: import.has_sessions,
            rows: import.rows_total,
            rows_done: import.rows_done,
            added: import.added,
        }
    }

    fn application_ids(&self, numbers: impl Iterator<Item = ApplicationNo>) -> Vec<ApplicationId> {
        let directory = self.directory();
        numbers.filter_map(|no| Some(directory.application(no)?.record.application.id)).collect()
    }

    /// What is said of a file before it is brought in.
    fn report_of(&self, form: &HistoryForm, checked: &Checked) -> Result<HistoryReport, Error> {
        let survey = &checked.survey;
        let (first_day, last_day) = survey.days().ok_or_else(|| {
            Error::from(Faults::one("file", FaultCode::FieldMissing, "It has no rows: nothing was imported."))
        })?;
        Ok(HistoryReport {
            import: None,
            file: form.file.clone(),
            has_sessions: checked.has_sessions(),
            dry_run: form.dry_run,
            already_done: false,
            resumed_at: 0,
            rows: survey.rows,
            accepted: None,
            duplicates: None,
            added: None,
            first_day,
            last_day,
            applications: self.application_ids(survey.applications.keys().copied()),
            helplines: survey.helplines.len(),
            months: survey.months.clone(),
        })
    }

    async fn note_history(
        &self,
        tx: &mut Tx,
        customer: CustomerNo,
        action: Action,
        import: &ImportRow,
        by: &str,
    ) -> Result<(), Error> {
        let details = serde_json::json!({
            "import": import.id,
            "fingerprint": import.fingerprint,
            "has_sessions": import.has_sessions,
            "rows": import.rows_total,
            "rows_done": import.rows_done,
            "added": import.added,
        });
        let (customer, subject) = (Some(customer), import.file.clone());
        self.note(tx, Note { customer, by, action, subject, details }).await
    }
}

/// SHA-256 of a file and of how it is read, in hexadecimal: also of what was not said, but told from the customer.
fn fingerprint(form: &HistoryForm, checked: &Checked, zone: Zone) -> String {
    let Checked { checker, survey, sha256 } = checked;
    let zone = if checked.has_sessions() { checker.mapping.zone() } else { Some(zone) };
    // Where no row is of it, rows name their applications.
    let application = checker.application.filter(|application| survey.applications.contains_key(application));
    let how = serde_json::json!([form.form, form.mapping, zone, application, form.without_sessions]);
    let digest = Sha256::new().chain_update(sha256).chain_update(how.to_string()).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first stretch of `old` that has a day of an application in common with `new`. Both are in order.
fn common<'a>(mut new: &[Covered], mut old: &'a [Covered]) -> Option<&'a Covered> {
    while let ([a, later_new @ ..], [b, later_old @ ..]) = (new, old) {
        if a.application == b.application && a.first <= b.last && b.first <= a.last {
            return Some(b);
        }
        if (a.application, a.last) < (b.application, b.last) {
            new = later_new;
        } else {
            old = later_old;
        }
    }
    None
}

/// That two imports without sessions have no day of an application in common.
fn no_overlap(import: &ImportRow, earlier: &ImportRow) -> Result<(), Faults> {
    let Some(old) = common(&import.covered, &earlier.covered) else { return Ok(()) };
    let detail = format!(
        "The import {} of {} has {} to {} of the same application: a day is imported once. Withdraw it first, if this file is \
         to take its place.",
        earlier.id, earlier.file, old.first, old.last
    );
    Err(Faults::one("file", FaultCode::FieldTaken, detail))
}

fn elsewhere() -> Error {
    Faults::one("import", FaultCode::FieldTaken, "Another process goes on with it, or has withdrawn it.").into()
}
