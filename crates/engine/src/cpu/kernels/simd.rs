//! The few vector operations that the kernels are written in.

/// A vector of `f32` lanes of one instruction set.
///
/// # Safety
/// All methods are unsafe because the processor must have the instruction set; the loads and stores also need
/// `LANES` readable or writable floats at the pointer, which need not be aligned.
pub(crate) trait Simd: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    /// `self · factor + summand`; rounded once where the instruction set can.
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// 2 to the power of lanes that are whole numbers in −126..=127.
    unsafe fn pow2(self) -> Self;
}

/// Stores the first `count` lanes.
///
/// # Safety
/// As for [`Simd`]; `count` floats must be writable.
#[inline(always)]
pub(super) unsafe fn store_first<S: Simd>(value: S, to: *mut f32, count: usize) {
    if count >= S::LANES {
        value.store(to);
    } else {
        let mut lanes = [0.0_f32; 16];
        value.store(lanes.as_mut_ptr());
        for (lane, &number) in lanes[..count].iter().enumerate() {
            *to.add(lane) = number;
        }
    }
}

/// Loads the first `count` lanes; the others are 0.
///
/// # Safety
/// As for [`Simd`]; `count` floats must be readable.
#[inline(always)]
pub(super) unsafe fn load_first<S: Simd>(from: *const f32, count: usize) -> S {
    if count >= S::LANES {
        S::load(from)
    } else {
        let mut lanes = [0.0_f32; 16];
        for (lane, number) in lanes[..count].iter_mut().enumerate() {
            *number = *from.add(lane);
        }
        S::load(lanes.as_ptr())
    }
}

/// The sum of the lanes, in a fixed order.
///
/// # Safety
/// As for [`Simd`].
#[inline(always)]
pub(super) unsafe fn sum<S: Simd>(value: S) -> f32 {
    let mut lanes = [0.0_f32; 16];
    value.store(lanes.as_mut_ptr());
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
