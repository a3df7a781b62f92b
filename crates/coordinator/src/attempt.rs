//! One piece of work, from a look at its source to the event that it ends in: what is asked of an executor, and what its answer
//! means.

use std::sync::Arc;

use job::state::{Event, Task};
use job::{Failure, FailureKind, FilePath};
use ledger::Record;
use protocol::message::Response;
use storage::Stamp;

use crate::away;
use crate::blocking::blocking;
use crate::compare::look_at_source;
use crate::error::Error;
use crate::executor::{Executor, Tell, Work};
use crate::lanes::Given;
use crate::process::WorkerError;
use crate::service::Limits;
use crate::shared::Shared;
use crate::source::{SourceCheck, stamp_text};
use crate::submit::free_folder;
use crate::{admission, digest, manifest, report, segments, task};

#[cfg(test)]
mod tests;

/// How an order to a lane ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The work was done, or tried.
    Event {
        event: Box<Event>,
        /// The engine that worked, in words.
        engine: Option<String>,
    },
    /// It was given up since the dispatcher asked for it.
    Stopped,
    /// The worker that the lane held is gone.
    LetGo,
    /// The service itself cannot go on.
    Broken(Error),
}

impl From<Event> for Outcome {
    fn from(event: Event) -> Self {
        Self::Event { event: Box::new(event), engine: None }
    }
}

/// An attempt at a piece of work.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) given: &'a Given,
    pub(crate) executor: &'a mut dyn Executor,
    pub(crate) tell: Tell<'a>,
    /// The source was found to be gone, or to have other content.
    pub(crate) is_gone: bool,
    /// The stamp of the source that is worked on; empty before it was looked at.
    pub(crate) stamp: String,
}

