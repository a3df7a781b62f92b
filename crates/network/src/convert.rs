//! Little-endian numbers of model files to fp32. The slice's length decides how many; remainders are ignored, so
//! callers check lengths first.

use half::{bf16, f16};

/// IEEE half precision.
pub(crate) fn from_f16(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&number| f16::from_le_bytes(number).to_f32()).collect()
}

/// The upper half of fp32.
pub(crate) fn from_bf16(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&number| bf16::from_le_bytes(number).to_f32()).collect()
}

/// Single precision, as it is.
pub(crate) fn from_f32(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect()
}

/// Double precision, rounded; what is too large for fp32 becomes infinite and is refused later.
pub(crate) fn from_f64(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&number| f64::from_le_bytes(number) as f32).collect()
}
