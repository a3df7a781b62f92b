//! What the ledger knows of a job.

use job::state::Job;
use job::{FilePath, JobId, Millis, NewJob, Priority};

use crate::WorkTime;

/// What became of a job that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submission {
    /// Its number.
    pub id: JobId,
    /// False when the same source with the same content and settings was there before.
    pub is_new: bool,
}

/// A new place for a job among those of its priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueuePosition {
    /// Before all others.
    First,
    /// Before this one.
    Before(JobId),
    /// After all others.
    Last,
}

/// A job in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number.
    pub id: JobId,
    /// What was handed in.
    pub request: NewJob,
    /// When it was taken in.
    pub created: Millis,
    /// When the work on it began for the first time; unknown for those that began under an earlier version.
    pub started: Option<Millis>,
    /// How long it was worked on.
    pub work_time: WorkTime,
    /// When it last changed.
    pub changed: Millis,
    /// Its place among the jobs of its priority: the smaller the earlier.
    pub position: i64,
    /// With which model another program made its result, as long as it was not made here.
    pub made_with: Option<String>,
    /// The job whose result this one's replaces, since that was made of the same file before it was whole.
    pub replaces: Option<JobId>,
    /// A person took it off the list.
    pub is_removed: bool,
    /// What the rules know of it.
    pub job: Job,
}

impl Record {
    /// The name of the model with which its result is or was made.
    pub fn model(&self) -> &str {
        let elsewhere = self.made_with.as_deref().filter(|_| self.started.is_none());
        elsewhere.unwrap_or(self.request.settings.model.name())
    }

    /// Seconds that it was worked on until now, without the time that it waited or was paused; `None` where no work began, or where it began
    /// under an earlier version.
    pub fn seconds_worked(&self, now: Millis) -> Option<f64> {
        self.started?;
        Some(self.work_time.milliseconds(&self.job, now)? as f64 / 1000.0)
    }
}

/// A job that waits for its turn, and no more of it than the order needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its number.
    pub id: JobId,
    /// How urgent it is.
    pub priority: Priority,
    /// The video.
    pub source: FilePath,
    /// The folder that the result goes to.
    pub output: FilePath,
}
