//! Who is measured: servers on databases of their own, provisioned through the command line like any installation.

use crate::http::{self, Connection};
use crate::load::Target;
use crate::machine::{self, Usage};
use crate::{Failure, HELPLINES};
use serde_json::Value;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Events a second of one application: more than can come.
const BURST: &str = "100000000";

/// What the database of a contestant is.
#[derive(Debug, Clone)]
pub enum Store {
    /// The events are stored nowhere; accounts and catalogue are in SQLite.
    Nothing,
    Sqlite,
    /// A database of its own on this cluster.
    Postgres(Cluster),
}

/// A running Postgres.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Of a superuser; names the database `postgres`.
    pub url: String,
    /// The first of its processes.
    pub pid: u32,
}

/// Where the programs and the databases are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The program `reachline`.
    pub reachline: PathBuf,
    /// For databases and logs.
    pub directory: PathBuf,
}

/// A server that can be started and stopped.
pub struct Contestant {
    pub name: &'static str,
    pub store: Store,
    place: Place,
    database_url: String,
    client_id: String,
    secret: String,
    /// Events that were answered `accepted` so far.
    pub stored: u64,
    /// Whether `stored` is all: a load that broke off leaves that open.
    pub is_exact: bool,
    /// Seconds of each start, on a database that existed.
    pub starts: Vec<f64>,
    /// Of the database before the first event.
    empty_bytes: u64,
}

/// A contestant that runs. Ended when dropped.
pub struct Running {
    child: Child,
    /// Of the server itself.
    pid: u32,
    postgres: Option<u32>,
    pub target: Target,
}

/// What a contestant's server has used, and whoever else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Use {
    pub server: Usage,
    /// The database's own processes.
    pub database: Usage,
    /// This process, which makes the load.
    pub load: Usage,
    /// Processor time of everything on the machine, in seconds.
    pub busy_seconds: f64,
}

impl Use {
    /// What was used since an earlier look.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            server: self.server.since(earlier.server),
            database: self.database.since(earlier.database),
            load: self.load.since(earlier.load),
            busy_seconds: self.busy_seconds - earlier.busy_seconds,
        }
    }

    /// Processor time that went to programs that have nothing to do with it, in seconds.
    pub fn foreign_seconds(self) -> f64 {
        (self.busy_seconds - self.server.cpu_seconds - self.database.cpu_seconds - self.load.cpu_seconds).max(0.0)
    }
}

impl Contestant {
    /// A new database with a customer, an application and a catalogue.
    pub fn new(name: &'static str, store: Store, place: &Place) -> Result<Self, Failure> {
        let database_url = match &store {
            Store::Nothing | Store::Sqlite => format!("sqlite://{}", place.directory.join(name).display()),
            Store::Postgres(cluster) => {
                cluster.query("postgres", &format!("CREATE DATABASE bench_{name}"))?;
                let server = cluster.url.rsplit_once('/').ok_or("an address of Postgres names its database")?.0;
                format!("{server}/bench_{name}")
            }
        };
        let mut contestant = Self {
            name,
            store,
            place: place.clone(),
            database_url,
            client_id: String::new(),
            secret: String::new(),
            stored: 0,
            is_exact: true,
            starts: Vec::new(),
            empty_bytes: 0,
        };
        contestant.provision()?;
        contestant.empty_bytes = contestant.bytes()?;
        Ok(contestant)
    }

    fn provision(&mut self) -> Result<(), Failure> {
        let helplines = self.place.directory.join("helplines.csv");
        std::fs::write(&helplines, catalogue())?;
        let helplines = helplines.to_str().ok_or("a directory whose name is no text")?;
        let customer = self.command(&["customer", "create", "--name", "Bench", "--json"])?;
        let id = text(&customer, "id")?;
        let with = ["application", "create", "--customer", &id, "--name", "bench", "--tier", "production", "--json"];
        let application = self.command(&with)?;
        (self.client_id, self.secret) = (text(&application, "client_id")?, text(&application, "client_secret")?);
        self.command(&["helplines", "import", helplines, "--json"])?;
        Ok(())
    }

    /// Runs a command of `reachline` on this contestant's database.
    fn command(&self, arguments: &[&str]) -> Result<Value, Failure> {
        json_of(self.environment(Command::new(&self.place.reachline).args(arguments)))
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_remove("REACHLINE_CONFIG")
            .env("REACHLINE_DATABASE_URL", &self.database_url)
            .env("REACHLINE_EVENT_BURST_PER_SECOND", BURST)
            .env("REACHLINE_TOKEN_TTL_SECONDS", "86400")
    }

    /// Whether it stores events.
    pub fn is_real(&self) -> bool {
        !matches!(self.store, Store::Nothing)
    }

    /// Starts the server and waits until it takes in events.
    pub async fn start(&mut self) -> Result<Running, Failure> {
        let (running, seconds) = self.start_under(None).await?;
        self.starts.push(seconds);
        Ok(running)
    }

    /// The same, with `strace` between that counts what goes to the disk into a file.
    pub async fn start_counted(&self, counts: &Path) -> Result<Running, Failure> {
        Ok(self.start_under(Some(counts)).await?.0)
    }

