//! What was measured, as JSON for programs and as a table for the README, beside the bar.

use crate::contest::Use;
use crate::exports::Exports;
use crate::load::Outcome;
use crate::machine::Machine;
use crate::reads::Read;
use crate::speed::Looks;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Other programs may take this much of the machine before figures are said to be spoilt.
const FOREIGN_SHARE_MAX: f64 = 0.1;

/// Everything.
#[derive(Default, Serialize)]
pub struct Report {
    pub date: String,
    pub machine: Machine,
    pub rounds: usize,
    pub seconds: f64,
    pub workloads: Vec<Workload>,
    pub half_load: Vec<HalfLoad>,
    pub syncs: Vec<Syncs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exports: Option<Exports>,
    pub sustained: Vec<Sustained>,
    pub ends: Vec<Final>,
}

/// All contestants under one load.
#[derive(Serialize)]
pub struct Workload {
    pub name: String,
    pub connections: usize,
    /// Events in each request.
    pub batch: usize,
    pub measured: Vec<Measured>,
}

/// A contestant under a load.
#[derive(Default, Serialize)]
pub struct Measured {
    pub contestant: String,
    pub rounds: Vec<Round>,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// One round of a contestant.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Round {
    pub events_per_second: f64,
    /// Of answers.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Processor time of the server for each event, in microseconds.
    pub server_us_per_event: f64,
    /// The same of the database's own processes.
    pub database_us_per_event: f64,
    /// And of the program that makes the load.
    pub load_us_per_event: f64,
    /// Bytes written to the disk for each event, of both.
    pub written_bytes_per_event: f64,
    /// How much of the machine's processors other programs took; more than a little spoils the figures.
    pub foreign_share: f64,
    /// Answers other than `accepted`, by status; 0 stands for duplicates.
    pub others: BTreeMap<u16, u64>,
    /// The longest time until an answered event was in the figures.
    pub lag_seconds: Option<f64>,
    /// From the end of the load until the figures had everything; none if it was not waited for.
    pub caught_up_seconds: Option<f64>,
}

impl Round {
    /// What came of a load.
    pub fn of(outcome: &Outcome<Use>) -> Self {
        let events = outcome.measured_events.max(1) as f64;
        let used = outcome.usage[1].since(outcome.usage[0]);
        let processor_seconds = outcome.measured.as_secs_f64() * Machine::processors() as f64;
        let ms = |quantile: f64| outcome.latency_us.value_at_quantile(quantile) as f64 / 1_000.0;
        Self {
            events_per_second: outcome.per_second(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            max_ms: ms(1.0),
            server_us_per_event: used.server.cpu_seconds * 1e6 / events,
            database_us_per_event: used.database.cpu_seconds * 1e6 / events,
            load_us_per_event: used.load.cpu_seconds * 1e6 / events,
            written_bytes_per_event: (used.server.written_bytes + used.database.written_bytes) as f64 / events,
            foreign_share: used.foreign_seconds() / processor_seconds,
            others: outcome.others.clone(),
            lag_seconds: None,
            caught_up_seconds: None,
        }
    }

    /// In a line.
    pub fn describe(&self) -> String {
        let mut text = format!(
            "{:.0} events/s, p50 {:.2} ms, p99 {:.2} ms; an event takes {:.1} µs in the server, {:.1} in the database, \
             {:.1} here and {:.0} bytes on disk",
            self.events_per_second,
            self.p50_ms,
            self.p99_ms,
            self.server_us_per_event,
            self.database_us_per_event,
            self.load_us_per_event,
            self.written_bytes_per_event,
        );
        if self.foreign_share > FOREIGN_SHARE_MAX {
            let _ = write!(text, "; OTHER PROGRAMS TOOK {:.0} % OF THE MACHINE", self.foreign_share * 100.0);
        }
        if let Some(lag) = self.lag_seconds {
            let after = self.caught_up_seconds.map_or("not caught up".to_owned(), |s| format!("caught up in {s:.1} s"));
            let _ = write!(text, ", lag {lag:.1} s, {after}");
        }
        if !self.others.is_empty() {
            let _ = write!(text, ", other answers {:?}", self.others);
        }
        text
    }
}

/// A contestant at half of its load.
#[derive(Serialize)]
pub struct HalfLoad {
    pub contestant: String,
    /// Requests a second.
    pub rate: f64,
    pub round: Round,
}

/// Calls that tell the disk to keep what was written.
#[derive(Serialize)]
pub struct Syncs {
    pub contestant: String,
    pub syncs: u64,
    pub events: u64,
}

/// A long load.
#[derive(Serialize)]
pub struct Sustained {
    pub contestant: String,
    pub seconds: f64,
    /// Events a second of the first minute and of the last (or of halves of a shorter load).
    pub first: f64,
    pub last: f64,
    pub longest_lag_seconds: f64,
    /// Accepted events of each second.
    pub by_second: Vec<u64>,
    /// How fast the processors were in the last minute, of how fast in the first.
    pub processors: f64,
    /// How fast the disk was, likewise, if that is known.
    pub disk: Option<f64>,
    /// What these are known from.
    pub looks: Looks,
}

impl Sustained {
    /// What came of a long load.
    pub fn of(name: &str, outcome: &Outcome<Use>, longest_lag: Duration, looks: Looks) -> Self {
        let mut by_second = Vec::new();
        let mut counted = 0;
        if let Some((began, _)) = outcome.samples.first() {
            for (at, accepted) in &outcome.samples {
                if at.duration_since(*began).as_secs() as usize > by_second.len() {
                    by_second.push(accepted - counted);
                    counted = *accepted;
                }
            }
        }
        let window = (by_second.len() / 2).clamp(1, 60);
        let [first, last] = ends(&by_second.iter().map(|events| *events as f64).collect::<Vec<_>>(), window);
        let speed = |took: &[f64]| {
            let [first, last] = ends(took, window);
            first / last
        };
        let (processors, disk) =
            (speed(&looks.work_us), Some(speed(&looks.write_ms)).filter(|speed| speed.is_finite()));
        let (seconds, longest_lag_seconds) = (outcome.measured.as_secs_f64(), longest_lag.as_secs_f64());
        let contestant = name.to_owned();
        Self { contestant, seconds, first, last, longest_lag_seconds, by_second, processors, disk, looks }
    }

