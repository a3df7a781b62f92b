//! The functions and classes that a pickle of weights may name. They are names here, not code.

use crate::Error;
use crate::convert::{from_bf16, from_f16, from_f32, from_f64};
use crate::error::shown;

/// How a storage keeps its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StorageKind {
    F16,
    Bf16,
    F32,
    F64,
}

impl StorageKind {
    /// Bytes of a number.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => from_f16(bytes),
            Self::Bf16 => from_bf16(bytes),
            Self::F32 => from_f32(bytes),
            Self::F64 => from_f64(bytes),
        }
    }
}

/// What may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(StorageKind),
}

impl Global {
    /// The meaning of a name.
    pub(super) fn named(module: &str, name: &str) -> Result<Self, Error> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", "HalfStorage") => Self::Storage(StorageKind::F16),
            ("torch", "BFloat16Storage") => Self::Storage(StorageKind::Bf16),
            ("torch", "FloatStorage") => Self::Storage(StorageKind::F32),
            ("torch", "DoubleStorage") => Self::Storage(StorageKind::F64),
            _ => {
                let name = shown(&format!("{module}.{name}"));
                return Err(Error::ForbiddenCode { name });
            }
        })
    }
}
