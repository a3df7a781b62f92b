//! What the packets of a video say of its frames.

use std::ops::RangeInclusive;

use frame::Rational;

use super::behind::Behind;
use super::clock::last_duration;
use super::coded::Coded;
use crate::decode::Frames;
use crate::frame_list::{Index, JUMP_SECONDS, LONGEST_GAP_SECONDS, Window};
use crate::probe::video_stream;
use crate::raw::avi::Lost;
use crate::raw::codec::{Threads, is_intra_only};
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::survey::Survey;
use crate::{Error, MAX_FRAMES, Source, raw};

/// Packets between two reports of progress, each of which takes longer than reading a packet.
const REPORT: u64 = 1000;

/// All packets of a video, without their bytes.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub(super) struct Packets {
    time_base: Rational,
    rate: Rational,
    coded: Coded,
    is_intra_only: bool,
    /// The container writes times beside the frames.
    has_own_times: bool,
    begins_with_keyframe: bool,
    /// Ticks by which a clock has to go back to be another one.
    jump: i64,
    /// Ticks after the frame before beyond which a time is damaged.
    longest_gap: i64,
    last_dts: Option<i64>,
    /// Time and duration of the packet that is shown last.
    last: (i64, i64),
    /// The first time from which on there must be a frame for each packet.
    start: Option<i64>,
    /// Another clock began: what follows is not looked at.
    is_over: bool,
    /// Time of each packet that has one, and whether it is a keyframe; ascending once all are there.
    frames: Vec<(i64, bool)>,
    /// Every packet has a time, and they do not contradict each other.
    pub(super) tell: bool,
    /// The packets stand in the order of their times: that in which they are shown, where nothing is reordered.
    pub(super) are_in_order: bool,
    /// The most frames that are decoded before one that is shown before them.
    reorder_depth: u32,
    /// The first time that an edit list cuts off, and the first that it does not.
    cut: (Option<i64>, Option<i64>),
    /// Times at which there must be a frame, ascending.
    promised: Vec<i64>,
    /// Those of them whose packets an index lists and the file does not hold.
    lost: Vec<i64>,
    /// Decoding times of packets that promise a picture: of AVI, whose chunks are counted.
    counted: Option<Vec<i64>>,
    /// How long the last frame is shown, by its packet.
    pub(super) last_duration: i64,
}

impl Packets {
    pub(super) fn new(input: &Input) -> Result<Self, Error> {
        let (stream, video) = video_stream(input)?;
        let time_base = video.time_base();
        Ok(Self {
            time_base,
            rate: video.average_frame_rate(),
            coded: Coded::of(video.parameters()),
            is_intra_only: is_intra_only(video.parameters().codec_id),
            has_own_times: input.format() == "mpegts",
            begins_with_keyframe: input.begins_with_keyframe(stream),
            jump: raw::rescale(JUMP_SECONDS, Rational::new(1, 1), time_base),
            longest_gap: raw::rescale(LONGEST_GAP_SECONDS, Rational::new(1, 1), time_base),
            last_dts: None,
            last: (i64::MIN, 0),
            start: None,
            is_over: false,
            frames: Vec::new(),
            tell: true,
            are_in_order: true,
            reorder_depth: 0,
            cut: (None, None),
            promised: Vec::new(),
            lost: Vec::new(),
            counted: (input.format() == "avi").then(Vec::new),
            last_duration: 0,
        })
    }

    /// Reads all packets of a file, or of a part those up to its end. Where a part is wanted, the other streams tell when the film
    /// begins.
    pub(super) fn read(
        source: &Source,
        window: Option<Window>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Self, Survey), Error> {
        let mut input = Input::open(source)?;
        let mut this = Self::new(&input)?;
        let (stream, _) = video_stream(&input)?;
        let mut survey = Survey::of(&input, stream);
        let mut behind = Behind::of(window.and_then(|window| window.to));
        input.keep_streams(|index| index == stream || window.is_some());
        let mut packet = RawPacket::new()?;
        while !this.is_over && input.read(&mut packet)? {
            if let Some(other) = input.stream(packet.stream()) {
                survey.add(other, &packet);
            }
            if packet.stream() == stream {
                this.add(&packet)?;
                if let [(first, _), .., (last, _)] = this.frames[..]
                    && behind.are_enough_with(
                        last,
                        || survey.shift_of_film(this.time_base, first),
                        this.time_base,
                    )
                {
                    break;
                }
                if (this.frames.len() as u64).is_multiple_of(REPORT) {
                    progress(this.frames.len() as u64);
                }
            }
        }
        this.finish();
        Ok((this, survey))
    }

    /// Looks whether an edit list cuts the next packet of the video off.
    pub(super) fn note_cut(&mut self, packet: &RawPacket) {
        let (cut, shown) = &mut self.cut;
        let first = if packet.is_discarded() { cut } else { shown };
        *first = first.or(packet.pts());
    }

    /// How many frames a decoder has to hold back by the times of the packets.
    pub(super) fn reorder_depth(&self) -> u32 {
        self.reorder_depth
    }

    /// An edit list cuts something off at the beginning.
    pub(super) fn cuts(&self) -> bool {
        self.cut_off_at_start() > 0
    }

    /// Ticks that an edit list cuts off at the beginning.
    pub(super) fn cut_off_at_start(&self) -> i64 {
        self.cut.0.zip(self.cut.1).map_or(0, |(cut, shown)| shown.saturating_sub(cut).max(0))
    }

