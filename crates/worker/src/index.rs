//! Reading a source: is it a video, and when does each of its frames appear?

use std::path::Path;

use frame::{Orientation, Size};
use job::message::{IndexMethod, IndexRequest, Response};
use job::{Container, Deinterlace, Encoding, SegmentRange, Shape, SourceFacts, Target};
use media::Index;

use crate::encoding::{Output, media_container};
use crate::failure::Failed;
use crate::model;
use crate::sandbox::LittleMemory;
use crate::source::source;
use crate::{frame_list, rehearsal, wire::Progress};

/// Gaps that are told one by one.
const GAPS_TOLD: usize = 5;

/// Answers whether a file is a video.
pub(crate) fn probe(source: &Path) -> Result<Response, Failed> {
    let _little = LittleMemory::begin();
    let probe = media::probe(&media::Source::file(source))?;
    let description = format!("{} {}", probe.video.codec, probe.video.size);
    Ok(Response::Probed { description, unfinished: None })
}

/// Makes the frame list.
pub(crate) fn run(request: &IndexRequest, progress: &Progress) -> Result<Response, Failed> {
    let source = &source(&request.source, request.settings.stream);
    let little = LittleMemory::begin();
    let probe = media::probe(source)?;
    // Decoding large pictures rightly takes more.
    drop(little);
    if let Some(made_by) = &probe.made_by
        && !request.settings.again
    {
        return Err(Failed::last(format!(
            "it is a result already, made by {made_by}: use --again to enlarge it once more"
        )));
    }
    let method = match request.method {
        // Whoever wants gaps filled gets to know of them before the first segment, rather than at the damage.
        IndexMethod::Demux if request.settings.fill_gaps => media::IndexMethod::Check,
        IndexMethod::Demux => media::IndexMethod::Demux,
        IndexMethod::Decode => media::IndexMethod::Decode,
    };
    let mut tell = |frames: u64| progress.tell(frames as u32, 0);
    let index = media::index(source, method, &mut tell)?;
    let mut notes: Vec<String> = probe.choice.iter().cloned().collect();
    let losses = losses(&index);
    if !request.settings.fill_gaps
        && let Some(loss) = losses.first()
    {
        return Err(Failed::last(format!(
            "{loss}: use a better copy, or --fill-gaps to take what is there and show the picture before where one is missing"
        )));
    }
    notes.extend(losses);
    let (index, of_fields) =
        media::deinterlace(source, index, wanted(request.settings.deinterlace), &mut tell)?;
    let (width, height) =
        request.settings.target.size(shape(&probe.video)).map_err(|error| Failed::last(error.to_string()))?;
    let output = Output {
        source,
        settings: &request.settings,
        probe: &probe,
        index: &index,
        size: Size::new(width, height),
        threads: job::ENCODER_THREADS,
    };
    let choice = output.choose(request.settings.container)?;
    let (operations_per_pixel, network_scale) = if request.settings.has_network() {
        let network = model::network(&request.settings)?;
        (network.flops_per_pixel() as u64, network.scale as u32)
    } else {
        (0, 1)
    };
    let ticks =
        index.pts.last().zip(index.pts.first()).map_or(0, |(last, first)| last - first) + index.last_duration;
    notes.extend(about_list(&index));
    if let Some(loss) = &choice.loss {
        notes.push(format!("no encoder keeps all of the source: {loss}"));
    }
    if output.is_tonemapped() {
        notes.push("HDR was brought to BT.709 with 8 bits".to_owned());
    }
    notes.extend(of_fields);
    if probe.video.has_alpha {
        notes.push("the video is transparent in parts: the result is not".to_owned());
    }
    let container = container(request, &probe, &choice.encodings);
    let found = rehearsal::run(&output, &choice.encodings, container, &request.frame_list, progress)?;
    notes.extend(found.notes);
    let container = found.container;
    let orientation = media_container(container).orientation(&probe.video);
    if orientation != Orientation::UPRIGHT {
        notes
            .push("the pictures were turned upright: Matroska files have no place for a rotation".to_owned());
    } else if probe.video.orientation.is_none() && container == Container::Matroska {
        notes.push(
            "the rotation is lost, since Matroska files have no place for it: choose --container mp4"
                .to_owned(),
        );
    }
    let shape = shape(&probe.video.clone().turned(orientation));
    notes.extend(shrinking(request.settings.target, shape));
    Ok(Response::Indexed(Box::new(SourceFacts {
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
        cut_off: None,
    })))
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

/// Says when a result would be smaller than its source. A size that cannot be is told by the plan.
fn shrinking(target: Target, source: Shape) -> Option<String> {
    let Shape { width: from_width, height: from_height, .. } = source;
    let (width, height) = target.size(source).ok()?;
    let is_smaller = u64::from(width) * u64::from(height) < u64::from(from_width) * u64::from(from_height);
    is_smaller.then(|| {
        format!(
            "the result of {width}x{height} is smaller than the source of {from_width}x{from_height}: it has less detail"
        )
    })
}

/// What people should know of how the list was made.
fn about_list(index: &Index) -> Vec<String> {
    let mut notes = Vec::new();
    if index.left_out > 0 {
        notes.push(format!(
            "{} frames before the first whole picture cannot be decoded: the result begins behind them",
            index.left_out
        ));
    }
    if index.method == media::IndexMethod::Decode {
        notes.push("the file's times cannot be trusted: every frame was decoded to find its time".to_owned());
    }
    notes
}

/// What of the source is lost, in words.
fn losses(index: &Index) -> Vec<String> {
    let mut losses = Vec::new();
    if !index.gaps.is_empty() {
        let told = index.gaps.iter().take(GAPS_TOLD).map(|gap| {
            let time = |frame: u32| clock(index, index.pts[frame as usize]);
            let end = index
                .pts
                .get(gap.end as usize)
                .map_or_else(|| "the end".to_owned(), |&time| clock(index, time));
            format!("{}-{} ({} to {end})", gap.start, gap.end - 1, time(gap.start))
        });
        let told = told.collect::<Vec<_>>().join(", ");
        let more = match index.gaps.len().saturating_sub(GAPS_TOLD) {
            0 => String::new(),
            more => format!(" and {more} more gaps"),
        };
        losses.push(format!("frames {told}{more} are missing in the damaged file"));
    }
    if index.cut_off > 0 {
        losses.push(format!("the file is cut off: {} frames are missing at its end", index.cut_off));
    }
    losses
}

/// A time as players show it, from the first frame on.
pub(crate) fn clock(index: &Index, pts: i64) -> String {
    let start = index.pts.first().copied().unwrap_or(0);
    let milliseconds = ((pts - start) as f64 * index.time_base.to_f64() * 1000.0).round() as u64;
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The container that the user chose, else the one that holds what the source holds.
fn container(request: &IndexRequest, probe: &media::Probe, encodings: &[Encoding]) -> Container {
    let fits_mp4 = |encoding: &Encoding| encoding.about().is_some_and(|about| about.codec.fits_mp4());
    request.settings.container.unwrap_or_else(|| match media::Container::choose(probe) {
        media::Container::Mp4 if encodings.iter().all(fits_mp4) => Container::Mp4,
        media::Container::Mp4 | media::Container::Matroska => Container::Matroska,
    })
}
