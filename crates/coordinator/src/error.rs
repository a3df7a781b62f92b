//! What stops the coordinator itself, rather than one job.

/// The coordinator cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// Files cannot be used.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}
