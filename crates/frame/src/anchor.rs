//! Colours of wide areas, kept as a source has them.

use crate::check::{add_up, times_larger};
use crate::deep::whole;
use crate::{Planar, RgbF32, Size, WHITE};

/// How far a pixel of the source reaches in each of the passes that smooth: three of them come close to a normal
/// distribution with a standard deviation of eight pixels.
const REACH: usize = 8;
const PASSES: usize = 3;

/// Corrects enlarged pictures so that wide areas have the colours of their source. Detail stays as it is.
///
/// What an enlarged picture differs from its source by, averaged over each pixel of the source, is smoothed over about
/// eight pixels of the source and taken away again. Holds memory for one size of source.
#[derive(Debug, Default)]
pub struct Anchor {
    /// A plane of the differences, and room to smooth it.
    difference: Vec<f32>,
    smooth: Vec<f32>,
    /// Sums of columns.
    sums: Vec<f32>,
    /// Sums of the samples that stand for a row of the source, column by column.
    columns: Vec<u32>,
    /// Where each column of the result lies between columns of the source.
    lines: Vec<(usize, f32)>,
    /// Two rows of the differences as wide as the result: the one above a row of the result and the one below it.
    wide: [Vec<f32>; 2],
}

impl Anchor {
    /// Corrects `enlarged`, which must be a whole number of times (up to 64) larger than `source` in both directions;
    /// else it is left as it is. Samples stay in their range.
    pub fn correct(&mut self, source: &RgbF32, enlarged: &mut Planar<u16>) {
        let size = source.size();
        let Some(times) = times_larger(size, enlarged.size()) else { return };
        let (width, wide) = (size.width as usize, size.width as usize * times.0);
        self.difference.resize(size.pixels() as usize, 0.0);
        self.smooth.resize(size.pixels() as usize, 0.0);
        self.columns.resize(wide, 0);
        self.lines.clear();
        self.lines.extend((0..wide).map(|x| line(x, times.0)));
        for plane in 0..3 {
            self.subtract(source, enlarged, plane, times);
            for _ in 0..PASSES {
                smooth_rows(&self.difference, width, &mut self.smooth);
                smooth_columns(&self.smooth, width, &mut self.sums, &mut self.difference);
            }
            self.add(size, times, enlarged.plane_mut(plane));
        }
    }

    /// Finds what lacks in the areas of the result that stand for pixels of the source.
    fn subtract(
        &mut self,
        source: &RgbF32,
        enlarged: &Planar<u16>,
        plane: usize,
        (across, down): (usize, usize),
    ) {
        let (width, wide) = (source.size().width as usize, self.columns.len());
        let unit = 1.0 / (across as f32 * down as f32 * WHITE);
        let rows = self.difference.chunks_exact_mut(width).zip(source.plane(plane).chunks_exact(width));
        for ((to, wanted), band) in rows.zip(enlarged.plane(plane).chunks_exact(wide * down)) {
            add_up(band, wide, 0, &mut self.columns);
            let sums = self.columns.chunks_exact(across).map(|samples| samples.iter().sum::<u32>());
            for ((to, wanted), sum) in to.iter_mut().zip(wanted).zip(sums) {
                *to = wanted - sum as f32 * unit;
            }
        }
    }

    /// Adds the differences to a plane, brought to its size by lines from centre to centre.
    fn add(&mut self, size: Size, (across, down): (usize, usize), plane: &mut [u16]) {
        let (width, last) = (size.width as usize, size.height as usize - 1);
        let Self { difference, lines, wide: [above, below], .. } = self;
        let row = |y: usize| &difference[y.min(last) * width..][..width];
        let (mut from, _) = line(0, down);
        widen(row(from.saturating_sub(1)), lines, above);
        widen(row(from), lines, below);
        for (y, to) in plane.chunks_exact_mut(width * across).enumerate() {
            let (next, part) = line(y, down);
            if next != from {
                from = next;
                std::mem::swap(above, below);
                widen(row(from), lines, below);
            }
            for (sample, (&above, &below)) in to.iter_mut().zip(above.iter().zip(&*below)) {
                *sample = whole(f32::from(*sample) + (above + (below - above) * part) * WHITE);
            }
        }
    }
}

