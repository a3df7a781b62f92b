//! Limits that the system keeps for every process.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Files that may be open at a time: a job needs fewer than thirty, the libraries' own included.
const OPEN_FILES: u64 = 256;

/// Sets the limits. No dumps of memory, which would hold pictures of people; few open files.
pub(super) fn set() -> Result<String, String> {
    for (resource, most) in [(Resource::Core, 0), (Resource::Nofile, OPEN_FILES)] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("no limits ({error})"))?;
    }
    Ok("limits".to_owned())
}
