//! Whatever happens in whatever order, the ledger says of a job and its segments what the plainest store says.
//!
//! `UPSCALED_LEDGER_SCHEDULES` says how many orders are tried (60 by default).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use job::state::{
    Death, Effect, Event, InMemory, Job, Numbered, RecoveredSegment, Reused, SegmentDigest, Status, Task,
    TaskKey,
};
use job::{Encoding, Failure, FailureKind, Millis, NewJob, SegmentRange, Settings, SourceFacts};
use ledger::{Events, JobEvent, Ledger, What};
use proptest::prelude::*;

const FRAMES: u32 = 130;

fn new_job() -> NewJob {
    NewJob {
        source: "/a.mp4".into(),
        fingerprint: "f".to_owned(),
        stamp: "s".to_owned(),
        settings: Settings { segment_frames: Some(30), ..Settings::default() },
        output: "/out".into(),
        folder: "/out/x.job".into(),
        result: None,
    }
}

fn indexed(task: TaskKey) -> Event {
    let encoding =
        |encoder: &str| Encoding { encoder: encoder.to_owned(), pixel_format: "yuv420p".to_owned() };
    let facts = SourceFacts {
        keyframes: vec![0, 50, 100],
        encodings: ["h264_nvenc", "hevc_nvenc", "libx264"].map(encoding).to_vec(),
        seconds: 2.6,
        ..SourceFacts::example((64, 36), FRAMES)
    };
    let (plan, segments) = job::plan(&facts, &new_job().settings).unwrap();
    Event::Indexed { task, facts: Box::new(facts), plan, segments }
}

fn digest(epoch: u32) -> SegmentDigest {
    let reused = Reused { frames: 1, pixels: 7 };
    SegmentDigest { file: format!("e{epoch}"), bytes: 100, blake3: "b".to_owned(), reused }
}

/// One thing that happens. Numbers pick among the tasks given out so far, so that late and doubled answers occur.
#[derive(Debug, Clone)]
enum Move {
    Claim(u8),
    Renew(u8),
    Release(Option<u8>),
    Finish(usize),
    Fail(usize, FailureKind),
    Lose(usize),
    Find(Vec<(u32, u32, bool)>),
    Other(u8),
}

fn any_move() -> impl Strategy<Value = Move> {
    let kind = prop_oneof![
        4 => Just(FailureKind::Transient),
        6 => Just(FailureKind::Encoder),
        1 => Just(FailureKind::Final),
        1 => Just(FailureKind::FramesDiffer),
        1 => Just(FailureKind::FrameListLost),
        1 => Just(FailureKind::NoSpace { needed: 5 }),
        3 => prop::collection::vec(0_u32..6, 0..4).prop_map(|indices| FailureKind::SegmentsDamaged { indices }),
    ];
    prop_oneof![
        12 => (0_u8..3).prop_map(Move::Claim),
        2 => (0_u8..3).prop_map(Move::Renew),
        2 => prop::option::of(0_u8..3).prop_map(Move::Release),
        14 => any::<usize>().prop_map(Move::Finish),
        3 => (any::<usize>(), kind).prop_map(|(pick, kind)| Move::Fail(pick, kind)),
        1 => any::<usize>().prop_map(Move::Lose),
        2 => prop::collection::vec((0_u32..7, 0_u32..9, any::<bool>()), 1..5).prop_map(Move::Find),
        3 => (0_u8..5).prop_map(Move::Other),
    ]
}

