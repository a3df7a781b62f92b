//! Looking into a file that has held still, and taking it in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use job::FilePath;
use job::state::{Event, Status};
use ledger::Record;
use protocol::message::{Access, Head, Request as Question, Response};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::InboxOptions;
use super::held::is_held;
use super::kinds::{self, Kind};
use super::renamed;
use super::rule::Rule;
use crate::blocking::blocking;
use crate::clock::now;
use crate::error::Error;
use crate::folders::Watched;
use crate::outlook;
use crate::process::{WorkerProcess, WorkerProgram};
use crate::source::forbidden;
use crate::submit::{Request, describe_for, make_again, submit_unless_made};

/// Time for a worker to look at a file.
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// Time for the disk of a file to answer.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);

/// What is known of the content of a file that is not taken in yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// It states more than it holds.
    Unfinished(String),
    /// It cannot be opened.
    Unreadable(String),
}

/// What came of looking into a file.
#[derive(Debug)]
pub(super) enum Opened {
    /// It is a job now, or was one before.
    TakenIn,
    /// It is no video, or a result of this program.
    LeftAlone(Rule),
    /// Another program may still write to it.
    Held,
    /// Its disk does not answer.
    Silent,
    /// It may not be read, for this reason.
    Forbidden(String),
    /// It is not what it will be.
    Waits(Content),
}

/// Looks into a file. With `anyway`, one that is not whole or cannot be opened is taken in as well: its job says what is wrong
/// with it. It is taken in when `before` has ended.
pub(super) async fn open(
    options: &InboxOptions,
    path: &Path,
    known: Option<Content>,
    anyway: bool,
    before: Option<oneshot::Receiver<()>>,
) -> Result<Opened, Error> {
    let file = path.to_owned();
    let looking = blocking(move || {
        let parts = storage::parts(&file);
        let is_held = is_held(&parts);
        (parts, is_held, forbidden(&file))
    });
    let Ok((parts, is_held, forbidden)) = timeout(ANSWERS_WITHIN, looking).await else {
        return Ok(Opened::Silent);
    };
    if is_held {
        return Ok(Opened::Held);
    }
    if let Some(why) = forbidden {
        return Ok(Opened::Forbidden(why));
    }
    let mut head = None;
    // One that could not be opened may be longer meanwhile under the same stamp, or have been locked.
    let content = match known {
        Some(content @ Content::Unfinished(_)) => Some(content),
        Some(Content::Unreadable(_)) | None => match probe(&options.worker, parts).await {
            Ok(Probed { made_by: Some(made_by), .. }) if !makes_again(options, path) => {
                return Ok(Opened::LeftAlone(Rule::Result(made_by)));
            }
            Ok(probed) => {
                head = probed.head;
                probed.unfinished.map(Content::Unfinished)
            }
            Err(why) if kinds::of(path) == Kind::Unknown => {
                return Ok(Opened::LeftAlone(Rule::NoVideo(why)));
            }
            Err(why) => Some(Content::Unreadable(why)),
        },
    };
    if let Some(content) = content
        && !anyway
    {
        return Ok(Opened::Waits(content));
    }
    if let Some(before) = before {
        // It says nothing; that it is dropped is the sign.
        let _ = before.await;
    }
    let taken_in = take_in(options, path, head).await;
    options.wake.changed();
    taken_in
}

/// True where results are to be made again.
fn makes_again(options: &InboxOptions, path: &Path) -> bool {
    options.folders.of_source(path).is_some_and(|watched| watched.folder.settings.again)
}

/// What a worker says of a video.
#[derive(Debug)]
pub(super) struct Probed {
    /// Width and rows of its picture as it is stored.
    pub(super) size: (u32, u32),
    /// How long it plays, by its own word.
    pub(super) seconds: Option<f64>,
    /// It states more than it holds.
    pub(super) unfinished: Option<String>,
    /// It is a result, and says how it was made.
    pub(super) made_by: Option<String>,
    /// What its head says of its frames.
    pub(super) head: Option<Head>,
}

