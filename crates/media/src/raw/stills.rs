//! Still pictures, and films that look like one at their beginning.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Bytes that are looked at.
const LOOK: u64 = 32 << 20;
/// Most bytes of padding between two pictures.
const PADDING: usize = 64;

/// What a file is that begins like a still picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Still {
    /// A picture.
    Picture,
    /// JPEG pictures one after the other, as cameras send them.
    MotionJpeg,
    /// Several pictures in a `WebP` file.
    AnimatedWebp,
}

/// Looks at a file that begins like a still picture.
pub(super) fn look(path: &Path) -> io::Result<Still> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LOOK).read_to_end(&mut bytes)?;
    Ok(kind(&bytes))
}

fn kind(bytes: &[u8]) -> Still {
    if bytes.starts_with(b"RIFF") && bytes.get(8..16) == Some(b"WEBPVP8X") {
        // Bit 1 of the flags: an animation.
        return if bytes.get(20).is_some_and(|flags| flags & 2 != 0) {
            Still::AnimatedWebp
        } else {
            Still::Picture
        };
    }
    match first_scan(bytes) {
        Some(scan) if is_followed(&bytes[scan..]) => Still::MotionJpeg,
        _ => Still::Picture,
    }
}

/// Where the samples of the first JPEG picture begin; `None` for what is none, and for a photo that says that the next one
/// belongs to it (CIPA DC-007: an "MPF" segment), such as its depth or brightness.
fn first_scan(bytes: &[u8]) -> Option<usize> {
    let mut place = bytes.starts_with(b"\xFF\xD8").then_some(2)?;
    loop {
        let &[0xFF, marker, high, low] = bytes.get(place..place + 4)? else { return None };
        let length = usize::from(high) << 8 | usize::from(low);
        if marker == 0xE2 && bytes.get(place + 4..place + 8) == Some(b"MPF\0") {
            return None;
        }
        place += 2 + length.max(2);
        if marker == 0xDA {
            return Some(place);
        }
    }
}

/// True when a picture ends and another begins.
fn is_followed(bytes: &[u8]) -> bool {
    let end = bytes.windows(2).position(|pair| pair == b"\xFF\xD9");
    let Some(rest) = end.map(|end| &bytes[end + 2..]) else { return false };
    let padding = rest.iter().take(PADDING).take_while(|byte| **byte == 0).count();
    rest[padding..].starts_with(b"\xFF\xD8\xFF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_one_after_the_other_are_a_film() {
        let picture = |segment: &[u8]| {
            let head = [b"\xFF\xD8", segment, b"\xFF\xDA\0\x02samples"].concat();
            [&head[..], b"\xFF\xD9"].concat()
        };
        let plain = picture(b"\xFF\xDB\0\x04ab");
        assert_eq!(kind(&plain), Still::Picture);
        assert_eq!(kind(&[&plain[..], &plain].concat()), Still::MotionJpeg);
        assert_eq!(kind(&[&plain[..], b"\0\0", &plain].concat()), Still::MotionJpeg);
        // A thumbnail in the head of a photo.
        let thumbnail = picture(b"\xFF\xE1\0\x0A\xFF\xD8..\xFF\xD9\xFF\xD8");
        assert_eq!(kind(&thumbnail), Still::Picture);
        let photo = picture(b"\xFF\xE2\0\x06MPF\0");
        assert_eq!(kind(&[&photo[..], &plain].concat()), Still::Picture);
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0"), Still::AnimatedWebp);
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0"), Still::Picture);
        for length in 0..plain.len() {
            assert_eq!(kind(&plain[..length]), Still::Picture);
        }
    }
}
