//! The rules.

use super::{
    ATTEMPTS, BACKOFF, Death, Effect, Event, FailedAttempt, FoundSegment, Job, Lease, Phase, Refusal,
    Segment, Status, Task, TaskKey, Work, WorkState,
};
use crate::message::{Failure, FailureKind, IndexMethod};
use crate::{JobId, Millis, Plan, SegmentRange, SourceFacts};

/// The job after an event, and what has to be done about it. An event that does not fit changes nothing and says why.
#[must_use]
pub fn step(mut job: Job, event: Event, now: Millis) -> (Job, Vec<Effect>) {
    let effects = match event {
        Event::Claim { worker, lease_milliseconds } => {
            claim(&mut job, Lease { worker, until: now.plus(lease_milliseconds) }, now)
        }
        Event::Renew { worker, lease_milliseconds } => renew(&mut job, &worker, now.plus(lease_milliseconds)),
        Event::Release { worker } => release(&mut job, worker.as_deref()),
        Event::Expire => expire(&mut job, now),
        Event::Indexed { task, facts, plan } => indexed(&mut job, task, *facts, plan),
        Event::SegmentDone { task, evidence } => match running(&mut job, task) {
            Some(Owned::Segment(segment)) => {
                segment.evidence = Some(evidence);
                segment.work.state = WorkState::Pending;
                forget_attempts(&mut job, task.segment);
                join_if_complete(&mut job)
            }
            _ => refused(Refusal::Stale),
        },
        Event::Found { segments } => found(&mut job, segments),
        Event::Joined { task, bytes } => finish_phase(&mut job, task, Phase::Join, |job| {
            job.result_bytes = Some(bytes);
            enter(job, Phase::Publish);
            Vec::new()
        }),
        Event::Known { bytes } if job.status == Status::Queued && job.phase == Phase::Index => {
            job.result_bytes = Some(bytes);
            end(&mut job, Status::Done)
        }
        Event::Known { .. } => refused(Refusal::WrongStatus),
        Event::Published { task } => {
            finish_phase(&mut job, task, Phase::Publish, |job| end(job, Status::Done))
        }
        Event::ResultLost { task } => finish_phase(&mut job, task, Phase::Publish, |job| {
            job.result_bytes = None;
            enter(job, Phase::Join);
            Vec::new()
        }),
        Event::Failed { task, failure } => failed(&mut job, task, failure, None, now),
        Event::WorkerLost { task, message, death } => {
            let failure = Failure { kind: FailureKind::Transient, message };
            failed(&mut job, task, failure, Some(death), now)
        }
        Event::WaitOver => match job.status {
            Status::WaitingForSpace { .. } | Status::WaitingForFolder { .. } => {
                job.status = Status::Queued;
                Vec::new()
            }
            _ => refused(Refusal::WrongStatus),
        },
        Event::Pause => match job.status {
            Status::Queued
            | Status::Running
            | Status::WaitingForSpace { .. }
            | Status::WaitingForFolder { .. } => {
                job.status = Status::Paused;
                Vec::new()
            }
            _ => refused(Refusal::WrongStatus),
        },
        Event::Resume => match job.status {
            Status::Paused => {
                job.status = if job.is_worked_on() { Status::Running } else { Status::Queued };
                Vec::new()
            }
            _ => refused(Refusal::WrongStatus),
        },
        Event::Prioritize(_) if job.status.is_final() => refused(Refusal::WrongStatus),
        Event::Prioritize(priority) => {
            job.priority = priority;
            Vec::new()
        }
        Event::Cancel => cancel(&mut job),
        Event::Retry => retry(&mut job),
    };
    (job, effects)
}

fn refused(reason: Refusal) -> Vec<Effect> {
    vec![Effect::Refused(reason)]
}

impl Job {
    /// True when somebody works on it.
    pub fn is_worked_on(&self) -> bool {
        let mut all = std::iter::once(&self.work).chain(self.segments.iter().map(|segment| &segment.work));
        all.any(|work| work.state != WorkState::Pending)
    }

    /// True when a worker that asks for work would get some.
    pub fn has_work(&self, now: Millis) -> bool {
        let mut open = self.segments.iter().filter(|segment| segment.evidence.is_none());
        can_be_claimed(&self.status)
            && match self.phase {
                Phase::Segments => open.any(|segment| is_free(&segment.work, now)),
                Phase::Index | Phase::Join | Phase::Publish => is_free(&self.work, now),
            }
    }
}

const fn can_be_claimed(status: &Status) -> bool {
    matches!(status, Status::Queued | Status::Running)
}

