//! The ledger keeps what the state machine says, across openings and processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use job::state::{Death, Effect, Event, Phase, Refusal, Reused, SegmentDigest, Status, Task};
use job::{Failure, FailureKind, FilePath, JobId, Millis, NewJob, Priority, Settings, SourceFacts};
use ledger::{Error, Ledger, QueuePosition, Queued};

fn new_job(source: &str) -> NewJob {
    NewJob {
        source: FilePath::from_bytes(format!("/{source}").into_bytes()),
        fingerprint: "f".to_owned(),
        stamp: "s".to_owned(),
        settings: Settings { segment_frames: Some(30), ..Settings::default() },
        output: "/out".into(),
        folder: FilePath::from_bytes(format!("/out/{source}.job").into_bytes()),
        result: None,
    }
}

fn facts() -> SourceFacts {
    SourceFacts { keyframes: vec![0, 30], notes: vec!["a note".into()], ..SourceFacts::example((64, 36), 65) }
}

async fn open(folder: &tempfile::TempDir) -> Ledger {
    Ledger::open(&folder.path().join("ledger.db")).await.unwrap()
}

async fn claim(ledger: &Ledger, id: JobId) -> Task {
    let event = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    match ledger.apply(id, event, Millis(0)).await.unwrap().effects.as_slice() {
        [Effect::Granted(task)] => task.clone(),
        other => panic!("{other:?}"),
    }
}

async fn plan(ledger: &Ledger, id: JobId) {
    let task = claim(ledger, id).await.key();
    let facts = facts();
    let (plan, segments) = job::plan(&facts, &new_job("").settings).unwrap();
    let indexed = Event::Indexed { task, facts: Box::new(facts), plan, segments };
    ledger.apply(id, indexed, Millis(1)).await.unwrap();
}

#[tokio::test]
async fn every_change_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let id = ledger.submit(&new_job("a\nb.mp4"), Millis(5)).await.unwrap().id;
    plan(&ledger, id).await;
    let task = claim(&ledger, id).await.key();
    let reused = Reused { frames: 7, pixels: 1 << 32 };
    let digest = SegmentDigest { file: "seg".to_owned(), bytes: 3, blake3: "x".to_owned(), reused };
    ledger.apply(id, Event::SegmentDone { task, digest }, Millis(7)).await.unwrap();
    let task = claim(&ledger, id).await.key();
    let death = Death { exit_code: Some(1), signal: None, last_lines: vec!["a \u{1b} line".to_owned()] };
    let lost = Event::WorkerLost { task, message: "it ended".to_owned(), death };
    ledger.apply(id, lost, Millis(8)).await.unwrap();
    ledger.apply(id, Event::Prioritize(Priority::High), Millis(9)).await.unwrap();
    let again = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    ledger.apply(id, again, Millis(10_000)).await.unwrap();
    let before = ledger.get(id).await.unwrap().unwrap();
    assert_eq!((before.job.id, before.job.priority), (id, Priority::High));
    assert_eq!(before.job.failed_attempts.len(), 1);
    assert_eq!((before.job.phase, before.job.frames_done()), (Phase::Segments, 30));
    ledger.close().await;

    let ledger = open(&folder).await;
    assert_eq!(ledger.get(id).await.unwrap().unwrap(), before);
    let NewJob { source, output, .. } = before.request.clone();
    assert_eq!(ledger.queue().await.unwrap(), [Queued { id, priority: Priority::High, source, output }]);
    assert_eq!(ledger.list().await.unwrap(), std::slice::from_ref(&before));
    assert_eq!(ledger.of_source(&before.request.source).await.unwrap(), [before]);
}

#[tokio::test]
async fn the_same_file_with_the_same_settings_is_one_job() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let first = ledger.submit(&new_job("a.mp4"), Millis(0)).await.unwrap();
    let again = ledger.submit(&new_job("a.mp4"), Millis(1)).await.unwrap();
    assert_eq!((first.is_new, again.is_new, first.id), (true, false, again.id));
    let settings = Settings { crf: Some(20), ..Settings::default() };
    let other = NewJob { settings, folder: "/out/a.mp4.2.job".into(), ..new_job("a.mp4") };
    assert!(ledger.submit(&other, Millis(2)).await.unwrap().is_new);
    assert!(ledger.submit(&new_job("b.mp4"), Millis(3)).await.unwrap().is_new);
}

