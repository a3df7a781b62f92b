//! The watch folder: files that appear in it become jobs.
//!
//! Events of the file system only wake the scanner; the scanner is the truth, since a file that is written right after
//! its folder was made causes no event, and network mounts cause none at all.

mod kinds;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use job::message::{Access, Request as Question, Response};
use job::{FilePath, Settings};
use ledger::Ledger;
use notify::{RecursiveMode, Watcher as _};
use storage::Stamp;
use tokio::sync::Notify;

use crate::error::Error;
use crate::process::WorkerProcess;
use crate::scheduler::now;
use crate::shutdown::Shutdown;
use crate::source::stamp_text;
use crate::submit::{Request, submit};

use kinds::Kind;

/// Time between looks while nothing happens.
const QUIET: Duration = Duration::from_secs(5);
/// Time between looks while a file is growing or new.
const BUSY: Duration = Duration::from_secs(1);
/// A file whose size and time held still for so long is complete.
const STILL: Duration = Duration::from_secs(3);
/// A file that is still for so long and cannot be opened is not being copied any more: it becomes a job that fails and
/// says why.
const STILL_UNREADABLE: Duration = Duration::from_secs(20);
/// Time for a worker to look at a file.
const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// Folders inside each other that are looked into.
const DEEPEST: usize = 32;

/// What an inbox needs.
#[derive(Debug, Clone)]
pub struct InboxOptions {
    /// The ledger that jobs go to.
    pub ledger: Ledger,
    /// The worker executable, which says whether a file is a video.
    pub worker: PathBuf,
    /// The folder that is watched.
    pub input: PathBuf,
    /// The folder that results go to; subfolders are kept.
    pub output: PathBuf,
    /// The settings of the jobs.
    pub settings: Settings,
}

/// Watches a folder.
#[derive(Debug)]
pub struct Inbox {
    options: InboxOptions,
    seen: HashMap<PathBuf, Seen>,
}

/// What is known of a file in the folder.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    since: Instant,
    settled: bool,
}

impl Inbox {
    /// An inbox that has not looked yet.
    pub fn new(options: InboxOptions) -> Self {
        Self { options, seen: HashMap::new() }
    }

    /// Watches until somebody asks to stop. Failures are logged and tried again.
    pub async fn run(mut self, shutdown: &Shutdown) {
        let wake = std::sync::Arc::new(Notify::new());
        let waker = std::sync::Arc::clone(&wake);
        let watcher = notify::recommended_watcher(move |_| waker.notify_one()).and_then(|mut watcher| {
            watcher.watch(&self.options.input, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            tracing::warn!(
                "the folder `{}` gives no events ({error}): it is looked at every {} seconds",
                self.options.input.display(),
                QUIET.as_secs()
            );
        }
        while !shutdown.is_requested() {
            // Looking at a file can take as long as the worker that does it.
            let scanned = tokio::select! {
                scanned = self.scan() => scanned,
                () = shutdown.requested() => break,
            };
            let pause = match scanned {
                Ok(true) => BUSY,
                Ok(false) => QUIET,
                Err(error) => {
                    tracing::error!("the inbox: {error}; trying again");
                    QUIET
                }
            };
            if pause == BUSY {
                shutdown.sleep(BUSY).await;
            } else {
                tokio::select! {
                    () = wake.notified() => {}
                    () = shutdown.sleep(pause) => {}
                }
            }
        }
    }

    /// Looks at all files once. True when some are not settled yet.
    async fn scan(&mut self) -> Result<bool, Error> {
        let input = self.options.input.clone();
        let found = tokio::task::spawn_blocking(move || {
            let mut files = Vec::new();
            list(&input, DEEPEST, &mut files);
            files.sort();
            files
        });
        let files = found.await.unwrap_or_default();
        self.seen.retain(|path, _| files.binary_search(path).is_ok());
        let mut busy = false;
        for path in files {
            busy |= !self.look(&path).await?;
        }
        Ok(busy)
    }

    /// Looks at a file. True when nothing more is to be done about it.
    async fn look(&mut self, path: &Path) -> Result<bool, Error> {
        // Gone since the folder was listed: the next look will see.
        let Ok(stamp) = Stamp::of(path) else { return Ok(true) };
        let still_for = match self.seen.get(path) {
            Some(seen) if seen.stamp == stamp && seen.settled => return Ok(true),
            Some(seen) if seen.stamp == stamp => seen.since.elapsed(),
            _ => {
                let is_known = self.is_known(path, &stamp).await?;
                self.seen.insert(path.to_owned(), Seen { stamp, since: Instant::now(), settled: is_known });
                return Ok(is_known);
            }
        };
        if still_for < STILL {
            return Ok(false);
        }
        let kind = kinds::of(path);
        let opens = self.opens(path).await;
        let settled = match (opens, kind) {
            (true, _) => true,
            (false, Kind::Unknown) => {
                tracing::info!("`{}` is not a video and is left alone", path.display());
                self.settle(path);
                return Ok(true);
            }
            (false, Kind::Video) => still_for >= STILL_UNREADABLE,
        };
        if settled {
            self.take_in(path).await?;
            self.settle(path);
        }
        Ok(settled)
    }

    fn settle(&mut self, path: &Path) {
        if let Some(seen) = self.seen.get_mut(path) {
            seen.settled = true;
        }
    }

    /// True when the ledger has a job of this very file.
    async fn is_known(&self, path: &Path, stamp: &Stamp) -> Result<bool, Error> {
        let stamp = stamp_text(stamp);
        let jobs = self.options.ledger.of_source(&FilePath(path.to_owned())).await?;
        Ok(jobs.iter().any(|record| record.request.stamp == stamp))
    }

    /// True when a worker can open the file as a video.
    async fn opens(&self, path: &Path) -> bool {
        let question = Question::Probe { source: path.into() };
        let answer = async {
            let access = Access { read: vec![path.into()], write: Vec::new() };
            let mut worker = WorkerProcess::start(&self.options.worker, access).await?;
            worker.send(&question).await?;
            worker.receive(PROBE_LIMIT).await
        };
        match answer.await {
            Ok(Response::Probed { .. }) => true,
            Ok(_) => false,
            Err(error) => {
                tracing::warn!("looking at `{}`: {error}", path.display());
                false
            }
        }
    }

    async fn take_in(&self, path: &Path) -> Result<(), Error> {
        let inside = path.strip_prefix(&self.options.input).ok().and_then(Path::parent);
        let request = Request {
            source: path.to_owned(),
            settings: self.options.settings.clone(),
            output: self.options.output.join(inside.unwrap_or(Path::new(""))),
            result: None,
            folder: None,
        };
        let submission = submit(&self.options.ledger, request, now()).await?;
        if submission.is_new {
            tracing::info!("job {}: `{}` is taken in", submission.id, path.display());
        }
        Ok(())
    }
}

/// All files below a folder that may be videos. Links to folders are not followed: they could lead in a circle.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        tracing::warn!("the folder `{}` cannot be read", folder.display());
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kinds::is_ignored(&path) {
            continue;
        }
        if kind.is_dir() && depth > 0 {
            list(&path, depth - 1, files);
        } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
            files.push(path);
        }
    }
}
