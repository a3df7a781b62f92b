//! Tokens, by which programs use the API.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use coordinator::{Scope, now, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use crate::extract::{Json, Path};
use crate::problem::{Problem, Problems};

/// What the holder of a token may do: each scope has those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Scope)]
pub(crate) enum ScopeName {
    /// Look at everything but settings, the log and tokens.
    Read,
    /// Change jobs, and bring videos.
    Control,
    /// Change tokens, the password and settings.
    Admin,
}

impl From<Scope> for ScopeName {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self::Read,
            Scope::Control => Self::Control,
            Scope::Admin => Self::Admin,
        }
    }
}

impl From<ScopeName> for Scope {
    fn from(scope: ScopeName) -> Self {
        match scope {
            ScopeName::Read => Self::Read,
            ScopeName::Control => Self::Control,
            ScopeName::Admin => Self::Admin,
        }
    }
}

/// The tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// By their names.
    tokens: Vec<Token>,
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Token {
    /// What it is called.
    name: String,
    /// What its holder may do.
    scopes: Vec<ScopeName>,
    /// When it was made.
    #[schema(format = DateTime)]
    created: String,
    /// When it was last used, to about a minute; null where it never was.
    #[schema(format = DateTime)]
    last_used: Option<String>,
}

impl Token {
    fn new(token: &coordinator::Token) -> Self {
        Self {
            name: token.name.clone(),
            scopes: token.scopes.iter().copied().map(ScopeName::from).collect(),
            created: rfc3339(token.created),
            last_used: token.used.map(rfc3339),
        }
    }
}

/// The tokens
#[utoipa::path(get, path = "/tokens", tag = "access", responses((status = OK, body = Tokens), Problems))]
pub(crate) async fn list(State(api): State<Api>) -> Result<axum::Json<Tokens>, Problem> {
    let tokens = api.gate.access.tokens().await?;
    Ok(axum::Json(Tokens { tokens: tokens.iter().map(Token::new).collect() }))
}

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// What it is to be called: no other token has the name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What its holder may do.
    #[schema(min_items = 1)]
    scopes: Vec<ScopeName>,
}

/// A token with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    /// What programs send as `Authorization: Bearer`. It is said this once.
    secret: String,
    /// All else.
    token: Token,
}

/// Make a token
#[utoipa::path(post, path = "/tokens", tag = "access", request_body = NewToken,
    responses((status = CREATED, body = CreatedToken), (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        Problems))]
pub(crate) async fn create(
    State(api): State<Api>,
    Json(NewToken { name, scopes }): Json<NewToken>,
) -> Result<(StatusCode, axum::Json<CreatedToken>), Problem> {
    let scopes: BTreeSet<Scope> = scopes.into_iter().map(Scope::from).collect();
    let (token, secret) = api.gate.access.create_token(&name, scopes, now()).await?;
    let created = CreatedToken { secret: secret.text().to_owned(), token: Token::new(&token) };
    Ok((StatusCode::CREATED, axum::Json(created)))
}

/// Revoke a token
#[utoipa::path(delete, path = "/tokens/{name}", tag = "access", params(("name" = String, Path, description = "The name of the token")),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn revoke(State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    api.gate.access.revoke_token(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
