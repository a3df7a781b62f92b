//! Damage that needs to know nothing of a file.

use super::random::Random;

/// Bytes that are the head of any file.
const HEAD: usize = 1024;
/// Longest piece that is exchanged.
const PIECE: usize = 8192;

/// Flips some bits in the first KiB.
pub(super) fn head(bytes: &mut [u8], random: &mut Random) -> Option<()> {
    let end = bytes.len().min(HEAD);
    for _ in 0..=random.below(12) {
        let place = random.below(end);
        *bytes.get_mut(place)? ^= 1 << random.below(8);
    }
    Some(())
}

/// Removes the beginning, the end, or something between them.
pub(super) fn cut(bytes: &mut Vec<u8>, random: &mut Random) -> Option<()> {
    let (a, b) = (random.below(bytes.len()), random.below(bytes.len()));
    match random.below(3) {
        // Of the beginning, only some: containers are known by it.
        0 => drop(bytes.drain(..a.min(b) / 4)),
        1 => bytes.truncate(a.max(b)),
        _ => drop(bytes.drain(a.min(b)..a.max(b))),
    }
    (!bytes.is_empty()).then_some(())
}

/// Exchanges, repeats or wipes pieces.
pub(super) fn pieces(bytes: &mut Vec<u8>, random: &mut Random) -> Option<()> {
    for _ in 0..=random.below(4) {
        let length = 1 + random.below(PIECE.min(bytes.len() / 2));
        let last = bytes.len().checked_sub(length)?;
        let (from, to) = (random.below(last + 1), random.below(last + 1));
        let piece = bytes[from..from + length].to_vec();
        match random.below(4) {
            0 => {
                let other = bytes[to..to + length].to_vec();
                bytes[from..from + length].copy_from_slice(&other);
                bytes[to..to + length].copy_from_slice(&piece);
            }
            1 => drop(bytes.splice(to..to, piece)),
            2 => bytes[from..from + length].fill(0),
            _ => bytes[from..from + length].iter_mut().for_each(|byte| *byte = random.next() as u8),
        }
    }
    Some(())
}

/// Places where a pattern begins.
pub(super) fn places(bytes: &[u8], pattern: &[u8]) -> Vec<usize> {
    if pattern.is_empty() {
        return Vec::new();
    }
    let places = bytes.windows(pattern.len()).enumerate().filter(|(_, window)| *window == pattern);
    places.map(|(place, _)| place).collect()
}
