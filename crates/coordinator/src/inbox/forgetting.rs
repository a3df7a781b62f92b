//! Forgetting jobs that ended long ago or are too many, once their videos are gone.
//!
//! It is done here since the inbox knows which files are there: a video that a person has just renamed is gone from its place,
//! and is still that of its job.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use job::{JobId, Millis};
use ledger::{Kept, Record};

use super::InboxOptions;
use super::waiting::Entry;
use crate::blocking::blocking;
use crate::clock::now;
use crate::error::Error;
use crate::forget::{forget, is_done_with};

/// Time between two passes over the jobs.
const PAUSE: Duration = Duration::from_hours(1);
/// Jobs that are looked at with one look at the folder.
const AT_ONCE: u32 = 100;
/// A file that still waits after this time keeps no job from being forgotten.
const LONG_WAIT: Duration = Duration::from_hours(1);
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// For how long, and how many, jobs that have ended are kept whose videos are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepJobs {
    /// Days since their end.
    pub days: u32,
    /// The latest of them, with those whose videos are there.
    pub jobs: u32,
}

impl Default for KeepJobs {
    fn default() -> Self {
        Self { days: 90, jobs: 10_000 }
    }
}

/// True when none of these files may still turn out to be the renamed video of a job.
fn are_known<'a>(mut files: impl Iterator<Item = &'a Entry>, now: Millis) -> bool {
    let waits_long = |file: &Entry| now.0 - file.first_seen.0 > LONG_WAIT.as_millis() as i64;
    files.all(|file| file.is_settled() || (!file.is_open && waits_long(file)))
}

/// A pass over the jobs that are not to be kept, some at a time.
#[derive(Debug)]
pub(super) struct Forgetting {
    next: Instant,
    /// The job that was looked at last.
    after: Option<(Millis, JobId)>,
}

impl Forgetting {
    pub(super) fn new() -> Self {
        Self { next: Instant::now(), after: None }
    }

    /// Looks at some more of the jobs, if it is time for that, and forgets those whose videos are gone. `files` are all in the
    /// folder.
    pub(super) async fn go_on(
        &mut self,
        options: &InboxOptions,
        files: &HashMap<PathBuf, Entry>,
    ) -> Result<(), Error> {
        let time = now();
        if Instant::now() < self.next || !are_known(files.values(), time) {
            return Ok(());
        }
        // A video may have been moved into one that is away.
        let folders = options.folders.clone();
        let is_any_away = move || folders.watched().iter().any(|watched| watched.trouble().is_some());
        if blocking(is_any_away).await {
            return Ok(());
        }
        let since = time.plus(i64::from(options.keep.days).saturating_mul(-DAY));
        let kept = Kept { since, jobs: options.keep.jobs };
        let mut page = options.ledger.not_kept(kept, self.after, AT_ONCE).await?;
        self.after = page.last().map(|last| (last.changed, last.id));
        if page.is_empty() {
            self.next = Instant::now() + PAUSE;
            return Ok(());
        }
        page.retain(|record| !files.contains_key(&*record.request.source));
        let gone: Vec<Record> =
            blocking(move || page.into_iter().filter(|record| is_done_with(record, time)).collect()).await;
        for id in forget(&options.ledger, gone).await? {
            tracing::info!(
                "job {id} is forgotten: its video is gone, and it is not among the jobs that are kept"
            );
        }
        Ok(())
    }
}
