//! A server for one test: its own database, clock and port, two customers and two helplines.

use domain::account::{ApplicationForm, CustomerForm, CustomerLimits, NewCredentials, Role, Tier, UserForm};
use domain::timestamp::SECOND_MS;
use domain::{CustomerId, Timestamp};
use engine::clock::Clock;
use engine::{Engine, Workers};
use futures_util::FutureExt;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use server::config::Config;
use server::http::connections::{Allowance, answer_until};
use server::state::AppState;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Where the clock of every test stands at first.
pub const NOW: &str = "2026-11-24T12:00:00.000Z";
pub const PASSWORD: &str = "correct horse battery";
/// Two helplines: one in Britain with everything, one in France with a telephone.
pub const HELPLINES: &str = r#"[
  {"id":"gb-1","name":"=Evenlight, \"Line\"","description":"Made up.","website":"https://one.example/",
   "country":{"name":"United Kingdom","code":"GB","emergencyNumber":"999"},"timezone":"Europe/London",
   "topics":[{"name":"Grief","code":"grief"}],"supported_languages":["en"],"specialties":["Young people"],
   "supportTypes":["listening"],"hours":{"alwaysOpen":false,"periods":[{"day":"monday","open":"09:00","close":"21:00"}]},
   "phoneNumber":"0808 157 0001","smsNumber":"07700 900001","webChatUrl":"https://one.example/chat",
   "whatsappUrl":"https://one.example/wa","priority":true,"availability":"available"},
  {"id":"fr-1","name":"Veilleuse","country":{"name":"France","code":"FR"},"timezone":"Europe/Paris",
   "phoneNumber":"01 99 00 00 01"}
]"#;

/// A clock that tests set.
pub struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * SECOND_MS, Ordering::Relaxed);
    }
}

/// A customer and its applications.
pub struct Tenant {
    pub id: CustomerId,
    pub production: NewCredentials,
    pub sandbox: NewCredentials,
}

pub struct TestApp {
    pub engine: Engine,
    pub config: Config,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    pub acme: Tenant,
    pub other: Tenant,
    client: reqwest::Client,
    workers: Workers,
    serving: JoinHandle<()>,
    _directory: Option<TempDir>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    /// Checks that this is a problem of this status and code, and nothing internal.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)));
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        let lower = self.text().to_lowercase();
        for internal in ["sqlx", "select ", "insert ", "panicked", "src/", "sqlite", "postgres"] {
            assert!(!lower.contains(internal), "{lower}");
        }
        assert!(!self.header("x-request-id").is_empty());
        self
    }
    /// The faults as field and code.
    pub fn faults(&self) -> Vec<(String, String)> {
        let problem = self.json();
        let text = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
        let faults = problem["errors"].as_array().cloned().unwrap_or_default();
        faults.iter().map(|fault| (text(fault, "field"), text(fault, "code"))).collect()
    }
    #[track_caller]
    pub fn has_faults(&self, expected: &[(&str, &str)]) {
        self.is_problem(422, "validation_failed");
        let faults = self.faults();
        let faults: Vec<_> = faults.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
        assert_eq!(faults, expected);
    }
}

impl TestApp {
    pub async fn on_sqlite() -> Self {
        Self::on_sqlite_with(|_| ()).await
    }

