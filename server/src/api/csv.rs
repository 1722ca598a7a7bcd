//! Tables as CSV (RFC 4180), safe to open in a spreadsheet.

use domain::export::defuse;

/// The media type of a table whose first line names its columns.
pub const TEXT_CSV: &str = "text/csv; charset=utf-8; header=present";

/// A table that is being written.
pub struct Table(csv::Writer<Vec<u8>>);

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        let mut table = Self::continued();
        table.row(columns.iter().map(|column| (*column).to_owned()));
        table
    }

    /// More rows of a table that has begun.
    #[must_use]
    pub fn continued() -> Self {
        Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new()))
    }

    /// Adds a row, which must have as many cells as there are columns.
    pub fn row(&mut self, cells: impl Iterator<Item = String>) {
        // Writing to memory fails only for a row of another length, which is a defect.
        if let Err(error) = self.0.write_record(cells.map(|cell| defuse(&cell).into_owned())) {
            tracing::error!(%error, "a row does not fit its table");
        }
    }

    /// The table's bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        let mut table = Table::new(&["a", "b"]);
        table.row(["x,\"y\"".to_owned(), "=z".to_owned()].into_iter());
        assert_eq!(table.finish(), b"a,b\r\n\"x,\"\"y\"\"\",'=z\r\n");
    }
}
