//! Access tokens of programs (OAuth 2.0 client credentials).
//!
//! A token carries which secret of which application it was issued for, until when, and a signature under a key of
//! the installation. Every process can check it in memory, and one whose secret has been revoked is refused as soon
//! as the process's directory knows.

use crate::actor::{ApiClient, Reader};
use crate::clock::random_bytes;
use crate::error::Error;
use crate::{Engine, directory::ApplicationEntry, store};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::ids::ApplicationNo;
use domain::timestamp::SECOND_MS;
use domain::{SecretId, Timestamp};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Begins every token, so that scanners can find leaked ones.
const PREFIX: &str = "rlt_";
const PAYLOAD_BYTES: usize = 4 + 16 + 8 + 1;
const MAC_BYTES: usize = 32;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiScope {
    /// Post events.
    EventsWrite,
    /// Read the catalogue.
    HelplinesRead,
    /// Read figures and usage.
    AnalyticsRead,
}

impl ApiScope {
    /// Every scope; a token has all of them unless its request asked for fewer.
    pub const ALL: [Self; 3] = [Self::EventsWrite, Self::HelplinesRead, Self::AnalyticsRead];

    /// The name in OAuth.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventsWrite => "events:write",
            Self::HelplinesRead => "helplines:read",
            Self::AnalyticsRead => "analytics:read",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A new access token.
pub struct IssuedToken {
    pub access_token: String,
    pub expires_in_seconds: u32,
    /// Space-separated names.
    pub scope: String,
}

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum TokenRequestError {
    /// Unknown client, wrong or revoked secret.
    #[error("invalid client")]
    InvalidClient,
    /// The application was suspended by an operator.
    #[error("suspended application")]
    Suspended,
    /// A scope that does not exist.
    #[error("invalid scope")]
    InvalidScope,
    /// The store could not be asked.
    #[error(transparent)]
    Unavailable(#[from] Error),
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// No token of ours, or one whose secret was revoked.
    #[error("invalid token")]
    Invalid,
    #[error("expired token")]
    Expired,
    /// The application was suspended by an operator.
    #[error("suspended application")]
    Suspended,
}

/// The SHA-256 of a secret. Secrets have 256 random bits, so a fast hash is as good as a slow one.
pub(crate) fn hash_secret(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A new random secret.
pub(crate) fn new_secret() -> String {
    format!("rls_{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()))
}

fn valid_secret(entry: &ApplicationEntry, secret: &str) -> Option<SecretId> {
    let hash = hash_secret(secret);
    let hashes = entry.record.hashes.iter().zip(&entry.record.application.secrets);
    hashes.filter(|(known, _)| bool::from(known.as_slice().ct_eq(&hash))).map(|(_, secret)| secret.id).next()
}

impl Engine {
    /// Issues a token for client credentials. `scope` names scopes separated by spaces; all of them if it is absent.
    ///
    /// # Errors
    /// See [`TokenRequestError`].
    pub async fn issue_token(
        &self,
        client_id: &str,
        client_secret: &str,
        scope: Option<&str>,
    ) -> Result<IssuedToken, TokenRequestError> {
        let mut client = self.check_credentials(client_id, client_secret);
        if client.is_none() && !self.directory().is_current(&self.0.db).await? {
            // The credentials may have been made a moment ago by another process.
            self.refresh_directory().await?;
            client = self.check_credentials(client_id, client_secret);
        }
        let (application, secret) = client.ok_or(TokenRequestError::InvalidClient)??;
        let scopes = requested_scopes(scope)?;
        let bits = scopes.iter().fold(0, |bits, scope| bits | scope.bit());
        let expires_at = self.now().plus(i64::from(self.0.settings.token_ttl_seconds) * SECOND_MS);
        Ok(IssuedToken {
            access_token: self.sign_token(application, secret, expires_at, bits).await?,
            expires_in_seconds: self.0.settings.token_ttl_seconds,
            scope: scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        })
    }

    /// The application and the secret, if they are known. That an application is suspended is told only to its own.
    fn check_credentials(
        &self,
        client_id: &str,
        client_secret: &str,
    ) -> Option<Result<(ApplicationNo, SecretId), TokenRequestError>> {
        let directory = self.directory();
        let entry = directory.application_of_client(client_id)?;
        let secret = valid_secret(entry, client_secret)?;
        let is_suspended = entry.record.application.suspended_at.is_some();
        Some(if is_suspended { Err(TokenRequestError::Suspended) } else { Ok((entry.record.no, secret)) })
    }

    async fn sign_token(
        &self,
        application: ApplicationNo,
        secret: SecretId,
        expires_at: Timestamp,
        scopes: u8,
    ) -> Result<String, Error> {
        let mut token = Vec::with_capacity(PAYLOAD_BYTES + MAC_BYTES);
        token.extend(application.0.to_be_bytes());
        token.extend(secret.uuid().as_bytes());
        token.extend(expires_at.millis().to_be_bytes());
        token.push(scopes);
        let mut mac = self.token_mac().await?;
        mac.update(&token);
        token.extend(mac.finalize().into_bytes());
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token)))
    }

    /// The key that signs tokens, made when it is first needed.
    async fn token_mac(&self) -> Result<Hmac<Sha256>, Error> {
        if let Some(mac) = self.0.token_mac.get() {
            return Ok(mac.clone());
        }
        let key = match store::directory::token_key(&self.0.db).await? {
            Some(key) => key,
            None => {
                let mut tx = self.0.db.begin().await?;
                store::directory::make_token_key(&mut tx, &URL_SAFE_NO_PAD.encode(random_bytes::<32>())).await?;
                tx.commit().await?;
                store::directory::token_key(&self.0.db).await?.ok_or(Error::NotFound)?
            }
        };
        let mac = Hmac::new_from_slice(key.as_bytes()).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(self.0.token_mac.get_or_init(|| mac).clone())
    }

    /// Makes sure that the key that signs tokens is in memory: from then on tokens are checked without a query.
    pub(crate) async fn load_token_key(&self) -> Result<(), Error> {
        self.token_mac().await.map(drop)
    }

    /// Checks an access token, in memory.
    ///
    /// # Errors
    /// See [`TokenRefusal`].
    pub fn authenticate_token(&self, bearer: &str) -> Result<ApiClient, TokenRefusal> {
        let encoded = bearer.strip_prefix(PREFIX).ok_or(TokenRefusal::Invalid)?;
        let token = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenRefusal::Invalid)?;
        let token: &[u8; PAYLOAD_BYTES + MAC_BYTES] = token.as_slice().try_into().map_err(|_| TokenRefusal::Invalid)?;
        let (payload, signature) = token.split_at(PAYLOAD_BYTES);
        let mut mac = self.0.token_mac.get().ok_or(TokenRefusal::Invalid)?.clone();
        mac.update(payload);
        mac.verify_slice(signature).map_err(|_| TokenRefusal::Invalid)?;
        let (application, secret, expires_at, scopes) = read_payload(payload).ok_or(TokenRefusal::Invalid)?;
        if expires_at <= self.now() {
            return Err(TokenRefusal::Expired);
        }
        let directory = self.directory();
        let application = directory.application(application).ok_or(TokenRefusal::Invalid)?;
        if !application.record.application.secrets.iter().any(|known| known.id == secret) {
            return Err(TokenRefusal::Invalid);
        }
        if application.record.application.suspended_at.is_some() {
            return Err(TokenRefusal::Suspended);
        }
        Ok(ApiClient { application: application.clone(), scopes })
    }

