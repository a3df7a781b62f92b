//! Opening and reading media files, as if each of them were an attack.

use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::ptr;

use super::avi::{Lack, Times};
use super::dictionary::{self, Dictionary};
use super::entries::{Entries, Entry};
use super::outliers::Outliers;
use super::packet::{NO_TIME, RawPacket};
use super::parts::PartsIo;
use super::stills::{self, Still};
use super::stream::{Kind, Stream};
use super::{error_text, ffi, is_again, rational, rescale, text};
use crate::{Error, MAX_PIXELS, Source};
use frame::Rational;

/// The demuxers that may be used, by the first of FFmpeg's names for each: containers of one file. Not among them
/// are playlists and scripts, which read other files (concat, hls, dash, sdp, tedcaptions), and still pictures.
const FORMATS: &[&str] = &[
    "mov",
    "matroska",
    "avi",
    "mpegts",
    "mpeg",
    "mpegvideo",
    "flv",
    "live_flv",
    "asf",
    "ogg",
    "gif",
    "apng",
    "mxf",
    "nut",
    "wtv",
    "rm",
    "h264",
    "hevc",
    "m4v",
    "av1",
    "obu",
    "ivf",
    "yuv4mpegpipe",
    "dv",
    "dirac",
    "vc1",
    "vc1test",
    "bink",
    "smk",
    "roq",
    "nsv",
    "4xm",
    "flic",
    "mjpeg",
    "cavsvideo",
    "h261",
    "h263",
    "mpjpeg",
    "r3d",
    "gxf",
    "lxf",
    "pmp",
    "vivo",
    "swf",
];

/// Demuxers of sound: said to have no video, rather than to be of a wrong kind.
const SOUND_FORMATS: &[&str] =
    &["mp3", "flac", "wav", "aac", "aiff", "ac3", "eac3", "w64", "ape", "wv", "amr", "dts", "caf"];

/// How many streams a file may have; FFmpeg's own limit. (Subtitled films carry over a hundred fonts.)
const MAX_STREAMS: &str = "1000";

/// How far is looked into a file for its streams.
#[derive(Debug, Clone, Copy)]
struct Limits {
    bytes: u64,
    seconds: u64,
}

/// Far enough for a recording whose picture begins after minutes, and within the memory of a look.
const FAR: Limits = Limits { bytes: 256 << 20, seconds: 600 };

/// A media file that is open for reading.
#[derive(Debug)]
pub(crate) struct Input {
    context: *mut ffi::AVFormatContext,
    io: Io,
    /// The video that is meant, where one was chosen.
    chosen: Option<usize>,
    /// The times of each stream's packets by the index, for AVI; empty for other containers.
    times: Vec<Times>,
    /// The clocks of a transport or program stream.
    outliers: Option<Outliers>,
}

/// Where the bytes come from.
#[derive(Debug)]
enum Io {
    /// A file that FFmpeg has opened.
    File(*mut ffi::AVIOContext),
    Parts(PartsIo),
}

impl Io {
    fn open(source: &Source, url: &CString) -> Result<Self, Error> {
        if source.parts().len() > 1 {
            return Ok(Self::Parts(PartsIo::open(source.parts())?));
        }
        let mut io = ptr::null_mut();
        // SAFETY: the URL ends with a zero byte; `io` receives an object that is ours.
        let code = unsafe {
            ffi::avio_open2(&raw mut io, url.as_ptr(), ffi::AVIO_FLAG_READ, ptr::null(), ptr::null_mut())
        };
        if code < 0 {
            return Err(Error::Unreadable(io::Error::other(error_text(code))));
        }
        Ok(Self::File(io))
    }

    fn get(&self) -> *mut ffi::AVIOContext {
        match self {
            Self::File(io) => *io,
            Self::Parts(parts) => parts.get(),
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if let Self::File(io) = self {
            // SAFETY: the object is ours.
            unsafe { ffi::avio_closep(io) };
        }
    }
}

// SAFETY: FFmpeg's demuxers may be used by one thread after another.
unsafe impl Send for Input {}

/// A chapter of the source.
#[derive(Debug, Clone)]
pub(crate) struct Chapter {
    pub(crate) id: i64,
    pub(crate) time_base: Rational,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) metadata: Vec<(String, String)>,
}

impl Chapter {
    /// What chapters have in common that begin at the same time, to a millisecond, and say the same.
    fn identity(&self) -> (i64, Vec<(String, String)>) {
        (rescale(self.start, self.time_base, Rational::new(1, 1000)), self.metadata.clone())
    }
}

