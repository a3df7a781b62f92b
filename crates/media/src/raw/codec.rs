//! Decoders, encoders and what describes their streams.

use std::ffi::c_int;
use std::ptr;

use frame::{ChromaLocation, ColorDescription, Rational, Size};

use super::color::{av_chroma_location, av_range, chroma_location, range};
use super::dictionary::Dictionary;
use super::frame::RawFrame;
use super::packet::RawPacket;
use super::pixel::PixelFormat;
use super::{av_rational, c_text, check, error_text, ffi, is_again, out_of_memory, text};
use crate::{CodecParameters, Error, MAX_PIXELS};

/// What came out of a decoder or an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// A frame or a packet.
    Some,
    /// Nothing before more goes in.
    NeedsInput,
    /// Nothing any more.
    End,
}

/// How a decoder may use threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// One. What a decoder makes of damaged data is the same each time only so.
    One,
    /// At most so many.
    UpTo(usize),
    /// At most so many, and damage is an error: what several threads tell of damage otherwise comes too late to be seen, and
    /// what they make of it differs from time to time.
    Strict(usize),
    /// At most so many where every frame stands for itself, else one.
    ///
    /// Damaged data makes decoders fill gaps from frames that other threads are still working on: of seven runs over
    /// the same file, with two threads, three gave other pictures than the rest.
    Repeatable(usize),
}

/// Codecs whose frames may be decoded in several threads by a decoder that stops at errors. Of the others, FFmpeg 5.1 ends the
/// whole program where the last frame of an MPEG-4 video is damaged, and of damaged VP8 it makes other pictures, without a word.
const STRICT_IN_THREADS: [ffi::AVCodecID; 3] =
    [ffi::AVCodecID::H264, ffi::AVCodecID::HEVC, ffi::AVCodecID::AV1];

/// A decoder that is open.
#[derive(Debug)]
pub(crate) struct Decoder {
    context: *mut ffi::AVCodecContext,
    /// Errors in a row while the last frames are taken out.
    errors_at_end: u32,
    at_end: bool,
    /// Some packet could not be decoded.
    has_failed: bool,
}

// SAFETY: a codec context may be used by one thread after another.
unsafe impl Send for Decoder {}

impl Decoder {
    pub(crate) fn open(
        parameters: &ffi::AVCodecParameters,
        time_base: Rational,
        threads: Threads,
    ) -> Result<Self, Error> {
        Self::open_holding(parameters, time_base, threads, 0)
    }

    /// As [`open`](Self::open), for a decoder that holds back so many frames at least to bring them into order, whatever the
    /// video says.
    pub(crate) fn open_holding(
        parameters: &ffi::AVCodecParameters,
        time_base: Rational,
        threads: Threads,
        reorder: u32,
    ) -> Result<Self, Error> {
        // SAFETY: FFmpeg gives static texts and a static decoder, or null.
        let (codec, name) = unsafe {
            (ffi::avcodec_find_decoder(parameters.codec_id), text(ffi::avcodec_get_name(parameters.codec_id)))
        };
        if codec.is_null() {
            return Err(Error::UndecodableCodec { codec: name });
        }
        // SAFETY: the context is ours from here on, and is set up before it is opened.
        unsafe {
            let context = ffi::avcodec_alloc_context3(codec);
            if context.is_null() {
                return Err(out_of_memory());
            }
            let decoder = Self { context, errors_at_end: 0, at_end: false, has_failed: false };
            check(ffi::avcodec_parameters_to_context(context, parameters), "set up the decoder")?;
            (*context).pkt_timebase = av_rational(time_base);
            (*context).max_pixels = MAX_PIXELS as i64;
            (*context).has_b_frames = (*context).has_b_frames.max(reorder.min(MOST_REORDERED) as c_int);
            (*context).thread_count = match threads {
                Threads::One => 1,
                Threads::Repeatable(_) if !is_intra_only(parameters.codec_id) => 1,
                Threads::Strict(_) if !STRICT_IN_THREADS.contains(&parameters.codec_id) => 1,
                Threads::UpTo(count) | Threads::Strict(count) | Threads::Repeatable(count) => {
                    count.clamp(1, 64) as c_int
                }
            };
            if matches!(threads, Threads::Strict(_)) {
                (*context).err_recognition |= ffi::AV_EF_EXPLODE;
            }
            if ffi::avcodec_open2(context, codec, ptr::null_mut()) < 0 {
                return Err(Error::UndecodableCodec { codec: name });
            }
            Ok(decoder)
        }
    }

