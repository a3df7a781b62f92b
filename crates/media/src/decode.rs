//! From packets to pictures.

use std::path::{Path, PathBuf};

use frame::{Orientation, Rational, RgbF32, Size};

use crate::Error;
use crate::captions::Waiting;
use crate::convert::ToRgb;
use crate::index::{Index, IndexMethod};
use crate::probe::video_stream;
use crate::raw::codec::{Decoder, Output, Threads};
use crate::raw::ffi::AVCodecID;
use crate::raw::frame::RawFrame;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;

/// The decoded frames of a file's video, in the order in which they are shown.
#[derive(Debug)]
pub(crate) struct Frames {
    input: Input,
    stream: usize,
    time_base: Rational,
    frame_rate: Rational,
    has_palette: bool,
    is_interlaced: bool,
    decoder: Decoder,
    packet: RawPacket,
    frame: RawFrame,
}

impl Frames {
    pub(crate) fn open(path: &Path, threads: Threads) -> Result<Self, Error> {
        let mut input = Input::open(path)?;
        let (stream, video) = video_stream(&input)?;
        let (time_base, frame_rate) = (video.time_base(), video.average_frame_rate());
        let has_palette = video.pixel_format().has_palette();
        let is_interlaced = video.is_interlaced();
        let decoder = Decoder::open(video.parameters(), time_base, threads)?;
        input.keep_streams(|index| index == stream);
        let (packet, frame) = (RawPacket::new()?, RawFrame::new()?);
        Ok(Self { input, stream, time_base, frame_rate, has_palette, is_interlaced, decoder, packet, frame })
    }

    pub(crate) fn time_base(&self) -> Rational {
        self.time_base
    }

    pub(crate) fn frame_rate(&self) -> Rational {
        self.frame_rate
    }

    /// Goes to the keyframe that is shown at `time`; false when the file cannot be entered right there. Only before
    /// the first frame.
    fn seek(&mut self, time: i64) -> Result<bool, Error> {
        if !self.input.seek(self.stream, time) {
            return Ok(false);
        }
        // Some containers land somewhere before. The decoder gets nothing before the keyframe.
        while self.input.read(&mut self.packet)? {
            if self.packet.stream() != self.stream || !self.packet.is_keyframe() {
                continue;
            }
            match self.packet.pts() {
                Some(pts) if pts == time => {
                    self.decoder.send(Some(&mut self.packet))?;
                    return Ok(true);
                }
                Some(pts) if pts > time => return Ok(false),
                _ => {}
            }
        }
        Ok(false)
    }

    /// True when the frame that was decoded last refers to no other, and none that is shown after it to any before: the
    /// case for intra frames of MPEG-1 and MPEG-2.
    pub(crate) fn is_entry(&self) -> bool {
        let video = self.input.stream(self.stream);
        self.frame.is_intra()
            && video.is_some_and(|video| {
                video.codec_is(AVCodecID::MPEG1VIDEO) || video.codec_is(AVCodecID::MPEG2VIDEO)
            })
    }

    /// True when two packets may be two fields of one frame.
    pub(crate) fn may_have_fields(&self) -> bool {
        let video = self.input.stream(self.stream);
        self.is_interlaced && video.is_some_and(|video| video.codec_is(AVCodecID::H264))
    }

    /// From here on frames are only looked at for their times and sizes, which takes less work.
    pub(crate) fn only_count(&mut self) {
        self.decoder.skip_loop_filter();
    }

    /// Decodes the next frame; false at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, Error> {
        loop {
            match self.decoder.receive(&mut self.frame)? {
                Output::Some => return Ok(true),
                Output::End => return Ok(false),
                Output::NeedsInput => {}
            }
            let more = loop {
                if !self.input.read(&mut self.packet)? {
                    break false;
                }
                if self.packet.stream() == self.stream {
                    break true;
                }
            };
            self.decoder.send(more.then_some(&mut self.packet))?;
        }
    }

    /// The frame that was decoded last.
    pub(crate) fn frame(&mut self) -> &mut RawFrame {
        &mut self.frame
    }
}

