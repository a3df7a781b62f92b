//! The frame list of a source, as a file.
//!
//! Little endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic: `89 55 50 46 0D 0A 1A 0A` (`\x89UPF\r\n\x1a\n`) |
//! | 8 | 4 | format version, 3 |
//! | 12 | 4 | flags: bit 0 = seekable, bit 1 = made of fields, bit 2 = known by time, bit 3 = clean, bit 4 = shows what an edit list cuts off, bit 5 = cropped, bit 6 = a part of the film; the others are 0 |
//! | 16 | 4 | time base, numerator (signed) |
//! | 20 | 4 | time base, denominator (signed) |
//! | 24 | 8 | duration of the last frame (signed) |
//! | 32 | 8 | number of frames N |
//! | 40 | 8 | number of keyframes K |
//! | 48 | 8 N | time stamps (signed) |
//! | 48 + 8 N | 4 K | numbers of the keyframes |
//! | 48 + 8 N + 4 K | 8 | frames that the decoder gives too early at most, and that it has to hold back |
//! | | 16 | what all pictures become: width, height, numerator and denominator (signed) of the shape of a pixel |
//! | | 16 | number of kinds of pictures P, of checksums D |
//! | | 24 P | of each kind: the number of its first frame, how it lies, and what it is like, as above |
//! | | 4 D | checksums of the pictures |
//! | | 4 | CRC32 of all bytes before |
//!
//! A list of frames that are made of the fields of others has these and how they are made before the CRC32; the kinds and the
//! checksums are those of the others:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | what is made, a number |
//! | 8 | time base of the others, as above |
//! | 8 | duration of the last of them (signed) |
//! | 24 | number of the others M, of keyframes among them L, of those that are kept P |
//! | 8 M + 4 L + 4 P | their time stamps, the numbers of the keyframes, the numbers of those that are kept |
//! | 8 | number of stretches S that are interlaced |
//! | 12 S | of each the number of its first frame, of the one behind its last, and which field comes first, a number |
//!
//! A list of frames of which something is cut off has 16 bytes before the CRC32: columns and rows of what is left, columns to
//! the left of it, and rows above it.
//!
//! A list for a part of the film has behind that, before the CRC32:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | numbers of the first frame of the part and of the one behind its last |
//! | 4 | bit 0 = something lies before it, bit 1 = something lies behind it |
//! | 8 | duration of its last frame (signed) |
//! | 8 | number of runs of missing frames G in the whole list |
//! | 8 G | of each the number of its first frame and of the one behind its last |
//!
//! Whether the numbers make sense as a frame list (ascending times, keyframes inside) is for its user to decide.

use std::io::Read as _;
use std::path::Path;

use crate::{Error, open, write_atomic};

const MAGIC: [u8; 8] = *b"\x89UPF\r\n\x1a\n";
const VERSION: u32 = 3;
const FIXED: usize = 48;
const SEEKABLE: u32 = 1;
const HAS_FIELDS: u32 = 2;
const BY_TIME: u32 = 4;
const CLEAN: u32 = 8;
const SHOWS_ALL: u32 = 16;
const CROPPED: u32 = 32;
const IS_PART: u32 = 64;
/// Of a part.
const BEGINS_LATER: u32 = 1;
const ENDS_EARLIER: u32 = 2;
/// The largest file that is read: 80 million frames, or two weeks at 60 frames a second.
const MAX_FILE: u64 = 1 << 30;

/// When each frame of a source is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
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
    /// Whether frames are known by their times.
    pub by_time: bool,
    /// Whether every frame was decoded without an error.
    pub is_clean: bool,
    /// Whether frames that an edit list cuts off are in the list.
    pub shows_all: bool,
    /// What the pictures are.
    pub pictures: PicturesPart,
    /// How the frames are made of others, where they are.
    pub fields: Option<FieldsPart>,
    /// What is left of the pictures where something is cut off: width, height, columns to the left, rows above.
    pub crop: Option<[u32; 4]>,
    /// Which of the frames are made where not all are.
    pub part: Option<PartOfList>,
}

