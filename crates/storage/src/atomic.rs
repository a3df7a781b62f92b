//! Small files that are replaced whole.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::Error;

/// Writes a file so that its name shows the old content or the new, never a part, whenever the power fails; when this
/// returns, the new content is on the disk.
///
/// # Errors
/// [`Error::NoSpace`] and [`Error::Io`]; the old content stays, except that it may be either one where the last step,
/// syncing the folder, fails.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = write_part(path, bytes)?;
    // After a failed sync the kernel may have thrown the bytes away and would report success the second time, so the
    // part is dropped and nothing is tried again here.
    part.as_file().sync_all().map_err(Error::writing("sync", path, bytes.len() as u64))?;
    persist(part, path)?;
    sync_folder(folder_of(path))
}

/// Writes a file for people, such as `status.json`: never seen half-written by a reader, but after a power failure it
/// may be an old one. Nothing may depend on it.
///
/// # Errors
/// [`Error::NoSpace`] and [`Error::Io`]; the old content stays.
pub fn write_status(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    persist(write_part(path, bytes)?, path)
}

/// A file's new content, on the disk beside it, which takes its place when it is told to, and is removed where it is not.
#[derive(Debug)]
pub struct Draft {
    part: NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// Writes new content for a file, with the rights of the file that is there. A new one is its owner's alone: it may hold secrets.
    /// A link stays one: what it leads to is replaced.
    ///
    /// # Errors
    /// [`Error::NoSpace`] and [`Error::Io`], also where the file that is there may not be written.
    pub fn write(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let path = if path.exists() {
            path.canonicalize().map_err(Error::io("find", path))?
        } else {
            path.to_owned()
        };
        let before = may_replace(&path)?;
        let part = write_part(&path, bytes)?;
        if let Some(before) = before {
            part.as_file()
                .set_permissions(before.permissions())
                .map_err(Error::io("set the rights of", &path))?;
            let owner = (Some(Uid::from_raw(before.uid())), Some(Gid::from_raw(before.gid())));
            let own = part.as_file().metadata().map_err(Error::io("read the rights of", &path))?;
            if (own.uid(), own.gid()) != (before.uid(), before.gid()) {
                let given = rustix::fs::fchown(part.as_file(), owner.0, owner.1);
                given.map_err(|error| Error::io("keep the owner of", &path)(error.into()))?;
            }
        } else {
            let private = Permissions::from_mode(0o600);
            part.as_file().set_permissions(private).map_err(Error::io("set the rights of", &path))?;
        }
        part.as_file().sync_all().map_err(Error::writing("sync", &path, bytes.len() as u64))?;
        Ok(Self { part, path })
    }

    /// Where the new content lies meanwhile.
    pub fn path(&self) -> &Path {
        self.part.path()
    }

    /// Puts it in the place of the file; when this returns, it is there whenever the power fails.
    ///
    /// # Errors
    /// [`Error::Io`]; the old content stays, except where the last step, syncing the folder, fails.
    pub fn publish(self) -> Result<(), Error> {
        persist(self.part, &self.path)?;
        sync_folder(folder_of(&self.path))
    }
}

/// What a file is that is to be replaced; `None` where there is none.
fn may_replace(path: &Path) -> Result<Option<Metadata>, Error> {
    let found = match File::options().append(true).open(path) {
        Ok(file) => file.metadata(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error),
    };
    let before = found.map_err(Error::io("write", path))?;
    // The root user may write it all the same.
    if before.permissions().readonly() {
        return Err(Error::io("write", path)(io::ErrorKind::PermissionDenied.into()));
    }
    Ok(Some(before))
}

