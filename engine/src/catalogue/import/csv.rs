//! Helplines as a table, the form that people keep them in.

use super::{AVAILABILITY_FORM, COUNTRY_FORM, Draft, Fields, Gathered, ID_FORM, Place, REQUIRED, without_mark};
use csv::{ByteRecord, ReaderBuilder};
use domain::helpline::{Availability, Helpline, Hours, OpenPeriod, Topic, Weekday};
use domain::{FaultCode, Faults};

/// Every column that a file may have, in the order in which they are documented.
pub const COLUMNS: [&str; 20] = [
    "id",
    "name",
    "description",
    "website",
    "country_code",
    "country_name",
    "emergency_number",
    "timezone",
    "topics",
    "supported_languages",
    "specialties",
    "support_types",
    "always_open",
    "hours",
    "phone_number",
    "sms_number",
    "web_chat_url",
    "whatsapp_url",
    "priority",
    "availability",
];
/// The columns that a file must have, filled in every row.
pub const COLUMNS_REQUIRED: [&str; 4] = ["id", "name", "country_code", "timezone"];

/// Reads CSV (RFC 4180, UTF-8): a header with some of [`COLUMNS`] in any order, then one helpline a row.
///
/// Lists are separated by semicolons: `topics` as `Anxiety:anxiety;Grief and loss:grief`, `hours` as
/// `mon 09:00-12:00;mon 13:00-17:00;tue 09:00-17:00`. `always_open` and `priority` are `true` or `false`. An empty
/// cell is an absent value; blank rows are skipped. The number beside a helpline is the line that its row begins on.
///
/// # Errors
/// All faults of the file, each with its line and column: `line 7: name`.
pub fn parse_helplines_csv(bytes: &[u8]) -> Result<Vec<(usize, Helpline)>, Faults> {
    let bytes = without_mark(bytes);
    let mut gathered = Gathered::new(Place::Line, column_of);
    let readable = check_quotes(bytes, &mut gathered);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&bytes[..readable]);
    let (mut record, mut lines, mut header) = (ByteRecord::new(), Lines::of(bytes), None);
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => {
                gathered.fault(lines.line, "", FaultCode::FieldInvalid, "This row cannot be read as CSV.");
                break;
            }
        }
        let line = lines.line_of(record.position().map_or(0, csv::Position::byte));
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        let Some(header) = &header else {
            header = Some(Header::read(&record, line, &mut gathered));
            continue;
        };
        if header.columns.iter().all(Option::is_none) || !gathered.has_room(line) {
            break;
        }
        gathered.take(line, draft(header, &record));
    }
    if header.is_none() && readable == bytes.len() {
        gathered.fault(1, "", FaultCode::FieldMissing, "The file is empty: its first row must name the columns.");
    }
    gathered.finish()
}

/// The column of a field of a helpline.
fn column_of(field: &str) -> &str {
    match field {
        "country.name" => "country_name",
        "country.emergencyNumber" => "emergency_number",
        "supportTypes" => "support_types",
        "phoneNumber" => "phone_number",
        "smsNumber" => "sms_number",
        "webChatUrl" => "web_chat_url",
        "whatsappUrl" => "whatsapp_url",
        field => field.split('.').next().unwrap_or_default(),
    }
}

/// Names what the reader would silently put up with: text after a closing quote, and a quote that never closes, which
/// would swallow the rest of the file. Answers how much of the file can be read: up to the row of such a quote.
fn check_quotes(bytes: &[u8], gathered: &mut Gathered) -> usize {
    enum In {
        CellStart,
        Bare,
        Quoted,
        AfterQuote,
    }
    let (mut state, mut line, mut opened_on, mut row_start) = (In::CellStart, 1, 1, 0);
    for (index, byte) in bytes.iter().copied().enumerate() {
        state = match (state, byte) {
            (In::CellStart, b'"') => {
                opened_on = line;
                In::Quoted
            }
            (In::Quoted, b'"') => In::AfterQuote,
            // A quote in quotes is written twice.
            (In::AfterQuote, b'"') | (In::Quoted, _) => In::Quoted,
            (_, b'\n' | b'\r') => {
                row_start = index + 1;
                In::CellStart
            }
            (_, b',') => In::CellStart,
            (In::AfterQuote, _) => {
                let detail = "Text after a closing quote: put the whole cell in quotes and double those inside.";
                gathered.fault(line, "", FaultCode::FieldInvalid, detail);
                In::Bare
            }
            (In::CellStart | In::Bare, _) => In::Bare,
        };
        line += usize::from(is_line_end(bytes, index));
    }
    if matches!(state, In::Quoted) {
        gathered.fault(opened_on, "", FaultCode::FieldInvalid, "A quote opens on this line and never closes.");
        return row_start;
    }
    bytes.len()
}