/// The frames of a list that are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartOfList {
    /// Number of the first.
    pub first: u32,
    /// Number of the one behind the last.
    pub end: u32,
    /// What lies before them is not in the result.
    pub begins_later: bool,
    /// What lies behind them is not in the result.
    pub ends_earlier: bool,
    /// How long the last of them is shown.
    pub last_duration: i64,
    /// The frames of the whole list that are missing, each time the first and the one behind the last.
    pub missing: Vec<(u32, u32)>,
}

/// What the pictures of a source are. What the numbers stand for is for their user to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PicturesPart {
    /// How many frames the decoder gives too early at most.
    pub disorder: u32,
    /// How many frames the decoder has to hold back at least.
    pub reorder: u32,
    /// What all pictures become.
    pub canvas: PictureKind,
    /// Of each kind: the number of its first frame, how it lies, what it is like.
    pub kinds: Vec<(u32, u32, PictureKind)>,
    /// A checksum of each picture.
    pub digests: Vec<u32>,
}

/// Size of a picture and the shape of its pixels, as a fraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PictureKind {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Width of a pixel as a multiple of its height.
    pub pixel: (i32, i32),
}

/// How frames are made of the fields of others. What the numbers stand for is for their user to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldsPart {
    /// What is made.
    pub made: u32,
    /// Unit of the others' times, in seconds, as a fraction.
    pub time_base: (i32, i32),
    /// When each of the others is shown.
    pub pts: Vec<i64>,
    /// Numbers of those of the others at which decoding can start.
    pub keyframes: Vec<u32>,
    /// How long the last of the others is shown.
    pub last_duration: i64,
    /// Numbers of those that are kept, where not all are.
    pub kept: Vec<u32>,
    /// Which of the others are interlaced.
    pub stretches: Vec<StretchPart>,
}

/// Frames in a row that are interlaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StretchPart {
    /// Number of the first.
    pub first: u32,
    /// Number of the one behind the last.
    pub end: u32,
    /// Which field comes first.
    pub order: u32,
}

