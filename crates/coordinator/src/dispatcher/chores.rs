//! What is done beside the lanes and may take long: tidying and removing folders, looking at disks, copying the ledger.

use std::sync::Arc;
use std::time::{Duration, Instant};

use job::JobId;
use job::state::{Event, Phase, Status};
use ledger::Record;
use tokio::task::JoinError;

use super::ended::written;
use super::{Dispatcher, IDLE, LONGEST_POLL, POLL, SHARE, pass_on};
use crate::away;
use crate::blocking::blocking;
use crate::clock::now;
use crate::error::Error;
use crate::leftovers::remove_leftovers;
use crate::segments::sweep;
use crate::shared::Shared;
use crate::shutdown::Shutdown;

/// A job waits for room for at least so long: where more was needed than could be told, looking at the disk alone would begin
/// the same attempt again and again.
const LEAST_WAIT: Duration = Duration::from_secs(5);
/// Least time between backups of the ledger.
const BACKUP: Duration = Duration::from_mins(1);

/// What came of a chore.
#[derive(Debug)]
pub(super) enum Chore {
    /// The folder of a job is tidy, and this is how far the job is.
    Tidied(JobId, Result<Phase, Error>),
    /// What is of no use any more is removed from the folder of a job.
    Swept(JobId, Result<(), Error>),
    /// What a job that has ended leaves is removed.
    Closed(JobId, Result<(), Error>),
    /// These jobs need not wait any more, and the next look may be after this time.
    Checked(Result<Vec<JobId>, Error>, Duration),
    /// The ledger was copied.
    BackedUp(Result<(), ledger::Error>),
}

impl Dispatcher {
    /// Takes over what is finished in the folder of a job that is begun, and removes what else is left there.
    pub(super) fn tidy(&mut self, record: Arc<Record>, shutdown: &Shutdown) {
        self.touched.entry(record.id).or_default().has_chore = true;
        let (shared, shutdown) = (Arc::clone(&self.shared), shutdown.clone());
        self.chores.spawn(async move {
            let id = record.id;
            Chore::Tidied(id, shared.tidy(record, &shutdown).await.map(|record| record.job.phase))
        });
    }

    /// Removes what is of no use any more from the folder of a job.
    pub(super) fn sweep(&mut self, record: Record) {
        let touched = self.touched.entry(record.id).or_default();
        (touched.has_chore, touched.is_to_be_swept) = (true, false);
        let shared = Arc::clone(&self.shared);
        self.chores.spawn(async move {
            let swept = sweep(&shared.options.ledger, &record, &[]).await;
            Chore::Swept(record.id, swept)
        });
    }

    /// Removes what a job that has ended leaves.
    pub(super) fn close(&mut self, record: Arc<Record>) {
        self.touched.entry(record.id).or_default().has_chore = true;
        self.something_ended = true;
        let (shared, writing) = (Arc::clone(&self.shared), self.shown(record.id).writing.take());
        self.chores.spawn(async move {
            let id = record.id;
            // It would come into the folder that is removed.
            written(writing).await;
            let record = blocking(move || {
                remove_leftovers(&record);
                record
            })
            .await;
            let freed =
                if record.job.status == Status::Done { shared.free_halves(&record).await } else { Ok(()) };
            Chore::Closed(id, freed)
        });
    }

    /// Looks whether what jobs wait for is there.
    pub(super) fn check_waiting(&mut self) {
        if self.waiting.jobs.is_empty() || self.waiting.is_checked || self.waiting.next_poll > Instant::now()
        {
            return;
        }
        self.waiting.is_checked = true;
        let (shared, waiting) = (Arc::clone(&self.shared), self.waiting.jobs.clone());
        self.chores.spawn(async move {
            // Thousands of jobs may wait, each for its folder. What few wait for costs little on a busy machine, too.
            let longest = (POLL * waiting.len() as u32).clamp(IDLE, LONGEST_POLL);
            let (begun, mut over) = (Instant::now(), Vec::new());
            for id in waiting {
                match shared.is_over(id).await {
                    Ok(true) => over.push(id),
                    Ok(false) => {}
                    Err(error) => return Chore::Checked(Err(error), POLL),
                }
            }
            Chore::Checked(Ok(over), (begun.elapsed() * SHARE).clamp(IDLE, longest))
        });
    }

    /// Keeps a copy of the ledger when a job has come to its end, which nothing but the ledger knows.
    pub(super) fn back_up(&mut self) {
        if !self.something_ended || self.last_backup.is_some_and(|last| last.elapsed() < BACKUP) {
            return;
        }
        (self.something_ended, self.last_backup) = (false, Some(Instant::now()));
        let ledger = self.shared.options.ledger.clone();
        self.chores.spawn(async move { Chore::BackedUp(ledger.back_up().await) });
    }

    /// Takes in what came of a chore.
    pub(super) fn end_chore(&mut self, done: Result<Chore, JoinError>) -> Result<(), Error> {
        let Some(done) = pass_on(done) else { return Ok(()) };
        // Where all goes on waiting, there is nothing to search for.
        self.is_dirty |= !matches!(&done, Chore::Checked(Ok(over), _) if over.is_empty());
        match done {
            Chore::Tidied(id, phase) => {
                self.touched.entry(id).or_default().has_chore = false;
                self.reached.insert(id, phase?);
                self.tidied.insert(id);
            }
            Chore::Swept(id, swept) => {
                self.touched.entry(id).or_default().has_chore = false;
                self.tidied.insert(id);
                swept?;
            }
            Chore::Closed(id, freed) => {
                self.touched.remove(&id);
                self.reached.remove(&id);
                self.tidied.remove(&id);
                self.undivided.remove(&id);
                self.shown.remove(&id);
                freed?;
            }
            Chore::Checked(over, pause) => {
                (self.waiting.is_checked, self.waiting.next_poll) = (false, Instant::now() + pause);
                for id in over? {
                    self.waiting.jobs.remove(&id);
                }
            }
            Chore::BackedUp(Err(error)) if error.is_damage() => return Err(error.into()),
            Chore::BackedUp(Err(error)) => tracing::warn!("no backup of the ledger: {error}"),
            Chore::BackedUp(Ok(())) => {}
        }
        Ok(())
    }
}

impl Shared {
    /// Looks whether what a job waits for is there, or whether it waits no more.
    async fn is_over(self: &Arc<Self>, id: JobId) -> Result<bool, Error> {
        let Some(record) = self.options.ledger.get(id).await? else { return Ok(true) };
        if !matches!(record.job.status, Status::WaitingForSpace { .. } | Status::WaitingForFolder { .. }) {
            return Ok(true);
        }
        let shared = Arc::clone(self);
        let is_over = blocking(move || match record.job.status {
            Status::WaitingForSpace { bytes } => {
                // However the clock was set meanwhile.
                let has_waited = now().0.abs_diff(record.changed.0) >= LEAST_WAIT.as_millis() as u64;
                has_waited && storage::free_bytes(&record.request.output).is_ok_and(|free| free >= bytes)
            }
            _ => away::reason(&record, &shared.folders()).is_none(),
        })
        .await;
        if is_over {
            self.options.ledger.apply(id, Event::WaitOver, now()).await?;
        }
        Ok(is_over)
    }
}
