//! The frame list: when each frame appears, and where decoding can start.

use std::path::Path;

use frame::Rational;

use crate::decode::Frames;
use crate::probe::video_stream;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::{Error, raw};

/// Packets between two reports of progress.
const REPORT: u64 = 1000;

/// How a frame list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMethod {
    /// From the packets, without decoding.
    Demux,
    /// By decoding every frame.
    Decode,
}

/// The frames of a video in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Seconds a tick, of the source's video stream.
    pub time_base: Rational,
    /// Presentation time of each frame in ticks, strictly ascending.
    pub pts: Vec<i64>,
    /// Numbers of the frames at which decoding can start, ascending.
    pub keyframes: Vec<u32>,
    /// Ticks that the last frame is shown.
    pub last_duration: i64,
    /// Decoding can start at any keyframe. Else it must start at the beginning of the file for the times to repeat.
    pub seekable: bool,
    /// How the list was made.
    pub method: IndexMethod,
}

/// Makes the frame list of a file. Packets without times, or with times that contradict each other, make it fall back
/// to decoding.
///
/// # Errors
/// When the file cannot be read, is not a video, or has no frames.
pub fn index(path: &Path, method: IndexMethod, progress: &mut dyn FnMut(u64)) -> Result<Index, Error> {
    let found = match method {
        IndexMethod::Demux => by_packets(path, progress)?,
        IndexMethod::Decode => None,
    };
    let index = match found {
        Some(index) => index,
        None => by_decoding(path, progress)?,
    };
    if index.pts.is_empty() { Err(Error::NoFrames) } else { Ok(index) }
}

/// The list from the packets; `None` when they do not tell.
fn by_packets(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<Option<Index>, Error> {
    let mut input = Input::open(path)?;
    let (stream, video) = video_stream(&input)?;
    let time_base = video.time_base();
    let rate = video.average_frame_rate();
    input.keep_streams(|index| index == stream);
    let mut packet = RawPacket::new()?;
    let mut frames: Vec<(i64, bool)> = Vec::new();
    let (mut last_dts, mut last) = (i64::MIN, (i64::MIN, 0));
    while input.read(&mut packet)? {
        if packet.stream() != stream || packet.is_discarded() {
            continue;
        }
        let Some(pts) = packet.pts() else { return Ok(None) };
        let dts = packet.dts().unwrap_or(pts);
        if dts < last_dts || dts > pts {
            return Ok(None);
        }
        last_dts = dts;
        last = last.max((pts, packet.duration()));
        frames.push((pts, packet.is_keyframe()));
        if (frames.len() as u64).is_multiple_of(REPORT) {
            progress(frames.len() as u64);
        }
    }
    frames.sort_unstable_by_key(|&(pts, _)| pts);
    let distinct = frames.windows(2).all(|pair| pair[0].0 < pair[1].0);
    // What comes before the first keyframe cannot be decoded, and only decoding tells what a decoder makes of it.
    if !distinct || frames.first().is_some_and(|&(_, is_key)| !is_key) {
        return Ok(None);
    }
    let pts: Vec<i64> = frames.iter().map(|&(pts, _)| pts).collect();
    let keyframes =
        frames.iter().enumerate().filter(|(_, frame)| frame.1).map(|(number, _)| number as u32).collect();
    Ok(Some(Index {
        last_duration: last_duration(last.1, &pts, time_base, rate),
        time_base,
        pts,
        keyframes,
        seekable: true,
        method: IndexMethod::Demux,
    }))
}

/// The list by decoding everything.
fn by_decoding(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<Index, Error> {
    let mut frames = Frames::open(path, raw::codec::Threads::One)?;
    let (time_base, rate) = (frames.time_base(), frames.frame_rate());
    let mut pts: Vec<i64> = Vec::new();
    while frames.advance()? {
        let time = frames.frame().best_effort_time();
        // A frame without a time of its own, or one from the past, is shown right after the one before.
        let earliest = pts.last().map_or(i64::MIN, |last| last + 1);
        pts.push(time.unwrap_or(earliest.max(0)).max(earliest));
        if (pts.len() as u64).is_multiple_of(REPORT) {
            progress(pts.len() as u64);
        }
    }
    Ok(Index {
        last_duration: last_duration(0, &pts, time_base, rate),
        time_base,
        keyframes: if pts.is_empty() { Vec::new() } else { vec![0] },
        pts,
        seekable: false,
        method: IndexMethod::Decode,
    })
}

/// How long the last frame is shown: what its packet says, else as long as the one before, else one by the frame rate.
fn last_duration(said: i64, pts: &[i64], time_base: Rational, rate: Rational) -> i64 {
    if said > 0 {
        return said;
    }
    if let [.., before, last] = pts {
        return last - before;
    }
    if rate.is_known() { raw::rescale(1, Rational::new(rate.den, rate.num), time_base).max(1) } else { 1 }
}
