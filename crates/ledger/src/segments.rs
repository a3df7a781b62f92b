//! The rows of segments: a film may have hundreds of thousands, and no question but that for all reads them all.

use job::state::{Job, Lease, Needs, Numbered, Others, Reused, Segment, SegmentDigest, Work, WorkState};
use job::{JobId, Millis, PlannedSegment, SegmentRange};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::seal::Seal;
use crate::{Error, Ledger};

/// Rows that are read at once: a row of the database takes several times the memory of what is made of it.
const PAGE: u32 = 1000;
/// Rows that one statement writes: SQLite takes 32,766 values.
const ROWS: usize = 500;

impl Ledger {
    /// The segments of a job from a number on, in order, so many at most. There are none before the job has a plan, and none any
    /// more once it is done.
    ///
    /// # Errors
    /// When the database fails, or what it holds are not the segments of the plan.
    pub async fn segments(&self, id: JobId, from: u32, limit: u32) -> Result<Vec<Numbered>, Error> {
        let condition = "job = $1 AND number >= $2 ORDER BY number LIMIT $3";
        let rows = sqlx::query(select(condition))
            .bind(id.0)
            .bind(i64::from(from))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        let segments = rows.iter().map(|row| numbered(id, row)).collect::<Result<Vec<_>, _>>()?;
        let is_whole = (from..).zip(&segments).all(|(index, segment)| segment.index == index)
            && segments.windows(2).all(|pair| pair[0].segment.range.end == pair[1].segment.range.first);
        if is_whole { Ok(segments) } else { Err(not_of_plan(id)) }
    }

    /// The segment of a job that has a frame; `None` where there is none, as once the job is done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn segment_at(&self, id: JobId, frame: u32) -> Result<Option<Numbered>, Error> {
        let row = sqlx::query(select("job = $1 AND first_frame <= $2 AND end_frame > $2"))
            .bind(id.0)
            .bind(i64::from(frame))
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| numbered(id, &row)).transpose()
    }

    /// The segments of these numbers, as far as the job has them, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn segments_of(&self, id: JobId, numbers: &[u32]) -> Result<Vec<Numbered>, Error> {
        these(&mut *self.pool.acquire().await?, id, numbers).await
    }
}

fn not_of_plan(id: JobId) -> Error {
    Error::Corrupt(format!("the segments of job {id} are not those of its plan"))
}

/// Reads every segment of a job, and compares their frames with those of its film.
pub(crate) async fn check_all(connection: &mut SqliteConnection, id: JobId, job: &Job) -> Result<(), Error> {
    let (Some(facts), Some(plan)) = (&job.facts, &job.plan) else { return Ok(()) };
    if job.status == job::state::Status::Done {
        return Ok(());
    }
    let (mut next, mut frame) = (0, 0);
    loop {
        let rows = sqlx::query(select("job = $1 AND number >= $2 ORDER BY number LIMIT $3"))
            .bind(id.0)
            .bind(i64::from(next))
            .bind(i64::from(PAGE))
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            let Numbered { index, segment } = numbered(id, row)?;
            if index != next || segment.range.first != frame {
                return Err(not_of_plan(id));
            }
            (next, frame) = (index + 1, segment.range.end);
        }
        if rows.len() < PAGE as usize {
            break;
        }
    }
    if (next, frame) == (plan.segments, facts.frames) { Ok(()) } else { Err(not_of_plan(id)) }
}

/// The segments that an event is about.
pub(crate) async fn named(
    connection: &mut SqliteConnection,
    id: JobId,
    needs: &Needs,
    now: Millis,
) -> Result<Vec<Numbered>, Error> {
    let rows = match needs {
        Needs::Nothing => return Ok(Vec::new()),
        Needs::These(numbers) => return these(connection, id, numbers).await,
        Needs::NextFree => {
            let condition = "job = $1 AND state = 'pending' AND (not_before <= $2 OR not_before > $3)
                 ORDER BY number LIMIT 1";
            sqlx::query(select(condition))
                .bind(id.0)
                .bind(now.0)
                .bind(Segment::end_of_pauses(now).0)
                .fetch_all(connection)
                .await?
        }
        Needs::Running => {
            sqlx::query(select("job = $1 AND state = 'running' ORDER BY number"))
                .bind(id.0)
                .fetch_all(connection)
                .await?
        }
    };
    rows.iter().map(|row| numbered(id, row)).collect()
}

