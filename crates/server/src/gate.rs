//! Who a request is from, and whether its sender may do what it asks for.
//!
//! Where the server listens on loopback alone and no password is set, everything is open. Else a request needs a session of the
//! owner, or a token whose scopes allow it.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, StatusCode, header};
use coordinator::{Access, PasswordState, Scope, Secret, now};
use tokio::sync::watch;

use crate::attempts::Attempts;
use crate::cookie;
use crate::policy::Policy;
use crate::problem::Problem;

/// Who a request is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// It does not matter: everything is open.
    Open,
    /// The owner, who signed in.
    Owner,
    /// A program with a token of these scopes.
    Token(BTreeSet<Scope>),
    /// It is not known, and a session or a token is needed.
    Unknown(PasswordState),
}

impl Caller {
    /// The scopes that the caller has, those that follow from others included.
    pub(crate) fn scopes(&self) -> BTreeSet<Scope> {
        let highest = match self {
            Self::Open | Self::Owner => Some(Scope::Admin),
            Self::Token(scopes) => scopes.last().copied(),
            Self::Unknown(_) => None,
        };
        // Each has those before it.
        Scope::ALL.into_iter().filter(|scope| Some(*scope) <= highest).collect()
    }
}

/// Knows who may do what. Copies are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) access: Access,
    pub(crate) attempts: Attempts,
    /// The server listens on loopback alone.
    is_local: bool,
}

impl Gate {
    pub(crate) fn new(access: Access, is_local: bool) -> Self {
        Self { access, attempts: Attempts::default(), is_local }
    }

    /// Who a request is from.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        if let Some(secret) = token(headers)
            && let Some(token) = self.access.token(&secret, now()).await?
        {
            return Ok(Caller::Token(token.scopes));
        }
        if let Some(secret) = cookie::session(headers)
            && self.access.is_session(&secret, now()).await?
        {
            return Ok(Caller::Owner);
        }
        Ok(match self.access.password_state().await? {
            PasswordState::Unset if self.is_local => Caller::Open,
            state => Caller::Unknown(state),
        })
    }

    /// True for a request with a valid token, which no other page can have made a browser send.
    pub(crate) async fn is_of_token(&self, headers: &HeaderMap) -> bool {
        token(headers).is_some() && matches!(self.caller(headers).await, Ok(Caller::Token(_)))
    }

    /// Lets a request pass, or says why not.
    pub(crate) async fn admit(&self, policy: Policy, headers: &HeaderMap) -> Result<Pass, Problem> {
        // Before the look, so that no change after it is missed.
        let changes = self.access.changes();
        let caller = self.caller(headers).await?;
        if let Some(scope) = policy.scope()
            && !caller.scopes().contains(&scope)
        {
            return Err(refused(&caller, scope));
        }
        let headers = headers.clone();
        Ok(Pass { gate: self.clone(), policy, caller, headers, changes, is_doubtful: false })
    }
}

/// The secret of a token that a program sends.
fn token(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::received(secret.trim()))
}

fn refused(caller: &Caller, scope: Scope) -> Problem {
    let detail = match caller {
        Caller::Unknown(PasswordState::Set) => "sign in with the owner's password, or send a token",
        Caller::Unknown(PasswordState::Unset) => {
            "other machines reach this server, and no password is set: the owner sets one with `upscaled password`"
        }
        Caller::Unknown(PasswordState::Lost) => {
            "the password was lost with the ledger: the owner sets a new one with `upscaled password`"
        }
        _ => {
            let detail = format!("the token has not the scope `{}`", scope.name());
            return Problem::new(StatusCode::FORBIDDEN, "forbidden", detail);
        }
    };
    Problem::new(StatusCode::UNAUTHORIZED, "sign_in_needed", detail)
}

/// Leave to do what a request asks for. Handlers whose answer has no end ask for it as an extension, and end their answer when
/// it has [ended](Pass::ended).
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    gate: Gate,
    policy: Policy,
    pub(crate) caller: Caller,
    headers: HeaderMap,
    changes: watch::Receiver<()>,
    /// Something has changed, and whether this still holds was not looked at.
    is_doubtful: bool,
}

impl Pass {
    /// Returns when what was allowed is so no more: the session or the token has ended, or a password is needed now. May be
    /// given up and asked again.
    pub(crate) async fn ended(&mut self) {
        loop {
            if !self.is_doubtful && self.changes.changed().await.is_err() {
                return;
            }
            self.is_doubtful = true;
            if self.gate.admit(self.policy, &self.headers).await.is_err() {
                return;
            }
            self.is_doubtful = false;
        }
    }
}
