//! Rows as Parquet: a group of rows at a time is in memory.

use domain::export::{COLUMNS_VERSION, Cell, Column, ColumnType};
use domain::zone::Day;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use std::io::{Error, Result, Write};
use std::sync::Arc;

/// Rows of a group. A file can have 32,767 groups, and so more than five hundred million rows.
const GROUP_ROWS: usize = 16_384;

/// A file that is being written.
pub struct Columnar<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Gathered>,
    rows: usize,
}

/// The cells of a column in the present group.
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
            .set_created_by(concat!("reachline ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![version]))
            .build();
        let writer = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        Ok(Self { writer, columns: columns.iter().map(Gathered::of).collect(), rows: 0 })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Those of writing, and for a row that does not fit the columns.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        if cells.len() != self.columns.len() {
            return Err(no_fit());
        }
        self.columns.iter_mut().zip(cells).try_for_each(|(column, cell)| column.add(cell))?;
        self.rows += 1;
        if self.rows >= GROUP_ROWS { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> Result<()> {
        self.rows = 0;
        let mut group = self.writer.next_row_group().map_err(failed)?;
        for column in &mut self.columns {
            let mut writer = group.next_column().map_err(failed)?.ok_or_else(no_fit)?;
            column.write(&mut writer).map_err(failed)?;
            writer.close().map_err(failed)?;
        }
        group.close().map(drop).map_err(failed)
    }

    /// Ends it and gives what was written to.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self) -> Result<W> {
        if self.rows > 0 {
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

    /// Writes the group's cells and forgets them.
    fn write(&mut self, to: &mut SerializedColumnWriter<'_>) -> std::result::Result<(), ParquetError> {
        let levels = self.levels.as_deref();
        // What they were in is used again by the next group.
        match &mut self.values {
            Values::Text(text, ends) => {
                let all = bytes::Bytes::copy_from_slice(text.as_bytes());
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let cut = starts.zip(ends.iter()).map(|(start, end)| ByteArray::from(all.slice(start..*end)));
                to.typed::<ByteArrayType>().write_batch(&cut.collect::<Vec<_>>(), levels, None)?;
                text.clear();
                ends.clear();
            }
            Values::Integers(values) => {
                to.typed::<Int64Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Ratios(values) => {
                to.typed::<DoubleType>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Days(values) => {
                to.typed::<Int32Type>().write_batch(values, levels, None)?;
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
