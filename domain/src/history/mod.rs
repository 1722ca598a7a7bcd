//! History: files of events, or of counts, from before Reachline. What their rows must be, and what is said of them.

mod mapping;
mod record;
mod time;

pub use mapping::{Layout, Mapping, MappingForm, Place};
pub use record::{Cell, Checker, Known, Raw, Record};
pub use time::{Overlap, TimeForm, TimeKind};

use crate::account::named;
use crate::event::Action;
use crate::ids::{ApplicationNo, HelplineNo};
use crate::timestamp::Timestamp;
use crate::zone::{Day, Month, Zone};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Faults that are named; the others are counted.
pub const FAULTS_MAX: usize = 20;
/// Most bytes of a row: far more than one needs, so that a quotation mark that never closes is found out.
pub const ROW_BYTES_MAX: usize = 64 * 1_024;
/// Most displays or clicks of a row of counts.
pub const COUNT_MAX: u64 = 1_000_000_000;

named! {
    /// A member of a row.
    Field {
        Type = "type", "Type";
        HelplineId = "helpline_id", "Helpline";
        SessionId = "session_id", "Session";
        Timestamp = "timestamp", "Time";
        ContactMethod = "contact_method", "Way of contact";
        ApplicationId = "application_id", "Application";
        /// Displays or clicks of the row; one if it does not say, unless a mapping says where. Only of rows without sessions.
        Count = "count", "Count";
    }
}

named! {
    /// How a file is written.
    FileForm {
        Csv = "csv", "CSV";
        /// A JSON object on each line.
        Lines = "ndjson", "NDJSON";
    }
}

named! {
    /// How far an import is.
    ImportStatus {
        /// It goes on, or broke off and goes on when it is asked for again.
        Running = "running", "Begun";
        Done = "done", "Done";
        /// Its counts are gone; or, of events, it was given up before its end, and those that came in stay.
        Withdrawn = "withdrawn", "Withdrawn";
    }
}

impl FileForm {
    /// The form that a file's name tells.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Lines),
            _ => None,
        }
    }
}

/// What is wrong with a row, or with the file at this place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Line of the file, from 1: the first of a row that has several.
    pub line: u64,
    /// The member; empty for the row as a whole.
    pub field: String,
    /// For programs.
    pub code: &'static str,
    /// A sentence for people. Never echoes a value.
    pub detail: String,
}

impl RowFault {
    /// A fault of the row as a whole.
    pub fn of_row(line: u64, code: &'static str, detail: impl Into<String>) -> Self {
        Self { line, field: String::new(), code, detail: detail.into() }
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, field, code, detail } = self;
        let gap = if field.is_empty() { "" } else { " " };
        write!(f, "line {line}:{gap}{field} ({code}): {detail}")
    }
}

/// The faults of a file: the first ones, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// At most [`FAULTS_MAX`].
    pub first: Vec<RowFault>,
    /// All faults.
    pub faults: u64,
    /// Rows that have some.
    pub rows: u64,
}

impl Rejected {
    /// Takes the faults of a row.
    pub fn take(&mut self, faults: Vec<RowFault>) {
        self.rows += u64::from(!faults.is_empty());
        self.faults += faults.len() as u64;
        let room = FAULTS_MAX.saturating_sub(self.first.len());
        self.first.extend(faults.into_iter().take(room));
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.first {
            writeln!(f, "{fault}")?;
        }
        let more = self.faults.saturating_sub(self.first.len() as u64);
        if more > 0 {
            writeln!(f, "… and {more} more.")?;
        }
        let (faults, rows) = (counted(self.faults, "fault"), counted(self.rows, "row"));
        write!(f, "{faults} in {rows}.")
    }
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Displays and clicks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    pub displays: u64,
    pub clicks: u64,
}

impl Pair {
    fn add(&mut self, action: Action, count: u64) {
        let sum = if action == Action::Display { &mut self.displays } else { &mut self.clicks };
        *sum = sum.saturating_add(count);
    }
}

