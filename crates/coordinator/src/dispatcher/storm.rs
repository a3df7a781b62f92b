//! The storm on the handle: readers that follow, writers that change jobs, workers that die, and a service that starts again
//! and again.
//!
//! `UPSCALED_HANDLE_JOBS` says how many jobs there are (100 by default; a release needs 1000).

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use job::state::{Death, Reused, SegmentDigest, Status};
use job::{Failure, FailureKind};
use job::{Priority, Settings};
use ledger::{Events, JobEvent, Ledger, What};
use protocol::message::{Request as Question, Response};
use protocol::report::{Checks, FileReport, Verified};
use storage::SegmentName;
use tokio::sync::watch;

use super::tests::{facts, options};
use super::*;
use crate::commands::{Became, NewPosition, Selector, Submit, Which};
use crate::executor::{Doing, Tell, Work};
use crate::process::{DeathNote, WorkerError};
use crate::{Handle, MOST_EVENTS, Wake};

const READERS: usize = 8;
const WRITERS: usize = 8;
/// Commands that a writer gives for a job while that is worked on.
const COMMANDS: u64 = 5;
/// Events between two starts of the service.
const BETWEEN_STARTS: i64 = 150;
/// Two segments a job.
const SEGMENT_FRAMES: u32 = 30;

/// Numbers that repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Pieces of work at which a worker has died. One does so once at each of some.
type Deaths = Arc<Mutex<HashSet<String>>>;

/// Workers that make files of a byte.
struct Crew(Deaths);

impl Crew {
    fn dies_at(&self, work: &Work) -> bool {
        let what = format!("{} {:?} {:?}", work.record.id, work.record.job.phase, work.task.key().segment);
        let is_mortal = number_of(&what).is_multiple_of(6);
        is_mortal && self.0.lock().unwrap().insert(what)
    }
}

/// Any number that follows from a text.
fn number_of(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn make(path: &Path, response: Response) -> Response {
    match std::fs::write(path, "x") {
        Ok(()) => response,
        // The job was ended meanwhile.
        Err(error) => {
            Response::Failed(Failure { kind: FailureKind::Transient, message: error.to_string().into() })
        }
    }
}

/// What a worker says to a piece of work that it has done, with files of a byte.
pub(super) fn answer(work: &Work) -> Response {
    let file = || FileReport { format: String::new(), streams: Vec::new() };
    match &work.request {
        Question::Index(_) => Response::Indexed(Box::new(facts())),
        Question::Segment(request) => {
            let file = SegmentName { index: request.index, epoch: request.epoch.into() }.file();
            let digest = SegmentDigest {
                file: file.clone(),
                bytes: 1,
                blake3: String::new(),
                reused: Reused::default(),
            };
            make(&request.folder.join(file), Response::SegmentDone { digest, engine: "none".to_owned() })
        }
        Question::Join(request) => {
            let checks =
                Checks { frames_decoded: 60, largest_time_error_milliseconds: 0.0, packets: Vec::new() };
            let verified = Box::new(Verified { source: file(), result: file(), model: None, checks });
            make(&request.result, Response::Joined { bytes: 1, notes: Vec::new(), verified })
        }
        _ => Response::Failed(Failure { kind: FailureKind::Final, message: "not asked of it".into() }),
    }
}

impl Executor for Crew {
    fn perform<'a>(
        &'a mut self,
        work: &'a Work,
        _tell: Tell<'a>,
    ) -> Doing<'a, Result<Response, WorkerError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.dies_at(work) {
                let death = Death { exit_code: None, signal: Some(9), last_lines: Vec::new() };
                return Err(WorkerError::Died(DeathNote { cause: "killed".to_owned(), death }));
            }
            Ok(answer(work))
        })
    }

    fn let_go(&mut self) -> Doing<'_, ()> {
        Box::pin(async {})
    }
}

/// Works jobs off by services of which one takes the other's place, until `over`.
async fn serve(ledger: Ledger, wake: Wake, mut over: watch::Receiver<bool>) -> usize {
    let (deaths, mut starts) = (Deaths::default(), 0);
    while !*over.borrow() {
        let shared = Shared::new(options(&ledger, wake.clone()));
        let crew = Arc::clone(&deaths);
        let executors = move |_: &str| -> Box<dyn Executor> { Box::new(Crew(Arc::clone(&crew))) };
        let mut dispatcher = Dispatcher::new(Arc::new(shared), None, Box::new(executors));
        let (shutdown, begun) = (Shutdown::new(), ledger.last_event().await.unwrap());
        let stopping = async {
            let much = async {
                let mut last = begun;
                while last < begun + BETWEEN_STARTS {
                    last += ledger.next_events(last, 1).await.unwrap().events.len() as i64;
                }
            };
            tokio::select! {
                () = much => {}
                _ = over.wait_for(|over| *over) => {}
            }
            shutdown.request();
        };
        let (worked, ()) = tokio::join!(dispatcher.work_off(&shutdown), stopping);
        worked.unwrap();
        starts += 1;
    }
    assert!(!deaths.lock().unwrap().is_empty());
    starts
}

/// Follows all events to the one that says that a job is forgotten.
async fn read(handle: Handle, mut random: Random) -> Vec<JobEvent> {
    let mut seen: Vec<JobEvent> = Vec::new();
    while seen.last().is_none_or(|last| last.what != What::Forgotten) {
        let after = seen.len() as i64;
        let limit = 1 + random.below(100) as u32;
        let Events { events, missed } = handle.next_events(after, limit).await.unwrap();
        assert_eq!(missed, 0);
        let numbers: Vec<i64> = events.iter().map(|event| event.number).collect();
        let wanted: Vec<i64> = (after + 1..=after + events.len() as i64).collect();
        assert_eq!(numbers, wanted, "each once, and in order");
        seen.extend(events);
    }
    seen
}

