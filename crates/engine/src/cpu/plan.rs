//! The work for one size of picture, laid out beforehand: which stage makes which rows when, and where all memory
//! lies.
//!
//! The picture is given to the network in strips. With each strip every stage makes as many rows as it can: as many
//! as the strip has at its scale, each stage a little later than what it reads (its lag). Since a stage's tiles
//! begin where its strips begin, no row is computed twice, and a ring need hold little more than a strip.

use std::ops::{Range, RangeInclusive};

use frame::Size;

use super::grid::{Before, Grid};
use super::kernels::Kernels;
use super::kernels::pack::Method;
use super::kernels::winograd::{self, TILE};
use super::program::{Access, Program, Stage, StageOp};
use crate::Error;

/// Floats in a cache line; all that is allocated begins at one.
pub(crate) const LINE: usize = 16;
/// Rows whose distance is a multiple of this many floats (a page) compete for the same cache sets.
const PAGE: usize = 1024;
/// Columns that one task of a stage without tiles covers; a multiple of what the kernels do at once.
const CHUNK: usize = 240;
/// Transformed inputs of a block, in tiles times channels, that fit into a second-level cache of 512 KiB beside the
/// products and what is read and written. Smaller blocks read the weights more often, from a cache that all cores
/// share, which costs little on a quiet machine and much on a busy one; larger ones fall out of their own cache.
const BLOCK: usize = 1152;
/// Tiles in a block at least, and at most: fewer read wide layers' weights too often, more gain nothing.
const BLOCK_TILES: RangeInclusive<usize> = 12..=24;
/// Tiles that a strip should have for each thread, so that no thread waits for what the next task reads, and large
/// networks' weights, which no cache holds, are not read for a few tiles only.
const STRIP_TILES: usize = 48;
/// Rows of tiles in a strip at most.
const MAX_TILE_ROWS: usize = 16;

/// Bands of the output that there is room for: one that is handed on while the next is made.
pub(crate) const BANDS: usize = 2;

/// All that a session needs to know.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) input: Size,
    pub(crate) output: Size,
    /// Width and height that the stages work with: the input's, extended to what the network divides.
    pub(crate) extended: (usize, usize),
    /// One for each storage.
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) instructions: Vec<Instruction>,
    /// The rows of the output that are handed out together.
    pub(crate) bands: Vec<Band>,
    /// Rows of a band at most.
    pub(crate) band_rows: usize,
    /// Where the output's rows lie: [`BANDS`] times three planes of `band_rows` rows.
    bands_at: usize,
    /// Where zeros lie that stand for rows outside of the picture.
    pub(crate) zeros: usize,
    /// Where the first thread's scratch lies.
    pub(crate) scratch: usize,
    /// Floats from one thread's scratch to the next.
    pub(crate) scratch_floats: usize,
    /// Floats of everything.
    pub(crate) floats: usize,
}

/// The ring of a storage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buffer {
    /// Where channel 0 of pixel 0 of slot 0 lies.
    pub(crate) data: usize,
    /// Slots.
    pub(crate) rows: usize,
    /// Floats from a row to the next.
    pub(crate) row: usize,
    /// Floats from a pixel to the next.
    pub(crate) pixel: usize,
    /// Columns of the picture at this scale.
    pub(crate) width: usize,
    /// Rows of the picture at this scale.
    pub(crate) height: usize,
}

/// Rows of the output that are handed out together.
#[derive(Debug)]
pub(crate) struct Band {
    pub(crate) rows: Range<usize>,
    /// Number of the task before which all must be done.
    pub(crate) end: usize,
}

/// Some rows of a stage.
#[derive(Debug)]
pub(crate) struct Instruction {
    pub(crate) stage: usize,
    pub(crate) rows: Range<usize>,
    /// The pieces that threads take one by one.
    pub(crate) grid: Grid,
    /// Number of the first of them in the frame.
    pub(crate) first_task: usize,
    /// The instruction before, unless this is the first.
    pub(crate) before: Option<Before>,
    /// The band that is made.
    pub(crate) band: Option<usize>,
}

impl Instruction {
    /// The number of the task up to which all must be done before one of its tasks may begin.
    pub(crate) fn needed(&self, task: usize) -> usize {
        let Some(before) = &self.before else { return self.first_task };
        before.needed(&self.grid, self.grid.span(task))
    }
}

