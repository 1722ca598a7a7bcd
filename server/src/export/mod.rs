//! Exports as files and as answers: the rows that the engine gives, written as CSV, NDJSON, XLSX or Parquet.

pub mod columnar;
pub mod file;
pub mod hash;
pub mod jobs;
pub mod part;
pub mod sheet;
pub mod text;

use domain::export::SHEET_ROWS_MAX;

/// Why an export was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error("the file cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error(
        "format: an XLSX sheet holds at most {SHEET_ROWS_MAX} rows: choose csv, ndjson or parquet, or a shorter period"
    )]
    TooManyRows,
}
