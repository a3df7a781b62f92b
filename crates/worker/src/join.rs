//! The result: put together, decoded from start to end, synced.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use frame::Size;
use job::{FailureKind, Notice};
use media::{CodecParameters, Join, OwnedPacket, Source};
use protocol::message::{JoinRequest, Response, SegmentListFile};
use protocol::report::{Checks, FileReport, StreamReport, Verified};
use storage::{Committed, PacketLogReader, SegmentFault, check};

use crate::encoding::media_container;
use crate::failure::Failed;
use crate::segment::packets;
use crate::source::source;
use crate::wire::Progress;
use crate::{frame_list, model, rehearsal};

/// Room that a result needs beyond the bytes of its video: indexes and headers.
const OVERHEAD: u64 = 1 << 20;

/// Makes the result under its temporary name. Nothing of it stays when that fails: it would take the room that the next
/// attempt needs.
pub(crate) fn run(request: &JoinRequest, progress: &Progress) -> Result<Response, Failed> {
    let remove = || std::fs::remove_file(&request.result);
    // As an attempt that was killed leaves it.
    let _ = remove();
    let made = make(request, progress);
    if made.is_err() {
        let _ = remove();
    }
    made
}

fn make(request: &JoinRequest, progress: &Progress) -> Result<Response, Failed> {
    let SegmentListFile { path, blake3, count, bytes: video } = &request.segments;
    let segments = storage::read_segment_list(path, blake3, *count)
        .map_err(|fault| Failed::transient(fault.to_string()))?;
    let segments = Segments { folder: &request.folder, list: &segments };
    segments.check(progress)?;
    let index = frame_list::read(&request.frame_list)?;
    let (parameters, packet_times) = segments.survey(progress)?;
    let video = *video;
    let film = source(&request.source, request.stream);
    let source = std::fs::metadata(&request.source).map_or(0, |metadata| metadata.len());
    // The other streams hardly ever take more than the video, and never more than the source. Should they here, then
    // the disk runs full, and all is asked for.
    storage::require(&request.folder, video + video.min(source) + OVERHEAD)?;
    let plan = Join {
        source: &film,
        index: &index,
        parameters: &parameters,
        packet_times: &packet_times,
        result: &request.result,
        container: media_container(request.container),
        carry: &rehearsal::carry(&request.carry),
        provenance: &request.provenance,
    };
    let of_media = |error: media::Error| Failed::of_media(&error, video + source + OVERHEAD);
    let mut tell = |frames, bytes| progress.tell(frames, bytes);
    let joined = media::join(&plan, &mut segments.packets(), &mut tell).map_err(of_media)?;
    let size = Size::new(request.width, request.height);
    let mut tell = |frames| progress.tell(frames, joined.bytes);
    let found = media::verify(&request.result, &index, size, &joined, &mut tell)?;
    let verified = Verified {
        source: describe(&film)?,
        result: describe(&Source::file(&request.result))?,
        model: model::checksum(&request.model),
        checks: Checks {
            frames_decoded: found.frames,
            largest_time_error_milliseconds: found.largest_deviation * 1000.0,
            packets: joined.packets.clone(),
        },
    };
    // A large file on a slow disk takes minutes.
    let sync = || File::open(&request.result).and_then(|file| file.sync_all());
    progress.during("sync", sync)?.map_err(|error| {
        let message = format!("`{}` cannot be synced: {error}", request.result.display());
        if storage::is_no_space(&error) {
            return Failed::new(FailureKind::NoSpace { needed: joined.bytes + OVERHEAD }, message);
        }
        Failed::transient(message)
    })?;
    let is_told = |note: &String| request.told.iter().any(|told| told.text == *note);
    let notes = joined.notes.into_iter().chain(joined.losses).filter(|note| !is_told(note));
    let notes = notes.map(Notice::from).collect();
    Ok(Response::Joined { bytes: joined.bytes, notes, verified: Box::new(verified) })
}

