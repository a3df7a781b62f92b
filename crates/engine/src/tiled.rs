//! Whole pictures, at once or in tiles.

use frame::{RgbF32, Size};

use crate::{Engine, Error, Session};

/// Upscales a whole picture. The output gets the size that the session gives.
///
/// # Errors
/// As for [`Session::run`].
pub fn upscale(session: &mut dyn Session, input: &RgbF32, output: &mut RgbF32) -> Result<(), Error> {
    let mut sized = false;
    session.run(input, &mut |band| {
        if !sized {
            let scale = band.width / input.size().width;
            output.resize(input.size().scaled(scale));
            sized = true;
        }
        for (plane, samples) in band.planes.iter().enumerate() {
            let at = band.y as usize * band.width as usize;
            output.plane_mut(plane)[at..at + samples.len()].copy_from_slice(samples);
        }
    })
}

/// Upscales a picture in tiles of at most the size `tile`, overlap included, with the same result to the last bit.
///
/// # Errors
/// When a tile has no room beside the overlap, and as for [`Engine::session`] and [`Session::run`].
pub fn upscale_tiled(
    engine: &dyn Engine,
    input: &RgbF32,
    tile: Size,
    output: &mut RgbF32,
) -> Result<(), Error> {
    let (size, tiling) = (input.size(), engine.tiling());
    if size.pixels() == 0 {
        return Err(Error::Empty(size));
    }
    let too_small = Error::Tile {
        tile,
        overlap: Size::new(
            tiling.left.next_multiple_of(tiling.grid) + tiling.right + tiling.grid,
            tiling.above.next_multiple_of(tiling.grid) + tiling.below + tiling.grid,
        ),
    };
    let columns = pieces(size.width, tile.width, tiling.grid, tiling.left, tiling.right);
    let rows = pieces(size.height, tile.height, tiling.grid, tiling.above, tiling.below);
    let (Some(columns), Some(rows)) = (columns, rows) else { return Err(too_small) };
    output.resize(size.scaled(engine.scale()));
    let mut tiles: Vec<(Piece, Piece)> =
        rows.iter().flat_map(|&row| columns.iter().map(move |&column| (row, column))).collect();
    // Tiles of one size after the other, so that only one session exists at a time.
    tiles.sort_by_key(|(row, column)| (row.len(), column.len()));
    let mut session: Option<(Size, Box<dyn Session>)> = None;
    let mut picture = RgbF32::new(Size::new(0, 0));
    for (row, column) in tiles {
        let size = Size::new(column.len(), row.len());
        if session.as_ref().is_none_or(|(planned, _)| *planned != size) {
            // The old one goes before the new one comes.
            drop(session.take());
            picture.resize(size);
            session = Some((size, engine.session(size)?));
        }
        let Some((_, session)) = &mut session else { return Err(too_small) };
        for plane in 0..3 {
            for y in 0..row.len() {
                let from = &input.row(plane, row.start + y)[column.start as usize..column.end as usize];
                picture.row_mut(plane, y).copy_from_slice(from);
            }
        }
        run_tile(session.as_mut(), &picture, (row, column), engine.scale(), output)?;
    }
    Ok(())
}

/// Runs one tile and puts its inner part into the output.
fn run_tile(
    session: &mut dyn Session,
    picture: &RgbF32,
    (row, column): (Piece, Piece),
    scale: u32,
    output: &mut RgbF32,
) -> Result<(), Error> {
    let columns = ((column.inner_start - column.start) * scale) as usize
        ..((column.inner_end - column.start) * scale) as usize;
    let left = (column.inner_start * scale) as usize;
    session.run(picture, &mut |band| {
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
    })
}

/// A tile's extent along one axis: what it reads, and the part of it that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    start: u32,
    end: u32,
    inner_start: u32,
    inner_end: u32,
}

impl Piece {
    fn len(self) -> u32 {
        self.end - self.start
    }
}

/// Cuts a length into pieces of at most `tile`; nothing when that is too little.
fn pieces(length: u32, tile: u32, grid: u32, before: u32, after: u32) -> Option<Vec<Piece>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_once_and_keep_their_distance() {
        for length in 1..200 {
            for tile in 31..80 {
                let pieces = pieces(length, tile, 6, 13, 7).unwrap();
                let mut covered = 0;
                for piece in &pieces {
                    assert_eq!(piece.inner_start, covered);
                    assert!(piece.len() <= tile && piece.start.is_multiple_of(6));
                    assert!(piece.start == 0 || piece.start + 13 <= piece.inner_start);
                    assert!(piece.end == length || piece.inner_end + 7 <= piece.end);
                    assert!(piece.end == length || piece.inner_end.is_multiple_of(6));
                    covered = piece.inner_end;
                }
                assert_eq!(covered, length);
            }
        }
    }

    #[test]
    fn a_tile_without_room_is_refused() {
        assert_eq!(pieces(100, 20, 6, 13, 7), None);
        assert!(pieces(20, 20, 6, 13, 7).is_some());
    }
}
