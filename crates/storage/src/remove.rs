//! Removing a folder that a worker wrote to, which may have been taken over: folders inside each other a hundred thousand deep
//! overflow no stack and need no more open files than others.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, unlinkat};
use rustix::io::Errno;

/// Removes a folder and all in it; links are not followed. One folder is open at a time.
///
/// # Errors
/// It is no folder, or something in it cannot be removed or is moved meanwhile.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    let mut here = open(CWD, folder)?;
    // The folders above it: what each is, and the name in it that leads here.
    let mut above: Vec<((u64, u64), CString)> = Vec::new();
    loop {
        if let Some(name) = empty(&here)? {
            let inner = open(&here, &*name)?;
            above.push((identity(&here)?, name));
            here = inner;
            continue;
        }
        let Some((parent, name)) = above.pop() else { break };
        here = open(&here, c"..")?;
        if identity(&here)? != parent {
            return Err(io::Error::other("it is moved while it is removed"));
        }
        is_removed(&here, &name, FileType::Directory)?;
    }
    std::fs::remove_dir(folder)
}

fn open<P: rustix::path::Arg>(at: impl AsFd, path: P) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(at, path, flags, Mode::empty())?)
}

/// Tells a folder from all others.
fn identity(folder: &OwnedFd) -> io::Result<(u64, u64)> {
    let found = fstat(folder)?;
    Ok((found.st_dev, found.st_ino))
}

/// Removes files and empty folders from a folder, up to one that is not empty, whose name it gives.
fn empty(folder: &OwnedFd) -> io::Result<Option<CString>> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." && !is_removed(folder, name, entry.file_type())? {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// Removes a file, a link or an empty folder; false for a folder that is not empty.
fn is_removed(folder: &OwnedFd, name: &CStr, kind: FileType) -> io::Result<bool> {
    let removed = |flags| match unlinkat(folder, name, flags) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(error) => Err(error),
    };
    let as_file = if kind == FileType::Directory { Err(Errno::ISDIR) } else { removed(AtFlags::empty()) };
    // Some file systems do not say which names are folders.
    let removed = match as_file {
        Err(Errno::ISDIR | Errno::PERM) => removed(AtFlags::REMOVEDIR),
        other => other,
    };
    Ok(removed?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::mkdirat;

    use super::*;

    /// Folders inside each other, each with a file.
    fn nest(folder: &Path, depth: usize) {
        let mut inner = open(CWD, folder).unwrap();
        for _ in 0..depth {
            openat(&inner, "file", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
            mkdirat(&inner, "deep", Mode::RWXU).unwrap();
            inner = open(&inner, "deep").unwrap();
        }
    }

    #[test]
    fn folders_of_any_depth_are_removed_on_a_small_stack() {
        // In memory, where it takes a second.
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let folder = root.path().join("job");
        fs::create_dir_all(folder.join("a/b/c")).unwrap();
        nest(&folder, 60_000);
        nest(&folder.join("a/b"), 500);
        let small = std::thread::Builder::new().stack_size(64 << 10);
        let removing = folder.clone();
        small.spawn(move || remove_folder(&removing)).unwrap().join().unwrap().unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn what_links_lead_to_stays() {
        let root = tempfile::tempdir().unwrap();
        let (folder, kept) = (root.path().join("job"), root.path().join("kept"));
        fs::create_dir_all(&kept).unwrap();
        fs::write(kept.join("file"), "").unwrap();
        fs::create_dir_all(folder.join("deep/deeper")).unwrap();
        for place in ["link", "deep/link", "deep/deeper/link"] {
            std::os::unix::fs::symlink(&kept, folder.join(place)).unwrap();
        }
        remove_folder(&folder).unwrap();
        assert!(!folder.exists() && kept.join("file").exists());
        std::os::unix::fs::symlink(&kept, &folder).unwrap();
        remove_folder(&folder).unwrap_err();
        assert!(kept.join("file").exists());
        assert_eq!(remove_folder(&root.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
