//! The length in bytes that a container states in the heads of its parts.
//!
//! - Matroska and `WebM`: the sizes of the elements at the top, RFC 8794.
//! - AVI and other RIFF files: the sizes of the chunks at the top.
//! - MPEG-4 and `QuickTime`: the sizes of the boxes at the top, ISO/IEC 14496-12.
//! - ASF and WMV: the size in the file properties object.
//! - FLV: each tag ends with its own size; a file whose last bytes are no such size ends within a tag.

use std::io::{self, Read, Seek, SeekFrom};

/// Parts at the top that are looked at: recordings in fragments have thousands.
const MOST_PARTS: usize = 100_000;
const EBML_HEAD: u64 = 0x1A45_DFA3;
const EBML_SEGMENT: u64 = 0x1853_8067;
const ASF_HEAD: [u8; 16] = *b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C";
const ASF_FILE: [u8; 16] = *b"\xA1\xDC\xAB\x8C\x47\xA9\xCF\x11\x8E\xE4\x00\xC0\x0C\x20\x53\x65";
/// Bytes at the beginning of an ASF file in which its properties stand.
const ASF_LOOK: u64 = 64 * 1024;

/// The bytes that the file should have at least; `None` where it states nothing.
pub(super) fn bytes(file: &mut (impl Read + Seek), there: u64) -> io::Result<Option<u64>> {
    let head = read_at::<16>(file, 0)?;
    let Some(head) = head else { return Ok(None) };
    let begins = |magic: &[u8]| head.starts_with(magic);
    if begins(b"\x1A\x45\xDF\xA3") {
        ebml(file, there)
    } else if begins(b"RIFF") {
        riff(file, there)
    } else if [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"].iter().any(|kind| head[4..8] == **kind) {
        boxes(file, there)
    } else if head == ASF_HEAD {
        asf(file)
    } else if begins(b"FLV\x01") {
        flv(file, there)
    } else {
        Ok(None)
    }
}