async fn these(
    connection: &mut SqliteConnection,
    id: JobId,
    numbers: &[u32],
) -> Result<Vec<Numbered>, Error> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let mut found = Vec::new();
    for number in numbers {
        let row = sqlx::query(select("job = $1 AND number = $2"))
            .bind(id.0)
            .bind(i64::from(number))
            .fetch_optional(&mut *connection)
            .await?;
        found.extend(row.map(|row| numbered(id, &row)).transpose()?);
    }
    Ok(found)
}

/// Writes segments, those that differ from what was there.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    id: JobId,
    before: &[Numbered],
    after: &[Numbered],
) -> Result<(), Error> {
    for (before, after) in before.iter().zip(after).filter(|(before, after)| before != after) {
        let Numbered { index, segment } = after;
        let row = Columns::of(segment);
        let statement = "UPDATE segment SET state = $1, epoch = $2, attempts = $3, not_before = $4, worker = $5,
                 lease_until = $6, file = $7, bytes = $8, blake3 = $9, frames_reused = $10, pixels_reused = $11,
                 seal = $12
             WHERE job = $13 AND number = $14 AND epoch = $15 AND state = $16";
        let written = sqlx::query(statement)
            .bind(row.state)
            .bind(i64::from(segment.work.epoch))
            .bind(i64::from(segment.work.attempts))
            .bind(segment.work.not_before.0)
            .bind(row.worker)
            .bind(row.lease_until)
            .bind(row.file)
            .bind(row.bytes)
            .bind(row.blake3)
            .bind(row.frames_reused)
            .bind(row.pixels_reused)
            .bind(seal(id, after))
            .bind(id.0)
            .bind(i64::from(*index))
            .bind(i64::from(before.segment.work.epoch))
            .bind(Columns::of(&before.segment).state)
            .execute(&mut *connection)
            .await?
            .rows_affected();
        if written != 1 {
            return Err(Error::Conflict(id));
        }
    }
    Ok(())
}

/// Makes a change to all segments of a job.
pub(crate) async fn change_all(
    connection: &mut SqliteConnection,
    id: JobId,
    others: Others,
    highest_epoch: u32,
) -> Result<(), Error> {
    let candidates = match others {
        Others::Keep => return Ok(()),
        Others::Delete => return delete_all(connection, id).await,
        Others::Replace(planned) => {
            delete_all(connection, id).await?;
            return insert(connection, id, &planned, highest_epoch).await;
        }
        Others::Release => "state = 'running'",
        Others::Refresh => "(state = 'running' OR attempts > 0 OR not_before > 0)",
        Others::Reopen => "number >= 0",
    };
    let statement = format!("job = $1 AND {candidates} AND number > $2 ORDER BY number LIMIT $3");
    let mut last = -1;
    loop {
        let rows = sqlx::query(select(&statement))
            .bind(id.0)
            .bind(last)
            .bind(i64::from(PAGE))
            .fetch_all(&mut *connection)
            .await?;
        let before = rows.iter().map(|row| numbered(id, row)).collect::<Result<Vec<_>, _>>()?;
        let mut after = before.clone();
        for numbered in &mut after {
            others.change(&mut numbered.segment, highest_epoch);
        }
        write(connection, id, &before, &after).await?;
        match before.last() {
            Some(numbered) => last = i64::from(numbered.index),
            None => return Ok(()),
        }
    }
}

