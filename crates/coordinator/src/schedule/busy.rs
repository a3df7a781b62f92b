//! What other programs do on this machine, as `/proc` tells.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::{Hold, Schedule};

/// Longest name that the kernel keeps of a program.
const KEPT: usize = 15;

/// The times that were read last.
#[derive(Debug, Default)]
pub(super) struct Others {
    last: Option<Times>,
}

/// In ticks of the kernel since the machine started.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// Of all cores.
    all: u64,
    /// That all cores were busy.
    busy: u64,
    /// That this program and those that it started were busy.
    own: u64,
    cores: u64,
}

impl Others {
    /// What keeps segments from beginning.
    pub(super) fn hold(&mut self, schedule: &Schedule) -> Option<Hold> {
        let before = std::mem::replace(&mut self.last, Times::read());
        if let Some(name) = running(&schedule.pause_while) {
            return Some(Hold::Program(name));
        }
        let most = schedule.most_load?;
        let load = load(before?, self.last?);
        (load > most).then_some(Hold::Load(load))
    }
}

/// How many cores others kept busy between two times.
fn load(before: Times, after: Times) -> f64 {
    let all = after.all.saturating_sub(before.all);
    if all == 0 {
        return 0.0;
    }
    // Times of processes that end are counted a little later.
    let own = after.own.saturating_sub(before.own);
    let others = after.busy.saturating_sub(before.busy).saturating_sub(own);
    others as f64 * after.cores as f64 / all as f64
}

impl Times {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let numbers = text.lines().next()?.split_whitespace().skip(1);
        // What guests take is in the first two already.
        let times: Vec<u64> = numbers.take(8).filter_map(|number| number.parse().ok()).collect();
        let [_, _, _, idle, waits, ..] = times[..] else { return None };
        let all = times.iter().sum();
        let cores = text.lines().filter(|line| line.starts_with("cpu")).count().saturating_sub(1) as u64;
        Some(Self { all, busy: all - idle - waits, own: own_time()?, cores })
    }
}

/// The time of this process and of all that it started, as far as they are there or were reaped.
fn own_time() -> Option<u64> {
    let own: u32 = std::process::id();
    let mut times = HashMap::new();
    for process in processes() {
        if let Some((id, parent, time)) = stat(&process) {
            times.insert(id, (parent, time));
        }
    }
    let is_own = |id: u32| {
        let above = std::iter::successors(Some(id), |id| times.get(id).map(|(parent, _)| *parent));
        above.take(KEPT).any(|id| id == own)
    };
    times
        .contains_key(&own)
        .then(|| times.iter().filter(|(id, _)| is_own(**id)).map(|(_, (_, time))| time).sum())
}

/// The number of a process, that of its parent, and its time with that of children that it reaped.
fn stat(process: &Path) -> Option<(u32, u32, u64)> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    // The name in parentheses may hold anything.
    let (head, rest) = text.rsplit_once(')')?;
    let id = head.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let time = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((id, fields.get(1)?.parse().ok()?, time))
}

fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    all.filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit()))
}

/// The first of these names that a program has.
fn running(names: &[String]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    processes().find_map(|process| {
        let name = fs::read_to_string(process.join("comm")).ok()?;
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let file = String::from_utf8_lossy(first).into_owned();
        let file = Path::new(&file).file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
        names.iter().find(|wanted| is_named(wanted, name.trim_end(), &file)).cloned()
    })
}

/// True where a program has a name: its own, which the kernel cuts, or that of its file.
fn is_named(wanted: &str, name: &str, file: &str) -> bool {
    let cut: String = wanted.chars().take(KEPT).collect();
    let is_cut = wanted.len() > KEPT;
    name.eq_ignore_ascii_case(wanted)
        || file.eq_ignore_ascii_case(wanted)
        || (is_cut && file.is_empty() && name.eq_ignore_ascii_case(&cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_the_names_of_their_files() {
        for (wanted, name, file, is) in [
            ("plex transcoder", "Plex Transcoder", "Plex Transcoder", true),
            ("a-very-long-program-name", "a-very-long-pro", "a-very-long-program-name", true),
            ("a-very-long-program-name", "a-very-long-pro", "a-very-long-program-other", false),
            ("jellyfin", "jellyfin-ffmpeg", "ffmpeg", false),
        ] {
            assert_eq!(is_named(wanted, name, file), is, "{wanted}");
        }
        let own = fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned();
        assert_eq!(running(&["no such program".to_owned(), own.clone()]), Some(own));
        assert_eq!(running(&["no such program".to_owned()]), None);
    }

    #[test]
    fn what_this_program_does_is_no_load_of_others() {
        let times = |all, busy, own| Times { all, busy, own, cores: 4 };
        assert!((load(times(0, 0, 0), times(400, 300, 100)) - 2.0).abs() < 1e-9);
        assert!(load(times(0, 0, 0), times(400, 100, 120)).abs() < 1e-9);
        assert!(load(times(5, 0, 0), times(5, 0, 0)).abs() < 1e-9);
        let read = Times::read().unwrap();
        assert!(read.cores >= 1 && read.all >= read.busy);
    }
}
