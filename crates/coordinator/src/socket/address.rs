//! Where the socket is. The system takes paths of 107 bytes; folders lie deeper.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

/// Name of the socket in the folder of a server's state.
pub(super) const NAME: &str = "upscaled.sock";
/// Its name until it is ready.
pub(super) const NEW: &str = "upscaled.sock.new";
/// Longest path of a socket in bytes: the system's field has 108, with a zero at the end.
const LONGEST: usize = 107;

/// A socket by a path that is short enough, as long as this is kept.
#[derive(Debug)]
pub(super) struct Address {
    path: PathBuf,
    _folder: Option<OwnedFd>,
}

impl Address {
    /// The socket of this name in a folder.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(super) fn of(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name);
        if path.as_os_str().len() <= LONGEST {
            return Ok(Self { path, _folder: None });
        }
        let folder = open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_folder_may_lie_as_deep_as_it_likes() {
        let folder = tempfile::tempdir().unwrap();
        for deep in [String::new(), "d".repeat(90), format!("{0}/{0}/{0}", "e".repeat(200))] {
            let folder = folder.path().join(deep);
            std::fs::create_dir_all(&folder).unwrap();
            let address = Address::of(&folder, NAME).unwrap();
            assert!(address.path().as_os_str().len() <= LONGEST);
            let _listener = UnixListener::bind(address.path()).unwrap();
            assert!(folder.join(NAME).exists());
            UnixStream::connect(Address::of(&folder, NAME).unwrap().path()).unwrap();
        }
        assert!(Address::of(&folder.path().join("f".repeat(120)), NAME).is_err());
    }
}
