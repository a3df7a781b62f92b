//! What a worker says of the files that it made, compared with the files: it may have been taken over by what it decoded.

use job::state::{SegmentDigest, Task};
use ledger::Record;
use storage::{SegmentName, workers_bytes};

use crate::task::unpublished_result;

/// Compares what is said of a finished segment with its task and its file; else says what is wrong. What the file holds is
/// looked at when the result is put together.
pub(crate) fn check(record: &Record, task: &Task, digest: &SegmentDigest) -> Result<(), String> {
    let Task::Segment { index, epoch, range, .. } = *task else {
        return Err("the worker gave an answer that does not fit its task".to_owned());
    };
    let name = SegmentName { index, epoch: epoch.into() }.file();
    if digest.file != name {
        return Err(format!("the worker made another file than `{name}`"));
    }
    digest.validate(range.frames()).map_err(|error| error.to_string())?;
    let bytes = workers_bytes(&record.request.folder.join(&name)).map_err(|error| error.to_string())?;
    if bytes != digest.bytes {
        return Err(format!("the segment `{name}` has {bytes} bytes, and {} were made", digest.bytes));
    }
    Ok(())
}

/// The bytes of the complete result; else says why there is none.
pub(crate) fn result_bytes(record: &Record) -> Result<u64, String> {
    workers_bytes(&unpublished_result(record)).map_err(|error| error.to_string())
}
