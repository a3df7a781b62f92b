//! The machine of a job.

use super::segment::SPREAD;
use super::{
    ATTEMPTS, BACKOFF, Death, Effect, Event, FailedAttempt, IndexMethod, Job, Lease, MOST_FAILED_ATTEMPTS,
    Numbered, Others, Phase, RecoveredSegment, Refusal, Status, Task, TaskKey, Totals, Work, WorkState,
};
use crate::{
    Content, Failure, FailureKind, JobId, Millis, Notice, Plan, PlannedSegment, SegmentRange, SourceFacts,
};

/// What became of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The job after it.
    pub job: Job,
    /// The segments that were handed over, after it.
    pub segments: Vec<Numbered>,
    /// What happens to all segments, after those were written.
    pub others: Others,
    /// What has to be done.
    pub effects: Vec<Effect>,
}

/// The job after an event, and what has to be done about it. `segments` are those that [`Event::needs`] names. An event that
/// does not fit changes nothing and says why.
#[must_use]
pub fn step(job: Job, segments: Vec<Numbered>, event: Event, now: Millis) -> Step {
    let mut machine = Machine { job, segments, others: Others::Keep, now };
    let effects = machine.take(event);
    let Machine { job, segments, others, .. } = machine;
    Step { job, segments, others, effects }
}

fn refused(reason: Refusal) -> Vec<Effect> {
    vec![Effect::Refused(reason)]
}

impl Job {
    /// True when a worker has a lease on any of its work.
    pub fn is_worked_on(&self) -> bool {
        self.totals.running > 0 || self.work.state != WorkState::Pending
    }

    /// True when its status allows that its work is claimed.
    pub const fn can_be_claimed(&self) -> bool {
        matches!(self.status, Status::Queued | Status::Running)
    }

    /// The work of the present phase, where that is not [`Phase::Segments`].
    pub fn phase_work(&self) -> Option<&Work> {
        (self.phase != Phase::Segments).then_some(&self.work)
    }
}

/// The pause after the failed attempt of this number, in milliseconds. It repeats, and differs among pieces of work, so that
/// those that failed together do not come back together.
fn pause(job: JobId, task: TaskKey, attempts: u32) -> i64 {
    let usual = BACKOFF[(attempts as usize - 1).min(BACKOFF.len() - 1)];
    let hash = blake3::hash(format!("{job} {:?} {attempts}", task.segment).as_bytes());
    usual + i64::from(hash.as_bytes()[0]) * (usual / SPREAD) / i64::from(u8::MAX)
}

/// The reason of a job whose attempts are used up.
fn give_up(frames: Option<SegmentRange>, Notice { text, remedy }: Notice) -> Notice {
    let what =
        frames.map_or_else(String::new, |range| format!(" at frames {}-{}", range.first, range.end - 1));
    Notice { text: format!("gave up after {ATTEMPTS} attempts{what}: {text}"), remedy }
}

/// A job with the segments that an event is about.
struct Machine {
    job: Job,
    segments: Vec<Numbered>,
    others: Others,
    now: Millis,
}

