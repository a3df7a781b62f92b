//! Working jobs off, one piece of work after the other: the jobs in their places, the urgent ones first.

mod perform;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use job::state::{Effect, Event, Phase, Refusal, Status};
use job::{JobId, Millis, Turns};
use ledger::{Ledger, Queued, Record};
use storage::SegmentName;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::away::{self, ServerFolders};
use crate::error::Error;
use crate::owner::Owner;
use crate::pace::Pace;
use crate::process::{WorkerProcess, WorkerProgram};
use crate::shutdown::Shutdown;
use crate::status::{JobReport, Progress, Update};
use crate::template::NameTemplate;

use perform::Outcome;

/// How long a lease lasts without a sign of life: three beats.
const LEASE: Duration = Duration::from_secs(15);
/// Time between the signs of life of a local worker, whose death is seen at once anyway.
const BEAT: Duration = Duration::from_secs(5);
/// Time between looks at the ledger for what other programs changed, such as a cancelled job.
const LOOK: Duration = Duration::from_millis(500);
/// Time between looks for work when there is none, and at a disk that was full.
const IDLE: Duration = Duration::from_secs(2);
/// A job waits for room for at least so long: where more was needed than anybody could tell, looking at the disk alone
/// would begin the same attempt again and again.
const LEAST_WAIT: Duration = Duration::from_secs(5);
/// Looking for work takes at most one part in so many of the time while there is none, as long as that is soon enough.
const SHARE: u32 = 1000;
/// Work is looked for after this time at the latest.
const LATEST_LOOK: Duration = Duration::from_secs(10);
/// Time between reports of a job's progress.
const REPORT: Duration = Duration::from_millis(250);
/// Time between rewrites of `status.json`.
const STATUS_FILE: Duration = Duration::from_secs(1);
/// Least time between backups of the ledger.
const BACKUP: Duration = Duration::from_mins(1);
/// The name under which the local worker claims work.
const WORKER: &str = "local";

/// What people are told while the ledger cannot be written. A change takes some kilobytes of its log.
const LEDGER_FULL: &str =
    "waiting for space: the disk of the ledger is full; free at least 1 MB and the job goes on by itself";

/// What a scheduler needs.
#[derive(Debug, Clone)]
pub struct SchedulerOptions {
    /// The ledger. No other scheduler may work on it at the same time: the caller holds its lock.
    pub ledger: Ledger,
    /// What workers run.
    pub worker: WorkerProgram,
    /// What may be changed while it works.
    pub limits: Limits,
    /// Where new limits come from, which hold from the next piece of work on.
    pub new_limits: Option<watch::Receiver<Limits>>,
    /// What to do about a file that has the name of a result.
    pub existing: Existing,
    /// Names that results of other jobs will have, which are not in the ledger.
    pub taken: Vec<PathBuf>,
    /// The folders of a server: while one is away, its jobs wait. Without them, a job waits for those of its own files.
    pub folders: ServerFolders,
    /// Who works: the folders of other servers' jobs are left alone.
    pub owner: Owner,
    /// How results are named.
    pub name: NameTemplate,
    /// Where to tell what happens.
    pub updates: UnboundedSender<Update>,
}

/// How the work on all jobs is done. No frame depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Threads of the engine.
    pub engine_threads: u32,
    /// Bytes that the folder of a job may take on the disk; `None` where there is no limit.
    pub max_disk: Option<u64>,
    /// Results have the time at which their sources were modified.
    pub keep_time: bool,
    /// Results take along the subtitle files beside their sources.
    pub subtitle_files: bool,
}

/// What to do about a file that has the name of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Give the result another name.
    NextName,
    /// Fail the job.
    Refuse,
    /// Replace the file once the result is complete.
    Replace,
}

/// How work on a job ended.
#[derive(Debug)]
pub enum Ending {
    /// The job is done, failed or cancelled.
    Final,
    /// The job waits for room on the disk, for a folder, or for a person to let it go on.
    Waiting,
    /// Somebody asked to stop; the job goes on later.
    Stopped,
}