pub(crate) async fn delete_all(connection: &mut SqliteConnection, id: JobId) -> Result<(), Error> {
    sqlx::query("DELETE FROM segment WHERE job = $1").bind(id.0).execute(connection).await?;
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    id: JobId,
    planned: &[PlannedSegment],
    epoch: u32,
) -> Result<(), Error> {
    for (page, planned) in planned.chunks(ROWS).enumerate() {
        let first = page * ROWS;
        let rows = (first as u32..).zip(planned);
        let rows = rows.map(|(index, &planned)| Numbered { index, segment: Segment::new(planned, epoch) });
        let head = "INSERT INTO segment (job, number, first_frame, end_frame, lead_in, state, epoch, attempts, not_before, seal) ";
        QueryBuilder::<Sqlite>::new(head)
            .push_values(rows, |mut row, numbered| {
                let Segment { range, lead_in, work, .. } = &numbered.segment;
                row.push_bind(id.0)
                    .push_bind(i64::from(numbered.index))
                    .push_bind(i64::from(range.first))
                    .push_bind(i64::from(range.end))
                    .push_bind(i64::from(*lead_in))
                    .push_bind("pending")
                    .push_bind(i64::from(work.epoch))
                    .push_bind(i64::from(work.attempts))
                    .push_bind(work.not_before.0)
                    .push_bind(seal(id, &numbered));
            })
            .build()
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn select(condition: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT * FROM segment WHERE {condition}"))
}

/// The segment of a row, whose seal must fit it.
fn numbered(id: JobId, row: &SqliteRow) -> Result<Numbered, Error> {
    let numbered = read(row)?;
    let state: String = row.try_get("state")?;
    let is_sealed = row.try_get::<Option<i64>, _>("seal")? == Some(seal(id, &numbered));
    if is_sealed && state == Columns::of(&numbered.segment).state {
        return Ok(numbered);
    }
    Err(Error::Corrupt("a row does not fit its checksum".to_owned()))
}

/// The segment of a row, whatever its seal is.
pub(crate) fn read(row: &SqliteRow) -> Result<Numbered, Error> {
    let state = match row.try_get::<Option<String>, _>("worker")? {
        Some(worker) => WorkState::Running(Lease { worker, until: Millis(row.try_get("lease_until")?) }),
        None => WorkState::Pending,
    };
    let digest = match row.try_get::<Option<String>, _>("file")? {
        Some(file) => Some(SegmentDigest {
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
    let segment = Segment {
        range: SegmentRange { first: row.try_get("first_frame")?, end: row.try_get("end_frame")? },
        lead_in: row.try_get("lead_in")?,
        work: Work {
            state,
            epoch: row.try_get("epoch")?,
            attempts: row.try_get("attempts")?,
            not_before: Millis(row.try_get("not_before")?),
        },
        digest,
    };
    Ok(Numbered { index: row.try_get("number")?, segment })
}

/// What a row says of the state of a segment.
struct Columns<'a> {
    state: &'static str,
    worker: Option<&'a str>,
    lease_until: Option<i64>,
    file: Option<&'a str>,
    bytes: Option<i64>,
    blake3: Option<&'a str>,
    frames_reused: i64,
    pixels_reused: i64,
}

impl<'a> Columns<'a> {
    fn of(segment: &'a Segment) -> Self {
        let lease = match &segment.work.state {
            WorkState::Running(lease) => Some(lease),
            WorkState::Pending => None,
        };
        let digest = segment.digest.as_ref();
        let reused = digest.map(|digest| digest.reused).unwrap_or_default();
        Self {
            state: match (digest, lease) {
                (Some(_), _) => "done",
                (None, Some(_)) => "running",
                (None, None) => "pending",
            },
            worker: lease.map(|lease| lease.worker.as_str()),
            lease_until: lease.map(|lease| lease.until.0),
            file: digest.map(|digest| digest.file.as_str()),
            bytes: digest.map(|digest| digest.bytes.cast_signed()),
            blake3: digest.map(|digest| digest.blake3.as_str()),
            frames_reused: reused.frames.into(),
            pixels_reused: reused.pixels.cast_signed(),
        }
    }
}

/// The checksum over all that a row says.
pub(crate) fn seal(id: JobId, numbered: &Numbered) -> i64 {
    let Numbered { index, segment } = numbered;
    let Segment { range, lead_in, work, .. } = segment;
    let row = Columns::of(segment);
    let mut seal = Seal::default();
    for number in [
        Some(id.0),
        Some((*index).into()),
        Some(range.first.into()),
        Some(range.end.into()),
        Some((*lead_in).into()),
        Some(work.epoch.into()),
        Some(work.attempts.into()),
        Some(work.not_before.0),
        row.lease_until,
        row.bytes,
        Some(row.frames_reused),
        Some(row.pixels_reused),
    ] {
        seal.add(number.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }
    for text in [Some(row.state), row.worker, row.file, row.blake3] {
        seal.add(text.map(str::as_bytes));
    }
    seal.finish()
}
