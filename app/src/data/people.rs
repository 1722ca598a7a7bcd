//! Who is signed in, signing in and out, and the own account.

use crate::error::UiError;
use crate::forms::Me;
use crate::{context, data::take_refused, format};
use domain::Zone;
use engine::actor::{SessionUser, Who};

/// What the page to sign in shows of an attempt that was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Whether somebody is signed in already.
    pub is_signed_in: bool,
    pub email: String,
    pub error: Option<UiError>,
}

/// The own account, and what was wrong with a change of its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub me: Me,
    pub error: Option<UiError>,
}

/// The latest attempt to sign in, if it was refused just now.
///
/// # Errors
/// Those of the engine.
pub async fn attempt() -> Result<Attempt, UiError> {
    let is_signed_in = context::signed_in().await?.is_some();
    let (email, error) = take_refused::<String>("sign in").await?.unzip();
    Ok(Attempt { is_signed_in, email: email.unwrap_or_default(), error })
}

/// The own account.
///
/// # Errors
/// Those of the engine.
pub async fn account() -> Result<Account, UiError> {
    let me = context::signed_in().await?.map(|user| of(&user)).ok_or(UiError::SignedOut)?;
    let refused = take_refused::<()>("password").await?;
    Ok(Account { me, error: refused.map(|((), error)| error) })
}

/// Whoever is signed in, for the header.
#[must_use]
pub fn of(user: &SessionUser) -> Me {
    let zone = user.customer().map_or(Zone::UTC, |customer| customer.time_zone);
    let (name, email, link_until) = match user.who() {
        Who::Person(person) => (person.name.clone(), person.email.clone(), None),
        Who::Link(link) => (link.name.clone(), String::new(), Some(format::instant_in(link.expires_at, zone))),
    };
    let customer = user.customer().map(|customer| customer.name.clone());
    Me { name, email, role: user.role(), customer, link_until }
}

/// A path of this site; anything that leads elsewhere is none.
pub fn local_path(path: &str) -> Option<&str> {
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
