//! How the pixels that an instruction makes are cut into tasks, and which tasks of the instruction before must be done
//! for a task to begin.

use std::ops::Range;

use super::program::Access;

/// Cells of equal size, counted row by row, cut into tasks of as many cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Row of the picture at which the cells begin; may be negative. They begin at column 0.
    pub(crate) first_row: isize,
    /// Columns and rows of a cell.
    pub(crate) cell: (usize, usize),
    /// Cells beside each other.
    pub(crate) across: usize,
    /// All cells.
    pub(crate) cells: usize,
    /// Cells of a task.
    pub(crate) block: usize,
}

impl Grid {
    /// Number of tasks.
    pub(crate) fn tasks(&self) -> usize {
        self.cells.div_ceil(self.block)
    }

    /// The cells of a task.
    pub(crate) fn span(&self, task: usize) -> Range<usize> {
        let first = task * self.block;
        first..(first + self.block).min(self.cells)
    }

    /// The task that makes the pixel (x, y), or the last one before it; nothing for rows above all cells.
    fn task_of(&self, x: usize, y: isize) -> Option<usize> {
        let row = usize::try_from(y - self.first_row).ok()? / self.cell.1;
        let cell = row * self.across + (x / self.cell.0).min(self.across - 1);
        Some(cell.min(self.cells - 1) / self.block)
    }
}

/// The instruction before another, as far as the other has to wait for it.
#[derive(Debug)]
pub(crate) struct Before {
    /// Number of its first task in the frame.
    pub(crate) first_task: usize,
    pub(crate) grid: Grid,
    /// How the later instruction reads what this one makes; empty when it does not.
    pub(crate) accesses: Vec<Access>,
}

impl Before {
    /// The number of the task up to which all must be done before some cells of the later instruction's grid can be
    /// made. All of the instructions before this one always must.
    pub(crate) fn needed(&self, grid: &Grid, span: Range<usize>) -> usize {
        let mut needed = self.first_task;
        for &access in &self.accesses {
            // The last cell of each row that the task touches.
            let mut cell = span.start;
            while cell < span.end {
                let row = cell / grid.across;
                let last = ((row + 1) * grid.across).min(span.end) - 1;
                let x = (last % grid.across + 1) * grid.cell.0 - 1;
                let y = grid.first_row + ((row + 1) * grid.cell.1) as isize - 1;
                let (x, y) = access.last(x, y);
                if let Some(task) = self.grid.task_of(x, y) {
                    needed = needed.max(self.first_task + task + 1);
                }
                cell = last + 1;
            }
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILES: Grid = Grid { first_row: -2, cell: (6, 6), across: 10, cells: 20, block: 4 };

    #[test]
    fn a_task_needs_what_is_right_below_and_beside_it() {
        let before = Before { first_task: 100, grid: TILES, accesses: vec![Access::Tiles] };
        let later = Grid { first_row: -3, ..TILES };
        // Tiles 0 to 3 of the first row end at column 23 and row 2 and read one more, of tile 4 in task 1.
        assert_eq!(before.needed(&later, later.span(0)), 102);
        // Tiles 8 and 9 end the first row, 10 and 11 begin the second: of that they read tile 12, in task 3.
        assert_eq!(before.needed(&later, later.span(2)), 104);
        assert_eq!(before.needed(&later, later.span(4)), 105);
    }

    #[test]
    fn what_is_not_read_is_not_waited_for() {
        let before = Before { first_task: 7, grid: TILES, accesses: Vec::new() };
        assert_eq!(before.needed(&TILES, TILES.span(3)), 7);
        // Rows above the first tile were made by an earlier instruction.
        let above = Grid { first_row: -40, ..TILES };
        let before = Before { accesses: vec![Access::Same], ..before };
        assert_eq!(before.needed(&above, above.span(0)), 7);
    }

    #[test]
    fn enlarged_rows_need_the_row_that_they_come_from() {
        let before = Before { first_task: 0, grid: TILES, accesses: vec![Access::Enlarge(4)] };
        let rows = Grid { first_row: 0, cell: (240, 1), across: 1, cells: 16, block: 1 };
        // Rows 0 to 15 of the output lie over rows 0 to 3 of the tiles, which lie in tile row 0 (rows −2 to 3).
        assert_eq!(before.needed(&rows, rows.span(15)), 3);
    }
}
