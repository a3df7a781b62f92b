//! Where pictures of another size begin, for decoders that forget a picture there.
//!
//! FFmpeg's decoders of MPEG-1, MPEG-2 and MPEG-4 set themselves up anew when the head of a sequence says another size, and lose
//! the picture that they still hold. So what they hold is taken out first.

use crate::raw::ffi::AVCodecID;

/// Bytes of the head of a sequence of MPEG-1 and MPEG-2 that say size, aspect ratio and frame rate.
const SIZES: usize = 4;

/// Watches the heads of sequences.
#[derive(Debug)]
pub(super) struct Sequence {
    kind: Option<Kind>,
    last: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Mpeg2,
    Mpeg4,
}

impl Sequence {
    pub(super) fn of(codec: AVCodecID) -> Self {
        let kind = match codec {
            AVCodecID::MPEG1VIDEO | AVCodecID::MPEG2VIDEO => Some(Kind::Mpeg2),
            AVCodecID::MPEG4 => Some(Kind::Mpeg4),
            _ => None,
        };
        Self { kind, last: Vec::new() }
    }

    /// True when a packet begins another sequence than the one before.
    pub(super) fn changes(&mut self, packet: &[u8]) -> bool {
        let head = match self.kind {
            None => return false,
            Some(Kind::Mpeg2) => {
                start_codes(packet).find(|part| part[0] == 0xB3).and_then(|part| part.get(1..=SIZES))
            }
            // The head of a video object layer, as a whole.
            Some(Kind::Mpeg4) => start_codes(packet).find(|part| (0x20..0x30).contains(&part[0])),
        };
        let Some(head) = head.filter(|head| *head != self.last) else { return false };
        let is_first = std::mem::replace(&mut self.last, head.to_vec()).is_empty();
        !is_first
    }
}

/// What stands behind each start code, `00 00 01`, up to the next: a byte at least.
fn start_codes(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let find = |from: usize| {
        let rest = packet.get(from..)?;
        rest.windows(3).position(|bytes| bytes == [0, 0, 1]).map(|at| from + at)
    };
    let mut next = find(0);
    std::iter::from_fn(move || {
        let begin = next? + 3;
        next = find(begin);
        packet.get(begin..next.unwrap_or(packet.len())).filter(|part| !part.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_head_is_a_change() {
        let mut sequence = Sequence::of(AVCodecID::MPEG2VIDEO);
        let small = b"\0\0\x01\xB3\x16\x01\x20\x13bitrate\0\0\x01\x00picture";
        assert!(!sequence.changes(b"\0\0\x01\x00picture"));
        assert!(!sequence.changes(small));
        assert!(!sequence.changes(b"\0\0\x01\x00picture"));
        assert!(!sequence.changes(b"\0\0\x01\xB3\x16\x01\x20\x13another\0\0\x01\x00picture"));
        assert!(sequence.changes(b"\0\0\x01\xB3\x2D\x02\x40\x13bitrate\0\0\x01\x00picture"));
        assert!(sequence.changes(small));
        assert!(!Sequence::of(AVCodecID::H264).changes(small));
        for length in 0..small.len() {
            sequence.changes(&small[..length]);
        }
    }

    #[test]
    fn the_head_of_a_layer_ends_at_the_next_code() {
        let mut sequence = Sequence::of(AVCodecID::MPEG4);
        assert!(!sequence.changes(b"\0\0\x01\x20layer\0\0\x01\xB6one"));
        assert!(!sequence.changes(b"\0\0\x01\x20layer\0\0\x01\xB6two"));
        assert!(sequence.changes(b"\0\0\x01\x20other\0\0\x01\xB6two"));
    }
}
