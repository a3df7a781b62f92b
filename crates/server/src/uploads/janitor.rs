//! The janitor: removes uploads that have expired, and puts whole files into the input folder that could not go there before.

use std::sync::Arc;
use std::time::Duration;

use coordinator::now;

use super::Uploads;
use super::failure::Failure;
use super::id::UploadId;

/// The pause between two rounds.
const EVERY: Duration = Duration::from_mins(10);

impl Uploads {
    /// Tidies at once and at regular times, until the shutdown is requested.
    pub(crate) async fn keep_tidy(self: Arc<Self>) {
        while !self.shutdown.is_requested() {
            if let Err(error) = self.blocking(Self::tidy).await {
                tracing::warn!("uploads cannot be tidied: {error}");
            }
            self.shutdown.sleep(EVERY).await;
        }
    }

    fn tidy(&self) -> Result<(), Failure> {
        for id in self.store.ids()? {
            if let Err(error) = self.tidy_one(id) {
                tracing::warn!("the upload {id}: {error}");
            }
        }
        Ok(())
    }

    /// One that is worked on is left alone.
    fn tidy_one(&self, id: UploadId) -> Result<(), Failure> {
        let Some(held) = self.turns.try_take(id) else { return Ok(()) };
        if self.store.remove_expired(id, now())? {
            tracing::info!("the upload {id} has expired and is removed");
            self.turns.forget(&held);
            return Ok(());
        }
        match self.store.finish(&held) {
            // What is left of an upload waits for its end.
            Ok(_) | Err(Failure::NoUpload) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
