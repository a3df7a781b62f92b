//! What the segments of a job amount to, kept with the job so that no question about it reads them all.

use serde::{Deserialize, Serialize};

use super::SegmentDigest;
use crate::SegmentRange;

/// What the segments of a job amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Segments that workers have leases on.
    pub running: u32,
    /// Finished segments.
    pub finished: u32,
    /// Their frames.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their frames that are the one before once more.
    pub frames_reused: u64,
    /// Their pixels of the source that did not go through the network.
    pub pixels_reused: u64,
}

impl Totals {
    /// Those of no segments.
    pub const NONE: Self =
        Self { running: 0, finished: 0, frames: 0, bytes: 0, frames_reused: 0, pixels_reused: 0 };

    /// Counts a finished segment. Numbers of workers saturate: they are for estimates.
    pub fn add(&mut self, range: SegmentRange, digest: &SegmentDigest) {
        self.finished += 1;
        self.frames = self.frames.saturating_add(range.frames().into());
        self.bytes = self.bytes.saturating_add(digest.bytes);
        self.frames_reused = self.frames_reused.saturating_add(digest.reused.frames.into());
        self.pixels_reused = self.pixels_reused.saturating_add(digest.reused.pixels);
    }

    /// Takes back what [`Totals::add`] counted.
    pub fn subtract(&mut self, range: SegmentRange, digest: &SegmentDigest) {
        self.finished = self.finished.saturating_sub(1);
        self.frames = self.frames.saturating_sub(range.frames().into());
        self.bytes = self.bytes.saturating_sub(digest.bytes);
        self.frames_reused = self.frames_reused.saturating_sub(digest.reused.frames.into());
        self.pixels_reused = self.pixels_reused.saturating_sub(digest.reused.pixels);
    }
}
