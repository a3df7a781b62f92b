//! Finished segments in a job's folder that the ledger does not know: it was lost, or is older than they are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use job::SegmentRange;
use job::state::{Event, Phase, RecoveredSegment, SegmentDigest};
use ledger::{Ledger, Record};
use protocol::{LARGEST_SIDECAR, Sidecar};
use storage::{Scan, SegmentFault, SegmentName};

use crate::blocking::blocking;
use crate::clock::now;
use crate::error::Error;
use crate::segments::sweep;
use crate::shared::Shared;
use crate::shutdown::Shutdown;

/// The highest epoch that a name is believed to have; no attempt was ever so late.
const HIGHEST_EPOCH: u32 = 1 << 31;
/// Segments that the ledger is asked for, or told of, at once.
const AT_ONCE: usize = 1000;

impl Shared {
    /// Takes over what is finished and removes what else attempts left in the folder. Before there is a plan, nothing is
    /// touched: what is there may fit it. No lane may be at work on the job.
    pub(crate) async fn tidy(&self, record: Arc<Record>, shutdown: &Shutdown) -> Result<Arc<Record>, Error> {
        if record.job.phase == Phase::Index {
            return Ok(record);
        }
        let ledger = &self.options.ledger;
        let (folder, segments) = (record.request.folder.clone(), record.job.segments() as usize);
        let scan = match blocking(move || scan(&folder, segments)).await {
            Ok(scan) => scan,
            Err(error) => {
                tracing::warn!("job {}: {error}", record.id);
                return Ok(record);
            }
        };
        let open = open_segments(ledger, &record, &scan).await?;
        let (looked_at, stop) = (Arc::clone(&record), shutdown.clone());
        let found = blocking(move || find(&looked_at, &open, scan, &stop)).await;
        let Some(Found { segments, unread }) = found else { return Ok(record) };
        let mut after = record;
        if !segments.is_empty() {
            let before = after.job.frames_done();
            for segments in segments.chunks(AT_ONCE) {
                let found = Event::Recovered { segments: segments.to_vec() };
                after = Arc::new(ledger.apply(after.id, found, now()).await?.record);
            }
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
        sweep(ledger, &after, &unread).await?;
        Ok(after)
    }
}

/// The sidecars in a job's folder.
fn scan(folder: &Path, segments: usize) -> Result<Scan<Sidecar>, storage::Error> {
    let read = |name: SegmentName, bytes: &[u8]| Sidecar::decode(bytes, &name.file()).ok();
    storage::scan(folder, segments, LARGEST_SIDECAR, read)
}

/// What lies in a job's folder.
#[derive(Debug)]
struct Found {
    /// All files of unfinished segments, the usable ones first.
    segments: Vec<RecoveredSegment>,
    /// Files that the system would not read: whether they are damaged is not known.
    unread: Vec<SegmentName>,
}

/// The frames of the unfinished segments of which a folder has files.
async fn open_segments(
    ledger: &Ledger,
    record: &Record,
    scan: &Scan<Sidecar>,
) -> Result<HashMap<u32, SegmentRange>, Error> {
    let names = scan.found.iter().map(|(name, _)| name).chain(&scan.names);
    let numbers: BTreeSet<u32> = names.map(|name| name.index).collect();
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let mut open = HashMap::new();
    for numbers in numbers.chunks(AT_ONCE) {
        let segments = ledger.segments_of(record.id, numbers).await?.into_iter();
        let unfinished = segments.filter(|numbered| numbered.segment.digest.is_none());
        open.extend(unfinished.map(|numbered| (numbered.index, numbered.segment.range)));
    }
    Ok(open)
}

/// Looks through the files of a job's folder; `None` when the server was asked to stop meanwhile.
fn find(
    record: &Record,
    open: &HashMap<u32, SegmentRange>,
    scan: Scan<Sidecar>,
    shutdown: &Shutdown,
) -> Option<Found> {
    let (mut segments, mut usable) = (Vec::new(), HashSet::new());
    let mut unread = scan.unread;
    // The latest attempt first.
    for (name, sidecar) in scan.found.into_iter().rev() {
        let index = name.index;
        if usable.contains(&index) || open.get(&index) != Some(&sidecar.range) || !fits(record, &sidecar) {
            continue;
        }
        if shutdown.is_requested() {
            return None;
        }
        match check(record, &sidecar.digest) {
            Ok(()) => {
                usable.insert(index);
                segments.extend(entry(name, Some((sidecar.range, sidecar.digest))));
            }
            Err(SegmentFault::Io { .. }) => unread.push(name),
            Err(_) => {}
        }
    }
    let names = scan.names.into_iter().filter(|name| open.contains_key(&name.index));
    segments.extend(names.filter_map(|name| entry(name, None)));
    Some(Found { segments, unread })
}

/// A file of an unfinished segment.
fn entry(name: SegmentName, finished: Option<(SegmentRange, SegmentDigest)>) -> Option<RecoveredSegment> {
    let epoch = u32::try_from(name.epoch).ok().filter(|epoch| *epoch < HIGHEST_EPOCH)?;
    Some(RecoveredSegment { index: name.index, epoch, finished })
}

/// True when the job would make the same frames in the same way.
fn fits(record: &Record, sidecar: &Sidecar) -> bool {
    let facts = record.job.facts.as_ref();
    facts.is_some_and(|facts| facts.frame_list_blake3 == sidecar.frame_list)
        && sidecar.fingerprint == record.request.fingerprint
        && sidecar.settings_hash == record.request.settings.hash()
        && sidecar.version == env!("CARGO_PKG_VERSION")
}

/// Compares the segment's file with what was committed.
fn check(record: &Record, digest: &SegmentDigest) -> Result<(), SegmentFault> {
    storage::check(&record.request.folder, &digest.file, &digest.blake3, digest.bytes)
}
