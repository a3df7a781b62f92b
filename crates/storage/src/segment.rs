//! Finished segments in a job folder.
//!
//! A segment is two immutable files: `seg-000123.e7.pkt`, a [packet log](crate::packet_log), and its sidecar
//! `seg-000123.e7.json`. Their name holds the epoch of the attempt that made them, so that two attempts never write the
//! same file. The sidecar comes first and is durable before the segment appears: where there is a segment, there is
//! its description, and a lost ledger can be rebuilt.

mod check;
mod name;
mod sidecar;
mod sweep;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use check::{SegmentFault, check};
pub use name::SegmentName;
pub use sidecar::{Scan, scan};
pub use sweep::sweep;

use crate::{Error, ScratchFile, space, sync_folder};

/// Bytes read and hashed at a time.
const CHUNK: usize = 256 << 10;
/// Room for what comes with a segment: its sidecar, names in the folder, a last block that is not full.
const BESIDE: u64 = 64 << 10;

/// What a committed segment is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Name of its file in the job folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hex.
    pub blake3: String,
}

/// Moves a verified segment from scratch into the job folder, beside a sidecar that `describe` gives. When this returns, both
/// are on the disk under their names; the row in the ledger comes after.
///
/// # Errors
/// [`Error::NoSpace`] where the disk is full, [`Error::Io`] else. No segment is left under its name, unless the very last
/// step, syncing the folder, failed; the scratch file is unharmed, and committing can be tried again: it writes new
/// files, because what a failed sync has lost cannot be synced a second time.
pub fn commit(
    folder: &Path,
    name: SegmentName,
    scratch: &mut ScratchFile,
    describe: impl FnOnce(&Committed) -> Vec<u8>,
) -> Result<Committed, Error> {
    let path = folder.join(name.file());
    let length = scratch.len();
    // Whichever of the writes finds the disk full: all of them have to fit.
    let needed = length + BESIDE;
    // The disk may be full for a long time; nothing is read and written only to find out.
    let free = space::free_bytes(folder)?;
    if free < length {
        return Err(Error::NoSpace { path: folder.to_owned(), needed, free });
    }
    scratch.rewind().map_err(Error::io("read working files for", &path))?;
    let mut hash = blake3::Hasher::new();
    let part = Part::write(&path, length, needed, scratch, |bytes| {
        hash.update(bytes);
    })?;
    let committed =
        Committed { file: name.file(), bytes: length, blake3: hash.finalize().to_hex().to_string() };

    let text = describe(&committed);
    let beside = folder.join(name.sidecar());
    Part::write(&beside, text.len() as u64, needed, &mut text.as_slice(), |_| {})?.rename(needed)?;
    // Two renames may reach the disk in either order unless the first is synced.
    sync_folder(folder)?;
    part.rename(needed)?;
    sync_folder(folder)?;
    Ok(committed)
}

/// A synced file that does not have its name yet. Removed unless it gets it.
struct Part<'a> {
    unfinished: PathBuf,
    path: &'a Path,
    renamed: bool,
}

impl<'a> Part<'a> {
    /// Writes and syncs all of `from`, which must have `length` bytes. `needed` are those of the whole operation.
    fn write(
        path: &'a Path,
        length: u64,
        needed: u64,
        from: &mut impl Read,
        mut saw: impl FnMut(&[u8]),
    ) -> Result<Self, Error> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let this = Self { unfinished: unfinished.into(), path, renamed: false };
        let mut file = this.create().map_err(Error::writing("create", path, needed))?;
        let mut buffer = vec![0; CHUNK];
        let mut written = 0;
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read working files for", path)(error)),
            };
            saw(&buffer[..read]);
            file.write_all(&buffer[..read]).map_err(Error::writing("write", path, needed))?;
            written += read as u64;
        }
        if written != length {
            let cause = std::io::Error::other(format!("{written} of {length} bytes were there"));
            return Err(Error::io("write", path)(cause));
        }
        file.sync_all().map_err(Error::writing("sync", path, needed))?;
        Ok(this)
    }

    /// Always a new file: one left from before may have lost bytes to a failed sync.
    fn create(&self) -> std::io::Result<File> {
        match fs::remove_file(&self.unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).open(&self.unfinished)
    }

    fn rename(mut self, needed: u64) -> Result<(), Error> {
        fs::rename(&self.unfinished, self.path).map_err(Error::writing("rename to", self.path, needed))?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}
