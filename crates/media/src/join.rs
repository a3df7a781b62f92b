//! Putting the result together: the new video, and everything else of the source as it is.

mod order;
mod sound;
mod streams;
mod tags;
mod writer;

use std::fs::File;
use std::path::Path;

use crate::captions::Room;
use crate::decode::begins_with_captions;
use crate::probe::{PROVENANCE, video_stream};
use crate::raw::codec::Parameters;
use crate::raw::input::Input;
use crate::raw::output::{Muxer, Output};
use crate::raw::packet::RawPacket;
use crate::raw::stream::{Kind, SideData};
use crate::{CodecParameters, Container, Error, Index, Source, hdr, is_hdr, raw};

use order::DecodeTimes;
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
    /// What it says of how it was made; nothing where this is empty.
    pub provenance: &'a str,
}

/// What became of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinReport {
    /// Size of the result.
    pub bytes: u64,
    /// Number of the video stream in the result.
    pub video_stream: usize,
    /// Packets of each stream of the result.
    pub packets: Vec<u64>,
    /// What people should know: streams that were left out or converted.
    pub notes: Vec<String>,
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
    let times = DecodeTimes::new(plan.packet_times, &plan.index.pts, plan.index.last_duration)?;
    let mut input = Input::open(plan.source)?;
    let (source_video, video) = video_stream(&input)?;
    let muxer = Muxer::named(plan.container.muxer())
        .ok_or(Error::Ffmpeg { doing: "find the muxer", reason: plan.container.muxer().to_owned() })?;
    let file = File::create(plan.result).map_err(Error::write)?;
    let mut output = Output::new(file, muxer)?;

    let mut notes = Vec::new();
    let mut copied: Vec<Option<Copied>> = input.streams().map(|_| None).collect();
    let parameters = Parameters::from_plain(plan.parameters)?;
    let mut video_stream = 0;
    let is_elsewhere = |stream: raw::stream::Stream<'_>| {
        stream.is_chapter_titles() && !input.chapters().is_empty()
            || stream.is_timecode() && video.tag("timecode").is_some()
    };
    for (index, stream) in in_order(&input, plan.container) {
        copied[index] = if index == source_video {
            let side_data = picture_side_data(plan, stream)?;
            let rate = plan.index.frame_rate(stream.average_frame_rate());
            video_stream = output.add_video(&parameters, plan.index.time_base, rate, video, &side_data)?;
            None
        } else {
            streams::add(&mut output, plan.container, index, stream, is_elsewhere(stream), &mut notes)?
        };
    }
    output.set_metadata(&input.metadata(), |key| !is_of_writing(key));
    if !plan.provenance.is_empty() {
        let tag = PROVENANCE[usize::from(plan.container == Container::Mp4)];
        output.set_metadata(&[(tag.to_owned(), plan.provenance.to_owned())], |_| true);
    }
    output.set_chapters(&input.chapters())?;
    let sounds = input.streams().filter_map(raw::stream::Stream::sample_rate);
    output.write_header(&header_options(plan, &input.metadata(), sounds))?;

    let streams_written =
        copied.iter().flatten().map(|copied| copied.stream).chain([video_stream]).max().unwrap_or(0) + 1;
    let mut writer = Writer {
        video_time_base: output.time_base(video_stream),
        output,
        plan,
        times,
        packets,
        packet: RawPacket::new()?,
        stream: video_stream,
        written: 0,
        bytes: 0,
        counts: vec![0; streams_written],
    };
    input.keep_streams(|index| copied.get(index).is_some_and(Option::is_some));
    let mut packet = RawPacket::new()?;
    let mut damaged = vec![0_u32; copied.len()];
    while input.read(&mut packet)? {
        let from = packet.stream();
        let Some(Some(target)) = copied.get_mut(from) else { continue };
        let Some(time_base) = input.stream(from).map(raw::stream::Stream::time_base) else { continue };
        let time = packet.dts().or(packet.pts());
        if let Some(time) = time {
            writer.video_until(time, time_base, progress)?;
        }
        damaged[from] += writer.other(target, Some(&mut packet), time_base)?;
    }
    for (stream, target) in input.streams().zip(&mut copied) {
        if let Some(target) = target {
            writer.other(target, None, stream.time_base())?;
        }
    }
    writer.rest_of_video(progress)?;
    for (stream, &count) in damaged.iter().enumerate().filter(|(_, count)| **count > 0) {
        notes.push(format!("stream {stream}: {count} damaged packets were left out"));
    }
    let (output, packets) = (writer.output, writer.counts);
    let bytes = output.finish()?;
    notes.extend(lost_tags(&input, plan.result)?);
    if Room::of(&plan.parameters.codec).is_none() && begins_with_captions(plan.source)? {
        let codec = &plan.parameters.codec;
        notes.push(format!(
            "the closed captions were left out: choose an encoder of H.264 or HEVC instead of {codec}"
        ));
    }
    Ok(JoinReport { bytes, video_stream, packets, notes })
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

/// Options that keep times exact, and tags.
fn header_options(
    plan: &Join<'_>,
    tags: &[(String, String)],
    sample_rates: impl Iterator<Item = i32>,
) -> Vec<(&'static str, String)> {
    match plan.container {
        // A tick of the track is a tick of the source. Edit lists, which move the beginning of any track, are in ticks
        // of the whole file: those have to divide a tick of every track.
        Container::Mp4 => {
            let ticks = plan.index.time_base.den.clamp(1, 1 << 30);
            let of_file =
                sample_rates.fold(ticks, |ticks, rate| common_multiple(ticks, rate).unwrap_or(ticks));
            let mut options = vec![
                ("video_track_timescale", ticks.to_string()),
                ("movie_timescale", of_file.max(1000).to_string()),
            ];
            // Cameras and phones name their tags after their makers. MPEG-4 has another place for those than for the few
            // that iTunes knows, and the muxer fills one of the two.
            if tags.iter().any(|(name, _)| name.starts_with("com.")) {
                options.push(("movflags", "use_metadata_tags".to_owned()));
            }
            options
        }
        // Marked as the default are the streams of the source that are, and no other.
        Container::Matroska => vec![("default_mode", "passthrough".to_owned())],
    }
}

/// The least common multiple of two positive numbers, where it is not too large.
fn common_multiple(a: i32, b: i32) -> Option<i32> {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).checked_mul(b)
}

/// True for streams that are carried over packet by packet.
fn has_packets(kind: Kind) -> bool {
    matches!(kind, Kind::Video | Kind::Audio | Kind::Subtitle | Kind::Data)
}
