use proptest::prelude::*;

use super::*;
use crate::{Container, Encoding, Settings};

const LEASE: i64 = 15_000;
/// Clocks jump by so much at most, in milliseconds.
const DAY: i64 = 86_400_000;

/// Schedules of the storm; a release needs a million.
fn schedules() -> u32 {
    std::env::var("UPSCALED_SCHEDULES")
        .map_or(100_000, |schedules| schedules.parse().expect("UPSCALED_SCHEDULES is a number"))
}

fn facts(frames: u32) -> SourceFacts {
    SourceFacts {
        container: Container::Mp4,
        encodings: ["h264_nvenc", "libx264"].map(encoding).to_vec(),
        operations_per_pixel: 0,
        network_scale: 1,
        seconds: 1.0,
        ..SourceFacts::example((64, 36), frames)
    }
}

fn encoding(encoder: &str) -> Encoding {
    Encoding { encoder: encoder.to_owned(), pixel_format: "yuv420p".to_owned() }
}

fn indexed(task: TaskKey, frames: u32) -> Event {
    let settings = Settings { segment_frames: Some(30), ..Settings::default() };
    let facts = facts(frames);
    let (plan, segments) = crate::plan(&facts, &settings).unwrap();
    Event::Indexed { task, facts: Box::new(facts), plan, segments }
}

fn digest(task: TaskKey) -> SegmentDigest {
    SegmentDigest {
        file: format!("e{}", task.epoch),
        bytes: 1,
        blake3: String::new(),
        reused: Reused::default(),
    }
}

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, message: "because".into() }
}

fn claim() -> Event {
    Event::Claim { worker: "w".to_owned(), lease_milliseconds: LEASE }
}

/// The longest pause after the failed attempt of this number, from 0.
fn longest_pause(attempt: u32) -> i64 {
    BACKOFF[attempt as usize] * 5 / 4
}

/// A job under test with its clock.
struct Story {
    film: InMemory,
    now: Millis,
}

impl Story {
    fn new() -> Self {
        Self { film: InMemory::default(), now: Millis(0) }
    }

    fn after(&mut self, event: Event) -> Vec<Effect> {
        self.film.apply(event, self.now)
    }

    fn claimed(&mut self) -> Task {
        match self.after(claim()).as_slice() {
            [Effect::Granted(task)] => task.clone(),
            other => panic!("no work: {other:?} in {:?}", self.film),
        }
    }

    /// A job of 65 frames with two segments to make.
    fn planned() -> Self {
        let mut story = Self::new();
        let task = story.claimed().key();
        story.after(indexed(task, 65));
        assert_eq!(story.film.segments.len(), 2);
        story
    }

    fn with_all_segments() -> Self {
        let mut story = Self::planned();
        for _ in 0..story.film.segments.len() {
            let task = story.claimed().key();
            assert_eq!(story.after(Event::SegmentDone { task, digest: digest(task) }), []);
        }
        assert_eq!(story.film.job.phase, Phase::Join);
        story
    }
}

#[test]
fn a_job_goes_from_index_to_done() {
    let mut story = Story::with_all_segments();
    let task = story.claimed().key();
    story.after(Event::Joined { task, bytes: 9 });
    assert_eq!((story.film.job.phase, story.film.job.result_bytes), (Phase::Publish, Some(9)));
    let task = story.claimed().key();
    assert_eq!(story.after(Event::Published { task }), [Effect::Ended]);
    assert_eq!(story.film.job.status, Status::Done);
    assert_eq!(story.after(Event::Retry), [Effect::Refused(Refusal::WrongStatus)]);
}

#[test]
fn a_stale_attempt_changes_nothing() {
    let mut story = Story::planned();
    let old = story.claimed().key();
    story.after(Event::Release { worker: None });
    let new = story.claimed().key();
    assert_eq!(new.segment, old.segment);
    let stale = story.after(Event::SegmentDone { task: old, digest: digest(old) });
    assert_eq!(stale, [Effect::Refused(Refusal::Stale)]);
    story.after(Event::SegmentDone { task: new, digest: digest(new) });
    assert_eq!(story.film.segments[0].digest, Some(digest(new)));
}

