//! The watch folders: files that appear in them become jobs.
//!
//! Events of the file system only wake the scanner; the scanner is the truth, since a file that is written right after
//! its folder was made causes no event, and network mounts cause none at all.

mod forgetting;
mod ground;
mod held;
pub(crate) mod kinds;
mod library;
mod look;
mod opening;
pub(crate) mod order;
mod renamed;
mod rounds;
mod rule;
mod scan;
pub(crate) mod vanished;
mod waiting;
mod walk;
mod watch;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use job::state::Status;
use job::{FilePath, Millis};
use ledger::{Events, KnownSource, Ledger, SeenFile};
use storage::Stamp;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use crate::clock::now;
use crate::error::Error;
use crate::folders::ServerFolders;
use crate::process::WorkerProgram;
use crate::shutdown::Shutdown;
use crate::source::stamp_text;
use crate::wake::Wake;

pub use forgetting::KeepJobs;
pub use kinds::NameRules;
pub use library::{Film, Library, LibraryOptions, LibraryProgress, library};
pub use look::{KnownFiles, Look, list_videos, look_into};
pub use rule::Rule;
pub use scan::{ScanOptions, Scanned, Standing, passed_over, scan};

use forgetting::Forgetting;
use opening::{Opened, open};
use rounds::Rounds;
use waiting::Entry;
use walk::Found;

/// Time between looks while nothing happens.
const QUIET: Duration = Duration::from_secs(5);
/// Least time between two looks, whatever happens.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// Looking takes at most one part in so many of the time while nothing happens, up to [`LONGEST_PAUSE`].
const SHARE: u32 = 2000;
/// Most time between looks.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Files that are looked into at once.
const OPENERS: usize = 2;
/// Events of the ledger that are read at once.
const EVENTS: u32 = 1000;

/// What an inbox needs.
#[derive(Debug, Clone)]
pub struct InboxOptions {
    /// The ledger that jobs go to.
    pub ledger: Ledger,
    /// What workers run, one of which says whether a file is a video.
    pub worker: WorkerProgram,
    /// The folders that are watched. What cannot be seen while one is away is not gone.
    pub folders: ServerFolders,
    /// A file that states more than it holds is taken in once it was still for so long.
    pub settle: Duration,
    /// Which names are passed over beyond the usual ones.
    pub rules: NameRules,
    /// Which jobs that have ended are kept.
    pub keep: KeepJobs,
    /// By which the service hears of new jobs.
    pub wake: Wake,
}

/// Watches a folder.
#[derive(Debug)]
pub struct Inbox {
    options: Arc<InboxOptions>,
    entries: HashMap<PathBuf, Entry>,
    /// The files that are to be looked into, the one that comes first at the end.
    queue: Vec<PathBuf>,
    /// Ends with the opening that was begun last.
    last_opening: Option<oneshot::Receiver<()>>,
    /// What the ledger says of files that wait; `None` before anything was written.
    told: Option<HashMap<PathBuf, SeenFile>>,
    rounds: Rounds,
    /// Notified when something changes in the folders.
    changed: Arc<Notify>,
    has_looked: bool,
    /// The latest event of the ledger whose consequences are known here.
    latest_event: i64,
    forgetting: Forgetting,
}

/// What came of a look into a file, and what that was before.
type Answer = (PathBuf, Stamp, Result<Opened, Error>);

impl Inbox {
    /// An inbox that has not looked yet.
    pub fn new(options: InboxOptions) -> Self {
        let changed = Arc::new(Notify::new());
        let rounds = Rounds::new(&options.folders, options.rules.clone(), Arc::clone(&changed));
        Self {
            options: Arc::new(options),
            entries: HashMap::new(),
            queue: Vec::new(),
            last_opening: None,
            told: None,
            rounds,
            changed,
            has_looked: false,
            latest_event: 0,
            forgetting: Forgetting::new(),
        }
    }

