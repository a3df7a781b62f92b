//! Putting the result together: the new video, and everything else of the source as it is.

mod chapters;
pub(crate) mod header;
pub(crate) mod merge;
pub(crate) mod order;
mod reader;
pub(crate) mod sound;
pub(crate) mod streams;
mod tags;
mod writer;

use std::fs::File;
use std::path::Path;

use crate::captions::CaptionSyntax;
use crate::decode::begins_with_captions;
use crate::probe::{PROVENANCE, video_stream};
use crate::raw::codec::Parameters;
use crate::raw::input::Input;
use crate::raw::output::{Muxer, Output};
use crate::raw::packet::RawPacket;
use crate::raw::side_data::SideData;
use crate::raw::stream::Kind;
use crate::survey::Limit;
use crate::{Carry, CodecParameters, Container, Error, Index, Shift, Source, hdr, is_hdr, raw};

pub(crate) use reader::Extent;

use order::DecodeTimes;
use reader::Reader;
use streams::Copied;
use tags::{is_of_writing, lost_tags};
use writer::Writer;

/// An encoded frame with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedPacket {
    /// Presentation time in ticks of the source.
    pub pts: i64,
    /// Decoding can start here.
    pub keyframe: bool,
    /// The encoded bytes.
    pub data: Vec<u8>,
}

/// What is joined.
#[derive(Debug)]
pub struct Join<'a> {
    /// The source, which gives all streams but the video.
    pub source: &'a Source,
    /// Its frame list, which gives the times.
    pub index: &'a Index,
    /// What the encoder said of the packets.
    pub parameters: &'a CodecParameters,
    /// Presentation times of all packets, in the order in which they come.
    pub packet_times: &'a [i64],
    /// The file to write; replaced when it is there.
    pub result: &'a Path,
    /// Its kind.
    pub container: Container,
    /// What was decided for the other streams.
    pub carry: &'a Carry,
    /// What it says of how it was made; nothing where this is empty.
    pub provenance: &'a str,
}

/// What became of a join.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinReport {
    /// Size of the result.
    pub bytes: u64,
    /// Number of the video stream in the result.
    pub video_stream: usize,
    /// Packets of each stream of the result.
    pub packets: Vec<u64>,
    /// The latest time of each of the other streams, in seconds; `None` for streams without packets.
    pub latest: Vec<Option<f64>>,
    /// The streams of the source that those of the result come from.
    pub origins: Vec<usize>,
    /// What was added to all times.
    pub shift: Shift,
    /// What people should know: streams that were left out or converted.
    pub notes: Vec<String>,
    /// Packets that were left out because they are damaged or would never be seen, in words.
    pub losses: Vec<String>,
}

/// Writes the result. `packets` gives the encoded frames in decoding order; a text instead says why it cannot.
///
/// # Errors
/// When the source cannot be read, the result cannot be written, or the packets do not fit the frame list.
pub fn join(
    plan: &Join<'_>,
    packets: &mut dyn Iterator<Item = Result<OwnedPacket, String>>,
    progress: &mut dyn FnMut(u32, u64),
) -> Result<JoinReport, Error> {
    join_extent(plan, Extent::Whole, packets, progress)
}

