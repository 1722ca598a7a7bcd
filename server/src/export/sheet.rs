//! Rows as an XLSX workbook of one sheet.
//!
//! Rows go to a temporary file beside the target, so that memory stays flat. Texts stay texts: none is run as a formula.

use super::ExportError;
use domain::Timestamp;
use domain::export::{Cell, Column, SHEET_ROWS_MAX};
use domain::timestamp::SECOND_MS;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};
use std::io::Error;
use std::path::Path;

/// A workbook that is being written.
pub struct Sheet {
    workbook: Workbook,
    rows: u32,
    text: String,
}

fn failed(error: XlsxError) -> ExportError {
    match error {
        XlsxError::IoError(error) => error.into(),
        error => Error::other(error.to_string()).into(),
    }
}

impl Sheet {
    /// Begins a workbook. What does not fit into memory goes to `directory`.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn begin(directory: &Path, made_at: Timestamp, columns: &[Column]) -> Result<Self, ExportError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(directory).map_err(failed)?;
        let made_at = ExcelDateTime::from_timestamp(made_at.millis().div_euclid(SECOND_MS)).map_err(failed)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&made_at));
        let sheet = workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        for (column, no) in columns.iter().zip(0..) {
            sheet.write_string(0, no, column.name).map_err(failed)?;
        }
        Ok(Self { workbook, rows: 0, text: String::new() })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`ExportError::TooManyRows`] if the sheet is full; else those of writing.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportError> {
        if u64::from(self.rows) >= SHEET_ROWS_MAX {
            return Err(ExportError::TooManyRows);
        }
        self.rows += 1;
        let sheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        for (cell, no) in cells.iter().zip(0..) {
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => _ = sheet.write_string(self.rows, no, *text).map_err(failed)?,
                Cell::Integer(number) => _ = sheet.write_number(self.rows, no, *number as f64).map_err(failed)?,
                Cell::Ratio(ratio) => {
                    let ratio = domain::figures::six_decimals(*ratio);
                    sheet.write_number(self.rows, no, ratio).map_err(failed)?;
                }
                Cell::Id(_) | Cell::Instant(_) | Cell::Local(..) | Cell::Date(_) => {
                    self.text.clear();
                    cell.write(&mut self.text);
                    sheet.write_string(self.rows, no, self.text.as_str()).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the workbook.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(mut self, to: std::fs::File) -> Result<(), ExportError> {
        self.workbook.save_to_writer(to).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_takes_as_many_rows_as_a_spreadsheet_opens() {
        let directory = tempfile::tempdir().unwrap();
        let mut sheet = Sheet::begin(directory.path(), Timestamp::from_millis(0), &[]).unwrap();
        for _ in 1..SHEET_ROWS_MAX {
            sheet.row(&[Cell::Empty]).unwrap();
        }
        // The last one lies within what the file's format has, and there is no other.
        sheet.row(&[Cell::Integer(7)]).unwrap();
        assert!(matches!(sheet.row(&[Cell::Integer(8)]), Err(ExportError::TooManyRows)));
        sheet.finish(tempfile::tempfile().unwrap()).unwrap();
    }
}
