//! The engine for processors: own kernels, run depth-first over strips of rows.
//!
//! 1. [`lower`] turns the network into stages over shared storages and packs the weights, once.
//! 2. [`plan`] lays out the work and the memory for one size of picture, once for each session.
//! 3. [`session`] runs the plan for each frame on a [`team`] of threads; [`exec`] hands the [`kernels`] their jobs.
//!
//! No feature map of the whole picture exists: all stages advance together, and a value is held in a ring of a few
//! rows until its last reader has passed. Memory grows with the width of the picture, not with its height.

mod arena;
mod check;
mod exec;
mod grid;
pub(crate) mod kernels;
mod lower;
mod plan;
mod program;
mod reach;
mod scale;
mod session;
mod team;

use std::sync::Arc;

use frame::Size;
use network::ir::Network;

use self::kernels::Kernels;
use self::program::Program;
use crate::{Engine, Error, Kind, Options, Session, Tiling};

/// A network on the processor.
struct Cpu {
    program: Arc<Program>,
    kernels: &'static Kernels,
    options: Options,
}

/// Prepares a network for the given kernels.
pub(crate) fn prepare(
    network: &Network,
    options: Options,
    kernels: &'static Kernels,
) -> Result<Box<dyn Engine>, Error> {
    let program = Arc::new(lower::lower(network, kernels)?);
    Ok(Box::new(Cpu { program, kernels, options }))
}

impl Engine for Cpu {
    fn name(&self) -> &'static str {
        Kind::Cpu.name()
    }

    fn describe(&self) -> String {
        let threads = self.options.threads.get();
        let plural = if threads == 1 { "" } else { "s" };
        format!("{} ({}, {threads} thread{plural})", self.name(), self.kernels.name)
    }

    fn scale(&self) -> u32 {
        self.program.scale as u32
    }

    fn memory(&self) -> u64 {
        self.program.convs.iter().map(kernels::pack::Packed::bytes).sum()
    }

    fn tiling(&self) -> Tiling {
        reach::tiling(&self.program)
    }

    fn session_memory(&self, input: Size) -> Result<u64, Error> {
        self.bytes(input, self.fast(input))
    }

    fn session(&self, input: Size) -> Result<Box<dyn Session>, Error> {
        self.start(input, self.fast(input))
    }

    fn thin_session_memory(&self, input: Size) -> Result<u64, Error> {
        self.bytes(input, 1)
    }

    fn thin_session(&self, input: Size) -> Result<Box<dyn Session>, Error> {
        self.start(input, 1)
    }
}

impl Cpu {
    /// Rows of tiles of a strip that keeps all threads busy.
    fn fast(&self, input: Size) -> usize {
        plan::tile_rows(input, self.options.threads.get())
    }

    fn bytes(&self, input: Size, tile_rows: usize) -> Result<u64, Error> {
        let threads = self.options.threads.get();
        Ok(plan::Plan::new(&self.program, self.kernels, input, threads, tile_rows)?.bytes())
    }

    fn start(&self, input: Size, tile_rows: usize) -> Result<Box<dyn Session>, Error> {
        let threads = self.options.threads.get();
        let plan = plan::Plan::new(&self.program, self.kernels, input, threads, tile_rows)?;
        Ok(Box::new(session::CpuSession::new(Arc::clone(&self.program), self.kernels, plan, threads)?))
    }
}