    /// Frames a second by the word of the video itself, as far as it says.
    pub(crate) fn frame_rate(&self) -> Rational {
        // SAFETY: the context is open.
        super::rational(unsafe { (*self.context).framerate })
    }

    /// Leaves out what smooths the edges of blocks: enough to see whether packets can be decoded and what is in them,
    /// for two thirds of the time.
    pub(crate) fn skip_loop_filter(&mut self) {
        // SAFETY: the context is open; decoders look at this before each frame.
        unsafe { (*self.context).skip_loop_filter = ffi::AVDiscard::ALL };
    }

    /// Puts a packet in; `None` says that there are no more. Damaged packets are passed over.
    pub(crate) fn send(&mut self, packet: Option<&mut RawPacket>) -> Result<(), Error> {
        self.at_end |= packet.is_none();
        let packet = packet.map_or(ptr::null_mut(), RawPacket::as_mut_ptr);
        // SAFETY: the context is open; the packet is null or valid.
        let code = unsafe { ffi::avcodec_send_packet(self.context, packet) };
        self.has_failed |= code < 0 && !is_again(code);
        if code == -OUT_OF_MEMORY { Err(out_of_memory()) } else { Ok(()) }
    }

    /// Takes a frame out.
    pub(crate) fn receive(&mut self, frame: &mut RawFrame) -> Result<Output, Error> {
        loop {
            frame.clear();
            // SAFETY: the context is open, and the frame is ours.
            let code = unsafe { ffi::avcodec_receive_frame(self.context, frame.as_mut_ptr()) };
            match code {
                0.. => {
                    self.errors_at_end = 0;
                    return Ok(Output::Some);
                }
                ffi::AVERROR_EOF => return Ok(Output::End),
                code if code == -OUT_OF_MEMORY => return Err(out_of_memory()),
                code if is_again(code) => return Ok(Output::NeedsInput),
                _ if !self.at_end => {
                    self.has_failed = true;
                    return Ok(Output::NeedsInput);
                }
                // What is still inside may be damaged frame for frame; there is an end to it.
                _ if self.errors_at_end >= 1000 => return Ok(Output::End),
                _ => {
                    self.has_failed = true;
                    self.errors_at_end += 1;
                }
            }
        }
    }

    /// True when some packet could not be decoded.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Forgets everything: what comes next stands at a beginning.
    pub(crate) fn restart(&mut self) {
        // SAFETY: the context is open.
        unsafe { ffi::avcodec_flush_buffers(self.context) };
        self.at_end = false;
        self.errors_at_end = 0;
    }
}

/// True when no frame of the codec refers to another.
pub(crate) fn is_intra_only(codec: ffi::AVCodecID) -> bool {
    // SAFETY: FFmpeg gives null or a static description.
    let descriptor = unsafe { ffi::avcodec_descriptor_get(codec).as_ref() };
    descriptor.is_some_and(|descriptor| descriptor.props & ffi::AV_CODEC_PROP_INTRA_ONLY != 0)
}

/// The most frames that a decoder of FFmpeg holds back.
const MOST_REORDERED: u32 = 16;

/// `ENOMEM`, which has this number wherever FFmpeg runs.
const OUT_OF_MEMORY: c_int = 12;

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context is ours.
        unsafe { ffi::avcodec_free_context(&raw mut self.context) };
    }
}

/// How an encoder is to be opened.
#[derive(Debug)]
pub(crate) struct EncoderConfig<'a> {
    pub(crate) name: &'a str,
    pub(crate) size: Size,
    pub(crate) format: PixelFormat,
    pub(crate) time_base: Rational,
    pub(crate) frame_rate: Rational,
    pub(crate) sample_aspect_ratio: Rational,
    pub(crate) color: ColorDescription,
    pub(crate) chroma_location: ChromaLocation,
    pub(crate) threads: u32,
    pub(crate) options: &'a [(String, String)],
}

/// The pixel formats that an encoder takes, the ones that it prefers first; `None` when there is no such encoder or it says
/// nothing.
pub(crate) fn encoder_formats(name: &str) -> Option<Vec<PixelFormat>> {
    // SAFETY: the text ends with a zero byte; FFmpeg gives null or a static description, whose list ends with `NONE`.
    unsafe {
        let codec = ffi::avcodec_find_encoder_by_name(c_text(name).as_ptr()).as_ref()?;
        let mut format = codec.pix_fmts.as_ref().map(ptr::from_ref)?;
        let mut formats = Vec::new();
        while *format != ffi::AVPixelFormat::NONE {
            formats.push(PixelFormat(*format));
            format = format.add(1);
        }
        Some(formats)
    }
}

