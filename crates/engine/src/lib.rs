//! Runs networks over pictures.
//!
//! An [`Engine`] is a network prepared for a device; a [`Session`] of it holds all memory for one size of picture
//! and runs frame after frame without allocating. The engine here is [`cpu()`], which runs everywhere.
//!
//! # Goals
//!
//! - Same in, same out: a frame gives the same bits whatever the number of threads, whole or in tiles.
//! - Memory is planned, never probed: a session either has all it needs or is an [`Error`].
//! - Fast: 3×3 convolutions by Winograd's F(6×6, 3×3), layers run depth-first over strips of rows.
//! - What did not change since the last frame is not computed again ([`Reuse`]).
//!
//! # Non-goals
//!
//! - Reading models (`network`), decoding and converting pictures (`media`).

mod api;
mod axis;
mod cpu;
mod error;
mod reuse;
mod tiled;

use std::num::NonZeroUsize;

use network::ir::Network;

pub use api::{Engine, RowBand, Session, Tiling};
pub use error::Error;
pub use reuse::{Changes, Patch, Reuse};

/// The kinds of engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Own kernels on the processor.
    Cpu,
}

impl Kind {
    /// The name in settings and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
        }
    }
}

/// Options of the engine for processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads that work on a frame together, the caller's included.
    pub threads: NonZeroUsize,
}

/// Prepares a network for the processor, with the best kernels that it can run.
///
/// # Errors
/// When the network contradicts itself.
pub fn cpu(network: &Network, options: Options) -> Result<Box<dyn Engine>, Error> {
    cpu::prepare(network, options, cpu::kernels::best())
}

/// As [`cpu()`], with the kernels that run on every processor; for tests.
///
/// # Errors
/// When the network contradicts itself.
#[doc(hidden)]
pub fn cpu_portable(network: &Network, options: Options) -> Result<Box<dyn Engine>, Error> {
    cpu::prepare(network, options, cpu::kernels::portable())
}
