//! Colours in FFmpeg's words.

use frame::{ChromaLocation, Range};

use super::ffi;

pub(crate) const fn av_range(range: Range) -> ffi::AVColorRange {
    match range {
        Range::Unspecified => ffi::AVColorRange::UNSPECIFIED,
        Range::Limited => ffi::AVColorRange::MPEG,
        Range::Full => ffi::AVColorRange::JPEG,
    }
}

pub(crate) const fn range(range: ffi::AVColorRange) -> Range {
    match range {
        ffi::AVColorRange::MPEG => Range::Limited,
        ffi::AVColorRange::JPEG => Range::Full,
        _ => Range::Unspecified,
    }
}

pub(crate) const fn av_chroma_location(location: ChromaLocation) -> ffi::AVChromaLocation {
    match location {
        ChromaLocation::Unspecified => ffi::AVChromaLocation::UNSPECIFIED,
        ChromaLocation::Left => ffi::AVChromaLocation::LEFT,
        ChromaLocation::Center => ffi::AVChromaLocation::CENTER,
        ChromaLocation::TopLeft => ffi::AVChromaLocation::TOPLEFT,
        ChromaLocation::Top => ffi::AVChromaLocation::TOP,
        ChromaLocation::BottomLeft => ffi::AVChromaLocation::BOTTOMLEFT,
        ChromaLocation::Bottom => ffi::AVChromaLocation::BOTTOM,
    }
}

pub(crate) const fn chroma_location(location: ffi::AVChromaLocation) -> ChromaLocation {
    match location {
        ffi::AVChromaLocation::LEFT => ChromaLocation::Left,
        ffi::AVChromaLocation::CENTER => ChromaLocation::Center,
        ffi::AVChromaLocation::TOPLEFT => ChromaLocation::TopLeft,
        ffi::AVChromaLocation::TOP => ChromaLocation::Top,
        ffi::AVChromaLocation::BOTTOMLEFT => ChromaLocation::BottomLeft,
        ffi::AVChromaLocation::BOTTOM => ChromaLocation::Bottom,
        _ => ChromaLocation::Unspecified,
    }
}
