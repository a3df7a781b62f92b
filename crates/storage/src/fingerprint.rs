//! Recognising a source: by content, and quickly by its stamp.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, open};

const MEBIBYTE: u64 = 1 << 20;
/// Files up to this size are read whole.
const WHOLE: u64 = 4 * MEBIBYTE;
/// What of larger ones is read at the head, in the middle and at the tail.
const PIECE: u64 = MEBIBYTE;

/// Who a source is, whatever it is called: the same for copies of the same file.
///
/// Of files above 4 MiB only the size and 3 MiB are looked at. Two videos do not agree in those by chance; a file
/// made to deceive can, and then its owner gets their own other video's result.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint {
    /// BLAKE3 of size and content, in hex.
    pub hex: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex)
    }
}

/// Reads what identifies a file.
///
/// # Errors
/// The file cannot be read, or it became shorter meanwhile.
pub fn fingerprint(path: &Path) -> Result<Fingerprint, Error> {
    let file = open::users_file(path).map_err(Error::io("open", path))?;
    let size = file.metadata().map_err(Error::io("inspect", path))?.len();
    let pieces: &[(u64, u64)] = if size <= WHOLE {
        &[(0, size)]
    } else {
        &[(0, PIECE), ((size - PIECE) / 2, PIECE), (size - PIECE, PIECE)]
    };
    // The size makes whole and sampled files differ, too: each size is read in one way only.
    let mut hash = blake3::Hasher::new_derive_key("upscaled 2026 source fingerprint v1");
    hash.update(&size.to_le_bytes());
    let mut buffer = Vec::new();
    for &(start, length) in pieces {
        buffer.resize(length as usize, 0);
        file.read_exact_at(&mut buffer, start).map_err(Error::io("read", path))?;
        hash.update(&buffer);
    }
    Ok(Fingerprint { hex: hash.finalize().to_hex().to_string() })
}

/// BLAKE3 of all bytes of a file, in hex.
///
/// # Errors
/// The file cannot be read.
pub fn checksum(path: &Path) -> Result<String, Error> {
    let file = open::users_file(path).map_err(Error::io("open", path))?;
    let mut hash = blake3::Hasher::new();
    hash.update_reader(file).map_err(Error::io("read", path))?;
    Ok(hash.finalize().to_hex().to_string())
}

/// What the file system says of a file without reading it: when this is unchanged, so is the file, as far as anyone can
/// tell cheaply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Time of the last change of the content, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

impl Stamp {
    /// The stamp of the file at `path`; links are followed.
    ///
    /// # Errors
    /// The file is missing or may not be looked at.
    pub fn of(path: &Path) -> Result<Self, Error> {
        std::fs::metadata(path).map(|found| Self::from(&found)).map_err(Error::io("inspect", path))
    }
}

impl From<&Metadata> for Stamp {
    fn from(found: &Metadata) -> Self {
        Self {
            size: found.len(),
            mtime_ns: found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec()),
            device: found.dev(),
            inode: found.ino(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn content_counts_and_the_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        for size in [0, 1, 1000, WHOLE, WHOLE + 1, 5 * MEBIBYTE + 17] {
            let mut bytes: Vec<u8> = (0..size).map(|i| ((i * 31) >> 3) as u8).collect();
            fs::write(&a, &bytes).unwrap();
            fs::write(&b, &bytes).unwrap();
            let original = fingerprint(&a).unwrap();
            assert_eq!(original, fingerprint(&b).unwrap());
            assert_eq!(original.hex.len(), 64);
            for at in [0, size / 2, size.saturating_sub(1)].map(|at| at as usize) {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1;
                    fs::write(&b, &bytes).unwrap();
                    assert_ne!(original, fingerprint(&b).unwrap(), "byte {at} of {size}");
                    bytes[at] ^= 1;
                }
            }
            bytes.push(0);
            fs::write(&b, &bytes).unwrap();
            assert_ne!(original, fingerprint(&b).unwrap());
        }
        assert!(fingerprint(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn a_stamp_notices_a_replaced_file() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "one").unwrap();
        fs::write(&b, "two").unwrap();
        let before = Stamp::of(&a).unwrap();
        assert_eq!(before, Stamp::of(&a).unwrap());
        let json = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Stamp>(&json).unwrap(), before);
        fs::rename(&b, &a).unwrap();
        assert_ne!(before, Stamp::of(&a).unwrap());
    }
}
