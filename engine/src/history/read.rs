//! From the bytes of a file to its rows, one at a time: memory stays flat, whatever the file is.
//!
//! Rows are cut out before they are parsed. So the line of each is known, a row cannot be longer than a bound, and a
//! quotation mark that never closes is told by the line where it opens.

use domain::history::{
    Cell, Checker, Field, FileForm, Known, Layout, Mapping, Place, ROW_BYTES_MAX, Raw, Record, RowFault,
};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

/// The mark that some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes that are read from the file at once.
const READ_BYTES: usize = 64 * 1_024;

/// Why a file was not read to its end.
#[derive(Debug)]
pub enum Broken {
    Read(std::io::Error),
    /// Nothing after these faults can be read, or is worth it.
    Faults(Vec<RowFault>),
    /// Whoever took the rows wants no more.
    Stopped,
}

/// What became of a row.
pub type Taken = Result<Record, Vec<RowFault>>;

/// Reads and checks all rows of a file. `take` gets each, and says whether it wants more.
pub fn rows(
    mut source: impl Read,
    form: FileForm,
    checker: &Checker,
    known: &mut impl Known,
    take: &mut impl FnMut(Taken) -> bool,
) -> Result<(), Broken> {
    let mut head = Vec::new();
    source.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut head).map_err(Broken::Read)?;
    if head == BYTE_ORDER_MARK {
        head.clear();
    }
    let source = head.as_slice().chain(source);
    let mut splitter = Splitter::new(source, (form == FileForm::Csv).then(|| checker.mapping.delimiter()));
    match form {
        FileForm::Csv => table(&mut splitter, checker, known, take),
        FileForm::Lines => lines(&mut splitter, checker, known, take),
    }
}

fn lines(
    splitter: &mut Splitter<impl Read>,
    checker: &Checker,
    known: &mut impl Known,
    take: &mut impl FnMut(Taken) -> bool,
) -> Result<(), Broken> {
    while splitter.next()? {
        let line = splitter.start;
        let taken = splitter.text().and_then(|text| {
            let read: Object<'_> = serde_json::from_str(text)
                .map_err(|_| vec![RowFault::of_row(line, "malformed_json", "Is no JSON object.")])?;
            checker.check(&read.raw(&checker.mapping, line)?, known, line)
        });
        if !take(taken) {
            return Err(Broken::Stopped);
        }
    }
    Ok(())
}

fn table(
    splitter: &mut Splitter<impl Read>,
    checker: &Checker,
    known: &mut impl Known,
    take: &mut impl FnMut(Taken) -> bool,
) -> Result<(), Broken> {
    let mut parser = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(checker.mapping.delimiter())
        .buffer_capacity(ROW_BYTES_MAX + 1)
        .from_reader(Feed::default());
    let mut row = csv::StringRecord::new();
    if !splitter.next()? {
        return Ok(());
    }
    parse(splitter, &mut parser, &mut row).map_err(Broken::Faults)?;
    let names: Vec<&str> = row.iter().collect();
    let layout = Layout::of_header(&names, &checker.mapping, splitter.start).map_err(Broken::Faults)?;
    if !layout.has_applications && checker.application.is_none() {
        let (line, field) = (splitter.start, Field::ApplicationId.as_str().to_owned());
        let detail = checker.no_application.clone();
        return Err(Broken::Faults(vec![RowFault { line, field, code: "column_missing", detail }]));
    }
    while splitter.next()? {
        let line = splitter.start;
        let taken = parse(splitter, &mut parser, &mut row).and_then(|()| {
            let (columns, wanted) = (row.len(), layout.columns().len());
            if columns != wanted {
                let detail = format!("Has {columns} columns; the header has {wanted}.");
                return Err(vec![RowFault::of_row(line, "columns_wrong", detail)]);
            }
            let mut raw = Raw::default();
            for (fields, text) in layout.columns().iter().zip(&row) {
                fields.iter().for_each(|field| raw.set(*field, Cell::of_csv(text)));
            }
            checker.check(&raw, known, line)
        });
        if !take(taken) {
            return Err(Broken::Stopped);
        }
    }
    Ok(())
}

/// Parses the row that the splitter has cut out.
fn parse(
    splitter: &Splitter<impl Read>,
    parser: &mut csv::Reader<Feed>,
    row: &mut csv::StringRecord,
) -> Result<(), Vec<RowFault>> {
    let text = splitter.text()?;
    parser.get_mut().give(text);
    match parser.read_record(row) {
        Ok(true) => Ok(()),
        _ => Err(vec![RowFault::of_row(splitter.start, "malformed_csv", "Is no row of a CSV file.")]),
    }
}

/// Gives a parser one row at a time, so that it never reads ahead of it.
#[derive(Default)]
struct Feed {
    row: Vec<u8>,
    given: usize,
}

impl Feed {
    fn give(&mut self, row: &str) {
        self.row.clear();
        self.row.extend_from_slice(row.as_bytes());
        self.row.push(b'\n');
        self.given = 0;
    }
}

impl Read for Feed {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let read = (&self.row[self.given..]).read(to)?;
        self.given += read;
        Ok(read)
    }
}

/// Where in a row of a CSV file the splitter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// At the start of a cell: only here a quotation mark opens.
    Start,
    Plain,
    Quoted,
    /// After a quotation mark: one more is a quotation mark of the text, anything else comes after its end.
    Mark,
}

