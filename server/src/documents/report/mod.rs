//! A report as a document: what is printed of it, and nothing besides.
//!
//! - [`parts`]: facts, figures, texts, tables, what a version changes, and how it was counted.
//! - [`cover`]: the first page of an illustrated report.
//! - [`charts`]: the charts of an illustrated report.
//!
//! All of it is drawn from the report's *printed* cells. Those hold no number that the report does not print, so that no
//! bar, order or scale can give one away.

mod charts;
mod cover;
mod parts;

use super::file::About;
use super::sheet::{Frame, Sheet};
use super::words;
use domain::Timestamp;
use engine::{Report, ReportStatus};

/// Longest name, in characters; the product lets in fewer.
const NAME_CHARS_MAX: usize = 200;

/// What frames every page.
#[must_use]
pub fn frame(report: &Report) -> Frame {
    let content = &report.body.content;
    let (title, period) = (&content.template.title, words::months(report.first, report.last));
    let draft = if report.is_approved() { "" } else { " · Draft" };
    Frame {
        head: [format!("{title} · {period}{draft}"), words::clipped(&content.customer, NAME_CHARS_MAX)],
        foot: format!("{title} · {period} · Version {}{draft}", report.version),
        note: format!(
            "Report {} · Template {}, version {} · Counted by version {} of the rules",
            report.id, content.template.key, content.template.version, content.rules.version
        ),
        mark: (!report.is_approved()).then_some("DRAFT"),
    }
}

/// What the file says of itself.
#[must_use]
pub fn about(report: &Report) -> About {
    let content = &report.body.content;
    let customer = words::plain(&words::clipped(&content.customer, NAME_CHARS_MAX));
    let draft = if report.is_approved() { "" } else { " (draft)" };
    let (title, period) = (&content.template.title, words::months(report.first, report.last));
    About {
        title: format!("{title}{draft}, {period}, {customer}"),
        subject: format!("Version {} of {customer}’s report of {period}", report.version),
    }
}

/// The moment that the document names as its own: when the report was approved, or else when it was counted.
#[must_use]
pub fn made_at(report: &Report) -> Timestamp {
    match &report.status {
        ReportStatus::Draft => report.created_at,
        ReportStatus::Approved { at, .. } => *at,
    }
}

/// Writes the report.
pub fn write(sheet: &mut Sheet<'_>, report: &Report) {
    if report.body.content.template.is_illustrated { illustrated(sheet, report) } else { plain(sheet, report) }
}

/// Facts, figures, texts and tables, in this order.
fn plain(sheet: &mut Sheet<'_>, report: &Report) {
    let content = &report.body.content;
    parts::title(sheet, report);
    parts::draft(sheet, report);
    parts::facts(sheet, report);
    parts::figures(sheet, content);
    for text in &content.texts {
        parts::text(sheet, text);
    }
    parts::tables(sheet, content);
    parts::changes(sheet, report);
    parts::method(sheet, report);
}

/// A cover, the first text, figures and charts, the other texts, and what they rest on.
fn illustrated(sheet: &mut Sheet<'_>, report: &Report) {
    let content = &report.body.content;
    cover::write(sheet, report);
    sheet.turn();
    parts::draft(sheet, report);
    let first = content.template.texts.first().map(|field| field.key.as_str());
    let is_first = |text: &&domain::report::Text| Some(text.key.as_str()) == first;
    for text in content.texts.iter().filter(is_first) {
        parts::text(sheet, text);
    }
    parts::cards(sheet, "The period in numbers", &parts::all_cards(content));
    charts::write(sheet, content);
    for text in content.texts.iter().filter(|text| !is_first(text)) {
        parts::text(sheet, text);
    }
    sheet.turn();
    parts::tables(sheet, content);
    parts::changes(sheet, report);
    parts::method(sheet, report);
}

#[cfg(test)]
mod tests;
