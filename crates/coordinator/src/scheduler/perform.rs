//! One piece of work, from a look at its source to the event that it ends in: what is asked of a worker, how long its
//! silence is borne, and what its answer means.

use std::time::Instant;

use job::message::{Failure, FailureKind, Request, Response, Sandbox};
use job::state::{Event, Task};
use ledger::Record;

use super::{BEAT, LEASE, LOOK, Limits, REPORT, Scheduler, WORKER};
use crate::advance::Advance;
use crate::away::{self, ServerFolder};
use crate::error::Error;
use crate::process::{WorkerError, WorkerProcess};
use crate::shutdown::Shutdown;
use crate::source::{Look, cause, look};
use crate::status::Update;
use crate::submit::free_folder;
use crate::{evidence, manifest, report, room, task};

/// How a task ended.
pub(super) enum Outcome {
    Event(Event),
    /// The job was ended by somebody else.
    Overtaken,
    /// Somebody asked to stop.
    Stopped,
}

impl Scheduler {
    /// Says once what keeps the workers from being confined.
    fn tell_of_gaps(&mut self, record: &Record, sandbox: &Sandbox) {
        if sandbox.is_complete || std::mem::replace(&mut self.told_of_gaps, true) {
            return;
        }
        self.note(
            record,
            match &sandbox.lacks {
                Some(lacks) => format!("the worker is not confined, as was allowed: {lacks}"),
                None => format!("the worker is confined, but not fully: {}", sandbox.detail),
            },
        );
    }

    /// The event of a task that cannot be done since a folder is away; `None` where all are there.
    fn away(&mut self, record: &Record, task: &Task) -> Option<Event> {
        let message = away::reason(record, &self.options.folders)?;
        tracing::warn!("job {}: {message}", record.id);
        // It may hold files of what was there before.
        self.worker = None;
        let failure = Failure { kind: FailureKind::FolderAway, message };
        Some(Event::Failed { task: task.key(), failure })
    }

    /// Gives a job another folder, since another server works in the one that it had.
    async fn take_another_folder(&self, record: &Record, task: &Task) -> Result<Outcome, Error> {
        let ledger = &self.options.ledger;
        let ledger::NewJob { source, settings, output, .. } = &record.request;
        let folder = free_folder(ledger, source, settings.part, output).await?;
        ledger.set_folder(record.id, &folder).await?;
        let old = record.request.folder.display();
        let message =
            format!("another server works in `{old}`: the job begins anew in `{}`", folder.display());
        self.note(record, message.clone());
        Ok(Outcome::Event(task::failed(task.key(), FailureKind::Transient, message)))
    }

    /// What became of a task that did not succeed: a folder that is away meanwhile is the reason rather than what was met
    /// with for it.
    fn unless_away(&mut self, record: &Record, task: &Task, event: Event) -> Outcome {
        Outcome::Event(self.away(record, task).unwrap_or(event))
    }

    /// Notes of a job that ends since its source is gone or has other content, that the file's return is news.
    pub(super) async fn note_gone(&self, record: &Record, event: &Event) -> Result<(), Error> {
        let is_end = matches!(event, Event::Failed { failure, .. } if failure.kind == FailureKind::Final);
        if is_end && matches!(look(record), Look::Gone(_)) {
            self.options.ledger.set_gone(&[record.id], true).await?;
        }
        Ok(())
    }

