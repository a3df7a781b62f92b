//! One segment: made, checked, committed.

use std::io::{BufReader, Read, Seek as _};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use engine::Reuse;
use frame::{Orientation, Planar, Size};
use job::state::{Reused, SegmentDigest};
use job::{Container, FailureKind, Notice, Remedy};
use media::{
    CodecParameters, Index, OwnedPacket, Packet, RangeDecoder, SegmentDecoder, SegmentEncoder, VideoInfo,
};
use protocol::Sidecar;
use protocol::message::{Response, SegmentRequest};
use storage::{
    Bytes, Committed, PacketLogReader, PacketLogWriter, Scratch, ScratchFile, ScratchOptions, SegmentName,
    commit,
};

use crate::encoding::{Output, media_container};
use crate::failure::Failed;
use crate::frame_list;
use crate::memory::{self, Neighbours};
use crate::model::Upscaler;
use crate::pipeline::{self, Pipeline};
use crate::postprocess::PostProcessing;
use crate::source::source;
use crate::trace::Trace;
use crate::verifier::{Checksum, Found, Verifier};
use crate::wire::Progress;

/// Threads of the decoder: decoding is little work beside the network.
pub(crate) const DECODER_THREADS: usize = 2;
/// Largest difference between the mean luma of a frame that was encoded and of the same frame decoded, of 1. Encoders
/// stay below 0.01 even at their worst quality; garbage does not.
const LARGEST_LUMA_DIFFERENCE: f32 = 0.06;

/// Makes the segment and puts it into the job's folder.
pub(crate) fn run(
    request: &SegmentRequest,
    upscaler: &mut Upscaler,
    progress: &Progress,
    neighbours: Neighbours<'_>,
) -> Result<Response, Failed> {
    let index = frame_list::read(&request.frame_list)?;
    let scratch = Scratch::new(ScratchOptions::new(&*request.folder))?;
    let mut made = make(request, &index, &scratch, (upscaler, neighbours), progress, &mut || {})?;
    verify(request, &index, &mut made)?;
    let name = SegmentName { index: request.index, epoch: u64::from(request.epoch) };
    // A working file on the disk goes with a failed attempt, and is there again in the next one.
    let on_disk = if made.file.in_ram() { 0 } else { made.file.len() };
    keep_limit(request, on_disk + made.file.len())?;
    let reused = made.reused;
    let describe = |committed: &Committed| sidecar(request, digest(committed, reused)).encode();
    let committed = commit(&request.folder, name, &mut made.file, describe).map_err(|error| {
        let needed = if let storage::Error::NoSpace { needed, .. } = error { needed } else { 0 };
        Failed::from(error).needing(needed + on_disk)
    })?;
    let digest = digest(&committed, reused);
    Ok(Response::SegmentDone { digest, engine: made.engine })
}

fn digest(committed: &Committed, reused: Reused) -> SegmentDigest {
    let Committed { file, bytes, blake3 } = committed.clone();
    SegmentDigest { file, bytes, blake3, reused }
}

