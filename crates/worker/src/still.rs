//! Single frames of a job as JPEG files, for people who look at it while it is made and afterwards.
//!
//! All pictures stand upright, in the film's own transfer curve; HDR is brought to the range of usual screens. What was found of a
//! film stays while its frames are asked for one after the other.

pub(crate) mod picture;

use std::path::Path;

use frame::{Orientation, RgbF32, Size};
use job::state::IndexMethod;
use job::{Failure, FailureKind, FilePath, SegmentRange, Settings};
use media::{CodecParameters, Index, PictureDecoder, RangeDecoder, Source, VideoInfo};
use protocol::message::{FrameListFile, FrameOf, FrameRequest, IndexRequest, Response};

use self::picture::Still;
use crate::encoding::media_container;
use crate::failure::Failed;
use crate::index::{Reading, list_again};
use crate::sandbox::LittleMemory;
use crate::source::source;
use crate::wire::Progress;
use crate::{frame_list, join};

/// Threads of the decoder.
const DECODER_THREADS: usize = 2;
/// Where a film is looked into of which nothing is known.
const GLANCE: f64 = 0.1;

/// Shows frames.
#[derive(Default)]
pub(crate) struct Stills {
    /// The film whose frames were shown last.
    film: Option<Film>,
}

/// A film whose frames are known.
struct Film {
    /// What it was listed by.
    of: Listed,
    index: Index,
    video: VideoInfo,
}

/// What tells films apart.
#[derive(Debug, Clone, PartialEq)]
struct Listed {
    file: FilePath,
    /// The checksum of its frame list; empty where that is made here.
    list: String,
}

impl Stills {
    /// Makes the picture.
    pub(crate) fn run(&mut self, request: &FrameRequest, progress: &Progress) -> Result<Response, Failed> {
        progress.during("frame", || self.make(request, progress))?
    }

    fn make(&mut self, request: &FrameRequest, progress: &Progress) -> Result<Response, Failed> {
        let still = self.still(&request.of, progress)?;
        let (size, bytes) = still.jpeg(request.most_width)?;
        std::fs::write(&request.picture, bytes)
            .map_err(|error| Failed::transient(format!("a picture cannot be written: {error}")))?;
        Ok(Response::Framed { width: size.width, height: size.height })
    }

    fn still(&mut self, of: &FrameOf, progress: &Progress) -> Result<Still, Failed> {
        match of {
            FrameOf::Source { number, source: path, stream, frame_list } => {
                let of = Listed { file: path.clone(), list: frame_list.blake3.clone() };
                let film = source(path, *stream);
                self.listed(of, || listed(&film, frame_list))?.still(&film, *number)
            }
            FrameOf::SourceOfEnded { number, source: path, settings, frames } => {
                let of = Listed { file: path.clone(), list: String::new() };
                let film = source(path, settings.stream);
                self.listed(of, || again(path, settings, *frames, progress))?.still(&film, *number)
            }
            FrameOf::Result { number, file, frames } => {
                let of = Listed { file: file.clone(), list: String::new() };
                let film = Source::file(file);
                self.listed(of, || of_result(&film, *frames))?.still(&film, *number)
            }
            FrameOf::Glance { source: path, stream } => {
                glance(&source(path, *stream), |film, picture| media::glance(film, GLANCE, picture))
            }
            FrameOf::Moment { source: path, stream, seconds } => {
                glance(&source(path, *stream), |film, picture| media::glance_at(film, *seconds, picture))
            }
            FrameOf::Segment { number, file, range, source: path, stream, container } => {
                // Where the source is away, its pictures are taken to stand upright.
                let video = probe(&source(path, *stream)).ok();
                let turned = video.as_ref().map(|video| media_container(*container).orientation(video));
                let is_turned = turned.is_some_and(|turned| turned != Orientation::UPRIGHT);
                let orientation = video.and_then(|video| video.orientation).filter(|_| !is_turned);
                of_segment(file, *range, *number, orientation.unwrap_or_default())
            }
        }
    }

    /// The film that was listed by the same, else as it is listed now.
    fn listed(
        &mut self,
        of: Listed,
        list: impl FnOnce() -> Result<(Index, VideoInfo), Failed>,
    ) -> Result<&Film, Failed> {
        match self.film.take() {
            Some(film) if film.of == of => Ok(self.film.insert(film)),
            _ => {
                let (index, video) = list()?;
                Ok(self.film.insert(Film { of, index, video }))
            }
        }
    }
}

