//! Closed captions, CEA-608 and CEA-708: text that travels inside of the encoded pictures, not as a stream of its own.
//!
//! Not all encoders take it, so it is put into their packets: as the message "user data registered by ITU-T T.35" that ATSC
//! A/53 describes, in front of the picture that it belongs to.

use std::ops::Range;

/// Bytes of a caption construct: what kind it is, and two bytes of text.
const CONSTRUCT: usize = 3;
/// Most constructs of a picture: their number has five bits.
const MOST: usize = 31;
/// ITU-T T.35: United States, ATSC; A/53: its identifier, and the type for captions.
const HEAD: [u8; 8] = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];
/// The message's number, in H.264 and in HEVC.
const MESSAGE: u8 = 4;

/// Where the packets of a codec have room for captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaptionSyntax {
    /// In a NAL unit with messages.
    H264,
    /// As in H.264, with a head of two bytes.
    Hevc,
}

impl CaptionSyntax {
    /// Of a codec by FFmpeg's name; `None` for codecs that have no place for captions.
    pub(crate) fn of(codec: &str) -> Option<Self> {
        match codec {
            "h264" => Some(Self::H264),
            "hevc" => Some(Self::Hevc),
            // AV1 has a place too, but decoders take what stands before a picture that is decoded for the captions of that
            // one, though another is shown.
            _ => None,
        }
    }

    /// The packet with captions in front of its picture; `None` for a packet in which no picture is found.
    pub(crate) fn insert(self, packet: &[u8], captions: &[u8]) -> Option<Vec<u8>> {
        let message = message(captions)?;
        let (place, unit) = match self {
            Self::H264 => (first_unit(packet, |unit| matches!(unit & 0x1f, 1..=5))?, sei(&[0x06], &message)),
            Self::Hevc => (first_unit(packet, |unit| unit >> 1 & 0x3f < 32)?, sei(&[0x4e, 0x01], &message)),
        };
        Some([&packet[..place], &unit, &packet[place..]].concat())
    }
}

/// The message for the constructs of a picture; `None` for no captions.
fn message(captions: &[u8]) -> Option<Vec<u8>> {
    let (mut constructs, _) = captions.as_chunks::<CONSTRUCT>();
    let valid: Vec<[u8; CONSTRUCT]>;
    if constructs.len() > MOST {
        // Those that only fill up the rate may go.
        valid = constructs.iter().copied().filter(|construct| construct[0] & 4 != 0).take(MOST).collect();
        constructs = &valid;
    }
    if constructs.is_empty() {
        return None;
    }
    let mut message = HEAD.to_vec();
    message.extend([0x40 | constructs.len() as u8, 0xff]);
    message.extend(constructs.as_flattened());
    message.push(0xff);
    Some(message)
}

/// A NAL unit with a message, behind a start code.
fn sei(head: &[u8], message: &[u8]) -> Vec<u8> {
    let mut unit = vec![0, 0, 0, 1];
    unit.extend(head);
    // At most 104 bytes, so that their number is one byte.
    let body = [&[MESSAGE, message.len() as u8], message, &[0x80]].concat();
    let mut zeros = 0;
    for byte in body {
        // What looks like a start code is parted.
        if zeros >= 2 && byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        unit.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    unit
}

/// Where the start code of the first NAL unit begins whose first byte is wanted.
fn first_unit(packet: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let start = packet.windows(4).position(|bytes| bytes[..3] == [0, 0, 1] && is_wanted(bytes[3]))?;
    // A start code may have a zero more.
    Some(if start > 0 && packet[start - 1] == 0 { start - 1 } else { start })
}

/// The captions of frames that were decoded, by the numbers of the frames, until a frame is given that shows them.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Vec<(u32, Vec<u8>)>);

impl Waiting {
    /// Keeps the captions of a frame that was decoded.
    pub(crate) fn add(&mut self, frame: u32, captions: &[u8]) {
        if !captions.is_empty() {
            self.0.push((frame, captions.to_vec()));
        }
    }

    /// Takes the captions of frames, in order, and forgets those of earlier ones.
    pub(crate) fn take(&mut self, frames: Range<u32>, into: &mut Vec<u8>) {
        into.clear();
        let waiting = self.0.extract_if(.., |(frame, _)| *frame < frames.end);
        for (_, captions) in waiting.filter(|(frame, _)| *frame >= frames.start) {
            into.extend(captions);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two constructs, of which one looks like a start code.
    const CAPTIONS: [u8; 6] = [0xfc, 0x94, 0x2c, 0x00, 0x00, 0x00];

    #[test]
    fn a_message_goes_in_front_of_the_picture() {
        let packet = [0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1, 0x65, 0x88, 0x84];
        let made = CaptionSyntax::H264.insert(&packet, &CAPTIONS).unwrap();
        let unit = [
            0, 0, 0, 1, 0x06, 4, 17, 0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x42, 0xff, 0xfc, 0x94, 0x2c,
            0, 0, 3, 0, 0xff, 0x80,
        ];
        assert_eq!(made, [&packet[..6], &unit, &packet[6..]].concat());

        // Parameter sets (type 33) before, a picture (type 1) behind; a start code of three bytes.
        let packet = [0, 0, 1, 0x42, 0x01, 7, 0, 0, 1, 0x02, 0x01, 9];
        let made = CaptionSyntax::Hevc.insert(&packet, &CAPTIONS).unwrap();
        assert_eq!(made[6..13], [0, 0, 0, 1, 0x4e, 0x01, 4]);
        assert_eq!((&made[..6], &made[made.len() - 6..]), (&packet[..6], &packet[6..]));
    }

    #[test]
    fn packets_without_a_picture_and_pictures_without_captions_stay() {
        for syntax in [CaptionSyntax::H264, CaptionSyntax::Hevc] {
            assert_eq!(syntax.insert(&[0, 0, 1, 0x65, 9], &[]), None);
            assert_eq!(syntax.insert(&[], &CAPTIONS), None);
            assert_eq!(syntax.insert(&[0, 0, 1], &CAPTIONS), None);
            assert_eq!(syntax.insert(&[0, 0, 1, 0x67, 9], &CAPTIONS), None);
        }
    }

    #[test]
    fn what_only_fills_up_goes_when_there_is_too_much() {
        let mut captions = [[0xf8, 0, 0]; 20].concat();
        captions.extend([[0xfc, 1, 2]; 15].concat());
        let made = message(&captions).unwrap();
        assert_eq!((made[8], made.len()), (0x40 | 15, 8 + 2 + 45 + 1));
    }

    #[test]
    fn captions_wait_for_their_frame() {
        let (mut waiting, mut into) = (Waiting::default(), Vec::new());
        for frame in 3..7 {
            waiting.add(frame, &[frame as u8]);
        }
        waiting.take(4..6, &mut into);
        assert_eq!(into, [4, 5]);
        waiting.take(5..6, &mut into);
        assert!(into.is_empty());
        waiting.take(6..7, &mut into);
        assert_eq!(into, [6]);
    }
}
