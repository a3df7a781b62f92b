//! `state/status.json`: what a server does, for people and for programs that watch it. Nothing is decided by it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use coordinator::{JobReport, Outlook, SegmentGate, ServerFolders, now, rfc3339};
use job::state::Phase;
use ledger::{Ledger, Version};
use serde::Serialize;
use tokio::sync::watch;

use crate::remedies;

/// Time between two looks whether there is something new.
const PAUSE: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct ServerStatus<'a> {
    version: &'static str,
    /// Working, idle or stopped.
    state: &'static str,
    /// What keeps segments from beginning, in words.
    paused: Option<String>,
    /// Watched folders whose disks do not answer.
    silent: Vec<String>,
    /// When the server started.
    since: &'a str,
    /// When this was written.
    updated: String,
    /// How many jobs there are of each status.
    jobs: &'a BTreeMap<String, u64>,
    /// How many of them wait: for their turn, for space or for a folder.
    waiting: u64,
    /// Files that were seen and are no jobs yet.
    seen: u64,
    /// How long all jobs take that are worked on or wait for their turn.
    outlook: Outlook,
    /// The job that is worked on: of several, one whose segments are made.
    job: Option<&'a JobReport>,
}

/// The file, which is written when something has changed, and not more often than every few seconds.
pub(crate) struct StatusFile {
    ledger: Ledger,
    path: PathBuf,
    gate: SegmentGate,
    folders: watch::Receiver<ServerFolders>,
    since: String,
    last_look: Option<Instant>,
    /// The jobs that are worked on, the one whose segments are made first.
    running: Vec<JobReport>,
    /// How many jobs there are of each status, and the ledger as it was when they were counted.
    counted: Option<(Version, BTreeMap<String, u64>)>,
    /// How long all jobs take, and the ledger as it was when that was asked for.
    outlook: Option<(Version, Outlook)>,
    /// What was written last, without the time.
    written: String,
}

impl StatusFile {
    pub(crate) fn new(
        ledger: Ledger,
        path: PathBuf,
        gate: SegmentGate,
        folders: watch::Receiver<ServerFolders>,
    ) -> Self {
        let since = rfc3339(now());
        let (running, written) = (Vec::new(), String::new());
        Self {
            ledger,
            path,
            gate,
            folders,
            since,
            last_look: None,
            running,
            counted: None,
            outlook: None,
            written,
        }
    }

    /// A job went on.
    pub(crate) fn note(&mut self, report: &JobReport) {
        self.running.retain(|running| running.id != report.id);
        if report.status == "running" {
            self.running.push(remedies::report(report));
            self.running.sort_by_key(|running| (running.phase != Phase::Segments, running.id));
        }
    }

    /// Writes what is new, if it is time for that.
    pub(crate) async fn keep_up(&mut self) {
        if self.last_look.is_none_or(|last| last.elapsed() >= PAUSE) {
            self.last_look = Some(Instant::now());
            self.write(if self.running.is_empty() { "idle" } else { "working" }).await;
        }
    }

    /// Writes that the server has stopped.
    pub(crate) async fn close(mut self) {
        self.running.clear();
        self.write("stopped").await;
    }

    /// How many jobs there are of each status. They are counted when the ledger has changed: there may be thousands.
    async fn count(&mut self) -> Result<BTreeMap<String, u64>, ledger::Error> {
        let version = self.ledger.version().await?;
        match &self.counted {
            Some((known, jobs)) if *known == version => Ok(jobs.clone()),
            _ => {
                let jobs = self.ledger.counts().await?;
                self.counted = Some((version, jobs.clone()));
                Ok(jobs)
            }
        }
    }

    /// How long all jobs take. It is asked for anew when the ledger has changed, or while a job is worked on.
    async fn outlook(&mut self) -> Result<Outlook, ledger::Error> {
        let version = self.ledger.version().await?;
        match self.outlook {
            Some((known, outlook)) if known == version && self.running.is_empty() => Ok(outlook),
            _ => {
                let outlook = Outlook::of(&self.ledger, &self.running).await?;
                self.outlook = Some((version, outlook));
                Ok(outlook)
            }
        }
    }

    async fn write(&mut self, state: &'static str) {
        // A disk that is full or does not answer is told elsewhere.
        let Ok(jobs) = self.count().await else { return };
        let Ok(seen) = self.ledger.count_seen().await else { return };
        let Ok(outlook) = self.outlook().await else { return };
        let waits = |name: &str| name == "queued" || name.starts_with("waiting");
        let waiting = jobs.iter().filter(|(name, _)| waits(name)).map(|(_, count)| count).sum();
        let (version, since) = (env!("CARGO_PKG_VERSION"), &*self.since);
        let job = self.running.first();
        let paused = self.gate.hold().map(|hold| hold.to_string());
        let folders = self.folders.borrow().clone();
        let silent =
            folders.silent().into_iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        let (jobs, updated) = (&jobs, String::new());
        let mut status = ServerStatus {
            version,
            state,
            paused,
            silent,
            since,
            updated,
            jobs,
            waiting,
            seen,
            outlook,
            job,
        };
        let Ok(text) = serde_json::to_string(&status) else { return };
        if text == self.written {
            return;
        }
        status.updated = rfc3339(now());
        if let Ok(bytes) = serde_json::to_vec_pretty(&status) {
            match storage::write_status(&self.path, &bytes) {
                Ok(()) => self.written = text,
                Err(error) => tracing::debug!("{error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    fn no_folders() -> watch::Receiver<ServerFolders> {
        watch::channel(ServerFolders::default()).1
    }

    use super::*;
    use crate::made_up;

    #[tokio::test]
    async fn of_several_jobs_the_one_whose_segments_are_made_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let mut status =
            StatusFile::new(ledger, folder.path().join("status.json"), SegmentGate::default(), no_folders());
        let made = JobReport::of(&made_up::running(2));
        let indexed = JobReport { id: job::JobId(1), phase: Phase::Index, ..made.clone() };
        status.note(&indexed);
        status.note(&made);
        status.note(&indexed);
        assert_eq!(status.running.iter().map(|running| running.id.0).collect::<Vec<_>>(), [2, 1]);
        status.note(&JobReport { status: "queued".into(), ..made });
        assert_eq!(status.running.iter().map(|running| running.id.0).collect::<Vec<_>>(), [1]);
    }

    #[tokio::test]
    async fn it_is_written_when_something_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        let path = folder.path().join("status.json");
        let mut status = StatusFile::new(ledger.clone(), path.clone(), SegmentGate::default(), no_folders());
        let read = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(&path).unwrap()).unwrap();
        status.keep_up().await;
        assert_eq!((&read()["state"], &read()["job"]), (&"idle".into(), &serde_json::Value::Null));
        let record = made_up::running(1);
        ledger.submit(&record.request, made_up::NOW).await.unwrap();
        status.note(&JobReport::of(&record));
        // Not yet.
        status.keep_up().await;
        assert_eq!(read()["state"], "idle");
        status.last_look = None;
        status.keep_up().await;
        let found = read();
        assert_eq!(
            (&found["state"], &found["job"]["id"], &found["jobs"]["queued"]),
            (&"working".into(), &1.into(), &1.into())
        );
        assert_eq!((&found["waiting"], &found["seen"]), (&1.into(), &0.into()));
        // Nothing is new.
        std::fs::remove_file(&path).unwrap();
        status.last_look = None;
        status.keep_up().await;
        assert!(!path.exists());
        status.close().await;
        assert_eq!((&read()["state"], &read()["job"]), (&"stopped".into(), &serde_json::Value::Null));
    }
}
