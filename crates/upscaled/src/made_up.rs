//! Jobs for tests of what people are told of them.

use std::path::Path;

use job::state::{Event, InMemory, Job, Phase, Reused, SegmentDigest, Status, TaskKey};
use job::{
    Failure, FailureKind, FilePath, JobId, Millis, NewJob, Notice, Plan, PlannedSegment, SegmentRange,
    Settings, SourceFacts,
};
use ledger::{Record, WorkTime};

/// 2026-11-28 14:05:12 in UTC.
pub(crate) const NOW: Millis = Millis(1_795_874_712_000);

const MINUTE: i64 = 60_000;

/// A job that no worker has touched.
pub(crate) fn queued(id: i64) -> Record {
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
        created: NOW.plus(-90 * MINUTE),
        started: None,
        work_time: WorkTime::NONE,
        changed: NOW.plus(-90 * MINUTE),
        position: id,
        made_with: None,
        replaces: None,
        is_removed: false,
        job: Job { id: JobId(id), ..Job::new() },
    }
}

/// A job of 1000 frames whose first 250 are finished, and on which a worker works.
pub(crate) fn running(id: i64) -> Record {
    begun(id).0
}

fn begun(id: i64) -> (Record, InMemory) {
    let mut record = queued(id);
    record.request.result = Some(FilePath::from(format!("/srv/video/output/film {id}_upscaled.mkv")));
    record.started = Some(NOW.plus(-60 * MINUTE));
    record.work_time = WorkTime::of(40 * MINUTE);
    record.changed = NOW;
    let segment = |number: u32| PlannedSegment {
        range: SegmentRange { first: number * 250, end: number * 250 + 250 },
        lead_in: number * 250,
    };
    let segments: Vec<PlannedSegment> = (0..4).map(segment).collect();
    let facts = SourceFacts::example((640, 360), 1000);
    let plan = Plan { width: 2560, height: 1440, encoder_threads: 1, segments: 4 };
    let mut film = InMemory { job: record.job.clone(), segments: Vec::new() };
    film.apply(claim(), NOW);
    let task = TaskKey { segment: None, epoch: film.job.work.epoch };
    film.apply(Event::Indexed { task, facts: Box::new(facts), plan, segments }, NOW);
    film.apply(claim(), NOW);
    let reused = Reused { frames: 0, pixels: 0 };
    let digest = SegmentDigest { file: "seg".to_owned(), bytes: 5_000_000, blake3: String::new(), reused };
    film.apply(Event::SegmentDone { task: newest(&film, 0), digest }, NOW);
    film.apply(claim(), NOW);
    record.job.clone_from(&film.job);
    assert_eq!((record.job.phase, record.job.frames_done()), (Phase::Segments, 250));
    (record, film)
}

fn claim() -> Event {
    Event::Claim { worker: "local".to_owned(), lease_milliseconds: 15_000 }
}

fn newest(film: &InMemory, index: u32) -> TaskKey {
    TaskKey { segment: Some(index), epoch: film.segments[index as usize].work.epoch }
}

/// A job that waits for its join.
pub(crate) fn to_join(id: i64) -> Record {
    let (mut record, mut film) = begun(id);
    let digest = film.segments[0].digest.clone().unwrap();
    for index in 1..4 {
        film.apply(Event::SegmentDone { task: newest(&film, index), digest: digest.clone() }, NOW);
        film.apply(claim(), NOW);
    }
    film.apply(Event::Release { worker: None }, NOW);
    record.job = film.job;
    assert_eq!((record.job.phase, &record.job.status), (Phase::Join, &Status::Queued));
    record
}

/// A job that ended so many minutes ago.
pub(crate) fn ended(id: i64, status: Status, minutes: i64) -> Record {
    let mut record = to_join(id);
    record.job.phase = Phase::Publish;
    record.changed = NOW.plus(-minutes * MINUTE);
    record.job.status = status;
    record
}

/// A job that failed with this reason.
pub(crate) fn failed(id: i64, reason: impl Into<Notice>, minutes: i64) -> Record {
    let (mut record, mut film) = begun(id);
    record.changed = NOW.plus(-minutes * MINUTE);
    let failure = Failure { kind: FailureKind::Final, message: reason.into() };
    film.apply(Event::Failed { task: newest(&film, 1), failure }, NOW);
    record.job = film.job;
    record
}

/// The widths in which what commands print is recorded.
pub(crate) const WIDTHS: [(Option<usize>, &str); 4] =
    [(Some(60), "60 columns"), (Some(80), "80 columns"), (Some(160), "160 columns"), (None, "redirected")];

/// Compares a text with the one that was recorded. With `UPSCALED_RECORD` in the environment it is recorded anew: look at
/// the difference then.
pub(crate) fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/recorded").join(name);
    if std::env::var_os("UPSCALED_RECORD").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (found, wanted)) in (1..).zip(text.lines().zip(recorded.lines())) {
        assert_eq!(found, wanted, "line {number} of {name} is another");
    }
    assert_eq!(text, recorded, "{name} has other lines");
}
