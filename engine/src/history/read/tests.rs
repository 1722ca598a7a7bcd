use super::*;
use domain::event::{AcceptedTimes, Action, ContactMethod, SessionKey};
use domain::history::MappingForm;
use domain::ids::{ApplicationNo, HelplineNo};
use domain::{Timestamp, Zone};
use proptest::prelude::*;
use std::io::Cursor;

struct Everything;

impl Known for Everything {
    fn helpline(&self, id: &str) -> Option<HelplineNo> {
        id.strip_prefix('h').and_then(|no| no.parse().ok()).map(HelplineNo)
    }
    fn application(&self, id: &str) -> Option<ApplicationNo> {
        id.parse().ok().map(ApplicationNo)
    }
    fn session(&mut self, id: &str) -> SessionKey {
        let mut key = [0_u8; 16];
        for (i, byte) in id.bytes().enumerate() {
            key[i % 16] = key[i % 16].wrapping_mul(31).wrapping_add(byte);
        }
        SessionKey(key)
    }
}

fn checker(mapping: &str, without_sessions: bool) -> Checker {
    let form: MappingForm = serde_json::from_str(mapping).unwrap();
    Checker {
        mapping: form.parse(without_sessions, Zone::UTC).unwrap(),
        times: AcceptedTimes {
            now: Timestamp::parse_rfc3339("2026-11-24T12:00:00Z").unwrap(),
            age_max_ms: 1 << 41,
            ahead_max_ms: 0,
        },
        too_old: String::new(),
        application: Some(ApplicationNo(1)),
        is_only_application: false,
        no_application: String::new(),
    }
}

/// One byte at a time, as little as a reader may give.
struct Drops(Cursor<Vec<u8>>);

impl Read for Drops {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let len = to.len().min(1);
        self.0.read(&mut to[..len])
    }
}

/// The good rows, and the faults by line and code.
fn read_by(checker: &Checker, form: FileForm, file: impl Read) -> (Vec<Record>, Vec<(u64, &'static str)>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut take = |taken: Taken| {
        match taken {
            Ok(record) => good.push(record),
            Err(faults) => bad.extend(faults),
        }
        true
    };
    match rows(file, form, checker, &mut Everything, &mut take) {
        Ok(()) => {}
        Err(Broken::Faults(faults)) => bad.extend(faults),
        Err(other) => panic!("{other:?}"),
    }
    (good, bad.into_iter().map(|fault| (fault.line, fault.code)).collect())
}