    /// What a program may read: the figures of its customer.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the scope for it.
    pub fn api_reader(&self, client: &ApiClient) -> Result<Reader, Error> {
        client.require(ApiScope::AnalyticsRead)?;
        Ok(Reader { of: Some(client.application.customer.clone()) })
    }
}

fn read_payload(payload: &[u8]) -> Option<(ApplicationNo, SecretId, Timestamp, u8)> {
    let (application, rest) = payload.split_first_chunk::<4>()?;
    let (secret, rest) = rest.split_first_chunk::<16>()?;
    let (expires_at, rest) = rest.split_first_chunk::<8>()?;
    Some((
        ApplicationNo(u32::from_be_bytes(*application)),
        SecretId::from_uuid(Uuid::from_bytes(*secret)),
        Timestamp::from_millis(i64::from_be_bytes(*expires_at)),
        *rest.first()?,
    ))
}

fn requested_scopes(scope: Option<&str>) -> Result<Vec<ApiScope>, TokenRequestError> {
    let Some(scope) = scope.map(str::trim).filter(|scope| !scope.is_empty()) else { return Ok(ApiScope::ALL.to_vec()) };
    let mut scopes = Vec::new();
    for name in scope.split_ascii_whitespace() {
        let scope = ApiScope::from_name(name).ok_or(TokenRequestError::InvalidScope)?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}
