//! Limits that the system keeps for every process.

use std::io;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use super::Layer;

/// Files that may be open at a time: a job needs fewer than thirty, the libraries' own included.
const OPEN_FILES: u64 = 256;
/// Threads that may be started: the engine, decoder and encoder have one a core each, and the libraries some more.
const MORE_THREADS: u64 = 1024;
/// Memory that may be written is this many times what the machine has: what is reserved and not used counts, too.
const MEMORY: u64 = 2;
/// A file may always become so large: a file system of another machine may not know its own size.
const FILE: u64 = 1 << 40;

/// What remains of root where the server runs as root: the rights to read and write files of others, which Landlock confines.
const KEPT: CapabilitySet =
    CapabilitySet::DAC_OVERRIDE.union(CapabilitySet::DAC_READ_SEARCH).union(CapabilitySet::FOWNER);

/// Sets the limits for good, with a folder to write into. No dumps of memory, which would hold pictures of people; few open
/// files; no more threads and memory than work may need; no file larger than the file system.
pub(super) fn set(folder: Option<&Path>) -> Layer {
    match try_to_set(folder) {
        Ok(()) => Layer::Whole("limits".to_owned()),
        Err(gap) => Layer::Partial(gap),
    }
}

fn try_to_set(folder: Option<&Path>) -> Result<(), String> {
    let system = rustix::system::sysinfo();
    let memory = (system.totalram as u64).saturating_mul(u64::from(system.mem_unit)).saturating_mul(MEMORY);
    let disk = folder.and_then(|folder| rustix::fs::statvfs(folder).ok());
    let file = disk.map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize)).max(FILE);
    let threads = threads_of_user().map(|threads| threads + MORE_THREADS);
    let all = [
        (Resource::Core, Some(0)),
        (Resource::Nofile, Some(OPEN_FILES)),
        (Resource::Nproc, threads),
        (Resource::Data, Some(memory)),
        (Resource::Fsize, Some(file)),
    ];
    for (resource, most) in all {
        let Some(most) = most else { continue };
        let most = getrlimit(resource).maximum.map_or(most, |before| most.min(before));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("no limits ({error})"))?;
    }
    drop_capabilities().map_err(|error| format!("capabilities that cannot be dropped ({error})"))
}

/// Gives up what root may do beyond reading and writing files, raising limits among it.
fn drop_capabilities() -> io::Result<()> {
    let now = capabilities(None)?;
    let kept = now.permitted & KEPT;
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    Ok(set_capabilities(None, sets)?)
}

/// Threads of all processes of this user, which is what the system counts; `None` where it does not tell.
fn threads_of_user() -> Option<u64> {
    let user = rustix::process::getuid().as_raw().to_string();
    let field = |status: &str, name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1).map(ToOwned::to_owned)
    };
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let threads = processes.filter_map(|process| {
        let status = std::fs::read_to_string(process.path().join("status")).ok()?;
        let is_own = field(&status, "Uid:").is_some_and(|owner| owner == user);
        is_own.then(|| field(&status, "Threads:")?.parse::<u64>().ok()).flatten()
    });
    Some(threads.sum())
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
