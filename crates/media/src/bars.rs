//! What of a film's pictures is not black: a look at every frame while the list is made.

use frame::{Canvas, Level, Orientation, Plane, Range, Seen, Size};

use crate::convert::{plain, planar};
use crate::raw::filter::Graph;
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;

/// Looks at frames.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    /// How frames of a format become such that can be looked at; `None` where none is needed, or there is none.
    luma: Option<((Size, PixelFormat), Option<Luma>)>,
}

/// A conversion, and room for what it gives.
type Luma = (Graph, RawFrame);

impl Bars {
    /// Looks at a frame. Of a format that cannot be looked at, everything counts as seen.
    pub(crate) fn look(&mut self, frame: &mut RawFrame, seen: &mut Seen) {
        let size = frame.size();
        if seen.area().is_some_and(|area| area.size == size) {
            return;
        }
        if is_readable(frame.format()) {
            return look(frame, seen);
        }
        let kind = (size, frame.format());
        let luma = match &mut self.luma {
            Some((known, luma)) if *known == kind => luma,
            other => &mut other.insert((kind, luma(kind))).1,
        };
        if let Some((graph, converted)) = luma
            && graph.run(frame, converted).is_ok()
        {
            // Of a conversion, the range may be another one.
            look(converted, seen);
        } else {
            *seen = Seen::everything(size);
        }
    }
}

fn luma((size, format): (Size, PixelFormat)) -> Option<Luma> {
    let name = if format.is_gray() { Some("gray".to_owned()) } else { planar(format) };
    let name = name.unwrap_or_else(|| "gbrp16le".to_owned());
    let graph = Graph::new(format, size, &format!("format={name}")).ok()?;
    is_readable(PixelFormat::named(&name)?).then_some((graph, RawFrame::new().ok()?))
}

/// True for planes of whole samples of 8 to 16 bits, whatever comes after the third.
fn is_readable(format: PixelFormat) -> bool {
    let format = PixelFormat::named(&plain(&format.name()).0).unwrap_or(format);
    let is_planar = if format.is_gray() { format.planes() == 1 } else { planar(format).is_none() };
    let is_whole = (8..=16).contains(&format.bit_depth()) && format.shift() == 0;
    is_planar && is_whole && !format.is_big_endian() && !format.has_palette()
}

fn is_full_range(frame: &RawFrame) -> bool {
    let format = frame.format();
    let (_, says_full) = plain(&format.name());
    let range = frame.color().range;
    says_full || format.is_rgb() || range == Range::Full || (format.is_gray() && range == Range::Unspecified)
}

fn look(frame: &RawFrame, seen: &mut Seen) {
    let (format, Size { width, height }) = (frame.format(), frame.size());
    let depth = u32::from(format.bit_depth());
    let step = 1 << (depth - 8);
    let black = Level::Bright(if is_full_range(frame) { 0 } else { 16 * step });
    for plane in 0..format.planes().min(3) {
        let is_chroma = plane > 0 && !format.is_rgb();
        let shift = if is_chroma { format.chroma_shift() } else { (0, 0) };
        let size = Size::new(width.div_ceil(1 << shift.0), height.div_ceil(1 << shift.1));
        let level = if is_chroma { Level::Chroma(128 * step) } else { black };
        seen.look(&Plane { size, depth, level, shift, row: &|y| frame.row(plane, y) });
    }
}

/// What was seen of pictures of a kind, as it lies in the canvas once they stand upright and are fitted into it.
pub(crate) fn in_canvas(
    seen: &Seen,
    picture: Size,
    (canvas, kind, orientation): (Canvas, Canvas, Orientation),
) -> Option<frame::Area> {
    let area = seen.area()?.upright(orientation, picture);
    Some(if canvas.is_like(kind) { area } else { canvas.area(kind, area) })
}

#[cfg(test)]
mod tests {
    use frame::{Area, ColorDescription};

    use super::*;

    /// What is seen of a picture that is dark blue between black bars, in a format.
    fn seen(name: &str, range: Range) -> Option<Area> {
        let size = Size::new(64, 48);
        let rgb = PixelFormat::named("gbrp").unwrap();
        let mut picture = RawFrame::allocate(rgb, size).unwrap();
        picture.fill(0);
        for y in 8..40 {
            // Green, blue, red.
            picture.row_mut(1, y).fill(90);
        }
        let format = PixelFormat::named(name).unwrap();
        let to = if range == Range::Full { "full" } else { "limited" };
        let mut graph =
            Graph::new(rgb, size, &format!("scale=out_range={to}:flags=neighbor,format={name}")).unwrap();
        let mut frame = RawFrame::new().unwrap();
        graph.run(&mut picture, &mut frame).unwrap();
        assert_eq!(frame.format(), format);
        frame.set_color(ColorDescription { range, ..ColorDescription::UNSPECIFIED });
        let mut seen = Seen::nothing(size);
        Bars::default().look(&mut frame, &mut seen);
        seen.area()
    }

    #[test]
    fn bars_are_seen_in_all_formats() {
        let picture = Some(Area { x: 0, y: 8, size: Size::new(64, 32) });
        for name in [
            "yuv420p",
            "yuv422p",
            "yuv444p",
            "yuv410p",
            "yuv420p10le",
            "yuv444p12le",
            "yuv420p16le",
            "yuva420p",
            "nv12",
            "p010le",
            "yuyv422",
            "yuv420p10be",
        ] {
            assert_eq!(seen(name, Range::Limited), picture, "{name}");
            assert_eq!(seen(name, Range::Full), picture, "{name}");
        }
        for name in ["gbrp", "gbrp10le", "rgb24", "bgra", "rgb48be", "gbrpf32le"] {
            assert_eq!(seen(name, Range::Full), picture, "{name}");
        }
    }

    #[test]
    fn brightness_alone_uses_all_values_where_nothing_is_said() {
        let size = Size::new(64, 48);
        for (name, range, level, is_black) in [
            ("gray", Range::Unspecified, 0, true),
            ("gray", Range::Unspecified, 16, false),
            ("gray", Range::Limited, 16, true),
            ("gray16le", Range::Limited, 16, true),
            ("gray16be", Range::Unspecified, 0, true),
            ("gray16be", Range::Unspecified, 99, false),
        ] {
            let mut frame = RawFrame::allocate(PixelFormat::named(name).unwrap(), size).unwrap();
            frame.fill(level);
            frame.set_color(ColorDescription { range, ..ColorDescription::UNSPECIFIED });
            let mut seen = Seen::nothing(size);
            Bars::default().look(&mut frame, &mut seen);
            assert_eq!(seen.area().is_none(), is_black, "{name} {range:?} {level}");
        }
    }
}