    /// Watches until the shutdown is requested. Failures are logged and tried again.
    pub async fn run(mut self, shutdown: &Shutdown) {
        let wake = Arc::clone(&self.changed);
        let mut opening: JoinSet<Answer> = JoinSet::new();
        let mut next_look = Instant::now();
        let mut last_look = next_look;
        loop {
            tokio::select! {
                () = shutdown.requested() => break,
                () = tokio::time::sleep_until(next_look.into()) => {
                    let begun = Instant::now();
                    let looked = tokio::select! {
                        looked = self.look() => looked,
                        () = shutdown.requested() => break,
                    };
                    if let Err(error) = looked {
                        tracing::error!("the inbox: {error}; trying again");
                    }
                    last_look = Instant::now();
                    next_look = last_look + self.pause(last_look - begun, last_look);
                }
                () = wake.notified() => next_look = next_look.min(last_look + LEAST_PAUSE),
                Some(answer) = opening.join_next() => {
                    // A task that was broken off has no answer; only the end of the program does that.
                    if let Ok(answer) = answer {
                        self.understand(answer);
                    }
                }
            }
            self.open_next(&mut opening);
        }
    }

    /// Time until the next look: until the first file is to be looked into, or until something may have changed.
    fn pause(&self, took: Duration, now: Instant) -> Duration {
        let quiet = (took * SHARE).clamp(QUIET, LONGEST_PAUSE);
        if !self.queue.is_empty() {
            // People want to know how far it is, and new files come first.
            return LEAST_PAUSE.max(took * 4);
        }
        let due = self.entries.values().filter_map(Entry::due).min();
        due.map_or(quiet, |due| due.saturating_duration_since(now).clamp(LEAST_PAUSE, quiet))
    }

    /// Looks at the names and stamps of all files once, and tells the ledger which of them wait.
    async fn look(&mut self) -> Result<(), Error> {
        self.forget_failed().await?;
        let rounds = self.rounds.go().await;
        let found: Vec<&Found> = rounds.iter().flat_map(|found| found.iter()).collect();
        let paths: HashSet<&Path> = found.iter().map(|found| found.path.as_path()).collect();
        let is_new = |found: &&Found| !self.entries.contains_key(&found.path);
        let has_gone = self.entries.keys().any(|path| !paths.contains(path.as_path()));
        let known = if !self.has_looked || has_gone || found.iter().any(is_new) {
            let known = self.options.ledger.known_sources().await?;
            self.note_vanished(&known, &paths).await?;
            stamps(known)
        } else {
            HashMap::new()
        };
        self.has_looked = true;
        self.entries.retain(|path, _| paths.contains(path.as_path()));
        let (time, first_seen) = (Instant::now(), now());
        for &found in &found {
            if let Some(entry) = self.entries.get_mut(&found.path) {
                entry.update(found, time);
            } else {
                let stamps = known.get(&found.path);
                let is_known = stamps.is_some_and(|stamps| stamps.contains(&stamp_text(&found.stamp)));
                self.entries.insert(found.path.clone(), Entry::new(found, is_known, first_seen, time));
            }
        }
        let entries = self.entries.iter_mut();
        let silent = self.options.folders.silent();
        let answers = |path: &Path| silent.iter().all(|folder| !path.starts_with(folder));
        let ready = entries.filter_map(|(path, entry)| {
            (entry.is_ready(time) && answers(path)).then_some((entry.stamp.mtime_ns, path))
        });
        let mut ready: Vec<(i64, &PathBuf)> = ready.collect();
        order::sort(&mut ready, |(time, path)| (*time, path.as_path()));
        self.queue = ready.into_iter().rev().map(|(_, path)| path.clone()).collect();
        self.tell().await?;
        if self.queue.is_empty() {
            self.forgetting.go_on(&self.options, &self.entries).await?;
        }
        Ok(())
    }

    /// Forgets the files whose jobs have failed since the last look, so that they are seen as if for the first time: one may have
    /// been away for that moment alone.
    async fn forget_failed(&mut self) -> Result<(), Error> {
        let ledger = &self.options.ledger;
        if !self.has_looked {
            self.latest_event = ledger.last_event().await?;
        }
        loop {
            let Events { events, missed } = ledger.events(self.latest_event, EVENTS).await?;
            let Some(last) = events.last() else { return Ok(()) };
            if missed > 0 {
                self.entries.retain(|_, entry| !entry.is_settled());
            }
            self.latest_event = last.number;
            for failed in events.iter().filter(|event| event.what.is_failure()) {
                let Some(record) = ledger.get(failed.job).await? else { continue };
                let source: &Path = &record.request.source;
                if self.entries.get(source).is_some_and(Entry::is_settled) {
                    self.entries.remove(source);
                }
            }
        }
    }