/// Where place `at` of a line that was enlarged so many times lies: the number of the first sample with a centre behind it,
/// and how far it is on the way to that centre from the one before.
fn line(at: usize, times: usize) -> (usize, f32) {
    // Twice the place, so that centres are whole numbers.
    let place = 2 * at + 1 + times;
    (place / (2 * times), (place % (2 * times)) as f32 / (2 * times) as f32)
}

/// Enlarges a row by lines from centre to centre; beyond the outer ones, their samples go on.
fn widen(row: &[f32], lines: &[(usize, f32)], into: &mut Vec<f32>) {
    into.resize(lines.len(), 0.0);
    let last = row.len().saturating_sub(1);
    for (to, &(from, part)) in into.iter_mut().zip(lines) {
        let (before, after) = (row[from.saturating_sub(1)], row[from.min(last)]);
        *to = before + (after - before) * part;
    }
}

/// Each sample becomes the mean of its neighbours in its row, as far as there are any.
fn smooth_rows(from: &[f32], width: usize, into: &mut [f32]) {
    for (row, to) in from.chunks_exact(width).zip(into.chunks_exact_mut(width)) {
        let mut sum: f32 = row[..REACH.min(width)].iter().sum();
        let mut count = REACH.min(width);
        for (x, mean) in to.iter_mut().enumerate() {
            if let Some(next) = row.get(x + REACH) {
                sum += next;
                count += 1;
            }
            if let Some(gone) = (x > REACH).then(|| row[x - REACH - 1]) {
                sum -= gone;
                count -= 1;
            }
            *mean = sum / count as f32;
        }
    }
}

