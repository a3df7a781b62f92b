//! Whether a folder can be used, and which disk it is on.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::Error;

/// Checks that this process may make files in a folder, as far as rights and the mount say.
///
/// # Errors
/// The system's reason why it may not.
pub fn check_writable(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Checks that this process may read a file, as far as rights say.
///
/// # Errors
/// The system's reason why it may not.
pub fn check_readable(file: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(file, Access::READ_OK)?)
}

/// The number of the device that a file or folder is on; links are followed. It may change when a share is mounted again.
///
/// # Errors
/// The path cannot be reached.
pub fn device(path: &Path) -> io::Result<u64> {
    Ok(path.metadata()?.dev())
}

/// The number of the mount that a file or folder is on; links are followed. It tells mounts of one device apart, as a folder
/// that is mounted in another place. `None` where the kernel does not say (Linux before 5.8).
pub fn mount(path: &Path) -> Option<u64> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
    StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID).then_some(found.stx_mnt_id)
}

/// The number of a file or folder on its device; links are followed. It stays when the thing is moved there, and a copy has
/// another.
///
/// # Errors
/// The path cannot be reached.
pub fn inode(path: &Path) -> Result<u64, Error> {
    Ok(path.metadata().map_err(Error::io("inspect", path))?.ino())
}

/// The place that a path leads to, by whatever links; of what is not there yet, the place of the nearest folder above it and the
/// rest of the path.
pub fn real_place(path: &Path) -> PathBuf {
    let real = |above: &Path| above.canonicalize().ok().zip(path.strip_prefix(above).ok());
    let joined = |(real, rest): (PathBuf, &Path)| if rest == Path::new("") { real } else { real.join(rest) };
    path.ancestors().find_map(real).map_or_else(|| path.to_owned(), joined)
}

/// True for a folder and all in it, by their names or by what links lead to. What is not there yet counts by where it would be.
pub fn is_below(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder) || real_place(path).starts_with(real_place(folder))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn a_path_is_below_a_folder_by_its_name_or_by_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("films/deep")).unwrap();
        std::os::unix::fs::symlink(at("films"), at("link")).unwrap();
        for (path, of, wanted) in [
            ("films", "films", true),
            ("films/deep/new/a.mkv", "films", true),
            ("link/new", "films", true),
            ("films/deep", "link", true),
            ("filmstrip", "films", false),
            ("films", "films/deep", false),
            ("gone/a", "gone", true),
        ] {
            assert_eq!(is_below(&at(path), &at(of)), wanted, "{path} {of}");
        }
    }

    #[test]
    fn only_what_can_be_written_is_usable() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(folder.path()).unwrap();
        let missing = check_writable(&folder.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        // Even for root: nothing can be made in what may not be entered.
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(check_writable(&file).unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}
