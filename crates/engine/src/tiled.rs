//! Whole pictures, at once or in tiles.

use frame::{RgbF32, Size};

use crate::axis::{Axis, Piece};
use crate::{Engine, Error, Patch, RowBand, Session};

/// What runs pictures of one size within a limit of memory, with the same bits: whole, else by a thin session, else in tiles
/// beside each other that are as high as the picture. A session's memory grows with the width of its pictures, so that narrow
/// tiles are enough, and no row is computed twice.
pub(crate) struct Tiled {
    size: Size,
    scale: u32,
    tiles: Vec<Piece>,
    session: Box<dyn Session>,
    /// A tile's picture; without pixels where the picture is run whole.
    picture: RgbF32,
}

impl Tiled {
    /// Allocates all that pictures of a size need, which are at most so many bytes.
    ///
    /// # Errors
    /// [`Error::Memory`] with the least that would do where tiles do not help either, and as for [`Engine::session`].
    pub(crate) fn new(engine: &dyn Engine, size: Size, most: u64) -> Result<Self, Error> {
        let Tiles { tile, is_thin, .. } = tiles(engine, size, most)?;
        let axis = columns(engine, size);
        Ok(Self {
            size,
            scale: engine.scale(),
            tiles: axis.pieces(axis.all(), tile.width).collect(),
            session: if is_thin { engine.thin_session(tile)? } else { engine.session(tile)? },
            picture: RgbF32::new(if tile == size { Size::new(0, 0) } else { tile }),
        })
    }

    /// Runs a picture; its results come tile by tile, each from top to bottom.
    ///
    /// # Errors
    /// As for [`Session::run`].
    pub(crate) fn run(&mut self, input: &RgbF32, patches: &mut dyn FnMut(Patch<'_>)) -> Result<(), Error> {
        if input.size() != self.size {
            return Err(Error::Size { expected: self.size, found: input.size() });
        }
        if self.picture.size().pixels() == 0 {
            return self.session.run(input, &mut |band| patches(Patch::of(band)));
        }
        let (scale, width) = (self.scale, self.picture.size().width as usize);
        for &tile in &self.tiles {
            for plane in 0..3 {
                for y in 0..self.size.height {
                    let from = &input.row(plane, y)[tile.start as usize..][..width];
                    self.picture.row_mut(plane, y).copy_from_slice(from);
                }
            }
            self.session.run(&self.picture, &mut |band| {
                patches(Patch::of(band).columns(tile, scale));
            })?;
        }
        Ok(())
    }

    /// Bytes that this holds.
    pub(crate) fn memory(&self) -> u64 {
        self.session.memory() + bytes(self.picture.size())
    }

    /// Bytes that this holds at most for pictures of a size; see [`new`](Self::new).
    pub(crate) fn memory_within(engine: &dyn Engine, size: Size, most: u64) -> Result<u64, Error> {
        tiles(engine, size, most).map(|tiles| tiles.bytes)
    }
}

impl<'a> Patch<'a> {
    /// All of some rows.
    pub(crate) fn of(band: RowBand<'a>) -> Self {
        let RowBand { y, rows, width, planes } = band;
        Self { x: 0, y, width, rows, first: 0, stride: width as usize, planes }
    }

    /// The results that are taken of a tile's, in their place in the whole.
    fn columns(self, tile: Piece, scale: u32) -> Self {
        let x = tile.taken.start * scale;
        let width = (tile.taken.end - tile.taken.start) * scale;
        Self { x, width, first: ((tile.taken.start - tile.start) * scale) as usize, ..self }
    }
}

/// The columns of a picture, and what tiles of them must keep.
fn columns(engine: &dyn Engine, size: Size) -> Axis {
    let tiling = engine.tiling();
    Axis { length: size.width, grid: tiling.grid, reach: (tiling.left, tiling.right) }
}

/// How pictures of a size are run.
struct Tiles {
    tile: Size,
    is_thin: bool,
    bytes: u64,
}

/// Tiles overlap; they may cost so many times the work of the whole.
const MOST_WORK: u64 = 4;

/// The fastest tiles that take at most so many bytes: with as few tiles as fit.
fn tiles(engine: &dyn Engine, size: Size, most: u64) -> Result<Tiles, Error> {
    let bytes = engine.session_memory(size)?;
    if bytes <= most {
        return Ok(Tiles { tile: size, is_thin: false, bytes });
    }
    let axis = columns(engine, size);
    let (mut count, mut least, mut tried) = (1, bytes, None);
    loop {
        let tile = Size::new(axis.tile_for(count), size.height);
        if tried.replace(tile) != Some(tile) {
            let picture = if tile == size { 0 } else { self::bytes(tile) };
            let bytes = engine.thin_session_memory(tile)?.saturating_add(picture);
            if bytes <= most {
                return Ok(Tiles { tile, is_thin: true, bytes });
            }
            least = least.min(bytes);
        }
        let is_too_slow = u64::from(tile.width) * u64::from(count) > MOST_WORK * u64::from(size.width);
        if is_too_slow || count >= axis.length.div_ceil(axis.grid) {
            return Err(Error::Memory { size, bytes: least });
        }
        // Each try plans the work, so that large counts are not tried one by one.
        count += (count / 4).max(1);
    }
}

/// Bytes of a picture's samples.
pub(crate) fn bytes(size: Size) -> u64 {
    size.pixels() * 3 * size_of::<f32>() as u64
}
