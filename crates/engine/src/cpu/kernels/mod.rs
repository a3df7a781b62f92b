//! What the processor does with the numbers: convolutions over rows of pixels with the channels innermost.
//!
//! Every kernel is written once over [`simd::Simd`] and compiled for each instruction set; [`Kernels`] is the table
//! of one instruction set, chosen at run time. A new instruction set is a module with a vector type and a table.
#![allow(
    unsafe_code,
    reason = "kernels address rows, scratch and weights by pointer, and call vector instructions"
)]
#![allow(
    clippy::inline_always,
    reason = "generic code must melt into the functions that enable the instructions"
)]

mod activation;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod direct;
mod dot;
mod epilogue;
mod gate;
mod gemm;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(crate) mod pack;
mod portable;
pub(crate) mod rows;
mod simd;
pub(crate) mod winograd;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use epilogue::Residual;

/// The most lanes of any instruction set.
pub(crate) const MAX_LANES: usize = 16;
/// The most output channels that a panel of weights holds, for any instruction set.
pub(crate) const MAX_GROUP: usize = 32;

/// The kernels of one instruction set.
///
/// # Safety
/// The functions need the instruction set, and jobs whose pointers cover what the job says.
pub(crate) struct Kernels {
    /// The instruction set, for people.
    pub(crate) name: &'static str,
    /// Numbers in a vector.
    pub(crate) lanes: usize,
    /// Output channels in a panel of weights.
    pub(crate) group: usize,
    /// Tiles that are multiplied together.
    pub(crate) rows: usize,
    /// 3×3 convolution of a block of tiles.
    pub(crate) winograd: unsafe fn(&WinogradJob<'_>),
    /// 1×1 or 3×3 convolution of a piece of a row, vectors along the output channels.
    pub(crate) direct: unsafe fn(&PixelJob<'_>),
    /// 3×3 convolution of a piece of a row to few channels, vectors along the input channels.
    pub(crate) dot: unsafe fn(&PixelJob<'_>),
    /// `value · (sigmoid(gate) − ½)` for a piece of a row.
    pub(crate) gate: unsafe fn(&GateJob),
}

/// The best kernels for the processor that this runs on.
pub(crate) fn best() -> &'static Kernels {
    available().next().unwrap_or(portable())
}

/// All kernels that the processor can run, the best first.
pub(crate) fn available() -> impl Iterator<Item = &'static Kernels> {
    let mut available = [None; 3];
    #[cfg(target_arch = "x86_64")]
    {
        available[0] = is_x86_feature_detected!("avx512f").then_some(&avx512::KERNELS);
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        available[1] = has_avx2.then_some(&avx2::KERNELS);
    }
    #[cfg(target_arch = "aarch64")]
    {
        available[0] = Some(&neon::KERNELS);
    }
    available[2] = Some(portable());
    available.into_iter().flatten()
}

/// The kernels that run everywhere.
pub(crate) fn portable() -> &'static Kernels {
    &portable::KERNELS
}

/// Rows of a value, or of a slice of its channels, in a ring: row y is in slot `y mod rows`.
#[derive(Clone, Copy)]
pub(crate) struct Ring {
    /// The first channel of pixel 0 of slot 0. Rows have a margin of at least a pixel of zeros on the left, and on
    /// the right one that completes the tiles and a pixel more.
    pub(crate) data: *mut f32,
    /// Number of slots.
    pub(crate) rows: usize,
    /// Floats from a row to the next.
    pub(crate) row: usize,
    /// Floats from a pixel to the next.
    pub(crate) pixel: usize,
}

impl Ring {
    /// The first channel of pixel 0 of row `y`.
    ///
    /// # Safety
    /// `data` points to a ring as described.
    #[inline(always)]
    pub(crate) unsafe fn row(&self, y: usize) -> *mut f32 {
        // SAFETY: the slot is in the ring, as the caller promises.
        unsafe { self.data.add(y % self.rows * self.row) }
    }

