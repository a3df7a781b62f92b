//! The database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use job::state::{Effect, Event, Job, Phase, Segment, Status, step};
use job::{FilePath, JobId, Millis};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection, SqlitePool};

use crate::base::Base;
use crate::error::is_corrupt;
use crate::rows::{kept_request, record, segment, to_json, write_difference};
use crate::seal::{check_job, seal_job, structure};
use crate::{Error, NewJob, Record, Submission};

/// Jobs that are read at once: a row of the database takes several times the memory of what is made of it.
const PAGE: i64 = 100;
/// Segments that are read at once.
const SEGMENT_PAGE: i64 = 1000;
/// How long a writer waits for another process: transactions take milliseconds, a busy disk seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often opening is tried while another program may be making the same ledger.
const OPENING_TRIES: u32 = 20;
/// Time between two tries: longer than making the tables takes.
const OPENING_PAUSE: Duration = Duration::from_millis(50);

/// The jobs and segments of one root, in an SQLite database.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) path: PathBuf,
    pub(crate) base: Base,
    pub(crate) pool: SqlitePool,
}

fn copying(path: &Path, cause: std::io::Error) -> Error {
    Error::File { action: "copy", path: path.to_owned(), cause }
}

/// What an event did.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The job after it.
    pub record: Record,
    /// What has to be done.
    pub effects: Vec<Effect>,
}

