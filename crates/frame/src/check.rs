//! Checks that a picture is what it claims to be.

use crate::{Planar, RgbF32, Size};

/// Columns of the enlarged picture that are added up together: they stay in the fastest cache.
const COLUMNS: usize = 1024;

/// The mean absolute difference between `enlarged`, averaged down to the size of `original`, and `original`.
///
/// 0 means that every area of the enlarged picture has the mean colour of the pixel it stands for. A black, green
/// or scrambled result differs by the contrast of the picture. Samples of the original outside of 0..1, which the
/// enlarged picture cannot have, count as the nearest that it can. `white` is the sample value of `enlarged` that stands for 1.
///
/// The result is not a number when the original has such a sample, or when `enlarged` is not a whole number of times
/// larger, up to 64, in both directions.
pub fn mean_difference(original: &RgbF32, enlarged: &Planar<u16>, white: f32) -> f32 {
    let size = original.size();
    let Some((across, down)) = times_larger(size, enlarged.size()) else { return f32::NAN };
    let width = enlarged.size().width as usize;
    // A sample of the original stands for so many times its value.
    let unit = 1.0 / (across as f32 * down as f32 * white);
    let boxes = COLUMNS / across;
    let mut columns = [0; COLUMNS];
    let mut sum = 0.0_f64;
    for plane in 0..3 {
        let bands = enlarged.plane(plane).chunks_exact(width * down);
        for (y, band) in (0..size.height).zip(bands) {
            for (part, wanted) in original.row(plane, y).chunks(boxes).enumerate() {
                let columns = &mut columns[..wanted.len() * across];
                add_up(band, width, part * boxes * across, columns);
                sum += f64::from(match across {
                    2 => differences(columns.as_chunks::<2>().0, wanted, unit),
                    4 => differences(columns.as_chunks::<4>().0, wanted, unit),
                    _ => differences(columns.chunks_exact(across), wanted, unit),
                });
            }
        }
    }
    (sum / (3 * size.pixels()) as f64) as f32
}

/// How many times wider and higher `large` is.
pub(crate) fn times_larger(small: Size, large: Size) -> Option<(usize, usize)> {
    let times = |small: u32, large: u32| {
        let times = large.checked_div(small).filter(|times| (1..=64).contains(times))?;
        (times * small == large).then_some(times as usize)
    };
    Some((times(small.width, large.width)?, times(small.height, large.height)?))
}

/// Adds up the columns of a band of rows of `width` samples from column `start` on.
pub(crate) fn add_up(band: &[u16], width: usize, start: usize, columns: &mut [u32]) {
    columns.fill(0);
    for row in band.chunks_exact(width) {
        for (column, &sample) in columns.iter_mut().zip(&row[start..]) {
            *column += u32::from(sample);
        }
    }
}

/// The sum of the differences between boxes of samples, in the unit of the wanted values, and what is wanted.
fn differences<B: AsRef<[u32]>>(boxes: impl IntoIterator<Item = B>, wanted: &[f32], unit: f32) -> f32 {
    // At most 64 · 64 samples of 16 bits, which a signed number holds; it becomes a float more quickly.
    let total = |samples: B| samples.as_ref().iter().sum::<u32>() as i32 as f32;
    let difference = |(samples, wanted): (B, &f32)| (total(samples) * unit - wanted.clamp(0.0, 1.0)).abs();
    boxes.into_iter().zip(wanted).map(difference).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WHITE;

    fn ramp(size: Size) -> RgbF32 {
        let mut picture = RgbF32::new(size);
        for plane in 0..3 {
            for (i, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
                *sample = ((i * 7 + plane * 3) % 17) as f32 / 17.0;
            }
        }
        picture
    }

    fn enlarged(picture: &RgbF32, across: u32, down: u32) -> Planar<u16> {
        let size = Size::new(picture.size().width * across, picture.size().height * down);
        let mut large = Planar::new(size);
        for plane in 0..3 {
            for y in 0..size.height {
                for (x, sample) in large.row_mut(plane, y).iter_mut().enumerate() {
                    *sample = (picture.row(plane, y / down)[x / across as usize] * WHITE) as u16;
                }
            }
        }
        large
    }

    #[test]
    fn a_repeated_picture_does_not_differ() {
        // 300 pixels that become 1200 are added up in more than one part.
        for (size, across, down) in
            [((13, 7), 1, 1), ((13, 7), 2, 3), ((13, 7), 3, 2), ((300, 5), 4, 4), ((21, 2), 64, 64)]
        {
            let picture = ramp(Size::new(size.0, size.1));
            let difference = mean_difference(&picture, &enlarged(&picture, across, down), WHITE);
            assert!(difference < 2e-5, "{across}x{down}: {difference}");
        }
    }

    #[test]
    fn detail_within_a_pixel_does_not_count_and_a_wrong_sample_does() {
        let picture = ramp(Size::new(300, 9));
        let mut large = enlarged(&picture, 4, 4);
        for plane in 0..3 {
            for pair in large.plane_mut(plane).chunks_exact_mut(2) {
                let detail = pair[0].min(65535 - pair[1]).min(5000);
                (pair[0], pair[1]) = (pair[0] - detail, pair[1] + detail);
            }
        }
        assert!(mean_difference(&picture, &large, WHITE) < 2e-5);
        let last = large.plane_mut(2).last_mut().unwrap();
        let before = *last;
        *last = 65535 - before;
        let change = f32::from(before.abs_diff(*last)) / WHITE / (16.0 * 3.0 * 2700.0);
        let difference = mean_difference(&picture, &large, WHITE);
        assert!((difference - change).abs() < change * 0.1 + 1e-6, "{difference} {change}");
    }

    #[test]
    fn what_the_enlarged_picture_cannot_have_is_no_difference() {
        let mut picture = RgbF32::new(Size::new(8, 8));
        picture.plane_mut(0).fill(-3.0);
        picture.plane_mut(1).fill(7.0);
        let mut large = Planar::new(Size::new(16, 16));
        large.plane_mut(1).fill(65535);
        assert!(mean_difference(&picture, &large, WHITE) < 1e-6);
    }

    #[test]
    fn black_differs_by_the_mean_of_the_picture() {
        let picture = ramp(Size::new(17, 5));
        let mean = (0..3).flat_map(|p| picture.plane(p)).sum::<f32>() / (3.0 * 85.0);
        let difference = mean_difference(&picture, &Planar::new(Size::new(68, 20)), WHITE);
        assert!((difference - mean).abs() < 1e-5, "{difference} {mean}");
    }

    #[test]
    fn scrambled_tiles_differ() {
        let picture = ramp(Size::new(40, 24));
        let mut large = enlarged(&picture, 4, 4);
        // Every other row of tiles comes from somewhere else.
        for plane in 0..3 {
            for tiles in large.plane_mut(plane).chunks_exact_mut(160 * 32) {
                tiles[..160 * 16].reverse();
            }
        }
        assert!(mean_difference(&picture, &large, WHITE) > 0.1);
    }

    #[test]
    fn what_cannot_be_compared_gives_no_number() {
        let mut picture = ramp(Size::new(4, 4));
        for size in [(8, 9), (2, 2), (0, 0), (4 * 65, 4 * 65)] {
            let large = Planar::new(Size::new(size.0, size.1));
            assert!(mean_difference(&picture, &large, WHITE).is_nan(), "{size:?}");
        }
        let large = enlarged(&picture, 2, 2);
        picture.plane_mut(1)[5] = f32::NAN;
        assert!(mean_difference(&picture, &large, WHITE).is_nan());
    }
}
