//! The dispatcher: decides whose work is next, gives it to the lanes, and takes in what comes of it. All that happens to jobs
//! while a service runs goes through this one task; what may take long is done beside it.

mod chores;
mod ended;
mod give;
mod limit;
mod pace;
mod rest;
#[cfg(test)]
mod storm;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use job::state::{Event, Phase};
use job::{JobId, Scheduler};
use ledger::Record;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::choice::Kind;
use crate::clock::now;
use crate::error::Error;
use crate::executor::Executor;
use crate::lanes::{Busy, Lane, LaneTask, Message};
use crate::progress::Progress;
use crate::service::Ending;
use crate::shared::Shared;
use crate::shutdown::Shutdown;
use crate::updates::Update;

use chores::Chore;

/// Time between looks at the ledger for what other programs changed, such as a cancelled job.
const POLL: Duration = Duration::from_millis(500);
/// Time between looks at a disk that was full, and least time between searches for work where no job could go on.
pub(crate) const IDLE: Duration = Duration::from_secs(2);
/// Looking for work takes at most one part in so many of the time while there is none, as long as that is soon enough.
const SHARE: u32 = 1000;
/// Time between two looks for work of which a call to look again is the reason, at least.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// Work is looked for after this time at the latest.
const LONGEST_POLL: Duration = Duration::from_secs(10);
/// Messages of lanes that wait for the dispatcher.
const MESSAGES: usize = 256;

/// What people are told while the ledger cannot be written. A change takes some kilobytes of its log.
const LEDGER_FULL: &str =
    "waiting for space: the disk of the ledger is full; free at least 1 MB and the job goes on by itself";

/// Makes the executor of a lane of this name.
type Executors = Box<dyn Fn(&str) -> Box<dyn Executor> + Send>;

/// Works jobs off with its lanes.
pub(crate) struct Dispatcher {
    shared: Arc<Shared>,
    /// The only job that is worked on; all where there is none.
    only: Option<JobId>,
    executors: Executors,
    lanes: Vec<Lane>,
    lane_tasks: JoinSet<()>,
    messages: mpsc::Receiver<Message>,
    post: mpsc::Sender<Message>,
    chores: JoinSet<Chore>,
    /// The jobs that lanes are at, or that have just lost theirs.
    touched: BTreeMap<JobId, Touched>,
    /// How far jobs are that were worked on before, as far as this side knows. All others are to be indexed.
    reached: HashMap<JobId, Phase>,
    /// The jobs whose folders were tidied since their segments were begun.
    tidied: HashSet<JobId>,
    /// The jobs of which one segment is made at a time, since a share of what their limit leaves does not do for all of them.
    undivided: HashSet<JobId>,
    waiting: Waiting,
    /// As long as all is as it was then, nothing is to be searched; `None` while a job could go on.
    quiet: Option<Quiet>,
    shown: HashMap<JobId, Shown>,
    /// The turns of heavy lanes, and of light ones.
    schedulers: [Scheduler; 2],
    /// Something has changed that may let a lane go on.
    is_dirty: bool,
    next_poll: Instant,
    next_search: Instant,
    last_search: Instant,
    next_review: Instant,
    last_alive: Option<Instant>,
    told: Told,
    /// A job has come to its end since the ledger was copied.
    something_ended: bool,
    last_backup: Option<Instant>,
}

/// The jobs that wait for space or a folder. What they wait for is looked at beside.
#[derive(Debug)]
struct Waiting {
    jobs: HashSet<JobId>,
    is_checked: bool,
    next_poll: Instant,
}

impl Waiting {
    fn new() -> Self {
        Self { jobs: HashSet::new(), is_checked: false, next_poll: Instant::now() }
    }
}

/// What is said once.
#[derive(Debug, Default)]
struct Told {
    /// What keeps the workers from being confined.
    sandbox: bool,
    /// That memory does not do for all workers at once.
    memory: bool,
}

/// What the ledger and the folders were like when no job could go on.
#[derive(Debug, PartialEq, Eq)]
struct Quiet {
    ledger: ledger::Version,
    waiting: usize,
    away: Vec<PathBuf>,
    /// There was no job at all.
    is_empty: bool,
}

/// A job that lanes are at.
#[derive(Debug, Default)]
struct Touched {
    /// Something is done in its folder, beside the lanes.
    has_chore: bool,
    /// What was made is of no use any more and is to be removed, once no lane is at work there.
    is_to_be_swept: bool,
}

/// What people are shown of a job beyond the ledger.
#[derive(Debug, Default)]
struct Shown {
    progress: Progress,
    /// The job as it was told last.
    latest: Option<Arc<Record>>,
    /// When it was told how far it is.
    told: Option<Instant>,
    /// When its `status.json` was begun to be written; `None` where that says what is not so any more.
    status_written: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

impl Dispatcher {
    /// A dispatcher that has not begun.
    pub(crate) fn new(shared: Arc<Shared>, only: Option<JobId>, executors: Executors) -> Self {
        let (post, messages) = mpsc::channel(MESSAGES);
        let start = Instant::now();
        Self {
            shared,
            only,
            executors,
            lanes: Vec::new(),
            lane_tasks: JoinSet::new(),
            messages,
            post,
            chores: JoinSet::new(),
            touched: BTreeMap::new(),
            reached: HashMap::new(),
            tidied: HashSet::new(),
            undivided: HashSet::new(),
            waiting: Waiting::new(),
            quiet: None,
            shown: HashMap::new(),
            schedulers: Default::default(),
            is_dirty: true,
            next_poll: start,
            next_search: start,
            last_search: start,
            next_review: start,
            last_alive: None,
            told: Told::default(),
            something_ended: true,
            last_backup: None,
        }
    }

