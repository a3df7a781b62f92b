//! Opening files that someone else may have had a hand in.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::Error;
use crate::atomic::is;

/// Opens a file that a worker has written. A worker may have been taken over by what it decoded: a link in the file's
/// place would show us a file that the worker cannot read, and a pipe would make us wait for ever.
///
/// Both are errors of the kind `InvalidInput`.
pub(crate) fn workers_file(path: &Path) -> io::Result<File> {
    let link = |error: io::Error| if is(&error, Errno::LOOP) { invalid("it is a link") } else { error };
    regular(path, OFlags::NOFOLLOW).map_err(link)
}

/// Opens a file in a folder that others may write to, for reading.
///
/// # Errors
/// It is not there, is a link or no regular file, or cannot be opened.
pub fn open_shared_file(path: &Path) -> Result<File, Error> {
    workers_file(path).map_err(Error::io("open", path))
}

/// Opens a file of the user, which may be a link, for reading.
///
/// # Errors
/// It is not there, is no regular file, or cannot be opened.
pub fn open_users_file(path: &Path) -> Result<File, Error> {
    users_file(path).map_err(Error::io("open", path))
}

/// The bytes that a file has that a worker wrote.
///
/// # Errors
/// It is not there, is no file or a link, or cannot be looked at.
pub fn workers_bytes(path: &Path) -> Result<u64, Error> {
    let metadata = workers_file(path).and_then(|file| file.metadata());
    metadata.map(|metadata| metadata.len()).map_err(Error::io("open", path))
}

/// Opens a file that a worker may have written, and takes its name away; `None` where there is none. Who has it open can read it to
/// its end.
///
/// # Errors
/// It is no file or a link, or cannot be opened or removed.
pub fn take_workers_file(path: &Path) -> Result<Option<File>, Error> {
    match workers_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => {
            let file = opened.map_err(Error::io("open", path))?;
            std::fs::remove_file(path).map_err(Error::io("remove", path))?;
            Ok(Some(file))
        }
    }
}

/// Reads a small file that a worker may have written; `None` where there is none.
///
/// # Errors
/// It is no file or a link, has more than `most` bytes, or cannot be read.
pub fn read_workers_file(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Error> {
    match workers_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.and_then(|file| read_bounded(file, most)).map(Some).map_err(Error::io("read", path)),
    }
}

/// As [`read_workers_file`], for a file of the user, which may be a link.
///
/// # Errors
/// It is no file, has more than `most` bytes, or cannot be read.
pub fn read_users_file(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Error> {
    match users_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.and_then(|file| read_bounded(file, most)).map(Some).map_err(Error::io("read", path)),
    }
}

fn read_bounded(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(invalid("it is larger than such files are")) } else { Ok(bytes) }
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
        assert_eq!(workers_bytes(&at("file")).unwrap(), 1);
        assert!(workers_bytes(&at("link")).is_err());
    }

    #[test]
    fn a_file_that_was_taken_is_read_and_no_more_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(take_workers_file(&path).unwrap().is_none());
        std::fs::write(&path, "abc").unwrap();
        let file = take_workers_file(&path).unwrap().unwrap();
        assert!(!path.exists());
        assert_eq!(read_bounded(file, 3).unwrap(), b"abc");
        std::os::unix::fs::symlink("other", &path).unwrap();
        assert!(take_workers_file(&path).is_err());
    }

    #[test]
    fn files_are_read_up_to_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(read_workers_file(&path, 3).unwrap(), None);
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read_workers_file(&path, 3).unwrap().unwrap(), b"abc");
        assert!(read_workers_file(&path, 2).is_err());
        // A file that takes no room on the disk, but would in memory.
        File::create(&path).unwrap().set_len(3 << 30).unwrap();
        assert!(read_workers_file(&path, 1 << 20).is_err() && read_users_file(&path, 1 << 20).is_err());
    }
}
