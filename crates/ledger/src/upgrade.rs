//! Rows of earlier versions, brought to what this version expects of them.

use job::state::{Job, Numbered, Totals};
use job::{FilePath, JobId, Plan, lead_in};
use serde::Deserialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use crate::base::Base;
use crate::rows::{forget_plan, from_json, from_json_or_null, kept_request, to_json, write_plan};
use crate::seal::{check_earlier_segment, check_job_of, seal_job};
use crate::{Error, segments};

/// From this version of the tables on, jobs keep the totals of their segments, and the plan does not list them.
const TOTALS: i64 = 9;

/// Brings all rows of tables that were of a version to this one. (What was seen is written anew by the inbox.)
pub(crate) async fn rows(connection: &mut SqliteConnection, base: &Base, version: i64) -> Result<(), Error> {
    for row in sqlx::query("SELECT * FROM job").fetch_all(&mut *connection).await? {
        check_job_of(&row, version)?;
        if version < TOTALS {
            count_segments(connection, &row).await?;
        }
        keep_paths_relative(connection, base, &row).await?;
        seal_job(connection, JobId(row.try_get("id")?)).await?;
    }
    Ok(())
}

/// Brings the paths of a job into the form in which they are kept.
async fn keep_paths_relative(
    connection: &mut SqliteConnection,
    base: &Base,
    row: &SqliteRow,
) -> Result<(), Error> {
    let id: i64 = row.try_get("id")?;
    let before = kept_request(row)?;
    let after = base.kept_request(&before);
    let hash: String = row.try_get("settings_hash")?;
    if after == before && after.settings.hash() == hash {
        return Ok(());
    }
    let statement =
        "UPDATE OR IGNORE job SET source = $1, settings = $2, settings_hash = $3, output = $4, folder = $5,
             result = $6 WHERE id = $7";
    sqlx::query(statement)
        .bind(after.source.as_bytes())
        .bind(to_json(&after.settings)?)
        .bind(after.settings.hash())
        .bind(after.output.as_bytes())
        .bind(after.folder.as_bytes())
        .bind(after.result.as_ref().map(FilePath::as_bytes))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// A plan as it was: with all its segments.
#[derive(Deserialize)]
struct EarlierPlan {
    width: u32,
    height: u32,
    encoder_threads: u32,
    segments: Vec<serde::de::IgnoredAny>,
}

/// Counts the segments of a job, and lets each know how far before it decoding starts.
async fn count_segments(connection: &mut SqliteConnection, row: &SqliteRow) -> Result<(), Error> {
    let id = JobId(row.try_get("id")?);
    let plan: Option<EarlierPlan> = from_json_or_null(row, "plan")?;
    let mut job = Job {
        id,
        status: from_json(row, "status")?,
        phase: from_json(row, "phase")?,
        work: from_json(row, "work")?,
        facts: from_json_or_null(row, "facts")?,
        plan: plan.map(|EarlierPlan { width, height, encoder_threads, segments }| Plan {
            width,
            height,
            encoder_threads,
            segments: segments.len() as u32,
        }),
        ..Job::new()
    };
    job.highest_epoch = job.work.epoch;
    let is_believed = read_segments(connection, &mut job).await?;
    if !is_believed || job.facts.as_ref().is_some_and(|facts| facts.validate().is_err()) {
        forget_plan(&mut job);
        segments::delete_all(connection, id).await?;
    } else if job.status == job::state::Status::Done {
        segments::delete_all(connection, id).await?;
    }
    if let Some(facts) = &mut job.facts {
        facts.keyframes = Vec::new();
    }
    write_plan(connection, id, &job).await?;
    let statement =
        "UPDATE job SET state = $1, phase = $2, totals = $3, highest_epoch = $4, lease_until = $5,
             ended = CASE WHEN $6 THEN changed END WHERE id = $7";
    sqlx::query(statement)
        .bind(job.status.name())
        .bind(to_json(&job.phase)?)
        .bind(to_json(&job.totals)?)
        .bind(i64::from(job.highest_epoch))
        .bind(job.lease_until.0)
        .bind(job.status.is_final())
        .bind(id.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads and seals the segments of a job, and adds them up. False where they are not to be believed.
async fn read_segments(connection: &mut SqliteConnection, job: &mut Job) -> Result<bool, Error> {
    job.totals = Totals::NONE;
    let keyframes = job.facts.as_ref().map(|facts| facts.keyframes.clone()).unwrap_or_default();
    let rows = sqlx::query("SELECT * FROM segment WHERE job = $1 ORDER BY number").bind(job.id.0);
    let (mut is_believed, mut frame, mut count) = (true, 0, 0);
    for row in rows.fetch_all(&mut *connection).await? {
        check_earlier_segment(&row)?;
        let mut numbered = segments::read(&row)?;
        let Numbered { index, segment } = &mut numbered;
        segment.lead_in = lead_in(segment.range.first, &keyframes);
        is_believed &= *index == count && segment.range.first == frame && segment.range.end > frame;
        (count, frame) = (count + 1, segment.range.end);
        job.highest_epoch = job.highest_epoch.max(segment.work.epoch);
        if let job::state::WorkState::Running(lease) = &segment.work.state {
            job.totals.running += 1;
            job.lease_until = job.lease_until.max(lease.until);
        }
        if let Some(digest) = &segment.digest {
            is_believed &= is_believed && digest.validate(segment.range.frames()).is_ok();
            job.totals.add(segment.range, digest);
        }
        let statement =
            AssertSqlSafe("UPDATE segment SET lead_in = $1, seal = $2 WHERE job = $3 AND number = $4");
        sqlx::query(statement)
            .bind(i64::from(numbered.segment.lead_in))
            .bind(segments::seal(job.id, &numbered))
            .bind(job.id.0)
            .bind(i64::from(numbered.index))
            .execute(&mut *connection)
            .await?;
    }
    let is_whole = match (&job.facts, &job.plan) {
        (Some(facts), Some(plan)) => (count, frame) == (plan.segments, facts.frames),
        _ => count == 0,
    };
    if !is_whole {
        return Err(Error::Corrupt(format!("the segments of job {} are not those of its plan", job.id)));
    }
    Ok(is_believed)
}
