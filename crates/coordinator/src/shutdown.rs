//! The wish to stop, as a value that is passed in.

use tokio::sync::watch;

/// Tells everything that holds a copy to stop, once.
#[derive(Debug, Clone)]
pub struct Shutdown {
    sender: watch::Sender<bool>,
}

impl Shutdown {
    /// Not requested yet.
    pub fn new() -> Self {
        Self { sender: watch::Sender::new(false) }
    }

    /// Asks all holders to stop.
    pub fn request(&self) {
        self.sender.send_replace(true);
    }

    /// True once it is requested.
    pub fn is_requested(&self) -> bool {
        *self.sender.borrow()
    }

    /// Waits until it is requested.
    pub async fn requested(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.sender.subscribe().wait_for(|stop| *stop).await;
    }

    /// Waits so long, or shorter when it is requested.
    pub async fn sleep(&self, duration: std::time::Duration) {
        let _ = tokio::time::timeout(duration, self.requested()).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}
