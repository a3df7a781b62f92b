//! What is removed of a job's folder, and when.

use job::state::Status;
use ledger::Record;

/// Removes the folder of a job that has ended, unless it holds finished segments that a retry would use.
pub(crate) fn remove_leftovers(record: &Record) {
    let worth_keeping = matches!(record.job.status, Status::Failed { .. }) && record.job.frames_done() > 0;
    if !worth_keeping {
        discard_work(record);
    }
}

/// Removes the folder of a job that is not worked on.
pub fn discard_work(record: &Record) {
    let folder = &record.request.folder;
    if folder.is_dir()
        && let Err(error) = storage::remove_folder(folder)
    {
        tracing::warn!("the folder `{}` of job {} cannot be removed: {error}", folder.display(), record.id);
    }
}