#[tokio::test]
async fn a_folder_belongs_to_one_job_until_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let a = ledger.submit(&new_job("a.mp4"), Millis(0)).await.unwrap().id;
    let other = NewJob { source: "/b/a.mp4".into(), ..new_job("a.mp4") };
    let error = ledger.submit(&other, Millis(0)).await.unwrap_err();
    assert!(matches!(error, Error::FolderTaken { by, .. } if by == a), "{error}");
    assert_eq!(ledger.list().await.unwrap().len(), 1, "nothing of it stays");
    assert!(!ledger.submit(&new_job("a.mp4"), Millis(0)).await.unwrap().is_new);
    ledger.apply(a, Event::Cancel, Millis(1)).await.unwrap();
    assert!(ledger.submit(&other, Millis(2)).await.unwrap().is_new);
}

#[tokio::test]
async fn a_result_name_belongs_to_one_job() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let a = ledger.submit(&new_job("a.mp4"), Millis(0)).await.unwrap().id;
    let b = ledger.submit(&new_job("a.mkv"), Millis(0)).await.unwrap().id;
    assert!(ledger.reserve_result(a, &"/out/a_upscaled.mkv".into()).await.unwrap());
    assert!(!ledger.reserve_result(b, &"/out/a_upscaled.mkv".into()).await.unwrap());
    assert!(ledger.reserve_result(b, &"/out/a.mkv_upscaled.mkv".into()).await.unwrap());
}

#[tokio::test]
async fn a_long_list_is_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    // More than are read at once, twice and again, with missing frames.
    for number in 0..230 {
        ledger.submit(&new_job(&number.to_string()), Millis(0)).await.unwrap();
    }
    for gone in [1, 100, 101] {
        ledger.remove(JobId(gone), Millis(1)).await.unwrap();
    }
    for planned in [2, 99, 102, 230] {
        plan(&ledger, JobId(planned)).await;
    }
    let listed = ledger.list().await.unwrap();
    let ids: Vec<i64> = listed.iter().map(|record| record.id.0).collect();
    let wanted: Vec<i64> = (1..=230).filter(|id| ![1, 100, 101].contains(id)).collect();
    assert_eq!(ids, wanted);
    for record in listed {
        assert_eq!(ledger.get(record.id).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn jobs_keep_the_places_that_they_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    for name in ["a", "b", "c", "d"] {
        ledger.submit(&new_job(name), Millis(0)).await.unwrap();
    }
    let queue =
        async || -> Vec<i64> { ledger.queue().await.unwrap().iter().map(|record| record.id.0).collect() };
    assert_eq!(queue().await, [1, 2, 3, 4]);
    for (job, place, wanted) in [
        (3, QueuePosition::First, [3, 1, 2, 4]),
        (1, QueuePosition::Last, [3, 2, 4, 1]),
        (1, QueuePosition::Before(JobId(4)), [3, 2, 1, 4]),
        (3, QueuePosition::Before(JobId(4)), [2, 1, 3, 4]),
        (3, QueuePosition::Before(JobId(3)), [2, 1, 3, 4]),
        (4, QueuePosition::Before(JobId(2)), [4, 2, 1, 3]),
    ] {
        ledger.set_position(JobId(job), place, Millis(0)).await.unwrap();
        assert_eq!(queue().await, wanted, "{job} {place:?}");
    }
    for (job, place) in [(9, QueuePosition::First), (1, QueuePosition::Before(JobId(9)))] {
        let error = ledger.set_position(JobId(job), place, Millis(0)).await.unwrap_err();
        assert!(matches!(error, Error::NoJob(JobId(9))), "{error}");
    }
    ledger.submit(&new_job("e"), Millis(1)).await.unwrap();
    ledger.apply(JobId(1), Event::Pause, Millis(1)).await.unwrap();
    assert_eq!(queue().await, [4, 2, 3, 5]);
    ledger.apply(JobId(1), Event::Resume, Millis(1)).await.unwrap();
    assert_eq!(queue().await, [4, 2, 1, 3, 5]);
}

#[tokio::test]
async fn a_new_plan_replaces_the_segments() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let id = ledger.submit(&new_job("a.avi"), Millis(0)).await.unwrap().id;
    plan(&ledger, id).await;
    let task = claim(&ledger, id).await.key();
    let failure = Failure { kind: FailureKind::FramesDiffer, message: "frames differ".into() };
    let applied = ledger.apply(id, Event::Failed { task, failure }, Millis(2)).await.unwrap();
    assert_eq!(applied.effects, [Effect::DropSegments]);
    assert!(ledger.segments(id, 0, 9).await.unwrap().is_empty());
    plan(&ledger, id).await;
    let applied = ledger.apply(id, Event::Cancel, Millis(3)).await.unwrap();
    assert_eq!((applied.record.job.status, applied.effects), (Status::Canceled, vec![Effect::Ended]));
    assert!(ledger.queue().await.unwrap().is_empty());
}