/// So many bytes at a place; `None` where the file ends before.
fn read_at<const N: usize>(file: &mut (impl Read + Seek), place: u64) -> io::Result<Option<[u8; N]>> {
    file.seek(SeekFrom::Start(place))?;
    let mut bytes = [0; N];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// So many bytes at a place, and zeros behind the end of the file.
fn read_some<const N: usize>(file: &mut (impl Read + Seek), place: u64) -> io::Result<[u8; N]> {
    file.seek(SeekFrom::Start(place))?;
    let mut bytes = Vec::new();
    file.take(N as u64).read_to_end(&mut bytes)?;
    bytes.resize(N, 0);
    bytes.try_into().map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

/// An element's number and size, and the bytes that both take; the size is `None` where it is not known yet.
fn ebml_element(bytes: [u8; 12]) -> Option<(u64, Option<u64>, u64)> {
    let number = |bytes: &[u8]| {
        let length = bytes.first()?.leading_zeros() as usize + 1;
        let value = bytes.get(..length)?.iter().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        (length <= 8).then_some((value, length))
    };
    let (id, of_id) = number(&bytes).filter(|(_, length)| *length <= 4)?;
    let (size, of_size) = number(&bytes[of_id..])?;
    let most = (1_u64 << (7 * of_size)) - 1;
    let size = size & most;
    Some((id, (size != most).then_some(size), (of_id + of_size) as u64))
}

fn ebml(file: &mut (impl Read + Seek), there: u64) -> io::Result<Option<u64>> {
    let (mut place, mut end) = (0, None);
    for _ in 0..MOST_PARTS {
        let Some((id, size, head)) = ebml_element(read_some(file, place)?) else { break };
        // What follows the segment is not its own.
        if ![EBML_HEAD, EBML_SEGMENT].contains(&id) {
            break;
        }
        let Some(size) = size else { return Ok(None) };
        place = place.saturating_add(head).saturating_add(size);
        end = Some(place);
        if place >= there {
            break;
        }
    }
    Ok(end)
}

fn riff(file: &mut (impl Read + Seek), there: u64) -> io::Result<Option<u64>> {
    let (mut place, mut end) = (0_u64, None);
    for _ in 0..MOST_PARTS {
        let Some(head) = read_at::<8>(file, place)? else { break };
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        // What is still recorded states nothing yet.
        if !head.starts_with(b"RIFF") || [0, u32::MAX].contains(&size) {
            break;
        }
        let size = u64::from(size);
        // Writers leave the padding of the last chunk out.
        end = Some(place + 8 + size);
        place += 8 + size + size % 2;
        if place >= there {
            break;
        }
    }
    Ok(end)
}

fn boxes(file: &mut (impl Read + Seek), there: u64) -> io::Result<Option<u64>> {
    let mut place = 0_u64;
    for _ in 0..MOST_PARTS {
        let Some(head) = read_at::<8>(file, place)? else { break };
        let short = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let size = match short {
            // To the end of the file.
            0 => return Ok(None),
            1 => match read_at::<8>(file, place + 8)? {
                Some(long) => u64::from_be_bytes(long),
                None => break,
            },
            short => short,
        };
        if size < 8 || !head[4..].iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == 0xA9) {
            break;
        }
        place = place.saturating_add(size);
        if place >= there {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn asf(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.take(ASF_LOOK).read_to_end(&mut head)?;
    let Some(at) = head.windows(16).position(|window| window == ASF_FILE) else { return Ok(None) };
    // GUID, size, file's GUID, then the size of the file; 48 bytes after that, flags: bit 0 for what is still written.
    let number = |offset: usize| -> Option<u64> {
        head.get(at + offset..at + offset + 8)?.try_into().ok().map(u64::from_le_bytes)
    };
    let is_broadcast = number(88).is_none_or(|flags| flags & 1 == 1);
    Ok(number(40).filter(|&size| !is_broadcast && size > 0))
}

fn flv(file: &mut (impl Read + Seek), there: u64) -> io::Result<Option<u64>> {
    /// Head of the file, and the size of the tag before the first.
    const HEAD: u64 = 13;
    /// Head of a tag.
    const TAG: u64 = 11;
    let Some(last) = there.checked_sub(4).filter(|&last| last > HEAD) else { return Ok(None) };
    let size = read_at::<4>(file, last)?.map_or(0, |bytes| u64::from(u32::from_be_bytes(bytes)));
    let begin = last.checked_sub(size).filter(|_| size >= TAG);
    let tag = match begin {
        Some(begin) => read_at::<4>(file, begin)?,
        None => None,
    };
    let is_whole = tag.is_some_and(|[kind, a, b, c]| {
        [8, 9, 18].contains(&(kind & 0x1F)) && u64::from(u32::from_be_bytes([0, a, b, c])) + TAG == size
    });
    // Within the tag that is cut off, at least a byte is missing.
    Ok((!is_whole).then_some(there + 1))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn stated(bytes_of_file: &[u8]) -> Option<u64> {
        bytes(&mut Cursor::new(bytes_of_file), bytes_of_file.len() as u64).unwrap()
    }

    #[test]
    fn sizes_at_the_top_are_added_up() {
        let mkv = b"\x1A\x45\xDF\xA3\x84head\x18\x53\x80\x67\x88only";
        assert_eq!(stated(mkv), Some(9 + 5 + 8));
        // A size that is not known yet.
        assert_eq!(stated(b"\x1A\x45\xDF\xA3\x84head\x18\x53\x80\x67\xFFonly"), None);
        assert_eq!(stated(b"RIFF\x14\0\0\0AVI LIST...."), Some(28));
        assert_eq!(stated(b"RIFF\0\0\0\0AVI LIST...."), None);
        assert_eq!(stated(b"\0\0\0\x10ftypisom....\0\0\0\x20mdat........"), Some(48));
        assert_eq!(stated(b"\0\0\0\x10ftypisom....\0\0\0\x01mdat\0\0\0\0\0\0\x01\0"), Some(16 + 256));
        assert_eq!(stated(b"\0\0\0\x10ftypisom....\0\0\0\0mdat........"), None);
        assert_eq!(stated(b"what is no container"), None);
        assert_eq!(stated(b""), None);
    }

    #[test]
    fn a_flash_video_ends_with_the_size_of_its_last_tag() {
        let tag = b"\x09\0\0\x02\0\0\0\0\0\0\0ab\0\0\0\x0D";
        let whole = [b"FLV\x01\x01\0\0\0\x09\0\0\0\0".as_slice(), tag, tag].concat();
        assert_eq!(stated(&whole), None);
        let cut = &whole[..whole.len() - 5];
        assert_eq!(stated(cut), Some(cut.len() as u64 + 1));
    }

    #[test]
    fn any_bytes_are_looked_at_without_harm() {
        let mut seed = 1_u64;
        for magic in [&b"\x1A\x45\xDF\xA3"[..], b"RIFF", b"\0\0\0\x09ftyp", &ASF_HEAD, b"FLV\x01"] {
            for length in 0..200 {
                let mut bytes = magic.to_vec();
                bytes.extend((0..length).map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (seed >> 56) as u8
                }));
                let _ = stated(&bytes);
            }
        }
    }
}
