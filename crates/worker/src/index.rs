//! Reading a source: is it a video, and when does each of its frames appear?

use std::path::Path;

use job::message::{IndexMethod, IndexRequest, Response};
use job::{Container, Model, SourceFacts};

use crate::failure::Failed;
use crate::model;
use crate::sandbox::LittleMemory;
use crate::{frame_list, wire::Progress};

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
    let method = match request.method {
        IndexMethod::Demux => media::IndexMethod::Demux,
        IndexMethod::Decode => media::IndexMethod::Decode,
    };
    let mut tell = |frames: u64| progress.tell(frames as u32, 0);
    let index = media::index(source, method, &mut tell)?;
    let (operations_per_pixel, network_scale) = match request.settings.model {
        Model::None => (0, 1),
        Model::BuiltIn { .. } | Model::File { .. } => {
            let network = model::network(&request.settings)?;
            (network.flops_per_pixel() as u64, network.scale as u32)
        }
    };
    let ticks =
        index.pts.last().zip(index.pts.first()).map_or(0, |(last, first)| last - first) + index.last_duration;
    let mut notes = Vec::new();
    if index.method == media::IndexMethod::Decode {
        notes.push("the file's times cannot be trusted: every frame was decoded to find its time".to_owned());
    }
    if probe.video.is_interlaced {
        notes.push("the video is interlaced: its frames are upscaled as they are".to_owned());
    }
    if probe.video.has_alpha {
        notes.push("the video is transparent in parts: the result is not".to_owned());
    }
    Ok(Response::Indexed(Box::new(SourceFacts {
        codec: probe.video.codec.clone(),
        width: probe.video.size.width,
        height: probe.video.size.height,
        frames: index.pts.len() as u32,
        keyframes: index.keyframes.clone(),
        seconds: ticks as f64 * index.time_base.to_f64(),
        container: container(request, &probe),
        pixel_format: media::output_pixel_format(&probe.video),
        operations_per_pixel,
        network_scale,
        frame_list_blake3: frame_list::write(&index, &request.frame_list)?,
        notes,
    })))
}

/// The container that the user chose, else the one that holds what the source holds.
fn container(request: &IndexRequest, probe: &media::Probe) -> Container {
    request.settings.container.unwrap_or_else(|| match media::Container::choose(probe) {
        media::Container::Mp4 => Container::Mp4,
        media::Container::Matroska => Container::Matroska,
    })
}
