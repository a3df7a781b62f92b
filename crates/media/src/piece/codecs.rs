//! What browsers are told of a video, so that they know whether they can play it: `avc1.64001f` and the like (RFC 6381, and the
//! bindings of each codec to MPEG-4).

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::Error;

/// Bytes at the beginning of a file within which its head ends.
const HEAD: u64 = 1 << 20;
/// Bytes of the boxes that hold the others: their length and name, and for the two whose content begins with fields, those.
const OUTER: [(&[u8; 4], usize); 9] = [
    (b"moov", 8),
    (b"trak", 8),
    (b"mdia", 8),
    (b"minf", 8),
    (b"stbl", 8),
    (b"stsd", 16),
    (b"avc1", 86),
    (b"hvc1", 86),
    (b"av01", 86),
];

/// Of the video in a file.
pub(super) fn of_file(path: &Path) -> Result<String, Error> {
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(Error::Unreadable)?;
    of_boxes(&head).ok_or_else(|| Error::Encoder {
        encoder: "mp4".to_owned(),
        reason: "browsers play no video of this codec".to_owned(),
    })
}

fn of_boxes(mut bytes: &[u8]) -> Option<String> {
    while let Some((&length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(length) as usize;
        let name: &[u8; 4] = rest.first_chunk()?;
        let this = bytes.get(..length).filter(|this| this.len() >= 8)?;
        let found = match name {
            b"avcC" => avc(&this[8..]),
            b"hvcC" => hevc(&this[8..]),
            b"av1C" => av1(&this[8..]),
            _ => {
                let outer = OUTER.iter().find(|(outer, _)| *outer == name);
                outer.and_then(|&(_, fields)| of_boxes(this.get(fields..)?))
            }
        };
        if found.is_some() {
            return found;
        }
        bytes = &bytes[length..];
    }
    None
}

/// Profile, constraints and level (ISO/IEC 14496-15, 5.3.3.1).
fn avc(record: &[u8]) -> Option<String> {
    let &[_, profile, constraints, level, ..] = record else { return None };
    Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
}

/// Profile, the profiles that it is compatible with, tier, level, and constraints without the zeros behind them
/// (ISO/IEC 14496-15, E.3).
fn hevc(record: &[u8]) -> Option<String> {
    let record: &[u8; 13] = record.first_chunk()?;
    let space = ["", "A", "B", "C"][usize::from(record[1] >> 6)];
    let (profile, tier) = (record[1] & 31, if record[1] & 32 == 0 { 'L' } else { 'H' });
    let compatible = u32::from_be_bytes([record[2], record[3], record[4], record[5]]).reverse_bits();
    let (constraints, level) = (&record[6..12], record[12]);
    let length = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let mut codec = format!("hvc1.{space}{profile}.{compatible:X}.{tier}{level}");
    for byte in &constraints[..length] {
        // Writing to a text cannot fail.
        let _ = write!(codec, ".{byte:X}");
    }
    Some(codec)
}

/// Profile, level, tier and depth (AV1 in ISO base media files, 5).
fn av1(record: &[u8]) -> Option<String> {
    let &[_, second, third, ..] = record else { return None };
    let (profile, level) = (second >> 5, second & 31);
    let tier = if third & 128 == 0 { 'M' } else { 'H' };
    let depth = match (third & 64 != 0, third & 32 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!("av01.{profile}.{level:02}{tier}.{depth:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_browsers_want_them() {
        assert_eq!(avc(&[1, 0x64, 0, 0x1f, 0xff]).unwrap(), "avc1.64001f");
        let main = [1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(hevc(&main).unwrap(), "hvc1.1.6.L93.B0");
        let main10 = [1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 150];
        assert_eq!(hevc(&main10).unwrap(), "hvc1.2.4.H150.90");
        assert_eq!(av1(&[0x81, 0x08, 0x4c, 0]).unwrap(), "av01.0.08M.10");
        assert_eq!(av1(&[0x81, 0x05, 0x0c, 0]).unwrap(), "av01.0.05M.08");
        assert_eq!((avc(&[1]), hevc(&[1; 12]), av1(&[])), (None, None, None));
    }

    #[test]
    fn boxes_that_claim_too_much_are_no_boxes() {
        let inner = [&[0, 0, 0, 12][..], b"avcC", &[1, 0x64, 0, 0x1f]].concat();
        let outer = |length: u8| [&[0, 0, 0, length][..], b"moov", &inner].concat();
        assert_eq!(of_boxes(&outer(20)), Some("avc1.64001f".to_owned()));
        for length in [0, 4, 21, 255] {
            assert_eq!(of_boxes(&outer(length)), None, "{length}");
        }
    }
}
