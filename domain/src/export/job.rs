//! Exports that are written in the background: what is asked for, and how far it is.

use super::{Format, Kind, SHEET_ROWS_MAX, Versions, Written, check_bom};
use crate::account::named;
use crate::fault::{FaultCode, Faults};
use crate::ids::ExportId;
use crate::period::{Filter, Period};
use crate::timestamp::{DAY_MS, MINUTE_MS, Timestamp};
use serde::{Deserialize, Serialize};

/// Days that a file is kept for.
pub const FILE_DAYS: i64 = 30;
/// Exports of a customer that may wait or be under way at once.
pub const UNDER_WAY_MAX: usize = 20;
/// Files of a customer's exports that may be kept at once, those that are still to be written among them.
pub const KEPT_FILES_MAX: usize = 200;
/// Bytes of a customer's files from which on no more exports are made: only the last one goes beyond.
pub const KEPT_BYTES_MAX: u64 = 20_000_000_000;
/// How often an export is begun before it is given up: because the process that wrote it ended, or the store broke off.
pub const TRIES_MAX: u32 = 5;
/// How long it rests after its first try that broke off, after its second, and so on, in milliseconds.
const RESTS_MS: [i64; TRIES_MAX as usize - 1] = [MINUTE_MS, 5 * MINUTE_MS, 20 * MINUTE_MS, 60 * MINUTE_MS];
/// The whole, in thousandths.
pub const WHOLE: u32 = 1_000;

named! {
    /// How far an export is.
    JobStatus {
        Queued = "queued", "Waiting";
        Running = "running", "Being written";
        Done = "done", "Done";
        Failed = "failed", "Failed";
        Cancelled = "cancelled", "Cancelled";
    }
}

impl JobStatus {
    /// Whether it may still become a file.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportForm {
    pub kind: Kind,
    pub period: Period,
    pub filter: Filter,
    pub format: Format,
    /// Whether a CSV file begins with a byte order mark.
    pub bom: bool,
}

impl ExportForm {
    /// Checks what does not depend on the customer.
    ///
    /// # Errors
    /// A fault of `bom`.
    pub fn check(&self) -> Result<(), Faults> {
        check_bom(self.format, self.bom)
    }

    /// What it is, in a few words for people.
    #[must_use]
    pub fn title(&self) -> String {
        let Period { from, to } = self.period;
        format!("{}, {from} to {}, {}", self.kind.label(), to.plus(-1), self.format.label())
    }
}

/// What is known of a file that was written: the part of its manifest that lists show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFile {
    pub versions: Versions,
    #[serde(flatten)]
    pub written: Written,
}

/// An export, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportJob {
    pub id: ExportId,
    pub form: ExportForm,
    pub requested_at: Timestamp,
    /// An e-mail address, an application, a link or the command line.
    pub requested_by: String,
    pub status: JobStatus,
    /// In thousandths.
    pub progress: u32,
    /// What was written, once it is done.
    pub made: Option<MadeFile>,
    /// Why it failed, in a sentence.
    pub error: Option<String>,
    pub ended_at: Option<Timestamp>,
    /// Until when this installation keeps its file; `None` for those that were handed over as they were made.
    pub file_expires_at: Option<Timestamp>,
    /// How often it was begun. Each try has a file of its own, so that two processes never write to one.
    pub tries: u32,
}

impl ExportJob {
    /// Whether its file can be downloaded.
    #[must_use]
    pub fn has_file(&self, now: Timestamp) -> bool {
        self.status == JobStatus::Done && self.file_expires_at.is_some_and(|until| now < until)
    }
}

/// What an installation holds of a customer's exports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Exports that wait or are under way.
    pub under_way: usize,
    /// Files that are kept.
    pub files: usize,
    /// And their bytes.
    pub bytes: u64,
}

impl Held {
    /// Whether one more export may be requested.
    ///
    /// # Errors
    /// A fault of `kind` that says what to do.
    pub fn check_room(&self) -> Result<(), Faults> {
        if self.under_way >= UNDER_WAY_MAX {
            let detail = format!("{UNDER_WAY_MAX} exports are under way: wait for one of them, or cancel it.");
            return Err(Faults::one("kind", FaultCode::FieldInvalid, detail));
        }
        if self.files + self.under_way >= KEPT_FILES_MAX {
            return Err(no_room(&format!("{KEPT_FILES_MAX} files of exports")));
        }
        self.check_bytes()
    }

    /// Whether one that was requested may be written: what was requested before it may have filled the room since.
    ///
    /// # Errors
    /// A fault of `kind` that says what to do.
    pub fn check_bytes(&self) -> Result<(), Faults> {
        if self.bytes < KEPT_BYTES_MAX {
            return Ok(());
        }
        Err(no_room(&format!("{} GB of exports", KEPT_BYTES_MAX / 1_000_000_000)))
    }
}

