//! Mappings: which column of somebody else's file is which member of a row.

use super::time::{TimeForm, Times};
use super::{Field, RowFault};
use crate::fault::{FaultCode, Faults};
use crate::zone::Zone;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What stands in the list of ignored columns for all that have no other use.
const ALL_OTHERS: &str = "*";
/// What may be between the cells of a CSV file.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// Longest name of a member that is shown when it is not known: a longer one is no name.
const SHOWN_NAME_BYTES_MAX: usize = 40;

/// A mapping as its file has it. What it does not say is as in a file of our own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MappingForm {
    /// By our names: the file's columns. Null where the file has none; without sessions only counts are brought in.
    pub columns: BTreeMap<String, Option<String>>,
    /// By our names: what all rows have.
    pub constants: BTreeMap<String, String>,
    /// By our names: by the file's values, ours. What is not named stays as it is.
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    pub timestamp: TimeForm,
    /// Of a CSV file: what is between its cells, a comma if it is not said.
    pub delimiter: Option<char>,
    /// Columns of the file that nothing is made of; `*` for all that are not named.
    pub ignore: Vec<String>,
}

/// A mapping that is whole, for files with sessions or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    has_sessions: bool,
    /// By the file's names.
    fields: HashMap<String, Vec<Field>>,
    /// Those whose column the mapping names itself.
    named: BTreeSet<Field>,
    constants: BTreeMap<Field, String>,
    values: BTreeMap<Field, BTreeMap<String, String>>,
    pub(super) times: Times,
    delimiter: u8,
    ignored: BTreeSet<String>,
}

/// What a column or member of a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// For these members of a row.
    Fields(&'a [Field]),
    Ignored,
    Unknown,
}

impl MappingForm {
    /// Checks a mapping. `without_sessions` is what else was asked for; `zone` is the customer's.
    ///
    /// # Errors
    /// All faults.
    pub fn parse(&self, without_sessions: bool, zone: Zone) -> Result<Mapping, Faults> {
        let mut faults = Faults::default();
        let known = |part: &str, name: &str, faults: &mut Faults| {
            let field = Field::from_name(name);
            if field.is_none() {
                let all: Vec<_> = Field::ALL.iter().map(|field| field.as_str()).collect();
                let detail = format!("There is no such member; there are {}.", all.join(", "));
                faults.add(format!("{part}.{name}"), FaultCode::FieldInvalid, detail);
            }
            field
        };
        let has_none = matches!(self.columns.get(Field::SessionId.as_str()), Some(None));
        let has_sessions = !without_sessions && !has_none;
        let mut named: BTreeMap<Field, Option<String>> = BTreeMap::new();
        for (name, column) in &self.columns {
            if let Some(field) = known("columns", name, &mut faults) {
                named.insert(field, column.clone());
            }
        }
        let mut constants = BTreeMap::new();
        for (name, value) in &self.constants {
            let Some(field) = known("constants", name, &mut faults) else { continue };
            if field == Field::SessionId || matches!(named.get(&field), Some(Some(_))) {
                let detail = if field == Field::SessionId {
                    "Events of one and the same session would be no sessions."
                } else {
                    "It has a column as well: one or the other."
                };
                faults.add(format!("constants.{name}"), FaultCode::FieldInvalid, detail);
            }
            constants.insert(field, value.clone());
        }
        let mut values = BTreeMap::new();
        for (name, map) in &self.values {
            if let Some(field) = known("values", name, &mut faults) {
                values.insert(field, map.clone());
            }
        }
        if has_sessions && (constants.contains_key(&Field::Count) || matches!(named.get(&Field::Count), Some(Some(_))))
        {
            faults.add("count", FaultCode::FieldInvalid, "Events with sessions are one each: no count.");
        }
        let (mut fields, mut their_own) = (HashMap::<String, Vec<Field>>::new(), BTreeSet::new());
        for field in Field::ALL {
            let is_used = if has_sessions { *field != Field::Count } else { *field != Field::SessionId };
            let own = || (!constants.contains_key(field)).then(|| field.as_str().to_owned());
            let column = named.get(field).cloned().unwrap_or_else(own);
            if let Some(column) = column.filter(|_| is_used) {
                fields.entry(column).or_default().push(*field);
                their_own.extend(named.contains_key(field).then_some(*field));
            }
        }
        let mut ignored: BTreeSet<String> = self.ignore.iter().cloned().collect();
        if !has_sessions {
            // What is in the column of sessions, if there is one, is not looked at.
            let column = named.get(&Field::SessionId).cloned().flatten();
            ignored.insert(column.unwrap_or_else(|| Field::SessionId.as_str().to_owned()));
        }
        let times = self.timestamp.parse(zone, !has_sessions, &mut faults);
        let delimiter = self.delimiter.unwrap_or(',');
        if !DELIMITERS.contains(&delimiter) {
            faults.add("delimiter", FaultCode::FieldInvalid, "Must be a comma, semicolon, tabulator or vertical bar.");
        }
        let delimiter = u8::try_from(delimiter).unwrap_or(b',');
        faults.or(Mapping { has_sessions, fields, named: their_own, constants, values, times, delimiter, ignored })
    }
}

