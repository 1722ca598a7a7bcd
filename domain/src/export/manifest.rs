//! The manifest: what a file is, so that whoever holds it can tell whether it is whole and what it says.

use super::{COLUMNS_VERSION, Column, Format, Kind, columns};
use crate::account::Tier;
use crate::ids::CustomerId;
use crate::metering::RULES_VERSION;
use crate::period::{Filter, Period};
use crate::timestamp::Timestamp;
use crate::zone::{Day, Zone};
use serde::{Deserialize, Serialize};

/// The version of the manifest's form.
pub const MANIFEST_VERSION: u32 = 1;

/// What an export is about, as it was when it began.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    pub kind: Kind,
    pub customer_id: CustomerId,
    pub customer_name: String,
    pub period: Period,
    pub time_zone: Zone,
    pub filter: Filter,
    pub made_at: Timestamp,
    /// Of raw events: the place in the customer's log up to which they take part.
    pub log_length: Option<u64>,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its name, without the directory.
    pub file: String,
    pub format: Format,
    pub bytes: u64,
    /// Rows, without the names of the columns.
    pub rows: u64,
    /// SHA-256 of the whole file, in hexadecimal.
    pub sha256: String,
}

/// Which rules a file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Of the rules by which figures are counted.
    pub metering: u32,
    /// Of the columns and their meaning.
    pub columns: u32,
    /// Of the manifest's own form.
    pub manifest: u32,
}

/// What is written beside an exported file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    pub versions: Versions,
    pub export: Kind,
    #[serde(flatten)]
    pub written: Written,
    pub customer_id: CustomerId,
    pub customer_name: String,
    /// First day, in the time zone.
    pub from: Day,
    /// The day after the last one.
    pub to: Day,
    pub time_zone: Zone,
    /// Which events take part; null where all do.
    pub filters: Filter,
    /// The place in the customer's log of accepted events up to which raw events take part: all of them are one state.
    pub log_length: Option<u64>,
    /// RFC 3339, in UTC.
    pub made_at: String,
    pub order: &'static str,
    pub columns: Vec<Column>,
}

impl Subject {
    /// The columns, in their order.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        columns(self.kind, &self.filter)
    }

    /// A name for the file, which tells the version of its columns.
    #[must_use]
    pub fn file_name(&self, format: Format) -> String {
        let Period { from, to } = self.period;
        format!("reachline-{}-v{COLUMNS_VERSION}-{from}-{to}.{}", self.kind.as_str(), format.as_str())
    }

    /// The manifest of a file that was written.
    #[must_use]
    pub fn manifest(&self, written: Written) -> Manifest {
        Manifest {
            versions: Versions { metering: RULES_VERSION, columns: COLUMNS_VERSION, manifest: MANIFEST_VERSION },
            export: self.kind,
            written,
            customer_id: self.customer_id,
            customer_name: self.customer_name.clone(),
            from: self.period.from,
            to: self.period.to,
            time_zone: self.time_zone,
            filters: Filter { tier: Some(self.filter.tier.unwrap_or(Tier::Production)), ..self.filter.clone() },
            log_length: self.log_length,
            made_at: self.made_at.to_string(),
            order: self.kind.order(),
            columns: self.columns(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_manifest_says_all_about_its_file() {
        let subject = Subject {
            kind: Kind::Events,
            customer_id: CustomerId::from_uuid(Uuid::from_u128(1)),
            customer_name: "Acme".to_owned(),
            period: Period::new("2026-11-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap(),
            time_zone: Zone::UTC,
            filter: Filter::default(),
            made_at: Timestamp::from_millis(0),
            log_length: Some(7),
        };
        let file = subject.file_name(Format::Csv);
        assert_eq!(file, "reachline-events-v1-2026-11-01-2026-12-01.csv");
        let written = Written { file, format: Format::Csv, bytes: 9, rows: 2, sha256: "00".to_owned() };
        let json = serde_json::to_value(subject.manifest(written)).unwrap();
        assert_eq!(json["versions"], serde_json::json!({"metering": 1, "columns": 1, "manifest": 1}));
        assert_eq!((&json["export"], &json["format"]), (&"events".into(), &"csv".into()));
        assert_eq!((&json["from"], &json["to"]), (&"2026-11-01".into(), &"2026-12-01".into()));
        assert_eq!((&json["rows"], &json["log_length"]), (&2.into(), &7.into()));
        assert_eq!((&json["filters"]["tier"], &json["filters"]["helpline_id"]), (&"production".into(), &().into()));
        assert_eq!(json["made_at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(
            (&json["columns"][2]["name"], &json["columns"][2]["type"]),
            (&"timestamp".into(), &"instant".into())
        );
    }
}
