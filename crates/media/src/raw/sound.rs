//! Sound: what its samples are, filters and encoders for it.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use frame::Rational;

use super::codec::Output;
use super::filter::{Formats, Graph};
use super::frame::RawFrame;
use super::packet::RawPacket;
use super::stream::Stream;
use super::{c_text, check, error_text, ffi, is_again, out_of_memory, text};
use crate::{Error, SoundFormat};

/// Sample rates that AAC has.
const AAC_RATES: [i32; 13] =
    [7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000];
/// Arrangements of channels that AAC has, by the number of channels less one.
const AAC_LAYOUTS: [&str; 8] = ["mono", "stereo", "3.0", "4.0", "5.0", "5.1", "5.1", "7.1"];
/// Bits a second of AAC for a channel: more than can be heard.
const AAC_RATE_OF_CHANNEL: i64 = 128_000;

/// An arrangement of channels that is owned.
struct Layout(ffi::AVChannelLayout);

impl Layout {
    fn empty() -> Self {
        // SAFETY: all zeros are a valid, empty arrangement.
        Self(unsafe { MaybeUninit::zeroed().assume_init() })
    }

    /// As FFmpeg names it, such as `5.1`.
    fn named(name: &str) -> Option<Self> {
        let mut layout = Self::empty();
        // SAFETY: the object is ours; the text ends with a zero byte.
        let code = unsafe { ffi::av_channel_layout_from_string(&raw mut layout.0, c_text(name).as_ptr()) };
        (code >= 0).then_some(layout)
    }

    /// A copy; of channels that have no order, the usual arrangement of as many.
    fn of(layout: &ffi::AVChannelLayout) -> Result<Self, Error> {
        let mut copy = Self::empty();
        if layout.order == ffi::AVChannelOrder::UNSPEC {
            // SAFETY: the object is ours.
            unsafe { ffi::av_channel_layout_default(&raw mut copy.0, layout.nb_channels.max(0)) };
        } else {
            // SAFETY: both objects are valid.
            check(unsafe { ffi::av_channel_layout_copy(&raw mut copy.0, layout) }, "copy a layout")?;
        }
        Ok(copy)
    }

    fn name(&self) -> String {
        let mut buffer = [0 as c_char; 256];
        // SAFETY: the buffer is as long as said; FFmpeg ends the text with a zero byte.
        let code =
            unsafe { ffi::av_channel_layout_describe(&raw const self.0, buffer.as_mut_ptr(), buffer.len()) };
        if code < 0 {
            return String::new();
        }
        // SAFETY: as above.
        unsafe { text(buffer.as_ptr()) }
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: the object is ours.
        unsafe { ffi::av_channel_layout_uninit(&raw mut self.0) };
    }
}

fn format(samples: c_int, rate: c_int, layout: &ffi::AVChannelLayout) -> Result<Option<SoundFormat>, Error> {
    // SAFETY: pure functions; FFmpeg gives a static text or null.
    let sample = unsafe {
        let packed = ffi::av_get_packed_sample_fmt(ffi::AVSampleFormat(samples));
        text(ffi::av_get_sample_fmt_name(packed))
    };
    let layout = Layout::of(layout)?;
    let (rate, channels) =
        (u32::try_from(rate).unwrap_or(0), u32::try_from(layout.0.nb_channels).unwrap_or(0));
    let is_known = rate > 0 && channels > 0 && !sample.is_empty();
    Ok(is_known.then(|| SoundFormat { rate, channels, layout: layout.name(), sample }))
}

/// What the samples of a frame of sound are; `None` where the frame does not say.
pub(crate) fn format_of(frame: &mut RawFrame) -> Result<Option<SoundFormat>, Error> {
    // SAFETY: the frame is never null, and ours.
    let raw = unsafe { &*frame.as_mut_ptr() };
    format(raw.format, raw.sample_rate, &raw.ch_layout)
}

impl Stream<'_> {
    /// What the samples of a stream of sound are by the word of the file; `None` where it does not say all of it.
    pub(crate) fn sound_format(self) -> Result<Option<SoundFormat>, Error> {
        let raw = self.parameters();
        format(raw.format, raw.sample_rate, &raw.ch_layout)
    }

    /// Channels and their rate are known.
    pub(crate) fn has_sound(self) -> bool {
        let raw = self.parameters();
        raw.sample_rate > 0 && raw.ch_layout.nb_channels > 0
    }

    /// Samples of a packet of sound; 0 where the codec does not tell.
    pub(crate) fn samples_of_packet(self, bytes: usize) -> i64 {
        let parameters = ptr::from_ref(self.parameters()).cast_mut();
        // SAFETY: the parameters are valid, and only read.
        let samples = unsafe { ffi::av_get_audio_frame_duration2(parameters, bytes as c_int) };
        i64::from(samples.max(0))
    }
}

