//! The frame list of a source, as a file.
//!
//! Little endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic: `89 55 50 46 0D 0A 1A 0A` (`\x89UPF\r\n\x1a\n`) |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | flags: bit 0 = seekable; the others are 0 |
//! | 16 | 4 | time base, numerator (signed) |
//! | 20 | 4 | time base, denominator (signed) |
//! | 24 | 8 | duration of the last frame (signed) |
//! | 32 | 8 | number of frames N |
//! | 40 | 8 | number of keyframes K |
//! | 48 | 8 N | time stamps (signed) |
//! | 48 + 8 N | 4 K | numbers of the keyframes |
//! | 48 + 8 N + 4 K | 4 | CRC32 of all bytes before |
//!
//! Whether the numbers make sense as a frame list (ascending times, keyframes inside) is for its user to decide.

use std::io::Read as _;
use std::path::Path;

use crate::{Error, open, write_atomic};

const MAGIC: [u8; 8] = *b"\x89UPF\r\n\x1a\n";
const VERSION: u32 = 1;
const FIXED: usize = 48;
const SEEKABLE: u32 = 1;
/// The largest file that is read: 80 million frames, or two weeks at 60 frames a second.
const MAX_FILE: u64 = 1 << 30;

/// When each frame of a source is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameListFile {
    /// Unit of all times, in seconds, as a fraction.
    pub time_base: (i32, i32),
    /// When each frame is shown.
    pub pts: Vec<i64>,
    /// Numbers of the frames at which decoding can start.
    pub keyframes: Vec<u32>,
    /// How long the last frame is shown.
    pub last_duration: i64,
    /// Whether seeking in the source works.
    pub seekable: bool,
}

/// Why bytes are not a frame list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameListFault {
    /// It does not start like one.
    #[error("it is no frame list")]
    NotAFrameList,
    /// Written by another version of the program.
    #[error("it has format version {0} and this program reads version 1")]
    Version(u32),
    /// It has too few or too many bytes.
    #[error("its length is wrong")]
    Length,
    /// Its checksum does not fit.
    #[error("its checksum does not fit")]
    Checksum,
}

impl FrameListFile {
    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED + 8 * self.pts.len() + 4 * self.keyframes.len() + 4);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(if self.seekable { SEEKABLE } else { 0 }.to_le_bytes());
        bytes.extend(self.time_base.0.to_le_bytes());
        bytes.extend(self.time_base.1.to_le_bytes());
        bytes.extend(self.last_duration.to_le_bytes());
        bytes.extend((self.pts.len() as u64).to_le_bytes());
        bytes.extend((self.keyframes.len() as u64).to_le_bytes());
        bytes.extend(self.pts.iter().flat_map(|pts| pts.to_le_bytes()));
        bytes.extend(self.keyframes.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the bytes of a file. Takes no more memory than they do.
    ///
    /// # Errors
    /// They are no whole, undamaged frame list of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameListFault> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(FrameListFault::NotAFrameList)?;
        let (version, _) = rest.split_first_chunk().ok_or(FrameListFault::Length)?;
        match u32::from_le_bytes(*version) {
            VERSION => {}
            other => return Err(FrameListFault::Version(other)),
        }
        let (body, crc) = bytes.split_last_chunk().ok_or(FrameListFault::Length)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(FrameListFault::Checksum);
        }
        let mut fields = Fields(body.get(12..).ok_or(FrameListFault::Length)?);
        let flags = u32::from_le_bytes(fields.take()?);
        let time_base = (i32::from_le_bytes(fields.take()?), i32::from_le_bytes(fields.take()?));
        let last_duration = i64::from_le_bytes(fields.take()?);
        let frames = u64::from_le_bytes(fields.take()?);
        let keyframes = u64::from_le_bytes(fields.take()?);
        // Both numbers are compared with the bytes that are there before anything is allocated for them.
        let expected = frames.checked_mul(8).and_then(|pts| pts.checked_add(keyframes.checked_mul(4)?));
        if expected != Some(fields.0.len() as u64) || flags & !SEEKABLE != 0 {
            return Err(FrameListFault::Length);
        }
        let (pts, numbers) = fields.0.split_at(8 * frames as usize);
        Ok(Self {
            time_base,
            pts: pts.as_chunks().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect(),
            keyframes: numbers.as_chunks().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect(),
            last_duration,
            seekable: flags & SEEKABLE != 0,
        })
    }

    /// Writes the file atomically and durably.
    ///
    /// # Errors
    /// As [`write_atomic`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        write_atomic(path, &self.encode())
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Damaged`] where [`decode`](Self::decode) refuses it or it is absurdly large, [`Error::Io`] where it
    /// cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let damaged =
            |reason: FrameListFault| Error::Damaged { path: path.to_owned(), reason: reason.to_string() };
        let mut bytes = Vec::new();
        let file = open::workers_file(path).map_err(Error::io("open", path))?;
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(damaged(FrameListFault::Length));
        }
        Self::decode(&bytes).map_err(damaged)
    }
}

/// Reads fixed-size fields from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameListFault> {
        let (field, rest) = self.0.split_first_chunk().ok_or(FrameListFault::Length)?;
        self.0 = rest;
        Ok(*field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> FrameListFile {
        FrameListFile {
            time_base: (1, 24_000),
            pts: vec![-1001, 0, 1001, i64::MAX],
            keyframes: vec![0, 2],
            last_duration: 1001,
            seekable: true,
        }
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        let bytes = example().encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameListFile::decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(FrameListFile::decode(&bytes[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn numbers_larger_than_the_file_cost_no_memory() {
        let mut bytes = example().encode();
        for count in [u64::MAX, 1 << 61, 1 << 40, 5] {
            bytes[32..40].copy_from_slice(&count.to_le_bytes());
            let end = bytes.len() - 4;
            let crc = crc32fast::hash(&bytes[..end]);
            bytes[end..].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(FrameListFile::decode(&bytes), Err(FrameListFault::Length));
        }
    }

    #[test]
    fn damage_on_disk_names_the_file_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        example().write(&path).unwrap();
        assert_eq!(FrameListFile::read(&path).unwrap(), example());
        std::fs::write(&path, b"garbage").unwrap();
        let error = FrameListFile::read(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("frames` is damaged: it is no frame list; delete it and it is made anew"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            time_base: (i32, i32), pts: Vec<i64>, keyframes: Vec<u32>, last_duration: i64, seekable: bool,
        ) {
            let list = FrameListFile { time_base, pts, keyframes, last_duration, seekable };
            prop_assert_eq!(FrameListFile::decode(&list.encode()), Ok(list));
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(mut bytes: Vec<u8>, magic: bool) {
            if magic {
                bytes.splice(0..0, MAGIC.into_iter().chain(VERSION.to_le_bytes()));
            }
            prop_assert!(FrameListFile::decode(&bytes).is_err());
        }
    }
}
