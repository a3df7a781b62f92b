//! How much of the disk a job needs: what finished segments took tells what the others will take.
//!
//! A segment is begun only where there is room for it, so that no work is lost to a full disk; and a job that cannot keep
//! its limit ends before it has cost hours.

use job::state::{Job, Task};
use job::{Failure, FailureKind, Notice, Remedy, SegmentRange};
use ledger::Record;
use storage::{Bytes, Scratch, ScratchOptions, Stamp};

/// Room that a result needs beyond the bytes of its streams, and a segment for the ledger and `status.json`.
const OVERHEAD: u64 = 1 << 20;
/// Frames are judged by the others once one in so many is finished: the first are often black.
const SAMPLE: u64 = 20;

/// Looks whether a task can be begun: there must be room for it, and the job must be able to keep its limit.
pub(crate) fn check(record: &Record, task: &Task, max_disk: Option<u64>) -> Result<(), Failure> {
    let video = Video::of(&record.job);
    if let Some(most) = max_disk
        && !matches!(task, Task::Publish { .. })
    {
        let source = Stamp::of(&record.request.source).map_or(0, |stamp| stamp.size);
        video.keep_limit(source, most)?;
    }
    let folder = &record.request.folder;
    let room = match task {
        // Before the film is read, nothing else is known.
        Task::Index { .. } => OVERHEAD,
        Task::Segment { range, .. } => {
            let scratch = Scratch::new(ScratchOptions::new(&**folder));
            video.space_for(*range, scratch.map_or(0, |scratch| scratch.ram_budget()))
        }
        Task::Join { .. } | Task::Publish { .. } => return Ok(()),
    };
    storage::require(folder, room).map_err(|error| crate::task::failure(&error))
}

/// Bytes that a job may still add to its finished segments.
pub(crate) fn left(job: &Job, max_disk: u64) -> u64 {
    max_disk.saturating_sub(Video::of(job).bytes)
}

/// Bytes that a lane may write for a segment of a job while others may write what was `promised` to them: a share, so that all of
/// `lanes` can work; all that is left where a share would not do and no other works. `None` where the others are to end first.
pub(crate) fn promise(job: &Job, max_disk: u64, promised: &[u64], lanes: u32) -> Option<u64> {
    let left = left(job, max_disk).saturating_sub(promised.iter().sum());
    let to_come = u64::from(lanes).saturating_sub(promised.len() as u64).max(1);
    let video = Video::of(job);
    let likely = video.likely((video.frames + video.frames_left) / u64::from(job.segments().max(1)));
    match left / to_come {
        share if share > likely => Some(share),
        _ => promised.is_empty().then_some(left),
    }
}

/// The finished video of a job.
struct Video {
    bytes: u64,
    frames: u64,
    frames_left: u64,
}

impl Video {
    fn of(job: &Job) -> Self {
        let frames = job.frames_done();
        let all = job.facts.as_ref().map_or(0, |facts| u64::from(facts.frames));
        Self { bytes: job.totals.bytes, frames, frames_left: all.saturating_sub(frames) }
    }

    /// Bytes that so many more frames will take; 0 while nothing tells.
    fn estimate(&self, frames: u64) -> u64 {
        (self.bytes as f64 / self.frames.max(1) as f64 * frames as f64) as u64
    }

    /// Bytes that a segment of so many frames takes at most, in all likelihood: it may well be larger than the mean by a quarter.
    fn likely(&self, frames: u64) -> u64 {
        self.estimate(frames) / 4 * 5
    }

    /// Bytes that must be free for a segment when working files have so much memory.
    fn space_for(&self, range: SegmentRange, ram: u64) -> u64 {
        let segment = self.likely(u64::from(range.frames()));
        // A working file that does not fit into memory is on the disk as well.
        let copies = if segment > ram { 2 } else { 1 };
        segment * copies + OVERHEAD
    }

    /// What the folder holds at its fullest, when the result is there and so are all segments: a video of so many bytes
    /// twice, and the source's other streams, which hardly ever take more than the video and never more than the source.
    fn fullest(video: u64, source: u64) -> u64 {
        2 * video + video.min(source) + OVERHEAD
    }

    /// Fails when the job cannot keep its limit: what is finished is too much already, or the rest would have to be much
    /// smaller.
    fn keep_limit(&self, source: u64, most: u64) -> Result<(), Failure> {
        let is_told = self.frames > 0 && self.frames >= (self.frames + self.frames_left) / SAMPLE;
        let likely = Self::fullest(self.bytes + self.estimate(self.frames_left), source);
        let is_too_much =
            Self::fullest(self.bytes, source) > most || is_told && likely > most.saturating_add(most / 4);
        if !is_too_much {
            return Ok(());
        }
        let [likely, most] = Bytes(likely).told_apart(Bytes(most));
        let text = format!(
            "its segments and the result would take about {likely} of the disk, and {most} are allowed"
        );
        let remedy = if self.frames > 0 { Remedy::MoreDiskOrLess } else { Remedy::MoreDiskFirst };
        Err(Failure { kind: FailureKind::Final, message: Notice::new(text, remedy) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;
    const FIFTY: SegmentRange = SegmentRange { first: 100, end: 150 };

    #[test]
    fn a_segment_needs_room_by_what_the_others_took() {
        let video = Video { bytes: 100 * MB, frames: 100, frames_left: 900 };
        assert_eq!(video.space_for(FIFTY, u64::MAX), 62_500_000 + OVERHEAD);
        assert_eq!(video.space_for(FIFTY, 62 * MB), 125 * MB + OVERHEAD);
        let nothing = Video { bytes: 0, frames: 0, frames_left: 1000 };
        assert_eq!(nothing.space_for(FIFTY, 0), OVERHEAD);
    }

    #[test]
    fn a_limit_that_cannot_be_kept_ends_a_job_early() {
        let at = |frames: u64, frames_left: u64, most: u64| {
            Video { bytes: frames * MB, frames, frames_left }.keep_limit(0, most * MB)
        };
        // Segments and result of a thousand frames: 2 GB.
        at(0, 1000, 1500).unwrap();
        at(49, 951, 1500).unwrap();
        let failure = at(50, 950, 1500).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Final);
        assert!(
            failure.message.text.contains("about 2.0 GB")
                && failure.message.text.contains("1.5 GB are allowed")
        );
        // The rest may well be smaller.
        at(50, 950, 1700).unwrap();
        // Until it cannot be any more.
        at(840, 160, 1700).unwrap();
        at(850, 150, 1700).unwrap_err();
        at(1000, 0, 2002).unwrap();
        at(1000, 0, 2001).unwrap_err();
    }

    #[test]
    fn a_limit_below_what_anything_takes_is_told_from_it() {
        let nothing = Video { bytes: 0, frames: 0, frames_left: 1000 };
        let failure = nothing.keep_limit(0, MB).unwrap_err();
        assert!(
            failure.message.text.contains("1048576 bytes of the disk, and 1000000 bytes are allowed"),
            "{failure:?}"
        );
        // There is nothing to go on from.
        assert_eq!(failure.message.remedy, Some(Remedy::MoreDiskFirst));
    }

    #[test]
    fn other_streams_count_but_not_beyond_the_video() {
        let video = Video { bytes: 100 * MB, frames: 100, frames_left: 0 };
        video.keep_limit(10 * MB, 212 * MB).unwrap();
        video.keep_limit(10 * MB, 211 * MB).unwrap_err();
        video.keep_limit(u64::MAX, 302 * MB).unwrap();
    }
}
