//! Writing media files.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ptr;

use frame::Rational;

use super::codec::{Parameters, set_extradata};
use super::dictionary::{self, Dictionary};
use super::input::Chapter;
use super::packet::RawPacket;
use super::side_data::SideData;
use super::sound::{AacEncoder, set_format};
use super::stream::{Kind, Stream};
use super::{av_rational, c_text, check, error_text, ffi, out_of_memory, rational, text};
use crate::{Error, SoundFormat};

/// Bytes that are collected before the file is written to; what FFmpeg uses for files.
const BUFFER_BYTES: usize = 32 * 1024;

/// The file behind a muxer, and the first error of writing to it.
///
/// FFmpeg loses such errors: a disk that is full while the trailer is written gives a success. So they are kept here.
#[derive(Debug)]
struct Sink {
    file: File,
    error: Option<io::Error>,
}

/// A media file that is being written.
#[derive(Debug)]
pub(crate) struct Output {
    context: *mut ffi::AVFormatContext,
    io: *mut ffi::AVIOContext,
    sink: *mut Sink,
}

/// A muxer, to be asked what it can hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Muxer(*const ffi::AVOutputFormat);

impl Muxer {
    pub(crate) fn named(name: &str) -> Option<Self> {
        // SAFETY: the text ends with a zero byte; FFmpeg gives a static muxer or null.
        let muxer = unsafe { ffi::av_guess_format(c_text(name).as_ptr(), ptr::null(), ptr::null()) };
        (!muxer.is_null()).then_some(Self(muxer))
    }

    /// True for the muxers of MPEG-4 files and of `QuickTime`, from which they come.
    fn is_mpeg4(self) -> bool {
        // SAFETY: the muxer and its name are static.
        let name = unsafe { text((*self.0).name) };
        matches!(name.as_str(), "mp4" | "mov")
    }

    /// True when the muxer has a place for the codec of the stream.
    pub(crate) fn holds(self, stream: Stream<'_>) -> bool {
        let codec = stream.parameters().codec_id;
        let mut tag = 0;
        // SAFETY: the muxer and its list of tags are static; the list may be null.
        unsafe {
            // Matroska does not speak of the sound that it can hold under its tag in WAVE files, such as WMA.
            ffi::avformat_query_codec(self.0, codec, ffi::FF_COMPLIANCE_NORMAL) == 1
                || stream.kind() == Kind::Audio
                    && ffi::av_codec_get_tag2((*self.0).codec_tag, codec, &raw mut tag) > 0
        }
    }

    /// The tag of the source where it means the same in this muxer, else 0: the muxer chooses.
    fn codec_tag(self, parameters: &ffi::AVCodecParameters) -> u32 {
        let mut known = 0;
        // SAFETY: the muxer and its list of tags are static; the list may be null.
        unsafe {
            let tags = (*self.0).codec_tag;
            let keep = tags.is_null()
                || ffi::av_codec_get_id(tags, parameters.codec_tag) == parameters.codec_id
                || ffi::av_codec_get_tag2(tags, parameters.codec_id, &raw mut known) == 0;
            if keep { parameters.codec_tag } else { 0 }
        }
    }
}

