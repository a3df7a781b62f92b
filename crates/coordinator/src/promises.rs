//! Memory that workers were promised and have not taken yet: it is free as far as the system knows, and not for the next one.

use std::sync::{Arc, Weak};

use tokio::sync::{Mutex, MutexGuard};

/// What the workers of a service were promised.
#[derive(Debug, Clone)]
pub(crate) struct Promises {
    /// Those that were given up are gone with who held them.
    all: Arc<Mutex<Vec<Weak<Promise>>>>,
    /// Bytes that the process of a worker holds.
    held: fn(u32) -> Option<u64>,
}

/// The most that a worker holds until this is dropped.
#[derive(Debug)]
pub(crate) struct Promise {
    worker: u32,
    bytes: u64,
}

/// The turn of one worker to see what is free and to say what it takes; the next one sees what that leaves.
pub(crate) struct Turn<'a> {
    all: MutexGuard<'a, Vec<Weak<Promise>>>,
    held: fn(u32) -> Option<u64>,
}

impl Default for Promises {
    fn default() -> Self {
        Self { all: Arc::default(), held: held_by }
    }
}

impl Promises {
    /// Waits for the turn.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn { all: self.all.lock().await, held: self.held }
    }
}

impl Turn<'_> {
    /// Bytes that workers were promised and do not hold yet. What is free is to be looked at after this: what a worker takes in
    /// between counts twice then, and never not at all.
    pub(crate) fn not_taken(&mut self) -> u64 {
        self.all.retain(|promise| promise.strong_count() > 0);
        let promises = self.all.iter().filter_map(Weak::upgrade);
        promises.fold(0, |sum, promise| {
            let held = (self.held)(promise.worker).unwrap_or(0);
            sum.saturating_add(promise.bytes.saturating_sub(held))
        })
    }

    /// Promises a worker that it may hold so many bytes.
    pub(crate) fn promise(mut self, worker: u32, bytes: u64) -> Arc<Promise> {
        let promise = Arc::new(Promise { worker, bytes });
        self.all.push(Arc::downgrade(&promise));
        promise
    }
}

/// Bytes of memory that a process holds, the files that it has mapped among them, as in the plan of a worker; `None` where the
/// system does not tell.
fn held_by(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    const FREE: u64 = 100;

    /// A worker that needs so many bytes, of which it takes none before all others have looked.
    async fn admitted(promises: &Promises, worker: u32, needed: u64) -> Option<Arc<Promise>> {
        let mut turn = promises.turn().await;
        let left = FREE.saturating_sub(turn.not_taken());
        tokio::task::yield_now().await;
        (needed <= left).then(|| turn.promise(worker, needed))
    }

    #[tokio::test]
    async fn of_two_that_begin_together_the_second_sees_what_the_first_leaves() {
        let promises = Promises { held: |_| None, ..Promises::default() };
        let (first, second) = tokio::join!(admitted(&promises, 1, 60), admitted(&promises, 2, 60));
        assert!(first.is_some() && second.is_none());
        // Less would do for it, in tiles.
        let second = admitted(&promises, 2, 40).await;
        assert!(second.is_some() && admitted(&promises, 3, 1).await.is_none());
        drop(first);
        assert!(admitted(&promises, 3, 60).await.is_some());
    }

    #[tokio::test]
    async fn what_a_worker_has_taken_is_not_counted_twice() {
        static HELD: AtomicU64 = AtomicU64::new(0);
        let promises = Promises { held: |_| Some(HELD.load(Relaxed)), ..Promises::default() };
        let promise = promises.turn().await.promise(1, 60);
        for (held, not_taken) in [(0, 60), (45, 15), (20, 40), (70, 0)] {
            HELD.store(held, Relaxed);
            assert_eq!(promises.turn().await.not_taken(), not_taken);
        }
        HELD.store(0, Relaxed);
        drop(promise);
        assert_eq!(promises.turn().await.not_taken(), 0);
    }

    #[test]
    fn the_system_tells_what_a_process_holds() {
        assert!(held_by(std::process::id()) > Some(1 << 20));
        assert_eq!(held_by(u32::MAX), None);
    }
}
