//! From packets to pictures.

mod numbered;
mod sequence;

use frame::Rational;

use crate::frame_list::Quirks;
use crate::probe::video_stream;
use crate::raw;
use crate::raw::avi::Lack;
use crate::raw::codec::{Decoder, Output, Threads};
use crate::raw::ffi::{self, AVCodecID};
use crate::raw::frame::RawFrame;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::raw::stream::Stream;
use crate::{Error, Source};

pub(crate) use numbered::Numbered;
use sequence::Sequence;

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
    sequence: Sequence,
    packet: RawPacket,
    quirks: Quirks,
    /// The packet waits until the decoder has given all that it holds.
    waits: bool,
    frame: RawFrame,
}

impl Frames {
    pub(crate) fn open(source: &Source, threads: Threads) -> Result<Self, Error> {
        Self::open_with(source, threads, Quirks::default())
    }

    pub(crate) fn open_with(source: &Source, threads: Threads, quirks: Quirks) -> Result<Self, Error> {
        let mut input = Input::open(source)?;
        let (stream, video) = video_stream(&input)?;
        let (time_base, frame_rate) = (video.time_base(), video.average_frame_rate());
        let has_palette = video.pixel_format().has_palette();
        let is_interlaced = video.is_interlaced();
        let sequence = Sequence::of(video.parameters().codec_id);
        let decoder = Decoder::open_holding(video.parameters(), time_base, threads, quirks.reorder)?;
        input.keep_streams(|index| index == stream);
        Ok(Self {
            input,
            stream,
            time_base,
            frame_rate,
            has_palette,
            is_interlaced,
            decoder,
            sequence,
            packet: RawPacket::new()?,
            quirks,
            waits: false,
            frame: RawFrame::new()?,
        })
    }

    pub(crate) fn time_base(&self) -> Rational {
        self.time_base
    }

    pub(crate) fn frame_rate(&self) -> Rational {
        self.frame_rate
    }

    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// The number of the film's stream.
    pub(crate) fn stream(&self) -> usize {
        self.stream
    }

    /// Frames that the decoder holds back by the word of the file.
    pub(crate) fn reorder_depth(&self) -> u32 {
        self.input.stream(self.stream).map_or(0, |video| video.reorder_depth().max(0) as u32)
    }

    pub(crate) fn parameters(&self) -> Option<&ffi::AVCodecParameters> {
        self.input.stream(self.stream).map(Stream::parameters)
    }

    /// Reads the packets of all streams, for [`advance_with`](Self::advance_with). Only before the first frame.
    pub(crate) fn read_all_streams(&mut self) {
        self.input.keep_streams(|_| true);
    }

    /// Some packet could not be decoded.
    pub(crate) fn has_failed(&self) -> bool {
        self.decoder.has_failed()
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
                    self.sequence.changes(self.packet.data());
                    self.decoder.send(Some(&mut self.packet))?;
                    return Ok(true);
                }
                Some(pts) if pts > time => return Ok(false),
                _ => {}
            }
        }
        Ok(false)
    }

    /// What is not there of the video. Only at its end.
    pub(crate) fn lack(&mut self) -> Lack {
        self.input.lack(self.stream)
    }

    /// Goes to a keyframe about a share of the film from its beginning, as well as the container can and as far as it says how
    /// long it is; false if it cannot. Only before the first frame.
    pub(crate) fn go_to_share(&mut self, share: f64) -> bool {
        let Some(seconds) = self.input.duration_seconds() else { return false };
        let (start, tick) = (self.input.start_seconds(), self.time_base.to_f64());
        tick > 0.0 && self.input.seek(self.stream, ((start + seconds * share) / tick) as i64)
    }

    /// The stream says that frames consist of two fields of different times.
    pub(crate) fn is_interlaced(&self) -> bool {
        self.is_interlaced
    }

    /// Seconds of a field by the word of the video itself, for codecs whose frames say for how many fields they are shown.
    pub(crate) fn field_seconds(&self) -> Option<Rational> {
        let video = self.input.stream(self.stream)?;
        let says = video.codec_is(AVCodecID::MPEG1VIDEO) || video.codec_is(AVCodecID::MPEG2VIDEO);
        let rate = self.decoder.frame_rate();
        (says && rate.is_known())
            .then(|| raw::multiply(Rational::new(rate.den, rate.num), Rational::new(1, 2)))
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
        self.advance_with(&mut |_, _| Ok(()))
    }

    /// Decodes the next frame, and shows all packets that are read on the way with their streams; false at
    /// the end.
    pub(crate) fn advance_with(
        &mut self,
        look: &mut dyn FnMut(&mut RawPacket, Stream<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        loop {
            match self.decoder.receive(&mut self.frame)? {
                Output::Some => return Ok(true),
                Output::End if self.waits => {
                    self.waits = false;
                    self.decoder.restart();
                    self.decoder.send(Some(&mut self.packet))?;
                    continue;
                }
                Output::End => return Ok(false),
                Output::NeedsInput => {}
            }
            let more = loop {
                if !self.input.read(&mut self.packet)? {
                    break false;
                }
                if let Some(stream) = self.input.stream(self.packet.stream()) {
                    look(&mut self.packet, stream)?;
                }
                if self.packet.stream() == self.stream {
                    break true;
                }
            };
            if self.quirks.shows_all {
                self.packet.show();
            }
            self.waits = more && self.sequence.changes(self.packet.data());
            self.decoder.send(Some(&mut self.packet).filter(|_| more && !self.waits))?;
        }
    }

    /// The frame that was decoded last.
    pub(crate) fn frame(&mut self) -> &mut RawFrame {
        &mut self.frame
    }
}

/// True when one of the first frames of a video has closed captions.
pub(crate) fn begins_with_captions(source: &Source) -> Result<bool, Error> {
    /// Captions come with every frame, at a second's distance at most.
    const LOOK: usize = 60;
    let mut frames = Frames::open(source, Threads::One)?;
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
