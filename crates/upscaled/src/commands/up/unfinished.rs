//! Work that an earlier command left in a job's folder: it is gone on with, or kept until a person says otherwise.

use std::path::Path;

use anyhow::bail;
use coordinator::now;
use job::NewJob;
use ledger::{Ledger, Record};

use crate::command;
use crate::output;

/// What to do about work of other settings or another source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// Refuse to begin.
    Keep,
    /// Throw it away, and all other work on the source as well.
    Discard,
}

/// True for the record of the very job that is wanted.
pub(super) fn is_same(record: &Record, new: &NewJob) -> bool {
    record.request.source == new.source
        && record.request.fingerprint == new.fingerprint
        && record.request.settings.hash() == new.settings.hash()
}

/// Makes room in a job's folder for the job that is wanted: forgets what came to an end or to nothing.
///
/// # Errors
/// Where frames of another job are finished and are to be kept: says how to go on with them.
pub(super) async fn make_room(ledger: &Ledger, new: &NewJob, other: Other) -> anyhow::Result<()> {
    for record in ledger.list().await? {
        if other == Other::Keep {
            if is_same(&record, new) {
                continue;
            }
            refuse(&record, new)?;
        }
        ledger.remove(record.id, now()).await?;
    }
    if other == Other::Discard && new.folder.is_dir() {
        storage::remove_folder(&new.folder)?;
    }
    Ok(())
}

/// Refuses to begin a job in place of one of which frames are finished.
///
/// # Errors
/// Where that is so.
pub(super) fn refuse(record: &Record, new: &NewJob) -> anyhow::Result<()> {
    if !matches!(record.job.status, job::state::Status::Done) && record.job.frames_done() > 0 {
        bail!("{}", kept(record, new));
    }
    Ok(())
}

/// What `-o` has to say of the earlier job: the name of its result, or else the folder; nothing where it goes beside its source.
fn place(record: &Record) -> Option<&Path> {
    let NewJob { source, settings, output, result, .. } = &record.request;
    match result {
        // A name that was chosen says the container. Any other one the job keeps by itself.
        Some(result) if settings.container.is_some() => Some(result),
        _ => Some(&**output).filter(|output: &&Path| source.parent() != Some(*output)),
    }
}

/// What is there, and what can be done with it.
fn kept(record: &Record, new: &NewJob) -> String {
    let all = record.job.facts.as_ref().map_or(0, |facts| facts.frames);
    let done = record.job.frames_done();
    let (source, folder) = (output::path(&new.source), output::path(&new.folder));
    let is_of_other_content = record.request.fingerprint != new.fingerprint;
    if is_of_other_content {
        return format!(
            "{done} of {all} frames are finished of what `{source}` held before, and are kept in `{folder}`: put the earlier file back to go on with them, or add --restart to discard them"
        );
    }
    let options = command::options(&record.request.settings);
    let options = if options.is_empty() { "the usual settings".to_owned() } else { options.join(" ") };
    let command = command::up(&new.source, &record.request.settings, place(record), None);
    format!(
        "{done} of {all} frames of `{source}` are finished with {options}, and are kept in `{folder}`: go on with them by `{command}`, or add --restart to discard them and begin with the new settings"
    )
}