impl Output {
    /// Starts a file of the format that `muxer` writes.
    pub(crate) fn new(file: File, muxer: Muxer) -> Result<Self, Error> {
        let sink = Box::into_raw(Box::new(Sink { file, error: None }));
        let mut output = Self { context: ptr::null_mut(), io: ptr::null_mut(), sink };
        // SAFETY: the context and the I/O object are ours, and go with `output` when something fails. The sink outlives
        // both, and is used through its pointer only. The buffer comes from FFmpeg's allocator, as it must.
        unsafe {
            let context = &raw mut output.context;
            let code = ffi::avformat_alloc_output_context2(context, muxer.0, ptr::null(), ptr::null());
            check(code, "start the output file")?;
            let buffer = ffi::av_malloc(BUFFER_BYTES).cast::<u8>();
            output.io = ffi::avio_alloc_context(
                buffer,
                BUFFER_BYTES as c_int,
                1,
                sink.cast::<c_void>(),
                None,
                Some(write_bytes),
                Some(seek),
            );
            if output.io.is_null() {
                return Err(out_of_memory());
            }
            (*output.context).pb = output.io;
            (*output.context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO | ffi::AVFMT_FLAG_BITEXACT;
            // What the source holds may be held by the result too, whether FFmpeg calls it an experiment or not.
            (*output.context).strict_std_compliance = ffi::FF_COMPLIANCE_EXPERIMENTAL;
            (*output.context).avoid_negative_ts = ffi::AVFMT_AVOID_NEG_TS_DISABLED;
        }
        Ok(output)
    }

    fn muxer(&self) -> Muxer {
        // SAFETY: the context is ours and has a muxer.
        Muxer(unsafe { (*self.context).oformat })
    }

    fn new_stream(&mut self) -> Result<&mut ffi::AVStream, Error> {
        // SAFETY: the context is ours; FFmpeg gives null or a stream that lives as long as the context.
        unsafe { ffi::avformat_new_stream(self.context, ptr::null()).as_mut() }.ok_or_else(out_of_memory)
    }

    /// Adds a stream that is a copy of `source`; gives its index.
    pub(crate) fn copy_stream(&mut self, source: Stream<'_>) -> Result<usize, Error> {
        let tag = self.muxer().codec_tag(source.parameters());
        let stream = self.new_stream()?;
        // SAFETY: both parameter objects are valid.
        unsafe {
            check(ffi::avcodec_parameters_copy(stream.codecpar, source.parameters()), "copy a stream")?;
            (*stream.codecpar).codec_tag = tag;
        }
        stream.time_base = source.0.time_base;
        stream.avg_frame_rate = source.0.avg_frame_rate;
        stream.sample_aspect_ratio = source.0.sample_aspect_ratio;
        // The muxer knows a cover only by this mark alone.
        stream.disposition =
            if source.is_picture() { ffi::AV_DISPOSITION_ATTACHED_PIC } else { source.disposition() };
        add_side_data(stream, &source.side_data(false));
        let index = stream.index as usize;
        self.set_stream_metadata(index, &source.metadata(), |_| true);
        Ok(index)
    }

    /// Lets players hear a copied stream of sound from its first packet on: what decoders need to begin was before it.
    pub(crate) fn forget_priming(&mut self, index: usize) {
        /// Samples that are not heard, in the head of Opus (RFC 7845, 5.1).
        const PRE_SKIP: std::ops::Range<usize> = 10..12;
        let Some(stream) = self.stream_mut(index) else { return };
        // SAFETY: the parameters belong to the stream, and the extradata has as many bytes as they say, or is null.
        unsafe {
            let parameters = &mut *stream.codecpar;
            parameters.initial_padding = 0;
            let size = parameters.extradata_size as usize;
            if parameters.codec_id == ffi::AVCodecID::OPUS
                && !parameters.extradata.is_null()
                && size >= PRE_SKIP.end
            {
                std::slice::from_raw_parts_mut(parameters.extradata, size)[PRE_SKIP].fill(0);
            }
        }
    }

    /// Turns a copied stream into one of plain text subtitles.
    pub(crate) fn make_subrip(&mut self, index: usize) {
        if let Some(stream) = self.stream_mut(index) {
            // SAFETY: the parameters belong to the stream; the extradata is FFmpeg's own memory, or null.
            unsafe {
                let parameters = &mut *stream.codecpar;
                parameters.codec_id = ffi::AVCodecID::SUBRIP;
                parameters.codec_tag = 0;
                ffi::av_freep((&raw mut parameters.extradata).cast());
                parameters.extradata_size = 0;
            }
        }
    }

    /// Turns a copied stream of sound into one of plain samples.
    pub(crate) fn make_samples(
        &mut self,
        index: usize,
        codec: ffi::AVCodecID,
        format: &SoundFormat,
    ) -> Result<(), Error> {
        let Some(stream) = self.stream_mut(index) else { return Ok(()) };
        stream.time_base = ffi::AVRational { num: 1, den: format.rate as c_int };
        // SAFETY: the parameters belong to the stream; the extradata is FFmpeg's own memory, or null.
        unsafe {
            let parameters = &mut *stream.codecpar;
            set_format(parameters, format)?;
            let bits = ffi::av_get_bits_per_sample(codec);
            parameters.codec_id = codec;
            parameters.codec_tag = 0;
            parameters.profile = ffi::FF_PROFILE_UNKNOWN;
            parameters.bits_per_coded_sample = bits;
            parameters.bits_per_raw_sample = 0;
            parameters.bit_rate = 0;
            parameters.frame_size = 0;
            parameters.initial_padding = 0;
            parameters.block_align = bits / 8 * parameters.ch_layout.nb_channels;
            ffi::av_freep((&raw mut parameters.extradata).cast());
            parameters.extradata_size = 0;
        }
        Ok(())
    }

    /// Turns a copied stream of sound into what an encoder makes.
    pub(crate) fn make_aac(&mut self, index: usize, encoder: &AacEncoder) -> Result<(), Error> {
        let Some(stream) = self.stream_mut(index) else { return Ok(()) };
        // SAFETY: the parameters belong to the stream; the context is open.
        unsafe {
            stream.time_base = (*encoder.context()).time_base;
            let code = ffi::avcodec_parameters_from_context(stream.codecpar, encoder.context());
            check(code, "describe the sound")?;
            (*stream.codecpar).codec_tag = 0;
        }
        Ok(())
    }

    /// Adds a file that is attached, as a copy of a cover picture; gives its index.
    pub(crate) fn attach_cover(
        &mut self,
        source: Stream<'_>,
        name: &str,
        kind: &str,
    ) -> Result<usize, Error> {
        let stream = self.new_stream()?;
        // SAFETY: the parameters are new, so they have no extradata.
        unsafe {
            let parameters = &mut *stream.codecpar;
            parameters.codec_type = ffi::AVMediaType::ATTACHMENT;
            parameters.codec_id = source.parameters().codec_id;
            set_extradata(parameters, source.attached_picture())?;
        }
        let index = stream.index as usize;
        self.set_stream_metadata(index, &source.metadata(), |_| true);
        let named = [("filename".to_owned(), name.to_owned()), ("mimetype".to_owned(), kind.to_owned())];
        self.set_stream_metadata(index, &named, |key| source.tag(key).is_none());
        Ok(index)
    }

    /// Adds a video stream of our own in place of `source`, where there is one; gives its index.
    pub(crate) fn add_video(
        &mut self,
        parameters: &Parameters,
        time_base: Rational,
        frame_rate: Rational,
        source: Option<Stream<'_>>,
        side_data: &[SideData],
    ) -> Result<usize, Error> {
        let is_mpeg4 = self.muxer().is_mpeg4();
        let stream = self.new_stream()?;
        // SAFETY: both parameter objects are valid.
        check(unsafe { ffi::avcodec_parameters_copy(stream.codecpar, parameters.0) }, "add the video")?;
        // In MPEG-4, HEVC whose parameter sets stand at the beginning only has a name of its own, which some players insist on.
        // SAFETY: the parameters belong to the stream.
        unsafe {
            let parameters = &mut *stream.codecpar;
            if is_mpeg4 && parameters.codec_id == ffi::AVCodecID::HEVC {
                parameters.codec_tag = u32::from_le_bytes(*b"hvc1");
            }
        }
        stream.time_base = av_rational(time_base);
        stream.avg_frame_rate = av_rational(frame_rate);
        stream.sample_aspect_ratio = parameters.get().sample_aspect_ratio;
        stream.disposition = source.map_or(0, Stream::disposition);
        add_side_data(stream, side_data);
        let index = stream.index as usize;
        // What told of the old encoding does not hold for the new one.
        let still_true = |key: &str| {
            let key = key.to_ascii_uppercase();
            let of_encoding = [
                "ALPHA_MODE",
                "BPS",
                "DURATION",
                "NUMBER_OF_FRAMES",
                "NUMBER_OF_BYTES",
                "_STATISTICS",
                "ENCODER",
            ];
            !of_encoding.iter().any(|prefix| key.starts_with(prefix))
        };
        let metadata = source.map(Stream::metadata).unwrap_or_default();
        self.set_stream_metadata(index, &metadata, still_true);
        Ok(index)
    }

    fn stream_mut(&mut self, index: usize) -> Option<&mut ffi::AVStream> {
        // SAFETY: the context is ours and has that many streams.
        unsafe {
            if index >= (*self.context).nb_streams as usize {
                return None;
            }
            (*(*self.context).streams.add(index)).as_mut()
        }
    }

    fn set_stream_metadata(
        &mut self,
        index: usize,
        entries: &[(String, String)],
        wanted: impl Fn(&str) -> bool,
    ) {
        if let Some(stream) = self.stream_mut(index) {
            // SAFETY: the list belongs to the stream.
            unsafe { dictionary::add(&raw mut stream.metadata, entries, wanted) };
        }
    }

    pub(crate) fn set_metadata(&mut self, entries: &[(String, String)], wanted: impl Fn(&str) -> bool) {
        // SAFETY: the list belongs to the context, which is ours.
        unsafe { dictionary::add(&raw mut (*self.context).metadata, entries, wanted) };
    }

    pub(crate) fn set_chapters(&mut self, chapters: &[Chapter]) -> Result<(), Error> {
        if chapters.is_empty() {
            return Ok(());
        }
        // SAFETY: the list and the chapters come from FFmpeg's allocator and are freed with the context; the count is
        // what has been filled in.
        unsafe {
            let context = &mut *self.context;
            let list = ffi::av_calloc(chapters.len(), size_of::<*mut ffi::AVChapter>());
            context.chapters = list.cast();
            if list.is_null() {
                return Err(out_of_memory());
            }
            for chapter in chapters {
                let new = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
                if new.is_null() {
                    return Err(out_of_memory());
                }
                (*new).id = chapter.id;
                (*new).time_base = av_rational(chapter.time_base);
                (*new).start = chapter.start;
                (*new).end = chapter.end;
                dictionary::add(&raw mut (*new).metadata, &chapter.metadata, |_| true);
                *context.chapters.add(context.nb_chapters as usize) = new;
                context.nb_chapters += 1;
            }
        }
        Ok(())
    }

    /// Writes the head of the file. From here on the time bases of the streams are fixed.
    pub(crate) fn write_header(&mut self, options: &[(&str, String)]) -> Result<(), Error> {
        let mut list = Dictionary::new();
        for (name, value) in options {
            list.set(name, value);
        }
        // SAFETY: the context is ours and set up.
        let code = unsafe { ffi::avformat_write_header(self.context, list.as_mut_ptr()) };
        self.checked(code, "write the head of the file")
    }

    /// The time base that the muxer chose for a stream.
    pub(crate) fn time_base(&self, index: usize) -> Rational {
        // SAFETY: the context is ours and has that many streams.
        unsafe {
            if index >= (*self.context).nb_streams as usize {
                return Rational::new(1, 1000);
            }
            rational((**(*self.context).streams.add(index)).time_base)
        }
    }

    /// True when two packets of a stream may have the same decoding time.
    pub(crate) fn accepts_equal_times(&self) -> bool {
        // SAFETY: the context is ours and has a muxer, which is static.
        unsafe { (*(*self.context).oformat).flags & ffi::AVFMT_TS_NONSTRICT != 0 }
    }

    /// Writes a packet at its place between those of the other streams. The packet is empty afterwards.
    pub(crate) fn write(&mut self, packet: &mut RawPacket) -> Result<(), Error> {
        // SAFETY: the context is ours, and its head is written; the packet is ours.
        let code = unsafe { ffi::av_interleaved_write_frame(self.context, packet.as_mut_ptr()) };
        self.checked(code, "write a packet")
    }

    /// As [`write`](Self::write), for a packet that may be damaged: false where the container cannot make sense of it.
    pub(crate) fn write_if_sound(&mut self, packet: &mut RawPacket) -> Result<bool, Error> {
        // SAFETY: as for `write`.
        let code = unsafe { ffi::av_interleaved_write_frame(self.context, packet.as_mut_ptr()) };
        let is_sound = code != ffi::AVERROR_INVALIDDATA;
        self.checked(if is_sound { code } else { 0 }, "write a packet").map(|()| is_sound)
    }

    /// Writes the end of the file; gives the number of its bytes.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        // SAFETY: the context is ours, and its head is written.
        let code = unsafe {
            let code = ffi::av_write_trailer(self.context);
            ffi::avio_flush(self.io);
            code
        };
        self.checked(code, "write the end of the file")?;
        // SAFETY: the I/O object is open.
        let code = unsafe { (*self.io).error };
        self.checked(code, "write the end of the file")?;
        Ok(self.sink().file.metadata().map_err(Error::write)?.len())
    }

