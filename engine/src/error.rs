//! The one error of the engine.

use domain::Faults;

/// Why the engine did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or none that this actor may know of.
    #[error("not found")]
    NotFound,
    /// The actor may not do this.
    #[error("forbidden")]
    Forbidden,
    /// The input breaks these rules.
    #[error("invalid: {0}")]
    Invalid(#[from] Faults),
    /// The store cannot be reached or takes no writes: worth another try.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A defect. For logs only, never for a client.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
                Self::Unavailable(error.to_string())
            }
            E::Database(cause) if is_passing(cause.code().as_deref()) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|cause| cause.extended_code.to_string());
        if is_passing(code.as_deref()) {
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}

/// Whether a database's error code says "not now" rather than "never".
fn is_passing(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    // SQLite: the low byte of the extended code is the primary one: 5 busy, 6 locked, 8 read-only, 10 I/O error, 13 disk
    // full, 14 cannot open, 15 locking protocol.
    let sqlite = code.parse::<u32>().is_ok_and(|code| code < 10_000 && matches!(code & 0xff, 5 | 6 | 8 | 10 | 13..=15));
    // Postgres classes: 08 connection, 40 rollback, 53 resources, 57 operator intervention, 58 system error; and of others
    // 25006 read-only, as after a failover, and 25P03 a transaction that was idle for too long.
    let is_passing_class = code.len() == 5 && ["08", "40", "53", "57", "58"].contains(&&code[..2]);
    sqlite || is_passing_class || ["25006", "25P03"].contains(&code)
}

/// A stored value that the present code cannot read.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::Internal(format!("the store holds an unreadable {what}"))
}
