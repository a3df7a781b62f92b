//! From packets to pictures.

use std::path::Path;

use frame::{Rational, RgbF32};

use crate::Error;
use crate::convert::ToRgb;
use crate::index::{Index, IndexMethod};
use crate::probe::video_stream;
use crate::raw::codec::{Decoder, Output, Threads};
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
    decoder: Decoder,
    packet: RawPacket,
    frame: RawFrame,
}

impl Frames {
    pub(crate) fn open(path: &Path, threads: Threads) -> Result<Self, Error> {
        let mut input = Input::open(path)?;
        let (stream, video) = video_stream(&input)?;
        let (time_base, frame_rate) = (video.time_base(), video.average_frame_rate());
        let decoder = Decoder::open(video.parameters(), time_base, threads)?;
        input.keep_streams(|index| index == stream);
        let (packet, frame) = (RawPacket::new()?, RawFrame::new()?);
        Ok(Self { input, stream, time_base, frame_rate, decoder, packet, frame })
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

/// Decodes a range of the frame list to RGB.
#[derive(Debug)]
pub struct RangeDecoder {
    frames: Frames,
    to_rgb: ToRgb,
    method: IndexMethod,
    /// Times of the frames wanted.
    wanted: Vec<i64>,
    /// Number of the first frame wanted, for messages.
    first: u32,
    /// How many frames were given.
    given: usize,
    /// Frames to pass over, when they are counted.
    to_skip: u32,
}

impl RangeDecoder {
    /// Prepares to decode frames `first` to `end - 1`.
    ///
    /// # Errors
    /// When the file cannot be read or decoded, or the range is not within the list.
    pub fn open(path: &Path, index: &Index, first: u32, end: u32, threads: usize) -> Result<Self, Error> {
        let wanted = index.pts.get(first as usize..end as usize).ok_or(Error::FramesDiffer {
            frame: end,
            expected: None,
            got: index.pts.last().copied(),
        })?;
        let threads = match index.method {
            IndexMethod::Demux => Threads::UpTo(threads),
            // What a decoder makes of damaged data repeats with one thread only.
            IndexMethod::Decode => Threads::One,
        };
        let mut frames = Frames::open(path, threads)?;
        if index.seekable {
            let before = index.keyframes.partition_point(|&keyframe| keyframe <= first);
            let start = index.keyframes[..before].last().copied().unwrap_or(0);
            if start > 0 && !frames.seek(index.pts[start as usize])? {
                // The container cannot be entered there: all the way from the beginning.
                frames = Frames::open(path, threads)?;
            }
        }
        Ok(Self {
            frames,
            to_rgb: ToRgb::default(),
            method: index.method,
            wanted: wanted.to_vec(),
            first,
            given: 0,
            to_skip: if index.method == IndexMethod::Decode { first } else { 0 },
        })
    }

    /// Decodes the next frame of the range into a picture in the source's own transfer curve, full range, and gives its
    /// time; `None` after the last.
    ///
    /// # Errors
    /// [`Error::FramesDiffer`] when the decoder gives other frames than the list has, [`Error::PictureChanged`] when
    /// size or format change, others when the file cannot be read or converted.
    pub fn next(&mut self, into: &mut RgbF32) -> Result<Option<i64>, Error> {
        let Some(&expected) = self.wanted.get(self.given) else { return Ok(None) };
        let number = self.first + self.given as u32;
        let differs = |got| Error::FramesDiffer { frame: number, expected: Some(expected), got };
        loop {
            if !self.frames.advance()? {
                return Err(differs(None));
            }
            if self.to_skip > 0 {
                self.to_skip -= 1;
                continue;
            }
            if self.method == IndexMethod::Decode {
                break;
            }
            let frame = self.frames.frame();
            match frame.pts().or_else(|| frame.best_effort_time()) {
                Some(time) if time == expected => break,
                // Frames before the range: decoded because others need them, or left over from the keyframe's past.
                Some(time) if time < expected && self.given == 0 => {}
                got => return Err(differs(got)),
            }
        }
        self.to_rgb.convert(self.frames.frame(), number, into)?;
        self.given += 1;
        Ok(Some(expected))
    }
}