#[tokio::test]
async fn two_programs_share_a_ledger_without_giving_work_out_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(&folder).await, open(&folder).await);
    let id = one.submit(&new_job("a.mp4"), Millis(0)).await.unwrap().id;
    plan(&one, id).await;
    let ask = |ledger: Ledger| {
        tokio::spawn(async move {
            let event = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
            ledger.apply(id, event, Millis(0)).await.unwrap().effects
        })
    };
    let mut granted = Vec::new();
    for asked in [ask(one.clone()), ask(two.clone()), ask(one.clone()), ask(two.clone())] {
        match asked.await.unwrap().as_slice() {
            [Effect::Granted(task)] => granted.push(task.key().segment),
            other => assert_eq!(other, [Effect::Refused(Refusal::NothingToDo)]),
        }
    }
    granted.sort_unstable();
    assert_eq!(granted, [Some(0), Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_never_sees_half_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(&folder).await, open(&folder).await);
    let writing = tokio::spawn(async move {
        for number in 0..100 {
            let id = one.submit(&new_job(&number.to_string()), Millis(0)).await.unwrap().id;
            plan(&one, id).await;
            one.apply(id, Event::Cancel, Millis(2)).await.unwrap();
        }
    });
    while !writing.is_finished() {
        two.list().await.unwrap();
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn a_damaged_ledger_is_reported_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, b"this is not a database, however long it may be".repeat(100)).unwrap();
    let error = Ledger::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_job_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    assert!(matches!(ledger.apply(JobId(9), Event::Cancel, Millis(0)).await, Err(Error::NoJob(JobId(9)))));
    assert_eq!(ledger.get(JobId(9)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_new_ledger_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let openers: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                tokio::spawn(async move { Ledger::open(&path).await })
            })
            .collect();
        for opener in openers {
            opener.await.unwrap().unwrap();
        }
    }
}

/// `UPSCALED_SUBMITS` sets how many there are (2000 by default; a release needs 10,000).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_file_is_one_job_however_many_hand_it_in_at_once() {
    let submits: usize =
        std::env::var("UPSCALED_SUBMITS").map_or(2000, |number| number.parse().expect("a number"));
    let folder = tempfile::tempdir().unwrap();
    // Each has a connection of its own, as programs of their own have.
    let mut ledgers = Vec::new();
    for _ in 0..8 {
        ledgers.push(open(&folder).await);
    }
    let submitting: Vec<_> = (0..submits)
        .map(|number| {
            let ledger = ledgers[number % ledgers.len()].clone();
            tokio::spawn(async move { ledger.submit(&new_job("a.mp4"), Millis(0)).await.unwrap() })
        })
        .collect();
    let (mut new, mut ids) = (0, std::collections::HashSet::new());
    for submission in submitting {
        let submission = submission.await.unwrap();
        new += usize::from(submission.is_new);
        ids.insert(submission.id.0);
    }
    assert_eq!((new, ids.len()), (1, 1), "{submits} submits");
    assert_eq!(ledgers[0].list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_first_start_of_a_job_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let id = ledger.submit(&new_job("a.mp4"), Millis(5)).await.unwrap().id;
    assert_eq!(ledger.get(id).await.unwrap().unwrap().started, None);
    let claim = Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    for (event, now) in [(claim.clone(), 7), (Event::Release { worker: None }, 8), (claim, 9)] {
        let applied = ledger.apply(id, event, Millis(now)).await.unwrap();
        let read = ledger.get(id).await.unwrap().unwrap();
        assert_eq!((applied.record.started, applied.record.changed), (Some(Millis(7)), Millis(now)));
        assert_eq!(read, applied.record);
    }
}