/// The codec of plain samples for samples of FFmpeg's name.
pub(crate) fn samples_codec(sample: &str) -> Option<ffi::AVCodecID> {
    match sample {
        "u8" => Some(ffi::AVCodecID::PCM_U8),
        "s16" => Some(ffi::AVCodecID::PCM_S16LE),
        "s32" => Some(ffi::AVCodecID::PCM_S32LE),
        "flt" => Some(ffi::AVCodecID::PCM_F32LE),
        "dbl" => Some(ffi::AVCodecID::PCM_F64LE),
        _ => None,
    }
}

/// What AAC can hold of a format: the nearest arrangement and rate that it has.
pub(crate) fn aac_format(format: &SoundFormat) -> SoundFormat {
    let rate = AAC_RATES.into_iter().find(|&rate| rate as u32 >= format.rate).unwrap_or(48000);
    let place = (format.channels.max(1) as usize - 1).min(AAC_LAYOUTS.len() - 1);
    let layout = AAC_LAYOUTS[place];
    let channels = Layout::named(layout).map_or(2, |layout| layout.0.nb_channels);
    SoundFormat {
        rate: rate as u32,
        channels: channels as u32,
        layout: layout.to_owned(),
        sample: "fltp".to_owned(),
    }
}

/// Brings frames of one format to another, with the times that they have.
#[derive(Debug)]
pub(crate) struct SoundGraph(Graph);

impl SoundGraph {
    /// For frames of a format with times in ticks of `time_base`; each frame that comes out has `size` samples, but for the
    /// last, where that is not 0.
    pub(crate) fn new(
        from: &SoundFormat,
        is_planar: bool,
        time_base: Rational,
        to: &SoundFormat,
        size: u32,
    ) -> Result<Self, Error> {
        let arguments = format!(
            "time_base={time_base}:sample_rate={}:sample_fmt={}{}:channel_layout={}",
            from.rate,
            from.sample,
            if is_planar { "p" } else { "" },
            from.layout
        );
        let description = format!(
            "aformat=sample_fmts={}:sample_rates={}:channel_layouts={}",
            to.sample, to.rate, to.layout
        );
        let buffers = ((c"abuffer", arguments.as_str()), c"abuffersink");
        let mut graph = Graph::between(buffers.0, buffers.1, &description, Formats::Convert)?;
        if size > 0 {
            graph.set_frame_size(size);
        }
        Ok(Self(graph))
    }

    /// Puts a frame in; `None` says that there are no more.
    pub(crate) fn send(&mut self, frame: Option<&mut RawFrame>) -> Result<(), Error> {
        let Some(frame) = frame else { return self.0.send(None) };
        // SAFETY: the frame is never null, and ours; its arrangement is replaced by one that FFmpeg allocates itself.
        unsafe {
            let raw = &mut *frame.as_mut_ptr();
            if raw.ch_layout.order == ffi::AVChannelOrder::UNSPEC {
                let channels = raw.ch_layout.nb_channels;
                ffi::av_channel_layout_uninit(&raw mut raw.ch_layout);
                ffi::av_channel_layout_default(&raw mut raw.ch_layout, channels);
            }
            raw.pts = raw.best_effort_timestamp;
        }
        self.0.send(Some(frame))
    }

    /// Takes a frame out, whose time is then in ticks of `time_base`; false when there is none.
    pub(crate) fn receive(&mut self, frame: &mut RawFrame, time_base: Rational) -> Result<bool, Error> {
        if !self.0.receive(frame)? {
            return Ok(false);
        }
        if let Some(time) = frame.pts() {
            let time = super::rescale(time, self.0.time_base(), time_base);
            frame.set_pts(time);
        }
        Ok(true)
    }
}

/// True for a frame whose channels lie one after the other.
pub(crate) fn is_planar(frame: &mut RawFrame) -> bool {
    // SAFETY: the frame is never null, and ours; a pure function.
    unsafe { ffi::av_sample_fmt_is_planar(ffi::AVSampleFormat((*frame.as_mut_ptr()).format)) == 1 }
}

/// An encoder of AAC.
#[derive(Debug)]
pub(crate) struct AacEncoder(*mut ffi::AVCodecContext);