#[test]
fn an_attempt_of_an_old_plan_does_not_fit_the_new_one() {
    let mut story = Story::planned();
    let old = story.claimed().key();
    let other = story.claimed().key();
    let effects = story.after(Event::Failed { task: other, failure: failure(FailureKind::FramesDiffer) });
    assert_eq!(effects, [Effect::DropSegments]);
    let task = story.claimed();
    assert!(matches!(task, Task::Index { method: IndexMethod::Decode, .. }), "{task:?}");
    story.after(indexed(task.key(), 65));
    let new = story.claimed().key();
    assert!(new.epoch > old.epoch);
    let stale = story.after(Event::SegmentDone { task: old, digest: digest(old) });
    assert_eq!(stale, [Effect::Refused(Refusal::Stale)]);
}

#[test]
fn three_failed_attempts_end_the_job_and_a_retry_keeps_what_is_finished() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::SegmentDone { task, digest: digest(task) });
    for attempt in 0..ATTEMPTS {
        let task = story.claimed().key();
        story.after(Event::Failed { task, failure: failure(FailureKind::Transient) });
        if attempt + 1 < ATTEMPTS {
            story.now = story.now.plus(BACKOFF[attempt as usize] - 1);
            assert_eq!(story.after(claim()), [Effect::Refused(Refusal::NothingToDo)], "no pause");
            story.now = story.now.plus(longest_pause(attempt));
        }
    }
    let Status::Failed { reason } = &story.film.job.status else { panic!("{:?}", story.film.job.status) };
    assert_eq!(reason.text, "gave up after 3 attempts at frames 30-64: because");
    story.after(Event::Retry);
    assert_eq!(story.film.job.frames_done(), 30);
    assert!(matches!(story.claimed(), Task::Segment { index: 1, .. }));
}

#[test]
fn pauses_repeat_and_differ_among_jobs() {
    let pause_of = |number: i64| {
        let mut story = Story::planned();
        story.film.job.id = JobId(number);
        let task = story.claimed().key();
        story.after(Event::Failed { task, failure: failure(FailureKind::Transient) });
        story.film.segments[0].work.not_before
    };
    let pauses: std::collections::HashSet<Millis> = (0..100).map(pause_of).collect();
    assert!(pauses.len() > 50, "{pauses:?}");
    assert!(pauses.iter().all(|pause| (BACKOFF[0]..=longest_pause(0)).contains(&pause.0)), "{pauses:?}");
    assert_eq!(pause_of(7), pause_of(7));
}

#[test]
fn a_job_that_is_given_up_keeps_what_is_known_of_the_attempts() {
    let mut story = Story::planned();
    let other = story.claimed().key();
    let death =
        |number: i32| Death { signal: Some(number), last_lines: vec!["ouch".to_owned()], ..Death::default() };
    for attempt in 0..ATTEMPTS {
        let task = story.claimed().key();
        assert_eq!(task.segment, Some(1));
        let message = format!("died {attempt}");
        story.after(Event::WorkerLost { task, message, death: death(attempt as i32) });
        if attempt == 0 {
            // What went wrong at another segment is not why this one is given up.
            story.after(Event::WorkerLost { task: other, message: String::new(), death: death(9) });
        }
        story.now = story.now.plus(longest_pause(1));
        if attempt == 0 {
            assert_eq!(story.claimed().key().segment, Some(0));
        }
    }
    assert_eq!(story.film.job.status.name(), "failed");
    let attempts = &story.film.job.failed_attempts;
    assert_eq!(attempts.len(), ATTEMPTS as usize);
    for (number, attempt) in (0_i32..).zip(attempts) {
        assert_eq!(attempt.frames, Some(SegmentRange { first: 30, end: 65 }));
        assert_eq!((attempt.segment, attempt.death.as_ref()), (Some(1), Some(&death(number))));
        assert_eq!(attempt.message, format!("died {number}"));
    }
    story.after(Event::Retry);
    assert_eq!(story.film.job.failed_attempts, []);
}

