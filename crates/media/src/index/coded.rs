//! Is there a picture in a packet? Some hold only messages, as cut recordings and rewritten files have them.

use crate::raw::ffi::{AVCodecID, AVCodecParameters};
use crate::raw::stream::extradata;

/// Bytes of an MPEG-4 packet that says no more than that the picture before goes on.
const NOT_CODED: usize = 16;

/// How the packets of a codec are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coded {
    Other,
    Mpeg4,
    /// NAL units: whether they are those of HEVC, and the bytes of the length before each; 0 for start codes.
    Units {
        is_hevc: bool,
        length: usize,
    },
}

impl Coded {
    pub(super) fn of(parameters: &AVCodecParameters) -> Self {
        // ISO/IEC 14496-15: the configuration begins with its version, 1, which no start code does.
        let head = extradata(parameters);
        let length = |at: usize| match head.first() {
            Some(1) => head.get(at).map_or(0, |byte| usize::from(byte & 3) + 1),
            _ => 0,
        };
        match parameters.codec_id {
            AVCodecID::MPEG4 => Self::Mpeg4,
            AVCodecID::H264 => Self::Units { is_hevc: false, length: length(4) },
            AVCodecID::HEVC => Self::Units { is_hevc: true, length: length(21) },
            _ => Self::Other,
        }
    }

    /// False for a packet that is whole and has nothing but messages and parameters.
    pub(super) fn may_hold_picture(self, packet: &[u8]) -> bool {
        let Self::Units { is_hevc, length } = self else { return true };
        let is_picture =
            |byte: u8| if is_hevc { byte >> 1 & 0x3f < 32 } else { matches!(byte & 0x1f, 1..=5) };
        if length == 0 {
            let mut codes = packet.windows(4).filter(|bytes| bytes[..3] == [0, 0, 1]).peekable();
            return codes.peek().is_none() || codes.any(|bytes| is_picture(bytes[3]));
        }
        let mut rest = packet;
        while let Some((head, body)) = rest.split_at_checked(length) {
            let size = head.iter().fold(0_usize, |size, &byte| size << 8 | usize::from(byte));
            match (body.first(), body.get(size..)) {
                (Some(&first), Some(next)) if size > 0 && !is_picture(first) => rest = next,
                _ => return true,
            }
        }
        !rest.is_empty() || packet.is_empty()
    }

    /// True when a packet of so many bytes promises a picture of its own. One without content says that the picture before goes
    /// on, as many AVI files have it.
    pub(super) fn promises_picture(self, bytes: usize) -> bool {
        bytes > if self == Self::Mpeg4 { NOT_CODED } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_messages_hold_no_picture() {
        let start_codes = Coded::Units { is_hevc: false, length: 0 };
        let lengths = Coded::Units { is_hevc: false, length: 4 };
        let hevc = Coded::Units { is_hevc: true, length: 0 };
        for (coded, packet, holds) in [
            (start_codes, &b"\0\0\0\x01\x09\xF0\0\0\x01\x06message"[..], false),
            (start_codes, b"\0\0\0\x01\x09\xF0\0\0\x01\x41picture", true),
            (start_codes, b"damage", true),
            (start_codes, b"", true),
            (lengths, b"\0\0\0\x02\x09\xF0\0\0\0\x03\x06ab", false),
            (lengths, b"\0\0\0\x02\x09\xF0\0\0\0\x03\x65ab", true),
            (lengths, b"\0\0\0\x02\x09\xF0\0\0\0\x09\x06ab", true),
            (lengths, b"\0\0\0\x02\x09\xF0\0\0", true),
            (hevc, b"\0\0\x01\x4E\x01message", false),
            (hevc, b"\0\0\x01\x02\x01picture", true),
            (Coded::Other, b"", true),
        ] {
            assert_eq!(coded.may_hold_picture(packet), holds, "{coded:?} {packet:?}");
        }
    }
}
