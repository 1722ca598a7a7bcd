//! How fast raw events come out as CSV, beside `sqlite3` writing the same rows from a plain table.

use crate::Failure;
use crate::contest::{Place, json_of, text};
use chrono::{DateTime, Days, NaiveDate};
use engine::clock::{Clock, SystemClock};
use serde::Serialize;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often the memory of a program is looked at. Its peak is kept by the kernel: only what comes in the last of these
/// is missed.
const LOOK: Duration = Duration::from_millis(2);
/// Days before today that the demo's events cannot lie before.
const DAYS: u64 = 400;

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Exports {
    pub rows: u64,
    pub bytes: u64,
    /// Seconds of `reachline export events`, of each round.
    pub own_seconds: Vec<f64>,
    /// Seconds of `sqlite3 -csv`.
    pub sqlite3_seconds: Vec<f64>,
    /// Most memory of `reachline export events`, in MiB.
    pub peak_mib: f64,
    /// The same of a period without events.
    pub idle_mib: f64,
}

/// Fills a database of its own with `events` events, and exports those of the customer that has the most in turns with
/// `sqlite3`.
pub fn measure(place: &Place, events: u64, rounds: usize) -> Result<Exports, Failure> {
    let exporter = Exporter::new(place, events)?;
    let (today, file) = (exporter.today, place.directory.join("export.csv"));
    let long_ago = today - Days::new(DAYS);
    let (_, idle_mib, _) = exporter.export((long_ago - Days::new(1), long_ago), &file)?;
    let all = (long_ago, today + Days::new(1));
    let (_, _, manifest) = exporter.export(all, &file)?;
    let number = |name: &str| manifest[name].as_u64().ok_or_else(|| Failure::from("a manifest without numbers"));
    let (rows, bytes) = (number("rows")?, number("bytes")?);
    let plain = place.directory.join("plain.db");
    sqlite3(&plain, &["-csv"], &format!(".import '{}' events", file.display()), Stdio::null())?;

    let mut measured = Exports { rows, bytes, own_seconds: vec![], sqlite3_seconds: vec![], peak_mib: 0.0, idle_mib };
    for round in 1..=rounds {
        let (seconds, peak_mib, _) = exporter.export(all, &file)?;
        let began = Instant::now();
        let written = place.directory.join("plain.csv");
        sqlite3(&plain, &["-csv", "-header"], "SELECT * FROM events", File::create(&written)?.into())?;
        let of_sqlite3 = began.elapsed().as_secs_f64();
        eprintln!("csv {round}/{rounds}: {seconds:.2} s and {peak_mib:.0} MiB; sqlite3 {of_sqlite3:.2} s");
        measured.own_seconds.push(seconds);
        measured.sqlite3_seconds.push(of_sqlite3);
        measured.peak_mib = measured.peak_mib.max(peak_mib);
    }
    for entry in fs::read_dir(&place.directory)? {
        let entry = entry?;
        if ["export", "plain"].iter().any(|name| entry.file_name().to_string_lossy().starts_with(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(measured)
}

struct Exporter {
    reachline: PathBuf,
    database_url: String,
    customer: String,
    today: NaiveDate,
}

impl Exporter {
    fn new(place: &Place, events: u64) -> Result<Self, Failure> {
        let today = DateTime::from_timestamp_millis(SystemClock.now().millis()).unwrap_or_default().date_naive();
        let database_url = format!("sqlite://{}", place.directory.join("exports.db").display());
        let mut exporter = Self { reachline: place.reachline.clone(), database_url, customer: String::new(), today };
        json_of(&mut exporter.reachline(&["demo", "--events", &events.to_string(), "--json"]))?;
        let customers = json_of(&mut exporter.reachline(&["customer", "list", "--json"]))?;
        let file = place.directory.join("export.csv");
        let mut most = 0;
        for customer in customers["items"].as_array().into_iter().flatten() {
            let before = std::mem::replace(&mut exporter.customer, text(customer, "id")?);
            let (_, _, manifest) = exporter.export((today - Days::new(DAYS), today + Days::new(1)), &file)?;
            let rows = manifest["rows"].as_u64().unwrap_or(0);
            if rows >= most {
                most = rows;
            } else {
                exporter.customer = before;
            }
        }
        Ok(exporter)
    }

    fn reachline(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.reachline);
        command.args(arguments).env_remove("REACHLINE_CONFIG").env("REACHLINE_DATABASE_URL", &self.database_url);
        command
    }

    /// Exports the events of a period. Seconds, the most memory in MiB, and the manifest.
    fn export(&self, (from, to): (NaiveDate, NaiveDate), file: &Path) -> Result<(f64, f64, Value), Failure> {
        let out = file.to_str().ok_or("a directory whose name is no text")?;
        let (from, to) = (from.to_string(), to.to_string());
        let mut command = self.reachline(&["export", "events", "--customer", &self.customer, "--format", "csv"]);
        command.args(["--from", &from, "--to", &to, "--out", out, "--json"]).stdout(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn()?;
        let mut peak_kib = 0;
        while child.try_wait()?.is_none() {
            peak_kib = peak_kib.max(peak_of(child.id()));
            std::thread::sleep(LOOK);
        }
        let seconds = began.elapsed().as_secs_f64();
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err("an export failed".into());
        }
        Ok((seconds, peak_kib as f64 / 1_024.0, serde_json::from_slice(&output.stdout)?))
    }
}

/// The most memory that a process has had, in KiB.
fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

fn sqlite3(database: &Path, options: &[&str], what: &str, out: Stdio) -> Result<(), Failure> {
    let mut command = Command::new("sqlite3");
    let status = command.args(options).arg(database).arg(what).stdout(out).status()?;
    if status.success() { Ok(()) } else { Err("sqlite3 failed".into()) }
}
