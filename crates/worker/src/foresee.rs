//! What would be made of a file, as far as its head tells: names may say it, and are settled before anything is read whole.

use std::path::Path;

use frame::{Rational, Size};
use job::{Crop, Settings};
use media::Index;
use protocol::Made;
use protocol::message::Response;

use crate::encoding::{Output, media_container};
use crate::failure::Failed;
use crate::index::{container, shape, wanted_crop};
use crate::sandbox::LittleMemory;
use crate::source::source;

/// Looks at the head of a file. Black bars that are to be cut off are found later, and so are pictures of other sizes.
pub(crate) fn run(path: &Path, settings: &Settings) -> Result<Response, Failed> {
    let source = &source(path, settings.stream);
    let little = LittleMemory::begin();
    let mut probe = media::probe(source)?;
    drop(little);
    let mut index = Index::of_times(Rational::new(1, 1000), Vec::new());
    if let Crop::To(_) = settings.crop
        && let Some(crop) = wanted_crop(settings.crop)
    {
        media::crop(&mut index, &probe.video, crop)?;
        probe.video = probe.video.as_decoded(&index);
    }
    let (width, height) = settings.target.size(shape(&probe.video))?;
    let (size, threads) = (Size::new(width, height), job::ENCODER_THREADS);
    let output = Output { source, settings, probe: &probe, index: &index, size, threads };
    let encodings = output.choose(settings.container)?.encodings;
    let container = container(settings, &probe, &encodings);
    let orientation = media_container(container).orientation(&probe.video);
    let shape = shape(&probe.video.clone().turned(orientation));
    let made = Made::new(settings, shape, &encodings);
    made.map(Response::Foreseen)
        .ok_or_else(|| Failed::last("the source has no pictures that can be enlarged"))
}
