//! Whole pictures, at once or in tiles.

use engine::{Engine, Session};
use frame::{RgbF32, Size};

/// Upscales a whole picture. The output gets the size that the session gives.
pub fn upscale(session: &mut dyn Session, input: &RgbF32, output: &mut RgbF32) {
    let mut sized = false;
    let run = session.run(input, &mut |band| {
        if !sized {
            let scale = band.width / input.size().width;
            output.resize(input.size().scaled(scale));
            sized = true;
        }
        for (plane, samples) in band.planes.iter().enumerate() {
            let at = band.y as usize * band.width as usize;
            output.plane_mut(plane)[at..at + samples.len()].copy_from_slice(samples);
        }
    });
    run.unwrap();
}

/// Upscales a picture in tiles of at most the size `tile`, overlap included; nothing when a tile has no room beside the overlap.
pub fn upscale_tiled(engine: &dyn Engine, input: &RgbF32, tile: Size) -> Option<RgbF32> {
    let (size, tiling) = (input.size(), engine.tiling());
    let columns = pieces(size.width, tile.width, tiling.grid, tiling.left, tiling.right)?;
    let rows = pieces(size.height, tile.height, tiling.grid, tiling.above, tiling.below)?;
    let mut output = RgbF32::new(size.scaled(engine.scale()));
    for &row in &rows {
        for &column in &columns {
            let mut picture = RgbF32::new(Size::new(column.len(), row.len()));
            for plane in 0..3 {
                for y in 0..row.len() {
                    let from = &input.row(plane, row.start + y)[column.start as usize..column.end as usize];
                    picture.row_mut(plane, y).copy_from_slice(from);
                }
            }
            let mut session = engine.session(picture.size()).unwrap();
            run_tile(session.as_mut(), &picture, (row, column), engine.scale(), &mut output);
        }
    }
    Some(output)
}

/// Runs one tile and puts its inner part into the output.
fn run_tile(
    session: &mut dyn Session,
    picture: &RgbF32,
    (row, column): (Piece, Piece),
    scale: u32,
    output: &mut RgbF32,
) {
    let columns = ((column.inner_start - column.start) * scale) as usize
        ..((column.inner_end - column.start) * scale) as usize;
    let left = (column.inner_start * scale) as usize;
    let run = session.run(picture, &mut |band| {
        for y in 0..band.rows {
            let target = row.start * scale + band.y + y;
            if target < row.inner_start * scale || target >= row.inner_end * scale {
                continue;
            }
            for (plane, samples) in band.planes.iter().enumerate() {
                let samples = &samples[y as usize * band.width as usize..][columns.clone()];
                output.row_mut(plane, target)[left..left + samples.len()].copy_from_slice(samples);
            }
        }
    });
    run.unwrap();
}

/// A tile's extent along one axis: what it reads, and the part of it that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub start: u32,
    pub end: u32,
    pub inner_start: u32,
    pub inner_end: u32,
}

impl Piece {
    pub fn len(self) -> u32 {
        self.end - self.start
    }
}

/// Cuts a length into pieces of at most `tile`; nothing when that is too little.
pub fn pieces(length: u32, tile: u32, grid: u32, before: u32, after: u32) -> Option<Vec<Piece>> {
    let before = before.next_multiple_of(grid);
    let mut pieces = Vec::new();
    let mut inner_start = 0;
    while inner_start < length {
        let start = inner_start.saturating_sub(before);
        let (end, inner_end) = match start.checked_add(tile) {
            Some(end) if end < length => (end, end.saturating_sub(after) / grid * grid),
            _ => (length, length),
        };
        if inner_end <= inner_start {
            return None;
        }
        pieces.push(Piece { start, end, inner_start, inner_end });
        inner_start = inner_end;
    }
    Some(pieces)
}
