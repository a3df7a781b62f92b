//! What is removed of a job's folder, and when.

use job::state::Status;
use ledger::Record;
use storage::SegmentName;

/// Removes files of attempts that came to nothing from a job's folder, but for those of `unread`. No lane may be at work there.
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
pub(crate) fn remove_leftovers(record: &Record) {
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
