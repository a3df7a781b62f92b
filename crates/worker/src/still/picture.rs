//! A picture as people get it: upright, in a size that is of use to them.

use frame::{Orientation, Planar, Rational, RgbF32, Size, round_to_16_bits};
use media::JpegQuality;

use crate::failure::Failed;

/// Pictures that are at most so wide are for lists.
const THUMBNAIL: u32 = 640;

/// A picture that stands upright.
#[derive(Debug)]
pub(crate) struct Still {
    picture: Planar<u16>,
    /// The shape of a pixel.
    pixel: Rational,
}

impl Still {
    /// A picture that lies like this, with pixels of a shape.
    pub(crate) fn new(picture: &RgbF32, orientation: Orientation, pixel: Rational) -> Self {
        Self::of_samples(rounded(picture), orientation, pixel)
    }

    /// As [`Still::new`], for a picture of 16 bits a sample.
    pub(crate) fn of_samples(picture: Planar<u16>, orientation: Orientation, pixel: Rational) -> Self {
        Self { picture: upright(picture, orientation), pixel: turned(pixel, orientation) }
    }

    /// The size and the bytes of a JPEG file: with the picture's own pixels, or where it is to be narrower, with square ones.
    pub(crate) fn jpeg(&self, most_width: Option<u32>) -> Result<(Size, Vec<u8>), Failed> {
        let own = self.picture.size();
        let (size, pixel) = match most_width.and_then(|most| bounded(own, self.pixel, most)) {
            Some(size) => (size, Rational::new(1, 1)),
            None => (own, self.pixel),
        };
        let quality =
            if size.width <= THUMBNAIL && size != own { JpegQuality::Thumbnail } else { JpegQuality::High };
        Ok((size, media::jpeg(&self.picture, size, pixel, quality)?))
    }
}

/// The size with square pixels of a picture that is to be so wide at most; `None` where it is as it is to be.
fn bounded(own: Size, pixel: Rational, most: u32) -> Option<Size> {
    let shown = f64::from(own.width) * pixel.to_f64();
    let width = shown.min(f64::from(most));
    let is_square = pixel.num == pixel.den;
    if is_square && shown <= f64::from(most) {
        return None;
    }
    let height = f64::from(own.height) * width / shown;
    // A picture of another shape than any film's stays within what can be made.
    let side = |length: f64| (length.round() as u32).clamp(1, job::LARGEST_SIDE);
    Some(Size::new(side(width), side(height)))
}

/// The picture with 16 bits a sample.
fn rounded(picture: &RgbF32) -> Planar<u16> {
    let mut rounded = Planar::new(picture.size());
    for plane in 0..3 {
        round_to_16_bits(picture.plane(plane), rounded.plane_mut(plane));
    }
    rounded
}

/// The picture upright.
fn upright(picture: Planar<u16>, orientation: Orientation) -> Planar<u16> {
    if orientation == Orientation::UPRIGHT {
        return picture;
    }
    let mut upright = Planar::new(Size::new(0, 0));
    orientation.apply(&picture, &mut upright);
    upright
}

/// The shape of a pixel once the picture stands upright.
fn turned(pixel: Rational, orientation: Orientation) -> Rational {
    if !pixel.is_known() {
        Rational::new(1, 1)
    } else if orientation.transposed {
        Rational::new(pixel.den, pixel.num)
    } else {
        pixel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrower_picture_has_square_pixels_and_the_shape_that_is_seen() {
        let square = Rational::new(1, 1);
        for (own, pixel, most, wanted) in [
            ((1920, 1080), square, 320, Some((320, 180))),
            ((320, 180), square, 320, None),
            ((96, 54), square, 320, None),
            ((720, 576), Rational::new(16, 15), 320, Some((320, 240))),
            ((720, 576), Rational::new(16, 15), 4096, Some((768, 576))),
            ((1080, 1920), square, 96, Some((96, 171))),
            ((16384, 1), square, 96, Some((96, 1))),
        ] {
            let size = bounded(Size::new(own.0, own.1), pixel, most);
            assert_eq!(size.map(|size| (size.width, size.height)), wanted, "{own:?} {most}");
        }
    }
}
