//! Rows as Parquet: what is in memory of a group of rows is encoded and compressed already.

use bytes::Bytes;
use domain::export::{COLUMNS_VERSION, Cell, Column, ColumnType};
use domain::zone::Day;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::column::page::{CompressedPage, PageWriteSpec, PageWriter};
use parquet::column::writer::{ColumnWriter, get_column_writer, get_typed_column_writer_mut};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::Type;
use std::io::{Error, Result, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a group. So many that what is known of all groups until the end of the file stays small, about twelve
/// kilobytes each; so few that a group, of which each column is written in one piece, is some ten megabytes. A file can have
/// 32,767 groups, and so more than four billion rows.
const GROUP_ROWS: usize = 131_072;
/// Rows whose cells are gathered before they are encoded.
const BATCH_ROWS: usize = 2_048;
/// Rows of a page, about, which is what an encoder holds of a column.
const PAGE_ROWS: usize = 4_096;
/// Bytes of different values after which a column does without a dictionary: it is held apart until the group ends, and
/// ids have as many values as rows.
const DICTIONARY_BYTES: usize = 128 * 1_024;

/// A file that is being written.
pub struct Columnar<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<OfColumn>,
    /// Gathered, not encoded yet.
    batch_rows: usize,
    group_rows: usize,
}

/// A column in the present group.
struct OfColumn {
    cells: Gathered,
    /// Encodes what was gathered; `None` at the start of a group.
    encoder: Option<ColumnWriter<'static>>,
    /// The pages that are encoded.
    pages: Pages,
}

/// The cells of a column that were gathered.
struct Gathered {
    values: Values,
    /// Of a column whose cells may be empty: 1 for each that is not.
    levels: Option<Vec<i16>>,
}

enum Values {
    /// All texts in one, and where each ends.
    Text(String, Vec<usize>),
    Integers(Vec<i64>),
    Ratios(Vec<f64>),
    Days(Vec<i32>),
}

/// The pages of a column in a group, one after the other: in a file they have to follow each other, and the columns are
/// filled side by side.
#[derive(Clone, Default)]
struct Pages(Arc<Mutex<Vec<u8>>>);

impl Pages {
    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.bytes().write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Writes pages where an encoder can own it.
struct ToPages(TrackedWrite<Pages>);

impl PageWriter for ToPages {
    fn write_page(&mut self, page: CompressedPage) -> std::result::Result<PageWriteSpec, ParquetError> {
        SerializedPageWriter::new(&mut self.0).write_page(page)
    }

    fn close(&mut self) -> std::result::Result<(), ParquetError> {
        Ok(self.0.flush()?)
    }
}

fn failed(error: ParquetError) -> Error {
    Error::other(error)
}

fn no_fit() -> Error {
    Error::other("a row does not fit its columns")
}

impl<W: Write + Send> Columnar<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn begin(to: W, kind: &str, columns: &[Column]) -> Result<Self> {
        let fields = columns.iter().map(field).collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
        let schema = Type::group_type_builder("schema").with_fields(fields).build().map_err(failed)?;
        let version = KeyValue::new("reachline.columns".to_owned(), format!("{kind}/{COLUMNS_VERSION}"));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            // What is kept of each page until the file ends would grow with the file; of each group it is enough.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_created_by(concat!("reachline ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![version]))
            .build();
        let writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        let columns = columns.iter().map(OfColumn::of).collect();
        Ok(Self { writer, columns, batch_rows: 0, group_rows: 0 })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Those of writing, and for a row that does not fit the columns.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        if cells.len() != self.columns.len() {
            return Err(no_fit());
        }
        self.columns.iter_mut().zip(cells).try_for_each(|(column, cell)| column.cells.add(cell))?;
        self.batch_rows += 1;
        self.group_rows += 1;
        if self.batch_rows >= BATCH_ROWS {
            self.encode()?;
        }
        if self.group_rows >= GROUP_ROWS { self.end_group() } else { Ok(()) }
    }

    /// Encodes what was gathered.
    fn encode(&mut self) -> Result<()> {
        self.batch_rows = 0;
        for (at, column) in self.columns.iter_mut().enumerate() {
            let encoder = column.encoder.get_or_insert_with(|| {
                let (described, properties) = (self.writer.schema_descr().column(at), self.writer.properties().clone());
                let pages = ToPages(TrackedWrite::new(column.pages.clone()));
                get_column_writer(described, properties, Box::new(pages))
            });
            column.cells.encode(encoder).map_err(failed)?;
        }
        Ok(())
    }

    /// Writes the group, column by column.
    fn end_group(&mut self) -> Result<()> {
        if self.batch_rows > 0 {
            self.encode()?;
        }
        self.group_rows = 0;
        let mut group = self.writer.next_row_group().map_err(failed)?;
        for column in &mut self.columns {
            let encoded = column.encoder.take().ok_or_else(no_fit)?.close().map_err(failed)?;
            let pages = Bytes::from(std::mem::take(&mut *column.pages.bytes()));
            group.append_column(&pages, encoded).map_err(failed)?;
            // What they were in is used again by the next group.
            let mut pages = Vec::from(pages);
            pages.clear();
            *column.pages.bytes() = pages;
        }
        group.close().map(drop).map_err(failed)
    }

    /// Ends it and gives what was written to.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self) -> Result<W> {
        if self.group_rows > 0 {
            self.end_group()?;
        }
        self.writer.into_inner().map_err(failed)
    }
}

