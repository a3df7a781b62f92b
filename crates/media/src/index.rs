//! The frame list: when each frame appears, and where decoding can start.

use std::path::Path;

use frame::Rational;

use crate::decode::Frames;
use crate::probe::video_stream;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::{Error, MAX_FRAMES, raw};

/// Seconds by which a clock has to go back to be another clock: recordings that were glued together. Less is disorder, as
/// where a demuxer has to guess decoding times.
pub(crate) const JUMP_SECONDS: i64 = 1;
/// Packets between two reports of progress, each of which takes longer than reading a packet.
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
    /// Decoding can start at any keyframe. Else it must start at the beginning of the file for the frames to repeat.
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
    let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), time_base);
    let (mut last_dts, mut last) = (None::<i64>, (i64::MIN, 0));
    while input.read(&mut packet)? {
        if packet.stream() != stream || packet.is_discarded() {
            continue;
        }
        let Some(pts) = packet.pts() else { return Ok(None) };
        let dts = packet.dts().unwrap_or(pts);
        if last_dts.is_some_and(|last| dts < last.saturating_sub(jump)) {
            return Ok(None);
        }
        last_dts = Some(dts);
        last = last.max((pts, packet.duration()));
        if frames.len() == MAX_FRAMES {
            return Err(Error::TooManyFrames);
        }
        frames.push((pts, packet.is_keyframe()));
        if (frames.len() as u64).is_multiple_of(REPORT) {
            progress(frames.len() as u64);
        }
    }
    frames.sort_unstable_by_key(|&(pts, _)| pts);
    let distinct = frames.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !distinct {
        return Ok(None);
    }
    if frames.first().is_some_and(|&(_, is_key)| !is_key) {
        // Recordings begin anywhere, and edit lists cut anywhere: the decoder tells which frame is the first it can show.
        let mut decoded = Frames::open(path, raw::codec::Threads::One)?;
        let first = if decoded.advance()? { decoded.frame().pts() } else { None };
        match first.and_then(|first| frames.binary_search_by_key(&first, |&(pts, _)| pts).ok()) {
            Some(number) => frames.drain(..number),
            None => return Ok(None),
        };
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
    let mut clock = Clock::new(time_base, rate);
    let mut pts: Vec<i64> = Vec::new();
    let mut keyframes = Vec::new();
    // Whether every time that a frame has of its own stands in the list, so that frames can be found by them.
    let mut is_own_time = true;
    while frames.advance()? {
        let own = frames.frame().pts();
        let time = clock.time_of(frames.frame().best_effort_time());
        is_own_time &= own.is_none_or(|own| own == time);
        if pts.is_empty() || own.is_some() && frames.is_entry() {
            keyframes.push(pts.len() as u32);
        }
        if pts.len() == MAX_FRAMES {
            return Err(Error::TooManyFrames);
        }
        pts.push(time);
        progress(pts.len() as u64);
    }
    Ok(Index {
        last_duration: last_duration(0, &pts, time_base, rate),
        time_base,
        seekable: is_own_time && keyframes.len() > 1,
        keyframes,
        pts,
        method: IndexMethod::Decode,
    })
}

/// Gives every decoded frame a time that is later than that of the frame before.
#[derive(Debug)]
struct Clock {
    last: Option<i64>,
    /// Ticks of a frame by the frame rate.
    frame: i64,
    /// Ticks of a jump.
    jump: i64,
    /// What is added since the clock of the file went back.
    offset: i64,
}

impl Clock {
    fn new(time_base: Rational, rate: Rational) -> Self {
        let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), time_base);
        Self { last: None, frame: one_frame(time_base, rate), jump, offset: 0 }
    }

    fn time_of(&mut self, said: Option<i64>) -> i64 {
        let time = match (self.last, said) {
            (None, said) => said.unwrap_or(0),
            // No time of its own: a frame after the one before.
            (Some(last), None) => last.saturating_add(self.frame),
            (Some(last), Some(said)) => {
                if said.saturating_add(self.offset) < last.saturating_sub(self.jump) {
                    self.offset = last.saturating_add(self.frame).saturating_sub(said);
                }
                said.saturating_add(self.offset).max(last.saturating_add(1))
            }
        };
        self.last = Some(time);
        time
    }
}

/// Ticks of a frame by the frame rate; 1 where that is not known.
fn one_frame(time_base: Rational, rate: Rational) -> i64 {
    if rate.is_known() { raw::rescale(1, Rational::new(rate.den, rate.num), time_base).max(1) } else { 1 }
}

/// How long the last frame is shown: what its packet says, else as long as the one before, else one by the frame rate.
fn last_duration(said: i64, pts: &[i64], time_base: Rational, rate: Rational) -> i64 {
    if said > 0 {
        return said;
    }
    match pts {
        [.., before, last] => last.saturating_sub(*before),
        _ => one_frame(time_base, rate),
    }
}
