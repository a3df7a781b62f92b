//! From changed cells to tiles: which results can change, and how they are computed with little work.

use frame::Size;

use super::cells::Cells;
use crate::axis::{Axis, Piece, Span};

/// Width and height wanted for a cell, in pixels: small ones follow a change closely, large ones are found faster.
const CELL: u32 = 12;
/// Cells along a side that the smallest tile makes room for.
const SMALL_CHANGE: u32 = 3;
/// Columns whose time the rows of a tile cost beside their own.
const COLUMNS_FOR_A_ROW: u64 = 24;
/// A tile that saves less than this share of the length of a side spans it.
const LEAST_SAVING: u32 = 8;
/// Work on parts that is worth its trouble, in tenths of the work on the whole.
const WORTHWHILE_TENTHS: u64 = 9;
/// How often a group of changed cells is cut in two: up to eight areas.
const CUTS: u32 = 3;

/// How far around a changed pixel results change, which is also how far from the border of a tile they are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// Tiles begin, and their inner parts end, at multiples of this.
    pub(super) grid: u32,
    /// Inputs needed before and after a cell of the grid, horizontally.
    pub(super) across: (u32, u32),
    /// As `across`, vertically.
    pub(super) down: (u32, u32),
}

/// Results that are computed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    /// Columns of the input that the results belong to.
    pub(super) columns: Span,
    /// Rows of the input that the results belong to.
    pub(super) rows: Span,
    /// Index of the shape of its tiles.
    pub(super) shape: usize,
}

/// What is fixed for pictures of one size.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Cut,
    rows: Cut,
    /// Sizes of tiles; the first is the whole picture.
    shapes: Vec<Size>,
}

impl Layout {
    pub(super) fn new(size: Size, reach: Reach) -> Self {
        let columns = Cut::new(size.width, reach.across, reach.grid);
        let rows = Cut::new(size.height, reach.down, reach.grid);
        let ([small_x, medium_x], [small_y, medium_y]) = (columns.lengths(), rows.lengths());
        let mut shapes = vec![size];
        // Few, since each takes memory: for a spot, for something that moves, for a line of text, for a column.
        for (width, height) in
            [(small_x, small_y), (medium_x, medium_y), (size.width, small_y), (small_x, size.height)]
        {
            let shape = Size::new(width, height);
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        Self { columns, rows, shapes }
    }

    /// Sizes of tiles; the first is the whole picture.
    pub(super) fn shapes(&self) -> &[Size] {
        &self.shapes
    }

    /// Pixels along the side of a cell.
    pub(super) fn cell(&self) -> u32 {
        self.columns.cell
    }

    /// Finds areas that hold all results that the changed cells can change. None when nothing changed; a single one of
    /// the first shape when it is best to compute the whole.
    pub(super) fn areas(&self, cells: &Cells, areas: &mut Vec<Area>) {
        areas.clear();
        let (across, down) = cells.count();
        let all = Group { columns: Span { start: 0, end: across }, rows: Span { start: 0, end: down } };
        let total = self.cover(cells, all, CUTS, areas);
        if total * 10 > work(self.shapes[0]) * WORTHWHILE_TENTHS {
            areas.clear();
            areas.push(Area { columns: self.columns.axis.all(), rows: self.rows.axis.all(), shape: 0 });
        }
    }

    /// The tiles of an area along one axis: columns, then rows.
    pub(super) fn columns(&self, area: &Area) -> impl Iterator<Item = Piece> + use<> {
        self.columns.axis.pieces(area.columns, self.shapes[area.shape].width)
    }

    /// See [`columns`](Self::columns).
    pub(super) fn rows(&self, area: &Area) -> impl Iterator<Item = Piece> + use<> {
        self.rows.axis.pieces(area.rows, self.shapes[area.shape].height)
    }

    /// Covers the changed cells within a group, as one area or cut at a gap where that is less work. Gives the work.
    fn cover(&self, cells: &Cells, group: Group, cuts: u32, areas: &mut Vec<Area>) -> u64 {
        let Some(group) = group.shrunk(cells) else { return 0 };
        let known = areas.len();
        let (area, mut least) = self.area(group);
        areas.push(area);
        if cuts == 0 {
            return least;
        }
        for halves in group.halves(cells).into_iter().flatten() {
            let tried = areas.len();
            let work: u64 = halves.into_iter().map(|half| self.cover(cells, half, cuts - 1, areas)).sum();
            if work < least {
                least = work;
                areas.drain(known..tried);
            } else {
                areas.truncate(tried);
            }
        }
        least
    }

    /// The area for a group of cells, with the shape that is the least work.
    fn area(&self, group: Group) -> (Area, u64) {
        let (columns, rows) = (self.columns.results(group.columns), self.rows.results(group.rows));
        let works = self.shapes.iter().enumerate().filter_map(|(shape, &size)| {
            let tiles =
                self.columns.axis.count(columns, size.width)? * self.rows.axis.count(rows, size.height)?;
            Some((u64::from(tiles) * work(size), shape))
        });
        let (work, shape) = works.min().unwrap_or((work(self.shapes[0]), 0));
        (Area { columns, rows, shape }, work)
    }
}

/// The work of a tile, in pixels.
fn work(tile: Size) -> u64 {
    (u64::from(tile.width) + COLUMNS_FOR_A_ROW) * u64::from(tile.height)
}

/// One direction of the pictures, with its cells.
#[derive(Debug, Clone, Copy)]
struct Cut {
    axis: Axis,
    /// A multiple of the grid.
    cell: u32,
}

impl Cut {
    fn new(length: u32, reach: (u32, u32), grid: u32) -> Self {
        Self { axis: Axis { length, grid, reach }, cell: grid * (CELL / grid).max(1) }
    }

