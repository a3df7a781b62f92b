//! How much room a disk has, and what kind of file system it is.

use std::io;
use std::path::Path;

use crate::Error;

/// Where a path's bytes are in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// A file system of this machine: locks, `fsync` and change events can be relied on.
    Local,
    /// Bytes go through another machine or another program. A database does not belong there, and a folder
    /// has to be polled.
    Network {
        /// Its name for people: "NFS", "SMB".
        name: &'static str,
    },
}

/// Magic numbers of statfs(2). FUSE is among them: sshfs, rclone, virtiofs and shared folders of virtual machines all
/// look the same, and taking a local one for remote costs only convenience.
const NETWORK: [(u32, &str); 14] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0xFF53_4D42, "CIFS"),
    // Also drives of Windows seen from WSL2.
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x786F_4256, "VirtualBox shared folder"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x0BD0_0BD0, "Lustre"),
    (0x1983_0326, "BeeGFS"),
];

/// Bytes that an unprivileged process can still write to the file system of `path`, or of its nearest folder that
/// exists.
///
/// # Errors
/// The file system cannot be asked.
pub fn free_bytes(path: &Path) -> Result<u64, Error> {
    let found = on_nearest(path, |path| rustix::fs::statvfs(path))?;
    // With a fragment size of 0 the block size counts; old FUSE servers leave it out.
    let unit = if found.f_frsize == 0 { found.f_bsize } else { found.f_frsize };
    Ok(found.f_bavail.saturating_mul(unit))
}

/// Checks that `bytes` can be written to the file system of `path`.
///
/// # Errors
/// [`Error::NoSpace`] where it has less, [`Error::Io`] where it cannot be asked.
pub fn require(path: &Path, bytes: u64) -> Result<(), Error> {
    let free = free_bytes(path)?;
    if free < bytes {
        return Err(Error::NoSpace { path: path.to_owned(), needed: bytes, free });
    }
    Ok(())
}

/// Whether an error says that the disk, or the user's share of it, is full.
pub fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What kind of file system `path`, or its nearest folder that exists, is on.
///
/// # Errors
/// The file system cannot be asked.
pub fn file_system_kind(path: &Path) -> Result<FileSystem, Error> {
    let magic = magic(path)?;
    let network = NETWORK.iter().find(|(known, _)| *known == magic);
    Ok(network.map_or(FileSystem::Local, |&(_, name)| FileSystem::Network { name }))
}

/// Magic numbers have 32 bits; the type of the field differs between platforms and may sign-extend them.
fn magic(path: &Path) -> Result<u32, Error> {
    Ok(on_nearest(path, |path| rustix::fs::statfs(path))?.f_type as u32)
}

/// Asks about `path`, else about the first of its parents that exists: a file about to be written has none yet.
fn on_nearest<T>(path: &Path, ask: impl Fn(&Path) -> rustix::io::Result<T>) -> Result<T, Error> {
    let mut at = path;
    loop {
        // The parent of "name" is "", which means the current folder.
        let asked = if at.as_os_str().is_empty() { Path::new(".") } else { at };
        match (ask(asked), at.parent()) {
            (Ok(found), _) => return Ok(found),
            (Err(rustix::io::Errno::NOENT), Some(parent)) => at = parent,
            (Err(error), _) => return Err(Error::io("ask the file system of", path)(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_found_for_files_that_do_not_exist_yet() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("not/there/yet.mkv");
        assert!(free_bytes(&deep).unwrap() > 0);
        assert!(free_bytes(Path::new("no-such-file")).unwrap() > 0);
        require(&deep, 1).unwrap();
        assert!(matches!(require(&deep, u64::MAX), Err(Error::NoSpace { needed: u64::MAX, .. })));
        assert_eq!(file_system_kind(&deep).unwrap(), FileSystem::Local);
    }

    #[test]
    fn full_disks_are_recognised() {
        assert!(is_no_space(&rustix::io::Errno::NOSPC.into()));
        assert!(is_no_space(&rustix::io::Errno::DQUOT.into()));
        assert!(!is_no_space(&rustix::io::Errno::IO.into()));
    }

    #[test]
    fn proc_is_no_network() {
        assert_eq!(file_system_kind(Path::new("/proc")).unwrap(), FileSystem::Local);
    }
}