    /// Notes which sources of finished jobs are gone, so that their return is seen.
    async fn note_vanished(&self, known: &[KnownSource], there: &HashSet<&Path>) -> Result<(), Error> {
        let is_missing = |known: &&KnownSource| {
            known.status == Status::Done && !known.is_gone && !there.contains(&*known.source)
        };
        let mut missing: HashMap<PathBuf, Vec<KnownSource>> = HashMap::new();
        for known in known.iter().filter(is_missing) {
            // What cannot be seen is not gone.
            let watched = self.options.folders.of_source(&known.source);
            if let Some(watched) = watched.filter(|watched| !self.rounds.is_unseen(&watched.folder.input)) {
                missing.entry(watched.folder.input.clone()).or_default().push(known.clone());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let folders = self.options.folders.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let is_there = |input: &Path| folders.of_source(input).is_some_and(|it| it.trouble().is_none());
            let there = missing.into_iter().filter(|(input, _)| is_there(input));
            there.flat_map(|(input, missing)| vanished::of(missing, &input)).collect::<Vec<_>>()
        });
        let vanished = asking.await.unwrap_or_default();
        Ok(self.options.ledger.set_gone(&vanished, true).await?)
    }

    /// Brings what the ledger says of files that wait up to date, in one transaction.
    async fn tell(&mut self) -> Result<(), Error> {
        let waiting = self.entries.iter().filter(|(_, entry)| !entry.is_settled());
        let waiting: HashMap<PathBuf, SeenFile> =
            waiting.map(|(path, entry)| (path.clone(), seen_file(path, entry))).collect();
        let told = self.told.as_ref();
        let news: Vec<SeenFile> = waiting
            .iter()
            .filter(|(path, file)| told.and_then(|told| told.get(*path)) != Some(file))
            .map(|(_, file)| file.clone())
            .collect();
        let gone = told.into_iter().flat_map(HashMap::keys).filter(|path| !waiting.contains_key(*path));
        let gone: Vec<FilePath> = gone.map(|path| FilePath(path.clone())).collect();
        let is_first = told.is_none();
        if is_first || !news.is_empty() || !gone.is_empty() {
            self.options.ledger.note_seen(&news, &gone, is_first).await?;
        }
        self.told = Some(waiting);
        Ok(())
    }

    /// Has as many files looked into as may be at once. They are taken in one after the other, in their order.
    fn open_next(&mut self, opening: &mut JoinSet<Answer>) {
        while opening.len() < OPENERS
            && let Some(path) = self.queue.pop()
        {
            let Some(entry) = self.entries.get_mut(&path) else { continue };
            let (content, anyway) = entry.question(self.options.settle, Instant::now());
            entry.is_open = true;
            let (options, stamp) = (Arc::clone(&self.options), entry.stamp);
            let (ended, end) = oneshot::channel();
            let before = self.last_opening.replace(end);
            opening.spawn(async move {
                let opened = open(&options, &path, content, anyway, before).await;
                drop(ended);
                (path, stamp, opened)
            });
        }
    }

    /// Notes what came of looking into a file.
    fn understand(&mut self, (path, stamp, answer): Answer) {
        let Some(entry) = self.entries.get_mut(&path) else { return };
        let time = Instant::now();
        match answer {
            Ok(opened) => {
                if let Opened::LeftAlone(rule) = &opened {
                    tracing::info!("`{}` is passed over: {rule}", path.display());
                }
                if let Some(reason) = entry.note(opened, stamp, self.options.settle, time) {
                    tracing::info!("`{}` waits: {reason}", path.display());
                }
            }
            Err(error) => {
                tracing::error!("the inbox: {error}; trying again");
                entry.try_again(QUIET, time);
            }
        }
    }
}

/// The stamps of sources that are jobs, and of which there is no news.
fn stamps(known: Vec<KnownSource>) -> HashMap<PathBuf, Vec<String>> {
    let mut stamps: HashMap<PathBuf, Vec<String>> = HashMap::new();
    for KnownSource { source, stamp, .. } in known.into_iter().filter(|known| !known.is_gone) {
        stamps.entry(source.0).or_default().push(stamp);
    }
    stamps
}

fn seen_file(path: &Path, entry: &Entry) -> SeenFile {
    SeenFile {
        path: path.into(),
        size: entry.stamp.size,
        modified: Millis(entry.stamp.mtime_ns / 1_000_000),
        since: entry.first_seen,
        reason: entry.reason.clone(),
    }
}