impl Within {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Mark,
            (Self::Start | Self::Mark, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Plain,
        }
    }
}

/// Cuts a file into rows.
struct Splitter<R> {
    source: BufReader<R>,
    /// Of a CSV file: what is between its cells. Quotation marks mean something there.
    delimiter: Option<u8>,
    /// The line that is read next, from 1.
    line: u64,
    /// The row, without its end.
    row: Vec<u8>,
    /// The row's first line.
    start: u64,
    /// Whether the row has a carriage return, outside of quotation marks, that ends no line.
    has_return: bool,
}

impl<R: Read> Splitter<R> {
    fn new(source: R, delimiter: Option<u8>) -> Self {
        let source = BufReader::with_capacity(READ_BYTES, source);
        Self { source, delimiter, line: 1, row: Vec::new(), start: 1, has_return: false }
    }

    /// Cuts out the next row that is not empty; `false` at the end of the file.
    fn next(&mut self) -> Result<bool, Broken> {
        loop {
            let is_more = self.cut()?;
            while self.row.last() == Some(&b'\r') {
                self.row.pop();
            }
            let is_blank =
                if self.delimiter.is_some() { self.row.is_empty() } else { self.row.trim_ascii().is_empty() };
            if !is_blank || !is_more {
                return Ok(!is_blank);
            }
        }
    }

    /// Cuts out whatever comes up to the next end of a row; `false` at the end of the file.
    fn cut(&mut self) -> Result<bool, Broken> {
        self.row.clear();
        (self.start, self.has_return) = (self.line, false);
        let (mut within, mut opened, mut after_return) = (Within::Start, self.line, false);
        loop {
            let bytes = match self.source.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Broken::Read(error)),
            };
            if bytes.is_empty() {
                if within == Within::Quoted {
                    return Err(unclosed(opened, "A quotation mark opens here and never closes."));
                }
                return Ok(false);
            }
            let mut end = None;
            for (at, byte) in bytes.iter().copied().enumerate() {
                if byte == b'\n' {
                    self.line += 1;
                    if within != Within::Quoted {
                        end = Some(at);
                        break;
                    }
                    continue;
                }
                let Some(delimiter) = self.delimiter else { continue };
                self.has_return |= after_return && byte != b'\r';
                if (within, byte) == (Within::Start, b'"') {
                    opened = self.line;
                }
                within = within.after(byte, delimiter);
                after_return = byte == b'\r' && within != Within::Quoted;
            }
            let taken = end.unwrap_or(bytes.len());
            self.row.extend_from_slice(&bytes[..taken]);
            let consumed = if end.is_some() { taken + 1 } else { taken };
            self.source.consume(consumed);
            if self.row.len() > ROW_BYTES_MAX {
                return Err(if within == Within::Quoted {
                    unclosed(opened, "A quotation mark opens here and does not close within 65536 bytes.")
                } else if self.has_return {
                    Broken::Faults(vec![self.other_line_end()])
                } else {
                    Broken::Faults(vec![RowFault::of_row(self.start, "row_too_long", "A row has at most 65536 bytes.")])
                });
            }
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn other_line_end(&self) -> RowFault {
        let detail = "Has a carriage return that ends no line: lines end with a line feed.";
        RowFault::of_row(self.start, "line_end_invalid", detail)
    }

    /// The row as text.
    fn text(&self) -> Result<&str, Vec<RowFault>> {
        // Before all else: UTF-16 has zeros between the two characters that end its lines, too.
        if self.row.contains(&0) {
            let before = self.row.iter().take_while(|byte| **byte != 0).count();
            return Err(vec![self.other_encoding(before, "is zero, as in UTF-16")]);
        }
        if self.has_return {
            return Err(vec![self.other_line_end()]);
        }
        let other =
            |error: std::str::Utf8Error| vec![self.other_encoding(error.valid_up_to(), "belongs to another encoding")];
        std::str::from_utf8(&self.row).map_err(other)
    }

    /// That the row is not UTF-8 after so many bytes.
    fn other_encoding(&self, before: usize, why: &str) -> RowFault {
        let before = &self.row[..before];
        let lines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let byte = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let detail = format!("Is not UTF-8: byte {byte} of the line {why}.");
        RowFault::of_row(self.start + lines, "encoding_invalid", detail)
    }
}

fn unclosed(line: u64, detail: &str) -> Broken {
    Broken::Faults(vec![RowFault::of_row(line, "quote_unclosed", detail)])
}

/// A JSON object: its members, in their order.
struct Object<'a>(Vec<(Cow<'a, str>, Cell<'a>)>);

impl<'a> Object<'a> {
    fn raw(self, mapping: &Mapping, line: u64) -> Result<Raw<'a>, Vec<RowFault>> {
        let (mut raw, mut faults, mut seen) = (Raw::default(), Vec::new(), Vec::new());
        for (name, cell) in self.0 {
            match mapping.place(&name) {
                Place::Fields(fields) => {
                    if fields.iter().any(|field| seen.contains(field)) {
                        faults.push(RowFault::of_row(line, "column_twice", "Has a member twice."));
                    }
                    seen.extend_from_slice(fields);
                    fields.iter().for_each(|field| raw.set(*field, cell.clone()));
                }
                Place::Ignored => {}
                Place::Unknown => faults.push(Mapping::unknown(&name, line)),
            }
        }
        if faults.is_empty() { Ok(raw) } else { Err(faults) }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<Cow<'de, str>, Cell<'de>>()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests;
