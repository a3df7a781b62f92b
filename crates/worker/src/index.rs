//! Reading a source: is it a video, and when does each of its frames appear?

use std::path::Path;

use frame::{Orientation, Size};
use job::message::{IndexMethod, IndexRequest, Response};
use job::{Container, Encoding, Model, SegmentRange, SourceFacts};
use media::Index;

use crate::encoding::{Target, media_container};
use crate::failure::Failed;
use crate::model;
use crate::sandbox::LittleMemory;
use crate::{frame_list, wire::Progress};

/// Gaps that are told one by one.
const GAPS_TOLD: usize = 5;

/// Answers whether a file is a video.
pub(crate) fn probe(source: &Path) -> Result<Response, Failed> {
    let _little = LittleMemory::begin();
    let probe = media::probe(source)?;
    Ok(Response::Probed { description: format!("{} {}", probe.video.codec, probe.video.size) })
}

/// Makes the frame list.
pub(crate) fn run(request: &IndexRequest, progress: &Progress) -> Result<Response, Failed> {
    let source: &Path = &request.source;
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
    let (width, height) = request
        .settings
        .target
        .size(probe.video.size.width, probe.video.size.height)
        .map_err(|error| Failed::last(error.to_string()))?;
    let target = Target {
        source,
        settings: &request.settings,
        probe: &probe,
        time_base: index.time_base,
        size: Size::new(width, height),
        threads: job::ENCODER_THREADS,
    };
    let choice = target.choose(request.settings.container)?;
    let (operations_per_pixel, network_scale) = match request.settings.model {
        Model::None => (0, 1),
        Model::BuiltIn { .. } | Model::File { .. } => {
            let network = model::network(&request.settings)?;
            (network.flops_per_pixel() as u64, network.scale as u32)
        }
    };
    let ticks =
        index.pts.last().zip(index.pts.first()).map_or(0, |(last, first)| last - first) + index.last_duration;
    let mut notes = losses(&index);
    if !request.settings.fill_gaps
        && let Some(loss) = notes.first()
    {
        return Err(Failed::last(format!(
            "{loss}: use a better copy, or --fill-gaps to take what is there and show the picture before where one is missing"
        )));
    }
    if index.left_out > 0 {
        notes.push(format!(
            "{} frames before the first whole picture cannot be decoded: the result begins behind them",
            index.left_out
        ));
    }
    if index.method == media::IndexMethod::Decode {
        notes.push("the file's times cannot be trusted: every frame was decoded to find its time".to_owned());
    }
    if probe.video.is_interlaced {
        notes.push("the video is interlaced: its frames are upscaled as they are".to_owned());
    }
    if let Some(loss) = &choice.loss {
        notes.push(format!("no encoder keeps all of the source: {loss}"));
    }
    if target.is_tonemapped() {
        notes.push("HDR was brought to BT.709 with 8 bits".to_owned());
    }
    if probe.video.has_alpha {
        notes.push("the video is transparent in parts: the result is not".to_owned());
    }
    let container = container(request, &probe, &choice.encodings);
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
    let size = orientation.size(probe.video.size);
    Ok(Response::Indexed(Box::new(SourceFacts {
        codec: probe.video.codec.clone(),
        width: size.width,
        height: size.height,
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
    })))
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
fn clock(index: &Index, pts: i64) -> String {
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
