//! Configuration: `REACHLINE_*` variables, or the same names in a TOML file. The one place that reads the environment.

use crate::http::address::Networks;
use domain::report::form::SUPPRESS_BELOW_RANGE;
use domain::retention::{MONTHS_MAX, MONTHS_MIN};
use engine::{Room, Settings};
use figment::providers::{Env, Format, Toml};
use figment::value::Dict;
use figment::{Figment, Profile, Provider};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

const PREFIX: &str = "REACHLINE_";
/// Most days of grace: a statement that comes later than that is of no use to whoever pays it.
const GRACE_DAYS_MAX: u32 = 60;

/// Every setting that there is. A variable is `REACHLINE_` and the name in capitals; a TOML file may use that or the
/// name as it stands here. A variable wins over the file.
///
/// Not printable: the database's address may hold a password.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `REACHLINE_DATABASE_URL`: `sqlite://path` or `postgres://user:password@host/name`.
    pub database_url: String,
    /// `REACHLINE_ADDR`: the address and port that `serve` listens on.
    pub addr: String,
    /// `REACHLINE_PUBLIC_URL`: how people and programs reach the server, where that is not `http://` and the address;
    /// `https://…` says that a proxy in front speaks TLS.
    pub public_url: Option<String>,
    /// `REACHLINE_TRUSTED_PROXIES`: addresses and networks (`10.0.0.0/8`), separated by commas, whose
    /// `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Networks,
    /// `REACHLINE_COOKIE_SECURE`: `auto` (cookies are `Secure` unless the browser reached us by plain HTTP on the
    /// same machine), `always` or `never`.
    pub cookie_secure: CookieSecure,
    /// `REACHLINE_EVENT_AGE_MAX_DAYS`: events are accepted from this many days ago …
    pub event_age_max_days: u32,
    /// `REACHLINE_EVENT_AHEAD_MAX_SECONDS`: … to this many seconds ahead of the server's clock.
    pub event_ahead_max_seconds: u32,
    /// `REACHLINE_EVENT_BURST_PER_SECOND`: events a second, for each application.
    pub event_burst_per_second: u32,
    /// `REACHLINE_EVENT_RETENTION_MONTHS`: months that raw events are kept for, besides the present one.
    pub event_retention_months: u32,
    /// `REACHLINE_STATEMENT_GRACE_DAYS`: days after a month's end at which its statement is issued by itself.
    pub statement_grace_days: u32,
    /// `REACHLINE_SUPPRESS_BELOW`: counts from 1 up to, not including, this are suppressed in reports with tables.
    pub suppress_below: u32,
    /// `REACHLINE_CATALOGUE_QUOTA_PER_DAY`: calls of the catalogue, for each customer, in a rolling day.
    pub catalogue_quota_per_day: u32,
    /// `REACHLINE_CATALOGUE_RATE_PER_IP`: calls of the catalogue a second, for each address.
    pub catalogue_rate_per_ip: u32,
    /// `REACHLINE_TOKEN_TTL_SECONDS`: how long an access token is valid.
    pub token_ttl_seconds: u32,
    /// `REACHLINE_QUEUE_REQUESTS_MAX`: requests with events that may wait for their commit; more are refused at once.
    pub queue_requests_max: usize,
    /// `REACHLINE_SMTP_URL`: the mail server, `smtp://user:password@host:port`, with `?tls=required` for STARTTLS, or
    /// `smtps://user:password@host`. Without it no e-mail is sent.
    pub smtp_url: Option<String>,
    /// `REACHLINE_MAIL_FROM`: the sender of e-mail, such as `Reachline <alerts@example.org>`.
    pub mail_from: Option<String>,
    /// `REACHLINE_WEBHOOK_ALLOW_PRIVATE`: whether webhooks may be at addresses of this machine and of private networks.
    pub webhook_allow_private: bool,
    /// `REACHLINE_EXPORT_DIR`: the directory of exported files, this installation's alone; `reachline.db-exports` beside an
    /// SQLite database `reachline.db`, `reachline-exports` otherwise. Servers of one database share it.
    pub export_dir: Option<PathBuf>,
    /// `REACHLINE_CLIENTS_MAX`: connections of clients at once; on more, each request is refused.
    pub clients_max: usize,
    /// `REACHLINE_CONNECTIONS_MAX`: connections to the database.
    pub connections_max: u32,
    /// `REACHLINE_LOG`: what is logged, such as `info` or `warn,server=debug`.
    pub log: String,
    /// `REACHLINE_LOG_FORMAT`: `text` or `json`.
    pub log_format: LogFormat,
}

