//! The kernels for AVX-512: sixteen lanes, thirty-two registers.

use std::arch::x86_64::{
    __m512, _mm512_add_epi32, _mm512_add_ps, _mm512_castsi512_ps, _mm512_cvtps_epi32, _mm512_div_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_slli_epi32, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::simd::{Simd, instructions, kernels};
use super::{GateJob, Kernels, PixelJob, WinogradJob, direct, dot, gate, winograd};

/// Twelve rows of two vectors: twenty-four sums and two weights; the inputs are broadcast from memory by the
/// multiply-adds themselves.
pub(crate) static KERNELS: Kernels = Kernels {
    name: "AVX-512",
    lanes: 16,
    group: 32,
    rows: 12,
    winograd: run_winograd,
    direct: run_direct,
    dot: run_dot,
    gate: run_gate,
};

#[derive(Clone, Copy)]
struct Avx512(__m512);

impl Simd for Avx512 {
    const LANES: usize = 16;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller promises.
        unsafe { _mm512_storeu_ps(to, self.0) };
    }
    instructions! {
        add: _mm512_add_ps, sub: _mm512_sub_ps, mul: _mm512_mul_ps, div: _mm512_div_ps,
        max: _mm512_max_ps, min: _mm512_min_ps,
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: a vector exists only where the processor has the instruction set.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, summand.0) })
    }
    #[inline(always)]
    fn pow2(self) -> Self {
        // SAFETY: as above.
        unsafe {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
        }
    }
}

kernels!(Avx512, 12, 2, "avx512f");
