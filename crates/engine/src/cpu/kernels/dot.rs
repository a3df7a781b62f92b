//! 3×3 convolution to few channels, such as a network's last to RGB: vectors run along the input channels, so that
//! no lane is spent on outputs that do not exist, and are summed up at the end.

use super::PixelJob;
use super::simd::{Simd, sum};

/// The most output channels for which this kernel is made.
pub(crate) const MAX_OUTPUTS: usize = 4;
/// Pixels whose sums are held in registers together; each weight is loaded once for all.
const PIXELS: usize = 4;

/// Computes the pixels of the job.
///
/// # Safety
/// The instruction set of `S`, and what [`PixelJob`] asks for; at most [`MAX_OUTPUTS`] output channels, and input
/// channels that fill whole vectors.
#[inline(always)]
pub(super) unsafe fn run<S: Simd>(job: &PixelJob<'_>) {
    // SAFETY: as the caller promises.
    unsafe {
        match job.conv.out_channels {
            1 => row::<S, 1>(job),
            2 => row::<S, 2>(job),
            3 => row::<S, 3>(job),
            _ => row::<S, MAX_OUTPUTS>(job),
        }
    }
}

/// Computes the pixels for `O` outputs.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn row<S: Simd, const O: usize>(job: &PixelJob<'_>) {
    let mut x = job.columns.start;
    while x + PIXELS <= job.columns.end {
        // SAFETY: as the caller promises; so many pixels are left.
        unsafe { pixels::<S, O, PIXELS>(job, x) };
        x += PIXELS;
    }
    while x < job.columns.end {
        // SAFETY: as above.
        unsafe { pixels::<S, O, 1>(job, x) };
        x += 1;
    }
}

/// Computes `P` pixels from column `x` on.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn pixels<S: Simd, const O: usize, const P: usize>(job: &PixelJob<'_>, x: usize) {
    let conv = job.conv;
    // SAFETY: the processor has the instruction set, and the row is in the picture, as the caller promises.
    let (zero, (taps, count)) = unsafe { (S::splat(0.0), job.taps()) };
    let pixel = conv.source.pixel;
    let filter = count * conv.in_channels;
    let mut sums = [[zero; O]; P];
    for (t, tap) in taps[..count].iter().enumerate() {
        // SAFETY: the pixel is in the picture, and each filter has the inputs of all taps.
        let (inputs, weights) = unsafe { (tap.add(x * pixel), conv.weights.add(t * conv.in_channels)) };
        for k in (0..conv.in_channels).step_by(S::LANES) {
            let mut filters = [zero; O];
            for (o, vector) in filters.iter_mut().enumerate() {
                // SAFETY: as above; the inputs fill whole vectors.
                *vector = unsafe { S::load(weights.add(o * filter + k)) };
            }
            for (p, row) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let input = unsafe { S::load(inputs.add(p * pixel + k)) };
                for (total, vector) in row.iter_mut().zip(filters) {
                    *total = input.mul_add(vector, *total);
                }
            }
        }
    }
    for (p, row) in sums.into_iter().enumerate() {
        for (o, total) in row.into_iter().enumerate() {
            // SAFETY: bias, slopes, residuals and target have all outputs of the pixel, as the caller promises.
            unsafe {
                let mut value = sum(total) + *conv.bias.add(o);
                if !conv.slopes.is_null() {
                    value = value.max(0.0) + *conv.slopes.add(o) * value.min(0.0);
                }
                for residual in conv.residuals {
                    let other = *residual.other.row(job.y).add((x + p) * residual.other.pixel + o);
                    value = value * residual.scale + other * residual.other_scale;
                }
                *conv.target.row(job.y).add((x + p) * conv.target.pixel + o) = value;
            }
        }
    }
}
