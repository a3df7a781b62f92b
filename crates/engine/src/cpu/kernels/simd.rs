//! The few vector operations that the kernels are written in.

use super::MAX_LANES;

/// A vector of `f32` lanes of one instruction set.
///
/// A vector exists only where the processor has the instruction set: the two functions that make one out of something
/// else are unsafe and ask for it. What is done to vectors is therefore safe.
pub(crate) trait Simd: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    /// `value` in all lanes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn splat(value: f32) -> Self;
    /// The floats at an address, which need not be aligned.
    ///
    /// # Safety
    /// The processor has the instruction set, and `LANES` floats are readable there.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes the lanes to an address, which need not be aligned.
    ///
    /// # Safety
    /// `LANES` floats are writable there.
    unsafe fn store(self, to: *mut f32);
    /// Another vector, with `value` in all lanes.
    #[inline(always)]
    fn constant(self, value: f32) -> Self {
        // SAFETY: this vector exists.
        unsafe { Self::splat(value) }
    }
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    /// `self · factor + summand`; rounded once where the instruction set can.
    fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// 2 to the power of lanes that are whole numbers in −126..=127.
    fn pow2(self) -> Self;
}

/// The methods of a vector type that are one instruction with two operands each.
macro_rules! instructions {
    ($($method:ident: $instruction:ident),+ $(,)?) => {
        $(
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: a vector exists only where the processor has the instruction set.
                Self(unsafe { $instruction(self.0, other.0) })
            }
        )+
    };
}

/// The kernels for a vector type, made of so many rows and vectors, compiled for the instruction set that is named.
macro_rules! kernels {
    ($vector:ty, $rows:literal, $vectors:literal $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        unsafe fn run_winograd(job: &WinogradJob<'_>) {
            // SAFETY: as the caller promises.
            unsafe { winograd::run::<$vector, $rows, $vectors>(job) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn run_direct(job: &PixelJob<'_>) {
            // SAFETY: as the caller promises.
            unsafe { direct::run::<$vector, $rows, $vectors>(job) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn run_dot(job: &PixelJob<'_>) {
            // SAFETY: as the caller promises.
            unsafe { dot::run::<$vector>(job) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn run_gate(job: &GateJob) {
            // SAFETY: as the caller promises.
            unsafe { gate::run::<$vector>(job) }
        }
    };
}

pub(super) use {instructions, kernels};

/// Stores the first `count` lanes.
///
/// # Safety
/// As many floats, at most [`Simd::LANES`], must be writable.
#[inline(always)]
pub(super) unsafe fn store_first<S: Simd>(value: S, to: *mut f32, count: usize) {
    if count >= S::LANES {
        // SAFETY: as the caller promises.
        unsafe { value.store(to) };
    } else {
        for (lane, &number) in lanes(value)[..count].iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { *to.add(lane) = number };
        }
    }
}

/// Loads the first `count` lanes; the others are 0.
///
/// # Safety
/// The instruction set of `S`; as many floats, at most [`Simd::LANES`], must be readable.
#[inline(always)]
pub(super) unsafe fn load_first<S: Simd>(from: *const f32, count: usize) -> S {
    if count >= S::LANES {
        // SAFETY: as the caller promises.
        unsafe { S::load(from) }
    } else {
        let mut lanes = [0.0_f32; MAX_LANES];
        for (lane, number) in lanes[..count].iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            *number = unsafe { *from.add(lane) };
        }
        // SAFETY: the array has the lanes of the widest vector.
        unsafe { S::load(lanes.as_ptr()) }
    }
}

/// The lanes, and zeros up to those of the widest vector.
#[inline(always)]
fn lanes<S: Simd>(value: S) -> [f32; MAX_LANES] {
    const { assert!(S::LANES <= MAX_LANES) };
    let mut lanes = [0.0_f32; MAX_LANES];
    // SAFETY: the array has the lanes of the widest vector.
    unsafe { value.store(lanes.as_mut_ptr()) };
    lanes
}

/// The sum of the lanes, in a fixed order.
#[inline(always)]
pub(super) fn sum<S: Simd>(value: S) -> f32 {
    let mut lanes = lanes(value);
    let mut width = S::LANES;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
    }
    lanes[0]
}

/// Asks for the cache line at an address that will be read or written soon. The address need not be valid.
#[inline(always)]
pub(super) fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which faults on no address; every x86-64 processor has it.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint, which faults on no address and changes no register.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{at}]", at = in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}
