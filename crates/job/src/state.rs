//! The state machines of a job and of a segment: [`step`] holds every rule of claiming, finishing, failing, pausing,
//! cancelling and trying again.
//!
//! An event costs the same however long the film is: it sees the job, and of its segments those that [`Event::needs`] names.
//! What an event means for all others is one of a few changes ([`Others`]), which a store makes in one go. [`InMemory`] is a
//! store that shows how.
//!
//! Invariants, whatever the order of events:
//! - an epoch has one owner, and only the owner of the latest epoch can finish a piece of work;
//! - a job that is done, failed or cancelled changes only by [`Event::Retry`] (and done never does), and one that has failed
//!   by [`Event::Cancel`];
//! - a finished segment is worked again only when it was found damaged, the plan was thrown away, or another encoder took
//!   over that cannot share a file with the first;
//! - no work of a paused job is given out.

mod attempt;
mod in_memory;
mod segment;
mod step;
#[cfg(test)]
mod tests;
mod totals;

use serde::{Deserialize, Serialize};

use crate::{
    Content, Failure, FailureKind, JobId, Millis, Notice, Plan, PlannedSegment, Priority, SegmentRange,
    SourceFacts,
};

pub use attempt::{Death, FailedAttempt, MOST_FAILED_ATTEMPTS};
pub use in_memory::InMemory;
pub use segment::{Numbered, Others, Reused, Segment, SegmentDigest};
pub use step::{Step, step};
pub use totals::Totals;

/// Attempts of a piece of work before the job fails.
pub const ATTEMPTS: u32 = 3;
/// Milliseconds to wait after the first and after the second failed attempt, at least; up to a quarter comes on top.
pub const BACKOFF: [i64; ATTEMPTS as usize - 1] = [1_000, 4_000];

/// How the frame list is made. Every frame is decoded for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexMethod {
    /// Segments are decoded from keyframes that were proven.
    #[default]
    Demux,
    /// Segments are decoded from the start of the file: slow, but true where a decoder does not give the same from elsewhere.
    Decode,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The frame list is to be made.
    Index,
    /// Segments are to be made.
    Segments,
    /// The result is to be put together and verified.
    Join,
    /// The result is to appear under its name.
    Publish,
}

/// What happens to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for its turn.
    Queued,
    /// It is worked on.
    Running,
    /// It waits until so many bytes are free.
    WaitingForSpace {
        /// Bytes needed.
        bytes: u64,
    },
    /// It waits until a folder that it needs is back.
    WaitingForFolder {
        /// Which one, and what is wrong with it: one sentence for people.
        reason: String,
    },
    /// A person lets it wait. Work that was under way may still be finished.
    Paused,
    /// The result is in its place.
    Done,
    /// It cannot go on.
    Failed {
        /// Why, and what to do.
        reason: Notice,
    },
    /// A person ended it.
    Canceled,
}

impl Status {
    /// True when nothing more happens by itself.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Failed { .. } | Self::Canceled)
    }

    /// The name for people and files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::WaitingForSpace { .. } => "waiting for space",
            Self::WaitingForFolder { .. } => "waiting for folder",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// The right to do a piece of work until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who has it.
    pub worker: String,
    /// When it ends unless it is renewed.
    pub until: Millis,
}

/// A segment that lies in the job's folder, whichever attempt made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredSegment {
    /// Its number.
    pub index: u32,
    /// Epoch of the attempt that made it.
    pub epoch: u32,
    /// Its frames and what proves that it is finished; `None` for a file that is of no use.
    pub finished: Option<(SegmentRange, SegmentDigest)>,
}

/// What happens to a piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkState {
    /// No worker has it.
    Pending,
    /// A worker has it.
    Running(Lease),
}

/// One piece of work that can be claimed: the index, a segment, the join, the publishing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// What happens to it.
    pub state: WorkState,
    /// Fencing token: how often it has been claimed.
    pub epoch: u32,
    /// Attempts that failed.
    pub attempts: u32,
    /// It is not claimed before this time.
    pub not_before: Millis,
}