/// Whether a line ends with this byte: `\n`, or a `\r` without one.
fn is_line_end(bytes: &[u8], index: usize) -> bool {
    bytes[index] == b'\n' || (bytes[index] == b'\r' && bytes.get(index + 1) != Some(&b'\n'))
}

/// Counts lines as a reader moves on. (csv counts blank lines to the row that follows them.)
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// The line of the first row at or after an offset, which must not be less than the one before.
    fn line_of(&mut self, offset: u64) -> usize {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        while self.at < self.bytes.len() && (self.at < offset || matches!(self.bytes[self.at], b'\n' | b'\r')) {
            self.line += usize::from(is_line_end(self.bytes, self.at));
            self.at += 1;
        }
        self.line
    }
}

/// Which column each cell of a row belongs to.
struct Header {
    columns: Vec<Option<&'static str>>,
}

impl Header {
    fn read(record: &ByteRecord, line: usize, gathered: &mut Gathered) -> Self {
        let mut columns: Vec<Option<&'static str>> = Vec::with_capacity(record.len());
        for cell in record {
            let title = String::from_utf8_lossy(cell).trim().to_lowercase();
            let column = COLUMNS.into_iter().find(|column| *column == title);
            let (code, detail) = match column {
                Some(column) if columns.contains(&Some(column)) => (FaultCode::FieldTaken, "This column comes twice."),
                None if record.len() == 1 && title.contains([';', '\t']) => {
                    (FaultCode::FieldInvalid, "The columns must be separated by commas.")
                }
                None => (FaultCode::FieldInvalid, "No column of a helpline has this name."),
                Some(_) => (FaultCode::FieldInvalid, ""),
            };
            if !detail.is_empty() {
                let title: String = title.chars().filter(|c| !c.is_control()).take(40).collect();
                gathered.fault(line, &title, code, detail);
            }
            columns.push(column);
        }
        if columns.iter().any(Option::is_some) {
            for required in COLUMNS_REQUIRED.into_iter().filter(|column| !columns.contains(&Some(column))) {
                gathered.fault(line, required, FaultCode::FieldMissing, "This column is required.");
            }
        }
        Self { columns }
    }
}

/// A row's cells, and where their faults go.
struct Row<'a> {
    header: &'a Header,
    record: &'a ByteRecord,
    faults: &'a mut Faults,
}

impl<'a> Row<'a> {
    /// The trimmed text of a cell that is not empty.
    fn text(&mut self, column: &str) -> Option<&'a str> {
        let index = self.header.columns.iter().position(|c| *c == Some(column))?;
        match std::str::from_utf8(self.record.get(index)?) {
            Ok(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Err(_) => {
                self.faults.add(column, FaultCode::FieldInvalid, "Not UTF-8.");
                None
            }
        }
    }

    fn owned(&mut self, column: &str) -> Option<String> {
        self.text(column).map(str::to_owned)
    }

    /// As [`Self::text`]; an empty cell is a fault. (A column that is missing altogether was named with the header.)
    fn required(&mut self, column: &'static str) -> Option<&'a str> {
        let faults_before = self.faults.0.len();
        let text = self.text(column);
        let has_column = self.header.columns.contains(&Some(column));
        if text.is_none() && has_column && self.faults.0.len() == faults_before {
            self.faults.add(column, FaultCode::FieldMissing, REQUIRED);
        }
        text
    }

    /// `value`, or a fault if the text could not be read.
    fn parsed<T>(&mut self, column: &str, value: Option<T>, code: FaultCode, detail: &str) -> Option<T> {
        if value.is_none() {
            self.faults.add(column, code, detail);
        }
        value
    }

    fn flag(&mut self, column: &str) -> bool {
        let Some(text) = self.text(column) else {
            return false;
        };
        let value = match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        };
        self.parsed(column, value, FaultCode::FieldInvalid, "Must be true or false.").unwrap_or_default()
    }

    /// The parts of a cell between semicolons, each read by `read`; a part that cannot be read is a fault.
    fn list<T>(&mut self, column: &str, detail: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let parts = self.text(column).unwrap_or_default().split(';').map(str::trim).filter(|part| !part.is_empty());
        let list = parts.map(read).collect::<Option<Vec<T>>>();
        self.parsed(column, list, FaultCode::FieldInvalid, detail).unwrap_or_default()
    }

    fn texts(&mut self, column: &str) -> Vec<String> {
        self.list(column, "", |part| Some(part.to_owned()))
    }
}

