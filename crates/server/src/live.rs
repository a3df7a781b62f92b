//! What happens to jobs, for all clients that watch: read once from the ledger and from the service, and handed to each.
//!
//! A client that is slow holds nothing up. It reads the events that it missed from the ledger again; progress that it missed is
//! of no use any more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use coordinator::{Handle, JobEvent, JobReport, MOST_EVENTS, Shutdown, Update, Updates, rfc3339};
use job::JobId;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::wire::Progress;

/// Messages that are kept for a client that is behind; later it reads the ledger.
const KEPT: usize = 1024;
/// A job's progress is told so often at most.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// The pause before the ledger is asked again after it has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// The service says that it is alive every few seconds; after this time without a word it counts as dead.
const SILENCE: Duration = Duration::from_mins(1);

/// Something that clients are told, as JSON.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// An event of the ledger.
    Event {
        /// Its number.
        number: i64,
        /// A [`JobChanged`].
        data: Arc<str>,
    },
    /// A [`Progress`].
    Progress(Arc<str>),
}

/// Something happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct JobChanged {
    /// The number of the event: one more than that of the event before.
    number: i64,
    /// The number of the job.
    job: i64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What happened, in the words of the ledger; the job itself says how it stands now.
    #[schema(value_type = Object)]
    what: serde_json::Value,
}

impl Message {
    pub(crate) fn event(event: &JobEvent) -> Self {
        let changed = JobChanged {
            number: event.number,
            job: event.job.0,
            at: rfc3339(event.at),
            what: serde_json::to_value(&event.what).unwrap_or_default(),
        };
        Self::Event { number: event.number, data: json(&changed) }
    }
}

pub(crate) fn json(value: &impl Serialize) -> Arc<str> {
    // Numbers and texts always are JSON.
    serde_json::to_string(value).unwrap_or_default().into()
}

/// Tells all clients what happens.
#[derive(Debug, Clone)]
pub(crate) struct Live(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    messages: broadcast::Sender<Message>,
    /// How the jobs stand on which lanes work, by what the service says.
    running: std::sync::Mutex<HashMap<JobId, Arc<JobReport>>>,
    began: Instant,
    /// Milliseconds from the beginning to the last sign of life of the service.
    alive: AtomicI64,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            messages: broadcast::channel(KEPT).0,
            running: std::sync::Mutex::default(),
            began: Instant::now(),
            alive: AtomicI64::new(0),
        }))
    }

    /// What is told from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Message> {
        self.0.messages.subscribe()
    }

    /// How many clients watch.
    pub(crate) fn watching(&self) -> usize {
        self.0.messages.receiver_count()
    }

    /// The jobs that are worked on.
    pub(crate) fn running(&self) -> Vec<Arc<JobReport>> {
        self.lock().values().cloned().collect()
    }

    /// True while the service gives signs of life.
    pub(crate) fn is_service_alive(&self) -> bool {
        let alive = Duration::from_millis(self.0.alive.load(Ordering::Relaxed).unsigned_abs());
        self.0.began.elapsed().saturating_sub(alive) < SILENCE
    }

    /// Tells what happens until the shutdown is requested.
    pub(crate) async fn tell(self, handle: Handle, updates: Updates, shutdown: Shutdown) {
        tokio::select! {
            () = self.tell_events(&handle) => {}
            () = self.tell_progress(updates) => {}
            () = shutdown.requested() => {}
        }
    }

    async fn tell_events(&self, handle: &Handle) {
        let mut after = None;
        loop {
            let events = match after {
                None => handle.last_event().await.map(|last| {
                    after = Some(last);
                    Vec::new()
                }),
                Some(number) => handle.next_events(number, MOST_EVENTS).await.map(|events| events.events),
            };
            match events {
                Ok(events) => {
                    for event in events {
                        after = Some(event.number);
                        // That no client watches is no reason to stop.
                        let _ = self.0.messages.send(Message::event(&event));
                    }
                }
                Err(refusal) => {
                    tracing::warn!("clients are not told what happens for a moment: {refusal}");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn tell_progress(&self, mut updates: Updates) {
        let mut told: HashMap<JobId, Instant> = HashMap::new();
        while let Some(update) = updates.next().await {
            let alive = self.0.began.elapsed().as_millis();
            self.0.alive.store(i64::try_from(alive).unwrap_or(i64::MAX), Ordering::Relaxed);
            let Update::Job(report) = update else { continue };
            let id = report.id;
            if report.status != "running" {
                self.lock().remove(&id);
                told.remove(&id);
                continue;
            }
            self.lock().insert(id, Arc::clone(&report));
            let is_due = told.get(&id).is_none_or(|last| last.elapsed() >= PROGRESS_EVERY);
            if is_due && self.watching() > 0 {
                told.insert(id, Instant::now());
                let _ = self.0.messages.send(Message::Progress(json(&Progress::new(&report))));
            }
        }
        // The service has ended, and so will this server.
        std::future::pending::<()>().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Arc<JobReport>>> {
        // A map that a panicking thread held is whole: each change is one call.
        self.0.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