/// Why bytes are not a frame list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameListFault {
    /// It does not start like one.
    #[error("it is no frame list")]
    NotAFrameList,
    /// Written by another version of the program.
    #[error("it has format version {0} and this program reads version 3")]
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
        let seekable = if self.seekable { SEEKABLE } else { 0 };
        let has_fields = if self.fields.is_some() { HAS_FIELDS } else { 0 };
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        let by_time = if self.by_time { BY_TIME } else { 0 };
        let clean = if self.is_clean { CLEAN } else { 0 };
        let shows_all = if self.shows_all { SHOWS_ALL } else { 0 };
        let cropped = if self.crop.is_some() { CROPPED } else { 0 };
        let is_part = if self.part.is_some() { IS_PART } else { 0 };
        let flags = seekable | has_fields | by_time | clean | shows_all | cropped | is_part;
        bytes.extend(flags.to_le_bytes());
        bytes.extend(self.time_base.0.to_le_bytes());
        bytes.extend(self.time_base.1.to_le_bytes());
        bytes.extend(self.last_duration.to_le_bytes());
        bytes.extend((self.pts.len() as u64).to_le_bytes());
        bytes.extend((self.keyframes.len() as u64).to_le_bytes());
        bytes.extend(self.pts.iter().flat_map(|pts| pts.to_le_bytes()));
        bytes.extend(self.keyframes.iter().flat_map(|number| number.to_le_bytes()));
        self.pictures.encode(&mut bytes);
        if let Some(fields) = &self.fields {
            fields.encode(&mut bytes);
        }
        bytes.extend(self.crop.iter().flatten().flat_map(|side| side.to_le_bytes()));
        if let Some(part) = &self.part {
            part.encode(&mut bytes);
        }
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
        let (pts, numbers) = (fields.times(frames)?, fields.numbers(keyframes)?);
        let pictures = PicturesPart::decode(&mut fields)?;
        let part = if flags & HAS_FIELDS != 0 { Some(FieldsPart::decode(&mut fields)?) } else { None };
        let crop = if flags & CROPPED != 0 { Some(fields.sides()?) } else { None };
        let of_list = if flags & IS_PART != 0 { Some(PartOfList::decode(&mut fields)?) } else { None };
        if !fields.0.is_empty()
            || flags & !(SEEKABLE | HAS_FIELDS | BY_TIME | CLEAN | SHOWS_ALL | CROPPED | IS_PART) != 0
        {
            return Err(FrameListFault::Length);
        }
        Ok(Self {
            time_base,
            pts,
            keyframes: numbers,
            last_duration,
            seekable: flags & SEEKABLE != 0,
            by_time: flags & BY_TIME != 0,
            is_clean: flags & CLEAN != 0,
            shows_all: flags & SHOWS_ALL != 0,
            pictures,
            fields: part,
            crop,
            part: of_list,
        })
    }

    /// Writes the file atomically and durably. Gives the BLAKE3 of its bytes, in hex.
    ///
    /// # Errors
    /// As [`write_atomic`].
    pub fn write(&self, path: &Path) -> Result<String, Error> {
        let bytes = self.encode();
        write_atomic(path, &bytes)?;
        Ok(checksum(&bytes))
    }

    /// Reads the file. Gives the list and the BLAKE3 of the bytes that were read, in hex.
    ///
    /// # Errors
    /// [`Error::Damaged`] where [`decode`](Self::decode) refuses it or it is absurdly large, [`Error::Io`] where it
    /// cannot be read.
    pub fn read(path: &Path) -> Result<(Self, String), Error> {
        let damaged =
            |reason: FrameListFault| Error::Damaged { path: path.to_owned(), reason: reason.to_string() };
        let mut bytes = Vec::new();
        let file = open::workers_file(path).map_err(Error::io("open", path))?;
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(damaged(FrameListFault::Length));
        }
        let list = Self::decode(&bytes).map_err(damaged)?;
        Ok((list, checksum(&bytes)))
    }
}

fn checksum(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

impl PicturesPart {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.disorder.to_le_bytes());
        bytes.extend(self.reorder.to_le_bytes());
        self.canvas.encode(bytes);
        for count in [self.kinds.len(), self.digests.len()] {
            bytes.extend((count as u64).to_le_bytes());
        }
        for (first, lies, kind) in &self.kinds {
            bytes.extend(first.to_le_bytes());
            bytes.extend(lies.to_le_bytes());
            kind.encode(bytes);
        }
        bytes.extend(self.digests.iter().flat_map(|digest| digest.to_le_bytes()));
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, FrameListFault> {
        let (disorder, reorder) = (u32::from_le_bytes(fields.take()?), u32::from_le_bytes(fields.take()?));
        let canvas = PictureKind::decode(fields)?;
        let (kinds, digests) = (u64::from_le_bytes(fields.take()?), u64::from_le_bytes(fields.take()?));
        let mut rows = Fields(fields.bytes(kinds, 24)?);
        let mut kinds = Vec::new();
        while !rows.0.is_empty() {
            let (first, lies) = (u32::from_le_bytes(rows.take()?), u32::from_le_bytes(rows.take()?));
            kinds.push((first, lies, PictureKind::decode(&mut rows)?));
        }
        Ok(Self { disorder, reorder, canvas, kinds, digests: fields.numbers(digests)? })
    }
}

impl PictureKind {
    fn encode(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.width.to_le_bytes());
        bytes.extend(self.height.to_le_bytes());
        bytes.extend(self.pixel.0.to_le_bytes());
        bytes.extend(self.pixel.1.to_le_bytes());
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, FrameListFault> {
        Ok(Self {
            width: u32::from_le_bytes(fields.take()?),
            height: u32::from_le_bytes(fields.take()?),
            pixel: (i32::from_le_bytes(fields.take()?), i32::from_le_bytes(fields.take()?)),
        })
    }
}