/// Works jobs off.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) options: SchedulerOptions,
    /// The job that is worked on.
    current: Option<JobId>,
    /// Its worker, which holds its model.
    worker: Option<WorkerProcess>,
    /// The stamp of the source that the worker may read.
    worker_stamp: String,
    turns: Turns,
    progress: Progress,
    pace: Pace,
    status_written: Option<Instant>,
    told_of_gaps: bool,
    /// A job has come to its end since the ledger was copied.
    something_ended: bool,
    last_backup: Option<Instant>,
}

/// What came of the turn of a job.
enum Turn {
    /// A piece of work was done, or tried.
    Worked,
    /// There is nothing to do now.
    Idle,
    /// There is nothing more to do.
    Ended(Ending),
}

impl Scheduler {
    /// A scheduler that has not begun.
    pub fn new(options: SchedulerOptions) -> Self {
        Self {
            options,
            current: None,
            worker: None,
            worker_stamp: String::new(),
            turns: Turns::default(),
            progress: Progress::default(),
            pace: Pace::default(),
            status_written: None,
            told_of_gaps: false,
            something_ended: true,
            last_backup: None,
        }
    }

    /// Works all jobs off, also those that come while it runs, until somebody asks to stop.
    ///
    /// # Errors
    /// When the ledger fails at the start or is damaged. Later failures of it are logged and tried again.
    pub async fn serve(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        self.clean_up().await?;
        while !shutdown.is_requested() {
            match self.work_off(shutdown).await {
                Ok(()) => {}
                Err(error) if error.is_damage() => return Err(error),
                Err(error) => {
                    tracing::error!("{error}; trying again");
                    shutdown.sleep(BEAT).await;
                }
            }
        }
        Ok(())
    }

    /// Works jobs off until somebody asks to stop.
    async fn work_off(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        self.take_leases_back().await?;
        while !shutdown.is_requested() {
            self.tell_alive();
            self.back_up().await?;
            let looking = Instant::now();
            let next = self.next_job().await?;
            if next != self.current {
                self.leave().await?;
            }
            let Some(id) = next else {
                // Thousands of jobs may wait, each for its folder.
                shutdown.sleep((looking.elapsed() * SHARE).clamp(LOOK, LATEST_LOOK)).await;
                continue;
            };
            if self.current.is_none() {
                self.begin(id, shutdown).await?;
            }
            self.turn(id, shutdown).await?;
        }
        self.leave().await
    }

    /// Works on one job until it ends or a person asks to stop, and waits while it has no room on the disk, its folders are
    /// away, or it is paused.
    ///
    /// # Errors
    /// When the ledger fails for another reason than a full disk. The job goes on from there another time.
    pub async fn work_to_end(&mut self, id: JobId, shutdown: &Shutdown) -> Result<Ending, Error> {
        while !shutdown.is_requested() {
            let waited = match self.work_on(id, shutdown).await {
                Ok(Ending::Waiting) => self.wait(id, shutdown).await,
                Err(error) => Err(error),
                ended => return ended,
            };
            match waited {
                Err(error) if error.is_no_space() => {
                    self.say_ledger_full(id, &error);
                    shutdown.sleep(IDLE).await;
                }
                waited => waited?,
            }
        }
        Ok(Ending::Stopped)
    }

    /// Works on one job until it ends, has to wait, or somebody asks to stop.
    ///
    /// # Errors
    /// When the ledger fails. The job goes on from there another time.
    pub async fn work_on(&mut self, id: JobId, shutdown: &Shutdown) -> Result<Ending, Error> {
        self.begin(id, shutdown).await?;
        let ending = loop {
            match self.turn(id, shutdown).await? {
                Turn::Worked => {}
                Turn::Idle => shutdown.sleep(REPORT).await,
                Turn::Ended(ending) => break ending,
            }
        };
        self.leave().await?;
        Ok(ending)
    }