/// The same in columns.
fn smooth_columns(from: &[f32], width: usize, sums: &mut Vec<f32>, into: &mut [f32]) {
    let rows = from.len() / width;
    let row = |y: usize| &from[y * width..][..width];
    sums.clear();
    sums.resize(width, 0.0);
    let add = |sums: &mut [f32], row: &[f32], times: f32| {
        sums.iter_mut().zip(row).for_each(|(sum, sample)| *sum += sample * times);
    };
    let mut count = REACH.min(rows);
    (0..count).for_each(|y| add(sums, row(y), 1.0));
    for (y, to) in into.chunks_exact_mut(width).enumerate() {
        if y + REACH < rows {
            add(sums, row(y + REACH), 1.0);
            count += 1;
        }
        if y > REACH {
            add(sums, row(y - REACH - 1), -1.0);
            count -= 1;
        }
        let part = 1.0 / count as f32;
        to.iter_mut().zip(&*sums).for_each(|(mean, sum)| *mean = sum * part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture with soft colours and, on request, detail in every pixel.
    fn picture(size: Size, detail: f32) -> RgbF32 {
        let mut picture = RgbF32::new(size);
        for plane in 0..3 {
            for y in 0..size.height {
                for (x, sample) in picture.row_mut(plane, y).iter_mut().enumerate() {
                    let soft = 0.5 + 0.2 * ((x as f32 + 3.0 * y as f32) / 90.0 + plane as f32).sin();
                    let sign = if (x + y as usize).is_multiple_of(2) { 1.0 } else { -1.0 };
                    *sample = soft + detail * sign;
                }
            }
        }
        picture
    }

    /// The picture so many times larger, with every sample changed.
    fn enlarged(picture: &RgbF32, times: u32, change: impl Fn(usize, u32, u32, f32) -> f32) -> Planar<u16> {
        let mut large = Planar::new(picture.size().scaled(times));
        for plane in 0..3 {
            for y in 0..large.size().height {
                for x in 0..large.size().width {
                    let sample = picture.row(plane, y / times)[(x / times) as usize];
                    large.row_mut(plane, y)[x as usize] = (change(plane, x, y, sample) * WHITE + 0.5) as u16;
                }
            }
        }
        large
    }

    fn largest_difference(one: &Planar<u16>, other: &Planar<u16>) -> f32 {
        let planes = (0..3).flat_map(|plane| one.plane(plane).iter().zip(other.plane(plane)));
        planes.map(|(&one, &other)| f32::from(one.abs_diff(other)) / WHITE).fold(0.0, f32::max)
    }

    #[test]
    fn colours_that_drifted_come_back_and_detail_stays() {
        for times in [1, 2, 3, 4] {
            let source = picture(Size::new(60, 40), 0.0);
            let detail = |x: u32, y: u32| if (x + y).is_multiple_of(2) { 0.02 } else { -0.02 };
            // What is finer than a pixel of the source is not seen in it.
            let detail = |x: u32, y: u32| if times % 2 == 0 { detail(x, y) } else { 0.0 };
            let wanted = enlarged(&source, times, |_, x, y, sample| sample + detail(x, y));
            // Red grows, green sinks, and blue turns darker from left to right.
            let drift = |plane: usize, x: u32| match plane {
                0 => 0.04,
                1 => -0.03,
                _ => -0.0005 * x as f32 / times as f32,
            };
            let mut drifted =
                enlarged(&source, times, |plane, x, y, sample| sample + detail(x, y) + drift(plane, x));
            assert!(largest_difference(&drifted, &wanted) > 0.029);
            Anchor::default().correct(&source, &mut drifted);
            // A slope is bent at the borders, where the mean has neighbours on one side only.
            let off = largest_difference(&drifted, &wanted);
            assert!(off < 0.005, "{times}: {off}");
        }
    }

    #[test]
    fn what_is_right_stays_to_the_bit() {
        let source = picture(Size::new(50, 30), 0.0);
        let right = enlarged(&source, 4, |_, _, _, sample| sample);
        let mut corrected = right.clone();
        Anchor::default().correct(&source, &mut corrected);
        assert!(largest_difference(&corrected, &right) * WHITE <= 1.0);
    }

    #[test]
    fn sharpening_is_not_taken_back() {
        // The network doubles the contrast of the finest detail that the source has.
        let source = picture(Size::new(64, 48), 0.05);
        let soft = picture(Size::new(64, 48), 0.0);
        let sharper = enlarged(&soft, 2, |_, x, y, sample| {
            sample + if (x / 2 + y / 2).is_multiple_of(2) { 0.1 } else { -0.1 }
        });
        let mut corrected = sharper.clone();
        Anchor::default().correct(&source, &mut corrected);
        assert!(largest_difference(&corrected, &sharper) < 0.006);
    }

    #[test]
    fn a_source_without_a_match_changes_nothing() {
        let source = picture(Size::new(8, 8), 0.0);
        let mut other = Planar::new(Size::new(17, 16));
        other.plane_mut(0).fill(9);
        let before = other.clone();
        Anchor::default().correct(&source, &mut other);
        assert_eq!(other, before);
    }

    proptest! {
        #[test]
        fn an_even_drift_goes_whatever_the_size(
            width in 1_u32..40, height in 1_u32..40, times in 1_u32..5, drift in -0.2_f32..0.2,
        ) {
            let source = picture(Size::new(width, height), 0.0);
            let wanted = enlarged(&source, times, |_, _, _, sample| sample);
            let mut drifted = enlarged(&source, times, |_, _, _, sample| sample + drift);
            let mut anchor = Anchor::default();
            // Another size before leaves no trace.
            anchor.correct(&picture(Size::new(9, 31), 0.1), &mut Planar::new(Size::new(18, 62)));
            anchor.correct(&source, &mut drifted);
            prop_assert!(largest_difference(&drifted, &wanted) < 1e-4);
        }

        #[test]
        fn lines_go_from_centre_to_centre(samples in prop::collection::vec(-1.0_f32..1.0, 1..9), times in 1_usize..6) {
            let mut wide = Vec::new();
            let lines: Vec<_> = (0..samples.len() * times).map(|x| line(x, times)).collect();
            widen(&samples, &lines, &mut wide);
            for (x, &sample) in wide.iter().enumerate() {
                let place = ((x as f32 + 0.5) / times as f32 - 0.5).clamp(0.0, (samples.len() - 1) as f32);
                let (before, part) = (place as usize, place.fract());
                let after = samples[(before + 1).min(samples.len() - 1)];
                prop_assert!((sample - (samples[before] + (after - samples[before]) * part)).abs() < 1e-5);
            }
        }
    }
}
