//! Finding the files of segments and what is written beside them, so that a lost ledger can be rebuilt.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use super::SegmentName;
use crate::{Error, open};

/// The descriptions of segments in a job folder.
#[derive(Debug)]
pub struct Scan<T> {
    /// Those that are whole, by index and epoch, the latest few of each segment. Their segments have not been looked at.
    pub found: Vec<(SegmentName, T)>,
    /// How many are damaged.
    pub damaged: u64,
    /// Those that the system would not read, as when a disk or a network share fails: they may be whole.
    pub unread: Vec<SegmentName>,
    /// The latest names that attempts have taken: of segments and sidecars, whole or not, also of unfinished ones.
    pub names: Vec<SegmentName>,
}

/// The bytes of the sidecar of a segment, `most` of them.
fn read_sidecar(folder: &Path, name: SegmentName, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open::workers_file(&folder.join(name.sidecar()))?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
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

/// Reads the sidecars of the first `segments` segments in a job folder, `most` bytes of each, which `read` makes sense of. A
/// sidecar does not prove that its segment is there and whole. Workers may write there: however many files there are, the
/// latest few of each segment are kept.
///
/// # Errors
/// The folder cannot be read. One that is missing has no segments.
pub fn scan<T>(
    folder: &Path,
    segments: usize,
    most: u64,
    read: impl Fn(SegmentName, &[u8]) -> Option<T>,
) -> Result<Scan<T>, Error> {
    let (mut found, mut unread, mut names) =
        (Latest(BTreeMap::new()), Latest(BTreeMap::new()), Latest(BTreeMap::new()));
    let mut damaged = 0;
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        other => Some(other.map_err(Error::io("read", folder))?),
    };
    for entry in entries.into_iter().flatten() {
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
        match read_sidecar(folder, name, most).map(|bytes| read(name, &bytes)) {
            Ok(Some(description)) => found.add(name, description),
            Err(error) if !is_no_file(&error) => unread.add(name, ()),
            _ => damaged += 1,
        }
    }
    Ok(Scan {
        found: found.all().collect(),
        damaged,
        unread: unread.all().map(|(name, ())| name).collect(),
        names: names.all().map(|(name, ())| name).collect(),
    })
}
