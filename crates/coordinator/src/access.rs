//! Who may use the server over HTTP: the owner's password, sessions of browsers, and tokens of programs.
//!
//! The ledger keeps the password as argon2id makes it, and of sessions and tokens their digests alone. Beside the ledger lies a
//! mark that a password is set: where the ledger was lost, it tells a server that is open from one that has to stay closed.

mod password;
mod secret;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use job::Millis;
use ledger::{Ledger, Scope, Token};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

pub use self::password::{Password, Verifier};
pub use self::secret::Secret;

use crate::commands::Refusal;

/// The mark beside the ledger.
const MARK: &str = "password-is-set";
/// A session ends after so long without use, in milliseconds: 30 days.
const SESSION_KEPT: i64 = 30 * 24 * 3600 * 1000;
/// Use of a session or a token is written so often at most, in milliseconds.
const WRITTEN_EVERY: i64 = 60_000;
/// Sessions that have ended are removed so often at most, in milliseconds.
const TIDIED_EVERY: i64 = 3_600_000;
/// Most tokens.
const MOST_TOKENS: usize = 1000;
/// Longest name of a token, in bytes.
const LONGEST_NAME: usize = 100;

/// Whether a password is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordState {
    /// None was set.
    Unset,
    /// One is set.
    Set,
    /// One was set, and was lost with the ledger.
    Lost,
}

/// What is asked of it over the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessRequest {
    /// Set the owner's password, or change it.
    SetPassword(Password),
    /// Remove the owner's password.
    RemovePassword,
    /// Make a token.
    CreateToken {
        /// What it is to be called.
        name: String,
        /// What its holder may do.
        scopes: BTreeSet<Scope>,
    },
    /// All tokens.
    Tokens,
    /// Remove a token.
    RevokeToken(String),
}

/// What came of an [`AccessRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessReply {
    /// The password is set, or removed.
    Password {
        /// Another one was set before.
        had: bool,
    },
    /// The token's secret, which is said this once.
    Created(Secret),
    /// All tokens, by their names.
    Tokens(Vec<Token>),
    /// The token is no more.
    Revoked,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum AccessError {
    /// The password is too short.
    #[error("a password has at least {} characters", Password::SHORTEST)]
    TooShort,
    /// The password is too long.
    #[error("a password has at most {} bytes", Password::LONGEST)]
    TooLong,
    /// Only a first password was to be set.
    #[error("a password is set already")]
    AlreadySet,
    /// A token cannot be called so.
    #[error(
        "the name of a token has 1 to {LONGEST_NAME} bytes, no control characters, and no spaces around it"
    )]
    BadName,
    /// Another token has the name.
    #[error("there is a token `{0}` already: choose another name, or revoke that one first")]
    NameTaken(String),
    /// A token for nothing.
    #[error("a token needs a scope: read, control or admin")]
    NoScope,
    /// There are too many tokens.
    #[error("there are {MOST_TOKENS} tokens already: revoke some that are not used any more")]
    TooMany,
    /// No token has this name.
    #[error("there is no token `{0}`")]
    NoToken(String),
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

/// Says who may use the server, and changes it. Copies are cheap, and are the same.
#[derive(Debug, Clone)]
pub struct Access(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    /// Something was set, removed or ended.
    changed: watch::Sender<()>,
    /// Held while a password is set: making its hash takes memory.
    setting: Mutex<()>,
    /// When sessions that have ended were last removed.
    tidied: AtomicI64,
}

impl Access {
    pub(crate) fn new(ledger: Ledger) -> Self {
        let changed = watch::Sender::new(());
        Self(Arc::new(Inner { ledger, changed, setting: Mutex::default(), tidied: AtomicI64::new(0) }))
    }

