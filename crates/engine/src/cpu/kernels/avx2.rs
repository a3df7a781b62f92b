//! The kernels for AVX2 with FMA: eight lanes, sixteen registers.

use std::arch::x86_64::{
    __m256, _mm256_add_epi32, _mm256_add_ps, _mm256_castsi256_ps, _mm256_cvtps_epi32, _mm256_div_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_slli_epi32, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::simd::{Simd, instructions, kernels};
use super::{GateJob, Kernels, PixelJob, WinogradJob, direct, dot, gate, winograd};

/// Six rows of two vectors: twelve sums, two weights and one input fill fifteen of sixteen registers, and twelve
/// independent sums hide the latency of two multiply-adds a cycle.
pub(crate) static KERNELS: Kernels = Kernels {
    name: "AVX2+FMA",
    lanes: 8,
    group: 16,
    rows: 6,
    winograd: run_winograd,
    direct: run_direct,
    dot: run_dot,
    gate: run_gate,
};

#[derive(Clone, Copy)]
struct Avx2(__m256);

impl Simd for Avx2 {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { _mm256_set1_ps(value) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { _mm256_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller promises.
        unsafe { _mm256_storeu_ps(to, self.0) };
    }
    instructions! {
        add: _mm256_add_ps, sub: _mm256_sub_ps, mul: _mm256_mul_ps, div: _mm256_div_ps,
        max: _mm256_max_ps, min: _mm256_min_ps,
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: a vector exists only where the processor has the instruction set.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, summand.0) })
    }
    #[inline(always)]
    fn pow2(self) -> Self {
        // SAFETY: as above.
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(self.0), _mm256_set1_epi32(127));
            Self(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        }
    }
}

kernels!(Avx2, 6, 2, "avx2,fma");