fn is_free(work: &Work, now: Millis) -> bool {
    work.state == WorkState::Pending && is_over(work.not_before, now)
}

fn claim(job: &mut Job, lease: Lease, now: Millis) -> Vec<Effect> {
    if !can_be_claimed(&job.status) {
        return refused(Refusal::WrongStatus);
    }
    let take = |work: &mut Work| {
        work.epoch += 1;
        work.state = WorkState::Running(lease);
        work.epoch
    };
    let task = if job.phase == Phase::Segments {
        let mut open = job.segments.iter_mut().enumerate().filter(|(_, segment)| segment.evidence.is_none());
        let Some((index, segment)) = open.find(|(_, segment)| is_free(&segment.work, now)) else {
            return refused(Refusal::NothingToDo);
        };
        Task::Segment { index: index as u32, epoch: take(&mut segment.work), range: segment.range }
    } else if is_free(&job.work, now) {
        let epoch = take(&mut job.work);
        match job.phase {
            Phase::Index => Task::Index { epoch, method: job.method },
            Phase::Join => Task::Join { epoch },
            Phase::Segments | Phase::Publish => Task::Publish { epoch },
        }
    } else {
        return refused(Refusal::NothingToDo);
    };
    job.status = Status::Running;
    vec![Effect::Granted(task)]
}

/// A pause is longer than usual by one part of so many at most.
const SPREAD: i64 = 4;

/// Whether the pause before another attempt is over. One that is longer than any pause was begun before somebody set the
/// clock back: nobody shall wait for the clock to come there again.
fn is_over(not_before: Millis, now: Millis) -> bool {
    let longest = BACKOFF.into_iter().max().unwrap_or(0);
    not_before <= now || not_before > now.plus(longest + longest / SPREAD)
}

/// The pause after the failed attempt of this number, in milliseconds. It repeats, and differs among pieces of work, so that
/// those that failed together do not come back together.
fn pause(job: JobId, task: TaskKey, attempts: u32) -> i64 {
    let usual = BACKOFF[(attempts as usize - 1).min(BACKOFF.len() - 1)];
    let hash = blake3::hash(format!("{job} {:?} {attempts}", task.segment).as_bytes());
    usual + i64::from(hash.as_bytes()[0]) * (usual / SPREAD) / i64::from(u8::MAX)
}

/// All work of a job.
fn all_work(job: &mut Job) -> impl Iterator<Item = &mut Work> {
    std::iter::once(&mut job.work).chain(job.segments.iter_mut().map(|segment| &mut segment.work))
}

fn renew(job: &mut Job, worker: &str, until: Millis) -> Vec<Effect> {
    for work in all_work(job) {
        if let WorkState::Running(lease) = &mut work.state
            && lease.worker == worker
        {
            lease.until = lease.until.max(until);
        }
    }
    Vec::new()
}

fn release(job: &mut Job, worker: Option<&str>) -> Vec<Effect> {
    for work in all_work(job) {
        if let WorkState::Running(lease) = &work.state
            && worker.is_none_or(|worker| worker == lease.worker)
        {
            work.state = WorkState::Pending;
        }
    }
    if job.status == Status::Running && !job.is_worked_on() {
        job.status = Status::Queued;
    }
    Vec::new()
}

fn expire(job: &mut Job, now: Millis) -> Vec<Effect> {
    let over = |work: &Work| matches!(&work.state, WorkState::Running(lease) if lease.until <= now);
    let mut tasks = Vec::new();
    if over(&job.work) {
        tasks.push(TaskKey { segment: None, epoch: job.work.epoch });
    }
    for (index, segment) in job.segments.iter().enumerate() {
        if over(&segment.work) {
            tasks.push(TaskKey { segment: Some(index as u32), epoch: segment.work.epoch });
        }
    }
    let mut effects = Vec::new();
    for task in tasks {
        let message = "the worker gave no sign of life until its lease was over".to_owned();
        effects.extend(failed(job, task, Failure { kind: FailureKind::Transient, message }, None, now));
    }
    effects
}

/// The work that an attempt owns.
enum Owned<'a> {
    Phase(&'a mut Work),
    Segment(&'a mut Segment),
}

/// The work of an attempt, if that is the latest one and still under way.
fn running(job: &mut Job, task: TaskKey) -> Option<Owned<'_>> {
    let is_latest = |work: &Work| work.epoch == task.epoch && matches!(work.state, WorkState::Running(_));
    match task.segment {
        None => is_latest(&job.work).then_some(Owned::Phase(&mut job.work)),
        Some(index) => {
            let segment = job.segments.get_mut(index as usize)?;
            is_latest(&segment.work).then_some(Owned::Segment(segment))
        }
    }
}

