//! Who may use the server over HTTP: the owner's password, sessions, and tokens of programs. Secrets are kept as digests alone.

use std::collections::BTreeSet;

use job::Millis;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::rows::{from_json, to_json};
use crate::seal::Seal;
use crate::{Error, Ledger};

/// The SHA-256 of a secret.
pub type SecretDigest = [u8; 32];

/// What the holder of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at everything but settings, the log and tokens.
    Read,
    /// Change jobs, and bring videos.
    Control,
    /// Change tokens, the password and settings.
    Admin,
}

impl Scope {
    /// All of them: each has what those before it have.
    pub const ALL: [Self; 3] = [Self::Read, Self::Control, Self::Admin];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }
}

/// A token of a program, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What its owner calls it; no two have the same name.
    pub name: String,
    /// What its holder may do.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created: Millis,
    /// When it was last used, to about a minute.
    pub used: Option<Millis>,
}

impl Ledger {
    /// The owner's password as it is kept; `None` where none is set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn password(&self) -> Result<Option<String>, Error> {
        let row = sqlx::query("SELECT * FROM owner").fetch_optional(&self.pool).await?;
        row.as_ref().map(password).transpose()
    }

    /// Sets the owner's password, as it is to be kept, and ends all sessions. With `only_first`, a password that is set stays.
    /// Gives whether there was one.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn set_password(&self, kept: &str, only_first: bool) -> Result<bool, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let had = sqlx::query("SELECT 1 FROM owner").fetch_optional(&mut *transaction).await?.is_some();
        if had && only_first {
            return Ok(true);
        }
        sqlx::query("INSERT OR REPLACE INTO owner (id, password, seal) VALUES (1, $1, $2)")
            .bind(kept)
            .bind(seal_of_password(kept))
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM session").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(had)
    }

    /// Removes the owner's password, and ends all sessions. Gives whether there was one.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn remove_password(&self) -> Result<bool, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let removed = sqlx::query("DELETE FROM owner").execute(&mut *transaction).await?;
        sqlx::query("DELETE FROM session").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Forgets the password, all sessions and all tokens: what an older copy of the ledger says of them may have been revoked. Forgets
    /// what was answered to requests as well: the jobs that it names may be others.
    pub(crate) async fn forget_access(&self) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for statement in
            ["DELETE FROM owner", "DELETE FROM session", "DELETE FROM token", "DELETE FROM request"]
        {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Adds a session, unless the password is not, or no more, the one that is kept so. Gives whether it was added.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_session(&self, digest: &SecretDigest, kept: &str, now: Millis) -> Result<bool, Error> {
        let statement = "INSERT INTO session (digest, used, seal)
             SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM owner WHERE password = $4)";
        let added = sqlx::query(statement)
            .bind(&digest[..])
            .bind(now.0)
            .bind(seal_of_session(digest, now))
            .bind(kept)
            .execute(&self.pool)
            .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Notes that a session was used. One that has ended stays so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_session(&self, digest: &SecretDigest, now: Millis) -> Result<(), Error> {
        sqlx::query("UPDATE session SET used = $1, seal = $2 WHERE digest = $3")
            .bind(now.0)
            .bind(seal_of_session(digest, now))
            .bind(&digest[..])
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// When a session was last used; `None` where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, digest: &SecretDigest) -> Result<Option<Millis>, Error> {
        let statement = "SELECT * FROM session WHERE digest = $1";
        let row = sqlx::query(statement).bind(&digest[..]).fetch_optional(&self.pool).await?;
        row.as_ref().map(session).transpose()
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, digest: &SecretDigest) -> Result<(), Error> {
        let statement = "DELETE FROM session WHERE digest = $1";
        sqlx::query(statement).bind(&digest[..]).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends the sessions that were not used since a time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions_before(&self, time: Millis) -> Result<(), Error> {
        sqlx::query("DELETE FROM session WHERE used < $1").bind(time.0).execute(&self.pool).await?;
        Ok(())
    }

    /// Adds a token; false where another one has its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_token(&self, token: &Token, digest: &SecretDigest) -> Result<bool, Error> {
        let statement = "INSERT INTO token (name, digest, scopes, created, used, seal)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING";
        let added = sqlx::query(statement)
            .bind(&token.name)
            .bind(&digest[..])
            .bind(to_json(&token.scopes)?)
            .bind(token.created.0)
            .bind(token.used.map(|used| used.0))
            .bind(seal_of_token(token, digest)?)
            .execute(&self.pool)
            .await?;
        Ok(added.rows_affected() == 1)
    }

    /// The token of a secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, digest: &SecretDigest) -> Result<Option<Token>, Error> {
        let statement = "SELECT * FROM token WHERE digest = $1";
        let row = sqlx::query(statement).bind(&digest[..]).fetch_optional(&self.pool).await?;
        row.as_ref().map(token).transpose()
    }

    /// Notes that a token was used. One that was removed stays so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_token(&self, used: &Token, digest: &SecretDigest, now: Millis) -> Result<(), Error> {
        let token = Token { used: Some(now), ..used.clone() };
        sqlx::query("UPDATE token SET used = $1, seal = $2 WHERE digest = $3")
            .bind(now.0)
            .bind(seal_of_token(&token, digest)?)
            .bind(&digest[..])
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// All tokens, by their names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let rows = sqlx::query("SELECT * FROM token ORDER BY name").fetch_all(&self.pool).await?;
        rows.iter().map(token).collect()
    }

    /// Removes the token of a name; false where there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_token(&self, name: &str) -> Result<bool, Error> {
        let removed = sqlx::query("DELETE FROM token WHERE name = $1").bind(name).execute(&self.pool).await?;
        Ok(removed.rows_affected() > 0)
    }
}

