//! Recognising a source: by content, and quickly by its stamp.

use std::fmt;
use std::fs::Metadata;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, open, parts};

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

/// Reads what identifies a source: all its [`parts`].
///
/// # Errors
/// A file cannot be read, or it became shorter meanwhile.
pub fn fingerprint(path: &Path) -> Result<Fingerprint, Error> {
    let parts = parts(path);
    if parts.len() < 2 {
        return of_file(path);
    }
    let mut hash = blake3::Hasher::new_derive_key("upscaled 2026 fingerprint of a source in parts v1");
    for part in &parts {
        hash.update(of_file(part)?.hex.as_bytes());
    }
    Ok(Fingerprint { hex: hash.finalize().to_hex().to_string() })
}

fn of_file(path: &Path) -> Result<Fingerprint, Error> {
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

/// A checksum over all bytes of a source, with all its [`parts`]: of one file its BLAKE3, in hex. `None` where `goes_on`, which
/// is asked for each mebibyte, says no.
///
/// # Errors
/// A file cannot be read.
pub fn whole_checksum(path: &Path, goes_on: impl Fn() -> bool) -> Result<Option<String>, Error> {
    let parts = parts(path);
    let mut of_all = blake3::Hasher::new_derive_key("upscaled 2026 checksum of a source in parts v1");
    for part in &parts {
        let Some(hash) = whole_file(part, &goes_on)? else { return Ok(None) };
        if parts.len() < 2 {
            return Ok(Some(hash.to_hex().to_string()));
        }
        of_all.update(hash.as_bytes());
    }
    Ok(Some(of_all.finalize().to_hex().to_string()))
}

fn whole_file(path: &Path, goes_on: &impl Fn() -> bool) -> Result<Option<blake3::Hash>, Error> {
    let mut file = open::users_file(path).map_err(Error::io("open", path))?;
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; MEBIBYTE as usize];
    while goes_on() {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(hash.finalize())),
            Ok(length) => drop(hash.update(buffer.get(..length).unwrap_or_default())),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
    Ok(None)
}

/// What the file system says of a source without reading it: when this is unchanged, so is the source, as far as anyone can
/// tell cheaply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes of all its parts.
    pub size: u64,
    /// Time of the last change of the content, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The device that its first part is on.
    pub device: u64,
    /// Its number there; of a source in several parts, a checksum over what there is to say of each.
    pub inode: u64,
}

impl Stamp {
    /// The stamp of the source at `path`, with all its [`parts`]; links are followed.
    ///
    /// # Errors
    /// A file is missing or may not be looked at.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let of_file = |path: &Path| {
            std::fs::metadata(path).map(|found| Self::from(&found)).map_err(Error::io("inspect", path))
        };
        let first = of_file(path)?;
        let others = parts(path).into_iter().skip(1).map(|part| of_file(&part));
        let others = others.collect::<Result<Vec<Self>, Error>>()?;
        Ok(if others.is_empty() { first } else { first.joined(&others) })
    }

    /// The stamp of a source with more parts after the first.
    fn joined(self, others: &[Self]) -> Self {
        let mut hash = blake3::Hasher::new();
        let mut all = self;
        for (number, part) in std::iter::once(&self).chain(others).enumerate() {
            let fields = [part.size, part.mtime_ns as u64, part.device, part.inode];
            for field in fields {
                hash.update(&field.to_le_bytes());
            }
            if number > 0 {
                all.size = all.size.saturating_add(part.size);
                all.mtime_ns = all.mtime_ns.max(part.mtime_ns);
            }
        }
        let mut inode = [0; 8];
        hash.finalize_xof().fill(&mut inode);
        Self { inode: u64::from_le_bytes(inode), ..all }
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
    fn every_byte_of_every_part_counts_in_the_whole_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let at = |number: u32| folder.path().join(format!("VTS_01_{number}.VOB"));
        let whole = || whole_checksum(&at(1), || true).unwrap().unwrap();
        let mut bytes = vec![7; 5 * MEBIBYTE as usize + 17];
        fs::write(at(1), &bytes).unwrap();
        assert_eq!(whole(), checksum(&at(1)).unwrap());
        let mut seen = vec![whole()];
        bytes[3 << 19] = 8;
        fs::write(at(1), &bytes).unwrap();
        seen.push(whole());
        for text in ["", "x", "xy"] {
            fs::write(at(2), text).unwrap();
            seen.push(whole());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5);
        let left = std::cell::Cell::new(3);
        let goes_on = || left.replace(left.get() - 1) > 0;
        assert_eq!(whole_checksum(&at(1), goes_on).unwrap(), None);
        fs::remove_file(at(1)).unwrap();
        assert!(whole_checksum(&at(1), || true).is_err());
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

    #[test]
    fn every_part_of_a_film_counts() {
        let folder = tempfile::tempdir().unwrap();
        let at = |number: u32| folder.path().join(format!("VTS_01_{number}.VOB"));
        let look = || (Stamp::of(&at(1)).unwrap(), fingerprint(&at(1)).unwrap());
        let mut seen = Vec::new();
        for number in 1..=3 {
            fs::write(at(number), "part").unwrap();
            seen.push(look());
        }
        assert_eq!(seen[2].0.size, 12);
        fs::write(folder.path().join("other"), "trap").unwrap();
        fs::rename(folder.path().join("other"), at(3)).unwrap();
        seen.push(look());
        for (number, one) in seen.iter().enumerate() {
            for other in &seen[..number] {
                assert!(one.0 != other.0 && one.1 != other.1);
            }
        }
        assert_eq!(look(), seen[3]);
        // A later part is a file as any other.
        assert_eq!(Stamp::of(&at(2)).unwrap().size, 4);
    }
}
