//! The register kernel: a few rows of inputs times one panel of weights.

use super::simd::{Simd, prefetch};

/// How far ahead weights are asked for, in floats: a panel of 64 inputs times 16 outputs, since the next position's
/// panel begins a page of memory, which the processor does not foresee.
const AHEAD: usize = 1024;

/// Something that is done for runs of rows that one register kernel takes.
pub(super) trait Runs {
    /// Does the `M` rows from `first` on.
    ///
    /// # Safety
    /// As for the whole.
    unsafe fn run<const M: usize>(&mut self, first: usize);
}

/// Does `count` rows in runs of `M` and, for the rest, of fewer.
///
/// # Safety
/// As for the runs.
#[inline(always)]
pub(super) unsafe fn in_runs<const M: usize>(count: usize, runs: &mut impl Runs) {
    let mut first = 0;
    while first < count {
        let left = count - first;
        // SAFETY: as the caller promises; each run ends with the rows at the latest.
        first += unsafe {
            if left >= M {
                runs.run::<M>(first);
                M
            } else if M > 6 && left >= 6 {
                runs.run::<6>(first);
                6
            } else if M > 4 && left >= 4 {
                runs.run::<4>(first);
                4
            } else if left >= 2 {
                runs.run::<2>(first);
                2
            } else {
                runs.run::<1>(first);
                1
            }
        };
    }
}

/// `M` rows of `N` vectors: row m is the sum over the taps t and over k of `taps[t][m · stride + k]` times the
/// `N` vectors that follow one another in `weights`.
///
/// With `asks_ahead`, the weights that follow are asked for, a cache line for each 16 that are used.
///
/// Each sum runs over t and k in order, whatever `M` is: the result for a row does not depend on its neighbours.
///
/// # Safety
/// The instruction set of `S`; `(M − 1) · stride + depth` floats readable at each tap and `taps · depth · N`
/// vectors at `weights`.
#[inline(always)]
pub(super) unsafe fn multiply<S: Simd, const M: usize, const N: usize>(
    taps: &[*const f32],
    stride: usize,
    depth: usize,
    weights: *const f32,
    asks_ahead: bool,
) -> [[S; N]; M] {
    // SAFETY: the processor has the instruction set, as the caller promises.
    let zero = unsafe { S::splat(0.0) };
    let mut sums = [[zero; N]; M];
    let mut weights = weights;
    for &tap in taps {
        for k in 0..depth {
            if asks_ahead {
                prefetch(weights.wrapping_add(AHEAD));
            }
            let mut panel = [zero; N];
            for (n, vector) in panel.iter_mut().enumerate() {
                // SAFETY: the weights have as many vectors as the caller promises.
                *vector = unsafe { S::load(weights.add(n * S::LANES)) };
            }
            // SAFETY: as above: at most the end of the weights.
            weights = unsafe { weights.add(N * S::LANES) };
            for (m, row) in sums.iter_mut().enumerate() {
                // SAFETY: the taps have as many floats as the caller promises.
                let input = zero.constant(unsafe { *tap.add(m * stride + k) });
                for (sum, vector) in row.iter_mut().zip(panel) {
                    *sum = input.mul_add(vector, *sum);
                }
            }
        }
    }
    sums
}