fn draft(header: &Header, record: &ByteRecord) -> Draft {
    let mut faults = Faults::default();
    if record.len() != header.columns.len() {
        let detail = format!("{} cells, but the header has {}.", record.len(), header.columns.len());
        faults.add("", FaultCode::FieldInvalid, detail);
        return Draft { faults, ..Draft::default() };
    }
    let mut row = Row { header, record, faults: &mut faults };
    let id = row.required("id").and_then(|id| row.parsed("id", id.parse().ok(), FaultCode::FieldInvalid, ID_FORM));
    let country_code = row
        .required("country_code")
        .and_then(|code| row.parsed("country_code", code.parse().ok(), FaultCode::CountryUnknown, COUNTRY_FORM));
    let availability = row.text("availability").and_then(|text| {
        let known = Availability::from_name(&text.to_lowercase());
        row.parsed("availability", known, FaultCode::FieldInvalid, AVAILABILITY_FORM)
    });
    let fields = Fields {
        name: row.required("name").map(str::to_owned),
        description: row.owned("description"),
        website: row.owned("website"),
        country_code,
        country_name: row.owned("country_name"),
        emergency_number: row.owned("emergency_number"),
        timezone: row.required("timezone").map(str::to_owned),
        topics: row.list("topics", "Topics are name:code;name:code, such as Anxiety:anxiety.", topic),
        supported_languages: row.texts("supported_languages"),
        specialties: row.texts("specialties"),
        support_types: row.texts("support_types"),
        hours: Hours {
            always_open: row.flag("always_open"),
            periods: row.list("hours", "Hours are mon 09:00-17:00;tue 09:00-17:00.", period),
        },
        phone_number: row.owned("phone_number"),
        sms_number: row.owned("sms_number"),
        web_chat_url: row.owned("web_chat_url"),
        whatsapp_url: row.owned("whatsapp_url"),
        priority: row.flag("priority"),
        availability,
    };
    Draft { id, fields: Some(fields), faults }
}

/// `Grief and loss:grief`
fn topic(text: &str) -> Option<Topic> {
    let (name, code) = text.rsplit_once(':')?;
    Some(Topic { name: name.trim().to_owned(), code: code.trim().to_owned() })
}

