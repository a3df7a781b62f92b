//! Putting a finished file under its final name.
//!
//! Whatever happens on the way, the name shows nothing (or, when replacing, the old file) or the whole new file. The
//! order is: sync the file, rename it, sync the folders. Where the part is on another file system, it is first copied
//! beside the target under a hidden name.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::atomic::{folder_of, is, sync_folder, sync_names, temporary};
use crate::error::NAME_BYTES;
use crate::{Error, checksum, open, space};

/// What copies on the way to another file system are called, around some random letters.
const COPY: (&str, &str) = (".upscaled-copy-", ".part");

/// Moves `part` to `target`, which must not exist, durably.
///
/// # Errors
/// [`Error::TargetExists`] where something has the name already: it is untouched, and so is the part.
/// [`Error::NoSpace`] where a copy does not fit. [`Error::Io`] else; where syncing `part` failed, its bytes may be lost
/// and it has to be made anew rather than published again.
pub fn publish(part: &Path, target: &Path) -> Result<(), Error> {
    place(part, target, Existing::Keep)
}

/// Moves `part` to `target` durably, in place of a file that may be there.
///
/// # Errors
/// As [`publish`], except that a file is no hindrance; a folder is.
pub fn publish_replacing(part: &Path, target: &Path) -> Result<(), Error> {
    place(part, target, Existing::Replace)
}

/// Copies a file of the user's, where links are followed, to `target`, which must not exist, durably.
///
/// # Errors
/// [`Error::TargetExists`] where something has the name already: it is untouched. [`Error::NoSpace`] where the copy does not
/// fit. [`Error::Io`] else, also for what is no file.
pub fn publish_copy(from: &Path, target: &Path) -> Result<(), Error> {
    let file = open::users_file(from).map_err(Error::io("open", from))?;
    let length = file.metadata().map_err(Error::io("inspect", from))?.len();
    copy_over(&file, length, target, Existing::Keep)?;
    sync_folder(folder_of(target))
}

/// Removes copies that earlier processes left in a folder of results when they were killed. Those of living processes
/// stay. Gives how many there were.
///
/// # Errors
/// The folder cannot be read; a folder that is missing has nothing left in it.
pub fn remove_leftovers(folder: &Path) -> Result<usize, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other.map_err(Error::io("read", folder))?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(Error::io("read", folder))?;
        if !is_copy(&entry.file_name()) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // The process that makes a copy holds a lock on it. One that vanished meanwhile has become a result.
        if open::workers_file(&path).is_ok_and(|file| file.try_lock().is_ok())
            && fs::remove_file(&path).is_ok()
        {
            removed += 1;
        }
    }
    Ok(removed)
}

/// What happens to a file that has the target's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    Keep,
    Replace,
}

fn place(part: &Path, target: &Path, existing: Existing) -> Result<(), Error> {
    let file = open::workers_file(part).map_err(Error::io("open", part))?;
    let length = file.metadata().map_err(Error::io("inspect", part))?.len();
    file.sync_all().map_err(Error::writing("sync", part, length))?;
    let part_remains = if is_copied(part, &file, target) {
        // The process died or the power failed before the second half of a move.
        true
    } else {
        match rename(part, target, existing) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                copy_over(&file, length, target, existing)?;
                true
            }
            other => {
                other.map_err(failed(target))?;
                false
            }
        }
    };
    sync_folder(folder_of(target))?;
    if part_remains {
        // Until the new name is durable, the part is the only copy that outlives a power failure.
        fs::remove_file(part).map_err(Error::io("remove", part))?;
    }
    if folder_of(part) != folder_of(target) {
        sync_folder(folder_of(part))?;
    }
    Ok(())
}

