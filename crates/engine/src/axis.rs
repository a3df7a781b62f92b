//! One direction of a picture, cut into tiles of one length.

/// A stretch of pixels or cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A tile along one axis: where it begins, and the results that are taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: u32,
    pub(crate) taken: Span,
}

/// One direction of the pictures, in pixels of the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) length: u32,
    /// Tiles begin, and what is taken of them ends, at multiples of this or with the picture.
    pub(crate) grid: u32,
    /// Inputs needed before and after a cell of the grid.
    pub(crate) reach: (u32, u32),
}

impl Axis {
    pub(crate) fn all(self) -> Span {
        Span { start: 0, end: self.length }
    }

    /// The shortest tile with at least `least` pixels that differs from the whole by a multiple of the grid, so that a tile can
    /// begin on the grid and end with the picture; that of the whole where `least` is more.
    pub(crate) fn fitting(self, least: u32) -> u32 {
        self.length - self.length.saturating_sub(least) / self.grid * self.grid
    }

    /// A short tile of which at most `count` give all results; that of the whole where tiles would be no shorter.
    pub(crate) fn tile_for(self, count: u32) -> u32 {
        let taken = self.length.div_ceil(count.max(1)).next_multiple_of(self.grid);
        self.fitting(taken + self.reach.0.next_multiple_of(self.grid) + self.reach.1)
    }

    /// Tiles of this length that give the results; none where the length leaves no inner part.
    pub(crate) fn count(self, results: Span, tile: u32) -> Option<u32> {
        let mut end = results.start;
        let count = self.pieces(results, tile).inspect(|piece| end = piece.taken.end).count();
        (end >= results.end).then_some(count as u32)
    }

    /// Tiles of this length, from the first result to the last, or until one has no inner part.
    pub(crate) fn pieces(self, results: Span, tile: u32) -> impl Iterator<Item = Piece> {
        let mut next = results.start;
        std::iter::from_fn(move || {
            if next >= results.end {
                return None;
            }
            let start = (next.saturating_sub(self.reach.0) / self.grid * self.grid).min(self.length - tile);
            let inner_end = if start + tile == self.length {
                self.length
            } else {
                (start + tile).saturating_sub(self.reach.1) / self.grid * self.grid
            };
            let taken = Span { start: next, end: inner_end.min(results.end) };
            next = taken.end;
            (taken.start < taken.end).then_some(Piece { start, taken })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_tiles_as_wanted_or_fewer_give_the_whole() {
        for length in 1..300 {
            let axis = Axis { length, grid: 6, reach: (13, 7) };
            for count in 1..50 {
                let tile = axis.tile_for(count);
                assert!((length - tile).is_multiple_of(6) && (1..=length).contains(&tile));
                let found = axis.count(axis.all(), tile);
                assert!(found.is_some_and(|found| found <= count), "{count} of {length}: {tile}, {found:?}");
            }
            assert_eq!(axis.tile_for(1), length);
        }
    }

    #[test]
    fn a_tile_without_room_is_not_used() {
        let axis = Axis { length: 100, grid: 6, reach: (13, 7) };
        assert_eq!(axis.count(Span { start: 30, end: 60 }, 22), None);
        assert_eq!(axis.count(Span { start: 30, end: 60 }, 100), Some(1));
    }
}
