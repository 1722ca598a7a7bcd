//! The API's own JSON: what `GET /v1/helplines` answers can be imported as it is.

use super::{AVAILABILITY_FORM, COUNTRY_FORM, Draft, Fields, Gathered, ID_FORM, Place, REQUIRED, without_mark};
use domain::helpline::{Availability, Helpline, Hours, OpenPeriod, Topic, Weekday};
use domain::{FaultCode, Faults};
use serde_json::{Map, Value};

/// Reads `{"helplines":[…]}`, a bare array, `{"helpline":{…}}`, one bare helpline, or NDJSON: one helpline a line,
/// bare or as `{"helpline":{…}}`. Members are in camelCase as the API answers them, or all in snake_case; unknown ones
/// are ignored. The number beside a helpline is its line (NDJSON) or its place in the array, from 1.
///
/// # Errors
/// All faults of the file, each with its line or entry: `entry 3: country.code`.
pub fn parse_helplines_json(bytes: &[u8]) -> Result<Vec<(usize, Helpline)>, Faults> {
    let bytes = without_mark(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
            return Err(Faults::one(format!("line {line}"), FaultCode::FieldInvalid, "Not UTF-8."));
        }
    };
    if text.trim().is_empty() {
        return Err(Faults::one("line 1", FaultCode::FieldMissing, "The file is empty."));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) => parse_document(value),
        Err(_) if is_ndjson(text) => parse_lines(text),
        Err(error) => {
            let at = format!("line {}", error.line().max(1));
            Err(Faults::one(at, FaultCode::FieldInvalid, not_json(&error)))
        }
    }
}

/// Whether a text that is no JSON document looks like one object a line.
fn is_ndjson(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_object = |line: &str| line.starts_with('{') && line.ends_with('}');
    lines.next().is_some_and(is_object) && lines.next().is_some()
}

/// serde's sentence ends in a line that, of NDJSON, would always be 1.
fn not_json(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    let what = sentence.split(" at line ").next().unwrap_or_default();
    format!("Not valid JSON at column {}: {what}.", error.column())
}

fn parse_document(value: Value) -> Result<Vec<(usize, Helpline)>, Faults> {
    let mut gathered = Gathered::new(Place::Entry, |field| field);
    let entries = match value {
        Value::Array(entries) => entries,
        Value::Object(mut members) => match (members.remove("helplines"), members.remove("helpline")) {
            (Some(Value::Array(entries)), _) => entries,
            (Some(_), _) => return Err(Faults::one("helplines", FaultCode::FieldInvalid, "Must be an array.")),
            (None, Some(helpline)) => vec![helpline],
            (None, None) => vec![Value::Object(members)],
        },
        _ => return Err(Faults::one("line 1", FaultCode::FieldInvalid, "Neither an object nor an array.")),
    };
    for (index, entry) in entries.into_iter().enumerate() {
        if !gathered.has_room(index + 1) {
            break;
        }
        gathered.take(index + 1, draft(entry));
    }
    gathered.finish()
}

fn parse_lines(text: &str) -> Result<Vec<(usize, Helpline)>, Faults> {
    let mut gathered = Gathered::new(Place::Line, |field| field);
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        if !gathered.has_room(index + 1) {
            break;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(mut members)) => {
                let entry = members.remove("helpline").unwrap_or(Value::Object(members));
                gathered.take(index + 1, draft(entry));
            }
            Ok(other) => gathered.take(index + 1, draft(other)),
            Err(error) => gathered.fault(index + 1, "", FaultCode::FieldInvalid, not_json(&error)),
        }
    }
    gathered.finish()
}

fn draft(entry: Value) -> Draft {
    let mut faults = Faults::default();
    let Value::Object(members) = entry else {
        faults.add("", FaultCode::FieldInvalid, "A helpline is an object.");
        return Draft { faults, ..Draft::default() };
    };
    let mut row = Members { members, under: "", faults: &mut faults };
    let id = row.required("id").and_then(|id| row.parsed("id", id.parse().ok(), FaultCode::FieldInvalid, ID_FORM));
    let fields = fields(&mut row);
    Draft { id, fields: Some(fields), faults }
}

