//! Pictures that change inside a film: what of it is adapted, and what cannot be.

use frame::{Canvas, ColorDescription, Orientation, Rational};

use super::decoded::{Appearance, Decoded};
use super::film::Film;
use crate::bars;
use crate::frame_list::{Index, Part};
use crate::raw::pixel::PixelFormat;
use crate::{Error, is_hdr};

/// Changes that are told one by one.
const TOLD: usize = 6;

/// Puts the kinds of pictures of the decoded frames into a list. `numbers` has the decoded frame of each frame of the list;
/// The container's word on the shape of pixels
/// and on how they lie counts more than that of the video.
pub(super) fn add(
    index: &mut Index,
    decoded: &Decoded,
    numbers: &[Option<usize>],
    &Film { pixel, is_oriented, .. }: &Film,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let Some(&(_, first)) = decoded.appearances.first() else { return Ok(()) };
    let mut appearances: Vec<(u32, Appearance)> = Vec::new();
    // Of a film that goes on as it begins, nothing else has to be known.
    if decoded.appearances.len() > 1 {
        for (place, number) in (0..).zip(numbers).filter_map(|(place, number)| Some((place, (*number)?))) {
            let after = decoded.appearances.partition_point(|&(begin, _)| begin as usize <= number);
            let appearance = decoded.appearances[after.saturating_sub(1)].1;
            if appearances.last().is_none_or(|(_, last)| *last != appearance) {
                appearances.push((place, appearance));
            }
        }
    } else {
        appearances.push((0, first));
    }
    let of = |appearance: &Appearance| {
        let own = appearance.picture.pixel;
        let is_films = !own.is_known() || own == first.picture.pixel;
        let orientation = appearance.orientation.filter(|_| !is_oriented).unwrap_or_default();
        let pixel = if is_films { pixel } else { own };
        let turned = if orientation.transposed && pixel.is_known() {
            Rational::new(pixel.den, pixel.num)
        } else {
            pixel
        };
        (Canvas { size: orientation.size(appearance.picture.size), pixel: turned }, orientation)
    };
    for (place, appearance) in &appearances {
        let (picture, orientation) = of(appearance);
        let part = Part { first: *place, picture, orientation };
        if index.parts.last().is_none_or(|last| (last.picture, last.orientation) != (picture, orientation)) {
            index.parts.push(part);
        }
    }
    index.canvas = canvas(index);
    if let Some(canvas) = index.canvas {
        let areas = decoded.appearances.iter().zip(&decoded.seen).filter_map(|((_, appearance), seen)| {
            let (kind, orientation) = of(appearance);
            bars::in_canvas(seen, appearance.picture.size, (canvas, kind, orientation))
        });
        index.seen = areas.reduce(frame::Area::with);
        notes.extend(fitting(index, canvas));
    }
    notes.extend(turning(index));
    let formats: Vec<(u32, PixelFormat)> = runs(&appearances, |appearance| appearance.format);
    let deepest = formats.iter().rev().max_by_key(|(_, format)| richness(*format)).map(|(_, format)| *format);
    index.pixel_format = deepest.map(PixelFormat::name);
    if let (Some(deepest), true) = (deepest, formats.len() > 1) {
        let told = told(index, formats.iter().map(|(place, format)| (*place, format.name())));
        notes.push(format!("the pixel format changes: {told}: the result has that of {}", deepest.name()));
    }
    let colors = runs(&appearances, |appearance| appearance.color);
    refuse_curves(&colors)?;
    if colors.len() > 1 {
        let told = told(index, colors.iter().map(|(place, color)| (*place, in_words(*color))));
        notes.push(format!("the colours change: {told}: they become those of the beginning"));
    }
    Ok(())
}

/// The kind of picture that all frames get.
fn canvas(index: &Index) -> Option<Canvas> {
    let ends = index.parts.iter().skip(1).map(|part| part.first).chain([index.pts.len() as u32]);
    let kinds: Vec<(Canvas, u64)> =
        index.parts.iter().zip(ends).map(|(part, end)| (part.picture, u64::from(end - part.first))).collect();
    Canvas::of_all(&kinds)
}

fn fitting(index: &Index, canvas: Canvas) -> Option<String> {
    if index.parts.iter().all(|part| part.picture.is_like(canvas)) {
        return None;
    }
    let sizes = index.parts.iter().any(|part| part.picture.size != canvas.size);
    let what = if sizes { "its size" } else { "the shape of its pixels" };
    let told = told(index, index.parts.iter().map(|part| (part.first, kind(part.picture))));
    Some(format!("the picture changes {what}: {told}: each part is fitted into {}", kind(canvas)))
}

fn turning(index: &Index) -> Option<String> {
    if index.parts.iter().all(|part| part.orientation == Orientation::UPRIGHT) {
        return None;
    }
    let way = |part: &Part| {
        let lies = if part.orientation == Orientation::UPRIGHT { "upright" } else { "turned or mirrored" };
        (part.first, lies.to_owned())
    };
    let told = told(index, index.parts.iter().map(way));
    Some(format!("the video says itself how its pictures lie: {told}: they were brought upright"))
}

/// Curves of HDR and of usual screens, or two of HDR, cannot stand in one film.
fn refuse_curves(colors: &[(u32, ColorDescription)]) -> Result<(), Error> {
    let curve = |color: ColorDescription| is_hdr(color.transfer).then_some(color.transfer);
    let Some(&(_, first)) = colors.first() else { return Ok(()) };
    match colors.iter().find(|(_, color)| curve(*color) != curve(first)) {
        Some(&(frame, other)) => {
            Err(Error::PictureChanged { frame, before: in_words(first), after: in_words(other) })
        }
        None => Ok(()),
    }
}

/// What a look has in common with its neighbours, from which frame on.
fn runs<T: PartialEq>(appearances: &[(u32, Appearance)], of: impl Fn(&Appearance) -> T) -> Vec<(u32, T)> {
    let mut runs: Vec<(u32, T)> = Vec::new();
    for (place, appearance) in appearances {
        let value = of(appearance);
        if runs.last().is_none_or(|(_, last)| *last != value) {
            runs.push((*place, value));
        }
    }
    runs
}

/// How much a format can hold: bits of a sample, then chroma samples.
fn richness(format: PixelFormat) -> (u8, u32) {
    let (x, y) = format.chroma_shift();
    (format.bit_depth(), if format.is_gray() { 0 } else { 8 - x - y })
}

fn kind(Canvas { size, pixel }: Canvas) -> String {
    if pixel.is_known() && pixel.num != pixel.den {
        format!("{size} with pixels of {}:{}", pixel.num, pixel.den)
    } else {
        size.to_string()
    }
}

fn in_words(color: ColorDescription) -> String {
    crate::raw::color_names(color)
}

/// What holds from which frame on.
fn told(index: &Index, parts: impl ExactSizeIterator<Item = (u32, String)>) -> String {
    let more = parts.len().saturating_sub(TOLD);
    let told =
        parts.take(TOLD).map(|(first, what)| format!("{what} from frame {first} ({})", index.clock(first)));
    let told = told.collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{told}, and {more} more changes") } else { told }
}