/// Whether the target is another file with the bytes of the part, durably, or a second name of it. It is not read
/// unless it has their length.
fn is_copied(part: &Path, file: &File, target: &Path) -> bool {
    let is_another = |one: &Metadata, other: &Metadata| {
        (one.dev(), one.ino()) != (other.dev(), other.ino()) || is_second_name(part, target)
    };
    open::workers_file(target).is_ok_and(|copy| {
        matches!((file.metadata(), copy.metadata()), (Ok(a), Ok(b)) if a.len() == b.len() && is_another(&a, &b))
            && matches!((checksum(part), checksum(target)), (Ok(a), Ok(b)) if a == b)
            && copy.sync_all().is_ok()
    })
}

/// Brings the bytes to the target from another file system. When this returns, they are there durably, but for the
/// name.
fn copy_over(mut part: &File, length: u64, target: &Path, existing: Existing) -> Result<(), Error> {
    // Asked before copying, because a long film takes minutes to copy; the rename asks again.
    if existing == Existing::Keep && target.symlink_metadata().is_ok() {
        return Err(Error::TargetExists { path: target.to_owned() });
    }
    space::require(folder_of(target), length)?;
    let mut copy = create_copy(target).map_err(Error::writing("create", target, length))?;
    let copied = io::copy(&mut part, copy.as_file_mut()).map_err(Error::writing("write", target, length))?;
    if copied != length {
        return Err(Error::io("copy to", target)(io::Error::other("the file changed while it was copied")));
    }
    copy.as_file().sync_all().map_err(Error::writing("sync", target, length))?;
    rename(copy.path(), target, existing).map_err(failed(target))?;
    // The copy has its final name; there is nothing left to remove under the other one.
    let _ = copy.keep();
    Ok(())
}

fn create_copy(target: &Path) -> io::Result<NamedTempFile> {
    let copy = temporary(folder_of(target), COPY.0)?;
    // Tells a living copy from a leftover. A file system without locks has to do without.
    let _ = copy.as_file().try_lock();
    Ok(copy)
}

fn is_copy(name: &OsStr) -> bool {
    name.as_bytes().starts_with(COPY.0.as_bytes()) && name.as_bytes().ends_with(COPY.1.as_bytes())
}

fn failed(target: &Path) -> impl FnOnce(io::Error) -> Error {
    move |error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::TargetExists { path: target.to_owned() },
        _ => Error::writing("rename to", target, NAME_BYTES)(error),
    }
}

fn rename(from: &Path, to: &Path, existing: Existing) -> io::Result<()> {
    if existing == Existing::Replace {
        return fs::rename(from, to);
    }
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
        Err(error) if [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].iter().any(|e| is(&error, *e)) => {
            rename_by_link(from, to)
        }
        other => other,
    }
}

/// For file systems (network ones, mostly) whose rename always replaces: a hard link never does.
fn rename_by_link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => {}
        // After a crash between the two steps the target is this very file, and the second step remains.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_second_name(from, to) => {}
        Err(error)
            if [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL].iter().any(|e| is(&error, *e)) =>
        {
            return rename_if_missing(from, to);
        }
        Err(error) => return Err(error),
    }
    // The old name must not be gone on the disk before the new one is there.
    sync_names(folder_of(to))?;
    fs::remove_file(from)
}

/// Whether two different names mean the same file, so that one of them can go.
fn is_second_name(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| path.symlink_metadata().map(|found| (found.dev(), found.ino(), found.nlink()));
    let name = |path: &Path| {
        folder_of(path).canonicalize().map(|folder| (folder, path.file_name().map(OsStr::to_owned)))
    };
    matches!((file(one), file(other)), (Ok(a), Ok(b)) if a == b && a.2 == 2)
        && matches!((name(one), name(other)), (Ok(a), Ok(b)) if a != b)
}

/// For file systems without hard links (FAT, some shared folders). Here a file that appears between the two steps is
/// replaced; reserving the name with an empty file would show something that is not whole.
fn rename_if_missing(from: &Path, to: &Path) -> io::Result<()> {
    match to.symlink_metadata() {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
