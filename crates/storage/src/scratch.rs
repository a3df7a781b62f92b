//! Working files that live in RAM while they fit and move to the disk when they do not.
//!
//! RAM here is a file on a RAM disk (tmpfs), not memory of the process: it needs no copy to become a file, and a full
//! RAM disk is an error code. It must never be mapped into memory, because there a full RAM disk kills the process.
//! All files are anonymous, so that nothing is left behind however the process ends (on the few file systems that
//! cannot do that, a file may stay if the process is killed in the instant between making and unlinking it).

mod budget;
mod file;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use budget::Budget;
pub use file::ScratchFile;

use crate::error::NAME_BYTES;
use crate::{Error, memory, space};

/// A RAM disk with less room than this is not worth moving out of again.
const LEAST_RAM: u64 = 1 << 20;

/// Where working files may go.
#[derive(Debug, Clone)]
pub struct ScratchOptions {
    /// Folder for what does not fit into RAM; made if it is missing.
    pub disk_folder: PathBuf,
    /// Folder on a RAM disk; one that is missing or is no RAM disk is not used. None keeps everything on the disk.
    pub ram_folder: Option<PathBuf>,
    /// The most RAM to use, in bytes. Never more than a quarter of what is available is used.
    pub ram_budget: Option<u64>,
}

impl ScratchOptions {
    /// RAM in `/dev/shm` as far as it is there, else this folder.
    pub fn new(disk_folder: impl Into<PathBuf>) -> Self {
        Self { disk_folder: disk_folder.into(), ram_folder: Some("/dev/shm".into()), ram_budget: None }
    }
}

/// Makes working files; clones share one budget.
#[derive(Debug, Clone)]
pub struct Scratch {
    disk_folder: Arc<PathBuf>,
    ram_folder: Option<Arc<PathBuf>>,
    budget: Arc<Budget>,
}

impl Scratch {
    /// Looks where working files can go.
    ///
    /// # Errors
    /// The disk folder cannot be made.
    pub fn new(options: ScratchOptions) -> Result<Self, Error> {
        let ScratchOptions { disk_folder, ram_folder, ram_budget } = options;
        fs::create_dir_all(&disk_folder).map_err(Error::io("create", &disk_folder))?;
        let room = |folder: &PathBuf| space::free_bytes(folder).unwrap_or(0);
        let ram_folder =
            ram_folder.filter(|folder| space::is_ram(folder) && folder.is_dir() && room(folder) >= LEAST_RAM);
        let most = ram_budget.unwrap_or(u64::MAX).min(ram_folder.as_ref().map_or(0, room));
        Ok(Self {
            disk_folder: Arc::new(disk_folder),
            ram_folder: ram_folder.map(Arc::new),
            budget: Arc::new(Budget::new(most, memory::available)),
        })
    }

    /// Makes an empty working file: in RAM where there is any left, else on the disk.
    ///
    /// # Errors
    /// The disk folder takes no files.
    pub fn create(&self) -> Result<ScratchFile, Error> {
        if let Some(folder) = self.ram_folder.as_ref().filter(|_| self.budget.left() > 0) {
            // The RAM disk may be forbidden to this process, or just have become full; the disk remains.
            if let Ok(file) = tempfile::tempfile_in(folder.as_path()) {
                return Ok(ScratchFile::new(file, self, true));
            }
        }
        let file = self.disk_file().map_err(Error::writing("create", &self.disk_folder, NAME_BYTES))?;
        Ok(ScratchFile::new(file, self, false))
    }

    /// Bytes of RAM that working files may take at this moment, those in use included.
    pub fn ram_budget(&self) -> u64 {
        self.budget.limit()
    }

    fn disk_file(&self) -> std::io::Result<fs::File> {
        tempfile::tempfile_in(self.disk_folder.as_path())
    }
}