/// `mon 09:00-17:00`; the day's whole name will do too.
fn period(text: &str) -> Option<OpenPeriod> {
    let (day, span) = text.split_once(char::is_whitespace)?;
    let day = day.to_lowercase();
    let is_named =
        |weekday: &Weekday| day == weekday.as_str() || (day.len() == 3 && weekday.as_str().starts_with(&day));
    let day = Weekday::ALL.iter().copied().find(is_named)?;
    let (open, close) = span.split_once('-')?;
    Some(OpenPeriod { day, open: open.trim().to_owned(), close: close.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &[u8] = include_bytes!("../../../tests/data/helplines.csv");
    const HEAD: &str = "id,name,country_code,timezone";

    fn faults(file: impl AsRef<[u8]>) -> Vec<(String, FaultCode)> {
        let faults = parse_helplines_csv(file.as_ref()).unwrap_err();
        faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    fn fields(file: impl AsRef<[u8]>) -> Vec<String> {
        faults(file).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn the_sample_has_every_column() {
        let read = parse_helplines_csv(SAMPLE).unwrap();
        assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 6]);
        let full = &read[0].1;
        assert_eq!(full.country.emergency_number.as_deref(), Some("100"));
        assert_eq!(full.topics[1], Topic { name: "Grief and loss".into(), code: "grief".into() });
        assert_eq!(full.supported_languages, ["ne", "en"]);
        assert_eq!(full.hours.periods.len(), 3);
        assert!(full.priority && !full.hours.always_open);
        assert_eq!(full.availability, Availability::Limited);
        for contact in [&full.phone_number, &full.sms_number, &full.web_chat_url, &full.whatsapp_url, &full.website] {
            assert!(contact.is_some());
        }
        assert_eq!(read[1].1.description.as_deref(), Some("Says \"yes, we listen\",\nand does."));
        assert_eq!((read[2].1.country.name.as_str(), read[2].1.description.as_deref()), ("AU", None));
    }

    #[test]
    fn columns_come_in_any_order_and_case_with_a_mark_and_any_line_ends() {
        let file = "\u{feff}Name, ID ,timezone,country_code\r\n\r\nN,a,UTC,np\r\n , ,,\r\nN,b,UTC,NP";
        for (file, lines) in [(file.to_owned(), [3, 5]), (file.replace("\r\n", "\r"), [3, 5])] {
            let read = parse_helplines_csv(file.as_bytes()).unwrap();
            assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), lines);
        }
        assert_eq!(parse_helplines_csv(HEAD.as_bytes()), Ok(vec![]));
    }

    #[test]
    fn a_header_is_judged_with_its_rows() {
        use FaultCode::*;
        assert_eq!(faults(""), [("line 1".into(), FieldMissing)]);
        assert_eq!(faults("id;name\na;b"), [("line 1: id;name".into(), FieldInvalid)]);
        let expected = [
            ("line 1: phone".to_owned(), FieldInvalid),
            ("line 1: id".into(), FieldTaken),
            ("line 1: country_code".into(), FieldMissing),
            ("line 1: timezone".into(), FieldMissing),
            ("line 2: name".into(), FieldMissing),
        ];
        assert_eq!(faults("id,name,phone,id\na,,1,b\n"), expected);
    }

    #[test]
    fn every_fault_of_every_row_is_named_by_line_and_column() {
        use FaultCode::*;
        let file = "id,name,country_code,timezone,topics,hours,website,priority,availability,always_open\n\
            a,N,NP,UTC,,,,,,\n\
            no blanks,,Nepal,Mars/Base,nocode,someday,ftp://x,maybe,sometimes,perhaps\n\
            a,N,NP,UTC,A:a b,mon 25:00-26:00,,,,\n\
            b,N,NP\n";
        let expected = [
            ("line 3: id", FieldInvalid),
            ("line 3: country_code", CountryUnknown),
            ("line 3: availability", FieldInvalid),
            ("line 3: name", FieldMissing),
            ("line 3: topics", FieldInvalid),
            ("line 3: always_open", FieldInvalid),
            ("line 3: hours", FieldInvalid),
            ("line 3: priority", FieldInvalid),
            ("line 3: website", FieldInvalid),
            ("line 3: timezone", TimeZoneUnknown),
            ("line 4: id", FieldTaken),
            ("line 4: topics", FieldInvalid),
            ("line 4: hours", FieldInvalid),
            ("line 5", FieldInvalid),
        ];
        assert_eq!(faults(file), expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn quotes_and_encodings_are_named_by_line() {
        let rows = |rows: &str| format!("{HEAD}\n{rows}");
        assert_eq!(fields(rows("a,\"N\nN,NP,UTC\nb,N,NP,UTC\n")), ["line 2"]);
        assert_eq!(fields(rows("a,,NP,UTC\nb,\"N,NP,UTC\nc,N,NP,UTC\n")), ["line 3", "line 2: name"]);
        assert_eq!(fields(rows("a,\"N\" or not,NP,UTC")), ["line 2"]);
        assert_eq!(fields("\"id"), ["line 1"]);
        let mut latin = rows("a,N,NP,UTC\nb,").into_bytes();
        latin.extend(b"Caf\xe9,NP,UTC\n");
        assert_eq!(fields(latin), ["line 3: name"]);
        assert!(!fields(b"\xff\xfei\0d\0").is_empty());
    }

    #[test]
    fn too_long_a_file_is_refused() {
        let rows: String = (0..=super::super::HELPLINES_MAX).map(|i| format!("\nh{i},N,NP,UTC")).collect();
        assert_eq!(fields(format!("{HEAD}{rows}\n")), [format!("line {}", super::super::HELPLINES_MAX + 2)]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_helplines_csv(&bytes);
        }

        #[test]
        fn no_text_of_csv_panics(text in "(id|name|country_code|timezone|\"|,|;|:|\r|\n|é|a){0,60}") {
            let _ = parse_helplines_csv(text.as_bytes());
        }

        #[test]
        fn no_damage_to_a_good_file_panics(at in 0..SAMPLE.len(), with in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = SAMPLE.to_vec();
            bytes[at] = with;
            bytes.truncate(if cut { at } else { usize::MAX });
            if let Err(faults) = parse_helplines_csv(&bytes) {
                prop_assert!(!faults.0.is_empty());
            }
        }

        #[test]
        fn rows_are_found_on_the_lines_that_they_begin_on(
            rows in proptest::collection::vec(("[a-z \",\n]{0,9}", 0_usize..3), 0..8),
        ) {
            let (mut file, mut expected) = (HEAD.to_owned(), Vec::new());
            for (index, (text, blanks)) in rows.iter().enumerate() {
                file.push_str(&"\n".repeat(blanks + 1));
                expected.push(1 + file.matches('\n').count());
                file.push_str(&format!("h{index},\"N{}\",NP,UTC", text.replace('"', "\"\"").replace('\n', " ")));
            }
            let read = parse_helplines_csv(file.as_bytes()).unwrap();
            prop_assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), expected);
            for ((_, helpline), (text, _)) in read.iter().zip(&rows) {
                let name = format!("N{}", text.replace('\n', " "));
                prop_assert_eq!(&helpline.name, name.trim());
            }
        }
    }
}
