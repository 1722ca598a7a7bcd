//! Browser sessions.

use super::db::{Db, Sql, Tx};
use crate::error::Error;
use crate::login::WebSession;
use domain::{Timestamp, UserId};

/// A session that has not expired.
pub async fn load(db: &Db, id: &str, now: Timestamp) -> Result<Option<WebSession>, Error> {
    let sql = "SELECT id, user_id, data, expires_at FROM web_sessions WHERE id = $1 AND expires_at > $2";
    let Some(row) = db.fetch_optional(Sql::new(sql).bind(id).bind(now)).await? else { return Ok(None) };
    Ok(Some(WebSession {
        id: row.text(0)?,
        user_id: row.opt_uuid(1)?.map(UserId::from_uuid),
        data: row.text(2)?,
        expires_at: row.at(3)?,
    }))
}

/// Writes a session.
pub async fn save(tx: &mut Tx, session: &WebSession) -> Result<(), Error> {
    let sql = "INSERT INTO web_sessions (id, user_id, data, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) \
               DO UPDATE SET user_id = excluded.user_id, data = excluded.data, expires_at = excluded.expires_at";
    let sql = Sql::new(sql).bind(session.id.as_str()).bind(session.user_id);
    tx.execute(sql.bind(session.data.as_str()).bind(session.expires_at)).await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM web_sessions WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// Ends all sessions of a user.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM web_sessions WHERE user_id = $1").bind(user)).await?;
    Ok(())
}

/// Forgets expired sessions.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    tx.execute(Sql::new("DELETE FROM web_sessions WHERE expires_at <= $1").bind(now)).await?;
    Ok(())
}
