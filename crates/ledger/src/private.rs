//! Rights of the database's files: it holds digests of secrets, which other users of the machine have no business to read.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The rights of users who are neither the owner nor of the group.
const OTHERS: u32 = 0o007;

/// Makes an empty file that only its owner may read.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Makes an empty database file that only its owner may read, or takes the rights of others away from one that is there, and
/// from what lies beside it. Where that cannot be, the database says what is wrong.
pub(crate) fn keep(path: &Path) {
    if make(path).is_ok() {
        return;
    }
    for ending in ["", "-wal", "-shm", ".backup"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let path = PathBuf::from(name);
        let mode = fs::metadata(&path).map_or(0, |found| found.permissions().mode());
        if mode & OTHERS != 0 {
            let _ = fs::set_permissions(&path, Permissions::from_mode(mode & !OTHERS));
        }
    }
}
