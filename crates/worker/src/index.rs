//! Reading a source: is it a video, when does each of its frames appear, and what of it cannot be kept?

mod notes;

use std::path::Path;

use frame::{Area, Rational, Size};
use job::message::{IndexMethod, IndexRequest, Response};
use job::{
    Container, Crop, CropArea, Cropped, Deinterlace, Encoding, FilmTime, Part, SegmentRange, Settings, Shape,
    SourceFacts,
};
use media::{Index, Source};

use crate::encoding::{Output, media_container};
use crate::failure::Failed;
use crate::model;
use crate::sandbox::LittleMemory;
use crate::source::source;
use crate::{frame_list, rehearsal, wire::Progress};

/// Answers whether a file is a video, and whether it is all there as far as its heads tell.
pub(crate) fn probe(path: &Path) -> Result<Response, Failed> {
    let _little = LittleMemory::begin();
    let source = source(path, None);
    let probe = media::probe(&source)?;
    let description = format!("{} {}", probe.video.codec, probe.video.size);
    Ok(Response::Probed {
        description,
        rows: probe.video.size.height,
        unfinished: media::unfinished(&source)?,
        made_by: probe.made_by,
    })
}

/// Makes the frame list, and finds what the job needs to know.
pub(crate) fn run(request: &IndexRequest, progress: &Progress) -> Result<Response, Failed> {
    let examined = examine(request, Reading::Whole, progress)?;
    Ok(Response::Indexed(Box::new(examined.facts)))
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
    if let Some(made_by) = &probe.made_by
        && !settings.again
    {
        return Err(Failed::last(format!(
            "it is a result already, made by {made_by}: use --again to enlarge it once more"
        )));
    }
    let of_dynamic_metadata = media::dynamic_metadata(source, &probe.video)?;
    refuse_early(source, settings, &probe)?;
    if let Some(part) = settings.part {
        refuse_part((source, part), probe.duration_seconds, progress)?;
    }
    let (operations_per_pixel, network_scale) = if settings.has_network() {
        let network = model::network(settings)?;
        (network.flops_per_pixel() as u64, network.scale as u32)
    } else {
        (0, 1)
    };
    let mut notes: Vec<String> =
        notes::of_parts(&request.source).into_iter().chain(probe.choice.clone()).collect();
    let index = list((request, reading), (source, &probe.video), progress, &mut notes)?;
    let cropped = cropped(index.canvas.map_or(probe.video.size, |canvas| canvas.size), &index);
    probe.video = probe.video.as_decoded(&index);
    notes.extend(of_dynamic_metadata);
    notes.extend(notes::of_bitmaps(&probe, &index));
    let (width, height) =
        settings.target.size(shape(&probe.video)).map_err(|error| Failed::last(error.to_string()))?;
    let output = Output {
        source,
        settings,
        probe: &probe,
        index: &index,
        size: Size::new(width, height),
        threads: job::ENCODER_THREADS,
    };
    let choice = output.choose(settings.container)?;
    if let Some(loss) = &choice.loss {
        notes.push(format!("no encoder keeps all of the source: {loss}"));
    }
    let container = container(settings, &probe, &choice.encodings);
    let found = rehearsal::run(&output, &choice.encodings, container, &request.frame_list, progress)?;
    notes.extend(found.notes);
    let container = found.container;
    notes.extend(notes::of_pictures(&probe.video, output.is_tonemapped(), container));
    let orientation = media_container(container).orientation(&probe.video);
    let shape = shape(&probe.video.clone().turned(orientation));
    notes.extend(notes::shrinking(settings.target, shape));
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
        operations_per_pixel,
        network_scale,
        frame_list_blake3: frame_list::write(&index, &request.frame_list)?,
        gaps: index.gaps.iter().map(|gap| SegmentRange { first: gap.start, end: gap.end }).collect(),
        notes,
        pixel: shape.pixel,
        is_turned: shape.is_turned,
        carry: found.carry,
        cut_off: index.cut_off.clone(),
        crop: cropped,
    };
    Ok(Examined { facts, index, other_bytes: found.other_bytes })
}

/// Tries what was chosen of crop and encoder on the film as its head has it, before all of it is read.
fn refuse_early(source: &Source, settings: &Settings, probe: &media::Probe) -> Result<(), Failed> {
    // A head without a size is refused, or understood, once the film was read.
    let video = &probe.video;
    if let Some(media::Crop::To(area)) = wanted_crop(settings.crop)
        && video.size.pixels() > 0
    {
        media::crop(&mut Index::of_times(video.time_base, Vec::new()), video, media::Crop::To(area))?;
    }
    let is_chosen = settings.encoder.is_some() || settings.codec.is_some();
    if !is_chosen && settings.encoder_options.is_empty() && settings.container.is_none() {
        return Ok(());
    }
    let Ok((width, height)) = settings.target.size(shape(video)) else { return Ok(()) };
    let index = &Index::of_times(Rational::new(1, 1000), Vec::new());
    let threads = job::ENCODER_THREADS;
    let output = Output { source, settings, probe, index, size: Size::new(width, height), threads };
    output.choose(settings.container).map(drop)
}

