//! The frame list: when each frame appears, and where decoding can start.

mod packets;

use std::ops::Range;

use frame::Rational;

use crate::decode::Frames;
use crate::fields::{Fields, Place};
use crate::{Error, MAX_FRAMES, Source, raw};

use packets::Packets;

/// Seconds by which a clock has to go back to be another clock: recordings that were glued together. Less is disorder, as
/// where a demuxer has to guess decoding times.
pub(crate) const JUMP_SECONDS: i64 = 1;

/// How a frame list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexMethod {
    /// From the packets, without decoding.
    Demux,
    /// From the packets, after decoding every frame to see which are missing.
    Check,
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
    /// Frames that the packets promise and the decoder does not give: ranges, ascending, with other frames between them.
    pub gaps: Vec<Range<u32>>,
    /// Frames before the first of the list that no decoder gives, as recordings have them that begin anywhere.
    pub left_out: u32,
    /// Frames at the end that the container lists, but that the file is too short to hold.
    pub cut_off: u32,
    /// Frames that say of themselves that they are interlaced: ranges, ascending, with other frames between them. Known where
    /// everything was decoded.
    pub flagged: Vec<Range<u32>>,
    /// How the frames are made of those that the decoder gives; `None` where they are those.
    pub fields: Option<Fields>,
}

impl Index {
    /// The list of the frames that the decoder gives.
    pub(crate) fn decoded(&self) -> &Self {
        self.fields.as_ref().map_or(self, |fields| &fields.decoded)
    }

    /// What is shown as a frame: itself, or where it is missing the one before the gap; the one after it where there is
    /// none before.
    pub(crate) fn shown(&self, frame: u32) -> Place {
        let place = self.fields.as_ref().map(|fields| fields.place(frame));
        let place = place.unwrap_or(Place { frame, is_second: false });
        match self.decoded().gap_at(place.frame) {
            Some(gap) if gap.start > 0 => {
                let is_second = self.fields.as_ref().is_some_and(|fields| fields.made.of_each() > 1);
                Place { frame: gap.start - 1, is_second }
            }
            Some(gap) => Place { frame: gap.end, is_second: false },
            None => place,
        }
    }

    /// The last frame before one that is not missing; that one where there is none.
    pub(crate) fn present_before(&self, frame: u32) -> u32 {
        let Some(before) = frame.checked_sub(1) else { return frame };
        self.gap_at(before).map_or(before, |gap| gap.start.checked_sub(1).unwrap_or(frame))
    }

    /// The first frame from one on that is not missing.
    pub(crate) fn present_from(&self, frame: u32) -> u32 {
        self.gap_at(frame).map_or(frame, |gap| gap.end)
    }

    fn gap_at(&self, frame: u32) -> Option<&Range<u32>> {
        let after = self.gaps.partition_point(|gap| gap.end <= frame);
        self.gaps.get(after).filter(|gap| gap.contains(&frame))
    }
}

/// Makes the frame list of a file. Packets without times, or with times that contradict each other, make it fall back
/// to decoding.
///
/// Wherever everything is decoded, what packets promise is compared with it: frames that are missing then stand in the
/// list all the same, and in its gaps.
///
/// # Errors
/// When the file cannot be read, is not a video, or has no frames.
pub fn index(source: &Source, method: IndexMethod, progress: &mut dyn FnMut(u64)) -> Result<Index, Error> {
    let packets = Packets::read(source, progress)?;
    let listed = packets.list(source)?;
    let index = match listed {
        Some(listed) if method == IndexMethod::Demux => listed,
        listed => {
            let decoded = Decoded::read(source, progress)?;
            if decoded.index.pts.is_empty() {
                return Err(Error::NoFrames);
            }
            let missing = decoded.lacks(&packets);
            match listed {
                listed if !missing.is_empty() => with_gaps(&decoded.index, &missing, listed.as_ref()),
                Some(listed) if method == IndexMethod::Check && listed.pts == decoded.index.pts => listed,
                _ => decoded.index,
            }
        }
    };
    let &first = index.pts.first().ok_or(Error::NoFrames)?;
    Ok(Index { left_out: packets.before(first), cut_off: packets.cut_off, ..index })
}

/// The list of the frames that were decoded and of those that are missing. Where the packets give a list, decoding can
/// start where that says.
fn with_gaps(decoded: &Index, missing: &[i64], listed: Option<&Index>) -> Index {
    let mut pts = [&decoded.pts, missing].concat();
    pts.sort_unstable();
    let number = |time: &i64| pts.binary_search(time).ok().map(|number| number as u32);
    let mut gaps: Vec<Range<u32>> = Vec::new();
    for frame in missing.iter().filter_map(number) {
        match gaps.last_mut() {
            Some(gap) if gap.end == frame => gap.end += 1,
            _ => gaps.push(frame..frame + 1),
        }
    }
    let guide = listed.unwrap_or(decoded);
    let times = guide.keyframes.iter().filter_map(|&keyframe| guide.pts.get(keyframe as usize));
    let keyframes = times.filter(|time| missing.binary_search(time).is_err()).filter_map(number).collect();
    Index {
        time_base: guide.time_base,
        keyframes,
        last_duration: guide.last_duration,
        seekable: guide.seekable,
        method: guide.method,
        gaps,
        left_out: 0,
        cut_off: 0,
        flagged: Vec::new(),
        fields: None,
        pts,
    }
}

