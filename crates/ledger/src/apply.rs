//! Events made durable: a job's row and the rows of the segments that an event names, in one transaction.

use job::state::{Effect, Event, Job, Status, Step, step};
use job::{JobId, Millis};
use sqlx::SqliteConnection;

use crate::events::{self, What};
use crate::rows::write_job;
use crate::store::load;
use crate::{Error, Ledger, Record, WorkTime, segments};

/// What an event did.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The job after it.
    pub record: Record,
    /// What has to be done.
    pub effects: Vec<Effect>,
}

impl Ledger {
    /// Applies an event to a job, in one transaction that is on disk when this returns. It costs the same however many segments
    /// the job has, unless it changes them all.
    ///
    /// # Errors
    /// When there is no such job or the database fails; then nothing has changed.
    pub async fn apply(&self, id: JobId, event: Event, now: Millis) -> Result<Applied, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut record = load(&mut transaction, &self.base, id).await?.ok_or(Error::NoJob(id))?;
        let before = record.job.clone();
        let Taken { job: after, effects, is_written } =
            take(&mut transaction, id, &before, record.work_time, event, now).await?;
        if is_written {
            transaction.commit().await?;
            if after.status == Status::Running {
                record.started.get_or_insert(now);
            }
            record.work_time = record.work_time.after(&before, &after, now);
            record.job = after;
            record.changed = now;
        }
        Ok(Applied { record, effects })
    }

    /// True when a worker that asks for work of a job would get some.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_work(&self, record: &Record, now: Millis) -> Result<bool, Error> {
        let job = &record.job;
        if !job.can_be_claimed() {
            return Ok(false);
        }
        if let Some(work) = job.phase_work() {
            return Ok(work.is_free(now));
        }
        let mut connection = self.pool.acquire().await?;
        let free = segments::named(&mut connection, record.id, &job::state::Needs::NextFree, now).await?;
        Ok(!free.is_empty())
    }
}

/// What became of an event.
pub(crate) struct Taken {
    job: Job,
    effects: Vec<Effect>,
    /// The job or some of its segments are others than before.
    is_written: bool,
}

/// Applies an event to the rows of a job.
pub(crate) async fn take(
    connection: &mut SqliteConnection,
    id: JobId,
    before: &Job,
    work_time: WorkTime,
    event: Event,
    now: Millis,
) -> Result<Taken, Error> {
    let is_sign_of_life = matches!(event, Event::Renew { .. });
    let named = segments::named(connection, id, &event.needs(before), now).await?;
    let Step { job, segments: changed, others, effects } = step(before.clone(), named.clone(), event, now);
    if job == *before && changed == named {
        return Ok(Taken { job, effects, is_written: false });
    }
    let work_time = work_time.after(before, &job, now);
    if !write_job(connection, id, before, &job, work_time, now).await? {
        return Err(Error::Conflict(id));
    }
    segments::write(connection, id, &named, &changed).await?;
    segments::change_all(connection, id, others, job.highest_epoch).await?;
    if !is_sign_of_life {
        events::note(connection, id, now, &What::changed(&job)).await?;
    }
    Ok(Taken { job, effects, is_written: true })
}
