//! 3×3 convolution by Winograd's minimal filtering F(6×6, 3×3).
//!
//! Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016): for a tile d of 8×8 inputs and
//! a filter g, the 6×6 outputs are `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A`. Summed over channels, the element-wise product
//! becomes 64 matrix products, one per position, with 64 instead of 324 multiplications for 36 outputs. The
//! matrices are those of the interpolation points 0, ±1, ±2, ±½ and ∞.

#![allow(
    clippy::needless_range_loop,
    reason = "rows i and columns j of small matrices read like the formulas"
)]

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::gemm::{Runs, in_runs, multiply};
use super::simd::{Simd, load_first, prefetch};
use super::{MAX_GROUP, MAX_LANES, WinogradJob};

/// Rows and columns of outputs that a tile makes.
pub(crate) const TILE: usize = 6;
/// Rows and columns of inputs that a tile reads: one more on each side.
const WINDOW: usize = TILE + 2;
/// Positions of the transformed tile, each with a matrix product of its own.
pub(crate) const POSITIONS: usize = WINDOW * WINDOW;
/// Floats in a cache line.
const LINE: usize = 16;
/// Floats added to each position's matrix: strides that are multiples of a power of two fall into one cache set.
const SKEW: usize = 16;

/// Floats of scratch that a block of `tiles` with `channels` inputs needs: transformed inputs and products.
pub(crate) const fn scratch(tiles: usize, channels: usize) -> usize {
    input_stride(tiles, channels) * POSITIONS + product_stride(tiles, MAX_GROUP) * POSITIONS
}

/// Floats between the positions of the transformed input, which is `[position][tile][channel]`.
const fn input_stride(tiles: usize, channels: usize) -> usize {
    tiles * padded(channels) + SKEW
}

/// Floats between the positions of the products, which are `[position][tile][channel of the group]`.
const fn product_stride(tiles: usize, group: usize) -> usize {
    tiles * group + SKEW
}

/// Channels rounded up to whole vectors of every instruction set.
const fn padded(channels: usize) -> usize {
    channels.next_multiple_of(MAX_LANES)
}

/// Computes the tiles of the job.
///
/// # Safety
/// The instruction set of `S`, and what [`WinogradJob`] asks for.
#[inline(always)]
pub(super) unsafe fn run<S: Simd, const M: usize, const N: usize>(job: &WinogradJob<'_>) {
    let tiles = job.tiles.len();
    let group = N * S::LANES;
    let depth = padded(job.conv.in_channels);
    let conv = job.conv;
    let (inputs, input_stride) = (job.scratch, input_stride(tiles, conv.in_channels));
    let product_stride = product_stride(tiles, group);
    // SAFETY: the scratch holds all positions of the inputs and behind them those of the products, the weights a panel of
    // a group of outputs for each position, and the rings the tiles, as the caller promises.
    unsafe {
        let products = inputs.add(input_stride * POSITIONS);
        for slot in 0..tiles {
            transform_input::<S>(job, job.tiles.start + slot, inputs.add(slot * depth), input_stride);
        }
        for first in (0..conv.out_channels).step_by(group) {
            let weights = conv.weights.add(first * POSITIONS * conv.in_channels);
            let mut ahead = Ahead::new(job, first, group);
            for position in 0..POSITIONS {
                ahead.advance();
                let mut product = Product::<S, N> {
                    input: inputs.add(position * input_stride),
                    stride: depth,
                    depth: conv.in_channels,
                    weights: weights.add(position * conv.in_channels * group),
                    target: products.add(position * product_stride),
                    vector: PhantomData,
                };
                in_runs::<M>(tiles, &mut product);
            }
            for slot in 0..tiles {
                let products = products.add(slot * group);
                transform_output::<S, N>(job, job.tiles.start + slot, first, products, product_stride);
            }
        }
    }
}

