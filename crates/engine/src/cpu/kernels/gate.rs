//! A value let through by another: attention without parameters.

use super::GateJob;
use super::activation::attention;
use super::simd::{Simd, load_first, store_first};

/// `value · (sigmoid(gate) − ½)` for the pixels of the job.
///
/// # Safety
/// The instruction set of `S`; the rings hold the pixels, and nobody else uses those of the target meanwhile.
#[inline(always)]
pub(super) unsafe fn run<S: Simd>(job: &GateJob) {
    let pixel = |ring: super::Ring, x: usize| ring.row(job.y).add(x * ring.pixel);
    for x in job.columns.clone() {
        let (value, gate, target) = (pixel(job.value, x), pixel(job.gate, x), pixel(job.target, x));
        for channel in (0..job.channels).step_by(S::LANES) {
            let lanes = job.channels - channel;
            let load = |from: *mut f32| load_first::<S>(from.add(channel).cast_const(), lanes);
            store_first(load(value).mul(attention(load(gate))), target.add(channel), lanes);
        }
    }
}
