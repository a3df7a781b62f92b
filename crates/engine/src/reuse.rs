//! What did not change is not computed again.
//!
//! A [`Reuse`] keeps a **reference**: the picture that the results it has handed out so far are the network's answer to.
//! A new picture is compared with it cell by cell. Changed cells go into the reference, and the results that they can
//! change are computed from the reference again, in tiles of a few fixed sizes; all others stay. So the results are at
//! any time those of the whole reference, and the reference differs from the last picture by no more than the tolerance:
//! nothing adds up over time.
//!
//! Without tolerance, results change as far around a change as [`Tiling`](crate::Tiling) says, and the bits are those
//! of computing everything. With a tolerance, only as far as the network sees, which is less; the last bits may differ,
//! but are the same every time.

mod cells;
mod field;
mod layout;

use frame::{RgbF32, Size};
use network::ir::Network;

use self::cells::Cells;
use self::layout::{Area, Layout, Reach};
use crate::axis::Piece;
use crate::tiled::{Tiled, bytes};
use crate::{Engine, Error};

/// What a new picture needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// The results are those of the picture before.
    Nothing,
    /// Some results change, and the others are those of the picture before.
    Parts,
    /// All results are computed.
    Everything,
}

/// A rectangle of results: planar RGB, not clipped to 0..1.
#[derive(Debug, Clone, Copy)]
pub struct Patch<'a> {
    /// Column of the output at which it begins.
    pub x: u32,
    /// Row of the output at which it begins.
    pub y: u32,
    /// Samples in a row.
    pub width: u32,
    /// Number of rows.
    pub rows: u32,
    pub(crate) first: usize,
    pub(crate) stride: usize,
    pub(crate) planes: [&'a [f32]; 3],
}

impl<'a> Patch<'a> {
    /// Row `y` of the patch, of plane red (0), green (1) or blue (2).
    ///
    /// # Panics
    /// If `plane` is greater than 2 or the patch has no such row.
    pub fn row(&self, plane: usize, y: u32) -> &'a [f32] {
        &self.planes[plane][y as usize * self.stride + self.first..][..self.width as usize]
    }
}

/// Runs an engine over the pictures of a video and computes what changed.
pub struct Reuse {
    engine: Box<dyn Engine>,
    /// Pixels around a cell of the grid that its results depend on, rounding aside.
    field: u32,
    sequence: Option<Sequence>,
}

/// What is kept for pictures of one size.
struct Sequence {
    size: Size,
    /// Largest difference that is no change, in levels of 255; `None` when all pictures are computed.
    tolerance: Option<u8>,
    layout: Layout,
    cells: Cells,
    /// The results handed out are those of this picture. Without pixels when nothing is compared.
    reference: RgbF32,
    /// The results handed out are complete.
    is_known: bool,
    areas: Vec<Area>,
    /// What runs the shapes of the layout, the whole picture first, others as they are needed.
    sessions: Vec<Option<Tiled>>,
    /// Bytes that these may hold together.
    most: u64,
    tile: RgbF32,
}

impl std::fmt::Debug for Reuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reuse").field("engine", &self.engine.describe()).finish_non_exhaustive()
    }
}

