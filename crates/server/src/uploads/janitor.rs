//! The janitor: removes uploads that have expired, and puts whole files into the input folder that could not go there before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use coordinator::now;

use super::Uploads;
use super::failure::Failure;
use super::id::UploadId;

/// The pause between two rounds, in pauses of [`SOON`].
const PAUSES: u32 = 60;
/// The pause before it is tried again to put a whole file into an input folder that was away.
const SOON: Duration = Duration::from_secs(10);

impl Uploads {
    /// Tidies at once and at regular times, until the shutdown is requested.
    pub(crate) async fn keep_tidy(self: Arc<Self>) {
        while !self.shutdown.is_requested() {
            if let Err(error) = self.blocking(Self::tidy).await {
                tracing::warn!("uploads cannot be tidied: {error}");
            }
            for _ in 0..PAUSES {
                self.shutdown.sleep(SOON).await;
                if self.shutdown.is_requested() || self.is_away.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    }

    fn tidy(&self) -> Result<(), Failure> {
        self.is_away.store(false, Ordering::Relaxed);
        for id in self.store.ids()? {
            match self.tidy_one(id) {
                Ok(()) => {}
                Err(Failure::Away(_)) => self.is_away.store(true, Ordering::Relaxed),
                Err(error) => tracing::warn!("the upload {id}: {error}"),
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