impl FieldsPart {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.made.to_le_bytes());
        bytes.extend(self.time_base.0.to_le_bytes());
        bytes.extend(self.time_base.1.to_le_bytes());
        bytes.extend(self.last_duration.to_le_bytes());
        for count in [self.pts.len(), self.keyframes.len(), self.kept.len()] {
            bytes.extend((count as u64).to_le_bytes());
        }
        bytes.extend(self.pts.iter().flat_map(|pts| pts.to_le_bytes()));
        bytes.extend(self.keyframes.iter().chain(&self.kept).flat_map(|number| number.to_le_bytes()));
        bytes.extend((self.stretches.len() as u64).to_le_bytes());
        let numbers = self.stretches.iter().flat_map(|stretch| [stretch.first, stretch.end, stretch.order]);
        bytes.extend(numbers.flat_map(u32::to_le_bytes));
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, FrameListFault> {
        let made = u32::from_le_bytes(fields.take()?);
        let time_base = (i32::from_le_bytes(fields.take()?), i32::from_le_bytes(fields.take()?));
        let last_duration = i64::from_le_bytes(fields.take()?);
        let frames = u64::from_le_bytes(fields.take()?);
        let keyframes = u64::from_le_bytes(fields.take()?);
        let kept = u64::from_le_bytes(fields.take()?);
        let pts = fields.times(frames)?;
        let (keyframes, kept) = (fields.numbers(keyframes)?, fields.numbers(kept)?);
        let count = u64::from_le_bytes(fields.take()?);
        let numbers = fields.numbers(count.checked_mul(3).ok_or(FrameListFault::Length)?)?;
        let stretches = numbers.as_chunks().0.iter();
        let stretches = stretches.map(|&[first, end, order]| StretchPart { first, end, order }).collect();
        Ok(Self { made, time_base, pts, keyframes, last_duration, kept, stretches })
    }
}

impl PartOfList {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend([self.first, self.end].iter().flat_map(|number| number.to_le_bytes()));
        let later = if self.begins_later { BEGINS_LATER } else { 0 };
        let earlier = if self.ends_earlier { ENDS_EARLIER } else { 0 };
        bytes.extend((later | earlier).to_le_bytes());
        bytes.extend(self.last_duration.to_le_bytes());
        bytes.extend((self.missing.len() as u64).to_le_bytes());
        bytes.extend(self.missing.iter().flat_map(|&(first, end)| [first, end]).flat_map(u32::to_le_bytes));
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, FrameListFault> {
        let (first, end) = (u32::from_le_bytes(fields.take()?), u32::from_le_bytes(fields.take()?));
        let flags = u32::from_le_bytes(fields.take()?);
        let last_duration = i64::from_le_bytes(fields.take()?);
        let count = u64::from_le_bytes(fields.take()?);
        let numbers = fields.numbers(count.checked_mul(2).ok_or(FrameListFault::Length)?)?;
        if flags & !(BEGINS_LATER | ENDS_EARLIER) != 0 {
            return Err(FrameListFault::Length);
        }
        Ok(Self {
            first,
            end,
            begins_later: flags & BEGINS_LATER != 0,
            ends_earlier: flags & ENDS_EARLIER != 0,
            last_duration,
            missing: numbers.as_chunks().0.iter().map(|&[first, end]| (first, end)).collect(),
        })
    }
}