impl Reuse {
    /// Wraps an engine that was made for this network.
    pub fn new(engine: Box<dyn Engine>, network: &Network) -> Self {
        let field = field::receptive_field(network, engine.tiling().grid);
        Self { engine, field, sequence: None }
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// Begins anew with pictures of one size: the first one is computed whatever came before.
    ///
    /// Samples that differ by at most `tolerance` levels of 255 from what the results were computed from count as
    /// unchanged; without a tolerance, every picture is computed. Sessions are kept from one beginning to the next.
    ///
    /// # Errors
    /// As for [`Engine::session`].
    pub fn begin(&mut self, size: Size, tolerance: Option<u8>) -> Result<(), Error> {
        self.begin_within(size, tolerance, u64::MAX)
    }

    /// As [`begin`](Self::begin), with sessions of at most `most` bytes: where a picture does not fit, it is computed in
    /// tiles, which takes longer and changes no bit.
    ///
    /// # Errors
    /// [`Error::Memory`] with the least that would do where tiles do not help either, and as for [`Engine::session`].
    pub fn begin_within(&mut self, size: Size, tolerance: Option<u8>, most: u64) -> Result<(), Error> {
        let needed = self.sessions_within(size, most)?;
        if let Some(sequence) = &mut self.sequence
            && (sequence.size, sequence.tolerance) == (size, tolerance)
            && sequence.held() <= most
            && sequence.sessions[0].as_ref().is_some_and(|whole| whole.memory() == needed)
        {
            (sequence.is_known, sequence.most) = (false, most);
            return Ok(());
        }
        // The old one's memory goes before the new one's comes.
        self.sequence = None;
        let whole = Tiled::new(self.engine.as_ref(), size, most)?;
        let layout = Layout::new(size, self.reach(tolerance));
        let mut sessions: Vec<_> = layout.shapes().iter().map(|_| None).collect();
        sessions[0] = Some(whole);
        self.sequence = Some(Sequence {
            size,
            tolerance,
            cells: Cells::new(size, layout.cell()),
            layout,
            reference: RgbF32::new(if tolerance.is_some() { size } else { Size::new(0, 0) }),
            is_known: false,
            areas: Vec::new(),
            sessions,
            most,
            tile: RgbF32::new(Size::new(0, 0)),
        });
        Ok(())
    }

    /// Bytes that the sessions for a picture of a size hold when they may hold at most `most`.
    ///
    /// # Errors
    /// As for [`begin_within`](Self::begin_within).
    pub fn sessions_within(&self, size: Size, most: u64) -> Result<u64, Error> {
        Tiled::memory_within(self.engine.as_ref(), size, most)
    }

    /// Says what a picture needs. Unless that is nothing, [`run`](Self::run) comes next, with the same picture.
    ///
    /// A picture of another size than that of [`begin`](Self::begin) needs everything, and running it is an error.
    pub fn compare(&mut self, input: &RgbF32) -> Changes {
        match &mut self.sequence {
            Some(sequence) if sequence.size == input.size() => sequence.compare(input),
            _ => Changes::Everything,
        }
    }

    /// Computes what the comparison found and hands out the results, which go over those of the picture before. Gives the
    /// pixels of the input that went through the network.
    ///
    /// # Errors
    /// When nothing was begun or the picture has another size, and as for [`Engine::session`] and [`Session::run`](crate::Session::run). The
    /// next picture is then computed as a whole.
    pub fn run(&mut self, input: &RgbF32, patches: &mut dyn FnMut(Patch<'_>)) -> Result<u64, Error> {
        let Some(sequence) = &mut self.sequence else {
            return Err(Error::Size { expected: Size::new(0, 0), found: input.size() });
        };
        if sequence.is_whole() {
            sequence.session(self.engine.as_ref(), 0)?.run(input, patches)?;
            sequence.is_known = sequence.tolerance.is_some();
            return Ok(sequence.size.pixels());
        }
        let pixels = sequence.run_areas(self.engine.as_ref(), patches)?;
        sequence.is_known = true;
        Ok(pixels)
    }

    /// Bytes that the engine, its sessions and what is kept for comparing hold now.
    pub fn memory(&self) -> u64 {
        self.engine.memory() + self.sequence.as_ref().map_or(0, Sequence::memory)
    }

    fn reach(&self, tolerance: Option<u8>) -> Reach {
        let tiling = self.engine.tiling();
        let field = self.field;
        match tolerance {
            None | Some(0) => Reach {
                grid: tiling.grid,
                across: (tiling.left, tiling.right),
                down: (tiling.above, tiling.below),
            },
            Some(_) => Reach { grid: tiling.grid, across: (field, field), down: (field, field) },
        }
    }
}

impl Sequence {
    fn compare(&mut self, input: &RgbF32) -> Changes {
        self.areas.clear();
        let Some(tolerance) = self.tolerance else { return Changes::Everything };
        if self.is_known {
            self.cells.compare(input, &self.reference, tolerance);
            self.layout.areas(&self.cells, &mut self.areas);
            if self.areas.is_empty() {
                return Changes::Nothing;
            }
        }
        // Until the results are there.
        self.is_known = false;
        if self.is_whole() {
            for plane in 0..3 {
                self.reference.plane_mut(plane).copy_from_slice(input.plane(plane));
            }
            return Changes::Everything;
        }
        self.cells.copy_changed(input, &mut self.reference);
        Changes::Parts
    }

    /// True when everything is to be computed.
    fn is_whole(&self) -> bool {
        matches!(self.areas.as_slice(), [] | [Area { shape: 0, .. }])
    }

    /// What runs pictures of a shape. Where there is no room for it beside the others, they go.
    fn session(&mut self, engine: &dyn Engine, shape: usize) -> Result<&mut Tiled, Error> {
        if self.sessions[shape].is_none() {
            let size = self.layout.shapes()[shape];
            let needed = Tiled::memory_within(engine, size, self.most)?;
            if self.held().saturating_add(needed) > self.most {
                self.sessions.iter_mut().for_each(|other| *other = None);
            }
            self.sessions[shape] = Some(Tiled::new(engine, size, self.most)?);
        }
        self.sessions[shape].as_mut().ok_or(Error::Failed)
    }

    fn run_areas(&mut self, engine: &dyn Engine, patches: &mut dyn FnMut(Patch<'_>)) -> Result<u64, Error> {
        let mut pixels = 0;
        for number in 0..self.areas.len() {
            let area = self.areas[number];
            let shape = self.layout.shapes()[area.shape];
            self.session(engine, area.shape)?;
            let Some(session) = &mut self.sessions[area.shape] else { return Err(Error::Failed) };
            self.tile.resize(shape);
            for row in self.layout.rows(&area) {
                for column in self.layout.columns(&area) {
                    for plane in 0..3 {
                        for y in 0..shape.height {
                            let from = self.reference.row(plane, row.start + y);
                            let from = &from[column.start as usize..][..shape.width as usize];
                            self.tile.row_mut(plane, y).copy_from_slice(from);
                        }
                    }
                    let scale = engine.scale();
                    session.run(&self.tile, &mut |patch| {
                        if let Some(patch) = inner(patch, row, column, scale) {
                            patches(patch);
                        }
                    })?;
                    pixels += shape.pixels();
                }
            }
        }
        Ok(pixels)
    }

    /// Bytes of all sessions.
    fn held(&self) -> u64 {
        self.sessions.iter().flatten().map(Tiled::memory).sum()
    }

    fn memory(&self) -> u64 {
        self.held() + bytes(self.reference.size()) + bytes(self.tile.size())
    }
}

/// What is taken of a part of a tile's results, in its place in the whole.
fn inner(patch: Patch<'_>, row: Piece, column: Piece, scale: u32) -> Option<Patch<'_>> {
    let (left, top) = (column.start * scale + patch.x, row.start * scale + patch.y);
    let (x, y) = (left.max(column.taken.start * scale), top.max(row.taken.start * scale));
    let right = (left + patch.width).min(column.taken.end * scale);
    let end = (top + patch.rows).min(row.taken.end * scale);
    let first =
        patch.first + (y.saturating_sub(top)) as usize * patch.stride + (x.saturating_sub(left)) as usize;
    (x < right && y < end).then(|| Patch { x, y, width: right - x, rows: end - y, first, ..patch })
}
