//! Exports: which files there are, what their columns mean, and the manifest that comes with each.

mod cell;
mod columns;
pub mod job;
mod manifest;

pub use cell::{Cell, defuse};
pub use columns::{COLUMNS_VERSION, Column, ColumnType, columns};
pub use manifest::{MANIFEST_VERSION, Manifest, Subject, Versions, Written};

use crate::account::named;
use crate::fault::{FaultCode, Faults};
use crate::figures::Scope;
use crate::period::{Breakdown, Filter, Period};
use crate::zone::Day;
use serde::{Deserialize, Serialize};

named! {
    /// What an export has a row for.
    Kind {
        Events = "events", "Raw events";
        Days = "days", "Daily figures";
        Helplines = "helplines", "Figures by helpline";
        Countries = "countries", "Figures by country";
        ContactMethods = "contact_methods", "Figures by contact method";
        Applications = "applications", "Figures by application";
    }
}

impl Kind {
    /// What the figures are broken down by, where they are.
    #[must_use]
    pub const fn breakdown(self) -> Option<Breakdown> {
        match self {
            Self::Events | Self::Days => None,
            Self::Helplines => Some(Breakdown::Helpline),
            Self::Countries => Some(Breakdown::Country),
            Self::ContactMethods => Some(Breakdown::ContactMethod),
            Self::Applications => Some(Breakdown::Application),
        }
    }

    /// The scope of the figures, which says which there are; raw events have none.
    #[must_use]
    pub const fn scope(self, filter: &Filter) -> Option<Scope> {
        match self {
            Self::Events => None,
            Self::Days | Self::Helplines | Self::Countries | Self::ContactMethods | Self::Applications => {
                Some(filter.scope(self.breakdown()))
            }
        }
    }

    /// The order of the rows, in a sentence.
    #[must_use]
    pub const fn order(self) -> &'static str {
        match self {
            Self::Events => "By timestamp; within a millisecond by place in the log.",
            Self::Days => "By date; days without events are present.",
            Self::Helplines | Self::Countries | Self::ContactMethods | Self::Applications => {
                "Largest first: by gross displays, then gross clicks, then the first column. Rows without any count are left out."
            }
        }
    }
}

named! {
    /// How a file is written.
    Format {
        Csv = "csv", "CSV";
        Ndjson = "ndjson", "NDJSON";
        Xlsx = "xlsx", "XLSX";
        Parquet = "parquet", "Parquet";
    }
}

/// Rows of an XLSX sheet below the names of its columns.
pub const SHEET_ROWS_MAX: u64 = 1_048_575;

/// Checks that a period has begun. One that is not over yet is exported as far as it has come.
///
/// # Errors
/// A fault of `from`.
pub fn check_period(period: Period, today: Day) -> Result<(), Faults> {
    if period.from > today {
        return Err(Faults::one("from", FaultCode::PeriodInvalid, "Lies in the future."));
    }
    Ok(())
}

/// Checks what goes with a format.
///
/// # Errors
/// A fault of `bom`, which other files than CSV do not have.
pub fn check_bom(format: Format, bom: bool) -> Result<(), Faults> {
    if bom && format != Format::Csv {
        return Err(Faults::one("bom", FaultCode::FieldInvalid, "Only a CSV file can begin with a byte order mark."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_that_have_not_begun_are_refused() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let period = Period::new(day("2026-11-24"), day("2027-01-01")).unwrap();
        assert_eq!(check_period(period, day("2026-11-24")), Ok(()));
        assert_eq!(check_period(period, day("2026-11-23")).unwrap_err().0[0].field, "from");
        assert!(check_bom(Format::Csv, true).is_ok() && check_bom(Format::Ndjson, false).is_ok());
        assert_eq!(check_bom(Format::Parquet, true).unwrap_err().0[0].field, "bom");
    }

    #[test]
    fn names_are_those_of_files_and_paths() {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(kinds, ["events", "days", "helplines", "countries", "contact_methods", "applications"]);
        assert_eq!(serde_json::to_value(Kind::ContactMethods).unwrap(), "contact_methods");
        assert_eq!(Format::from_name("parquet"), Some(Format::Parquet));
    }
}
