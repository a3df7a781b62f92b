//! How much memory can be taken without harm.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// What a version of the kernel's control groups calls things.
#[derive(Debug, PartialEq, Eq)]
struct Names {
    limits: &'static [&'static str],
    used: &'static str,
    /// A line of `memory.stat`: files that were read stay in memory until it is needed elsewhere.
    cache: &'static str,
}

const V1: Names = Names {
    limits: &["memory.limit_in_bytes"],
    used: "memory.usage_in_bytes",
    cache: "total_inactive_file ",
};
const V2: Names =
    Names { limits: &["memory.max", "memory.high"], used: "memory.current", cache: "inactive_file " };

/// Bytes of memory that are free for use: what the kernel says, or what the control groups of this process leave, if
/// that is less. Nothing where neither can be found out.
pub fn available() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = groups(Path::new("/sys/fs/cgroup"), &own);
    let group = groups.iter().filter_map(|(folder, names)| left_in_group(folder, names)).min();
    let whole = fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_available(&text));
    [group, whole].into_iter().flatten().min()
}

fn mem_available(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The folders of the process's control group and of all groups around it, each of which may set a limit. `own` is the
/// content of `/proc/self/cgroup`.
fn groups(root: &Path, own: &str) -> Vec<(PathBuf, &'static Names)> {
    let mut groups = Vec::new();
    for line in own.lines() {
        let Some((controllers, group)) = line.split_once(':').and_then(|(_, rest)| rest.split_once(":/"))
        else {
            continue;
        };
        let (mount, names) = if controllers.is_empty() {
            (root.to_owned(), &V2)
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (root.join("memory"), &V1)
        } else {
            continue;
        };
        // A process outside the mounted part of the tree has a path of "/..": its limits cannot be seen. In a container
        // the path may be the host's, and only the mount itself is there.
        let inside = Path::new(group).components().all(|part| matches!(part, Component::Normal(_)));
        let innermost = if inside { mount.join(group) } else { mount.clone() };
        let around = innermost.ancestors().take_while(|folder| folder.starts_with(&mount));
        groups.extend(around.map(|folder| (folder.to_owned(), names)));
    }
    groups
}

/// What a group's limit leaves; nothing where it has no limit.
fn left_in_group(folder: &Path, names: &Names) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let in_stat =
        |name: &str| stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    // "max" is no number and means no limit. Version 1 also tells the limit of groups around that cannot be seen here.
    let limits = names.limits.iter().map(|name| number(name));
    let limit = limits.chain([in_stat("hierarchical_memory_limit ")]).flatten().min()?;
    // The cache counts as used, yet is free to take.
    let used = number(names.used)?.saturating_sub(in_stat(names.cache).unwrap_or(0));
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figure_is_read() {
        let text = "MemTotal:       24683656 kB\nMemAvailable:   23809000 kB\n";
        assert_eq!(mem_available(text), Some(23_809_000 * 1024));
        for text in ["", "MemAvailable: x kB", "MemAvailable: 5", "MemAvailable: 99999999999999999999 kB"] {
            assert_eq!(mem_available(text), None);
        }
        assert!(available().is_some());
    }

    #[test]
    fn every_group_around_the_process_counts() {
        let root = Path::new("/sys/fs/cgroup");
        let all = |folders: &[&str], names: &'static Names| -> Vec<_> {
            folders.iter().map(|folder| (root.join(folder), names)).collect()
        };
        assert_eq!(groups(root, "0::/a/b\n"), all(&["a/b", "a", ""], &V2));
        assert_eq!(groups(root, "0::/\n"), all(&[""], &V2));
        assert_eq!(groups(root, "0::/../../x\n"), all(&[""], &V2));
        let old = "4:memory:/docker/x\n3:cpu,cpuacct:/y\n1:name=systemd:/z\n";
        assert_eq!(groups(root, old), all(&["memory/docker/x", "memory/docker", "memory"], &V1));
        assert!(groups(root, "3:cpu:/x\nnonsense\n").is_empty());
    }

    #[test]
    fn limits_of_groups_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let left = || left_in_group(folder.path(), &V2);
        assert_eq!(left(), None);
        write("memory.max", "max\n");
        write("memory.current", "300\n");
        assert_eq!(left(), None);
        write("memory.max", "1000\n");
        assert_eq!(left(), Some(700));
        write("memory.high", "900\n");
        write("memory.stat", "anon 5\ninactive_file 100\n");
        assert_eq!(left(), Some(700));
        write("memory.max", "100\n");
        assert_eq!(left(), Some(0));
    }

    #[test]
    fn limits_of_the_older_kind_of_groups_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let left = || left_in_group(folder.path(), &V1);
        assert_eq!(left(), None);
        write("memory.limit_in_bytes", "9223372036854771712\n");
        write("memory.usage_in_bytes", "300\n");
        assert!(left().unwrap() > 1 << 60);
        write("memory.limit_in_bytes", "1000\n");
        write("memory.stat", "inactive_file 7\ntotal_inactive_file 100\n");
        assert_eq!(left(), Some(800));
        write("memory.stat", "hierarchical_memory_limit 500\ntotal_inactive_file 100\n");
        assert_eq!(left(), Some(300));
    }
}
