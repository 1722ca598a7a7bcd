//! From a row as it was read to what is counted.

use super::mapping::Mapping;
use super::time::Times;
use super::{COUNT_MAX, Field, RowFault};
use crate::event::{AcceptedTimes, Action, SessionKey, Submitted, check_typed};
use crate::fault::FaultCode;
use crate::ids::{ApplicationNo, HelplineNo};
use crate::timestamp::Timestamp;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Stands for the session of a row that has none, where rules want one.
const NO_SESSION: &str = "none";

/// A value of a row as the file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Not there, null, or an empty cell of a CSV file.
    #[default]
    Missing,
    Text(Cow<'a, str>),
    /// A number of a JSON object, in decimal.
    Number(String),
    /// Of another type.
    Other,
}

impl<'a> Cell<'a> {
    /// A cell of a CSV file.
    #[must_use]
    pub const fn of_csv(text: &'a str) -> Self {
        if text.is_empty() { Self::Missing } else { Self::Text(Cow::Borrowed(text)) }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(text) => Some(text),
            Self::Missing | Self::Other => None,
        }
    }
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for Cell<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Missing)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Other)
    }
    fn visit_i64<E>(self, number: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Number(number.to_string()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Cell<'de>, E> {
        Ok(Cell::Number(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Number(number.to_string()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Cell<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Other)
    }
}

/// The values of a row by their members.
///
/// It holds a session in the clear: it is not printed.
#[derive(Clone, Default)]
pub struct Raw<'a>([Cell<'a>; Field::ALL.len()]);

impl<'a> Raw<'a> {
    /// Sets the value of a member.
    pub fn set(&mut self, field: Field, cell: Cell<'a>) {
        self.0[field as usize] = cell;
    }

    fn get(&self, field: Field) -> &Cell<'a> {
        &self.0[field as usize]
    }
}

/// A row that may be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    pub application: ApplicationNo,
    pub helpline: HelplineNo,
    pub action: Action,
    pub at: Timestamp,
    /// All zero where rows have no sessions.
    pub session: SessionKey,
    /// One, where rows have sessions.
    pub count: u64,
}

/// Looks up what rows name.
pub trait Known {
    /// The helpline of an id.
    fn helpline(&self, id: &str) -> Option<HelplineNo>;
    /// The customer's application of an id.
    fn application(&self, id: &str) -> Option<ApplicationNo>;
    /// The key of a session.
    fn session(&mut self, id: &str) -> SessionKey;
}

/// Checks rows.
#[derive(Debug, Clone)]
pub struct Checker {
    pub mapping: Mapping,
    /// From when to when rows may be.
    pub times: AcceptedTimes,
    /// What to say of a row that is earlier.
    pub too_old: String,
    /// The application of rows that name none.
    pub application: Option<ApplicationNo>,
    /// Whether rows may name no other one.
    pub is_only_application: bool,
    /// What to say of a row without an application, where there is none for them.
    pub no_application: String,
}

