//! Threads that work off the tasks of a frame in order, without meeting after each step.
//!
//! The tasks of a frame are numbered in the order of the plan, and members take the next number. Each member shows
//! the number of the task it is at, so the smallest number shown is a mark below which everything is done: a task
//! that needs results waits until the mark has passed their last task. Since numbers are given out in order, the
//! member at the smallest number never waits, and mostly no member does: what a task reads was made many tasks ago.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How often a member looks for the next frame before it sleeps: about as long as a caller needs between two frames.
const LOOKS: u32 = 4000;
/// How often a member that waits for results looks before it lets other threads run: less than a task takes.
const SPINS: u32 = 400;
/// What a member shows that has no task.
const NONE: usize = usize::MAX;

/// The team has been dismissed, or one of its members died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// A number that one thread writes and others read, in a cache line of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Shown(AtomicUsize);

/// What the members share.
#[derive(Debug)]
pub(crate) struct FrameSchedule {
    /// The number of the next task that no member has taken.
    next: AtomicUsize,
    /// What each member is at.
    shown: Vec<Shown>,
    /// Bands of the output that the calling thread has handed on.
    delivered: AtomicUsize,
    /// Number of frames begun; members wait for it to change.
    frame: AtomicUsize,
    is_cancelled: AtomicBool,
    /// Number of members that sleep or are about to.
    sleepers: Mutex<usize>,
    woken: Condvar,
}

impl FrameSchedule {
    fn new(members: usize) -> Self {
        Self {
            next: AtomicUsize::new(0),
            shown: (0..members).map(|_| Shown(AtomicUsize::new(NONE))).collect(),
            delivered: AtomicUsize::new(0),
            frame: AtomicUsize::new(0),
            is_cancelled: AtomicBool::new(false),
            sleepers: Mutex::new(0),
            woken: Condvar::new(),
        }
    }

    /// Gives the members a frame to work on. Only when no member works on one.
    pub(crate) fn begin(&self) -> Result<(), Cancelled> {
        if self.is_cancelled.load(Ordering::Acquire) {
            return Err(Cancelled);
        }
        self.delivered.store(0, Ordering::Relaxed);
        // A member that is late for the last frame may take a task of this one before it sees the new number of the frame:
        // taking a task alone must show it all that was written before.
        self.next.store(0, Ordering::Release);
        let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        self.frame.fetch_add(1, Ordering::Release);
        if *sleepers > 0 {
            self.woken.notify_all();
        }
        Ok(())
    }

    /// Waits for another frame than the one known and gives its number.
    fn next_frame(&self, known: usize) -> Result<usize, Cancelled> {
        let waits =
            || self.frame.load(Ordering::Acquire) == known && !self.is_cancelled.load(Ordering::Acquire);
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
        if self.is_cancelled.load(Ordering::Acquire) {
            Err(Cancelled)
        } else {
            Ok(self.frame.load(Ordering::Acquire))
        }
    }

    /// Begins a member's part of a frame: what it is at counts from now on.
    pub(crate) fn enter(&self, member: usize) {
        // Whatever the member takes next is not below this.
        self.shown[member].0.store(0, Ordering::SeqCst);
    }

    /// The number of the member's next task. What it did before counts as done.
    pub(crate) fn take(&self, member: usize) -> usize {
        // Who takes a later number has seen what this member showed before.
        let task = self.next.fetch_add(1, Ordering::SeqCst);
        self.shown[member].0.store(task, Ordering::Release);
        task
    }

    /// Ends a member's part of a frame.
    pub(crate) fn leave(&self, member: usize) {
        self.shown[member].0.store(NONE, Ordering::Release);
    }

    /// True when all tasks below a number, as far as they have been taken, are done and seen to be done. Of its own
    /// tasks, a member has done those before the last that it took.
    pub(crate) fn is_done(&self, end: usize) -> bool {
        // A member that dies ends the team before it leaves its task undone.
        self.is_passed(end) && !self.is_cancelled.load(Ordering::Acquire)
    }

    fn is_passed(&self, end: usize) -> bool {
        self.shown.iter().all(|shown| shown.0.load(Ordering::Acquire) >= end)
    }

    /// Tells that the calling thread has handed on so many bands.
    pub(crate) fn deliver(&self, bands: usize) {
        self.delivered.store(bands, Ordering::Release);
    }

    /// Bands that the calling thread has handed on.
    pub(crate) fn delivered(&self) -> usize {
        self.delivered.load(Ordering::Acquire)
    }

