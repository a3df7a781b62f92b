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
        "the ledger `{}` is damaged ({finding}): start the server again, which puts it aside and makes a new one; finished segments and results are not affected", path.display()
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What the check says.
        finding: String,
    },
    /// The database turned out to be damaged after it was opened.
    #[error(
        "the ledger is damaged ({0}): start the program again, which puts it aside and makes a new one; finished segments and results are not affected"
    )]
    Corrupt(String),
    /// The file of the database was removed or replaced while it was open.
    #[error(
        "the ledger `{}` was removed or replaced while it was in use: all of it is in `{}.backup`, and the next start goes on from there, unless another ledger has its place", path.display(), path.display()
    )]
    Replaced {
        /// The database file.
        path: PathBuf,
    },
    /// A file beside the database cannot be used.
    #[error("cannot {action} `{}`: {cause}; check that its folder can be written", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// The database's tables are of another version.
    #[error(
        "the ledger's tables cannot be brought to this version: {0}; use the newest version of the program"
    )]
    Version(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the ledger cannot be read or written: {0}; check the disk that it lies on")]
    Database(sqlx::Error),
    /// A row holds something that cannot be.
    #[error(
        "the ledger holds something that this version cannot read: {0}; use the newest version of the program"
    )]
    Content(#[from] serde_json::Error),
    /// Another writer was in between, in spite of the transaction.
    #[error("job {0} was changed by another program at the same time: try again")]
    Conflict(JobId),
    /// The name that was chosen for a result is that of another job's.
    #[error("`{}` is the result of job {by}: choose another name", result.display())]
    ResultTaken {
        /// The name.
        result: PathBuf,
        /// The job that has it.
        by: JobId,
    },
    /// The folder for the unfinished work is that of another job's.
    #[error("job {by} works in `{}`: try again", folder.display())]
    FolderTaken {
        /// The folder.
        folder: PathBuf,
        /// The job that has it.
        by: JobId,
    },
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

    /// True when the database is not what was written. It can only be put aside.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Corrupt(_))
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

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_corrupt(&error) { Self::Corrupt(error.to_string()) } else { Self::Database(error) }
    }
}

/// True when the database or a value in it is not what was written.
pub(crate) fn is_corrupt(error: &sqlx::Error) -> bool {
    use sqlx::Error::{ColumnDecode, ColumnNotFound, Database, Decode};
    match error {
        ColumnDecode { .. } | ColumnNotFound(_) | Decode(_) => true,
        // SQLITE_CORRUPT is 11, SQLITE_NOTADB is 26; the higher bits say more.
        Database(error) => {
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            matches!(code.map(|code| code & 0xff), Some(11 | 26))
        }
        _ => false,
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