/// What a file holds, as it is read: as large as there are months, helplines, and days of applications in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    pub rows: u64,
    /// Of the earliest and latest row.
    pub times: Option<(Timestamp, Timestamp)>,
    /// The days of each application's rows, in the customer's zone.
    pub applications: BTreeMap<ApplicationNo, BTreeSet<Day>>,
    pub helplines: BTreeSet<HelplineNo>,
    pub months: BTreeMap<Month, Pair>,
}

impl Survey {
    /// Takes a row.
    pub fn take(&mut self, record: &Record, zone: Zone) {
        let (at, day) = (record.at, zone.day(record.at));
        self.rows += 1;
        let (first, last) = self.times.unwrap_or((at, at));
        self.times = Some((first.min(at), last.max(at)));
        self.applications.entry(record.application).or_default().insert(day);
        self.helplines.insert(record.helpline);
        self.months.entry(day.month()).or_default().add(record.action, record.count);
    }

    /// The first and last day of all rows.
    #[must_use]
    pub fn days(&self) -> Option<(Day, Day)> {
        let days = || self.applications.values();
        Some((*days().filter_map(BTreeSet::first).min()?, *days().filter_map(BTreeSet::last).max()?))
    }

    /// The days of each application's rows as stretches without a gap, of which the last day is inclusive.
    #[must_use]
    pub fn stretches(&self) -> Vec<(ApplicationNo, Day, Day)> {
        let mut stretches: Vec<(ApplicationNo, Day, Day)> = Vec::new();
        for (application, days) in &self.applications {
            for day in days {
                match stretches.last_mut() {
                    Some((of, _, last)) if of == application && last.plus(1) == *day => *last = *day,
                    _ => stretches.push((*application, *day, *day)),
                }
            }
        }
        stretches
    }

    /// Displays and clicks of all rows.
    #[must_use]
    pub fn total(&self) -> Pair {
        self.months.values().fold(Pair::default(), |sum, month| Pair {
            displays: sum.displays.saturating_add(month.displays),
            clicks: sum.clicks.saturating_add(month.clicks),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_faults_are_named_and_all_are_counted() {
        let mut rejected = Rejected::default();
        for line in 0..1_000 {
            rejected.take(vec![RowFault::of_row(line, "malformed_json", "No object."); 2]);
        }
        rejected.take(Vec::new());
        assert_eq!((rejected.first.len(), rejected.faults, rejected.rows), (FAULTS_MAX, 2_000, 1_000));
        let text = rejected.to_string();
        assert!(text.starts_with("line 0: (malformed_json): No object.\n"), "{text}");
        assert!(text.ends_with("… and 1980 more.\n2000 faults in 1000 rows."), "{text}");
    }

    #[test]
    fn days_in_a_row_are_one_stretch() {
        let mut survey = Survey::default();
        assert_eq!((survey.days(), survey.stretches()), (None, vec![]));
        for (application, days) in [(2, vec![31, 32, 34, 33, 40, 40]), (1, vec![41]), (3, vec![42])] {
            survey.applications.insert(ApplicationNo(application), days.into_iter().map(Day).collect());
        }
        let stretch = |application, first, last| (ApplicationNo(application), Day(first), Day(last));
        let expected = [stretch(1, 41, 41), stretch(2, 31, 34), stretch(2, 40, 40), stretch(3, 42, 42)];
        assert_eq!(survey.stretches(), expected);
        assert_eq!(survey.days(), Some((Day(31), Day(42))));
    }

    #[test]
    fn a_name_tells_the_form() {
        for (name, form) in [
            ("a.csv", Some(FileForm::Csv)),
            ("a.b.CSV", Some(FileForm::Csv)),
            ("a.jsonl", Some(FileForm::Lines)),
            ("a.ndjson", Some(FileForm::Lines)),
            ("a.json", None),
            ("csv", None),
        ] {
            assert_eq!(FileForm::of_name(name), form, "{name}");
        }
    }
}
