//! New jobs, of videos that are on the server.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use coordinator::commands::{Add, AddError, Added, Others, Refusal};
use coordinator::{AnsweredRequest, now};
use job::JobId;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Api;
use super::files::{VideoQuery, found, no_video};
use super::jobs::one;
use super::settings::{JobSettings, settings};
use crate::extract::Asked;
use crate::problem::{Problem, Problems};
use crate::wire::{Details, PriorityName};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in bytes.
const LONGEST_KEY: usize = 255;

/// A job that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJob {
    /// The path of the video below the folder of the server, with `/` between its parts.
    #[schema(example = "input/film.mkv")]
    file: Option<String>,
    /// Or the upload that waits for a decision: its file goes to the input folder.
    upload: Option<String>,
    /// What is chosen for it.
    #[schema(value_type = Option<JobSettings>)]
    settings: Option<Map<String, Value>>,
    /// How urgent it is.
    priority: Option<PriorityName>,
    /// It waits until a person lets it go on.
    paused: Option<bool>,
    /// What becomes of unfinished jobs of the same video; `refuse` where it is left out.
    other_jobs: Option<OtherJobs>,
}

/// What becomes of unfinished jobs of the same video with other settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OtherJobs {
    /// Where there is one, no job is made, and the answer is the problem `other_job`.
    Refuse,
    /// They end and go off the list, as long as nothing of them is finished.
    Replace,
    /// They stay, and the new one is made beside them.
    Keep,
}

impl From<OtherJobs> for Others {
    fn from(others: OtherJobs) -> Self {
        match others {
            OtherJobs::Refuse => Self::Refuse,
            OtherJobs::Replace => Self::Replace,
            OtherJobs::Keep => Self::Keep,
        }
    }
}

/// Requests with keys that are under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashSet<String>>>);

/// The right to answer the request of a key.
struct Turn(UnderWay, String);

impl UnderWay {
    /// `None` while another request of the key is under way.
    fn begin(&self, key: &str) -> Option<Turn> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
        is_new.then(|| Turn(self.clone(), key.to_owned()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Self(UnderWay(keys), key) = self;
        keys.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Make a job of a video
///
/// Of a video that is a job with these settings already, the answer is that job, as it is. A request with an `Idempotency-Key` that is sent
/// again within a week gets the first answer again, also after a restart of the server.
#[utoipa::path(post, path = "/jobs", tag = "jobs", request_body = NewJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "A name that the client makes up for the request: 1 to 255 visible characters of ASCII")),
    responses((status = CREATED, body = Details, headers(("Location" = String))),
        (status = OK, description = "The job was there", body = Details, headers(("Location" = String))),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, description = "`other_job`: an unfinished job of the video has other settings; `has_work`: one that was to be replaced has finished frames; `in_progress`: a request of the key is under way",
            body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "`bad_path`, `bad_settings`, `no_video`, `is_result`, or `key_reused`: the key is that of another request",
            body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    Asked { what, digest }: Asked<NewJob>,
) -> Result<Response, Response> {
    let key = key(&headers).map_err(Problem::into_response)?;
    // It goes to its end even when the client goes away.
    let making = tokio::spawn(async move { answered(&api, key, what, digest).await });
    making.await.map_err(|error| Problem::internal(&error).into_response())?
}

/// The key of a request, where it has one.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| {
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match key {
        Some(key) if values.next().is_none() => Ok(Some(key.to_owned())),
        _ => {
            let detail = "Idempotency-Key is one name of 1 to 255 visible characters of ASCII";
            Err(Problem::bad_request(detail))
        }
    }
}

async fn answered(
    api: &Api,
    key: Option<String>,
    wanted: NewJob,
    asked: [u8; 32],
) -> Result<Response, Response> {
    let problem = Problem::into_response;
    let Some(key) = key else {
        let (status, id, answer) = made(api, wanted).await?;
        return Ok(response(status, id, answer));
    };
    let Some(_turn) = api.under_way.begin(&key) else {
        let detail = "a request with this Idempotency-Key is under way: send it again when that has ended";
        return Err(problem(Problem::new(StatusCode::CONFLICT, "in_progress", detail)));
    };
    let before = api.handle.answered_request(&key).await.map_err(|refusal| problem(refusal.into()))?;
    if let Some(before) = before {
        if before.asked != asked {
            let detail = "this Idempotency-Key is that of another request: make a new one for this";
            return Err(problem(Problem::unprocessable("key_reused", detail)));
        }
        let status = StatusCode::from_u16(before.status).unwrap_or(StatusCode::OK);
        return Ok(response(status, before.job, before.answer));
    }
    let (status, job, answer) = made(api, wanted).await?;
    let noted = AnsweredRequest { key, asked, job, status: status.as_u16(), answer, created: now() };
    api.handle.note_request(&noted).await.map_err(|refusal| problem(refusal.into()))?;
    Ok(response(status, job, noted.answer))
}

fn response(status: StatusCode, job: JobId, answer: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::LOCATION, format!("/api/v1/jobs/{}", job.0)),
    ];
    (status, headers, answer).into_response()
}

