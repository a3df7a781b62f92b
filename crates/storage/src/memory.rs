//! How much memory can be taken without harm.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of memory that are free for use: what the kernel says, or what the control groups of this process leave, if
/// that is less. Nothing where neither can be found out.
pub fn available() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group =
        group_folders(Path::new("/sys/fs/cgroup"), &own).iter().filter_map(|f| left_in_group(f)).min();
    let whole = fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_available(&text));
    [group, whole].into_iter().flatten().min()
}

fn mem_available(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The folders of the process's control group (version 2) and of all groups around it, each of which may set a limit.
/// `own` is the content of `/proc/self/cgroup`.
fn group_folders(root: &Path, own: &str) -> Vec<PathBuf> {
    let Some(group) = own.lines().find_map(|line| line.strip_prefix("0::/")) else { return Vec::new() };
    // A process outside the mounted part of the tree has a path of "/..": its limits cannot be seen.
    let inside = Path::new(group).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !inside {
        return vec![root.to_owned()];
    }
    root.join(group).ancestors().take_while(|folder| folder.starts_with(root)).map(Path::to_owned).collect()
}

/// What a group's limit leaves; nothing where it has no limit.
fn left_in_group(folder: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    // "max" is no number and means no limit.
    let limit = [number("memory.max"), number("memory.high")].into_iter().flatten().min()?;
    // Files that were read stay in memory until it is needed elsewhere: they count as used, yet are free to take.
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cache = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok());
    Some(limit.saturating_sub(number("memory.current")?.saturating_sub(cache.unwrap_or(0))))
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
        assert_eq!(group_folders(root, "4:memory:/x\n0::/a/b\n"), ["a/b", "a", ""].map(|f| root.join(f)));
        assert_eq!(group_folders(root, "0::/\n"), [root.join("")]);
        assert_eq!(group_folders(root, "0::/../../x\n"), [root]);
        assert!(group_folders(root, "4:memory:/x\n").is_empty());
    }

    #[test]
    fn limits_of_groups_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(left_in_group(folder.path()), None);
        write("memory.max", "max\n");
        write("memory.current", "300\n");
        assert_eq!(left_in_group(folder.path()), None);
        write("memory.max", "1000\n");
        assert_eq!(left_in_group(folder.path()), Some(700));
        write("memory.high", "900\n");
        write("memory.stat", "anon 5\ninactive_file 100\n");
        assert_eq!(left_in_group(folder.path()), Some(700));
        write("memory.max", "100\n");
        assert_eq!(left_in_group(folder.path()), Some(0));
    }
}