/// As [`join`], for a part of the other streams' packets.
pub(crate) fn join_extent(
    plan: &Join<'_>,
    extent: Extent,
    packets: &mut dyn Iterator<Item = Result<OwnedPacket, String>>,
    progress: &mut dyn FnMut(u32, u64),
) -> Result<JoinReport, Error> {
    let times = DecodeTimes::new(plan.packet_times, &plan.index.pts, plan.index.last_duration)?;
    let mut input = Input::open(plan.source)?;
    let (source_video, _) = video_stream(&input)?;
    let muxer = Muxer::named(plan.container.muxer())
        .ok_or(Error::Ffmpeg { doing: "find the muxer", reason: plan.container.muxer().to_owned() })?;
    let file = File::create(plan.result).map_err(Error::write)?;
    let mut output = Output::new(file, muxer)?;
    let mut notes = Vec::new();
    let Streams { mut copied, video } = add_streams(plan, &input, &mut output, &mut notes)?;
    describe(plan, &input, &mut output, &mut notes)?;
    let sounds = input.streams().filter_map(raw::stream::Stream::sample_rate);
    output.write_header(&header::options(plan, &input.metadata(), sounds))?;

    let written = copied.iter().flatten().map(|copied| copied.stream).chain([video]).max().unwrap_or(0) + 1;
    let mut writer = Writer {
        video_time_base: output.time_base(video),
        output,
        plan,
        times,
        packets,
        packet: RawPacket::new()?,
        stream: video,
        written: 0,
        bytes: 0,
        counts: vec![0; written],
        latest: vec![None; written],
    };
    let is_copied = |index: usize| copied.get(index).is_some_and(Option::is_some);
    let limit = Limit::set(&mut input, source_video, plan.index.ends(), is_copied);
    let reader = Reader::new(&mut input, source_video, extent, limit);
    let damaged = copy(reader, &mut writer, &mut copied, progress)?;
    let losses = losses(&copied, &damaged);
    let mut origins = vec![source_video; writer.counts.len()];
    for (source, copied) in copied.iter().enumerate() {
        if let Some(origin) = copied.as_ref().and_then(|copied| origins.get_mut(copied.stream)) {
            *origin = source;
        }
    }
    let (output, packets, latest) = (writer.output, writer.counts, writer.latest);
    let bytes = output.finish()?;
    notes.extend(lost_tags(&input, plan.result)?);
    notes.extend(lost_captions(plan)?);
    let (video_stream, shift) = (video, plan.carry.shift);
    Ok(JoinReport { bytes, video_stream, packets, latest, origins, shift, notes, losses })
}

/// The streams of the result.
struct Streams {
    /// Those that are copied, by their numbers in the source.
    copied: Vec<Option<Copied>>,
    /// The number of the video in the result.
    video: usize,
}

/// Gives the result its streams.
fn add_streams(
    plan: &Join<'_>,
    input: &Input,
    output: &mut Output,
    notes: &mut Vec<String>,
) -> Result<Streams, Error> {
    let (source_video, video) = video_stream(input)?;
    let parameters = Parameters::from_plain(plan.parameters)?;
    let (has_chapters, has_timecode) = (!input.chapters().is_empty(), video.tag("timecode").is_some());
    let is_elsewhere = |stream: raw::stream::Stream<'_>| {
        stream.is_chapter_titles() && has_chapters || stream.is_timecode() && has_timecode
    };
    let mut streams = Streams { copied: input.streams().map(|_| None).collect(), video: 0 };
    for (index, stream) in in_order(input, plan.container) {
        if index == source_video {
            let side_data = picture_side_data(plan, stream)?;
            let rate = plan.index.frame_rate(stream.average_frame_rate());
            streams.video =
                output.add_video(&parameters, plan.index.time_base, rate, Some(video), &side_data)?;
        } else {
            streams.copied[index] = streams::add(output, plan, index, stream, is_elsewhere(stream), notes)?;
        }
    }
    Ok(streams)
}

/// Gives the result its tags and chapters.
fn describe(
    plan: &Join<'_>,
    input: &Input,
    output: &mut Output,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    output.set_metadata(&input.metadata(), |key| !is_of_writing(key));
    if !plan.provenance.is_empty() {
        let tag = PROVENANCE[usize::from(plan.container == Container::Mp4)];
        output.set_metadata(&[(tag.to_owned(), plan.provenance.to_owned())], |_| true);
    }
    let (chapters, ends) = (input.chapters(), plan.index.ends());
    let number = chapters.len();
    let moved = chapters::moved(chapters, plan.carry.shift, ends);
    let is_part = ends.begin.is_some() || ends.end.is_some();
    if moved.len() < number && !is_part {
        let lost = number - moved.len();
        notes.push(format!("{lost} chapters that end before the first frame were left out"));
    }
    output.set_chapters(&moved)
}

