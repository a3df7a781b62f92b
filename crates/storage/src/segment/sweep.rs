//! Tidying a job folder.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::SegmentName;
use crate::Error;

/// Removes what interrupted and outdated attempts left in a job folder: unfinished files (`.part`), and segments and
/// sidecars that are not to be kept. Nothing else is touched, nor are links and folders of such names. Gives how many files
/// were removed. However many there are, one name is in memory at a time.
///
/// Only to be called while no attempt writes into the folder.
///
/// # Errors
/// The folder cannot be read or a file cannot be removed. A folder that is missing is tidy.
pub fn sweep(folder: &Path, keep: &[SegmentName]) -> Result<u64, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        other => other.map_err(Error::io("read", folder))?,
    };
    let keep: HashSet<&SegmentName> = keep.iter().collect();
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(Error::io("read", folder))?;
        // All names that are ours are UTF-8.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let segment = SegmentName::of_file(&name).or_else(|| SegmentName::of_sidecar(&name));
        let unfinished = Path::new(&name).extension() == Some(OsStr::new("part"));
        let outdated = segment.is_some_and(|segment| !keep.contains(&segment));
        if !(outdated || unfinished) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        match fs::remove_file(entry.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove", &entry.path())(error));
            }
            _ => removed += 1,
        }
    }
    Ok(removed)
}