    /// Begins to work on a job, or goes on with it.
    async fn begin(&mut self, id: JobId, shutdown: &Shutdown) -> Result<(), Error> {
        (self.progress, self.pace) = (Progress::default(), Pace::default());
        // Whoever held a lease is gone: this program has the lock.
        let record = self.tell_ledger(id, Event::Release { worker: None }, shutdown).await?.record;
        self.current = Some(id);
        self.tidy(record, shutdown).await?;
        Ok(())
    }

    /// Takes new limits up, where there are any.
    fn take_up_limits(&mut self) {
        let news = self.options.new_limits.as_mut().filter(|news| news.has_changed().unwrap_or(false));
        let Some(limits) = news.map(|news| *news.borrow_and_update()) else { return };
        if limits.engine_threads != self.options.limits.engine_threads {
            // It has its threads already.
            self.worker = None;
        }
        self.options.limits = limits;
    }

    /// Does one piece of work of the current job.
    async fn turn(&mut self, id: JobId, shutdown: &Shutdown) -> Result<Turn, Error> {
        if shutdown.is_requested() {
            return Ok(Turn::Ended(Ending::Stopped));
        }
        self.take_up_limits();
        let claim = Event::Claim { worker: WORKER.to_owned(), lease_milliseconds: LEASE.as_millis() as i64 };
        let applied = self.tell_ledger(id, claim, shutdown).await?;
        let record = applied.record;
        let task = match applied.effects.into_iter().next() {
            Some(Effect::Granted(task)) => task,
            Some(Effect::Refused(Refusal::WrongStatus)) if record.job.status.is_final() => {
                return Ok(Turn::Ended(Ending::Final));
            }
            Some(Effect::Refused(Refusal::WrongStatus)) => return Ok(Turn::Ended(Ending::Waiting)),
            _ => return Ok(Turn::Idle),
        };
        self.report(&record, true);
        match self.perform(&record, &task, shutdown).await? {
            Outcome::Event(event) => {
                self.note_gone(&record, &event).await?;
                let applied = self.tell_ledger(id, event, shutdown).await?;
                let mut after = applied.record;
                self.tell_of_encoder(&record, &after);
                let is_renamed = after.request.source != record.request.source;
                if is_renamed && matches!(after.job.status, Status::Failed { .. }) {
                    // Its source was missed under the name that it had before.
                    after = self.tell_ledger(id, Event::Retry, shutdown).await?.record;
                }
                if applied.effects.contains(&Effect::DropSegments) {
                    sweep(&after, &[]);
                }
                if after.job.phase == Phase::Segments && record.job.phase != Phase::Segments {
                    after = self.tidy(after, shutdown).await?;
                }
                self.report(&after, true);
            }
            Outcome::Overtaken => {}
            Outcome::Stopped => return Ok(Turn::Ended(Ending::Stopped)),
        }
        Ok(Turn::Worked)
    }

    /// Says that another encoder took over.
    fn tell_of_encoder(&self, before: &Record, after: &Record) {
        let facts = |record: &Record| record.job.facts.clone();
        let (Some(before), Some(facts)) = (facts(before), facts(after)) else { return };
        let (Some(failed), Some(next)) = (facts.replaced.last(), facts.encodings.first()) else { return };
        if facts.replaced.len() > before.replaced.len() {
            let kept = if next.can_follow(failed) {
                "what it made so far was checked and stays"
            } else {
                "all segments are made again, since a file holds video of one encoder"
            };
            let (failed, next) = (&failed.encoder, &next.encoder);
            self.note(after, format!("{failed} failed again and again: {next} takes over; {kept}"));
        }
    }