impl Machine {
    fn take(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Claim { worker, lease_milliseconds } => {
                self.claim(Lease { worker, until: self.now.plus(lease_milliseconds) })
            }
            Event::Renew { worker, lease_milliseconds } => {
                self.renew(&worker, self.now.plus(lease_milliseconds))
            }
            Event::Release { worker } => self.release(worker.as_deref()),
            Event::Indexed { task, facts, plan, segments } => self.indexed(task, *facts, plan, segments),
            Event::SegmentDone { task, digest } => match self.running_segment(task) {
                Some(at) => {
                    self.segments[at].segment.finish(digest, &mut self.job.totals);
                    self.job.totals.running = self.job.totals.running.saturating_sub(1);
                    self.forget_attempts(task.segment);
                    self.join_if_complete()
                }
                None => refused(Refusal::Stale),
            },
            Event::Recovered { segments } => self.recover(segments),
            Event::Compared(found) => self.compared(found),
            Event::Joined { task, bytes } => self.finish_phase(task, Phase::Join, |machine| {
                machine.job.result_bytes = Some(bytes);
                machine.enter(Phase::Publish);
                Vec::new()
            }),
            Event::Known { bytes } if self.job.status == Status::Queued && self.job.phase == Phase::Index => {
                self.job.result_bytes = Some(bytes);
                self.end(Status::Done)
            }
            Event::Published { task } => {
                self.finish_phase(task, Phase::Publish, |machine| machine.end(Status::Done))
            }
            Event::ResultLost { task } => self.finish_phase(task, Phase::Publish, |machine| {
                machine.job.result_bytes = None;
                machine.enter(Phase::Join);
                Vec::new()
            }),
            Event::Failed { task, failure } => self.failed(task, failure, None),
            Event::WorkerLost { task, message, death } => self.failed(
                task,
                Failure { kind: FailureKind::Transient, message: message.into() },
                Some(death),
            ),
            Event::Known { .. } => refused(Refusal::WrongStatus),
            Event::WaitOver | Event::Pause | Event::Resume | Event::Prioritize(_) => self.arrange(&event),
            Event::Cancel => self.cancel(),
            Event::Retry => self.retry(),
        }
    }

    /// What changes whether, or how soon, the job is worked on.
    fn arrange(&mut self, event: &Event) -> Vec<Effect> {
        let job = &mut self.job;
        match (event, &job.status) {
            (Event::WaitOver, Status::WaitingForSpace { .. } | Status::WaitingForFolder { .. }) => {
                job.status = Status::Queued;
            }
            (
                Event::Pause,
                Status::Queued
                | Status::Running
                | Status::WaitingForSpace { .. }
                | Status::WaitingForFolder { .. },
            ) => job.status = Status::Paused,
            (Event::Resume, Status::Paused) => {
                job.status = if job.is_worked_on() { Status::Running } else { Status::Queued };
            }
            (Event::Prioritize(priority), status) if !status.is_final() => job.priority = *priority,
            _ => return refused(Refusal::WrongStatus),
        }
        Vec::new()
    }

    fn claim(&mut self, lease: Lease) -> Vec<Effect> {
        let (job, now) = (&mut self.job, self.now);
        if !job.can_be_claimed() {
            return refused(Refusal::WrongStatus);
        }
        let until = lease.until;
        let task = if job.phase == Phase::Segments {
            let free = self.segments.iter_mut().find(|numbered| numbered.segment.is_free(now));
            let Some(Numbered { index, segment }) = free else {
                return refused(Refusal::NothingToDo);
            };
            let epoch = segment.work.claim(lease);
            job.totals.running += 1;
            Task::Segment { index: *index, epoch, range: segment.range, lead_in: segment.lead_in }
        } else if job.work.is_free(now) {
            let epoch = job.work.claim(lease);
            match job.phase {
                Phase::Index => Task::Index { epoch, method: job.method },
                Phase::Join => Task::Join { epoch },
                Phase::Segments | Phase::Publish => Task::Publish { epoch },
            }
        } else {
            return refused(Refusal::NothingToDo);
        };
        job.highest_epoch = job.highest_epoch.max(task.key().epoch);
        job.lease_until = job.lease_until.max(until);
        job.status = Status::Running;
        vec![Effect::Granted(task)]
    }

    fn renew(&mut self, worker: &str, until: Millis) -> Vec<Effect> {
        let works = self.segments.iter_mut().map(|numbered| &mut numbered.segment.work);
        for work in works.chain([&mut self.job.work]) {
            if work.renew(worker, until) {
                self.job.lease_until = self.job.lease_until.max(until);
            }
        }
        Vec::new()
    }

    fn release(&mut self, worker: Option<&str>) -> Vec<Effect> {
        let job = &mut self.job;
        if job.work.is_leased(worker) {
            job.work.state = WorkState::Pending;
        }
        for Numbered { segment, .. } in &mut self.segments {
            if segment.work.is_leased(worker) {
                segment.release();
                job.totals.running = job.totals.running.saturating_sub(1);
            }
        }
        if job.status == Status::Running && !job.is_worked_on() {
            job.status = Status::Queued;
        }
        Vec::new()
    }

    /// Where the segment of an attempt is among those at hand, if the attempt is the latest one and still under way.
    fn running_segment(&self, task: TaskKey) -> Option<usize> {
        self.segments.iter().position(|numbered| {
            Some(numbered.index) == task.segment && numbered.segment.work.is_of(task.epoch)
        })
    }

    /// Goes on to a phase, with fresh attempts. The epoch goes on counting, so that no attempt of an earlier phase fits.
    fn enter(&mut self, phase: Phase) {
        self.job.phase = phase;
        self.job.work = Work { epoch: self.job.work.epoch, ..Work::new() };
    }

    fn finish_phase(
        &mut self,
        task: TaskKey,
        phase: Phase,
        then: impl FnOnce(&mut Self) -> Vec<Effect>,
    ) -> Vec<Effect> {
        if self.job.phase != phase || task.segment.is_some() || !self.job.work.is_of(task.epoch) {
            return refused(Refusal::Stale);
        }
        self.forget_attempts(None);
        then(self)
    }

    fn indexed(
        &mut self,
        task: TaskKey,
        facts: SourceFacts,
        plan: Plan,
        segments: Vec<PlannedSegment>,
    ) -> Vec<Effect> {
        self.finish_phase(task, Phase::Index, |machine| {
            if segments.is_empty() {
                let reason = "the video has no frames: check that the file is complete".into();
                return machine.end(Status::Failed { reason });
            }
            let job = &mut machine.job;
            // The segments know how far before them decoding starts.
            job.facts = Some(SourceFacts { keyframes: Vec::new(), ..facts });
            job.plan = Some(plan);
            job.totals = Totals::NONE;
            // A frame list that is lost again and again must come to an end, so its attempts go on counting.
            let attempts = job.work.attempts;
            machine.enter(Phase::Segments);
            machine.job.work.attempts = attempts;
            machine.others = Others::Replace(segments);
            Vec::new()
        })
    }

    fn join_if_complete(&mut self) -> Vec<Effect> {
        if self.job.totals.finished == self.job.segments() {
            self.enter(Phase::Join);
        }
        Vec::new()
    }

    /// Notes of which file the content is now, unless another content was indexed meanwhile.
    fn compared(&mut self, found: Content) -> Vec<Effect> {
        let known = self.job.facts.as_mut().and_then(|facts| facts.content.as_mut());
        let Some(content) = known.filter(|known| known.blake3 == found.blake3) else {
            return refused(Refusal::Stale);
        };
        *content = found;
        Vec::new()
    }

    fn recover(&mut self, files: Vec<RecoveredSegment>) -> Vec<Effect> {
        if self.job.phase != Phase::Segments || self.job.status.is_final() {
            return refused(Refusal::WrongStatus);
        }
        for file in files {
            let at_hand = self.segments.iter_mut().find(|numbered| numbered.index == file.index);
            let Some(Numbered { index, segment }) = at_hand else { continue };
            let index = *index;
            let is_finished = segment.take_over(file, &mut self.job.totals);
            self.job.highest_epoch = self.job.highest_epoch.max(segment.work.epoch);
            if is_finished {
                self.forget_attempts(Some(index));
            }
        }
        self.join_if_complete()
    }

    /// Notes an attempt that failed, and decides what follows.
    fn failed(&mut self, task: TaskKey, failure: Failure, death: Option<Death>) -> Vec<Effect> {
        let at = self.running_segment(task);
        if at.is_none() && (task.segment.is_some() || !self.job.work.is_of(task.epoch)) {
            return refused(Refusal::Stale);
        }
        // A full disk or one that is away is no fault of the work.
        if !matches!(failure.kind, FailureKind::NoSpace { .. } | FailureKind::FolderAway) {
            let TaskKey { segment, epoch } = task;
            let (message, frames) =
                (failure.message.text.clone(), at.map(|at| self.segments[at].segment.range));
            let attempt = FailedAttempt { at: self.now, segment, frames, epoch, message, death };
            self.job.failed_attempts.push(attempt);
            let most = self.job.failed_attempts.len().saturating_sub(MOST_FAILED_ATTEMPTS);
            self.job.failed_attempts.drain(..most);
        }
        let effects = self.follow(at, task, failure);
        if self.job.status.is_final() {
            self.job.failed_attempts.retain(|attempt| attempt.segment == task.segment);
        }
        effects
    }

    /// What follows from the failure of an attempt: at the segment at hand, or at the work of the phase.
    fn follow(&mut self, at: Option<usize>, task: TaskKey, failure: Failure) -> Vec<Effect> {
        if at.is_some() {
            self.job.totals.running = self.job.totals.running.saturating_sub(1);
        }
        self.work(at).state = WorkState::Pending;
        let (method, phase, is_planned) = (self.job.method, self.job.phase, self.job.plan.is_some());
        let Failure { kind, message } = failure;
        match kind {
            // The next attempt after the pause finds it out again.
            FailureKind::NoSpace { .. } | FailureKind::FolderAway if self.job.status == Status::Paused => {
                Vec::new()
            }
            FailureKind::NoSpace { needed } => {
                self.job.status = Status::WaitingForSpace { bytes: needed };
                Vec::new()
            }
            FailureKind::FolderAway => {
                self.job.status = Status::WaitingForFolder { reason: message.text };
                Vec::new()
            }
            FailureKind::FramesDiffer if method == IndexMethod::Demux => {
                self.forget_plan();
                self.job.method = IndexMethod::Decode;
                vec![Effect::DropSegments]
            }
            FailureKind::FrameListLost if is_planned => {
                let attempts = self.job.work.attempts + 1;
                if attempts >= ATTEMPTS {
                    return self.end(Status::Failed { reason: give_up(None, message) });
                }
                self.forget_plan();
                self.job.work.attempts = attempts;
                vec![Effect::DropSegments]
            }
            FailureKind::Final | FailureKind::FramesDiffer | FailureKind::NoMemory => {
                self.end(Status::Failed { reason: message })
            }
            FailureKind::SegmentsDamaged { .. } if phase == Phase::Join && !self.segments.is_empty() => {
                self.reopen(message)
            }
            FailureKind::SegmentsDamaged { .. }
            | FailureKind::FrameListLost
            | FailureKind::Encoder
            | FailureKind::Transient => self.try_again(at, task, &kind, message),
        }
    }

    fn work(&mut self, at: Option<usize>) -> &mut Work {
        match at {
            Some(at) => &mut self.segments[at].segment.work,
            None => &mut self.job.work,
        }
    }

    /// The segments at hand are damaged.
    fn reopen(&mut self, message: Notice) -> Vec<Effect> {
        let totals = &mut self.job.totals;
        let attempts = self.segments.iter_mut().map(|numbered| numbered.segment.reopen(totals));
        let worst = attempts.max().unwrap_or(0);
        self.enter(Phase::Segments);
        if worst >= ATTEMPTS { self.end(Status::Failed { reason: message }) } else { Vec::new() }
    }

    /// Counts an attempt: there is another one after a pause, by another encoder, or none.
    fn try_again(
        &mut self,
        at: Option<usize>,
        task: TaskKey,
        kind: &FailureKind,
        message: Notice,
    ) -> Vec<Effect> {
        let (id, now) = (self.job.id, self.now);
        let work = self.work(at);
        work.attempts += 1;
        if work.attempts < ATTEMPTS {
            work.not_before = now.plus(pause(id, task, work.attempts));
            return Vec::new();
        }
        if *kind == FailureKind::Encoder && self.replace_encoder() {
            return vec![Effect::DropSegments];
        }
        let frames = at.map(|at| self.segments[at].segment.range);
        self.end(Status::Failed { reason: give_up(frames, message) })
    }

    /// Lets the next encoder take over from one that failed; false when there is none. Segments that the two cannot share a
    /// file with are made again. A worker that uses the old encoder works in vain.
    fn replace_encoder(&mut self) -> bool {
        let Some(facts) = &mut self.job.facts else { return false };
        let [failed, next, ..] = facts.encodings.as_slice() else { return false };
        self.others = if next.can_follow(failed) { Others::Refresh } else { Others::Reopen };
        let failed = facts.encodings.remove(0);
        facts.replaced.push(failed);
        self.job.totals = match self.others {
            Others::Reopen => Totals::NONE,
            _ => Totals { running: 0, ..self.job.totals },
        };
        true
    }

    /// Forgets the failed attempts at work that is finished.
    fn forget_attempts(&mut self, segment: Option<u32>) {
        self.job.failed_attempts.retain(|attempt| attempt.segment != segment);
    }

    /// Throws the plan and everything made by it away. The epochs of the segments to come start above all earlier ones, so
    /// that no late attempt at a segment of the old plan fits one of the new.
    fn forget_plan(&mut self) {
        let job = &mut self.job;
        job.work.epoch = job.highest_epoch;
        (job.facts, job.plan, job.result_bytes, job.totals) = (None, None, None, Totals::NONE);
        job.failed_attempts.clear();
        self.enter(Phase::Index);
        self.others = Others::Delete;
    }

    fn end(&mut self, status: Status) -> Vec<Effect> {
        // The segments of a finished job are not needed any more: what they amounted to stays.
        self.others = if status == Status::Done { Others::Delete } else { Others::Release };
        self.job.status = status;
        self.job.work.state = WorkState::Pending;
        self.job.totals.running = 0;
        vec![Effect::Ended]
    }

    fn cancel(&mut self) -> Vec<Effect> {
        if matches!(self.job.status, Status::Done | Status::Canceled) {
            return refused(Refusal::WrongStatus);
        }
        let effects = self.end(Status::Canceled);
        self.forget_plan();
        effects
    }

    fn retry(&mut self) -> Vec<Effect> {
        if !matches!(self.job.status, Status::Failed { .. } | Status::Canceled) {
            return refused(Refusal::WrongStatus);
        }
        self.job.status = Status::Queued;
        self.job.failed_attempts.clear();
        self.job.work = Work { epoch: self.job.work.epoch, ..Work::new() };
        self.others = Others::Refresh;
        Vec::new()
    }
}
