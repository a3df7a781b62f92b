use std::sync::atomic::{AtomicU32, Ordering};

use job::state::{Event, Status};
use job::{Encoding, Failure, FailureKind, Millis, Settings, SourceFacts};
use ledger::Ledger;
use protocol::message::{Request, Response};
use tokio::sync::{Notify, watch};

use super::*;
use crate::executor::{Doing, Heard, Tell, Work};
use crate::process::WorkerError;
use crate::service::{Existing, Limits, ServiceOptions};
use crate::submit::submit;

/// What an executor does with a segment.
type Deed = fn(u32) -> Result<(), FailureKind>;

/// Executors that make no pictures: each segment comes to what its deed says, once another one is under way.
#[derive(Debug, Default)]
struct Stage {
    begun: Notify,
    /// How often an executor let go while a piece of work was under way.
    given_up: AtomicU32,
}

struct Actor {
    stage: Arc<Stage>,
    deed: Deed,
    is_at_work: bool,
}

impl Executor for Actor {
    fn perform<'a>(&'a mut self, work: &'a Work, tell: Tell<'a>) -> Doing<'a, Result<Response, WorkerError>> {
        Box::pin(async move {
            self.is_at_work = true;
            tell(Heard::Frames { frames: 1, bytes: 1 });
            let Request::Segment(request) = &work.request else { return std::future::pending().await };
            let answer = match (self.deed)(request.index) {
                // It never ends by itself.
                Ok(()) => {
                    self.stage.begun.notify_one();
                    std::future::pending().await
                }
                Err(kind) => {
                    self.stage.begun.notified().await;
                    Response::Failed(Failure { kind, message: "no".into() })
                }
            };
            self.is_at_work = false;
            Ok(answer)
        })
    }

    fn let_go(&mut self) -> Doing<'_, ()> {
        Box::pin(async {
            if std::mem::take(&mut self.is_at_work) {
                self.stage.given_up.fetch_add(1, Ordering::Relaxed);
            }
        })
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    ledger: Ledger,
    stage: Arc<Stage>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
        Self { folder, ledger, stage: Arc::default() }
    }

    /// A job of two segments.
    async fn indexed_job(&self) -> JobId {
        let source = self.folder.path().join("film.mkv");
        std::fs::write(&source, "film").unwrap();
        let settings = Settings { segment_frames: Some(30), ..Settings::default() };
        let request = crate::Request {
            source,
            settings: settings.clone(),
            output: self.folder.path().to_owned(),
            result: None,
            folder: None,
        };
        let id = submit(&self.ledger, request, Millis(0)).await.unwrap().id;
        let claim = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 1 };
        self.ledger.apply(id, claim, now()).await.unwrap();
        let facts = facts();
        let (plan, segments) = job::plan(&facts, &settings).unwrap();
        assert_eq!(segments.len(), 2);
        let task = job::state::TaskKey { segment: None, epoch: 1 };
        self.ledger
            .apply(id, Event::Indexed { task, facts: Box::new(facts), plan, segments }, now())
            .await
            .unwrap();
        id
    }

    fn dispatcher(&self, only: JobId, deed: Deed) -> Dispatcher {
        let shared = Shared::new(options(&self.ledger, crate::Wake::default()));
        let stage = Arc::clone(&self.stage);
        let executors = move |_: &str| -> Box<dyn Executor> {
            Box::new(Actor { stage: Arc::clone(&stage), deed, is_at_work: false })
        };
        Dispatcher::new(Arc::new(shared), Some(only), Box::new(executors))
    }
}

/// A service of two workers.
pub(crate) fn options(ledger: &Ledger, wake: crate::Wake) -> ServiceOptions {
    let limits =
        Limits { workers: 2, engine_threads: 2, max_disk: None, keep_time: false, subtitle_files: false };
    ServiceOptions {
        ledger: ledger.clone(),
        worker: crate::WorkerProgram { path: "worker".into(), unconfined: false },
        limits: watch::channel(limits).1,
        existing: Existing::NextName,
        folders: watch::channel(crate::ServerFolders::default()).1,
        gate: crate::SegmentGate::default(),
        taken: Vec::new(),
        owner: crate::Owner::default(),
        wake,
        words: |notice| notice.text.clone(),
    }
}

