//! What a decoder must know of packets, and when packets of two encoders can stand in one stream.

use frame::{ChromaLocation, ColorDescription, Rational, Size};
use serde::{Deserialize, Serialize};

/// What is known of an encoded stream: all that a join in another process must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecParameters {
    /// FFmpeg's name of the codec, such as `h264`.
    pub codec: String,
    /// FFmpeg's name of the encoder, such as `libx264`.
    pub encoder: String,
    /// Parameter sets, as containers store them.
    pub extradata: Vec<u8>,
    /// Size of the pictures.
    pub size: Size,
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
    /// Profile, as a number of the codec.
    pub profile: i32,
    /// Level, as a number of the codec.
    pub level: i32,
    /// Frames that a decoder holds back to bring them into order.
    pub reorder_depth: u32,
    /// What the samples stand for.
    pub color: ColorDescription,
    /// Where the chroma samples lie.
    pub chroma_location: ChromaLocation,
    /// Width of a pixel, as a multiple of its height.
    pub sample_aspect_ratio: Rational,
}

impl CodecParameters {
    /// What describes packets like these followed by packets like those of `other`; `None` where no stream can hold both.
    ///
    /// Those of one encoder are alike. H.264 of two encoders can stand in one stream when it shows the same kind of pictures
    /// and the parameter sets have numbers of their own: packets name the set that they need, and a file lists all sets at its
    /// beginning (ISO/IEC 14496-15, 5.3.3), so that every reader can start anywhere.
    #[must_use]
    pub fn followed_by(&self, other: &Self) -> Option<Self> {
        if self.is_like(other) && self.extradata == other.extradata {
            return Some(self.clone());
        }
        if self.codec != "h264" || !self.is_like(other) {
            return None;
        }
        let (sets, more) = (parameter_sets(&self.extradata)?, parameter_sets(&other.extradata)?);
        if sets.iter().any(|set| more.contains(set)) {
            return None;
        }
        Some(Self {
            encoder: format!("{}, {}", self.encoder, other.encoder),
            extradata: [self.extradata.as_slice(), &other.extradata].concat(),
            profile: self.profile.max(other.profile),
            level: self.level.max(other.level),
            reorder_depth: self.reorder_depth.max(other.reorder_depth),
            ..self.clone()
        })
    }

    /// True when the pictures are of the same kind.
    fn is_like(&self, other: &Self) -> bool {
        let kind = |of: &Self| {
            let Self { codec, size, pixel_format, color, chroma_location, sample_aspect_ratio, .. } =
                of.clone();
            (codec, size, pixel_format, color, chroma_location, sample_aspect_ratio)
        };
        kind(self) == kind(other)
    }
}

/// Type of a sequence parameter set.
const SEQUENCE: u8 = 7;
/// Type of a picture parameter set.
const PICTURE: u8 = 8;

/// Kinds and numbers of the parameter sets in H.264 extradata with start codes; `None` when they cannot be read.
fn parameter_sets(extradata: &[u8]) -> Option<Vec<(u8, u32)>> {
    let mut sets = Vec::new();
    let starts: Vec<usize> = (0..extradata.len().saturating_sub(3))
        .filter(|&at| extradata[at..at + 3] == [0, 0, 1])
        .map(|at| at + 3)
        .collect();
    for start in starts {
        let kind = extradata.get(start)? & 31;
        // Profile, constraints and level stand before the number of a sequence parameter set.
        let number = match kind {
            SEQUENCE => exponential_golomb(extradata.get(start + 4..)?)?,
            PICTURE => exponential_golomb(extradata.get(start + 1..)?)?,
            _ => continue,
        };
        sets.push((kind, number));
    }
    (!sets.is_empty()).then_some(sets)
}

/// The unsigned number at the beginning of bits (H.264, 9.1), as far as parameter sets are numbered.
fn exponential_golomb(bytes: &[u8]) -> Option<u32> {
    let mut head = [0; 4];
    let length = bytes.len().min(4);
    head[..length].copy_from_slice(&bytes[..length]);
    let bits = u32::from_be_bytes(head);
    let zeros = bits.leading_zeros();
    (zeros <= 8).then(|| (bits << zeros >> (31 - zeros)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(encoder: &str, extradata: &[u8]) -> CodecParameters {
        CodecParameters {
            codec: "h264".to_owned(),
            encoder: encoder.to_owned(),
            extradata: extradata.to_vec(),
            size: Size::new(64, 64),
            pixel_format: "yuv420p".to_owned(),
            profile: 77,
            level: 30,
            reorder_depth: 0,
            color: ColorDescription::UNSPECIFIED,
            chroma_location: ChromaLocation::Left,
            sample_aspect_ratio: Rational::new(1, 1),
        }
    }

    /// Sets with the number 0, 1 or 2 in bits: 1, 010, 011.
    const ZERO: [u8; 16] = [0, 0, 0, 1, 0x67, 100, 0, 30, 0x80, 0, 0, 1, 0x68, 0xC0, 1, 1];
    const ONE: [u8; 16] = [0, 0, 0, 1, 0x67, 100, 0, 30, 0x40, 0, 0, 1, 0x68, 0x48, 1, 1];

    #[test]
    fn numbers_of_sets_are_read() {
        assert_eq!(parameter_sets(&ZERO), Some(vec![(SEQUENCE, 0), (PICTURE, 0)]));
        assert_eq!(parameter_sets(&ONE), Some(vec![(SEQUENCE, 1), (PICTURE, 1)]));
        assert_eq!(exponential_golomb(&[0b0110_0000]), Some(2));
        assert_eq!(exponential_golomb(&[0b0001_1111]), Some(14));
        assert_eq!(parameter_sets(&[1, 2, 3]), None);
        assert_eq!(exponential_golomb(&[]), None);
    }

    #[test]
    fn sets_with_numbers_of_their_own_stand_together() {
        let (first, second) = (parameters("h264_nvenc", &ZERO), parameters("libx264", &ONE));
        let both = first.followed_by(&second).unwrap();
        assert_eq!(both.extradata, [ZERO, ONE].concat());
        assert_eq!(both.encoder, "h264_nvenc, libx264");
        assert_eq!(first.followed_by(&first), Some(first.clone()));
        assert_eq!(first.followed_by(&parameters("libx264", &[ZERO.as_slice(), &[9]].concat())), None);
        let other_size = CodecParameters { size: Size::new(64, 32), ..second };
        assert_eq!(first.followed_by(&other_size), None);
    }
}
