//! Jobs as lists show them: those that are to be worked on, and pages of those that have ended, however many there are.

use std::collections::BTreeMap;

use job::{FilePath, JobId, Millis, Priority};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::rows::{from_json, record};
use crate::{Error, Ledger, Record};

/// Which of the jobs that have ended are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// Those that ended so; all where it is empty.
    pub how: Vec<End>,
    /// Also those that a person took off the list.
    pub removed: bool,
    /// Those that ended at this time or later.
    pub since: Option<Millis>,
    /// Those whose source's path has this text in it, whatever the case of its ASCII letters.
    pub search: Option<String>,
    /// Those after this one in the order, which is when it ended, and its number.
    pub before: Option<(Millis, JobId)>,
}

/// A job that has not ended, and no more of it than a list needs to find a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its number.
    pub id: JobId,
    /// The name of its status.
    pub status: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Its place among the jobs of its priority.
    pub position: i64,
    /// The video.
    pub source: FilePath,
}

/// How a job came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its result is in its place.
    Done,
    /// It failed.
    Failed,
    /// A person ended it.
    Canceled,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl Ended {
    /// The query for a column of all jobs that are wanted.
    fn query(&self, column: &str) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(column).push(" FROM job WHERE ended IS NOT NULL");
        if !self.how.is_empty() {
            let mut listed = query.push(" AND state IN (").separated(", ");
            for end in &self.how {
                listed.push_bind(end.name());
            }
            query.push(")");
        }
        if !self.removed {
            query.push(" AND removed = 0");
        }
        if let Some(since) = self.since {
            query.push(" AND ended >= ").push_bind(since.0);
        }
        if let Some(search) = &self.search {
            query
                .push(" AND instr(lower(CAST(source AS TEXT)), lower(")
                .push_bind(search.clone())
                .push(")) > 0");
        }
        if let Some((at, id)) = self.before {
            query.push(" AND (ended, id) < (").push_bind(at.0).push(", ").push_bind(id.0).push(")");
        }
        query
    }
}

impl Ledger {
    /// The jobs that have not ended, in their places.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished(&self) -> Result<Vec<Record>, Error> {
        let statement = "SELECT * FROM job WHERE ended IS NULL ORDER BY +place, id";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// The jobs that have not ended and are on the list, in no order. Thousands may wait, of which a page shows a few.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outlines(&self) -> Result<Vec<Outline>, Error> {
        let statement =
            "SELECT id, state, priority, place, source FROM job WHERE ended IS NULL AND removed = 0";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        let outline = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Outline {
                id: JobId(row.try_get("id")?),
                status: row.try_get("state")?,
                priority: from_json(row, "priority")?,
                position: row.try_get("place")?,
                source: self.base.found(&FilePath::from_bytes(row.try_get("source")?)),
            })
        };
        rows.iter().map(outline).collect()
    }

    /// The jobs that are worked on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn running(&self) -> Result<Vec<Record>, Error> {
        let statement = "SELECT * FROM job WHERE ended IS NULL AND state = 'running' ORDER BY +place, id";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// The jobs that have not ended and on which work has begun, in their places.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begun(&self) -> Result<Vec<Record>, Error> {
        let statement = "SELECT * FROM job WHERE ended IS NULL AND highest_epoch > 0 ORDER BY +place, id";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// A page of the jobs that have ended, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ended(&self, wanted: &Ended, limit: u32) -> Result<Vec<Record>, Error> {
        let mut query = wanted.query("*");
        query.push(" ORDER BY ended DESC, id DESC LIMIT ").push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// How many jobs a list of all pages would have.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_ended(&self, wanted: &Ended) -> Result<u64, Error> {
        let count: i64 = wanted.query("count(*)").build_query_scalar().fetch_one(&self.pool).await?;
        Ok(count.cast_unsigned())
    }

    /// How many jobs were taken off the list and are still known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_removed(&self) -> Result<u64, Error> {
        let statement = "SELECT count(*) FROM job WHERE removed";
        let count: i64 = sqlx::query_scalar(statement).fetch_one(&self.pool).await?;
        Ok(count.cast_unsigned())
    }

    /// The jobs of these numbers, as far as they are there, in the order of their numbers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn between(&self, first: JobId, last: JobId) -> Result<Vec<Record>, Error> {
        let statement = "SELECT * FROM job WHERE id BETWEEN $1 AND $2 ORDER BY id";
        let rows = sqlx::query(statement).bind(first.0).bind(last.0).fetch_all(&self.pool).await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// The sources of all jobs, with when each was taken in; nothing else of a job is read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sources(&self) -> Result<Vec<(JobId, FilePath, Millis)>, Error> {
        let statement = "SELECT id, source, created FROM job ORDER BY id";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        let source = |row: &sqlx::sqlite::SqliteRow| {
            let source = self.base.found(&FilePath::from_bytes(row.try_get("source")?));
            Ok((JobId(row.try_get("id")?), source, Millis(row.try_get("created")?)))
        };
        rows.iter().map(source).collect()
    }

    /// How many jobs there are of each status, by its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        self.count("SELECT state, count(*) AS jobs FROM job GROUP BY state").await
    }

    /// As [`Ledger::counts`], without the jobs that a person took off the list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn listed(&self) -> Result<BTreeMap<String, u64>, Error> {
        self.count("SELECT state, count(*) AS jobs FROM job WHERE removed = 0 GROUP BY state").await
    }

    async fn count(&self, statement: &'static str) -> Result<BTreeMap<String, u64>, Error> {
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        let count = |row: &sqlx::sqlite::SqliteRow| {
            Ok((row.try_get("state")?, row.try_get::<i64, _>("jobs")? as u64))
        };
        rows.iter().map(count).collect()
    }
}
