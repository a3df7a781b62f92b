//! What became of jobs that were to be changed.

use coordinator::commands::{Became, Outcome};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of jobs that were to be changed, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Outcomes {
    outcomes: Vec<JobOutcome>,
}

/// What became of a job that was to be changed.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct JobOutcome {
    /// The number of the job.
    id: i64,
    /// True where what was asked for was done.
    changed: bool,
    /// What became of it, in a sentence.
    detail: String,
    /// Another job that was begun, or goes on, in its place.
    other_job: Option<i64>,
}

impl Outcomes {
    pub(crate) fn new(outcomes: &[Outcome]) -> Self {
        Self { outcomes: outcomes.iter().map(JobOutcome::new).collect() }
    }
}

impl JobOutcome {
    fn new(Outcome { id, became }: &Outcome) -> Self {
        let (changed, detail) = match became {
            Became::Done => (true, "done".to_owned()),
            Became::QueuedAgain => (true, "it is queued again".to_owned()),
            Became::BegunAgain => (true, "it is made again from its beginning".to_owned()),
            Became::NewContent { job } => (true, format!("its source has other content by now: job {job}")),
            Became::OtherJob { job } => (true, format!("it is made with other settings: job {job}")),
            Became::ThereAlready { job } => (false, format!("job {job} has these settings already")),
            Became::Refused { status } => (false, format!("this cannot be done to a job that is {status}")),
            Became::NotEnded { status } => (false, format!("it has not come to its end: it is {status}")),
            Became::KeepsWork { frames } => {
                (false, format!("it has {frames} finished frames; cancel it first to throw them away"))
            }
            Became::SourceThere { source } => (
                false,
                format!("its source `{}` is still there and would be made again", source.to_string_lossy()),
            ),
            Became::SourceAway { source } => {
                (false, format!("the disk of its source `{}` is away", source.to_string_lossy()))
            }
            Became::StillNeeded => (false, "it ended a moment ago: try again in a few minutes".to_owned()),
            Became::IsDone => (false, "it is done".to_owned()),
            Became::Replaced { source, by, frames } => {
                (false, replaced(&source.to_string_lossy(), *by, *frames))
            }
            Became::Failed { message } => (false, message.clone()),
        };
        let other_job = match became {
            Became::NewContent { job } | Became::OtherJob { job } | Became::ThereAlready { job } => {
                Some(job.0)
            }
            Became::Replaced { by, .. } => by.map(|job| job.0),
            _ => None,
        };
        Self { id: id.0, changed, detail, other_job }
    }
}

fn replaced(source: &str, by: Option<job::JobId>, frames: u64) -> String {
    let by = by.map_or_else(String::new, |job| format!(", which is job {job}"));
    format!("its source `{source}` was replaced by another file{by}; its {frames} finished frames stay")
}