    /// The first channel of pixel 0 of `N` rows from `first` on; `outside` for those that are not in a picture of
    /// `height` rows.
    ///
    /// # Safety
    /// `data` points to a ring as described.
    #[inline(always)]
    unsafe fn window<const N: usize>(&self, first: isize, height: usize, outside: *mut f32) -> [*mut f32; N] {
        let mut rows = [outside; N];
        // One division for all rows.
        let mut slot = first.max(0) as usize % self.rows;
        for (i, row) in rows.iter_mut().enumerate() {
            if (0..height as isize).contains(&(first + i as isize)) {
                // SAFETY: as for `row`.
                *row = unsafe { self.data.add(slot * self.row) };
                slot = if slot + 1 == self.rows { 0 } else { slot + 1 };
            }
        }
        rows
    }
}

/// A convolution as the kernels see it.
pub(crate) struct ConvJob<'a> {
    /// The value that is convolved; `in_channels` rounded up to whole vectors are readable at every pixel.
    pub(crate) source: Ring,
    /// Stands for the rows outside of the picture: as many zeros as a row of the source has, margins included.
    pub(crate) zeros: *const f32,
    /// The value that is made.
    pub(crate) target: Ring,
    /// What is added afterwards.
    pub(crate) residuals: &'a [Residual],
    /// Weights as [`pack`] lays them out for the kernel.
    pub(crate) weights: *const f32,
    /// As many as output channels, rounded up to whole groups.
    pub(crate) bias: *const f32,
    /// Slopes of the activation, as many as of the bias; null for no activation.
    pub(crate) slopes: *const f32,
    /// The activation is SiLU instead; there are no slopes then.
    pub(crate) silu: bool,
    /// What comes of the residuals is multiplied with `sigmoid(x) − ½` of the activated result x.
    pub(crate) gated: bool,
    /// Channels of the source.
    pub(crate) in_channels: usize,
    /// Channels of the target.
    pub(crate) out_channels: usize,
    /// Columns of both pictures.
    pub(crate) width: usize,
    /// Rows of both pictures.
    pub(crate) height: usize,
}

/// A block of Winograd tiles.
pub(crate) struct WinogradJob<'a> {
    /// The convolution.
    pub(crate) conv: &'a ConvJob<'a>,
    /// Row of the picture at which tile 0 begins; may be negative.
    pub(crate) first_row: isize,
    /// Tiles in a row of tiles, which begin at column 0.
    pub(crate) tiles_across: usize,
    /// The tiles of the block, counted along the rows of tiles.
    pub(crate) tiles: Range<usize>,
    /// [`winograd::scratch`] floats that no other thread uses.
    pub(crate) scratch: *mut f32,
}

/// A piece of a row.
pub(crate) struct PixelJob<'a> {
    /// The convolution.
    pub(crate) conv: &'a ConvJob<'a>,
    /// Rows and columns of the filter: 1 or 3.
    pub(crate) kernel: usize,
    /// The row.
    pub(crate) y: usize,
    /// The columns.
    pub(crate) columns: Range<usize>,
}

/// A piece of a row of a value that is let through by another.
pub(crate) struct GateJob {
    /// What is let through.
    pub(crate) value: Ring,
    /// What says how much.
    pub(crate) gate: Ring,
    /// The value that is made.
    pub(crate) target: Ring,
    /// Channels of all three.
    pub(crate) channels: usize,
    /// The row.
    pub(crate) y: usize,
    /// The columns.
    pub(crate) columns: Range<usize>,
}

/// The most taps of a filter.
const MAX_TAPS: usize = 9;

impl PixelJob<'_> {
    /// The addresses of the inputs that the filter's taps meet at column 0, and their number.
    ///
    /// # Safety
    /// What the job asks for.
    #[inline(always)]
    unsafe fn taps(&self) -> ([*const f32; MAX_TAPS], usize) {
        let conv = self.conv;
        let reach = self.kernel / 2;
        let mut taps = [conv.zeros; MAX_TAPS];
        for dy in 0..self.kernel {
            let y = (self.y + dy).wrapping_sub(reach);
            // The zeros have the same left margin as the rows.
            // SAFETY: the row is in the picture; both kinds of rows have a margin of a pixel.
            let row = unsafe {
                let row = if y < conv.height {
                    conv.source.row(y).cast_const()
                } else {
                    conv.zeros.add(conv.source.pixel)
                };
                row.sub(reach * conv.source.pixel)
            };
            for dx in 0..self.kernel {
                // SAFETY: as above.
                taps[dy * self.kernel + dx] = unsafe { row.add(dx * conv.source.pixel) };
            }
        }
        (taps, self.kernel * self.kernel)
    }
}
