//! `statement export` and `statement pdf`: a bill, and what it rests on, as files.

use super::statements::{Which, find};
use super::{BY, Failure, Output, customer_reader};
use crate::api::billing::export::EventPages;
use crate::api::billing::tables;
use crate::documents::statement_pdf;
use crate::export::part::{Part, USUAL};
use clap::Args;
use engine::actor::{Operator, Reader};
use engine::{Engine, FileOf, TrailFilter};
use serde_json::json;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// The statement's lines
    #[arg(long, group = "what")]
    lines: bool,
    /// Every step of the waterfall, day by day
    #[arg(long, group = "what")]
    daily: bool,
    /// Every event, and what became of it
    #[arg(long, group = "what")]
    events: bool,
    /// A file, instead of standard output; it is replaced
    #[arg(long, value_name = "FILE", required_if_eq("json", "true"))]
    output: Option<PathBuf>,
    #[command(flatten)]
    answer: Output,
}

#[derive(Args)]
pub struct Pdf {
    #[command(flatten)]
    which: Which,
    /// The file; it is replaced
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    answer: Output,
}

impl Pdf {
    pub async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let statement = find(engine, operator, self.which).await?;
        let pdf = statement_pdf(&statement, engine.now()).map_err(|error| Failure::Failed(error.to_string()))?;
        let reader = customer_reader(engine, operator, self.which.customer)?;
        note(engine, &reader, &statement.number, "PDF").await?;
        let mut file = Target::open(Some(&self.output))?;
        file.write(&pdf)?;
        print_written(self.answer, &self.output, file.finish()?)
    }
}

impl Export {
    pub async fn run(self, engine: Engine, operator: &Operator) -> Result<(), Failure> {
        let reader = customer_reader(&engine, operator, self.which.customer)?;
        let mut file = Target::open(self.output.as_deref())?;
        if self.lines {
            let statement = find(&engine, operator, self.which).await?;
            note(&engine, &reader, &statement.number, "lines as CSV").await?;
            file.write(&tables::lines(&statement).bytes)?;
        } else if self.daily {
            let table = daily(&engine, &reader, self.which).await?;
            note(&engine, &reader, &self.which.month.to_string(), "days as CSV").await?;
            file.write(&table)?;
        } else {
            let (filter, month) = (TrailFilter::default(), self.which.month);
            let mut pages = EventPages::new(engine.clone(), reader.clone(), month, filter.clone(), None, None);
            let first = pages.next().await?.unwrap_or_default();
            engine.note_events_page(&reader, (month, &filter), true, BY).await?;
            file.write(&first)?;
            while let Some(page) = pages.next().await? {
                file.write(&page)?;
            }
        }
        let bytes = file.finish()?;
        let Some(path) = self.output else { return Ok(()) };
        print_written(self.answer, &path, bytes)
    }
}

/// Notes that a file of a statement, or of what a month rests on, is taken out.
async fn note(engine: &Engine, reader: &Reader, of: &str, file: &str) -> Result<(), Failure> {
    Ok(engine.note_file(reader, &FileOf::Statement { of, file }, BY).await?)
}

fn print_written(answer: Output, path: &Path, bytes: u64) -> Result<(), Failure> {
    let shown = path.display().to_string();
    answer.print(&json!({"file": shown, "bytes": bytes}), || format!("Wrote {shown}, {bytes} bytes."))
}

/// All steps day by day, as of one place in the log.
async fn daily(engine: &Engine, reader: &Reader, which: Which) -> Result<Vec<u8>, Failure> {
    let steps = engine.all_step_counts(reader, which.month).await?;
    Ok(tables::daily(which.month, &steps).bytes)
}

/// Where a file goes. It appears under its name only when it is whole.
pub(super) struct Target {
    to: Box<dyn Write>,
    part: Option<Part>,
    bytes: u64,
}

impl Target {
    /// A file beside the one at `path`, or standard output.
    pub fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self { to: Box::new(std::io::stdout()), part: None, bytes: 0 });
        };
        let (part, file) = Part::create(path, USUAL)
            .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self { to: Box::new(BufWriter::new(file)), part: Some(part), bytes: 0 })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes += bytes.len() as u64;
        Ok(self.to.write_all(bytes)?)
    }

    /// Gives the file its name and says how long it is.
    pub fn finish(mut self) -> Result<u64, Failure> {
        self.to.flush()?;
        if let Some(part) = self.part {
            part.finish()?;
        }
        Ok(self.bytes)
    }
}
