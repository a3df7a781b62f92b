use std::time::Duration;

use super::*;
use crate::commands::queued;
use crate::dispatcher::tests::facts;

/// Those of a network for a pixel.
const OPERATIONS: u64 = 2_000_000;

/// A job whose segments are made: 1,000 frames.
fn job() -> Job {
    let facts = job::SourceFacts { frames: 1000, operations_per_pixel: OPERATIONS, ..facts() };
    let (plan, _) = job::plan(&facts, &job::Settings::default()).unwrap();
    let mut job = queued(1).job;
    (job.status, job.phase) = (Status::Running, Phase::Segments);
    (job.facts, job.plan) = (Some(facts), Some(plan));
    job
}

/// A clock that goes on when told.
struct Clock(Instant);

impl Clock {
    fn after(&mut self, seconds: f64) -> Instant {
        self.0 += Duration::from_secs_f64(seconds);
        self.0
    }
}

/// Makes the frames of a segment, each in so many seconds.
fn make(progress: &mut Progress, range: SegmentRange, seconds: f64, job: &mut Job, clock: &mut Clock) {
    progress.begin(0, range, clock.0);
    for frame in 1..=range.frames() {
        progress.advance(0, (frame, 1), job, clock.after(seconds));
    }
    progress.end(0, true, job, clock.0);
    job.totals.finished += 1;
    job.totals.frames += u64::from(range.frames());
}

fn begun() -> (Progress, Job, Clock) {
    let mut progress = Progress::default();
    progress.begin_with(Speed::usual(OPERATIONS), None);
    (progress, job(), Clock(Instant::now()))
}

fn seconds(progress: &Progress, job: &Job, clock: &Clock) -> f64 {
    progress.left(job, clock.0).seconds.unwrap()
}

/// Joining is not measured, and takes some seconds.
fn is_near(seconds: f64, wanted: f64) {
    assert!(seconds >= wanted * 0.98 && seconds <= wanted * 1.35, "{seconds} {wanted}");
}

#[test]
fn the_time_left_is_known_once_a_segment_is_finished_and_runs_between_frames() {
    let (mut progress, mut job, mut clock) = begun();
    progress.begin(0, SegmentRange { first: 0, end: 30 }, clock.0);
    progress.advance(0, (10, 1), &job, clock.after(1.0));
    assert_eq!(progress.left(&job, clock.0), Left::default());
    progress.end(0, false, &job, clock.0);
    make(&mut progress, SegmentRange { first: 0, end: 30 }, 1.0, &mut job, &mut clock);
    is_near(seconds(&progress, &job, &clock), 970.0);
    progress.begin(0, SegmentRange { first: 30, end: 500 }, clock.0);
    progress.advance(0, (1, 1), &job, clock.after(1.0));
    let before = seconds(&progress, &job, &clock);
    clock.after(0.5);
    assert!((before - seconds(&progress, &job, &clock) - 0.5).abs() < 0.05);
    // A frame that is late does not make the rest shorter.
    clock.after(3.0);
    assert!((before - seconds(&progress, &job, &clock) - 1.0).abs() < 0.1);
}

#[test]
fn without_a_frame_for_much_longer_than_usual_work_has_stalled() {
    let (mut progress, mut job, mut clock) = begun();
    make(&mut progress, SegmentRange { first: 0, end: 30 }, 1.0, &mut job, &mut clock);
    progress.begin(0, SegmentRange { first: 30, end: 500 }, clock.0);
    progress.advance(0, (1, 1), &job, clock.after(1.0));
    clock.after(9.0);
    assert_eq!(progress.left(&job, clock.0).stalled, None);
    clock.after(31.0);
    let left = progress.left(&job, clock.0);
    assert!(
        left.seconds.is_none() && left.stalled.is_some_and(|stalled| (stalled - 40.0).abs() < 0.1),
        "{left:?}"
    );
    // It goes on.
    progress.advance(0, (2, 1), &job, clock.0);
    assert!(progress.left(&job, clock.0).seconds.is_some());
}

