//! Who is signed in, logging in and out, and the own account.

use crate::error::UiError;
use domain::account::Role;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{api::answering, context};

/// The person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub name: String,
    pub email: String,
    pub role: Role,
    /// The customer that the person belongs to; operators and auditors belong to none.
    pub customer: Option<String>,
}

/// Who is signed in, if anybody is.
#[server(endpoint = "load_me", input = GetUrl)]
pub async fn load_me() -> Result<Option<Me>, UiError> {
    answering(async {
        let Some(user) = context::signed_in().await? else { return Ok(None) };
        let person = user.user();
        Ok(Some(Me {
            name: person.name.clone(),
            email: person.email.clone(),
            role: user.role(),
            customer: user.customer().map(|customer| customer.name.clone()),
        }))
    })
    .await
}

/// Logs in and answers where to go.
#[server(endpoint = "log_in")]
pub async fn log_in(
    email: String,
    password: String,
    /// The page that was asked for before.
    #[server(default)]
    next: String,
) -> Result<String, UiError> {
    answering(async {
        let (engine, session) = (context::engine()?, context::session()?);
        let id = engine.log_in(&email, &password, context::client_address()).await?;
        // A session id that somebody may have planted beforehand must be worth nothing.
        session.clear().await;
        session.cycle_id().await.map_err(UiError::internal)?;
        session.insert(context::SESSION_USER_ID, id).await.map_err(UiError::internal)?;
        let target = local_path(&next).unwrap_or("/overview").to_owned();
        if context::is_plain_form() {
            leptos_axum::redirect(&target);
        }
        Ok(target)
    })
    .await
}

/// Logs out: the session ends on the server.
#[server(endpoint = "log_out")]
pub async fn log_out() -> Result<(), UiError> {
    answering(async {
        context::session()?.flush().await.map_err(UiError::internal)?;
        leptos_axum::redirect("/login?done=logged_out");
        Ok(())
    })
    .await
}

/// Changes the own password; other sessions of the person end.
#[server(endpoint = "change_password")]
pub async fn change_password(current: String, new: String, again: String) -> Result<(), UiError> {
    answering(async {
        let (engine, user) = context::acting().await?;
        if new != again {
            let detail = "This is not the same as the new password.";
            return Err(UiError::Invalid(domain::Faults::one("again", domain::FaultCode::FieldInvalid, detail)));
        }
        engine.change_password(&user, &current, &new).await?;
        context::session()?.cycle_id().await.map_err(UiError::internal)?;
        if context::is_plain_form() {
            leptos_axum::redirect("/account?done=password_changed");
        }
        Ok(())
    })
    .await
}

/// A path of this site; anything that leads elsewhere is none.
#[cfg(any(feature = "ssr", test))]
fn local_path(path: &str) -> Option<&str> {
    let safe = |b: u8| b.is_ascii_graphic() && b != b'\\';
    (path.starts_with('/') && !path.starts_with("//") && path.bytes().all(safe)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(local_path("/overview?tier=sandbox"), Some("/overview?tier=sandbox"));
        for elsewhere in ["", "overview", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb"] {
            assert_eq!(local_path(elsewhere), None, "{elsewhere}");
        }
    }
}
