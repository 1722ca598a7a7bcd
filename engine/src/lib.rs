//! Reachline without HTTP or HTML: ingestion, aggregation, accounts, catalogue and figures, over SQLite or Postgres.
//!
//! All of it is reached through [`Engine`]. A method that reads or writes customers' data takes an *actor* from
//! [`actor`], whose fields are private and which only the `authenticate_*` methods make.

mod account_notes;
mod accounts;
pub mod actor;
mod aggregate;
mod alerts;
mod audit;
mod auth;
mod backup;
mod billing;
mod catalogue;
pub mod clock;
mod demo;
mod directory;
mod error;
mod export;
mod figures;
mod files;
mod health;
mod history;
mod ingest;
mod links;
mod login;
mod pace;
mod paging;
mod quota;
mod reports;
mod settings;
mod store;
mod verify;
mod worker_thread;
mod workers;

pub use aggregate::Expiring;
pub use alerts::check_mail_settings;
pub use audit::AuditEntry;
pub use auth::{ApiScope, IssuedToken, TokenRefusal, TokenRequestError};
pub use backup::{Copied, CopyProgress};
pub use billing::{
    BillingOverview, CardForm, Contract, Issued, MonthBill, MonthRow, MonthStatus, Preview, RateCard, RateCardVersion,
    Recomputation, StatementEvent, StatementEvents, StepCounts, StepDifference, StepKey, TrailFilter, Usage,
    VersionForm,
};
pub use catalogue::{ImportReport, parse_helplines_csv, parse_helplines_json};
pub use demo::{DemoLogin, DemoReport};
pub use error::Error;
pub use export::{BegunExport, Export, ExportPage, ExportTask};
pub use figures::IntakeReport;
pub use files::FileOf;
pub use health::Health;
pub use history::{HistoryError, HistoryForm, HistoryImport, HistoryProgress, HistoryReport, Watch};
pub use ingest::{
    BATCH_EVENTS_MAX, Batch, BatchForm, BatchResult, EventError, EventFault, Receipt, ReceiptStatus, UnreadBody,
};
pub use links::Opening;
pub use login::{LoginError, WebSession};
pub use paging::{OfCustomer, Paged, Paging};
pub use reports::{Body, Disclosure, ListedReport, Report, ReportStatus, ReportsOf};
pub use settings::{Room, Settings};
pub use verify::{Difference, Verification};
pub use workers::Workers;

use clock::Clock;
use directory::Directory;
use domain::Timestamp;
use hmac::Hmac;
use sha2::Sha256;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, RwLock};
use tokio::sync::Notify;

/// The product. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Arc<dyn Clock>,
    db: store::Db,
    /// Connections of its own, so that how it is can be asked while all others are busy.
    watched_db: store::Db,
    /// Tells this process from others that work on the same database.
    process: uuid::Uuid,
    writer: ingest::Writer,
    /// Whether this process is the one that aggregates.
    aggregates: AtomicBool,
    /// Told whenever there is something for the aggregator.
    work_to_do: Arc<Notify>,
    /// Told when somebody waits for it.
    figures_awaited: Notify,
    directory: RwLock<Arc<Directory>>,
    /// Months whose events were judged for their statements.
    trails: billing::Trails,
    directory_loaded: AtomicBool,
    token_mac: OnceLock<Hmac<Sha256>>,
    /// See [`Engine::database_mark`].
    database_mark: OnceLock<String>,
    /// Unless the installation sends no e-mail.
    mailer: Option<alerts::Mailer>,
    caller: alerts::Caller,
    /// Told when this process has a message to deliver.
    messages_due: Notify,
    /// Told when an export is requested of this process, or the file of one given up.
    exports_due: Notify,
    /// Whether files of exports were given up here that may still be there.
    export_files_left: AtomicBool,
    /// See [`Engine::open_limit`].
    stores_no_events: bool,
}

impl Engine {
    /// Connects to the database; creates the file of an SQLite database that does not exist yet. Tables are brought
    /// up to date by [`Engine::migrate`] alone.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it cannot be reached; [`Error::Invalid`] if a later version has changed its tables.
    pub async fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::connect(settings, clock, false).await
    }

    /// An engine that judges events like any other and then answers at once, storing nothing: how fast a server could
    /// be at most, for `make bench` to compare with.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn open_limit(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::connect(settings, clock, true).await
    }

    async fn connect(settings: Settings, clock: Arc<dyn Clock>, stores_no_events: bool) -> Result<Self, Error> {
        let mailer = match (&settings.smtp_url, &settings.mail_from) {
            (Some(url), Some(from)) => Some(alerts::Mailer::new(url, from).map_err(Error::Internal)?),
            _ => None,
        };
        let db = store::Db::connect(&settings).await?;
        // One that cannot be asked now is asked again by whatever needs it.
        if let Err(later @ Error::Invalid(_)) = db.known_version().await {
            return Err(later);
        }
        let engine = Self(Arc::new(Inner {
            process: uuid::Uuid::from_bytes(clock::random_bytes()),
            aggregates: AtomicBool::default(),
            figures_awaited: Notify::new(),
            writer: ingest::Writer::new(settings.queue_requests_max, settings.room),
            mailer,
            caller: alerts::Caller::new(settings.webhook_allow_private),
            messages_due: Notify::new(),
            exports_due: Notify::new(),
            export_files_left: AtomicBool::new(false),
            settings,
            clock,
            watched_db: db.apart(),
            db,
            work_to_do: Arc::new(Notify::new()),
            directory: RwLock::default(),
            trails: billing::Trails::default(),
            directory_loaded: AtomicBool::new(false),
            token_mac: OnceLock::new(),
            database_mark: OnceLock::new(),
            stores_no_events,
        }));
        if engine.0.db.is_migrated().await {
            engine.refresh_directory().await?;
            engine.load_database_mark().await?;
        }
        Ok(engine)
    }

    /// Brings the tables up to date and says how many migrations were missing.
    ///
    /// # Errors
    /// If one of them fails; it then leaves nothing behind.
    pub async fn migrate(&self) -> Result<usize, Error> {
        let applied = self.0.db.migrate().await?;
        self.refresh_directory().await?;
        self.load_database_mark().await?;
        Ok(applied)
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}
