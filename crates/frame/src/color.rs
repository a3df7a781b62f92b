//! How sample values stand for colours: the code points of ITU-T H.273, and what to assume where a file is silent.

use serde::{Deserialize, Serialize};

use crate::Size;

macro_rules! code_point {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $constant:ident = $value:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*
            /// The code point for "unspecified".
            pub const UNSPECIFIED: Self = Self(2);
        }
    };
}

code_point! {
    /// Matrix coefficients: how RGB becomes luma and chroma (H.273 table 4).
    Matrix {
        /// The planes are G, B and R.
        IDENTITY = 0,
        /// BT.709.
        BT709 = 1,
        /// BT.601 for 625 lines.
        BT470BG = 5,
        /// BT.601 for 525 lines; the same coefficients as [`Matrix::BT470BG`].
        SMPTE170M = 6,
        /// BT.2020, non-constant luminance.
        BT2020_NCL = 9,
    }
}

code_point! {
    /// Colour primaries (H.273 table 2).
    Primaries {
        /// BT.709 and sRGB.
        BT709 = 1,
        /// BT.601 for 625 lines.
        BT470BG = 5,
        /// BT.601 for 525 lines.
        SMPTE170M = 6,
        /// BT.2020.
        BT2020 = 9,
    }
}

code_point! {
    /// Transfer characteristics (H.273 table 3).
    Transfer {
        /// BT.709.
        BT709 = 1,
        /// BT.601; the same curve as [`Transfer::BT709`].
        SMPTE170M = 6,
        /// sRGB.
        SRGB = 13,
        /// PQ, of HDR10.
        SMPTE2084 = 16,
        /// Hybrid log-gamma.
        ARIB_STD_B67 = 18,
    }
}

/// Which part of the code values is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// Not said.
    Unspecified,
    /// Studio range: 16 to 235 for 8-bit luma.
    Limited,
    /// All code values.
    Full,
}

/// Where the chroma samples of pictures with fewer of them lie, seen from the luma samples around (H.273, figure 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChromaLocation {
    /// Not said; players assume [`ChromaLocation::Left`].
    Unspecified,
    /// MPEG-2, H.264 and HEVC: on the left column, between the rows.
    Left,
    /// MPEG-1, JPEG: amid four.
    Center,
    /// HDR of UHD discs: on the left upper one.
    TopLeft,
    /// Amid the upper two.
    Top,
    /// On the left lower one.
    BottomLeft,
    /// Amid the lower two.
    Bottom,
}

/// What a file says of its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColorDescription {
    /// Matrix coefficients.
    pub matrix: Matrix,
    /// Colour primaries.
    pub primaries: Primaries,
    /// Transfer characteristics.
    pub transfer: Transfer,
    /// Range of the code values.
    pub range: Range,
}

impl ColorDescription {
    /// Nothing is known.
    pub const UNSPECIFIED: Self = Self {
        matrix: Matrix::UNSPECIFIED,
        primaries: Primaries::UNSPECIFIED,
        transfer: Transfer::UNSPECIFIED,
        range: Range::Unspecified,
    };

    /// This description with every gap filled, so that pixels can be converted.
    ///
    /// `rgb` says that the samples are RGB. The guesses for untagged YCbCr are the usual ones of players: BT.709
    /// from 720 rows or 1280 columns on, BT.601 with 625 lines for 576 rows, else BT.601 with 525 lines; limited
    /// range. RGB is full range and sRGB.
    #[must_use]
    pub fn completed(self, size: Size, rgb: bool) -> Self {
        let (matrix, primaries, transfer, range) = if rgb {
            (Matrix::IDENTITY, Primaries::BT709, Transfer::SRGB, Range::Full)
        } else if size.height >= 720 || size.width >= 1280 {
            (Matrix::BT709, Primaries::BT709, Transfer::BT709, Range::Limited)
        } else if size.height == 576 {
            (Matrix::BT470BG, Primaries::BT470BG, Transfer::SMPTE170M, Range::Limited)
        } else {
            (Matrix::SMPTE170M, Primaries::SMPTE170M, Transfer::SMPTE170M, Range::Limited)
        };
        // RGB has no other matrix, whatever the tag says; YCbCr cannot have the identity.
        let matrix_is_open = self.matrix == Matrix::UNSPECIFIED || (self.matrix == Matrix::IDENTITY) != rgb;
        Self {
            matrix: if matrix_is_open { matrix } else { self.matrix },
            primaries: if self.primaries == Primaries::UNSPECIFIED { primaries } else { self.primaries },
            transfer: if self.transfer == Transfer::UNSPECIFIED { transfer } else { self.transfer },
            range: if self.range == Range::Unspecified { range } else { self.range },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untagged_video_is_guessed_from_its_size() {
        let guess =
            |width, height| ColorDescription::UNSPECIFIED.completed(Size::new(width, height), false).matrix;
        assert_eq!(guess(1920, 1080), Matrix::BT709);
        assert_eq!(guess(720, 576), Matrix::BT470BG);
        assert_eq!(guess(176, 144), Matrix::SMPTE170M);
    }

    #[test]
    fn what_the_file_says_is_kept() {
        let said = ColorDescription {
            matrix: Matrix::SMPTE170M,
            primaries: Primaries::SMPTE170M,
            transfer: Transfer::BT709,
            range: Range::Full,
        };
        assert_eq!(said.completed(Size::new(1920, 1080), false), said);
    }

    #[test]
    fn rgb_has_the_identity_matrix_whatever_the_tag_says() {
        let tagged = ColorDescription { matrix: Matrix::BT709, ..ColorDescription::UNSPECIFIED };
        assert_eq!(tagged.completed(Size::new(64, 64), true).matrix, Matrix::IDENTITY);
    }
}