fn sidecar(request: &SegmentRequest, digest: SegmentDigest) -> Sidecar {
    Sidecar {
        range: request.range,
        fingerprint: request.fingerprint.clone(),
        frame_list: request.frame_list.blake3.clone(),
        settings_hash: request.settings.hash(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digest,
    }
}

/// What it took to make frames that are not kept.
pub(crate) struct Trial {
    /// Seconds until the first frame went into the encoder, and from then on until all of them were made and checked.
    pub(crate) seconds: (f64, f64),
    /// Seconds that decoding all packets once more takes.
    pub(crate) checking: f64,
    /// Bytes of the packets.
    pub(crate) packets: Vec<u64>,
    /// The engine, in words.
    pub(crate) engine: String,
}

/// Makes and checks the frames as [`run`] does, and keeps nothing.
pub(crate) fn attempt(
    request: &SegmentRequest,
    index: &Index,
    upscaler: &mut Upscaler,
    progress: &Progress,
) -> Result<Trial, Failed> {
    let scratch = Scratch::new(ScratchOptions::new(&*request.folder))?;
    let begin = Instant::now();
    let mut first = None;
    let mut made = make(request, index, &scratch, (upscaler, Neighbours::Without), progress, &mut || {
        first.get_or_insert_with(Instant::now);
    })?;
    verify(request, index, &mut made)?;
    let (end, first) = (Instant::now(), first.unwrap_or(begin));
    made.file.rewind().map_err(|error| Failed::transient(format!("scratch cannot be read: {error}")))?;
    let log = PacketLogReader::open(BufReader::new(&mut made.file))?;
    let parameters: CodecParameters = serde_json::from_slice(log.header())
        .map_err(|error| Failed::transient(format!("a segment's head cannot be read: {error}")))?;
    let mut decoder = SegmentDecoder::open(&parameters, index.time_base)?;
    let mut sizes = Vec::new();
    for packet in packets(log) {
        let packet = packet.map_err(Failed::transient)?;
        decoder.push(packet.pts, packet.keyframe, &packet.data)?;
        sizes.push(packet.data.len() as u64);
    }
    decoder.finish()?;
    let seconds = (first.duration_since(begin).as_secs_f64(), end.duration_since(first).as_secs_f64());
    Ok(Trial { seconds, checking: end.elapsed().as_secs_f64(), packets: sizes, engine: made.engine })
}

/// Ends an attempt that would take more of the disk than the job has left.
fn keep_limit(request: &SegmentRequest, bytes: u64) -> Result<(), Failed> {
    match request.most_bytes {
        Some(most) if bytes > most => {
            let text = format!(
                "frames {}-{} take more of the disk than the limit leaves, which is {}",
                request.range.first,
                request.range.end - 1,
                Bytes(most)
            );
            Err(Failed::last(Notice::new(text, Remedy::MoreDisk)))
        }
        _ => Ok(()),
    }
}

/// A segment that was made but not yet believed.
struct Made {
    file: ScratchFile,
    /// What decoding its packets gave.
    found: Found,
    /// Mean luma of each frame as it went into the encoder.
    means: Vec<f32>,
    /// The engine, in words.
    engine: String,
    /// What was not computed.
    reused: Reused,
}

/// Describes the video as its decoded pictures are, turned upright where the container cannot say how they are to be shown.
fn turn(video: &mut VideoInfo, container: Container, index: &Index) -> Orientation {
    let decoded = video.clone().as_decoded(index);
    let orientation = media_container(container).orientation(&decoded);
    *video = decoded.turned(orientation);
    orientation
}

/// Gives the pictures of the segment's frames, upright.
fn decode<'a>(
    request: &SegmentRequest,
    index: &'a Index,
    orientation: Orientation,
) -> Result<RangeDecoder<'a>, Failed> {
    let (source, range) = (source(&request.source, request.settings.stream), request.range);
    let mut decoder = RangeDecoder::open(&source, index, range.first, range.end, DECODER_THREADS)?;
    decoder.turn(orientation);
    if request.settings.tonemap {
        decoder.tonemap();
    }
    Ok(decoder)
}

/// Readies the engine for the segment; gives what it is, in words.
fn begin(
    reuse: Option<&mut Reuse>,
    request: &SegmentRequest,
    pictures: Size,
    sessions: u64,
) -> Result<String, Failed> {
    let Some(reuse) = reuse else { return Ok("none (classic resampler)".to_owned()) };
    reuse.begin_within(pictures, request.settings.reuse, sessions)?;
    Ok(reuse.engine().describe())
}

/// What is done to the enlarged pictures, of which the first is the segment's.
fn post_processing(
    request: &SegmentRequest,
    index: &Index,
    pictures: Size,
    size: Size,
    made: Size,
) -> Result<Option<PostProcessing>, Failed> {
    let mut post = PostProcessing::new(&request.settings, pictures, made, size)?;
    if let Some(post) = &mut post {
        post.count_from(index.number_in_film());
    }
    Ok(post)
}

