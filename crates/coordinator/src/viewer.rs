//! The workers that show people something beside those that work on jobs: one what a job has made so far, and one what could be
//! made of a video ([`Previewer`]).
//!
//! One at a time of each, which lets others of the machine come first. It stays for some seconds, since who looks at one frame looks
//! at the next one too; its sandbox holds the files of one job or video, so that another gets another worker.

mod cache;
mod error;
mod find;
mod parts;
mod preview;
mod source;

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use job::state::Status;
use job::{Failure, FailureKind, FilePath, JobId};
use ledger::Record;
use protocol::message::{Access, Request, Response};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};

use self::cache::Cache;
pub use self::error::ViewError;
pub(crate) use self::find::{Asked, find};
pub use self::find::{FoundFrame, Side};
pub use self::parts::{FoundPart, MadePart, PartTimes, Parts};
pub(crate) use self::parts::{find_part, list_parts};
pub use self::preview::{Measured, Previewer, Sample, Wanted};
pub use self::source::OpenSource;
pub(crate) use self::source::open_source;
use crate::blocking::blocking;
use crate::process::{WorkerProcess, WorkerProgram};

/// Requests that wait while one is worked on.
const MOST_WAITING: usize = 8;
/// The worker tells several times a second that it lives.
const PATIENCE: Duration = Duration::from_mins(1);
/// Largest picture that is taken from a worker, in bytes.
const LARGEST_PICTURE: u64 = 64 << 20;
/// Segments of which it is kept what browsers are told of them.
const MOST_CODECS: usize = 10_000;
/// Bytes of pictures that are kept.
const KEPT: usize = 32 << 20;

/// How a viewer treats its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manner {
    /// Its nice value.
    nice: i32,
    /// A request takes no longer than this: the frames of a long film may have to be listed for it.
    longest: Duration,
    /// A worker that is asked for nothing more ends after this time, and what it made is forgotten.
    idle: Duration,
}

/// A worker that shows what a job has made may wait for all others: it decodes a little.
const SHOWS: Manner = Manner { nice: 15, longest: Duration::from_mins(5), idle: Duration::from_secs(30) };

/// Shows frames of jobs. Copies are cheap, and are the same viewer.
#[derive(Debug, Clone)]
pub struct Viewer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    program: WorkerProgram,
    manner: Manner,
    /// Where workers put what they make until it is read.
    folder: PathBuf,
    places: Semaphore,
    slot: Mutex<Slot>,
    pictures: std::sync::Mutex<Cache>,
    /// What browsers are told of segments, by their checksums.
    codecs: std::sync::Mutex<HashMap<String, String>>,
}

/// Where the worker is while it has nothing to do.
#[derive(Debug, Default)]
struct Slot {
    worker: Option<Worker>,
    /// Requests so far.
    requests: u64,
}

#[derive(Debug)]
struct Worker {
    process: WorkerProcess,
    files: Files,
}

/// What a worker may read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    /// The job; `None` for a video that is none.
    job: Option<JobId>,
    read: Vec<FilePath>,
    folders: Vec<FilePath>,
    /// What lay under these names: a worker has rights to that alone.
    inodes: Vec<Option<u64>>,
}

impl Files {
    /// Those of a job. Looks at the disk.
    fn of(record: &Record) -> Self {
        let source = storage::parts(&record.request.source).into_iter().map(FilePath);
        // The same for both sides: who compares them asks for one after the other.
        let is_done = record.job.status == Status::Done;
        let result = record.request.result.clone().filter(|_| is_done);
        let read: Vec<_> = source.chain(result).collect();
        let folders = if is_done { Vec::new() } else { vec![record.request.folder.clone()] };
        Self::new(Some(record.id), read, folders)
    }

    /// Looks at the disk.
    fn new(job: Option<JobId>, read: Vec<FilePath>, folders: Vec<FilePath>) -> Self {
        let inodes = read.iter().chain(&folders).map(|path| storage::inode(path).ok()).collect();
        Self { job, read, folders, inodes }
    }

    /// True where a worker that may read these may read all of the others, and is meant for them.
    fn cover(&self, others: &Self) -> bool {
        let all = |files: &Self| -> Vec<(FilePath, Option<u64>)> {
            files.read.iter().chain(&files.folders).cloned().zip(files.inodes.iter().copied()).collect()
        };
        let own = all(self);
        self.job == others.job
            && self.read.first() == others.read.first()
            && all(others).iter().all(|one| own.contains(one))
    }
}

impl Viewer {
    /// A viewer with this program for its workers, which put what they make into `folder`: no other may use it, and what is in it
    /// is removed.
    pub fn new(program: WorkerProgram, folder: PathBuf) -> Self {
        Self::with(program, folder, SHOWS)
    }

    fn with(program: WorkerProgram, folder: PathBuf, manner: Manner) -> Self {
        Self(Arc::new(Inner {
            program,
            manner,
            folder,
            places: Semaphore::new(1 + MOST_WAITING),
            slot: Mutex::default(),
            pictures: std::sync::Mutex::new(Cache::new(KEPT)),
            codecs: std::sync::Mutex::default(),
        }))
    }