    /// Does a piece of work, or finds why that cannot be.
    pub(super) async fn perform(
        &mut self,
        record: &Record,
        task: &Task,
        shutdown: &Shutdown,
    ) -> Result<Outcome, Error> {
        let key = task.key();
        if let Some(event) = self.away(record, task) {
            return Ok(Outcome::Event(event));
        }
        match look(record) {
            Look::Same if record.request.stamp == self.worker_stamp => {}
            // It may be another file, which the worker has no right to read.
            Look::Same => self.worker = None,
            Look::SameContent(stamp) => {
                self.options.ledger.set_stamp(record.id, &stamp).await?;
                self.worker = None;
            }
            Look::Gone(failure) => {
                return Ok(self.unless_away(record, task, Event::Failed { task: key, failure }));
            }
        }
        if matches!(task, Task::Publish { .. }) {
            let event = self.publish(record, task).await?;
            return Ok(match event {
                Event::Published { .. } => Outcome::Event(event),
                other => self.unless_away(record, task, other),
            });
        }
        let root = self.options.folders.output.as_ref().map(ServerFolder::path);
        if let Err(event) = task::make_folder(root, &record.request.folder, key) {
            return Ok(self.unless_away(record, task, event));
        }
        match manifest::write(&self.options.ledger, record, &self.options.owner) {
            Ok(true) => {}
            Ok(false) => return self.take_another_folder(record, task).await,
            Err(error) => {
                return Ok(self.unless_away(record, task, task::failed_by_storage(key, &error)));
            }
        }
        let Limits { engine_threads, max_disk, .. } = self.options.limits;
        if let Err(failure) = room::look(record, task, max_disk) {
            return self.understand(record, task, Response::Failed(failure)).await;
        }
        let Some(request) = task::request(record, task, engine_threads, max_disk) else {
            let message =
                "the ledger has no plan for this job: use `upscaled cancel` and start again".to_owned();
            return Ok(Outcome::Event(task::failed(key, FailureKind::Final, message)));
        };
        if matches!(task, Task::Segment { .. }) {
            self.progress.begin();
        }
        let asked = self.ask_until(record, task, &request, shutdown).await?;
        self.progress.end(match (&asked, task) {
            (Asked::Answer(Response::SegmentDone { .. }), Task::Segment { range, .. }) => {
                Some(range.frames())
            }
            _ => None,
        });
        Ok(match asked {
            Asked::Answer(response) => self.understand(record, task, response).await?,
            Asked::Lost(error) => {
                self.worker = None;
                tracing::warn!("job {}: {error}", record.id);
                if let Some(event) = self.away(record, task) {
                    return Ok(Outcome::Event(event));
                }
                self.note(record, format!("{error}; trying again"));
                Outcome::Event(task::worker_lost(key, &error))
            }
            Asked::Overtaken => Outcome::Overtaken,
            Asked::Stopped => Outcome::Stopped,
        })
    }

    /// Asks a worker unless somebody asks to stop, and tells all the while that this side is alive.
    async fn ask_until(
        &mut self,
        record: &Record,
        task: &Task,
        request: &Request,
        shutdown: &Shutdown,
    ) -> Result<Asked, Error> {
        let updates = self.options.updates.clone();
        let mut alive = tokio::time::interval(LOOK);
        // Dropping the question half-way kills the worker.
        let mut asking = std::pin::pin!(self.ask(record, task, request));
        loop {
            tokio::select! {
                asked = &mut asking => return asked,
                () = shutdown.requested() => return Ok(Asked::Stopped),
                _ = alive.tick() => {
                    let _ = updates.send(Update::Alive);
                }
            }
        }
    }

