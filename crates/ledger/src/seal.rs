//! Checksums over rows and over the tables' structure. SQLite's own check sees damage to its pages, not a flipped bit in
//! a number or a name.

use job::JobId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode as _, Row as _, SqliteConnection, Value as _, ValueRef as _};

use crate::Error;

/// What the seal of a job's row covers.
const JOB: [&str; 22] = [
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
];
/// What the seal of a segment's row covers.
const SEGMENT: [&str; 15] = [
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

/// Seals a segment's row after every change of it, in the same transaction.
pub(crate) async fn seal_segment(
    connection: &mut SqliteConnection,
    id: JobId,
    number: usize,
) -> Result<(), Error> {
    let statement = "SELECT * FROM segment WHERE job = $1 AND number = $2";
    let number = number as i64;
    let row = sqlx::query(statement).bind(id.0).bind(number).fetch_one(&mut *connection).await?;
    let statement = "UPDATE segment SET seal = $1 WHERE job = $2 AND number = $3";
    sqlx::query(statement).bind(of(&row, &SEGMENT)?).bind(id.0).bind(number).execute(connection).await?;
    Ok(())
}

/// Compares a job's row with its seal.
pub(crate) fn check_job(row: &SqliteRow) -> Result<(), Error> {
    check(row, &JOB)
}

/// Compares a segment's row with its seal.
pub(crate) fn check_segment(row: &SqliteRow) -> Result<(), Error> {
    check(row, &SEGMENT)
}

fn check(row: &SqliteRow, columns: &[&str]) -> Result<(), Error> {
    // Rows of earlier versions have none until they change.
    match row.try_get::<Option<i64>, _>("seal")? {
        Some(seal) if seal != of(row, columns)? => {
            Err(Error::Corrupt("a row does not fit its checksum".to_owned()))
        }
        _ => Ok(()),
    }
}

fn of(row: &SqliteRow, columns: &[&str]) -> Result<i64, Error> {
    let mut hash = blake3::Hasher::new();
    for &column in columns {
        // A copy, since reading a number as bytes may change how it reads afterwards.
        let value = row.try_get_raw(column)?.to_owned();
        let bytes = if value.is_null() {
            None
        } else {
            Some(<&[u8]>::decode(value.as_ref()).map_err(sqlx::Error::Decode)?)
        };
        hash.update(&bytes.map_or(-1, |bytes| bytes.len() as i64).to_le_bytes());
        hash.update(bytes.unwrap_or_default());
    }
    let mut seal = [0; 8];
    hash.finalize_xof().fill(&mut seal);
    Ok(i64::from_le_bytes(seal))
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
