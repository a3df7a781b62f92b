//! Lanes: each does one piece of work after the other with its executor, beside the others.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use job::state::{Event, Task};
use job::{JobId, SegmentRange};
use ledger::Record;
use tokio::sync::mpsc;

use crate::attempt::{Attempt, Outcome};
use crate::choice::Kind;
use crate::clock::now;
use crate::executor::{Executor, Heard};
use crate::progress::Progress;
use crate::shared::Shared;
use crate::shutdown::Shutdown;

/// How long a lease lasts without a sign of life: three heartbeats.
pub(crate) const LEASE: Duration = Duration::from_secs(15);
/// Time between the signs of life of a lane, whose death is seen at once anyway.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);
/// Time between reports of a job's progress.
pub(crate) const REPORT: Duration = Duration::from_millis(250);

/// What a lane is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// A piece of work.
    Do(Box<Given>),
    /// To end the worker that it holds.
    LetGo,
}

/// A piece of work that a lane was given.
#[derive(Debug)]
pub(crate) struct Given {
    /// The job as it was then.
    pub(crate) record: Arc<Record>,
    pub(crate) task: Task,
    /// Threads of the engine.
    pub(crate) threads: u32,
    /// Bytes that a segment may take; `None` where there is no limit.
    pub(crate) most_bytes: Option<u64>,
    /// How the work on the job went in this run.
    pub(crate) progress: Progress,
    /// The wish to give it up.
    pub(crate) stop: Shutdown,
}

/// What a lane tells the dispatcher.
#[derive(Debug)]
pub(crate) enum Message {
    Heard(usize, Heard),
    Ended(usize, Outcome),
}

/// What the dispatcher knows of a lane.
#[derive(Debug)]
pub(crate) struct Lane {
    /// By which it has leases.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Its number among those of its kind, from 1 on.
    pub(crate) number: u32,
    orders: mpsc::Sender<Order>,
    pub(crate) busy: Option<Busy>,
    /// The job that its executor may hold a worker of.
    pub(crate) held: Option<JobId>,
    /// The job that it works on as soon as that is possible.
    pub(crate) chosen: Option<JobId>,
    /// It gets nothing to do before this time, since what others do leaves it no memory.
    pub(crate) rests_until: Option<Instant>,
}

/// What a lane does.
#[derive(Debug)]
pub(crate) struct Busy {
    /// What it was given; `None` while it lets go.
    pub(crate) given: Option<(Arc<Record>, Task)>,
    /// See [`Given::most_bytes`].
    pub(crate) most_bytes: Option<u64>,
    stop: Shutdown,
}

impl Busy {
    /// The job that is worked on.
    pub(crate) fn job(&self) -> Option<JobId> {
        self.given.as_ref().map(|(record, _)| record.id)
    }

    /// Asks the lane to give its work up.
    pub(crate) fn stop(&self) {
        self.stop.request();
    }
}

impl Lane {
    /// A lane that orders go to.
    pub(crate) fn new(name: String, kind: Kind, number: u32, orders: mpsc::Sender<Order>) -> Self {
        Self { name, kind, number, orders, busy: None, held: None, chosen: None, rests_until: None }
    }

    /// True while it gets nothing to do.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.rests_until.is_some_and(|until| until > Instant::now())
    }

    /// True where the lane works on a job.
    pub(crate) fn is_at(&self, id: JobId) -> bool {
        self.busy.as_ref().is_some_and(|busy| busy.job() == Some(id))
    }

    /// True where the lane works on a job, or its executor may touch the files of it.
    pub(crate) fn has(&self, id: JobId) -> bool {
        self.is_at(id) || self.held == Some(id)
    }

    /// Gives the lane a task of a job. It must have nothing to do.
    pub(crate) fn give(&mut self, given: Given) {
        let Given { record, task, most_bytes, stop, .. } = &given;
        self.held = Some(record.id);
        self.busy = Some(Busy {
            given: Some((Arc::clone(record), task.clone())),
            most_bytes: *most_bytes,
            stop: stop.clone(),
        });
        self.order(Order::Do(Box::new(given)));
    }

    /// Lets the lane end the worker that it holds. It must have nothing to do.
    pub(crate) fn let_go(&mut self) {
        self.busy = Some(Busy { given: None, most_bytes: None, stop: Shutdown::new() });
        self.order(Order::LetGo);
    }

    fn order(&self, order: Order) {
        // One order at a time: there is room. A lane that is gone is found where its answers are awaited.
        let _ = self.orders.try_send(order);
    }
}

/// The other side of a lane: what carries its orders out.
pub(crate) struct LaneTask {
    pub(crate) shared: Arc<Shared>,
    /// Its place among all lanes.
    pub(crate) lane: usize,
    pub(crate) name: String,
    pub(crate) executor: Box<dyn Executor>,
    pub(crate) messages: mpsc::Sender<Message>,
}

impl LaneTask {
    /// Carries orders out until there are no more.
    pub(crate) async fn work(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            let outcome = match order {
                Order::LetGo => {
                    self.executor.let_go().await;
                    Outcome::LetGo
                }
                Order::Do(given) => self.carry_out(&given).await,
            };
            if self.messages.send(Message::Ended(self.lane, outcome)).await.is_err() {
                return;
            }
        }
    }

    /// Does a piece of work, and tells the ledger all the while that it is alive.
    async fn carry_out(&mut self, given: &Given) -> Outcome {
        let (lane, messages) = (self.lane, self.messages.clone());
        let mut told: Option<Instant> = None;
        let mut tell = |heard: Heard| {
            let is_due = told.is_none_or(|last| last.elapsed() >= REPORT);
            if matches!(heard, Heard::Sandbox(_)) || is_due {
                if matches!(heard, Heard::Frames { .. }) {
                    told = Some(Instant::now());
                }
                // Progress that the dispatcher has no time for is told again soon.
                let _ = messages.try_send(Message::Heard(lane, heard));
            }
        };
        let attempt = Attempt {
            shared: &self.shared,
            given,
            executor: &mut *self.executor,
            tell: &mut tell,
            is_gone: false,
            stamp: String::new(),
        };
        tokio::select! {
            outcome = attempt.run() => outcome,
            never = heartbeat(&self.shared, given.record.id, &self.name) => match never {},
        }
    }
}

/// Renews the leases of a lane on a job, again and again.
async fn heartbeat(shared: &Shared, id: JobId, worker: &str) -> Infallible {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let lease_milliseconds = LEASE.as_millis() as i64;
        let renew = Event::Renew { worker: worker.to_owned(), lease_milliseconds };
        // The worker has what it needs, and no other lane takes its work.
        if let Err(error) = shared.options.ledger.apply(id, renew, now()).await {
            tracing::warn!("job {id}: {error}");
        }
    }
}

/// Frames of a task; `None` where it is no segment.
pub(crate) fn range(task: &Task) -> Option<SegmentRange> {
    match task {
        Task::Segment { range, .. } => Some(*range),
        _ => None,
    }
}