/// True when one of the first frames of a video has closed captions.
pub(crate) fn begins_with_captions(path: &Path) -> Result<bool, Error> {
    /// Captions come with every frame, at a second's distance at most.
    const LOOK: usize = 60;
    let mut frames = Frames::open(path, Threads::One)?;
    for _ in 0..LOOK {
        if !frames.advance()? {
            return Ok(false);
        }
        if !frames.frame().captions().is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A frame of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextFrame {
    /// Its time, in ticks.
    pub pts: i64,
    /// It has the very samples of the frame given before it, or is missing and filled with them.
    pub is_repeat: bool,
}

/// Decodes a range of the frame list to RGB.
#[derive(Debug)]
pub struct RangeDecoder {
    path: PathBuf,
    threads: Threads,
    frames: Frames,
    /// Times of keyframes to start at when the start that was tried does not lead to the frame wanted, the best at the
    /// end; `None` when decoding started at the beginning.
    other_starts: Option<Vec<i64>>,
    to_rgb: ToRgb,
    orientation: Orientation,
    /// Room for a picture before it is turned.
    lying: RgbF32,
    /// The frame that was converted last, as it was decoded.
    converted: Option<RawFrame>,
    /// The list.
    index: Index,
    /// End of the range.
    end: usize,
    /// Frames are known by their times, else by counting from the beginning of the file.
    by_time: bool,
    /// Number of the next frame out of the decoder, as far as it follows from the frame before.
    next_decoded: Option<usize>,
    /// Number of the next frame to give.
    wanted: usize,
    /// Number of the frame that was decoded for the last frame given.
    given: Option<usize>,
    /// Captions of frames that were decoded and not given yet.
    waiting: Waiting,
    /// Captions of the frame that was given last.
    captions: Vec<u8>,
}

/// A frame that is to be given.
struct Place {
    pts: i64,
    /// It is missing, and the frame before is given again.
    is_filled: bool,
}

impl RangeDecoder {
    /// Prepares to decode frames `first` to `end - 1`.
    ///
    /// At most `threads` are used; one where more could give other pictures each time.
    ///
    /// # Errors
    /// When the file cannot be read or decoded, or the range is not within the list.
    pub fn open(path: &Path, index: &Index, first: u32, end: u32, threads: usize) -> Result<Self, Error> {
        if first > end || end as usize > index.pts.len() {
            let got = index.pts.last().copied();
            return Err(Error::FramesDiffer { frame: end, expected: None, got });
        }
        let threads = match index.method {
            IndexMethod::Demux | IndexMethod::Check => Threads::Repeatable(threads),
            IndexMethod::Decode => Threads::One,
        };
        let mut starts = if index.seekable { starts(index, index.shown(first)) } else { Vec::new() };
        let (frames, is_beginning) = open_at(path, threads, &mut starts)?;
        Ok(Self {
            path: path.to_owned(),
            threads,
            frames,
            other_starts: (!is_beginning).then_some(starts),
            to_rgb: ToRgb::default(),
            orientation: Orientation::UPRIGHT,
            lying: RgbF32::new(Size::new(0, 0)),
            converted: None,
            index: index.clone(),
            end: end as usize,
            by_time: index.seekable || index.method != IndexMethod::Decode,
            next_decoded: is_beginning.then(|| index.present_from(0) as usize),
            wanted: first as usize,
            given: None,
            waiting: Waiting::default(),
            captions: Vec::new(),
        })
    }

    /// Brings HDR to the range of usual screens from here on. Only before the first frame.
    pub fn tonemap(&mut self) {
        self.to_rgb.tonemap();
    }

    /// Decodes the next frame of the range into a picture in the source's own transfer curve, full range, and gives its
    /// time; `None` after the last. A frame that is missing is filled with the one before.
    ///
    /// # Errors
    /// [`Error::FramesDiffer`] when the decoder gives other frames than the list has, [`Error::PictureChanged`] when
    /// size or format change, others when the file cannot be read or converted.
    pub fn next(&mut self, into: &mut RgbF32) -> Result<Option<i64>, Error> {
        let Some(place) = self.advance()? else { return Ok(None) };
        self.convert(place.is_filled, into)?;
        Ok(Some(place.pts))
    }

    /// As [`next`](Self::next), but a frame with the very samples of the one before is not converted: then `into` is left
    /// as it is, and [`NextFrame::is_repeat`] says so.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub fn next_unless_repeated(&mut self, into: &mut RgbF32) -> Result<Option<NextFrame>, Error> {
        let Some(Place { pts, is_filled }) = self.advance()? else { return Ok(None) };
        // Fields are marked in the frames in a way that differs between versions of FFmpeg, and change the conversion.
        let is_interlaced = self.frames.is_interlaced;
        let is_same = !is_interlaced
            && self.converted.as_ref().is_some_and(|last| last.is_same_picture(&self.frames.frame));
        let is_repeat = is_filled || is_same;
        if !is_repeat {
            self.convert(false, into)?;
        }
        Ok(Some(NextFrame { pts, is_repeat }))
    }

    /// Turns and mirrors all pictures.
    pub fn turn(&mut self, orientation: Orientation) {
        self.orientation = orientation;
    }

    /// Closed captions of the frame that was given last; empty where it has none. A frame that repeats the picture before
    /// has captions of its own.
    pub fn captions(&self) -> &[u8] {
        &self.captions
    }

    /// Converts the frame that was decoded last, or the one converted last once more.
    fn convert(&mut self, again: bool, into: &mut RgbF32) -> Result<(), Error> {
        let number = self.number();
        let converted = match &mut self.converted {
            Some(converted) => converted,
            none => none.insert(RawFrame::new()?),
        };
        let frame = self.frames.frame();
        // The conversion labels the frame anew.
        if again {
            frame.refer_to(converted)?;
        } else {
            converted.refer_to(frame)?;
        }
        if self.orientation == Orientation::UPRIGHT {
            return self.to_rgb.convert(frame, number, into);
        }
        self.to_rgb.convert(frame, number, &mut self.lying)?;
        self.orientation.apply(&self.lying, into);
        Ok(())
    }

    /// Number of the frame that was given last.
    fn number(&self) -> u32 {
        self.wanted.saturating_sub(1) as u32
    }

    /// Decodes what the next frame of the range shows; `None` after the last.
    fn advance(&mut self) -> Result<Option<Place>, Error> {
        if self.wanted >= self.end {
            return Ok(None);
        }
        let (frame, shown) = (self.wanted as u32, self.index.shown(self.wanted as u32) as usize);
        let is_filled = self.given == Some(shown);
        if !is_filled {
            self.decode_until(shown, frame)?;
        }
        let before = frame.checked_sub(1).map_or(0, |before| self.index.shown(before) + 1);
        self.waiting.take(before..shown as u32 + 1, &mut self.captions);
        self.wanted += 1;
        self.given = Some(shown);
        Ok(Some(Place { pts: self.index.pts[frame as usize], is_filled }))
    }

    /// Decodes until frame `shown` is the last that was decoded. `frame` is for messages.
    fn decode_until(&mut self, shown: usize, frame: u32) -> Result<(), Error> {
        let expected = self.index.pts[shown];
        loop {
            let is_end = !self.frames.advance()?;
            let got = self.frames.frame().pts().filter(|_| !is_end);
            let place = if is_end { None } else { self.place_of(got) };
            self.next_decoded = place.map(|place| self.index.present_from(place as u32 + 1) as usize);
            if let Some(place) = place {
                self.waiting.add(place as u32, self.frames.frame().captions());
            }
            match place {
                Some(place) if place == shown => return Ok(()),
                // Decoded because others need it, or to count.
                Some(place) if place < shown => {}
                // Left over from the keyframe's past.
                None if !is_end && self.given.is_none() && got.is_none_or(|got| got < expected) => {}
                _ => {
                    if !self.start_earlier()? {
                        return Err(Error::FramesDiffer { frame, expected: Some(expected), got });
                    }
                }
            }
        }
    }

    /// The number of the frame that was decoded last.
    fn place_of(&self, time: Option<i64>) -> Option<usize> {
        match time.filter(|_| self.by_time) {
            Some(time) => self.index.pts.binary_search(&time).ok(),
            // Not every frame has a time of its own: MPEG program streams have one for a group of them.
            None => self.next_decoded,
        }
    }

    /// Starts again at an earlier place; false when the last start was the beginning. Some keyframes are only the first
    /// of a row of frames that together make a whole picture, and damage reaches further from one start than from another.
    fn start_earlier(&mut self) -> Result<bool, Error> {
        let Some(mut starts) = self.other_starts.take() else { return Ok(false) };
        if self.given.is_some() {
            starts.clear();
        }
        let (frames, is_beginning) = open_at(&self.path, self.threads, &mut starts)?;
        self.frames = frames;
        self.waiting = Waiting::default();
        self.other_starts = (!is_beginning).then_some(starts);
        self.next_decoded = is_beginning.then(|| self.index.present_from(0) as usize);
        Ok(true)
    }
}

/// Times of the two keyframes before a frame, the nearer one at the end. None of them is the beginning.
fn starts(index: &Index, first: u32) -> Vec<i64> {
    let before = index.keyframes.partition_point(|&keyframe| keyframe <= first);
    let nearest = &index.keyframes[before.saturating_sub(2)..before];
    let time = |&keyframe: &u32| index.pts.get(keyframe as usize).copied().filter(|_| keyframe > 0);
    nearest.iter().filter_map(time).collect()
}

/// Opens a file at the last of `starts` at which it can be entered, else at its beginning, which is said.
fn open_at(path: &Path, threads: Threads, starts: &mut Vec<i64>) -> Result<(Frames, bool), Error> {
    while let Some(time) = starts.pop() {
        let mut frames = Frames::open(path, threads)?;
        if frames.has_palette {
            // Colors come with the first frame, and again only when they change.
            return Ok((frames, true));
        }
        if frames.seek(time)? {
            return Ok((frames, false));
        }
    }
    Ok((Frames::open(path, threads)?, true))
}
