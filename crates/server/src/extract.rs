//! What handlers take from requests, with problem details where it is wrong.

mod keys;

use std::time::Duration;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::LARGEST_BODY;
use crate::problem::Problem;

/// A body is there within this time: it is small.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// The query of the address.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

/// What the path of the address names.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

/// The body, which says that it is JSON, and comes in time.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if length
            .and_then(|length| length.parse().ok())
            .is_some_and(|length: u64| length > LARGEST_BODY as u64)
        {
            let detail = format!("a body has {LARGEST_BODY} bytes at most");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
        }
        let late =
            || Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the request did not come in time");
        let whole = async {
            let body = axum::Json::<Box<RawValue>>::from_request(request, state).await?;
            let axum::Json(body) = body;
            keys::check_unique(body.get()).map_err(|error| Problem::bad_request(error.to_string()))?;
            Ok(axum::Json::<T>::from_bytes(body.get().as_bytes())?.0)
        };
        tokio::time::timeout(BODY_WITHIN, whole).await.map_err(|_| late())?.map(Self)
    }
}

/// What a body asks for, where two bodies that say the same are to be known as equal.
#[derive(Debug)]
pub(crate) struct Asked<T> {
    pub(crate) what: T,
    /// The SHA-256 of what the body says, in whatever order and with whatever blanks it says it.
    pub(crate) digest: [u8; 32],
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(value) = Json::<serde_json::Value>::from_request(request, state).await?;
        let digest = Sha256::digest(value.to_string()).into();
        let what = serde_json::from_value(value);
        let what = what.map_err(|error| Problem::unprocessable("bad_body", error.to_string()))?;
        Ok(Self { what, digest })
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "no_json",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            _ => return Self::bad_request(rejection.body_text()),
        };
        Self::new(rejection.status(), code, rejection.body_text())
    }
}
