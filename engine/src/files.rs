//! Files that leave and are not kept as exports: statements, their events, reports, figures. Each is noted before its first byte,
//! whatever becomes of the answer.

use crate::actor::Reader;
use crate::audit::Note;
use crate::error::Error;
use crate::{Engine, Report, TrailFilter, store};
use domain::audit::Action;
use domain::period::{Filter, Period};
use domain::timestamp::DAY_MS;
use domain::zone::Month;
use serde_json::{Value, json};

/// For how long a page belongs to the walk that somebody began, in milliseconds. Where a page starts is for the
/// caller to say, so a page alone proves no walk.
const WALK_MS: i64 = DAY_MS;

/// A file that somebody is given.
#[derive(Debug, Clone, Copy)]
pub enum FileOf<'a> {
    /// Figures: what they are, such as `Summary`.
    Figures { what: &'a str, period: Period, filter: &'a Filter },
    /// A statement by its number, or what a month rests on; and which file of it, such as `PDF`.
    Statement { of: &'a str, file: &'a str },
    /// The events of a month.
    Events { month: Month, filter: &'a TrailFilter },
    /// A version of a report; and which file of it.
    Report { report: &'a Report, file: &'a str },
    /// All customers' reports, or those of one kind, with their numbers.
    Reports { template: Option<&'a str> },
}

impl FileOf<'_> {
    fn told(&self) -> (Action, String, Value) {
        match self {
            Self::Figures { what, period: Period { from, to }, filter } => {
                let subject = format!("{what}, {from} to {}, CSV", to.plus(-1));
                (Action::FiguresFetched, subject, json!({ "filters": filter }))
            }
            Self::Statement { of, file } => (Action::StatementFetched, format!("{of}, {file}"), Value::Null),
            Self::Events { month, filter } => {
                (Action::StatementEventsFetched, format!("Events of {month}"), json!({ "filters": filter }))
            }
            Self::Report { report, file } => {
                let subject = format!("{}, {file}", report.title());
                (Action::ReportFetched, subject, json!({ "report": report.id, "status": report.status.name() }))
            }
            Self::Reports { template } => {
                let subject = "Reports of all customers, CSV".to_owned();
                (Action::ReportFetched, subject, json!({ "template": template }))
            }
        }
    }
}

impl Engine {
    /// Notes that somebody is given a file. `by` is who.
    ///
    /// # Errors
    /// Only of the store: then it must not be given.
    pub async fn note_file(&self, reader: &Reader, file: &FileOf<'_>, by: &str) -> Result<(), Error> {
        let (action, subject, details) = file.told();
        let mut tx = self.0.db.begin().await?;
        let customer = reader.of.as_ref().map(|of| of.record.no);
        self.note(&mut tx, Note { customer, by, action, subject, details }).await?;
        tx.commit().await
    }

    /// Notes that somebody is given a page of a month's events, as [`Engine::note_page`] does.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of several customers; of the store: then it must not be given.
    pub async fn note_events_page(
        &self,
        reader: &Reader,
        (month, filter): (Month, &TrailFilter),
        is_first: bool,
        by: &str,
    ) -> Result<(), Error> {
        reader.one()?;
        self.note_page(reader, &FileOf::Events { month, filter }, is_first, by).await
    }

    /// Notes that somebody is given a page of what has several, once for each walk through them: with the first page, and
    /// with any other one unless the same walk was begun within the last day.
    ///
    /// # Errors
    /// Only of the store: then it must not be given.
    pub async fn note_page(&self, reader: &Reader, file: &FileOf<'_>, is_first: bool, by: &str) -> Result<(), Error> {
        let (action, subject, details) = file.told();
        let note = Note { customer: reader.of.as_ref().map(|of| of.record.no), by, action, subject, details };
        if !is_first && store::audit::has_like(&self.0.db, &note, self.now().plus(-WALK_MS)).await? {
            return Ok(());
        }
        self.note_file(reader, file, by).await
    }
}
