//! The second time a file is read: its rows are brought in, portion by portion.

use super::check::{Checked, Hashed, Names};
use super::read::{Broken, Taken, rows};
use super::{HistoryError, HistoryForm, HistoryProgress, Watch, elsewhere};
use crate::Engine;
use crate::directory::CustomerEntry;
use crate::error::Error;
use crate::ingest::Intake;
use crate::store;
use crate::store::imports::{CountKey, Done, ImportRow};
use domain::audit::Action;
use domain::event::Event;
use domain::fault::{FaultCode, Faults};
use domain::history::{ImportStatus, Record};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Rows that are brought in at once, and lost at most where a process ends: few enough for one commit of the writer.
const PORTION_ROWS: usize = 4_000;
/// Portions that are read ahead.
const PORTIONS_AHEAD: usize = 2;
/// How often a portion that the writer does not take is tried …
const TRIES_MAX: u32 = 60;
/// … and how long it is waited between: the writer looks once a second whether the store is back.
const RETRY: Duration = Duration::from_secs(1);

/// What the thread that reads ends with: the file's hash, unless it was not read to its end.
type Reading = JoinHandle<Result<Option<[u8; 32]>, std::io::Error>>;

impl Engine {
    /// Brings the rest of a file in, and says how far the import is then: at its end.
    pub(super) async fn bring(
        &self,
        of: &Arc<CustomerEntry>,
        form: &HistoryForm,
        checked: &Checked,
        import: &ImportRow,
        source: impl Read + Seek + Send + 'static,
        (by, watch): (&str, Watch),
    ) -> Result<Done, HistoryError> {
        let mut done = Done { rows: import.rows_done, added: import.added };
        let (portions, reading) = self.read_rest(of, form, checked, source, done.rows);
        let brought = self.bring_portions(of, checked, import, portions, &mut done, &watch).await;
        let read = reading.await.map_err(|error| Error::Internal(format!("the reading of a file: {error}")))?;
        brought?;
        if read? == Some(checked.sha256) && done.rows == import.rows_total {
            return Ok(done);
        }
        self.give_back(of, import, done, by).await?;
        let detail = "The file changed while it was imported. Import it again when nobody writes it.";
        Err(Faults::one("file", FaultCode::FieldInvalid, detail).into())
    }

    /// Reads the rows after the first `skip` on a thread of its own.
    fn read_rest(
        &self,
        of: &Arc<CustomerEntry>,
        form: &HistoryForm,
        checked: &Checked,
        mut source: impl Read + Seek + Send + 'static,
        skip: u64,
    ) -> (mpsc::Receiver<Vec<Record>>, Reading) {
        let (send, portions) = mpsc::channel(PORTIONS_AHEAD);
        let mut names = Names::new(self.directory(), of.clone(), true);
        let (checker, form) = (checked.checker.clone(), form.form);
        let read = move || {
            source.rewind()?;
            let mut hashed = Hashed::new(&mut source);
            let (mut seen, mut portion) = (0_u64, Vec::with_capacity(PORTION_ROWS));
            let mut take = |taken: Taken| match taken {
                Ok(record) => {
                    seen += 1;
                    if seen > skip {
                        portion.push(record);
                    }
                    let is_full = portion.len() == PORTION_ROWS;
                    !is_full || send.blocking_send(std::mem::take(&mut portion)).is_ok()
                }
                // It was good when it was checked.
                Err(_) => false,
            };
            match rows(&mut hashed, form, &checker, &mut names, &mut take) {
                Err(Broken::Read(error)) => return Err(error),
                // The file is another one by now, or whoever takes the portions has said why it takes no more.
                Err(Broken::Faults(_) | Broken::Stopped) => return Ok(None),
                Ok(()) => {}
            }
            if !portion.is_empty() {
                // The same.
                let _ = send.blocking_send(portion);
            }
            Ok(Some(hashed.digest()))
        };
        (portions, tokio::task::spawn_blocking(read))
    }