impl Checker {
    /// Checks the row that begins on this line.
    ///
    /// # Errors
    /// All faults of the row.
    pub fn check(&self, raw: &Raw<'_>, known: &mut impl Known, line: u64) -> Result<Record, Vec<RowFault>> {
        let mut faults = Vec::new();
        let fault = |field: Field, code: &'static str, detail: &str| RowFault {
            line,
            field: field.as_str().to_owned(),
            code,
            detail: detail.to_owned(),
        };
        let application = self.application(raw, known).map_err(|(code, detail)| {
            faults.push(fault(Field::ApplicationId, code, detail));
        });
        let count = self.count(raw).map_err(|(code, detail)| faults.push(fault(Field::Count, code, detail)));
        let (at, why_no_time) = self.time(raw);
        let session = if self.mapping.has_sessions() {
            self.cell(raw, Field::SessionId)
        } else {
            Cell::Text(Cow::Borrowed(NO_SESSION))
        };
        let submitted = Submitted::of_cells([
            self.cell(raw, Field::Type),
            self.cell(raw, Field::HelplineId),
            session,
            at,
            self.cell(raw, Field::ContactMethod),
        ]);
        match check_typed(&submitted, self.times, |id| known.helpline(id)) {
            Ok(parsed) => {
                if let (Ok(application), Ok(count)) = (application, count) {
                    let session = if self.mapping.has_sessions() {
                        known.session(parsed.session_id)
                    } else {
                        SessionKey([0; 16])
                    };
                    let (helpline, action, at) = (parsed.helpline, parsed.action, parsed.at);
                    return Ok(Record { application, helpline, action, at, session, count });
                }
            }
            Err(found) => faults.extend(found.0.into_iter().map(|found| {
                let detail = match (found.code, why_no_time) {
                    (FaultCode::TimestampInvalid, Some(why)) => why.to_owned(),
                    (FaultCode::TimestampTooOld, _) => self.too_old.clone(),
                    _ => found.detail,
                };
                RowFault { line, field: found.field, code: found.code.as_str(), detail }
            })),
        }
        Err(faults)
    }

    /// A row's value of a member, as we write it.
    fn cell<'a>(&'a self, raw: &'a Raw<'_>, field: Field) -> Cell<'a> {
        if let Some(constant) = self.mapping.constant(field) {
            return Cell::Text(Cow::Borrowed(constant));
        }
        let cell = raw.get(field);
        match (cell, cell.text()) {
            (Cell::Missing, _) => Cell::Missing,
            (_, Some(text)) => match (self.mapping.value(field, text), cell) {
                (Some(ours), _) => Cell::Text(Cow::Borrowed(ours)),
                (None, Cell::Number(number)) => Cell::Number(number.clone()),
                (None, _) => Cell::Text(Cow::Borrowed(text)),
            },
            (_, None) => Cell::Other,
        }
    }

    /// A row's time as RFC 3339, and what is wrong with it where it could not be read.
    fn time<'a>(&'a self, raw: &'a Raw<'_>) -> (Cell<'a>, Option<&'static str>) {
        let cell = self.cell(raw, Field::Timestamp);
        if self.mapping.times == Times::Rfc3339 {
            return (cell, None);
        }
        match cell.text().map(|text| self.mapping.times.read(text)) {
            None => (cell, None),
            Some(Ok(at)) => (Cell::Text(Cow::Owned(at.to_string())), None),
            Some(Err(why)) => (Cell::Other, Some(why)),
        }
    }

    fn count(&self, raw: &Raw<'_>) -> Result<u64, (&'static str, &'static str)> {
        if self.mapping.has_sessions() {
            return Ok(1);
        }
        match self.cell(raw, Field::Count) {
            // Perhaps it has another name, so that what it counts would be taken for one.
            Cell::Missing if self.mapping.is_named(Field::Count) => {
                Err(("field_missing", "The mapping says where the count is, and this row has none there."))
            }
            Cell::Missing => Ok(1),
            cell => {
                let digits = cell.text().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                let count = digits.and_then(|text| text.parse::<u64>().ok()).filter(|count| *count <= COUNT_MAX);
                count.ok_or(("field_invalid", "Must be a whole number from 0 to 1000000000."))
            }
        }
    }

    fn application(&self, raw: &Raw<'_>, known: &impl Known) -> Result<ApplicationNo, (&'static str, &str)> {
        let named = match self.cell(raw, Field::ApplicationId) {
            Cell::Missing => return self.application.ok_or(("field_missing", &self.no_application)),
            cell => cell.text().and_then(|id| known.application(id)),
        };
        let named = named.ok_or(("application_unknown", "The customer has no application of this id."))?;
        if self.is_only_application && self.application != Some(named) {
            return Err(("application_unknown", "Is another application than the one that was asked for."));
        }
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::super::MappingForm;
    use super::*;
    use crate::event::ContactMethod;
    use crate::zone::Zone;
    use proptest::prelude::*;

    struct Everything;

    impl Known for Everything {
        fn helpline(&self, id: &str) -> Option<HelplineNo> {
            id.strip_prefix('h').and_then(|no| no.parse().ok()).map(HelplineNo)
        }
        fn application(&self, id: &str) -> Option<ApplicationNo> {
            id.strip_prefix('a').and_then(|no| no.parse().ok()).map(ApplicationNo)
        }
        fn session(&mut self, id: &str) -> SessionKey {
            let mut key = [0; 16];
            key[..id.len().min(16)].copy_from_slice(&id.as_bytes()[..id.len().min(16)]);
            SessionKey(key)
        }
    }

    fn checker(mapping: &str, without_sessions: bool) -> Checker {
        let form: MappingForm = serde_json::from_str(mapping).unwrap();
        Checker {
            mapping: form.parse(without_sessions, Zone::UTC).unwrap(),
            times: AcceptedTimes::usual(Timestamp::parse_rfc3339("2026-11-24T12:00:00Z").unwrap()),
            too_old: "Raise the retention.".to_owned(),
            application: Some(ApplicationNo(1)),
            is_only_application: false,
            no_application: "Which?".to_owned(),
        }
    }

    fn raw<'a>(cells: &[(Field, &'a str)]) -> Raw<'a> {
        let mut raw = Raw::default();
        for (field, text) in cells {
            raw.set(*field, Cell::of_csv(text));
        }
        raw
    }

    const GOOD: [(Field, &str); 4] = [
        (Field::Type, "helpline_display"),
        (Field::HelplineId, "h7"),
        (Field::SessionId, "s"),
        (Field::Timestamp, "2026-11-24T10:00:00Z"),
    ];

    fn with<'a>(changes: &[(Field, &'a str)]) -> Raw<'a> {
        raw(&GOOD.iter().chain(changes).copied().collect::<Vec<_>>())
    }

    fn codes(checker: &Checker, raw: &Raw<'_>) -> Vec<(String, &'static str)> {
        let faults = checker.check(raw, &mut Everything, 5).err().unwrap_or_default();
        assert!(faults.iter().all(|fault| fault.line == 5 && !fault.detail.is_empty()));
        faults.into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    #[test]
    fn rows_follow_the_rules_of_events() {
        let plain = checker("{}", false);
        let record = plain.check(&with(&[]), &mut Everything, 1).unwrap();
        assert_eq!((record.application, record.helpline, record.count), (ApplicationNo(1), HelplineNo(7), 1));
        for (changes, field, code) in [
            ((Field::Type, "click"), "type", "type_invalid"),
            ((Field::Type, "helpline_click"), "contact_method", "field_missing"),
            ((Field::HelplineId, "x"), "helpline_id", "helpline_unknown"),
            ((Field::SessionId, ""), "session_id", "session_id_missing"),
            ((Field::SessionId, "a@example.org"), "session_id", "session_id_personal"),
            ((Field::Timestamp, "2026-11-24"), "timestamp", "timestamp_invalid"),
            ((Field::Timestamp, "2026-11-24T12:05:01Z"), "timestamp", "timestamp_in_future"),
            ((Field::Timestamp, "2026-01-01T00:00:00Z"), "timestamp", "timestamp_too_old"),
            ((Field::ApplicationId, "b1"), "application_id", "application_unknown"),
        ] {
            assert_eq!(codes(&plain, &with(&[changes])), [(field.to_owned(), code)]);
        }
        let old = plain.check(&with(&[(Field::Timestamp, "2026-01-01T00:00:00Z")]), &mut Everything, 1);
        assert_eq!(old.unwrap_err()[0].detail, "Raise the retention.");
        assert_eq!(codes(&plain, &raw(&[])).len(), 4);
    }

    #[test]
    fn the_application_is_named_or_known() {
        let mut checker = checker("{}", false);
        let of = |checker: &Checker, id| {
            checker.check(&with(&[(Field::ApplicationId, id)]), &mut Everything, 1).map(|record| record.application.0)
        };
        assert_eq!(of(&checker, "a3"), Ok(3));
        checker.is_only_application = true;
        assert_eq!((of(&checker, "a1"), of(&checker, ""), of(&checker, "a3").is_err()), (Ok(1), Ok(1), true));
        checker.application = None;
        assert_eq!(codes(&checker, &with(&[])), [("application_id".to_owned(), "field_missing")]);
    }

    #[test]
    fn other_peoples_words_are_ours_after_the_mapping() {
        let mapped = checker(
            r#"{"values": {"type": {"impression": "helpline_display", "2": "helpline_click"}, "contact_method": {"call": "phone"}},
                "timestamp": {"form": "unix_seconds"}}"#,
            false,
        );
        let mut row = with(&[(Field::ContactMethod, "call"), (Field::Timestamp, "1795514400")]);
        row.set(Field::Type, Cell::Number("2".to_owned()));
        let record = mapped.check(&row, &mut Everything, 1).unwrap();
        assert_eq!(record.action, Action::Click(ContactMethod::Phone));
        assert_eq!(record.at.to_string(), "2026-11-24T10:00:00.000Z");
        row.set(Field::Type, Cell::Text("impression".into()));
        assert_eq!(mapped.check(&row, &mut Everything, 1).unwrap().action, Action::Display);
        row.set(Field::Timestamp, Cell::Number("1795514400.5".to_owned()));
        assert_eq!(mapped.check(&row, &mut Everything, 1).unwrap().at.millis() % 1_000, 500);
        let faults = mapped.check(&with(&[]), &mut Everything, 1).unwrap_err();
        assert!(faults.iter().any(|fault| fault.code == "timestamp_invalid" && fault.detail.contains("seconds")));
    }

    #[test]
    fn rows_without_sessions_may_count() {
        let counts = checker("{}", true);
        let count = |text| counts.check(&with(&[(Field::Count, text)]), &mut Everything, 1).map(|it| it.count);
        assert_eq!((count(""), count("0"), count("1000000000")), (Ok(1), Ok(0), Ok(1_000_000_000)));
        for wrong in ["1000000001", "-1", "1.5", "many", "99999999999999999999999"] {
            assert_eq!(codes(&counts, &with(&[(Field::Count, wrong)])), [("count".to_owned(), "field_invalid")]);
        }
        let named = checker(r#"{"columns": {"count": "n"}}"#, true);
        for missing in [with(&[(Field::Count, "")]), with(&[])] {
            assert_eq!(codes(&named, &missing), [("count".to_owned(), "field_missing")]);
        }
        assert_eq!(named.check(&with(&[(Field::Count, "0")]), &mut Everything, 1).unwrap().count, 0);
        let personal = with(&[(Field::SessionId, "a@example.org")]);
        assert_eq!(counts.check(&personal, &mut Everything, 1).unwrap().session, SessionKey([0; 16]));
    }

    proptest! {
        #[test]
        fn no_row_panics(texts in prop::collection::vec("\\PC{0,40}", Field::ALL.len()), without in any::<bool>()) {
            let mut raw = Raw::default();
            for (field, text) in Field::ALL.iter().zip(&texts) {
                raw.set(*field, Cell::of_csv(text));
            }
            for mapping in ["{}", r#"{"timestamp": {"form": "unix_milliseconds"}}"#] {
                let _ = checker(mapping, without).check(&raw, &mut Everything, 1);
            }
        }
    }
}
