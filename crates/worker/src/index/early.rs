//! What is refused by the head of a film alone, before all of it is read.

use frame::{Rational, Size};
use job::{Notice, Part, Remedy, Settings};
use media::{Index, Source};

use super::shape::shape;
use super::wanted::{wanted_crop, window};
use crate::encoding::Output;
use crate::failure::Failed;
use crate::wire::Progress;

/// Refuses what is a result already, unless it is to be enlarged once more.
pub(super) fn refuse_result(settings: &Settings, probe: &media::Probe) -> Result<(), Failed> {
    match &probe.made_by {
        Some(made_by) if !settings.again => {
            let text = format!("it is a result already, made by {made_by}");
            Err(Failed::last(Notice::new(text, Remedy::Again)))
        }
        _ => Ok(()),
    }
}

/// Tries what was chosen of crop and encoder on the film as its head has it, before all of it is read.
pub(super) fn refuse_early(source: &Source, settings: &Settings, probe: &media::Probe) -> Result<(), Failed> {
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

/// Refuses a part that begins behind the end of the film before all of it is decoded, where the file states its length.
pub(super) fn refuse_part(
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
    let options = media::IndexOptions { method, with_bars: false, changes: None, window: Some(window) };
    media::index_with(source, options, &mut |_| progress.tell(0, 0))?.cut_to(window)?;
    Ok(())
}
