//! The list of jobs: which are on it, and in which order.

use std::cmp::Reverse;

use job::state::Status;
use job::{JobId, Millis, Priority};
use ledger::{Record, SeenFile};
use serde::{Deserialize, Serialize};

use crate::outlook::Outlook;
use crate::view::{JobView, Seen};

/// Which jobs are listed: all on the list where no kind is chosen.
#[expect(clippy::struct_excessive_bools, reason = "kinds of jobs, each of which can be chosen")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListFilter {
    /// Jobs that are worked on.
    pub running: bool,
    /// Jobs that wait, and files that are no jobs yet.
    pub waiting: bool,
    /// Jobs that a person lets wait.
    pub paused: bool,
    /// Jobs that failed.
    pub failed: bool,
    /// Jobs that are done.
    pub done: bool,
    /// Only those that were added, went on or ended since then.
    pub since: Option<Millis>,
    /// So many jobs at most: the first ones.
    pub limit: Option<u32>,
}

/// The list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct JobList {
    /// What is worked on, then what will be, in that order, then what has come to its end, the newest first.
    pub jobs: Vec<JobView>,
    /// How many of them have not come to their end.
    pub unfinished: usize,
    /// Jobs that are left out because of the limit.
    pub left_out: usize,
    /// Files that were seen and are no jobs yet, those that changed last first.
    pub seen: Vec<Seen>,
    /// Where no job is listed: how many were taken off the list.
    #[serde(default)]
    pub removed: u64,
    /// How long all jobs take that are worked on or wait for their turn.
    #[serde(default)]
    pub outlook: Outlook,
    /// What keeps segments of all jobs from beginning, in words.
    #[serde(default)]
    pub hold: Option<String>,
}

impl ListFilter {
    /// True when no kind is chosen.
    const fn has_all_kinds(&self) -> bool {
        !(self.running || self.waiting || self.paused || self.failed || self.done)
    }

    /// True for jobs of this status.
    pub(super) fn takes_kind(&self, status: &Status) -> bool {
        let is_of_kind = match status {
            Status::Running => self.running,
            Status::Queued | Status::WaitingForSpace { .. } | Status::WaitingForFolder { .. } => self.waiting,
            Status::Paused => self.waiting || self.paused,
            Status::Failed { .. } => self.failed,
            Status::Done => self.done,
            Status::Canceled => false,
        };
        is_of_kind || self.has_all_kinds()
    }

    pub(super) fn takes(&self, record: &Record) -> bool {
        !record.is_removed
            && self.takes_kind(&record.job.status)
            && self.since.is_none_or(|since| record.changed >= since)
    }
}

impl JobList {
    /// What is to be listed of these jobs and of files that were seen and are no jobs. Reads small files of the jobs.
    pub fn choose(
        filter: &ListFilter,
        mut records: Vec<Record>,
        mut seen: Vec<SeenFile>,
        now: Millis,
    ) -> Self {
        let takes_seen = filter.waiting || filter.has_all_kinds();
        seen.retain(|file| takes_seen && filter.since.is_none_or(|since| file.since >= since));
        records.retain(|record| filter.takes(record));
        records.sort_by_key(|Record { id, job, position, changed, .. }| match &job.status {
            status if status.is_final() => (2, Reverse(Priority::Normal), -changed.0, Reverse(*id)),
            Status::Running => (0, Reverse(job.priority), *position, Reverse(JobId(0))),
            _ => (1, Reverse(job.priority), *position, Reverse(JobId(0))),
        });
        let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
        let left_out = records.len().saturating_sub(limit);
        records.truncate(limit);
        Self {
            unfinished: records.iter().filter(|record| !record.job.status.is_final()).count(),
            jobs: records.iter().map(|record| JobView::of(record, now)).collect(),
            left_out,
            seen: seen.into_iter().map(Seen::from).collect(),
            removed: 0,
            outlook: Outlook::default(),
            hold: None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use job::state::Job;
    use job::{FilePath, NewJob, Settings};
    use ledger::WorkTime;

    use super::*;

    /// A job that no worker has touched.
    pub(crate) fn queued(id: i64) -> Record {
        let name = format!("film {id}.mkv");
        Record {
            id: JobId(id),
            request: NewJob {
                source: FilePath::from(format!("/srv/video/input/{name}")),
                fingerprint: "f".to_owned(),
                stamp: "s".to_owned(),
                settings: Settings::default(),
                output: "/srv/video/output".into(),
                folder: FilePath::from(format!("/srv/video/output/{name}.job")),
                result: None,
            },
            created: Millis(id),
            started: None,
            work_time: WorkTime::NONE,
            changed: Millis(id),
            position: id,
            made_with: None,
            replaces: None,
            is_removed: false,
            job: Job { id: JobId(id), ..Job::new() },
        }
    }
}