fn read(form: FileForm, file: &[u8]) -> (Vec<Record>, Vec<(u64, &'static str)>) {
    let whole = read_by(&checker("{}", false), form, file);
    let drops = read_by(&checker("{}", false), form, Drops(Cursor::new(file.to_vec())));
    assert_eq!(whole, drops);
    whole
}

const HEADER: &str = "type,helpline_id,session_id,timestamp,contact_method\n";
const ROW: &str = "helpline_click,h1,s,2026-11-24T10:00:00Z,phone\n";

#[test]
fn files_are_read_whatever_ends_their_lines() {
    let quoted = "helpline_display,\"h1\",\"a \"\"b\"\",\nc\",2026-11-24T10:00:00Z,\n";
    for file in [
        format!("{HEADER}{ROW}{ROW}{quoted}"),
        format!("\u{feff}{HEADER}\n\n{ROW}{ROW}{quoted}").replace('\n', "\r\n").replace("\r\nc", "\nc"),
        format!("{HEADER}{ROW}{ROW}{quoted}").trim_end().to_owned(),
        format!("\u{feff}\"type\",{}{ROW}{ROW}{quoted}", &HEADER[5..]),
    ] {
        let (good, bad) = read(FileForm::Csv, file.as_bytes());
        assert_eq!((good.len(), bad), (3, vec![]), "{file:?}");
        assert_eq!(good[0].action, Action::Click(ContactMethod::Phone));
        assert_eq!(good[2].session, Everything.session("a \"b\",\nc"));
    }
    let row = r#"{"helpline_id":"h1","session_id":"s","type":"helpline_display","timestamp":"2026-11-24T10:00:00Z"}"#;
    let (good, bad) = read(FileForm::Lines, format!("\u{feff}{row}\r\n \n{row}").as_bytes());
    assert_eq!((good.len(), bad), (2, vec![]));
}

#[test]
fn faults_are_told_by_their_lines() {
    let wrong = ROW.replace("h1", "x");
    for (file, expected) in [
        (format!("{HEADER}{ROW}{wrong}{ROW}{wrong}"), vec![(3, "helpline_unknown"), (5, "helpline_unknown")]),
        (format!("{HEADER}\n{ROW}a,b\n"), vec![(4, "columns_wrong")]),
        (
            format!("{HEADER}helpline_display,h1,\"s\n\n2\",never,\n{wrong}"),
            vec![(2, "timestamp_invalid"), (5, "helpline_unknown")],
        ),
        (format!("{HEADER}{ROW}helpline_display,h1,\"s,2026\n{ROW}{ROW}"), vec![(3, "quote_unclosed")]),
        (format!("{HEADER}{ROW}\"a\nb\",\"{}", "x\n".repeat(40_000)), vec![(4, "quote_unclosed")]),
        (format!("{HEADER}{ROW}{}", "x".repeat(70_000)), vec![(3, "row_too_long")]),
        (format!("{HEADER}{}{ROW}", ROW.replace('\n', "\r")), vec![(2, "line_end_invalid")]),
        // A file whose lines end otherwise is one long row.
        (
            format!("{HEADER}{ROW}").replace('\n', "\r") + &ROW.replace('\n', "\r").repeat(2_000),
            vec![(1, "line_end_invalid")],
        ),
        (
            "type,type\n".to_owned(),
            vec![(1, "column_twice"), (1, "column_missing"), (1, "column_missing"), (1, "column_missing")],
        ),
        (String::new(), vec![]),
    ] {
        assert_eq!(read(FileForm::Csv, file.as_bytes()).1, expected, "{}", &file[..file.len().min(200)]);
    }
}

#[test]
fn other_encodings_are_told_by_their_lines() {
    let mut file = format!("{HEADER}{ROW}helpline_display,h1,\"s\n").into_bytes();
    file.extend_from_slice(b"M\xfcller\",2026-11-24T10:00:00Z,\n");
    file.extend_from_slice(ROW.as_bytes());
    let (good, bad) = read(FileForm::Csv, &file);
    assert_eq!((good.len(), bad), (2, vec![(4, "encoding_invalid")]));
    let utf_16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf_16 = [b"\xff\xfe".as_slice(), &utf_16].concat();
    for form in [FileForm::Csv, FileForm::Lines] {
        assert_eq!(read(form, &utf_16).1[0], (1, "encoding_invalid"));
    }
    // Without a mark at its start it is UTF-8, but for its bytes that are zero.
    for file in [format!("{HEADER}{ROW}"), format!("{HEADER}{ROW}").replace('\n', "\r\n"), format!("\"type\",{HEADER}")]
    {
        for swap in [u16::to_le_bytes, u16::to_be_bytes] {
            let utf_16: Vec<u8> = file.encode_utf16().flat_map(swap).collect();
            assert_eq!(read(FileForm::Csv, &utf_16).1, [(1, "encoding_invalid")], "{file:?}");
            let utf_16: Vec<u8> = "{}\n{}".encode_utf16().flat_map(swap).collect();
            assert_eq!(read(FileForm::Lines, &utf_16).1, [(1, "encoding_invalid"), (2, "encoding_invalid")]);
        }
    }
    let file = format!("{HEADER}{ROW}helpline_display,h1,\"s\n\0\",2026-11-24T10:00:00Z,\n{ROW}");
    let (good, bad) = read(FileForm::Csv, file.as_bytes());
    assert_eq!((good.len(), bad), (2, vec![(4, "encoding_invalid")]));
    // One that a JSON text writes as such is a character like any other.
    let row =
        r#"{"helpline_id":"h1","session_id":"s","type":"helpline_display","timestamp":"2026-11-24T10:00:00Z\u0000"}"#;
    assert_eq!(read(FileForm::Lines, row.as_bytes()).1, [(1, "timestamp_invalid")]);
}

#[test]
fn objects_of_lines_are_flat_and_known() {
    let row = |change: &str| {
        format!(
            "{{\"type\":\"helpline_display\",\"helpline_id\":\"h1\",\"session_id\":\"s\",\
             \"timestamp\":\"2026-11-24T10:00:00Z\"{change}}}\n"
        )
    };
    let file = [
        row(""),
        row(",\"contact_method\":null"),
        row(",\"agent\":1"),
        row(",\"type\":\"helpline_display\""),
        "[]\n".to_owned(),
        "{\n".to_owned(),
        row(",\"contact_method\":{\"a\":[1,2]}"),
        row("").replace("\"h1\"", "7"),
    ];
    let (good, bad) = read(FileForm::Lines, file.concat().as_bytes());
    let expected = [
        (3, "column_unknown"),
        (4, "column_twice"),
        (5, "malformed_json"),
        (6, "malformed_json"),
        (8, "helpline_unknown"),
    ];
    assert_eq!((good.len(), bad.as_slice()), (3, expected.as_slice()));
}

#[test]
fn other_peoples_files_are_read_by_a_mapping() {
    let mapping = r#"{"columns": {"type": "kind", "contact_method": "kind", "helpline_id": "line", "session_id": null,
        "timestamp": "day", "count": "n"}, "values": {"type": {"seen": "helpline_display", "call": "helpline_click"},
        "contact_method": {"call": "phone"}}, "timestamp": {"form": "pattern", "pattern": "%d.%m.%Y"},
        "delimiter": ";", "ignore": ["note"]}"#;
    let file = "day;line;kind;n;note\n24.11.2026;h1;seen;40;\"a;b\"\n23.11.2026;h2;call;1;\n";
    let (good, bad) = read_by(&checker(mapping, false), FileForm::Csv, file.as_bytes());
    assert_eq!(bad, []);
    let found: Vec<_> = good.iter().map(|it| (it.at.to_string(), it.helpline.0, it.action, it.count)).collect();
    assert_eq!(
        found,
        [
            ("2026-11-24T00:00:00.000Z".to_owned(), 1, Action::Display, 40),
            ("2026-11-23T00:00:00.000Z".to_owned(), 2, Action::Click(ContactMethod::Phone), 1),
        ]
    );
}

