//! Why something of a job cannot be shown.

use job::Notice;

use crate::commands::Refusal;
use crate::process::WorkerError;

/// Why something of a job cannot be shown. The words are for people.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// There is no such job, or the ledger fails.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The film has fewer frames.
    #[error("the film has {frames} frames, numbered from 0 on")]
    NoFrame {
        /// How many.
        frames: u32,
    },
    /// The job has no such segment, or has ended: its segments are gone.
    #[error("there is no such part: the job has {segments} segments, and none any more once it is done")]
    NoPart {
        /// How many segments its plan has.
        segments: u32,
    },
    /// What is wanted is still to be made.
    #[error("this part of the film is not made yet: come again later")]
    NotMadeYet,
    /// The source lies in several files.
    #[error("the source lies in several files, which browsers do not play")]
    SourceInParts,
    /// The source is not where it was, or is another one by now.
    #[error("{0}")]
    SourceAway(String),
    /// The result is not where it was put.
    #[error("the result is not where it was put")]
    ResultGone,
    /// The result is of a kind that browsers do not play.
    #[error("browsers do not play videos of this codec: look at single frames, or at the result")]
    NotPlayable,
    /// Enough others wait.
    #[error("others look at frames at this moment: come again in a few seconds")]
    Busy,
    /// No server runs that could show something.
    #[error("no server runs here that could show it")]
    NoViewer,
    /// It would take too long.
    #[error("the frame was not found within minutes: the film is too long, or the disk too slow")]
    TooSlow,
    /// The video is at fault: no other try would give a picture.
    #[error("{}", .0.text)]
    NoPicture(Notice),
    /// It cannot be made, for this reason.
    #[error("{}", .0.text)]
    Failed(Notice),
    /// The worker cannot be started, or died.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

impl ViewError {
    pub(super) fn failed(text: impl Into<Notice>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<ledger::Error> for ViewError {
    fn from(error: ledger::Error) -> Self {
        Self::Refused(error.into())
    }
}
