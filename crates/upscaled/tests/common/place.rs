//! Places with little disk or little memory.

#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "every test file uses some of it"
)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system in memory, gone at the end of the test.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one; `None`, with the reason, where that is not allowed.
    pub fn mount(folder: &Path, bytes: u64) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(size(bytes))
            .arg("tmpfs")
            .arg(folder)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            other => {
                println!("skipped: no small disk can be mounted here, which needs root: {other:?}");
                None
            }
        }
    }

    /// Gives it another size.
    pub fn resize(&self, bytes: u64) {
        let options = format!("remount,{}", size(bytes));
        let status = Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// For tmpfs, no size means no limit.
fn size(bytes: u64) -> String {
    format!("size={}", bytes.max(4096))
}

/// A control group with a limit of memory, gone at the end of the test.
pub struct MemoryGroup {
    folder: PathBuf,
    limit: &'static str,
    usage: &'static str,
    events: &'static str,
}

impl MemoryGroup {
    /// Makes one below that of this process, of whichever version is there; `None`, with the reason, where that is not
    /// allowed.
    pub fn new(name: &str) -> Option<Self> {
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let of = |prefix: &str| {
            own.lines().find_map(|line| line.split_once(':')?.1.strip_prefix(prefix).map(str::to_owned))
        };
        let (parent, [limit, usage, events]) = match (of("memory:/"), of(":/")) {
            (Some(group), _) => (
                Path::new("/sys/fs/cgroup/memory").join(group),
                ["memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control"],
            ),
            (None, Some(group)) => {
                (Path::new("/sys/fs/cgroup").join(group), ["memory.max", "memory.current", "memory.events"])
            }
            (None, None) => {
                println!("skipped: there are no control groups here");
                return None;
            }
        };
        let folder = parent.join(format!("upscaled-{name}-{}", std::process::id()));
        let made = std::fs::create_dir(&folder);
        if made.is_err() || !folder.join(limit).is_file() {
            println!("skipped: no control group of memory can be made in `{}`: {made:?}", parent.display());
            let _ = std::fs::remove_dir(&folder);
            return None;
        }
        Some(Self { folder, limit, usage, events })
    }

    /// Sets the limit. False where the system cannot press what is used below it.
    pub fn set_limit(&self, bytes: u64) -> bool {
        std::fs::write(self.folder.join(self.limit), bytes.to_string()).is_ok()
    }

    /// Bytes that its processes use.
    pub fn usage(&self) -> u64 {
        std::fs::read_to_string(self.folder.join(self.usage)).unwrap().trim().parse().unwrap()
    }

    /// How often the system has ended a process in it because there was no memory left.
    pub fn kills(&self) -> u64 {
        let events = std::fs::read_to_string(self.folder.join(self.events)).unwrap();
        events.lines().find_map(|line| line.strip_prefix("oom_kill ")).unwrap().parse().unwrap()
    }

    /// A command that is begun inside.
    pub fn command(&self, inner: &Command) -> Command {
        let script = format!("echo $$ > '{}' && exec \"$@\"", self.folder.join("cgroup.procs").display());
        wrapped(inner, "sh", &["-c", &script, "sh"])
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // It cannot go while the last process in it is being cleared away.
        for _ in 0..50 {
            if std::fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        println!("the control group `{}` stays behind", self.folder.display());
    }
}

/// A command with another program and its arguments in front; folder and environment are the same.
pub fn wrapped(inner: &Command, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(inner.get_program())
        .args(inner.get_args())
        .stdin(std::process::Stdio::null());
    if let Some(folder) = inner.get_current_dir() {
        command.current_dir(folder);
    }
    for (key, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(key, value),
            None => command.env_remove(key),
        };
    }
    command
}