/// A writer and the jobs that it alone changes.
struct Writer {
    handle: Handle,
    ledger: Ledger,
    folder: PathBuf,
    random: Random,
}

impl Writer {
    /// Takes a job in, changes it in all ways, and leaves it to its end, or canceled. Gives how it is to end.
    async fn write(&mut self, number: usize) -> (JobId, bool) {
        let submitted = self.handle.submit(self.submit(number)).await.unwrap();
        for _ in 0..COMMANDS {
            self.command(submitted.id, number).await;
        }
        let jobs = Which::Named(vec![Selector::number(submitted.id)]);
        if self.random.below(4) == 0 {
            let became = self.handle.cancel(&jobs).await.unwrap().remove(0).became;
            return (submitted.id, became == Became::Done || self.status(submitted.id).await != Status::Done);
        }
        self.handle.resume(&jobs).await.unwrap();
        self.handle.retry(&jobs, false, None).await.unwrap();
        (submitted.id, false)
    }

    fn submit(&self, number: usize) -> Submit {
        Submit {
            source: self.folder.join(format!("{number}.mkv")).into(),
            settings: Settings { segment_frames: Some(SEGMENT_FRAMES), ..Settings::default() },
            output: self.folder.join("output").into(),
            result: None,
            overwrite: false,
        }
    }

    async fn status(&self, id: JobId) -> Status {
        self.ledger.get(id).await.unwrap().unwrap().job.status
    }

    /// Gives any command. What is said to be done is done: no one else changes this.
    async fn command(&mut self, id: JobId, number: usize) {
        let (selector, handle) = (Selector::number(id), self.handle.clone());
        let jobs = Which::Named(vec![selector.clone()]);
        let is_done = |outcomes: Vec<crate::commands::Outcome>| outcomes[0].became == Became::Done;
        match self.random.below(7) {
            0 if is_done(handle.pause(&jobs).await.unwrap()) => {
                assert_eq!(self.status(id).await, Status::Paused);
            }
            1 if is_done(handle.resume(&jobs).await.unwrap()) => {
                assert_ne!(self.status(id).await, Status::Paused);
            }
            2 if is_done(handle.cancel(&jobs).await.unwrap()) => {
                assert_eq!(self.status(id).await, Status::Canceled);
            }
            3 => {
                handle.retry(&jobs, false, None).await.unwrap();
                assert_ne!(self.status(id).await, Status::Canceled);
            }
            4 => {
                let priority = Priority::ALL[self.random.below(Priority::ALL.len() as u64) as usize];
                if is_done(handle.prioritize(&jobs, priority).await.unwrap()) {
                    assert_eq!(self.ledger.get(id).await.unwrap().unwrap().job.priority, priority);
                }
            }
            // A job that has ended has no place.
            5 => drop(handle.set_position(&[selector], &NewPosition::First).await),
            _ => assert_eq!(handle.submit(self.submit(number)).await.unwrap().id, id),
        }
    }
}

/// Lets the writers change their jobs, and waits until all have ended. Gives how each was to end.
async fn write_all(handle: &Handle, ledger: &Ledger, folder: &Path, jobs: usize) -> Vec<(JobId, bool)> {
    let writers = (0..WRITERS).map(|number| {
        let (handle, ledger, folder) = (handle.clone(), ledger.clone(), folder.to_owned());
        let mut writer = Writer { handle, ledger, folder, random: Random(100 + number as u64) };
        tokio::spawn(async move {
            let mut fates = Vec::new();
            for number in (number..jobs).step_by(WRITERS) {
                fates.push(writer.write(number).await);
            }
            fates
        })
    });
    let mut fates = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        fates.extend(writer.await.unwrap());
    }
    let mut last = 0;
    while !ledger.unfinished().await.unwrap().is_empty() {
        let events = handle.next_events(last, MOST_EVENTS).await.unwrap().events;
        last = events.last().map_or(last, |event| event.number);
    }
    fates
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_every_event_once_and_no_command_is_lost() {
    let jobs = std::env::var("UPSCALED_HANDLE_JOBS").map_or(100, |jobs| jobs.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("output")).unwrap();
    for number in 0..jobs {
        std::fs::write(folder.path().join(format!("{number}.mkv")), format!("film {number}")).unwrap();
    }
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    let (wake, over) = (Wake::default(), watch::Sender::new(false));
    let handle = Handle::new(ledger.clone(), wake.clone(), None);
    let readers: Vec<_> =
        (0..READERS).map(|reader| tokio::spawn(read(handle.clone(), Random(reader as u64 + 1)))).collect();
    let writing = async {
        let fates = write_all(&handle, &ledger, folder.path(), jobs).await;
        over.send_replace(true);
        fates
    };
    let (starts, fates) = tokio::join!(serve(ledger.clone(), wake, over.subscribe()), writing);
    assert_eq!(fates.len(), jobs);
    for (id, is_canceled) in fates {
        let record = ledger.get(id).await.unwrap().unwrap();
        let wanted = if is_canceled { Status::Canceled } else { Status::Done };
        assert_eq!(record.job.status, wanted, "job {id}: {:#?}", record.job.failed_attempts);
    }
    // The sign for the readers.
    ledger.remove(JobId(1), now()).await.unwrap();
    let all = handle.last_event().await.unwrap();
    let mut seen = Vec::new();
    for reader in readers {
        seen.push(reader.await.unwrap());
    }
    assert!(seen.iter().all(|events| *events == seen[0] && events.len() as i64 == all));
    println!("{all} events of {jobs} jobs, {starts} starts of the service");
}
