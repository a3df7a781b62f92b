//! What this process gives up before it does anything, for itself and all that it starts.

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs};

/// What remains of root: reading and writing files of others, giving them away as it found them, and seeing who has a file
/// open, by which a server knows that a file is still written to.
const KEPT: CapabilitySet = CapabilitySet::DAC_OVERRIDE
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::SYS_PTRACE);

/// Gives up new rights by programs that are started, dumps of memory, and what root has beyond files. Must come before the
/// first other thread. What the system does not take is no hindrance, since the process can do without it: it is named.
pub(crate) fn give_up() -> Option<String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let tried = [
        ("new privileges", set_no_new_privs(true)),
        ("dumps of memory", setrlimit(Resource::Core, none)),
        ("capabilities", drop_capabilities()),
    ];
    let failed: Vec<String> = tried
        .into_iter()
        .filter_map(|(what, result)| result.err().map(|error| format!("{what} ({error})")))
        .collect();
    (!failed.is_empty())
        .then(|| format!("what this program does not need cannot be given up: {}", failed.join(", ")))
}

fn drop_capabilities() -> rustix::io::Result<()> {
    let kept = capabilities(None)?.permitted & KEPT;
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets)
}
