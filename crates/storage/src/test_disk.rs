//! A disk that is soon full, for tests.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A small RAM disk, unmounted at the end.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// None, with the reason printed, where this process may not mount anything.
    pub(crate) fn mount(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder)),
            other => {
                println!("skipped: cannot mount a small RAM disk: {other:?}");
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}
