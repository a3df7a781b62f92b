//! Pictures of one kind fitted into those of another.

use frame::{Canvas, Placement, RgbF32};

use crate::Error;
use crate::raw::filter::Graph;
use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;
use crate::resize::RESAMPLER;

/// The format of the pictures in between.
const RGB: &str = "gbrpf32le";

/// Fits pictures into a canvas, with black around them where the shapes differ.
#[derive(Debug)]
pub(crate) struct Fitter {
    canvas: Canvas,
    fitting: Option<(Canvas, Fitting)>,
}

#[derive(Debug)]
struct Fitting {
    place: Placement,
    graph: Graph,
    from: RawFrame,
    to: RawFrame,
    fitted: RgbF32,
}

impl Fitter {
    pub(crate) fn new(canvas: Canvas) -> Self {
        Self { canvas, fitting: None }
    }

    /// Writes a picture that is of the kind `kind` into `into`, which gets the size of the canvas.
    pub(crate) fn fit(&mut self, picture: &RgbF32, kind: Canvas, into: &mut RgbF32) -> Result<(), Error> {
        let fitting = match &mut self.fitting {
            Some((known, fitting)) if *known == kind => fitting,
            other => &mut other.insert((kind, Fitting::new(self.canvas, kind)?)).1,
        };
        fitting.from.write_rgb_f32(picture)?;
        fitting.graph.run(&mut fitting.from, &mut fitting.to)?;
        let Placement { x, y, size } = fitting.place;
        fitting.to.read_rgb_f32(&mut fitting.fitted, size)?;
        into.resize(self.canvas.size);
        for plane in 0..3 {
            into.plane_mut(plane).fill(0.0);
            for row in 0..size.height {
                let target = &mut into.row_mut(plane, y + row)[x as usize..][..size.width as usize];
                target.copy_from_slice(fitting.fitted.row(plane, row));
            }
        }
        Ok(())
    }
}

impl Fitting {
    fn new(canvas: Canvas, kind: Canvas) -> Result<Self, Error> {
        let place = canvas.place(kind);
        let format = PixelFormat::named(RGB).ok_or_else(|| Error::UnsupportedPixelFormat(RGB.to_owned()))?;
        let description = format!(
            "zscale=width={}:height={}:{RESAMPLER},format={RGB}",
            place.size.width, place.size.height
        );
        Ok(Self {
            place,
            graph: Graph::new(format, kind.size, &description)?,
            from: RawFrame::allocate(format, kind.size)?,
            to: RawFrame::new()?,
            fitted: RgbF32::new(place.size),
        })
    }
}

#[cfg(test)]
mod tests {
    use frame::{Rational, Size};

    use super::*;

    #[test]
    fn a_picture_lies_in_the_middle_and_all_around_it_is_black() {
        let kind = |width, height| Canvas { size: Size::new(width, height), pixel: Rational::new(1, 1) };
        let mut fitter = Fitter::new(kind(64, 48));
        // Memory that was used before.
        let mut into = RgbF32::new(Size::new(64, 48));
        for (width, height, columns, rows) in
            [(48, 64, 14..50, 0..48), (32, 24, 0..64, 0..48), (64, 24, 0..64, 12..36)]
        {
            into.resize(Size::new(64, 48));
            (0..3).for_each(|plane| into.plane_mut(plane).fill(f32::NAN));
            let mut picture = RgbF32::new(Size::new(width, height));
            picture.plane_mut(1).fill(0.5);
            fitter.fit(&picture, kind(width, height), &mut into).unwrap();
            for y in 0..48 {
                for x in 0..64 {
                    let wanted = if columns.contains(&x) && rows.contains(&y) { 0.5 } else { 0.0 };
                    let found = [0, 1, 2].map(|plane| into.row(plane, y)[x as usize]);
                    assert!((found[1] - wanted).abs() < 1e-4 && found[0].abs() < 1e-4, "{x} {y}: {found:?}");
                }
            }
        }
    }
}
