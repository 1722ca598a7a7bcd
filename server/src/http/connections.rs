//! Clients' connections: how many there may be at once, how long a client may be silent, and how they end.

use crate::router::{refusing_router, router};
use crate::state::AppState;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Layer;

/// See [`Allowance::silent_max`]. Proxies and pools keep idle connections for a minute as a rule: so it is they who close
/// them, and no request meets a connection that is being closed.
const SILENT_MAX: Duration = Duration::from_secs(75);
/// How long a client may take nothing of an answer, or its machine be away, until its connection is given up.
#[cfg(target_os = "linux")]
const STUCK_MAX: Duration = Duration::from_secs(120);
/// Connections beyond the most that there may be, on which a request is refused, so that its sender knows when to try
/// again. Still more are closed without a word.
pub const REFUSALS_MAX: usize = 128;
/// How long who is refused may take to send the head of a request.
const REFUSAL_SILENT_MAX: Duration = Duration::from_secs(5);
/// How long requests that were taken may still take once no more are.
const DRAIN: Duration = Duration::from_secs(6);

/// What clients may take for themselves.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Connections at once.
    pub clients_max: usize,
    /// How long a client may take to send the head of a request, or to ask again on a connection that it keeps.
    pub silent_max: Duration,
}

impl Allowance {
    /// The usual one, with so many connections.
    #[must_use]
    pub fn of_clients(clients_max: usize) -> Self {
        Self { clients_max, silent_max: SILENT_MAX }
    }
}

/// The connections of one server.
struct Connections {
    answering: Router,
    refusing: Router,
    state: AppState,
    silent_max: Duration,
    places: Arc<Semaphore>,
    refusal_places: Arc<Semaphore>,
    open: GracefulShutdown,
}

/// Answers requests until `stop`, and then those that it has taken. Gives when that began.
pub async fn answer_until(
    stop: impl Future<Output = ()>,
    mut listener: TcpListener,
    state: AppState,
    allowance: Allowance,
) -> Instant {
    let connections = Connections {
        answering: router(state.clone()),
        refusing: refusing_router(state.clone()),
        state,
        silent_max: allowance.silent_max,
        places: Arc::new(Semaphore::new(allowance.clients_max.min(Semaphore::MAX_PERMITS))),
        refusal_places: Arc::new(Semaphore::new(REFUSALS_MAX)),
        open: GracefulShutdown::new(),
    };
    let take = async {
        loop {
            let (stream, client) = Listener::accept(&mut listener).await;
            connections.take(stream, client);
        }
    };
    tokio::select! {
        () = take => {}
        () = stop => {}
    }
    let told = Instant::now();
    tracing::info!("stopping: no more connections are taken");
    drop(listener);
    // Those that are idle end at once.
    if tokio::time::timeout(DRAIN, connections.open.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    told
}

impl Connections {
    fn take(&self, stream: TcpStream, client: SocketAddr) {
        set_up(&stream);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new());
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            http.header_read_timeout(self.silent_max);
            self.serve(&http, stream, client, &self.answering, place);
        } else if let Ok(place) = self.refusal_places.clone().try_acquire_owned() {
            http.header_read_timeout(self.silent_max.min(REFUSAL_SILENT_MAX)).keep_alive(false);
            self.serve(&http, stream, client, &self.refusing, place);
        }
    }

    fn serve(
        &self,
        http: &http1::Builder,
        stream: TcpStream,
        client: SocketAddr,
        router: &Router,
        place: OwnedSemaphorePermit,
    ) {
        let service = Extension(axum::extract::ConnectInfo(client)).layer(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = self.open.watch(connection);
        let counted = self.state.metrics.connection();
        tokio::spawn(async move {
            // Clients go away and send what is no HTTP: nothing that anybody need know of.
            let _ = connection.await;
            drop((place, counted));
        });
    }
}

fn set_up(stream: &TcpStream) {
    // Answers are small: waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, STUCK_MAX.as_millis() as u32) {
        tracing::debug!(%error, "a connection may be stuck for ever");
    }
}
