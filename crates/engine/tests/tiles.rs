//! What [`Tiling`] says: a picture in tiles that keep to it has the bits of the whole, and no bound of it is wider than needed.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::nets::{networks, noise, srvgg};
use common::tiled::{pieces, upscale_tiled};
use common::{engines, same, threads, whole};
use engine::Tiling;
use frame::{RgbF32, Size};

#[test]
fn tiles_do_not_change_a_bit() {
    for (name, network) in networks() {
        for engine in engines(&network, 2) {
            let Tiling { grid, above, below, left, right } = engine.tiling();
            let smallest = Size::new(
                left.next_multiple_of(grid) + grid + right,
                above.next_multiple_of(grid) + grid + below,
            );
            for (room, more) in [(0, 2 * grid - 1), (17, 31)] {
                let tile = Size::new(smallest.width + room, smallest.height + room);
                let input = noise(Size::new(tile.width + more, tile.height + more / 2), 10);
                let tiled = upscale_tiled(engine.as_ref(), &input, tile).unwrap();
                assert!(same(&tiled, &whole(engine.as_ref(), &input)), "{name} {tile} {}", engine.describe());
            }
        }
    }
}

#[test]
fn the_overlap_is_not_larger_than_needed() {
    // One row or column less must change something, else the bound is not the exact one.
    let network = srvgg(8, 2, 2, 11);
    let engine = engine::cpu(&network, threads(1)).unwrap();
    let Tiling { grid, above, below, left, right } = engine.tiling();
    let (x, y) = (left.next_multiple_of(grid), above.next_multiple_of(grid));
    let size = Size::new(x + grid + right + 9, y + grid + below + 9);
    let input = noise(size, 12);
    let before = whole(engine.as_ref(), &input);
    let cell = |picture: &RgbF32| {
        let rows = y * 2..(y + grid) * 2;
        rows.flat_map(|row| picture.row(0, row)[x as usize * 2..][..grid as usize * 2].to_vec())
            .collect::<Vec<_>>()
    };
    let changed = |column: u32, row: u32, across: bool| {
        let mut input = input.clone();
        for plane in 0..3 {
            for i in 0..if across { size.width } else { size.height } {
                let (column, row) = if across { (i, row) } else { (column, i) };
                input.row_mut(plane, row)[column as usize] = -50.0;
            }
        }
        cell(&whole(engine.as_ref(), &input)) != cell(&before)
    };
    assert!(changed(0, y - above, true) && changed(0, y + grid + below - 1, true));
    assert!(changed(x - left, 0, false) && changed(x + grid + right - 1, 0, false));
    assert!(!changed(0, y + grid + below, true) && !changed(x + grid + right, 0, false));
    assert!(y == above || !changed(0, y - above - 1, true));
    assert!(x == left || !changed(x - left - 1, 0, false));
}

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
