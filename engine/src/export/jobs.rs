//! Exports that are written in the background, and the list of all exports.
//!
//! A process takes an export on for [`LEASE_MS`], and says again and again that it is alive. Where it says nothing more,
//! another one (or the same after a restart) begins the file anew, of the same events: the place in the log is noted when
//! the export is requested.

use super::Export;
use crate::actor::{ApiClient, ExportKeeper, Operator, Reader, SessionUser, Supervisor};
use crate::audit::Note;
use crate::clock::new_uuid;
use crate::error::Error;
use crate::paging::PAGE_MAX;
use crate::store::exports::{Claimed, Ending, NewExport};
use crate::store::{self, Turn, Tx};
use crate::{Engine, OfCustomer, Paged, Paging};
use domain::audit::Action;
use domain::export::Manifest;
use domain::export::job::{ExportForm, ExportJob, TRIES_MAX, begun_again_at, file_expires_at, given_up};
use domain::fault::{FaultCode, Faults};
use domain::ids::{CustomerNo, ExportId};
use domain::timestamp::SECOND_MS;
use domain::{CustomerId, Timestamp};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// How long after its last sign of life a process is thought to have ended.
const LEASE_MS: i64 = 15 * SECOND_MS;

/// An export that is written at once, by a command or as an answer, and listed when it is whole.
#[derive(Debug, Clone, Copy)]
pub struct BegunExport {
    pub id: ExportId,
    at: Timestamp,
}

/// An export that this process has taken on, to be written.
pub struct ExportTask {
    customer: CustomerNo,
    id: ExportId,
    form: ExportForm,
    by: String,
    tries: u32,
    /// Or what went wrong before a file was begun.
    export: Result<Export, Error>,
}

impl ExportTask {
    /// The export's id, after which its file is named.
    #[must_use]
    pub const fn id(&self) -> ExportId {
        self.id
    }
    /// Which try this is, from 1: each writes a file of its own.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }
    /// What was asked for.
    #[must_use]
    pub const fn form(&self) -> &ExportForm {
        &self.form
    }
    /// The rows, to be taken once.
    ///
    /// # Errors
    /// Why it cannot be exported any more.
    pub fn take(&mut self) -> Result<Export, Error> {
        std::mem::replace(&mut self.export, Err(Error::NotFound))
    }
}

impl Engine {
    /// Requests an export: it is written in the background, and its file is kept for 30 days. `by` is who asks.
    ///
    /// # Errors
    /// What [`Engine::export`] says; and [`Error::Invalid`] if too many of the customer's exports are under way,
    /// or too many of their files or bytes are kept.
    pub async fn request_export(&self, reader: &Reader, form: &ExportForm, by: &str) -> Result<ExportJob, Error> {
        form.check()?;
        let customer = reader.one()?.record.no;
        // Begun here so that what is wrong is said at the form.
        let log_length = self.export(reader, form.kind, form.period, &form.filter, None).await?.subject().log_length;
        let (at, id) = (self.now(), ExportId::from_uuid(new_uuid(self.now())));
        let mut tx = self.0.db.begin().await?;
        tx.take_turn(Turn::Exports, Some(customer)).await?;
        store::exports::held(&mut tx, customer, at).await?.check_room()?;
        store::exports::insert(&mut tx, customer, &NewExport { id, form, by, at, log_length }).await?;
        self.note_export(&mut tx, customer, (Action::ExportRequested, by), form, asked(id, form)).await?;
        tx.commit().await?;
        self.0.exports_due.notify_one();
        self.export_job(reader, id).await
    }

    /// An export that is written at once, from now on.
    #[must_use]
    pub fn begin_export(&self) -> BegunExport {
        let at = self.now();
        BegunExport { id: ExportId::from_uuid(new_uuid(at)), at }
    }

