//! What is known of colours without looking at a picture.

use frame::{ColorDescription, Size, Transfer};

use crate::raw::pixel::PixelFormat;

/// True for the curves of HDR: PQ and HLG.
pub fn is_hdr(transfer: Transfer) -> bool {
    matches!(transfer, Transfer::SMPTE2084 | Transfer::ARIB_STD_B67)
}

/// The colours of pictures of a size, guessed where they are not known, for pictures that will have another size. The range
/// stays open: it depends on the format.
pub(crate) fn guessed(color: ColorDescription, size: Size, format: PixelFormat) -> ColorDescription {
    ColorDescription { range: color.range, ..color.completed(size, format.is_rgb()) }
}