    pub async fn on_sqlite_with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/test.db", directory.path().display());
        Self::start(url, Some(directory), change).await
    }

    pub async fn on_postgres() -> Option<Self> {
        let url = postgres_database().await?;
        Some(Self::start(url, None, |_| ()).await)
    }

    async fn start(database_url: String, directory: Option<TempDir>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { database_url, connections_max: 4, catalogue_rate_per_ip: 1_000, ..Config::default() };
        change(&mut config);
        let clock = Arc::new(ManualClock(AtomicI64::new(Timestamp::parse_rfc3339(NOW).unwrap().millis())));
        let engine = Engine::open(config.engine(), clock.clone()).await.unwrap();
        engine.migrate().await.unwrap();
        let workers = engine.start().await.unwrap();
        let operator = engine.authenticate_console();
        let rows = engine::parse_helplines_json(HELPLINES.as_bytes()).unwrap();
        engine.import_helplines(&operator, rows).await.unwrap();
        let acme = tenant(&engine, "Acme").await;
        let other = tenant(&engine, "Other").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = AppState::new(engine.clone(), config.clone());
        let allowance = Allowance::of_clients(config.clients_max);
        let serving = tokio::spawn(answer_until(std::future::pending(), listener, state, allowance).map(drop));
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { engine, config, clock, address, acme, other, client, workers, serving, _directory: directory }
    }

    pub async fn stop(self) {
        self.serving.abort();
        self.workers.stop().await;
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends a request. No test may cause an error of the server that it does not expect.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        assert!(status.as_u16() < 500 || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    /// Sends bytes as they are and returns the answer's status and text.
    pub async fn raw(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        // The other side closes the connection: requests say so.
        let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, text)
    }

    /// A token for an application, of all scopes.
    pub async fn token(&self, credentials: &NewCredentials) -> String {
        self.token_with(credentials, None).await
    }

    pub async fn token_with(&self, credentials: &NewCredentials, scope: Option<&str>) -> String {
        let (id, secret) = (&credentials.application.client_id, &credentials.client_secret);
        self.engine.issue_token(id, secret, scope).await.unwrap().access_token
    }

    pub async fn user(&self, email: &str, role: Role, customer_id: Option<CustomerId>) {
        let (email, password) = (email.to_owned(), Some(PASSWORD.to_owned()));
        let form = UserForm { email, name: String::new(), role, customer_id, password };
        self.engine.create_user(&self.engine.authenticate_console(), &form).await.unwrap();
    }

    /// Accepted events and refusals by code, of a customer.
    pub async fn intake(&self, tenant: &Tenant) -> (i64, Vec<(String, i64)>) {
        self.engine.wait_for_figures().await.unwrap();
        let operator = self.engine.authenticate_console();
        let reader = self.engine.console_reader(&operator, Some(tenant.id)).unwrap();
        let today = domain::Zone::UTC.day(self.engine.now());
        let period = domain::period::Period::new(today, today.plus(1)).unwrap();
        let report = self.engine.intake(&reader, period, None).await.unwrap();
        (report.accepted, report.refused)
    }

    /// Waits until a figure of a customer's summary is as expected.
    pub async fn wait_for(&self, token: &str, figure: &str, expected: i64) {
        for _ in 0..200 {
            let answer = self.get("/v1/analytics/summary?from=2026-11-01&to=2026-12-01", token).await;
            if answer.json()["figures"][figure] == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{figure} did not become {expected}");
    }
}

async fn tenant(engine: &Engine, name: &str) -> Tenant {
    let operator = engine.authenticate_console();
    let (name, time_zone) = (name.to_owned(), "Europe/London".to_owned());
    let form = CustomerForm { name, time_zone, limits: CustomerLimits::default() };
    let id = engine.create_customer(&operator, &form).await.unwrap().id;
    let manager = engine.console_manager(&operator, id).unwrap();
    let application = async |name: &str, tier: Tier| {
        engine.create_application(&manager, &ApplicationForm { name: name.to_owned(), tier }).await.unwrap()
    };
    Tenant {
        id,
        production: application("web", Tier::Production).await,
        sandbox: application("trial", Tier::Sandbox).await,
    }
}

/// A new database on the server that the environment names.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where Postgres is")]
async fn postgres_database() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("REACHLINE_TEST_POSTGRES_URL").ok()?;
    let name = format!("it_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut create = std::process::Command::new("psql");
    create.args([&server, "-q", "-c", &format!("CREATE DATABASE {name}")]);
    assert!(create.status().unwrap().success(), "psql creates a database");
    let (address, parameters) = server.split_once('?').map_or((server.as_str(), ""), |(a, p)| (a, p));
    let (base, _) = address.rsplit_once('/').unwrap();
    let parameters = if parameters.is_empty() { String::new() } else { format!("?{parameters}") };
    Some(format!("{base}/{name}{parameters}"))
}

/// A good display at the present instant.
pub fn display(session: &str) -> Value {
    json!({"helpline_id": "gb-1", "session_id": session, "timestamp": NOW})
}

/// A good click at the present instant.
pub fn click(session: &str) -> Value {
    json!({"helpline_id": "gb-1", "session_id": session, "timestamp": NOW, "contact_method": "phone"})
}