/// Has a worker look into a file, whose parts these are; else says why it cannot be opened.
pub(super) async fn probe(worker: &WorkerProgram, parts: Vec<PathBuf>) -> Result<Probed, String> {
    let source: FilePath = parts.first().cloned().unwrap_or_default().into();
    let answer = async {
        let access = Access { read: parts.into_iter().map(FilePath).collect(), ..Access::default() };
        let mut worker = WorkerProcess::start(worker, access).await?;
        worker.send(&Question::Probe { source: source.clone() }).await?;
        worker.receive(PROBE_LIMIT).await
    };
    match answer.await {
        Ok(Response::Probed { columns, rows, seconds, unfinished, made_by, head, .. }) => {
            Ok(Probed { size: (columns, rows), seconds, unfinished, made_by, head })
        }
        Ok(Response::Failed(failure)) => Err(failure.message.text),
        Ok(_) => Err("the worker gave an answer that does not fit".to_owned()),
        Err(error) => {
            tracing::warn!("looking at `{}`: {error}", source.display());
            Err(error.to_string())
        }
    }
}

/// Makes a job of a file, unless it is one already.
async fn take_in(options: &InboxOptions, path: &Path, head: Option<Head>) -> Result<Opened, Error> {
    // The folders do not change while it is looked into.
    let Some(Watched { folder, .. }) = options.folders.of_source(path) else { return Ok(Opened::TakenIn) };
    let request = Request {
        source: path.to_owned(),
        settings: folder.settings.clone(),
        output: folder.output_of(path),
        result: None,
        folder: None,
    };
    let Ok(new) = timeout(ANSWERS_WITHIN, describe_for(&options.ledger, request)).await else {
        return Ok(Opened::Silent);
    };
    let new = new?;
    if renamed::take_over(options, &new).await? {
        return Ok(Opened::TakenIn);
    }
    let (submission, made) = submit_unless_made(&options.ledger, &new, &folder.name, now()).await?;
    let id = submission.id;
    if submission.is_new {
        if let Some(Head { shape, frames }) = head.filter(|_| made.is_none())
            && let Some(forecast) = outlook::foreseen(&new.settings, shape, frames.into())
        {
            options.ledger.note_forecast(id, new.settings.model.name(), &forecast).await?;
        }
        if let Some(result) = made {
            tracing::info!("job {id}: `{}` was made before: `{}`", path.display(), result.display());
        } else {
            tracing::info!("job {id}: `{}` is taken in", path.display());
        }
    } else {
        let is_back = options.ledger.is_gone(id).await?;
        if is_back {
            options.ledger.set_gone(&[id], false).await?;
        }
        if let Some(record) = options.ledger.get(id).await?
            && (is_back || matches!(record.job.status, Status::Failed { .. }))
        {
            welcome_back(options, &record).await?;
        }
    }
    Ok(Opened::TakenIn)
}

/// A file that was gone and is there again is to be made again, unless its result is still there. (That a result alone is
/// gone asks for nothing: people take results away.) What failed is tried again, most likely since the file was gone.
pub(super) async fn welcome_back(options: &InboxOptions, record: &Record) -> Result<(), Error> {
    let (id, source) = (record.id, record.request.source.display());
    let result = record.request.result.as_ref().filter(|result| result.symlink_metadata().is_ok());
    match (&record.job.status, result) {
        (Status::Done, None) => {
            make_again(&options.ledger, record, now()).await?;
            tracing::info!("job {id}: `{source}` is back and its result is gone: it is made again");
        }
        (Status::Done, Some(result)) => {
            tracing::info!("job {id}: `{source}` is back; its result is `{}`", result.display());
        }
        (Status::Failed { .. }, _) if !record.is_removed => {
            options.ledger.apply(id, Event::Retry, now()).await?;
            tracing::info!("job {id}: `{source}` is back, and is tried again with what is finished");
        }
        _ => {}
    }
    Ok(())
}