#[test]
fn a_pause_does_not_count_and_neither_does_the_start_of_a_worker() {
    let (mut progress, mut job, mut clock) = begun();
    // The worker takes a while to start.
    clock.after(0.0);
    progress.begin(0, SegmentRange { first: 0, end: 30 }, clock.0);
    progress.advance(0, (1, 1), &job, clock.after(20.0));
    for frame in 2..=30 {
        progress.advance(0, (frame, 1), &job, clock.after(1.0));
    }
    progress.end(0, true, &job, clock.0);
    (job.totals.finished, job.totals.frames) = (1, 30);
    clock.after(1e6);
    make(&mut progress, SegmentRange { first: 30, end: 130 }, 1.0, &mut job, &mut clock);
    is_near(seconds(&progress, &job, &clock), 870.0);
    let speed = progress.frames_per_second().unwrap();
    assert!((speed - 1.0).abs() < 0.05, "{speed}");
}

#[test]
fn segments_that_are_made_at_once_share_the_time() {
    let (mut progress, mut job, mut clock) = begun();
    progress.begin(0, SegmentRange { first: 0, end: 100 }, clock.0);
    progress.begin(1, SegmentRange { first: 100, end: 200 }, clock.0);
    for frame in 1..=100 {
        progress.advance(0, (frame, 7), &job, clock.after(0.5));
        progress.advance(1, (frame, 7), &job, clock.after(0.5));
        // What another lane reads is not of the segments.
        progress.advance(2, (900, 0), &job, clock.0);
    }
    assert_eq!(progress.under_way(), (200, 14));
    for lane in [0, 1] {
        assert!(progress.end(lane, true, &job, clock.0));
    }
    (job.totals.finished, job.totals.frames) = (2, 200);
    // Two frames a second.
    is_near(seconds(&progress, &job, &clock), 400.0);
}

#[test]
fn what_was_learned_is_there_at_once_after_a_restart() {
    let (mut progress, mut job, mut clock) = begun();
    make(&mut progress, SegmentRange { first: 0, end: 200 }, 1.0, &mut job, &mut clock);
    let kept = progress.speed().unwrap();
    let mut again = Progress::default();
    again.begin_with(kept, None);
    again.begin(0, SegmentRange { first: 200, end: 300 }, clock.0);
    is_near(seconds(&again, &job, &clock), 800.0);
    // And for another job before its first segment is finished.
    job.totals = job::state::Totals::NONE;
    let mut next = Progress::default();
    next.begin_with(progress.speed().unwrap().of_next(OPERATIONS), None);
    next.begin(0, SegmentRange { first: 0, end: 100 }, clock.0);
    is_near(seconds(&next, &job, &clock), 1000.0);
}

#[test]
fn reading_and_joining_are_timed_too() {
    let (mut progress, mut job, mut clock) = begun();
    progress.begin_beside(clock.0);
    progress.end_beside(Phase::Index, &job, clock.after(50.0));
    make(&mut progress, SegmentRange { first: 0, end: 1000 }, 0.1, &mut job, &mut clock);
    progress.begin_beside(clock.0);
    progress.end_beside(Phase::Join, &job, clock.after(30.0));
    // The next one is joined.
    job.phase = Phase::Join;
    let mut next = Progress::default();
    next.begin_with(progress.speed().unwrap().of_next(OPERATIONS), None);
    next.begin_beside(clock.0);
    clock.after(10.0);
    assert!((seconds(&next, &job, &clock) - 20.0).abs() < 0.1);
    clock.after(40.0);
    assert_eq!(next.left(&job, clock.0), Left::default());
    // And another one is read, half of it.
    (job.phase, job.facts, job.plan) = (Phase::Index, None, None);
    let film =
        Film { frames: 1000, pixels: 1, result_pixels: 1, operations: 1, changes: &job::Changes::default() };
    assert_eq!(next.left(&job, clock.0).seconds, None, "nothing is known of its head");
    let whole = facts();
    let read = 1000.0 * f64::from(whole.width) * f64::from(whole.height);
    let work = Work { read, ..film.join() };
    next.begin_with(progress.speed().unwrap(), Some(Forecast { pixels: 1.0, frames: 1000.0, work }));
    next.begin_beside(clock.0);
    next.advance(2, (500, 0), &job, clock.0);
    let left = seconds(&next, &job, &clock);
    assert!((25.0..27.0).contains(&left), "{left}");
}
