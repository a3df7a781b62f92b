//! Threads that go through the same instructions in step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How often a waiting thread looks before it sleeps: about the length of the shortest instructions.
const LOOKS: u32 = 4000;

/// The team has been dismissed, or one of its members died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Over;

/// Where the members of a team meet, and where they get their tasks.
#[derive(Debug)]
pub(crate) struct Meeting {
    members: usize,
    arrived: AtomicUsize,
    /// Number of meetings held; members wait for it to change.
    round: AtomicUsize,
    next_task: AtomicUsize,
    over: AtomicBool,
    /// Number of members that sleep or are about to.
    sleepers: Mutex<usize>,
    woken: Condvar,
}

impl Meeting {
    fn new(members: usize) -> Self {
        Self {
            members,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            next_task: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            sleepers: Mutex::new(0),
            woken: Condvar::new(),
        }
    }

    /// Waits for all members. What each did before is seen by all afterwards, and the tasks begin anew.
    pub(crate) fn wait(&self) -> Result<(), Over> {
        if self.over.load(Ordering::Acquire) {
            return Err(Over);
        }
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.next_task.store(0, Ordering::Relaxed);
            self.arrived.store(0, Ordering::Relaxed);
            let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            self.round.store(round.wrapping_add(1), Ordering::Release);
            if *sleepers > 0 {
                self.woken.notify_all();
            }
            return Ok(());
        }
        let waits = || self.round.load(Ordering::Acquire) == round && !self.over.load(Ordering::Acquire);
        for _ in 0..LOOKS {
            if !waits() {
                break;
            }
            std::hint::spin_loop();
        }
        if waits() {
            let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            *sleepers += 1;
            while waits() {
                sleepers = self.woken.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
            }
            *sleepers -= 1;
        }
        if self.round.load(Ordering::Acquire) == round { Err(Over) } else { Ok(()) }
    }

    /// The next of `tasks` that nobody has taken since the last meeting.
    pub(crate) fn take(&self, tasks: usize) -> Option<usize> {
        let task = self.next_task.fetch_add(1, Ordering::Relaxed);
        (task < tasks).then_some(task)
    }

    /// Ends the team: all that wait or will wait are told so.
    pub(crate) fn end(&self) {
        let _sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        self.over.store(true, Ordering::Release);
        self.woken.notify_all();
    }
}

/// Ends the team when its holder is dropped in a panic.
pub(crate) struct EndOnPanic<'a>(pub(crate) &'a Meeting);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end();
        }
    }
}

/// The threads of a session, besides the one that calls it. Dropping ends them.
#[derive(Debug)]
pub(crate) struct Team {
    meeting: Arc<Meeting>,
    threads: Vec<JoinHandle<()>>,
}

impl Team {
    /// Starts `members − 1` threads, each of which calls `work` with its number (1 and up) again and again until
    /// the team is over.
    pub(crate) fn start<W>(members: usize, work: W) -> std::io::Result<Self>
    where
        W: Fn(usize, &Meeting) -> Result<(), Over> + Clone + Send + 'static,
    {
        let mut team = Self { meeting: Arc::new(Meeting::new(members)), threads: Vec::new() };
        for member in 1..members {
            let meeting = Arc::clone(&team.meeting);
            let work = work.clone();
            let body = move || {
                let work = AssertUnwindSafe(|| while work(member, &meeting).is_ok() {});
                // The panic's message is out already; what matters is that nobody waits for this thread.
                if catch_unwind(work).is_err() {
                    meeting.end();
                }
            };
            team.threads.push(std::thread::Builder::new().name(format!("engine-{member}")).spawn(body)?);
        }
        Ok(team)
    }

    /// Where the calling thread meets the others.
    pub(crate) fn meeting(&self) -> &Meeting {
        &self.meeting
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.meeting.end();
        for thread in self.threads.drain(..) {
            // An error is a panic, which has been reported.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_share_the_tasks_of_each_round() {
        let counts: Arc<Vec<AtomicUsize>> = Arc::new((0..100).map(|_| AtomicUsize::new(0)).collect());
        let shared = Arc::clone(&counts);
        let work = move |_, meeting: &Meeting| {
            meeting.wait()?;
            for _ in 0..50 {
                while let Some(task) = meeting.take(shared.len()) {
                    shared[task].fetch_add(1, Ordering::Relaxed);
                }
                meeting.wait()?;
            }
            Ok(())
        };
        let team = Team::start(3, work.clone()).unwrap();
        for frame in 1..=4 {
            work(0, team.meeting()).unwrap();
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 50 * frame));
        }
    }

    #[test]
    fn a_panic_in_a_thread_ends_the_team_and_hangs_nobody() {
        let team = Team::start(2, |_, meeting: &Meeting| {
            meeting.wait()?;
            panic!("expected by the test");
        })
        .unwrap();
        team.meeting().wait().unwrap();
        assert_eq!(team.meeting().wait(), Err(Over));
        assert_eq!(team.meeting().wait(), Err(Over));
    }

    #[test]
    fn a_panic_of_the_caller_ends_the_team() {
        let team = Team::start(2, |_, meeting: &Meeting| meeting.wait()).unwrap();
        let caller = catch_unwind(AssertUnwindSafe(|| {
            let _guard = EndOnPanic(team.meeting());
            panic!("expected by the test");
        }));
        assert!(caller.is_err());
        assert_eq!(team.meeting().wait(), Err(Over));
    }
}
