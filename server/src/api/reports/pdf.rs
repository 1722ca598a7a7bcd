//! Reports as PDF.

use super::tables::file_name;
use crate::documents::report_pdf;
use axum::response::{IntoResponse, Response};
use engine::{Error, Report};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

/// The report as a PDF to save. It is drawn on a thread of its own, as that takes a while.
///
/// # Errors
/// [`Error::Internal`], if it cannot be drawn.
pub async fn answer(report: Report) -> Result<Response, Error> {
    let disposition = format!("attachment; filename=\"{}\"", file_name(&report, "pdf"));
    let drawing = tokio::task::spawn_blocking(move || report_pdf(&report));
    let drawn = drawing.await.map_err(|error| Error::Internal(error.to_string()))?;
    let bytes = drawn.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/pdf".to_owned()), (CONTENT_DISPOSITION, disposition)], bytes).into_response())
}