fn fields(row: &mut Members<'_>) -> Fields {
    let mut fields = Fields {
        name: row.required("name"),
        description: row.text("description"),
        website: row.text("website"),
        timezone: row.required("timezone"),
        topics: row.objects("topics").into_iter().filter_map(|members| topic(row, members)).collect(),
        supported_languages: row.texts("supported_languages"),
        specialties: row.texts("specialties"),
        support_types: row.texts("supportTypes"),
        phone_number: row.text("phoneNumber"),
        sms_number: row.text("smsNumber"),
        web_chat_url: row.text("webChatUrl"),
        whatsapp_url: row.text("whatsappUrl"),
        priority: row.flag("priority"),
        ..Fields::default()
    };
    if let Some(availability) = row.text("availability") {
        let known = Availability::from_name(&availability);
        fields.availability = row.parsed("availability", known, FaultCode::FieldInvalid, AVAILABILITY_FORM);
    }
    match row.take("country") {
        None => row.fault("country", FaultCode::FieldMissing, REQUIRED),
        Some(Value::Object(members)) => {
            let mut country = Members { members, under: "country.", faults: row.faults };
            fields.country_name = country.text("name");
            fields.emergency_number = country.text("emergencyNumber");
            fields.country_code = country
                .required("code")
                .and_then(|code| country.parsed("code", code.parse().ok(), FaultCode::CountryUnknown, COUNTRY_FORM));
        }
        Some(_) => row.fault("country", FaultCode::FieldInvalid, "Must be an object."),
    }
    match row.take("hours") {
        None => {}
        Some(Value::Object(members)) => {
            let mut hours = Members { members, under: "hours.", faults: row.faults };
            let always_open = hours.flag("alwaysOpen");
            let periods = hours.objects("periods").into_iter().filter_map(|members| period(&mut hours, members));
            fields.hours = Hours { periods: periods.collect(), always_open };
        }
        Some(_) => row.fault("hours", FaultCode::FieldInvalid, "Must be an object."),
    }
    fields
}

fn topic(row: &mut Members<'_>, members: Map<String, Value>) -> Option<Topic> {
    let mut topic = Members { members, under: "topics.", faults: row.faults };
    let (name, code) = (topic.required("name"), topic.required("code"));
    Some(Topic { name: name?, code: code? })
}

fn period(hours: &mut Members<'_>, members: Map<String, Value>) -> Option<OpenPeriod> {
    let mut period = Members { members, under: "hours.periods.", faults: hours.faults };
    let day = period.required("day").and_then(|day| {
        let known = Weekday::from_name(&day.to_lowercase());
        period.parsed("day", known, FaultCode::FieldInvalid, "A day is its English name, such as monday.")
    });
    let (open, close) = (period.required("open"), period.required("close"));
    Some(OpenPeriod { day: day?, open: open?, close: close? })
}

/// The members of an object, and where their faults go.
struct Members<'f> {
    members: Map<String, Value>,
    /// What stands before a member's name in a fault: `country.`
    under: &'static str,
    faults: &'f mut Faults,
}