/// Goes on to a phase, with fresh attempts. The epoch goes on counting, so that no attempt of an earlier phase fits.
fn enter(job: &mut Job, phase: Phase) {
    job.phase = phase;
    job.work = Work { epoch: job.work.epoch, ..Work::new() };
}

fn finish_phase(
    job: &mut Job,
    task: TaskKey,
    phase: Phase,
    then: impl FnOnce(&mut Job) -> Vec<Effect>,
) -> Vec<Effect> {
    if job.phase == phase && matches!(running(job, task), Some(Owned::Phase(_))) {
        forget_attempts(job, None);
        then(job)
    } else {
        refused(Refusal::Stale)
    }
}

fn indexed(job: &mut Job, task: TaskKey, facts: SourceFacts, plan: Plan) -> Vec<Effect> {
    finish_phase(job, task, Phase::Index, |job| {
        if plan.segments.is_empty() {
            let reason = "the video has no frames: check that the file is complete".to_owned();
            return end(job, Status::Failed { reason });
        }
        let work = Work { epoch: job.work.epoch, ..Work::new() };
        let new = |&range: &_| Segment { range, work: work.clone(), evidence: None };
        job.segments = plan.segments.iter().map(new).collect();
        job.facts = Some(facts);
        job.plan = Some(plan);
        // A frame list that is lost again and again must come to an end, so its attempts go on counting.
        let attempts = job.work.attempts;
        enter(job, Phase::Segments);
        job.work.attempts = attempts;
        Vec::new()
    })
}

fn join_if_complete(job: &mut Job) -> Vec<Effect> {
    if job.segments.iter().all(|segment| segment.evidence.is_some()) {
        enter(job, Phase::Join);
    }
    Vec::new()
}

fn found(job: &mut Job, segments: Vec<FoundSegment>) -> Vec<Effect> {
    if job.phase != Phase::Segments || job.status.is_final() {
        return refused(Refusal::WrongStatus);
    }
    for FoundSegment { index, epoch, finished } in segments {
        let Some(segment) = job.segments.get_mut(index as usize) else { continue };
        // What is finished needs nothing, and whoever works on a segment keeps it.
        if segment.evidence.is_some() || segment.work.state != WorkState::Pending {
            continue;
        }
        segment.work.epoch = segment.work.epoch.max(epoch);
        segment.evidence =
            finished.filter(|(range, _)| *range == segment.range).map(|(_, evidence)| evidence);
        if segment.evidence.is_some() {
            forget_attempts(job, Some(index));
        }
    }
    join_if_complete(job)
}

/// Notes an attempt that failed, and decides what follows.
fn failed(job: &mut Job, task: TaskKey, failure: Failure, death: Option<Death>, now: Millis) -> Vec<Effect> {
    let frames = match running(job, task) {
        Some(Owned::Segment(segment)) => Some(segment.range),
        Some(Owned::Phase(_)) => None,
        None => return refused(Refusal::Stale),
    };
    // A full disk or one that is away is no fault of the work.
    if !matches!(failure.kind, FailureKind::NoSpace { .. } | FailureKind::FolderAway) {
        let TaskKey { segment, epoch } = task;
        let message = failure.message.clone();
        job.failed_attempts.push(FailedAttempt { at: now, segment, frames, epoch, message, death });
    }
    let effects = follow(job, task, failure, now);
    if job.status.is_final() {
        job.failed_attempts.retain(|attempt| attempt.segment == task.segment);
    }
    effects
}