    /// The picture of a tag: one that was made before, else what a worker makes of the request that `ask` gives for the file to
    /// write. Who drops this ends the work.
    async fn picture(
        &self,
        tag: &str,
        files: &Files,
        ask: impl FnOnce(FilePath) -> Request,
    ) -> Result<Arc<[u8]>, ViewError> {
        if let Some(picture) = self.kept(tag) {
            return Ok(picture);
        }
        let turn = self.turn().await?;
        // Another one may have asked for the same.
        if let Some(picture) = self.kept(tag) {
            return Ok(picture);
        }
        let (_, file) = turn.ask(files, ask).await?;
        let file = file.ok_or_else(|| ViewError::failed("the worker made no picture"))?;
        let picture = preview::read(file).await?;
        let picture: Arc<[u8]> = picture.into();
        self.pictures().keep(tag, &picture);
        Ok(picture)
    }

    /// Waits for the worker, unless enough others do.
    async fn turn(&self) -> Result<Turn<'_>, ViewError> {
        let place = self.0.places.try_acquire().map_err(|_| ViewError::Busy)?;
        Ok(Turn { viewer: self, slot: self.0.slot.lock().await, _place: place })
    }

    /// The worker for these files: the one that is there, or a new one in its place.
    async fn worker(&self, slot: &mut Slot, files: &Files) -> Result<Worker, ViewError> {
        if let Some(mut worker) = slot.worker.take() {
            if worker.files.cover(files) && worker.process.is_alive() {
                return Ok(worker);
            }
            worker.process.kill().await;
        }
        let folder = self.0.folder.clone();
        let made = blocking(move || {
            if folder.symlink_metadata().is_ok() {
                storage::remove_folder(&folder)?;
            }
            storage::make_folder(&folder)
        });
        made.await.map_err(|error| ViewError::failed(format!("no folder can be made: {error}")))?;
        let access = Access {
            read: files.read.clone(),
            read_below: files.folders.clone(),
            write: vec![FilePath(self.0.folder.clone())],
        };
        let process = WorkerProcess::start(&self.0.program, access).await?;
        process.set_nice(self.0.manner.nice);
        Ok(Worker { process, files: files.clone() })
    }

    /// Ends the worker after a while and lets the pictures go, unless there was another request by then.
    fn end_when_idle(&self, request: u64) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let Some(idle) = inner.upgrade().map(|inner| inner.manner.idle) else { return };
            sleep(idle).await;
            let Some(inner) = inner.upgrade() else { return };
            let mut slot = inner.slot.lock().await;
            if slot.requests != request {
                return;
            }
            // An idle server holds little memory.
            Self(Arc::clone(&inner)).pictures().clear();
            if let Some(mut worker) = slot.worker.take() {
                worker.process.kill().await;
            }
        });
    }

    /// What browsers are told of a segment, as far as it was made into a file before.
    fn codecs_of(&self, segment: &str) -> Option<String> {
        self.codecs().get(segment).cloned()
    }

    fn note_codecs(&self, segment: &str, codecs: &str) {
        let mut known = self.codecs();
        if known.len() >= MOST_CODECS {
            known.clear();
        }
        known.insert(segment.to_owned(), codecs.to_owned());
    }

    fn codecs(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.codecs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, tag: &str) -> Option<Arc<[u8]>> {
        self.pictures().get(tag)
    }

    fn pictures(&self) -> std::sync::MutexGuard<'_, Cache> {
        // Each change is one call: a cache that a panicking thread held is whole.
        self.0.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use the worker.
struct Turn<'a> {
    viewer: &'a Viewer,
    slot: MutexGuard<'a, Slot>,
    _place: SemaphorePermit<'a>,
}

impl Turn<'_> {
    /// What a worker that may read these files answers to the request that `ask` gives for the file to write, and that file, where
    /// it wrote one. The worker goes with the one who drops this.
    async fn ask(
        mut self,
        files: &Files,
        ask: impl FnOnce(FilePath) -> Request,
    ) -> Result<(Response, Option<File>), ViewError> {
        let mut worker = self.viewer.worker(&mut self.slot, files).await?;
        self.slot.requests += 1;
        let file = self.viewer.0.folder.join(format!("made-{}", self.slot.requests));
        let request = ask(FilePath(file.clone()));
        let longest = self.viewer.0.manner.longest;
        let answer = timeout(longest, answer(&mut worker.process, &request)).await;
        let answer = answer.map_err(|_| ViewError::TooSlow)??;
        self.slot.worker = Some(worker);
        self.viewer.end_when_idle(self.slot.requests);
        let taken = blocking(move || storage::take_workers_file(&file)).await;
        match (answer, taken) {
            (Response::Failed(Failure { kind: FailureKind::Final, message }), _) => {
                Err(ViewError::NoPicture(message))
            }
            (Response::Failed(Failure { message, .. }), _) => Err(ViewError::Failed(message)),
            (_, Err(error)) => Err(ViewError::failed(error.to_string())),
            (answer, Ok(file)) => Ok((answer, file)),
        }
    }
}

/// The last answer to a request.
async fn answer(worker: &mut WorkerProcess, request: &Request) -> Result<Response, ViewError> {
    worker.send(request).await?;
    loop {
        match worker.receive(PATIENCE).await? {
            Response::Progress { .. } => {}
            response => return Ok(response),
        }
    }
}
