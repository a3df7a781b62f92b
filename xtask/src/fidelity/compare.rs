//! Comparing a result with its source.

pub(super) mod picture;
mod said;
mod sound;
mod streams;
mod tags;
mod times;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use super::allowed::Allowed;
use super::levels::{self, Bounds, Films, Likeness};
use super::media::{Media, Stream};

/// Largest difference between two mean levels of a plane, of 255, over the film.
const LARGEST_LEVEL_ERROR: f64 = 1.0;
/// As much, of pictures of fewer than [`SMALL`] samples, or with a chroma sample for four in a row: most of them are
/// edges, where colours that no screen has are clipped.
const LARGEST_LEVEL_ERROR_IN_COARSE: f64 = 2.0;
const SMALL: u32 = 10_000;
/// What a frame of the source may become.
const OF_A_FRAME: Bounds = Bounds { level: 3.0, psnr: 20.0, drop: 12.0 };
/// What a frame of two fields may become, of which one is compared.
const OF_FIELDS: Bounds = Bounds { level: 8.0, psnr: 11.0, drop: 40.0 };
/// Frames at the end of a file that is cut off of which there may be only a part.
const LAST_OF_CUT_OFF: usize = 3;
/// Runs of wrong frames that are named.
const NAMED: usize = 3;

/// How much is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Most frames whose pictures are compared.
    pub(super) frames: usize,
    /// Longest that a tool may take.
    pub(super) limit: Duration,
}

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
    /// Largest difference between mean levels of a frame, and likeness of the least alike one in dB.
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
pub(super) fn compare(pair: &Pair<'_>, effort: Effort) -> Compared {
    let mut compared = Compared::default();
    let (Some(source), Some(result)) = (pair.source.video(), pair.result.video()) else {
        compared.fault("source or result has no video");
        return compared;
    };
    let allowed = Allowed::by(pair.notes);
    times::compare(pair, (source, result), allowed, &mut compared);
    let kept = streams::compare(pair, source, allowed, effort.limit, &mut compared);
    times::compare_sync(pair, (source, result), &kept, allowed, &mut compared);
    sound::compare(pair, &kept, allowed, effort.limit, &mut compared);
    tags::compare(pair, (source, result), &kept, &mut compared);
    picture::compare(pair, (source, result), allowed, &mut compared);
    said::compare(pair, (source, result), &mut compared);
    compare_levels(pair, (source, result), allowed, effort, &mut compared);
    compared
}

fn compare_levels(
    pair: &Pair<'_>,
    streams: (&Stream, &Stream),
    allowed: Allowed,
    effort: Effort,
    compared: &mut Compared,
) {
    let Some(paths) = pair.paths else { return };
    let films = Films {
        paths,
        media: (pair.source, pair.result),
        streams,
        matches: &times::matches(pair, streams, allowed),
        fitted: allowed.fitted,
        turned: allowed.turned,
        frames: effort.frames,
        limit: effort.limit,
    };
    let measured = match levels::compare(&films) {
        Ok(measured) => measured,
        Err(error) => return compared.fault(format!("the pictures cannot be compared: {error:#}")),
    };
    let level = measured.frames.iter().map(|frame| frame.level).fold(measured.level, f64::max);
    let psnr = measured.frames.iter().map(|frame| frame.psnr).reduce(f64::min);
    compared.levels = Some((level, psnr.unwrap_or(f64::NAN)));
    if allowed.other_colors {
        return;
    }
    let is_coarse = streams.0.width * streams.0.height < SMALL
        || ["yuv410p", "yuv411p", "yuvj411p"].contains(&&*streams.0.pix_fmt);
    if measured.level > if is_coarse { LARGEST_LEVEL_ERROR_IN_COARSE } else { LARGEST_LEVEL_ERROR } {
        compared.fault(format!("mean levels differ by {:.1} of 255", measured.level));
    }
    // Where pictures may differ, only their means over the film can be compared.
    if allowed.other_pictures || allowed.more_frames {
        return;
    }
    let all = pair.source.frames.len();
    if measured.pictures != all.min(effort.frames) {
        compared.fault(format!("FFmpeg shows {} frames of the source and counts {all}", measured.pictures));
    }
    let mut frames = measured.frames;
    if allowed.cut_off {
        // The last packets may be halves.
        frames.retain(|frame| frame.frame + LAST_OF_CUT_OFF < all);
    }
    let bounds = if allowed.other_frames { OF_FIELDS } else { OF_A_FRAME };
    let mut wrong = levels::wrong(&frames, bounds);
    // Of fields, a picture may be of another scene than the second field of its frame; where FFmpeg loses a frame of the
    // source, the one beside it has its time.
    if allowed.other_frames || pair.result.frames.len() > pair.source.frames.len() {
        let all = wrong.clone();
        wrong.retain(|place| {
            all.contains(&(place + 1)) || place.checked_sub(1).is_some_and(|before| all.contains(&before))
        });
    }
    let wrong: Vec<Likeness> = wrong.into_iter().map(|place| frames[place]).collect();
    if !wrong.is_empty() {
        compared.fault(name(&wrong, &times::of_frames(pair.source, streams.0)));
    }
}

/// Names frames that are wrong by number and time.
fn name(wrong: &[Likeness], times: &[Option<f64>]) -> String {
    let start = times.iter().flatten().next().copied().unwrap_or(0.0);
    let clock = |frame: usize| {
        let time = times.get(frame).copied().flatten();
        time.map_or_else(|| "no time".to_owned(), |time| said::clock(time - start))
    };
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for frame in wrong.iter().map(|likeness| likeness.frame) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == frame => *last = frame,
            _ => runs.push((frame, frame)),
        }
    }
    let named: Vec<String> = runs
        .iter()
        .take(NAMED)
        .map(|&(first, last)| {
            if first == last {
                format!("{first} ({})", clock(first))
            } else {
                format!("{first}-{last} ({} to {})", clock(first), clock(last))
            }
        })
        .collect();
    let more = if runs.len() > NAMED { ", and more" } else { "" };
    let level = wrong.iter().map(|likeness| likeness.level).fold(0.0, f64::max);
    let psnr = wrong.iter().map(|likeness| likeness.psnr).fold(f64::INFINITY, f64::min);
    format!(
        "{} frames are not those of the source: {}{more}; down to {psnr:.0} dB, levels up to {level:.0} of 255 off",
        wrong.len(),
        named.join(", "),
    )
}