#[test]
fn a_failed_attempt_is_forgotten_when_the_work_is_finished() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::Failed { task, failure: failure(FailureKind::Transient) });
    assert_eq!(story.film.job.failed_attempts.len(), 1);
    story.now = story.now.plus(longest_pause(0));
    let task = story.claimed().key();
    story.after(Event::SegmentDone { task, digest: digest(task) });
    assert_eq!(story.film.job.failed_attempts, []);
}

#[test]
fn a_paused_job_keeps_what_is_under_way_and_gets_nothing_new() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::Pause);
    assert_eq!(story.film.job.status, Status::Paused);
    assert_eq!(story.after(claim()), [Effect::Refused(Refusal::WrongStatus)]);
    assert!(!story.film.has_work(story.now));
    story.after(Event::SegmentDone { task, digest: digest(task) });
    assert_eq!((story.film.job.status.name(), story.film.job.frames_done()), ("paused", 30));
    assert_eq!(story.after(Event::Pause), [Effect::Refused(Refusal::WrongStatus)]);
    story.after(Event::Resume);
    assert_eq!(story.film.job.status, Status::Queued);
    assert!(matches!(story.claimed(), Task::Segment { index: 1, .. }));
    story.after(Event::Pause);
    story.after(Event::Resume);
    assert_eq!(story.film.job.status, Status::Running);
}

#[test]
fn a_full_disk_does_not_let_a_paused_job_go_on_by_itself() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::Pause);
    story.after(Event::Failed { task, failure: failure(FailureKind::NoSpace { needed: 77 }) });
    assert_eq!(story.after(Event::WaitOver), [Effect::Refused(Refusal::WrongStatus)]);
    assert_eq!(story.film.job.status, Status::Paused);
}

#[test]
fn a_job_is_as_urgent_as_a_person_says_until_it_ends() {
    let mut story = Story::new();
    assert_eq!(story.film.job.priority, Priority::Normal);
    story.after(Event::Prioritize(Priority::High));
    assert_eq!(story.film.job.priority, Priority::High);
    story.after(Event::Cancel);
    assert_eq!(story.after(Event::Prioritize(Priority::Low)), [Effect::Refused(Refusal::WrongStatus)]);
    assert_eq!(story.film.job.priority, Priority::High);
}

#[test]
fn a_source_that_was_compared_has_its_new_stamp_unless_another_one_was_indexed() {
    let content = |blake3: &str, stamp: &str| Content { blake3: blake3.to_owned(), stamp: stamp.to_owned() };
    let mut story = Story::planned();
    let known = |story: &Story| story.film.job.facts.as_ref().unwrap().content.clone();
    // Of an earlier version.
    assert_eq!(story.after(Event::Compared(content("a", "2"))), [Effect::Refused(Refusal::Stale)]);
    story.film.job.facts.as_mut().unwrap().content = Some(content("a", "1"));
    story.after(Event::Compared(content("a", "2")));
    assert_eq!(known(&story), Some(content("a", "2")));
    assert_eq!(story.after(Event::Compared(content("b", "3"))), [Effect::Refused(Refusal::Stale)]);
    assert_eq!(known(&story), Some(content("a", "2")));
}

