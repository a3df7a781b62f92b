//! How far each webhook has got in the events.

use job::{JobId, Millis};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::events::{JobEvent, What};
use crate::rows::from_json;
use crate::seal::Seal;
use crate::{Error, Ledger};

/// By which a hook is known.
pub type HookKey = [u8; 32];

/// How far a webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookCursor {
    /// The last event that it has, or that was given up.
    pub after: i64,
    /// Since when deliveries fail.
    pub failing: Option<Millis>,
}

impl Ledger {
    /// How far a hook is. One that is new begins behind the latest event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hook_cursor(&self, key: &HookKey) -> Result<HookCursor, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT max(number) FROM event").fetch_one(&mut *transaction).await?;
        let last = last.unwrap_or(0);
        let row = sqlx::query("SELECT * FROM hook WHERE key = $1")
            .bind(&key[..])
            .fetch_optional(&mut *transaction)
            .await?;
        let cursor = if let Some(row) = row {
            // A ledger that was restored may have fewer events.
            let (_, cursor) = hook(&row)?;
            HookCursor { after: cursor.after.min(last), ..cursor }
        } else {
            let cursor = HookCursor { after: last, failing: None };
            write(&mut transaction, key, &cursor).await?;
            cursor
        };
        transaction.commit().await?;
        Ok(cursor)
    }

    /// Notes how far a hook is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_hook(&self, key: &HookKey, cursor: &HookCursor) -> Result<(), Error> {
        write(&mut *self.pool.acquire().await?, key, cursor).await
    }

    /// Forgets all hooks but these.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_hooks(&self, keys: &[HookKey]) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let known: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT key FROM hook").fetch_all(&mut *transaction).await?;
        for key in known.iter().filter(|key| !keys.iter().any(|kept| kept[..] == key[..])) {
            sqlx::query("DELETE FROM hook WHERE key = $1").bind(key).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// What happened to the job of an event before that, as far as it is kept. (Places in the order are left out.)
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event_before(&self, event: &JobEvent) -> Result<Option<What>, Error> {
        let JobId(job) = event.job;
        let statement = "SELECT what FROM event WHERE job = $1 AND number < $2 ORDER BY number DESC LIMIT 50";
        let rows = sqlx::query(statement).bind(job).bind(event.number).fetch_all(&self.pool).await?;
        for row in &rows {
            let what: What = from_json(row, "what")?;
            if matches!(what, What::Added | What::Changed { .. }) {
                return Ok(Some(what));
            }
        }
        Ok(None)
    }
}

async fn write(connection: &mut SqliteConnection, key: &HookKey, cursor: &HookCursor) -> Result<(), Error> {
    let statement = "INSERT OR REPLACE INTO hook (key, after, failing, seal) VALUES ($1, $2, $3, $4)";
    sqlx::query(statement)
        .bind(&key[..])
        .bind(cursor.after)
        .bind(cursor.failing.map(|failing| failing.0))
        .bind(seal(key, cursor))
        .execute(connection)
        .await?;
    Ok(())
}

/// Compares all rows with their seals.
pub(crate) async fn check_all(connection: &mut SqliteConnection) -> Result<(), Error> {
    for row in sqlx::query("SELECT * FROM hook").fetch_all(&mut *connection).await? {
        hook(&row)?;
    }
    Ok(())
}

fn hook(row: &SqliteRow) -> Result<(HookKey, HookCursor), Error> {
    let corrupt = |what: &str| Error::Corrupt(what.to_owned());
    let key: Vec<u8> = row.try_get("key")?;
    let key: HookKey = key.try_into().map_err(|_| corrupt("the key of a webhook has another length"))?;
    let failing: Option<i64> = row.try_get("failing")?;
    let cursor = HookCursor { after: row.try_get("after")?, failing: failing.map(Millis) };
    if row.try_get::<i64, _>("seal")? == seal(&key, &cursor) {
        Ok((key, cursor))
    } else {
        Err(corrupt("a row does not fit its checksum"))
    }
}

fn seal(key: &HookKey, cursor: &HookCursor) -> i64 {
    let mut seal = Seal::default();
    seal.add(Some(key));
    seal.add(Some(&cursor.after.to_le_bytes()));
    let failing = cursor.failing.map(|failing| failing.0.to_le_bytes());
    seal.add(failing.as_ref().map(|failing| &failing[..]));
    seal.finish()
}