    async fn bring_portions(
        &self,
        of: &CustomerEntry,
        checked: &Checked,
        import: &ImportRow,
        mut portions: mpsc::Receiver<Vec<Record>>,
        done: &mut Done,
        watch: &Watch,
    ) -> Result<(), Error> {
        while let Some(portion) = portions.recv().await {
            let rows = portion.len() as u64;
            let key = (of.record.no, import.id);
            let (counts, added) = if import.has_sessions {
                self.still_kept(of, checked).await?;
                (BTreeMap::new(), self.append_history(of, &portion).await?)
            } else {
                let counts = summed(&portion, of);
                let added = counts.values().copied().fold(0, i64::saturating_add);
                (counts, added.unsigned_abs())
            };
            let to = Done { rows: done.rows + rows, added: done.added.saturating_add(added) };
            // Counts and how far they are in one transaction: whatever happens, none is added twice.
            let mut tx = self.0.db.begin().await?;
            if !store::imports::advance(&mut tx, key, *done, to).await? {
                return Err(elsewhere());
            }
            store::imports::add_counts(&mut tx, key, &counts).await?;
            tx.commit().await?;
            *done = to;
            watch(HistoryProgress::Bringing(done.rows, import.rows_total));
        }
        Ok(())
    }

    /// Appends events to the log, like those of a request, and says how many were new.
    async fn append_history(&self, of: &CustomerEntry, portion: &[Record]) -> Result<u64, Error> {
        let customer = of.record.no;
        let event = |record: &Record| {
            let Record { application, helpline, action, at, session, .. } = *record;
            Event { at, customer, application, helpline, action, session }
        };
        let events: Vec<Event> = portion.iter().map(event).collect();
        for _ in 0..TRIES_MAX {
            let intake = Intake { events: events.clone(), refused: Vec::new() };
            if let Ok(is_new) = self.0.writer.send(intake).await {
                return Ok(is_new.iter().filter(|is_new| **is_new).count() as u64);
            }
            tokio::time::sleep(RETRY).await;
        }
        Err(Error::Unavailable("events are not taken; the same command goes on where this one stopped".to_owned()))
    }

    /// That the events of a file have not become too old while it was read: what is given up cannot be counted right.
    async fn still_kept(&self, of: &CustomerEntry, checked: &Checked) -> Result<(), Error> {
        let given_up = store::imports::events_from(&self.0.db, of.record.no).await?;
        match (given_up, checked.survey.times) {
            (Some(from), Some((first, _))) if first < from => {
                let detail = format!("Raw events before {from} have been given up meanwhile.");
                Err(Faults::one("file", FaultCode::TimestampTooOld, detail).into())
            }
            _ => Ok(()),
        }
    }

    /// Takes back what is noted of a file that changed while it was read: its counts, or, as events cannot be taken back, how
    /// far it came. The rows that came in were perhaps not those of the file that was checked, so none may be skipped when it
    /// is imported again; events that are there already are known then.
    async fn give_back(&self, of: &CustomerEntry, import: &ImportRow, done: Done, by: &str) -> Result<(), Error> {
        let (mut tx, key) = (self.0.db.begin().await?, (of.record.no, import.id));
        let action = if import.has_sessions {
            if !store::imports::advance(&mut tx, key, done, Done { rows: 0, added: 0 }).await? {
                return Err(elsewhere());
            }
            Action::HistorySetBack
        } else {
            if !store::imports::end(&mut tx, key, done.rows, ImportStatus::Withdrawn, self.now()).await? {
                return Err(elsewhere());
            }
            store::imports::delete_counts(&mut tx, of.record.no, import.id).await?;
            Action::HistoryWithdrawn
        };
        let import = ImportRow { rows_done: done.rows, added: done.added, ..import.clone() };
        self.note_history(&mut tx, of.record.no, action, &import, by).await?;
        tx.commit().await
    }
}

/// The counts of rows by day, application, helpline and action.
fn summed(portion: &[Record], of: &CustomerEntry) -> BTreeMap<CountKey, i64> {
    let zone = of.record.customer.time_zone;
    let mut counts: BTreeMap<CountKey, i64> = BTreeMap::new();
    for record in portion {
        let key = (zone.day(record.at), record.application, record.helpline, record.action.code());
        let sum = counts.entry(key).or_default();
        *sum = sum.saturating_add(i64::try_from(record.count).unwrap_or(i64::MAX));
    }
    counts
}