impl Members<'_> {
    fn fault(&mut self, name: &str, code: FaultCode, detail: &str) {
        self.faults.add(format!("{}{name}", self.under), code, detail);
    }

    /// The member in camelCase or in snake_case; null is absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.members.remove(name).or_else(|| self.members.remove(&other_case(name)))?;
        (!value.is_null()).then_some(value)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => {
                self.fault(name, FaultCode::FieldInvalid, "Must be a string.");
                None
            }
        }
    }

    fn required(&mut self, name: &str) -> Option<String> {
        let faults_before = self.faults.0.len();
        let text = self.text(name).filter(|text| !text.trim().is_empty());
        if text.is_none() && self.faults.0.len() == faults_before {
            self.fault(name, FaultCode::FieldMissing, REQUIRED);
        }
        text
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.take(name) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.fault(name, FaultCode::FieldInvalid, "Must be true or false.");
                false
            }
        }
    }

    /// An array, each element of which `read` accepts.
    fn array<T>(&mut self, name: &str, detail: &str, read: impl Fn(Value) -> Option<T>) -> Vec<T> {
        let elements = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(elements)) => elements.into_iter().map(read).collect::<Option<Vec<_>>>(),
            Some(_) => None,
        };
        elements.unwrap_or_else(|| {
            self.fault(name, FaultCode::FieldInvalid, detail);
            Vec::new()
        })
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        self.array(name, "Must be an array of strings.", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    fn objects(&mut self, name: &str) -> Vec<Map<String, Value>> {
        self.array(name, "Must be an array of objects.", |value| match value {
            Value::Object(members) => Some(members),
            _ => None,
        })
    }

    /// `value`, or a fault if the text could not be read.
    fn parsed<T>(&mut self, name: &str, value: Option<T>, code: FaultCode, detail: &str) -> Option<T> {
        if value.is_none() {
            self.fault(name, code, detail);
        }
        value
    }
}

/// `webChatUrl` as `web_chat_url`, and the other way round.
fn other_case(name: &str) -> String {
    let mut other = String::with_capacity(name.len() + 4);
    let mut after_underscore = false;
    for c in name.chars() {
        match c {
            '_' => after_underscore = true,
            c if after_underscore => {
                other.push(c.to_ascii_uppercase());
                after_underscore = false;
            }
            c if c.is_ascii_uppercase() => other.extend(['_', c.to_ascii_lowercase()]),
            c => other.push(c),
        }
    }
    other
}

#[cfg(test)]
mod tests {
    use super::super::FAULTS_MAX;
    use super::*;
    use proptest::prelude::*;

    const DEMO: &[u8] = include_bytes!("../../demo/helplines.json");

