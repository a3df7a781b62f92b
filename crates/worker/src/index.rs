//! Reading a source: is it a video, when does each of its frames appear, and what of it cannot be kept?

mod content;
mod early;
mod notes;
mod shape;
mod wanted;

use std::path::Path;

use frame::Size;
use job::bounds::MOST_FRAMES;
use job::state::IndexMethod;
use job::{
    Carry, Container, Encoding, LARGEST_SIDE, Notice, Remedy, SegmentRange, Settings, Shape, SourceFacts,
};
use media::{Index, Source};
use protocol::message::{Head, IndexRequest, Response, VideoFacts};

use crate::encoding::{Choice, Output, media_container};
use crate::failure::Failed;
use crate::model;
use crate::sandbox::LittleMemory;
use crate::source::source;
use crate::{frame_list, rehearsal, wire::Progress};

use early::{refuse_early, refuse_part, refuse_result};
use shape::cropped;
pub(crate) use shape::shape;
pub(crate) use wanted::wanted_crop;
use wanted::{wanted, window};

/// Says what the head of a video says.
pub(crate) fn look(path: &Path, stream: Option<u32>) -> Result<Response, Failed> {
    let _little = LittleMemory::begin();
    let source = source(path, stream);
    let probe = media::probe(&source)?;
    let shape = shape(&probe.video);
    let count = |kind| probe.streams.iter().filter(|stream| stream.kind == kind).count() as u32;
    let rate = probe.video.frame_rate;
    Ok(Response::Looked(Box::new(VideoFacts {
        width: shape.width,
        height: shape.height,
        is_turned: shape.is_turned,
        pixel: shape.pixel,
        seconds: probe.duration_seconds.filter(|seconds| *seconds >= 0.0),
        frames_per_second: rate.is_known().then(|| rate.to_f64()).filter(|rate| *rate > 0.0),
        is_interlaced: probe.video.is_interlaced,
        is_hdr: media::is_hdr(probe.video.color.transfer),
        sound: count(media::StreamKind::Audio),
        subtitles: count(media::StreamKind::Subtitle),
        unfinished: media::unfinished(&source)?,
        codec: probe.video.codec,
        made_by: probe.made_by,
    })))
}

/// Answers whether a file is a video, and whether it is all there as far as its heads tell.
pub(crate) fn probe(path: &Path) -> Result<Response, Failed> {
    let _little = LittleMemory::begin();
    let source = source(path, None);
    let probe = media::probe(&source)?;
    let description = format!("{} {}", probe.video.codec, probe.video.size);
    Ok(Response::Probed {
        description,
        columns: probe.video.size.width,
        rows: probe.video.size.height,
        seconds: probe.duration_seconds,
        unfinished: media::unfinished(&source)?,
        head: head(&probe),
        made_by: probe.made_by,
    })
}

/// What the head of a file says of its frames, where that is believable.
fn head(probe: &media::Probe) -> Option<Head> {
    let shape = shape(&probe.video);
    let frames = (probe.duration_seconds? * probe.video.frame_rate.to_f64()).round();
    let is_believed = frames >= 1.0 && frames <= f64::from(MOST_FRAMES);
    let has_pictures = [shape.width, shape.height].iter().all(|side| (1..=LARGEST_SIDE).contains(side));
    (is_believed && has_pictures).then_some(Head { shape, frames: frames as u32 })
}

/// Makes the frame list, and finds what the job needs to know.
pub(crate) fn run(request: &IndexRequest, progress: &Progress) -> Result<Response, Failed> {
    let work = || examine(request, Reading::Whole, progress);
    // A minute from the beginning of a film is not to take the time of reading all of it.
    let (examined, content) = if request.settings.part.is_some() {
        (work()?, None)
    } else {
        content::beside(&request.source, progress, work)?
    };
    Ok(Response::Indexed(Box::new(SourceFacts { content, ..examined.facts })))
}

/// How the frame list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// By decoding everything.
    Whole,
    /// By the packets where they tell, and looks at some frames: for an estimate.
    Some,
}

/// What was found of a source.
pub(crate) struct Examined {
    pub(crate) facts: SourceFacts,
    pub(crate) index: Index,
    /// Bytes of what goes with the video.
    pub(crate) other_bytes: u64,
}

