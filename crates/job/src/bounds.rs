//! What can be true of a film and of what is made of it. A worker decodes files of strangers and may have been taken over by
//! one: its numbers are checked on their way in, and those that are kept are checked again when they are read back.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::eta::MOST_PARTS;
use crate::state::SegmentDigest;
use crate::{CarriedStream, Carry, Cropped, LARGEST_SIDE, Plan, SegmentRange, SourceFacts};

/// Most frames of a film: more than a month at 30 a second.
pub const MOST_FRAMES: u32 = 100_000_000;
/// Most segments of a plan: three days of film, at 30 frames a second, in segments of 30 frames have 259,200. They are rows of
/// the ledger, which are written in one transaction.
pub const MOST_SEGMENTS: usize = 300_000;
/// Most runs of missing frames of a film.
const MOST_MISSING: usize = 250_000;
/// Most pixels of a picture.
const MOST_PIXELS: u64 = LARGEST_SIDE as u64 * LARGEST_SIDE as u64;
/// Most seconds of a film. Times in files may be far apart by mistake.
pub const MOST_SECONDS: f64 = 1e13;
/// Most work of a network for a pixel; real ones take up to some ten million operations.
const MOST_OPERATIONS: u64 = 1_000_000_000_000;
/// Most times that a network enlarges by.
const MOST_ENLARGEMENT: u32 = 64;
/// Most streams of a file.
pub const MOST_STREAMS: usize = 100_000;
/// Most encoders that are tried for a job.
const MOST_ENCODERS: usize = 64;
/// Most bytes of a frame in a segment: one without compression has less.
const MOST_FRAME_BYTES: u64 = 1 << 32;
/// Longest name of a file, an encoder, a checksum or the like.
const LONGEST_NAME: usize = 200;

/// Something that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the worker's answer cannot be true ({0}): the file may be damaged, or made to do harm")]
pub struct Unbelievable(String);

/// The outcome of a check.
pub type Checked = Result<(), Unbelievable>;

/// Checks that a number is in a range; `what` names it.
///
/// # Errors
/// It is not.
pub fn within<T: PartialOrd + Display + Copy>(what: &str, value: T, range: &RangeInclusive<T>) -> Checked {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Unbelievable(format!("{what}: {value} is not in {} to {}", range.start(), range.end())))
}

/// Checks that a list has no more than so many entries; `what` names it.
///
/// # Errors
/// It has.
pub fn at_most<T>(what: &str, values: &[T], most: usize) -> Checked {
    within(what, values.len(), &(0..=most))
}

fn ensure(is_so: bool, what: &str) -> Checked {
    if is_so { Ok(()) } else { Err(Unbelievable(what.to_owned())) }
}

/// A word for programs: short, and of characters that can be seen.
fn name(what: &str, text: &str) -> Checked {
    let is_plain = text.len() <= LONGEST_NAME && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    ensure(is_plain, &format!("{what}: no such name"))
}

fn picture(what: &str, width: u32, height: u32) -> Checked {
    within(&format!("pixels of {what}"), u64::from(width) * u64::from(height), &(1..=MOST_PIXELS))
}

fn ranges(what: &str, ranges: &[SegmentRange]) -> Checked {
    let is_ascending = ranges.windows(2).all(|pair| pair[0].end <= pair[1].first);
    let has_frames = ranges.iter().all(|range| range.first < range.end && range.end <= MOST_FRAMES);
    ensure(is_ascending && has_frames, &format!("{what}: not in order"))
}

impl SourceFacts {
    /// Checks every number and every list against what can be.
    ///
    /// # Errors
    /// The first one that cannot be.
    pub fn validate(&self) -> Checked {
        picture("a frame", self.width, self.height)?;
        within("frames", self.frames, &(0..=MOST_FRAMES))?;
        at_most("keyframes", &self.keyframes, self.frames as usize)?;
        let is_of_film = self.keyframes.is_sorted() && self.keyframes.last().is_none_or(|&k| k < self.frames);
        ensure(is_of_film, "keyframes: not in order, or after the last frame")?;
        within("seconds", self.seconds, &(0.0..=MOST_SECONDS))?;
        within("operations of the network", self.operations_per_pixel, &(0..=MOST_OPERATIONS))?;
        within("enlargement of the network", self.network_scale, &(1..=MOST_ENLARGEMENT))?;
        at_most("encoders", &self.encodings, MOST_ENCODERS)?;
        at_most("encoders that failed", &self.replaced, MOST_ENCODERS)?;
        at_most("encoders that do not work", &self.refused, MOST_ENCODERS)?;
        for encoding in self.encodings.iter().chain(&self.replaced) {
            name("encoder", &encoding.encoder)?;
            name("pixel format", &encoding.pixel_format)?;
        }
        name("checksum of the frame list", &self.frame_list_blake3)?;
        if let Some(content) = &self.content {
            name("checksum of the source", &content.blake3)?;
        }
        at_most("missing", &self.missing, MOST_MISSING)?;
        ranges("missing", &self.missing)?;
        at_most("parts with changes", &self.changes.0, MOST_PARTS)?;
        self.carry.validate()?;
        if let Some(Cropped { from_width, from_height, kept }) = self.crop {
            picture("a frame before the crop", from_width, from_height)?;
            ensure(kept.is_within(from_width, from_height), "crop: not within the frame")?;
        }
        Ok(())
    }
}

