//! Opening files that someone else may have had a hand in.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::atomic::is;

/// Opens a file that a worker has written. A worker may have been taken over by what it decoded: a link in the file's
/// place would show us a file that the worker cannot read, and a pipe would make us wait for ever.
///
/// Both are errors of the kind `InvalidInput`.
pub(crate) fn workers_file(path: &Path) -> io::Result<File> {
    let link = |error: io::Error| if is(&error, Errno::LOOP) { invalid("it is a link") } else { error };
    regular(path, OFlags::NOFOLLOW).map_err(link)
}

/// Opens a file of the user, where links are welcome; anything else than a file is an error.
pub(crate) fn users_file(path: &Path) -> io::Result<File> {
    regular(path, OFlags::empty())
}

fn regular(path: &Path, flags: OFlags) -> io::Result<File> {
    // Without NONBLOCK, opening a pipe waits for its other end; on files it has no effect.
    let flags = (flags | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(invalid("it is no regular file")) }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_folders_and_links_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "x").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        let fifo = rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        );
        fifo.unwrap();
        for (name, worker, user) in
            [("file", true, true), ("link", false, true), ("pipe", false, false), ("", false, false)]
        {
            for (opened, expected) in [(workers_file(&at(name)), worker), (users_file(&at(name)), user)] {
                match opened {
                    Ok(_) => assert!(expected, "{name}"),
                    Err(error) => {
                        assert!(!expected && error.kind() == io::ErrorKind::InvalidInput, "{name}: {error}");
                    }
                }
            }
        }
        assert_eq!(workers_file(&at("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