/// When cookies are marked `Secure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CookieSecure {
    Auto,
    Always,
    Never,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        let usual = Settings::default();
        Self {
            database_url: usual.database_url,
            addr: "127.0.0.1:3000".to_owned(),
            public_url: None,
            trusted_proxies: Networks::default(),
            cookie_secure: CookieSecure::Auto,
            event_age_max_days: usual.event_age_max_days,
            event_ahead_max_seconds: usual.event_ahead_max_seconds,
            event_burst_per_second: usual.event_burst_per_second,
            event_retention_months: usual.event_retention_months,
            statement_grace_days: usual.statement_grace_days,
            suppress_below: usual.suppress_below,
            catalogue_quota_per_day: usual.catalogue_quota_per_day,
            catalogue_rate_per_ip: 30,
            token_ttl_seconds: usual.token_ttl_seconds,
            queue_requests_max: usual.queue_requests_max,
            smtp_url: usual.smtp_url,
            mail_from: usual.mail_from,
            webhook_allow_private: usual.webhook_allow_private,
            export_dir: None,
            clients_max: 10_000,
            connections_max: usual.connections_max,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

/// The names of all settings, as in the TOML file.
pub const NAMES: [&str; 23] = [
    "database_url",
    "addr",
    "public_url",
    "trusted_proxies",
    "cookie_secure",
    "event_age_max_days",
    "event_ahead_max_seconds",
    "event_burst_per_second",
    "event_retention_months",
    "statement_grace_days",
    "suppress_below",
    "catalogue_quota_per_day",
    "catalogue_rate_per_ip",
    "token_ttl_seconds",
    "queue_requests_max",
    "smtp_url",
    "mail_from",
    "webhook_allow_private",
    "export_dir",
    "clients_max",
    "connections_max",
    "log",
    "log_format",
];

/// Variables besides these.
const BESIDE: [&str; 2] = ["config", "password"];

/// What is wrong with the configuration, in a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads the variables, and the file at `path` or else the one that `REACHLINE_CONFIG` names.
    ///
    /// # Errors
    /// What is wrong, naming the setting.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let named = variable("REACHLINE_CONFIG").map(std::path::PathBuf::from);
        let mut figment = Figment::new();
        if let Some(path) = path.map(Path::to_owned).or(named) {
            figment = figment.merge(File::read(&path)?);
        }
        // An empty variable is none, as where a file of variables leaves a value out.
        let set: Vec<&str> = NAMES.into_iter().filter(|name| variable(&variable_of(name)).is_some()).collect();
        figment.merge(Env::prefixed(PREFIX).only(&set)).extract::<Self>().map_err(explain).and_then(Self::check)
    }

    fn check(self) -> Result<Self, ConfigError> {
        let at_least_one = [
            ("event_burst_per_second", u64::from(self.event_burst_per_second)),
            ("catalogue_rate_per_ip", u64::from(self.catalogue_rate_per_ip)),
            ("token_ttl_seconds", u64::from(self.token_ttl_seconds)),
            ("queue_requests_max", self.queue_requests_max as u64),
            ("clients_max", self.clients_max as u64),
            ("connections_max", u64::from(self.connections_max)),
        ];
        if let Some((name, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError(format!("{}: must be at least 1", variable_of(name))));
        }
        if !(MONTHS_MIN..=MONTHS_MAX).contains(&self.event_retention_months) {
            let name = variable_of("event_retention_months");
            return Err(ConfigError(format!("{name}: must be from {MONTHS_MIN} to {MONTHS_MAX}")));
        }
        if self.statement_grace_days > GRACE_DAYS_MAX {
            let name = variable_of("statement_grace_days");
            return Err(ConfigError(format!("{name}: must be from 0 to {GRACE_DAYS_MAX}")));
        }
        if !SUPPRESS_BELOW_RANGE.contains(&self.suppress_below) {
            let (from, to) = (SUPPRESS_BELOW_RANGE.start(), SUPPRESS_BELOW_RANGE.end());
            return Err(ConfigError(format!("{}: must be from {from} to {to}", variable_of("suppress_below"))));
        }
        check_database_url(&variable_of("database_url"), &self.database_url)?;
        let web = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if self.public_url.as_ref().is_some_and(|url| !web(url)) {
            let name = variable_of("public_url");
            return Err(ConfigError(format!("{name}: must begin with https:// or http://")));
        }
        self.check_mail()?;
        Ok(self)
    }

    fn check_mail(&self) -> Result<(), ConfigError> {
        match (&self.smtp_url, &self.mail_from) {
            (Some(url), Some(from)) => engine::check_mail_settings(url, from).map_err(|fault| {
                ConfigError(format!("{} and {}: {fault}", variable_of("smtp_url"), variable_of("mail_from")))
            }),
            (Some(_), None) => Err(ConfigError(format!("{}: needed to send e-mail", variable_of("mail_from")))),
            (None, _) => Ok(()),
        }
    }

    /// The engine's part of the configuration, as a command has it: only a server gives up raw events.
    #[must_use]
    pub fn engine(&self) -> Settings {
        Settings {
            database_url: self.database_url.clone(),
            event_age_max_days: self.event_age_max_days,
            event_ahead_max_seconds: self.event_ahead_max_seconds,
            catalogue_quota_per_day: self.catalogue_quota_per_day,
            event_burst_per_second: self.event_burst_per_second,
            event_retention_months: self.event_retention_months,
            is_server: false,
            statement_grace_days: self.statement_grace_days,
            suppress_below: self.suppress_below,
            token_ttl_seconds: self.token_ttl_seconds,
            queue_requests_max: self.queue_requests_max,
            smtp_url: self.smtp_url.clone(),
            mail_from: self.mail_from.clone(),
            webhook_allow_private: self.webhook_allow_private,
            room: Room::default(),
            connections_max: self.connections_max,
        }
    }

    /// Whether a proxy in front is known to speak TLS.
    #[must_use]
    pub fn is_public_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// Whether a database's address, given by a variable or an argument of this name, is one at all.