#[test]
fn a_count_that_a_mapping_names_is_never_guessed() {
    let mapping = r#"{"columns": {"count": "impressions"}, "ignore": ["*"]}"#;
    let checker = checker(mapping, true);
    let codes = |form, file: &str| read_by(&checker, form, file.as_bytes()).1;
    let table = |name, n| {
        format!(
            "type,helpline_id,timestamp,{name}\n{}",
            format!("helpline_display,h1,2026-11-24T10:00:00Z,{n}\n").repeat(2)
        )
    };
    assert_eq!(codes(FileForm::Csv, &table("impressions", "7")), []);
    assert_eq!(codes(FileForm::Csv, &table("Impressions", "7")), [(1, "column_missing")]);
    assert_eq!(codes(FileForm::Csv, &table("impressions", "")), [(2, "field_missing"), (3, "field_missing")]);
    let line = |count: &str| {
        format!(
            "{{\"type\":\"helpline_display\",\"helpline_id\":\"h1\",\"timestamp\":\"2026-11-24T10:00:00Z\"{count}}}\n"
        )
    };
    let lines = [",\"impressions\":7", ",\"Impressions\":7", "", ",\"impressions\":null"].map(line).concat();
    assert_eq!(codes(FileForm::Lines, &lines), [(2, "field_missing"), (3, "field_missing"), (4, "field_missing")]);
}

fn record() -> impl Strategy<Value = (u32, Option<ContactMethod>, i64, String)> {
    let method = prop::option::of(prop::sample::select(ContactMethod::ALL.to_vec()));
    (1..9_u32, method, 1_500_000_000_000..1_790_000_000_000_i64, "[a-zA-Z0-9äß🙂\" ,;\n]{1,20}")
}

proptest! {
    #[test]
    fn what_was_written_reads_back(events in prop::collection::vec(record(), 1..20)) {
        let events: Vec<_> = events.into_iter().filter(|event| !event.3.trim().is_empty()).collect();
        let (mut table, mut lines) = (csv::Writer::from_writer(Vec::new()), String::new());
        table.write_record(["session_id", "timestamp", "type", "helpline_id", "contact_method"]).unwrap();
        let mut expected = Vec::new();
        for (helpline, method, at, session) in &events {
            let (kind, method_name) = match method {
                None => ("helpline_display", ""),
                Some(method) => ("helpline_click", method.as_str()),
            };
            let (id, at) = (format!("h{helpline}"), Timestamp::from_millis(*at));
            table.write_record([session, &at.to_string(), kind, &id, method_name]).unwrap();
            let mut object = serde_json::json!({"session_id": session, "timestamp": at.to_string(), "type": kind, "helpline_id": id});
            if !method_name.is_empty() {
                object["contact_method"] = method_name.into();
            }
            lines.push_str(&format!("{object}\n"));
            expected.push(Record {
                application: ApplicationNo(1),
                helpline: HelplineNo(*helpline),
                action: method.map_or(Action::Display, Action::Click),
                at,
                session: Everything.session(session),
                count: 1,
            });
        }
        let table = table.into_inner().unwrap();
        prop_assert_eq!(read(FileForm::Csv, &table), (expected.clone(), vec![]));
        prop_assert_eq!(read(FileForm::Lines, lines.as_bytes()), (expected, vec![]));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "[\",\r\n a-z{}:\\[\\]]{0,200}") {
        for file in [bytes.clone(), text.clone().into_bytes(), [HEADER.as_bytes(), &bytes].concat(), [HEADER, &text].concat().into_bytes()] {
            for form in [FileForm::Csv, FileForm::Lines] {
                read(form, &file);
            }
        }
    }
}