/// An encoder that is open.
#[derive(Debug)]
pub(crate) struct Encoder {
    context: *mut ffi::AVCodecContext,
    name: String,
}

// SAFETY: a codec context may be used by one thread after another.
unsafe impl Send for Encoder {}

impl Encoder {
    pub(crate) fn open(config: &EncoderConfig<'_>) -> Result<Self, Error> {
        let encoder = Self::allocate(config)?;
        encoder.open_allocated(config)
    }

    /// An encoder that is set up, but not open yet.
    pub(super) fn allocate(config: &EncoderConfig<'_>) -> Result<Self, Error> {
        let fail =
            |reason: &str| Error::Encoder { encoder: config.name.to_owned(), reason: reason.to_owned() };
        // SAFETY: the text ends with a zero byte; FFmpeg gives a static encoder or null.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(c_text(config.name).as_ptr()) };
        if codec.is_null() {
            return Err(fail("this FFmpeg does not have it"));
        }
        // SAFETY: as above.
        let context = unsafe { ffi::avcodec_alloc_context3(codec) };
        let encoder = Self { context, name: config.name.to_owned() };
        // SAFETY: the context is null or ours.
        let raw = unsafe { context.as_mut() }.ok_or_else(out_of_memory)?;
        raw.width = config.size.width as c_int;
        raw.height = config.size.height as c_int;
        raw.pix_fmt = config.format.0;
        raw.time_base = av_rational(config.time_base);
        raw.framerate = av_rational(config.frame_rate);
        raw.sample_aspect_ratio = av_rational(config.sample_aspect_ratio);
        raw.color_range = av_range(config.color.range);
        raw.color_primaries = ffi::AVColorPrimaries(config.color.primaries.0.into());
        raw.color_trc = ffi::AVColorTransferCharacteristic(config.color.transfer.0.into());
        raw.colorspace = ffi::AVColorSpace(config.color.matrix.0.into());
        raw.chroma_sample_location = av_chroma_location(config.chroma_location);
        raw.thread_count = config.threads.max(1) as c_int;
        raw.flags |= (ffi::AV_CODEC_FLAG_GLOBAL_HEADER | ffi::AV_CODEC_FLAG_CLOSED_GOP) as c_int;
        Ok(encoder)
    }

    pub(super) fn open_allocated(self, config: &EncoderConfig<'_>) -> Result<Self, Error> {
        let mut options = Dictionary::new();
        for (name, value) in config.options {
            options.set(name, value);
        }
        // SAFETY: the context is set up; the options are ours, and FFmpeg leaves those that it does not know.
        let code = unsafe { ffi::avcodec_open2(self.context, ptr::null(), options.as_mut_ptr()) };
        if code < 0 {
            return Err(self.error(code));
        }
        if let Some((name, _)) = options.entries().first() {
            return Err(Error::Encoder {
                encoder: self.name.clone(),
                reason: format!("it has no option `{name}`"),
            });
        }
        Ok(self)
    }

    pub(super) fn context(&self) -> *mut ffi::AVCodecContext {
        self.context
    }

    fn error(&self, code: c_int) -> Error {
        Error::Encoder { encoder: self.name.clone(), reason: error_text(code) }
    }

    /// Puts a frame in; `None` says that there are no more.
    pub(crate) fn send(&mut self, frame: Option<&mut RawFrame>) -> Result<(), Error> {
        let frame = frame.map_or(ptr::null_mut(), RawFrame::as_mut_ptr);
        // SAFETY: the context is open; the frame is null or valid.
        let code = unsafe { ffi::avcodec_send_frame(self.context, frame) };
        if code < 0 { Err(self.error(code)) } else { Ok(()) }
    }

    /// Takes a packet out.
    pub(crate) fn receive(&mut self, packet: &mut RawPacket) -> Result<Output, Error> {
        // SAFETY: the context is open, and the packet is ours.
        match unsafe { ffi::avcodec_receive_packet(self.context, packet.as_mut_ptr()) } {
            0.. => Ok(Output::Some),
            ffi::AVERROR_EOF => Ok(Output::End),
            code if is_again(code) => Ok(Output::NeedsInput),
            code => Err(self.error(code)),
        }
    }

    /// What a decoder or a container must know of the stream.
    pub(crate) fn parameters(&self) -> Result<Parameters, Error> {
        let parameters = Parameters::new()?;
        // SAFETY: both objects are ours.
        let code = unsafe { ffi::avcodec_parameters_from_context(parameters.0, self.context) };
        check(code, "describe the stream")?;
        Ok(parameters)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the context is null or ours.
        unsafe { ffi::avcodec_free_context(&raw mut self.context) };
    }
}

