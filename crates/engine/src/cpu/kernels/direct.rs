//! Convolution as a matrix product over the filter's taps: for 1×1 filters, and for 3×3 filters on few channels,
//! where transforms would cost more than they save.

use std::marker::PhantomData;

use super::PixelJob;
use super::gemm::{Runs, in_runs, multiply};
use super::simd::Simd;

/// Computes the pixels of the job.
///
/// # Safety
/// The instruction set of `S`, and what [`PixelJob`] asks for.
#[inline(always)]
pub(super) unsafe fn run<S: Simd, const M: usize, const N: usize>(job: &PixelJob<'_>) {
    // SAFETY: as the caller promises; the runs are the columns of the job.
    unsafe { in_runs::<M>(job.columns.len(), &mut Pixels::<S, N> { job, vector: PhantomData }) };
}

struct Pixels<'a, S, const N: usize> {
    job: &'a PixelJob<'a>,
    vector: PhantomData<S>,
}

impl<S: Simd, const N: usize> Runs for Pixels<'_, S, N> {
    #[inline(always)]
    unsafe fn run<const M: usize>(&mut self, first: usize) {
        // SAFETY: as the caller promises.
        unsafe { pixels::<S, M, N>(self.job, self.job.columns.start + first) };
    }
}

/// Computes `M` pixels from column `x` on.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn pixels<S: Simd, const M: usize, const N: usize>(job: &PixelJob<'_>, x: usize) {
    let conv = job.conv;
    let group = N * S::LANES;
    // SAFETY: the rows are in the pictures, as the caller promises.
    let (target, (mut taps, count)) = unsafe { (conv.target.row(job.y), job.taps()) };
    for tap in &mut taps[..count] {
        // SAFETY: the columns are in the picture.
        *tap = unsafe { tap.add(x * conv.source.pixel) };
    }
    for first in (0..conv.out_channels).step_by(group) {
        // SAFETY: the weights are laid out in panels of a group each, for all inputs of all taps.
        let sums = unsafe {
            let weights = conv.weights.add(first * count * conv.in_channels);
            multiply::<S, M, N>(&taps[..count], conv.source.pixel, conv.in_channels, weights, false)
        };
        for n in 0..N {
            let channel = first + n * S::LANES;
            if channel >= conv.out_channels {
                break;
            }
            // SAFETY: there are biases for whole groups.
            let bias = unsafe { S::load(conv.bias.add(channel)) };
            let mut values = [bias; M];
            for (value, row) in values.iter_mut().zip(&sums) {
                *value = value.add(row[n]);
            }
            // SAFETY: the pixels are in the picture, as the caller promises.
            unsafe { conv.finish(values, target, (x, job.y), channel) };
        }
    }
}
