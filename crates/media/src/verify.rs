//! Is what was made what should have been made?

use std::path::Path;

use frame::{Rational, Size};

use crate::decode::Frames;
use crate::join::merge::Blocks;
use crate::raw::codec::{Decoder, Output, Parameters, Threads};
use crate::raw::frame::RawFrame;
use crate::raw::input::Input;
use crate::raw::packet::RawPacket;
use crate::raw::stream::{Kind, Stream};
use crate::{CodecParameters, Container, Error, Index, JoinReport, Source, raw};

/// Most threads that decode a result: nothing else is done at that time.
const MAX_THREADS: usize = 8;
/// Largest deviation of a time from the source's: half a tick of Matroska, whose tick is 1 ms, and some room for the
/// rounding of this comparison itself.
const LARGEST_DEVIATION_SECONDS: f64 = 0.000_501;

/// Largest deviation of the end of another stream: readers cut packets anew, some of which last that long.
const LARGEST_MOVE_SECONDS: f64 = 0.2;

/// What was found of a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerifyReport {
    /// Frames that were decoded.
    pub frames: u32,
    /// Largest deviation of a time from the source's, in seconds.
    pub largest_deviation: f64,
}

/// Decodes a result from start to end and compares it with the frame list of its source and with what the join wrote.
///
/// # Errors
/// [`Error::Verification`] with the first thing that is not right, or when the file cannot be read.
pub fn verify(
    result: &Path,
    index: &Index,
    size: Size,
    joined: &JoinReport,
    progress: &mut dyn FnMut(u32),
) -> Result<VerifyReport, Error> {
    let wrong = |what: String| Err(Error::Verification(what));
    let result = &Source::file(result).with_stream(Some(joined.video_stream));
    let counted = count(result, joined, progress)?;
    if let Some((stream, what)) = counted.wrong(joined) {
        return wrong(format!("stream {stream} {what}"));
    }

    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS));
    let mut frames = Frames::open(result, Threads::UpTo(threads))?;
    frames.only_count();
    let time_base = frames.time_base();
    let mut largest_deviation = 0.0_f64;
    for (number, &pts) in index.pts.iter().enumerate() {
        if !frames.advance()? {
            return wrong(format!("it has {number} of {} frames", index.pts.len()));
        }
        let frame = frames.frame();
        if frame.size() != size {
            return wrong(format!("frame {number} is of {} instead of {size}", frame.size()));
        }
        let Some(time) = frame.pts() else { return wrong(format!("frame {number} has no time")) };
        let moved = pts.saturating_add(joined.shift.in_ticks(index.time_base));
        let deviation = deviation(time, time_base, moved, index.time_base);
        if deviation > LARGEST_DEVIATION_SECONDS {
            return wrong(format!("frame {number} is shown {:.1} ms off", deviation * 1000.0));
        }
        largest_deviation = largest_deviation.max(deviation);
        progress(number as u32 + 1);
    }
    if frames.advance()? {
        return wrong(format!("it has more than {} frames", index.pts.len()));
    }
    Ok(VerifyReport { frames: index.pts.len() as u32, largest_deviation })
}

/// What the packets of a result say, without decoding.
pub(crate) struct Counted {
    /// Packets of each stream.
    packets: Vec<u64>,
    /// The latest time of each stream, in seconds; but for subtitles, of which containers write more than they are given.
    latest: Vec<Option<f64>>,
    /// Times of the packets of the video, ascending, in ticks of `time_base`.
    video: Vec<i64>,
    time_base: Rational,
}

impl Counted {
    /// The first stream of the result that lacks packets, and what is wrong with it.
    pub(crate) fn wrong(&self, joined: &JoinReport) -> Option<(usize, String)> {
        let pairs = self.packets.iter().zip(&joined.packets).enumerate();
        let mut lacking = pairs.filter(|(_, (found, written))| found < written);
        let lacking = lacking.next();
        let lacking =
            lacking.map(|(stream, (found, written))| (stream, format!("has {found} of {written} packets")));
        lacking.or_else(|| {
            let pairs = self.latest.iter().zip(&joined.latest).enumerate();
            let mut moved = pairs.filter_map(|(stream, (found, written))| {
                let seconds = found.zip(*written).map(|(found, written)| found - written)?;
                (seconds.abs() > LARGEST_MOVE_SECONDS).then_some((stream, seconds))
            });
            moved.next().map(|(stream, seconds)| (stream, format!("ends {seconds:.1} s off")))
        })
    }

    /// The first frame of the list that has another time in the result, and by how many seconds.
    pub(crate) fn wrong_time(&self, index: &Index, joined: &JoinReport) -> Option<(usize, f64)> {
        let moved = joined.shift.in_ticks(index.time_base);
        let wanted = index.pts.iter().map(|pts| pts.saturating_add(moved));
        let pairs = self.video.iter().zip(wanted);
        let deviations =
            pairs.map(|(&time, wanted)| deviation(time, self.time_base, wanted, index.time_base));
        deviations.enumerate().find(|(_, deviation)| *deviation > LARGEST_DEVIATION_SECONDS)
    }
}

