//! Jobs as they are taken in, found and removed.

use job::state::{Event, Job};
use job::{FilePath, JobId, Millis, NewJob};
use sqlx::SqliteConnection;

use crate::base::Base;
use crate::events::{self, What};
use crate::rows::{record, to_json};
use crate::seal::seal_job;
use crate::{Error, Ledger, Record, Submission, WorkTime, access, apply, hooks, requests, segments};

/// Jobs that are read at once: a row of the database takes several times the memory of what is made of it.
const PAGE: i64 = 100;

impl Ledger {
    /// Takes a job in, unless the same source with the same content and settings is there already.
    ///
    /// # Errors
    /// When another job has the name that was chosen for the result, or uses the folder for its work, or the database fails.
    pub async fn submit(&self, new: &NewJob, now: Millis) -> Result<Submission, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let submission = self.submit_within(&mut transaction, new, now).await?;
        transaction.commit().await?;
        Ok(submission)
    }

    /// As [`Ledger::submit`], within a transaction.
    pub(crate) async fn submit_within(
        &self,
        transaction: &mut SqliteConnection,
        new: &NewJob,
        now: Millis,
    ) -> Result<Submission, Error> {
        if let Some(result) = &new.result
            && let Some(by) = self.result_of(transaction, result).await?
            && !is_same(transaction, &self.base, new, by).await?
        {
            return Err(Error::ResultTaken { result: result.0.clone(), by });
        }
        if let Some(id) = insert(transaction, &self.base, None, new, now).await? {
            if let Some(by) = folder_of(transaction, &self.base, &new.folder, id).await? {
                return Err(Error::FolderTaken { folder: new.folder.0.clone(), by });
            }
            return Ok(Submission { id, is_new: true });
        }
        let statement = "SELECT id FROM job WHERE source = $1 AND fingerprint = $2 AND settings_hash = $3";
        let id: i64 = sqlx::query_scalar(statement)
            .bind(self.base.kept(&new.source).as_bytes().to_vec())
            .bind(&new.fingerprint)
            .bind(new.settings.hash())
            .fetch_one(transaction)
            .await?;
        Ok(Submission { id: JobId(id), is_new: false })
    }

    /// Takes a job in whose result is there already, as done. `None` where the same job is there, or another one has the name of
    /// the result.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn submit_done(
        &self,
        new: &NewJob,
        result: &FilePath,
        bytes: u64,
        now: Millis,
    ) -> Result<Option<JobId>, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if self.result_of(&mut transaction, result).await?.is_some() {
            return Ok(None);
        }
        let new = NewJob { result: Some(result.clone()), ..new.clone() };
        let Some(id) = insert(&mut transaction, &self.base, None, &new, now).await? else { return Ok(None) };
        let before = Job { id, ..Job::new() };
        apply::take(&mut transaction, id, &before, WorkTime::NONE, Event::Known { bytes }, now).await?;
        transaction.commit().await?;
        Ok(Some(id))
    }

    /// Notes with which model another program made the result of a job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_made_with(&self, id: JobId, model: &str) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await?;
        sqlx::query("UPDATE job SET made_with = $1 WHERE id = $2")
            .bind(model)
            .bind(id.0)
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    /// The job that a name for a result is reserved for.
    async fn result_of(
        &self,
        connection: &mut SqliteConnection,
        result: &FilePath,
    ) -> Result<Option<JobId>, Error> {
        let id: Option<i64> = sqlx::query_scalar("SELECT id FROM job WHERE result = $1")
            .bind(self.base.kept(result).as_bytes().to_vec())
            .fetch_optional(connection)
            .await?;
        Ok(id.map(JobId))
    }

    /// Frees the name that is reserved for the result of a job, for another job's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_result(&self, id: JobId) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE job SET result = NULL WHERE id = $1")
            .bind(id.0)
            .execute(&mut *transaction)
            .await?;
        seal_job(&mut transaction, id).await?;
        Ok(transaction.commit().await?)
    }

    /// Reserves a name for the result of a job. False when another job has it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reserve_result(&self, id: JobId, result: &FilePath) -> Result<bool, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let written = sqlx::query("UPDATE OR IGNORE job SET result = $1 WHERE id = $2")
            .bind(self.base.kept(result).as_bytes().to_vec())
            .bind(id.0)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if written == 1 {
            seal_job(&mut transaction, id).await?;
        }
        transaction.commit().await?;
        Ok(written == 1)
    }

    /// Records that the source of a job was looked at again and is the same under another stamp.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_stamp(&self, id: JobId, stamp: &str) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE job SET stamp = $1 WHERE id = $2")
            .bind(stamp)
            .bind(id.0)
            .execute(&mut *transaction)
            .await?;
        seal_job(&mut transaction, id).await?;
        Ok(transaction.commit().await?)
    }

    /// One job; `None` when there is none of that number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, id: JobId) -> Result<Option<Record>, Error> {
        load(&mut *self.pool.acquire().await?, &self.base, id).await
    }

    /// All jobs in the order in which they were taken in. For questions that are about all; people see [`Ledger::unfinished`] and
    /// [`Ledger::ended`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<Record>, Error> {
        let mut connection = self.pool.begin().await?;
        let mut records = Vec::new();
        let mut last = i64::MIN;
        loop {
            let page = self.page(&mut connection, last).await?;
            match page.last() {
                Some(record) => last = record.id.0,
                None => return Ok(records),
            }
            records.extend(page);
        }
    }

    /// Reads every row that has a seal, and compares them with their seals and with each other.
    ///
    /// # Errors
    /// When one is not what was written, or the database fails.
    pub async fn read_all(&self) -> Result<(), Error> {
        let mut look = self.pool.begin().await?;
        access::check_all(&mut look).await?;
        requests::check_all(&mut look).await?;
        hooks::check_all(&mut look).await?;
        drop(look);
        let mut last = i64::MIN;
        loop {
            // A page at a time: there may be thousands of jobs.
            let mut look = self.pool.begin().await?;
            let page = self.page(&mut look, last).await?;
            for record in &page {
                segments::check_all(&mut look, record.id, &record.job).await?;
            }
            match page.last() {
                Some(record) => last = record.id.0,
                None => return Ok(()),
            }
        }
    }

    /// Jobs after a number, some at once.
    async fn page(&self, connection: &mut SqliteConnection, after: i64) -> Result<Vec<Record>, Error> {
        let statement = "SELECT * FROM job WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = sqlx::query(statement).bind(after).bind(PAGE).fetch_all(connection).await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// The jobs of a source, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_source(&self, source: &FilePath) -> Result<Vec<Record>, Error> {
        let mut connection = self.pool.begin().await?;
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM job WHERE source = $1 ORDER BY id")
            .bind(self.base.kept(source).as_bytes().to_vec())
            .fetch_all(&mut *connection)
            .await?;
        load_all(&mut connection, &self.base, ids).await
    }

    /// The jobs whose sources have a content, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_fingerprint(&self, fingerprint: &str) -> Result<Vec<Record>, Error> {
        let mut connection = self.pool.begin().await?;
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM job WHERE fingerprint = $1 ORDER BY id")
            .bind(fingerprint)
            .fetch_all(&mut *connection)
            .await?;
        load_all(&mut connection, &self.base, ids).await
    }

    /// Another job than this one that uses a folder for its unfinished work, or would use it again after a retry.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn other_in_folder(&self, folder: &FilePath, id: JobId) -> Result<Option<JobId>, Error> {
        folder_of(&mut *self.pool.acquire().await?, &self.base, folder, id).await
    }

    /// Removes a job and its segments from the ledger.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove(&self, id: JobId, now: Millis) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM job WHERE id = $1").bind(id.0).execute(&mut *transaction).await?;
        events::note(&mut transaction, id, now, &What::Forgotten).await?;
        Ok(transaction.commit().await?)
    }
}