// SAFETY: a codec context may be used by one thread after another.
unsafe impl Send for AacEncoder {}

impl AacEncoder {
    /// For frames of a format that [`aac_format`] gave, with times in samples.
    pub(crate) fn open(format: &SoundFormat) -> Result<Self, Error> {
        let fail = |reason: String| Error::Encoder { encoder: "aac".to_owned(), reason };
        // SAFETY: the text ends with a zero byte; FFmpeg gives a static encoder or null.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(c"aac".as_ptr()) };
        let layout = Layout::named(&format.layout).filter(|_| !codec.is_null());
        let layout = layout.ok_or_else(|| fail("this FFmpeg does not have it".to_owned()))?;
        // SAFETY: as above; the context is ours from here on, and is set up before it is opened.
        unsafe {
            let encoder = Self(ffi::avcodec_alloc_context3(codec));
            let raw = encoder.0.as_mut().ok_or_else(out_of_memory)?;
            check(
                ffi::av_channel_layout_copy(&raw mut raw.ch_layout, &raw const layout.0),
                "set up the encoder",
            )?;
            raw.sample_rate = format.rate as c_int;
            raw.sample_fmt = ffi::AVSampleFormat::FLTP;
            raw.time_base = ffi::AVRational { num: 1, den: format.rate as c_int };
            raw.bit_rate = AAC_RATE_OF_CHANNEL * i64::from(format.channels);
            raw.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
            let code = ffi::avcodec_open2(encoder.0, codec, ptr::null_mut());
            if code < 0 {
                return Err(fail(error_text(code)));
            }
            Ok(encoder)
        }
    }

    /// Samples of a frame.
    pub(crate) fn frame_size(&self) -> u32 {
        // SAFETY: the context is open.
        unsafe { (*self.0).frame_size.max(0) as u32 }
    }

    pub(super) fn context(&self) -> *mut ffi::AVCodecContext {
        self.0
    }

    /// Puts a frame in; `None` says that there are no more.
    pub(crate) fn send(&mut self, frame: Option<&mut RawFrame>) -> Result<(), Error> {
        let frame = frame.map_or(ptr::null_mut(), RawFrame::as_mut_ptr);
        // SAFETY: the context is open; the frame is null or valid.
        check(unsafe { ffi::avcodec_send_frame(self.0, frame) }, "encode sound").map(drop)
    }

    /// Takes a packet out, with times in samples.
    pub(crate) fn receive(&mut self, packet: &mut RawPacket) -> Result<Output, Error> {
        // SAFETY: the context is open, and the packet is ours.
        match unsafe { ffi::avcodec_receive_packet(self.0, packet.as_mut_ptr()) } {
            ffi::AVERROR_EOF => Ok(Output::End),
            code if is_again(code) => Ok(Output::NeedsInput),
            code => check(code, "encode sound").map(|_| Output::Some),
        }
    }
}

impl Drop for AacEncoder {
    fn drop(&mut self) {
        // SAFETY: the context is null or ours.
        unsafe { ffi::avcodec_free_context(&raw mut self.0) };
    }
}

/// Gives parameters of a stream of sound a format.
pub(super) fn set_format(raw: &mut ffi::AVCodecParameters, format: &SoundFormat) -> Result<(), Error> {
    let layout = Layout::named(&format.layout).ok_or_else(out_of_memory)?;
    raw.sample_rate = format.rate as c_int;
    // SAFETY: both objects are valid.
    let code = unsafe { ffi::av_channel_layout_copy(&raw mut raw.ch_layout, &raw const layout.0) };
    check(code, "describe the sound").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aac_gets_what_it_can_hold() {
        let format = |rate, channels, layout: &str| SoundFormat {
            rate,
            channels,
            layout: layout.to_owned(),
            sample: "s16".to_owned(),
        };
        let kept = |from: SoundFormat| {
            let to = aac_format(&from);
            (to.rate, to.channels, to.layout)
        };
        assert_eq!(kept(format(48000, 2, "stereo")), (48000, 2, "stereo".to_owned()));
        assert_eq!(kept(format(44056, 6, "5.1(side)")), (44100, 6, "5.1".to_owned()));
        assert_eq!(kept(format(192_000, 7, "6.1")), (48000, 6, "5.1".to_owned()));
        for layout in AAC_LAYOUTS {
            assert!(AacEncoder::open(&aac_format(&format(48000, 1, layout))).is_ok(), "{layout}");
        }
    }
}