    /// Waits until something is true; it is asked again and again.
    pub(crate) fn wait(&self, mut is_true: impl FnMut() -> bool) -> Result<(), Cancelled> {
        let mut looks = 0;
        while !is_true() {
            if self.is_cancelled.load(Ordering::Acquire) {
                return Err(Cancelled);
            }
            if looks < SPINS {
                looks += 1;
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Waits until no member is at a task, whether the frame is done or the team is over.
    pub(crate) fn settle(&self) {
        while !self.is_passed(NONE) {
            std::thread::yield_now();
        }
    }

    /// Ends the team: all that wait or will wait are told so, and no member gets a task any more.
    pub(crate) fn end(&self) {
        let _sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_cancelled.store(true, Ordering::Release);
        self.next.store(NONE / 2, Ordering::SeqCst);
        self.woken.notify_all();
    }
}

/// Ends the team when its holder is dropped in a panic.
pub(crate) struct EndOnPanic<'a>(pub(crate) &'a FrameSchedule);

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
    schedule: Arc<FrameSchedule>,
    threads: Vec<JoinHandle<()>>,
}

impl Team {
    /// Starts `members − 1` threads, each of which calls `work` with its number (1 and up) for each frame that begins,
    /// until the team is over.
    pub(crate) fn start<W>(members: usize, work: W) -> std::io::Result<Self>
    where
        W: Fn(usize, &FrameSchedule) -> Result<(), Cancelled> + Clone + Send + 'static,
    {
        let mut team = Self { schedule: Arc::new(FrameSchedule::new(members)), threads: Vec::new() };
        for member in 1..members {
            let schedule = Arc::clone(&team.schedule);
            let work = work.clone();
            let body = move || {
                let frames = AssertUnwindSafe(|| {
                    let mut frame = 0;
                    while let Ok(next) = schedule.next_frame(frame) {
                        frame = next;
                        schedule.enter(member);
                        let ended = work(member, &schedule);
                        schedule.leave(member);
                        if ended.is_err() {
                            break;
                        }
                    }
                });
                // The panic's message is out already; what matters is that no member waits for this thread.
                if catch_unwind(frames).is_err() {
                    schedule.end();
                    schedule.leave(member);
                }
            };
            team.threads.push(std::thread::Builder::new().name(format!("engine-{member}")).spawn(body)?);
        }
        Ok(team)
    }

    /// What the calling thread, member 0, shares with the others.
    pub(crate) fn schedule(&self) -> &FrameSchedule {
        &self.schedule
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.schedule.end();
        for thread in self.threads.drain(..) {
            // An error is a panic, which has been reported.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: usize = 500;

    /// Each task needs all those that are at least `distance` before it.
    fn chain(
        numbers: &[AtomicUsize],
        distance: usize,
        member: usize,
        schedule: &FrameSchedule,
    ) -> Result<(), Cancelled> {
        loop {
            let task = schedule.take(member);
            if task >= TASKS {
                break;
            }
            let needed = task.saturating_sub(distance);
            schedule.wait(|| schedule.is_done(needed))?;
            let sum: usize = numbers[..needed].iter().map(|number| number.load(Ordering::Relaxed)).sum();
            assert!(sum >= needed, "{sum} of {needed}");
            numbers[task].fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    #[test]
    fn tasks_see_what_they_need_and_are_done_once() {
        for distance in [0, 1, 7] {
            let numbers: Arc<Vec<AtomicUsize>> = Arc::new((0..TASKS).map(|_| AtomicUsize::new(0)).collect());
            let shared = Arc::clone(&numbers);
            let work = move |member, schedule: &FrameSchedule| chain(&shared, distance, member, schedule);
            let team = Team::start(3, work.clone()).unwrap();
            for _ in 0..20 {
                numbers.iter().for_each(|number| number.store(0, Ordering::Relaxed));
                team.schedule().enter(0);
                team.schedule().begin().unwrap();
                work(0, team.schedule()).unwrap();
                team.schedule().leave(0);
                team.schedule().settle();
                assert!(numbers.iter().all(|number| number.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn a_panic_in_a_thread_ends_the_team_and_hangs_nobody() {
        let team = Team::start(2, |member, schedule: &FrameSchedule| {
            schedule.take(member);
            panic!("expected by the test");
        })
        .unwrap();
        let schedule = team.schedule();
        schedule.enter(0);
        schedule.begin().unwrap();
        // The dead member's task is not done, though it has left.
        assert_eq!(schedule.wait(|| schedule.is_done(1)), Err(Cancelled));
        schedule.leave(0);
        schedule.settle();
        assert!(!schedule.is_done(1));
        assert_eq!(schedule.begin(), Err(Cancelled));
    }

    #[test]
    fn a_panic_of_the_caller_ends_the_team() {
        let team = Team::start(2, |_, _: &FrameSchedule| Ok(())).unwrap();
        let caller = catch_unwind(AssertUnwindSafe(|| {
            let _guard = EndOnPanic(team.schedule());
            panic!("expected by the test");
        }));
        assert!(caller.is_err());
        assert_eq!(team.schedule().begin(), Err(Cancelled));
    }
}
