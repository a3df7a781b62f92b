//! One segment: made, checked, committed.

use std::path::Path;

use frame::{Rational, Size};
use job::message::{Response, SegmentRequest};
use job::state::Evidence;
use media::{CodecParameters, EncodeSettings, Index, Packet, RangeDecoder, SegmentEncoder};
use storage::{
    PacketLogReader, PacketLogWriter, Scratch, ScratchFile, ScratchOptions, SegmentName, Sidecar, commit,
};

use crate::failure::Failed;
use crate::model::Upscaler;
use crate::wire::Wire;
use crate::{frame_list, pipeline};

/// Threads of the decoder: decoding is little work beside the network.
const DECODER_THREADS: usize = 2;
/// Largest difference between the mean luma of a frame that was encoded and of the same frame decoded, of 1. Encoders
/// stay below 0.01 even at their worst quality; garbage does not.
const LARGEST_LUMA_DIFFERENCE: f32 = 0.06;

/// Makes the segment and puts it into the job's folder.
pub(crate) fn run(request: &SegmentRequest, upscaler: &mut Upscaler, wire: &Wire) -> Result<Response, Failed> {
    let index = frame_list::read(&request.frame_list)?;
    let scratch = Scratch::new(ScratchOptions::new(&*request.folder))?;
    let (mut file, parameters, means, engine) = make(request, &index, &scratch, upscaler, wire)?;
    verify(request, &index, &mut file, &parameters, &means)?;
    let sidecar = Sidecar {
        first_frame: request.range.first,
        end_frame: request.range.end,
        settings_hash: request.settings.hash(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let name = SegmentName { index: request.index, epoch: u64::from(request.epoch) };
    let committed = commit(&request.folder, name, &mut file, sidecar)?;
    let evidence = Evidence { file: committed.file, bytes: committed.bytes, blake3: committed.blake3 };
    Ok(Response::SegmentDone { evidence, engine })
}

/// Upscales the frames into a packet log. Gives the log, the encoder's parameters, the mean luma of each frame as it
/// went into the encoder, and the engine in words.
fn make(
    request: &SegmentRequest,
    index: &Index,
    scratch: &Scratch,
    upscaler: &mut Upscaler,
    wire: &Wire,
) -> Result<(ScratchFile, CodecParameters, Vec<f32>, String), Failed> {
    let source: &Path = &request.source;
    let of_media = |error: &media::Error| Failed::of_media(error, source, 0);
    let probe = media::probe(source).map_err(|error| of_media(&error))?;
    let size = probe.video.size;
    let session = upscaler.session(&request.settings, request.engine_threads, size)?;
    let (session, scale, engine) = match session {
        Some((session, scale, description)) => (Some(session), scale, description),
        None => (None, 1, "none (classic resampler)".to_owned()),
    };
    let decoder = RangeDecoder::open(source, index, request.range.first, request.range.end, DECODER_THREADS)
        .map_err(|error| of_media(&error))?;
    let settings = EncodeSettings {
        size: Size::new(request.width, request.height),
        time_base: index.time_base,
        frame_rate: probe.video.frame_rate,
        sample_aspect_ratio: aspect_ratio(&probe.video, request),
        color: probe.video.color,
        pixel_format: request.pixel_format.clone(),
        crf: request.settings.crf,
        preset: request.settings.preset.clone(),
        threads: request.encoder_threads,
    };
    let mut encoder = SegmentEncoder::open(&settings, size.scaled(scale)).map_err(|error| of_media(&error))?;
    let parameters = encoder.parameters();
    let header = serde_json::to_vec(&parameters).map_err(|error| Failed::transient(error.to_string()))?;
    let mut log = PacketLogWriter::new(scratch.create()?, &header)?;
    let (mut frames, mut bytes) = (0, 0);
    let tell = |frames: u32, bytes: u64| wire.progress(frames, bytes);
    let mut append = |packet: Packet<'_>| -> Result<(), Failed> {
        bytes += packet.data.len() as u64;
        Ok(log.append(packet.pts, packet.dts, packet.duration, packet.keyframe, packet.data)?)
    };
    let encode = |picture: &Planar<u16>, pts: i64| -> Result<(), Failed> {
        encoder.push(picture, pts, &mut append)?;
        frames += 1;
        wire.progress(frames, bytes);
        Ok(())
    };
    todo!()
}
