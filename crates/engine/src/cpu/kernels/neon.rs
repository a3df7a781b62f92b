//! The kernels for NEON, which every 64-bit Arm processor has: four lanes, thirty-two registers.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vaddq_s32, vcvtnq_s32_f32, vdivq_f32, vdupq_n_f32, vdupq_n_s32, vfmaq_f32,
    vld1q_f32, vmaxq_f32, vminq_f32, vmulq_f32, vreinterpretq_f32_s32, vshlq_n_s32, vst1q_f32, vsubq_f32,
};

use super::simd::{Simd, instructions, kernels};
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
        // SAFETY: as the caller promises.
        Self(unsafe { vdupq_n_f32(value) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { vld1q_f32(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller promises.
        unsafe { vst1q_f32(to, self.0) };
    }
    instructions! {
        add: vaddq_f32, sub: vsubq_f32, mul: vmulq_f32, div: vdivq_f32, max: vmaxq_f32, min: vminq_f32,
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: a vector exists only where the processor has the instruction set.
        Self(unsafe { vfmaq_f32(summand.0, self.0, factor.0) })
    }
    #[inline(always)]
    fn pow2(self) -> Self {
        // SAFETY: as above.
        unsafe {
            let exponent = vaddq_s32(vcvtnq_s32_f32(self.0), vdupq_n_s32(127));
            Self(vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)))
        }
    }
}

kernels!(Neon, 6, 4);
