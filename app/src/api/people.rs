//! Who is signed in, signing in and out, and the own account.

use crate::codec::JsonText;
use crate::error::UiError;
use domain::account::Role;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{
    api::{answering, submitting, take_refused},
    context,
};

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
#[server(endpoint = "load_me", input = GetUrl, output = JsonText)]
pub async fn load_me() -> Result<Option<Me>, UiError> {
    answering(async { Ok(context::signed_in().await?.map(|user| of(&user))) }).await
}

/// What the page to sign in shows of an attempt that was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Whether somebody is signed in already.
    pub is_signed_in: bool,
    pub email: String,
    pub error: Option<UiError>,
}

/// The latest attempt to sign in, if it was refused just now.
#[server(endpoint = "load_attempt", input = GetUrl, output = JsonText)]
pub async fn load_attempt() -> Result<Attempt, UiError> {
    answering(async {
        let is_signed_in = context::signed_in().await?.is_some();
        let (email, error) = take_refused::<String>("sign in").await?.unzip();
        Ok(Attempt { is_signed_in, email: email.unwrap_or_default(), error })
    })
    .await
}

/// Signs in.
#[server(endpoint = "sign_in", output = JsonText)]
pub async fn sign_in(
    email: String,
    password: String,
    /// The page that was asked for before.
    #[server(default)]
    next: String,
) -> Result<(), UiError> {
    let mut page = "/login?next=".to_owned();
    crate::query::encode(&next, &mut page);
    let target = local_path(&next).unwrap_or("/overview");
    submitting("sign in".to_owned(), &email, &page, target, async {
        let (engine, session) = (context::engine()?, context::session()?);
        let id = engine.log_in(&email, &password, context::client_address()).await?;
        // A session id that somebody may have planted beforehand must be worth nothing.
        session.clear().await;
        session.cycle_id().await.map_err(UiError::internal)?;
        session.insert(context::SESSION_USER_ID, id).await.map_err(UiError::internal)
    })
    .await
}

/// Signs out: the session ends on the server.
#[server(endpoint = "sign_out", output = JsonText)]
pub async fn sign_out() -> Result<(), UiError> {
    answering(async {
        context::session()?.flush().await.map_err(UiError::internal)?;
        leptos_axum::redirect("/login?done=signed_out");
        Ok(())
    })
    .await
}

/// The own account, and what was wrong with a change of its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub me: Me,
    pub error: Option<UiError>,
}

/// The own account.
#[server(endpoint = "load_account", input = GetUrl, output = JsonText)]
pub async fn load_account() -> Result<Account, UiError> {
    answering(async {
        let me = context::signed_in().await?.map(|user| of(&user)).ok_or(UiError::SignedOut)?;
        let refused = take_refused::<()>("password").await?;
        Ok(Account { me, error: refused.map(|((), error)| error) })
    })
    .await
}

/// Changes the own password; other sessions of the person end.
#[server(endpoint = "change_password", output = JsonText)]
pub async fn change_password(current: String, new: String, again: String) -> Result<(), UiError> {
    submitting("password".to_owned(), &(), "/account", "/account?done=password_changed", async {
        let (engine, user) = context::acting().await?;
        if new != again {
            let detail = "This is not the same as the new password.";
            return Err(UiError::Invalid(domain::Faults::one("again", domain::FaultCode::FieldInvalid, detail)));
        }
        engine.change_password(&user, &current, &new).await?;
        // All sessions have ended; this one goes on under a new id.
        context::session()?.cycle_id().await.map_err(UiError::internal)
    })
    .await
}

#[cfg(feature = "ssr")]
fn of(user: &engine::actor::SessionUser) -> Me {
    let person = user.user();
    Me {
        name: person.name.clone(),
        email: person.email.clone(),
        role: user.role(),
        customer: user.customer().map(|customer| customer.name.clone()),
    }
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