    /// In a line.
    pub fn describe(&self) -> String {
        let Self { first, last, longest_lag_seconds: lag, .. } = self;
        let (ratio, machine) = (last / first, self.machine());
        format!("first {first:.0} events/s, last {last:.0}, {ratio:.2} × ({machine}), lag {lag:.1} s")
    }

    /// How fast the machine itself was in the last minute, of how fast in the first.
    fn machine(&self) -> String {
        let disk = self.disk.map_or(String::new(), |disk| format!(", the disk {disk:.2} ×"));
        format!("the processors themselves {:.2} ×{disk}", self.processors)
    }
}

/// The means of the first and of the last numbers.
fn ends(numbers: &[f64], window: usize) -> [f64; 2] {
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
    [mean(&numbers[..window.min(numbers.len())]), mean(&numbers[numbers.len().saturating_sub(window)..])]
}

/// What is there at the end.
#[derive(Serialize)]
pub struct Final {
    pub contestant: String,
    /// Events that were answered `accepted`.
    pub answered: u64,
    /// Events that the figures have.
    pub shown: u64,
    /// Whether `answered` is all.
    pub is_exact: bool,
    pub bytes_per_event: f64,
    /// Of `serve` on the existing database, until it took in events.
    pub start_seconds: f64,
    pub start_seconds_max: f64,
    pub reads: Vec<Read>,
}

impl Final {
    /// In a line.
    pub fn describe(&self) -> String {
        let Self { answered, shown, bytes_per_event, start_seconds, .. } = self;
        format!(
            "{answered} answered, {shown} in the figures, {bytes_per_event:.1} bytes each, starts in {start_seconds:.3} s"
        )
    }
}

/// The median; sorts the numbers. 0 of none.
pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

impl Report {
    fn measured(&self, workload: &str, contestant: &str) -> Option<&Measured> {
        let workload = self.workloads.iter().find(|found| found.name == workload)?;
        workload.measured.iter().find(|found| found.contestant == contestant && !found.rounds.is_empty())
    }

    /// The median of a contestant's events a second.
    pub fn median(&self, workload: &str, contestant: &str) -> Option<f64> {
        let measured = self.measured(workload, contestant)?;
        Some(median(&mut measured.rounds.iter().map(|round| round.events_per_second).collect::<Vec<_>>()))
    }

    /// The worst lag of a contestant under full load.
    fn lag(&self, workload: &str, contestant: &str) -> Option<f64> {
        self.measured(workload, contestant)?.rounds.iter().filter_map(|round| round.lag_seconds).reduce(f64::max)
    }
}

/// One row of the table.
struct Line {
    what: String,
    bar: String,
    measured: String,
    is_met: bool,
}

impl Line {
    fn new(what: impl Into<String>, bar: impl Into<String>, measured: String, is_met: bool) -> Self {
        Self { what: what.into(), bar: bar.into(), measured, is_met }
    }
}

/// How a contestant is called.
fn called(contestant: &str) -> &'static str {
    if contestant == "postgres" { "Postgres with fsync" } else { "SQLite, `synchronous=FULL`" }
}