impl Work {
    /// Work that no worker has touched.
    pub const fn new() -> Self {
        Self { state: WorkState::Pending, epoch: 0, attempts: 0, not_before: Millis(0) }
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new()
    }
}

/// A job, as far as the rules know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its number; 0 for one that is not in a ledger.
    pub id: JobId,
    /// How urgent it is.
    pub priority: Priority,
    /// What happens to it.
    pub status: Status,
    /// How far it is.
    pub phase: Phase,
    /// The work of the phases that are not [`Phase::Segments`].
    pub work: Work,
    /// How the frame list is made.
    pub method: IndexMethod,
    /// What indexing found, but for the keyframes, of which segments keep what matters; present from [`Phase::Segments`] on.
    pub facts: Option<SourceFacts>,
    /// The plan; present from [`Phase::Segments`] on.
    pub plan: Option<Plan>,
    /// What its segments amount to.
    pub totals: Totals,
    /// The highest epoch that any of its work has had.
    pub highest_epoch: u32,
    /// When the last of its leases ends, unless that is renewed; of no meaning while nothing is leased.
    pub lease_until: Millis,
    /// Size of the finished result; present in [`Phase::Publish`].
    pub result_bytes: Option<u64>,
    /// The failed attempts at work that is not finished; those that ended the job, once it has failed.
    pub failed_attempts: Vec<FailedAttempt>,
}

impl Job {
    /// A new job.
    pub const fn new() -> Self {
        Self {
            id: JobId(0),
            priority: Priority::Normal,
            status: Status::Queued,
            phase: Phase::Index,
            work: Work::new(),
            method: IndexMethod::Demux,
            facts: None,
            plan: None,
            totals: Totals::NONE,
            highest_epoch: 0,
            lease_until: Millis(0),
            result_bytes: None,
            failed_attempts: Vec::new(),
        }
    }

    /// Frames of finished segments.
    pub const fn frames_done(&self) -> u64 {
        self.totals.frames
    }

    /// Segments of the plan; 0 before there is one.
    pub fn segments(&self) -> u32 {
        self.plan.as_ref().map_or(0, |plan| plan.segments)
    }
}

impl Default for Job {
    fn default() -> Self {
        Self::new()
    }
}

/// A piece of work that has been given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Make the frame list.
    Index {
        /// Fencing token.
        epoch: u32,
        /// How.
        method: IndexMethod,
    },
    /// Make a segment.
    Segment {
        /// Its number.
        index: u32,
        /// Fencing token.
        epoch: u32,
        /// Its frames.
        range: SegmentRange,
        /// See [`PlannedSegment::lead_in`].
        lead_in: u32,
    },
    /// Put the result together.
    Join {
        /// Fencing token.
        epoch: u32,
    },
    /// Give the result its name.
    Publish {
        /// Fencing token.
        epoch: u32,
    },
}

impl Task {
    /// Which work it is, to name it in events.
    pub const fn key(&self) -> TaskKey {
        match *self {
            Self::Index { epoch, .. } | Self::Join { epoch } | Self::Publish { epoch } => {
                TaskKey { segment: None, epoch }
            }
            Self::Segment { index, epoch, .. } => TaskKey { segment: Some(index), epoch },
        }
    }
}

