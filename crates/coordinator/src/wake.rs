//! A call to look again: something has changed in the ledger that would else be seen at the next look only.

use std::sync::Arc;

use tokio::sync::Notify;

/// Tells the service to look at its jobs at once. What changes the ledger in this process calls it; changes of other
/// processes are seen a little later.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Something has changed. A call that comes while no one waits ends the next wait at once.
    pub fn changed(&self) {
        self.0.notify_one();
    }

    /// Waits until something has changed.
    pub async fn wait(&self) {
        self.0.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_word_is_not_lost_while_nobody_waits() {
        let wake = Wake::default();
        let other = wake.clone();
        other.changed();
        other.changed();
        wake.wait().await;
        let waiting = tokio::time::timeout(std::time::Duration::from_millis(10), wake.wait());
        assert!(waiting.await.is_err(), "two words that came together count as one");
    }
}