#[test]
fn segments_that_are_found_count_and_their_names_are_not_used_again() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::Release { worker: None });
    let ranges: Vec<SegmentRange> = story.film.segments.iter().map(|segment| segment.range).collect();
    let of = |index: u32, epoch: u32, range: SegmentRange| RecoveredSegment {
        index,
        epoch,
        finished: Some((range, digest(TaskKey { segment: Some(index), epoch }))),
    };
    // One of a plan with other segments, and one that the plan does not have.
    story.after(Event::Recovered { segments: vec![of(0, 9, ranges[1]), of(7, 1, ranges[0])] });
    assert_eq!((story.film.job.frames_done(), story.film.segments[0].work.epoch), (0, 9));
    story.after(Event::Recovered { segments: vec![of(0, task.epoch, ranges[0])] });
    assert_eq!((story.film.job.frames_done(), story.film.segments[0].work.epoch), (30, 9));
    let running = story.claimed().key();
    assert_eq!(running.segment, Some(1));
    let before = story.film.clone();
    story.after(Event::Recovered { segments: vec![of(1, 50, ranges[1]), of(0, 50, ranges[0])] });
    assert_eq!(story.film, before, "a worker has it");
    story.after(Event::Release { worker: None });
    story.after(Event::Recovered { segments: vec![of(1, running.epoch, ranges[1])] });
    assert!(matches!(story.claimed(), Task::Join { .. }));
    let late = Event::SegmentDone { task: running, digest: digest(running) };
    assert_eq!(story.after(late), [Effect::Refused(Refusal::Stale)]);
}

#[test]
fn a_full_disk_makes_the_job_wait() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::Failed { task, failure: failure(FailureKind::NoSpace { needed: 77 }) });
    assert_eq!(story.film.job.status, Status::WaitingForSpace { bytes: 77 });
    assert_eq!(story.after(claim()), [Effect::Refused(Refusal::WrongStatus)]);
    story.after(Event::WaitOver);
    assert!(matches!(story.claimed(), Task::Segment { index: 0, .. }));
    assert_eq!(story.film.segments[0].work.attempts, 0);
}

#[test]
fn a_folder_that_is_away_makes_the_job_wait() {
    let mut story = Story::planned();
    for _ in 0..2 * ATTEMPTS {
        let task = story.claimed().key();
        story.after(Event::Failed { task, failure: failure(FailureKind::FolderAway) });
        assert!(matches!(story.film.job.status, Status::WaitingForFolder { .. }));
        assert_eq!(story.after(claim()), [Effect::Refused(Refusal::WrongStatus)]);
        story.after(Event::WaitOver);
    }
    assert!(story.film.job.failed_attempts.is_empty());
    story.after(Event::Pause);
    story.after(Event::Resume);
    assert!(matches!(story.claimed(), Task::Segment { index: 0, .. }));
}

#[test]
fn only_a_new_job_is_known_to_be_done() {
    let mut story = Story::new();
    story.after(Event::Known { bytes: 7 });
    assert_eq!((&story.film.job.status, story.film.job.result_bytes), (&Status::Done, Some(7)));
    let mut begun = Story::planned();
    assert_eq!(begun.after(Event::Known { bytes: 7 }), [Effect::Refused(Refusal::WrongStatus)]);
}

#[test]
fn what_has_failed_can_be_given_up() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::Failed { task, failure: failure(FailureKind::Final) });
    assert_eq!(story.after(Event::Cancel), [Effect::Ended]);
    assert_eq!((&story.film.job.status, story.film.job.plan.is_none()), (&Status::Canceled, true));
    assert_eq!(story.after(Event::Cancel), [Effect::Refused(Refusal::WrongStatus)]);
}

#[test]
fn only_damaged_segments_are_made_again() {
    let mut story = Story::with_all_segments();
    let task = story.claimed().key();
    story.after(Event::Failed { task, failure: failure(FailureKind::SegmentsDamaged { indices: vec![1] }) });
    let task = story.claimed();
    assert!(matches!(task, Task::Segment { index: 1, .. }), "{task:?}");
    let task = task.key();
    story.after(Event::SegmentDone { task, digest: digest(task) });
    assert!(matches!(story.claimed(), Task::Join { .. }));
}

#[test]
fn a_lost_frame_list_is_made_again_but_not_for_ever() {
    let mut story = Story::planned();
    for attempt in 1..=ATTEMPTS {
        let task = story.claimed().key();
        let effects = story.after(Event::Failed { task, failure: failure(FailureKind::FrameListLost) });
        if attempt == ATTEMPTS {
            assert_eq!(effects, [Effect::Ended]);
            break;
        }
        assert_eq!(effects, [Effect::DropSegments]);
        let task = story.claimed();
        assert!(matches!(task, Task::Index { method: IndexMethod::Demux, .. }), "{task:?}");
        story.after(indexed(task.key(), 65));
    }
    assert!(matches!(story.film.job.status, Status::Failed { .. }));
}