    /// Works jobs off until a person asks to stop, or the only job has come to its end.
    ///
    /// # Errors
    /// When the ledger fails or no worker can be started. It may be called again then.
    pub(crate) async fn work_off(&mut self, shutdown: &Shutdown) -> Result<Ending, Error> {
        let worked = self.work(shutdown).await;
        let rested = self.come_to_rest().await;
        let ending = worked?;
        rested?;
        Ok(ending)
    }

    async fn work(&mut self, shutdown: &Shutdown) -> Result<Ending, Error> {
        self.take_stock().await?;
        self.add_lane("local-light".to_owned(), Kind::Light, 1);
        self.touched.extend(self.only.map(|id| (id, Touched::default())));
        while !shutdown.is_requested() {
            self.tell_alive();
            self.back_up();
            self.check_jobs().await?;
            self.tell_waits();
            if self.is_dirty || self.next_search <= Instant::now() {
                self.give_out(shutdown).await?;
            }
            if self.only.is_some_and(|id| !self.touched.contains_key(&id)) {
                return Ok(Ending::Final);
            }
            let tick = tokio::time::Instant::from_std(self.next_poll.min(self.next_search));
            tokio::select! {
                Some(message) = self.messages.recv() => self.hear(message, shutdown).await?,
                Some(done) = self.chores.join_next() => self.end_chore(done)?,
                Some(hand) = self.lane_tasks.join_next() => drop(pass_on(hand)),
                () = self.shared.options.wake.wait() => self.poll_soon(),
                () = tokio::time::sleep_until(tick) => {}
                () = shutdown.requested() => {}
            }
        }
        Ok(Ending::Stopped)
    }

    /// Looks at once, unless it has just looked: thousands of jobs may come one after the other.
    fn poll_soon(&mut self) {
        self.next_poll = Instant::now();
        self.next_search = self.next_search.min(self.last_search + LEAST_PAUSE);
    }

    /// Adds a lane, which begins to wait for orders.
    fn add_lane(&mut self, name: String, kind: Kind, number: u32) {
        let (orders, to_do) = mpsc::channel(1);
        let task = LaneTask {
            shared: Arc::clone(&self.shared),
            lane: self.lanes.len(),
            executor: (self.executors)(&name),
            name: name.clone(),
            messages: self.post.clone(),
        };
        self.lane_tasks.spawn(task.work(to_do));
        self.lanes.push(Lane::new(name, kind, number, orders));
    }

    /// Looks whether jobs that lanes are at were ended by others: their lanes let go of them.
    async fn check_jobs(&mut self) -> Result<(), Error> {
        if self.next_poll > Instant::now() {
            return Ok(());
        }
        self.next_poll = Instant::now() + POLL;
        self.shared.options.ledger.check_place().await?;
        let touched: Vec<JobId> = self.touched.keys().copied().collect();
        for id in touched {
            let record = self.shared.options.ledger.get(id).await?;
            if record.is_none_or(|record| record.job.status.is_final()) {
                self.stop_lanes_at(id);
                self.is_dirty = true;
            }
        }
        self.check_waiting();
        Ok(())
    }

    /// Asks the lanes that work on a job to give it up. No attempt is counted.
    fn stop_lanes_at(&self, id: JobId) {
        self.lanes
            .iter()
            .filter(|lane| lane.is_at(id))
            .filter_map(|lane| lane.busy.as_ref())
            .for_each(Busy::stop);
    }

    /// Waits for file operations, and says all the while that this side is alive.
    async fn alive_while<T>(&mut self, working: impl Future<Output = T>) -> T {
        let mut working = std::pin::pin!(working);
        loop {
            match tokio::time::timeout(POLL, &mut working).await {
                Ok(done) => return done,
                Err(_) => self.tell_alive(),
            }
        }
    }

    fn tell_alive(&mut self) {
        if self.last_alive.is_none_or(|last| last.elapsed() >= POLL) {
            self.last_alive = Some(Instant::now());
            self.shared.updates.tell(Update::Alive);
        }
    }

    async fn apply(&self, id: JobId, event: Event) -> Result<ledger::Applied, Error> {
        Ok(self.shared.options.ledger.apply(id, event, now()).await?)
    }

    /// Applies an event, and waits while the ledger's disk is full: what was made is not to be made again for that.
    async fn tell_ledger(
        &mut self,
        id: JobId,
        event: Event,
        shutdown: &Shutdown,
    ) -> Result<ledger::Applied, Error> {
        let mut is_said = false;
        loop {
            match self.apply(id, event.clone()).await {
                Err(error) if error.is_no_space() && !shutdown.is_requested() => {
                    if !std::mem::replace(&mut is_said, true) {
                        self.say_ledger_full(id, &error);
                    }
                    self.alive_while(shutdown.sleep(IDLE)).await;
                }
                other => return other,
            }
        }
    }

    /// Tells that a job waits until the ledger can be written.
    pub(crate) fn say_ledger_full(&self, id: JobId, error: &Error) {
        tracing::warn!("job {id}: {error}");
        self.shared.updates.tell(Update::Note { id, notice: LEDGER_FULL.into() });
    }
}

/// Passes a panic of a task on: what it was to do is never done.
fn pass_on<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(done) => Some(done),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => None,
    }
}
