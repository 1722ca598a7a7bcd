//! An installation to test on.

use crate::postgres::new_postgres_database;
use domain::account::{ApplicationForm, CustomerForm, CustomerLimits, NewCredentials, Tier};
use domain::event::Kind;
use domain::helpline::Helpline;
use domain::{CustomerId, Timestamp};
use engine::actor::{ApiClient, Operator};
use engine::clock::Clock;
use engine::{Engine, Settings, Workers};
use sqlx::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that stands still until it is set.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn set(&self, text: &str) {
        self.0.store(at(text).millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// An empty installation whose workers run.
pub struct Installation {
    pub engine: Engine,
    pub clock: Arc<ManualClock>,
    pub operator: Operator,
    pub settings: Settings,
    workers: Option<Workers>,
    directory: tempfile::TempDir,
}

impl Installation {
    pub async fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("test.db").display());
        Self::new(url, directory).await
    }

    pub async fn on_postgres() -> Self {
        let url = new_postgres_database().await;
        Self::new(url, tempfile::tempdir().unwrap()).await
    }

    async fn new(database_url: String, directory: tempfile::TempDir) -> Self {
        let settings = Settings {
            database_url,
            event_age_max_days: 36_500,
            event_ahead_max_seconds: u32::MAX,
            connections_max: 4,
            // Little, so that tests get as far as to batches of which the next is read ahead, to runs and their merging.
            room: engine::Room { batch_events: 50, session_events: 200, ..engine::Room::default() },
            ..Settings::default()
        };
        let clock = Arc::new(ManualClock(AtomicI64::new(at("2026-11-24T12:00:00Z").millis())));
        let engine = Engine::open(settings.clone(), clock.clone()).await.unwrap();
        assert!(engine.migrate().await.unwrap() > 0);
        let workers = Some(engine.start().await.unwrap());
        let operator = engine.authenticate_console();
        Self { engine, clock, operator, settings, workers, directory }
    }

    /// Another process on the same database, in its stead once this one has stopped.
    pub async fn another(&self) -> (Engine, Workers) {
        let engine = Engine::open(self.settings.clone(), self.clock.clone()).await.unwrap();
        let workers = engine.start().await.unwrap();
        (engine, workers)
    }

    /// Ends the engine as a crash would: nothing is written down, nothing is left to others.
    pub async fn crash(&mut self) {
        self.abandon();
        self.engine = Engine::open(self.settings.clone(), self.clock.clone()).await.unwrap();
        self.workers = Some(self.engine.start().await.unwrap());
    }

    /// Ends the workers as a crash would.
    pub fn abandon(&mut self) {
        self.workers.take().unwrap().abandon();
    }

    /// The directory that holds the files of an SQLite database.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Stops the engine.
    pub async fn stop(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }

    /// Stops the engine, unless it has been, and starts another one on the same database.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.engine = Engine::open(self.settings.clone(), self.clock.clone()).await.unwrap();
        self.workers = Some(self.engine.start().await.unwrap());
    }

    /// Runs a statement as somebody would who has the database itself in hand.
    pub async fn execute(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        let url = &self.settings.database_url;
        if url.starts_with("sqlite") {
            sqlx::query(sql).execute(&mut sqlx::SqliteConnection::connect(url).await?).await.map(drop)
        } else {
            sqlx::query(sql).execute(&mut sqlx::PgConnection::connect(url).await?).await.map(drop)
        }
    }

    /// Keeps everybody from counting until what this gives is dropped.
    pub async fn uncounted(&self) -> Box<dyn std::any::Any> {
        self.transaction("UPDATE aggregator SET beat = beat WHERE id = 1").await
    }

    /// Begins a transaction with a statement; it goes on until what this gives is dropped.
    pub async fn transaction(&self, sql: &'static str) -> Box<dyn std::any::Any> {
        let url = &self.settings.database_url;
        if url.starts_with("sqlite") {
            let mut tx = sqlx::SqlitePool::connect(url).await.unwrap().begin().await.unwrap();
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
            Box::new(tx)
        } else {
            let mut tx = sqlx::PgPool::connect(url).await.unwrap().begin().await.unwrap();
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
            Box::new(tx)
        }
    }

    pub async fn customer(&self, name: &str, time_zone: &str) -> CustomerId {
        let form = CustomerForm { name: name.into(), time_zone: time_zone.into(), limits: CustomerLimits::default() };
        self.engine.create_customer(&self.operator, &form).await.unwrap().id
    }

    pub async fn application(&self, customer: CustomerId, name: &str, tier: Tier) -> NewCredentials {
        let manager = self.engine.console_manager(&self.operator, customer).unwrap();
        self.engine.create_application(&manager, &ApplicationForm { name: name.into(), tier }).await.unwrap()
    }

    pub async fn token(&self, credentials: &NewCredentials) -> String {
        let client_id = &credentials.application.client_id;
        let issued = self.engine.issue_token(client_id, &credentials.client_secret, None).await;
        issued.map_err(|error| error.to_string()).unwrap().access_token
    }

    pub async fn client(&self, credentials: &NewCredentials) -> ApiClient {
        self.engine.authenticate_token(&self.token(credentials).await).map_err(|e| e.to_string()).unwrap()
    }

    pub async fn helplines(&self, ids_and_countries: &[(&str, &str)]) {
        let helpline = |(i, (id, country)): (usize, &(&str, &str))| (i + 1, helpline(id, country));
        let rows = ids_and_countries.iter().enumerate().map(helpline).collect();
        self.engine.import_helplines(&self.operator, rows).await.unwrap();
    }

    /// Posts an event and says whether it was new, or the codes of its faults.
    pub async fn post(&self, client: &ApiClient, kind: Kind, body: &serde_json::Value) -> Result<bool, Vec<String>> {
        use engine::{EventError, EventFault, ReceiptStatus};
        match self.engine.record_event(client, kind, body.to_string().as_bytes()).await {
            Ok(receipt) => Ok(receipt.status == ReceiptStatus::Accepted),
            Err(EventError::Refused(EventFault::Invalid(faults))) => {
                Err(faults.0.into_iter().map(|fault| fault.code.as_str().to_owned()).collect())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Lets months pass at once, of which no clock that leaps ahead is believed. For an engine that starts now.
    pub async fn pass_to(&self, text: &str) {
        self.clock.set(text);
        self.execute("UPDATE aggregator SET believed_at = NULL").await.unwrap();
    }

    /// Waits until the raw events that are not kept any longer are given up.
    pub async fn give_up_events(&self) {
        let begun = std::time::Instant::now();
        let expiring = async || self.engine.expiring_events(&self.operator, None, None).await.unwrap();
        while expiring().await.iter().any(|expiring| expiring.events > 0) {
            assert!(begun.elapsed().as_secs() < 20, "events are still there");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Waits until all accepted events are in the figures and recomputes these from the events.
    pub async fn settle(&self) {
        self.engine.wait_for_figures().await.unwrap();
        let found = self.engine.verify_figures(&self.operator).await.unwrap();
        assert_eq!(found.differences, []);
    }
}

pub fn helpline(id: &str, country: &str) -> Helpline {
    let json = serde_json::json!({
        "id": id,
        "name": format!("Line {id}"),
        "country": {"name": country, "code": country},
        "timezone": "UTC",
        "topics": [{"name": "Grief", "code": "grief"}],
    });
    serde_json::from_value(json).unwrap()
}

/// Runs tests that take an [`Installation`] on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::support::Installation::on_sqlite().await).await;
            }
        )*}
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::support::Installation::on_postgres().await).await;
            }
        )*}
    };
}
pub(crate) use on_both;