/// Makes the frame list, and finds what there is to know of a source.
pub(crate) fn examine(
    request: &IndexRequest,
    reading: Reading,
    progress: &Progress,
) -> Result<Examined, Failed> {
    let settings = &request.settings;
    let source = &source(&request.source, settings.stream);
    let little = LittleMemory::begin();
    let mut probe = media::probe(source)?;
    // Decoding large pictures rightly takes more.
    drop(little);
    refuse_result(settings, &probe)?;
    let of_dynamic_metadata = media::dynamic_metadata(source, &probe.video)?;
    refuse_early(source, settings, &probe)?;
    if let Some(part) = settings.part {
        refuse_part((source, part), probe.duration_seconds, progress)?;
    }
    let network = network(settings)?;
    let mut notes: Vec<Notice> = notes::of_parts(&request.source).into_iter().map(Notice::from).collect();
    notes.extend(probe.choice.clone().map(|choice| Notice::new(choice, Remedy::OtherStream)));
    let index = list((request, reading), (source, &probe.video), progress, &mut notes)?;
    let cropped = cropped(index.canvas.map_or(probe.video.size, |canvas| canvas.size), &index);
    probe.video = probe.video.as_decoded(&index);
    notes.extend(of_dynamic_metadata.into_iter().map(Notice::from));
    notes.extend(notes::pauses(&probe.format, &index).map(Notice::from));
    notes.extend(notes::of_bitmaps(&probe, &index).map(Notice::from));
    let Decided { choice, container, carry, other_bytes, shape } =
        decide(request, (source, &probe), &index, progress, &mut notes)?;
    let ticks =
        index.pts.last().zip(index.pts.first()).map_or(0, |(last, first)| last - first) + index.last_duration;
    let facts = SourceFacts {
        codec: probe.video.codec.clone(),
        width: shape.width,
        height: shape.height,
        frames: index.pts.len() as u32,
        keyframes: index.keyframes.clone(),
        seconds: ticks as f64 * index.time_base.to_f64(),
        container,
        encodings: choice.encodings,
        replaced: Vec::new(),
        refused: choice.refused,
        operations_per_pixel: network.operations_per_pixel,
        network_scale: network.scale,
        frame_list_blake3: frame_list::write(&index, &request.frame_list)?,
        missing: index.missing.iter().map(|run| SegmentRange { first: run.start, end: run.end }).collect(),
        notes,
        pixel: shape.pixel,
        is_turned: shape.is_turned,
        carry,
        cut_off: index.cut_off.clone(),
        crop: cropped,
        content: None,
        changes: changes(&index, probe.video.size),
    };
    Ok(Examined { facts, index, other_bytes })
}

/// How much changes from picture to picture, of what is left of the pictures.
fn changes(index: &Index, left: Size) -> job::Changes {
    let whole = index.canvas.map_or(left, |canvas| canvas.size);
    let times = whole.pixels() as f64 / left.pixels().max(1) as f64;
    let of_left = |share: u16| (f64::from(share) * times).min(u16::MAX.into()) as u16;
    let shares: Vec<u16> = index.changes_of_frames().into_iter().map(of_left).collect();
    job::Changes::of(&shares)
}

/// The frame list alone of a source that a job was made of before, and what is known of its video; nothing is written.
pub(crate) fn list_again(
    request: &IndexRequest,
    reading: Reading,
    progress: &Progress,
) -> Result<(Index, media::VideoInfo), Failed> {
    let source = &source(&request.source, request.settings.stream);
    let little = LittleMemory::begin();
    let video = media::probe(source)?.video;
    drop(little);
    let index = list((request, reading), (source, &video), progress, &mut Vec::new())?;
    Ok((index, video))
}

/// What a job's network is like, as far as its plan needs it.
struct Network {
    operations_per_pixel: u64,
    scale: u32,
}

fn network(settings: &Settings) -> Result<Network, Failed> {
    if !settings.has_network() {
        return Ok(Network { operations_per_pixel: 0, scale: 1 });
    }
    let network = model::network(settings)?;
    Ok(Network { operations_per_pixel: network.flops_per_pixel() as u64, scale: network.scale as u32 })
}

/// What is decided for a film once its frames are known.
struct Decided {
    choice: Choice,
    container: Container,
    carry: Carry,
    /// Bytes of what goes with the video.
    other_bytes: u64,
    /// Of the pictures, turned as the container needs them.
    shape: Shape,
}

