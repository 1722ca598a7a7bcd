//! The second time a file is read: its rows are brought in, portion by portion.

use super::check::{Checked, Hashed, Names};
use super::prefix::Prefix;
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
/// Events that may wait to be counted when a portion is brought in: several batches of whoever counts them, so that it never
/// waits for more.
const UNCOUNTED_MAX: i64 = 100_000;
/// How often a portion that the writer does not take is tried …
const TRIES_MAX: u32 = 60;
/// … and how long it is waited between: the writer looks once a second whether the store is back.
const RETRY: Duration = Duration::from_secs(1);

/// Rows that are brought in at once.
struct Portion {
    records: Vec<Record>,
    /// Of all rows of the file up to the last one of these.
    brought: String,
}

/// How the reading of a file ended.
enum End {
    /// With the file, which has this hash.
    OfFile([u8; 32]),
    /// Before: the file is not the one that was checked any more, or whoever takes the portions wants no more.
    Early,
    /// Before anything was brought in, as the rows of an earlier try are not those of this file.
    OtherRows,
}

/// What the thread that reads ends with.
type Reading = JoinHandle<Result<End, std::io::Error>>;

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
        let before = (import.rows_done, import.brought.clone());
        let (portions, reading) = self.read_rest(of, form, checked, source, before);
        let brought = self.bring_portions(of, checked, import, portions, &mut done, &watch).await;
        let read = reading.await.map_err(|error| Error::Internal(format!("the reading of a file: {error}")))?;
        brought?;
        let detail = match read? {
            End::OfFile(sha256) if sha256 == checked.sha256 && done.rows == import.rows_total => return Ok(done),
            End::OfFile(_) | End::Early => {
                "The file changed while it was imported. Import it again when nobody writes it."
            }
            End::OtherRows if import.has_sessions => {
                "An earlier try broke off, and rows that it brought in are not those of this file, which changed meanwhile. Their \
                 events stay, as events do. Import the file again when nobody writes it: it begins with its first row."
            }
            End::OtherRows => {
                "An earlier try broke off, and rows that it brought in are not those of this file, which changed meanwhile. Their \
                 counts are taken back. Import the file again when nobody writes it: it begins with its first row."
            }
        };
        self.give_back(of, import, done, by).await?;
        Err(Faults::one("file", FaultCode::FieldInvalid, detail).into())
    }

    /// Reads a file on a thread of its own: its rows but the first ones, of which it is known how many were brought in, and
    /// their hash.
    fn read_rest(
        &self,
        of: &Arc<CustomerEntry>,
        form: &HistoryForm,
        checked: &Checked,
        mut source: impl Read + Seek + Send + 'static,
        (skip, brought): (u64, Option<String>),
    ) -> (mpsc::Receiver<Portion>, Reading) {
        let (send, portions) = mpsc::channel(PORTIONS_AHEAD);
        let mut names = Names::new(self.directory(), of.clone(), true);
        let (checker, form) = (checked.checker.clone(), form.form);
        let read = move || {
            source.rewind()?;
            let mut hashed = Hashed::new(&mut source);
            let (mut seen, mut prefix, mut are_others) = (0_u64, Prefix::default(), false);
            let mut records = Vec::with_capacity(PORTION_ROWS);
            let mut take = |taken: Taken| {
                // It was good when it was checked.
                let Ok(record) = taken else { return false };
                seen += 1;
                prefix.take(&record);
                if seen <= skip {
                    are_others = seen == skip && brought.as_ref() != Some(&prefix.digest());
                    return !are_others;
                }
                records.push(record);
                if records.len() < PORTION_ROWS {
                    return true;
                }
                let records = std::mem::replace(&mut records, Vec::with_capacity(PORTION_ROWS));
                send.blocking_send(Portion { records, brought: prefix.digest() }).is_ok()
            };
            match rows(&mut hashed, form, &checker, &mut names, &mut take) {
                Err(Broken::Read(error)) => return Err(error),
                Err(_) if are_others => return Ok(End::OtherRows),
                // The file is another one by now, or whoever takes the portions has said why it takes no more.
                Err(Broken::Faults(_) | Broken::Stopped) => return Ok(End::Early),
                Ok(()) => {}
            }
            if !records.is_empty() {
                // The same.
                let _ = send.blocking_send(Portion { records, brought: prefix.digest() });
            }
            Ok(End::OfFile(hashed.digest()))
        };
        (portions, tokio::task::spawn_blocking(read))
    }

    async fn bring_portions(
        &self,
        of: &CustomerEntry,
        checked: &Checked,
        import: &ImportRow,
        mut portions: mpsc::Receiver<Portion>,
        done: &mut Done,
        watch: &Watch,
    ) -> Result<(), Error> {
        while let Some(Portion { records, brought }) = portions.recv().await {
            let rows = records.len() as u64;
            let key = (of.record.no, import.id);
            let (counts, added) = if import.has_sessions {
                self.wait_for_counting(UNCOUNTED_MAX).await?;
                self.still_kept(of, checked).await?;
                (BTreeMap::new(), self.append_history(of, &records).await?)
            } else {
                let counts = summed(&records, of);
                let added = counts.values().copied().fold(0, i64::saturating_add);
                (counts, added.unsigned_abs())
            };
            let to = Done { rows: done.rows + rows, added: done.added.saturating_add(added) };
            // Counts and how far they are in one transaction: whatever happens, none is added twice.
            let mut tx = self.0.db.begin().await?;
            if !store::imports::advance(&mut tx, key, *done, to, Some(brought)).await? {
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
        for _ in 0..TRIES_MAX {
            let intake = Intake { events: portion.iter().map(event).collect(), refused: Vec::new() };
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
            if !store::imports::advance(&mut tx, key, done, Done { rows: 0, added: 0 }, None).await? {
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
