//! A value let through by another: attention without parameters.

use super::activation::attention;
use super::simd::{Simd, load_first, store_first};
use super::{GateJob, Ring};

/// `value · (sigmoid(gate) − ½)` for the pixels of the job.
///
/// # Safety
/// The instruction set of `S`; the rings hold the pixels, and no other thread uses those of the target meanwhile.
#[inline(always)]
pub(super) unsafe fn run<S: Simd>(job: &GateJob) {
    // SAFETY: the rings hold the pixel, as the caller promises.
    let pixel = |ring: Ring, x: usize| unsafe { ring.row(job.y).add(x * ring.pixel) };
    for x in job.columns.clone() {
        let (value, gate, target) = (pixel(job.value, x), pixel(job.gate, x), pixel(job.target, x));
        for channel in (0..job.channels).step_by(S::LANES) {
            let lanes = job.channels - channel;
            // SAFETY: so many channels are left of the pixel, and no other thread uses those of the target.
            unsafe {
                let value = load_first::<S>(value.add(channel), lanes);
                let gate = load_first::<S>(gate.add(channel), lanes);
                store_first(value.mul(attention(gate)), target.add(channel), lanes);
            }
        }
    }
}