impl Plan {
    /// Plans the work for inputs of one size by so many threads, in strips of so many rows of tiles. No bit depends on either.
    pub(crate) fn new(
        program: &Program,
        kernels: &Kernels,
        input: Size,
        threads: usize,
        tile_rows: usize,
    ) -> Result<Self, Error> {
        if input.pixels() == 0 {
            return Err(Error::Empty(input));
        }
        let scaled =
            |length: u32| u32::try_from(program.scale).ok().and_then(|scale| length.checked_mul(scale));
        let (Some(width), Some(height)) = (scaled(input.width), scaled(input.height)) else {
            return Err(Error::TooLarge(input));
        };
        let extended = (
            (input.width as usize).next_multiple_of(program.divisor),
            (input.height as usize).next_multiple_of(program.divisor),
        );
        let mut plan = Self {
            input,
            output: Size::new(width, height),
            extended,
            buffers: Vec::new(),
            instructions: Vec::new(),
            bands: Vec::new(),
            band_rows: 0,
            bands_at: 0,
            zeros: 0,
            scratch: 0,
            scratch_floats: 0,
            floats: 0,
        };
        let strip = TILE * tile_rows * program.divisor;
        plan.schedule(program, kernels, strip);
        let needed = plan.ring_rows(program);
        plan.allocate(program, &needed, threads).ok_or(Error::TooLarge(input))?;
        Ok(plan)
    }

    /// Bytes of everything.
    pub(crate) fn bytes(&self) -> u64 {
        4 * self.floats as u64
    }

    /// The size of the picture at a stage.
    fn size(&self, stage: &Stage) -> (usize, usize) {
        if let StageOp::Emit { .. } = stage.op {
            return (self.output.width as usize, self.output.height as usize);
        }
        (stage.scale.of(self.extended.0), stage.scale.of(self.extended.1))
    }

    /// Where a band's rows lie.
    pub(crate) fn band(&self, number: usize) -> usize {
        self.bands_at + number % BANDS * 3 * self.band_rows * self.output.width as usize
    }

    fn schedule(&mut self, program: &Program, kernels: &Kernels, strip: usize) {
        let mut made = vec![0; program.stages.len()];
        let last = program.stages.len() - 1;
        let mut given = 0;
        while made[last] < self.output.height as usize {
            given += strip;
            for (index, stage) in program.stages.iter().enumerate() {
                let (width, height) = self.size(stage);
                let end = stage.scale.of(given).saturating_sub(stage.lag).min(height);
                if end > made[index] {
                    let rows = made[index]..end;
                    made[index] = end;
                    self.push(program, index, rows.clone(), grid(program, kernels, index, &rows, width));
                }
            }
        }
        self.band_rows = self.bands.iter().map(|band| band.rows.len()).max().unwrap_or(0);
    }

    fn push(&mut self, program: &Program, stage: usize, rows: Range<usize>, grid: Grid) {
        let before = self.instructions.last().map(|before| {
            let reads = program.stages[stage].op.reads(&program.convs).into_iter();
            let target = program.stages[before.stage].target();
            let reads = reads.filter(|(view, _)| target.is_some_and(|target| target.overlaps(*view)));
            let accesses = reads.map(|(_, access)| access).collect();
            Before { first_task: before.first_task, grid: before.grid, accesses }
        });
        let first_task = self.instructions.last().map_or(0, |before| before.first_task + before.grid.tasks());
        let is_output = matches!(program.stages[stage].op, StageOp::Emit { .. });
        let band = is_output.then_some(self.bands.len());
        if is_output {
            self.bands.push(Band { rows: rows.clone(), end: first_task + grid.tasks() });
        }
        self.instructions.push(Instruction { stage, rows, grid, first_task, before, band });
    }

    /// How many rows of each storage have to be held at once, found by going through the schedule.
    fn ring_rows(&self, program: &Program) -> Vec<usize> {
        let mut readers: Vec<Vec<(usize, Access)>> = vec![Vec::new(); program.storages.len()];
        for (index, stage) in program.stages.iter().enumerate() {
            for (view, access) in stage.op.reads(&program.convs) {
                readers[view.storage].push((index, access));
            }
        }
        let mut needed = vec![1; program.storages.len()];
        // While an instruction runs, the one before it may still be at work: what that reads must stay.
        let mut running: Option<&Instruction> = None;
        let mut made = vec![0; program.stages.len()];
        let mut written = vec![0; program.storages.len()];
        for instruction in &self.instructions {
            let stage = &program.stages[instruction.stage];
            if let Some(target) = stage.target() {
                let end = written[target.storage].max(instruction.rows.end);
                written[target.storage] = end;
                let oldest = readers[target.storage].iter().map(|&(reader, access)| {
                    let (first, height) = (made[reader], self.size(&program.stages[reader]).1);
                    if first >= height {
                        // A reader that is done needs nothing any more.
                        return end;
                    }
                    let phase = program.stages[reader].lag % TILE;
                    access.range(first as i64, height as i64, phase).0.max(0) as usize
                });
                let oldest = oldest.min().unwrap_or(instruction.rows.start).min(instruction.rows.start);
                needed[target.storage] = needed[target.storage].max(end - oldest);
            }
            if let Some(done) = running.replace(instruction) {
                made[done.stage] = done.rows.end;
            }
        }
        needed
    }

