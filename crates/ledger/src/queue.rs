//! The order of the jobs that are to be worked on.

use job::{FilePath, JobId, Millis};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::events::{self, What};
use crate::rows::from_json;
use crate::{Error, Ledger, QueuePosition, Queued};

/// Asked twice a second by an idle server. The plus keeps SQLite from reading all jobs there ever were by their places: there
/// is an index of the few that are to be worked on.
const QUEUE: &str = "SELECT id, priority, source, output FROM job WHERE runnable = 1 ORDER BY +place, id";

impl Ledger {
    /// The jobs that are to be worked on, in their places; their priority is not looked at. Paused ones are not among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue(&self) -> Result<Vec<Queued>, Error> {
        let rows = sqlx::query(QUEUE).fetch_all(&self.pool).await?;
        let queued = |row: &SqliteRow| {
            let path = |column| Ok::<_, Error>(self.base.found(&FilePath::from_bytes(row.try_get(column)?)));
            Ok(Queued {
                id: JobId(row.try_get("id")?),
                priority: from_json(row, "priority")?,
                source: path("source")?,
                output: path("output")?,
            })
        };
        rows.iter().map(queued).collect()
    }

    /// Gives a job another place among those of its priority.
    ///
    /// # Errors
    /// When there is no such job or the database fails.
    pub async fn set_position(&self, id: JobId, position: QueuePosition, now: Millis) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let position: i64 = match position {
            QueuePosition::First => {
                sqlx::query_scalar("SELECT coalesce(min(place), 0) - 1 FROM job")
                    .fetch_one(&mut *transaction)
                    .await?
            }
            QueuePosition::Last => {
                sqlx::query_scalar("SELECT coalesce(max(place), 0) + 1 FROM job")
                    .fetch_one(&mut *transaction)
                    .await?
            }
            QueuePosition::Before(other) => {
                let position: Option<i64> = sqlx::query_scalar("SELECT place FROM job WHERE id = $1")
                    .bind(other.0)
                    .fetch_optional(&mut *transaction)
                    .await?;
                let position = position.ok_or(Error::NoJob(other))?;
                sqlx::query("UPDATE job SET place = place + 1 WHERE place >= $1")
                    .bind(position)
                    .execute(&mut *transaction)
                    .await?;
                position
            }
        };
        let written = sqlx::query("UPDATE job SET place = $1 WHERE id = $2")
            .bind(position)
            .bind(id.0)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if written != 1 {
            return Err(Error::NoJob(id));
        }
        events::note(&mut transaction, id, now, &What::Moved).await?;
        transaction.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_to_be_done_is_found_without_reading_what_was() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let explained = format!("EXPLAIN QUERY PLAN {QUEUE}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(explained)).fetch_all(&ledger.pool).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(plan[0].contains("job_runnable"), "{plan:?}");
    }
}