impl Ledger {
    /// Opens the ledger in a file, which is made when it is not there, and checks it.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or is of a newer version.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        Self::open_tables(path, false).await
    }

    /// Copies the ledger in a file and opens the copy, so that nothing is written to the file or beside it. What the copy says
    /// of paths is as the file has it.
    ///
    /// # Errors
    /// When it cannot be copied, or as for [`Ledger::open`].
    pub async fn open_copy(path: &Path, copy: &Path) -> Result<Self, Error> {
        let beside = |path: &Path| {
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            PathBuf::from(log)
        };
        // What is in the log is read again, whatever of it came into the file meanwhile.
        match std::fs::copy(beside(path), beside(copy)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(copying(path, error)),
            _ => {}
        }
        std::fs::copy(path, copy).map_err(|error| copying(path, error))?;
        Ok(Self { base: Base::of(path), ..Self::open(copy).await? })
    }

    /// As [`Ledger::open`]; a ledger without tables is damaged when it `had_tables` before.
    pub(crate) async fn open_tables(path: &Path, had_tables: bool) -> Result<Self, Error> {
        let mut tries = 1;
        loop {
            match Self::open_once(path, had_tables).await {
                Err(error) if error.comes_of_another_opening() && tries < OPENING_TRIES => {
                    tokio::time::sleep(OPENING_PAUSE).await;
                }
                Err(error) if error.is_no_space() => return Err(Error::Full { path: path.to_owned() }),
                opened => return opened,
            }
            tries += 1;
        }
    }

    async fn open_once(path: &Path, had_tables: bool) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL syncs the log at every commit: what was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        // One connection: SQLite has one writer, and the statements are short.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            // Where a commit finds the disk full, SQLite has rolled back, and sqlx counts a transaction that it can
            // neither go on with nor end any more: such a connection is replaced.
            .before_acquire(|connection, _| {
                let is_clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(is_clean) })
            })
            .connect_with(options)
            .await;
        let pool = pool.map_err(|cause| opening(path, cause))?;
        let ledger = Self { path: path.to_owned(), base: Base::of(path), pool };
        let ready = async {
            ledger.check().await?;
            ledger.bring_to_this_version(had_tables).await
        };
        match ready.await {
            Ok(()) => Ok(ledger),
            Err(error) => {
                // Whoever puts a damaged ledger aside must not have it open.
                ledger.close().await;
                Err(error)
            }
        }
    }

    /// Looks for damage that the database itself can see.
    async fn check(&self) -> Result<(), Error> {
        let finding: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&self.pool)
            .await
            .map_err(|cause| opening(&self.path, cause))?;
        if finding == "ok" { Ok(()) } else { Err(self.damaged(finding)) }
    }

    /// Makes the tables, or changes those of an earlier version.
    async fn bring_to_this_version(&self, had_tables: bool) -> Result<(), Error> {
        let migrator = sqlx::migrate!();
        // One look, since another program may be changing the tables.
        let mut look = self.pool.begin().await?;
        let statement = "SELECT count(*) FROM sqlite_schema WHERE name IN ('job', '_sqlx_migrations')";
        let tables: i64 = sqlx::query_scalar(statement).fetch_one(&mut *look).await?;
        let is_new = tables < 2;
        if is_new && had_tables {
            return Err(self.damaged("it is empty".to_owned()));
        }
        if !is_new {
            let sealed: i32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *look).await?;
            if sealed != 0 && sealed != structure(&mut look).await? {
                return Err(self.damaged("its tables are not those that were made".to_owned()));
            }
            let statement = "SELECT version FROM _sqlx_migrations ORDER BY version";
            let applied: Vec<i64> = sqlx::query_scalar(statement).fetch_all(&mut *look).await?;
            if sealed != 0 && migrator.iter().map(|migration| migration.version).eq(applied) {
                return Ok(());
            }
        }
        drop(look);
        if !is_new {
            self.copy().await?;
        }
        // In one transaction, so that nobody sees half of it.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        // `run` is the same, and cannot be used in a task.
        migrator.run_direct(None, &mut *transaction, false).await?;
        self.keep_paths_relative(&mut transaction).await?;
        let seal = structure(&mut transaction).await?;
        let statement = AssertSqlSafe(format!("PRAGMA user_version = {seal}"));
        sqlx::query(statement).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Brings the paths of jobs of earlier versions into the form in which they are kept. (What was seen is written anew by
    /// whoever watches.)
    async fn keep_paths_relative(&self, connection: &mut SqliteConnection) -> Result<(), Error> {
        for row in sqlx::query("SELECT * FROM job").fetch_all(&mut *connection).await? {
            check_job(&row)?;
            let id = JobId(row.try_get("id")?);
            let before = kept_request(&row)?;
            let after = self.base.kept_request(&before);
            let hash: String = row.try_get("settings_hash")?;
            if after == before && after.settings.hash() == hash {
                continue;
            }
            let statement = "UPDATE OR IGNORE job SET source = $1, settings = $2, settings_hash = $3, output = $4, folder = $5,
                     result = $6 WHERE id = $7";
            sqlx::query(statement)
                .bind(after.source.as_bytes())
                .bind(to_json(&after.settings)?)
                .bind(after.settings.hash())
                .bind(after.output.as_bytes())
                .bind(after.folder.as_bytes())
                .bind(after.result.as_ref().map(FilePath::as_bytes))
                .bind(id.0)
                .execute(&mut *connection)
                .await?;
            seal_job(connection, id).await?;
        }
        Ok(())
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
    }

    /// What its paths are relative to.
    pub fn base(&self) -> &Base {
        &self.base
    }

    fn damaged(&self, finding: String) -> Error {
        Error::Damaged { path: self.path.clone(), finding }
    }

    /// Closes the ledger, so that its log is folded into the database file.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// Takes a job in, unless the same source with the same content and settings is there already.
    ///
    /// # Errors
    /// When another job has the name that was chosen for the result, or the database fails.
    pub async fn submit(&self, new: &NewJob, now: Millis) -> Result<Submission, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(result) = &new.result
            && let Some(by) = self.result_of(&mut transaction, result).await?
            && !is_same(&mut transaction, &self.base, new, by).await?
        {
            return Err(Error::ResultTaken { result: result.0.clone(), by });
        }
        let inserted = insert(&mut transaction, &self.base, None, new, now).await?;
        let submission = if let Some(id) = inserted {
            Submission { id, is_new: true }
        } else {
            let statement =
                "SELECT id FROM job WHERE source = $1 AND fingerprint = $2 AND settings_hash = $3";
            let id: i64 = sqlx::query_scalar(statement)
                .bind(self.base.kept(&new.source).as_bytes().to_vec())
                .bind(&new.fingerprint)
                .bind(new.settings.hash())
                .fetch_one(&mut *transaction)
                .await?;
            Submission { id: JobId(id), is_new: false }
        };
        transaction.commit().await?;
        Ok(submission)
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
        let (after, _) = step(before.clone(), Event::Known { bytes }, now);
        if !write_difference(&mut transaction, id, &before, &after, now).await? {
            return Err(Error::Conflict(id));
        }
        transaction.commit().await?;
        Ok(Some(id))
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

    /// Applies an event to a job, in one transaction that is on disk when this returns.
    ///
    /// # Errors
    /// When there is no such job or the database fails; then nothing has changed.
    pub async fn apply(&self, id: JobId, event: Event, now: Millis) -> Result<Applied, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut record = load(&mut transaction, &self.base, id).await?.ok_or(Error::NoJob(id))?;
        let (after, effects) = step(record.job.clone(), event, now);
        if after != record.job {
            if !write_difference(&mut transaction, id, &record.job, &after, now).await? {
                return Err(Error::Conflict(id));
            }
            transaction.commit().await?;
            if after.status == Status::Running {
                record.started.get_or_insert(now);
            }
            record.job = after;
            record.changed = now;
        }
        Ok(Applied { record, effects })
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
        load(&mut *self.pool.begin().await?, &self.base, id).await
    }

    /// All jobs in the order in which they were taken in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<Record>, Error> {
        // In a transaction, since other programs change jobs and segments together.
        let mut connection = self.pool.begin().await?;
        let mut records = Vec::new();
        let mut last = i64::MIN;
        loop {
            let statement = "SELECT * FROM job WHERE id > $1 ORDER BY id LIMIT $2";
            let jobs = sqlx::query(statement).bind(last).bind(PAGE).fetch_all(&mut *connection).await?;
            let Some(end) = jobs.last() else { return Ok(records) };
            let end: i64 = end.try_get("id")?;
            let statement = "SELECT * FROM segment WHERE job > $1 AND job <= $2 ORDER BY job, number";
            let rows = sqlx::query(statement).bind(last).bind(end).fetch_all(&mut *connection).await?;
            let mut segments: BTreeMap<i64, Vec<Segment>> = BTreeMap::new();
            for row in &rows {
                segments.entry(row.try_get("job")?).or_default().push(segment(row)?);
            }
            for row in &jobs {
                let id: i64 = row.try_get("id")?;
                records.push(whole(&self.base, row, segments.remove(&id).unwrap_or_default())?);
            }
            last = end;
        }
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

    /// Removes a job and its segments from the ledger.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove(&self, id: JobId) -> Result<(), Error> {
        sqlx::query("DELETE FROM job WHERE id = $1").bind(id.0).execute(&self.pool).await?;
        Ok(())
    }
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
             created, changed, status, runnable, phase, work, epoch, method, place)
         VALUES ($14, $1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, 1, $11, $12, 0, $13,
             (SELECT coalesce(max(place), 0) + 1 FROM job))
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

