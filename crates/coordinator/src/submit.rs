//! Taking a job in.

use std::path::{Path, PathBuf};

use job::{FilePath, JobId, Millis, NewJob, Part, Settings};
use ledger::{Ledger, Record, Submission};
use storage::{Stamp, fingerprint};

use crate::blocking::blocking;
use crate::error::Error;
use crate::known::finished_result;
use crate::names::numbered_job_folder;
use crate::source::stamp_text;
use crate::template::NameTemplate;

/// A job that is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The video, as an absolute path.
    pub source: PathBuf,
    /// What was chosen.
    pub settings: Settings,
    /// The folder that the result goes to.
    pub output: PathBuf,
    /// The name of the result, where one was chosen.
    pub result: Option<PathBuf>,
    /// The folder for the unfinished work, where one was chosen; else it is beside the result.
    pub folder: Option<PathBuf>,
}

/// Takes a job in: notes what the source is now and gives the job a folder of its own.
///
/// A source that cannot be read is taken in as well; its job fails with the reason, so that people see it.
///
/// # Errors
/// When the source is not there or the ledger fails.
pub async fn submit(ledger: &Ledger, request: Request, now: Millis) -> Result<Submission, Error> {
    enter_in_free_folder(ledger, describe_for(ledger, request).await?, now).await
}

/// As [`enter`]; where another program took the folder meanwhile, in the next one.
pub(crate) async fn enter_in_free_folder(
    ledger: &Ledger,
    mut new: NewJob,
    now: Millis,
) -> Result<Submission, Error> {
    loop {
        match enter(ledger, &new, now).await {
            Err(Error::Ledger(ledger::Error::FolderTaken { .. })) => {
                new.folder = free_folder(ledger, &new.source, new.settings.part, &new.output).await?;
            }
            entered => return entered,
        }
    }
}

/// Takes a source in for which no person chose settings: one that is a job already, whatever its settings, stays that. A new job
/// whose result is there already, as after a loss of the ledger, is done at once. Gives that result.
pub(crate) async fn submit_unless_made(
    ledger: &Ledger,
    new: &NewJob,
    template: &NameTemplate,
    now: Millis,
) -> Result<(Submission, Option<FilePath>), Error> {
    let (known, template) = (new.clone(), template.clone());
    let looking = tokio::task::spawn_blocking(move || finished_result(&known, &template, None));
    if let Ok(Some((result, bytes))) = looking.await
        && let Some(id) = ledger.submit_done(new, &result, bytes, now).await?
    {
        return Ok((Submission { id, is_new: true }, Some(result)));
    }
    let mut new = new.clone();
    loop {
        match ledger.submit_source(&new, now).await {
            Err(ledger::Error::FolderTaken { .. }) => {
                new.folder = free_folder(ledger, &new.source, new.settings.part, &new.output).await?;
            }
            Err(error) => return Err(error.into()),
            Ok(submission) => {
                if !submission.is_new {
                    ledger.set_stamp(submission.id, &new.stamp).await?;
                }
                return Ok((submission, None));
            }
        }
    }
}

/// Takes a described job in, and notes the new stamp of one that is there already.
///
/// # Errors
/// When the ledger fails.
pub async fn enter(ledger: &Ledger, new: &NewJob, now: Millis) -> Result<Submission, Error> {
    let submission = ledger.submit(new, now).await?;
    if !submission.is_new {
        ledger.set_stamp(submission.id, &new.stamp).await?;
    }
    Ok(submission)
}

/// Makes a finished job again from its start, under its number. Where its source has other content by now, that is a new job.
///
/// # Errors
/// When the source is not there or the ledger fails.
pub async fn make_again(ledger: &Ledger, record: &Record, now: Millis) -> Result<JobId, Error> {
    let NewJob { source, settings, output, result, .. } = record.request.clone();
    let request = Request {
        source: source.0,
        settings,
        output: output.0,
        result: result.map(|result| result.0),
        folder: None,
    };
    let new = describe_for(ledger, request).await?;
    if new.fingerprint == record.request.fingerprint {
        ledger.begin_again(record.id, &new, now).await?;
        return Ok(record.id);
    }
    // The name is that of the other content's result.
    Ok(ledger.submit(&NewJob { result: None, ..new }, now).await?.id)
}

/// As [`describe`]; where no folder was chosen, finds one for the work that no other job of the ledger has.
///
/// # Errors
/// When the source is not there or the ledger fails.
pub async fn describe_for(ledger: &Ledger, request: Request) -> Result<NewJob, Error> {
    let folder = match &request.folder {
        Some(folder) => folder.clone().into(),
        None => free_folder(ledger, &request.source, request.settings.part, &request.output).await?,
    };
    describe(request, folder).await
}

/// Notes what a source is now.
///
/// # Errors
/// When the source is not there.
pub async fn describe(request: Request, folder: FilePath) -> Result<NewJob, Error> {
    let source = request.source.clone();
    let (stamp, content) = blocking(move || (Stamp::of(&source), fingerprint(&source))).await;
    let stamp = stamp?;
    let fingerprint = match content {
        Ok(fingerprint) => fingerprint.hex,
        Err(_) => format!("unreadable {}", stamp_text(&stamp)),
    };
    Ok(NewJob {
        folder,
        source: FilePath(request.source),
        fingerprint,
        stamp: stamp_text(&stamp),
        settings: request.settings,
        output: request.output.into(),
        result: request.result.map(FilePath),
    })
}

/// Waits until the disk of a source answers, whatever it says.
pub(crate) async fn look_at(source: &Path) {
    let source = source.to_owned();
    let _ = tokio::task::spawn_blocking(move || Stamp::of(&source)).await;
}

/// A job folder that no other job uses, or would use again after a retry.
pub(crate) async fn free_folder(
    ledger: &Ledger,
    source: &Path,
    part: Option<Part>,
    output: &Path,
) -> Result<FilePath, Error> {
    let mut number = 1;
    loop {
        let folder = numbered_job_folder(source, part, output, number);
        if !ledger.is_folder_used(&folder).await? {
            return Ok(folder);
        }
        number += 1;
    }
}
