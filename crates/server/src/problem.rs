//! Errors as RFC 9457 has them: problem details with a stable code for programs and a sentence for people.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coordinator::AccessError;
use coordinator::commands::Refusal;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::offer::Unfit;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What tells problems apart beyond the code: nothing.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "about:blank")]
    kind: Kind,
    /// The HTTP status in words.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// One of few words that never change, for programs.
    #[schema(example = "no_job")]
    code: &'static str,
    /// What is wrong and what to do about it, for people.
    detail: String,
    /// The setting that is wrong, where it is one; of several, the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// All that is wrong, where several settings may be.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Mistake>, required = false)]
    errors: Box<[Mistake]>,
    /// The number of the job that stands against it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<i64>,
}

/// The type of a problem: the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Kind {
    #[serde(rename = "about:blank")]
    AboutBlank,
}

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Mistake {
    /// Its name, as `crf`, `schedule.windows` or `folders.1.path`; null where it is of none.
    key: Option<String>,
    /// What is wrong, and what can be chosen.
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let detail = detail.into();
        let (status, errors) = (status.as_u16(), Box::default());
        Self { kind: Kind::AboutBlank, title, status, code, detail, key: None, errors, job: None }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// A body that can be read and asks for what cannot be.
    pub(crate) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// Settings that cannot be.
    pub(crate) fn settings(all: Vec<Unfit>) -> Self {
        let words: Vec<&str> = all.iter().map(|one| one.words.as_str()).collect();
        let problem = Self::unprocessable("bad_settings", words.join("; "));
        let key = all.first().and_then(|one| one.key.clone());
        let errors = all.into_iter().map(|Unfit { key, words }| Mistake { key, detail: words }).collect();
        Self { key, errors, ..problem }
    }

    /// With the setting that is wrong.
    pub(crate) fn about_key(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }

    /// With the job that stands against it.
    pub(crate) fn about_job(self, job: i64) -> Self {
        Self { job: Some(job), ..self }
    }

    pub(crate) fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Something that the server could not do, which is its own fault. The cause goes to the log: it may name files.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!("a request failed: {cause}");
        let detail = "the server could not do it; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, refusal.to_string());
        match &refusal {
            Refusal::NoJob(_) | Refusal::NoJobs(..) | Refusal::NoVideo(_) => {
                Self::not_found("no_job", refusal.to_string())
            }
            Refusal::SeveralVideos { .. } | Refusal::SeveralJobs(_) => conflict("several_jobs"),
            Refusal::HasEnded { .. } => conflict("has_ended"),
            Refusal::BeforeItself(_) => conflict("before_itself"),
            Refusal::OtherPriority { .. } => conflict("other_priority"),
            Refusal::Access(error) => match error {
                AccessError::TooShort
                | AccessError::TooLong
                | AccessError::BadName
                | AccessError::NoScope => Self::bad_request(error.to_string()),
                AccessError::AlreadySet => conflict("password_set"),
                AccessError::NameTaken(_) => conflict("name_taken"),
                AccessError::TooMany => conflict("too_many_tokens"),
                AccessError::NoToken(_) => Self::not_found("no_token", error.to_string()),
            },
            Refusal::OtherSettings => conflict("other_settings"),
            Refusal::ResultTaken { .. } => conflict("result_taken"),
            Refusal::IsSource { .. } => conflict("is_source"),
            Refusal::ReadOnly { .. } => conflict("read_only"),
            Refusal::NotUnderstood(_) | Refusal::Settings(_) => Self::bad_request(refusal.to_string()),
            Refusal::TooLong { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", refusal.to_string())
            }
            Refusal::NoServer | Refusal::TooSlow | Refusal::OtherUser | Refusal::Failed(_) => {
                Self::internal(&refusal)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The problems that any request may meet.
#[derive(Debug, IntoResponses)]
#[expect(dead_code, reason = "the description of the API is made of it")]
pub(crate) enum Problems {
    /// The request has a mistake.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] Problem),
    /// The request needs a session or a token.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// The token has not the scope, or the request comes from another page or is for another host.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// The server failed.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(#[to_schema] Problem),
}