impl Carry {
    fn validate(&self) -> Checked {
        at_most("streams", &self.streams, MOST_STREAMS)?;
        for CarriedStream { convert, .. } in &self.streams {
            let Some(format) = convert else { continue };
            within("samples a second", format.rate, &(1..=100_000_000))?;
            within("channels", format.channels, &(1..=10_000))?;
            name("channels", &format.layout)?;
            name("samples", &format.sample)?;
        }
        Ok(())
    }
}

impl Plan {
    /// Checks that it can be the plan of a film of so many frames.
    ///
    /// # Errors
    /// What cannot be.
    pub fn validate(&self, frames: u32) -> Checked {
        for side in [self.width, self.height] {
            within("side of the result", side, &(1..=LARGEST_SIDE))?;
        }
        within("segments", self.segments, &(frames.min(1)..=frames.min(MOST_SEGMENTS as u32)))
    }
}

impl SegmentDigest {
    /// Checks the numbers of a segment of so many frames.
    ///
    /// # Errors
    /// What cannot be.
    pub fn validate(&self, frames: u32) -> Checked {
        let frames_long = u64::from(frames);
        name("file of a segment", &self.file)?;
        name("checksum of a segment", &self.blake3)?;
        within("bytes of a segment", self.bytes, &(0..=frames_long * MOST_FRAME_BYTES))?;
        within("frames that repeat", self.reused.frames, &(0..=frames))?;
        within("pixels that were not computed", self.reused.pixels, &(0..=frames_long * MOST_PIXELS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Reused;
    use crate::{Container, CropArea};

    fn facts() -> SourceFacts {
        SourceFacts {
            keyframes: (0..MOST_FRAMES).step_by(1000).collect(),
            container: Container::Mp4,
            operations_per_pixel: 36_000_000,
            missing: vec![SegmentRange { first: 7, end: 9 }, SegmentRange { first: 9, end: 10 }],
            seconds: 4e6,
            ..SourceFacts::example((16_384, 16_384), MOST_FRAMES)
        }
    }

    #[test]
    fn a_long_film_is_believed() {
        facts().validate().unwrap();
        let plan = Plan { width: 16_384, height: 2, encoder_threads: 2, segments: 100_000 };
        plan.validate(100_000 * 30).unwrap();
        plan.validate(99_999).unwrap_err();
        plan.validate(0).unwrap_err();
    }

    #[test]
    fn what_cannot_be_is_named() {
        type Change = fn(&mut SourceFacts);
        let wrong: [(&str, Change); 14] = [
            ("frames: 4294967295", |facts| facts.frames = u32::MAX),
            ("pixels of a frame", |facts| (facts.width, facts.height) = (u32::MAX, u32::MAX)),
            ("pixels of a frame", |facts| facts.width = 0),
            ("keyframes", |facts| facts.keyframes = vec![5, 3]),
            ("keyframes", |facts| facts.keyframes = vec![MOST_FRAMES]),
            ("seconds", |facts| facts.seconds = f64::NAN),
            ("seconds", |facts| facts.seconds = 1e300),
            ("operations", |facts| facts.operations_per_pixel = u64::MAX),
            ("enlargement", |facts| facts.network_scale = 0),
            ("missing", |facts| facts.missing = vec![SegmentRange { first: 9, end: 7 }]),
            ("missing", |facts| facts.missing = vec![SegmentRange { first: 7, end: 8 }; 2]),
            ("checksum", |facts| facts.frame_list_blake3 = "a".repeat(1 << 20)),
            ("streams", |facts| {
                facts.carry.streams = vec![CarriedStream { stream: 0, convert: None }; MOST_STREAMS + 1];
            }),
            ("crop", |facts| {
                let kept = CropArea { width: 9, height: 9, left: u32::MAX, top: 0 };
                facts.crop = Some(Cropped { from_width: 9, from_height: 9, kept });
            }),
        ];
        for (what, change) in wrong {
            let mut facts = facts();
            change(&mut facts);
            let error = facts.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("({what}")), "{what}: {error}");
        }
    }

    #[test]
    fn a_segment_has_no_more_than_its_frames() {
        let digest = |bytes, frames, pixels| SegmentDigest {
            file: "seg-000000.e1.pkt".to_owned(),
            bytes,
            blake3: String::new(),
            reused: Reused { frames, pixels },
        };
        digest(1000, 30, 1000).validate(30).unwrap();
        for wrong in [digest(u64::MAX, 0, 0), digest(0, 31, 0), digest(0, 0, u64::MAX)] {
            wrong.validate(30).unwrap_err();
        }
    }
}