/// Another job that uses a folder for its unfinished work, or would use it again after a retry.
async fn folder_of(
    connection: &mut SqliteConnection,
    base: &Base,
    folder: &FilePath,
    id: JobId,
) -> Result<Option<JobId>, Error> {
    let statement =
        "SELECT id FROM job WHERE folder = $1 AND id != $2 AND state NOT IN ('done', 'canceled') LIMIT 1";
    let by: Option<i64> = sqlx::query_scalar(statement)
        .bind(base.kept(folder).as_bytes().to_vec())
        .bind(id.0)
        .fetch_optional(connection)
        .await?;
    Ok(by.map(JobId))
}

/// True when a job in the ledger is the one that is to be taken in.
async fn is_same(
    connection: &mut SqliteConnection,
    base: &Base,
    new: &NewJob,
    id: JobId,
) -> Result<bool, Error> {
    let there = load(connection, base, id).await?.map(|record| record.request);
    Ok(there.is_some_and(|there| {
        there.source == new.source
            && there.fingerprint == new.fingerprint
            && there.settings.hash() == new.settings.hash()
    }))
}

/// Inserts a new job, with a number where it is to have that. `None` when the same source with the same content and settings
/// is there already.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    base: &Base,
    id: Option<JobId>,
    new: &NewJob,
    now: Millis,
) -> Result<Option<JobId>, Error> {
    let (job, new) = (Job::new(), base.kept_request(new));
    let statement =
        "INSERT INTO job (id, source, fingerprint, stamp, settings, settings_hash, output, folder, result,
             created, changed, status, runnable, phase, work, epoch, method, place, worked)
         VALUES (coalesce($14, 1 + max((SELECT coalesce(max(id), 0) FROM job), (SELECT highest FROM forgotten))),
             $1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, 1, $11, $12, 0, $13,
             (SELECT coalesce(max(place), 0) + 1 FROM job), 0)
         ON CONFLICT (source, fingerprint, settings_hash) DO NOTHING
         RETURNING id";
    let inserted: Option<i64> = sqlx::query_scalar(statement)
        .bind(new.source.as_bytes())
        .bind(&new.fingerprint)
        .bind(&new.stamp)
        .bind(to_json(&new.settings)?)
        .bind(new.settings.hash())
        .bind(new.output.as_bytes())
        .bind(new.folder.as_bytes())
        .bind(new.result.as_ref().map(FilePath::as_bytes))
        .bind(now.0)
        .bind(to_json(&job.status)?)
        .bind(to_json(&job.phase)?)
        .bind(to_json(&job.work)?)
        .bind(to_json(&job.method)?)
        .bind(id.map(|id| id.0))
        .fetch_optional(&mut *connection)
        .await?;
    let inserted = inserted.map(JobId);
    if let Some(id) = inserted {
        seal_job(connection, id).await?;
        events::note(connection, id, now, &What::Added).await?;
    }
    Ok(inserted)
}

async fn load_all(
    connection: &mut SqliteConnection,
    base: &Base,
    ids: Vec<i64>,
) -> Result<Vec<Record>, Error> {
    let mut records = Vec::with_capacity(ids.len());
    for id in ids {
        records.extend(load(connection, base, JobId(id)).await?);
    }
    Ok(records)
}

/// A job.
pub(crate) async fn load(
    connection: &mut SqliteConnection,
    base: &Base,
    id: JobId,
) -> Result<Option<Record>, Error> {
    let row = sqlx::query("SELECT * FROM job WHERE id = $1").bind(id.0).fetch_optional(connection).await?;
    row.map(|row| record(base, &row)).transpose()
}