    fn sink(&mut self) -> &mut Sink {
        // SAFETY: the sink is ours, and FFmpeg uses it only within calls.
        unsafe { &mut *self.sink }
    }

    /// An error of the file comes before what FFmpeg made of it, and also when FFmpeg made a success of it.
    fn checked(&mut self, code: c_int, doing: &'static str) -> Result<(), Error> {
        match self.sink().error.take() {
            Some(error) => Err(Error::write(error)),
            None if code < 0 => Err(Error::Ffmpeg { doing, reason: error_text(code) }),
            None => Ok(()),
        }
    }
}

fn add_side_data(stream: &mut ffi::AVStream, side_data: &[SideData]) {
    for data in side_data {
        // SAFETY: the stream is valid; FFmpeg gives null or as many bytes as asked for.
        unsafe {
            let memory = ffi::av_stream_new_side_data(stream, data.kind, data.bytes.len());
            if !memory.is_null() {
                ptr::copy_nonoverlapping(data.bytes.as_ptr(), memory, data.bytes.len());
            }
        }
    }
}

/// A pointer to bytes: FFmpeg 7 made it constant.
trait Bytes {
    fn address(self) -> *const u8;
}

impl Bytes for *mut u8 {
    fn address(self) -> *const u8 {
        self.cast_const()
    }
}