pub(crate) fn facts() -> SourceFacts {
    SourceFacts {
        encodings: vec![Encoding { encoder: "libx264".to_owned(), pixel_format: "yuv420p".to_owned() }],
        ..SourceFacts::example((64, 36), 60)
    }
}

#[tokio::test]
async fn a_job_that_fails_stops_its_other_lanes_and_counts_no_attempt_of_theirs() {
    let fixture = Fixture::new().await;
    let id = fixture.indexed_job().await;
    let deed: Deed = |index| if index == 0 { Ok(()) } else { Err(FailureKind::Final) };
    let ending = fixture.dispatcher(id, deed).work_off(&Shutdown::new()).await.unwrap();
    assert_eq!(ending, Ending::Final);
    let record = fixture.ledger.get(id).await.unwrap().unwrap();
    assert!(matches!(record.job.status, Status::Failed { .. }), "{:?}", record.job.status);
    let failed: Vec<Option<u32>> = record.job.failed_attempts.iter().map(|attempt| attempt.segment).collect();
    assert_eq!((failed, fixture.stage.given_up.load(Ordering::Relaxed)), (vec![Some(1)], 1));
    assert!(!record.request.folder.exists(), "nothing of it is worth keeping");
}

#[tokio::test]
async fn a_stop_gives_all_work_back_and_counts_no_attempt() {
    let fixture = Fixture::new().await;
    let id = fixture.indexed_job().await;
    let (mut dispatcher, shutdown) = (fixture.dispatcher(id, |_| Ok(())), Shutdown::new());
    let stop = shutdown.clone();
    let stage = Arc::clone(&fixture.stage);
    let stopping = tokio::spawn(async move {
        stage.begun.notified().await;
        stop.request();
    });
    assert_eq!(dispatcher.work_off(&shutdown).await.unwrap(), Ending::Stopped);
    stopping.await.unwrap();
    let record = fixture.ledger.get(id).await.unwrap().unwrap();
    assert_eq!(record.job.status, Status::Queued);
    assert!(!record.job.is_worked_on() && record.job.failed_attempts.is_empty());
    assert!(fixture.stage.given_up.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn a_job_that_was_ended_by_another_program_is_let_go_by_all_lanes() {
    let fixture = Fixture::new().await;
    let id = fixture.indexed_job().await;
    let (ledger, stage) = (fixture.ledger.clone(), Arc::clone(&fixture.stage));
    let ending = tokio::spawn(async move {
        stage.begun.notified().await;
        ledger.apply(id, Event::Cancel, now()).await.unwrap();
    });
    let mut dispatcher = fixture.dispatcher(id, |_| Ok(()));
    assert_eq!(dispatcher.work_off(&Shutdown::new()).await.unwrap(), Ending::Final);
    ending.await.unwrap();
    let record = fixture.ledger.get(id).await.unwrap().unwrap();
    assert_eq!(record.job.status, Status::Canceled);
    assert!(record.job.failed_attempts.is_empty() && !record.request.folder.exists());
}

#[tokio::test]
async fn what_finds_no_memory_beside_others_is_given_back_and_costs_no_attempt() {
    let fixture = Fixture::new().await;
    let id = fixture.indexed_job().await;
    let ledger = fixture.ledger.clone();
    let ending = tokio::spawn(async move {
        loop {
            let second = ledger.segments_of(id, &[1]).await.unwrap().remove(0).segment;
            if second.work.epoch > 1 && second.work.state == job::state::WorkState::Pending {
                assert_eq!(second.work.attempts, 0);
                break;
            }
            tokio::task::yield_now().await;
        }
        let record = ledger.get(id).await.unwrap().unwrap();
        assert_eq!((record.job.status, record.job.failed_attempts.len()), (Status::Running, 0));
        ledger.apply(id, Event::Cancel, now()).await.unwrap();
    });
    let deed: Deed = |index| if index == 0 { Ok(()) } else { Err(FailureKind::NoMemory) };
    let ending_of_work = fixture.dispatcher(id, deed).work_off(&Shutdown::new()).await.unwrap();
    assert_eq!(ending_of_work, Ending::Final);
    ending.await.unwrap();
}
