//! Questions about the sources of all jobs, none of which reads whole jobs, and what a result inherits from an earlier one.

use job::state::Status;
use job::{FilePath, JobId, Millis, NewJob};
use sqlx::Row as _;

use crate::events::{self, What};
use crate::rows::from_json;
use crate::seal::seal_job;
use crate::store::insert;
use crate::{Error, Ledger, Submission};

/// The source of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSource {
    /// The job.
    pub id: JobId,
    /// Its source.
    pub source: FilePath,
    /// See [`NewJob::stamp`].
    pub stamp: String,
    /// How far the job is.
    pub status: Status,
    /// The source was found to be gone: see [`Ledger::set_gone`].
    pub is_gone: bool,
}

impl Ledger {
    /// The sources of all jobs, but for those that make a part of a film: a person asked for such a try, and the film itself is
    /// still to be made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known_sources(&self) -> Result<Vec<KnownSource>, Error> {
        let statement = "SELECT id, source, stamp, status, gone FROM job
             WHERE json_extract(settings, '$.part') IS NULL ORDER BY id";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        let known = |row: &sqlx::sqlite::SqliteRow| {
            Ok(KnownSource {
                id: JobId(row.try_get("id")?),
                source: self.base.found(&FilePath::from_bytes(row.try_get("source")?)),
                stamp: row.try_get("stamp")?,
                status: from_json(row, "status")?,
                is_gone: row.try_get("gone")?,
            })
        };
        rows.iter().map(known).collect()
    }

    /// As [`Ledger::submit`], for a source that no person chose settings for: where a job of it is there that was taken in while the
    /// source was as it is now, that is the job, whatever its settings are.
    ///
    /// # Errors
    /// As for [`Ledger::submit`].
    pub async fn submit_source(&self, new: &NewJob, now: Millis) -> Result<Submission, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let statement = "SELECT id FROM job WHERE source = $1 AND stamp = $2 AND gone = 0
             AND json_extract(settings, '$.part') IS NULL ORDER BY settings_hash = $3 DESC, id DESC LIMIT 1";
        let known: Option<i64> = sqlx::query_scalar(statement)
            .bind(self.base.kept(&new.source).as_bytes().to_vec())
            .bind(&new.stamp)
            .bind(new.settings.hash())
            .fetch_optional(&mut *transaction)
            .await?;
        let submission = match known {
            Some(id) => Submission { id: JobId(id), is_new: false },
            None => self.submit_within(&mut transaction, new, now).await?,
        };
        transaction.commit().await?;
        Ok(submission)
    }

    /// Notes that the sources of these jobs are gone, or that they are there again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_gone(&self, ids: &[JobId], is_gone: bool) -> Result<(), Error> {
        // A mark that is no part of what the seal of a job covers.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for id in ids {
            sqlx::query("UPDATE job SET gone = $1 WHERE id = $2")
                .bind(is_gone)
                .bind(id.0)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// True when the source of a job was found to be gone and nothing was heard of it since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_gone(&self, id: JobId) -> Result<bool, Error> {
        let statement = "SELECT gone FROM job WHERE id = $1";
        let gone: Option<bool> = sqlx::query_scalar(statement).bind(id.0).fetch_optional(&self.pool).await?;
        Ok(gone.unwrap_or(false))
    }

    /// True when a job uses a folder for its unfinished work, or would use it again after a retry.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_folder_used(&self, folder: &FilePath) -> Result<bool, Error> {
        let statement =
            "SELECT EXISTS (SELECT 1 FROM job WHERE folder = $1 AND state NOT IN ('done', 'canceled'))";
        let used = sqlx::query_scalar(statement)
            .bind(self.base.kept(folder).as_bytes().to_vec())
            .fetch_one(&self.pool)
            .await?;
        Ok(used)
    }

    /// Gives a job another folder for its unfinished work.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_folder(&self, id: JobId, folder: &FilePath) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE job SET folder = $1 WHERE id = $2")
            .bind(self.base.kept(folder).as_bytes().to_vec())
            .bind(id.0)
            .execute(&mut *transaction)
            .await?;
        seal_job(&mut transaction, id).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives jobs the name and the stamp that their source has by now, as `new` tells them. Those that were not worked on get
    /// its folders as well. A job stays as it is where another one is of that source with that content and those settings.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn rename_source(&self, ids: &[JobId], new: &NewJob) -> Result<(), Error> {
        let new = self.base.kept_request(new);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for &id in ids {
            sqlx::query(
                "UPDATE OR IGNORE job SET source = $1, stamp = $2, gone = 0 WHERE id = $3 AND fingerprint = $4",
            )
            .bind(new.source.as_bytes())
            .bind(&new.stamp)
            .bind(id.0)
            .bind(&new.fingerprint)
            .execute(&mut *transaction)
            .await?;
            // The epoch tells of work under earlier versions, too.
            let statement = "UPDATE job SET output = $1, folder = $2 WHERE id = $3 AND source = $4
                     AND started IS NULL AND epoch = 0 AND result IS NULL";
            sqlx::query(statement)
                .bind(new.output.as_bytes())
                .bind(new.folder.as_bytes())
                .bind(id.0)
                .bind(new.source.as_bytes())
                .execute(&mut *transaction)
                .await?;
            seal_job(&mut transaction, id).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Takes jobs off the list, or puts them back onto it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_removed(&self, ids: &[JobId], is_removed: bool, now: Millis) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let what = if is_removed { What::Removed } else { What::Listed };
        for &id in ids {
            let changed = sqlx::query("UPDATE job SET removed = $1 WHERE id = $2 AND removed <> $1")
                .bind(is_removed)
                .bind(id.0)
                .execute(&mut *transaction)
                .await?;
            if changed.rows_affected() == 1 {
                events::note(&mut transaction, id, now, &what).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Puts a job back to where it was when it was new, in the place of what it became: it is to be made again.
    ///
    /// # Errors
    /// When there is no such job, it is of another source, or the database fails.
    pub async fn begin_again(&self, id: JobId, new: &NewJob, now: Millis) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let removed = sqlx::query("DELETE FROM job WHERE id = $1 AND source = $2")
            .bind(id.0)
            .bind(self.base.kept(&new.source).as_bytes().to_vec())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if removed != 1 || insert(&mut transaction, &self.base, Some(id), new, now).await?.is_none() {
            return Err(Error::NoJob(id));
        }
        Ok(transaction.commit().await?)
    }

    /// Hands the name that is reserved for the result of a job on to another one, whose result is to replace the one that
    /// `replaced` made. False when `from` has not that name any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inherit_result(
        &self,
        from: JobId,
        to: JobId,
        result: &FilePath,
        replaced: Option<JobId>,
    ) -> Result<bool, Error> {
        let result = self.base.kept(result);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let freed = sqlx::query("UPDATE job SET result = NULL WHERE id = $1 AND result = $2")
            .bind(from.0)
            .bind(result.as_bytes())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if freed != 1 {
            return Ok(false);
        }
        let taken = sqlx::query("UPDATE job SET result = $1, replaces = $2 WHERE id = $3")
            .bind(result.as_bytes())
            .bind(replaced.map(|id| id.0))
            .bind(to.0)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if taken != 1 {
            return Err(Error::NoJob(to));
        }
        seal_job(&mut transaction, from).await?;
        seal_job(&mut transaction, to).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
