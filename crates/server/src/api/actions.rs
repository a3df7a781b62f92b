//! What people do with jobs that are there.

use axum::extract::State;
use coordinator::commands::{Selector, Which};
use job::JobId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::jobs::one;
use super::outcome::Outcomes;
use crate::extract::{Json, Path};
use crate::problem::{Problem, Problems};

/// Most jobs that one request names.
const MOST_JOBS: usize = 1000;

/// What is to be done to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Let them wait; segments that are under way are finished first.
    Pause,
    /// Let paused ones go on.
    Resume,
    /// End them, and throw their unfinished work away.
    Cancel,
    /// Let failed and canceled ones go on.
    Retry,
    /// Make results again from the beginning, with the same settings.
    MakeAgain,
    /// Take ended ones off the list; results and videos stay.
    Remove,
    /// Forget ended ones whose videos are gone; results stay.
    Forget,
}

/// Jobs, by their numbers or by what they have in common.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Jobs {
    /// All of which it can be asked.
    All,
    /// All that have failed.
    Failed,
    /// Those of these numbers.
    Numbers(Vec<i64>),
}

/// Something that is to be done to jobs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    action: Action,
    jobs: Jobs,
}

/// Do something to jobs
#[utoipa::path(post, path = "/jobs/actions", tag = "jobs", request_body = Wish,
    responses((status = OK, body = Outcomes), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn act(
    State(api): State<Api>,
    Json(wish): Json<Wish>,
) -> Result<axum::Json<Outcomes>, Problem> {
    let jobs = match wish.jobs {
        Jobs::All => Which::All,
        Jobs::Failed => Which::Failed,
        Jobs::Numbers(numbers) if numbers.len() > MOST_JOBS => {
            return Err(Problem::bad_request(format!("name {MOST_JOBS} jobs at most, or all")));
        }
        Jobs::Numbers(numbers) => {
            Which::Named(numbers.into_iter().map(|id| Selector::number(JobId(id))).collect())
        }
    };
    done(&api, wish.action, &jobs).await
}

/// Do something to one job
#[utoipa::path(post, path = "/jobs/{id}/actions/{action}", tag = "jobs",
    params(("id" = i64, Path, description = "The number of the job"), ("action" = Action, Path, description = "What is to be done")),
    responses((status = OK, body = Outcomes), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn act_on_one(
    State(api): State<Api>,
    Path((id, action)): Path<(i64, Action)>,
) -> Result<axum::Json<Outcomes>, Problem> {
    done(&api, action, &one(id)).await
}

async fn done(api: &Api, action: Action, jobs: &Which) -> Result<axum::Json<Outcomes>, Problem> {
    let handle = &api.handle;
    let outcomes = match action {
        Action::Pause => handle.pause(jobs).await,
        Action::Resume => handle.resume(jobs).await,
        Action::Cancel => handle.cancel(jobs).await,
        Action::Retry => handle.retry(jobs, false, None).await,
        Action::MakeAgain => handle.retry(jobs, true, None).await,
        Action::Remove => handle.remove(jobs).await,
        Action::Forget => handle.forget(jobs, None, false).await,
    };
    Ok(axum::Json(Outcomes::new(&outcomes?)))
}
