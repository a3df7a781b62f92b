//! Opening the database, checking it, and bringing its tables to this version.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, SqlitePool};
use tokio::sync::watch;

use crate::base::Base;
use crate::error::is_corrupt;
use crate::seal::structure;
use crate::{Error, events, private, upgrade};

/// How long a writer waits for another process: transactions take milliseconds, a busy disk seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often opening is tried while another program may be making the same ledger.
const OPENING_TRIES: u32 = 20;
/// Time between two tries: longer than making the tables takes.
const OPENING_PAUSE: Duration = Duration::from_millis(50);

/// The jobs and segments of one root, in an SQLite database.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) path: PathBuf,
    /// The device and the number of the file that is open; `None` where they cannot be had.
    file: Option<(u64, u64)>,
    pub(crate) base: Base,
    pub(crate) pool: SqlitePool,
    /// That there may be new events.
    pub(crate) happened: watch::Sender<()>,
}

impl Ledger {
    /// Opens the ledger in a file, which is made when it is not there, and checks it.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or is of a newer version.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        Self::open_tables(path, false).await
    }

    /// Copies the ledger in a file and opens the copy, so that nothing is written to the file or beside it. What the copy says
    /// of paths is as the file has it.
    ///
    /// # Errors
    /// When it cannot be copied, or as for [`Ledger::open`].
    pub async fn open_copy(path: &Path, copy: &Path) -> Result<Self, Error> {
        let beside = |path: &Path| {
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            PathBuf::from(log)
        };
        // What is in the log is read again, whatever of it came into the file meanwhile.
        match std::fs::copy(beside(path), beside(copy)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(copying(path, error)),
            _ => {}
        }
        std::fs::copy(path, copy).map_err(|error| copying(path, error))?;
        Ok(Self { base: Base::of(path), ..Self::open(copy).await? })
    }

    /// As [`Ledger::open`]; a ledger without tables is damaged when it `had_tables` before.
    pub(crate) async fn open_tables(path: &Path, had_tables: bool) -> Result<Self, Error> {
        let mut tries = 1;
        loop {
            match Self::open_once(path, had_tables).await {
                Err(error) if error.comes_of_another_opening() && tries < OPENING_TRIES => {
                    tokio::time::sleep(OPENING_PAUSE).await;
                }
                Err(error) if error.is_no_space() => return Err(Error::Full { path: path.to_owned() }),
                opened => return opened,
            }
            tries += 1;
        }
    }

    async fn open_once(path: &Path, had_tables: bool) -> Result<Self, Error> {
        private::keep(path);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL syncs the log at every commit: what was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let happened = watch::Sender::new(());
        let teller = happened.clone();
        // One connection: SQLite has one writer, and the statements are short.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            // It stays as long as the ledger is open: by its path, another file could be opened in the place of one that was removed. And
            // sqlx counts idle connections in two steps: where its maintenance looks in between, it finds 2⁶⁴ − 1 of them, and keeps
            // the connection and a core busy with going through them.
            .idle_timeout(None)
            .max_lifetime(None)
            // Where a commit finds the disk full, SQLite has rolled back, and sqlx counts a transaction that it can
            // neither go on with nor end any more: such a connection is replaced.
            .before_acquire(|connection, _| {
                let is_clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(is_clean) })
            })
            .after_connect(move |connection, _| Box::pin(events::tell(connection, teller.clone())))
            .connect_with(options)
            .await;
        let pool = pool.map_err(|cause| opening(path, cause))?;
        let ledger =
            Self { path: path.to_owned(), file: identity(path), base: Base::of(path), pool, happened };
        let ready = async {
            ledger.check().await?;
            ledger.bring_to_this_version(had_tables).await
        };
        match ready.await {
            Ok(()) => Ok(ledger),
            Err(error) => {
                // The caller that puts a damaged ledger aside must not have it open.
                ledger.close().await;
                Err(error)
            }
        }
    }

    /// False where the file was removed or replaced since it was opened: what is written now would be lost with it.
    pub(crate) fn is_in_place(&self) -> bool {
        self.file.is_none() || identity(&self.path) == self.file
    }

    /// Looks for damage that the database itself can see.
    async fn check(&self) -> Result<(), Error> {
        let finding: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&self.pool)
            .await
            .map_err(|cause| opening(&self.path, cause))?;
        if finding == "ok" { Ok(()) } else { Err(self.damaged(finding)) }
    }

    /// Makes the tables, or changes those of an earlier version.
    async fn bring_to_this_version(&self, had_tables: bool) -> Result<(), Error> {
        let migrator = sqlx::migrate!();
        // One look, since another program may be changing the tables.
        let mut look = self.pool.begin().await?;
        let statement = "SELECT count(*) FROM sqlite_schema WHERE name IN ('job', '_sqlx_migrations')";
        let tables: i64 = sqlx::query_scalar(statement).fetch_one(&mut *look).await?;
        let is_new = tables < 2;
        let mut version = 0;
        if is_new && had_tables {
            return Err(self.damaged("it is empty".to_owned()));
        }
        if !is_new {
            let sealed: i32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *look).await?;
            if sealed != 0 && sealed != structure(&mut look).await? {
                return Err(self.damaged("its tables are not those that were made".to_owned()));
            }
            let statement = "SELECT version FROM _sqlx_migrations ORDER BY version";
            let applied: Vec<i64> = sqlx::query_scalar(statement).fetch_all(&mut *look).await?;
            version = applied.last().copied().unwrap_or(0);
            if sealed != 0 && migrator.iter().map(|migration| migration.version).eq(applied) {
                return Ok(());
            }
        }
        drop(look);
        if !is_new {
            self.copy().await?;
        }
        // In one transaction, so that no reader sees half of it.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        // `run` is the same, and cannot be used in a task.
        migrator.run_direct(None, &mut *transaction, false).await?;
        if !is_new {
            upgrade::rows(&mut transaction, &self.base, version).await?;
        }
        let seal = structure(&mut transaction).await?;
        let statement = AssertSqlSafe(format!("PRAGMA user_version = {seal}"));
        sqlx::query(statement).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
    }

    /// What its paths are relative to.
    pub fn base(&self) -> &Base {
        &self.base
    }

    fn damaged(&self, finding: String) -> Error {
        Error::Damaged { path: self.path.clone(), finding }
    }

    /// Closes the ledger, so that its log is folded into the database file.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

fn copying(path: &Path, cause: std::io::Error) -> Error {
    Error::File { action: "copy", path: path.to_owned(), cause }
}

/// What tells a file from all others.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Why a database cannot be opened.
fn opening(path: &Path, cause: sqlx::Error) -> Error {
    let path = path.to_owned();
    if is_corrupt(&cause) {
        Error::Damaged { path, finding: cause.to_string() }
    } else {
        Error::Open { path, cause }
    }
}
