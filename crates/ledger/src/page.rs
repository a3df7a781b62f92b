//! Jobs as lists show them: those that are to be worked on, and pages of those that have ended, however many there are.

use std::collections::BTreeMap;

use job::{JobId, Millis};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::rows::record;
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
    /// Those after this one in the order, which is when it ended, and its number.
    pub before: Option<(Millis, JobId)>,
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
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM job WHERE ended IS NOT NULL");
        if !wanted.how.is_empty() {
            let mut listed = query.push(" AND state IN (").separated(", ");
            for end in &wanted.how {
                listed.push_bind(end.name());
            }
            query.push(")");
        }
        if !wanted.removed {
            query.push(" AND removed = 0");
        }
        if let Some(since) = wanted.since {
            query.push(" AND ended >= ").push_bind(since.0);
        }
        if let Some((at, id)) = wanted.before {
            query.push(" AND (ended, id) < (").push_bind(at.0).push(", ").push_bind(id.0).push(")");
        }
        query.push(" ORDER BY ended DESC, id DESC LIMIT ").push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(|row| record(&self.base, row)).collect()
    }

    /// How many jobs there are of each status, by its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let statement = "SELECT state, count(*) AS jobs FROM job GROUP BY state";
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        let count = |row: &sqlx::sqlite::SqliteRow| {
            Ok((row.try_get("state")?, row.try_get::<i64, _>("jobs")? as u64))
        };
        rows.iter().map(count).collect()
    }
}