#[test]
fn stopping_on_purpose_counts_no_attempt() {
    let mut story = Story::planned();
    for _ in 0..10 {
        story.claimed();
        story.after(Event::Release { worker: None });
        assert_eq!(story.film.job.status, Status::Queued);
    }
    assert_eq!(story.film.segments[0].work.attempts, 0);
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let mut story = Story::planned();
    let task = story.claimed().key();
    story.after(Event::Failed { task, failure: failure(FailureKind::Transient) });
    story.now = story.now.plus(-3_600_000);
    assert!(matches!(story.claimed(), Task::Segment { index: 0, .. }));
}

/// Lets the second segment fail as often as an encoder may.
fn fail_with_encoder(story: &mut Story) {
    for attempt in 0..ATTEMPTS {
        let task = story.claimed().key();
        assert_eq!(task.segment, Some(1));
        story.after(Event::Failed { task, failure: failure(FailureKind::Encoder) });
        story.now = story.now.plus(longest_pause(attempt.min(1)));
    }
}

#[test]
fn another_encoder_takes_over_once() {
    for (encoders, keeps) in [(["h264_nvenc", "libx264"], true), (["hevc_nvenc", "libx265"], false)] {
        let mut story = Story::planned();
        story.film.job.facts.as_mut().unwrap().encodings = encoders.map(encoding).to_vec();
        let task = story.claimed().key();
        story.after(Event::SegmentDone { task, digest: digest(task) });
        fail_with_encoder(&mut story);
        let facts = story.film.job.facts.clone().unwrap();
        assert_eq!(facts.encodings, [encoding(encoders[1])]);
        assert_eq!(facts.replaced, [encoding(encoders[0])]);
        assert_eq!(story.film.segments[0].digest.is_some(), keeps);
        if !keeps {
            let task = story.claimed().key();
            story.after(Event::SegmentDone { task, digest: digest(task) });
        }
        // There is no third one.
        fail_with_encoder(&mut story);
        assert!(matches!(story.film.job.status, Status::Failed { .. }), "{:?}", story.film.job);
    }
}

#[test]
fn a_video_without_frames_fails_with_a_reason() {
    let mut story = Story::new();
    let task = story.claimed().key();
    let empty = Plan { width: 2, height: 2, encoder_threads: 1, segments: 0 };
    story.after(Event::Indexed { task, facts: Box::new(facts(0)), plan: empty, segments: Vec::new() });
    assert!(matches!(story.film.job.status, Status::Failed { .. }));
}

/// One move of the storm. Numbers pick among the attempts given out so far, so that late and doubled answers occur.
#[derive(Debug, Clone)]
enum Move {
    Claim(u8),
    Renew(u8),
    Release(Option<u8>),
    Wait(i64),
    Finish(usize),
    Fail(usize, FailureKind),
    /// Number, epoch and use of a segment's file: none, of this plan, of another.
    Find(u32, u32, u8),
    ResultLost(usize),
    Lose(usize),
    WaitOver,
    Pause,
    Resume,
    Cancel,
    Retry,
}

