//! A file that a person renamed or moved within the folders that are watched is still the source of its jobs.

use std::cmp::Reverse;

use job::NewJob;
use job::state::{Event, Status};
use ledger::Record;

use super::opening::welcome_back;
use super::{InboxOptions, vanished};
use crate::clock::now;
use crate::error::Error;
use crate::folders::ServerFolders;
use crate::source::replaced_by;

/// Gives the jobs of a file that had another name its new one. False where it is a file that had none: it is new, or a copy.
///
/// Nothing is made again for a name: what is done stays done, and what is not goes on with what it has, both with the settings
/// that they had.
pub(super) async fn take_over(options: &InboxOptions, new: &NewJob) -> Result<bool, Error> {
    let ledger = &options.ledger;
    let jobs = ledger.of_fingerprint(&new.fingerprint).await?;
    if jobs.is_empty() || jobs.iter().any(|job| job.request.source == new.source) {
        return Ok(false);
    }
    let (folders, file) = (options.folders.clone(), new.clone());
    let looking = tokio::task::spawn_blocking(move || of_one_source(jobs, &file, &folders));
    let jobs = looking.await.unwrap_or_default();
    if jobs.is_empty() {
        return Ok(false);
    }
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    ledger.rename_source(&ids, new).await?;
    for job in &jobs {
        // What the service made of it meanwhile counts.
        let Some(record) = ledger.get(job.id).await? else { continue };
        go_on(options, &record, job, new).await?;
    }
    Ok(true)
}

/// What becomes of a job whose source, as it was in `before`, has another name now.
async fn go_on(options: &InboxOptions, record: &Record, before: &Record, new: &NewJob) -> Result<(), Error> {
    let (id, name) = (record.id, new.source.display());
    let old = before.request.source.display();
    match &record.job.status {
        // It was taken away and came back under another name: it is asked for, as under the same one.
        Status::Done if before.request.stamp != new.stamp => {
            tracing::info!("job {id}: `{name}` is the file that was `{old}`");
            welcome_back(options, record).await?;
        }
        Status::Done => {
            let result = record.request.result.as_ref();
            let result = result.map(|result| format!("; its result stays `{}`", result.display()));
            tracing::info!("job {id}: `{old}` is `{name}` now{}", result.unwrap_or_default());
        }
        // Most likely since the file was not found under its old name; what is wrong with the file itself is found again.
        Status::Failed { .. } if !record.is_removed => {
            options.ledger.apply(id, Event::Retry, now()).await?;
            tracing::info!("job {id}: `{old}` is `{name}` now, and is tried again with what is finished");
        }
        Status::Failed { .. } | Status::Canceled => {
            tracing::info!("job {id}: `{old}` is `{name}` now; the job is {}", record.job.status.name());
        }
        status => {
            // The folder that it waited for may be that of the old name.
            if matches!(status, Status::WaitingForFolder { .. }) {
                options.ledger.apply(id, Event::WaitOver, now()).await?;
            }
            tracing::info!("job {id}: `{old}` is `{name}` now; the job goes on");
        }
    }
    Ok(())
}

/// Those of the jobs, all of the content of a file, whose source had another name and is this file: of several sources that are
/// copies of each other the one that is most like it.
fn of_one_source(jobs: Vec<Record>, new: &NewJob, folders: &ServerFolders) -> Vec<Record> {
    let left = jobs.iter().filter(|job| has_left(job, folders));
    let likeness = |job: &&Record| {
        let is_same_name = job.request.source.file_name() == new.source.file_name();
        (job.request.stamp == new.stamp, is_same_name, Reverse(job.id))
    };
    let Some(source) = left.max_by_key(likeness).map(|job| job.request.source.clone()) else {
        return Vec::new();
    };
    jobs.into_iter().filter(|job| job.request.source == source).collect()
}

/// True when the source of a job is not in its place any more: nothing is there, or another file.
fn has_left(job: &Record, folders: &ServerFolders) -> bool {
    let NewJob { source, stamp, .. } = &job.request;
    let watched = folders.of_source(source).filter(|watched| watched.trouble().is_none());
    watched.is_some_and(|watched| {
        vanished::is_gone(source, stamp, &watched.folder.input) || replaced_by(job).is_some()
    })
}
