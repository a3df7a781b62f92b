//! Whether what a worker reports is a sign of life: its count of frames must get on, or it could be waited for for ever.

use std::time::{Duration, Instant};

use job::bounds::MOST_FRAMES;
use job::state::Task;

/// Times that the frames of a film are counted anew: once for each way that they are read on.
const PASSES: u32 = 8;
/// Work beside the frames, such as syncing a large file, which nothing is counted of, takes no longer.
const STILL: Duration = Duration::from_mins(30);

/// How far the work on a task is, by the word of its worker.
#[derive(Debug)]
pub(crate) struct Advance {
    frames: u32,
    most: u32,
    passes: u32,
    still: Duration,
    since: Instant,
}

impl Advance {
    /// Nothing is done yet. One of its frames takes no longer than `usual`.
    pub(crate) fn of(task: &Task, usual: Duration) -> Self {
        let (most, passes, still) = match task {
            Task::Segment { range, .. } => (range.frames(), 0, usual),
            Task::Index { .. } | Task::Join { .. } | Task::Publish { .. } => {
                (MOST_FRAMES, PASSES, usual.max(STILL))
            }
        };
        Self { frames: 0, most, passes, still, since: Instant::now() }
    }

    /// Frames that are done.
    pub(crate) const fn frames(&self) -> u32 {
        self.frames
    }

    /// Takes a count of frames; true where it got on.
    pub(crate) fn gets_on(&mut self, frames: u32) -> bool {
        let is_new_pass = frames < self.frames && self.passes > 0;
        if frames > self.most || frames <= self.frames && !is_new_pass {
            return false;
        }
        self.passes -= u32::from(is_new_pass);
        (self.frames, self.since) = (frames, Instant::now());
        true
    }

    /// True while a worker that does not get on may be busy with a part of a frame, or with what nothing is counted of.
    pub(crate) fn may_stand_still(&self) -> bool {
        self.since.elapsed() < self.still
    }
}

#[cfg(test)]
mod tests {
    use job::SegmentRange;
    use job::state::IndexMethod;

    use super::*;

    #[test]
    fn frames_of_a_segment_only_go_up_and_not_beyond_it() {
        let range = SegmentRange { first: 100, end: 110 };
        let mut advance =
            Advance::of(&Task::Segment { index: 0, epoch: 1, range, lead_in: 0 }, Duration::ZERO);
        let told = [0, 1, 1, 0, 5, 4, 11, u32::MAX, 10, 10];
        let got_on = told.map(|frames| advance.gets_on(frames));
        assert_eq!(got_on, [false, true, false, false, true, false, false, false, true, false]);
        assert_eq!(advance.frames(), 10);
        assert!(!advance.may_stand_still());
    }

    #[test]
    fn a_film_is_read_some_times_and_not_for_ever() {
        let mut advance = Advance::of(&Task::Index { epoch: 1, method: IndexMethod::Demux }, Duration::ZERO);
        let got_on = (0..1000).filter(|round| advance.gets_on(round % 2)).count();
        assert_eq!(got_on, 1 + 2 * PASSES as usize);
        assert!(!advance.gets_on(u32::MAX) && advance.may_stand_still());
    }
}
