//! Comparing a result with its source.

pub(super) mod picture;
mod streams;
mod tags;
mod times;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use super::allowed::Allowed;
use super::levels;
use super::media::{Media, Stream};

/// Largest difference between two mean levels of a plane, of 255.
const LARGEST_LEVEL_ERROR: f64 = 1.0;
/// Least likeness of a result that was made as small as its source again, in dB. The classic resampler gives more than
/// 30; a picture that is one pixel off, or another frame, gives less than this on all but the flattest pictures.
const LEAST_PSNR: f64 = 20.0;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) source: &'a Media,
    pub(super) result: &'a Media,
    /// Source and result, to look at the pictures and the sound themselves.
    pub(super) paths: Option<(&'a Path, &'a Path)>,
    /// What the program said.
    pub(super) notes: &'a [String],
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compared {
    /// Frames of source and result.
    pub(crate) frames: (usize, usize),
    /// Largest deviation of a frame's time, in milliseconds.
    pub(crate) time_error: f64,
    /// Largest deviation of another stream from its place beside the video, in milliseconds.
    pub(crate) sync_error: f64,
    /// Deviation of the time that the last frame is shown, in milliseconds.
    pub(crate) last_error: f64,
    /// Other streams that are kept, and all.
    pub(crate) streams: (usize, usize),
    /// Chapters of source and result.
    pub(crate) chapters: (usize, usize),
    /// Languages, titles and the like that are kept, and all.
    pub(crate) tags: (usize, usize),
    /// Colour tags that are kept, and all that the source has.
    pub(crate) colors: (usize, usize),
    /// Frames of source and result with closed captions.
    pub(crate) captions: (usize, usize),
    /// Aspect ratio of a pixel of the result.
    pub(crate) pixel: String,
    /// Rotation of the result in degrees.
    pub(crate) rotation: i64,
    /// Bits of source and result.
    pub(crate) bits: (u32, u32),
    /// Largest difference between mean levels, and likeness in dB.
    pub(crate) levels: Option<(f64, f64)>,
    /// What is wrong.
    pub(crate) faults: Vec<String>,
    /// What was converted or left out, and said.
    pub(crate) changes: Vec<String>,
}

impl Compared {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    fn change(&mut self, what: impl Into<String>) {
        self.changes.push(what.into());
    }
}

/// Compares all that can be compared.
pub(super) fn compare(pair: &Pair<'_>, limit: Duration) -> Compared {
    let mut compared = Compared::default();
    let (Some(source), Some(result)) = (pair.source.video(), pair.result.video()) else {
        compared.fault("source or result has no video");
        return compared;
    };
    let allowed = Allowed::by(pair.notes);
    times::compare(pair, (source, result), allowed, &mut compared);
    let kept = streams::compare(pair, source, limit, &mut compared);
    times::compare_sync(pair, (source, result), &kept, allowed, &mut compared);
    tags::compare(pair, (source, result), &kept, allowed, &mut compared);
    picture::compare(pair, (source, result), allowed, &mut compared);
    compare_levels(pair, (source, result), allowed, limit, &mut compared);
    compared
}

fn compare_levels(
    pair: &Pair<'_>,
    (source, result): (&Stream, &Stream),
    allowed: Allowed,
    limit: Duration,
    compared: &mut Compared,
) {
    let Some(paths) = pair.paths else { return };
    // Twice as many where each field became a frame.
    let step = (compared.frames.1 / compared.frames.0.max(1)).max(1);
    match levels::compare(paths, (source, result), step, limit) {
        Ok((error, psnr)) => {
            compared.levels = Some((error, psnr));
            if allowed.other_colors {
                return;
            }
            if error > LARGEST_LEVEL_ERROR {
                compared.fault(format!("mean levels differ by {error:.1} of 255"));
            }
            // Where frames or pictures may differ, only their means can be compared.
            if psnr < LEAST_PSNR && !allowed.other_frames && !allowed.other_pictures && !allowed.more_frames {
                compared.fault(format!("the pictures are not alike ({psnr:.0} dB)"));
            }
        }
        Err(error) => compared.fault(format!("the pictures cannot be compared: {error:#}")),
    }
}