/// Reads fields from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameListFault> {
        let (field, rest) = self.0.split_first_chunk().ok_or(FrameListFault::Length)?;
        self.0 = rest;
        Ok(*field)
    }

    /// So many bytes, compared with those that are there before anything is allocated for them.
    fn bytes(&mut self, count: u64, size: u64) -> Result<&[u8], FrameListFault> {
        let length = count.checked_mul(size).and_then(|length| usize::try_from(length).ok());
        let parts = length.and_then(|length| self.0.split_at_checked(length));
        let (bytes, rest) = parts.ok_or(FrameListFault::Length)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn sides(&mut self) -> Result<[u32; 4], FrameListFault> {
        let mut sides = [0; 4];
        for side in &mut sides {
            *side = u32::from_le_bytes(self.take()?);
        }
        Ok(sides)
    }

    fn times(&mut self, count: u64) -> Result<Vec<i64>, FrameListFault> {
        let bytes = self.bytes(count, 8)?;
        Ok(bytes.as_chunks().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect())
    }

    fn numbers(&mut self, count: u64) -> Result<Vec<u32>, FrameListFault> {
        let bytes = self.bytes(count, 4)?;
        Ok(bytes.as_chunks().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pictures() -> PicturesPart {
        let kind = PictureKind { width: 720, height: 576, pixel: (16, 15) };
        PicturesPart {
            disorder: 1,
            reorder: 2,
            canvas: kind,
            kinds: vec![(0, 0, kind)],
            digests: vec![1, u32::MAX],
        }
    }

    fn part() -> PartOfList {
        PartOfList {
            first: 1,
            end: 3,
            begins_later: true,
            ends_earlier: false,
            last_duration: -5,
            missing: vec![(0, 1), (2, 3)],
        }
    }

    fn example() -> FrameListFile {
        FrameListFile {
            time_base: (1, 24_000),
            pts: vec![-1001, 0, 1001, i64::MAX],
            keyframes: vec![0, 2],
            last_duration: 1001,
            seekable: true,
            by_time: true,
            is_clean: false,
            shows_all: true,
            pictures: pictures(),
            fields: Some(FieldsPart {
                made: 3,
                time_base: (1, 6000),
                pts: vec![-1, 0],
                keyframes: vec![0],
                last_duration: 5,
                kept: vec![1, 2, 3],
                stretches: vec![StretchPart { first: 0, end: 2, order: 1 }],
            }),
            crop: Some([720, 432, 0, 72]),
            part: Some(part()),
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
        let bytes = example().encode();
        // Of the frames, and of those that they are made of.
        let others = 48 + 4 * 8 + 2 * 4 + (40 + 24 + 2 * 4) + 20;
        let stretches = others + 24 + 2 * 8 + 4 * 4;
        let missing = bytes.len() - 4 - 2 * 8 - 8;
        for (count, at) in [u64::MAX, 1 << 61, 1 << 40, 5]
            .map(|count| [(count, 32), (count, others), (count, stretches), (count, missing)])
            .concat()
        {
            let mut bytes = bytes.clone();
            bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
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
        let checksum = example().write(&path).unwrap();
        assert_eq!(FrameListFile::read(&path).unwrap(), (example(), checksum));
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
            made: Option<u32>, kept: Vec<u32>, by_time: bool, is_clean: bool, stretches: Vec<(u32, u32, u32)>,
            crop: Option<[u32; 4]>, is_part: bool, missing: Vec<(u32, u32)>,
        ) {
            let fields = made.map(|made| FieldsPart {
                made,
                time_base: (time_base.1, time_base.0),
                pts: pts.iter().rev().copied().collect(),
                keyframes: kept.clone(),
                last_duration,
                kept,
                stretches: stretches
                    .iter()
                    .map(|&(first, end, order)| StretchPart { first, end, order })
                    .collect(),
            });
            let pictures = PicturesPart { digests: keyframes.clone(), ..pictures() };
            let list = FrameListFile {
                time_base, pts, keyframes, last_duration, seekable, by_time, is_clean, shows_all: by_time, pictures, fields, crop,
                part: is_part.then(|| PartOfList { begins_later: by_time, ends_earlier: is_clean, missing, ..part() }),
            };
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
