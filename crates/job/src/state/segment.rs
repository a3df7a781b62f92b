//! The machine of a segment, and what happens to many at once.

use serde::{Deserialize, Serialize};

use super::{ATTEMPTS, BACKOFF, Lease, RecoveredSegment, Totals, Work, WorkState};
use crate::{Millis, PlannedSegment, SegmentRange};

/// What proves that a segment is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentDigest {
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

/// What was taken from the picture before instead of being computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reused {
    /// Frames that are the one before once more.
    pub frames: u32,
    /// Pixels of the source that did not go through the network, those of such frames included.
    pub pixels: u64,
}

/// A segment of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its frames.
    pub range: SegmentRange,
    /// See [`PlannedSegment::lead_in`].
    pub lead_in: u32,
    /// The work on it.
    pub work: Work,
    /// What proves that it is finished; `None` until then.
    pub digest: Option<SegmentDigest>,
}

/// A segment with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its number in the plan.
    pub index: u32,
    /// The segment.
    pub segment: Segment,
}

/// What an event means for the segments of a job that it did not [name](super::Event::needs).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Others {
    /// Nothing.
    Keep,
    /// Those of a new plan take the place of all.
    Replace(Vec<PlannedSegment>),
    /// There is no segment any more: the plan is thrown away, or the job is done.
    Delete,
    /// All are made again.
    Reopen,
    /// All attempts are given back, and no worker has any of them.
    Refresh,
    /// No worker has any of them.
    Release,
}

impl Others {
    /// Makes the change to a segment that stays; `highest_epoch` is that of the job after the event.
    pub fn change(&self, segment: &mut Segment, highest_epoch: u32) {
        match self {
            Self::Keep | Self::Replace(_) | Self::Delete => {}
            Self::Reopen => {
                segment.digest = None;
                segment.work = Work { epoch: highest_epoch, ..Work::new() };
            }
            Self::Refresh => segment.work = Work { epoch: segment.work.epoch, ..Work::new() },
            Self::Release => segment.release(),
        }
    }
}

/// A pause is longer than usual by one part of so many at most.
pub(super) const SPREAD: i64 = 4;
/// The longest pause between two attempts, in milliseconds.
pub(super) const LONGEST_PAUSE: i64 = {
    let last = BACKOFF[ATTEMPTS as usize - 2];
    last + last / SPREAD
};

/// Whether the pause before another attempt is over. One that is longer than any pause was begun before the clock was set
/// back: no work waits for the clock to come there again.
pub(super) const fn is_over(not_before: Millis, now: Millis) -> bool {
    not_before.0 <= now.0 || not_before.0 > now.plus(LONGEST_PAUSE).0
}

impl Work {
    /// True when a worker can have it now.
    pub fn is_free(&self, now: Millis) -> bool {
        self.state == WorkState::Pending && is_over(self.not_before, now)
    }

    /// True when the attempt of an epoch is the latest one and still under way.
    pub(super) const fn is_of(&self, epoch: u32) -> bool {
        self.epoch == epoch && matches!(self.state, WorkState::Running(_))
    }

    pub(super) fn claim(&mut self, lease: Lease) -> u32 {
        self.epoch += 1;
        self.state = WorkState::Running(lease);
        self.epoch
    }

    /// Prolongs the lease of a worker. False where it has none here.
    pub(super) fn renew(&mut self, worker: &str, until: Millis) -> bool {
        match &mut self.state {
            WorkState::Running(lease) if lease.worker == worker => {
                lease.until = lease.until.max(until);
                true
            }
            _ => false,
        }
    }

    /// True when it is leased to this worker; for `None`, to any.
    pub(super) fn is_leased(&self, worker: Option<&str>) -> bool {
        match &self.state {
            WorkState::Running(lease) => worker.is_none_or(|worker| worker == lease.worker),
            WorkState::Pending => false,
        }
    }
}

impl Segment {
    /// A segment of a new plan, whose attempts have epochs above this one.
    pub fn new(planned: PlannedSegment, epoch: u32) -> Self {
        let PlannedSegment { range, lead_in } = planned;
        Self { range, lead_in, work: Work { epoch, ..Work::new() }, digest: None }
    }

    /// True when it is not finished and a worker can have it now.
    pub fn is_free(&self, now: Millis) -> bool {
        self.digest.is_none() && self.work.is_free(now)
    }

    /// A time that lies so far ahead that a pause cannot have begun before it: a work that waits for longer is free. For
    /// stores, which look for [free](Self::is_free) segments among many.
    pub const fn end_of_pauses(now: Millis) -> Millis {
        now.plus(LONGEST_PAUSE)
    }

    pub(super) fn release(&mut self) {
        self.work.state = WorkState::Pending;
    }

    /// It is finished.
    pub(super) fn finish(&mut self, digest: SegmentDigest, totals: &mut Totals) {
        totals.add(self.range, &digest);
        self.digest = Some(digest);
        self.work.state = WorkState::Pending;
    }

    /// What was made of it is of no use; an attempt is counted. Gives their number.
    pub(super) fn reopen(&mut self, totals: &mut Totals) -> u32 {
        if let Some(digest) = self.digest.take() {
            totals.subtract(self.range, &digest);
        }
        self.work.attempts += 1;
        self.work.attempts
    }

    /// Takes over a file that lies in the job's folder. True when it is finished by that. What is finished needs nothing, and a
    /// worker that has a segment keeps it.
    pub(super) fn take_over(&mut self, found: RecoveredSegment, totals: &mut Totals) -> bool {
        if self.digest.is_some() || self.work.state != WorkState::Pending {
            return false;
        }
        self.work.epoch = self.work.epoch.max(found.epoch);
        match found.finished {
            Some((range, digest)) if range == self.range => {
                self.finish(digest, totals);
                true
            }
            _ => false,
        }
    }
}
