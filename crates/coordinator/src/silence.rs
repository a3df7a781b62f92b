//! A worker that says nothing hangs, or is slow because the machine has no time for it: its processor time tells which.

use std::time::{Duration, Instant};

/// A worker that gets little of the processor is waited for this many times as long as others.
const MOST_WAITS: u32 = 10;
/// A worker that used less than this share of the time does not wait for the processor: it sleeps for ever, or is stopped.
const ASLEEP: u32 = 200;

/// The silence of a worker since it was last heard.
#[derive(Debug)]
pub(crate) struct Silence {
    worker: u32,
    began: Instant,
    used: Option<Duration>,
}

impl Silence {
    /// The worker of this process id was heard just now.
    pub(crate) fn begin(worker: u32) -> Self {
        Self { worker, began: Instant::now(), used: processor_time(worker) }
    }

    /// How long it lasts.
    pub(crate) fn length(&self) -> Duration {
        self.began.elapsed()
    }

    /// True where the worker needs more time than `limit` for lack of a processor.
    pub(crate) fn is_starvation(&self, limit: Duration) -> bool {
        let (Some(before), Some(now)) = (self.used, processor_time(self.worker)) else { return false };
        is_starved(self.length(), now.saturating_sub(before), limit)
    }
}

/// True for a worker that worked, but for less than `limit` in all: one that loops uses as much in the end.
fn is_starved(silence: Duration, used: Duration, limit: Duration) -> bool {
    used >= silence / ASLEEP && used < limit && silence < limit * MOST_WAITS
}

/// The processor time that all threads of a process used so far; `None` where the system does not tell.
fn processor_time(process: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    ticks(&text)
        .map(|ticks| Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// Time in user and in system mode, fields 14 and 15 of `/proc/PID/stat` (`proc_pid_stat(5)`). The second field is a name in
/// brackets that may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    next()?.checked_add(next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn a_worker_that_gets_some_of_a_processor_is_waited_for() {
        let is = |silence: f64, used: f64| {
            is_starved(Duration::from_secs_f64(silence), Duration::from_secs_f64(used), LIMIT)
        };
        // A tenth of a core, and what two percent of one are after four minutes.
        assert!(is(30.0, 3.0) && is(240.0, 4.8));
        // Stopped, or waiting for a lock.
        assert!(!is(30.0, 0.0) && !is(30.0, 0.1));
        // It had all the time that it needs: it loops.
        assert!(!is(30.0, 30.0) && !is(31.0, 60.0));
        // There is an end to waiting.
        assert!(!is(300.0, 6.0));
    }

    #[test]
    fn the_system_tells_the_processor_time_of_a_process() {
        let own = std::process::id();
        let before = processor_time(own).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(100) {
            std::hint::black_box(0);
        }
        let used = processor_time(own).unwrap().saturating_sub(before);
        assert!(used > Duration::ZERO && used < Duration::from_mins(1), "{used:?}");
        assert_eq!(processor_time(u32::MAX), None);
    }

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 31 11 13 14";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a) S 1 2 3"), None);
        assert_eq!(ticks(""), None);
    }
}