/// Upscales the frames into a packet log; `encoded` is called after each of them.
fn make(
    request: &SegmentRequest,
    index: &Index,
    scratch: &Scratch,
    (upscaler, neighbours): (&mut Upscaler, Neighbours<'_>),
    progress: &Progress,
    encoded: &mut dyn FnMut(),
) -> Result<Made, Failed> {
    let source = &source(&request.source, request.settings.stream);
    let mut probe = media::probe(source)?;
    let stored = probe.video.clone();
    let orientation = turn(&mut probe.video, request.container, index);
    let pictures = probe.video.size;
    let size = Size::new(request.width, request.height);
    let output = Output {
        source,
        settings: &request.settings,
        probe: &probe,
        index,
        size,
        threads: request.encoder_threads,
    };
    let settings = output.encode_settings(&request.encoding, request.parameter_set)?;
    let mut reuse = upscaler.prepare(&request.settings, request.engine_threads)?;
    let scale = reuse.as_ref().map_or(1, |reuse| reuse.engine().scale());
    let range = request.range;
    let segment = memory::Segment {
        stored: &stored,
        pictures,
        made: pictures.scaled(scale),
        index,
        settings: &request.settings,
        encoder: &settings,
        frames: range.frames(),
    };
    let plan = neighbours.admit(|allowed| segment.plan(reuse.as_deref(), allowed))?;
    let engine = begin(reuse.as_deref_mut(), request, pictures, plan.sessions)?;
    let decoder = decode(request, index, orientation)?;
    let made = pictures.scaled(scale);
    let post = post_processing(request, index, pictures, size, made)?;
    let mut encoder = SegmentEncoder::open(&settings, post.as_ref().map_or(made, |post| post.size(made)))?;
    let parameters: &CodecParameters = encoder.parameters();
    let verifier = Verifier::start(parameters, index.time_base)?;
    let header = serde_json::to_vec(parameters).map_err(|error| Failed::transient(error.to_string()))?;
    let mut log = PacketLogWriter::new(scratch.create()?, &header)?;
    let mut frames = 0;
    let bytes = AtomicU64::new(0);
    let mut append = |packet: Packet<'_>| -> Result<(), Failed> {
        let length = packet.data.len() as u64;
        let so_far = bytes.fetch_add(length, Relaxed) + length;
        keep_limit(request, so_far)?;
        verifier.push(&packet);
        // Working files that have no room would need as much again, for the segment that is copied from them.
        log.append(packet.pts, packet.dts, packet.duration, packet.keyframe, packet.data)
            .map_err(|error| Failed::from(error).needing(2 * so_far))
    };
    let done = AtomicU32::new(0);
    let tell = || progress.tell(done.load(Relaxed), bytes.load(Relaxed));
    let encode = |picture: Option<&Planar<u16>>, pts: i64, captions: &[u8]| -> Result<(), Failed> {
        encoder.set_captions(pts, captions);
        match picture {
            Some(picture) => encoder.push(picture, pts, &mut append)?,
            None => encoder.push_again(pts, &mut append)?,
        }
        frames += 1;
        encoded();
        done.store(frames, Relaxed);
        tell();
        Ok(())
    };
    let trace = Trace::of_segment(&format!("segment-{:06}.e{}", request.index, request.epoch));
    let pipeline = Pipeline {
        reuse,
        scale,
        post,
        skips_repeats: request.settings.reuse.is_some(),
        queue: plan.queue,
        first: range.first,
        alive: &tell,
        trace: &trace,
    };
    let reused = pipeline::run(decoder, pipeline, encode)?;
    encoder.finish(&mut append)?;
    trace.write(plan.bytes);
    let means = encoder.means().to_vec();
    let (file, _) = log.finish()?;
    let found = verifier.finish()?;
    Ok(Made { file, found, means, engine, reused })
}

/// Compares what decoding gave with what went into the encoder, and the file with what was decoded.
fn verify(request: &SegmentRequest, index: &Index, made: &mut Made) -> Result<(), Failed> {
    let wrong = |what: String| {
        Err(Failed::new(FailureKind::Encoder, format!("the encoded segment is not right: {what}")))
    };
    made.file.rewind().map_err(|error| Failed::transient(format!("scratch cannot be read: {error}")))?;
    let mut checksum = Checksum::default();
    for packet in packets(PacketLogReader::open(BufReader::new(&mut made.file))?) {
        let packet = match packet {
            Ok(packet) => packet,
            Err(what) => return wrong(what),
        };
        checksum.add(packet.pts, packet.keyframe, &packet.data);
    }
    if checksum != made.found.checksum {
        return wrong("scratch does not hold what was written".to_owned());
    }
    let found = &made.found.frames;
    let wanted = &index.pts[request.range.first as usize..request.range.end as usize];
    if found.len() != wanted.len() {
        return wrong(format!("it has {} of {} frames", found.len(), wanted.len()));
    }
    for (offset, ((pts, mean), (&time, &encoded))) in
        found.iter().zip(wanted.iter().zip(&made.means)).enumerate()
    {
        let frame = request.range.first + offset as u32;
        if *pts != time {
            return wrong(format!("frame {frame} has the time {pts} instead of {time}"));
        }
        if (mean - encoded).abs() > LARGEST_LUMA_DIFFERENCE {
            return wrong(format!("frame {frame} does not look like what was encoded"));
        }
    }
    Ok(())
}

/// The packets of a log, with what is wrong with it in words.
pub(crate) fn packets<R: Read>(
    mut log: PacketLogReader<R>,
) -> impl Iterator<Item = Result<OwnedPacket, String>> {
    std::iter::from_fn(move || match log.next_packet() {
        Ok(Some(packet)) => {
            Some(Ok(OwnedPacket { pts: packet.pts, keyframe: packet.keyframe, data: packet.data }))
        }
        Ok(None) => None,
        Err(error) => Some(Err(error.to_string())),
    })
}