    /// Lists an export that was written at once, by a command or as an answer of the API, and is not kept here.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn list_made_export(
        &self,
        reader: &Reader,
        BegunExport { id, at }: BegunExport,
        form: &ExportForm,
        manifest: &Manifest,
        by: &str,
    ) -> Result<(), Error> {
        let customer = reader.one()?.record.no;
        let mut tx = self.0.db.begin().await?;
        let log_length = manifest.log_length;
        store::exports::insert(&mut tx, customer, &NewExport { id, form, by, at, log_length }).await?;
        let ending = Ending::Done { manifest, file_expires_at: None };
        store::exports::end(&mut tx, (customer, id), None, self.now(), ending).await?;
        let action = (Action::ExportMade, by);
        self.note_export(&mut tx, customer, action, form, made(id, form, manifest)).await?;
        tx.commit().await
    }

    /// A page of a customer's exports, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of several customers.
    pub async fn export_jobs(&self, reader: &Reader, paging: &Paging) -> Result<Paged<ExportJob>, Error> {
        let customer = reader.one()?.record.no;
        let list = |before, limit| store::exports::list(&self.0.db, customer, before, limit);
        paging.newest_readable(PAGE_MAX, list).await
    }

    /// A page of all customers' exports, newest first.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn all_export_jobs(
        &self,
        _: &Supervisor,
        paging: &Paging,
    ) -> Result<Paged<OfCustomer<ExportJob>>, Error> {
        let list = |before, limit| store::exports::list_all(&self.0.db, before, limit);
        paging.newest_readable(PAGE_MAX, list).await
    }

    /// One of a customer's exports.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn export_job(&self, reader: &Reader, id: ExportId) -> Result<ExportJob, Error> {
        store::exports::find(&self.0.db, reader.one()?.record.no, id).await?.ok_or(Error::NotFound)
    }

    /// The manifest of an export that is done, as JSON.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn export_manifest(&self, reader: &Reader, id: ExportId) -> Result<Value, Error> {
        let found = store::exports::manifest(&self.0.db, reader.one()?.record.no, id).await?.ok_or(Error::NotFound)?;
        serde_json::from_str(&found).map_err(|_| crate::error::corrupt("manifest"))
    }

    /// Notes that somebody is given the file of an export.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn note_fetched_export(&self, reader: &Reader, job: &ExportJob, by: &str) -> Result<(), Error> {
        let action = (Action::ExportFetched, by);
        self.note_alone(reader.one()?.record.no, action, &job.form, asked(job.id, &job.form)).await
    }

    /// Notes that an export is about to be answered at once, whatever becomes of the answer.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn note_streamed_export(
        &self,
        reader: &Reader,
        begun: BegunExport,
        form: &ExportForm,
        by: &str,
    ) -> Result<(), Error> {
        self.note_alone(reader.one()?.record.no, (Action::ExportRequested, by), form, asked(begun.id, form)).await
    }

    async fn note_alone(
        &self,
        customer: CustomerNo,
        action: (Action, &str),
        form: &ExportForm,
        details: Value,
    ) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        self.note_export(&mut tx, customer, action, form, details).await?;
        tx.commit().await
    }

    /// Which exports a person may end: of the customer, or of the own one.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a customer that the person may not know of.
    pub fn export_keeper(&self, user: &SessionUser, customer: Option<CustomerId>) -> Result<ExportKeeper, Error> {
        let keeps_all = user.role().manages_applications();
        Ok(ExportKeeper { reader: self.reader(user, customer)?, by: user.acts_as(), keeps_all })
    }

    /// Which exports a program may end: those that its application requested.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the scope for exports.
    pub fn api_export_keeper(&self, client: &ApiClient) -> Result<ExportKeeper, Error> {
        Ok(ExportKeeper { reader: self.api_reader(client)?, by: client.acts_as(), keeps_all: false })
    }

    /// All exports of a customer, for whoever can run commands on the server, who is written down as `by`.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer.
    pub fn console_export_keeper(
        &self,
        operator: &Operator,
        customer: CustomerId,
        by: &str,
    ) -> Result<ExportKeeper, Error> {
        let reader = self.console_reader(operator, Some(customer))?;
        Ok(ExportKeeper { reader, by: by.to_owned(), keeps_all: true })
    }

    async fn kept_export(&self, keeper: &ExportKeeper, id: ExportId) -> Result<(CustomerNo, ExportJob), Error> {
        let job = self.export_job(&keeper.reader, id).await?;
        if keeper.keeps(&job) { Ok((keeper.reader.one()?.record.no, job)) } else { Err(Error::Forbidden) }
    }

    /// Cancels an export that is under way. Nothing is left of its file.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] if it is not the keeper's; [`Error::Invalid`] if it is over.
    pub async fn cancel_export(&self, keeper: &ExportKeeper, id: ExportId) -> Result<(), Error> {
        let (customer, job) = self.kept_export(keeper, id).await?;
        let mut tx = self.0.db.begin().await?;
        if !store::exports::end(&mut tx, (customer, id), None, self.now(), Ending::Cancelled).await? {
            return Err(Faults::one("export", FaultCode::FieldInvalid, "It is over already.").into());
        }
        let action = (Action::ExportCancelled, keeper.by.as_str());
        self.note_export(&mut tx, customer, action, &job.form, asked(id, &job.form)).await?;
        tx.commit().await
    }

    /// Deletes the file of an export before its time. The export stays in the list.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] if it is not the keeper's; [`Error::Invalid`] if no file of it is kept.
    pub async fn delete_export(&self, keeper: &ExportKeeper, id: ExportId) -> Result<(), Error> {
        let (customer, job) = self.kept_export(keeper, id).await?;
        let mut tx = self.0.db.begin().await?;
        if !store::exports::give_up_file(&mut tx, (customer, id), self.now()).await? {
            return Err(Faults::one("export", FaultCode::FieldInvalid, "No file of it is kept.").into());
        }
        let action = (Action::ExportDeleted, keeper.by.as_str());
        self.note_export(&mut tx, customer, action, &job.form, asked(id, &job.form)).await?;
        tx.commit().await?;
        // Told the same way, so that the file goes at once.
        self.0.export_files_left.store(true, Ordering::Relaxed);
        self.0.exports_due.notify_one();
        Ok(())
    }

    /// Cancels an export that is under way, or deletes the file of one that is done.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] if it is not the keeper's; [`Error::Invalid`] if nothing is left of it.
    pub async fn end_or_delete_export(&self, keeper: &ExportKeeper, id: ExportId) -> Result<(), Error> {
        match self.cancel_export(keeper, id).await {
            Err(Error::Invalid(_)) => self.delete_export(keeper, id).await,
            other => other,
        }
    }

    /// Whether files were given up here since it was asked last, so that it is worth looking for what is left over.
    #[must_use]
    pub fn take_export_files_left(&self) -> bool {
        self.0.export_files_left.swap(false, Ordering::Relaxed)
    }

    /// Takes on the export that has waited longest, if one waits.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn claim_export(&self) -> Result<Option<ExportTask>, Error> {
        loop {
            let mut tx = self.0.db.begin().await?;
            let now = self.now();
            let claimed = store::exports::claim(&mut tx, self.0.process, now, now.plus(LEASE_MS)).await?;
            tx.commit().await?;
            let Some(Claimed { customer, id, asked, by, tries }) = claimed else { return Ok(None) };
            let why = match asked {
                Ok(asked) if tries <= TRIES_MAX => return Ok(Some(self.task((customer, id), asked, by, tries).await)),
                Ok(_) => given_up(),
                // It must not keep those behind it from their turn.
                Err(error) => {
                    tracing::error!(%error, export = %id, "an export cannot be read");
                    "What was asked for cannot be read any more.".to_owned()
                }
            };
            self.end_export((customer, id), Ending::Failed(&why)).await?;
        }
    }

    async fn task(
        &self,
        (customer, id): (CustomerNo, ExportId),
        (form, log_length): (ExportForm, Option<u64>),
        by: String,
        tries: u32,
    ) -> ExportTask {
        let export = async {
            // What another process made a moment ago may be asked for here.
            self.refresh_directory().await?;
            let of = self.directory().customer_of_no(customer).cloned().ok_or(Error::NotFound)?;
            let mut tx = self.0.db.begin().await?;
            store::exports::held(&mut tx, customer, self.now()).await?.check_bytes()?;
            tx.commit().await?;
            self.export(&Reader { of: Some(of) }, form.kind, form.period, &form.filter, log_length).await
        };
        let export = export.await;
        ExportTask { customer, id, form, by, tries, export }
    }

    /// Says how far an export is, in thousandths, and that this process is alive; `false` if it is to be given up.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn keep_export(&self, task: (CustomerNo, ExportId), progress: u32) -> Result<bool, Error> {
        let lease_end = self.now().plus(LEASE_MS);
        let mut tx = self.0.db.begin().await?;
        let is_kept = store::exports::keep(&mut tx, task, self.0.process, progress, lease_end).await?;
        tx.commit().await?;
        Ok(is_kept)
    }

    /// Gives back what this process has taken on and writes no longer: another one begins it anew at once, and the try does
    /// not count. Only a process that ends without a word leaves its try behind.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn release_exports(&self) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        let released = store::exports::release(&mut tx, self.0.process).await?;
        tx.commit().await?;
        if released > 0 {
            tracing::info!(released, "exports were given back");
        }
        Ok(())
    }

    /// Gives back an export whose writing broke off. If the store was `away` it can be begun again at once, and the try does
    /// not count. Otherwise there may be something about this export: it rests while others have their turn, longer
    /// each time, and is given up after a few tries.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store is away now.
    pub async fn put_off_export(&self, task: &ExportTask, away: bool) -> Result<(), Error> {
        let until = if away { None } else { begun_again_at(task.tries, self.now()) };
        if !away && until.is_none() {
            return self.fail_export(task, &given_up()).await;
        }
        let mut tx = self.0.db.begin().await?;
        if store::exports::put_off(&mut tx, task.place(), self.0.process, (until, !away)).await? {
            tracing::info!(export = %task.id, tries = task.tries, away, "an export was put off");
        }
        tx.commit().await
    }

    /// Says that the file of an export is whole; `false` if it was cancelled before.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn finish_export(&self, task: &ExportTask, manifest: &Manifest) -> Result<bool, Error> {
        let at = self.now();
        let ending = Ending::Done { manifest, file_expires_at: Some(file_expires_at(at)) };
        let mut tx = self.0.db.begin().await?;
        if !store::exports::end(&mut tx, task.place(), Some(self.0.process), at, ending).await? {
            return Ok(false);
        }
        let action = (Action::ExportMade, task.by.as_str());
        let details = made(task.id, &task.form, manifest);
        self.note_export(&mut tx, task.customer, action, &task.form, details).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Says why an export cannot be written.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn fail_export(&self, task: &ExportTask, why: &str) -> Result<(), Error> {
        self.end_export(task.place(), Ending::Failed(why)).await
    }

    async fn end_export(&self, of: (CustomerNo, ExportId), ending: Ending<'_>) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        store::exports::end(&mut tx, of, Some(self.0.process), self.now(), ending).await?;
        tx.commit().await
    }

    /// Exports whose files are to be kept, and which try's: any other file where they lie is left over.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn exports_with_file(&self) -> Result<Vec<(ExportId, u32)>, Error> {
        store::exports::with_file(&self.0.db, self.now()).await
    }

    /// Waits until an export is requested of this process, or the file of one is given up.
    pub async fn export_requested(&self) {
        self.0.exports_due.notified().await;
    }

    async fn note_export(
        &self,
        tx: &mut Tx,
        customer: CustomerNo,
        (action, by): (Action, &str),
        form: &ExportForm,
        details: Value,
    ) -> Result<(), Error> {
        let note = Note { customer: Some(customer), by, action, subject: form.title(), details };
        self.note(tx, note).await
    }
}

impl ExportTask {
    /// What tells it from other exports.
    #[must_use]
    pub const fn place(&self) -> (CustomerNo, ExportId) {
        (self.customer, self.id)
    }
}

fn asked(id: ExportId, form: &ExportForm) -> Value {
    json!({ "export": id, "filters": form.filter })
}

fn made(id: ExportId, form: &ExportForm, manifest: &Manifest) -> Value {
    let written = &manifest.written;
    json!({
        "export": id,
        "filters": form.filter,
        "rows": written.rows,
        "bytes": written.bytes,
        "sha256": written.sha256,
        "versions": manifest.versions,
    })
}
