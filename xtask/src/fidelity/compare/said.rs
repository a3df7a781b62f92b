//! What must have been said, since a result alone does not show it.

use super::super::media::{Frame, Media, Stream};
use super::{Compared, Pair};

/// Seconds without anything at the beginning of a result that is too long to wait for.
const LONGEST_WAIT: f64 = 10.0;
/// Share of its stated length, and seconds, by which a file may be shorter without a word.
const SHORT: (f64, f64) = (0.05, 1.0);
/// Interlaced frames that are more than a mistake.
const LEAST_INTERLACED: usize = 10;

/// Looks for what the source is and the program did not speak of.
pub(super) fn compare(pair: &Pair<'_>, (source, result): (&Stream, &Stream), compared: &mut Compared) {
    let says = |words: &[&str]| {
        let notes = || pair.notes.iter().map(|note| note.to_lowercase());
        notes().any(|note| words.iter().any(|word| note.contains(word)))
    };
    let frames = &pair.source.frames;
    if let Some(frame) = first_change(frames, |frame| (frame.width, frame.height))
        && !says(&["fitted", "changes its size"])
    {
        compared.fault(format!("the picture changes its size at frame {frame}, and nothing was said"));
    }
    if let Some(frame) = first_change(frames, |frame| frame.sample_aspect_ratio.clone())
        && !says(&["fitted", "shape"])
    {
        compared.fault(format!("the shape of pixels changes at frame {frame}, and nothing was said"));
    }
    let interlaced = frames.iter().filter(|frame| frame.interlaced == 1).count();
    if interlaced >= LEAST_INTERLACED && !says(&["interlace", "telecine"]) {
        compared.fault(format!("{interlaced} frames are flagged interlaced, and nothing was said"));
    }
    if let Some(vision) = source.side_data("DOVI configuration record") {
        match vision.get("dv_profile").and_then(serde_json::Value::as_i64) {
            Some(5) => compared.fault("Dolby Vision of profile 5 has colours that need its metadata"),
            _ if !says(&["dolby"]) => compared.fault("Dolby Vision is lost, and nothing was said"),
            _ => {}
        }
    }
    let videos = pair.source.videos().filter(|video| has_packets(pair.source, video)).count();
    if videos > 1 && !says(&["video stream"]) {
        compared.fault(format!("one of {videos} videos was taken, and nothing was said"));
    }
    if let Some(end) = short_end(pair.source)
        && !says(&["ends after", "cut off"])
    {
        let stated = &pair.source.format.duration;
        compared.fault(format!("the file says {stated} s and ends at {end:.1} s, and nothing was said"));
    }
    let start = earliest(pair.result).unwrap_or(0.0);
    if start > LONGEST_WAIT {
        compared.fault(format!("the result begins with {start:.0} s of nothing"));
    }
    if result.width == 0 || result.height == 0 {
        compared.fault("the result says nothing of its size");
    }
}

fn first_change<T: PartialEq>(frames: &[Frame], of: impl Fn(&Frame) -> T) -> Option<usize> {
    frames.windows(2).position(|pair| of(&pair[0]) != of(&pair[1])).map(|place| place + 1)
}

fn has_packets(media: &Media, stream: &Stream) -> bool {
    media.packets_of(stream.index).next().is_some()
}

/// Beginnings and ends of all packets in seconds.
fn times(media: &Media) -> impl Iterator<Item = (f64, f64)> {
    media.streams.iter().flat_map(|stream| {
        media.packets_of(stream.index).filter_map(|packet| {
            let start = packet.pts.or(packet.dts)?;
            Some((
                start as f64 * stream.tick(),
                (start + packet.duration.unwrap_or(0)) as f64 * stream.tick(),
            ))
        })
    })
}

fn earliest(media: &Media) -> Option<f64> {
    times(media).map(|(start, _)| start).reduce(f64::min)
}

/// Where the file ends, when that is before the end that its header states.
fn short_end(media: &Media) -> Option<f64> {
    // Of the others, FFmpeg guesses the length.
    let states = ["matroska", "mov", "flv", "avi", "asf"];
    if !states.iter().any(|name| media.format.name.starts_with(name)) {
        return None;
    }
    let stated: f64 = media.format.duration.parse().ok()?;
    let end = times(media).map(|(_, end)| end).reduce(f64::max)?;
    let length = end - earliest(media).unwrap_or(0.0).max(0.0);
    // Some states where it ends, some how long it is.
    (stated - length > (SHORT.0 * stated).max(SHORT.1) && stated > end + SHORT.1).then_some(end)
}

/// A time as players show it.
pub(super) fn clock(seconds: f64) -> String {
    let milliseconds = (seconds.max(0.0) * 1000.0).round() as u64;
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
