//! What stops the coordinator itself, rather than one job.

use crate::process::WorkerError;

/// The coordinator cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// No worker can be started.
    #[error(transparent)]
    Worker(WorkerError),
    /// Files cannot be used.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Error {
    /// True when the ledger is damaged, or its file another one: only another start can mend that.
    pub(crate) fn needs_restart(&self) -> bool {
        matches!(self, Self::Ledger(error) if error.is_damage() || matches!(error, ledger::Error::Replaced { .. }))
    }

    /// True when a disk is full: the same may succeed once there is room.
    pub fn is_no_space(&self) -> bool {
        match self {
            Self::Ledger(error) => error.is_no_space(),
            Self::Storage(error) => error.is_no_space(),
            Self::Worker(_) => false,
        }
    }
}
