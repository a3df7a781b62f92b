//! Rows of the database and what they stand for.

use job::state::{Job, Phase, Status, Totals};
use job::{FilePath, JobId, Millis, NewJob};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::base::Base;
use crate::seal::{check_job, seal_job};
use crate::{Error, Record, WorkTime};

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    Ok(serde_json::to_string(value)?)
}

pub(crate) fn from_json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    Ok(serde_json::from_str(row.try_get::<&str, _>(column)?)?)
}

pub(crate) fn from_json_or_null<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &str,
) -> Result<Option<T>, Error> {
    Ok(row.try_get::<Option<&str>, _>(column)?.map(serde_json::from_str).transpose()?)
}

/// The record of a row of table `job`.
pub(crate) fn record(base: &Base, row: &SqliteRow) -> Result<Record, Error> {
    check_job(row)?;
    let mut record = Record {
        id: JobId(row.try_get("id")?),
        request: base.found_request(kept_request(row)?),
        created: Millis(row.try_get("created")?),
        started: row.try_get::<Option<i64>, _>("started")?.map(Millis),
        work_time: WorkTime {
            worked: row.try_get("worked")?,
            since: row.try_get::<Option<i64>, _>("working_since")?.map(Millis),
        },
        changed: Millis(row.try_get("changed")?),
        position: row.try_get("place")?,
        made_with: row.try_get("made_with")?,
        replaces: row.try_get::<Option<i64>, _>("replaces")?.map(JobId),
        is_removed: row.try_get("removed")?,
        job: Job {
            id: JobId(row.try_get("id")?),
            priority: from_json(row, "priority")?,
            status: from_json(row, "status")?,
            phase: from_json(row, "phase")?,
            work: from_json(row, "work")?,
            method: from_json(row, "method")?,
            facts: from_json_or_null(row, "facts")?,
            plan: from_json_or_null(row, "plan")?,
            totals: from_json(row, "totals")?,
            highest_epoch: row.try_get("highest_epoch")?,
            lease_until: Millis(row.try_get("lease_until")?),
            result_bytes: row.try_get::<Option<i64>, _>("result_bytes")?.map(i64::cast_unsigned),
            failed_attempts: from_json(row, "failed_attempts")?,
        },
    };
    if !is_believable(&record.job) {
        forget_plan(&mut record.job);
    }
    Ok(record)
}

/// What is kept was checked when it came, but perhaps by an earlier version: numbers that cannot be would stop every start.
fn is_believable(job: &Job) -> bool {
    let (Some(facts), Some(plan)) = (&job.facts, &job.plan) else { return true };
    facts.validate().is_ok() && plan.validate(facts.frames).is_ok()
}

/// Takes away what is kept of a source, which is then read anew.
pub(crate) fn forget_plan(job: &mut Job) {
    (job.facts, job.plan, job.totals) = (None, None, Totals::NONE);
    if !job.status.is_final() {
        job.phase = Phase::Index;
    }
}

/// What a row of table `job` says of the request, with its paths as they are kept.
pub(crate) fn kept_request(row: &SqliteRow) -> Result<NewJob, Error> {
    let path = |column: &str| Ok::<_, Error>(FilePath::from_bytes(row.try_get(column)?));
    Ok(NewJob {
        source: path("source")?,
        fingerprint: row.try_get("fingerprint")?,
        stamp: row.try_get("stamp")?,
        settings: from_json(row, "settings")?,
        output: path("output")?,
        folder: path("folder")?,
        result: row.try_get::<Option<Vec<u8>>, _>("result")?.map(FilePath::from_bytes),
    })
}

/// Writes what differs between two states of a job. False when the row is not as `before` says.
pub(crate) async fn write_job(
    connection: &mut SqliteConnection,
    id: JobId,
    before: &Job,
    after: &Job,
    work_time: WorkTime,
    now: Millis,
) -> Result<bool, Error> {
    let statement =
        "UPDATE job SET status = $1, state = $2, runnable = $3, phase = $4, work = $5, epoch = $6, method = $7,
             result_bytes = $8, changed = $9, priority = $10, failed_attempts = $11, totals = $12,
             highest_epoch = $13, lease_until = $14, ended = $19,
             worked = $20, working_since = $21,
             started = CASE WHEN $15 THEN coalesce(started, $9) ELSE started END
         WHERE id = $16 AND epoch = $17 AND status = $18";
    let written = sqlx::query(statement)
        .bind(to_json(&after.status)?)
        .bind(after.status.name())
        .bind(i64::from(!after.status.is_final() && after.status != Status::Paused))
        .bind(to_json(&after.phase)?)
        .bind(to_json(&after.work)?)
        .bind(i64::from(after.work.epoch))
        .bind(to_json(&after.method)?)
        .bind(after.result_bytes.map(u64::cast_signed))
        .bind(now.0)
        .bind(to_json(&after.priority)?)
        .bind(to_json(&after.failed_attempts)?)
        .bind(to_json(&after.totals)?)
        .bind(i64::from(after.highest_epoch))
        .bind(after.lease_until.0)
        .bind(after.status == Status::Running)
        .bind(id.0)
        .bind(i64::from(before.work.epoch))
        .bind(to_json(&before.status)?)
        .bind(after.status.is_final().then_some(now.0))
        .bind(work_time.worked)
        .bind(work_time.since.map(|since| since.0))
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if written != 1 {
        return Ok(false);
    }
    if (&before.facts, &before.plan) != (&after.facts, &after.plan) {
        write_plan(connection, id, after).await?;
    }
    seal_job(connection, id).await?;
    Ok(true)
}

/// Writes what indexing found, and the plan.
pub(crate) async fn write_plan(connection: &mut SqliteConnection, id: JobId, job: &Job) -> Result<(), Error> {
    sqlx::query("UPDATE job SET facts = $1, plan = $2 WHERE id = $3")
        .bind(job.facts.as_ref().map(to_json).transpose()?)
        .bind(job.plan.as_ref().map(to_json).transpose()?)
        .bind(id.0)
        .execute(connection)
        .await?;
    Ok(())
}