#[tokio::test]
async fn jobs_are_counted_by_their_status() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    assert_eq!(ledger.counts().await.unwrap().len(), 0);
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        ids.push(ledger.submit(&new_job(name), Millis(0)).await.unwrap().id);
    }
    ledger.apply(ids[0], Event::Pause, Millis(1)).await.unwrap();
    for (id, kind) in [(ids[1], FailureKind::Final), (ids[2], FailureKind::NoSpace { needed: 5 })] {
        let task = claim(&ledger, id).await.key();
        let failure = Failure { kind, message: "{\"done\"} is no status".into() };
        ledger.apply(id, Event::Failed { task, failure }, Millis(1)).await.unwrap();
    }
    let counts: Vec<(String, u64)> = ledger.counts().await.unwrap().into_iter().collect();
    let wanted = [("failed", 1), ("paused", 1), ("queued", 2), ("waiting for space", 1)];
    assert_eq!(counts, wanted.map(|(name, count)| (name.to_owned(), count)));
}

/// A ledger of an earlier version, or one that a worker was believed too much.
#[tokio::test]
async fn what_cannot_be_is_not_believed_of_a_ledger_either() {
    use sqlx::Connection as _;
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let id = ledger.submit(&new_job("a.mp4"), Millis(0)).await.unwrap().id;
    plan(&ledger, id).await;
    ledger.close().await;
    let path = folder.path().join("ledger.db");
    for (column, from, to) in [
        ("facts", "\"width\":64", "\"width\":4294967295"),
        ("facts", "\"operations_per_pixel\":1", "\"operations_per_pixel\":18446744073709551615"),
        ("facts", "\"keyframes\":[]", "\"keyframes\":[30,7]"),
        ("facts", "\"frames\":65", "\"frames\":4294967295"),
    ] {
        let mut connection = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
        let statement = format!("UPDATE job SET {column} = replace({column}, $1, $2), seal = NULL");
        let changed = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(from).bind(to);
        changed.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let ledger = open(&folder).await;
        let record = ledger.get(id).await.unwrap().unwrap();
        assert_eq!(
            (record.job.phase, record.job.frames_done(), record.job.facts),
            (Phase::Index, 0, None),
            "{to}"
        );
        assert_eq!(record.job.status, Status::Running);
        // It is read anew.
        ledger.apply(id, Event::Release { worker: None }, Millis(2)).await.unwrap();
        plan(&ledger, id).await;
        let record = ledger.get(id).await.unwrap().unwrap();
        assert_eq!(
            (record.job.phase, record.job.facts),
            (Phase::Segments, Some(SourceFacts { keyframes: Vec::new(), ..facts() })),
            "{to}"
        );
        ledger.close().await;
    }
}

#[tokio::test]
async fn the_time_of_work_is_kept_without_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder).await;
    let id = ledger.submit(&new_job("a.mp4"), Millis(0)).await.unwrap().id;
    let apply = async |event: Event, now: i64| ledger.apply(id, event, Millis(now)).await.unwrap().record;
    let begin = || Event::Claim { worker: "w".to_owned(), lease_milliseconds: 15_000 };
    assert_eq!(ledger.get(id).await.unwrap().unwrap().seconds_worked(Millis(900)), None);
    apply(begin(), 1_000).await;
    apply(Event::Pause, 4_000).await;
    apply(Event::Release { worker: None }, 4_500).await;
    apply(Event::Resume, 1_000_000).await;
    let running = apply(begin(), 2_000_000).await;
    assert_eq!(running.seconds_worked(Millis(2_002_000)), Some(5.0));
    let ended = apply(Event::Cancel, 2_003_000).await;
    ledger.close().await;
    let kept = open(&folder).await.get(id).await.unwrap().unwrap();
    assert_eq!((kept.seconds_worked(Millis(9_000_000)), &kept), (Some(6.0), &ended));
}
