//! People: logging in, and what each may do.

use crate::Engine;
use crate::actor::{CONSOLE, Manager, Operator, Reader, SessionUser, Supervisor, Who};
use crate::audit::Note;
use crate::clock::random_bytes;
use crate::error::Error;
use crate::store::{self, Tx};
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use domain::account::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Role, User};
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::CustomerNo;
use domain::timestamp::MINUTE_MS;
use domain::{CustomerId, Timestamp, UserId};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::LazyLock;

/// Failed logins are counted over this long, in milliseconds, in [`SPANS`] spans.
const WINDOW_MS: i64 = 15 * MINUTE_MS;
const SPANS: i64 = 3;
/// Failed logins after which an account is left alone for a while …
const FAILURES_PER_ACCOUNT_MAX: i64 = 10;
/// … and an address, from where several people may come.
pub(crate) const FAILURES_PER_ADDRESS_MAX: i64 = 50;

/// Why somebody was not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown account, wrong password or disabled; or no valid link: which one is not told.
    #[error("refused")]
    Refused,
    /// Too many failures.
    #[error("throttled")]
    Throttled { retry_after_seconds: u32 },
    /// The store could not be asked.
    #[error(transparent)]
    Unavailable(#[from] Error),
}

/// A browser session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSession {
    pub id: String,
    /// Who is logged in, to end all sessions of a person.
    pub user_id: Option<UserId>,
    /// JSON.
    pub data: String,
    pub expires_at: Timestamp,
}

/// Verified in place of an unknown account's password, so that both take the same time.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

