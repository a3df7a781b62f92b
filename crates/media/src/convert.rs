//! From the decoder's samples to RGB.

use frame::{ColorDescription, Range, RgbF32, Size};

use crate::raw::filter::Graph;
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;
use crate::{Error, is_hdr};

/// Converts the frames of one video, which may change their size and format.
#[derive(Debug, Default)]
pub(crate) struct ToRgb {
    conversion: Option<(Size, PixelFormat, Conversion)>,
    tonemaps: bool,
}

/// From HDR to BT.709: linear light, 1 for the 100 cd/m² of usual screens, then a curve that bends what is brighter.
const TONEMAP: &str = "zscale=transfer=linear:npl=100:matrix=gbr:range=full,format=gbrpf32le,zscale=primaries=bt709,\
     tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:matrix=gbr:range=full,format=gbrpf32le";

/// How frames of a format become RGB.
#[derive(Debug)]
enum Conversion {
    /// One plane of brightness, which FFmpeg's filters treat in several ways.
    Gray,
    Filter(Filter),
}

#[derive(Debug)]
struct Filter {
    /// The format under which the samples go in.
    format: PixelFormat,
    /// Room for pictures whose size the chroma does not divide.
    padded: Option<RawFrame>,
    graph: Graph,
    converted: RawFrame,
    is_full_range: bool,
    tonemaps: bool,
}

impl ToRgb {
    /// Brings HDR to the range of usual screens.
    pub(crate) fn tonemap(&mut self) {
        self.tonemaps = true;
    }

    /// Converts a frame; the picture gets the size of the frame.
    pub(crate) fn convert(&mut self, frame: &mut RawFrame, into: &mut RgbF32) -> Result<(), Error> {
        let (size, format) = (frame.size(), frame.format());
        let tonemaps = self.tonemaps && is_hdr(frame.color().transfer);
        let (_, _, conversion) = match &mut self.conversion {
            Some(conversion) if (conversion.0, conversion.1) == (size, format) => conversion,
            conversion => conversion.insert((size, format, Conversion::of(format, size, tonemaps)?)),
        };
        let mut color = frame.color();
        if color.range == Range::Unspecified && format.is_gray() {
            // As FFmpeg has it: brightness alone uses all code values.
            color.range = Range::Full;
        }
        let color = color.completed(size, format.is_rgb() || is_black_and_white(format));
        match conversion {
            Conversion::Gray => gray(frame, color, into),
            Conversion::Filter(filter) => filter.run(frame, color, size, into)?,
        }
        Ok(())
    }
}

impl Conversion {
    fn of(format: PixelFormat, size: Size, tonemaps: bool) -> Result<Self, Error> {
        let unsupported = || Error::UnsupportedPixelFormat(format.name());
        if format.is_gray() && !is_black_and_white(format) {
            return if format.bit_depth() <= 16 { Ok(Self::Gray) } else { Err(unsupported()) };
        }
        let (plain, is_full_range) = plain(&format.name());
        let format = PixelFormat::named(&plain).ok_or_else(unsupported)?;
        let (shift_x, shift_y) = format.chroma_shift();
        let padded_size =
            Size::new(size.width.next_multiple_of(1 << shift_x), size.height.next_multiple_of(1 << shift_y));
        let padded = if padded_size == size { None } else { Some(RawFrame::allocate(format, padded_size)?) };
        // Packed and semi-planar formats are unpacked first, which changes no sample.
        let unpacked = planar(format).map(|planar| format!("format={planar},")).unwrap_or_default();
        let to_rgb = if tonemaps { TONEMAP } else { "zscale=matrix=gbr:range=full,format=gbrpf32le" };
        let description = format!("{unpacked}{to_rgb}");
        let graph = Graph::new(format, padded_size, &description)?;
        Ok(Self::Filter(Filter {
            format,
            padded,
            graph,
            converted: RawFrame::new()?,
            is_full_range,
            tonemaps,
        }))
    }
}

/// The name of a format without alpha and without the "j" that says full range, and whether it had that.
pub(crate) fn plain(name: &str) -> (String, bool) {
    if let Some(rest) = name.strip_prefix("yuvj") {
        return (format!("yuv{rest}"), true);
    }
    // The first three planes are the same without the fourth.
    let opaque = name.strip_prefix("yuva").map(|rest| format!("yuv{rest}"));
    let opaque = opaque.or_else(|| name.strip_prefix("gbrap").map(|rest| format!("gbrp{rest}")));
    (opaque.unwrap_or_else(|| name.to_owned()), false)
}

