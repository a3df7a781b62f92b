//! The inbox beside a worker that says what the test wants.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use coordinator::{
    Inbox, InboxOptions, KeepJobs, NameRules, NameTemplate, Output, Request, ServerFolders, Shutdown, Wake,
    WatchFolder, WorkerProgram, submit,
};
use job::state::{Effect, Event, Status};
use job::{Failure, FailureKind, Millis, Settings};
use ledger::Ledger;
use protocol::message::{Response, Sandbox, encode};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that gives a worker's answers without listening: the last one is `unfinished` until there is a file `whole`
/// beside it.
fn worker(folder: &Path, unfinished: &str) -> PathBuf {
    let put = |name: &str, answers: &[Response]| {
        let bytes: Vec<u8> = answers.iter().flat_map(|answer| encode(answer).unwrap()).collect();
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    let sandbox_state = Sandbox { lacks: None, is_complete: true, detail: String::new() };
    put(
        "first",
        &[
            Response::Hello { version: env!("CARGO_PKG_VERSION").to_owned() },
            Response::Confined(sandbox_state),
        ],
    );
    let probed = |unfinished| Response::Probed {
        description: "h264 2x2".to_owned(),
        columns: 2,
        rows: 2,
        seconds: None,
        unfinished,
        made_by: None,
        head: None,
    };
    put("half", &[probed(Some(unfinished.to_owned()))]);
    put("all", &[probed(None)]);
    let path = folder.join("worker");
    let text = "#!/bin/sh\ncd \"${0%/*}\"\ncat first\nif [ -e whole ]; then cat all; else cat half; fi\nexec cat >rest\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// An inbox at work.
struct Watched {
    folder: tempfile::TempDir,
    ledger: Ledger,
    shutdown: Shutdown,
    watching: tokio::task::JoinHandle<()>,
}

impl Watched {
    async fn start(settle: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("input")).unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        Self::go_on(folder, ledger, settle, KeepJobs::default())
    }

    fn go_on(folder: tempfile::TempDir, ledger: Ledger, settle: Duration, keep: KeepJobs) -> Self {
        let at = |name: &str| folder.path().join(name);
        let input = WatchFolder::new(at("input"), Output::Into(at("output")));
        let folders = ServerFolders::new(vec![input], &at("output"), NameTemplate::default(), folder.path());
        let inbox = Inbox::new(InboxOptions {
            ledger: ledger.clone(),
            worker: WorkerProgram {
                path: worker(folder.path(), "the file says 8.0 s and ends after 4.4 s"),
                unconfined: false,
            },
            folders,
            settle,
            rules: NameRules::default(),
            keep,
            wake: Wake::default(),
        });
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let watching = tokio::spawn(async move { inbox.run(&stop).await });
        Self { folder, ledger, shutdown, watching }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until the only file waits for something, and there is no job.
    async fn wait_for_reason(&self, wanted: &str) {
        let start = Instant::now();
        loop {
            let seen = self.ledger.seen().await.unwrap();
            if seen.iter().any(|file| file.reason.contains(wanted)) {
                assert!(self.ledger.list().await.unwrap().is_empty());
                return;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for `{wanted}`: {seen:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until there is a job and nothing waits any more.
    async fn wait_until_taken_in(&self) -> ledger::Record {
        let start = Instant::now();
        loop {
            let mut jobs = self.ledger.list().await.unwrap();
            if jobs.len() == 1 && self.ledger.seen().await.unwrap().is_empty() {
                return jobs.remove(0);
            }
            assert!(start.elapsed() < PATIENCE, "{:?}", self.ledger.seen().await.unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until there is a job and nothing waits any more, and ends.
    async fn wait_for_job(self) {
        self.wait_until_taken_in().await;
        self.shutdown.request();
        self.watching.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_states_more_than_it_holds_waits_until_it_is_whole() {
    let watched = Watched::start(Duration::from_mins(10)).await;
    std::fs::write(watched.at("input/a.mkv"), "half").unwrap();
    watched.wait_for_reason("being copied").await;
    watched.wait_for_reason("not finished yet: the file says 8.0 s and ends after 4.4 s").await;
    std::fs::write(watched.at("whole"), "").unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(watched.at("input/a.mkv")).unwrap();
    file.write_all(b" and the rest").unwrap();
    drop(file);
    watched.wait_for_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_becomes_whole_is_taken_in_once_it_was_still_for_long() {
    let watched = Watched::start(Duration::from_secs(6)).await;
    std::fs::write(watched.at("input/a.mkv"), "half").unwrap();
    watched.wait_for_reason("not finished yet").await;
    watched.wait_for_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_away_between_two_looks_is_tried_again_when_its_job_fails_for_that() {
    let watched = Watched::start(Duration::ZERO).await;
    std::fs::write(watched.at("whole"), "").unwrap();
    std::fs::write(watched.at("input/a.mkv"), "all").unwrap();
    let job = watched.wait_until_taken_in().await;
    // Only the service has met with its absence.
    let claim = Event::Claim { worker: "local-1".to_owned(), lease_milliseconds: 1000 };
    let claimed = watched.ledger.apply(job.id, claim, Millis(0)).await.unwrap();
    let Some(Effect::Granted(task)) = claimed.effects.into_iter().next() else { panic!("no task") };
    watched.ledger.set_gone(&[job.id], true).await.unwrap();
    let failure = Failure { kind: FailureKind::Final, message: "the source is gone".into() };
    let failed = Event::Failed { task: task.key(), failure };
    let failed = watched.ledger.apply(job.id, failed, Millis(0)).await.unwrap();
    assert!(matches!(failed.record.job.status, Status::Failed { .. }));
    let start = Instant::now();
    while watched.ledger.get(job.id).await.unwrap().unwrap().job.status != Status::Queued {
        assert!(start.elapsed() < PATIENCE, "it stays failed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    watched.wait_for_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_somebody_writes_to_waits_although_it_is_whole() {
    let watched = Watched::start(Duration::ZERO).await;
    std::fs::write(watched.at("whole"), "").unwrap();
    let file = std::fs::File::create(watched.at("input/a.mkv")).unwrap();
    watched.wait_for_reason("held open by another program").await;
    drop(file);
    watched.wait_for_job().await;
}

/// A folder with these videos, which jobs are of that were canceled long ago.
async fn canceled_long_ago(names: &[&str]) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("input")).unwrap();
    std::fs::write(folder.path().join("whole"), "").unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    for name in names {
        let source = folder.path().join("input").join(name);
        std::fs::write(&source, name).unwrap();
        let output = folder.path().join("output");
        let request = Request { source, settings: Settings::default(), output, result: None, folder: None };
        let id = submit(&ledger, request, Millis(0)).await.unwrap().id;
        ledger.apply(id, Event::Cancel, Millis(0)).await.unwrap();
    }
    (folder, ledger)
}

/// Waits until the sources of all jobs are these.
async fn wait_for_sources(ledger: &Ledger, wanted: &[PathBuf]) {
    let start = Instant::now();
    loop {
        let jobs = ledger.list().await.unwrap();
        let sources: Vec<&Path> = jobs.iter().map(|job| &*job.request.source).collect();
        if sources == wanted {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{sources:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_ended_long_ago_are_forgotten_where_their_videos_are_gone() {
    let (folder, ledger) = canceled_long_ago(&["a.mkv", "b.mkv", "c.mkv"]).await;
    for gone in ["a.mkv", "c.mkv"] {
        std::fs::remove_file(folder.path().join("input").join(gone)).unwrap();
    }
    let watched = Watched::go_on(folder, ledger.clone(), Duration::ZERO, KeepJobs::default());
    wait_for_sources(&ledger, &[watched.at("input/b.mkv")]).await;
    watched.shutdown.request();
    watched.watching.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_jobs_are_kept_up_to_a_number() {
    let (folder, ledger) = canceled_long_ago(&["a.mkv", "b.mkv", "c.mkv"]).await;
    std::fs::remove_dir_all(folder.path().join("input")).unwrap();
    std::fs::create_dir(folder.path().join("input")).unwrap();
    let keep = KeepJobs { days: 40_000, jobs: 1 };
    let watched = Watched::go_on(folder, ledger.clone(), Duration::ZERO, keep);
    wait_for_sources(&ledger, &[watched.at("input/c.mkv")]).await;
    watched.shutdown.request();
    watched.watching.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_video_was_renamed_while_no_server_ran_is_not_forgotten() {
    let (folder, ledger) = canceled_long_ago(&["a.mkv", "b.mkv"]).await;
    let at = |name: &str| folder.path().join("input").join(name);
    std::fs::rename(at("a.mkv"), at("z.mkv")).unwrap();
    std::fs::remove_file(at("b.mkv")).unwrap();
    let watched = Watched::go_on(folder, ledger.clone(), Duration::ZERO, KeepJobs::default());
    wait_for_sources(&ledger, &[watched.at("input/z.mkv")]).await;
    let job = ledger.get(job::JobId(1)).await.unwrap().unwrap();
    assert_eq!(job.job.status, Status::Canceled);
    watched.shutdown.request();
    watched.watching.await.unwrap();
}
