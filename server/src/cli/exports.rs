//! `export`.

use super::demo::progress_bar;
use super::history::CONNECTIONS_MAX;
use super::statements::with_figures;
use super::{BY, Failure, Output, customer_reader, open_for_file};
use crate::config::Config;
use crate::export::{ExportError, file};
use crate::http::query::Named;
use clap::Args;
use domain::account::Tier;
use domain::event::ContactMethod;
use domain::export::job::ExportForm;
use domain::export::{Format, Kind, Manifest, check_bom};
use domain::helpline::CountryCode;
use domain::period::{Filter, Period};
use domain::zone::Day;
use domain::{ApplicationId, CustomerId, HelplineId};
use engine::ExportPage;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `export` takes.
#[derive(Args)]
pub struct Export {
    /// events, days, helplines, countries, contact_methods or applications
    #[arg(value_parser = named::<Kind>)]
    kind: Kind,
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    /// First day, in the customer's time zone
    #[arg(long, value_name = "DATE")]
    from: Day,
    /// The day after the last one
    #[arg(long, value_name = "DATE")]
    to: Day,
    /// Events of which applications: production or sandbox
    #[arg(long, value_parser = named::<Tier>, default_value = Tier::Production.as_str())]
    tier: Tier,
    /// Only of the application with this id
    #[arg(long, value_name = "ID")]
    application: Option<ApplicationId>,
    /// Only of the helpline with this id
    #[arg(long, value_name = "ID")]
    helpline: Option<HelplineId>,
    /// Only of the helplines of this country, such as GB
    #[arg(long, value_name = "CODE")]
    country: Option<CountryCode>,
    /// Only of this way of contact
    #[arg(long, value_name = "METHOD", value_parser = named::<ContactMethod>)]
    contact_method: Option<ContactMethod>,
    /// csv, ndjson, xlsx or parquet
    #[arg(long, value_parser = named::<Format>)]
    format: Format,
    /// Begin a CSV file with a byte order mark, by which some spreadsheets know UTF-8
    #[arg(long)]
    bom: bool,
    /// The file; it is replaced, and so is the manifest beside it, FILE.manifest.json
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Reads a name on the command line.
pub fn named<T: Named>(text: &str) -> Result<T, String> {
    T::named(text).ok_or_else(|| format!("must be one of {}", T::names().join(", ")))
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Engine(error) => error.into(),
            error @ (ExportError::Write(_) | ExportError::TooManyRows) => Self::Failed(error.to_string()),
        }
    }
}

impl Export {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        check_bom(self.format, self.bom).map_err(engine::Error::Invalid)?;
        let period = Period::new(self.from, self.to).map_err(engine::Error::Invalid)?;
        if self.out.file_name().is_none() {
            return Err(Failure::Usage("out: must name a file".to_owned()));
        }
        let filter = Filter {
            tier: Some(self.tier),
            application_id: self.application,
            helpline_id: self.helpline,
            country_code: self.country,
            contact_method: self.contact_method,
        };
        count_what_waits(config, self.customer).await?;
        // One reader at a time, and so the cache of one connection.
        let engine = open_for_file(config, 1).await?;
        let reader = customer_reader(&engine, &engine.authenticate_console(), self.customer)?;
        let form = ExportForm { kind: self.kind, period, filter, format: self.format, bom: self.bom };
        let begun = engine.begin_export();
        let export = engine.export(&reader, form.kind, period, &form.filter, None).await?;
        let bar = progress_bar("days");
        bar.set_length(u64::from(period.days().unsigned_abs()));
        let progress = |page: &ExportPage| {
            let done = page.day().map_or(0, |day| day.0 - period.from.0);
            bar.set_position(u64::from(done.unsigned_abs()));
        };
        let written = file::write(export, (form.format, form.bom), &self.out, progress).await;
        bar.finish_and_clear();
        let manifest = written?;
        engine.list_made_export(&reader, begun, &form, &manifest, BY).await?;
        self.output.print(&manifest, || describe(&self.out, &manifest))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits until all that was accepted is counted, as only that is exported. Where no server does it, an engine of its own
/// does: it is closed when it is done.
async fn count_what_waits(config: &Config, customer: CustomerId) -> Result<(), Failure> {
    let engine = open_for_file(config, CONNECTIONS_MAX).await?;
    // Says who is not there before anything is counted.
    customer_reader(&engine, &engine.authenticate_console(), customer)?;
    with_figures(&engine, engine.wait_for_figures()).await
}

fn describe(path: &Path, manifest: &Manifest) -> String {
    let written = &manifest.written;
    let beside = file::manifest_path(path);
    let (path, beside) = (path.display(), beside.display());
    format!("Wrote {path}: {} rows, {} bytes.\nWhat they are is said in {beside}.", written.rows, written.bytes)
}
