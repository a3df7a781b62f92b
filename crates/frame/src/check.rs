//! Checks that a picture is what it claims to be.

use crate::{Planar, RgbF32};

/// The mean absolute difference between `enlarged`, averaged down to the size of `original`, and `original`.
///
/// 0 means that every area of the enlarged picture has the mean colour of the pixel it stands for. A black, green
/// or scrambled result differs by the contrast of the picture. Samples of both are in 0..1 (values outside are
/// counted as they are); not-a-number anywhere gives a result that is not a number. `white` is the sample value of
/// `enlarged` that stands for 1. `enlarged` may have any size that is at least that of `original`; the box of an
/// original pixel is rounded to whole enlarged pixels.
pub fn mean_difference<T: Copy + Default + Into<f32>>(
    original: &RgbF32,
    enlarged: &Planar<T>,
    white: f32,
) -> f32 {
    let (small, large) = (original.size(), enlarged.size());
    let edge = |index: u32, from: u32, to: u32| (u64::from(index) * u64::from(to) / u64::from(from)) as usize;
    let mut sum = 0.0_f64;
    for plane in 0..3 {
        let samples = enlarged.plane(plane);
        for y in 0..small.height {
            let top = edge(y, small.height, large.height);
            let bottom = edge(y + 1, small.height, large.height).max(top + 1).min(large.height as usize);
            for (x, &wanted) in original.row(plane, y).iter().enumerate() {
                let left = edge(x as u32, small.width, large.width);
                let right =
                    edge(x as u32 + 1, small.width, large.width).max(left + 1).min(large.width as usize);
                let mut total = 0.0_f32;
                for row in top..bottom {
                    let of_row = &samples[row * large.width as usize..][left..right];
                    total += of_row.iter().map(|&sample| sample.into()).sum::<f32>();
                }
                let mean = total / ((bottom - top) * (right - left)) as f32 / white;
                sum += f64::from((mean - wanted).abs());
            }
        }
    }
    (sum / (3 * small.pixels()) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    fn ramp(size: Size) -> RgbF32 {
        let mut picture = RgbF32::new(size);
        for plane in 0..3 {
            for (i, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
                *sample = ((i * 7 + plane * 3) % 17) as f32 / 16.0;
            }
        }
        picture
    }

    fn enlarged(picture: &RgbF32, factor: u32) -> RgbF32 {
        let mut large = RgbF32::new(picture.size().scaled(factor));
        for plane in 0..3 {
            for y in 0..large.size().height {
                let source = picture.row(plane, y / factor).to_vec();
                for (x, sample) in large.row_mut(plane, y).iter_mut().enumerate() {
                    *sample = source[x / factor as usize];
                }
            }
        }
        large
    }

    #[test]
    fn a_repeated_picture_does_not_differ() {
        let picture = ramp(Size::new(13, 7));
        assert!(mean_difference(&picture, &enlarged(&picture, 3), 1.0) < 1e-6);
    }

    #[test]
    fn black_differs_by_the_mean_of_the_picture() {
        let picture = ramp(Size::new(17, 5));
        let mean = (0..3).flat_map(|p| picture.plane(p)).sum::<f32>() / (3.0 * 85.0);
        let difference = mean_difference(&picture, &RgbF32::new(Size::new(68, 20)), 1.0);
        assert!((difference - mean).abs() < 1e-5, "{difference} {mean}");
    }

    #[test]
    fn not_a_number_is_not_hidden() {
        let picture = ramp(Size::new(4, 4));
        let mut large = enlarged(&picture, 2);
        large.plane_mut(1)[5] = f32::NAN;
        assert!(mean_difference(&picture, &large, 1.0).is_nan());
    }
}