fn no_room(kept: &str) -> Faults {
    let detail = format!("{kept} are kept: delete an export, or wait until one is kept no longer.");
    Faults::one("kind", FaultCode::FieldInvalid, detail)
}

/// Until when a file that is made now is kept.
#[must_use]
pub fn file_expires_at(now: Timestamp) -> Timestamp {
    now.plus(FILE_DAYS * DAY_MS)
}

/// When an export that broke off at its `tries`-th try is begun again; `None` if it is given up.
#[must_use]
pub fn begun_again_at(tries: u32, now: Timestamp) -> Option<Timestamp> {
    let tried = usize::try_from(tries).ok()?.checked_sub(1)?;
    RESTS_MS.get(tried).map(|rest| now.plus(*rest))
}

/// Why an export was given up.
#[must_use]
pub fn given_up() -> String {
    format!(
        "It was begun {TRIES_MAX} times, and each time the server ended or its database broke off: its log says more."
    )
}

/// How far an export is that has come to a day of its period, in thousandths: less than the whole.
#[must_use]
pub fn progress(period: Period, day: crate::zone::Day) -> u32 {
    let (done, all) = (i64::from(day.0 - period.from.0), i64::from(period.days()));
    let thousandths = done * i64::from(WHOLE) / all.max(1);
    u32::try_from(thousandths.clamp(0, i64::from(WHOLE) - 1)).unwrap_or_default()
}

/// Why a sheet was not written.
#[must_use]
pub fn too_many_rows() -> String {
    format!("A sheet holds at most {SHEET_ROWS_MAX} rows: choose a shorter period, or CSV, NDJSON or Parquet.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Day;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn progress_never_says_that_it_is_over() {
        let period = Period::new(day("2026-11-01"), day("2026-11-11")).unwrap();
        let at = |text| progress(period, day(text));
        assert_eq!([at("2026-10-31"), at("2026-11-01"), at("2026-11-06"), at("2026-11-11")], [0, 0, 500, 999]);
    }

    #[test]
    fn one_that_breaks_off_rests_longer_each_time_and_is_given_up() {
        let now = Timestamp::from_millis(7);
        let rest = |tries| begun_again_at(tries, now).map(|at| (at.millis() - 7) / MINUTE_MS);
        assert_eq!([1, 2, 3, 4, TRIES_MAX].map(rest), [Some(1), Some(5), Some(20), Some(60), None]);
        assert_eq!((rest(0), rest(u32::MAX)), (None, None));
    }

    #[test]
    fn there_is_room_for_so_many_files_and_bytes_and_no_more() {
        for (under_way, files, bytes, refused) in [
            (0, 0, 0, None),
            (UNDER_WAY_MAX - 1, 0, 0, None),
            (UNDER_WAY_MAX, 0, 0, Some("under way")),
            (0, KEPT_FILES_MAX - 1, 0, None),
            (0, KEPT_FILES_MAX, 0, Some("200 files")),
            // What is under way becomes files.
            (1, KEPT_FILES_MAX - 1, 0, Some("200 files")),
            (0, 1, KEPT_BYTES_MAX - 1, None),
            (0, 1, KEPT_BYTES_MAX, Some("20 GB")),
            (0, 1, u64::MAX, Some("20 GB")),
        ] {
            let held = Held { under_way, files, bytes };
            let found = held.check_room().err().map(|faults| faults.0[0].clone());
            assert_eq!(found.is_some(), refused.is_some(), "{held:?}");
            assert!(
                found.is_none_or(|fault| fault.field.as_str() == "kind" && fault.detail.contains(refused.unwrap()))
            );
            // One that waits already is written as long as there is room for its bytes.
            assert_eq!(held.check_bytes().is_err(), bytes >= KEPT_BYTES_MAX);
        }
    }

    #[test]
    fn a_file_is_there_for_thirty_days() {
        let now = Timestamp::from_millis(1_000);
        let form = ExportForm {
            kind: Kind::Days,
            period: Period::new(day("2026-11-01"), day("2026-12-01")).unwrap(),
            filter: Filter::default(),
            format: Format::Parquet,
            bom: false,
        };
        assert_eq!(form.title(), "Daily figures, 2026-11-01 to 2026-11-30, Parquet");
        assert!(form.check().is_ok() && ExportForm { bom: true, ..form.clone() }.check().is_err());
        let mut job = ExportJob {
            id: ExportId::from_uuid(uuid::Uuid::nil()),
            form,
            requested_at: now,
            requested_by: "me".to_owned(),
            status: JobStatus::Done,
            progress: WHOLE,
            made: None,
            error: None,
            ended_at: Some(now),
            file_expires_at: Some(file_expires_at(now)),
            tries: 1,
        };
        let last = now.plus(30 * DAY_MS);
        assert!(job.has_file(last.plus(-1)) && !job.has_file(last));
        job.file_expires_at = None;
        assert!(!job.has_file(now));
        assert!(JobStatus::Running.is_under_way() && !JobStatus::Cancelled.is_under_way());
    }
}
