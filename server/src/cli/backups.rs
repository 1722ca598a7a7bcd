//! `backup`, `restore` and `copy`.

use super::demo::progress_bar;
use super::{Failure, Output};
use crate::config::{Config, check_database_url};
use crate::export::part::{PRIVATE, Part};
use clap::Args;
use engine::clock::SystemClock;
use engine::{Copied, Engine, Room, Settings};
use indicatif::ProgressBar;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Connections of a command that copies: one reads, and another writes an entry of the audit log.
const CONNECTIONS_MAX: u32 = 2;

#[derive(Args)]
pub struct Backup {
    /// The file to write; it must not be there yet, and only you may read it, as it holds all secrets
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Restore {
    /// A file that `reachline backup` wrote
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Copy {
    /// The database to read, such as sqlite://reachline.db; without it the configured one
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The database to fill, such as postgres://reachline@host/reachline (the password may be in PGPASSWORD)
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    output: Output,
}

impl Backup {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let path = &self.file;
        let name = path.file_name().ok_or_else(|| Failure::Usage("FILE must name a file".to_owned()))?;
        if path.to_str().is_none() {
            return Err(Failure::Usage("FILE must be UTF-8".to_owned()));
        }
        let name = name.to_string_lossy();
        let is_new = || match path.symlink_metadata() {
            Ok(_) => Err(Failure::Failed(format!("{} is there already", path.display()))),
            Err(_) => Ok(()),
        };
        is_new()?;
        let engine = Engine::open_existing(settings(config), Arc::new(SystemClock)).await?;
        let (part, _) =
            Part::create(path, PRIVATE).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        // Another one may have ended meanwhile; from here on nobody else writes this file.
        is_new()?;
        let bar = progress_bar("rows");
        let copied = engine.back_up(&engine.authenticate_console(), (part.place(), &name), shown_on(&bar)).await;
        bar.finish_and_clear();
        let copied = copied?;
        part.finish()?;
        let bytes = path.metadata()?.len();
        let Copied { rows, events, waiting } = copied;
        let printed = json!({"file": path, "bytes": bytes, "rows": rows, "events": events, "waiting": waiting});
        self.output.print(&printed, || {
            format!("Wrote {}: {}, {bytes} bytes. It holds all secrets: keep it as such.", path.display(), told(copied))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let bar = progress_bar("rows");
        let copied = Engine::restore(&settings(config), &SystemClock, &self.file, shown_on(&bar)).await;
        bar.finish_and_clear();
        let copied = copied?;
        self.output.print(&copied, || format!("Restored {}: {}.", self.file.display(), told(copied)))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Copy {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        for (name, url) in [("--from", self.from.as_ref()), ("--to", Some(&self.to))] {
            url.map_or(Ok(()), |url| check_database_url(name, url))?;
        }
        let mut from = settings(config);
        let to = Settings { database_url: self.to, ..from.clone() };
        from.database_url = self.from.unwrap_or(from.database_url);
        let engine = Engine::open_existing(from, Arc::new(SystemClock)).await?;
        let bar = progress_bar("rows");
        let copied = engine.copy_to(&engine.authenticate_console(), &to, shown_on(&bar)).await;
        bar.finish_and_clear();
        let copied = copied?;
        self.output
            .print(&copied, || format!("Copied {}. What arrives from now on is not in the copy.", told(copied)))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn settings(config: &Config) -> Settings {
    Settings { room: Room::COMMAND, connections_max: CONNECTIONS_MAX, ..config.engine() }
}

fn shown_on(bar: &ProgressBar) -> impl FnMut(u64, u64) {
    |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    }
}

fn told(Copied { rows, events, waiting }: Copied) -> String {
    let waiting = match waiting {
        0 => String::new(),
        waiting => format!(" and {waiting} that wait to be counted"),
    };
    format!("{events} events{waiting}, {rows} rows in all")
}
