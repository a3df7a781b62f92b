//! Is what was made what should have been made?

use std::path::Path;

use frame::{Rational, Size};

use crate::decode::Frames;
use crate::raw::codec::{Decoder, Output, Parameters, Threads};
use crate::raw::frame::RawFrame;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::{CodecParameters, Error, Index, JoinReport, OwnedPacket, raw};

/// Threads of the decoder.
const THREADS: Threads = Threads::UpTo(2);
/// Largest deviation of a time from the source's: half a tick of Matroska, whose tick is 1 ms, and some room for the
/// rounding of this comparison itself.
const LARGEST_DEVIATION_SECONDS: f64 = 0.000_501;

/// What was found of a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerifyReport {
    /// Frames that were decoded.
    pub frames: u32,
    /// Largest deviation of a time from the source's, in seconds.
    pub largest_deviation: f64,
}

/// Decodes a result from start to end and compares it with the frame list of its source and with what the join wrote.
///
/// # Errors
/// [`Error::Verification`] with the first thing that is not right, or when the file cannot be read.
pub fn verify(
    result: &Path,
    index: &Index,
    size: Size,
    joined: &JoinReport,
    progress: &mut dyn FnMut(u32),
) -> Result<VerifyReport, Error> {
    let wrong = |what: String| Err(Error::Verification(what));
    let mut input = Input::open(result)?;
    input.keep_streams(|_| true);
    let mut counts = vec![0; joined.packets.len()];
    let mut packet = RawPacket::new()?;
    while input.read(&mut packet)? {
        if let Some(count) = counts.get_mut(packet.stream()) {
            *count += 1_u64;
        }
        progress(0);
    }
    for (stream, (found, written)) in counts.iter().zip(&joined.packets).enumerate() {
        if found < written {
            return wrong(format!("stream {stream} has {found} of {written} packets"));
        }
    }

    let mut frames = Frames::open(result, THREADS)?;
    let time_base = frames.time_base();
    let mut largest_deviation = 0.0_f64;
    for (number, &pts) in index.pts.iter().enumerate() {
        if !frames.advance()? {
            return wrong(format!("it has {number} of {} frames", index.pts.len()));
        }
        let frame = frames.frame();
        if frame.size() != size {
            return wrong(format!("frame {number} is of {} instead of {size}", frame.size()));
        }
        let Some(time) = frame.pts() else { return wrong(format!("frame {number} has no time")) };
        let deviation = deviation(time, time_base, pts, index.time_base);
        if deviation > LARGEST_DEVIATION_SECONDS {
            return wrong(format!("frame {number} is shown {:.1} ms off", deviation * 1000.0));
        }
        largest_deviation = largest_deviation.max(deviation);
        progress(number as u32 + 1);
    }
    if frames.advance()? {
        return wrong(format!("it has more than {} frames", index.pts.len()));
    }
    Ok(VerifyReport { frames: index.pts.len() as u32, largest_deviation })
}

/// How far two times are from each other, in seconds.
fn deviation(a: i64, of_a: Rational, b: i64, of_b: Rational) -> f64 {
    let exact = raw::rescale(b, of_b, of_a) == a && raw::rescale(a, of_a, of_b) == b;
    // Two long times in floating point would differ by rounding alone.
    if exact { 0.0 } else { (a as f64 * of_a.to_f64() - b as f64 * of_b.to_f64()).abs() }
}

/// Decodes a segment in memory. Gives the presentation time of each frame and the mean of its first plane, 0 to 1.
///
/// # Errors
/// When the packets cannot be decoded, or what the packets say instead.
pub fn verify_segment(
    parameters: &CodecParameters,
    time_base: Rational,
    packets: &mut dyn Iterator<Item = Result<OwnedPacket, String>>,
) -> Result<Vec<(i64, f32)>, Error> {
    let parameters = Parameters::from_plain(parameters)?;
    let mut decoder = Decoder::open(parameters.get(), time_base, THREADS)?;
    let (mut packet, mut frame) = (RawPacket::new()?, RawFrame::new()?);
    let mut found = Vec::new();
    let mut order = 0;
    loop {
        let next = packets.next().transpose().map_err(Error::PacketsDiffer)?;
        let at_end = next.is_none();
        if let Some(next) = &next {
            packet.set_data(&next.data)?;
            // The decoder needs rising decoding times, whatever they are.
            packet.set_times(next.pts, order);
            packet.set_keyframe(next.keyframe);
            order += 1;
        }
        decoder.send(next.is_some().then_some(&mut packet))?;
        while decoder.receive(&mut frame)? == Output::Some {
            let pts = frame.pts().ok_or_else(|| Error::Verification("a frame has no time".to_owned()))?;
            found.push((pts, frame.mean_of_first_plane()));
        }
        if at_end {
            return Ok(found);
        }
    }
}
