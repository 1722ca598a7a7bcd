//! Browser sessions: kept in the database through the engine, ended after 12 hours of rest or 7 days in all.

use crate::state::AppState;
use app::context::SESSION_USER_ID;
use async_trait::async_trait;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use domain::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use domain::{Timestamp, UserId};
use engine::{Engine, WebSession};
use std::fmt;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

/// A session ends after this long without a request, in milliseconds.
const IDLE_MS: i64 = 12 * HOUR_MS;
/// A session ends this long after the login, in milliseconds.
const ABSOLUTE_MS: i64 = 7 * DAY_MS;
/// A session that is used is written at most this often, in milliseconds.
const TOUCH_MS: i64 = 5 * MINUTE_MS;

/// Under which the instants of login and last use are kept, in unix milliseconds.
const CREATED_AT: &str = "created_at";
const SEEN_AT: &str = "seen_at";

/// The layer that gives every request of a page its session. The cookie becomes `Secure` in [`crate::web::defence`],
/// where it is known how the browser reached us.
pub fn layer(state: &AppState) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(Store { engine: state.engine.clone() })
        .with_name("reachline_session")
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::milliseconds(IDLE_MS)))
}

/// Moves the end of a session that is used.
pub async fn keep_alive(axum::Extension(session): axum::Extension<Session>, request: Request, next: Next) -> Response {
    if let (Some(clock), Ok(Some(seen_at))) =
        (request.extensions().get::<Now>().copied(), session.get::<i64>(SEEN_AT).await)
        && clock.0.millis() - seen_at > TOUCH_MS
        && let Err(error) = session.insert(SEEN_AT, clock.0.millis()).await
    {
        tracing::warn!(%error, "a session could not be kept alive");
    }
    next.run(request).await
}

/// The instant of the request, by the engine's clock.
#[derive(Debug, Clone, Copy)]
pub struct Now(pub Timestamp);

/// Browser sessions in the engine's store.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

fn backend(error: &engine::Error) -> Error {
    Error::Backend(error.to_string())
}

impl Store {
    /// A session that is used now, as it is stored. Its end is told by the engine's clock.
    fn stored(&self, record: &Record) -> Result<WebSession> {
        let created_at = record.data.get(CREATED_AT).and_then(serde_json::Value::as_i64);
        let idle_end = self.engine.now().millis() + IDLE_MS;
        let end = created_at.map_or(idle_end, |created| idle_end.min(created + ABSOLUTE_MS));
        let user_id = record.data.get(SESSION_USER_ID).and_then(|id| id.as_str()?.parse::<UserId>().ok());
        let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        Ok(WebSession { id: record.id.to_string(), user_id, data, expires_at: Timestamp::from_millis(end) })
    }
}

#[async_trait]
impl SessionStore for Store {
    /// A new session, or the new id that a login gives: from here on the seven days count.
    async fn create(&self, record: &mut Record) -> Result<()> {
        let now = self.engine.now().millis();
        record.data.insert(CREATED_AT.to_owned(), now.into());
        record.data.insert(SEEN_AT.to_owned(), now.into());
        self.engine.save_web_session(self.stored(record)?).await.map_err(|error| backend(&error))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let session = self.stored(record)?;
        // A session that was ended while this request ran must stay ended.
        let known = self.engine.load_web_session(&session.id).await.map_err(|error| backend(&error))?;
        if known.is_none() {
            return Ok(());
        }
        self.engine.save_web_session(session).await.map_err(|error| backend(&error))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.engine.load_web_session(&id.to_string()).await.map_err(|error| backend(&error))?;
        let Some(session) = found else { return Ok(None) };
        let data = serde_json::from_str(&session.data).map_err(|error| Error::Decode(error.to_string()))?;
        let nanos = i128::from(session.expires_at.millis()) * 1_000_000;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|e| Error::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.engine.delete_web_session(&id.to_string()).await.map_err(|error| backend(&error))
    }
}