impl Mapping {
    /// Whether rows have sessions.
    #[must_use]
    pub const fn has_sessions(&self) -> bool {
        self.has_sessions
    }

    /// The zone that times are read in, where they cannot be read without one.
    #[must_use]
    pub fn zone(&self) -> Option<Zone> {
        self.times.zone()
    }

    /// What is between the cells of a CSV file.
    #[must_use]
    pub const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// What a column or member is for.
    #[must_use]
    pub fn place(&self, name: &str) -> Place<'_> {
        match self.fields.get(name) {
            Some(fields) => Place::Fields(fields),
            None if self.ignored.contains(name) || self.ignored.contains(ALL_OTHERS) => Place::Ignored,
            None => Place::Unknown,
        }
    }

    /// Whether the mapping says itself which column a member is, and the column is used: then it must be there.
    pub(super) fn is_named(&self, field: Field) -> bool {
        self.named.contains(&field)
    }

    pub(super) fn constant(&self, field: Field) -> Option<&str> {
        self.constants.get(&field).map(String::as_str)
    }

    /// Our value of a file's.
    pub(super) fn value(&self, field: Field, value: &str) -> Option<&str> {
        self.values.get(&field)?.get(value).map(String::as_str)
    }

    /// Says that a member of a row is not known.
    #[must_use]
    pub fn unknown(name: &str, line: u64) -> RowFault {
        // A row of a broken file may have anything where names should be.
        let is_name = name.len() <= SHOWN_NAME_BYTES_MAX
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'.'));
        let shown = if is_name { name } else { "A member" };
        let detail = format!("{shown} is no member of an event: name it in the mapping, or ignore it there.");
        RowFault::of_row(line, "column_unknown", detail)
    }
}

/// What the columns of a CSV file are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<Vec<Field>>,
    /// Whether rows name their application.
    pub has_applications: bool,
}

impl Layout {
    /// Reads the header of a file, whose line this is.
    ///
    /// # Errors
    /// All faults. Columns that are not known are told by their place, not by name: a file without a header would have a
    /// row there.
    pub fn of_header(names: &[&str], mapping: &Mapping, line: u64) -> Result<Self, Vec<RowFault>> {
        let mut faults = Vec::new();
        let (mut columns, mut found) = (Vec::new(), BTreeSet::new());
        for (at, name) in names.iter().enumerate() {
            let number = at + 1;
            if let Some(earlier) = names[..at].iter().position(|earlier| earlier == name) {
                let detail = format!("Column {number} has the same name as column {}.", earlier + 1);
                faults.push(RowFault::of_row(line, "column_twice", detail));
            }
            let fields = match mapping.place(name) {
                Place::Fields(fields) => fields.to_vec(),
                Place::Ignored => Vec::new(),
                Place::Unknown => {
                    let detail = if *name == Field::Count.as_str() {
                        format!("Column {number} is a count, and events with sessions are one each.")
                    } else {
                        format!("The name of column {number} is not known: name it in the mapping, or ignore it there.")
                    };
                    faults.push(RowFault::of_row(line, "column_unknown", detail));
                    Vec::new()
                }
            };
            found.extend(fields.iter().copied());
            columns.push(fields);
        }
        for field in Field::ALL.iter().copied().filter(|field| !found.contains(field)) {
            if let Some(detail) = missing(field, mapping) {
                let (field, code) = (field.as_str().to_owned(), "column_missing");
                faults.push(RowFault { line, field, code, detail: detail.to_owned() });
            }
        }
        let has_applications =
            found.contains(&Field::ApplicationId) || mapping.constant(Field::ApplicationId).is_some();
        if faults.is_empty() { Ok(Self { columns, has_applications }) } else { Err(faults) }
    }

    /// What the columns are for, in their order.
    #[must_use]
    pub fn columns(&self) -> &[Vec<Field>] {
        &self.columns
    }
}

