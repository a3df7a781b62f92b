//! What people do with videos that are no jobs yet: look at them, try settings, and make jobs of them.

use std::path::{Path, PathBuf};

use job::{FilePath, JobId, Millis};
use ledger::AnsweredRequest;
use protocol::message::VideoFacts;

use super::Handle;
use crate::clock::now;
use crate::commands::{self, Add, AddError, Added, Refusal};
use crate::submit::look_at;
use crate::viewer::{Measured, Previewer, ViewError};

/// How long it is kept what was answered to a request, in milliseconds: a week.
const ANSWERS_KEPT: i64 = 7 * 24 * 60 * 60 * 1000;

impl Handle {
    /// The job that is equal to one that is asked for, where there is one. Reads some of the video.
    ///
    /// # Errors
    /// When the video is not there, or the ledger fails.
    pub async fn equal(&self, wanted: &Add) -> Result<Option<JobId>, AddError> {
        look_at(&wanted.source).await;
        Ok(commands::describe(&self.0.ledger, wanted).await?.1)
    }

    /// Makes a job of a video, unless one is equal. One whose result is there, as after a loss of the ledger, is done at once.
    ///
    /// # Errors
    /// When the video is not there, another job of it is unfinished, or the ledger fails.
    pub async fn add(&self, wanted: &Add) -> Result<Added, AddError> {
        look_at(&wanted.source).await;
        let (new, _) = commands::describe(&self.0.ledger, wanted).await?;
        let name = self.2.as_ref().map(|server| {
            let folders = server.folders.borrow();
            folders.name_of(&wanted.source, &wanted.output).clone()
        });
        let _turn = self.turn().await;
        commands::add(&self.0.ledger, new, wanted, name.unwrap_or_default()).await
    }

    /// Where the result of a video goes that lies in a folder that the server watches; `None` for others.
    pub fn output_of(&self, source: &Path) -> Option<PathBuf> {
        let folders = self.2.as_ref()?.folders.borrow();
        Some(folders.of_source(source)?.folder.output_of(source))
    }

    /// The jobs of a video that are on the list, the earliest first, each with the name of its status.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn jobs_of(&self, source: &Path) -> Result<Vec<(JobId, &'static str)>, Refusal> {
        let jobs = self.0.ledger.of_source(&FilePath::from(source)).await?;
        let listed = jobs.iter().filter(|job| !job.is_removed);
        Ok(listed.map(|job| (job.id, job.job.status.name())).collect())
    }

    /// What shows what could be made of videos.
    ///
    /// # Errors
    /// When no server runs.
    pub fn previewer(&self) -> Result<&Previewer, ViewError> {
        self.1.previewer.as_ref().ok_or(ViewError::NoViewer)
    }

    /// What the head of a video says.
    ///
    /// # Errors
    /// As for [`Previewer::look`].
    pub async fn look(&self, source: &Path, stream: Option<u32>) -> Result<VideoFacts, ViewError> {
        self.previewer()?.look(source, stream).await
    }

    /// Measures how long a job would take and how large its result would be.
    ///
    /// # Errors
    /// As for [`Previewer::measure`].
    pub async fn measure(&self, source: &Path, settings: job::Settings) -> Result<Measured, ViewError> {
        let [running, ..] = self.counts().await?;
        self.previewer()?.measure(source, settings, running > 0).await
    }

    /// What was answered to the request of a key within the last week.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn answered_request(&self, key: &str) -> Result<Option<AnsweredRequest>, Refusal> {
        Ok(self.0.ledger.answered_request(key, Millis(now().0 - ANSWERS_KEPT)).await?)
    }

    /// Keeps what was answered to a request for a week.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn note_request(&self, answered: &AnsweredRequest) -> Result<(), Refusal> {
        Ok(self.0.ledger.note_request(answered, Millis(now().0 - ANSWERS_KEPT)).await?)
    }
}
