//! What happens, told to all who want to know: a reader that is slow holds nothing up, and learns how much it has missed.

use std::sync::Arc;

use job::{JobId, Notice};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::status::JobReport;

/// Updates that are kept for a reader that is behind: minutes of them.
const KEPT: usize = 4096;

/// Something that people want to know.
#[derive(Debug, Clone)]
pub enum Update {
    /// A job changed or went on.
    Job(Arc<JobReport>),
    /// Something about a job that is worth a line.
    Note {
        /// The job.
        id: JobId,
        /// The line.
        notice: Notice,
    },
    /// The service is alive: it says so every few seconds at least, whatever its workers do.
    Alive,
    /// The reader was too slow for so many updates. How the jobs stand is in the ledger.
    Missed(u64),
}

/// Tells updates to all readers.
#[derive(Debug, Clone)]
pub struct Teller(broadcast::Sender<Update>);

impl Teller {
    /// There is no listener yet.
    pub fn new() -> Self {
        Self(broadcast::channel(KEPT).0)
    }

    /// Tells all listeners. That there is none is no reason to stop working.
    pub fn tell(&self, update: Update) {
        let _ = self.0.send(update);
    }

    /// What is told from now on, until the last teller is gone.
    pub fn updates(&self) -> Updates {
        Updates(self.0.subscribe())
    }
}

impl Default for Teller {
    fn default() -> Self {
        Self::new()
    }
}

/// A reader of updates.
#[derive(Debug)]
pub struct Updates(broadcast::Receiver<Update>);

impl Updates {
    /// The next update; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<Update> {
        match self.0.recv().await {
            Ok(update) => Some(update),
            Err(RecvError::Lagged(missed)) => Some(Update::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(number: usize) -> Update {
        Update::Note { id: JobId(1), notice: number.to_string().into() }
    }

    #[tokio::test]
    async fn a_slow_reader_learns_how_much_it_has_missed() {
        let teller = Teller::new();
        let mut updates = teller.updates();
        for number in 0..KEPT + 7 {
            teller.tell(note(number));
        }
        assert!(matches!(updates.next().await, Some(Update::Missed(7))));
        let next = updates.next().await;
        assert!(matches!(&next, Some(Update::Note { notice, .. }) if notice.text == "7"), "{next:?}");
    }
}
