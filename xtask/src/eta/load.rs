//! How busy the machine is, with the server's work and with other programs: an estimate is as true as the machine is even.

use std::collections::HashMap;
use std::fs;

/// Ticks of the kernel's clock in a second, as /proc counts them.
const TICKS: f64 = 100.0;

/// The work of the server and of the processes that it starts, and that of all others.
pub(crate) struct Load {
    server: u32,
    /// Ticks that each process took, as seen last.
    own: HashMap<u32, f64>,
    /// Ticks that all processes had taken at the beginning.
    at_first: f64,
}

impl Load {
    pub(crate) fn begin(server: u32) -> Self {
        Self { server, own: HashMap::new(), at_first: all_ticks() }
    }

    /// Looks what the processes took that are there.
    pub(crate) fn look(&mut self) {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if let Some((parent, ticks)) = process(id)
                && (id == self.server || parent == self.server)
            {
                self.own.insert(id, ticks);
            }
        }
    }

    /// Seconds of processors that the server took so far, and all others.
    pub(crate) fn so_far(&self) -> (f64, f64) {
        let own: f64 = self.own.values().sum();
        (own / TICKS, (all_ticks() - self.at_first - own).max(0.0) / TICKS)
    }
}

/// The parent of a process, and the ticks that it took.
fn process(id: u32) -> Option<(u32, f64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((fields.get(1)?.parse().ok()?, ticks(11)? + ticks(12)?))
}

/// Ticks in which processors were busy.
fn all_ticks() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // User, nice, system, then idle and waiting, then interrupts and what a host took.
    ticks.iter().enumerate().filter(|(at, _)| !matches!(at, 3 | 4 | 8 | 9)).map(|(_, ticks)| ticks).sum()
}

/// The machine in a line.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    format!("{cores} processors, load {}", load.join(" "))
}
