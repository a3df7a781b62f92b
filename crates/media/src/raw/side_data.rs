//! What is said beside packets and frames.

use frame::Orientation;

use super::ffi;

/// Side data with its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SideData {
    pub(crate) kind: ffi::AVPacketSideDataType,
    pub(crate) bytes: Vec<u8>,
}

impl SideData {
    /// True for what HDR10 says of the mastering display and of the content.
    pub(crate) fn is_hdr(&self) -> bool {
        self.is_light_level() || self.kind == ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA
    }

    /// True for the brightest pixel and the brightest frame.
    pub(crate) fn is_light_level(&self) -> bool {
        self.kind == ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL
    }

    /// True for the matrix that turns the picture upright.
    pub(crate) fn is_display_matrix(&self) -> bool {
        self.kind == ffi::AVPacketSideDataType::DISPLAYMATRIX
    }
}

/// What a display matrix asks for; `None` for angles between.
pub(crate) fn orientation_of_matrix(bytes: &[u8]) -> Option<Orientation> {
    let factors: Vec<i32> = bytes.chunks_exact(4).map(ne_i32).collect();
    let &[a, b, _, c, d, ..] = factors.as_slice() else { return None };
    Orientation::of_factors(a, b, c, d)
}

/// A number of a display matrix.
pub(crate) fn ne_i32(bytes: &[u8]) -> i32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[..4]);
    i32::from_ne_bytes(number)
}