    /// Sends a request and waits for the answer, reporting progress, renewing the lease, and looking whether the job was
    /// ended by somebody else.
    async fn ask(&mut self, record: &Record, task: &Task, request: &Request) -> Result<Asked, Error> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => match WorkerProcess::start(&self.options.worker, task::access(record)).await {
                Ok(worker) => {
                    self.worker_stamp.clone_from(&record.request.stamp);
                    self.tell_of_gaps(record, worker.sandbox());
                    worker
                }
                // No fault of the job: all others would fail in the same way.
                Err(
                    error @ (WorkerError::Start { .. }
                    | WorkerError::Version { .. }
                    | WorkerError::Unconfined { .. }),
                ) => {
                    return Err(Error::Worker(error));
                }
                Err(error) => return Ok(Asked::Lost(error)),
            },
        };
        if let Err(error) = worker.send(request).await {
            return Ok(Asked::Lost(error));
        }
        let usual = task::patience(record, task);
        let (mut advance, mut since) = (Advance::of(task, usual), Instant::now());
        let mut silence = worker.silence();
        let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + BEAT, BEAT);
        let mut look = tokio::time::interval(LOOK);
        let mut reported = Instant::now();
        loop {
            // Before the first frame and after the last, a worker is silent for longer than between two.
            let patience = match task {
                Task::Segment { range, .. } if (1..range.frames()).contains(&advance.frames()) => {
                    self.pace.patience().unwrap_or(usual)
                }
                _ => usual,
            };
            let response = {
                let mut receiving = std::pin::pin!(worker.receive_within(silence.as_ref(), patience));
                loop {
                    tokio::select! {
                        response = &mut receiving => break response,
                        _ = beat.tick() => {
                            let lease_milliseconds = LEASE.as_millis() as i64;
                            let renew = Event::Renew { worker: WORKER.to_owned(), lease_milliseconds };
                            match self.apply(record.id, renew).await {
                                // The worker has what it needs; nobody else takes its work.
                                Err(error) if error.is_no_space() => tracing::warn!("job {}: {error}", record.id),
                                renewed => drop(renewed?),
                            }
                        }
                        _ = look.tick() => {
                            let current = self.options.ledger.get(record.id).await?;
                            if current.is_none_or(|current| current.job.status.is_final()) {
                                return Ok(Asked::Overtaken);
                            }
                        }
                    }
                }
            };
            match response {
                Ok(Response::Progress { frames, bytes }) => {
                    let before = advance.frames();
                    let gets_on = advance.gets_on(frames);
                    if gets_on {
                        self.progress.advance(frames, bytes);
                    }
                    if gets_on && matches!(task, Task::Segment { .. }) {
                        self.pace.add(frames - before, since.elapsed());
                        since = Instant::now();
                    }
                    if gets_on || advance.may_stand_still() {
                        silence = worker.silence();
                    }
                    if reported.elapsed() >= REPORT {
                        reported = Instant::now();
                        self.report(record, false);
                    }
                }
                Ok(response) => {
                    self.worker = Some(worker);
                    return Ok(Asked::Answer(response));
                }
                Err(error) => return Ok(Asked::Lost(error)),
            }
        }
    }

    /// What a worker's answer means, after what the coordinator itself has to do about it.
    async fn understand(
        &mut self,
        record: &Record,
        task: &Task,
        response: Response,
    ) -> Result<Outcome, Error> {
        let response = match response {
            Response::Failed(mut failure) => {
                if !matches!(failure.kind, FailureKind::NoSpace { .. })
                    && let Some(event) = self.away(record, task)
                {
                    return Ok(Outcome::Event(event));
                }
                // All folders are there: waiting would end at once, again and again.
                if failure.kind == FailureKind::FolderAway {
                    failure.kind = FailureKind::Transient;
                }
                Response::Failed(cause(record, failure))
            }
            response => {
                if matches!(response, Response::Joined { .. }) {
                    // It has nothing more to do, and could still write to the folder that is looked at from now on.
                    self.dismiss().await;
                }
                match believed(record, task, response) {
                    Ok(response) => response,
                    Err(message) => Response::Failed(Failure { kind: FailureKind::Transient, message }),
                }
            }
        };
        match &response {
            Response::Indexed(facts) => {
                for note in &facts.notes {
                    self.note(record, note.clone());
                }
                if let Err(taken) = self.reserve_name(record, facts).await? {
                    return Ok(Outcome::Event(task::failed(task.key(), FailureKind::Final, taken)));
                }
            }
            Response::SegmentDone { engine, .. } => self.progress.engine = Some(engine.clone()),
            Response::Joined { notes, verified, bytes } => {
                for note in notes {
                    self.note(record, note.clone());
                }
                let went = self.progress.report(record);
                report::keep(record, &went, self.progress.speed(), notes, verified, *bytes);
            }
            Response::Failed(failure) => {
                tracing::warn!("job {}: {}", record.id, failure.message);
                // A failure that ends the job is told as its reason.
                if failure.kind != FailureKind::Final {
                    self.note(record, failure.message.clone());
                }
            }
            _ => {}
        }
        Ok(Outcome::Event(task::event(record, task.key(), response)))
    }
}

/// A worker's answer with what the coordinator can see for itself; else says what is wrong with it.
fn believed(record: &Record, task: &Task, response: Response) -> Result<Response, String> {
    match response {
        Response::SegmentDone { evidence, engine } => {
            evidence::check(record, task, &evidence)?;
            Ok(Response::SegmentDone { evidence, engine })
        }
        Response::Joined { notes, verified, .. } => {
            Ok(Response::Joined { bytes: evidence::result_bytes(record)?, notes, verified })
        }
        other => Ok(other),
    }
}

/// How a question to a worker ended.
enum Asked {
    Answer(Response),
    Lost(WorkerError),
    Overtaken,
    Stopped,
}
