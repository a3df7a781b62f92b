//! Looks at single files and folders as the inbox does, for who brings jobs along from elsewhere. Nothing is taken in or changed.

use std::path::{Path, PathBuf};

use job::JobId;
use job::state::Status;
use ledger::Ledger;

use super::ground::Ground;
use super::kinds::{self, Kind, NameRules};
use super::opening::probe;
use super::order;
use super::scan::{Known, list_grounds};
use crate::blocking::blocking;
use crate::error::Error;
use crate::folders::WatchFolder;
use crate::process::WorkerProgram;

/// What a worker says of a file that it could open as a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Width and rows of its picture as it is stored.
    pub size: (u32, u32),
    /// How long it plays, by its own word.
    pub seconds: Option<f64>,
    /// About how many frames it has, by its own word.
    pub frames: Option<u32>,
    /// It is a result of this program.
    pub is_result: bool,
    /// It states more than it holds: what, in words.
    pub unfinished: Option<String>,
}

/// Has a worker look into a file.
///
/// # Errors
/// When it cannot be opened as a video, with the reason in words.
pub async fn look_into(worker: &WorkerProgram, path: &Path) -> Result<Look, String> {
    let probed = probe(worker, storage::parts(path)).await?;
    Ok(Look {
        size: probed.size,
        seconds: probed.seconds,
        frames: probed.head.map(|head| head.frames),
        is_result: probed.made_by.is_some(),
        unfinished: probed.unfinished,
    })
}

/// The files in a folder that may be videos by their names, in the order in which the inbox would take them in; each with whether
/// its name says that it is one.
pub async fn list_videos(
    folder: PathBuf,
    folders: Vec<WatchFolder>,
    rules: NameRules,
) -> Vec<(PathBuf, bool)> {
    let listing = move || {
        let grounds = Ground::of_all(folders.iter());
        let ground = grounds.iter().find(|ground| folder.starts_with(&ground.input));
        let mut found = ground.map(|ground| list_grounds(&[ground.from(&folder)], &rules).found);
        let found = found.get_or_insert_default();
        order::sort(found, |found| (found.stamp.mtime_ns, &found.path));
        let is_video = |path: &Path| kinds::of(path) == Kind::Video;
        found.iter().map(|found| (found.path.clone(), is_video(&found.path))).collect()
    };
    blocking(listing).await
}

/// Which files are jobs of a ledger.
#[derive(Default)]
pub struct KnownFiles(Known);

impl KnownFiles {
    /// Those of a ledger, where there is one.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn of(ledger: Option<&Ledger>) -> Result<Self, Error> {
        Known::of(ledger).await.map(Self)
    }

    /// The latest job of a file as it is now. Looks at the file.
    pub fn job_of(&self, path: &Path) -> Option<(JobId, Status)> {
        let stamp = storage::Stamp::of(path).ok()?;
        self.0.job_of(path, &stamp).map(|job| (job.id, job.status.clone()))
    }
}

impl std::fmt::Debug for KnownFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownFiles").finish_non_exhaustive()
    }
}
