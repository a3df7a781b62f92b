//! What happened to jobs, in order and numbered, so that readers can follow without reading all jobs again and again.

use job::state::{Job, Phase};
use job::{JobId, Millis};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteOperation;
use sqlx::{Row as _, SqliteConnection};
use tokio::sync::watch;

use crate::rows::{from_json, to_json};
use crate::{Error, Ledger};

/// Events that are kept. A reader that falls behind by more is told how many it missed.
pub const KEPT_EVENTS: i64 = 10_000;
/// Old events are removed whenever so many came.
const REMOVED_AT_ONCE: i64 = 256;

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was taken in.
    Added,
    /// It is another than before.
    Changed {
        /// The name of its status.
        status: String,
        /// How far it is.
        phase: Phase,
        /// Finished segments.
        segments: u32,
        /// Their frames.
        frames: u64,
    },
    /// A person gave it another place in the order.
    Moved,
    /// A person took it off the list.
    Removed,
    /// It is on the list again.
    Listed,
    /// It is not in the ledger any more.
    Forgotten,
}

impl What {
    pub(crate) fn changed(job: &Job) -> Self {
        Self::Changed {
            status: job.status.name().to_owned(),
            phase: job.phase,
            segments: job.totals.finished,
            frames: job.totals.frames,
        }
    }

    /// True where the job failed.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Changed { status, .. } if status == "failed")
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEvent {
    /// Its number: one more than that of the event before.
    pub number: i64,
    /// The job.
    pub job: JobId,
    /// When.
    pub at: Millis,
    /// What.
    pub what: What,
}

/// Events after one that a reader knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Events {
    /// In order.
    pub events: Vec<JobEvent>,
    /// So many between the known one and the first of these are not kept any more: the reader looks at the jobs themselves.
    pub missed: u64,
}

/// What a ledger was like at a time, to see cheaply whether it is another by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The number that the database changes whenever another connection has written.
    of_others: i64,
    /// The latest event.
    event: i64,
}

impl Ledger {
    /// The version that the ledger has now. Jobs that are taken in, change or go make it another one; what is only noted of them (a
    /// place in the order, a mark) does so only where another program notes it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version(&self) -> Result<Version, Error> {
        let mut connection = self.pool.acquire().await?;
        let of_others = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await?;
        let event: Option<i64> =
            sqlx::query_scalar("SELECT max(number) FROM event").fetch_one(&mut *connection).await?;
        Ok(Version { of_others, event: event.unwrap_or(0) })
    }

    /// What happened after the event of a number, 0 for all; so many at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, after: i64, limit: u32) -> Result<Events, Error> {
        let mut look = self.pool.begin().await?;
        let oldest: Option<i64> =
            sqlx::query_scalar("SELECT min(number) FROM event").fetch_one(&mut *look).await?;
        let rows = sqlx::query("SELECT * FROM event WHERE number > $1 ORDER BY number LIMIT $2")
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut *look)
            .await?;
        let event = |row: &sqlx::sqlite::SqliteRow| {
            Ok(JobEvent {
                number: row.try_get("number")?,
                job: JobId(row.try_get("job")?),
                at: Millis(row.try_get("at")?),
                what: from_json(row, "what")?,
            })
        };
        let events = rows.iter().map(event).collect::<Result<Vec<_>, Error>>()?;
        let missed = oldest.map_or(0, |oldest| oldest.saturating_sub(1).saturating_sub(after).max(0));
        Ok(Events { events, missed: missed.cast_unsigned() })
    }

    /// As [`Ledger::events`]; where there is none, waits for the next. Only what this ledger and its copies change ends the wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_events(&self, after: i64, limit: u32) -> Result<Events, Error> {
        let mut happened = self.happened.subscribe();
        loop {
            let events = self.events(after, limit).await?;
            // The sender lives as long as this ledger.
            if !events.events.is_empty() || happened.changed().await.is_err() {
                return Ok(events);
            }
        }
    }

    /// The number of the latest event; 0 before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_event(&self) -> Result<i64, Error> {
        let last: Option<i64> =
            sqlx::query_scalar("SELECT max(number) FROM event").fetch_one(&self.pool).await?;
        Ok(last.unwrap_or(0))
    }
}

/// Tells those who wait for events when a connection notes one. They read it with the same connection, which they get when the
/// transaction is over.
pub(crate) async fn tell(
    connection: &mut SqliteConnection,
    happened: watch::Sender<()>,
) -> Result<(), sqlx::Error> {
    connection.lock_handle().await?.set_update_hook(move |update| {
        if update.table == "event" && update.operation == SqliteOperation::Insert {
            happened.send_replace(());
        }
    });
    Ok(())
}

/// Notes an event, in the transaction that makes the change.
pub(crate) async fn note(
    connection: &mut SqliteConnection,
    job: JobId,
    at: Millis,
    what: &What,
) -> Result<(), Error> {
    let statement = "INSERT INTO event (job, at, what) VALUES ($1, $2, $3) RETURNING number";
    let number: i64 = sqlx::query_scalar(statement)
        .bind(job.0)
        .bind(at.0)
        .bind(to_json(what)?)
        .fetch_one(&mut *connection)
        .await?;
    if number % REMOVED_AT_ONCE == 0 {
        sqlx::query("DELETE FROM event WHERE number <= $1")
            .bind(number - KEPT_EVENTS)
            .execute(connection)
            .await?;
    }
    Ok(())
}
