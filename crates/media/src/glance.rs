//! A frame of a film of which nothing is known but what its head says.

use frame::RgbF32;

use crate::convert::ToRgb;
use crate::decode::Frames;
use crate::raw::codec::Threads;
use crate::{Error, Source};

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