/// The table for the README.
pub fn markdown(report: &Report) -> String {
    let Machine { processor, processors, memory_gib, system } = &report.machine;
    let mut text = format!(
        "Measured on {} by `make bench`: {processors} cores ({processor}), {memory_gib} GiB, {system}; {} rounds of {:.0} s \
         each; the load comes from the same machine.\n\n| what | bar | measured | |\n|---|---|---|---|\n",
        report.date.get(..10).unwrap_or_default(),
        report.rounds,
        report.seconds,
    );
    for Line { what, bar, measured, is_met } in lines(report) {
        let verdict = if is_met { "" } else { "**below the bar**" };
        let _ = writeln!(text, "| {what} | {bar} | {measured} | {verdict} |");
    }
    for workload in &report.workloads {
        for failed in workload.measured.iter().filter(|measured| measured.failure.is_some()) {
            let why = failed.failure.as_deref().unwrap_or_default();
            let _ = writeln!(text, "\nNot measured: {} of {}: {}", workload.name, failed.contestant, why.trim());
        }
    }
    let rounds = report.workloads.iter().flat_map(|workload| &workload.measured).flat_map(|measured| &measured.rounds);
    let foreign = rounds.map(|round| round.foreign_share).fold(0.0, f64::max);
    if foreign > FOREIGN_SHARE_MAX {
        let _ =
            writeln!(text, "\nSpoilt: other programs took up to {:.0} % of the machine meanwhile.", foreign * 100.0);
    }
    text + &details(report)
}

fn lines(report: &Report) -> Vec<Line> {
    let mut lines = Vec::new();
    for (workload, what, sqlite, postgres) in [
        ("single", "one event per POST, 64 connections", Some(0.75), Some(0.5)),
        ("batch-1000", "batches of 1,000", Some(0.4), None),
    ] {
        for (contestant, bar) in [("sqlite", sqlite), ("postgres", postgres)] {
            lines.extend(against_limit(report, workload, what, contestant, bar));
        }
    }
    for HalfLoad { contestant, round, rate } in &report.half_load {
        let what = format!("p99 of the answer at half of that load, {}", called(contestant));
        let measured = format!("{:.1} ms at {rate:.0}/s", round.p99_ms);
        lines.push(Line::new(what, "≤ 10 ms", measured, round.p99_ms <= 10.0));
    }
    for contestant in ["sqlite", "postgres"] {
        if let Some(lag) = report.lag("single", contestant) {
            let what = format!("figures show an accepted event, under full load, {}", called(contestant));
            lines.push(Line::new(what, "≤ 2 s", format!("{lag:.1} s"), lag <= 2.0));
        }
    }
    for long in &report.sustained {
        let what = format!("{:.0} s of that load, last minute to first, {}", long.seconds, called(&long.contestant));
        let ratio = long.last / long.first;
        let measured = format!(
            "{ratio:.2} × ({:.0} to {:.0}/s, figures {:.1} s behind; {})",
            long.first,
            long.last,
            long.longest_lag_seconds,
            long.machine()
        );
        lines.push(Line::new(what, "≥ 0.9 ×", measured, ratio >= 0.9));
    }
    lines.extend(report.exports.as_ref().map(of_exports));
    for end in &report.ends {
        let name = called(&end.contestant);
        let bar = if end.contestant == "postgres" { 250.0 } else { 120.0 };
        let bytes = end.bytes_per_event;
        let what = format!("stored bytes per event, {name}");
        lines.push(Line::new(what, format!("≤ {bar:.0}"), format!("{bytes:.0}"), bytes <= bar));
        let start = end.start_seconds;
        let what = format!("start of `serve` on that database, {name}");
        lines.push(Line::new(what, "≤ 0.5 s", format!("{start:.2} s"), start <= 0.5));
        let is_equal = end.answered == end.shown && end.is_exact;
        let what = format!("events answered `accepted` and in the figures, {name}");
        lines.push(Line::new(what, "equal", format!("{} and {}", end.answered, end.shown), is_equal));
    }
    lines
}

/// Memory over that of an export without rows may be this much, in MiB.
const EXPORT_MIB_MAX: f64 = 61.0;