/// Names an attempt at a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskKey {
    /// The segment; `None` for the work of the other phases.
    pub segment: Option<u32>,
    /// Fencing token.
    pub epoch: u32,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A worker asks for work.
    Claim {
        /// Who asks.
        worker: String,
        /// How long the lease is to last.
        lease_milliseconds: i64,
    },
    /// A worker is alive.
    Renew {
        /// Who.
        worker: String,
        /// How long its leases are to last from now on.
        lease_milliseconds: i64,
    },
    /// A worker was stopped on purpose: its work is free again, and no attempt is counted.
    Release {
        /// Who; `None` for all.
        worker: Option<String>,
    },
    /// The frame list is made.
    Indexed {
        /// Which attempt.
        task: TaskKey,
        /// What was found.
        facts: Box<SourceFacts>,
        /// The plan that follows from it.
        plan: Plan,
        /// Its segments.
        segments: Vec<PlannedSegment>,
    },
    /// A segment is finished, verified and synced.
    SegmentDone {
        /// Which attempt.
        task: TaskKey,
        /// What proves it.
        digest: SegmentDigest,
    },
    /// Segments lie in the job's folder that the ledger may not know: it was lost, or is older than they are. Those that
    /// are finished count, and the epochs of others go on above the names that are taken.
    Recovered {
        /// All that is there.
        segments: Vec<RecoveredSegment>,
    },
    /// The whole source was read again, and is what it was when it was indexed.
    Compared(Content),
    /// The result is complete, verified and synced under its temporary name.
    Joined {
        /// Which attempt.
        task: TaskKey,
        /// Size of the result.
        bytes: u64,
    },
    /// The result was made before, as what lies beside it says: by a server whose ledger was lost.
    Known {
        /// Size of the result.
        bytes: u64,
    },
    /// The result has its name.
    Published {
        /// Which attempt.
        task: TaskKey,
    },
    /// The complete result is gone before it had its name: it must be put together again.
    ResultLost {
        /// Which attempt.
        task: TaskKey,
    },
    /// An attempt failed.
    Failed {
        /// Which attempt.
        task: TaskKey,
        /// How.
        failure: Failure,
    },
    /// The worker of an attempt died, or was killed because it hung.
    WorkerLost {
        /// Which attempt.
        task: TaskKey,
        /// One sentence for people.
        message: String,
        /// What it left behind.
        death: Death,
    },
    /// What the job waited for is there: room on the disk, or a folder.
    WaitOver,
    /// A person lets the job wait.
    Pause,
    /// A person lets a paused job go on.
    Resume,
    /// A person makes the job more or less urgent.
    Prioritize(Priority),
    /// A person ends the job and gives its unfinished work up, also that of one that has failed.
    Cancel,
    /// A person wants a failed or cancelled job to go on.
    Retry,
}

/// What has to be done because of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// This work was given out.
    Granted(Task),
    /// The event changed nothing.
    Refused(Refusal),
    /// Segments made so far are of no use any more: the files that the job does not list can go.
    DropSegments,
    /// The job came to its end.
    Ended,
}

/// Why an event changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no work now.
    NothingToDo,
    /// The attempt is not the latest one any more.
    Stale,
    /// The job's status does not allow it.
    WrongStatus,
}

/// The segments that a store hands to [`step`] with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// None.
    Nothing,
    /// The first that has no digest and [is free](Segment::is_free); none where there is no such.
    NextFree,
    /// Those that workers have leases on.
    Running,
    /// Those of these numbers, as far as there are such.
    These(Vec<u32>),
}

impl Event {
    /// Which segments of a job it is about.
    pub fn needs(&self, job: &Job) -> Needs {
        match self {
            Self::Claim { .. } if job.phase == Phase::Segments => Needs::NextFree,
            Self::Renew { .. } | Self::Release { .. } if job.totals.running > 0 => Needs::Running,
            Self::Recovered { segments } => {
                Needs::These(segments.iter().map(|segment| segment.index).collect())
            }
            Self::Failed { task: TaskKey { segment: None, .. }, failure } => match &failure.kind {
                FailureKind::SegmentsDamaged { indices } => Needs::These(indices.clone()),
                _ => Needs::Nothing,
            },
            Self::SegmentDone { task, .. } | Self::Failed { task, .. } | Self::WorkerLost { task, .. } => {
                task.segment.map_or(Needs::Nothing, |index| Needs::These(vec![index]))
            }
            _ => Needs::Nothing,
        }
    }
}
