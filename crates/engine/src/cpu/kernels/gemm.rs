//! The register kernel: up to six rows of inputs times one panel of weights.

use super::simd::{Simd, prefetch};

/// Rows that a panel of the matrix product holds in registers.
pub(crate) const ROWS: usize = 6;

/// `M` rows of `N` vectors: row m is the sum over the taps t and over k of `taps[t][m · stride + k]` times the
/// `N` vectors that follow one another in `weights`.
///
/// Each sum runs over t and k in order, whatever `M` is: the result for a row does not depend on its neighbours.
///
/// # Safety
/// The instruction set of `S`; `(M − 1) · stride + depth` floats readable at each tap and `taps · depth · N`
/// vectors at `weights`.
#[inline(always)]
pub(super) unsafe fn multiply<S: Simd, const M: usize, const N: usize, const AHEAD: usize>(
    taps: &[*const f32],
    stride: usize,
    depth: usize,
    weights: *const f32,
) -> [[S; N]; M] {
    let mut sums = [[S::splat(0.0); N]; M];
    let mut weights = weights;
    for &tap in taps {
        for k in 0..depth {
            if AHEAD > 0 {
                prefetch(weights.wrapping_add(AHEAD));
            }
            let mut panel = [S::splat(0.0); N];
            for (n, vector) in panel.iter_mut().enumerate() {
                *vector = S::load(weights.add(n * S::LANES));
            }
            weights = weights.add(N * S::LANES);
            for (m, row) in sums.iter_mut().enumerate() {
                let input = S::splat(*tap.add(m * stride + k));
                for (sum, vector) in row.iter_mut().zip(panel) {
                    *sum = input.mul_add(vector, *sum);
                }
            }
        }
    }
    sums
}