    /// Gives everything its place; nothing when addresses do not suffice.
    fn allocate(&mut self, program: &Program, rows: &[usize], threads: usize) -> Option<()> {
        let mut end = 0_usize;
        let mut take = |floats: usize| {
            let at = end;
            end = end.checked_add(floats.checked_next_multiple_of(LINE)?)?;
            Some(at)
        };
        let mut longest = 0;
        for (storage, &rows) in program.storages.iter().zip(rows) {
            let pixel = if storage.channels <= 4 { 4 } else { storage.channels.next_multiple_of(LINE) };
            let (width, height) = (storage.scale.of(self.extended.0), storage.scale.of(self.extended.1));
            let mut row = (width.next_multiple_of(TILE) + 2).checked_mul(pixel)?.next_multiple_of(LINE);
            if row.is_multiple_of(PAGE) {
                row += LINE;
            }
            longest = longest.max(row);
            let data = take(row.checked_mul(rows)?)? + pixel;
            self.buffers.push(Buffer { data, rows, row, pixel, width, height });
        }
        let blocks =
            self.instructions.iter().filter_map(|instruction| match program.stages[instruction.stage].op {
                StageOp::Conv { conv, .. } if program.convs[conv].method == Method::Winograd => {
                    Some(winograd::scratch(instruction.grid.block, program.convs[conv].in_channels))
                }
                _ => None,
            });
        self.scratch_floats = blocks.max().unwrap_or(0).next_multiple_of(LINE);
        self.zeros = take(longest)?;
        self.scratch = take(self.scratch_floats.checked_mul(threads)?)?;
        self.bands_at = take((self.output.width as usize).checked_mul(BANDS * 3 * self.band_rows)?)?;
        self.floats = end;
        // Addresses in bytes have to fit as well.
        end.checked_mul(8).map(|_| ())
    }
}

/// Rows of tiles that a strip should have: narrow pictures have too few tiles in one row to keep all threads busy.
pub(crate) fn tile_rows(input: Size, threads: usize) -> usize {
    let (width, height) = (input.width as usize, input.height as usize);
    let wanted = (STRIP_TILES * threads).div_ceil(width.div_ceil(TILE).max(1));
    wanted.clamp(1, MAX_TILE_ROWS).min(height.div_ceil(TILE).max(1))
}

/// Row at which the tiles begin that make the row `first`.
fn first_tile_row(first: usize, lag: usize) -> isize {
    let (first, lag, tile) = (first as isize, lag as isize, TILE as isize);
    (first + lag).div_euclid(tile) * tile - lag
}

/// How the rows of a stage are cut into tasks.
fn grid(program: &Program, kernels: &Kernels, stage: usize, rows: &Range<usize>, width: usize) -> Grid {
    let op = &program.stages[stage].op;
    if let StageOp::Conv { conv, .. } = op
        && program.convs[*conv].method == Method::Winograd
    {
        let first_row = first_tile_row(rows.start, program.stages[stage].lag);
        let down = (rows.end as isize - first_row) as usize;
        let across = width.div_ceil(TILE);
        let fitting =
            (BLOCK / program.convs[*conv].in_channels).clamp(*BLOCK_TILES.start(), *BLOCK_TILES.end());
        let block = (fitting / kernels.rows * kernels.rows).max(kernels.rows);
        return Grid { first_row, cell: (TILE, TILE), across, cells: down.div_ceil(TILE) * across, block };
    }
    let columns = if let StageOp::Emit { .. } | StageOp::Load { .. } = op { width } else { CHUNK };
    let across = width.div_ceil(columns);
    Grid { first_row: rows.start as isize, cell: (columns, 1), across, cells: rows.len() * across, block: 1 }
}