    fn one(id: &str) -> String {
        format!(r#"{{"id":"{id}","name":"N","country":{{"code":"np"}},"timezone":"Asia/Kathmandu"}}"#)
    }

    fn faults(file: &str) -> Vec<(String, FaultCode)> {
        let faults = parse_helplines_json(file.as_bytes()).unwrap_err();
        faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    #[test]
    fn every_form_is_read() {
        let (a, b) = (one("a"), one("b"));
        for (file, numbers) in [
            (format!(r#"{{"helplines":[{a},{b}]}}"#), vec![1, 2]),
            (format!("\u{feff}[{a},\n{b}]"), vec![1, 2]),
            (format!(r#"{{"helpline":{a}}}"#), vec![1]),
            (a.clone(), vec![1]),
            (format!("{a}\n\n{{\"helpline\":{b}}}\r\n"), vec![1, 3]),
            (r#"{"helplines":[]}"#.into(), vec![]),
        ] {
            let read = parse_helplines_json(file.as_bytes()).unwrap();
            assert_eq!(read.iter().map(|(number, _)| *number).collect::<Vec<_>>(), numbers, "{file}");
            for (_, helpline) in read {
                assert_eq!((helpline.country.name.as_str(), helpline.country.code.as_str()), ("NP", "NP"));
            }
        }
    }

    #[test]
    fn what_the_api_answers_is_read_back_the_same() {
        let read = parse_helplines_json(DEMO).unwrap();
        let helplines: Vec<&Helpline> = read.iter().map(|(_, helpline)| helpline).collect();
        let answer = serde_json::json!({ "helplines": helplines }).to_string();
        assert_eq!(parse_helplines_json(answer.as_bytes()).unwrap(), read);
        let lines: Vec<String> = helplines.iter().map(|h| serde_json::to_string(h).unwrap()).collect();
        assert_eq!(parse_helplines_json(lines.join("\n").as_bytes()).unwrap(), read);
    }

    #[test]
    fn members_in_snake_case_are_read_too() {
        let file = r#"[{"id":"a","name":"N","country":{"code":"NP","name":"Nepal","emergency_number":"100"},
            "timezone":"UTC","support_types":["x"],"supportedLanguages":["ne"],"hours":{"always_open":true},
            "web_chat_url":"https://a.example"}]"#;
        let (_, helpline) = parse_helplines_json(file.as_bytes()).unwrap().remove(0);
        assert_eq!((helpline.support_types, helpline.supported_languages), (vec!["x".into()], vec!["ne".into()]));
        assert!(helpline.hours.always_open && helpline.web_chat_url.is_some());
        assert_eq!(helpline.country.emergency_number.as_deref(), Some("100"));
    }

    #[test]
    fn all_faults_are_named_at_once() {
        use FaultCode::*;
        let named = |list: &[(&str, FaultCode)]| list.iter().map(|(f, c)| ((*f).into(), *c)).collect::<Vec<_>>();
        let bad = r#"{"id":"no blanks","name":7,"country":{"code":"Nepal"},"timezone":"Mars/Base","priority":"yes",
            "topics":[{"name":"A"}],"hours":{"periods":[{"day":"someday","open":"09:00","close":"10:00"}]},
            "website":"ftp://a.example","availability":"maybe","specialties":"Youth"}"#;
        let expected = [
            ("entry 1: id", FieldInvalid),
            ("entry 1: name", FieldInvalid),
            ("entry 1: topics.code", FieldMissing),
            ("entry 1: specialties", FieldInvalid),
            ("entry 1: priority", FieldInvalid),
            ("entry 1: availability", FieldInvalid),
            ("entry 1: country.code", CountryUnknown),
            ("entry 1: hours.periods.day", FieldInvalid),
            ("entry 1: website", FieldInvalid),
            ("entry 1: timezone", TimeZoneUnknown),
            ("entry 2", FieldInvalid),
            ("entry 3: id", FieldMissing),
            ("entry 3: name", FieldMissing),
            ("entry 3: timezone", FieldMissing),
            ("entry 3: country", FieldMissing),
            ("entry 5: id", FieldTaken),
        ];
        assert_eq!(faults(&format!("[{bad},5,{{}},{},{}]", one("a"), one("a"))), named(&expected));
        let lines = format!("{}\n{{\"id\":\n\"text\"\n{}\n{}", one("a"), one("b"), one("b"));
        let expected = [("line 2", FieldInvalid), ("line 3", FieldInvalid), ("line 5: id", FieldTaken)];
        assert_eq!(faults(&lines), named(&expected));
    }

    #[test]
    fn files_that_are_no_json_are_named() {
        for (file, field) in [
            (&b""[..], "line 1"),
            (b" \n ", "line 1"),
            (b"{\n\"helplines\": [\n}", "line 3"),
            (b"7", "line 1"),
            (br#"{"helplines":{}}"#, "helplines"),
            (b"[\n\"\xff\"]", "line 2"),
        ] {
            assert_eq!(parse_helplines_json(file).unwrap_err().0[0].field, field, "{file:?}");
        }
    }

    #[test]
    fn faults_beyond_the_limit_are_counted() {
        let faults = parse_helplines_json(format!("[{}7]", "7,".repeat(149)).as_bytes()).unwrap_err().0;
        assert_eq!(faults.len(), FAULTS_MAX + 1);
        assert_eq!(faults[FAULTS_MAX].detail, "… and 50 more.");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_helplines_json(&bytes);
        }

        #[test]
        fn no_damage_to_a_good_file_panics(at in 0..DEMO.len(), with in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = DEMO.to_vec();
            bytes[at] = with;
            bytes.truncate(if cut { at } else { usize::MAX });
            if let Err(faults) = parse_helplines_json(&bytes) {
                prop_assert!(!faults.0.is_empty());
            }
        }
    }
}