/// FFmpeg's description of a stream, owned.
#[derive(Debug)]
pub(crate) struct Parameters(pub(super) *mut ffi::AVCodecParameters);

impl Parameters {
    fn new() -> Result<Self, Error> {
        // SAFETY: no arguments.
        let parameters = unsafe { ffi::avcodec_parameters_alloc() };
        if parameters.is_null() { Err(out_of_memory()) } else { Ok(Self(parameters)) }
    }

    pub(crate) fn get(&self) -> &ffi::AVCodecParameters {
        // SAFETY: never null, and ours.
        unsafe { &*self.0 }
    }

    /// The description as plain data.
    pub(crate) fn to_plain(&self, encoder: &str) -> CodecParameters {
        // SAFETY: a parameters object is laid out like that of a stream, and lives during the call.
        let (codec, extradata) = unsafe {
            let raw = &*self.0;
            (text(ffi::avcodec_get_name(raw.codec_id)), super::stream::extradata(raw).to_vec())
        };
        let raw = self.get();
        CodecParameters {
            codec,
            encoder: encoder.to_owned(),
            extradata,
            size: Size::new(raw.width.max(0) as u32, raw.height.max(0) as u32),
            pixel_format: PixelFormat::from_number(raw.format).name(),
            profile: raw.profile,
            level: raw.level,
            reorder_depth: raw.video_delay.max(0) as u32,
            color: ColorDescription {
                matrix: frame::Matrix(raw.color_space.0 as u8),
                primaries: frame::Primaries(raw.color_primaries.0 as u8),
                transfer: frame::Transfer(raw.color_trc.0 as u8),
                range: range(raw.color_range),
            },
            chroma_location: chroma_location(raw.chroma_location),
            sample_aspect_ratio: super::rational(raw.sample_aspect_ratio),
        }
    }

    /// The description from plain data.
    pub(crate) fn from_plain(plain: &CodecParameters) -> Result<Self, Error> {
        let parameters = Self::new()?;
        // SAFETY: the text ends with a zero byte; FFmpeg gives a static description or null.
        let id = unsafe {
            let descriptor = ffi::avcodec_descriptor_get_by_name(c_text(&plain.codec).as_ptr());
            descriptor.as_ref().map(|descriptor| descriptor.id)
        };
        let id = id.ok_or_else(|| Error::UndecodableCodec { codec: plain.codec.clone() })?;
        let format = PixelFormat::named(&plain.pixel_format)
            .ok_or_else(|| Error::UnsupportedPixelFormat(plain.pixel_format.clone()))?;
        // SAFETY: the object is ours; FFmpeg frees the extradata with it. The padding that FFmpeg asks for is zero.
        unsafe {
            let raw = &mut *parameters.0;
            raw.codec_type = ffi::AVMediaType::VIDEO;
            raw.codec_id = id;
            raw.format = format.number();
            raw.width = plain.size.width as c_int;
            raw.height = plain.size.height as c_int;
            raw.profile = plain.profile;
            raw.level = plain.level;
            raw.video_delay = plain.reorder_depth as c_int;
            raw.color_range = av_range(plain.color.range);
            raw.color_primaries = ffi::AVColorPrimaries(plain.color.primaries.0.into());
            raw.color_trc = ffi::AVColorTransferCharacteristic(plain.color.transfer.0.into());
            raw.color_space = ffi::AVColorSpace(plain.color.matrix.0.into());
            raw.chroma_location = av_chroma_location(plain.chroma_location);
            raw.sample_aspect_ratio = av_rational(plain.sample_aspect_ratio);
            raw.field_order = ffi::AVFieldOrder::PROGRESSIVE;
            set_extradata(raw, &plain.extradata)?;
        }
        Ok(parameters)
    }
}

/// Gives a stream a copy of `bytes` as its extradata.
///
/// # Safety
/// The parameters have no extradata yet.
pub(super) unsafe fn set_extradata(raw: &mut ffi::AVCodecParameters, bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Ok(());
    }
    // SAFETY: the memory is as long as asked for, which is more than what is copied.
    unsafe {
        let memory = ffi::av_mallocz(bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
        if memory.is_null() {
            return Err(out_of_memory());
        }
        ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
        raw.extradata = memory;
    }
    raw.extradata_size = bytes.len() as c_int;
    Ok(())
}

impl Drop for Parameters {
    fn drop(&mut self) {
        // SAFETY: the object is ours.
        unsafe { ffi::avcodec_parameters_free(&raw mut self.0) };
    }
}
