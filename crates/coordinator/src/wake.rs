//! The word that something has changed, from whoever changes jobs to whoever works on them.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes the service up. Words that come while nobody waits count as one, which is not lost.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Says that something has changed.
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
