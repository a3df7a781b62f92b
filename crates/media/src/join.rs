//! Putting the result together: the new video, and everything else of the source as it is.

mod order;
mod sound;
mod streams;

use std::fs::File;
use std::path::Path;

use frame::Rational;

use crate::captions::Room;
use crate::decode::begins_with_captions;
use crate::probe::{PROVENANCE, video_stream};
use crate::raw::codec::Parameters;
use crate::raw::input::Input;
use crate::raw::output::{Muxer, Output};
use crate::raw::packet::RawPacket;
use crate::raw::stream::{Kind, SideData};
use crate::{CodecParameters, Container, Error, Index, hdr, is_hdr, raw};

use order::DecodeTimes;
use streams::Copied;

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
    pub source: &'a Path,
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
            let rate = stream.average_frame_rate();
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

/// What tells how the source was written, which does not hold for the result.
const OF_WRITING: [&str; 5] = ["encoder", "major_brand", "minor_version", "compatible_brands", "upscaled"];

/// The date that files have whose writer had none.
const EPOCH: &str = "1970-01-01T00:00:00";

fn is_of_writing(tag: &str) -> bool {
    OF_WRITING.iter().any(|name| tag.eq_ignore_ascii_case(name))
}

/// Says which tags of the source the result has no place for.
fn lost_tags(source: &Input, result: &Path) -> Result<Option<String>, Error> {
    let kept = Input::open(result)?.metadata();
    let is_lost = |(name, value): &(String, String)| {
        // A clock that was never set.
        let is_no_date = name == "creation_time" && value.starts_with(EPOCH);
        let is_kept = kept.iter().any(|(kept, _)| kept.eq_ignore_ascii_case(name));
        !is_of_writing(name) && !is_no_date && !is_kept
    };
    let lost: Vec<String> = source.metadata().into_iter().filter(is_lost).map(|(name, _)| name).collect();
    Ok((!lost.is_empty())
        .then(|| format!("tags were left out, for which the result has no place: {}", lost.join(", "))))
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

/// Writes the video between the packets of the other streams.
struct Writer<'a, 'b> {
    output: Output,
    plan: &'a Join<'a>,
    times: DecodeTimes<'a>,
    packets: &'b mut dyn Iterator<Item = Result<OwnedPacket, String>>,
    packet: RawPacket,
    stream: usize,
    video_time_base: Rational,
    written: usize,
    bytes: u64,
    counts: Vec<u64>,
}

impl Writer<'_, '_> {
    /// Writes a packet of another stream; `None` says that there are no more of it. Gives the number of packets that were
    /// damaged.
    fn other(
        &mut self,
        target: &mut Copied,
        mut packet: Option<&mut RawPacket>,
        from: Rational,
    ) -> Result<u32, Error> {
        let is_strict = !self.output.accepts_equal_times();
        let to = self.output.time_base(target.stream);
        let mut damaged = 0;
        let mut write = |target: &mut Copied, packet: &mut RawPacket| -> Result<(), Error> {
            if target.prepare(packet, from, to, is_strict)? {
                let is_written = self.output.write_if_sound(packet)?;
                damaged += u32::from(!is_written);
                // A cover has no track of its own, and another number when it is read again.
                self.counts[target.stream] += u64::from(is_written && !target.is_picture);
            }
            Ok(())
        };
        match (target.to_samples(packet.as_deref_mut())?, packet) {
            (Some(packets), _) => {
                for mut packet in packets {
                    write(target, &mut packet)?;
                }
            }
            (None, Some(packet)) => write(target, packet)?,
            (None, None) => {}
        }
        Ok(damaged)
    }

    /// Writes the video that is decoded up to a time.
    fn video_until(
        &mut self,
        time: i64,
        time_base: Rational,
        progress: &mut dyn FnMut(u32, u64),
    ) -> Result<(), Error> {
        let limit = raw::rescale(time, time_base, self.plan.index.time_base);
        while self.times.of(self.written).is_some_and(|(dts, _)| dts <= limit) {
            self.one(progress)?;
        }
        Ok(())
    }

    fn rest_of_video(&mut self, progress: &mut dyn FnMut(u32, u64)) -> Result<(), Error> {
        while self.written < self.plan.packet_times.len() {
            self.one(progress)?;
        }
        match self.packets.next() {
            None => Ok(()),
            Some(_) => Err(Error::PacketsDiffer("there are more than there should be".to_owned())),
        }
    }

    fn one(&mut self, progress: &mut dyn FnMut(u32, u64)) -> Result<(), Error> {
        let number = self.written;
        let differs = |what: &str| Error::PacketsDiffer(format!("packet {number} {what}"));
        let next = self.packets.next().ok_or_else(|| differs("is missing"))?;
        let next = next.map_err(Error::PacketsDiffer)?;
        let (dts, duration) = self.times.of(number).ok_or_else(|| differs("is one too many"))?;
        if next.pts != self.plan.packet_times[number] {
            return Err(differs("has another time than when it was counted"));
        }
        self.packet.set_data(&next.data)?;
        self.packet.set_times(next.pts, dts);
        self.packet.set_duration(duration);
        self.packet.set_keyframe(next.keyframe);
        self.packet.set_stream(self.stream);
        self.packet.rescale(self.plan.index.time_base, self.video_time_base);
        self.output.write(&mut self.packet)?;
        self.written += 1;
        self.bytes += next.data.len() as u64;
        self.counts[self.stream] += 1;
        progress(self.written as u32, self.bytes);
        Ok(())
    }
}

/// True for streams that are carried over packet by packet.
fn has_packets(kind: Kind) -> bool {
    matches!(kind, Kind::Video | Kind::Audio | Kind::Subtitle | Kind::Data)
}
