//! Requests that clients may send again, as after a connection that broke: what was answered is kept for a while, by the key that
//! the client chose.

use job::{JobId, Millis};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::access::SecretDigest;
use crate::seal::Seal;
use crate::{Error, Ledger};

/// Requests that are kept; the earliest goes first.
const MOST: i64 = 10_000;

/// A request that made a job, or found it, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredRequest {
    /// What the client called it.
    pub key: String,
    /// The SHA-256 of what it asked for.
    pub asked: SecretDigest,
    /// The job.
    pub job: JobId,
    /// The status of HTTP.
    pub status: u16,
    /// The answer, word by word.
    pub answer: String,
    /// When.
    pub created: Millis,
}

impl Ledger {
    /// What was answered to the request of a key since a time; `None` where there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answered_request(&self, key: &str, since: Millis) -> Result<Option<AnsweredRequest>, Error> {
        let row = sqlx::query("SELECT * FROM request WHERE key = $1 AND created >= $2")
            .bind(key)
            .bind(since.0)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(request).transpose()
    }

    /// Keeps what was answered, in the place of what was answered to its key before, and lets go of what was answered before
    /// a time.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn note_request(&self, answered: &AnsweredRequest, since: Millis) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "DELETE FROM request WHERE created < $1
             OR key IN (SELECT key FROM request ORDER BY created DESC LIMIT -1 OFFSET $2)",
        )
        .bind(since.0)
        .bind(MOST - 1)
        .execute(&mut *transaction)
        .await?;
        let AnsweredRequest { key, asked, job, status, answer, created } = answered;
        sqlx::query(
            "INSERT OR REPLACE INTO request (key, asked, job, status, answer, created, seal)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key)
        .bind(&asked[..])
        .bind(job.0)
        .bind(i64::from(*status))
        .bind(answer)
        .bind(created.0)
        .bind(seal(answered))
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

/// Compares all rows with their seals.
pub(crate) async fn check_all(connection: &mut SqliteConnection) -> Result<(), Error> {
    for row in sqlx::query("SELECT * FROM request").fetch_all(&mut *connection).await? {
        request(&row)?;
    }
    Ok(())
}

fn request(row: &SqliteRow) -> Result<AnsweredRequest, Error> {
    let corrupt = |what: &str| Error::Corrupt(what.to_owned());
    let asked: Vec<u8> = row.try_get("asked")?;
    let status: i64 = row.try_get("status")?;
    let answered = AnsweredRequest {
        key: row.try_get("key")?,
        asked: asked.try_into().map_err(|_| corrupt("a digest has another length"))?,
        job: JobId(row.try_get("job")?),
        status: status.try_into().map_err(|_| corrupt("a status is no number of HTTP"))?,
        answer: row.try_get("answer")?,
        created: Millis(row.try_get("created")?),
    };
    if row.try_get::<i64, _>("seal")? == seal(&answered) {
        Ok(answered)
    } else {
        Err(corrupt("a row does not fit its checksum"))
    }
}

fn seal(AnsweredRequest { key, asked, job, status, answer, created }: &AnsweredRequest) -> i64 {
    let mut seal = Seal::default();
    seal.add(Some(key.as_bytes()));
    seal.add(Some(asked));
    seal.add(Some(&job.0.to_le_bytes()));
    seal.add(Some(&status.to_le_bytes()));
    seal.add(Some(answer.as_bytes()));
    seal.add(Some(&created.0.to_le_bytes()));
    seal.finish()
}
