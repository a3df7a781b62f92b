//! What is written beside a segment, so that a lost ledger can be rebuilt.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Committed, SegmentName};
use crate::{Error, open};

/// The largest sidecar that is read; real ones have some hundred bytes.
const MAX: u64 = 64 << 10;

/// What a segment contains and how it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Number of its first frame in the frame list.
    pub first_frame: u32,
    /// Number of the frame after its last.
    pub end_frame: u32,
    /// Fingerprint of the source. A segment of another one belongs to another job.
    pub fingerprint: String,
    /// BLAKE3 of the frame list that it was made by, in hex: its times come from there.
    pub frame_list: String,
    /// Hash of all that can change the frames. A segment with another one belongs to another job.
    pub settings_hash: String,
    /// Version of the program that made it.
    pub version: String,
    /// Frames that are the one before once more.
    pub frames_reused: u32,
    /// Pixels of the source that were not computed.
    pub pixels_reused: u64,
}

/// A sidecar as it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which segment, by which attempt.
    pub name: SegmentName,
    /// What it contains.
    pub sidecar: Sidecar,
    /// What its file is recognised by; [`check`](crate::check) compares it.
    pub committed: Committed,
}

/// The sidecars of a job folder.
#[derive(Debug, Default)]
pub struct Scan {
    /// Those that are whole, by index and epoch, the latest of each segment. Their segments have not been looked at.
    pub found: Vec<Recorded>,
    /// How many are damaged.
    pub damaged: u64,
    /// Those that the system would not read, as when a disk or a network share fails: they may be whole.
    pub unread: Vec<SegmentName>,
    /// The latest names that attempts have taken: of segments and sidecars, whole or not, also of unfinished ones.
    pub names: Vec<SegmentName>,
}

/// The JSON of a sidecar: readable for people, and with a checksum, because a flipped digit is valid JSON, too.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(flatten)]
    sidecar: Sidecar,
    #[serde(flatten)]
    committed: Committed,
    /// BLAKE3, in hex, of the fields before, in their order, each with its length in front.
    check: String,
}

impl Recorded {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Self { sidecar, committed, .. } = self;
        let wire = Wire {
            sidecar: sidecar.clone(),
            committed: committed.clone(),
            check: digest(sidecar, committed),
        };
        // Plain fields always have a JSON form. Should they ever not, the sidecar reads as damaged.
        serde_json::to_vec_pretty(&wire).unwrap_or_default()
    }

    fn decode(name: SegmentName, bytes: &[u8]) -> Result<Self, &'static str> {
        let Wire { sidecar, committed, check } =
            serde_json::from_slice(bytes).map_err(|_| "it is no sidecar of a segment")?;
        if check != digest(&sidecar, &committed) {
            return Err("its checksum does not fit");
        }
        if committed.file != name.file() {
            return Err("it belongs to another segment");
        }
        Ok(Self { name, sidecar, committed })
    }
}

fn digest(sidecar: &Sidecar, committed: &Committed) -> String {
    let mut hash = blake3::Hasher::new_derive_key("upscaled 2026 segment sidecar v2");
    let mut field = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    field(&sidecar.first_frame.to_le_bytes());
    field(&sidecar.end_frame.to_le_bytes());
    field(sidecar.fingerprint.as_bytes());
    field(sidecar.frame_list.as_bytes());
    field(sidecar.settings_hash.as_bytes());
    field(sidecar.version.as_bytes());
    field(&sidecar.frames_reused.to_le_bytes());
    field(&sidecar.pixels_reused.to_le_bytes());
    field(committed.file.as_bytes());
    field(&committed.bytes.to_le_bytes());
    field(committed.blake3.as_bytes());
    hash.finalize().to_hex().to_string()
}

/// Reads the sidecar of a segment.
///
/// # Errors
/// [`Error::Damaged`] where it is not what was written, [`Error::Io`] where it cannot be read.
pub(super) fn read_sidecar(folder: &Path, name: SegmentName) -> Result<Recorded, Error> {
    let path = folder.join(name.sidecar());
    let mut bytes = Vec::new();
    let file = open::workers_file(&path).map_err(Error::io("open", &path))?;
    file.take(MAX).read_to_end(&mut bytes).map_err(Error::io("read", &path))?;
    Recorded::decode(name, &bytes).map_err(|reason| Error::Damaged { path, reason: reason.to_owned() })
}

/// True where there is nothing under the name, or something that is no file.
fn is_no_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput)
}

/// What is kept of each segment: more attempts leave something only where a worker does harm.
const ATTEMPTS: usize = 4;

/// Things of segments, the latest few of each.
struct Latest<T>(BTreeMap<u32, BTreeMap<u64, T>>);

impl<T> Latest<T> {
    fn add(&mut self, name: SegmentName, thing: T) {
        let attempts = self.0.entry(name.index).or_default();
        attempts.insert(name.epoch, thing);
        if attempts.len() > ATTEMPTS {
            attempts.pop_first();
        }
    }

    /// True where a thing under this name would be kept.
    fn has_room(&self, name: SegmentName) -> bool {
        self.0.get(&name.index).is_none_or(|attempts| {
            attempts.len() < ATTEMPTS
                || attempts.first_key_value().is_some_and(|(&first, _)| first < name.epoch)
        })
    }

    /// In their order.
    fn all(self) -> impl Iterator<Item = (SegmentName, T)> {
        let of = |index| move |(epoch, thing)| (SegmentName { index, epoch }, thing);
        self.0.into_iter().flat_map(move |(index, attempts)| attempts.into_iter().map(of(index)))
    }
}

/// Reads the sidecars of the first `segments` segments in a job folder. A sidecar does not prove that its segment is there and
/// whole. Workers may write there: however many files there are, the latest few of each segment are kept.
///
/// # Errors
/// The folder cannot be read. One that is missing has no segments.
pub fn scan(folder: &Path, segments: usize) -> Result<Scan, Error> {
    let (mut found, mut unread, mut names) =
        (Latest(BTreeMap::new()), Latest(BTreeMap::new()), Latest(BTreeMap::new()));
    let mut damaged = 0;
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Scan::default()),
        other => other.map_err(Error::io("read", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", folder))?;
        // All names that are ours are UTF-8.
        let Ok(file) = entry.file_name().into_string() else { continue };
        let plain = file.strip_suffix(".part").unwrap_or(&file);
        let is_of_plan = |name: &SegmentName| (name.index as usize) < segments;
        let taken = SegmentName::of_file(plain).or_else(|| SegmentName::of_sidecar(plain));
        let Some(name) = taken.filter(is_of_plan) else { continue };
        names.add(name, ());
        if SegmentName::of_sidecar(&file).is_none() || !found.has_room(name) {
            continue;
        }
        match read_sidecar(folder, name) {
            Ok(recorded) => found.add(name, recorded),
            Err(Error::Io { source, .. }) if !is_no_file(&source) => unread.add(name, ()),
            Err(_) => damaged += 1,
        }
    }
    Ok(Scan {
        found: found.all().map(|(_, recorded)| recorded).collect(),
        damaged,
        unread: unread.all().map(|(name, ())| name).collect(),
        names: names.all().map(|(name, ())| name).collect(),
    })
}
