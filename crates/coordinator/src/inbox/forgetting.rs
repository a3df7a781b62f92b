//! Forgetting jobs that ended long ago or are too many, once their videos are gone.
//!
//! It is done here since the inbox knows which files are there: a video that a person has just renamed is gone from its place,
//! and is still that of its job.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use job::{JobId, Millis};
use ledger::{Kept, Record};

use super::InboxOptions;
use crate::blocking::blocking;
use crate::clock::now;
use crate::error::Error;
use crate::forget::{forget, is_done_with};

/// Time between two passes over the jobs.
const PAUSE: Duration = Duration::from_hours(1);
/// Jobs that are looked at with one look at the folder.
const AT_ONCE: u32 = 100;
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

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next
    }

    /// Looks at some more of the jobs, and forgets those whose videos are gone. `there` are the files in the folder, all of which
    /// are known.
    pub(super) async fn go_on(
        &mut self,
        options: &InboxOptions,
        there: &HashSet<&Path>,
    ) -> Result<(), Error> {
        if options.place.as_ref().is_some_and(|place| place.trouble().is_some()) {
            return Ok(());
        }
        let time = now();
        let since = time.plus(i64::from(options.keep.days).saturating_mul(-DAY));
        let kept = Kept { since, jobs: options.keep.jobs };
        let mut page = options.ledger.not_kept(kept, self.after, AT_ONCE).await?;
        self.after = page.last().map(|last| (last.changed, last.id));
        if page.is_empty() {
            self.next = Instant::now() + PAUSE;
            return Ok(());
        }
        page.retain(|record| !there.contains(&*record.request.source));
        let gone: Vec<Record> =
            blocking(move || page.into_iter().filter(|record| is_done_with(record, time)).collect()).await;
        for id in forget(&options.ledger, gone).await? {
            tracing::info!("job {id} ended long ago, and its video is gone: it is forgotten");
        }
        Ok(())
    }
}
