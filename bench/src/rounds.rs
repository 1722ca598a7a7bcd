//! The order of things: contestants take turns, round by round, each with the machine to itself.

use crate::Failure;
use crate::contest::{Cluster, Contestant, Place, Running, Store, Use, helpline_ids};
use crate::exports;
use crate::lag::{self, Watch};
use crate::load::{self, Load, Outcome};
use crate::machine::{self, Machine};
use crate::reads;
use crate::report::{Final, HalfLoad, Measured, Report, Round, Sustained, Syncs, Workload};
use crate::speed::Speed;
use crate::traffic::Traffic;
use engine::clock::{Clock, SystemClock};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long disk writes are counted: the counting slows them down.
const SYNCS_LENGTH: Duration = Duration::from_secs(3);
/// Events of which some are exported, in the long form and in the short one.
const EXPORTED: [u64; 2] = [4_000_000, 200_000];
/// Answers to each question about figures.
const READS: usize = 200;

/// What is measured and for how long.
pub struct Plan {
    pub rounds: usize,
    pub length: Duration,
    pub warm_up: Duration,
    /// Zero leaves it out.
    pub sustained: Duration,
    /// How long figures may take to catch up.
    pub patience: Duration,
    pub is_short: bool,
    /// Names of loads; empty means all.
    pub only: Vec<String>,
    /// Names of contestants; empty means all.
    pub contestants: Vec<String>,
}

impl Plan {
    fn wants(&self, load: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == load)
    }

    fn load(&self, connections: usize, batch: usize) -> Load {
        Load { connections, batch, rate: None, warm_up: self.warm_up, length: self.length }
    }

    /// The loads that all contestants are under, and how many rounds of each.
    fn workloads(&self) -> Vec<(String, Load, usize)> {
        let mut workloads = Vec::new();
        if self.wants("single") {
            workloads.push(("single".to_owned(), self.load(64, 1), self.rounds));
        }
        for batch in [1_000, 100] {
            let name = format!("batch-{batch}");
            if self.wants(&name) && (batch == 1_000 || !self.is_short) {
                let rounds = if batch == 1_000 { self.rounds } else { 1 };
                workloads.push((name, self.load(64, batch), rounds));
            }
        }
        if self.wants("connections") && !self.is_short {
            for connections in [1, 16, 256] {
                workloads.push((format!("single-{connections}-connections"), self.load(connections, 1), 1));
            }
        }
        workloads
    }
}

/// A run of the benchmark.
pub struct Bench {
    plan: Plan,
    contestants: Vec<Contestant>,
    traffic: Rc<Traffic>,
    watch: Watch,
    place: Place,
}

impl Bench {
    /// Makes the databases.
    pub fn new(plan: Plan, place: &Place, cluster: Option<Cluster>) -> Result<Self, Failure> {
        let wanted = |name: &str| plan.contestants.is_empty() || plan.contestants.iter().any(|wanted| wanted == name);
        let mut contestants = vec![Contestant::new("limit", Store::Nothing, place)?];
        if wanted("sqlite") {
            contestants.push(Contestant::new("sqlite", Store::Sqlite, place)?);
        }
        if let Some(cluster) = cluster.filter(|_| wanted("postgres")) {
            contestants.push(Contestant::new("postgres", Store::Postgres(cluster), place)?);
        }
        let traffic = Rc::new(Traffic::new(helpline_ids()));
        Ok(Self { plan, contestants, traffic, watch: Watch::new(), place: place.clone() })
    }