fn any_move() -> impl Strategy<Value = Move> {
    let kind = prop_oneof![
        4 => Just(FailureKind::Transient),
        4 => Just(FailureKind::Encoder),
        1 => Just(FailureKind::Final),
        1 => Just(FailureKind::FramesDiffer),
        1 => Just(FailureKind::FrameListLost),
        2 => Just(FailureKind::NoSpace { needed: 5 }),
        1 => Just(FailureKind::FolderAway),
        2 => prop::collection::vec(0_u32..4, 0..3).prop_map(|indices| FailureKind::SegmentsDamaged { indices }),
    ];
    prop_oneof![
        12 => (0_u8..3).prop_map(Move::Claim),
        2 => (0_u8..3).prop_map(Move::Renew),
        1 => prop::option::of(0_u8..3).prop_map(Move::Release),
        3 => (0_i64..20_000).prop_map(Move::Wait),
        1 => (-DAY..DAY).prop_map(Move::Wait),
        12 => any::<usize>().prop_map(Move::Finish),
        3 => (any::<usize>(), kind).prop_map(|(pick, kind)| Move::Fail(pick, kind)),
        1 => any::<usize>().prop_map(Move::ResultLost),
        1 => any::<usize>().prop_map(Move::Lose),
        2 => (0_u32..3, 0_u32..12, 0_u8..3).prop_map(|(index, epoch, usage)| Move::Find(index, epoch, usage)),
        2 => Just(Move::WaitOver),
        1 => Just(Move::Pause),
        2 => Just(Move::Resume),
        1 => Just(Move::Cancel),
        2 => Just(Move::Retry),
    ]
}

