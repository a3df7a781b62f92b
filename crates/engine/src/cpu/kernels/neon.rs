//! The kernels for NEON, which every 64-bit Arm processor has: four lanes, thirty-two registers.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vaddq_s32, vcvtnq_s32_f32, vdivq_f32, vdupq_n_f32, vdupq_n_s32, vfmaq_f32,
    vld1q_f32, vmaxq_f32, vminq_f32, vmulq_f32, vreinterpretq_f32_s32, vshlq_n_s32, vst1q_f32, vsubq_f32,
};

use super::simd::Simd;
use super::{GateJob, Kernels, PixelJob, WinogradJob, direct, dot, gate, winograd};

/// Six rows of four vectors: twenty-four sums, four weights and the inputs fill the registers.
pub(crate) static KERNELS: Kernels = Kernels {
    name: "NEON",
    lanes: 4,
    group: 16,
    rows: 6,
    winograd: run_winograd,
    direct: run_direct,
    dot: run_dot,
    gate: run_gate,
};

#[derive(Clone, Copy)]
struct Neon(float32x4_t);

impl Simd for Neon {
    const LANES: usize = 4;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(vdupq_n_f32(value))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(vld1q_f32(from))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        vst1q_f32(to, self.0);
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(vaddq_f32(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(vsubq_f32(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(vmulq_f32(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        Self(vdivq_f32(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(vmaxq_f32(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(vminq_f32(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
        Self(vfmaq_f32(summand.0, self.0, factor.0))
    }
    #[inline(always)]
    unsafe fn pow2(self) -> Self {
        let exponent = vaddq_s32(vcvtnq_s32_f32(self.0), vdupq_n_s32(127));
        Self(vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)))
    }
}

unsafe fn run_winograd(job: &WinogradJob<'_>) {
    winograd::run::<Neon, 6, 4>(job);
}

unsafe fn run_direct(job: &PixelJob<'_>) {
    direct::run::<Neon, 6, 4>(job);
}

unsafe fn run_dot(job: &PixelJob<'_>) {
    dot::run::<Neon>(job);
}

unsafe fn run_gate(job: &GateJob) {
    gate::run::<Neon>(job);
}
