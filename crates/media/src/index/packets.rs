//! What the packets of a video say of its frames.

use frame::Rational;

use super::{Index, IndexMethod, JUMP_SECONDS, last_duration};
use crate::decode::Frames;
use crate::probe::video_stream;
use crate::raw::ffi::AVCodecID;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::{Error, MAX_FRAMES, Source, raw};

/// Packets between two reports of progress, each of which takes longer than reading a packet.
const REPORT: u64 = 1000;
/// Bytes of an MPEG-4 packet that says no more than that the picture before goes on.
const NOT_CODED: usize = 16;

/// All packets of a video, without their bytes.
pub(super) struct Packets {
    time_base: Rational,
    rate: Rational,
    /// Time of each packet that has one, and whether it is a keyframe, ascending.
    frames: Vec<(i64, bool)>,
    /// Every packet has a time, and they do not contradict each other.
    tell: bool,
    /// Times at which there must be a frame, ascending.
    pub(super) promised: Vec<i64>,
    /// How long the last frame is shown, by its packet.
    last_duration: i64,
    /// Frames that the container lists beyond the end of the file.
    pub(super) cut_off: u32,
}

impl Packets {
    /// Reads all packets.
    pub(super) fn read(source: &Source, progress: &mut dyn FnMut(u64)) -> Result<Self, Error> {
        let mut input = Input::open(source)?;
        let (stream, video) = video_stream(&input)?;
        let time_base = video.time_base();
        let rate = video.average_frame_rate();
        let is_mpeg4 = video.codec_is(AVCodecID::MPEG4);
        let has_own_times = input.format() == "mpegts";
        input.keep_streams(|index| index == stream);
        let mut packet = RawPacket::new()?;
        let mut frames: Vec<(i64, bool)> = Vec::new();
        let (mut promised, mut start) = (Vec::new(), None);
        let begins_with_keyframe = input.begins_with_keyframe(stream);
        let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), time_base);
        let (mut last_dts, mut last) = (None::<i64>, (i64::MIN, 0));
        let mut tell = true;
        while input.read(&mut packet)? {
            if packet.stream() != stream {
                continue;
            }
            // Recordings begin anywhere: what is shown before the first keyframe may refer to what is not there. A keyframe
            // that is damaged is known by the table alone.
            if start.is_none() && (begins_with_keyframe || packet.is_keyframe()) {
                start = packet.pts();
            }
            if packet.is_discarded() {
                continue;
            }
            let Some(pts) = packet.pts() else {
                tell = false;
                continue;
            };
            let dts = packet.dts().unwrap_or(pts);
            if last_dts.is_some_and(|last| dts < last.saturating_sub(jump)) {
                // Another clock begins, and one time may mean two frames.
                tell = false;
                promised.clear();
                break;
            }
            last_dts = Some(dts);
            last = last.max((pts, packet.duration()));
            if frames.len() == MAX_FRAMES {
                return Err(Error::TooManyFrames);
            }
            frames.push((pts, packet.is_keyframe()));
            // A packet without content says that the picture before goes on, as many AVI files have it.
            let is_coded = packet.data().len() > if is_mpeg4 { NOT_CODED } else { 0 };
            if is_coded && start.is_some_and(|start| pts >= start) {
                promised.push(pts);
            }
            if (frames.len() as u64).is_multiple_of(REPORT) {
                progress(frames.len() as u64);
            }
        }
        frames.sort_unstable_by_key(|&(pts, _)| pts);
        tell &= frames.windows(2).all(|pair| pair[0].0 < pair[1].0);
        // Where some times are missing, the others are guesses, but for containers that write them beside the frames.
        if !tell && !has_own_times {
            promised.clear();
        }
        promised.sort_unstable();
        promised.dedup();
        let cut_off = input.samples_beyond_end(stream);
        Ok(Self { time_base, rate, frames, tell, promised, last_duration: last.1, cut_off })
    }

    /// Packets before a time; 0 when packets do not tell.
    pub(super) fn before(&self, time: i64) -> u32 {
        if self.tell { self.frames.partition_point(|&(pts, _)| pts < time) as u32 } else { 0 }
    }

    /// The frame list; `None` when packets do not tell.
    pub(super) fn list(&self, source: &Source) -> Result<Option<Index>, Error> {
        if !self.tell {
            return Ok(None);
        }
        let mut frames = &self.frames[..];
        if frames.first().is_some_and(|&(_, is_key)| !is_key) {
            // Recordings begin anywhere, and edit lists cut anywhere: the decoder tells which frame is the first it can
            // show.
            let mut decoded = Frames::open(source, raw::codec::Threads::One)?;
            let first = if decoded.advance()? { decoded.frame().pts() } else { None };
            match first.and_then(|first| frames.binary_search_by_key(&first, |&(pts, _)| pts).ok()) {
                Some(number) => frames = &frames[number..],
                None => return Ok(None),
            }
        }
        let pts: Vec<i64> = frames.iter().map(|&(pts, _)| pts).collect();
        let keyframes =
            frames.iter().enumerate().filter(|(_, frame)| frame.1).map(|(number, _)| number as u32).collect();
        Ok(Some(Index {
            last_duration: last_duration(self.last_duration, &pts, self.time_base, self.rate),
            time_base: self.time_base,
            pts,
            keyframes,
            seekable: true,
            method: IndexMethod::Demux,
            gaps: Vec::new(),
            left_out: 0,
            cut_off: 0,
            flagged: Vec::new(),
            fields: None,
        }))
    }
}
