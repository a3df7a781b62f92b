//! Film grain.

use crate::deep::whole;
use crate::{Planar, Size, WHITE};

/// Standard deviation of the grain in mid-tones at full strength, of 1.
const DEVIATION: f32 = 0.05;
/// Standard deviation of what [`noise`] gives after the sums of [`Grain::row`]: four bytes of a number, each with a variance
/// of (256² − 1) / 12, and weights of 1, 2, 1 across and down, whose squares add up to 6 · 6.
const NOISE_DEVIATION: f32 = 886.8;
/// Mean of the same: four bytes of 127.5 each, and weights that add up to 4 · 4.
const NOISE_MEAN: f32 = 8160.0;

/// Adds grain to pictures. Holds memory for a few rows.
///
/// The grain is a matter of brightness alone: red, green and blue change alike. It is about two pixels wide, strongest in
/// mid-tones, and fades out towards black and white. It follows from seed, number and place alone.
#[derive(Debug)]
pub struct Grain {
    /// 0 to 1.
    strength: f32,
    seed: u64,
    /// Noise of the row above, of the row itself and of the row below, added up across; numbers of rows modulo 3.
    rows: [Vec<u16>; 3],
    /// Noise of a row, with a sample more at both ends.
    noise: Vec<u16>,
    row: Vec<f32>,
}

impl Grain {
    /// Grain of a strength from 0 to 1. Pictures of another seed get another grain.
    pub fn new(strength: f32, seed: u64) -> Self {
        Self { strength, seed, rows: Default::default(), noise: Vec::new(), row: Vec::new() }
    }

    /// Makes `into` the picture with the grain of frame `number`.
    pub fn add(&mut self, picture: &Planar<u16>, number: u32, into: &mut Planar<u16>) {
        let Size { width, height } = picture.size();
        into.resize(picture.size());
        let key = key(self.seed, number);
        let width = width as usize;
        self.rows.iter_mut().for_each(|row| row.resize(width, 0));
        self.noise.resize(width + 2, 0);
        self.row.resize(width, 0.0);
        // The rows above the picture and below it have noise too.
        across(key, 0, &mut self.noise, &mut self.rows[0]);
        across(key, 1, &mut self.noise, &mut self.rows[1]);
        for y in 0..height {
            across(key, y + 2, &mut self.noise, &mut self.rows[(y as usize + 2) % 3]);
            self.down(y);
            let [red, green, blue] = [0, 1, 2].map(|plane| picture.row(plane, y));
            let colors = red.iter().zip(green).zip(blue);
            for (grain, ((&red, &green), &blue)) in self.row.iter_mut().zip(colors) {
                // Nearly what eyes make of the three; the exact weights of a source's matrix would not be seen.
                let luma =
                    (0.25 * f32::from(red) + 0.625 * f32::from(green) + 0.125 * f32::from(blue)) / WHITE;
                *grain *= 4.0 * luma * (1.0 - luma);
            }
            for plane in 0..3 {
                let samples = picture.row(plane, y).iter().zip(&self.row);
                for (to, (&sample, &grain)) in into.row_mut(plane, y).iter_mut().zip(samples) {
                    *to = whole(f32::from(sample) + grain);
                }
            }
        }
    }

    /// Grain of a row at its full strength, in samples, out of the three rows of noise.
    fn down(&mut self, y: u32) {
        let [above, same, below] = [0, 1, 2].map(|offset| &self.rows[(y as usize + offset) % 3]);
        let unit = self.strength * DEVIATION * WHITE / NOISE_DEVIATION;
        for (grain, ((&above, &same), &below)) in self.row.iter_mut().zip(above.iter().zip(same).zip(below)) {
            let sum = i32::from(above) + 2 * i32::from(same) + i32::from(below);
            *grain = (sum as f32 - NOISE_MEAN) * unit;
        }
    }
}

/// What the grain of a frame follows from.
fn key(seed: u64, number: u32) -> u32 {
    let mixed = (seed ^ (u64::from(number) << 32 | u64::from(number))).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mix((mixed >> 32) as u32 ^ mixed as u32)
}

/// Noise of a row, each sample with half of its neighbours on both sides.
fn across(key: u32, row: u32, samples: &mut [u16], into: &mut [u16]) {
    let key = mix(key ^ row.wrapping_mul(0x85EB_CA6B));
    samples.iter_mut().zip(0..).for_each(|(sample, x)| *sample = noise(key, x));
    let neighbours = samples.iter().zip(samples.iter().skip(1)).zip(samples.iter().skip(2));
    for (sum, ((left, same), right)) in into.iter_mut().zip(neighbours) {
        *sum = left + 2 * same + right;
    }
}

/// Noise at a place: the sum of four even bytes, which is nearly normal.
fn noise(key: u32, x: u32) -> u16 {
    let bits = mix(key.wrapping_add(x.wrapping_mul(0x9E37_79B9)));
    // Two sums of two bytes, then their sum.
    let pairs = (bits & 0x00FF_00FF) + (bits >> 8 & 0x00FF_00FF);
    ((pairs & 0xFFFF) + (pairs >> 16)) as u16
}

