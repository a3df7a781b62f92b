//! The executor of this machine: worker processes, each for one job, since its sandbox holds the files of that job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use job::JobId;
use job::state::Task;
use protocol::message::{Request, Response};

use crate::advance::Advance;
use crate::executor::{Doing, Executor, Heard, Tell, Work};
use crate::pace::Pace;
use crate::process::{WorkerError, WorkerProcess, WorkerProgram};
use crate::promises::{Promise, Promises};
use crate::task;

/// Time for a worker to look at the memory, during which no other one does.
const ADMISSION: Duration = Duration::from_mins(1);

/// Starts a worker process for each job, and keeps it as long as its work is of that job.
#[derive(Debug)]
pub(crate) struct LocalExecutor {
    name: String,
    program: WorkerProgram,
    promises: Promises,
    worker: Option<Worker>,
    /// How fast the frames of a job come.
    pace: (Option<JobId>, Pace),
}

/// A worker process and what it is good for.
#[derive(Debug)]
struct Worker {
    process: WorkerProcess,
    job: JobId,
    /// Of the source that it may read.
    stamp: String,
    /// Threads of its engine, once it has one.
    threads: Option<u32>,
    /// It has been asked, and its last answer has not come.
    is_asked: bool,
    /// The memory that it may take for what it was asked. It goes with the worker where that is ended.
    promise: Option<Arc<Promise>>,
}

impl Worker {
    /// True where the worker may read what this piece of work needs, and has the threads that it is to have.
    fn fits(&self, work: &Work) -> bool {
        let has_other_threads =
            threads(work).is_some_and(|wanted| self.threads.is_some_and(|threads| threads != wanted));
        self.job == work.record.id
            && self.stamp == work.record.request.stamp
            && !self.is_asked
            && !has_other_threads
    }

    /// Lets the worker see what memory there is beside what others were promised. `None` once it has begun; else its last answer.
    async fn admit(&mut self, promises: &Promises) -> Result<Option<Response>, WorkerError> {
        let mut turn = promises.turn().await;
        self.process.send(&Request::PromisedMemory { bytes: turn.not_taken() }).await?;
        match self.process.receive(ADMISSION).await? {
            Response::Admitted { bytes } => {
                self.promise = self.process.id().map(|id| turn.promise(id, bytes));
                Ok(None)
            }
            other => Ok(Some(other)),
        }
    }
}

/// Threads of the engine that a piece of work takes, where it takes the engine.
fn threads(work: &Work) -> Option<u32> {
    match &work.request {
        Request::Segment(request) => Some(request.engine_threads),
        _ => None,
    }
}

impl LocalExecutor {
    /// An executor of this name, with the worker program, and with what others of the service promise their workers.
    pub(crate) fn new(name: &str, program: WorkerProgram, promises: Promises) -> Self {
        Self { name: name.to_owned(), program, promises, worker: None, pace: (None, Pace::default()) }
    }

    async fn ask(&mut self, work: &Work, tell: Tell<'_>) -> Result<Response, WorkerError> {
        let Self { name, program, promises, worker: slot, pace: (of, pace) } = self;
        let (id, task) = (work.record.id, &work.task);
        if of.replace(id) != Some(id) {
            *pace = Pace::default();
        }
        let worker = match slot {
            Some(worker) if worker.fits(work) => worker,
            other => {
                if let Some(mut unfit) = other.take() {
                    unfit.process.kill().await;
                }
                let process = WorkerProcess::start(program, task::access(&work.record)).await?;
                tell(Heard::Sandbox(process.sandbox().clone()));
                let (job, stamp) = (id, work.record.request.stamp.clone());
                other.insert(Worker { process, job, stamp, threads: None, is_asked: false, promise: None })
            }
        };
        worker.threads = threads(work).or(worker.threads);
        tracing::debug!("{name} begins {} of job {id}", described(task));
        worker.is_asked = true;
        worker.process.send(&work.request).await?;
        let usual = task::patience(&work.record, task);
        let (mut advance, mut since) = (Advance::of(task, usual), Instant::now());
        let mut silence = worker.process.silence();
        let answer = loop {
            // Before the first frame and after the last, a worker is silent for longer than between two.
            let patience = match task {
                Task::Segment { range, .. } if (1..range.frames()).contains(&advance.frames()) => {
                    pace.patience().unwrap_or(usual)
                }
                _ => usual,
            };
            match worker.process.receive_within(silence.as_ref(), patience).await? {
                Response::AsksForMemory if worker.promise.is_none() => {
                    if let Some(answer) = worker.admit(promises).await? {
                        break answer;
                    }
                    silence = worker.process.silence();
                }
                Response::Progress { frames, bytes } => {
                    let before = advance.frames();
                    let gets_on = advance.gets_on(frames);
                    if gets_on && matches!(task, Task::Segment { .. }) {
                        pace.add(frames - before, since.elapsed());
                        since = Instant::now();
                    }
                    if gets_on {
                        tell(Heard::Frames { frames, bytes });
                    }
                    if gets_on || advance.may_stand_still() {
                        silence = worker.process.silence();
                    }
                }
                answer => break answer,
            }
        };
        tracing::debug!("{name} ends {} of job {id}", described(task));
        (worker.is_asked, worker.promise) = (false, None);
        Ok(answer)
    }
}

impl Executor for LocalExecutor {
    fn perform<'a>(&'a mut self, work: &'a Work, tell: Tell<'a>) -> Doing<'a, Result<Response, WorkerError>> {
        Box::pin(async move {
            let answer = self.ask(work, tell).await;
            if answer.is_err() {
                // It is dead, or not to be asked any more.
                self.let_go().await;
            }
            answer
        })
    }

    fn let_go(&mut self) -> Doing<'_, ()> {
        Box::pin(async {
            if let Some(mut worker) = self.worker.take() {
                worker.process.kill().await;
            }
        })
    }
}

/// A task in words.
fn described(task: &Task) -> String {
    match task {
        Task::Index { .. } => "the index".to_owned(),
        Task::Segment { index, .. } => format!("segment {index}"),
        Task::Join { .. } => "the join".to_owned(),
        Task::Publish { .. } => "the publishing".to_owned(),
    }
}