    /// Measures everything.
    pub async fn run(mut self) -> Result<Report, Failure> {
        let mut report = Report { date: SystemClock.now().to_string(), machine: Machine::this(), ..Report::default() };
        (report.rounds, report.seconds) = (self.plan.rounds, self.plan.length.as_secs_f64());
        for (name, load, rounds) in self.plan.workloads() {
            report.workloads.push(self.workload(name, load, rounds).await?);
        }
        if self.plan.wants("half") {
            self.half_load(&mut report).await?;
        }
        if self.plan.wants("syncs") {
            self.syncs(&mut report).await?;
        }
        if self.plan.wants("exports") {
            let [long, short] = EXPORTED;
            match exports::measure(&self.place, if self.plan.is_short { short } else { long }, self.plan.rounds) {
                Ok(exports) => report.exports = Some(exports),
                Err(failure) => eprintln!("csv: not measured: {failure}"),
            }
        }
        if !self.plan.sustained.is_zero() {
            self.sustained(&mut report).await?;
        }
        self.finish(&mut report).await?;
        Ok(report)
    }

    /// All contestants under one load, in turns.
    async fn workload(&mut self, name: String, load: Load, rounds: usize) -> Result<Workload, Failure> {
        let measured =
            |contestant: &Contestant| Measured { contestant: contestant.name.to_owned(), ..Measured::default() };
        let mut workload = Workload { name, connections: load.connections, batch: load.batch, measured: Vec::new() };
        workload.measured = self.contestants.iter().map(measured).collect();
        for round in 1..=rounds {
            for index in 0..self.contestants.len() {
                if workload.measured[index].failure.is_some() {
                    continue;
                }
                let contestant = self.contestants[index].name;
                match self.round(index, load).await {
                    Ok(figures) => {
                        eprintln!("{} {round}/{rounds} {contestant}: {}", workload.name, figures.describe());
                        workload.measured[index].rounds.push(figures);
                    }
                    Err(failure) => {
                        eprintln!("{} {round}/{rounds} {contestant}: {failure}", workload.name);
                        workload.measured[index].failure = Some(failure.to_string());
                    }
                }
            }
        }
        Ok(workload)
    }

    /// One contestant under a load, and afterwards until its figures have caught up.
    async fn round(&mut self, index: usize, load: Load) -> Result<Round, Failure> {
        machine::write_out()?;
        let running = self.contestants[index].start().await?;
        let before = self.contestants[index].stored;
        let mut outcome = self.under_load(index, &running, load).await?;
        let mut round = Round::of(&outcome);
        if self.contestants[index].is_real() {
            let ended = Instant::now();
            let stored = self.contestants[index].stored;
            let patience = self.plan.patience;
            let shown = self.watch.catch_up(&running.target, stored, patience, &mut outcome.seen).await?;
            round.caught_up_seconds = (shown >= stored).then(|| ended.elapsed().as_secs_f64());
            round.lag_seconds = Some(lag::longest(&outcome.samples, &outcome.seen, before).as_secs_f64());
        }
        running.stop().await?;
        Ok(round)
    }

    /// Runs a load and keeps count of what the contestant has stored.
    async fn under_load(&mut self, index: usize, running: &Running, load: Load) -> Result<Outcome<Use>, Failure> {
        let contestant = &mut self.contestants[index];
        let watch = contestant.is_real().then_some(&self.watch);
        match load::run(load, &running.target, &self.traffic, || running.usage(), watch).await {
            Ok(outcome) => {
                contestant.stored += outcome.accepted;
                Ok(outcome)
            }
            Err(failure) => {
                // A path that the server does not know has stored nothing.
                contestant.is_exact &= failure.to_string().contains("answered 404");
                Err(failure)
            }
        }
    }

    fn real(&self) -> Vec<usize> {
        (0..self.contestants.len()).filter(|index| self.contestants[*index].is_real()).collect()
    }

    /// The time of answers at half of what each contestant can do.
    async fn half_load(&mut self, report: &mut Report) -> Result<(), Failure> {
        for index in self.real() {
            let name = self.contestants[index].name;
            let Some(full) = report.median("single", name) else { continue };
            let rate = full / 2.0;
            let load = Load { rate: Some(rate), ..self.plan.load(64, 1) };
            let round = self.round(index, load).await?;
            eprintln!("half of that load, {name}: {}", round.describe());
            report.half_load.push(HalfLoad { contestant: name.to_owned(), rate, round });
        }
        Ok(())
    }