/// What a file is.
fn describe(source: &Source) -> Result<FileReport, Failed> {
    let probe = media::probe(source)?;
    let describe = |stream: media::StreamInfo| StreamReport {
        index: stream.index,
        kind: if stream.is_cover { "cover".to_owned() } else { stream.kind.name().to_owned() },
        codec: stream.codec,
        language: stream.language,
        title: stream.title,
    };
    Ok(FileReport { format: probe.format, streams: probe.streams.into_iter().map(describe).collect() })
}

/// The segments of a film, in order.
struct Segments<'a> {
    folder: &'a Path,
    list: &'a [Committed],
}

impl Segments<'_> {
    /// Compares every segment with its checksum.
    fn check(&self, progress: &Progress) -> Result<(), Failed> {
        let mut damaged = Vec::new();
        for (number, segment) in self.list.iter().enumerate() {
            progress.tell(0, 0);
            match check(self.folder, &segment.file, &segment.blake3, segment.bytes) {
                Ok(()) => {}
                Err(fault @ SegmentFault::Io { .. }) => return Err(Failed::transient(fault.to_string())),
                Err(_) => damaged.push(number as u32),
            }
        }
        if damaged.is_empty() {
            return Ok(());
        }
        let message = match damaged.len() {
            1 => "a finished segment is missing or damaged: it is made again".to_owned(),
            count => format!("{count} finished segments are missing or damaged: they are made again"),
        };
        Err(Failed::new(FailureKind::SegmentsDamaged { indices: damaged }, message))
    }

    /// What describes the packets of all segments, and the times of all packets.
    fn survey(&self, progress: &Progress) -> Result<(CodecParameters, Vec<i64>), Failed> {
        // Each kind of parameters, with the segments that have it.
        let mut kinds: Vec<(CodecParameters, Vec<u32>)> = Vec::new();
        let mut times = Vec::new();
        for (number, segment) in (0..).zip(self.list) {
            let mut log = open(&self.folder.join(&segment.file)).map_err(Failed::transient)?;
            let parameters: CodecParameters = serde_json::from_slice(log.header())
                .map_err(|error| Failed::transient(format!("a segment's head cannot be read: {error}")))?;
            match kinds.iter_mut().find(|(known, _)| *known == parameters) {
                Some((_, segments)) => segments.push(number),
                None => kinds.push((parameters, vec![number])),
            }
            while let Some(packet) = log.next_packet()? {
                times.push(packet.pts);
                progress.tell(0, 0);
            }
        }
        Ok((together(kinds)?, times))
    }

    /// The packets of all segments, one after the other.
    fn packets(&self) -> impl Iterator<Item = Result<OwnedPacket, String>> {
        self.list.iter().flat_map(|segment| {
            let (log, error) = match open(&self.folder.join(&segment.file)) {
                Ok(log) => (Some(log), None),
                Err(error) => (None, Some(Err(error))),
            };
            error.into_iter().chain(log.into_iter().flat_map(packets))
        })
    }
}

/// What describes packets of all kinds. Where no stream can hold them all, the rarer ones must be made again.
fn together(mut kinds: Vec<(CodecParameters, Vec<u32>)>) -> Result<CodecParameters, Failed> {
    let all = kinds.iter().map(|(parameters, _)| parameters.clone()).map(Some);
    let joined = all.reduce(|before, after| before?.followed_by(&after?));
    match joined {
        None => Err(Failed::last("the job has no segments")),
        Some(Some(parameters)) => Ok(parameters),
        Some(None) => {
            kinds.sort_by_key(|(_, segments)| std::cmp::Reverse(segments.len()));
            let indices = kinds.into_iter().skip(1).flat_map(|(_, segments)| segments).collect();
            let message =
                "some segments were made by another encoder, or another version of it: they are made again";
            Err(Failed::new(FailureKind::SegmentsDamaged { indices }, message))
        }
    }
}

pub(crate) fn open(path: &Path) -> Result<PacketLogReader<BufReader<File>>, String> {
    let file = File::open(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    PacketLogReader::open(BufReader::new(file)).map_err(|error| format!("`{}`: {error}", path.display()))
}
