//! How fast Reachline is: the released binary under load on each database, side by side with the *limit*, the same
//! router over an engine that stores nothing. `make bench` runs it; figures are ratios, as machines differ and drift.

mod contest;
mod exports;
mod http;
mod lag;
mod limit;
mod load;
mod machine;
mod reads;
mod report;
mod rounds;
mod speed;
mod traffic;

use clap::{Args, Parser, Subcommand};
use contest::{Cluster, Place};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The allocator of the product, for the limit to be its equal.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What goes wrong ends the program with its text.
type Failure = Box<dyn std::error::Error>;

/// Helplines in the catalogue that events are about.
const HELPLINES: usize = 500;

/// How fast Reachline is.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure everything
    Run(Run),
    /// Serve like `reachline serve`, but store no events
    LimitServer {
        #[arg(long)]
        addr: String,
    },
    /// Measure how fast a running server answers questions about figures
    Reads(Reads),
}

#[derive(Args)]
struct Run {
    /// The program to measure
    #[arg(long)]
    reachline: PathBuf,
    /// A directory for databases, emptied by the caller
    #[arg(long)]
    directory: PathBuf,
    /// A Postgres to make a database on
    #[arg(long, requires = "postgres_pid")]
    postgres_url: Option<String>,
    /// The first process of that Postgres
    #[arg(long)]
    postgres_pid: Option<u32>,
    /// Where the figures go, as JSON
    #[arg(long)]
    out: PathBuf,
    /// Rounds of each load
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each round
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds of load before each round
    #[arg(long, default_value_t = 2.0)]
    warm_up: f64,
    /// Seconds of the load that must not slow down; 0 leaves it out
    #[arg(long, default_value_t = 600.0)]
    sustained: f64,
    /// Seconds that figures may take to catch up after a load before that is given up
    #[arg(long, default_value_t = 120.0)]
    patience: f64,
    /// A short form: one round of 3 seconds, nothing sustained, 64 connections only
    #[arg(long)]
    short: bool,
    /// Only these loads (single, batch-100, batch-1000, connections, half, syncs, exports, reads), separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these contestants besides the limit (sqlite, postgres), separated by commas
    #[arg(long, value_delimiter = ',')]
    contestants: Vec<String>,
}

#[derive(Args)]
struct Reads {
    #[arg(long)]
    addr: SocketAddr,
    #[arg(long)]
    client_id: String,
    #[arg(long)]
    client_secret: String,
    /// Answers to each question
    #[arg(long, default_value_t = 200)]
    times: usize,
}

fn main() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::LimitServer { addr } => limit::serve(&addr),
        Command::Run(run) => one_thread()?.block_on(run.run()),
        Command::Reads(reads) => one_thread()?.block_on(async {
            let token = http::token(reads.addr, &reads.client_id, &reads.client_secret).await?;
            let target = load::Target { address: reads.addr, token };
            let answers = reads::measure(&target, reads.times).await?;
            println!("{}", report::reads_table(&answers));
            Ok(())
        }),
    }
}

/// One thread for all connections: what the measuring costs is taken from the servers.
fn one_thread() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

impl Run {
    async fn run(self) -> Result<(), Failure> {
        let place = Place { reachline: self.reachline.clone(), directory: self.directory.clone() };
        let cluster = self.postgres_url.clone().zip(self.postgres_pid).map(|(url, pid)| Cluster { url, pid });
        let report = rounds::Bench::new(self.plan(), &place, cluster)?.run().await?;
        std::fs::write(&self.out, serde_json::to_string_pretty(&report)?)?;
        println!("{}", report::markdown(&report));
        eprintln!("All of it is in {}.", self.out.display());
        Ok(())
    }

    fn plan(&self) -> rounds::Plan {
        let (rounds, seconds) = if self.short { (1, self.seconds.min(3.0)) } else { (self.rounds, self.seconds) };
        let sustained = if self.short { 0.0 } else { self.sustained };
        let warm_up = if self.short { self.warm_up.min(1.0) } else { self.warm_up };
        rounds::Plan {
            rounds,
            length: Duration::from_secs_f64(seconds),
            warm_up: Duration::from_secs_f64(warm_up),
            sustained: Duration::from_secs_f64(sustained),
            patience: Duration::from_secs_f64(if self.short { self.patience.min(30.0) } else { self.patience }),
            is_short: self.short,
            only: self.only.clone(),
            contestants: self.contestants.clone(),
        }
    }
}
