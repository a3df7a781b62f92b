//! The jobs: the list, one of them, its segments, and its turn.

use std::collections::BTreeSet;

use axum::extract::State;
use coordinator::MOST_SEGMENTS;
use coordinator::commands::{Kind, NewPosition, PageQuery, Refusal, Selector, Which};
use job::JobId;
use job::state::{Numbered, WorkState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::outcome::Outcomes;
use crate::extract::{Json, Path, Query};
use crate::problem::{Problem, Problems};
use crate::wire::{Details, File, Job, PriorityName};

/// Jobs of a page where the request does not say.
const PAGE: u32 = 100;
/// Most jobs of a page.
const LARGEST_PAGE: u32 = 500;
/// Longest text that is searched for, in bytes.
const LONGEST_SEARCH: usize = 1000;

/// Which jobs of the list are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Kinds of jobs, with commas between them: running, waiting, paused, failed, done, canceled. All where it is left out.
    #[param(example = "failed,done")]
    state: Option<String>,
    /// Text in the path of the source, whatever the case of its ASCII letters.
    #[param(max_length = 1000)]
    search: Option<String>,
    /// So many jobs at most; 100 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    after: Option<String>,
}

/// A page of the list of jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobPage {
    /// What is worked on, then what will be, in that order, then what has come to its end, the newest first.
    jobs: Vec<Job>,
    /// What `after` is for the next page; null on the last one.
    next: Option<String>,
    /// How many jobs all pages have.
    total: u64,
    /// How many jobs there are on the list, whatever was asked for.
    counts: JobCounts,
    /// The files in the input folder that are no jobs yet; only on the first page.
    files: Vec<File>,
    /// The number of the latest event before the page was made.
    last_event: i64,
}

/// How many jobs of each kind are on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct JobCounts {
    running: u64,
    waiting: u64,
    paused: u64,
    failed: u64,
    done: u64,
    canceled: u64,
}

/// The list of jobs
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(ListQuery),
    responses((status = OK, body = JobPage), Problems))]
pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<JobPage>, Problem> {
    let is_first = query.after.is_none();
    let query = query.check()?;
    // Before the page is read, so that no event after it is missed by a client that goes on from there.
    let last_event = api.handle.last_event().await?;
    let page = api.handle.page(&query).await?;
    let [running, waiting, paused, failed, done, canceled] = api.handle.counts().await?;
    let files = if is_first { api.handle.files().await? } else { Vec::new() };
    Ok(axum::Json(JobPage {
        jobs: page.jobs.iter().map(|job| Job::new(job, api.words)).collect(),
        next: page.next.map(|next| next.to_string()),
        total: page.total,
        counts: JobCounts { running, waiting, paused, failed, done, canceled },
        files: files.iter().map(File::new).collect(),
        last_event,
    }))
}

impl ListQuery {
    fn check(self) -> Result<PageQuery, Problem> {
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=LARGEST_PAGE).contains(&limit) {
            return Err(Problem::bad_request(format!("limit is 1 to {LARGEST_PAGE}")));
        }
        if self.search.as_ref().is_some_and(|search| search.len() > LONGEST_SEARCH) {
            return Err(Problem::bad_request(format!("search has {LONGEST_SEARCH} bytes at most")));
        }
        let after = self.after.map(|after| after.parse()).transpose();
        Ok(PageQuery {
            kinds: kinds(self.state.as_deref().unwrap_or_default())?,
            search: self.search.filter(|search| !search.is_empty()),
            after: after.map_err(|error| Problem::bad_request(format!("after: {error}")))?,
            limit,
        })
    }
}

fn kinds(names: &str) -> Result<BTreeSet<Kind>, Problem> {
    let named = names.split(',').filter(|name| !name.is_empty());
    named
        .map(|name| {
            let kind = serde_json::from_value(serde_json::Value::from(name));
            kind.map_err(|_| {
                Problem::bad_request("state is some of running, waiting, paused, failed, done, canceled")
            })
        })
        .collect()
}

