//! One process per folder.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::Error;

/// Name of the lock file.
const NAME: &str = ".upscaled.lock";
/// Most bytes of it that are read.
const LONGEST: u64 = 256;

/// Holds a folder for this process until it is dropped or the process ends, in whatever way.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Takes the folder, which must exist.
    ///
    /// # Errors
    /// [`Error::InUse`] where another process (or another lock of this one) has it, [`Error::Io`] else, also where the
    /// folder was removed meanwhile.
    pub fn acquire(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        // Not truncated on opening: until the lock is ours, the content belongs to the owner.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::InUse { path: folder.to_owned(), owner: owner(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
        // Its owner may have removed the folder between the two steps: then no other process meets this lock.
        let of = |found: Metadata| (found.dev(), found.ino());
        let locked = file.metadata().map_err(Error::io("inspect", &path))?;
        let there = std::fs::metadata(&path).map_err(Error::io("open", &path))?;
        if of(locked) != of(there) {
            return Err(Error::InUse { path: folder.to_owned(), owner: "another process".to_owned() });
        }
        let mut lock = Self { file };
        lock.describe("");
        Ok(lock)
    }

    /// Says who has the folder beyond the number of the process, to a process that finds it in use: a few words in one line.
    pub fn describe(&mut self, words: &str) {
        let mut sign = || {
            self.file.set_len(0)?;
            self.file.rewind()?;
            write!(self.file, "{}\n{words}\n", std::process::id())
        };
        // It is for people only, so a full disk is no reason to give the folder up.
        let _ = sign();
    }
}

impl Drop for FolderLock {
    /// The file stays, because deleting it would let two processes lock two files of the same name. Closing it
    /// releases the lock.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

/// Who has the folder, as far as the lock file says.
fn owner(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(LONGEST).read_to_string(&mut text);
    let mut lines = text.lines().map(str::trim);
    let Some(process) = lines.next().and_then(|line| line.parse::<u32>().ok()) else {
        return "another process".to_owned();
    };
    match lines.next().filter(|words| !words.is_empty()) {
        Some(words) => format!("process {process} ({words})"),
        None => format!("process {process}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = FolderLock::acquire(folder.path()).unwrap();
        let refused = || FolderLock::acquire(folder.path()).unwrap_err();
        assert!(matches!(refused(), Error::InUse { .. }));
        let process = format!("process {}", std::process::id());
        assert!(refused().to_string().contains(&format!("{process};")), "{}", refused());
        first.describe("a server since noon");
        assert!(refused().to_string().contains(&format!("{process} (a server since noon)")), "{}", refused());
        drop(first);
        FolderLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn a_lock_file_left_by_a_dead_process_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), "999999 and more").unwrap();
        let _lock = FolderLock::acquire(folder.path()).unwrap();
        assert!(FolderLock::acquire(&folder.path().join("missing")).is_err());
    }
}