impl Input {
    /// Opens a file and looks far enough into it to know its streams. Where that leaves a stream unknown, as in recordings
    /// whose picture or sound begins late, it looks much further.
    pub(crate) fn open(source: &Source) -> Result<Self, Error> {
        let input = Self::open_with_limits(source, None)?;
        if input.knows_its_streams() {
            return Ok(input);
        }
        // What is known stays known.
        Ok(Self::open_with_limits(source, Some(FAR)).unwrap_or(input))
    }

    fn open_with_limits(source: &Source, limits: Option<Limits>) -> Result<Self, Error> {
        for part in source.parts() {
            check_file(part)?;
        }
        let path = source.parts().first().ok_or(Error::NotFound)?;
        let url = url(path)?;
        let io = Io::open(source, &url)?;
        let mut input =
            Self { context: ptr::null_mut(), io, chosen: source.stream(), times: Vec::new(), outliers: None };
        let format = input.recognize(path)?;
        input.open_with(format, &url, limits)?;
        Ok(input)
    }

    /// True when all of its videos have a size and all of its sounds a rate, and there is a video where there may be one.
    fn knows_its_streams(&self) -> bool {
        let is_known = |stream: Stream<'_>| match stream.kind() {
            Kind::Video => stream.size().pixels() > 0,
            Kind::Audio => stream.codec_is(ffi::AVCodecID::NONE) || stream.has_sound_parameters(),
            _ => true,
        };
        let may_have_more = self.get().ctx_flags & ffi::AVFMTCTX_NOHEADER != 0;
        let has_video = self.streams().any(|stream| stream.kind() == Kind::Video);
        self.streams().all(is_known) && (has_video || !may_have_more)
    }

    /// Finds the demuxer by the content alone: a name means nothing (and `%03d` in one means several files).
    fn recognize(&mut self, path: &Path) -> Result<*const ffi::AVInputFormat, Error> {
        let mut format: *const ffi::AVInputFormat = ptr::null();
        // SAFETY: the I/O object is open; FFmpeg gives a static demuxer.
        let (code, names) = unsafe {
            let code = ffi::av_probe_input_buffer2(
                self.io.get(),
                &raw mut format,
                c"".as_ptr(),
                ptr::null_mut(),
                0,
                0,
            );
            (code, if format.is_null() { String::new() } else { text((*format).name) })
        };
        if code < 0 || format.is_null() {
            return Err(not_a_video(code));
        }
        let name = names.split(',').next().unwrap_or_default();
        if FORMATS.contains(&name) {
            Ok(format)
        } else if name.starts_with("image2") || name.ends_with("_pipe") || name == "ico" {
            match stills::look(path).map_err(Error::Unreadable)? {
                Still::Picture => Err(Error::StillPicture),
                Still::AnimatedWebp => Err(Error::AnimatedWebp),
                // SAFETY: the text ends with a zero byte; FFmpeg gives null or a static demuxer.
                Still::MotionJpeg => match unsafe { ffi::av_find_input_format(c"mjpeg".as_ptr()) } {
                    format if format.is_null() => Err(Error::FormatNotAllowed { format: names }),
                    format => Ok(format),
                },
            }
        } else if SOUND_FORMATS.contains(&name) {
            Err(Error::NoVideoStream)
        } else {
            Err(Error::FormatNotAllowed { format: names })
        }
    }

    fn open_with(
        &mut self,
        format: *const ffi::AVInputFormat,
        url: &CString,
        limits: Option<Limits>,
    ) -> Result<(), Error> {
        let mut options = Dictionary::new();
        if let Some(Limits { bytes, seconds }) = limits {
            options.set("probesize", &bytes.to_string());
            options.set("analyzeduration", &(seconds * 1_000_000).to_string());
        }
        // A demuxer can ask for further files and demuxers; it gets no other protocol and none outside of the list.
        options.set("protocol_whitelist", "file");
        options.set("format_whitelist", &FORMATS.join(","));
        options.set("max_streams", MAX_STREAMS);
        // SAFETY: the new context gets the open I/O object, which it does not own. When opening fails, FFmpeg frees
        // the context and sets the pointer to null.
        let code = unsafe {
            self.context = ffi::avformat_alloc_context();
            if self.context.is_null() {
                return Err(super::out_of_memory());
            }
            (*self.context).pb = self.io.get();
            ffi::avformat_open_input(&raw mut self.context, url.as_ptr(), format, options.as_mut_ptr())
        };
        if code < 0 {
            return Err(not_a_video(code));
        }
        if self.format() == "avi" {
            self.times = self.streams().map(Times::of).collect();
        }
        let mut for_each: Vec<Dictionary> = (0..self.stream_count()).map(|_| Dictionary::new()).collect();
        for options in &mut for_each {
            options.set("max_pixels", &MAX_PIXELS.to_string());
            options.set("threads", "1");
        }
        // SAFETY: there is one list of options for each stream, laid out as FFmpeg's pointers to lists.
        let code = unsafe { ffi::avformat_find_stream_info(self.context, for_each.as_mut_ptr().cast()) };
        if code < 0 {
            return Err(not_a_video(code));
        }
        self.outliers = Outliers::of(&self.format(), self.stream_count());
        Ok(())
    }

    /// The video that is meant, by its number, where one was chosen.
    pub(crate) fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: the context is set whenever `open` has succeeded.
        unsafe { &*self.context }
    }

    fn stream_count(&self) -> usize {
        self.get().nb_streams as usize
    }

    /// FFmpeg's names of the format, separated by commas.
    pub(crate) fn format(&self) -> String {
        // SAFETY: an open file has a demuxer, which is static.
        unsafe { text((*self.get().iformat).name) }
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = Stream<'_>> {
        (0..self.stream_count()).filter_map(|index| self.stream(index))
    }

    pub(crate) fn stream(&self, index: usize) -> Option<Stream<'_>> {
        if index >= self.stream_count() {
            return None;
        }
        // SAFETY: the context has that many streams.
        unsafe { (*self.get().streams.add(index)).as_ref() }.map(Stream)
    }

    /// Duration in seconds, by the word of the container.
    pub(crate) fn duration_seconds(&self) -> Option<f64> {
        let duration = self.get().duration;
        (duration > 0).then(|| duration as f64 / f64::from(ffi::AV_TIME_BASE))
    }

    /// When the file begins, in seconds of its own clock.
    pub(crate) fn start_seconds(&self) -> f64 {
        let start = self.get().start_time;
        if start == NO_TIME { 0.0 } else { start as f64 / f64::from(ffi::AV_TIME_BASE) }
    }

    /// Duration in seconds where the container states it, rather than that it follows from what is there.
    pub(crate) fn stated_seconds(&self) -> Option<f64> {
        let is_stated = self.get().duration_estimation_method == ffi::AVDurationEstimationMethod::STREAM;
        self.duration_seconds().filter(|_| is_stated)
    }

    pub(crate) fn metadata(&self) -> Vec<(String, String)> {
        // SAFETY: the list belongs to the context, which is not changed.
        unsafe { dictionary::entries(self.get().metadata) }
    }

    /// The chapters. MPEG-4 files may have them twice, in the ways of two makers: those of the second that are the same are
    /// left out.
    pub(crate) fn chapters(&self) -> Vec<Chapter> {
        let chapter = |index: usize| {
            // SAFETY: the context has that many chapters, none of which is null.
            unsafe {
                let chapter = &**self.get().chapters.add(index);
                Chapter {
                    id: chapter.id,
                    time_base: rational(chapter.time_base),
                    start: chapter.start,
                    end: chapter.end,
                    metadata: dictionary::entries(chapter.metadata),
                }
            }
        };
        let mut known = HashSet::new();
        let chapters = (0..self.get().nb_chapters as usize).map(chapter);
        chapters.filter(|chapter| known.insert(chapter.identity())).collect()
    }

    /// Reads only the streams for which `wanted` holds.
    pub(crate) fn keep_streams(&mut self, wanted: impl Fn(usize) -> bool) {
        for index in 0..self.stream_count() {
            let discard = if wanted(index) { ffi::AVDiscard::DEFAULT } else { ffi::AVDiscard::ALL };
            // SAFETY: the context has that many streams.
            unsafe { (**self.get().streams.add(index)).discard = discard };
        }
    }

    /// Reads the next packet; false at the end, which is also where a file is cut off.
    pub(crate) fn read(&mut self, packet: &mut RawPacket) -> Result<bool, Error> {
        let Some(mut outliers) = self.outliers.take() else { return self.demux(packet) };
        let is_read = self.read_with(&mut outliers, packet);
        self.outliers = Some(outliers);
        is_read
    }

    /// Reads the next packet, and as many behind it as it takes to tell whether its time is damaged.
    fn read_with(&mut self, outliers: &mut Outliers, packet: &mut RawPacket) -> Result<bool, Error> {
        /// Packets that are read ahead at a time, at least.
        const FEWEST: usize = 32;
        match outliers.take() {
            Some(ahead) => *packet = ahead,
            None if !self.demux(packet)? => return Ok(false),
            None => {}
        }
        let mut is_end = false;
        while let Some(stream) = self.stream(packet.stream())
            && !outliers.correct(packet, stream, is_end)
        {
            for _ in 0..outliers.count().max(FEWEST) {
                let mut ahead = RawPacket::new()?;
                is_end = !self.demux(&mut ahead)?;
                if is_end {
                    break;
                }
                outliers.keep(ahead);
            }
        }
        Ok(true)
    }

    /// Takes the next packet from the demuxer.
    fn demux(&mut self, packet: &mut RawPacket) -> Result<bool, Error> {
        loop {
            packet.clear();
            // SAFETY: both objects are ours.
            let code = unsafe { ffi::av_read_frame(self.context, packet.as_mut_ptr()) };
            if code >= 0 {
                if self.has_right_time(packet) {
                    return Ok(true);
                }
                continue;
            }
            if is_again(code) {
                continue;
            }
            // SAFETY: the I/O object is open.
            let (failed, is_at_end) = unsafe { ((*self.io.get()).error, (*self.io.get()).eof_reached != 0) };
            let is_system = |code: i32| code < 0 && code > -4096;
            return match [failed, code].into_iter().find(|&code| is_system(code)) {
                // A disk that fails is not the end of the video. But some demuxers, of old games, call the end an error.
                Some(code) if code == -5 && !is_at_end || failed < 0 && is_system(failed) => {
                    Err(Error::Unreadable(io::Error::from_raw_os_error(-code)))
                }
                _ => Ok(false),
            };
        }
    }

    /// Gives a packet the time that an index has for it; false for a packet that was read already.
    fn has_right_time(&mut self, packet: &mut RawPacket) -> bool {
        let mut times = std::mem::take(&mut self.times);
        let stream = self.stream(packet.stream());
        let is_new = times
            .get_mut(packet.stream())
            .zip(stream)
            .is_none_or(|(times, stream)| times.correct(packet, stream));
        self.times = times;
        is_new
    }

    /// What is not there of a stream. Only at the end of the file.
    pub(crate) fn lack(&mut self, stream: usize) -> Lack {
        let mut times = std::mem::take(&mut self.times);
        let is_intact = |entry: &Entry| self.bytes_at(entry.position).is_some_and(|head| entry.is_head(head));
        let lack = times.get_mut(stream).zip(self.stream(stream));
        let lack = lack.map(|(times, stream)| times.finish(stream, is_intact));
        self.times = times;
        lack.unwrap_or_default()
    }

    /// Bytes at a place of the file; `None` where it ends before. Reading packets does not go on after it.
    fn bytes_at<const N: usize>(&self, place: i64) -> Option<[u8; N]> {
        /// From the beginning.
        const SEEK_SET: i32 = 0;
        let mut bytes = [0; N];
        // SAFETY: the I/O object is open; it gets room for as many bytes as it is asked for.
        let read = unsafe {
            ffi::avio_seek(self.io.get(), place, SEEK_SET);
            ffi::avio_read(self.io.get(), bytes.as_mut_ptr(), N as i32)
        };
        (usize::try_from(read) == Ok(N)).then_some(bytes)
    }

    /// True where the table of an MPEG-4 file has a keyframe first, whatever has become of its bytes. Other containers have no
    /// table, or one that is not complete.
    pub(crate) fn begins_with_keyframe(&self, stream: usize) -> bool {
        let stream = self.stream(stream).filter(|_| self.format().starts_with("mov"));
        stream.and_then(|stream| Entries::of(stream).get(0)).is_some_and(|entry| entry.is_keyframe)
    }

    /// Goes to the keyframe at or before `time` of stream `stream`, as well as the container can; false if it cannot.
    pub(crate) fn seek(&mut self, stream: usize, time: i64) -> bool {
        self.times.iter_mut().for_each(Times::jump);
        self.outliers.iter_mut().for_each(Outliers::jump);
        // SAFETY: the context is open.
        unsafe { ffi::av_seek_frame(self.context, stream as i32, time, ffi::AVSEEK_FLAG_BACKWARD) >= 0 }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // SAFETY: the pointer is null or ours; the context does not own the I/O object, which goes after it.
        unsafe { ffi::avformat_close_input(&raw mut self.context) };
    }
}

/// Says in the system's own terms why a file cannot be opened, before FFmpeg says it in its own.
fn check_file(path: &Path) -> Result<(), Error> {
    let about = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::NotFound,
        _ => Error::Unreadable(error),
    };
    let metadata = fs::metadata(path).map_err(about)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile);
    }
    if metadata.len() == 0 {
        return Err(Error::Empty);
    }
    File::open(path).map(drop).map_err(about)
}

/// The path with a prefix that keeps FFmpeg from reading `http:` or `concat:` out of a name.
fn url(path: &Path) -> Result<CString, Error> {
    let mut bytes = b"file:".to_vec();
    bytes.extend_from_slice(OsStr::as_encoded_bytes(path.as_os_str()));
    CString::new(bytes).map_err(|_| Error::NotFound)
}
/// Why a file cannot be opened.
fn not_a_video(code: std::ffi::c_int) -> Error {
    // With the little memory that opening is given.
    let claims_too_much = code == ffi::AVERROR(libc::ENOMEM);
    let reason =
        if claims_too_much { "its head claims sizes that no video has".to_owned() } else { error_text(code) };
    Error::NotAVideo { reason }
}
