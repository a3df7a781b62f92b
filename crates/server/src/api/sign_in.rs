//! Signing in and out, and the owner's password.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coordinator::{Password, PasswordState, Verifier, now};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::tokens::ScopeName;
use crate::attempts::Attempt;
use crate::cookie;
use crate::extract::Json;
use crate::gate::{Caller, Pass};
use crate::problem::{Problem, Problems};

/// Who the client is to the server.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Session {
    /// The request has a valid session or token.
    signed_in: bool,
    /// Nothing can be done before signing in. Where no password is set either, the owner has to set one with the command line.
    needs_password: bool,
    /// A password is set.
    password_set: bool,
    /// What the client may do.
    scopes: Vec<ScopeName>,
}

impl Session {
    async fn of(api: &Api, caller: &Caller) -> Result<Self, Problem> {
        let state = api.gate.access.password_state().await?;
        Ok(Self {
            signed_in: matches!(caller, Caller::Owner | Caller::Token(_)),
            needs_password: matches!(caller, Caller::Unknown(_)),
            password_set: state == PasswordState::Set,
            scopes: caller.scopes().into_iter().map(ScopeName::from).collect(),
        })
    }
}

/// Who the client is to the server
#[utoipa::path(get, path = "/session", tag = "access", responses((status = OK, body = Session), Problems))]
pub(crate) async fn session(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<axum::Json<Session>, Problem> {
    let caller = api.gate.caller(&headers).await?;
    Ok(axum::Json(Session::of(&api, &caller).await?))
}

/// The owner's password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    #[schema(value_type = String)]
    password: Password,
}

/// Sign in
///
/// The session is a cookie. It ends after 30 days without use, when the owner signs out, and when the password is changed.
#[utoipa::path(post, path = "/session", tag = "access", request_body = SignIn,
    responses((status = OK, body = Session), (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn sign_in(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(SignIn { password }): Json<SignIn>,
) -> Result<Response, Response> {
    let verifier = verified(&api, password).await?;
    begin(&api, &verifier, &headers).await
}

/// Sign out
#[utoipa::path(delete, path = "/session", tag = "access", responses((status = NO_CONTENT), Problems))]
pub(crate) async fn sign_out(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(secret) = cookie::session(&headers) {
        api.gate.access.end_session(&secret).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear(&headers))]).into_response())
}

/// A new password of the owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The new one, of 8 characters or more.
    #[schema(value_type = String, min_length = 8, max_length = 1024)]
    password: Password,
    /// The one that is set, where one is.
    #[schema(value_type = Option<String>)]
    current: Option<Password>,
}

/// Set or change the owner's password
///
/// All sessions end; a browser gets a new one.
#[utoipa::path(post, path = "/owner/password", tag = "access", request_body = NewPassword,
    responses((status = OK, body = Session), (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn set_password(
    State(api): State<Api>,
    axum::Extension(pass): axum::Extension<Pass>,
    headers: HeaderMap,
    Json(NewPassword { password, current }): Json<NewPassword>,
) -> Result<Response, Response> {
    let failed = |refusal| Problem::from(refusal).into_response();
    let access = &api.gate.access;
    let is_first = current.is_none();
    if let Some(current) = current {
        verified(&api, current).await?;
    }
    access.set_password(password, is_first).await.map_err(failed)?;
    if let Caller::Token(_) = &pass.caller {
        let session = Session::of(&api, &pass.caller).await.map_err(IntoResponse::into_response)?;
        return Ok(axum::Json(session).into_response());
    }
    let verifier = access.verifier().await.map_err(failed)?;
    begin(&api, &verifier.ok_or_else(no_password)?, &headers).await
}

/// Begins a session, and gives it to the browser.
async fn begin(api: &Api, verifier: &Verifier, headers: &HeaderMap) -> Result<Response, Response> {
    let failed = |refusal| Problem::from(refusal).into_response();
    let begun = api.gate.access.begin_session(verifier, now()).await.map_err(failed)?;
    // Another password was set meanwhile.
    let secret = begun.ok_or_else(wrong_password)?;
    let session = Session::of(api, &Caller::Owner).await.map_err(IntoResponse::into_response)?;
    Ok(([(header::SET_COOKIE, cookie::set(&secret, headers))], axum::Json(session)).into_response())
}

/// Compares a password with the owner's.
async fn verified(api: &Api, password: Password) -> Result<Verifier, Response> {
    let verifier =
        api.gate.access.verifier().await.map_err(|refusal| Problem::from(refusal).into_response())?;
    let verifier = verifier.ok_or_else(no_password)?;
    let attempt = api.gate.attempts.attempt(verifier, password).await;
    match attempt.map_err(IntoResponse::into_response)? {
        Attempt::Right(verifier) => Ok(verifier),
        Attempt::Wrong => Err(wrong_password()),
        Attempt::TooMany(wait) => {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let detail = format!("there were too many wrong passwords; try again in {seconds} s");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
            Err(([(header::RETRY_AFTER, seconds.to_string())], problem).into_response())
        }
    }
}

fn wrong_password() -> Response {
    let detail = "this is not the password of the owner";
    Problem::new(StatusCode::UNAUTHORIZED, "wrong_password", detail).into_response()
}

fn no_password() -> Response {
    Problem::new(StatusCode::CONFLICT, "no_password", "no password is set").into_response()
}