    /// Looks at the next packet of the video.
    pub(super) fn add(&mut self, packet: &RawPacket) -> Result<(), Error> {
        if self.is_over || !self.coded.may_hold_picture(packet.data()) {
            return Ok(());
        }
        // Recordings begin anywhere: what is shown before the first keyframe may refer to what is not there. A keyframe that
        // is damaged is known by the table alone.
        if self.start.is_none() && (self.begins_with_keyframe || packet.is_keyframe()) {
            self.start = packet.pts();
        }
        if packet.is_discarded() {
            return Ok(());
        }
        if let Some(counted) = &mut self.counted
            && self.coded.promises_picture(packet.data().len())
        {
            counted.extend(packet.dts());
        }
        let Some(pts) = packet.pts() else {
            self.tell = false;
            return Ok(());
        };
        if self.last.0 != i64::MIN && pts > self.last.0.saturating_add(self.longest_gap) {
            self.tell = false;
            return Ok(());
        }
        let dts = packet.dts().unwrap_or(pts);
        if self.last_dts.is_some_and(|last| dts < last.saturating_sub(self.jump)) {
            // Another clock begins, and one time may mean two frames.
            self.tell = false;
            self.is_over = true;
            self.promised.clear();
            return Ok(());
        }
        self.last_dts = Some(dts);
        self.last = self.last.max((pts, packet.duration()));
        if self.frames.len() == MAX_FRAMES {
            return Err(Error::TooManyFrames);
        }
        self.are_in_order &= self.frames.last().is_none_or(|&(last, _)| last < pts);
        self.frames.push((pts, packet.is_keyframe()));
        if self.coded.promises_picture(packet.data().len()) && self.start.is_some_and(|start| pts >= start) {
            self.promised.push(pts);
        }
        Ok(())
    }

    /// Adds what an index lists and the file does not hold.
    pub(super) fn add_lost(&mut self, lost: &[Lost]) {
        let promises = |lost: &&Lost| self.coded.promises_picture(lost.size.max(0) as usize);
        self.lost = lost.iter().filter(promises).map(|lost| lost.dts).collect();
    }

    /// Says that there are no more packets.
    pub(super) fn finish(&mut self) {
        let decoded: Vec<i64> = self.frames.iter().map(|&(pts, _)| pts).collect();
        self.frames.sort_unstable_by_key(|&(pts, _)| pts);
        let shown = |pts: i64| self.frames.partition_point(|&(other, _)| other < pts);
        let moved = decoded.iter().enumerate().map(|(place, &pts)| place.saturating_sub(shown(pts)));
        self.reorder_depth = moved.max().unwrap_or(0) as u32;
        self.tell &= self.frames.windows(2).all(|pair| pair[0].0 < pair[1].0);
        // Where some times are missing, the others are guesses, but for containers that write them beside the frames.
        if !self.tell && !self.has_own_times {
            self.promised.clear();
        }
        self.promised.extend(&self.lost);
        self.promised.sort_unstable();
        self.promised.dedup();
        self.last_duration = self.last.1;
    }

    /// Takes back what was promised behind a time, up to which everything was decoded.
    pub(super) fn promise_nothing_behind(&mut self, time: Option<i64>) {
        for times in [&mut self.promised, &mut self.lost] {
            times.retain(|&promised| time.is_some_and(|time| promised <= time));
        }
    }

    /// Times at which there must be a frame. `have_own` says whether frames are known by their own times; `got` are the times that
    /// they have.
    pub(super) fn promised(&self, have_own: bool, got: RangeInclusive<i64>) -> Vec<i64> {
        if self.lost.is_empty() || self.tell {
            return if have_own { self.promised.clone() } else { self.lost.clone() };
        }
        // The decoder gives a frame for each packet, and the frame has the time of the packet.
        let counted = self.counted.iter().flatten().filter(|time| got.contains(time));
        let mut times: Vec<i64> = counted.chain(&self.lost).copied().collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Packets before a time; 0 when packets do not tell.
    pub(super) fn before(&self, time: i64) -> u32 {
        if self.tell { self.frames.partition_point(|&(pts, _)| pts < time) as u32 } else { 0 }
    }

    /// The frame list by packets alone; `None` when they do not tell.
    pub(super) fn list(&self, source: &Source) -> Result<Option<Index>, Error> {
        if !self.tell {
            return Ok(None);
        }
        let mut frames = &self.frames[..];
        if frames.first().is_some_and(|&(_, is_key)| !is_key) {
            // Recordings begin anywhere, and edit lists cut anywhere: the decoder tells which frame is the first it can
            // show.
            let mut decoded = Frames::open(source, Threads::One)?;
            let first = if decoded.advance()? { decoded.frame().pts() } else { None };
            match first.and_then(|first| frames.binary_search_by_key(&first, |&(pts, _)| pts).ok()) {
                Some(number) => frames = &frames[number..],
                None => return Ok(None),
            }
        }
        let pts: Vec<i64> = frames.iter().map(|&(pts, _)| pts).collect();
        let keyframes: Vec<u32> =
            frames.iter().enumerate().filter(|(_, frame)| frame.1).map(|(number, _)| number as u32).collect();
        // Where every packet is called a keyframe, the word means nothing.
        let seekable = self.is_intra_only || keyframes.len() < pts.len() || pts.len() == 1;
        Ok(Some(Index {
            last_duration: last_duration(self.last_duration, &pts, self.time_base, self.rate),
            keyframes,
            seekable,
            by_time: true,
            ..Index::of_times(self.time_base, pts)
        }))
    }
}