/// Chooses encoder and container, and rehearses the join with them.
fn decide(
    request: &IndexRequest,
    (source, probe): (&Source, &media::Probe),
    index: &Index,
    progress: &Progress,
    notes: &mut Vec<Notice>,
) -> Result<Decided, Failed> {
    let settings = &request.settings;
    let (width, height) = settings.target.size(shape(&probe.video))?;
    let (size, threads) = (Size::new(width, height), job::ENCODER_THREADS);
    let output = Output { source, settings, probe, index, size, threads };
    let choice = output.choose(settings.container)?;
    if let Some(loss) = &choice.loss {
        notes.push(format!("no encoder keeps all of the source: {loss}").into());
    }
    let container = container(settings, probe, &choice.encodings);
    let found = rehearsal::run(&output, &choice.encodings, container, &request.frame_list, progress)?;
    notes.extend(found.notes);
    let container = found.container;
    notes.extend(notes::of_pictures(&probe.video, output.is_tonemapped(), container));
    let orientation = media_container(container).orientation(&probe.video);
    let shape = shape(&probe.video.clone().turned(orientation));
    notes.extend(notes::shrinking(settings.target, shape).map(Notice::from));
    Ok(Decided { choice, container, carry: found.carry, other_bytes: found.other_bytes, shape })
}

/// The frame list, with what people should know of it in `notes`.
fn list(
    (request, reading): (&IndexRequest, Reading),
    (source, video): (&Source, &media::VideoInfo),
    progress: &Progress,
    notes: &mut Vec<Notice>,
) -> Result<Index, Failed> {
    let method = match (reading, request.method) {
        (Reading::Some, _) => media::IndexMethod::Demux,
        (Reading::Whole, IndexMethod::Demux) => media::IndexMethod::Check,
        (Reading::Whole, IndexMethod::Decode) => media::IndexMethod::Decode,
    };
    let mut tell = |frames: u64| progress.tell(frames as u32, 0);
    let (crop, window) = (wanted_crop(request.settings.crop), request.settings.part.map(window));
    let with_bars = crop == Some(media::Crop::Bars);
    // Without a network, nothing depends on it.
    let changes = request.settings.reuse.filter(|_| request.settings.has_network());
    let options = media::IndexOptions { method, with_bars, changes, window };
    let mut index = media::index_with(source, options, &mut tell)?;
    let is_read = !index.digests.is_empty();
    if !is_read && window.is_none_or(|window| window.to.is_none()) {
        index.cut_off = media::unfinished(source)?;
    }
    let of_part = window.map(|window| index.clone().cut_to(window)).transpose()?;
    let told = of_part.as_ref().unwrap_or(&index);
    if let Some(loss) = notes::loss(told) {
        if !request.settings.fill_gaps {
            return Err(Failed::last(Notice::new(loss, Remedy::FillGaps)));
        }
        notes.push(loss.into());
    }
    notes.extend(notes::of_list(told).into_iter().map(Notice::from));
    let deinterlace = wanted(request.settings.deinterlace);
    let (mut index, of_fields) = if is_read {
        media::deinterlace(source, index, deinterlace, &mut tell)?
    } else {
        media::deinterlace_by_samples(source, index, deinterlace)?
    };
    notes.extend(of_fields.map(Notice::from));
    if let Some(crop) = crop {
        if crop == media::Crop::Bars && !is_read {
            media::look_for_bars(source, &mut index, video.size, window.unwrap_or_default())?;
        }
        notes.extend(media::crop(&mut index, video, crop)?.map(Notice::from));
    }
    match window {
        Some(window) => Ok(index.cut_to(window)?),
        None => Ok(index),
    }
}

/// The container that the user chose, else the one that holds what the source holds.
pub(crate) fn container(settings: &Settings, probe: &media::Probe, encodings: &[Encoding]) -> Container {
    let fits_mp4 = |encoding: &Encoding| encoding.about().is_some_and(|about| about.codec.fits_mp4());
    settings.container.unwrap_or_else(|| match media::Container::choose(probe) {
        media::Container::Mp4 if encodings.iter().all(fits_mp4) => Container::Mp4,
        media::Container::Mp4 | media::Container::Matroska => Container::Matroska,
    })
}