/// Asks for the cache lines that the results of a group will be written to, while the products are computed: rings
/// are larger than the nearer caches, and a store that misses costs more than the transform that it belongs to.
struct Ahead<'a> {
    job: &'a WinogradJob<'a>,
    channel: usize,
    group: usize,
    /// The next row of a tile to ask for, counted over all tiles of the block.
    row: usize,
    /// The rows of the tile that is asked for.
    rows: [*mut f32; TILE],
}

impl<'a> Ahead<'a> {
    #[inline(always)]
    fn new(job: &'a WinogradJob<'a>, channel: usize, group: usize) -> Self {
        Self { job, channel, group, row: 0, rows: [std::ptr::null_mut(); TILE] }
    }

    /// Asks for one position's share.
    ///
    /// # Safety
    /// What [`WinogradJob`] asks for.
    #[inline(always)]
    unsafe fn advance(&mut self) {
        let all = self.job.tiles.len() * TILE;
        let end = (self.row + all.div_ceil(POSITIONS)).min(all);
        let target = self.job.conv.target;
        while self.row < end {
            let (tile, i) = (self.job.tiles.start + self.row / TILE, self.row % TILE);
            if i == 0 {
                let top = self.job.first_row + (tile / self.job.tiles_across * TILE) as isize;
                // SAFETY: the target is a ring, as the caller promises.
                self.rows = unsafe { target.window(top, self.job.conv.height, std::ptr::null_mut()) };
            }
            let at = tile % self.job.tiles_across * TILE * target.pixel + self.channel;
            for column in 0..TILE {
                for line in (0..self.group).step_by(LINE) {
                    prefetch(self.rows[i].wrapping_add(at + column * target.pixel + line));
                }
            }
            self.row += 1;
        }
    }
}

/// The matrix product of one position: all tiles of the block times one panel of weights.
struct Product<S, const N: usize> {
    /// `[tile][channel]`.
    input: *const f32,
    /// Floats from a tile's input to the next one's.
    stride: usize,
    /// Input channels.
    depth: usize,
    weights: *const f32,
    /// `[tile][channel of the group]`.
    target: *mut f32,
    vector: PhantomData<S>,
}

impl<S: Simd, const N: usize> Runs for Product<S, N> {
    #[inline(always)]
    unsafe fn run<const M: usize>(&mut self, first: usize) {
        // Once for each position is enough.
        let asks_ahead = first == 0;
        // SAFETY: input and target hold the tiles from `first` on, as the caller promises.
        unsafe {
            let input = self.input.add(first * self.stride);
            let rows = multiply::<S, M, N>(&[input], self.stride, self.depth, self.weights, asks_ahead);
            store_rows(rows, self.target.add(first * N * S::LANES));
        }
    }
}

/// Stores the rows of a product one after the other.
///
/// # Safety
/// `M · N` vectors writable at `to`.
#[inline(always)]
unsafe fn store_rows<S: Simd, const M: usize, const N: usize>(rows: [[S; N]; M], to: *mut f32) {
    for (m, row) in rows.into_iter().enumerate() {
        for (n, vector) in row.into_iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { vector.store(to.add((m * N + n) * S::LANES)) };
        }
    }
}

/// `Bᵀ d B` for all channels of one tile.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn transform_input<S: Simd>(job: &WinogradJob<'_>, tile: usize, to: *mut f32, position_stride: usize) {
    let pixel = job.conv.source.pixel;
    let top = job.first_row + (tile / job.tiles_across * TILE) as isize - 1;
    // Column −1 of the first tile is the margin that every row of a ring has.
    let left = (tile % job.tiles_across * TILE) as isize * pixel as isize - pixel as isize;
    let zeros = job.conv.zeros.cast_mut().wrapping_offset(-left);
    // SAFETY: the source is a ring, as the caller promises.
    let rows = unsafe { job.conv.source.window::<WINDOW>(top, job.conv.height, zeros) };
    let rows = rows.map(|row| row.wrapping_offset(left).cast_const());
    let whole = job.conv.in_channels / S::LANES * S::LANES;
    // SAFETY: the rows have the columns of the tile, margins included, with these channels, and so has the scratch.
    unsafe {
        for channel in (0..whole).step_by(S::LANES) {
            transform_window::<S>(&rows, pixel, channel, S::LANES, to, position_stride);
        }
        if whole < job.conv.in_channels {
            transform_window::<S>(&rows, pixel, whole, job.conv.in_channels - whole, to, position_stride);
        }
    }
}

