//! Removing a folder that a worker wrote to, which may have been taken over: folders inside each other a hundred thousand deep
//! overflow no stack and need no more open files than others.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

/// Most times that a folder is looked through; each time it is less deep by one.
const MOST_PASSES: u32 = 10_000_000;

/// Removes a folder and all in it; links are not followed. What is deep is moved up, to be removed in its turn.
///
/// # Errors
/// It is no folder, or something in it cannot be removed.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    let top = open(CWD, folder)?;
    let mut moved = 0_u64;
    let mut passes = 0;
    while empty(&top, &mut moved)? {
        passes += 1;
        if passes == MOST_PASSES {
            return Err(io::Error::other("something new comes to be in it again and again"));
        }
    }
    std::fs::remove_dir(folder)
}

fn open<P: rustix::path::Arg>(at: impl std::os::fd::AsFd, path: P) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(at, path, flags, Mode::empty())?)
}

/// Removes what is in a folder, and moves what is in the folders of it into it. True when there was something.
fn empty(top: &OwnedFd, moved: &mut u64) -> io::Result<bool> {
    let mut had_some = false;
    each(top, |name, kind| {
        had_some = true;
        if is_removed(top, name, kind)? {
            return Ok(());
        }
        let inner = match open(top, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        each(&inner, |deep, kind| {
            if !is_removed(&inner, deep, kind)? {
                lift(&inner, deep, top, moved)?;
            }
            Ok(())
        })?;
        is_removed(top, name, FileType::Directory).map(drop)
    })?;
    Ok(had_some)
}

/// Does something with each name in a folder.
fn each(folder: &OwnedFd, mut with: impl FnMut(&CStr, FileType) -> io::Result<()>) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            with(name, entry.file_type())?;
        }
    }
    Ok(())
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

/// Moves a folder up, under a name that nothing has.
fn lift(from: &OwnedFd, name: &CStr, top: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    loop {
        *moved += 1;
        match renameat(from, name, top, format!(".removed-{moved}")) {
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
            other => return Ok(other?),
        }
    }
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
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("job");
        fs::create_dir_all(folder.join("a/b/c")).unwrap();
        fs::create_dir_all(folder.join(".removed-1/d")).unwrap();
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