/// Compares all rows with their seals.
pub(crate) async fn check_all(connection: &mut SqliteConnection) -> Result<(), Error> {
    for row in sqlx::query("SELECT * FROM owner").fetch_all(&mut *connection).await? {
        password(&row)?;
    }
    for row in sqlx::query("SELECT * FROM session").fetch_all(&mut *connection).await? {
        session(&row)?;
    }
    for row in sqlx::query("SELECT * FROM token").fetch_all(&mut *connection).await? {
        token(&row)?;
    }
    Ok(())
}

fn password(row: &SqliteRow) -> Result<String, Error> {
    let password: String = row.try_get("password")?;
    check(row, seal_of_password(&password))?;
    Ok(password)
}

fn session(row: &SqliteRow) -> Result<Millis, Error> {
    let used = Millis(row.try_get("used")?);
    check(row, seal_of_session(&digest(row)?, used))?;
    Ok(used)
}

fn token(row: &SqliteRow) -> Result<Token, Error> {
    let token = Token {
        name: row.try_get("name")?,
        scopes: from_json(row, "scopes")?,
        created: Millis(row.try_get("created")?),
        used: row.try_get::<Option<i64>, _>("used")?.map(Millis),
    };
    check(row, seal_of_token(&token, &digest(row)?)?)?;
    Ok(token)
}

fn digest(row: &SqliteRow) -> Result<SecretDigest, Error> {
    let bytes: Vec<u8> = row.try_get("digest")?;
    bytes.try_into().map_err(|_| Error::Corrupt("a digest has another length".to_owned()))
}

fn check(row: &SqliteRow, seal: i64) -> Result<(), Error> {
    if row.try_get::<i64, _>("seal")? == seal {
        Ok(())
    } else {
        Err(Error::Corrupt("a row does not fit its checksum".to_owned()))
    }
}

fn seal_of_password(kept: &str) -> i64 {
    let mut seal = Seal::default();
    seal.add(Some(kept.as_bytes()));
    seal.finish()
}

fn seal_of_session(digest: &SecretDigest, used: Millis) -> i64 {
    let mut seal = Seal::default();
    seal.add(Some(digest));
    seal.add(Some(&used.0.to_le_bytes()));
    seal.finish()
}

fn seal_of_token(token: &Token, digest: &SecretDigest) -> Result<i64, Error> {
    let mut seal = Seal::default();
    seal.add(Some(digest));
    seal.add(Some(token.name.as_bytes()));
    seal.add(Some(to_json(&token.scopes)?.as_bytes()));
    seal.add(Some(&token.created.0.to_le_bytes()));
    seal.add(token.used.map(|used| used.0.to_le_bytes()).as_ref().map(<[u8; 8]>::as_slice));
    Ok(seal.finish())
}