    /// The results that change when these cells do, in whole cells of the grid.
    fn results(self, cells: Span) -> Span {
        let Axis { length, grid, reach } = self.axis;
        let start = (cells.start * self.cell).saturating_sub(reach.1) / grid * grid;
        let end = (cells.end * self.cell + reach.0).next_multiple_of(grid);
        Span { start, end: end.min(length) }
    }

    /// The length of a small and of a medium tile; that of the whole where a tile saves too little.
    fn lengths(self) -> [u32; 2] {
        let Axis { length, grid, reach } = self.axis;
        let around = 2 * (reach.0 + reach.1) + 2 * grid;
        let small = around + SMALL_CHANGE * self.cell;
        let medium = small + length.saturating_sub(small) / 2;
        [small, medium].map(|least| {
            let tile = self.axis.fitting(least);
            if length - tile < length / LEAST_SAVING { length } else { tile }
        })
    }
}

/// A rectangle of cells.
#[derive(Debug, Clone, Copy)]
struct Group {
    columns: Span,
    rows: Span,
}

impl Group {
    fn row_changed(&self, cells: &Cells, row: u32) -> bool {
        cells.row(row)[self.columns.start as usize..self.columns.end as usize].contains(&true)
    }

    fn column_changed(&self, cells: &Cells, column: u32) -> bool {
        (self.rows.start..self.rows.end).any(|row| cells.row(row)[column as usize])
    }

    /// The smallest group with the same changed cells; `None` where there are none.
    fn shrunk(mut self, cells: &Cells) -> Option<Self> {
        let rows = self.rows.start..self.rows.end;
        let start = rows.clone().find(|&row| self.row_changed(cells, row))?;
        let end = rows.rev().find(|&row| self.row_changed(cells, row))? + 1;
        self.rows = Span { start, end };
        let columns = self.columns.start..self.columns.end;
        let start = columns.clone().find(|&column| self.column_changed(cells, column))?;
        let end = columns.rev().find(|&column| self.column_changed(cells, column))? + 1;
        self.columns = Span { start, end };
        Some(self)
    }

