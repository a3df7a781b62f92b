//! How much of a film's pictures changes from one to the next, seen while the list is made: for estimates alone, since the frames
//! that are made are compared once more, and then exactly.

use frame::Size;

use crate::raw::frame::RawFrame;
use crate::raw::pixel::PixelFormat;

/// Pixels of a side of the squares that change as a whole.
const CELL: u32 = 16;

/// Compares each frame with the one before.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Levels of 255 by which a sample may differ and counts as the same.
    tolerance: u8,
    /// What the frame before was like, and all its samples.
    like: Option<(Size, PixelFormat)>,
    before: Vec<u8>,
    /// Which cells of the picture changed.
    cells: Vec<bool>,
    /// The share of its picture that changed of each frame, in 1/65535.
    pub(crate) shares: Vec<u16>,
}

impl Changes {
    pub(crate) const fn new(tolerance: u8) -> Self {
        Self { tolerance, like: None, before: Vec::new(), cells: Vec::new(), shares: Vec::new() }
    }

    /// Compares a frame with the one before it.
    pub(crate) fn look(&mut self, frame: &RawFrame) {
        let (size, format) = (frame.size(), frame.format());
        let is_like = self.like.replace((size, format)) == Some((size, format));
        let (across, down) =
            (size.width.div_ceil(CELL).max(1) as usize, size.height.div_ceil(CELL).max(1) as usize);
        self.cells.clear();
        self.cells.resize(across * down, false);
        // Samples of more than a byte are compared byte by byte, and exactly.
        let tolerance = if format.bit_depth() > 8 { 0 } else { self.tolerance };
        let mut kept = 0;
        for plane in 0..format.planes() {
            let rows = format.rows(size.height, plane);
            for y in 0..rows {
                let row = frame.row(plane, y);
                let end = kept + row.len();
                if self.before.len() < end {
                    self.before.resize(end, 0);
                }
                let before = &mut self.before[kept..end];
                kept = end;
                if is_like && before == row {
                    continue;
                }
                let first = (y as usize * down / rows.max(1) as usize).min(down - 1) * across;
                let each = row.len().div_ceil(across).max(1);
                let cells = self.cells[first..first + across].iter_mut();
                for (cell, (new, old)) in cells.zip(row.chunks(each).zip(before.chunks(each))) {
                    *cell |= !is_like || differ(new, old, tolerance);
                }
                before.copy_from_slice(row);
            }
        }
        self.shares.push(share(&self.cells, across));
    }
}

fn differ(new: &[u8], old: &[u8], tolerance: u8) -> bool {
    if tolerance == 0 { new != old } else { new.iter().zip(old).any(|(a, b)| a.abs_diff(*b) > tolerance) }
}

/// The share of cells that a network computes: those that changed, and those beside them, which it sees them from.
fn share(cells: &[bool], across: usize) -> u16 {
    let down = cells.len() / across.max(1);
    let is_changed = |x: usize, y: usize| {
        let rows = y.saturating_sub(1)..(y + 2).min(down);
        let columns = x.saturating_sub(1)..(x + 2).min(across);
        rows.into_iter().any(|y| cells[y * across..][columns.clone()].contains(&true))
    };
    let changed = match cells.iter().filter(|&&cell| cell).count() {
        0 => 0,
        all if all == cells.len() => all,
        _ => (0..down)
            .flat_map(|y| (0..across).map(move |x| (x, y)))
            .filter(|&(x, y)| is_changed(x, y))
            .count(),
    };
    (changed * usize::from(u16::MAX) / cells.len().max(1)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(tolerance: u8, name: &str, changes: &[(usize, u32, usize, u8)]) -> Vec<u16> {
        let format = PixelFormat::named(name).unwrap();
        let mut frame = RawFrame::allocate(format, Size::new(160, 96)).unwrap();
        frame.fill(0);
        let mut seen = Changes::new(tolerance);
        seen.look(&frame);
        for &(plane, y, x, value) in changes {
            frame.row_mut(plane, y)[x] = value;
            seen.look(&frame);
        }
        seen.shares
    }

    #[test]
    fn a_change_counts_with_what_lies_around_it() {
        let share = |cells: usize| (cells * 65535 / 60) as u16;
        // The first frame is new. In the middle, nine cells of 60; in a corner, four; chroma counts as luma does.
        let seen = shares(
            0,
            "yuv420p",
            &[(0, 40, 70, 9), (0, 40, 70, 9), (0, 95, 159, 9), (1, 0, 0, 9), (2, 24, 40, 9)],
        );
        assert_eq!(seen, [u16::MAX, share(9), 0, share(4), share(4), share(9)]);
        assert_eq!(shares(0, "yuv420p10le", &[(0, 40, 141, 1)])[1], share(9));
        // A packed format has its samples side by side.
        assert_eq!(shares(0, "rgb24", &[(0, 40, 3 * 70, 9)])[1], share(9));
    }

    #[test]
    fn what_is_within_the_tolerance_is_no_change() {
        assert_eq!(shares(3, "gray", &[(0, 40, 70, 3), (0, 40, 70, 7)])[1..], [0, (9 * 65535 / 60) as u16]);
    }
}