fn write_part(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, Error> {
    let needed = bytes.len() as u64;
    let mut part =
        temporary(folder_of(path), ".upscaled-").map_err(Error::writing("create", path, needed))?;
    part.write_all(bytes).map_err(Error::writing("write", path, needed))?;
    Ok(part)
}

fn persist(part: NamedTempFile, path: &Path) -> Result<(), Error> {
    part.persist(path).map_err(|error| Error::io("rename to", path)(error.error))?;
    Ok(())
}

/// A temporary file that becomes a file for others. It is hidden and ends in `.part`, so that it is not taken for a
/// video, and it is as readable as the user's umask says; a temporary file would else be private.
pub(crate) fn temporary(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(prefix)
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// Makes a folder and those above it, durably: whatever is synced inside a folder is lost with it when the folder's own
/// name is lost. One that is there is left as it is.
///
/// # Errors
/// A folder cannot be made or synced.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    make_folder(folder_of(folder))?;
    make_one(folder)
}

/// As [`make_folder`] for a folder inside `root`, which is not made: where it is away, it must not come to be in another
/// place, such as below the point where it is to be mounted.
///
/// # Errors
/// A folder cannot be made or synced, or `root` is not there.
pub fn make_folder_below(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if folder == root || !folder.starts_with(root) {
        return Err(io::ErrorKind::NotFound.into());
    }
    make_folder_below(root, folder_of(folder))?;
    make_one(folder)
}

/// Makes a folder in one that is there, durably.
fn make_one(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other,
    }?;
    sync_names(folder_of(folder))
}

/// Makes the names in a folder durable: a rename is on the disk only after this.
///
/// # Errors
/// The folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> Result<(), Error> {
    sync_names(folder).map_err(Error::io("sync", folder))
}

/// As [`sync_folder`].
pub(crate) fn sync_names(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems have no such operation; they order names by themselves or not at all.
        Err(error) if [Errno::INVAL, Errno::BADF, Errno::OPNOTSUPP].iter().any(|e| is(&error, *e)) => Ok(()),
        other => other,
    }
}

pub(crate) fn is(error: &io::Error, code: Errno) -> bool {
    error.raw_os_error() == Some(code.raw_os_error())
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn replaces_whole_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        for write in [write_atomic, write_status] {
            write(&path, b"old").unwrap();
            write(&path, b"new and longer").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new and longer");
            assert_eq!(names(folder.path()), ["status.json"]);
        }
    }

    #[test]
    fn a_folder_is_made_below_one_that_is_there_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let deep = root.join("a/b");
        assert_eq!(make_folder_below(&root, &deep).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!root.exists());
        fs::create_dir(&root).unwrap();
        make_folder_below(&root, &deep).unwrap();
        make_folder_below(&root, &deep).unwrap();
        assert!(deep.is_dir());
        assert!(make_folder_below(&root, &folder.path().join("other")).is_err());
    }

    #[test]
    fn a_draft_takes_the_place_and_the_rights_of_a_file_or_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.toml"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a.toml", &link).unwrap();
        let draft = Draft::write(&link, b"new").unwrap();
        assert_eq!(
            (fs::read(draft.path()).unwrap(), fs::read(&path).unwrap()),
            (b"new".to_vec(), b"old".to_vec())
        );
        drop(draft);
        assert_eq!(names(folder.path()).len(), 2);
        Draft::write(&link, b"new").unwrap().publish().unwrap();
        assert!(link.is_symlink() && fs::read(&link).unwrap() == b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        assert!(Draft::write(&path, b"newer").unwrap_err().to_string().contains("a.toml"));
        assert_eq!((fs::read(&path).unwrap(), names(folder.path()).len()), (b"new".to_vec(), 2));
        Draft::write(&folder.path().join("b.toml"), b"first").unwrap().publish().unwrap();
        let new = folder.path().join("b.toml");
        assert_eq!(fs::read(&new).unwrap(), b"first");
        assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_failure_keeps_the_old_content_and_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        let error = write_atomic(&path, b"x").unwrap_err().to_string();
        assert!(error.contains("taken"), "{error}");
        assert_eq!(names(folder.path()), ["taken"]);
        assert!(write_atomic(&folder.path().join("no/folder"), b"x").is_err());
    }

    #[test]
    fn folders_are_made_with_those_above_them() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        for _ in 0..2 {
            make_folder(&deep).unwrap();
            assert!(deep.is_dir());
        }
        fs::write(deep.join("file"), "").unwrap();
        for blocked in ["file", "file/d"] {
            assert!(make_folder(&deep.join(blocked)).is_err());
        }
    }

    #[test]
    fn others_may_read_it_as_the_umask_allows() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, usual) = (folder.path().join("a"), folder.path().join("b"));
        write_atomic(&ours, b"").unwrap();
        fs::write(&usual, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&usual));
    }
}