/// `Bᵀ d B` for `count` channels, at most a vector, of one tile.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn transform_window<S: Simd>(
    rows: &[*const f32; WINDOW],
    pixel: usize,
    channel: usize,
    count: usize,
    to: *mut f32,
    position_stride: usize,
) {
    // SAFETY: the processor has the instruction set, as the caller promises.
    let zero = unsafe { S::splat(0.0) };
    let mut half = [[MaybeUninit::<S>::uninit(); WINDOW]; WINDOW];
    for j in 0..WINDOW {
        let at = j * pixel + channel;
        let mut column = [zero; WINDOW];
        for i in 0..WINDOW {
            // SAFETY: the rows have these channels in each column of the window, as the caller promises.
            column[i] = unsafe { load_first::<S>(rows[i].add(at), count) };
        }
        let column = input_vector(column);
        for i in 0..WINDOW {
            half[i][j] = MaybeUninit::new(column[i]);
        }
    }
    for i in 0..WINDOW {
        let mut row = [zero; WINDOW];
        for j in 0..WINDOW {
            // SAFETY: all columns were written above.
            row[j] = unsafe { half[i][j].assume_init() };
        }
        let row = input_vector(row);
        for j in 0..WINDOW {
            // SAFETY: the scratch has the channels of each position, in whole vectors.
            unsafe { row[j].store(to.add((i * WINDOW + j) * position_stride + channel)) };
        }
    }
}

/// `Bᵀ` times a vector. Rows that differ only in the signs of the odd terms share them.
#[inline(always)]
fn input_vector<S: Simd>(d: [S; WINDOW]) -> [S; WINDOW] {
    let c = |value: f32| d[0].constant(value);
    let first = d[4].sub(d[2]).mul_add(c(5.25), d[0].sub(d[6]));
    let last = d[3].sub(d[5]).mul_add(c(5.25), d[7].sub(d[1]));
    let even = d[4].mul_add(c(-4.25), d[2].add(d[6]));
    let odd = d[3].mul_add(c(-4.25), d[1].add(d[5]));
    let (one, minus_one) = (even.add(odd), even.sub(odd));
    let even = d[4].mul_add(c(-1.25), d[2].mul_add(c(0.25), d[6]));
    let odd = d[5].mul_add(c(2.0), d[3].mul_add(c(-2.5), d[1].mul(c(0.5))));
    let (two, minus_two) = (even.add(odd), even.sub(odd));
    let even = d[4].mul_add(c(-5.0), d[2].mul_add(c(4.0), d[6]));
    let odd = d[5].mul_add(c(0.5), d[3].mul_add(c(-2.5), d[1].mul(c(2.0))));
    let (half, minus_half) = (even.add(odd), even.sub(odd));
    [first, one, minus_one, two, minus_two, half, minus_half, last]
}

