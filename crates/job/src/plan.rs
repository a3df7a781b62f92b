//! The plan: which frames make which segment, and all else that is fixed before the first frame is made.
//!
//! It follows from the source and the settings alone, never from measured speed, so that it repeats.

use serde::{Deserialize, Serialize};

use crate::bounds::MOST_SEGMENTS;
use crate::settings::SettingsError;
use crate::{Settings, SourceFacts};

/// Frames of the first segment: short, so that an estimate of the time appears early.
const FIRST_SEGMENT_FRAMES: u32 = 30;
/// Wanted work of a segment in seconds: what a crash may cost.
const SEGMENT_SECONDS: f64 = 60.0;
/// Usual speed of a network on a CPU of two to four cores, in floating-point operations a second.
pub(crate) const CPU_OPERATIONS_PER_SECOND: f64 = 200e9;
/// Usual speed of decoding, resizing and encoding, in pixels of the result a second.
pub(crate) const CODEC_PIXELS_PER_SECOND: f64 = 20e6;
/// Bounds of a segment: shorter ones waste bits at each forced keyframe, longer ones make progress coarse.
const SEGMENT_FRAMES: std::ops::RangeInclusive<u32> = 24..=480;
/// Threads of the encoder. libx264 gives other bits for another number, so it cannot follow the machine. Two make files of
/// the same size and quality as one, and keep up with an engine on many cores for longer.
pub const ENCODER_THREADS: u32 = 2;

/// A contiguous range of frames, numbered in presentation order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRange {
    /// Number of the first frame.
    pub first: u32,
    /// One more than the number of the last frame.
    pub end: u32,
}

impl SegmentRange {
    /// Number of frames.
    pub const fn frames(self) -> u32 {
        self.end - self.first
    }
}

/// All that is fixed for a job before its first frame is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Width of the result, even.
    pub width: u32,
    /// Height of the result, even.
    pub height: u32,
    /// Threads of the encoder.
    pub encoder_threads: u32,
    /// Number of segments.
    pub segments: u32,
}

/// A segment of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedSegment {
    /// Its frames.
    pub range: SegmentRange,
    /// Frames before its first that are decoded for it, since decoding starts at the keyframe before.
    pub lead_in: u32,
}

/// Plans a job: the plan, and its segments in order, without gaps, from frame 0 to the last.
///
/// Segments take about a minute of work on a usual machine and are cut at a keyframe of the source when one lies in
/// the second half of the wanted length, since decoding starts there without detours.
///
/// # Errors
/// When the size of the result is not possible, or the film would have more than [`MOST_SEGMENTS`].
pub fn plan(facts: &SourceFacts, settings: &Settings) -> Result<(Plan, Vec<PlannedSegment>), SettingsError> {
    let (width, height) = settings.target.size(facts.shape())?;
    let source_pixels = f64::from(facts.width) * f64::from(facts.height);
    let seconds_per_frame = source_pixels * facts.operations_per_pixel as f64 / CPU_OPERATIONS_PER_SECOND
        + f64::from(width) * f64::from(height) / CODEC_PIXELS_PER_SECOND;
    let usual =
        ((SEGMENT_SECONDS / seconds_per_frame) as u32).clamp(*SEGMENT_FRAMES.start(), *SEGMENT_FRAMES.end());
    // A segment that ends at a keyframe has half of the wanted length at least.
    let least = facts.frames.div_ceil(MOST_SEGMENTS as u32 / 2);
    let wanted = settings.segment_frames.unwrap_or(usual.max(least));

    let mut segments = Vec::new();
    let mut first = 0;
    while first < facts.frames {
        if segments.len() == MOST_SEGMENTS {
            return Err(SettingsError::TooManySegments);
        }
        let length = if first == 0 { wanted.min(FIRST_SEGMENT_FRAMES) } else { wanted };
        let end = if facts.frames - first <= length.saturating_add(length / 4) && first > 0 {
            // A rest of less than a quarter is not worth a segment of its own.
            facts.frames
        } else {
            cut(first, length, facts)
        };
        let range = SegmentRange { first, end };
        segments.push(PlannedSegment { range, lead_in: lead_in(first, &facts.keyframes) });
        first = end;
    }
    let count = segments.len() as u32;
    Ok((Plan { width, height, encoder_threads: ENCODER_THREADS, segments: count }, segments))
}

