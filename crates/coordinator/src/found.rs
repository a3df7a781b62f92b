//! Finished segments in a job's folder that the ledger does not know: it was lost, or is older than they are.

use job::SegmentRange;
use job::state::{Event, Evidence, FoundSegment, Phase, Reused};
use ledger::Record;
use storage::{Recorded, SegmentFault, SegmentName};

use crate::error::Error;
use crate::scheduler::{Scheduler, now, sweep};
use crate::shutdown::Shutdown;

/// The highest epoch that a name is believed to have; no attempt was ever so late.
const HIGHEST_EPOCH: u32 = 1 << 31;

impl Scheduler {
    /// Takes over what is finished and removes what else attempts left in the folder. Before there is a plan, nothing is
    /// touched: what is there may fit it.
    pub(crate) async fn tidy(&self, record: Record, shutdown: &Shutdown) -> Result<Record, Error> {
        if record.job.phase == Phase::Index {
            return Ok(record);
        }
        let Found { segments, unread } = match find(&record, shutdown).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(record),
            Err(error) => {
                tracing::warn!("job {}: {error}", record.id);
                return Ok(record);
            }
        };
        let mut after = record;
        if !segments.is_empty() {
            let before = after.job.frames_done();
            after = self.options.ledger.apply(after.id, Event::Found { segments }, now()).await?.record;
            let frames = after.job.frames_done().saturating_sub(before);
            if frames > 0 {
                self.note(
                    &after,
                    format!("{frames} finished frames were found in the job folder and are kept"),
                );
            }
        }
        if !unread.is_empty() {
            tracing::warn!(
                "job {}: {} files of segments in `{}` cannot be read now; they are left there, and their frames are made again",
                after.id,
                unread.len(),
                after.request.folder.display()
            );
        }
        sweep(&after, &unread);
        Ok(after)
    }
}

/// What lies in a job's folder.
#[derive(Debug, Default)]
struct Found {
    /// All files of unfinished segments, the usable ones first.
    segments: Vec<FoundSegment>,
    /// Files that the system would not read: whether they are damaged is not known.
    unread: Vec<SegmentName>,
}

/// Looks through a job's folder; `None` when the server was asked to stop meanwhile.
async fn find(record: &Record, shutdown: &Shutdown) -> Result<Option<Found>, storage::Error> {
    let scan = storage::scan(&record.request.folder, record.job.segments.len())?;
    let mut found: Vec<FoundSegment> = Vec::new();
    let mut unread = scan.unread;
    // The latest attempt first.
    for recorded in scan.found.iter().rev() {
        let index = recorded.name.index;
        if !fits(record, recorded) || found.iter().any(|other| other.index == index) {
            continue;
        }
        if shutdown.is_requested() {
            return Ok(None);
        }
        match check(record, recorded).await {
            Ok(()) => found.extend(entry(record, recorded.name, Some(finished(recorded)))),
            Err(SegmentFault::Io { .. }) => unread.push(recorded.name),
            Err(_) => {}
        }
    }
    found.extend(scan.names.into_iter().filter_map(|name| entry(record, name, None)));
    Ok(Some(Found { segments: found, unread }))
}

/// A file of a segment; `None` where that is finished or not in the plan.
fn entry(
    record: &Record,
    name: SegmentName,
    finished: Option<(SegmentRange, Evidence)>,
) -> Option<FoundSegment> {
    let is_open = record.job.segments.get(name.index as usize)?.evidence.is_none();
    let epoch = u32::try_from(name.epoch).ok().filter(|epoch| *epoch < HIGHEST_EPOCH)?;
    is_open.then_some(FoundSegment { index: name.index, epoch, finished })
}

/// True when the job would make the same frames in the same way.
fn fits(record: &Record, recorded: &Recorded) -> bool {
    let sidecar = &recorded.sidecar;
    let segment = record.job.segments.get(recorded.name.index as usize);
    let facts = record.job.facts.as_ref();
    segment.is_some_and(|segment| segment.evidence.is_none() && segment.range == range(recorded))
        && facts.is_some_and(|facts| facts.frame_list_blake3 == sidecar.frame_list)
        && sidecar.fingerprint == record.request.fingerprint
        && sidecar.settings_hash == record.request.settings.hash()
        && sidecar.version == env!("CARGO_PKG_VERSION")
}

/// Compares the segment's file with what was committed.
async fn check(record: &Record, recorded: &Recorded) -> Result<(), SegmentFault> {
    let (folder, committed) = (record.request.folder.clone(), recorded.committed.clone());
    let file = committed.file.clone();
    let check = move || storage::check(&folder, &committed.file, &committed.blake3, committed.bytes);
    let unfinished = |error| Err(SegmentFault::Io { file, source: std::io::Error::other(error) });
    tokio::task::spawn_blocking(check).await.unwrap_or_else(unfinished)
}

fn range(recorded: &Recorded) -> SegmentRange {
    SegmentRange { first: recorded.sidecar.first_frame, end: recorded.sidecar.end_frame }
}

fn finished(recorded: &Recorded) -> (SegmentRange, Evidence) {
    let Recorded { sidecar, committed, .. } = recorded;
    let evidence = Evidence {
        file: committed.file.clone(),
        bytes: committed.bytes,
        blake3: committed.blake3.clone(),
        reused: Reused { frames: sidecar.frames_reused, pixels: sidecar.pixels_reused },
    };
    (range(recorded), evidence)
}
