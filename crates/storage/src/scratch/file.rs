//! One working file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;

use rustix::io::Errno;

use super::Scratch;
use crate::{atomic, space};

/// Bytes copied at a time on the way from RAM to disk.
const CHUNK: usize = 256 << 10;

/// A working file without a name. When RAM runs out under a write, it moves to the disk and the write goes there.
///
/// Its errors say where they happened; whether waiting for space is the remedy tells [`crate::is_no_space`].
#[derive(Debug)]
pub struct ScratchFile {
    file: File,
    home: Scratch,
    in_ram: bool,
    /// Bytes of the budget that this file holds.
    taken: u64,
    length: u64,
    position: u64,
}

impl ScratchFile {
    pub(super) fn new(file: File, home: &Scratch, in_ram: bool) -> Self {
        Self { file, home: home.clone(), in_ram, taken: 0, length: 0, position: 0 }
    }

    /// Whether it is in RAM at this moment.
    pub fn in_ram(&self) -> bool {
        self.in_ram
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Makes sure that the budget covers the file up to `end`.
    fn take_up_to(&mut self, end: u64) -> bool {
        let more = end.saturating_sub(self.taken);
        let taken = more == 0 || self.home.budget.take(more);
        if taken {
            self.taken += more;
        }
        taken
    }

    /// Moves to the disk. Where that fails, everything is as before, so that the caller can try again.
    fn spill(&mut self) -> io::Result<()> {
        let disk = self.home.disk_file()?;
        let mut buffer = vec![0; CHUNK.min(self.length as usize)];
        let mut at = 0;
        while at < self.length {
            let size = (self.length - at).min(CHUNK as u64) as usize;
            self.file.read_exact_at(&mut buffer[..size], at)?;
            disk.write_all_at(&buffer[..size], at)?;
            at += size as u64;
        }
        (&disk).seek(SeekFrom::Start(self.position))?;
        // Closing the old file frees its RAM; only then may others take it.
        self.file = disk;
        self.in_ram = false;
        self.home.budget.give_back(std::mem::take(&mut self.taken));
        Ok(())
    }

    fn wrote(&mut self, bytes: usize) -> usize {
        self.position += bytes as u64;
        self.length = self.length.max(self.position);
        bytes
    }

    /// Keeps the kind of the error, which callers decide by, and adds the folder.
    fn explain(&self, error: &io::Error) -> io::Error {
        let folder = self.home.disk_folder.display();
        io::Error::new(error.kind(), format!("working files in `{folder}`: {error}"))
    }
}

impl Write for ScratchFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.in_ram {
            if self.take_up_to(self.position.saturating_add(bytes.len() as u64)) {
                match self.file.write(bytes) {
                    Ok(written) => return Ok(self.wrote(written)),
                    // A write that fails has written nothing: what did fit was reported as a short write before.
                    Err(error) if ram_is_full(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            self.spill().map_err(|error| self.explain(&error))?;
        }
        match self.file.write(bytes) {
            Ok(written) => Ok(self.wrote(written)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for ScratchFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for ScratchFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        self.home.budget.give_back(self.taken);
    }
}

/// Memory ends by the limit of a control group, or where the system promises no more than it has.
fn ram_is_full(error: &io::Error) -> bool {
    space::is_no_space(error) || atomic::is(error, Errno::NOMEM)
}
