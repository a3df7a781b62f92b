//! Landlock: which files may be touched, and which processes may get signals.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use protocol::message::Access;

use super::Layer;

/// The newest version whose rights are given up. Kernels that are older know fewer and keep to those.
const VERSION: ABI = ABI::V7;

/// What the C library, FFmpeg and this program read of the system while they work: shared libraries, and how much memory
/// and how many processors there are.
const SYSTEM: [&str; 12] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/dev/urandom",
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
];

/// Devices that encode, where there are any, and what their drivers read to find them: VA-API and QSV; NVIDIA's; the GPU
/// under WSL 2. A worker talks to them by commands to the device file.
const DEVICES: [&str; 8] = [
    "/dev/dri",
    "/dev/dxg",
    "/dev/nvidia-modeset",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia0",
    "/dev/nvidia1",
    "/dev/nvidiactl",
];
const DRIVERS: [&str; 6] = [
    "/proc/driver/nvidia",
    "/sys/class/drm",
    "/sys/dev/char",
    "/sys/devices",
    "/usr/share/libdrm",
    "/usr/share/nvidia",
];

/// Gives up all rights to files but those to `access`.
pub(super) fn restrict(access: &Access) -> Layer {
    let status = match apply(access) {
        Ok(status) => status,
        Err(error) => return Layer::Missing(format!("no Landlock ({error})")),
    };
    match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced, _) => Layer::Whole("Landlock".to_owned()),
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            Layer::Partial(format!(
                "an early Landlock (version {effective_abi}; Linux 6.12 has all that is used)"
            ))
        }
        (_, LandlockStatus::NotEnabled) => Layer::Missing(
            "no Landlock (this kernel has it switched off; boot with `lsm=landlock,...`)".to_owned(),
        ),
        _ => Layer::Missing("no Landlock (Linux 5.13 and later have it)".to_owned()),
    }
}

fn apply(access: &Access) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    // Neither programs to run nor sockets, devices and links to make.
    let write = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir;
    let has_device = DEVICES.iter().any(|device| Path::new(device).exists());
    let drivers = DRIVERS.iter().filter(|_| has_device);
    let system = SYSTEM.iter().chain(drivers).map(PathBuf::from);
    let named = access.read.iter().chain(&access.read_below);
    let readable = named.map(|path| path.0.clone()).chain(system);
    let trace = crate::trace::folder();
    let writable = access.write.iter().map(|path| path.0.clone()).chain(trace);
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(VERSION))?
        // No port is allowed.
        .handle_access(AccessNet::from_all(VERSION))?
        .scope(Scope::from_all(VERSION))?
        .create()?;
    let device = read | AccessFs::WriteFile | AccessFs::IoctlDev;
    let devices = DEVICES.iter().map(|path| (PathBuf::from(path), device));
    let all = readable.map(|path| (path, read)).chain(writable.map(|path| (path, write))).chain(devices);
    for (path, rights) in all {
        // What is not there is found to be missing when it is used, which gives the better message.
        if let Ok(file) = PathFd::new(&path) {
            rules = rules.add_rule(PathBeneath::new(file, rights_to(&path, rights)))?;
        }
    }
    rules.restrict_self()
}

/// The rights that make sense for a path: folders have more than files.
fn rights_to(path: &Path, rights: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() { rights } else { rights & AccessFs::from_file(VERSION) }
}