/// A number that depends on every bit of another (Wellons' `lowbias32`).
fn mix(mut bits: u32) -> u32 {
    bits = (bits ^ bits >> 16).wrapping_mul(0x7FEB_352D);
    bits = (bits ^ bits >> 15).wrapping_mul(0x846C_A68B);
    bits ^ bits >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(400, 300);

    fn even(level: u16) -> Planar<u16> {
        let mut picture = Planar::new(SIZE);
        (0..3).for_each(|plane| picture.plane_mut(plane).fill(level));
        picture
    }

    fn grained(picture: &Planar<u16>, strength: f32, seed: u64, number: u32) -> Planar<u16> {
        let mut into = Planar::new(Size::new(0, 0));
        Grain::new(strength, seed).add(picture, number, &mut into);
        into
    }

    /// The difference that grain makes in a plane, of 1.
    fn difference(level: u16, number: u32) -> Vec<f64> {
        let picture = grained(&even(level), 1.0, 7, number);
        picture.plane(1).iter().map(|&sample| (f64::from(sample) - f64::from(level)) / 65535.0).collect()
    }

    fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
        let count = values.len() as f64;
        values.sum::<f64>() / count
    }

    fn deviation(values: &[f64]) -> f64 {
        mean(values.iter().map(|value| value * value)).sqrt()
    }

    #[test]
    fn mid_tones_vary_as_it_is_said_and_stay_in_the_mean() {
        let grain = difference(32768, 0);
        assert!((deviation(&grain) - 0.05).abs() < 0.001, "{}", deviation(&grain));
        // Neighbours are alike, so that the mean of so many samples strays by 0.0004.
        assert!(mean(grain.iter().copied()).abs() < 0.0015);
        // Half as much at half the strength.
        let half = grained(&even(32768), 0.5, 7, 0);
        let half: Vec<f64> = half.plane(0).iter().map(|&at| (f64::from(at) - 32768.0) / 65535.0).collect();
        assert!((deviation(&half) - 0.025).abs() < 0.001);
    }

    #[test]
    fn black_and_white_have_none_and_shadows_have_some() {
        for level in [0, 65535] {
            assert_eq!(grained(&even(level), 1.0, 7, 3), even(level));
        }
        assert!((deviation(&difference(6554, 0)) - 0.05 * 0.36).abs() < 0.001);
    }

    #[test]
    fn only_brightness_changes() {
        let mut picture = even(30000);
        picture.plane_mut(0).fill(20000);
        let with = grained(&picture, 0.3, 7, 1);
        for (&red, &green) in with.plane(0).iter().zip(with.plane(1)) {
            assert!((i32::from(green) - i32::from(red) - 10000).abs() <= 1);
        }
    }

    #[test]
    fn it_repeats_for_a_frame_and_no_other() {
        let picture = even(32768);
        assert_eq!(grained(&picture, 1.0, 7, 5), grained(&picture, 1.0, 7, 5));
        let grains = [difference(32768, 5), difference(32768, 6), difference(32768, 0)];
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            let product = mean(grains[first].iter().zip(&grains[second]).map(|(a, b)| a * b));
            // Independent: not a shifted copy either, which one row or column would give away.
            assert!((product / 0.0025).abs() < 0.02, "{product}");
        }
        assert_ne!(grained(&picture, 1.0, 8, 5), grained(&picture, 1.0, 7, 5));
        // What was made before leaves no trace.
        let mut grain = Grain::new(1.0, 7);
        let mut into = Planar::new(Size::new(0, 0));
        grain.add(&picture, 4, &mut into);
        grain.add(&picture, 5, &mut into);
        assert_eq!(into, grained(&picture, 1.0, 7, 5));
    }

    #[test]
    fn grains_are_about_two_pixels_wide() {
        let grain = difference(32768, 0);
        let at = |x: usize, y: usize| grain[y * 400 + x];
        let like = |dx: usize, dy: usize| {
            let products = (0..100 * 300).map(|i| at(i % 300, i / 300) * at(i % 300 + dx, i / 300 + dy));
            mean(products) / 0.0025
        };
        for (dx, dy) in [(1, 0), (0, 1)] {
            assert!((like(dx, dy) - 2.0 / 3.0).abs() < 0.05, "{}", like(dx, dy));
        }
        for (dx, dy) in [(4, 0), (0, 4), (37, 11)] {
            assert!(like(dx, dy).abs() < 0.03, "{}", like(dx, dy));
        }
    }

    #[test]
    fn any_size_will_do() {
        for (width, height) in [(0, 0), (1, 1), (2, 5), (5, 2)] {
            let picture = Planar::new(Size::new(width, height));
            assert_eq!(grained(&picture, 1.0, 7, 0).size(), picture.size());
        }
    }
}
