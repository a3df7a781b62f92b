//! Files in the folder that is watched which are no jobs yet, so that people see them waiting.

use job::{FilePath, Millis};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::{Error, Ledger};

/// Rows of one statement: five values each, and SQLite takes 32766 values.
const ROWS: usize = 1000;

/// A file that was seen and is no job yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// The file.
    pub path: FilePath,
    /// Its bytes.
    pub size: u64,
    /// When its content last changed.
    pub modified: Millis,
    /// When it was first seen.
    pub since: Millis,
    /// What it waits for, in words.
    pub reason: String,
}

impl Ledger {
    /// Notes files that are new or of which something is new, and forgets `gone` ones, in one transaction. `anew`: forgets
    /// all others first.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn note_seen(&self, files: &[SeenFile], gone: &[FilePath], anew: bool) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if anew {
            sqlx::query("DELETE FROM seen").execute(&mut *transaction).await?;
        }
        for paths in gone.chunks(ROWS) {
            let mut statement = QueryBuilder::<Sqlite>::new("DELETE FROM seen WHERE path IN (");
            let mut values = statement.separated(", ");
            for path in paths {
                values.push_bind(self.base.kept(path).as_bytes().to_vec());
            }
            statement.push(")");
            statement.build().execute(&mut *transaction).await?;
        }
        for files in files.chunks(ROWS) {
            let into = "INSERT OR REPLACE INTO seen (path, size, modified, since, reason) ";
            let mut statement = QueryBuilder::<Sqlite>::new(into);
            statement.push_values(files, |mut row, file| {
                row.push_bind(self.base.kept(&file.path).as_bytes().to_vec())
                    .push_bind(file.size as i64)
                    .push_bind(file.modified.0)
                    .push_bind(file.since.0)
                    .push_bind(&*file.reason);
            });
            statement.build().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// How many files were seen and are no jobs yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_seen(&self) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM seen").fetch_one(&self.pool).await?;
        Ok(count as u64)
    }

    /// The files that were seen and are no jobs yet, those that changed last first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen(&self) -> Result<Vec<SeenFile>, Error> {
        let statement = "SELECT path, size, modified, since, reason FROM seen ORDER BY modified DESC, path";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        let file = |row: &sqlx::sqlite::SqliteRow| {
            Ok(SeenFile {
                path: self.base.found(&FilePath::from_bytes(row.try_get("path")?)),
                size: row.try_get::<i64, _>("size")? as u64,
                modified: Millis(row.try_get("modified")?),
                since: Millis(row.try_get("since")?),
                reason: row.try_get("reason")?,
            })
        };
        rows.iter().map(file).collect()
    }
}