/// A job and its segments. In a transaction, since other programs change them together.
async fn load(connection: &mut SqliteConnection, base: &Base, id: JobId) -> Result<Option<Record>, Error> {
    let row =
        sqlx::query("SELECT * FROM job WHERE id = $1").bind(id.0).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let mut segments: Vec<Segment> = Vec::new();
    let statement = "SELECT * FROM segment WHERE job = $1 AND number >= $2 ORDER BY number LIMIT $3";
    loop {
        // They are numbered from 0 on; where one is missing, they are not those of the plan.
        let rows = sqlx::query(statement)
            .bind(id.0)
            .bind(segments.len() as i64)
            .bind(SEGMENT_PAGE)
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            segments.push(segment(row)?);
        }
        if (rows.len() as i64) < SEGMENT_PAGE {
            break;
        }
    }
    whole(base, &row, segments).map(Some)
}

/// The job of a row with its segments, which must be those of its plan.
fn whole(base: &Base, row: &SqliteRow, segments: Vec<Segment>) -> Result<Record, Error> {
    let mut record = record(base, row, segments)?;
    let planned = record.job.plan.iter().flat_map(|plan| &plan.segments);
    if !record.job.segments.iter().map(|segment| &segment.range).eq(planned) {
        return Err(Error::Corrupt(format!("the segments of job {} are not those of its plan", record.id)));
    }
    if !is_believable(&record.job) {
        forget(&mut record.job);
    }
    Ok(record)
}

/// What is kept was checked when it came, but perhaps by an earlier version: numbers that cannot be would stop every start.
fn is_believable(job: &Job) -> bool {
    let (Some(facts), Some(plan)) = (&job.facts, &job.plan) else { return true };
    let is_true = |segment: &Segment| {
        segment.evidence.as_ref().is_none_or(|evidence| evidence.validate(segment.range.frames()).is_ok())
    };
    facts.validate().is_ok() && plan.validate(facts.frames).is_ok() && job.segments.iter().all(is_true)
}

/// Takes away what is kept of a source, which is then read anew.
fn forget(job: &mut Job) {
    (job.facts, job.plan, job.segments) = (None, None, Vec::new());
    if !job.status.is_final() {
        job.phase = Phase::Index;
    }
}

/// Why a database cannot be opened.
fn opening(path: &Path, cause: sqlx::Error) -> Error {
    let path = path.to_owned();
    if is_corrupt(&cause) {
        Error::Damaged { path, finding: cause.to_string() }
    } else {
        Error::Open { path, cause }
    }
}