/// What decoding everything gave.
struct Decoded {
    index: Index,
    /// Whether every time that a frame has of its own stands in the list, so that frames can be found by them.
    by_own_times: bool,
    /// Two packets may be two fields of one frame.
    has_fields: bool,
}

impl Decoded {
    fn read(source: &Source, progress: &mut dyn FnMut(u64)) -> Result<Self, Error> {
        let mut frames = Frames::open(source, raw::codec::Threads::One)?;
        let (time_base, rate) = (frames.time_base(), frames.frame_rate());
        let mut clock = Clock::new(time_base, rate);
        let mut pts: Vec<i64> = Vec::new();
        let mut keyframes = Vec::new();
        let (mut by_own_times, mut has_times) = (true, false);
        while frames.advance()? {
            let own = frames.frame().pts();
            // The decoder knows it when it has seen a frame.
            clock.field = frames.field_seconds();
            let shown = frames.frame().fields_shown();
            let said = frames.frame().best_effort_time();
            if let Some(said) = said
                && !has_times
            {
                clock.begin(&mut pts, said);
            }
            has_times |= said.is_some();
            let time = clock.time_of(said, shown);
            by_own_times &= own.is_none_or(|own| own == time);
            if pts.is_empty() || own.is_some() && frames.is_entry() {
                keyframes.push(pts.len() as u32);
            }
            if pts.len() == MAX_FRAMES {
                return Err(Error::TooManyFrames);
            }
            pts.push(time);
            progress(pts.len() as u64);
        }
        let index = Index {
            last_duration: last_duration(0, &pts, time_base, rate),
            time_base,
            seekable: by_own_times && keyframes.len() > 1,
            keyframes,
            pts,
            method: IndexMethod::Decode,
            gaps: Vec::new(),
            left_out: 0,
            cut_off: 0,
            flagged: Vec::new(),
            fields: None,
        };
        Ok(Self { index, by_own_times, has_fields: frames.may_have_fields() })
    }

    /// The times of frames that packets promise and that were not decoded, ascending.
    fn lacks(&self, packets: &Packets) -> Vec<i64> {
        if !self.by_own_times {
            return Vec::new();
        }
        let pts = &self.index.pts;
        let mut steps: Vec<i64> = pts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_unstable();
        let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
        let is_missing = |time: &&i64| match pts.binary_search(time) {
            Ok(_) => false,
            // The second field of a frame comes half a frame after the first.
            Err(after) if after > 0 && self.has_fields => (*time - pts[after - 1]) * 4 >= usual * 3,
            Err(_) => true,
        };
        packets.promised.iter().filter(is_missing).copied().collect()
    }
}

/// Gives every decoded frame a time that is later than that of the frame before.
#[derive(Debug)]
struct Clock {
    last: Option<i64>,
    /// Ticks of a frame by the frame rate.
    frame: i64,
    time_base: Rational,
    /// Seconds of a field, where frames say how many of them they are shown: films in which some fields are to be repeated.
    field: Option<Rational>,
    /// The last time that a frame had, and the fields since.
    said: (i64, i64),
    /// Ticks of a jump.
    jump: i64,
    /// What is added since the clock of the file went back.
    offset: i64,
}

impl Clock {
    fn new(time_base: Rational, rate: Rational) -> Self {
        let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), time_base);
        let frame = one_frame(time_base, rate);
        Self { last: None, frame, time_base, field: None, said: (0, 0), jump, offset: 0 }
    }

    /// Moves frames that have no time of their own to where they end when the first frame with a time begins: Matroska files
    /// that begin before 0 have such.
    fn begin(&mut self, frames: &mut [i64], first: i64) {
        let Some(last) = self.last else { return };
        let moved = first.saturating_sub(last.saturating_add(self.frame));
        for time in frames {
            *time = time.saturating_add(moved);
        }
        self.last = Some(last.saturating_add(moved));
        self.said.0 = self.said.0.saturating_add(moved);
    }

    /// The time of the next frame, which itself says `said` and is shown for so many fields.
    fn time_of(&mut self, said: Option<i64>, fields: i64) -> i64 {
        let time = match (self.last, said) {
            (None, said) => said.unwrap_or(0),
            // No time of its own: a frame after the one before.
            (Some(last), None) => match self.field {
                Some(field) => {
                    let since = raw::rescale(self.said.1, field, self.time_base);
                    self.said.0.saturating_add(since).max(last.saturating_add(1))
                }
                None => last.saturating_add(self.frame),
            },
            (Some(last), Some(said)) => {
                if said.saturating_add(self.offset) < last.saturating_sub(self.jump) {
                    self.offset = last.saturating_add(self.frame).saturating_sub(said);
                }
                said.saturating_add(self.offset).max(last.saturating_add(1))
            }
        };
        let has_time = said.is_some() || self.last.is_none();
        self.said = if has_time { (time, fields) } else { (self.said.0, self.said.1 + fields) };
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
