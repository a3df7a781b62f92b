//! The list of jobs: which are on it, and in which order.

use std::cmp::Reverse;
use std::collections::HashMap;

use job::state::Status;
use job::{FilePath, Millis};
use ledger::{Record, SeenFile};
use serde::{Deserialize, Serialize};

use crate::view::{JobView, Seen};

/// Which jobs are listed: all on the list where no kind is chosen.
#[expect(clippy::struct_excessive_bools, reason = "kinds of jobs, each of which can be chosen")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListFilter {
    /// Jobs that are worked on.
    pub running: bool,
    /// Jobs that wait, and files that are no jobs yet.
    pub waiting: bool,
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
}

impl ListFilter {
    /// True when no kind is chosen.
    const fn has_all_kinds(&self) -> bool {
        !(self.running || self.waiting || self.failed || self.done)
    }

    fn takes(&self, record: &Record) -> bool {
        let is_of_kind = match record.job.status {
            Status::Running => self.running,
            Status::Queued
            | Status::WaitingForSpace { .. }
            | Status::WaitingForFolder { .. }
            | Status::Paused => self.waiting,
            Status::Failed { .. } => self.failed,
            Status::Done => self.done,
            Status::Canceled => false,
        };
        (is_of_kind || self.has_all_kinds()) && self.since.is_none_or(|since| record.changed >= since)
    }
}

impl JobList {
    /// What is to be listed of all jobs and all files that were seen. Reads small files of the jobs.
    pub fn choose(filter: &ListFilter, records: Vec<Record>, seen: Vec<SeenFile>, now: Millis) -> Self {
        let takes_seen = filter.waiting || filter.has_all_kinds();
        let mut seen = waiting_files(seen, &records);
        seen.retain(|file| takes_seen && filter.since.is_none_or(|since| file.since >= since));
        let is_wanted = |record: &Record| !record.is_removed && filter.takes(record);
        let mut records: Vec<Record> = records.into_iter().filter(is_wanted).collect();
        records.sort_by_key(|Record { job, position, changed, .. }| match &job.status {
            status if status.is_final() => (2, Reverse(job.priority), -changed.0),
            Status::Running => (0, Reverse(job.priority), *position),
            _ => (1, Reverse(job.priority), *position),
        });
        let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
        let left_out = records.len().saturating_sub(limit);
        records.truncate(limit);
        Self {
            unfinished: records.iter().filter(|record| !record.job.status.is_final()).count(),
            jobs: records.iter().map(|record| JobView::of(record, now)).collect(),
            left_out,
            seen: seen.into_iter().map(Seen::from).collect(),
        }
    }
}

/// The files that are no jobs yet. The server notes that one has become a job a moment after it has.
fn waiting_files(seen: Vec<SeenFile>, records: &[Record]) -> Vec<SeenFile> {
    let jobs = records.iter().map(|record| (&record.request.source, record.created));
    let mut latest: HashMap<&FilePath, Millis> = HashMap::new();
    for (source, created) in jobs {
        let known = latest.entry(source).or_insert(created);
        *known = created.max(*known);
    }
    let is_job = |file: &SeenFile| latest.get(&file.path).is_some_and(|&created| created >= file.since);
    seen.into_iter().filter(|file| !is_job(file)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use job::state::Job;
    use job::{JobId, NewJob, Settings};

    use super::*;

    /// A job that no worker has touched.
    pub(in crate::commands) fn queued(id: i64) -> Record {
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
            changed: Millis(id),
            position: id,
            replaces: None,
            is_removed: false,
            job: Job { id: JobId(id), ..Job::new() },
        }
    }

    #[test]
    fn a_file_that_has_become_a_job_is_listed_once() {
        let file = |id: i64, since: i64| SeenFile {
            path: queued(id).request.source,
            size: 5,
            modified: Millis(0),
            since: Millis(since),
            reason: "it was changed a moment ago".to_owned(),
        };
        let records = vec![queued(3), queued(4)];
        let list = JobList::choose(
            &ListFilter::default(),
            records,
            vec![file(3, 2), file(4, 5), file(7, 1)],
            Millis(9),
        );
        assert_eq!((list.jobs.len(), list.unfinished, list.left_out), (2, 2, 0));
        // The fourth came back after its job.
        let since: Vec<i64> = list.seen.iter().map(|file| file.since.0).collect();
        assert_eq!(since, [5, 1]);
    }
}
