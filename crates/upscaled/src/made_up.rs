//! Jobs for tests of what people are told of them.

use std::path::Path;

use job::message::{Failure, FailureKind};
use job::state::{Event, Evidence, Job, Phase, Reused, Status, TaskKey, step};
use job::{Container, FilePath, JobId, Millis, Plan, SegmentRange, Settings, SourceFacts};
use ledger::{NewJob, Record};

/// 2026-11-28 14:05:12 in UTC.
pub(crate) const NOW: Millis = Millis(1_795_874_712_000);

const MINUTE: i64 = 60_000;

/// A job that nobody has touched.
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
        changed: NOW.plus(-90 * MINUTE),
        place: id,
        replaces: None,
        is_removed: false,
        job: Job { id: JobId(id), ..Job::new() },
    }
}

/// A job of 1000 frames whose first 250 are finished, and on which a worker works.
pub(crate) fn running(id: i64) -> Record {
    let mut record = queued(id);
    record.request.result = Some(FilePath::from(format!("/srv/video/output/film {id}_upscaled.mkv")));
    record.started = Some(NOW.plus(-60 * MINUTE));
    record.changed = NOW;
    let segments: Vec<SegmentRange> =
        (0..4).map(|number| SegmentRange { first: number * 250, end: number * 250 + 250 }).collect();
    let facts = SourceFacts {
        codec: "h264".to_owned(),
        width: 640,
        height: 360,
        frames: 1000,
        keyframes: vec![0],
        seconds: 40.0,
        container: Container::Matroska,
        encodings: Vec::new(),
        replaced: Vec::new(),
        refused: Vec::new(),
        operations_per_pixel: 1,
        network_scale: 4,
        frame_list_blake3: "b".to_owned(),
        gaps: Vec::new(),
        notes: Vec::new(),
        pixel: (1, 1),
        is_turned: false,
        carry: job::Carry::default(),
        cut_off: None,
        crop: None,
    };
    let plan = Plan { width: 2560, height: 1440, encoder_threads: 1, segments };
    next(&mut record, claim());
    let task = TaskKey { segment: None, epoch: record.job.work.epoch };
    next(&mut record, Event::Indexed { task, facts: Box::new(facts), plan });
    next(&mut record, claim());
    let reused = Reused { frames: 0, pixels: 0 };
    let evidence = Evidence { file: "seg".to_owned(), bytes: 5_000_000, blake3: String::new(), reused };
    let task = segment(&record, 0);
    next(&mut record, Event::SegmentDone { task, evidence });
    next(&mut record, claim());
    assert_eq!((record.job.phase, record.job.frames_done()), (Phase::Segments, 250));
    record
}

fn next(record: &mut Record, event: Event) {
    record.job = step(record.job.clone(), event, NOW).0;
}

fn claim() -> Event {
    Event::Claim { worker: "local".to_owned(), lease_milliseconds: 15_000 }
}

fn segment(record: &Record, index: u32) -> TaskKey {
    TaskKey { segment: Some(index), epoch: record.job.segments[index as usize].work.epoch }
}

/// A job that waits for its join.
pub(crate) fn to_join(id: i64) -> Record {
    let mut record = running(id);
    let evidence = record.job.segments[0].evidence.clone();
    record.job.segments.iter_mut().for_each(|segment| {
        segment.evidence.clone_from(&evidence);
        segment.work.state = job::state::WorkState::Pending;
    });
    (record.job.phase, record.job.status) = (Phase::Join, Status::Queued);
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
pub(crate) fn failed(id: i64, reason: &str, minutes: i64) -> Record {
    let mut record = running(id);
    record.changed = NOW.plus(-minutes * MINUTE);
    let failure = Failure { kind: FailureKind::Final, message: reason.to_owned() };
    let task = segment(&record, 1);
    next(&mut record, Event::Failed { task, failure });
    record
}

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