///
/// # Errors
/// What it must be.
pub fn check_database_url(name: &str, url: &str) -> Result<(), ConfigError> {
    let known = ["sqlite:", "postgres:", "postgresql:"];
    if known.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    Err(ConfigError(format!("{name}: must begin with sqlite:// or postgres://")))
}

/// A password given by the environment, for commands that create a user.
#[must_use]
pub fn password_variable() -> Option<String> {
    variable("REACHLINE_PASSWORD")
}

/// A variable of the environment, unless it is empty.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "configuration is read here only")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Variables that begin like settings and are none: mistyped ones, and those of somebody else.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "configuration is read here only")]
pub fn unknown_variables() -> Vec<String> {
    let known: Vec<String> = NAMES.iter().chain(&BESIDE).map(|name| variable_of(name)).collect();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<_> = names.filter(|name| name.starts_with(PREFIX) && !known.contains(name)).collect();
    unknown.sort();
    unknown
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.to_uppercase())
}

fn explain(error: figment::Error) -> ConfigError {
    let sentences: Vec<String> = error
        .into_iter()
        .map(|fault| {
            let name = fault.path.join(".");
            let name = if name.is_empty() { "configuration".to_owned() } else { variable_of(&name) };
            format!("{name}: {}", fault.kind)
        })
        .collect();
    ConfigError(sentences.join("; "))
}

/// A TOML file whose keys may be written like the variables.
struct File(Dict);

impl File {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError(format!("cannot read {shown}: {error}")))?;
        let data = Toml::string(&text).data().map_err(|error| ConfigError(format!("{shown}: {error}")))?;
        let settings = data.into_values().flatten().map(|(key, value)| {
            let name = key.to_lowercase();
            (name.strip_prefix("reachline_").unwrap_or(&name).to_owned(), value)
        });
        Ok(Self(settings.collect()))
    }
}

impl Provider for File {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named("configuration file")
    }
    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        Ok(figment::value::Map::from([(Profile::Default, self.0.clone())]))
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        let text = match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(text) => text,
            OneOrMany::Many(list) => list.join(","),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_toml(text: &str) -> Result<Config, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let figment = Figment::new().merge(File::read(file.path()).map_err(|error| error.to_string())?);
        figment.extract::<Config>().map_err(explain).and_then(Config::check).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_may_use_both_forms_of_a_name() {
        let config = from_toml("addr = '[::1]:4000'\nREACHLINE_EVENT_AGE_MAX_DAYS = 7").unwrap();
        assert_eq!((config.addr.as_str(), config.event_age_max_days), ("[::1]:4000", 7));
        let list = from_toml("trusted_proxies = ['10.0.0.0/8', '::1']").unwrap().trusted_proxies;
        assert!(list.contains("10.1.2.3".parse().unwrap()) && !list.contains("11.1.2.3".parse().unwrap()));
    }

    #[test]
    fn faults_name_the_setting() {
        for (text, expected) in [
            ("event_age_max_days = -1", "REACHLINE_EVENT_AGE_MAX_DAYS"),
            ("connections_max = 0", "REACHLINE_CONNECTIONS_MAX"),
            ("statement_grace_days = 61", "REACHLINE_STATEMENT_GRACE_DAYS"),
            ("suppress_below = 2", "REACHLINE_SUPPRESS_BELOW"),
            ("database_url = 'mysql://x'", "REACHLINE_DATABASE_URL"),
            ("trusted_proxies = '10.0.0.0/99'", "REACHLINE_TRUSTED_PROXIES"),
            ("cookie_secure = 'perhaps'", "REACHLINE_COOKIE_SECURE"),
            ("smtp_url = 'smtp://localhost'", "REACHLINE_MAIL_FROM"),
            ("smtp_url = 'mail.example.org'\nmail_from = 'a@example.org'", "REACHLINE_SMTP_URL"),
            ("webhook_allow_private = 'perhaps'", "REACHLINE_WEBHOOK_ALLOW_PRIVATE"),
            ("adress = 'x'", "adress"),
        ] {
            let error = from_toml(text).err().unwrap();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn every_setting_is_listed() {
        for name in NAMES {
            let error = from_toml(&format!("{name} = {{ no = 'table' }}")).err().unwrap();
            assert!(!error.contains("unknown field"), "{name}: {error}");
        }
    }
}
