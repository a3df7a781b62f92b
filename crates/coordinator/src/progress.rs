//! What a run of the program knows of the work on a job beyond the ledger: the segments under way, how fast frames come, and when
//! the last one came.

use std::ops::Range;
use std::time::Instant;

use job::state::{Job, Phase, Status};
use job::{Film, SegmentRange, Speed, Work};
use ledger::Forecast;

/// A stretch of work that is measured on its own has so many seconds and frames at least.
const MEASURED: (f64, u32) = (10.0, 8);
/// Without a frame for so many times longer than usual, and than ever before, work has stalled; and not before so many seconds.
const STALLED: (f64, f64, f64) = (8.0, 2.0, 10.0);
/// How much the latest pause between two frames counts for the usual one.
const LATEST_PAUSE: f64 = 0.1;
/// An estimate for work that cannot be looked into holds until it took so many times longer.
const OVERDUE: f64 = 1.5;

/// What a run of the program knows of a job beyond the ledger.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The segments under way.
    current: Vec<UnderWay>,
    /// Frames of the source that were read, while it is indexed, or of the result, while it is joined.
    read: u32,
    /// When the work began that is not on segments.
    beside: Option<Instant>,
    /// The engine, in words.
    pub(crate) engine: Option<String>,
    /// Frames made in this run, and the seconds in which segments were under way.
    frames_made: u64,
    seconds: f64,
    /// How fast the work goes; `None` before it was asked for.
    speed: Option<Speed>,
    /// What was foreseen of the job before it was indexed.
    foreseen: Option<Forecast>,
    /// What was done since the speed learned last.
    stretch: Stretch,
    /// Up to when the time is counted.
    counted: Option<Instant>,
    pauses: Pauses,
}

/// A segment under way.
#[derive(Debug, Clone)]
struct UnderWay {
    /// The lane that makes it.
    lane: usize,
    range: SegmentRange,
    frames: u32,
    bytes: u64,
}

/// Work that was done, and the time that it took.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    work: Work,
    frames: u32,
    seconds: f64,
}

/// How long it usually takes until another frame comes.
#[derive(Debug, Clone, Copy, Default)]
struct Pauses {
    last: Option<Instant>,
    usual: Option<f64>,
    longest: f64,
}

impl Pauses {
    /// Frames came.
    fn end(&mut self, now: Instant) {
        if let Some(pause) = self.last.map(|last| since(last, now)) {
            self.usual = Some(self.usual.map_or(pause, |usual| usual + (pause - usual) * LATEST_PAUSE));
            self.longest = self.longest.max(pause);
        }
        self.last = Some(now);
    }

    /// Seconds without a frame, where these are many more than usual.
    fn stalled(&self, now: Instant) -> Option<f64> {
        let (pause, usual) = (since(self.last?, now), self.usual?);
        let (times, of_longest, least) = STALLED;
        (pause > least.max(usual * times).max(self.longest * of_longest)).then_some(pause)
    }
}

fn since(earlier: Instant, now: Instant) -> f64 {
    now.saturating_duration_since(earlier).as_secs_f64()
}

/// Seconds, as far as can be told, and without a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Left {
    /// Seconds until the result is there.
    pub(crate) seconds: Option<f64>,
    /// Seconds since a frame came, where work has stalled.
    pub(crate) stalled: Option<f64>,
}

impl Progress {
    /// True before it was said how fast work like this went before.
    pub(crate) const fn lacks_speed(&self) -> bool {
        self.speed.is_none()
    }

    /// Takes in how fast work like this went before, and what was foreseen of the job.
    pub(crate) fn begin_with(&mut self, speed: Speed, foreseen: Option<Forecast>) {
        (self.speed, self.foreseen) = (Some(speed), foreseen);
    }

    /// How fast the work goes, by all that was measured.
    pub(crate) fn speed(&self) -> Option<Speed> {
        let mut speed = self.speed.clone()?;
        speed.add(self.stretch.work, self.stretch.seconds);
        Some(speed)
    }

    /// A lane began work that is not on a segment.
    pub(crate) fn begin_beside(&mut self, now: Instant) {
        (self.read, self.beside) = (0, Some(now));
    }

    /// The work that is not on a segment is done: the speed learns how long it took.
    pub(crate) fn end_beside(&mut self, phase: Phase, after: &Job, now: Instant) {
        let Some(seconds) = self.beside.take().map(|began| since(began, now)) else { return };
        let Some(film) = Film::of(after) else { return };
        // What is known of the network, before it was indexed, is that of other jobs.
        let speed = self.speed.get_or_insert_with(|| Speed::usual(film.operations));
        if speed.operations() != film.operations {
            *speed = speed.of_next(film.operations);
        }
        match phase {
            Phase::Index => speed.add_reading(film.reading(film.frames.into()), seconds),
            Phase::Join => speed.add_join(film.join(), seconds),
            Phase::Segments | Phase::Publish => {}
        }
    }

    /// A lane began a segment.
    pub(crate) fn begin(&mut self, lane: usize, range: SegmentRange, now: Instant) {
        if self.current.is_empty() {
            // The time in which nothing was made does not count, and that until the first frame says how long a worker takes to start.
            self.counted = self.counted.map(|_| now);
            self.pauses.last = Some(now);
        }
        self.current.push(UnderWay { lane, range, frames: 0, bytes: 0 });
    }