/// The frame list, with what people should know of it in `notes`.
fn list(
    (request, reading): (&IndexRequest, Reading),
    (source, video): (&Source, &media::VideoInfo),
    progress: &Progress,
    notes: &mut Vec<String>,
) -> Result<Index, Failed> {
    let method = match (reading, request.method) {
        (Reading::Some, _) => media::IndexMethod::Demux,
        (Reading::Whole, IndexMethod::Demux) => media::IndexMethod::Check,
        (Reading::Whole, IndexMethod::Decode) => media::IndexMethod::Decode,
    };
    let mut tell = |frames: u64| progress.tell(frames as u32, 0);
    let (crop, window) = (wanted_crop(request.settings.crop), request.settings.part.map(window));
    let options = media::IndexOptions { method, looks: crop == Some(media::Crop::Bars), window };
    let mut index = media::index_with(source, options, &mut tell)?;
    let is_read = !index.digests.is_empty();
    if !is_read && window.is_none_or(|window| window.to.is_none()) {
        index.cut_off = media::unfinished(source)?;
    }
    let of_part = window.map(|window| index.clone().cut_to(window)).transpose()?;
    let told = of_part.as_ref().unwrap_or(&index);
    if let Some(loss) = notes::loss(told) {
        if !request.settings.fill_gaps {
            return Err(Failed::last(format!(
                "{loss}: use a better copy, or --fill-gaps to take what is there and show the picture before where one is missing"
            )));
        }
        notes.push(loss);
    }
    notes.extend(notes::of_list(told));
    let deinterlace = wanted(request.settings.deinterlace);
    let (mut index, of_fields) = if is_read {
        media::deinterlace(source, index, deinterlace, &mut tell)?
    } else {
        media::deinterlace_by_samples(source, index, deinterlace)?
    };
    notes.extend(of_fields);
    if let Some(crop) = crop {
        if crop == media::Crop::Bars && !is_read {
            media::look_for_bars(source, &mut index, video.size, window.unwrap_or_default())?;
        }
        notes.extend(media::crop(&mut index, video, crop)?);
    }
    match window {
        Some(window) => Ok(index.cut_to(window)?),
        None => Ok(index),
    }
}

/// The part of the film that is wanted, for `media`.
fn window(part: Part) -> media::Window {
    let micros = |time: FilmTime| time.0;
    media::Window { from: part.from.map(micros), to: part.to.map(micros) }
}

/// Refuses a part that begins behind the end of the film before all of it is decoded, where the file states its length.
fn refuse_part(
    (source, part): (&Source, Part),
    stated: Option<f64>,
    progress: &Progress,
) -> Result<(), Failed> {
    /// Seconds by which the length that is stated may be wrong.
    const ROOM: f64 = 2.0;
    let is_near = part.from.zip(stated).is_some_and(|(from, stated)| from.seconds() + ROOM > stated);
    if !is_near {
        return Ok(());
    }
    let window = media::Window { to: None, ..window(part) };
    let method = media::IndexMethod::Demux;
    let options = media::IndexOptions { method, looks: false, window: Some(window) };
    media::index_with(source, options, &mut |_| progress.tell(0, 0))?.cut_to(window)?;
    Ok(())
}

/// What is wanted of interlaced video, for `media`.
const fn wanted(deinterlace: Deinterlace) -> media::Deinterlace {
    match deinterlace {
        Deinterlace::Auto => media::Deinterlace::Auto,
        Deinterlace::Off => media::Deinterlace::Off,
        Deinterlace::Frame => media::Deinterlace::Frame,
        Deinterlace::Field => media::Deinterlace::Field,
        Deinterlace::Telecine => media::Deinterlace::Telecine,
    }
}

/// What is to be cut off, for `media`.
pub(crate) const fn wanted_crop(crop: Crop) -> Option<media::Crop> {
    match crop {
        Crop::Off => None,
        Crop::Auto => Some(media::Crop::Bars),
        Crop::To(CropArea { width, height, left, top }) => {
            Some(media::Crop::To(Area { x: left, y: top, size: Size::new(width, height) }))
        }
    }
}

/// What is left of pictures of a size.
fn cropped(from: Size, index: &Index) -> Option<Cropped> {
    let Area { x, y, size } = index.crop?;
    let kept = CropArea { width: size.width, height: size.height, left: x, top: y };
    Some(Cropped { from_width: from.width, from_height: from.height, kept })
}

/// The size of a source's pictures and how players show them.
pub(crate) fn shape(video: &media::VideoInfo) -> Shape {
    let pixel = video.sample_aspect_ratio;
    Shape {
        width: video.size.width,
        height: video.size.height,
        pixel: if pixel.is_known() { (pixel.num as u32, pixel.den as u32) } else { (0, 0) },
        // Quarter turns have a sine of 1 or -1.
        is_turned: video.rotation.is_some_and(|degrees| degrees.to_radians().sin().abs() > 0.9),
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
