//! The state machine of a job: [`step`] holds every rule of claiming, finishing, failing, pausing, cancelling and trying
//! again.
//!
//! Invariants, whatever the order of events:
//! - an epoch has one owner, and only the owner of the latest epoch can finish a piece of work;
//! - a job that is done, failed or cancelled changes only by [`Event::Retry`] (and done never does), and one that has failed
//!   by [`Event::Cancel`];
//! - a finished segment is worked again only when it was found damaged, the plan was thrown away, or another encoder took
//!   over that cannot share a file with the first;
//! - no work of a paused job is given out.

mod attempt;
mod step;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::message::{Failure, IndexMethod};
use crate::{JobId, Millis, Plan, Priority, SegmentRange, SourceFacts};

pub use attempt::{Death, FailedAttempt};
pub use step::step;

/// Attempts of a piece of work before the job fails.
pub const ATTEMPTS: u32 = 3;
/// Milliseconds to wait after the first and after the second failed attempt, at least; up to a quarter comes on top.
pub const BACKOFF: [i64; ATTEMPTS as usize - 1] = [1_000, 4_000];

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
        /// Why, and what to do: one sentence for people.
        reason: String,
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

/// What proves that a segment is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name of the file in the job's folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
    /// What was not computed for it.
    #[serde(default)]
    pub reused: Reused,
}

/// A segment that lies in the job's folder, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSegment {
    /// Its number.
    pub index: u32,
    /// Epoch of the attempt that made it.
    pub epoch: u32,
    /// Its frames and what proves that it is finished; `None` for a file that is of no use.
    pub finished: Option<(SegmentRange, Evidence)>,
}

/// What was taken from the picture before instead of being computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reused {
    /// Frames that are the one before once more.
    pub frames: u32,
    /// Pixels of the source that did not go through the network, those of such frames included.
    pub pixels: u64,
}

/// What happens to a piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkState {
    /// Nobody works on it.
    Pending,
    /// Somebody does.
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
    /// Work that nobody has touched.
    pub const fn new() -> Self {
        Self { state: WorkState::Pending, epoch: 0, attempts: 0, not_before: Millis(0) }
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new()
    }
}

/// A segment of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its frames.
    pub range: SegmentRange,
    /// The work on it.
    pub work: Work,
    /// What proves that it is finished; `None` until then.
    pub evidence: Option<Evidence>,
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
    /// What indexing found; present from [`Phase::Segments`] on.
    pub facts: Option<SourceFacts>,
    /// The plan; present from [`Phase::Segments`] on.
    pub plan: Option<Plan>,
    /// The segments, in order.
    pub segments: Vec<Segment>,
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
            segments: Vec::new(),
            result_bytes: None,
            failed_attempts: Vec::new(),
        }
    }

    /// Frames of finished segments.
    pub fn frames_done(&self) -> u64 {
        let finished = self.segments.iter().filter(|segment| segment.evidence.is_some());
        finished.map(|segment| u64::from(segment.range.frames())).sum()
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
    /// Time has passed: leases that are over are taken back.
    Expire,
    /// The frame list is made.
    Indexed {
        /// Which attempt.
        task: TaskKey,
        /// What was found.
        facts: Box<SourceFacts>,
        /// The plan that follows from it.
        plan: Plan,
    },
    /// A segment is finished, verified and synced.
    SegmentDone {
        /// Which attempt.
        task: TaskKey,
        /// What proves it.
        evidence: Evidence,
    },
    /// Segments lie in the job's folder that the ledger may not know: it was lost, or is older than they are. Those that
    /// are finished count, and the epochs of others go on above the names that are taken.
    Found {
        /// All that is there.
        segments: Vec<FoundSegment>,
    },
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