    /// The segment of a lane has so many frames and bytes; where it makes none, so many frames of the source were read.
    pub(crate) fn advance(&mut self, lane: usize, (frames, bytes): (u32, u64), job: &Job, now: Instant) {
        let Some(under_way) = self.current.iter_mut().find(|under_way| under_way.lane == lane) else {
            self.read = frames;
            return;
        };
        let (before, range) = (under_way.frames, under_way.range);
        (under_way.frames, under_way.bytes) = (frames.min(range.frames()), bytes);
        let made = range.first + before..range.first + under_way.frames;
        self.count(made, job, now);
        self.pauses.end(now);
        let (seconds, frames) = MEASURED;
        if self.stretch.seconds >= seconds && self.stretch.frames >= frames {
            self.speed = self.speed();
            self.stretch = Stretch::default();
        }
    }

    /// The segment of a lane has ended; only a finished one counts for the speed. True where it learned something.
    pub(crate) fn end(&mut self, lane: usize, is_finished: bool, job: &Job, now: Instant) -> bool {
        let Some(place) = self.current.iter().position(|under_way| under_way.lane == lane) else {
            return false;
        };
        let UnderWay { range, frames, .. } = self.current.swap_remove(place);
        if is_finished {
            self.count(range.first + frames..range.end, job, now);
            self.pauses.end(now);
        } else {
            self.counted = self.counted.map(|_| now);
        }
        is_finished
    }

    /// Counts frames that were made.
    fn count(&mut self, made: Range<u32>, job: &Job, now: Instant) {
        let frames = made.end.saturating_sub(made.start);
        let Some(counted) = self.counted.replace(now) else { return };
        let seconds = since(counted, now);
        self.frames_made += u64::from(frames);
        self.seconds += seconds;
        self.stretch.seconds += seconds;
        self.stretch.frames += frames;
        if let Some(film) = Film::of(job) {
            self.stretch.work += film.segment(f64::from(made.start)..f64::from(made.end));
        }
    }

    /// Frames a second, of the segments of this run.
    pub(crate) fn frames_per_second(&self) -> Option<f64> {
        (self.seconds > 0.0 && self.frames_made > 0).then(|| self.frames_made as f64 / self.seconds)
    }

    /// Frames and bytes of the segments under way.
    pub(crate) fn under_way(&self) -> (u64, u64) {
        let each = self.current.iter().map(|under_way| (u64::from(under_way.frames), under_way.bytes));
        each.fold((0, 0), |(frames, bytes), (more, of)| (frames + more, bytes + of))
    }

    /// Frames of the source that were read.
    pub(crate) const fn frames_read(&self) -> u32 {
        self.read
    }

    /// True while segments are under way.
    pub(crate) fn makes_segments(&self) -> bool {
        !self.current.is_empty()
    }

    /// What is left of the job.
    pub(crate) fn left(&self, job: &Job, now: Instant) -> Left {
        if job.status != Status::Running {
            return Left::default();
        }
        let (Some(speed), film) = (self.speed(), Film::of(job)) else { return Left::default() };
        match (job.phase, film) {
            (Phase::Segments, Some(film)) => self.segments_left(&speed, &film, job, now),
            (Phase::Join, Some(film)) => {
                Left { seconds: self.beside_left(speed.seconds(film.join()), now), stalled: None }
            }
            (Phase::Index, _) => Left { seconds: self.index_left(&speed), stalled: None },
            _ => Left::default(),
        }
    }

    fn segments_left(&self, speed: &Speed, film: &Film<'_>, job: &Job, now: Instant) -> Left {
        if let Some(stalled) = self.pauses.stalled(now).filter(|_| self.makes_segments()) {
            return Left { seconds: None, stalled: Some(stalled) };
        }
        // Before, the little that was made is mostly the start of a worker.
        if job.totals.finished == 0 && !speed.is_known() {
            return Left::default();
        }
        let ranges: Vec<_> = self
            .current
            .iter()
            .map(|under_way| (under_way.range.first..under_way.range.end, under_way.frames))
            .collect();
        let made = film.segments_left(job.frames_done(), &ranges);
        let seconds = speed.seconds(made + film.join());
        // Until the next frame comes, the time runs; one that is late does not make the rest shorter.
        let usual = self.pauses.usual.unwrap_or(0.0);
        let ran = self.pauses.last.filter(|_| self.makes_segments()).map_or(0.0, |last| since(last, now));
        Left { seconds: seconds.map(|seconds| (seconds - ran.min(usual)).max(0.0)), stalled: None }
    }

    /// What is left of work that takes so many seconds and cannot be looked into.
    fn beside_left(&self, seconds: Option<f64>, now: Instant) -> Option<f64> {
        let (seconds, took) = (seconds?, since(self.beside?, now));
        (took <= seconds * OVERDUE).then_some((seconds - took).max(0.0))
    }

    /// What is left of a job that is indexed, where its head said how long it is.
    fn index_left(&self, speed: &Speed) -> Option<f64> {
        let foreseen = self.foreseen?;
        let share = 1.0 - (f64::from(self.read) / foreseen.frames.max(1.0)).min(1.0);
        let reading = Work { read: foreseen.work.read * share, ..foreseen.work };
        speed.seconds(reading)
    }
}

#[cfg(test)]
mod tests;
