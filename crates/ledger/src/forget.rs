//! Forgetting jobs that have ended, so that the ledger does not grow for ever.

use job::{JobId, Millis};
use sqlx::{Row as _, SqliteConnection};

use crate::events::{self, What};
use crate::rows::record;
use crate::{Error, Ledger, Record};

/// For how long, and how many of, the jobs that have ended are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Those that ended at this time or later.
    pub since: Millis,
    /// So many of them at most, the latest.
    pub jobs: u32,
}

impl Ledger {
    /// Jobs that have ended and are not among those that are kept, the earliest first: so many at most, after the one that ended
    /// at this time and has this number. Those that a person took off the list count as all others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn not_kept(
        &self,
        kept: Kept,
        after: Option<(Millis, JobId)>,
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let mut look = self.pool.begin().await?;
        let too_many = latest_beyond(&mut look, kept.jobs).await?;
        let too_old = (kept.since.0.saturating_sub(1), i64::MAX);
        let last = too_many.map_or(too_old, |too_many| too_many.max(too_old));
        let (at, id) = after.map_or((i64::MIN, i64::MIN), |(at, id)| (at.0, id.0));
        let statement =
            "SELECT * FROM job WHERE ended IS NOT NULL AND (ended, id) > ($1, $2) AND (ended, id) <= ($3, $4)
             ORDER BY ended, id LIMIT $5";
        let rows = sqlx::query(statement)
            .bind(at)
            .bind(id)
            .bind(last.0)
            .bind(last.1)
            .bind(i64::from(limit))
            .fetch_all(&mut *look)
            .await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// Removes jobs with all that is known of them, in one transaction, and gives those that were: one that has not ended, or
    /// whose result a job that has not ended replaces, stays. Their numbers are not given to other jobs.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn forget(&self, ids: &[JobId], now: Millis) -> Result<Vec<JobId>, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut forgotten = Vec::with_capacity(ids.len());
        for &id in ids {
            let statement = "DELETE FROM job WHERE id = $1 AND ended IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM job AS later WHERE later.ended IS NULL AND later.replaces = $1)";
            let deleted = sqlx::query(statement).bind(id.0).execute(&mut *transaction).await?;
            if deleted.rows_affected() == 1 {
                events::note(&mut transaction, id, now, &What::Forgotten).await?;
                forgotten.push(id);
            }
        }
        if let Some(highest) = forgotten.iter().max() {
            let statement = "UPDATE forgotten SET highest = max(highest, $1)";
            sqlx::query(statement).bind(highest.0).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(forgotten)
    }
}

/// When the latest of the jobs ended that are too many, and its number; `None` where there are not too many.
async fn latest_beyond(connection: &mut SqliteConnection, jobs: u32) -> Result<Option<(i64, i64)>, Error> {
    let statement =
        "SELECT ended, id FROM job WHERE ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT 1 OFFSET $1";
    let row = sqlx::query(statement).bind(i64::from(jobs)).fetch_optional(connection).await?;
    row.map(|row| Ok((row.try_get("ended")?, row.try_get("id")?))).transpose()
}