impl Attempt<'_> {
    /// Does the work, or finds why that cannot be.
    pub(crate) async fn run(mut self) -> Outcome {
        match self.perform().await {
            Ok(Outcome::Stopped) => {
                // The dispatcher takes it for gone, and the folder of the job may go next.
                self.executor.let_go().await;
                Outcome::Stopped
            }
            Ok(outcome) => self.note_gone(outcome).await.unwrap_or_else(Outcome::Broken),
            Err(error) => Outcome::Broken(error),
        }
    }

    /// The event of a task of a job whose result would lie where nothing may be written.
    async fn protected(&mut self) -> Option<Event> {
        let (shared, record) = (Arc::clone(self.shared), Arc::clone(&self.given.record));
        let look = move || shared.folders().protects(&record.request.output).map(ToOwned::to_owned);
        let library = blocking(look).await?;
        let message = format!(
            "nothing is written below `{}`, which is read_only, and the result would lie there: start the video again with another folder for its result",
            library.display()
        );
        Some(task::failed(self.given.task.key(), FailureKind::Final, message))
    }

    /// The event of a task that cannot be done since a folder is away; `None` where all are there.
    async fn away(&mut self) -> Option<Event> {
        let (shared, record) = (Arc::clone(self.shared), Arc::clone(&self.given.record));
        let message = blocking(move || away::reason(&record, &shared.folders())).await?;
        tracing::warn!("job {}: {message}", self.given.record.id);
        // The worker may hold files of what was there before.
        self.executor.let_go().await;
        Some(task::failed(self.given.task.key(), FailureKind::FolderAway, message))
    }

    /// What became of a task that did not succeed: a folder that is away meanwhile is the reason rather than what was met
    /// with for it.
    async fn unless_away(&mut self, event: Event) -> Outcome {
        self.away().await.unwrap_or(event).into()
    }

    /// Gives a job another folder, since another server works in the one that it had.
    async fn take_another_folder(&mut self) -> Result<Outcome, Error> {
        let (ledger, record) = (&self.shared.options.ledger, &self.given.record);
        let _turn = self.shared.moving.lock().await;
        let now = ledger.get(record.id).await?;
        if now.is_none_or(|now| now.request.folder != record.request.folder) {
            // Another lane has done so: this attempt was for the folder of before.
            return Ok(Outcome::Stopped);
        }
        let job::NewJob { source, settings, output, .. } = &record.request;
        let folder = free_folder(ledger, source, settings.part, output).await?;
        ledger.set_folder(record.id, &folder).await?;
        let old = record.request.folder.display();
        let message =
            format!("another server works in `{old}`: the job begins anew in `{}`", folder.display());
        self.shared.note(record, message.clone());
        Ok(task::failed(self.given.task.key(), FailureKind::Transient, message).into())
    }

    /// Notes of a job that ends since its source is gone or has other content, that the file's return is news.
    async fn note_gone(&mut self, outcome: Outcome) -> Result<Outcome, Error> {
        let is_final = |event: &Event| matches!(event, Event::Failed { failure, .. } if failure.kind == FailureKind::Final);
        if self.is_gone && matches!(&outcome, Outcome::Event { event, .. } if is_final(event)) {
            self.shared.options.ledger.set_gone(&[self.given.record.id], true).await?;
        }
        Ok(outcome)
    }

    async fn perform(&mut self) -> Result<Outcome, Error> {
        let Given { record, task, threads, most_bytes, stop, .. } = self.given;
        let key = task.key();
        if let Some(event) = self.protected().await {
            return Ok(event.into());
        }
        if let Some(event) = self.away().await {
            return Ok(event.into());
        }
        match look_at_source(self.shared, self.given).await? {
            None => return Ok(Outcome::Stopped),
            Some(SourceCheck::Gone(failure)) => {
                self.is_gone = true;
                return Ok(self.unless_away(Event::Failed { task: key, failure }).await);
            }
            Some(SourceCheck::SameContent(stamp)) => {
                self.stamp = stamp;
                // It may be another file, which the worker has no right to read.
                self.executor.let_go().await;
            }
            Some(SourceCheck::Same(stamp) | SourceCheck::Touched(stamp)) => self.stamp = stamp,
        }
        if stop.is_requested() {
            return Ok(Outcome::Stopped);
        }
        if matches!(task, Task::Publish { .. }) {
            return Ok(match self.shared.publish(record, task).await? {
                event @ Event::Published { .. } => event.into(),
                other => self.unless_away(other).await,
            });
        }
        match self.prepare_folder().await {
            Ok(true) => {}
            Ok(false) => return self.take_another_folder().await,
            Err(event) => return Ok(self.unless_away(event).await),
        }
        let Limits { max_disk, .. } = self.shared.limits();
        let (looked_at, of) = (Arc::clone(record), task.clone());
        if let Err(failure) = blocking(move || admission::check(&looked_at, &of, max_disk)).await {
            return self.understand(Response::Failed(failure)).await;
        }
        let segments = match task {
            Task::Join { .. } => match segments::list(&self.shared.options.ledger, record, task).await? {
                Ok(list) => Some(list),
                Err(event) => return Ok(self.unless_away(event).await),
            },
            _ => None,
        };
        let Some(request) = task::request(record, task, segments, *threads, *most_bytes) else {
            let message =
                "the ledger has no plan for this job: use `upscaled cancel` and start again".to_owned();
            return Ok(task::failed(key, FailureKind::Final, message).into());
        };
        let work = Work { record: Arc::clone(record), task: task.clone(), request };
        let answer = tokio::select! {
            answer = self.executor.perform(&work, self.tell) => answer,
            () = stop.requested() => return Ok(Outcome::Stopped),
        };
        match answer {
            Ok(response) => self.understand(response).await,
            // No fault of the job: all others would fail in the same way.
            Err(
                error @ (WorkerError::Start { .. }
                | WorkerError::Version { .. }
                | WorkerError::Unconfined { .. }),
            ) => Err(Error::Worker(error)),
            Err(error) => {
                tracing::warn!("job {}: {error}", record.id);
                if let Some(event) = self.away().await {
                    return Ok(event.into());
                }
                self.shared.note(record, format!("{error}; trying again"));
                Ok(task::worker_lost(key, &error).into())
            }
        }
    }

    /// Makes the folder of the job and notes in it whose it is. False where it is that of another server's job.
    async fn prepare_folder(&mut self) -> Result<bool, Event> {
        let (shared, record, key) =
            (Arc::clone(self.shared), Arc::clone(&self.given.record), self.given.task.key());
        blocking(move || {
            task::make_folder(&shared.folders(), &record.request.folder, key)?;
            let state = shared.options.ledger.folder();
            manifest::write(&shared.options.ledger, &record, &shared.options.owner).map_err(|error| {
                if state.is_dir() {
                    return task::failed_by_storage(key, &error);
                }
                let message = format!("the folder `{}` of the server's state is missing", state.display());
                task::failed(key, FailureKind::FolderAway, message)
            })
        })
        .await
    }

    /// What a worker's answer means, after what the coordinator itself has to do about it.
    async fn understand(&mut self, response: Response) -> Result<Outcome, Error> {
        let Given { record, task, .. } = self.given;
        let response = match with_content(&record.request.source, &self.stamp, response).await {
            Response::Failed(mut failure) => {
                if !matches!(failure.kind, FailureKind::NoSpace { .. })
                    && let Some(event) = self.away().await
                {
                    return Ok(event.into());
                }
                // All folders are there: waiting would end at once, again and again.
                if failure.kind == FailureKind::FolderAway {
                    failure.kind = FailureKind::Transient;
                }
                if !matches!(failure.kind, FailureKind::NoSpace { .. }) {
                    // What the worker met with may come of a source that is not what it was.
                    match look_at_source(self.shared, self.given).await? {
                        None => return Ok(Outcome::Stopped),
                        Some(SourceCheck::Gone(gone)) => (self.is_gone, failure) = (true, gone),
                        Some(_) => {}
                    }
                }
                Response::Failed(failure)
            }
            response => {
                if matches!(response, Response::Joined { .. }) {
                    // It has nothing more to do, and could still write to the folder that is looked at from now on.
                    self.executor.let_go().await;
                }
                let (record, task) = (Arc::clone(record), task.clone());
                let believed = blocking(move || believed(&record, &task, response)).await;
                believed.unwrap_or_else(|message| {
                    Response::Failed(Failure { kind: FailureKind::Transient, message: message.into() })
                })
            }
        };
        let mut engine_used = None;
        match &response {
            Response::Indexed(facts) => {
                for note in &facts.notes {
                    self.shared.note(record, note.clone());
                }
                if let Err(taken) = self.shared.reserve_name(record, facts).await? {
                    return Ok(task::failed(task.key(), FailureKind::Final, taken).into());
                }
            }
            Response::SegmentDone { engine, .. } => engine_used = Some(engine.clone()),
            Response::Joined { notes, verified, bytes } => {
                for note in notes {
                    self.shared.note(record, note.clone());
                }
                let (record, progress) = (Arc::clone(record), self.given.progress.clone());
                let words = self.shared.options.words;
                let notes: Vec<String> = notes.iter().map(words).collect();
                let (verified, bytes) = (verified.clone(), *bytes);
                blocking(move || {
                    let went = progress.report(&record).in_words(words);
                    report::keep(&record, &went, progress.frames_per_second(), &notes, &verified, bytes);
                })
                .await;
            }
            Response::Failed(failure) => {
                tracing::warn!("job {}: {}", record.id, self.shared.in_words(&failure.message));
                // A failure that ends the job is told as its reason.
                if !matches!(failure.kind, FailureKind::Final | FailureKind::NoMemory) {
                    self.shared.note(record, failure.message.clone());
                }
            }
            _ => {}
        }
        let event = Box::new(task::event(record, task.key(), response));
        Ok(Outcome::Event { event, engine: engine_used })
    }
}

/// An index with the stamp of the source that it is of; a failure where that was touched while it was read.
async fn with_content(source: &FilePath, looked_at: &str, response: Response) -> Response {
    let Response::Indexed(mut facts) = response else { return response };
    let source = source.clone();
    let stamp = blocking(move || Stamp::of(&source)).await;
    if !stamp.is_ok_and(|stamp| stamp_text(&stamp) == looked_at) {
        let message = "the source was changed while it was read".to_owned();
        return Response::Failed(Failure { kind: FailureKind::Transient, message: message.into() });
    }
    if let Some(content) = &mut facts.content {
        looked_at.clone_into(&mut content.stamp);
    }
    Response::Indexed(facts)
}

/// A worker's answer with what the coordinator can see for itself; else says what is wrong with it.
fn believed(record: &Record, task: &Task, response: Response) -> Result<Response, String> {
    match response {
        Response::SegmentDone { digest, engine } => {
            digest::check(record, task, &digest)?;
            Ok(Response::SegmentDone { digest, engine })
        }
        Response::Joined { notes, verified, .. } => {
            Ok(Response::Joined { bytes: digest::result_bytes(record)?, notes, verified })
        }
        other => Ok(other),
    }
}
