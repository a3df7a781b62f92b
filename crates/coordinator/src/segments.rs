//! The segments of a job, read from the ledger a page at a time.

use job::state::{Numbered, SegmentDigest, Task};
use job::{FilePath, JobId};
use ledger::{Ledger, Record};
use protocol::message::SegmentListFile;
use storage::{Committed, SegmentName};

use crate::blocking::blocking;
use crate::error::Error;
use crate::task;

/// Segments that are read at once.
const PAGE: u32 = 1000;
/// The file in a job's folder that lists what is joined.
const LIST: &str = "segments.list";

/// Shows all segments of a job, in order.
async fn each(ledger: &Ledger, id: JobId, mut show: impl FnMut(Numbered)) -> Result<(), Error> {
    let mut next = 0;
    loop {
        let page = ledger.segments(id, next, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        next = last.index + 1;
        page.into_iter().for_each(&mut show);
    }
}

/// Writes the list of the segments of a job that is to be joined. Where that cannot be, gives the event that the task ends in.
pub(crate) async fn list(
    ledger: &Ledger,
    record: &Record,
    task: &Task,
) -> Result<Result<SegmentListFile, job::state::Event>, Error> {
    let (mut segments, mut bytes) = (Vec::new(), 0);
    each(ledger, record.id, |numbered| {
        if let Some(SegmentDigest { file, bytes: of_file, blake3, .. }) = numbered.segment.digest {
            bytes += of_file;
            segments.push(Committed { file, bytes: of_file, blake3 });
        }
    })
    .await?;
    let count = segments.len() as u32;
    let path = record.request.folder.join(LIST);
    let place = path.clone();
    let written = blocking(move || storage::write_segment_list(&place, &segments)).await;
    Ok(match written {
        Ok(blake3) => Ok(SegmentListFile { path: FilePath(path), blake3, count, bytes }),
        Err(error) => Err(task::failed_by_storage(task.key(), &error)),
    })
}

/// Removes files of attempts that came to nothing from a job's folder, but for those of `unread`. No lane may be at work there.
pub(crate) async fn sweep(ledger: &Ledger, record: &Record, unread: &[SegmentName]) -> Result<(), Error> {
    let mut keep = unread.to_vec();
    each(ledger, record.id, |numbered| {
        let finished = numbered.segment.digest;
        keep.extend(finished.and_then(|digest| SegmentName::of_file(&digest.file)));
    })
    .await?;
    let folder = record.request.folder.clone();
    let swept =
        blocking(move || if folder.is_dir() { storage::sweep(&folder, &keep).map(drop) } else { Ok(()) });
    if let Err(error) = swept.await {
        tracing::warn!("job {}: {error}", record.id);
    }
    Ok(())
}
