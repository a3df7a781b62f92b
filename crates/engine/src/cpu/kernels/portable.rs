//! The kernels in plain Rust, for every processor: four lanes, which compilers turn into the vector instructions
//! that each 64-bit architecture is sure to have (SSE2, NEON).

use super::simd::{Simd, kernels};
use super::{GateJob, Kernels, PixelJob, WinogradJob, direct, dot, gate, winograd};

/// Six rows of two four-lane vectors: twelve sums, two weights and one input fill sixteen registers.
pub(crate) static KERNELS: Kernels = Kernels {
    name: "portable",
    lanes: 4,
    group: 8,
    rows: 6,
    winograd: run_winograd,
    direct: run_direct,
    dot: run_dot,
    gate: run_gate,
};

#[derive(Clone, Copy)]
#[repr(align(16))]
struct Portable([f32; 4]);

macro_rules! lanewise {
    ($a:expr, $b:expr, $op:expr) => {{
        let (a, b, op) = ($a.0, $b.0, $op);
        Self([op(a[0], b[0]), op(a[1], b[1]), op(a[2], b[2]), op(a[3], b[3])])
    }};
}

/// Multiplies and adds in one rounding only where the target always has the instruction; elsewhere `mul_add`
/// would be a call into the C library.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) { a.mul_add(b, c) } else { a * b + c }
}

impl Simd for Portable {
    const LANES: usize = 4;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller promises.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) };
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        lanewise!(self, other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        lanewise!(self, other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        lanewise!(self, other, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        lanewise!(self, other, |a, b| a / b)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        lanewise!(self, other, |a: f32, b: f32| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        lanewise!(self, other, |a: f32, b: f32| if a < b { a } else { b })
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        let (a, b, c) = (self.0, factor.0, summand.0);
        Self([
            fused(a[0], b[0], c[0]),
            fused(a[1], b[1], c[1]),
            fused(a[2], b[2], c[2]),
            fused(a[3], b[3], c[3]),
        ])
    }
    #[inline(always)]
    fn pow2(self) -> Self {
        Self(self.0.map(|exponent| f32::from_bits(((exponent as i32 + 127) as u32) << 23)))
    }
}

kernels!(Portable, 6, 2);
