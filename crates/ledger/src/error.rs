//! What can go wrong with the ledger.

use std::path::PathBuf;

use job::JobId;

/// A ledger that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be opened.
    #[error("the ledger `{}` cannot be opened: {cause}; check that its folder exists and can be written", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the database says.
        cause: sqlx::Error,
    },
    /// The disk of the database is full, and it cannot be opened.
    #[error("the disk of the ledger `{}` is full: free at least 1 MB and start again", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error(
        "the ledger `{}` is damaged ({finding}): stop all programs that use it, move it and its -wal file away, and start again; finished results are not affected", path.display()
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What the check says.
        finding: String,
    },
    /// The database's tables are of another version.
    #[error(
        "the ledger's tables cannot be brought to this version: {0}; use the newest version of the program"
    )]
    Version(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the ledger cannot be read or written: {0}; check the disk that it lies on")]
    Database(#[from] sqlx::Error),
    /// A row holds something that cannot be.
    #[error(
        "the ledger holds something that this version cannot read: {0}; use the newest version of the program"
    )]
    Content(#[from] serde_json::Error),
    /// Another writer was in between, in spite of the transaction.
    #[error("job {0} was changed by another program at the same time: try again")]
    Conflict(JobId),
    /// No such job.
    #[error("there is no job {0}: `upscaled list` shows all jobs")]
    NoJob(JobId),
}

impl Error {
    /// True when the disk of the database is full.
    pub fn is_no_space(&self) -> bool {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match self {
            Self::Full { .. } => true,
            Self::Open { cause, .. }
            | Self::Database(cause)
            | Self::Version(Execute(cause) | ExecuteMigration(cause, _)) => is_full(cause),
            _ => false,
        }
    }

    /// True for what happens when two programs make or change a ledger's tables at once: the one that comes second finds
    /// them locked or made, and has only to look again.
    pub(crate) fn comes_of_another_opening(&self) -> bool {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match self {
            Self::Open { cause, .. } => is_locked(cause),
            Self::Version(error) => matches!(error, Execute(_) | ExecuteMigration(..)),
            _ => false,
        }
    }
}

/// True when another connection holds the database.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY is 5. Changing the journal's mode does not wait for it.
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("5"))
}

/// True when the disk is full.
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    // SQLITE_FULL is 13; SQLITE_IOERR_SHMSIZE, 4874, is the same for the index of its log. sqlx gives the codes as text.
    matches!(error, sqlx::Error::Database(error) if matches!(error.code().as_deref(), Some("13" | "4874")))
}