/// The event of a move; `None` where there is nothing to finish or to fail.
fn event(one: Move, film: &InMemory, given: &[Task]) -> Option<Event> {
    let lease_milliseconds = 15_000;
    let pick = |pick: usize| (!given.is_empty()).then(|| given[pick % given.len()].clone());
    Some(match one {
        Move::Claim(worker) => Event::Claim { worker: worker.to_string(), lease_milliseconds },
        Move::Renew(worker) => Event::Renew { worker: worker.to_string(), lease_milliseconds },
        Move::Release(worker) => Event::Release { worker: worker.map(|worker| worker.to_string()) },
        Move::Finish(index) => {
            let task = pick(index)?;
            let key = task.key();
            match task {
                Task::Index { .. } => indexed(key),
                Task::Segment { epoch, .. } => Event::SegmentDone { task: key, digest: digest(epoch) },
                Task::Join { .. } => Event::Joined { task: key, bytes: 1 },
                Task::Publish { .. } => Event::Published { task: key },
            }
        }
        Move::Fail(index, kind) => {
            let failure = Failure { kind, message: "because".into() };
            Event::Failed { task: pick(index)?.key(), failure }
        }
        Move::Lose(index) => {
            let death = Death { signal: Some(9), ..Death::default() };
            Event::WorkerLost { task: pick(index)?.key(), message: "it died".to_owned(), death }
        }
        Move::Find(files) => {
            let found = |(index, epoch, is_whole): (u32, u32, bool)| {
                let range = film.segments.get(index as usize).map(|segment| segment.range);
                let range = range.unwrap_or(SegmentRange { first: 0, end: 1 });
                RecoveredSegment { index, epoch, finished: is_whole.then(|| (range, digest(epoch))) }
            };
            Event::Recovered { segments: files.into_iter().map(found).collect() }
        }
        Move::Other(0) => Event::Pause,
        Move::Other(1) => Event::Resume,
        Move::Other(2) => Event::Cancel,
        Move::Other(3) => Event::WaitOver,
        Move::Other(_) => Event::Retry,
    })
}

/// What a ledger says of a job that it has alone.
async fn read(ledger: &Ledger, id: job::JobId) -> (Job, Vec<Numbered>) {
    let record = ledger.get(id).await.unwrap().unwrap();
    (record.job, ledger.segments(id, 0, 100).await.unwrap())
}

async fn check(moves: Vec<Move>) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    let id = ledger.submit(&new_job(), Millis(0)).await.unwrap().id;
    let mut film = InMemory { job: Job { id, ..Job::new() }, segments: Vec::new() };
    let mut given = Vec::new();
    let (mut now, mut changes, mut seen) = (Millis(0), 0, ledger.last_event().await.unwrap());
    for one in moves {
        now = now.plus(1_500);
        let Some(event) = event(one, &film, &given) else { continue };
        let before = film.clone();
        let is_renewal = matches!(event, Event::Renew { .. });
        let wanted = film.apply(event.clone(), now);
        let applied = ledger.apply(id, event.clone(), now).await.unwrap();
        assert_eq!(applied.effects, wanted, "{event:?}");
        assert_eq!(applied.record.job, film.job, "{event:?}");
        if let [Effect::Granted(task)] = wanted.as_slice() {
            given.push(task.clone());
        }
        let (job, segments) = read(&ledger, id).await;
        assert_eq!(job, film.job, "{event:?}");
        let segments: Vec<_> = segments.into_iter().map(|numbered| numbered.segment).collect();
        assert_eq!(segments, film.segments, "{event:?}");
        assert_eq!(ledger.has_work(&applied.record, now).await.unwrap(), film.has_work(now));
        // Every change but a sign of life is told once.
        let Events { events, missed } = ledger.events(seen, 10).await.unwrap();
        assert_eq!(missed, 0);
        assert_eq!(events.len(), usize::from(before != film && !is_renewal), "{event:?} {events:?}");
        if let Some(JobEvent { number, what: What::Changed { status, frames, .. }, .. }) = events.last() {
            assert_eq!((status.as_str(), *frames), (film.job.status.name(), film.job.frames_done()));
            assert_eq!(*number, seen + 1);
            seen = *number;
            changes += 1;
        }
    }
    ledger.read_all().await.unwrap();
    let before = read(&ledger, id).await;
    ledger.close().await;
    let ledger = Ledger::open(&folder.path().join("ledger.db")).await.unwrap();
    assert_eq!(read(&ledger, id).await, before, "after {changes} changes");
    if film.job.status == Status::Done {
        assert!(before.1.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("UPSCALED_LEDGER_SCHEDULES").map_or(60, |number| number.parse().unwrap())
    ))]
    #[test]
    fn the_ledger_agrees_with_the_plainest_store(moves in prop::collection::vec(any_move(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check(moves));
    }
}
