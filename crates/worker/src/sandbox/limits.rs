//! Limits that the system keeps for every process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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

/// Memory that looking into a file may take, whatever the file says of itself.
const LOOKING: u64 = 1 << 30;

/// Keeps the memory of this process small for as long as it lives.
pub(crate) struct LittleMemory(Option<Rlimit>);

impl LittleMemory {
    /// From now on, what would take too much memory fails.
    pub(crate) fn begin() -> Self {
        let before = getrlimit(Resource::Data);
        let little = Rlimit { current: Some(LOOKING.min(before.current.unwrap_or(LOOKING))), ..before };
        Self(setrlimit(Resource::Data, little).ok().map(|()| before))
    }
}

impl Drop for LittleMemory {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // The limit that was there before is always allowed.
            let _ = setrlimit(Resource::Data, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_claims_fail_until_the_look_is_over() {
        let large = || Vec::<u8>::new().try_reserve_exact(2 << 30).is_ok();
        let look = LittleMemory::begin();
        assert!(!large());
        drop(look);
        assert!(large());
    }
}