/// What is wrong with a header without a column for a member; `None` if it can do without.
fn missing(field: Field, mapping: &Mapping) -> Option<&'static str> {
    let is_needed = match field {
        Field::Type | Field::HelplineId | Field::Timestamp => mapping.constant(field).is_none(),
        Field::SessionId => mapping.has_sessions,
        Field::ContactMethod | Field::ApplicationId | Field::Count => false,
    };
    if mapping.is_named(field) {
        Some("The file has no column of the name that the mapping gives: capitals and small letters are told apart.")
    } else if is_needed && field == Field::SessionId {
        Some("There is no such column. A file without sessions brings in counts alone: ask for --without-sessions.")
    } else {
        is_needed.then_some("There is no such column.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(json: &str, without_sessions: bool) -> Result<Mapping, Vec<String>> {
        let form: MappingForm = serde_json::from_str(json).unwrap();
        let names = |faults: Faults| faults.0.into_iter().map(|fault| fault.field).collect();
        form.parse(without_sessions, Zone::UTC).map_err(names)
    }

    fn header(names: &[&str], mapping: &Mapping) -> Vec<(&'static str, String)> {
        let faults = Layout::of_header(names, mapping, 1).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.code, fault.field)).collect()
    }

    #[test]
    fn without_a_mapping_names_are_our_own() {
        let plain = mapping("{}", false).unwrap();
        assert!(plain.has_sessions());
        let all = ["timestamp", "type", "session_id", "helpline_id", "contact_method", "application_id"];
        assert_eq!(header(&all, &plain), []);
        assert_eq!(header(&all[..4], &plain), []);
        let found = header(&["type", "type", "surname", "count"], &plain);
        let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
        let expected = ["column_twice", "column_unknown", "column_unknown", "column_missing", "column_missing"];
        assert_eq!(codes[..5], expected);
        assert!(found.contains(&("column_missing", "session_id".to_owned())));
    }

    #[test]
    fn columns_constants_and_values_are_mapped() {
        let json = r#"{"columns": {"type": "what", "contact_method": "what", "helpline_id": "line"},
            "constants": {"application_id": "a"}, "values": {"type": {"seen": "helpline_display"}}, "ignore": ["agent"]}"#;
        let mapping = mapping(json, false).unwrap();
        assert_eq!(mapping.place("what"), Place::Fields(&[Field::Type, Field::ContactMethod]));
        assert_eq!((mapping.place("agent"), mapping.place("type")), (Place::Ignored, Place::Unknown));
        assert_eq!(mapping.value(Field::Type, "seen"), Some("helpline_display"));
        assert_eq!(mapping.value(Field::ContactMethod, "seen"), None);
        let layout = Layout::of_header(&["line", "what", "agent", "timestamp", "session_id"], &mapping, 1).unwrap();
        assert!(layout.has_applications);
        assert_eq!(layout.columns()[1], [Field::Type, Field::ContactMethod]);
        assert_eq!(layout.columns()[2], []);
    }

    #[test]
    fn every_column_that_a_mapping_names_must_be_there() {
        let needed = ["type", "helpline_id", "timestamp"];
        for field in ["type", "helpline_id", "timestamp", "contact_method", "application_id", "count"] {
            let mapping =
                mapping(&format!(r#"{{"columns": {{"{field}": "theirs"}}, "ignore": ["*"]}}"#), true).unwrap();
            let header = |name| header(&[&needed[..], &[name]].concat(), &mapping);
            assert_eq!(header("theirs"), [], "{field}");
            assert_eq!(header("Theirs"), [("column_missing", field.to_owned())]);
        }
        let own = mapping(r#"{"columns": {"count": "count"}}"#, true).unwrap();
        assert_eq!(header(&needed, &own), [("column_missing", "count".to_owned())]);
        // What is not named has its usual name and may be missing; nothing is made of a column of sessions.
        for json in ["{}", r#"{"columns": {"contact_method": null, "session_id": "visit"}}"#] {
            assert_eq!(header(&needed, &mapping(json, true).unwrap()), [], "{json}");
        }
        let sessions = mapping(r#"{"columns": {"session_id": "visit"}}"#, false).unwrap();
        assert_eq!(header(&needed, &sessions), [("column_missing", "session_id".to_owned())]);
    }

    #[test]
    fn a_file_without_sessions_says_so() {
        for (json, without) in [(r#"{"columns": {"session_id": null}}"#, false), ("{}", true)] {
            let mapping = mapping(json, without).unwrap();
            assert!(!mapping.has_sessions());
            assert_eq!(header(&["type", "helpline_id", "timestamp", "count", "session_id"], &mapping), []);
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (json, fields) in [
            (r#"{"columns": {"helpline": "x"}}"#, vec!["columns.helpline"]),
            (r#"{"constants": {"session_id": "x"}}"#, vec!["constants.session_id"]),
            (r#"{"columns": {"type": "x"}, "constants": {"type": "helpline_click"}}"#, vec!["constants.type"]),
            (r#"{"columns": {"count": "n"}}"#, vec!["count"]),
            (r#"{"values": {"x": {}}, "timestamp": {"pattern": "%Y"}}"#, vec!["values.x", "timestamp.pattern"]),
            (r#"{"delimiter": "x"}"#, vec!["delimiter"]),
        ] {
            assert_eq!(mapping(json, false).unwrap_err(), fields, "{json}");
        }
        assert!(serde_json::from_str::<MappingForm>(r#"{"colums": {}}"#).is_err());
    }

    #[test]
    fn all_others_can_be_ignored_and_long_names_are_not_shown() {
        let mapping = mapping(r#"{"ignore": ["*"]}"#, false).unwrap();
        assert_eq!(mapping.place("anything"), Place::Ignored);
        assert!(Mapping::unknown("agent", 3).detail.starts_with("agent is"));
        assert!(Mapping::unknown("a@example.org", 3).detail.starts_with("A member"));
    }
}
