//! Runs the instructions of a plan.
#![allow(unsafe_code, reason = "hands the kernels pointers into the arena, as the plan laid it out")]

use std::sync::atomic::{AtomicPtr, Ordering};

use frame::RgbF32;

use super::arena::Arena;
use super::grid::Grid;
use super::kernels::pack::{Method, Packed};
use super::kernels::rows::{self, EmitBase, EmitJob};
use super::kernels::{ConvJob, GateJob, Kernels, PixelJob, Residual, Ring, WinogradJob};
use super::lower::MAX_RESIDUALS;
use super::plan::{Instruction, Plan};
use super::program::{Program, ResidualView, StageOp, View};

/// The picture that a frame is made of, lent to all threads.
#[derive(Debug, Default)]
pub(crate) struct InputSlot(AtomicPtr<RgbF32>);

impl InputSlot {
    /// Lends a picture. It must stay where it is until [`Self::clear`], which must come before the loan ends.
    pub(crate) fn set(&self, picture: &RgbF32) {
        self.0.store(std::ptr::from_ref(picture).cast_mut(), Ordering::Release);
    }

    /// Ends the loan.
    pub(crate) fn clear(&self) {
        self.0.store(std::ptr::null_mut(), Ordering::Release);
    }
}

/// A program, its plan for one size and the memory for it.
///
/// Every pointer given to a kernel comes from the plan, which guarantees: rings hold the rows that an instruction and
/// the one before it read, and do not overlap each other; the tasks of an instruction write different pixels; what an
/// instruction writes, neither its tasks nor those of the one before it read (values in one storage have different
/// channels). Threads run a task only when all that [`Instruction::needed`] says is done, so that no task meets another
/// than those of its own instruction and of the ones beside it.
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

    /// Does one task of an instruction. `thread` says whose scratch to use.
    pub(crate) fn run(&self, instruction: &Instruction, task: usize, thread: usize, input: &InputSlot) {
        let stage = &self.program.stages[instruction.stage];
        if let StageOp::Conv { source, target, conv, residuals, gated } = &stage.op {
            let packed = &self.program.convs[*conv];
            let after = (residuals.as_slice(), *gated);
            return self.convolve(instruction, task, thread, (*source, *target), packed, after);
        }
        let Grid { first_row, cell, across, .. } = instruction.grid;
        let width = match stage.target() {
            Some(target) => self.plan.buffers[target.storage].width,
            None => self.plan.output.width as usize,
        };
        // One cell a task, one row a cell.
        let y = (first_row + (task / across) as isize) as usize;
        let first = task % across * cell.0;
        let columns = first..(first + cell.0).min(width);
        // SAFETY: see `Machine`.
        unsafe {
            match &stage.op {
                StageOp::Conv { .. } => {}
                StageOp::Load { target } => {
                    let Some(input) = input.0.load(Ordering::Acquire).as_ref() else { return };
                    let from = rows::reflected(y, input.size().height as usize) as u32;
                    let planes = [0, 1, 2].map(|plane| input.row(plane, from));
                    rows::load(planes, self.ring(*target), width, y);
                }
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
                    let band = self.plan.band(instruction.band.unwrap_or(0));
                    for channel in 0..3 {
                        let row = (channel * self.plan.band_rows + y - instruction.rows.start) * width;
                        let out = std::slice::from_raw_parts_mut(self.arena.at(band + row), width);
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
        let Grid { first_row, cell, across, .. } = instruction.grid;
        if packed.method == Method::Winograd {
            let job = WinogradJob {
                conv: &conv,
                first_row,
                tiles_across: across,
                tiles: instruction.grid.span(task),
                scratch: self.arena.at(self.plan.scratch + thread * self.plan.scratch_floats),
            };
            // SAFETY: see `Machine`; the table is of an instruction set that the processor has.
            unsafe { (self.kernels.winograd)(&job) };
            return;
        }
        let first = task % across * cell.0;
        let job = PixelJob {
            conv: &conv,
            kernel: packed.kernel,
            y: (first_row + (task / across) as isize) as usize,
            columns: first..(first + cell.0).min(buffer.width),
        };
        // SAFETY: as above.
        unsafe {
            match packed.method {
                Method::Dot => (self.kernels.dot)(&job),
                _ => (self.kernels.direct)(&job),
            }
        }
    }

    /// The rows of a band of the output.
    pub(crate) fn band(&self, number: usize) -> [&[f32]; 3] {
        let width = self.plan.output.width as usize;
        let rows = self.plan.bands[number].rows.len();
        [0, 1, 2].map(|plane| {
            let at = self.arena.at(self.plan.band(number) + plane * self.plan.band_rows * width);
            // SAFETY: see `Machine`; the caller looks at a band that is done, and no other takes its place before the
            // caller has said that it was delivered.
            unsafe { std::slice::from_raw_parts(at, rows * width) }
        })
    }
}
