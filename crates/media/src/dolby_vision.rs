//! What files and frames say of Dolby Vision.

use frame::{ColorDescription, Matrix, Transfer};

use crate::color::is_hdr;
use crate::raw::stream::Stream;

/// Intensity and two differences, by their number in ITU-T H.273, which players do not show as they show other pictures.
const ICTCP: Matrix = Matrix(14);

/// What is known of a Dolby Vision stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DolbyVision {
    /// How pictures, enhancement and metadata are stored: a number of the specification.
    pub profile: u8,
    /// As what the pictures can be shown without the metadata: 0 = nothing, 1 and 6 = HDR10, 2 = SDR, 4 = HLG.
    pub compatibility: u8,
    /// There is a stream of pictures at all.
    pub has_base: bool,
}

impl DolbyVision {
    /// By the word of the container.
    pub(crate) fn of_stream(stream: Stream<'_>) -> Option<Self> {
        Self::of_record(&stream.dolby_vision_record()?)
    }

    /// From FFmpeg's `AVDOVIDecoderConfigurationRecord`: eight or more numbers of a byte.
    fn of_record(record: &[u8]) -> Option<Self> {
        match *record {
            [_, _, profile, _, _, _, has_base, compatibility, ..] => {
                Some(Self { profile, compatibility, has_base: has_base != 0 })
            }
            _ => None,
        }
    }

    /// From FFmpeg's `AVDOVIMetadata` of a frame of HEVC, whose profile is guessed as FFmpeg does. As what the pictures can be
    /// shown, they do not say.
    pub(crate) fn of_metadata(metadata: &[u8]) -> Option<Self> {
        const SIZE: usize = size_of::<usize>();
        let offset = usize::from_ne_bytes(metadata.get(..SIZE)?.try_into().ok()?);
        // Two bytes of type, and two of the format, come before.
        let header: &[u8; 17] = metadata.get(offset..offset.checked_add(17)?)?.try_into().ok()?;
        let (vdr_profile, is_full_range, vdr_depth) = (header[4], header[10] != 0, header[13]);
        let (is_enhanced, has_residual) = (header[15] != 0, header[16] == 0);
        let profile = match vdr_profile {
            0 if is_full_range => 5,
            1 if is_enhanced && has_residual => {
                if vdr_depth == 12 {
                    7
                } else {
                    4
                }
            }
            1 => 8,
            _ => return None,
        };
        Some(Self { profile, compatibility: 0, has_base: true })
    }

    /// As what its pictures can be shown, in words; `None` where they cannot without the metadata.
    pub(crate) fn base(self, color: ColorDescription) -> Option<&'static str> {
        // Without a word on the curve and the matrix, pictures that stand for nothing else are in colours of their own.
        let is_plain =
            color.transfer != Transfer::UNSPECIFIED && !matches!(color.matrix, Matrix::UNSPECIFIED | ICTCP);
        match (self.profile, self.compatibility) {
            _ if !self.has_base => None,
            (5, _) => None,
            // Of profiles 4, 7 and 9, other pictures are not allowed.
            (_, 1 | 6) | (7, _) => Some("HDR10"),
            (_, 4) => Some("HLG"),
            (_, 2) | (4 | 9, _) => Some("SDR"),
            _ if !is_plain => None,
            _ if color.transfer == Transfer::ARIB_STD_B67 => Some("HLG"),
            _ if is_hdr(color.transfer) => Some("HDR10"),
            _ => Some("SDR"),
        }
    }

    /// Profile and compatibility, as people write them.
    pub(crate) fn name(self) -> String {
        match (self.profile, self.compatibility) {
            (8 | 10, compatibility @ 1..) => format!("{}.{compatibility}", self.profile),
            (profile, _) => profile.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata of a frame as FFmpeg has it in memory.
    fn metadata(vdr_profile: u8, is_full_range: bool, vdr_depth: u8, is_enhanced: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for offset in [32_usize, 64, 128] {
            bytes.extend(offset.to_ne_bytes());
        }
        bytes.resize(32, 0);
        let header = [2, 0, 18, 0, vdr_profile, 1, 0, 0, 23, 1, is_full_range.into(), 10, 10, vdr_depth, 0];
        bytes.extend(header);
        bytes.extend([u8::from(is_enhanced), u8::from(!is_enhanced)]);
        bytes.resize(200, 0);
        bytes
    }

    #[test]
    fn the_profile_is_known_from_a_frame() {
        let profile = |metadata: Vec<u8>| DolbyVision::of_metadata(&metadata).map(|vision| vision.profile);
        assert_eq!(profile(metadata(0, true, 12, false)), Some(5));
        assert_eq!(profile(metadata(1, false, 12, true)), Some(7));
        assert_eq!(profile(metadata(1, false, 14, true)), Some(4));
        assert_eq!(profile(metadata(1, false, 12, false)), Some(8));
        assert_eq!(profile(metadata(3, false, 12, false)), None);
        let mut far = metadata(0, true, 12, false);
        far[..size_of::<usize>()].fill(0xff);
        assert_eq!(profile(far), None);
        for length in 0..48 {
            assert_eq!(profile(metadata(0, true, 12, false)[..length].to_vec()), None);
        }
        assert_eq!(DolbyVision::of_record(&[1, 0, 5, 6, 1, 0, 1]), None);
    }
}