    /// Does what is asked over the socket.
    pub(crate) async fn perform(&self, request: AccessRequest, now: Millis) -> Result<AccessReply, Refusal> {
        Ok(match request {
            AccessRequest::SetPassword(password) => {
                AccessReply::Password { had: self.set_password(password, false).await? }
            }
            AccessRequest::RemovePassword => AccessReply::Password { had: self.remove_password().await? },
            AccessRequest::CreateToken { name, scopes } => {
                AccessReply::Created(self.create_token(&name, scopes, now).await?.1)
            }
            AccessRequest::Tokens => AccessReply::Tokens(self.tokens().await?),
            AccessRequest::RevokeToken(name) => {
                self.revoke_token(&name).await?;
                AccessReply::Revoked
            }
        })
    }

    /// Tells when who may do what was changed: what was allowed before may be so no more.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// Whether a password is set.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn password_state(&self) -> Result<PasswordState, Refusal> {
        if self.0.ledger.password().await?.is_some() {
            return Ok(PasswordState::Set);
        }
        // Where it cannot be seen, it may be there.
        let has_mark = self.mark().try_exists().unwrap_or(true);
        Ok(if has_mark { PasswordState::Lost } else { PasswordState::Unset })
    }

    /// Tells the owner's password from others; `None` where none is set.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn verifier(&self) -> Result<Option<Verifier>, Refusal> {
        Ok(self.0.ledger.password().await?.map(Verifier::new))
    }

    /// Sets the owner's password, and ends all sessions. Gives whether another one was set before.
    ///
    /// # Errors
    /// When it is too short or too long, one is set or was lost and this was to be the first, or it cannot be kept.
    pub async fn set_password(&self, password: Password, only_first: bool) -> Result<bool, Refusal> {
        password.check()?;
        let _setting = self.0.setting.lock().await;
        if only_first && self.password_state().await? != PasswordState::Unset {
            return Err(AccessError::AlreadySet.into());
        }
        let hashed = tokio::task::spawn_blocking(move || password.hash()).await;
        let kept = hashed.map_err(|error| Refusal::Failed(error.to_string()))?.map_err(Refusal::Failed)?;
        // First: a server that stops in between is closed, not open.
        self.set_mark().map_err(|error| self.mark_failed(&error))?;
        let had = self.0.ledger.set_password(&kept, only_first).await?;
        self.0.changed.send_replace(());
        Ok(had)
    }

    /// Removes the owner's password, and ends all sessions. Gives whether one was set or lost.
    ///
    /// # Errors
    /// When the ledger or the file system fails.
    pub async fn remove_password(&self) -> Result<bool, Refusal> {
        let _setting = self.0.setting.lock().await;
        let had = self.0.ledger.remove_password().await?;
        let had_mark = match std::fs::remove_file(self.mark()) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(self.mark_failed(&error)),
        };
        self.0.changed.send_replace(());
        Ok(had || had_mark)
    }

    /// Begins a session of the owner, whose password was verified so; gives what the browser is to send. `None` where the
    /// password was changed meanwhile.
    ///
    /// # Errors
    /// When the ledger or the system's source of random numbers fails.
    pub async fn begin_session(&self, verified: &Verifier, now: Millis) -> Result<Option<Secret>, Refusal> {
        let secret = Secret::new("").map_err(Refusal::Failed)?;
        let is_begun = self.0.ledger.add_session(&secret.digest(), verified.kept(), now).await?;
        self.tidy(now).await;
        Ok(is_begun.then_some(secret))
    }

    /// Whether a session goes on, which counts as its use.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn is_session(&self, secret: &Secret, now: Millis) -> Result<bool, Refusal> {
        let digest = secret.digest();
        let Some(used) = self.0.ledger.session(&digest).await? else { return Ok(false) };
        if now.0 - used.0 >= SESSION_KEPT {
            self.0.ledger.end_session(&digest).await?;
            return Ok(false);
        }
        if is_due(used, now, WRITTEN_EVERY) {
            // A full disk is no reason to shut the owner out.
            if let Err(error) = self.0.ledger.use_session(&digest, now).await {
                tracing::debug!("the use of a session was not noted: {error}");
            }
            self.tidy(now).await;
        }
        Ok(true)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn end_session(&self, secret: &Secret) -> Result<(), Refusal> {
        self.0.ledger.end_session(&secret.digest()).await?;
        self.0.changed.send_replace(());
        Ok(())
    }

    /// Makes a token, and gives its secret, which is not known later.
    ///
    /// # Errors
    /// When it cannot be called so, has no scope, there are too many, or the ledger fails.
    pub async fn create_token(
        &self,
        name: &str,
        scopes: BTreeSet<Scope>,
        now: Millis,
    ) -> Result<(Token, Secret), Refusal> {
        let is_name = (1..=LONGEST_NAME).contains(&name.len()) && name.trim() == name;
        if !is_name || name.contains(char::is_control) {
            return Err(AccessError::BadName.into());
        }
        if scopes.is_empty() {
            return Err(AccessError::NoScope.into());
        }
        if self.0.ledger.tokens().await?.len() >= MOST_TOKENS {
            return Err(AccessError::TooMany.into());
        }
        let secret = Secret::new("upscaled_").map_err(Refusal::Failed)?;
        let token = Token { name: name.to_owned(), scopes, created: now, used: None };
        if !self.0.ledger.add_token(&token, &secret.digest()).await? {
            return Err(AccessError::NameTaken(name.to_owned()).into());
        }
        Ok((token, secret))
    }

    /// The token of a secret, which counts as its use; `None` where there is none.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn token(&self, secret: &Secret, now: Millis) -> Result<Option<Token>, Refusal> {
        let digest = secret.digest();
        let Some(token) = self.0.ledger.token(&digest).await? else { return Ok(None) };
        if token.used.is_none_or(|used| is_due(used, now, WRITTEN_EVERY))
            && let Err(error) = self.0.ledger.use_token(&token, &digest, now).await
        {
            tracing::debug!("the use of the token `{}` was not noted: {error}", token.name);
        }
        Ok(Some(token))
    }

    /// All tokens, by their names.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn tokens(&self) -> Result<Vec<Token>, Refusal> {
        Ok(self.0.ledger.tokens().await?)
    }

    /// Removes a token: nothing is done with it any more.
    ///
    /// # Errors
    /// When there is none of this name, or the ledger fails.
    pub async fn revoke_token(&self, name: &str) -> Result<(), Refusal> {
        if !self.0.ledger.remove_token(name).await? {
            return Err(AccessError::NoToken(name.to_owned()).into());
        }
        self.0.changed.send_replace(());
        Ok(())
    }

    /// Removes sessions that have ended, once in a while.
    async fn tidy(&self, now: Millis) {
        let tidied = Millis(self.0.tidied.load(Ordering::Relaxed));
        if !is_due(tidied, now, TIDIED_EVERY) {
            return;
        }
        self.0.tidied.store(now.0, Ordering::Relaxed);
        if let Err(error) = self.0.ledger.end_sessions_before(Millis(now.0 - SESSION_KEPT)).await {
            tracing::debug!("old sessions were not removed: {error}");
        }
    }

    fn mark(&self) -> PathBuf {
        self.0.ledger.folder().join(MARK)
    }

    fn set_mark(&self) -> io::Result<()> {
        File::create(self.mark())?.sync_all()?;
        File::open(self.0.ledger.folder())?.sync_all()
    }

    fn mark_failed(&self, error: &io::Error) -> Refusal {
        let mark = self.mark();
        Refusal::Failed(format!("`{}` cannot be changed: {error}; check its folder's rights", mark.display()))
    }
}

/// True where it is so long ago; also where the clock was set back.
fn is_due(last: Millis, now: Millis, every: i64) -> bool {
    !(0..every).contains(&(now.0 - last.0))
}

#[cfg(test)]
mod tests;