/// What follows from the failure of an attempt.
fn follow(job: &mut Job, task: TaskKey, failure: Failure, now: Millis) -> Vec<Effect> {
    let (method, joining, count) = (job.method, job.phase == Phase::Join, job.segments.len() as u32);
    let (id, planned, is_paused) = (job.id, job.plan.is_some(), job.status == Status::Paused);
    let Some(owned) = running(job, task) else {
        return refused(Refusal::Stale);
    };
    let (work, frames) = match owned {
        Owned::Phase(work) => (work, None),
        Owned::Segment(segment) => (&mut segment.work, Some(segment.range)),
    };
    work.state = WorkState::Pending;
    let Failure { kind, message } = failure;
    match kind {
        // Whoever lets the job go on finds out again.
        FailureKind::NoSpace { .. } | FailureKind::FolderAway if is_paused => Vec::new(),
        FailureKind::NoSpace { needed } => {
            job.status = Status::WaitingForSpace { bytes: needed };
            Vec::new()
        }
        FailureKind::FolderAway => {
            job.status = Status::WaitingForFolder { reason: message };
            Vec::new()
        }
        FailureKind::FramesDiffer if method == IndexMethod::Demux => {
            forget_plan(job);
            job.method = IndexMethod::Decode;
            vec![Effect::DropSegments]
        }
        FailureKind::FrameListLost if planned => {
            let attempts = job.work.attempts + 1;
            if attempts >= ATTEMPTS {
                return end(job, Status::Failed { reason: give_up(None, &message) });
            }
            forget_plan(job);
            job.work.attempts = attempts;
            vec![Effect::DropSegments]
        }
        FailureKind::Final | FailureKind::FramesDiffer => end(job, Status::Failed { reason: message }),
        FailureKind::SegmentsDamaged { indices } if joining && indices.iter().any(|&index| index < count) => {
            let mut worst = 0;
            for index in indices {
                if let Some(segment) = job.segments.get_mut(index as usize) {
                    segment.evidence = None;
                    segment.work.attempts += 1;
                    worst = worst.max(segment.work.attempts);
                }
            }
            enter(job, Phase::Segments);
            if worst >= ATTEMPTS { end(job, Status::Failed { reason: message }) } else { Vec::new() }
        }
        FailureKind::SegmentsDamaged { .. }
        | FailureKind::FrameListLost
        | FailureKind::Encoder
        | FailureKind::Transient => {
            work.attempts += 1;
            if work.attempts < ATTEMPTS {
                work.not_before = now.plus(pause(id, task, work.attempts));
                return Vec::new();
            }
            if kind == FailureKind::Encoder && replace_encoder(job) {
                return vec![Effect::DropSegments];
            }
            let reason = give_up(frames, &message);
            end(job, Status::Failed { reason })
        }
    }
}

/// Lets the next encoder take over from one that failed; false when there is none. Segments that the two cannot share a
/// file with are made again.
fn replace_encoder(job: &mut Job) -> bool {
    let Some(facts) = &mut job.facts else { return false };
    let [failed, next, ..] = facts.encodings.as_slice() else { return false };
    let keeps_segments = next.can_follow(failed);
    let failed = facts.encodings.remove(0);
    facts.replaced.push(failed);
    for segment in &mut job.segments {
        if !keeps_segments {
            segment.evidence = None;
        }
        // Whoever is at work with the old encoder works in vain.
        if segment.evidence.is_none() {
            segment.work = Work { epoch: segment.work.epoch, ..Work::new() };
        }
    }
    true
}

/// The reason of a job whose attempts are used up.
fn give_up(frames: Option<SegmentRange>, message: &str) -> String {
    let what =
        frames.map_or_else(String::new, |range| format!(" at frames {}-{}", range.first, range.end - 1));
    format!("gave up after {ATTEMPTS} attempts{what}: {message}")
}

/// Forgets the failed attempts at work that is finished.
fn forget_attempts(job: &mut Job, segment: Option<u32>) {
    job.failed_attempts.retain(|attempt| attempt.segment != segment);
}

/// Throws the plan and everything made by it away. The epochs of the segments to come start above all earlier ones, so
/// that no late attempt at a segment of the old plan fits one of the new.
fn forget_plan(job: &mut Job) {
    job.work.epoch = all_work(job).map(|work| work.epoch).max().unwrap_or(0);
    job.facts = None;
    job.plan = None;
    job.segments.clear();
    job.result_bytes = None;
    job.failed_attempts.clear();
    enter(job, Phase::Index);
}

fn end(job: &mut Job, status: Status) -> Vec<Effect> {
    job.status = status;
    for work in all_work(job) {
        work.state = WorkState::Pending;
    }
    vec![Effect::Ended]
}

fn cancel(job: &mut Job) -> Vec<Effect> {
    if matches!(job.status, Status::Done | Status::Canceled) {
        return refused(Refusal::WrongStatus);
    }
    let effects = end(job, Status::Canceled);
    forget_plan(job);
    effects
}

fn retry(job: &mut Job) -> Vec<Effect> {
    if !matches!(job.status, Status::Failed { .. } | Status::Canceled) {
        return refused(Refusal::WrongStatus);
    }
    job.status = Status::Queued;
    job.failed_attempts.clear();
    for work in all_work(job) {
        *work = Work { epoch: work.epoch, ..Work::new() };
    }
    Vec::new()
}