/// Copies the packets of the other streams, and writes those of the video between them. Gives how many packets of each stream
/// of the source were left out because they are damaged.
fn copy(
    mut reader: Reader<'_>,
    writer: &mut Writer<'_, '_>,
    copied: &mut [Option<Copied>],
    progress: &mut dyn FnMut(u32, u64),
) -> Result<Vec<u32>, Error> {
    let mut damaged = vec![0_u32; copied.len()];
    let mut packet = RawPacket::new()?;
    while reader.next(&mut packet)? {
        let from = packet.stream();
        let Some(Some(target)) = copied.get_mut(from) else { continue };
        let Some(time_base) = reader.input.stream(from).map(raw::stream::Stream::time_base) else { continue };
        if let Some(time) = packet.dts().or(packet.pts()) {
            writer.video_until(time, time_base, progress)?;
        }
        let written = writer.other(target, Some(&mut packet), time_base);
        damaged[from] += written.map_err(|error| target.not_held(error))?;
    }
    for (stream, target) in reader.input.streams().zip(copied) {
        if let Some(target) = target {
            let written = writer.other(target, None, stream.time_base());
            written.map_err(|error| target.not_held(error))?;
        }
    }
    writer.rest_of_video(progress)?;
    Ok(damaged)
}

/// What is said where the result has no place for closed captions.
fn lost_captions(plan: &Join<'_>) -> Result<Option<String>, Error> {
    let codec = &plan.parameters.codec;
    let is_lost = CaptionSyntax::of(codec).is_none() && begins_with_captions(plan.source)?;
    Ok(is_lost.then(|| {
        format!("the closed captions were left out: choose an encoder of H.264 or HEVC instead of {codec}")
    }))
}

/// What was not taken of the streams that are in the result, in words.
fn losses(copied: &[Option<Copied>], damaged: &[u32]) -> Vec<String> {
    let mut losses = Vec::new();
    for (copied, damaged) in copied.iter().zip(damaged) {
        let Some(copied) = copied else { continue };
        let name = copied.in_words();
        if *damaged > 0 {
            losses.push(format!("{name}: {damaged} damaged packets were left out"));
        }
        if copied.too_early > 0 {
            losses
                .push(format!("{name}: {} subtitles before the first frame were left out", copied.too_early));
        }
        if copied.blocks.as_ref().is_some_and(|blocks| blocks.rest() > 0) {
            losses.push(format!(
                "{name}: the end of its last frame was left out, since MP4 files need whole ones"
            ));
        }
    }
    losses
}

/// Side data of the pictures: that of the source's container, and for HDR what only its frames say; none of HDR for a result
/// that is not.
fn picture_side_data(plan: &Join<'_>, video: raw::stream::Stream<'_>) -> Result<Vec<SideData>, Error> {
    let mut side_data = video.side_data(true);
    side_data.retain(|data| !data.is_hdr());
    if plan.container == Container::Matroska && video.orientation().is_some() {
        // The pictures were turned instead.
        side_data.retain(|data| !data.is_display_matrix());
    }
    if is_hdr(plan.parameters.color.transfer) {
        side_data.extend_from_slice(hdr(plan.source)?.side_data());
    }
    Ok(side_data)
}

/// The streams of the source with their numbers, as they are to stand in the result. MPEG-4 has covers behind all tracks.
fn in_order(input: &Input, container: Container) -> Vec<(usize, raw::stream::Stream<'_>)> {
    let mut streams: Vec<_> = input.streams().enumerate().collect();
    streams.sort_by_key(|(_, stream)| container == Container::Mp4 && stream.is_picture());
    streams
}

/// True for streams that are carried over packet by packet.
fn has_packets(kind: Kind) -> bool {
    matches!(kind, Kind::Video | Kind::Audio | Kind::Subtitle | Kind::Data)
}