    /// Ends the worker, where there is one.
    async fn dismiss(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.kill().await;
        }
    }

    /// Ends the work on the current job, for good or until its next turn.
    async fn leave(&mut self) -> Result<(), Error> {
        self.dismiss().await;
        let Some(id) = self.current.take() else { return Ok(()) };
        let record = self.apply(id, Event::Release { worker: None }).await?.record;
        self.report(&record, true);
        if record.job.status.is_final() {
            self.something_ended = true;
            remove_leftovers(&record);
            if record.job.status == Status::Done {
                self.free_halves(&record).await?;
            }
        }
        Ok(())
    }

    /// Keeps a copy of the ledger when a job has come to its end, which nothing but the ledger knows.
    async fn back_up(&mut self) -> Result<(), Error> {
        if !self.something_ended || self.last_backup.is_some_and(|last| last.elapsed() < BACKUP) {
            return Ok(());
        }
        (self.something_ended, self.last_backup) = (false, Some(Instant::now()));
        match self.options.ledger.back_up().await {
            Err(error) if error.is_damage() => Err(error.into()),
            Err(error) => {
                tracing::warn!("no backup of the ledger: {error}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes all leases back: whoever held one is gone, since this program has the lock.
    async fn take_leases_back(&mut self) -> Result<(), Error> {
        (self.current, self.worker) = (None, None);
        for record in self.options.ledger.list().await? {
            if record.job.is_worked_on() {
                self.apply(record.id, Event::Release { worker: None }).await?;
            }
        }
        Ok(())
    }

    /// Looks whether what a job waits for is there, or whether a paused one was let go on.
    async fn look_again(&self, id: JobId) -> Result<bool, Error> {
        let Some(record) = self.options.ledger.get(id).await? else { return Ok(true) };
        let is_over = match record.job.status {
            Status::WaitingForSpace { bytes } => {
                // However the clock was set meanwhile.
                let has_waited = now().0.abs_diff(record.changed.0) >= LEAST_WAIT.as_millis() as u64;
                has_waited && storage::free_bytes(&record.request.output).is_ok_and(|free| free >= bytes)
            }
            Status::WaitingForFolder { .. } => away::reason(&record, &self.options.folders).is_none(),
            _ => return Ok(record.job.status != Status::Paused),
        };
        if is_over {
            self.apply(id, Event::WaitOver).await?;
        }
        Ok(is_over)
    }

    /// Waits until a job that waits or is paused can go on or has been ended.
    async fn wait(&self, id: JobId, shutdown: &Shutdown) -> Result<(), Error> {
        while !shutdown.is_requested() && !self.look_again(id).await? {
            shutdown.sleep(IDLE).await;
        }
        Ok(())
    }

    /// The job whose turn it is: the first in its place that has something to do, of the priority that is next.
    async fn next_job(&mut self) -> Result<Option<JobId>, Error> {
        // Thousands may wait behind the first one.
        let mut ready: Vec<Queued> = Vec::new();
        let queue = self.options.ledger.queue().await?;
        let away = if queue.is_empty() { Vec::new() } else { self.options.folders.away() };
        let mut is_told = false;
        for queued in queue {
            if ready.iter().any(|other| other.priority == queued.priority) {
                continue;
            }
            let is_below =
                |folder: &&Path| queued.source.starts_with(folder) || queued.output.starts_with(folder);
            // One job says for which folder it waits, and the others wait behind it.
            if away.iter().any(is_below) && std::mem::replace(&mut is_told, true) {
                continue;
            }
            let Some(record) = self.options.ledger.get(queued.id).await? else { continue };
            let is_ready = match record.job.status {
                Status::WaitingForSpace { .. } | Status::WaitingForFolder { .. } => {
                    self.look_again(record.id).await?
                }
                _ => record.job.has_work(now()),
            };
            if is_ready {
                ready.push(queued);
            }
        }
        let next = self.turns.next(ready.iter().map(|queued| queued.priority));
        Ok(ready.into_iter().find(|queued| Some(queued.priority) == next).map(|queued| queued.id))
    }

    /// Removes what an interrupted end of a job left.
    async fn clean_up(&self) -> Result<(), Error> {
        let records = self.options.ledger.list().await?;
        let in_use: Vec<_> =
            records.iter().filter(|r| !r.job.status.is_final()).map(|r| &r.request.folder).collect();
        for record in records.iter().filter(|record| record.job.status.is_final()) {
            if !in_use.contains(&&record.request.folder) {
                remove_leftovers(record);
            }
        }
        Ok(())
    }

    async fn apply(&self, id: JobId, event: Event) -> Result<ledger::Applied, Error> {
        Ok(self.options.ledger.apply(id, event, now()).await?)
    }

    /// Applies an event, and waits while the ledger's disk is full: what was made is not to be made again for that.
    async fn tell_ledger(
        &self,
        id: JobId,
        event: Event,
        shutdown: &Shutdown,
    ) -> Result<ledger::Applied, Error> {
        let mut is_said = false;
        loop {
            match self.apply(id, event.clone()).await {
                Err(error) if error.is_no_space() && !shutdown.is_requested() => {
                    if !std::mem::replace(&mut is_said, true) {
                        self.say_ledger_full(id, &error);
                    }
                    shutdown.sleep(IDLE).await;
                }
                other => return other,
            }
        }
    }

    fn say_ledger_full(&self, id: JobId, error: &Error) {
        tracing::warn!("job {id}: {error}");
        let _ = self.options.updates.send(Update::Note { id, text: LEDGER_FULL.to_owned() });
    }

    /// Tells how far a job is; `always`, or only when the last time is a while ago.
    fn report(&mut self, record: &Record, always: bool) {
        let report = self.progress.report(record);
        if always || self.status_written.is_none_or(|last| last.elapsed() >= STATUS_FILE) {
            self.status_written = Some(Instant::now());
            write_status_file(record, &report);
        }
        // Nobody listening is no reason to stop working.
        let _ = self.options.updates.send(Update::Job(Box::new(report)));
    }

    fn tell_alive(&self) {
        let _ = self.options.updates.send(Update::Alive);
    }

    pub(crate) fn note(&self, record: &Record, text: String) {
        let _ = self.options.updates.send(Update::Note { id: record.id, text });
    }
}

/// The time of the wall clock.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Millis(since.as_millis() as i64)
}

/// Removes files of attempts that came to nothing from a job's folder, but for those of `unread`.
pub(crate) fn sweep(record: &Record, unread: &[SegmentName]) {
    let finished = record
        .job
        .segments
        .iter()
        .filter_map(|segment| SegmentName::of_file(&segment.evidence.as_ref()?.file));
    let keep: Vec<SegmentName> = finished.chain(unread.iter().copied()).collect();
    if record.request.folder.is_dir()
        && let Err(error) = storage::sweep(&record.request.folder, &keep)
    {
        tracing::warn!("job {}: {error}", record.id);
    }
}

/// Removes the folder of a job that has ended, unless it holds finished segments that a retry would use.
fn remove_leftovers(record: &Record) {
    let worth_keeping = matches!(record.job.status, Status::Failed { .. }) && record.job.frames_done() > 0;
    if !worth_keeping {
        discard_work(record);
    }
}

/// Removes the folder of a job on which nobody works.
pub fn discard_work(record: &Record) {
    let folder = &record.request.folder;
    if folder.is_dir()
        && let Err(error) = storage::remove_folder(folder)
    {
        tracing::warn!("the folder `{}` of job {} cannot be removed: {error}", folder.display(), record.id);
    }
}

fn write_status_file(record: &Record, report: &JobReport) {
    // The folder is not there before the first task and after the last.
    if record.job.phase == Phase::Index && !record.request.folder.is_dir() {
        return;
    }
    let path = record.request.folder.join("status.json");
    if let Ok(bytes) = serde_json::to_vec_pretty(report)
        && let Err(error) = storage::write_status(&path, &bytes)
    {
        tracing::debug!("job {}: {error}", record.id);
    }
}
