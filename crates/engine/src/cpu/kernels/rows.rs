//! Operations that only move or add numbers, a piece of a row at a time.
//!
//! They are a few percent of a frame's time and plain loops over channels, which every compiler vectorises.

use std::ops::Range;

use super::Ring;

/// `channels` floats of the pixel (x, y).
///
/// # Safety
/// The ring holds the pixel, and no thread writes these channels meanwhile.
#[inline(always)]
unsafe fn pixel<'a>(ring: Ring, x: usize, y: usize, channels: usize) -> &'a [f32] {
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(ring.row(y).add(x * ring.pixel), channels) }
}

/// `channels` floats of the pixel (x, y), to write.
///
/// # Safety
/// The ring holds the pixel, and no other thread uses these channels meanwhile.
#[inline(always)]
unsafe fn pixel_mut<'a>(ring: Ring, x: usize, y: usize, channels: usize) -> &'a mut [f32] {
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts_mut(ring.row(y).add(x * ring.pixel), channels) }
}

/// Interleaves three rows of samples; columns from `planes[0].len()` to `width` reflect those before them.
///
/// # Safety
/// The target holds row `y` with `width` pixels of 3 channels, and no other thread uses it meanwhile.
pub(crate) unsafe fn load(planes: [&[f32]; 3], target: Ring, width: usize, y: usize) {
    for x in 0..width {
        let from = reflected(x, planes[0].len());
        // SAFETY: the pixel is in the row, as the caller promises.
        let to = unsafe { pixel_mut(target, x, y, 3) };
        to.copy_from_slice(&planes.map(|plane| plane[from]));
    }
}

/// Where a picture of `len` samples, extended by reflection about its last, has its sample `index`; a picture too
/// short to reflect repeats its last.
pub(crate) fn reflected(index: usize, len: usize) -> usize {
    if index < len { index } else { (2 * (len - 1)).saturating_sub(index) }
}

/// Copies `channels` channels of row `y`.
///
/// # Safety
/// Both rings hold the pixels; no other thread uses those of the target meanwhile. The same holds for all below.
pub(crate) unsafe fn copy(source: Ring, target: Ring, channels: usize, y: usize, columns: Range<usize>) {
    for x in columns {
        // SAFETY: as the caller promises.
        let (to, from) = unsafe { (pixel_mut(target, x, y, channels), pixel(source, x, y, channels)) };
        to.copy_from_slice(from);
    }
}

/// `(source − mean[channel]) · factor` for row `y`.
///
/// # Safety
/// As for [`copy`]; there are as many channels as means.
pub(crate) unsafe fn normalize(
    source: Ring,
    target: Ring,
    mean: &[f32],
    factor: f32,
    y: usize,
    columns: Range<usize>,
) {
    for x in columns {
        // SAFETY: as the caller promises.
        let (to, from) = unsafe { (pixel_mut(target, x, y, mean.len()), pixel(source, x, y, mean.len())) };
        for ((number, from), mean) in to.iter_mut().zip(from).zip(mean) {
            *number = (from - mean) * factor;
        }
    }
}

/// `scale_a · a + scale_b · b` for row `y`.
///
/// # Safety
/// As for [`copy`].
pub(crate) unsafe fn add(
    (a, scale_a): (Ring, f32),
    (b, scale_b): (Ring, f32),
    target: Ring,
    channels: usize,
    y: usize,
    columns: Range<usize>,
) {
    for x in columns {
        // SAFETY: as the caller promises.
        let (a, b, to) = unsafe {
            (pixel(a, x, y, channels), pixel(b, x, y, channels), pixel_mut(target, x, y, channels))
        };
        for ((sum, a), b) in to.iter_mut().zip(a).zip(b) {
            *sum = scale_a * a + scale_b * b;
        }
    }
}

/// Row `y` of the value enlarged by repetition.
///
/// # Safety
/// As for [`copy`].
pub(crate) unsafe fn nearest(
    source: Ring,
    factor: usize,
    target: Ring,
    channels: usize,
    y: usize,
    columns: Range<usize>,
) {
    for x in columns {
        // SAFETY: as the caller promises.
        let (to, from) =
            unsafe { (pixel_mut(target, x, y, channels), pixel(source, x / factor, y / factor, channels)) };
        to.copy_from_slice(from);
    }
}

/// Row `y` of the value with depth moved to space; `channels` are those of the target.
///
/// # Safety
/// As for [`copy`].
pub(crate) unsafe fn shuffle(
    source: Ring,
    factor: usize,
    target: Ring,
    channels: usize,
    y: usize,
    columns: Range<usize>,
) {
    for x in columns {
        let deep = channels * factor * factor;
        // SAFETY: as the caller promises.
        let (to, from) =
            unsafe { (pixel_mut(target, x, y, channels), pixel(source, x / factor, y / factor, deep)) };
        let offset = y % factor * factor + x % factor;
        for (c, number) in to.iter_mut().enumerate() {
            *number = from[c * factor * factor + offset];
        }
    }
}

/// Row `y` of the value with space moved to depth; `channels` are those of the source.
///
/// # Safety
/// As for [`copy`].
pub(crate) unsafe fn unshuffle(
    source: Ring,
    factor: usize,
    target: Ring,
    channels: usize,
    y: usize,
    columns: Range<usize>,
) {
    let area = factor * factor;
    for x in columns {
        // SAFETY: as the caller promises.
        let to = unsafe { pixel_mut(target, x, y, channels * area) };
        for offset in 0..area {
            let (dy, dx) = (offset / factor, offset % factor);
            // SAFETY: as the caller promises.
            let from = unsafe { pixel(source, x * factor + dx, y * factor + dy, channels) };
            for (c, &number) in from.iter().enumerate() {
                to[c * area + offset] = number;
            }
        }
    }
}

/// What a network ends with: depth moved to space, and perhaps the enlarged input added.
pub(crate) struct EmitJob {
    /// The last value that is held in rows.
    pub(crate) source: Ring,
    /// By how much depth becomes space; 1 for not at all.
    pub(crate) shuffle: usize,
    /// What is added.
    pub(crate) base: Option<EmitBase>,
}

/// A value that is enlarged by repetition and added to the output.
pub(crate) struct EmitBase {
    pub(crate) ring: Ring,
    pub(crate) factor: usize,
    /// Factor of the source.
    pub(crate) source_scale: f32,
    /// Factor of this value.
    pub(crate) scale: f32,
}

/// Plane `channel` of row `y` of the output.
///
/// # Safety
/// As for [`copy`]; `out` may be narrower than the rows.
pub(crate) unsafe fn emit(job: &EmitJob, channel: usize, y: usize, out: &mut [f32]) {
    let factor = job.shuffle;
    let first = channel * factor * factor + y % factor * factor;
    for (x, piece) in out.chunks_mut(factor).enumerate() {
        // SAFETY: as the caller promises.
        let from = unsafe { pixel(job.source, x, y / factor, first + factor) };
        piece.copy_from_slice(&from[first..][..piece.len()]);
    }
    if let Some(base) = &job.base {
        for (x, piece) in out.chunks_mut(base.factor).enumerate() {
            // SAFETY: as the caller promises.
            let from = unsafe { pixel(base.ring, x, y / base.factor, channel + 1) };
            let added = base.scale * from[channel];
            for sample in piece {
                *sample = base.source_scale * *sample + added;
            }
        }
    }
}
