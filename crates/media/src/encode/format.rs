//! What the samples of a result are: as those of the source, as far as the encoder can.

use frame::{ColorDescription, Matrix, Primaries, Range, Transfer};

use crate::raw::codec::encoder_formats;
use crate::raw::pixel::PixelFormat;
use crate::{VideoInfo, is_hdr};

/// The pixel format of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFormat {
    /// FFmpeg's name of it.
    pub name: String,
    /// What it loses of the source, in words.
    pub loss: Option<String>,
}

/// Chroma and depth of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    chroma_shift: (u32, u32),
    depth: u8,
}

/// The pixel format of the result for a source and an encoder: the least that holds the source's chroma and depth, else the
/// best that there is. `None` for an encoder that does not exist or takes no such pictures.
///
/// `tonemapped` pictures have 8 bits.
pub fn output_format(source: &VideoInfo, encoder: &str, tonemapped: bool) -> Option<OutputFormat> {
    let wanted = wanted(source, tonemapped);
    let formats = encoder_formats(encoder)?;
    let known = formats.into_iter().filter_map(|format| {
        // The device's own format stands for what can be copied to it.
        if format.is_hardware() {
            return PixelFormat::named(if wanted.depth > 8 { "p010le" } else { "nv12" });
        }
        let name = format.name();
        let is_usual = !name.starts_with("yuvj") && !name.ends_with("be") && !format.has_alpha();
        let is_color = !format.is_rgb() && !format.is_gray();
        (is_usual && is_color && format.chroma_shift() != (2, 0) && format.chroma_shift() != (2, 2))
            .then_some(format)
    });
    let best = known.min_by_key(|&format| badness(kind(format), wanted))?;
    Some(OutputFormat { name: best.name(), loss: loss(kind(best), wanted) })
}

fn kind(format: PixelFormat) -> Kind {
    Kind { chroma_shift: format.chroma_shift(), depth: format.bit_depth() }
}

/// What a result of the source should have: 4:2:0 for gray and for chroma that no encoder has, 4:4:4 for RGB.
fn wanted(source: &VideoInfo, tonemapped: bool) -> Kind {
    let format = PixelFormat::named(&source.pixel_format);
    let chroma_shift = match format {
        Some(format) if format.is_rgb() => (0, 0),
        Some(format) if format.is_gray() => (1, 1),
        Some(format) => match format.chroma_shift() {
            (0, 0) => (0, 0),
            (1, 0) => (1, 0),
            _ => (1, 1),
        },
        None => (1, 1),
    };
    // Two bits more than the eye sees are enough for pictures that a network made, and depths between 8 and 10 do not exist.
    let depth = match source.bit_depth {
        ..=8 => 8,
        9..=10 => 10,
        _ => 12,
    };
    Kind { chroma_shift, depth: if tonemapped { 8 } else { depth } }
}

/// How much worse a format is than the one that is wanted: what is lost counts most, then what is kept for nothing.
fn badness(format: Kind, wanted: Kind) -> (u32, u32, u32) {
    let lost_chroma = format.chroma_shift.0.saturating_sub(wanted.chroma_shift.0)
        + format.chroma_shift.1.saturating_sub(wanted.chroma_shift.1);
    let lost_depth = u32::from(wanted.depth.saturating_sub(format.depth));
    let more = wanted.chroma_shift.0.saturating_sub(format.chroma_shift.0)
        + wanted.chroma_shift.1.saturating_sub(format.chroma_shift.1)
        + u32::from(format.depth.saturating_sub(wanted.depth));
    (lost_depth, lost_chroma, more)
}

fn loss(format: Kind, wanted: Kind) -> Option<String> {
    let name = |kind: Kind| match kind.chroma_shift {
        (0, 0) => "4:4:4",
        (1, 0) => "4:2:2",
        _ => "4:2:0",
    };
    let mut losses = Vec::new();
    if format.depth < wanted.depth {
        losses.push(format!("{} bits become {}", wanted.depth, format.depth));
    }
    if badness(format, wanted).1 > 0 {
        losses.push(format!("{} becomes {}", name(wanted), name(format)));
    }
    (!losses.is_empty()).then(|| losses.join(", "))
}

/// The colours of the result for a source: its own where the result can have them, the gaps filled. The result is
/// always YCbCr; RGB becomes BT.709 in limited range, which is what players expect. Tone-mapped HDR is BT.709.
pub fn output_color(source: &VideoInfo, tonemap: bool) -> ColorDescription {
    let format = PixelFormat::named(&source.pixel_format);
    let mut tagged = source.color;
    if tonemap && is_hdr(tagged.transfer) {
        return ColorDescription {
            matrix: Matrix::BT709,
            primaries: Primaries::BT709,
            transfer: Transfer::BT709,
            range: Range::Limited,
        };
    }
    let is_gray = format.is_some_and(PixelFormat::is_gray) && tagged.range == Range::Unspecified;
    if is_gray || source.pixel_format.starts_with("yuvj") {
        tagged.range = Range::Full;
    }
    if format.is_some_and(PixelFormat::is_rgb) {
        tagged.matrix = Matrix::BT709;
        tagged.range = Range::Limited;
        let open = tagged.primaries == Primaries::UNSPECIFIED;
        tagged.primaries = if open { Primaries::BT709 } else { tagged.primaries };
        let open = tagged.transfer == Transfer::UNSPECIFIED;
        tagged.transfer = if open { Transfer::SRGB } else { tagged.transfer };
    }
    tagged.completed(source.size, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn kind(chroma_shift: (u32, u32), depth: u8) -> Kind {
        Kind { chroma_shift, depth }
    }

    #[test]
    fn nothing_is_lost_where_something_holds_it() {
        let formats = [kind((1, 1), 8), kind((1, 0), 8), kind((0, 0), 8), kind((1, 1), 10), kind((0, 0), 10)];
        let best = |wanted| formats.into_iter().min_by_key(|&format| badness(format, wanted)).unwrap();
        for wanted in formats {
            assert_eq!(best(wanted), wanted);
        }
        // 4:2:2 with 10 bits has only 4:4:4 to go to, and 12 bits only 10.
        assert_eq!(best(kind((1, 0), 10)), kind((0, 0), 10));
        assert_eq!(best(kind((1, 1), 12)), kind((1, 1), 10));
    }

    #[test]
    fn losses_are_said() {
        assert_eq!(loss(kind((1, 1), 10), kind((1, 1), 10)), None);
        assert_eq!(loss(kind((0, 0), 10), kind((1, 1), 8)), None);
        let both = loss(kind((1, 1), 8), kind((0, 0), 10)).unwrap();
        assert_eq!(both, "10 bits become 8, 4:4:4 becomes 4:2:0");
    }
}
