//! Runs the instructions of a plan.
#![allow(unsafe_code, reason = "hands the kernels pointers into the arena, as the plan laid it out")]

use frame::RgbF32;

use super::arena::Arena;
use super::kernels::pack::{Method, Packed};
use super::kernels::rows::{self, EmitBase, EmitJob};
use super::kernels::winograd::TILE;
use super::kernels::{ConvJob, GateJob, Kernels, PixelJob, Residual, Ring, WinogradJob};
use super::lower::MAX_RESIDUALS;
use super::plan::{Instruction, Plan, first_tile_row};
use super::program::{Program, ResidualView, StageOp, View};

/// A program, its plan for one size and the memory for it.
///
/// Every pointer given to a kernel comes from the plan, which guarantees: rings hold the rows that an instruction
/// reads and do not overlap each other; the tasks of an instruction write different pixels; what an instruction
/// writes, none of its tasks reads (values in one storage have different channels). Instructions follow one
/// another, with a meeting of all threads between.
pub(crate) struct Machine<'a> {
    pub(crate) program: &'a Program,
    pub(crate) plan: &'a Plan,
    pub(crate) arena: &'a Arena,
    pub(crate) kernels: &'static Kernels,
}

impl Machine<'_> {
    fn ring(&self, view: View) -> Ring {
        let buffer = &self.plan.buffers[view.storage];
        Ring {
            data: self.arena.at(buffer.data + view.channel),
            rows: buffer.rows,
            row: buffer.row,
            pixel: buffer.pixel,
        }
    }

    /// Puts rows of the picture into the storage of the input.
    pub(crate) fn load(&self, instruction: &Instruction, input: &RgbF32) {
        let StageOp::Load { target } = self.program.stages[instruction.stage].op else { return };
        let height = input.size().height as usize;
        for y in instruction.rows.clone() {
            let from = rows::reflected(y, height) as u32;
            let planes = [0, 1, 2].map(|plane| input.row(plane, from));
            // SAFETY: see `Machine`; only the calling thread loads.
            unsafe { rows::load(planes, self.ring(target), self.plan.extended.0, y) };
        }
    }

    /// Does one task of an instruction. `thread` says whose scratch to use.
    pub(crate) fn run(&self, instruction: &Instruction, task: usize, thread: usize) {
        let stage = &self.program.stages[instruction.stage];
        if let StageOp::Conv { source, target, conv, residuals, gated } = &stage.op {
            let packed = &self.program.convs[*conv];
            let after = (residuals.as_slice(), *gated);
            return self.convolve(instruction, task, thread, (*source, *target), packed, after);
        }
        let width = match stage.target() {
            Some(target) => self.plan.buffers[target.storage].width,
            None => self.plan.output.width as usize,
        };
        let chunks = width.div_ceil(instruction.block);
        let y = instruction.rows.start + task / chunks;
        let first = task % chunks * instruction.block;
        let columns = first..(first + instruction.block).min(width);
        // SAFETY: see `Machine`.
        unsafe {
            match &stage.op {
                StageOp::Load { .. } | StageOp::Conv { .. } => {}
                StageOp::Add { a, b, scale_a, scale_b, target } => {
                    let (a, b) = ((self.ring(*a), *scale_a), (self.ring(*b), *scale_b));
                    rows::add(a, b, self.ring(*target), target.channels, y, columns);
                }
                StageOp::Normalize { source, target, mean, factor } => {
                    rows::normalize(self.ring(*source), self.ring(*target), mean, *factor, y, columns);
                }
                StageOp::Gate { value, gate, target } => {
                    let job = GateJob {
                        value: self.ring(*value),
                        gate: self.ring(*gate),
                        target: self.ring(*target),
                        channels: target.channels,
                        y,
                        columns,
                    };
                    (self.kernels.gate)(&job);
                }
                StageOp::Copy { source, target } => {
                    rows::copy(self.ring(*source), self.ring(*target), target.channels, y, columns);
                }
                StageOp::Nearest { source, target, factor } => {
                    let (source, to) = (self.ring(*source), self.ring(*target));
                    rows::nearest(source, *factor, to, target.channels, y, columns);
                }
                StageOp::Shuffle { source, target, factor } => {
                    let (source, to) = (self.ring(*source), self.ring(*target));
                    rows::shuffle(source, *factor, to, target.channels, y, columns);
                }
                StageOp::Unshuffle { source, target, factor } => {
                    let (from, to) = (self.ring(*source), self.ring(*target));
                    rows::unshuffle(from, *factor, to, source.channels, y, columns);
                }
                StageOp::Emit { source, shuffle, base } => {
                    let job = EmitJob {
                        source: self.ring(*source),
                        shuffle: *shuffle,
                        base: base.map(|base| EmitBase {
                            ring: self.ring(base.view),
                            factor: base.factor,
                            source_scale: base.source_scale,
                            scale: base.scale,
                        }),
                    };
                    for channel in 0..3 {
                        let row = (channel * self.plan.band_rows + y - instruction.rows.start) * width;
                        let out = std::slice::from_raw_parts_mut(self.arena.at(self.plan.band + row), width);
                        rows::emit(&job, channel, y, out);
                    }
                }
            }
        }
    }

    fn convolve(
        &self,
        instruction: &Instruction,
        task: usize,
        thread: usize,
        (source, target): (View, View),
        packed: &Packed,
        (residuals, gated): (&[ResidualView], bool),
    ) {
        let buffer = &self.plan.buffers[target.storage];
        let target = self.ring(target);
        let mut others = [Residual { other: target, scale: 1.0, other_scale: 0.0 }; MAX_RESIDUALS];
        for (other, residual) in others.iter_mut().zip(residuals) {
            *other = Residual {
                other: self.ring(residual.other),
                scale: residual.scale,
                other_scale: residual.other_scale,
            };
        }
        let conv = ConvJob {
            source: self.ring(source),
            zeros: self.arena.at(self.plan.zeros),
            target,
            residuals: &others[..residuals.len()],
            weights: packed.weights.as_ptr(),
            bias: packed.bias.as_ptr(),
            slopes: if packed.slopes.is_empty() { std::ptr::null() } else { packed.slopes.as_ptr() },
            silu: packed.silu,
            gated,
            in_channels: packed.in_channels,
            out_channels: packed.out_channels,
            width: buffer.width,
            height: buffer.height,
        };
        if packed.method == Method::Winograd {
            let first_row =
                first_tile_row(instruction.rows.start, self.program.stages[instruction.stage].lag);
            let tiles_across = buffer.width.div_ceil(TILE);
            let down = (instruction.rows.end as isize - first_row) as usize;
            let tiles = down.div_ceil(TILE) * tiles_across;
            let first = task * instruction.block;
            let job = WinogradJob {
                conv: &conv,
                first_row,
                tiles_across,
                tiles: first..(first + instruction.block).min(tiles),
                scratch: self.arena.at(self.plan.scratch + thread * self.plan.scratch_floats),
            };
            // SAFETY: see `Machine`; the table is of an instruction set that the processor has.
            unsafe { (self.kernels.winograd)(&job) };
            return;
        }
        let chunks = buffer.width.div_ceil(instruction.block);
        let first = task % chunks * instruction.block;
        let job = PixelJob {
            conv: &conv,
            kernel: packed.kernel,
            y: instruction.rows.start + task / chunks,
            columns: first..(first + instruction.block).min(buffer.width),
        };
        // SAFETY: as above.
        unsafe {
            match packed.method {
                Method::Dot => (self.kernels.dot)(&job),
                _ => (self.kernels.direct)(&job),
            }
        }
    }

    /// The rows of the output that an instruction has made.
    pub(crate) fn band(&self, instruction: &Instruction) -> [&[f32]; 3] {
        let width = self.plan.output.width as usize;
        [0, 1, 2].map(|plane| {
            let at = self.arena.at(self.plan.band + plane * self.plan.band_rows * width);
            // SAFETY: see `Machine`; the band is written by the output stage only, of which the caller is a part.
            unsafe { std::slice::from_raw_parts(at, instruction.rows.len() * width) }
        })
    }
}