/// True for pictures of one bit a pixel, which are handled like RGB.
fn is_black_and_white(format: PixelFormat) -> bool {
    format.is_gray() && format.bit_depth() < 8
}

/// The planar little-endian format with the same samples, for formats that zscale does not read.
pub(crate) fn planar(format: PixelFormat) -> Option<String> {
    let name = format.name();
    let depth = u32::from(format.bit_depth());
    if format.is_rgb() || is_black_and_white(format) {
        let is_planar = name.starts_with("gbrp") && !name.ends_with("be");
        let enough = match depth {
            ..=8 => "gbrp",
            9..=10 => "gbrp10le",
            11..=12 => "gbrp12le",
            _ => "gbrp16le",
        };
        return (!is_planar).then(|| enough.to_owned());
    }
    let is_planar = format.planes() == 3 && !name.ends_with("be");
    let chroma = match format.chroma_shift() {
        (0, 0) => "444",
        (1, 0) => "422",
        (2, 0) => "411",
        (0, 1) => "440",
        (2, 2) => "410",
        _ => "420",
    };
    let suffix = if depth > 8 { format!("{depth}le") } else { String::new() };
    (!is_planar).then(|| format!("yuv{chroma}p{suffix}"))
}

impl Filter {
    fn run(
        &mut self,
        frame: &mut RawFrame,
        mut color: ColorDescription,
        size: Size,
        into: &mut RgbF32,
    ) -> Result<(), Error> {
        if self.is_full_range {
            color.range = Range::Full;
        }
        frame.relabel(self.format);
        let input = match &mut self.padded {
            None => frame,
            Some(padded) => {
                pad(frame, padded)?;
                padded
            }
        };
        input.set_color(color);
        self.graph.run(input, &mut self.converted)?;
        self.converted.read_rgb_f32(into, size)?;
        if self.tonemaps {
            // Colours that usual screens do not have.
            for plane in 0..3 {
                into.plane_mut(plane).iter_mut().for_each(|sample| *sample = sample.clamp(0.0, 1.0));
            }
        }
        Ok(())
    }
}

/// Copies a picture into a larger one and repeats its last column and row.
fn pad(from: &RawFrame, to: &mut RawFrame) -> Result<(), Error> {
    to.make_writable()?;
    let format = to.format();
    let sample = if format.bit_depth() > 8 { 2 } else { 1 };
    for plane in 0..format.planes() {
        let rows = format.rows(from.size().height, plane);
        for y in 0..format.rows(to.size().height, plane) {
            let source = from.row(plane, y.min(rows.saturating_sub(1)));
            let target = to.row_mut(plane, y);
            let length = source.len().min(target.len());
            target[..length].copy_from_slice(&source[..length]);
            for at in length..target.len() {
                target[at] = target[at - sample];
            }
        }
    }
    Ok(())
}

/// Brightness as RGB with three equal planes.
fn gray(frame: &RawFrame, color: ColorDescription, into: &mut RgbF32) {
    let depth = frame.format().bit_depth();
    let step = (1_u32 << (depth - 8)) as f32;
    let (black, white) = match color.range {
        Range::Full => (0.0, ((1_u32 << depth) - 1) as f32),
        Range::Limited | Range::Unspecified => (16.0 * step, 235.0 * step),
    };
    let is_big_endian = frame.format().is_big_endian();
    // Where there is alpha, it lies between the samples.
    let samples = if frame.format().has_alpha() { 2 } else { 1 };
    let step_of_pixel = samples * if depth > 8 { 2 } else { 1 };
    into.resize(frame.size());
    for y in 0..frame.size().height {
        let row = frame.row(0, y);
        let code = |x: usize| match (depth > 8, is_big_endian, x * step_of_pixel) {
            (false, _, at) => f32::from(row[at]),
            (true, false, at) => f32::from(u16::from_le_bytes([row[at], row[at + 1]])),
            (true, true, at) => f32::from(u16::from_be_bytes([row[at], row[at + 1]])),
        };
        for plane in 0..3 {
            for (x, sample) in into.row_mut(plane, y).iter_mut().enumerate() {
                *sample = (code(x) - black) / (white - black);
            }
        }
    }
}