/// Frames from the last keyframe up to a frame on, which is not counted.
pub fn lead_in(frame: u32, keyframes: &[u32]) -> u32 {
    let after = keyframes.partition_point(|&keyframe| keyframe <= frame);
    frame - keyframes[..after].last().copied().unwrap_or(0)
}

/// Where a segment of about `length` frames from `first` on ends.
fn cut(first: u32, length: u32, facts: &SourceFacts) -> u32 {
    let longest = first.saturating_add(length).min(facts.frames);
    if longest == facts.frames {
        return longest;
    }
    let after = facts.keyframes.partition_point(|&keyframe| keyframe <= longest);
    match facts.keyframes[..after].last() {
        Some(&keyframe) if keyframe > first.saturating_add(length / 2) => keyframe,
        _ => longest,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Container;

    fn facts(frames: u32, keyframes: Vec<u32>) -> SourceFacts {
        SourceFacts {
            keyframes,
            container: Container::Mp4,
            operations_per_pixel: 2_420_000,
            ..SourceFacts::example((176, 144), frames)
        }
    }

    #[test]
    fn the_first_segment_is_short_and_the_others_take_about_a_minute() {
        let (plan, segments) = plan(&facts(1000, vec![0]), &Settings::default()).unwrap();
        assert_eq!((plan.width, plan.height), (704, 576));
        assert_eq!(plan.segments as usize, segments.len());
        assert_eq!(segments[0].range, SegmentRange { first: 0, end: 30 });
        assert!((150..200).contains(&segments[1].range.frames()), "{segments:?}");
    }

    #[test]
    fn a_keyframe_in_the_second_half_ends_a_segment() {
        let settings = Settings { segment_frames: Some(30), ..Settings::default() };
        let (_, segments) = plan(&facts(200, vec![0, 10, 25, 60, 110]), &settings).unwrap();
        let ends: Vec<u32> = segments.iter().map(|segment| segment.range.end).collect();
        assert_eq!(ends, [25, 55, 85, 110, 140, 170, 200]);
        let lead_ins: Vec<u32> = segments.iter().map(|segment| segment.lead_in).collect();
        assert_eq!(lead_ins, [0, 0, 30, 25, 0, 30, 60]);
    }

    #[test]
    fn the_longest_film_has_as_many_segments_as_fit() {
        let longest = crate::bounds::MOST_FRAMES;
        for every in [longest, 1000, 900] {
            let keyframes = (0..longest).step_by(every as usize).collect();
            let (plan, segments) = plan(&facts(longest, keyframes), &Settings::default()).unwrap();
            assert!(segments.len() > 10_000 && plan.validate(longest).is_ok(), "{every}");
        }
        let settings = Settings { segment_frames: Some(30), ..Settings::default() };
        assert!(plan(&facts(3_000_000, vec![0]), &settings).unwrap().0.segments >= 100_000);
        assert_eq!(plan(&facts(longest, vec![0]), &settings), Err(SettingsError::TooManySegments));
    }

    proptest! {
        #[test]
        fn segments_cover_every_frame_once(
            frames in 1_u32..5000,
            gaps in prop::collection::vec(1_u32..400, 0..40),
            length in prop::option::of(1_u32..700),
        ) {
            let keyframes = gaps.iter().scan(0, |at, gap| { let here = *at; *at += gap; Some(here) }).collect();
            let settings = Settings { segment_frames: length, ..Settings::default() };
            let (plan, segments) = plan(&facts(frames, keyframes), &settings).unwrap();
            prop_assert_eq!(plan.segments as usize, segments.len());
            let mut next = 0;
            for PlannedSegment { range, lead_in } in segments {
                prop_assert_eq!(range.first, next);
                prop_assert!(range.end > range.first && lead_in <= range.first);
                next = range.end;
            }
            prop_assert_eq!(next, frames);
        }
    }
}
