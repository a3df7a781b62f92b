//! Pictures of another size.

use frame::{ColorDescription, Matrix, Planar, Range, Size};

use crate::Error;
use crate::raw::filter::Graph;
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;

/// The resampler of results: a spline of six taps, sharp and with less ringing than Lanczos.
pub(crate) const RESAMPLER: &str = "filter=spline36";
/// The format of pictures between decoder and encoder.
pub(crate) const RGB: &str = "gbrp16le";

/// Brings pictures of one size to another, with the resampler that brings results to their size.
#[derive(Debug)]
pub struct Resizer {
    graph: Graph,
    size: Size,
    from: RawFrame,
    to: RawFrame,
}

impl Resizer {
    /// Sets up the way from one size to another.
    ///
    /// # Errors
    /// When a size has no pixels, or the memory is not enough.
    pub fn new(from: Size, to: Size) -> Result<Self, Error> {
        if from.pixels() == 0 || to.pixels() == 0 {
            return Err(Error::Resize { from, to, reason: "one of them has no pixels".to_owned() });
        }
        let format = PixelFormat::named(RGB).ok_or_else(|| Error::UnsupportedPixelFormat(RGB.to_owned()))?;
        let description =
            format!("zscale=width={}:height={}:{RESAMPLER}:dither=none,format={RGB}", to.width, to.height);
        Ok(Self {
            graph: Graph::new(format, from, &description)?,
            size: to,
            from: RawFrame::allocate(format, from)?,
            to: RawFrame::new()?,
        })
    }

    /// The size of the pictures that come out.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Makes `into` the picture in the other size, in the same colours.
    ///
    /// # Errors
    /// When the picture is not of the size that was said, or the memory is not enough.
    pub fn resize(&mut self, picture: &Planar<u16>, into: &mut Planar<u16>) -> Result<(), Error> {
        if picture.size() != self.from.size() {
            let reason = format!("the picture is of {}", picture.size());
            return Err(Error::Resize { from: self.from.size(), to: self.size, reason });
        }
        self.from.write_rgb16(picture)?;
        self.from.set_color(ColorDescription {
            matrix: Matrix::IDENTITY,
            range: Range::Full,
            ..ColorDescription::UNSPECIFIED
        });
        self.graph.run(&mut self.from, &mut self.to)?;
        self.to.read_rgb16(into, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_slopes_go_on() {
        let (from, to) = (Size::new(40, 30), Size::new(110, 66));
        let mut picture = Planar::new(from);
        for plane in 0..3 {
            for y in 0..from.height {
                for (x, sample) in picture.row_mut(plane, y).iter_mut().enumerate() {
                    *sample = 1000 * (plane as u16 + 1) + 900 * x as u16;
                }
            }
        }
        let mut resizer = Resizer::new(from, to).unwrap();
        let mut large = Planar::new(Size::new(0, 0));
        // The second picture comes out of memory that was used before.
        for _ in 0..2 {
            resizer.resize(&picture, &mut large).unwrap();
            assert_eq!(large.size(), resizer.size());
            for (plane, y, x) in [(0, 3, 30), (1, 40, 55), (2, 60, 80)] {
                let place = (x as f32 + 0.5) * 40.0 / 110.0 - 0.5;
                let wanted = 1000.0 * (plane as f32 + 1.0) + 900.0 * place;
                let found = f32::from(large.row(plane, y)[x]);
                assert!((found - wanted).abs() < 12.0, "{plane} {x} {y}: {found} instead of {wanted}");
            }
        }
        assert!(resizer.resize(&large, &mut picture).is_err());
    }

    #[test]
    fn a_size_without_pixels_is_refused() {
        for (from, to) in [((4, 4), (0, 4)), ((4, 4), (4, 0)), ((0, 0), (4, 4))] {
            let size = |(width, height)| Size::new(width, height);
            assert!(Resizer::new(size(from), size(to)).is_err(), "{from:?} {to:?}");
        }
    }
}