fn hash_now(password: &str) -> Result<String, Error> {
    let failed = |error: argon2::password_hash::Error| Error::Internal(format!("argon2: {error}"));
    let salt = SaltString::encode_b64(&random_bytes::<16>()).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Hashes a password with argon2id, off the async threads.
pub(crate) async fn hash_password(password: String) -> Result<String, Error> {
    let hashed = tokio::task::spawn_blocking(move || hash_now(&password)).await;
    hashed.map_err(|error| Error::Internal(error.to_string()))?
}

async fn verify_password(password: String, hash: String) -> Result<bool, Error> {
    let verify = move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    tokio::task::spawn_blocking(verify).await.map_err(|error| Error::Internal(error.to_string()))
}

/// A subject of throttling: neither addresses nor accounts that failed are stored in the clear.
pub(crate) fn subject(kind: &str, name: &str) -> Vec<u8> {
    Sha256::digest(format!("{kind}:{name}")).to_vec()
}

impl Engine {
    /// Checks an e-mail address and password.
    ///
    /// # Errors
    /// See [`LoginError`]. The answer and its time are the same for unknown accounts.
    pub async fn log_in(&self, email: &str, password: &str, address: IpAddr) -> Result<UserId, LoginError> {
        let email = email.trim().to_lowercase();
        let account = subject("account", &email);
        let address = subject("address", &address.to_string());
        self.check_throttle(&account, FAILURES_PER_ACCOUNT_MAX).await?;
        self.check_throttle(&address, FAILURES_PER_ADDRESS_MAX).await?;
        let known = store::accounts::find_login(&self.0.db, &email).await?;
        // No password is longer; a longer text would only cost time.
        let password: String = password.chars().take(PASSWORD_CHARS_MAX + 1).collect();
        let hash = known.as_ref().map_or_else(|| NOBODY.clone(), |(_, hash)| hash.clone());
        let verified = verify_password(password, hash).await?;
        match known {
            Some((user, _)) if verified && user.disabled_at.is_none() => {
                let customer = self.no_of(user.customer_id).await?;
                let mut tx = self.0.db.begin().await?;
                store::limits::forget_login_failures(&mut tx, &account).await?;
                self.note_session(&mut tx, customer, Action::SignedIn, &user).await?;
                tx.commit().await?;
                Ok(user.id)
            }
            _ => {
                self.count_login_failures(&[&account, &address]).await?;
                Err(LoginError::Refused)
            }
        }
    }

    /// Notes that a person signs out; the caller ends the session. Whoever came by a link only leaves.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn note_sign_out(&self, user: &SessionUser) -> Result<(), Error> {
        let Some(person) = user.person() else { return Ok(()) };
        let customer = self.no_of(person.customer_id).await?;
        let mut tx = self.0.db.begin().await?;
        self.note_session(&mut tx, customer, Action::SignedOut, person).await?;
        tx.commit().await
    }

    /// Failed attempts are not written down: an append-only log that anybody can fill from outside would be one more way
    /// in, and an entry that only known accounts leave would tell which ones there are.
    async fn note_session(
        &self,
        tx: &mut Tx,
        customer: Option<CustomerNo>,
        action: Action,
        person: &User,
    ) -> Result<(), Error> {
        let subject = person.role.label().to_owned();
        self.note(tx, Note { customer, by: &person.email, action, subject, details: Value::Null }).await
    }

    /// Counts a failure of each of these subjects.
    pub(crate) async fn count_login_failures(&self, subjects: &[&[u8]]) -> Result<(), Error> {
        let span = self.login_span();
        let mut tx = self.0.db.begin().await?;
        for subject in subjects {
            store::limits::count_login_failure(&mut tx, span, subject).await?;
        }
        store::limits::forget_old_login_failures(&mut tx, span - SPANS).await?;
        tx.commit().await
    }

    fn login_span(&self) -> i64 {
        self.now().millis().div_euclid(WINDOW_MS / SPANS)
    }

    /// Refuses a subject that has failed too often of late.
    pub(crate) async fn check_throttle(&self, subject: &[u8], failures_max: i64) -> Result<(), LoginError> {
        let first = self.login_span() - SPANS + 1;
        if store::limits::login_failures(&self.0.db, first, subject).await? >= failures_max {
            let retry_after_seconds = u32::try_from(WINDOW_MS / SPANS / 1_000).unwrap_or(60);
            return Err(LoginError::Throttled { retry_after_seconds });
        }
        Ok(())
    }

    /// The person of a browser session.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such user any more, [`Error::Forbidden`] if it was disabled.
    pub async fn authenticate_user(&self, id: UserId) -> Result<SessionUser, Error> {
        let user = store::accounts::find_user(&self.0.db, id).await?.ok_or(Error::NotFound)?;
        if user.disabled_at.is_some() {
            return Err(Error::Forbidden);
        }
        let customer = match user.customer_id {
            None => None,
            Some(id) => Some(self.customer_entry(id).await?),
        };
        Ok(SessionUser { who: Who::Person(user), customer })
    }

    /// Whoever can run commands on the server may do all.
    #[must_use]
    pub fn authenticate_console(&self) -> Operator {
        Operator { by: CONSOLE.into() }
    }

    /// What a person may read. Customer roles read their own customer, whom they need not name.
    ///
    /// # Errors
    /// [`Error::NotFound`] for any other customer.
    pub fn reader(&self, user: &SessionUser, customer: Option<CustomerId>) -> Result<Reader, Error> {
        if user.role().is_of_customer() {
            let own = user.customer.clone().ok_or(Error::Forbidden)?;
            let is_own = customer.is_none_or(|id| id == own.record.customer.id);
            return if is_own { Ok(Reader { of: Some(own) }) } else { Err(Error::NotFound) };
        }
        self.reader_of_any(customer)
    }

    fn reader_of_any(&self, customer: Option<CustomerId>) -> Result<Reader, Error> {
        let find = |id| self.directory().customer(id).cloned().ok_or(Error::NotFound);
        Ok(Reader { of: customer.map(find).transpose()? })
    }

    /// Whose applications a person may manage.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a customer that the person may not know of, [`Error::Forbidden`] if it may only read.
    pub fn manager(&self, user: &SessionUser, customer: CustomerId) -> Result<Manager, Error> {
        let of = self.reader(user, Some(customer))?.of.ok_or(Error::NotFound)?;
        if !user.role().manages_applications() {
            return Err(Error::Forbidden);
        }
        Ok(Manager { of, by: user.acts_as().into() })
    }

    /// Whether a person runs the installation.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if not.
    pub fn operator(&self, user: &SessionUser) -> Result<Operator, Error> {
        if user.role() != Role::Operator {
            return Err(Error::Forbidden);
        }
        Ok(Operator { by: user.acts_as().into() })
    }

    /// Whether a person may read everything about the installation.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if not.
    pub fn supervisor(&self, user: &SessionUser) -> Result<Supervisor, Error> {
        if user.role().is_of_customer() { Err(Error::Forbidden) } else { Ok(Supervisor { _made_here: () }) }
    }

    /// Any customer's applications, for the command line.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer.
    pub fn console_manager(&self, operator: &Operator, customer: CustomerId) -> Result<Manager, Error> {
        let of = self.reader_of_any(Some(customer))?.of.ok_or(Error::NotFound)?;
        Ok(Manager { of, by: operator.by.clone() })
    }

    /// Any customer's figures, or all, for the command line.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer.
    pub fn console_reader(&self, _: &Operator, customer: Option<CustomerId>) -> Result<Reader, Error> {
        self.reader_of_any(customer)
    }

    /// Changes a person's own password and ends all of the person's sessions.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for whoever came by a link, which has no password; [`Error::Invalid`] if the current password
    /// is wrong or the new one does not do.
    pub async fn change_password(&self, user: &SessionUser, current: &str, new: &str) -> Result<(), Error> {
        let person = user.person().ok_or(Error::Forbidden)?;
        let (_, hash) = store::accounts::find_login(&self.0.db, &person.email).await?.ok_or(Error::NotFound)?;
        let mut faults = Faults::default();
        if !verify_password(current.to_owned(), hash).await? {
            faults.add("current", FaultCode::FieldInvalid, "This is not the current password.");
        }
        match new.chars().count() {
            ..PASSWORD_CHARS_MIN => {
                faults.add("new", FaultCode::FieldInvalid, format!("At least {PASSWORD_CHARS_MIN} characters."));
            }
            chars if chars > PASSWORD_CHARS_MAX => {
                faults.add("new", FaultCode::FieldTooLong, format!("At most {PASSWORD_CHARS_MAX} characters."));
            }
            _ => {}
        }
        faults.or(())?;
        let hash = hash_password(new.to_owned()).await?;
        let customer = self.no_of(person.customer_id).await?;
        let mut tx = self.0.db.begin().await?;
        store::accounts::set_password(&mut tx, person.id, &hash).await?;
        store::web_sessions::delete_of_user(&mut tx, person.id).await?;
        let (subject, details) = (person.email.clone(), serde_json::json!({ "user": person.id }));
        let action = Action::PasswordChanged;
        self.note(&mut tx, Note { customer, by: &person.email, action, subject, details }).await?;
        tx.commit().await
    }

    /// A browser session that has not expired.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn load_web_session(&self, id: &str) -> Result<Option<WebSession>, Error> {
        store::web_sessions::load(&self.0.db, id, self.now()).await
    }

    /// Writes a browser session.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn save_web_session(&self, session: WebSession) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        store::web_sessions::save(&mut tx, &session).await?;
        tx.commit().await
    }

    /// Ends a browser session.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn delete_web_session(&self, id: &str) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        store::web_sessions::delete(&mut tx, id).await?;
        tx.commit().await
    }

    /// Ends all browser sessions of a person.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn delete_web_sessions_of(&self, user: UserId) -> Result<(), Error> {
        let mut tx = self.0.db.begin().await?;
        store::web_sessions::delete_of_user(&mut tx, user).await?;
        tx.commit().await
    }
}
