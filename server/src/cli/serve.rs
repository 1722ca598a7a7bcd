//! `serve`: the server.

use super::demo::logins;
use super::open_files::clients_max;
use super::{Failure, all_pages};
use crate::config::{Config, unknown_variables};
use crate::export::jobs::write_exports;
use crate::http::connections::{Allowance, answer_until};
use crate::state::AppState;
use clap::Args;
use domain::account::{SECRETS_MAX, Tier};
use engine::clock::SystemClock;
use engine::{Engine, Paging, Settings};
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long a server takes to stop, at most: ten seconds after that whoever watches over it kills it, as a rule.
const STOP_MAX: Duration = Duration::from_secs(9);
/// How long an export that is broken off may take to be given back.
const GIVE_BACK_MAX: Duration = Duration::from_secs(1);
/// How often recorded durations are folded, so that they do not pile up when nobody reads `/metrics`.
const TIDY: Duration = Duration::from_secs(15);

#[derive(Args)]
pub struct Serve {
    /// Address and port to listen on, instead of REACHLINE_ADDR
    #[arg(long, value_name = "ADDRESS:PORT")]
    addr: Option<String>,
    /// Leave the database's tables as they are
    #[arg(long)]
    no_migrate: bool,
}

impl Serve {
    pub async fn run(self, mut config: Config) -> Result<ExitCode, Failure> {
        let unknown = unknown_variables();
        if !unknown.is_empty() {
            tracing::warn!(variables = unknown.join(", "), "no setting has this name");
        }
        if let Some(addr) = self.addr {
            config.addr = addr;
        }
        // Before anything else, so that a second server on the same address leaves the database alone.
        let listener = TcpListener::bind(&config.addr)
            .await
            .map_err(|error| Failure::Failed(format!("cannot listen on {}: {error}", config.addr)))?;
        let address = listener.local_addr()?;
        let settings = Settings { is_server: true, ..config.engine() };
        let engine = Engine::open(settings, Arc::new(SystemClock)).await?;
        if !self.no_migrate {
            engine.migrate().await?;
        }
        let workers = engine.start().await?;
        let public_url = config.public_url.clone();
        let state = AppState::new(engine.clone(), config);
        announce(&engine, address, public_url.as_deref()).await?;
        let tidying = tokio::spawn(tidy(state.clone()));
        let exporting = tokio::spawn(write_exports(engine.clone(), state.exports.clone()));
        let told = answer_until_told(listener, state).await;
        tidying.abort();
        stop_exports(&engine, exporting).await;
        workers.stop_within(STOP_MAX.saturating_sub(told.elapsed())).await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// Breaks off the export that is being written, and gives it back.
async fn stop_exports(engine: &Engine, exporting: JoinHandle<()>) {
    exporting.abort();
    // Aborted on purpose; once it has ended nothing writes that file any more.
    let _ = exporting.await;
    match tokio::time::timeout(GIVE_BACK_MAX, engine.release_exports()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "an export could not be given back"),
        Err(_) => tracing::warn!("an export could not be given back in time"),
    }
}

async fn tidy(state: AppState) {
    let mut ticks = tokio::time::interval(TIDY);
    loop {
        ticks.tick().await;
        state.metrics.tidy();
    }
}

/// Answers requests until the process is told to stop, and then those that it has taken. Gives when it was told.
pub async fn answer_until_told(listener: TcpListener, state: AppState) -> Instant {
    let allowance = Allowance::of_clients(clients_max(&state.config));
    answer_until(signal(), listener, state, allowance).await
}

/// Waits for SIGTERM or SIGINT.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind: SignalKind| async move {
        match signal(kind) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "a signal cannot be waited for");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}

/// Says where the server is and, of a demo, how to try it.
async fn announce(engine: &Engine, address: SocketAddr, public_url: Option<&str>) -> Result<(), Failure> {
    let url = public_url.map_or_else(|| format!("http://{address}"), |url| url.trim_end_matches('/').to_owned());
    let mut out = std::io::stdout();
    // Where nobody can read it, as on a full disk, it serves all the same.
    let _ = writeln!(out, "Reachline answers at {url}\n  dashboard  {url}/\n  API        {url}/docs");
    if engine.has_demo().await? {
        let _ = writeln!(out, "\n{}", logins());
        // Whoever can read this may as well use the demo; but not over the network.
        if address.ip().is_loopback()
            && let Some(line) = curl_line(engine, &url).await?
        {
            let _ = writeln!(out, "Post a display and a click (paste this):\n{line}\n");
        }
    } else if engine.is_empty().await? {
        let _ = writeln!(
            out,
            "\nThere is nobody to log in yet: `reachline user create`, or `reachline demo` for something to see."
        );
    }
    Ok(())
}

/// A line for the shell that gets a token and posts a display and a click, with a secret made for it.
///
/// The demo's sandbox application keeps the secret that `demo` printed; its second one is replaced at each start.
async fn curl_line(engine: &Engine, url: &str) -> Result<Option<String>, Failure> {
    let operator = engine.authenticate_console();
    let reader = engine.console_reader(&operator, None)?;
    let applications = all_pages(|paging| engine.list_applications(&reader, paging)).await?;
    let is_usable = |application: &domain::account::Application| {
        application.tier == Tier::Sandbox && application.revoked_at.is_none()
    };
    let Some(sandbox) = applications.into_iter().find(is_usable) else { return Ok(None) };
    let one = Paging { cursor: None, limit: 1 };
    let helplines = engine.list_helplines(&operator.as_supervisor(), None, one).await?;
    let Some(helpline) = helplines.items.first() else { return Ok(None) };
    let manager = engine.console_manager(&operator, sandbox.customer_id)?;
    if sandbox.secrets.len() >= SECRETS_MAX
        && let Some(newest) = sandbox.secrets.first()
    {
        engine.revoke_secret(&manager, sandbox.id, newest.id).await?;
    }
    let new = engine.rotate_application(&manager, sandbox.id).await?;
    let (client_id, secret, helpline) = (&new.application.client_id, &new.client_secret, &helpline.id);
    Ok(Some(format!(
        "TOKEN=$(curl -s {url}/oauth/token -d grant_type=client_credentials -d client_id={client_id} -d \
         client_secret={secret} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'); for EVENT in display click; do \
         curl -s {url}/v1/events/helpline-$EVENT -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: \
         application/json' -d '{{\"helpline_id\":\"{helpline}\",\"session_id\":\"pasted-'$$'\",\"timestamp\":\"'$(date -u \
         +%Y-%m-%dT%H:%M:%SZ)'\",\"contact_method\":\"phone\"}}'; echo; done"
    )))
}