    /// How often the disk is told to keep what was written.
    async fn syncs(&mut self, report: &mut Report) -> Result<(), Failure> {
        for index in self.real() {
            let name = self.contestants[index].name;
            let load = Load { length: SYNCS_LENGTH, ..self.plan.load(64, 1) };
            let counted = match self.contestants[index].store.clone() {
                Store::Postgres(cluster) => self.syncs_of_cluster(index, load, &cluster).await,
                Store::Nothing | Store::Sqlite => self.syncs_of_process(index, load).await,
            };
            match counted {
                Ok((syncs, events)) => {
                    eprintln!("syncs, {name}: {syncs} for {events} events");
                    report.syncs.push(Syncs { contestant: name.to_owned(), syncs, events });
                }
                Err(failure) => eprintln!("syncs, {name}: not measured: {failure}"),
            }
        }
        Ok(())
    }

    async fn syncs_of_process(&mut self, index: usize, load: Load) -> Result<(u64, u64), Failure> {
        let counts = self.place.directory.join("syncs.txt");
        let running = self.contestants[index].start_counted(&counts).await?;
        let outcome = self.under_load(index, &running, load).await?;
        running.stop().await?;
        // The columns are share, seconds, microseconds each, calls, errors if any, name.
        let text = std::fs::read_to_string(&counts)?;
        let calls = text.lines().filter_map(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            columns.last().filter(|name| name.contains("sync"))?;
            columns.get(3)?.parse::<u64>().ok()
        });
        Ok((calls.sum(), outcome.accepted))
    }

    async fn syncs_of_cluster(&mut self, index: usize, load: Load, cluster: &Cluster) -> Result<(u64, u64), Failure> {
        let count =
            || -> Result<u64, Failure> { Ok(cluster.query("postgres", "SELECT wal_sync FROM pg_stat_wal")?.parse()?) };
        let running = self.contestants[index].start().await?;
        let before = count()?;
        let outcome = self.under_load(index, &running, load).await?;
        running.stop().await?;
        Ok((count()?.saturating_sub(before), outcome.accepted))
    }

    /// Whether growing tables slow it down.
    async fn sustained(&mut self, report: &mut Report) -> Result<(), Failure> {
        for index in self.real() {
            let name = self.contestants[index].name;
            let load = Load { length: self.plan.sustained, ..self.plan.load(64, 1) };
            machine::write_out()?;
            let running = self.contestants[index].start().await?;
            let (before, speed) = (self.contestants[index].stored, Speed::watch(&self.place.directory));
            let outcome = self.under_load(index, &running, load).await?;
            let looks = speed.stop();
            running.stop().await?;
            let longest_lag = lag::longest(&outcome.samples, &outcome.seen, before);
            let sustained = Sustained::of(name, &outcome, longest_lag, looks);
            eprintln!("sustained, {name}: {}", sustained.describe());
            report.sustained.push(sustained);
        }
        Ok(())
    }

    /// What can be told only once everything is stored: size, start, equality, reads.
    async fn finish(&mut self, report: &mut Report) -> Result<(), Failure> {
        for index in self.real() {
            let running = self.contestants[index].start().await?;
            let stored = self.contestants[index].stored;
            let mut seen = Vec::new();
            let shown = self.watch.catch_up(&running.target, stored, self.plan.patience, &mut seen).await?;
            let reads =
                if self.plan.wants("reads") { reads::measure(&running.target, READS).await? } else { Vec::new() };
            running.stop().await?;
            let contestant = &self.contestants[index];
            let mut starts = contestant.starts.clone();
            let end = Final {
                contestant: contestant.name.to_owned(),
                answered: stored,
                shown,
                is_exact: contestant.is_exact,
                bytes_per_event: contestant.bytes_per_event()?,
                start_seconds: crate::report::median(&mut starts),
                start_seconds_max: starts.last().copied().unwrap_or_default(),
                reads,
            };
            eprintln!("{}: {}", contestant.name, end.describe());
            report.ends.push(end);
        }
        Ok(())
    }
}
