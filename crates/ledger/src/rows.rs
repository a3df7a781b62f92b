//! Rows of the database and what they stand for.

use job::state::{Evidence, Job, Lease, Reused, Segment, Status, Work, WorkState};
use job::{FilePath, JobId, Millis, SegmentRange};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::base::Base;
use crate::seal::{check_job, check_segment, seal_job, seal_segment};
use crate::{Error, NewJob, Record};

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    Ok(serde_json::to_string(value)?)
}

pub(crate) fn from_json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    Ok(serde_json::from_str(row.try_get::<&str, _>(column)?)?)
}

fn from_json_or_null<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<Option<T>, Error> {
    Ok(row.try_get::<Option<&str>, _>(column)?.map(serde_json::from_str).transpose()?)
}

/// The record of a row of table `job` and its segments.
pub(crate) fn record(base: &Base, row: &SqliteRow, segments: Vec<Segment>) -> Result<Record, Error> {
    check_job(row)?;
    Ok(Record {
        id: JobId(row.try_get("id")?),
        request: base.found_request(kept_request(row)?),
        created: Millis(row.try_get("created")?),
        started: row.try_get::<Option<i64>, _>("started")?.map(Millis),
        changed: Millis(row.try_get("changed")?),
        place: row.try_get("place")?,
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
            segments,
            result_bytes: row.try_get::<Option<i64>, _>("result_bytes")?.map(i64::cast_unsigned),
            failed_attempts: from_json(row, "failed_attempts")?,
        },
    })
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

/// The segment of a row of table `segment`.
pub(crate) fn segment(row: &SqliteRow) -> Result<Segment, Error> {
    check_segment(row)?;
    let lease = match row.try_get::<Option<String>, _>("worker")? {
        Some(worker) => WorkState::Running(Lease { worker, until: Millis(row.try_get("lease_until")?) }),
        None => WorkState::Pending,
    };
    let evidence = match row.try_get::<Option<String>, _>("file")? {
        Some(file) => Some(Evidence {
            file,
            bytes: row.try_get::<i64, _>("bytes")? as u64,
            blake3: row.try_get("blake3")?,
            reused: Reused {
                frames: row.try_get("frames_reused")?,
                pixels: row.try_get::<i64, _>("pixels_reused")? as u64,
            },
        }),
        None => None,
    };
    Ok(Segment {
        range: SegmentRange { first: row.try_get("first_frame")?, end: row.try_get("end_frame")? },
        work: Work {
            state: lease,
            epoch: row.try_get("epoch")?,
            attempts: row.try_get("attempts")?,
            not_before: Millis(row.try_get("not_before")?),
        },
        evidence,
    })
}

fn state_name(segment: &Segment) -> &'static str {
    match (&segment.evidence, &segment.work.state) {
        (Some(_), _) => "done",
        (None, WorkState::Running(_)) => "running",
        (None, WorkState::Pending) => "pending",
    }
}

/// Writes what differs between two states of a job. False when the rows are not as `before` says.
pub(crate) async fn write_difference(
    connection: &mut SqliteConnection,
    id: JobId,
    before: &Job,
    after: &Job,
    now: Millis,
) -> Result<bool, Error> {
    let statement =
        "UPDATE job SET status = $1, runnable = $2, phase = $3, work = $4, epoch = $5, method = $6,
             facts = $7, plan = $8, result_bytes = $9, changed = $10, priority = $14, failed_attempts = $15,
             started = CASE WHEN $16 THEN coalesce(started, $10) ELSE started END
         WHERE id = $11 AND epoch = $12 AND status = $13";
    let written = sqlx::query(statement)
        .bind(to_json(&after.status)?)
        .bind(i64::from(!after.status.is_final() && after.status != Status::Paused))
        .bind(to_json(&after.phase)?)
        .bind(to_json(&after.work)?)
        .bind(i64::from(after.work.epoch))
        .bind(to_json(&after.method)?)
        .bind(after.facts.as_ref().map(to_json).transpose()?)
        .bind(after.plan.as_ref().map(to_json).transpose()?)
        .bind(after.result_bytes.map(|bytes| bytes as i64))
        .bind(now.0)
        .bind(id.0)
        .bind(i64::from(before.work.epoch))
        .bind(to_json(&before.status)?)
        .bind(to_json(&after.priority)?)
        .bind(to_json(&after.failed_attempts)?)
        .bind(after.status == Status::Running)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if written != 1 {
        return Ok(false);
    }
    seal_job(connection, id).await?;
    // Without a plan there are none; those of one that was not believed are still there.
    if before.plan != after.plan || after.plan.is_none() {
        sqlx::query("DELETE FROM segment WHERE job = $1").bind(id.0).execute(&mut *connection).await?;
        for (number, segment) in after.segments.iter().enumerate() {
            insert_segment(connection, id, number, segment).await?;
        }
        return Ok(true);
    }
    for (number, (old, new)) in before.segments.iter().zip(&after.segments).enumerate() {
        if old != new && !update_segment(connection, id, number, old, new).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn insert_segment(
    connection: &mut SqliteConnection,
    id: JobId,
    number: usize,
    segment: &Segment,
) -> Result<(), Error> {
    let statement =
        "INSERT INTO segment (job, number, first_frame, end_frame, state, epoch, attempts, not_before)
         VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7)";
    sqlx::query(statement)
        .bind(id.0)
        .bind(number as i64)
        .bind(i64::from(segment.range.first))
        .bind(i64::from(segment.range.end))
        .bind(i64::from(segment.work.epoch))
        .bind(i64::from(segment.work.attempts))
        .bind(segment.work.not_before.0)
        .execute(&mut *connection)
        .await?;
    seal_segment(connection, id, number).await
}

async fn update_segment(
    connection: &mut SqliteConnection,
    id: JobId,
    number: usize,
    old: &Segment,
    new: &Segment,
) -> Result<bool, Error> {
    let lease = match &new.work.state {
        WorkState::Running(lease) => Some(lease),
        WorkState::Pending => None,
    };
    let statement = "UPDATE segment SET state = $1, epoch = $2, attempts = $3, not_before = $4, worker = $5,
             lease_until = $6, file = $7, bytes = $8, blake3 = $9, frames_reused = $10, pixels_reused = $11
         WHERE job = $12 AND number = $13 AND epoch = $14 AND state = $15";
    let reused = new.evidence.as_ref().map(|evidence| evidence.reused).unwrap_or_default();
    let written = sqlx::query(statement)
        .bind(state_name(new))
        .bind(i64::from(new.work.epoch))
        .bind(i64::from(new.work.attempts))
        .bind(new.work.not_before.0)
        .bind(lease.map(|lease| lease.worker.clone()))
        .bind(lease.map(|lease| lease.until.0))
        .bind(new.evidence.as_ref().map(|evidence| evidence.file.clone()))
        .bind(new.evidence.as_ref().map(|evidence| evidence.bytes as i64))
        .bind(new.evidence.as_ref().map(|evidence| evidence.blake3.clone()))
        .bind(i64::from(reused.frames))
        .bind(reused.pixels as i64)
        .bind(id.0)
        .bind(number as i64)
        .bind(i64::from(old.work.epoch))
        .bind(state_name(old))
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if written == 1 {
        seal_segment(connection, id, number).await?;
    }
    Ok(written == 1)
}
