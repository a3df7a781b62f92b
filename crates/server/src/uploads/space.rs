//! What a disk has for uploads: what is free, less a reserve for the server's own work and less what unfinished uploads still need.

use std::io;
use std::path::Path;

use super::failure::Failure;

/// The reserve is this share of a disk, in percent, and not more than [`MOST_RESERVED`].
const RESERVED_PERCENT: u64 = 5;
/// The largest reserve, in bytes.
const MOST_RESERVED: u64 = 1_000_000_000;

/// What a disk can take of uploads, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// Now.
    pub(super) now: u64,
    /// If nothing else lay on it.
    pub(super) ever: u64,
}

impl Space {
    /// That of the disk of a folder.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let disk = rustix::fs::statvfs(folder)?;
        let unit = if disk.f_frsize == 0 { disk.f_bsize } else { disk.f_frsize };
        let bytes = |blocks: u64| blocks.saturating_mul(unit);
        Ok(Self::new(bytes(disk.f_blocks), bytes(disk.f_bavail)))
    }

    fn new(size: u64, free: u64) -> Self {
        let reserve = (size / 100 * RESERVED_PERCENT).min(MOST_RESERVED);
        Self { now: free.saturating_sub(reserve), ever: size.saturating_sub(reserve) }
    }

    /// What is left when others take so much.
    pub(super) fn beside(self, others: u64) -> Self {
        Self { now: self.now.saturating_sub(others), ..self }
    }

    /// What both disks can take.
    pub(super) fn and(self, other: Self) -> Self {
        Self { now: self.now.min(other.now), ever: self.ever.min(other.ever) }
    }

    /// Refuses a file for which there is no room.
    pub(super) fn admit(self, length: u64) -> Result<(), Failure> {
        if length > self.ever {
            return Err(Failure::TooLarge { most: self.ever });
        }
        if length > self.now { Err(Failure::NoSpace { needed: length, free: self.now }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_stays_free_and_others_are_counted() {
        let (gigabyte, small) = (1_000_000_000, 1_000_000);
        let disk = Space::new(100 * gigabyte, 10 * gigabyte);
        assert_eq!(disk, Space { now: 9 * gigabyte, ever: 99 * gigabyte });
        assert_eq!(Space::new(small, small).now, 950_000);
        let disk = disk.beside(4 * gigabyte);
        assert!(disk.admit(5 * gigabyte).is_ok());
        assert!(matches!(disk.admit(5 * gigabyte + 1), Err(Failure::NoSpace { .. })));
        assert!(matches!(disk.admit(u64::MAX), Err(Failure::TooLarge { .. })));
        assert_eq!(disk.beside(u64::MAX).now, 0);
        assert!(matches!(disk.and(Space::new(small, 0)).admit(1), Err(Failure::NoSpace { .. })));
    }
}
