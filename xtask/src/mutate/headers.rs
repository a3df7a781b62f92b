//! Damage to what containers and streams say of themselves: boxes, elements, sizes, keyframes, parameters of decoders.

use super::bytes::places;
use super::random::Random;

/// Names of boxes, chunks and pages; IDs of elements; heads of units in streams.
const ELEMENTS: [&[u8]; 38] = [
    b"moov",
    b"mvhd",
    b"tkhd",
    b"mdhd",
    b"hdlr",
    b"elst",
    b"stsd",
    b"stts",
    b"ctts",
    b"stss",
    b"stsc",
    b"stsz",
    b"stco",
    b"avcC",
    b"hvcC",
    b"esds",
    b"moof",
    b"tfhd",
    b"trun",
    b"avih",
    b"strh",
    b"strf",
    b"movi",
    b"idx1",
    b"OggS",
    b"\x15\x49\xa9\x66",
    b"\x16\x54\xae\x6b",
    b"\x1f\x43\xb6\x75",
    b"\x1c\x53\xbb\x6b",
    b"\x63\xa2",
    b"\x00\x00\x01\xb3",
    b"\x00\x00\x01\xb5",
    b"\x00\x00\x01\xb8",
    b"\x00\x00\x01\xe0",
    b"\x00\x00\x01\xba",
    b"\x00\x00\x00\x01",
    b"\x47\x40",
    b"\x00\x00\x01\x00",
];
/// Bytes behind the name of an element in which its most important fields are.
const FIELDS: usize = 28;
/// Heads of the parameters of decoders.
const PARAMETERS: [&[u8]; 5] = [b"avcC", b"hvcC", b"esds", b"\x63\xa2", b"\x00\x00\x00\x01"];
/// Most bytes of parameters that are exchanged.
const PARAMETER_BYTES: usize = 64;

/// Changes bytes around the names of elements.
pub(super) fn elements(bytes: &mut [u8], random: &mut Random) -> Option<()> {
    let there: Vec<Vec<usize>> =
        ELEMENTS.iter().map(|name| places(bytes, name)).filter(|places| !places.is_empty()).collect();
    for _ in 0..=random.below(3) {
        let place = *random.pick(random.clone().pick(&there)?)?;
        random.next();
        // Four bytes before it stands the size of a box.
        let at = (place + random.below(FIELDS + 4)).saturating_sub(4).min(bytes.len() - 1);
        bytes[at] = match random.below(4) {
            0 => 0,
            1 => 0xff,
            2 => bytes[at] ^ (1 << random.below(8)),
            _ => random.next() as u8,
        };
    }
    Some(())
}

/// Writes another size of the picture wherever the size stands.
pub(super) fn sizes(bytes: &mut [u8], (width, height): (u32, u32), random: &mut Random) -> Option<()> {
    let sizes = [0, 1, 2, 15, 16, 17, width / 2, width + 1, width + 16, width * 2, 4097, 0x7fff, 0xffff];
    let (new_width, new_height) = (*random.pick(&sizes)?, *random.pick(&[height, height + 2, 1, 16, 8193])?);
    let pair = |of: fn(u32) -> Vec<u8>| (of(width), of(height), of(new_width), of(new_height));
    let ways = [
        pair(|size| (size as u16).to_be_bytes().to_vec()),
        pair(|size| size.to_le_bytes().to_vec()),
        pair(|size| (size << 16).to_be_bytes().to_vec()),
        // An element of Matroska has its ID before it.
        pair(|size| [&[0x82], &(size as u16).to_be_bytes()[..]].concat()),
        pair(|size| [&[0x81], &[size as u8][..]].concat()),
    ];
    let mut changed = 0;
    for (old_width, old_height, width, height) in &ways {
        // Beside each other, or with an ID of a byte between them.
        for gap in [0, 1] {
            let length = old_width.len();
            for place in places(bytes, old_width) {
                let other = place + length + gap;
                if bytes.get(other..other + length) == Some(&old_height[..]) && (gap == 0 || length != 4) {
                    bytes[place..place + length].copy_from_slice(width);
                    bytes[other..other + length].copy_from_slice(height);
                    changed += 1;
                }
            }
        }
    }
    // MPEG-1 and MPEG-2: twelve bits each.
    for place in places(bytes, b"\x00\x00\x01\xb3") {
        if let Some(field) = bytes.get_mut(place + 4..place + 7) {
            let both = (new_width & 0xfff) << 12 | (new_height & 0xfff);
            field.copy_from_slice(&both.to_be_bytes()[1..]);
            changed += 1;
        }
    }
    (changed > 0).then_some(())
}

/// Says of other packets that they are keyframes.
pub(super) fn keyframes(bytes: &mut [u8], random: &mut Random) -> Option<()> {
    let mut changed = 0;
    for place in places(bytes, b"stss") {
        changed += 1;
        if random.below(2) == 0 {
            bytes[place..place + 4].copy_from_slice(b"free");
        } else {
            // Behind version and count stand numbers of samples.
            for entry in bytes.get_mut(place + 12..)?.chunks_mut(4).take(3) {
                entry[entry.len() - 1] = entry[entry.len() - 1].wrapping_add(1 + random.below(5) as u8);
            }
        }
    }
    if let Some(&place) = places(bytes, b"idx1").last() {
        changed += 1;
        let is_every = random.below(2) == 0;
        for entry in bytes[place + 4..].get_mut(4..)?.chunks_exact_mut(16) {
            let flips = random.below(3) == 0;
            entry[4] = if is_every { entry[4] | 0x10 } else { entry[4] ^ if flips { 0x10 } else { 0 } };
        }
    }
    // SimpleBlocks of Matroska: track, time, and the flag of a keyframe. The number of the track is less than 16.
    for place in places(bytes, b"\xa3") {
        let size = match bytes.get(place + 1) {
            Some(&byte) if byte & 0x80 != 0 => 1,
            Some(&byte) if byte & 0x40 != 0 => 2,
            Some(&byte) if byte & 0x20 != 0 => 3,
            _ => continue,
        };
        let block = place + 1 + size;
        let is_block = bytes.get(block).is_some_and(|track| (0x81..0x90).contains(track));
        if let Some(flags) = bytes.get_mut(block + 3).filter(|flags| is_block && matches!(**flags, 0 | 0x80))
        {
            *flags ^= if random.below(3) == 0 { 0x80 } else { 0 };
            changed += 1;
        }
    }
    (changed > 0).then_some(())
}

/// Puts the parameters of another file's decoder in place of a file's own.
pub(super) fn parameters(bytes: &mut [u8], other: &[u8], random: &mut Random) -> Option<()> {
    let heads = PARAMETERS.iter().filter_map(|head| {
        let (here, there) = (places(bytes, head), places(other, head));
        Some((*here.first()? + head.len(), *there.first()? + head.len()))
    });
    let heads: Vec<(usize, usize)> = heads.collect();
    let &(here, there) = random.pick(&heads)?;
    let length = (8 + random.below(PARAMETER_BYTES)).min(bytes.len() - here).min(other.len() - there);
    let new = &other[there..there + length];
    let is_other = bytes[here..here + length] != *new;
    bytes[here..here + length].copy_from_slice(new);
    is_other.then_some(())
}
