//! What can be set per installation.

/// Settings of the engine. `Default` gives the usual values.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite://path` or `postgres://…`.
    pub database_url: String,
    /// Events are accepted from this many days ago …
    pub event_age_max_days: u32,
    /// … to this many seconds ahead.
    pub event_ahead_max_seconds: u32,
    /// Catalogue calls per customer in the rolling day.
    pub catalogue_quota_per_day: u32,
    /// Events a second, per application.
    pub event_burst_per_second: u32,
    /// Months that raw events are kept for, besides the present one.
    pub event_retention_months: u32,
    /// Whether this process looks after the installation: gives up raw events, issues statements, sends alerts, clears up.
    /// A command does not, though it counts: it may be called with other settings, and most of that cannot be taken back.
    pub is_server: bool,
    /// Days after a month's end at which its statement is issued.
    pub statement_grace_days: u32,
    /// Counts from 1 up to, not including, this are suppressed in files for third parties.
    pub suppress_below: u32,
    /// How long an access token is valid, in seconds.
    pub token_ttl_seconds: u32,
    /// Most requests with events that wait for their commit; more are refused at once.
    pub queue_requests_max: usize,
    /// How much is held in memory for the sake of speed.
    pub room: Room,
    /// The mail server: `smtp://user:password@host:port`, with `?tls=required` for STARTTLS, or `smtps://…`. Without it,
    /// or without a sender, no e-mail is sent.
    pub smtp_url: Option<String>,
    /// The sender of e-mail, such as `Reachline <alerts@example.org>`.
    pub mail_from: Option<String>,
    /// Whether webhooks may be at addresses of this machine and of private networks.
    pub webhook_allow_private: bool,
    /// Connections for reading (SQLite) or in all (Postgres).
    pub connections_max: u32,
}

/// How much an engine holds in memory for the sake of speed. The usual is what a server under full load is fast with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Identities that the writer remembers before it forgets the older half of those that are counted.
    pub remembered_events: usize,
    /// Events that the aggregator counts at once.
    pub batch_events: usize,
    /// Events of which the aggregator knows the sessions in memory, before it writes them down.
    pub session_events: usize,
    /// Events up to which what is written down of sessions is merged.
    pub run_events: usize,
    /// Bytes of filters that the aggregator holds, three for each session that it may be asked for. What is beyond is read
    /// again for each batch.
    pub filter_bytes: usize,
    /// The page cache of each connection to SQLite, in KiB: one of them may use what the others do not. Small, as the system
    /// caches the file besides.
    pub cache_kib: u32,
}

impl Room {
    /// Of a command that works through a large file: all in all a few dozen megabytes, however large the file is.
    pub const COMMAND: Self = Self {
        remembered_events: 32_768,
        batch_events: 8_192,
        session_events: 16_384,
        run_events: 131_072,
        filter_bytes: 16 << 20,
        cache_kib: 1_024,
    };
}

impl Default for Room {
    fn default() -> Self {
        Self {
            remembered_events: 1_000_000,
            batch_events: 200_000,
            session_events: 262_144,
            run_events: 1_048_576,
            filter_bytes: 256 << 20,
            cache_kib: 16_384,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: "sqlite://reachline.db".to_owned(),
            event_age_max_days: 35,
            event_ahead_max_seconds: 300,
            catalogue_quota_per_day: 1_000,
            event_burst_per_second: 1_000_000,
            event_retention_months: domain::retention::MONTHS_DEFAULT,
            is_server: true,
            statement_grace_days: domain::billing::statement::GRACE_DAYS_DEFAULT,
            suppress_below: domain::report::form::SUPPRESS_BELOW_DEFAULT,
            token_ttl_seconds: 3_600,
            queue_requests_max: 10_000,
            room: Room::default(),
            smtp_url: None,
            mail_from: None,
            webhook_allow_private: false,
            connections_max: 10,
        }
    }
}
