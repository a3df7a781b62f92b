//! What is cut off of the pictures of a film: decided once, when its frame list is made ([`crop`]), and done to every frame as it
//! leaves the decoder, before fields are filtered and colours are converted, so that nothing of what is cut off is seen in what
//! is left.

use frame::{Area, Rational, Seen, Size, without_bars};

use crate::bars::Bars;
use crate::color::guessed;
use crate::decode::Numbered;
use crate::fields::is_large_enough;
use crate::frame_list::{Index, Window};
use crate::raw::filter::{Formats, Graph};
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;
use crate::{Error, Source, VideoInfo};

/// What is to be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crop {
    /// Black bars, if all frames have them.
    Bars,
    /// All but this part.
    To(Area),
}

/// Decides what is cut off of the frames of a list, puts it into the list, and gives what people should know. `video` is the film
/// as its head has it.
///
/// The sides of what is left lie where a sample of chroma begins, and for interlaced frames where it does so in both fields: a
/// part that is asked for is rounded inward, bars outward.
///
/// # Errors
/// [`Error::Crop`] when a part is asked for that the pictures have not, or that is too small.
pub fn crop(index: &mut Index, video: &VideoInfo, wanted: Crop) -> Result<Option<String>, Error> {
    let video = video.clone().as_decoded(index);
    let (size, steps) = (video.size, steps(index, &video));
    let is_large = |area: &Area| index.fields.is_none() || is_large_enough(area.size).is_ok();
    let (kept, what) = match wanted {
        Crop::Bars => {
            // Even sides for results that are as many times larger as anything else.
            let steps = (steps.0.max(2), steps.1.max(2));
            let found = index.seen.and_then(|seen| without_bars(seen, size, steps)).filter(is_large);
            let Some(found) = found else {
                return Ok(Some(
                    "no black bars were found that all frames have: nothing is cut off".to_owned(),
                ));
            };
            (found, "black bars are cut off".to_owned())
        }
        Crop::To(area) => {
            if !area.is_within(size) {
                return Err(Error::Crop { area: words(area), size });
            }
            let rounded = area.inward(steps, size);
            if !rounded.is_within(size) || !is_large(&rounded) {
                return Err(Error::CropTooSmall(words(area)));
            }
            if rounded == area {
                (rounded, "the picture is cropped".to_owned())
            } else {
                let (across, down) = steps;
                let why = format!("{} was asked for, and colours lie on {across}x{down} pixels", words(area));
                (rounded, format!("the picture is cropped ({why})"))
            }
        }
    };
    if kept == Area::whole(size) {
        return Ok(None);
    }
    index.crop = Some(kept);
    Ok(Some(format!("{what}: {size} becomes {} (crop {})", kept.size, words(kept))))
}

/// As FFmpeg's crop filter has it.
fn words(Area { x, y, size }: Area) -> String {
    format!("{}:{}:{x}:{y}", size.width, size.height)
}

/// Columns and rows after which a part of a picture may begin.
fn steps(index: &Index, video: &VideoInfo) -> (u32, u32) {
    let format = PixelFormat::named(&video.pixel_format);
    let (across, down) = format.map_or((1, 1), PixelFormat::chroma_shift);
    (1 << across, if index.fields.is_some() { 2 << down } else { 1 << down })
}

/// Frames that [`look_for_bars`] looks at.
const LOOKED_AT: u32 = 24;

/// Looks for black bars in some frames from all over a film, up to the end of a window, whose list was made without looking at
/// all of them.
///
/// # Errors
/// When the file cannot be read or decoded as the list says.
pub fn look_for_bars(source: &Source, index: &mut Index, size: Size, window: Window) -> Result<(), Error> {
    let list = index.decoded();
    let frames = list.frames_until(window) as u32;
    let (mut bars, mut seen) = (Bars::default(), Seen::nothing(size));
    let places = LOOKED_AT.min(frames);
    for number in 0..places {
        let wanted =
            (u64::from(frames.saturating_sub(1)) * u64::from(number) / u64::from(places.max(2) - 1)) as u32;
        // What can be decoded at once is as good.
        let before = list.keyframes.partition_point(|&keyframe| keyframe <= wanted);
        let first = list.keyframes[..before].last().copied().filter(|_| list.seekable).unwrap_or(wanted);
        let mut decoded = Numbered::open(source, list, list.present_from(first), 1)?;
        if decoded.next()?.is_some() {
            let frame = decoded.frame();
            if frame.size() != size {
                seen = Seen::everything(size);
                break;
            }
            bars.look(frame, &mut seen);
        }
    }
    index.seen = seen.area();
    Ok(())
}

/// Cuts frames as they come from the decoder.
#[derive(Debug)]
pub(crate) struct Cropper {
    area: Area,
    /// How frames of a kind are cut; `None` for those that cannot be before they are RGB.
    graph: Option<((Size, PixelFormat), Option<Graph>)>,
    cut: RawFrame,
}

impl Cropper {
    pub(crate) fn new(area: Area) -> Result<Self, Error> {
        Ok(Self { area, graph: None, cut: RawFrame::new()? })
    }

    pub(crate) fn area(&self) -> Area {
        self.area
    }

    /// Cuts a frame of the film's kind, if that is possible. What is not known of its colours is guessed first, by its size.
    pub(crate) fn crop(&mut self, frame: &mut RawFrame) -> Result<(), Error> {
        let kind = (frame.size(), frame.format());
        let graph = match &mut self.graph {
            Some((known, graph)) if *known == kind => graph,
            other => &mut other.insert((kind, cut(self.area, kind))).1,
        };
        let Some(graph) = graph else { return Ok(()) };
        let color = guessed(frame.color(), frame.size(), frame.format());
        graph.run(frame, &mut self.cut)?;
        self.cut.set_color(color);
        std::mem::swap(frame, &mut self.cut);
        Ok(())
    }
}

fn cut(area: Area, (size, format): (Size, PixelFormat)) -> Option<Graph> {
    let (across, down) = format.chroma_shift();
    let is_at = |begin: u32, shift: u32| begin.is_multiple_of(1 << shift);
    if !area.is_within(size) || !is_at(area.x, across) || !is_at(area.y, down) {
        return None;
    }
    let description = format!("crop={}:exact=1", words(area));
    Graph::of_sequence(format, size, Rational::new(1000, 1), &description, Formats::Keep).ok()
}