/// How a column is stored.
fn field(column: &Column) -> std::result::Result<Arc<Type>, ParquetError> {
    let (physical, converted) = match column.r#type {
        ColumnType::Text | ColumnType::LocalTime => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        ColumnType::Integer => (Physical::INT64, ConvertedType::NONE),
        ColumnType::Ratio => (Physical::DOUBLE, ConvertedType::NONE),
        ColumnType::Instant => (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS),
        ColumnType::Date => (Physical::INT32, ConvertedType::DATE),
    };
    let repetition = if column.may_be_empty { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let builder = Type::primitive_type_builder(column.name, physical);
    builder.with_repetition(repetition).with_converted_type(converted).build().map(Arc::new)
}

impl OfColumn {
    fn of(column: &Column) -> Self {
        Self { cells: Gathered::of(column), encoder: None, pages: Pages::default() }
    }
}

impl Gathered {
    fn of(column: &Column) -> Self {
        let values = match column.r#type {
            ColumnType::Text | ColumnType::LocalTime => Values::Text(String::new(), Vec::new()),
            ColumnType::Integer | ColumnType::Instant => Values::Integers(Vec::new()),
            ColumnType::Ratio => Values::Ratios(Vec::new()),
            ColumnType::Date => Values::Days(Vec::new()),
        };
        Self { values, levels: column.may_be_empty.then(Vec::new) }
    }

    fn add(&mut self, cell: &Cell<'_>) -> Result<()> {
        let is_empty = *cell == Cell::Empty;
        match &mut self.levels {
            Some(levels) => levels.push(i16::from(!is_empty)),
            None if is_empty => return Err(no_fit()),
            None => {}
        }
        match (&mut self.values, cell) {
            (_, Cell::Empty) => {}
            (Values::Integers(values), Cell::Integer(number)) => values.push(*number),
            (Values::Integers(values), Cell::Instant(at)) => values.push(at.millis()),
            (Values::Ratios(values), Cell::Ratio(ratio)) => values.push(domain::figures::six_decimals(*ratio)),
            (Values::Days(values), Cell::Date(Day(day))) => values.push(*day),
            (Values::Text(text, ends), cell) => {
                cell.write(text);
                ends.push(text.len());
            }
            (Values::Integers(_) | Values::Ratios(_) | Values::Days(_), _) => return Err(no_fit()),
        }
        Ok(())
    }

    /// Encodes the cells and forgets them.
    fn encode(&mut self, to: &mut ColumnWriter<'static>) -> std::result::Result<(), ParquetError> {
        let levels = self.levels.as_deref();
        // What they were in is used again by the next ones.
        match &mut self.values {
            Values::Text(text, ends) => {
                let all = Bytes::copy_from_slice(text.as_bytes());
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let cut = starts.zip(ends.iter()).map(|(start, end)| ByteArray::from(all.slice(start..*end)));
                get_typed_column_writer_mut::<ByteArrayType>(to).write_batch(&cut.collect::<Vec<_>>(), levels, None)?;
                text.clear();
                ends.clear();
            }
            Values::Integers(values) => {
                get_typed_column_writer_mut::<Int64Type>(to).write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Ratios(values) => {
                get_typed_column_writer_mut::<DoubleType>(to).write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Days(values) => {
                get_typed_column_writer_mut::<Int32Type>(to).write_batch(values, levels, None)?;
                values.clear();
            }
        }
        if let Some(levels) = &mut self.levels {
            levels.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::export::{Kind, columns};
    use domain::period::Filter;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    #[test]
    fn what_is_written_is_read() {
        let days = columns(Kind::Days, &Filter::default());
        let events = columns(Kind::Events, &Filter::default());
        let columns = [days[0], days[1], events[2], events[5], days[12]];
        let day = |n: usize| Cell::Date(Day(20_000 + n as i32));
        let at = Cell::Instant(Timestamp::from_millis(7));
        let mut file = Columnar::begin(Vec::new(), "days", &columns).unwrap();
        let rows = GROUP_ROWS + 3;
        for n in 0..rows {
            let ctr = if n % 2 == 0 { Cell::Ratio(0.5) } else { Cell::Empty };
            file.row(&[day(n % 9), Cell::Integer(n as i64), at, Cell::Text("é"), ctr]).unwrap();
        }
        assert!(file.row(&[day(0), Cell::Empty, at, Cell::Text("x"), Cell::Empty]).is_err());
        assert!(file.row(&[day(0)]).is_err());
        let mut file = Columnar::begin(Vec::new(), "days", &columns).unwrap();
        for n in 0..rows {
            let ctr = if n % 2 == 0 { Cell::Ratio(0.5) } else { Cell::Empty };
            file.row(&[day(n % 9), Cell::Integer(n as i64), at, Cell::Text("é"), ctr]).unwrap();
        }
        let reader = SerializedFileReader::new(bytes::Bytes::from(file.finish().unwrap())).unwrap();
        assert_eq!(reader.num_row_groups(), 2);
        let mut read = 0;
        for (n, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let fields: Vec<_> = row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect();
            let ctr = if n % 2 == 0 { Field::Double(0.5) } else { Field::Null };
            let expected = [
                Field::Date(20_000 + (n % 9) as i32),
                Field::Long(n as i64),
                Field::TimestampMillis(7),
                Field::Str("é".to_owned()),
                ctr,
            ];
            assert_eq!(fields, expected);
            read += 1;
        }
        assert_eq!(read, rows);
    }

    #[test]
    fn a_file_without_rows_is_one() {
        let columns = columns(Kind::Events, &Filter::default());
        let file = Columnar::begin(Vec::new(), "events", &columns).unwrap().finish().unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
