//! What follows a convolution while its results are still in registers: activation, scaled additions, a gate, the
//! store.

use super::activation::{attention, silu};
use super::simd::{Simd, load_first, store_first};
use super::{ConvJob, Ring};

/// `scale · x + other_scale · other`, done to the result of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct Residual {
    /// What is added; has the pixels of the target.
    pub(crate) other: Ring,
    /// Factor of the result so far.
    pub(crate) scale: f32,
    /// Factor of what is added.
    pub(crate) other_scale: f32,
}

impl ConvJob<'_> {
    /// Activates the results for `N` pixels from (x, y) on and one vector of channels, adds the residuals, lets the sums
    /// through the results' own gates and stores what is left of the picture's channels. `target` is pixel 0 of row y
    /// of the target.
    ///
    /// # Safety
    /// The instruction set of `S` and what [`ConvJob`] asks for; the pixels are in the picture.
    #[inline(always)]
    pub(super) unsafe fn finish<S: Simd, const N: usize>(
        &self,
        mut values: [S; N],
        target: *mut f32,
        (x, y): (usize, usize),
        channel: usize,
    ) {
        if !self.slopes.is_null() {
            // SAFETY: there are as many slopes as the caller promises.
            let slopes = unsafe { S::load(self.slopes.add(channel)) };
            for value in &mut values {
                *value = activate(*value, slopes);
            }
        } else if self.silu {
            for value in &mut values {
                *value = silu(*value);
            }
        }
        if self.gated {
            // The gates are of the results as they are now, so each result goes through all of it by itself.
            for (i, value) in values.iter_mut().enumerate() {
                let gate = attention(*value);
                // SAFETY: as the caller promises.
                unsafe { self.add_residuals(std::slice::from_mut(value), x + i, y, channel) };
                *value = value.mul(gate);
            }
        } else {
            // SAFETY: as the caller promises.
            unsafe { self.add_residuals(&mut values, x, y, channel) };
        }
        let lanes = self.out_channels - channel;
        // SAFETY: the pixels are in the picture, and so many channels are left of them.
        unsafe {
            let target = target.add(x * self.target.pixel + channel);
            if lanes >= S::LANES {
                for (i, value) in values.iter().enumerate() {
                    value.store(target.add(i * self.target.pixel));
                }
            } else {
                for (i, value) in values.iter().enumerate() {
                    store_first(*value, target.add(i * self.target.pixel), lanes);
                }
            }
        }
    }

    /// Adds the residuals to the results for pixels from (x, y) on.
    ///
    /// # Safety
    /// As for [`Self::finish`].
    #[inline(always)]
    unsafe fn add_residuals<S: Simd>(&self, values: &mut [S], x: usize, y: usize, channel: usize) {
        let lanes = self.out_channels - channel;
        for residual in self.residuals {
            // SAFETY: the value that is added has the pixels of the target, as the caller promises.
            let other = unsafe { residual.other.row(y).add(x * residual.other.pixel + channel) };
            for (i, value) in values.iter_mut().enumerate() {
                // SAFETY: as above; so many channels are left of the pixel.
                let other = unsafe { load_first::<S>(other.add(i * residual.other.pixel), lanes) };
                let (scale, other_scale) =
                    (value.constant(residual.scale), value.constant(residual.other_scale));
                *value = value.mul_add(scale, other.mul(other_scale));
            }
        }
    }
}

/// `max(x, 0) + slope · min(x, 0)`.
#[inline(always)]
fn activate<S: Simd>(value: S, slopes: S) -> S {
    let zero = value.constant(0.0);
    slopes.mul_add(value.min(zero), value.max(zero))
}