/// `Aᵀ m A`, bias, activation and residuals for one tile and one group of channels from `first` on.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn transform_output<S: Simd, const N: usize>(
    job: &WinogradJob<'_>,
    tile: usize,
    first: usize,
    products: *const f32,
    position_stride: usize,
) {
    let top = job.first_row + (tile / job.tiles_across * TILE) as isize;
    let left = tile % job.tiles_across * TILE;
    let columns = (job.conv.width - left).min(TILE);
    // SAFETY: the processor has the instruction set, and the target is a ring, as the caller promises.
    let (zero, rows) = unsafe {
        (S::splat(0.0), job.conv.target.window::<TILE>(top, job.conv.height, std::ptr::null_mut()))
    };
    for n in 0..N {
        let channel = first + n * S::LANES;
        if channel >= job.conv.out_channels {
            return;
        }
        let mut half = [[MaybeUninit::<S>::uninit(); WINDOW]; TILE];
        for j in 0..WINDOW {
            let mut values = [zero; WINDOW];
            for i in 0..WINDOW {
                let at = n * S::LANES + (i * WINDOW + j) * position_stride;
                // SAFETY: there is a product of each channel of the group for each position.
                values[i] = unsafe { S::load(products.add(at)) };
            }
            if j == 1 {
                // SAFETY: there are biases for whole groups.
                let bias = unsafe { S::load(job.conv.bias.add(channel)) };
                // The column of Aᵀ for the point 1 is all ones: what is added to position (1, 1) is added
                // to every output.
                values[1] = values[1].add(bias);
            }
            let values = output_vector(values);
            for i in 0..TILE {
                half[i][j] = MaybeUninit::new(values[i]);
            }
        }
        for i in 0..TILE {
            if rows[i].is_null() {
                continue;
            }
            let mut row = [zero; WINDOW];
            for j in 0..WINDOW {
                // SAFETY: all columns were written above.
                row[j] = unsafe { half[i][j].assume_init() };
            }
            let outputs = output_vector(row);
            let y = (top + i as isize) as usize;
            // SAFETY: the row is one of the picture, and so are the columns that are stored.
            unsafe {
                if columns == TILE {
                    job.conv.finish(outputs, rows[i], (left, y), channel);
                } else {
                    for (x, output) in (left..job.conv.width).zip(outputs) {
                        job.conv.finish([output], rows[i], (x, y), channel);
                    }
                }
            }
        }
    }
}

/// `Aᵀ` times a vector, with the sums and differences of opposite points shared.
#[inline(always)]
fn output_vector<S: Simd>(m: [S; WINDOW]) -> [S; TILE] {
    let c = |value: f32| m[0].constant(value);
    let (sum1, difference1) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (sum2, difference2) = (m[3].add(m[4]), m[3].sub(m[4]));
    let (sum3, difference3) = (m[5].add(m[6]), m[5].sub(m[6]));
    [
        m[0].add(sum1).add(sum2.add(sum3)),
        difference3.mul_add(c(0.5), difference2.mul_add(c(2.0), difference1)),
        sum3.mul_add(c(0.25), sum2.mul_add(c(4.0), sum1)),
        difference3.mul_add(c(0.125), difference2.mul_add(c(8.0), difference1)),
        sum3.mul_add(c(0.0625), sum2.mul_add(c(16.0), sum1)),
        difference3.mul_add(c(0.03125), difference2.mul_add(c(32.0), difference1)).add(m[7]),
    ]
}

/// `G g Gᵀ` of one 3×3 filter, the position (i, j) at `8 · i + j`.
pub(crate) fn transform_filter(filter: &[f32]) -> [f32; POSITIONS] {
    const G: [[f64; 3]; WINDOW] = [
        [1.0, 0.0, 0.0],
        [-2.0 / 9.0, -2.0 / 9.0, -2.0 / 9.0],
        [-2.0 / 9.0, 2.0 / 9.0, -2.0 / 9.0],
        [1.0 / 90.0, 1.0 / 45.0, 2.0 / 45.0],
        [1.0 / 90.0, -1.0 / 45.0, 2.0 / 45.0],
        [32.0 / 45.0, 16.0 / 45.0, 8.0 / 45.0],
        [32.0 / 45.0, -16.0 / 45.0, 8.0 / 45.0],
        [0.0, 0.0, 1.0],
    ];
    let mut transformed = [0.0; POSITIONS];
    for (i, vertical) in G.iter().enumerate() {
        for (j, horizontal) in G.iter().enumerate() {
            let mut sum = 0.0;
            for (tap, &weight) in filter.iter().enumerate() {
                sum += vertical[tap / 3] * f64::from(weight) * horizontal[tap % 3];
            }
            transformed[i * WINDOW + j] = sum as f32;
        }
    }
    transformed
}
