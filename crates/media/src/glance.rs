//! A frame of a film of which nothing is known but what its head says.

use frame::RgbF32;

use crate::convert::ToRgb;
use crate::decode::Frames;
use crate::raw::codec::Threads;
use crate::{Error, Source};

/// Frames that are decoded at most on the way to one.
const MOST_LEAD_IN: u32 = 1000;
/// How far times may be rounded by those who read them somewhere, in seconds.
const ROUNDED: f64 = 0.000_6;
/// Frames that are passed over at most because the decoder had to guess a part of them, as behind a place in the middle.
const MOST_DAMAGED: u32 = 100;

/// Decodes a frame about a share of the film from its beginning, at the keyframe before, into a picture in its own transfer curve;
/// HDR is brought to the range of usual screens. Where the place cannot be reached, it is the first frame.
///
/// # Errors
/// When the file cannot be read or decoded, or has no frames.
pub fn glance(source: &Source, share: f64, into: &mut RgbF32) -> Result<(), Error> {
    let mut frames = Frames::open(source, Threads::One)?;
    if !frames.go_to_share(share) || !advance(&mut frames)? {
        frames = Frames::open(source, Threads::One)?;
        if !advance(&mut frames)? {
            return Err(Error::NoFrames);
        }
    }
    let mut to_rgb = ToRgb::default();
    to_rgb.tonemap();
    to_rgb.convert(frames.frame(), into)
}

/// As [`glance`], for the frame that is shown at a time, in seconds from the beginning; the last one where the video ends before, and one
/// that is shown earlier where keyframes lie very far apart.
///
/// # Errors
/// As for [`glance`].
pub fn glance_at(source: &Source, seconds: f64, into: &mut RgbF32) -> Result<(), Error> {
    let mut to_rgb = ToRgb::default();
    to_rgb.tonemap();
    let open = || Frames::open(source, Threads::One);
    let mut frames = open()?;
    let length = frames.input().duration_seconds().filter(|&length| length > 0.0);
    let is_there = length.is_some_and(|length| seconds > 0.0 && frames.go_to_share(seconds / length));
    let mut is_shown = is_there && advance(&mut frames)?;
    if !is_shown {
        frames = open()?;
        is_shown = advance(&mut frames)?;
    }
    if !is_shown {
        return Err(Error::NoFrames);
    }
    let (start, tick) = (frames.input().start_seconds(), frames.time_base().to_f64());
    to_rgb.convert(frames.frame(), into)?;
    for _ in 0..MOST_LEAD_IN {
        if !frames.advance()? {
            break;
        }
        let shown = frames.frame().best_effort_time().map(|time| time as f64 * tick - start);
        if shown.is_none_or(|shown| shown > seconds + ROUNDED) {
            break;
        }
        if !frames.frame().is_damaged() {
            to_rgb.convert(frames.frame(), into)?;
        }
    }
    Ok(())
}

/// Decodes the next frame that is whole; where there is none near, the last of those that are not.
fn advance(frames: &mut Frames) -> Result<bool, Error> {
    for _ in 0..MOST_DAMAGED {
        if !frames.advance()? {
            return Ok(false);
        }
        if !frames.frame().is_damaged() {
            return Ok(true);
        }
    }
    Ok(true)
}