/// Makes the job, or finds it; gives the answer.
async fn made(api: &Api, wanted: NewJob) -> Result<(StatusCode, JobId, String), Response> {
    let problem = Problem::into_response;
    let NewJob { file, upload, settings: chosen, priority, paused, other_jobs } = wanted;
    let query = VideoQuery { file, upload, ..VideoQuery::default() };
    let source = found(api, &query).await.map_err(problem)?;
    let settings = settings(api, chosen.unwrap_or_default()).await.map_err(problem)?;
    let add = |source: PathBuf| Add {
        output: api.handle.output_of(&source).unwrap_or_else(|| api.tree.results_of(&source)),
        source,
        settings: settings.clone(),
        priority: priority.map(Into::into),
        is_paused: paused == Some(true),
        others: other_jobs.unwrap_or(OtherJobs::Refuse).into(),
    };
    let equal = api.handle.equal(&add(source.clone())).await.map_err(|error| problem(error.into()))?;
    let added = if let Some(id) = equal {
        Added { id, is_new: false }
    } else {
        let facts = api.handle.look(&source, settings.stream).await.map_err(no_video)?;
        if let Some(made_by) = facts.made_by.filter(|_| !settings.again) {
            let detail =
                format!("the video is a result already: {made_by}; choose `again` to enlarge it once more");
            return Err(problem(Problem::unprocessable("is_result", detail)));
        }
        // Only now, so that what cannot be made does not lie in the folder that is watched.
        let source = match &query.upload {
            Some(upload) => api.uploads.release(upload).await.map_err(problem)?,
            None => source,
        };
        api.handle.add(&add(source)).await.map_err(|error| problem(error.into()))?
    };
    let jobs = api.handle.show(&one(added.id.0)).await.map_err(|refusal| problem(refusal.into()))?;
    let job = jobs.first().ok_or_else(|| problem(Refusal::NoJob(added.id).into()))?;
    let answer = serde_json::to_string(&Details::new(job, api.words));
    let answer = answer.map_err(|error| problem(Problem::internal(&error)))?;
    Ok((if added.is_new { StatusCode::CREATED } else { StatusCode::OK }, added.id, answer))
}

impl From<AddError> for Problem {
    fn from(error: AddError) -> Self {
        let detail = error.to_string();
        match error {
            AddError::Refused(refusal) => refusal.into(),
            AddError::HasOther { id, .. } => {
                let detail =
                    format!("{detail}: choose `replace` for `other_jobs` to end it, or `keep` to make both");
                Self::new(StatusCode::CONFLICT, "other_job", detail).about_job(id.0)
            }
            AddError::HasWork { id, .. } => {
                let detail = format!("{detail}: cancel it, or choose `keep` for `other_jobs` to make both");
                Self::new(StatusCode::CONFLICT, "has_work", detail).about_job(id.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_name() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, value.parse().unwrap());
            }
            key(&headers)
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["8e03978e-40d5"]), Ok(Some("8e03978e-40d5".to_owned())));
        for wrong in [&[""][..], &["a b"], &["a", "a"], &[&"x".repeat(256)], &["ü"]] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
        let under_way = UnderWay::default();
        let first = under_way.begin("a");
        assert!(first.is_some() && under_way.begin("a").is_none() && under_way.begin("b").is_some());
        drop(first);
        assert!(under_way.begin("a").is_some());
    }
}