/// All about one job
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = i64, Path, description = "The number of the job")),
    responses((status = OK, body = Details), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn show(
    State(api): State<Api>,
    Path(id): Path<i64>,
) -> Result<axum::Json<Details>, Problem> {
    let jobs = api.handle.show(&one(id)).await?;
    let job = jobs.first().ok_or(Refusal::NoJob(JobId(id)))?;
    Ok(axum::Json(Details::new(job, api.words)))
}

/// One job, by its number.
pub(super) fn one(id: i64) -> Which {
    Which::Named(vec![Selector::number(JobId(id))])
}

/// Which segments of a job are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentQuery {
    /// The number of the first one; 0 where it is left out.
    from: Option<u32>,
    /// So many at most; 5000 where it is left out.
    #[param(minimum = 1, maximum = 5000)]
    limit: Option<u32>,
}

/// Some segments of a job, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Segments {
    /// The segments. There are none before the source was read, and none any more once the job is done.
    segments: Vec<Segment>,
}

/// A segment: frames that are made by one worker at a time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Segment {
    /// Its number, from 0 on.
    number: u32,
    /// Its first frame.
    first: u32,
    /// The frame after its last.
    end: u32,
    /// What happens to it.
    state: SegmentState,
    /// Attempts that failed.
    failed_attempts: u32,
    /// Frames that are repeats of the frame before, and were not computed again; known once it is finished.
    reused_frames: Option<u32>,
}

/// What happens to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SegmentState {
    /// No worker has it.
    Waiting,
    /// A worker makes it.
    Running,
    /// It is made and verified, and stays.
    Finished,
}

impl Segment {
    fn new(Numbered { index, segment }: &Numbered) -> Self {
        let state = match (&segment.digest, &segment.work.state) {
            (Some(_), _) => SegmentState::Finished,
            (None, WorkState::Running(_)) => SegmentState::Running,
            (None, WorkState::Pending) => SegmentState::Waiting,
        };
        Self {
            number: *index,
            first: segment.range.first,
            end: segment.range.end,
            state,
            failed_attempts: segment.work.attempts,
            reused_frames: segment.digest.as_ref().map(|digest| digest.reused.frames),
        }
    }
}

/// The segments of a job
#[utoipa::path(get, path = "/jobs/{id}/segments", tag = "jobs",
    params(("id" = i64, Path, description = "The number of the job"), SegmentQuery),
    responses((status = OK, body = Segments), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn segments(
    State(api): State<Api>,
    Path(id): Path<i64>,
    Query(query): Query<SegmentQuery>,
) -> Result<axum::Json<Segments>, Problem> {
    let limit = query.limit.unwrap_or(MOST_SEGMENTS);
    if !(1..=MOST_SEGMENTS).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {MOST_SEGMENTS}")));
    }
    let segments = api.handle.segments(JobId(id), query.from.unwrap_or(0), limit).await?;
    Ok(axum::Json(Segments { segments: segments.iter().map(Segment::new).collect() }))
}

/// How urgent a job is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPriority {
    priority: PriorityName,
}

/// Make a job more or less urgent
#[utoipa::path(put, path = "/jobs/{id}/priority", tag = "jobs", request_body = NewPriority,
    params(("id" = i64, Path, description = "The number of the job")),
    responses((status = OK, body = Outcomes), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn set_priority(
    State(api): State<Api>,
    Path(id): Path<i64>,
    Json(new): Json<NewPriority>,
) -> Result<axum::Json<Outcomes>, Problem> {
    let outcomes = api.handle.prioritize(&one(id), new.priority.into()).await?;
    Ok(axum::Json(Outcomes::new(&outcomes)))
}

/// Where a job is to go among the waiting jobs of its priority.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Position {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// Before the job of this number.
    Before(i64),
}

/// A job's new place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveTo {
    to: Position,
}

/// Give a job another place among those of its priority
#[utoipa::path(put, path = "/jobs/{id}/position", tag = "jobs", request_body = MoveTo,
    params(("id" = i64, Path, description = "The number of the job")),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn set_position(
    State(api): State<Api>,
    Path(id): Path<i64>,
    Json(new): Json<MoveTo>,
) -> Result<axum::http::StatusCode, Problem> {
    let to = match new.to {
        Position::First => NewPosition::First,
        Position::Last => NewPosition::Last,
        Position::Before(other) => NewPosition::Before(Selector::number(JobId(other))),
    };
    api.handle.set_position(&[Selector::number(JobId(id))], &to).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}
