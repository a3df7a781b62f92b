//! Checksums over rows and over the tables' structure. SQLite's own check sees damage to its pages, not a flipped bit in
//! a number or a name.

use job::JobId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode as _, Row as _, SqliteConnection, Value as _, ValueRef as _};

use crate::Error;

/// What the seal of a job's row covers.
const JOB: [&str; 25] = [
    "id",
    "source",
    "fingerprint",
    "stamp",
    "settings",
    "settings_hash",
    "output",
    "folder",
    "result",
    "created",
    "changed",
    "status",
    "runnable",
    "phase",
    "work",
    "epoch",
    "method",
    "facts",
    "plan",
    "result_bytes",
    "priority",
    "failed_attempts",
    "totals",
    "highest_epoch",
    "lease_until",
];
/// Columns that came under the seal with a version of the tables: rows of earlier ones were sealed without them.
const SINCE: [(i64, &str); 3] = [(9, "totals"), (9, "highest_epoch"), (12, "lease_until")];
/// What the seal of a segment's row covered before version 9.
const EARLIER_SEGMENT: [&str; 15] = [
    "job",
    "number",
    "first_frame",
    "end_frame",
    "state",
    "epoch",
    "attempts",
    "not_before",
    "worker",
    "lease_until",
    "file",
    "bytes",
    "blake3",
    "frames_reused",
    "pixels_reused",
];

/// Seals a job's row after every change of it, in the same transaction.
pub(crate) async fn seal_job(connection: &mut SqliteConnection, id: JobId) -> Result<(), Error> {
    let row = sqlx::query("SELECT * FROM job WHERE id = $1").bind(id.0).fetch_one(&mut *connection).await?;
    let seal = of(&row, &JOB)?;
    sqlx::query("UPDATE job SET seal = $1 WHERE id = $2").bind(seal).bind(id.0).execute(connection).await?;
    Ok(())
}

/// Compares a job's row with its seal.
pub(crate) fn check_job(row: &SqliteRow) -> Result<(), Error> {
    check(row, &JOB)
}

/// As [`check_job`], for rows of a version of the tables.
pub(crate) fn check_job_of(row: &SqliteRow, version: i64) -> Result<(), Error> {
    let is_later = |column: &str| SINCE.iter().any(|&(since, later)| later == column && since > version);
    let columns: Vec<&str> = JOB.into_iter().filter(|column| !is_later(column)).collect();
    check(row, &columns)
}

/// Compares a segment's row of an earlier version with its seal.
pub(crate) fn check_earlier_segment(row: &SqliteRow) -> Result<(), Error> {
    check(row, &EARLIER_SEGMENT)
}

fn check(row: &SqliteRow, columns: &[&str]) -> Result<(), Error> {
    // Rows of early versions have none until they change.
    match row.try_get::<Option<i64>, _>("seal")? {
        Some(seal) if seal != of(row, columns)? => {
            Err(Error::Corrupt("a row does not fit its checksum".to_owned()))
        }
        _ => Ok(()),
    }
}

fn of(row: &SqliteRow, columns: &[&str]) -> Result<i64, Error> {
    let mut seal = Seal::default();
    for &column in columns {
        // A copy, since reading a number as bytes may change how it reads afterwards.
        let value = row.try_get_raw(column)?.to_owned();
        let bytes = if value.is_null() {
            None
        } else {
            Some(<&[u8]>::decode(value.as_ref()).map_err(sqlx::Error::Decode)?)
        };
        seal.add(bytes);
    }
    Ok(seal.finish())
}

/// A checksum over values, each of which is told from its neighbours.
#[derive(Default)]
pub(crate) struct Seal(blake3::Hasher);

impl Seal {
    pub(crate) fn add(&mut self, value: Option<&[u8]>) {
        self.0.update(&value.map_or(-1, |value| value.len() as i64).to_le_bytes());
        self.0.update(value.unwrap_or_default());
    }

    pub(crate) fn finish(&self) -> i64 {
        let mut seal = [0; 8];
        self.0.finalize_xof().fill(&mut seal);
        i64::from_le_bytes(seal)
    }
}

/// A checksum over the tables' structure and the migrations that made it. It is kept in the database's `user_version`;
/// that is 0 before.
pub(crate) async fn structure(connection: &mut SqliteConnection) -> Result<i32, Error> {
    let mut hash = blake3::Hasher::new();
    for statement in [
        "SELECT quote(name) || quote(sql) FROM sqlite_schema ORDER BY name",
        "SELECT version || quote(success) || quote(checksum) FROM _sqlx_migrations ORDER BY version",
    ] {
        let lines: Vec<String> = sqlx::query_scalar(statement).fetch_all(&mut *connection).await?;
        for line in lines {
            hash.update(line.as_bytes()).update(b"\n");
        }
    }
    let mut seal = [0; 4];
    hash.finalize_xof().fill(&mut seal);
    Ok(i32::from_le_bytes(seal))
}