/// What segments amount to, counted one by one.
fn totals(segments: &[Segment]) -> Totals {
    let mut totals = Totals::NONE;
    for segment in segments {
        totals.running += u32::from(segment.work.state != WorkState::Pending);
        if let Some(digest) = &segment.digest {
            totals.add(segment.range, digest);
        }
    }
    totals
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(schedules()))]
    #[test]
    fn no_schedule_breaks_the_rules(moves in prop::collection::vec(any_move(), 1..120)) {
        let mut story = Story::new();
        let mut given: Vec<(Phase, Task)> = Vec::new();
        for one in moves {
            let before = story.film.clone();
            let pick = |pick: usize| (!given.is_empty()).then(|| given[pick % given.len()].clone());
            let event = match one.clone() {
                Move::Claim(worker) => Some(Event::Claim { worker: worker.to_string(), lease_milliseconds: LEASE }),
                Move::Renew(worker) => Some(Event::Renew { worker: worker.to_string(), lease_milliseconds: LEASE }),
                Move::Release(worker) => Some(Event::Release { worker: worker.map(|worker| worker.to_string()) }),
                Move::Wait(milliseconds) => {
                    story.now = story.now.plus(milliseconds);
                    None
                }
                Move::Finish(index) => pick(index).map(|(_, task)| {
                    let key = task.key();
                    match task {
                        Task::Index { .. } => indexed(key, 65),
                        Task::Segment { .. } => Event::SegmentDone { task: key, digest: digest(key) },
                        Task::Join { .. } => Event::Joined { task: key, bytes: 1 },
                        Task::Publish { .. } => Event::Published { task: key },
                    }
                }),
                Move::Fail(index, kind) => {
                    pick(index).map(|(_, task)| Event::Failed { task: task.key(), failure: failure(kind) })
                }
                Move::Find(index, epoch, usage) => {
                    let planned = story.film.segments.get(index as usize).map(|segment| segment.range);
                    let range = planned.filter(|_| usage == 1).unwrap_or(SegmentRange { first: 1, end: 2 });
                    let digest = digest(TaskKey { segment: Some(index), epoch });
                    let finished = (usage > 0).then_some((range, digest));
                    Some(Event::Recovered { segments: vec![RecoveredSegment { index, epoch, finished }] })
                }
                Move::ResultLost(index) => pick(index).map(|(_, task)| Event::ResultLost { task: task.key() }),
                Move::Lose(index) => pick(index).map(|(_, task)| {
                    let (task, message) = (task.key(), "it died".to_owned());
                    Event::WorkerLost { task, message, death: Death::default() }
                }),
                Move::WaitOver => Some(Event::WaitOver),
                Move::Pause => Some(Event::Pause),
                Move::Resume => Some(Event::Resume),
                Move::Cancel => Some(Event::Cancel),
                Move::Retry => Some(Event::Retry),
            };
            let Some(event) = event else { continue };
            let (is_retry, is_resume) = (event == Event::Retry, event == Event::Resume);
            let is_cancel = event == Event::Cancel;
            let is_claim = matches!(event, Event::Claim { .. });
            let effects = story.after(event);
            let InMemory { job, segments } = &story.film;

            // What is final stays so, but for a retry of what did not succeed, and giving up what has failed.
            let has_failed = matches!(before.job.status, Status::Failed { .. });
            let may_change = (is_retry && before.job.status != Status::Done) || (is_cancel && has_failed);
            if before.job.status.is_final() && !may_change {
                prop_assert_eq!(&story.film, &before);
            }
            // A refusal changes nothing.
            if matches!(effects.as_slice(), [Effect::Refused(_)]) {
                prop_assert_eq!(&story.film, &before);
            }
            // An attempt is given out once: no two with the same name.
            if let [Effect::Granted(task)] = effects.as_slice() {
                let known = given.iter().any(|(phase, other)| *phase == before.job.phase && other.key() == task.key());
                prop_assert!(!known, "given out twice: {task:?}");
                given.push((before.job.phase, task.clone()));
            }
            if is_claim {
                let is_granted = matches!(effects.as_slice(), [Effect::Granted(_)]);
                prop_assert_eq!(before.has_work(story.now), is_granted);
            }
            // A paused job goes on when a person says so, or comes to its end.
            if before.job.status == Status::Paused && !is_resume {
                prop_assert!(job.status == Status::Paused || job.status.is_final(), "{job:?}");
            }
            // What is finished has no failed attempts.
            for attempt in &job.failed_attempts {
                let is_finished = |index: u32| segments.get(index as usize).is_none_or(|s| s.digest.is_some());
                prop_assert!(job.status != Status::Done && !attempt.segment.is_some_and(is_finished), "{job:?}");
            }
            // What is recovered takes nothing away from a worker.
            if let Move::Find(_, _, usage) = one {
                prop_assert!(usage == 1 || job.frames_done() == before.job.frames_done());
                for (old, new) in before.segments.iter().zip(segments) {
                    let is_free = old.digest.is_none() && old.work.state == WorkState::Pending;
                    prop_assert!(is_free || old == new, "{old:?} {new:?}");
                    prop_assert!(new.work.epoch >= old.work.epoch);
                }
            }
            // What the job says of its segments is what they say.
            let is_done = job.status == Status::Done;
            prop_assert!(is_done || job.totals == totals(segments), "{job:?}");
            let epochs = segments.iter().map(|segment| segment.work.epoch).chain([job.work.epoch]);
            prop_assert!(epochs.max() <= Some(job.highest_epoch), "{job:?}");
            prop_assert_eq!(segments.len(), if is_done { 0 } else { job.segments() as usize });
            // Finished and running exclude each other; a result needs all segments.
            for segment in segments {
                prop_assert!(segment.digest.is_none() || segment.work.state == WorkState::Pending);
            }
            let complete = job.segments() > 0 && job.totals.finished == job.segments();
            if matches!(job.phase, Phase::Join | Phase::Publish) || job.status == Status::Done {
                prop_assert!(complete, "{job:?}");
            }
            // No worker is at a job that has ended.
            if job.status.is_final() {
                prop_assert!(segments.iter().all(|segment| segment.work.state == WorkState::Pending));
                prop_assert!(job.work.state == WorkState::Pending);
            }
        }

        // Whatever happened, the next start brings the job to an end, with a patient worker.
        story.after(Event::Release { worker: None });
        if story.film.job.status.is_final() {
            story.after(Event::Retry);
        }
        for _ in 0..100 {
            story.now = story.now.plus(20_000);
            story.after(Event::WaitOver);
            story.after(Event::Resume);
            if story.film.job.status.is_final() {
                break;
            }
            if let [Effect::Granted(task)] = story.after(claim()).as_slice() {
                let key = task.key();
                let event = match task {
                    Task::Index { .. } => indexed(key, 65),
                    Task::Segment { .. } => Event::SegmentDone { task: key, digest: digest(key) },
                    Task::Join { .. } => Event::Joined { task: key, bytes: 1 },
                    Task::Publish { .. } => Event::Published { task: key },
                };
                story.after(event);
            }
        }
        prop_assert!(story.film.job.status.is_final(), "stuck: {:?}", story.film);
    }
}