    /// Both parts beside the widest gap between rows, and beside that between columns.
    fn halves(&self, cells: &Cells) -> [Option<[Self; 2]>; 2] {
        let row = widest_gap(self.rows, |row| self.row_changed(cells, row));
        let column = widest_gap(self.columns, |column| self.column_changed(cells, column));
        let above = |at| Self { rows: Span { end: at, ..self.rows }, ..*self };
        let below = |at| Self { rows: Span { start: at, ..self.rows }, ..*self };
        let left = |at| Self { columns: Span { end: at, ..self.columns }, ..*self };
        let right = |at| Self { columns: Span { start: at, ..self.columns }, ..*self };
        [row.map(|at| [above(at), below(at)]), column.map(|at| [left(at), right(at)])]
    }
}

/// Where the widest stretch without changes ends; `None` where there is none.
fn widest_gap(span: Span, changed: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut widest, mut last) = (None, span.start);
    for at in (span.start..span.end).filter(|&at| changed(at)) {
        let width = at - last;
        if width > 1 && widest.is_none_or(|(known, _)| width > known) {
            widest = Some((width, at));
        }
        last = at;
    }
    widest.map(|(_, at)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(length: u32) -> Cut {
        Cut::new(length, (13, 7), 6)
    }

    #[test]
    fn tiles_cover_the_results_and_keep_their_distance() {
        for length in 40..130 {
            let cut = cut(length);
            let cells = length.div_ceil(12);
            for tile in cut.lengths() {
                assert!(tile == length || (length - tile).is_multiple_of(6));
                for start in 0..cells {
                    for end in start + 1..=cells {
                        let results = cut.results(Span { start, end });
                        assert!(results.start == 0 || results.start + 7 <= start * 12);
                        assert!(results.end == length || results.end >= end * 12 + 13);
                        let mut covered = results.start;
                        for piece in cut.axis.pieces(results, tile) {
                            assert_eq!(piece.taken.start, covered);
                            assert!(piece.start.is_multiple_of(6) && piece.start + tile <= length);
                            assert!(piece.start == 0 || piece.start + 13 <= piece.taken.start);
                            let is_last = piece.start + tile == length;
                            assert!(is_last || piece.taken.end + 7 <= piece.start + tile);
                            assert!(piece.taken.end.is_multiple_of(6) || piece.taken.end == length);
                            covered = piece.taken.end;
                        }
                        assert_eq!(covered, results.end);
                    }
                }
            }
        }
    }

    #[test]
    fn the_widest_gap_is_found() {
        let gap = |changed: &str| {
            let span = Span { start: 0, end: changed.len() as u32 };
            widest_gap(span, |at| changed.as_bytes()[at as usize] == b'#')
        };
        assert_eq!(gap("##.#...#.#"), Some(7));
        assert_eq!(gap("####"), None);
    }

    #[test]
    fn distant_changes_are_computed_apart_and_near_ones_together() {
        let reach = Reach { grid: 6, across: (10, 10), down: (12, 8) };
        let layout = Layout::new(Size::new(600, 400), reach);
        let mut areas = Vec::new();
        let mut count = |spots: &[(usize, usize)]| {
            let size = Size::new(600, 400);
            let (mut input, black) = (frame::RgbF32::new(size), frame::RgbF32::new(size));
            for &(x, y) in spots {
                input.row_mut(1, y as u32)[x] = 1.0;
            }
            let mut cells = Cells::new(size, layout.cell());
            cells.compare(&input, &black, 0);
            layout.areas(&cells, &mut areas);
            areas.iter().map(|area| area.shape).collect::<Vec<_>>()
        };
        assert_eq!(count(&[]), [0_usize; 0]);
        assert_eq!(count(&[(5, 5)]), [1]);
        assert_eq!(count(&[(5, 5), (590, 5), (300, 390)]), [1, 1, 1]);
        assert_eq!(count(&[(100, 100), (110, 120)]), [1]);
        let everywhere: Vec<_> =
            (0..600).step_by(30).flat_map(|x| (0..400).step_by(30).map(move |y| (x, y))).collect();
        assert_eq!(count(&everywhere), [0]);
    }
}
