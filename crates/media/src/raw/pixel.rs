//! Pixel formats: what FFmpeg knows of them.

use std::ffi::c_int;

use super::{c_text, ffi, text};

/// How the samples of a picture lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PixelFormat(pub(crate) ffi::AVPixelFormat);

impl PixelFormat {
    /// The format with FFmpeg's name `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        // SAFETY: the text ends with a zero byte.
        let format = unsafe { ffi::av_get_pix_fmt(c_text(name).as_ptr()) };
        (format != ffi::AVPixelFormat::NONE).then_some(Self(format))
    }

    /// The format of a number that FFmpeg stores as an integer.
    pub(crate) const fn from_number(number: c_int) -> Self {
        Self(ffi::AVPixelFormat(number))
    }

    pub(crate) const fn number(self) -> c_int {
        self.0.0
    }

    fn descriptor(self) -> Option<&'static ffi::AVPixFmtDescriptor> {
        // SAFETY: FFmpeg gives null or a static description.
        unsafe { ffi::av_pix_fmt_desc_get(self.0).as_ref() }
    }

    /// FFmpeg's name, or `none`.
    pub(crate) fn name(self) -> String {
        // SAFETY: the name is null or a static text.
        let name = unsafe { text(ffi::av_get_pix_fmt_name(self.0)) };
        if name.is_empty() { "none".to_owned() } else { name }
    }

    /// Bits of the deepest component.
    pub(crate) fn bit_depth(self) -> u8 {
        let depth = |d: &ffi::AVPixFmtDescriptor| {
            d.comp[..usize::from(d.nb_components)].iter().map(|c| c.depth).max().unwrap_or(8)
        };
        self.descriptor().map_or(8, depth).clamp(1, 32) as u8
    }

    fn has(self, flag: c_int) -> bool {
        self.descriptor().is_some_and(|d| d.flags & u64::from(flag as u32) != 0)
    }

    /// True when the samples are red, green and blue, or numbers of such colors.
    pub(crate) fn is_rgb(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_RGB) || self.has(ffi::AV_PIX_FMT_FLAG_PAL)
    }

    /// True when the samples are numbers of colors that come with the frames before.
    pub(crate) fn has_palette(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_PAL)
    }

    /// True when there is brightness only (and perhaps alpha).
    pub(crate) fn is_gray(self) -> bool {
        !self.is_rgb() && self.descriptor().is_some_and(|d| d.nb_components <= 2)
    }

    pub(crate) fn has_alpha(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_ALPHA)
    }

    /// True for samples of several bytes that begin with the highest one.
    pub(crate) fn is_big_endian(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_BE)
    }

    /// True for pictures that lie in the memory of a device.
    pub(crate) fn is_hardware(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_HWACCEL)
    }

    /// Base-2 logarithm of how many columns, and how many rows, share one chroma sample.
    pub(crate) fn chroma_shift(self) -> (u32, u32) {
        self.descriptor().map_or((0, 0), |d| (u32::from(d.log2_chroma_w), u32::from(d.log2_chroma_h)))
    }

    /// Unused bits below those of a sample of the first component.
    pub(crate) fn shift(self) -> u32 {
        self.descriptor().map_or(0, |d| d.comp[0].shift.clamp(0, 15) as u32)
    }

    /// Number of planes.
    pub(crate) fn planes(self) -> usize {
        // SAFETY: a pure function.
        unsafe { ffi::av_pix_fmt_count_planes(self.0) }.clamp(0, 4) as usize
    }

    /// Bytes of a row of `width` pixels in plane `plane`, without padding.
    pub(crate) fn row_bytes(self, width: u32, plane: usize) -> usize {
        // SAFETY: a pure function.
        unsafe { ffi::av_image_get_linesize(self.0, width as c_int, plane as c_int) }.max(0) as usize
    }

    /// Rows of plane `plane` in a picture of `height` rows.
    pub(crate) fn rows(self, height: u32, plane: usize) -> u32 {
        let (_, shift) = self.chroma_shift();
        if matches!(plane, 1 | 2) { height.div_ceil(1 << shift) } else { height }
    }
}
