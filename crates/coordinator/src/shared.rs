//! What all share who work on the jobs of a service: its options, and where to tell what happens.

use job::Notice;
use ledger::Record;
use tokio::sync::Mutex;

use crate::folders::ServerFolders;
use crate::service::{Limits, ServiceOptions};
use crate::updates::{Teller, Update};

/// What the dispatcher and its lanes share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: ServiceOptions,
    pub(crate) updates: Teller,
    /// Held by the lane that gives a job another folder.
    pub(crate) moving: Mutex<()>,
    /// Held by the lane that reads a whole source.
    pub(crate) comparing: Mutex<()>,
}

impl Shared {
    pub(crate) fn new(options: ServiceOptions) -> Self {
        Self { options, updates: Teller::new(), moving: Mutex::new(()), comparing: Mutex::new(()) }
    }

    /// How the work is done now.
    pub(crate) fn limits(&self) -> Limits {
        *self.options.limits.borrow()
    }

    /// The folders of the server as they are now.
    pub(crate) fn folders(&self) -> ServerFolders {
        self.options.folders.borrow().clone()
    }

    /// Tells something about a job that is worth a line.
    pub(crate) fn note(&self, record: &Record, notice: impl Into<Notice>) {
        self.updates.tell(Update::Note { id: record.id, notice: notice.into() });
    }

    /// A notice in the words of the program.
    pub(crate) fn in_words(&self, notice: &Notice) -> String {
        (self.options.words)(notice)
    }
}
