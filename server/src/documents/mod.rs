//! Statements and reports as documents to send: PDF, A4, each made from nothing but what it shows.
//!
//! - [`text`](mod@text): fonts, shaping and line breaking.
//! - [`sheet`]: pages being filled from top to bottom, and the logical structure that goes with them.
//! - [`table`]: tables whose headings repeat on every page.
//! - [`bill`], [`counts`]: what a statement says, in the order in which it is read.
//! - [`report`](mod@report): what a report says, with a cover and charts where its template has them.
//! - [`words`]: numbers, amounts and dates for people.
//! - [`file`](mod@file): the PDF itself.
//!
//! The same statement or report gives the same bytes: there is no clock, no environment and no randomness in here, and what
//! depends on the moment comes in as an argument.

mod bill;
mod counts;
mod file;
mod report;
mod sheet;
mod table;
mod text;
mod words;

use domain::Timestamp;
use domain::billing::Statement;
use engine::Report;

/// A document could not be made. None of this is the customer's doing.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A font that travels in the binary cannot be read.
    #[error("the font {0} cannot be read")]
    Font(&'static str),
    /// The pages cannot be written down as PDF/A-2a and PDF/UA-1.
    #[error("the PDF cannot be written: {0}")]
    Pdf(String),
}

/// The statement as a PDF of A4 pages: the bill, how its quantity comes about, and what changed in earlier months.
/// `made_at` is the moment that the document names as its own, in UTC.
///
/// The file keeps PDF/A-2a (ISO 19005-2, for archives) and PDF/UA-1 (ISO 14289-1, for screen readers) as far as a
/// program can tell. Letters that none of the embedded fonts has are drawn as a replacement; copied, searched or read
/// aloud they are still themselves. Who issued the statement is not said: that is the operator's own business.
///
/// # Errors
/// [`DocumentError`], if a font is damaged or the PDF cannot be written.
pub fn statement_pdf(statement: &Statement, made_at: Timestamp) -> Result<Vec<u8>, DocumentError> {
    let faces = text::Faces::load()?;
    file::write(pages(statement, made_at, &faces), &faces, &bill::about(statement), made_at)
}

/// The report as a PDF of A4 pages, with the standards of [`statement_pdf`]. It names the moment of its approval as its own
/// (a draft the one when it was counted), so that a report gives the same bytes whenever it is asked for.
///
/// # Errors
/// [`DocumentError`], if a font is damaged or the PDF cannot be written.
pub fn report_pdf(report: &Report) -> Result<Vec<u8>, DocumentError> {
    let faces = text::Faces::load()?;
    file::write(report_pages(report, &faces), &faces, &report::about(report), report::made_at(report))
}

fn report_pages(report: &Report, faces: &text::Faces) -> sheet::Pages {
    let mut sheet = sheet::Sheet::new(faces);
    report::write(&mut sheet, report);
    sheet.into_pages(&report::frame(report))
}

fn pages(statement: &Statement, made_at: Timestamp, faces: &text::Faces) -> sheet::Pages {
    let mut sheet = sheet::Sheet::new(faces);
    bill::write(&mut sheet, statement);
    counts::write(&mut sheet, statement);
    sheet.into_pages(&bill::frame(statement, made_at))
}

#[cfg(test)]
mod tests;