impl Film {
    /// A frame as a job's network gets it, but upright.
    fn still(&self, source: &Source, number: u32) -> Result<Still, Failed> {
        let mut picture = RgbF32::new(Size::new(0, 0));
        let end = number.saturating_add(1);
        let mut decoder = RangeDecoder::open(source, &self.index, number, end, DECODER_THREADS)?;
        decoder.tonemap();
        if decoder.next(&mut picture)?.is_none() {
            return Err(Failed::last(format!("the film has no frame {number}")));
        }
        let video = self.video.clone().as_decoded(&self.index);
        let orientation = video.orientation.unwrap_or_default();
        Ok(Still::new(&picture, orientation, video.sample_aspect_ratio))
    }
}

/// What is known of the video of a film.
fn probe(film: &Source) -> Result<VideoInfo, Failed> {
    let _little = LittleMemory::begin();
    Ok(media::probe(film)?.video)
}

/// The frames of a job's source.
fn listed(film: &Source, list: &FrameListFile) -> Result<(Index, VideoInfo), Failed> {
    Ok((frame_list::read(list)?, probe(film)?))
}

/// The frames of a source whose list is gone.
fn again(
    path: &FilePath,
    settings: &Settings,
    frames: u32,
    progress: &Progress,
) -> Result<(Index, VideoInfo), Failed> {
    let request = IndexRequest {
        source: path.clone(),
        settings: settings.clone(),
        method: IndexMethod::default(),
        frame_list: FilePath::from(Path::new("")),
    };
    match list_again(&request, Reading::Some, progress) {
        Ok((index, video)) if index.pts.len() == frames as usize => Ok((index, video)),
        // The packets do not tell the truth.
        Ok(_) | Err(Failed(Failure { kind: FailureKind::FramesDiffer, .. })) => {
            list_again(&request, Reading::Whole, progress)
        }
        Err(error) => Err(error),
    }
}

/// The frames of a result.
fn of_result(film: &Source, frames: u32) -> Result<(Index, VideoInfo), Failed> {
    let video = probe(film)?;
    let index = media::index(film, media::IndexMethod::Demux, &mut |_| {})?;
    if index.pts.len() == frames as usize {
        return Ok((index, video));
    }
    Ok((media::index(film, media::IndexMethod::Decode, &mut |_| {})?, video))
}

/// A frame of a film of which nothing is known.
fn glance(
    film: &Source,
    decode: impl FnOnce(&Source, &mut RgbF32) -> Result<(), media::Error>,
) -> Result<Still, Failed> {
    let video = probe(film)?;
    let mut picture = RgbF32::new(Size::new(0, 0));
    decode(film, &mut picture)?;
    Ok(Still::new(&picture, video.orientation.unwrap_or_default(), video.sample_aspect_ratio))
}

/// A frame of a finished segment.
fn of_segment(
    file: &Path,
    range: SegmentRange,
    number: u32,
    orientation: Orientation,
) -> Result<Still, Failed> {
    let gone = |why: String| Failed::transient(format!("a finished segment cannot be read: {why}"));
    // The packets do not come in the order in which their frames are shown.
    let mut packets: Vec<(i64, bool)> = Vec::new();
    let mut log = join::open(file).map_err(gone)?;
    while let Some(packet) = log.next_packet()? {
        packets.push((packet.pts, packet.keyframe));
    }
    let mut times: Vec<i64> = packets.iter().map(|&(pts, _)| pts).collect();
    times.sort_unstable();
    let place = number.checked_sub(range.first).map(|place| place as usize);
    let wanted = place.and_then(|place| times.get(place)).copied();
    let wanted = wanted.ok_or_else(|| Failed::last(format!("the segment has no frame {number}")))?;
    // Nothing refers to what comes before a keyframe of a segment.
    let is_start = |&(pts, keyframe): &(i64, bool)| keyframe && pts <= wanted;
    let start = packets.iter().rposition(is_start).unwrap_or(0);

    let mut log = join::open(file).map_err(gone)?;
    let parameters: CodecParameters =
        serde_json::from_slice(log.header()).map_err(|error| gone(error.to_string()))?;
    let mut decoder = PictureDecoder::open(&parameters, wanted)?;
    let mut picture = RgbF32::new(Size::new(0, 0));
    let mut at = 0;
    let is_there = loop {
        let Some(packet) = log.next_packet()? else { break decoder.finish(&mut picture)? };
        if at >= start && decoder.push(packet.pts, packet.keyframe, &packet.data, &mut picture)? {
            break true;
        }
        at += 1;
    };
    if !is_there {
        return Err(Failed::transient(format!("a finished segment has no picture for frame {number}")));
    }
    Ok(Still::new(&picture, orientation, parameters.sample_aspect_ratio))
}
