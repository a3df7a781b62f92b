//! A secret of a folder, by which files in places where others write are known as its owner's.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::{Error, open, sync_folder};

/// The file of the key.
const NAME: &str = "key";
const LENGTH: usize = 32;

/// A key that only those know who can read its folder.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; LENGTH]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The key of a folder, made at the first time. One that is damaged is replaced: what it sealed is not known again then.
    ///
    /// # Errors
    /// It cannot be read or kept.
    pub fn of(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        if let Some(key) = Self::existing(folder)? {
            return Ok(key);
        }
        let mut key = [0; LENGTH];
        let random = Path::new("/dev/urandom");
        File::open(random)
            .and_then(|mut file| file.read_exact(&mut key))
            .map_err(Error::io("read", random))?;
        // A temporary file is its owner's alone.
        let mut file =
            NamedTempFile::new_in(folder).map_err(Error::writing("create", &path, LENGTH as u64))?;
        let written = file.write_all(&key).and_then(|()| file.as_file().sync_all());
        written.map_err(Error::writing("write", &path, LENGTH as u64))?;
        file.persist(&path).map_err(|error| Error::io("rename to", &path)(error.error))?;
        sync_folder(folder)?;
        Ok(Self(key))
    }

    /// The key of a folder, where it has a whole one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn existing(folder: &Path) -> Result<Option<Self>, Error> {
        let bytes = open::read_workers_file(&folder.join(NAME), 1 << 10)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(Self))
    }

    /// What only the owner of the key can make of a text.
    pub(crate) fn seal(&self, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.0, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_keeps_its_key_and_nobody_else_reads_it() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(Key::existing(one.path()).unwrap(), None);
        let key = Key::of(one.path()).unwrap();
        assert!(key == Key::of(one.path()).unwrap() && key != Key::of(other.path()).unwrap());
        let mode = std::fs::metadata(one.path().join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(one.path().join(NAME), "cut").unwrap();
        assert_ne!(Key::of(one.path()).unwrap(), key);
    }
}