/// Reads all packets of a result.
pub(crate) fn count(
    result: &Source,
    joined: &JoinReport,
    progress: &mut dyn FnMut(u32),
) -> Result<Counted, Error> {
    let mut input = Input::open(result)?;
    input.keep_streams(|_| true);
    let time_base = input.stream(joined.video_stream).map(Stream::time_base);
    let mut counted = Counted {
        packets: vec![0; joined.packets.len()],
        latest: vec![None; joined.packets.len()],
        video: Vec::new(),
        time_base: time_base.unwrap_or(Rational::new(1, 1)),
    };
    let container = if input.format().contains("mp4") { Container::Mp4 } else { Container::Matroska };
    let is_timed = |stream: Stream<'_>| matches!(stream.kind(), Kind::Audio | Kind::Video);
    let ticks: Vec<Option<f64>> =
        input.streams().map(|stream| is_timed(stream).then(|| stream.time_base().to_f64())).collect();
    let mut blocks: Vec<_> = input.streams().map(|stream| Blocks::of(stream, container)).collect();
    let mut packet = RawPacket::new()?;
    while input.read(&mut packet)? {
        if let Some(count) = counted.packets.get_mut(packet.stream()) {
            match blocks.get_mut(packet.stream()) {
                Some(Some(blocks)) => *count = blocks.add(packet.data()),
                _ => *count += 1,
            }
        }
        if let Some(latest) = counted.latest.get_mut(packet.stream())
            && let Some(tick) = ticks.get(packet.stream()).copied().flatten()
            && let Some(pts) = packet.pts()
        {
            let seconds = pts as f64 * tick;
            *latest = Some(latest.map_or(seconds, |latest| latest.max(seconds)));
        }
        if packet.stream() == joined.video_stream {
            counted.video.extend(packet.pts());
        }
        progress(0);
    }
    counted.video.sort_unstable();
    Ok(counted)
}

/// How far two times are from each other, in seconds.
fn deviation(a: i64, of_a: Rational, b: i64, of_b: Rational) -> f64 {
    let exact = raw::rescale(b, of_b, of_a) == a && raw::rescale(a, of_a, of_b) == b;
    // Two long times in floating point would differ by rounding alone.
    if exact { 0.0 } else { (a as f64 * of_a.to_f64() - b as f64 * of_b.to_f64()).abs() }
}

/// Decodes the packets of a segment while they are made, to see whether they hold what was encoded.
#[derive(Debug)]
pub struct SegmentDecoder {
    decoder: Decoder,
    packet: RawPacket,
    frame: RawFrame,
    /// Packets so far.
    packets: i64,
    found: Vec<(i64, f32)>,
}

impl SegmentDecoder {
    /// Opens a decoder with one thread: it has as much time as the encoder.
    ///
    /// # Errors
    /// When the parameters are not those of a video that can be decoded.
    pub fn open(parameters: &CodecParameters, time_base: Rational) -> Result<Self, Error> {
        let parameters = Parameters::from_plain(parameters)?;
        let mut decoder = Decoder::open(parameters.get(), time_base, Threads::One)?;
        decoder.skip_loop_filter();
        let (packet, frame) = (RawPacket::new()?, RawFrame::new()?);
        Ok(Self { decoder, packet, frame, packets: 0, found: Vec::new() })
    }

    /// Decodes the next packet, which is shown at `pts`.
    ///
    /// # Errors
    /// When the packet cannot be decoded.
    pub fn push(&mut self, pts: i64, keyframe: bool, data: &[u8]) -> Result<(), Error> {
        self.packet.set_data(data)?;
        // The decoder needs rising decoding times, whatever they are.
        self.packet.set_times(pts, self.packets);
        self.packet.set_keyframe(keyframe);
        self.packets += 1;
        self.decoder.send(Some(&mut self.packet))?;
        self.drain()
    }

    /// Decodes what the decoder still holds. Gives the presentation time of each frame and the mean of its first plane,
    /// 0 to 1 of all code values.
    ///
    /// # Errors
    /// When the last packets cannot be decoded.
    pub fn finish(mut self) -> Result<Vec<(i64, f32)>, Error> {
        self.decoder.send(None)?;
        self.drain()?;
        Ok(self.found)
    }

    fn drain(&mut self) -> Result<(), Error> {
        while self.decoder.receive(&mut self.frame)? == Output::Some {
            let pts =
                self.frame.pts().ok_or_else(|| Error::Verification("a frame has no time".to_owned()))?;
            self.found.push((pts, self.frame.mean_of_first_plane()));
        }
        Ok(())
    }
}
