//! Rows as CSV (RFC 4180) and as NDJSON.

use domain::export::{Cell, Column, defuse};
use std::io::{Error, Result, Write};

/// Bytes that are gathered before they are passed on.
const BUFFER_BYTES: usize = 1 << 16;
/// UTF-8's byte order mark, by which some spreadsheets know it.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// How rows are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// With the names of the columns first, and before them a byte order mark if asked for.
    Csv { bom: bool },
    /// An object on each line.
    Ndjson,
}

/// Rows that are being written.
pub enum TextRows<W: Write> {
    Csv(Box<csv::Writer<W>>, String),
    Ndjson(Ndjson<W>),
}

/// Rows that are being written as NDJSON.
pub struct Ndjson<W> {
    to: W,
    /// What comes before each value.
    heads: Vec<String>,
    line: Vec<u8>,
    text: String,
}

impl<W: Write> TextRows<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn begin(format: TextFormat, mut to: W, columns: &[Column]) -> Result<Self> {
        if format == (TextFormat::Csv { bom: true }) {
            to.write_all(BOM)?;
        }
        let mut rows = Self::go_on(format, to, columns);
        if let Self::Csv(writer, _) = &mut rows {
            writer.write_record(columns.iter().map(|column| column.name))?;
        }
        Ok(rows)
    }

    /// Goes on with a file that has begun.
    pub fn go_on(format: TextFormat, to: W, columns: &[Column]) -> Self {
        match format {
            TextFormat::Csv { .. } => {
                let mut builder = csv::WriterBuilder::new();
                builder.terminator(csv::Terminator::CRLF).buffer_capacity(BUFFER_BYTES);
                Self::Csv(Box::new(builder.from_writer(to)), String::new())
            }
            TextFormat::Ndjson => {
                let mark = |first: bool| if first { '{' } else { ',' };
                let head = |(i, column): (usize, &Column)| format!("{}\"{}\":", mark(i == 0), column.name);
                let heads = columns.iter().enumerate().map(head).collect();
                Self::Ndjson(Ndjson { to, heads, line: Vec::with_capacity(BUFFER_BYTES), text: String::new() })
            }
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Those of writing, and for a row of another length than the others.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        match self {
            Self::Csv(writer, text) => {
                for cell in cells {
                    if let Cell::Text(text) = cell {
                        writer.write_field(defuse(text).as_bytes())?;
                    } else {
                        text.clear();
                        cell.write(text);
                        writer.write_field(&text)?;
                    }
                }
                Ok(writer.write_record(None::<&[u8]>)?)
            }
            Self::Ndjson(ndjson) => ndjson.row(cells),
        }
    }

    /// Ends it and gives what was written to.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self) -> Result<W> {
        match self {
            Self::Csv(writer, _) => writer.into_inner().map_err(csv::IntoInnerError::into_error),
            Self::Ndjson(mut ndjson) => {
                ndjson.to.write_all(&ndjson.line)?;
                Ok(ndjson.to)
            }
        }
    }
}

impl<W: Write> Ndjson<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        if cells.len() != self.heads.len() {
            return Err(Error::other("a row does not fit its columns"));
        }
        for (head, cell) in self.heads.iter().zip(cells) {
            self.line.extend_from_slice(head.as_bytes());
            if let Cell::Text(text) = cell {
                serde_json::to_writer(&mut self.line, text)?;
                continue;
            }
            self.text.clear();
            cell.write(&mut self.text);
            let mark: &[u8] = match cell {
                Cell::Empty => {
                    self.text.push_str("null");
                    b""
                }
                Cell::Integer(_) | Cell::Ratio(_) => b"",
                Cell::Text(_) | Cell::Id(_) | Cell::Instant(_) | Cell::Local(..) | Cell::Date(_) => b"\"",
            };
            for part in [mark, self.text.as_bytes(), mark] {
                self.line.extend_from_slice(part);
            }
        }
        self.line.extend_from_slice(b"}\n");
        if self.line.len() >= BUFFER_BYTES {
            self.to.write_all(&self.line)?;
            self.line.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::export::{Kind, columns};
    use domain::period::Filter;

    fn written(format: TextFormat) -> String {
        let columns = &columns(Kind::Applications, &Filter::default())[..3];
        let rows: [&[Cell<'_>]; 2] = [
            &[Cell::Text("x,\"y\""), Cell::Text("=z\n"), Cell::Integer(-1)],
            &[Cell::Empty, Cell::Ratio(0.5), Cell::Date("2026-11-24".parse().unwrap())],
        ];
        let mut to = TextRows::begin(format, Vec::new(), columns).unwrap();
        to.row(rows[0]).unwrap();
        assert!(TextRows::begin(format, Vec::new(), columns).and_then(|mut to| to.row(&rows[0][..2])).is_err());
        let begun = to.finish().unwrap();
        let mut to = TextRows::go_on(format, begun, columns);
        to.row(rows[1]).unwrap();
        String::from_utf8(to.finish().unwrap()).unwrap()
    }

    #[test]
    fn csv_is_quoted_and_defused() {
        let expected =
            "application_id,application_name,gross_displays\r\n\"x,\"\"y\"\"\",\"'=z\n\",-1\r\n,0.5,2026-11-24\r\n";
        assert_eq!(written(TextFormat::Csv { bom: false }), expected);
        assert_eq!(written(TextFormat::Csv { bom: true }), format!("\u{feff}{expected}"));
    }

    #[test]
    fn ndjson_has_an_object_on_each_line() {
        let expected = "{\"application_id\":\"x,\\\"y\\\"\",\"application_name\":\"=z\\n\",\"gross_displays\":-1}\n\
                        {\"application_id\":null,\"application_name\":0.5,\"gross_displays\":\"2026-11-24\"}\n";
        assert_eq!(written(TextFormat::Ndjson), expected);
    }
}