fn of_exports(exports: &Exports) -> Line {
    let rows = exports.rows as f64;
    let speed = |seconds: &[f64]| rows / median(&mut seconds.to_vec());
    let (own, sqlite3) = (speed(&exports.own_seconds), speed(&exports.sqlite3_seconds));
    let over_idle = exports.peak_mib - exports.idle_mib;
    let measured = format!(
        "{:.2} × ({own:.0} rows/s of {}; `sqlite3` {sqlite3:.0}), {over_idle:.0} MiB over idle",
        own / sqlite3,
        exports.rows
    );
    let is_met = own / sqlite3 >= 0.5 && over_idle <= EXPORT_MIB_MAX;
    Line::new("CSV of raw events, SQLite", "≥ 0.5 × `sqlite3 -csv`, ≤ 64 MB over idle", measured, is_met)
}

fn against_limit(report: &Report, workload: &str, what: &str, contestant: &str, bar: Option<f64>) -> Option<Line> {
    let (own, limit) = (report.median(workload, contestant)?, report.median(workload, "limit")?);
    let rounds = &report.measured(workload, contestant)?.rounds;
    let speeds = || rounds.iter().map(|round| round.events_per_second);
    let (least, most) = (speeds().reduce(f64::min)?, speeds().reduce(f64::max)?);
    let ratio = own / limit;
    let measured = format!("{ratio:.2} × ({own:.0}/s, {least:.0} to {most:.0}; limit {limit:.0}/s)");
    let shown = bar.map_or("–".to_owned(), |bar| format!("≥ {bar} × the limit"));
    Some(Line::new(format!("{what}, {}", called(contestant)), shown, measured, bar.is_none_or(|bar| ratio >= bar)))
}

/// Everything else, for whoever works on speed.
fn details(report: &Report) -> String {
    let mut text =
        "\n| load | contestant | events/s | × limit | p50 ms | p99 ms | server µs/event | database µs/event | \
                    disk bytes/event |\n|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for Workload { name, measured, .. } in &report.workloads {
        for Measured { contestant, rounds, .. } in measured.iter().filter(|measured| !measured.rounds.is_empty()) {
            let of = |figure: fn(&Round) -> f64| median(&mut rounds.iter().map(figure).collect::<Vec<_>>());
            let speed = of(|round| round.events_per_second);
            let ratio = report.median(name, "limit").map_or(0.0, |limit| speed / limit);
            let _ = writeln!(
                text,
                "| {name} | {contestant} | {speed:.0} | {ratio:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {:.0} |",
                of(|round| round.p50_ms),
                of(|round| round.p99_ms),
                of(|round| round.server_us_per_event),
                of(|round| round.database_us_per_event),
                of(|round| round.written_bytes_per_event),
            );
        }
    }
    text.push('\n');
    for Syncs { contestant, syncs, events } in &report.syncs {
        let each = *syncs as f64 / (*events).max(1) as f64;
        let _ = writeln!(text, "Syncs to disk per event, {contestant}: {each:.4} ({syncs} for {events}).");
    }
    for end in report.ends.iter().filter(|end| !end.reads.is_empty()) {
        let _ = writeln!(text, "\nFigures over a year, {} ({} events):\n", end.contestant, end.shown);
        text.push_str(&reads_table(&end.reads));
    }
    text
}

/// The answers to questions about figures, as a table.
pub fn reads_table(reads: &[Read]) -> String {
    let mut text = "| question | p50 ms | p99 ms | bytes |\n|---|---|---|---|\n".to_owned();
    for Read { question, p50_ms, p99_ms, body_bytes } in reads {
        let _ = writeln!(text, "| {question} | {p50_ms:.2} | {p99_ms:.2} | {body_bytes} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_medians() {
        let measured = |name: &str, speeds: &[f64]| Measured {
            contestant: name.to_owned(),
            rounds: speeds.iter().map(|s| Round { events_per_second: *s, ..Round::default() }).collect(),
            failure: None,
        };
        let measured = vec![measured("limit", &[90.0, 100.0, 500.0]), measured("sqlite", &[80.0, 1.0, 70.0])];
        let workload = Workload { name: "single".to_owned(), connections: 64, batch: 1, measured };
        let report = Report { workloads: vec![workload], ..Report::default() };
        let line = &lines(&report)[0];
        assert!(line.measured.starts_with("0.70 × (70/s, 1 to 80; limit 100/s)"), "{}", line.measured);
        assert!(!line.is_met && markdown(&report).contains("**below the bar**"));
    }
}