impl Bytes for *const u8 {
    fn address(self) -> *const u8 {
        self
    }
}

unsafe extern "C" fn write_bytes<B: Bytes>(opaque: *mut c_void, bytes: B, count: c_int) -> c_int {
    // SAFETY: FFmpeg hands back the sink, and a buffer with as many bytes as it says.
    let (sink, bytes) = unsafe {
        (&mut *opaque.cast::<Sink>(), std::slice::from_raw_parts(bytes.address(), count.max(0) as usize))
    };
    match sink.file.write_all(bytes) {
        Ok(()) => count,
        Err(error) => sink.keep(error),
    }
}

unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: FFmpeg hands back the sink.
    let sink = unsafe { &mut *opaque.cast::<Sink>() };
    let result = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => sink.file.metadata().map(|metadata| metadata.len()),
        0 => sink.file.seek(SeekFrom::Start(offset.max(0) as u64)),
        1 => sink.file.seek(SeekFrom::Current(offset)),
        _ => sink.file.seek(SeekFrom::End(offset)),
    };
    match result {
        Ok(position) => position as i64,
        Err(error) => i64::from(sink.keep(error)),
    }
}

impl Sink {
    /// Keeps the first error, and gives FFmpeg its number (or that of "input/output error").
    fn keep(&mut self, error: io::Error) -> c_int {
        let code = -error.raw_os_error().unwrap_or(5);
        self.error.get_or_insert(error);
        code
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: all three objects are ours, and the sink goes last. The buffer may have been replaced by FFmpeg, so it is
        // freed through the object.
        unsafe {
            ffi::avformat_free_context(self.context);
            if !self.io.is_null() {
                ffi::av_freep((&raw mut (*self.io).buffer).cast());
                ffi::avio_context_free(&raw mut self.io);
            }
            drop(Box::from_raw(self.sink));
        }
    }
}
