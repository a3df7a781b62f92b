//! Working files that live in memory while they fit and move to the disk when they do not.
//!
//! Memory here is a file without a name or a place (`memfd_create`), not memory of the process: it needs no copy to become a
//! file, no folder that others can fill or look into, and it ends with its process. It must never be mapped.
//! Files on the disk are anonymous too, so that nothing is left behind however the process ends (on the few file systems that
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

use rustix::fs::{MemfdFlags, memfd_create};

use crate::error::NAME_BYTES;
use crate::{Error, memory};

/// The environment variable that limits the memory of working files, in bytes.
pub const MEMORY_VARIABLE: &str = "UPSCALED_SCRATCH_MEMORY";

/// Where working files may go.
#[derive(Debug, Clone)]
pub struct ScratchOptions {
    /// Folder for what does not fit into RAM; made if it is missing.
    pub disk_folder: PathBuf,
    /// The most memory to use, in bytes. Never more than a quarter of what is available is used.
    pub ram_budget: Option<u64>,
}

impl ScratchOptions {
    /// Memory as far as there is enough and [`MEMORY_VARIABLE`] allows, else this folder.
    pub fn new(disk_folder: impl Into<PathBuf>) -> Self {
        let limit = std::env::var(MEMORY_VARIABLE).ok().and_then(|bytes| bytes.parse().ok());
        Self { disk_folder: disk_folder.into(), ram_budget: limit }
    }
}

/// Makes working files; clones share one budget.
#[derive(Debug, Clone)]
pub struct Scratch {
    disk_folder: Arc<PathBuf>,
    budget: Arc<Budget>,
}

impl Scratch {
    /// Looks where working files can go.
    ///
    /// # Errors
    /// The disk folder cannot be made.
    pub fn new(options: ScratchOptions) -> Result<Self, Error> {
        let ScratchOptions { disk_folder, ram_budget } = options;
        fs::create_dir_all(&disk_folder).map_err(Error::io("create", &disk_folder))?;
        let budget = Budget::new(ram_budget.unwrap_or(u64::MAX), memory::available);
        Ok(Self { disk_folder: Arc::new(disk_folder), budget: Arc::new(budget) })
    }

    /// Makes an empty working file: in memory where there is any left, else on the disk.
    ///
    /// # Errors
    /// The disk folder takes no files.
    pub fn create(&self) -> Result<ScratchFile, Error> {
        if self.budget.left() > 0
            && let Ok(file) = memfd_create("upscaled", MemfdFlags::CLOEXEC)
        {
            return Ok(ScratchFile::new(file.into(), self, true));
        }
        let file = self.disk_file().map_err(Error::writing("create", &self.disk_folder, NAME_BYTES))?;
        Ok(ScratchFile::new(file, self, false))
    }

    /// Bytes of memory that working files may take at this moment, those in use included.
    pub fn ram_budget(&self) -> u64 {
        self.budget.limit()
    }

    fn disk_file(&self) -> std::io::Result<fs::File> {
        tempfile::tempfile_in(self.disk_folder.as_path())
    }
}