    async fn start_under(&self, counts: Option<&Path>) -> Result<(Running, f64), Failure> {
        let address = free_address()?;
        let log = File::options().create(true).append(true).open(self.place.directory.join("servers.log"))?;
        let program = match self.store {
            Store::Nothing => std::env::current_exe()?,
            Store::Sqlite | Store::Postgres(_) => self.place.reachline.clone(),
        };
        let mut command = match counts {
            None => Command::new(&program),
            Some(counts) => {
                let mut strace = Command::new("strace");
                strace.args(["--seccomp-bpf", "-f", "-c", "-e", "trace=fsync,fdatasync,sync_file_range", "-o"]);
                strace.arg(counts).arg(&program);
                strace
            }
        };
        let subcommand = if self.is_real() { "serve" } else { "limit-server" };
        command.args([subcommand, "--addr", &address.to_string()]).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let began = Instant::now();
        let child = self.environment(&mut command).spawn()?;
        let postgres = if let Store::Postgres(cluster) = &self.store { Some(cluster.pid) } else { None };
        let target = Target { address, token: String::new() };
        let mut running = Running { pid: child.id(), child, postgres, target };
        running.wait_until_ready(began).await?;
        let seconds = began.elapsed().as_secs_f64();
        if counts.is_some() {
            running.pid = machine::children(running.pid).first().copied().ok_or("strace has no child")?;
        }
        running.target.token = http::token(address, &self.client_id, &self.secret).await?;
        Ok((running, seconds))
    }

    /// Bytes of the database: all files of its name, or what Postgres says.
    fn bytes(&self) -> Result<u64, Failure> {
        match &self.store {
            Store::Nothing | Store::Sqlite => machine::file_bytes(&self.place.directory, self.name),
            Store::Postgres(cluster) => {
                cluster.query("postgres", "CHECKPOINT")?;
                let query = format!("SELECT pg_database_size('bench_{}')", self.name);
                Ok(cluster.query("postgres", &query)?.parse()?)
            }
        }
    }

    /// Bytes for each stored event. While the server does not run.
    pub fn bytes_per_event(&self) -> Result<f64, Failure> {
        Ok((self.bytes()?.saturating_sub(self.empty_bytes)) as f64 / self.stored.max(1) as f64)
    }
}

/// What a command prints as JSON.
pub fn json_of(command: &mut Command) -> Result<Value, Failure> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A text of an answer.
pub fn text(json: &Value, name: &str) -> Result<String, Failure> {
    Ok(json[name].as_str().ok_or_else(|| format!("no {name} in {json}"))?.to_owned())
}

/// An address that nobody listens on.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Ids of the helplines, all of one length.
pub fn helpline_ids() -> Vec<String> {
    (0..HELPLINES).map(|number| format!("bench-helpline-00000000-0000-{number:06}")).collect()
}

/// A catalogue of helplines in several countries.
fn catalogue() -> String {
    let countries = [
        ("US", "America/New_York"),
        ("DE", "Europe/Berlin"),
        ("FR", "Europe/Paris"),
        ("IN", "Asia/Kolkata"),
        ("NP", "Asia/Kathmandu"),
        ("AU", "Australia/Sydney"),
        ("BR", "America/Sao_Paulo"),
        ("JP", "Asia/Tokyo"),
    ];
    let row = |(number, id): (usize, String)| {
        let (country, zone) = countries[number % countries.len()];
        format!("{id},Helpline {number},{country},{zone},Anxiety:anxiety\n")
    };
    let rows: String = helpline_ids().into_iter().enumerate().map(row).collect();
    format!("id,name,country_code,timezone,topics\n{rows}")
}

impl Running {
    async fn wait_until_ready(&mut self, began: Instant) -> Result<(), Failure> {
        loop {
            if let Ok(mut connection) = Connection::open(self.target.address).await
                && connection.get("/readyz", "none").await.is_ok()
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("a server ended at once ({status}); see servers.log").into());
            }
            if began.elapsed() > PATIENCE {
                return Err("a server did not start".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What it has used since it started.
    pub fn usage(&self) -> Use {
        let database = self.postgres.map(|pid| Usage::of(pid, true)).unwrap_or_default();
        let load = Usage::of(std::process::id(), false);
        Use { server: Usage::of(self.pid, false), database, load, busy_seconds: machine::busy_seconds() }
    }

    /// Tells it to stop and waits until it has.
    pub async fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.pid.to_string()]).status()?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(format!("a server ended with {status}").into()) };
            }
            if began.elapsed() > PATIENCE {
                return Err("a server did not stop".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.pid != self.child.id() {
            let _ = Command::new("kill").args(["-KILL", &self.pid.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cluster {
    /// One value.
    pub fn query(&self, database: &str, sql: &str) -> Result<String, Failure> {
        let server = self.url.rsplit_once('/').ok_or("an address of Postgres names its database")?.0;
        let mut psql = Command::new("psql");
        let output = psql.args(["-X", "-A", "-t", "-d", &format!("{server}/{database}"), "-c", sql]).output()?;
        if !output.status.success() {
            return Err(format!("{sql}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}
