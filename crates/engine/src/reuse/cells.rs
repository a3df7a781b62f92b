//! Which parts of a picture differ from an earlier one.

use frame::{RgbF32, Size};

/// Levels of an 8-bit sample above black.
const LEVELS: f32 = 255.0;
/// What conversions to and from floats may add to a difference, in levels.
const ROUNDING: f32 = 1e-3;

/// A picture cut into square cells, and which of them changed.
#[derive(Debug)]
pub(super) struct Cells {
    side: u32,
    across: u32,
    changed: Vec<bool>,
}

impl Cells {
    /// Cells of `side` pixels; those at the right and at the bottom may be smaller.
    pub(super) fn new(size: Size, side: u32) -> Self {
        let (across, down) = (size.width.div_ceil(side), size.height.div_ceil(side));
        Self { side, across, changed: vec![false; across as usize * down as usize] }
    }

    /// The cells of one row, true where they changed.
    pub(super) fn row(&self, row: u32) -> &[bool] {
        let across = self.across as usize;
        &self.changed[row as usize * across..][..across]
    }

    /// Columns and rows of cells.
    pub(super) fn count(&self) -> (u32, u32) {
        (self.across, self.changed.len() as u32 / self.across.max(1))
    }

    /// Finds the cells with a sample that differs by more than `tolerance` levels of 255, or is no finite number. With a
    /// tolerance of 0, every other bit is a change.
    pub(super) fn compare(&mut self, input: &RgbF32, reference: &RgbF32, tolerance: u8) {
        if tolerance == 0 {
            self.fill(input, reference, |a, b| (a.to_bits() != b.to_bits()) | !a.is_finite());
        } else {
            let limit = (f32::from(tolerance) + ROUNDING) / LEVELS;
            // The difference of what is not finite is not finite either.
            self.fill(input, reference, |a, b| ((a - b).abs() > limit) | !(a - b).is_finite());
        }
    }

    /// Copies the changed cells of `input` to `reference`.
    pub(super) fn copy_changed(&self, input: &RgbF32, reference: &mut RgbF32) {
        let side = self.side as usize;
        for plane in 0..3 {
            for y in 0..input.size().height {
                let from = input.row(plane, y).chunks(side);
                let to = reference.row_mut(plane, y).chunks_mut(side);
                let changed = self.row(y / self.side).iter();
                for ((from, to), _) in from.zip(to).zip(changed).filter(|(_, changed)| **changed) {
                    to.copy_from_slice(from);
                }
            }
        }
    }

    fn fill(&mut self, input: &RgbF32, reference: &RgbF32, differ: impl Fn(f32, f32) -> bool + Copy) {
        let (side, height) = (self.side, input.size().height);
        for (row, cells) in self.changed.chunks_mut(self.across.max(1) as usize).enumerate() {
            cells.fill(false);
            let first = row as u32 * side;
            for y in first..(first + side).min(height) {
                for plane in 0..3 {
                    let samples = input.row(plane, y).chunks(side as usize);
                    let known = reference.row(plane, y).chunks(side as usize);
                    for ((cell, samples), known) in cells.iter_mut().zip(samples).zip(known) {
                        if !*cell {
                            // No early end within the few samples: this loop becomes vector instructions.
                            *cell = samples.iter().zip(known).fold(false, |any, (&a, &b)| any | differ(a, b));
                        }
                    }
                }
                if cells.iter().all(|&changed| changed) {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(a: f32, b: f32, tolerance: u8) -> bool {
        let size = Size::new(14, 5);
        let (mut input, mut reference) = (RgbF32::new(size), RgbF32::new(size));
        input.row_mut(2, 4)[13] = a;
        reference.row_mut(2, 4)[13] = b;
        let mut cells = Cells::new(size, 4);
        cells.compare(&input, &reference, tolerance);
        assert!(cells.changed[..7].iter().all(|&changed| !changed), "only the last cell may change");
        cells.changed[7]
    }

    #[test]
    fn without_tolerance_every_bit_counts() {
        assert!(!changed(0.5, 0.5, 0));
        assert!(changed(0.5, 0.5_f32.next_up(), 0) && changed(0.0, -0.0, 0));
    }

    #[test]
    fn the_tolerance_is_in_levels() {
        for levels in [1_u8, 3, 200] {
            let step = f32::from(levels) / 255.0;
            assert!(!changed(0.1 + step, 0.1, levels) && !changed(0.1, 0.1 + step, levels), "{levels}");
            assert!(changed(0.1 + step + 0.1 / 255.0, 0.1, levels), "{levels}");
        }
    }

    #[test]
    fn what_is_not_finite_has_changed() {
        for tolerance in [0, 255] {
            for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(changed(number, number, tolerance) && changed(number, 0.5, tolerance));
            }
        }
    }

    #[test]
    fn only_changed_cells_are_copied() {
        let size = Size::new(9, 9);
        let (mut input, mut reference) = (RgbF32::new(size), RgbF32::new(size));
        input.row_mut(0, 1)[1] = 1.0;
        input.row_mut(1, 8)[8] = 0.002;
        let mut cells = Cells::new(size, 4);
        cells.compare(&input, &reference, 1);
        cells.copy_changed(&input, &mut reference);
        assert_eq!((reference.row(0, 1)[1], reference.row(1, 8)[8]), (1.0, 0.0));
    }
}
