//! How far a job is, for people: the progress bar, the log and `status.json`, by which nothing is ever decided.

use std::borrow::Cow;
use std::time::Instant;

use job::state::{FailedAttempt, Job, Phase, Status};
use job::{Cropped, FilePath, JobId, Millis, Notice, Priority, SegmentRange};
use ledger::Record;
use protocol::report::ReuseReport;
use serde::{Deserialize, Serialize};
use storage::Bytes;

use crate::printed;
use crate::progress::{Left, Progress};

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// Its number.
    pub id: JobId,
    /// The source.
    #[serde(with = "printed::path")]
    pub source: FilePath,
    /// The bytes of the source's path, where that is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_path_bytes: Option<Vec<u8>>,
    /// The result, once its name is known.
    #[serde(with = "printed::path_if_known")]
    pub result: Option<FilePath>,
    /// The bytes of the result's path, where that is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_path_bytes: Option<Vec<u8>>,
    /// When it was taken in.
    #[serde(with = "printed::time")]
    pub added: Millis,
    /// When the work on it began for the first time.
    #[serde(with = "printed::time_if_known")]
    pub started: Option<Millis>,
    /// When it came to its end.
    #[serde(with = "printed::time_if_known")]
    pub ended: Option<Millis>,
    /// Seconds that it was worked on, without the time that it waited or was paused; until it last changed, where it is worked on.
    /// Unknown before, and for jobs that began under an earlier version.
    #[serde(default)]
    pub seconds_taken: Option<f64>,
    /// Low, normal or high.
    pub priority: Priority,
    /// Queued, running, waiting for space, waiting for folder, paused, done, failed, canceled.
    pub status: Cow<'static, str>,
    /// Why it failed or what it waits for.
    pub reason: Option<Notice>,
    /// What is known of the failed attempts: those that ended the job, once it has failed.
    pub failed_attempts: Vec<FailedAttempt>,
    /// Bytes that must be free for it to go on, while it waits for them.
    pub bytes_needed: Option<u64>,
    /// Which part of the work is under way.
    pub phase: Phase,
    /// Name of the model.
    pub model: String,
    /// Size of the source's pictures, `WIDTHxHEIGHT`; known after indexing.
    pub source_size: Option<String>,
    /// Which part of the film is made, where that is not all of it: from when on and up to before when, `00:01:00-00:02:00`, or
    /// `end` for the second time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What is left of the source's pictures where something is cut off, `WIDTH:HEIGHT:LEFT:TOP`.
    pub crop: Option<String>,
    /// Size of the result's pictures.
    pub result_size: Option<String>,
    /// Frames of the source; known after indexing.
    pub frames: Option<u32>,
    /// Frames that were read so far, while the source is indexed.
    pub frames_read: Option<u32>,
    /// Frames that are finished: those of finished segments and those under way.
    pub frames_done: u64,
    /// Segments of the plan.
    pub segments: u32,
    /// Segments that are finished.
    pub segments_done: u32,
    /// Frames a second in this run.
    pub frames_per_second: Option<f64>,
    /// Seconds until the result is there, while it is worked on.
    pub seconds_left: Option<f64>,
    /// Seconds since a frame came, where these are many more than usual: how long it takes cannot be told.
    #[serde(default)]
    pub stalled_seconds: Option<f64>,
    /// Seconds that its work takes once it has its turn, while it waits, by how fast jobs of its model went.
    #[serde(default)]
    pub seconds_needed: Option<f64>,
    /// Bytes of video made so far.
    pub bytes: u64,
    /// The engine in use, in words.
    pub engine: Option<String>,
    /// What was not computed, in finished segments.
    pub reuse: ReuseReport,
    /// Frames that are missing in the source and filled with the picture before: the first of each run, and the one
    /// after its last.
    pub filled: Vec<SegmentRange>,
    /// What else people should know.
    pub notes: Vec<Notice>,
}

/// A time as RFC 3339 has it, in UTC and whole seconds: `2026-11-28T14:05:12Z`.
pub fn rfc3339(time: Millis) -> String {
    let time = jiff::Timestamp::from_second(time.0.div_euclid(1000)).unwrap_or_default();
    time.to_string()
}

/// The bytes of a path that is not UTF-8, and so is shown with other characters in the place of some.
pub fn bytes_of_no_text(path: &FilePath) -> Option<Vec<u8>> {
    path.to_str().is_none().then(|| path.as_bytes().to_vec())
}

impl JobReport {
    /// The same with complete sentences, which `words` makes of notices.
    #[must_use]
    pub fn in_words(mut self, words: impl Fn(&Notice) -> String) -> Self {
        for notice in self.reason.iter_mut().chain(&mut self.notes) {
            *notice = words(notice).into();
        }
        self
    }
}

fn reuse_of(job: &Job) -> ReuseReport {
    let totals = &job.totals;
    let of_frame = job.facts.as_ref().map_or(0, |facts| u64::from(facts.width) * u64::from(facts.height));
    let pixels = totals.frames.saturating_mul(of_frame).max(1);
    ReuseReport {
        frames: totals.frames,
        repeats: totals.frames_reused,
        pixels: totals.pixels_reused as f64 / pixels as f64,
    }
}

/// Why a job failed or what it waits for, where its status does not say all.
pub fn reason(status: &Status) -> Option<Notice> {
    match status {
        Status::Failed { reason } => Some(reason.clone()),
        Status::WaitingForSpace { bytes } => {
            Some(format!("{} must be free on the disk of the output folder", Bytes(*bytes)).into())
        }
        Status::WaitingForFolder { reason } => {
            Some(format!("{reason}; the job goes on by itself when it is back").into())
        }
        _ => None,
    }
}

impl JobReport {
    /// What the ledger alone knows of a job.
    pub fn of(record: &Record) -> Self {
        Progress::default().report(record)
    }

    /// Takes paths that are no text from the bytes beside them, after the report has come as JSON.
    pub(crate) fn restore_paths(&mut self) {
        if let Some(bytes) = &self.source_path_bytes {
            self.source = FilePath::from_bytes(bytes.clone());
        }
        if let Some(bytes) = &self.result_path_bytes {
            self.result = Some(FilePath::from_bytes(bytes.clone()));
        }
    }
}

impl Progress {
    /// How far the job is.
    pub fn report(&self, record: &Record) -> JobReport {
        let job = &record.job;
        let (frames, bytes) = self.under_way();
        let total = job.facts.as_ref().map(|facts| facts.frames);
        let frames_done = job.frames_done() + frames;
        let Left { seconds, stalled } = self.left(job, Instant::now());
        let running = job.status == Status::Running && job.phase == Phase::Segments;
        let bytes_needed = match job.status {
            Status::WaitingForSpace { bytes } => Some(bytes),
            _ => None,
        };
        JobReport {
            id: record.id,
            source_path_bytes: bytes_of_no_text(&record.request.source),
            source: record.request.source.clone(),
            result_path_bytes: record.request.result.as_ref().and_then(bytes_of_no_text),
            result: record.request.result.clone(),
            added: record.created,
            started: record.started,
            ended: record.job.status.is_final().then_some(record.changed),
            seconds_taken: record.seconds_worked(record.changed),
            priority: job.priority,
            status: job.status.name().into(),
            reason: reason(&job.status),
            failed_attempts: job.failed_attempts.clone(),
            bytes_needed,
            phase: job.phase,
            model: record.model().to_owned(),
            source_size: job.facts.as_ref().map(|facts| match facts.crop {
                Some(Cropped { from_width, from_height, .. }) => format!("{from_width}x{from_height}"),
                None => format!("{}x{}", facts.width, facts.height),
            }),
            part: record.request.settings.part.map(|part| part.to_string()),
            crop: job.facts.as_ref().and_then(|facts| facts.crop).map(|cropped| cropped.kept.to_string()),
            result_size: job.plan.as_ref().map(|plan| format!("{}x{}", plan.width, plan.height)),
            frames: total,
            frames_read: Some(self.frames_read()).filter(|&read| job.phase == Phase::Index && read > 0),
            frames_done,
            segments: job.segments(),
            segments_done: job.totals.finished,
            frames_per_second: self.frames_per_second().filter(|_| running),
            seconds_left: seconds,
            stalled_seconds: stalled,
            seconds_needed: None,
            bytes: job.totals.bytes.saturating_add(bytes),
            engine: self.engine.clone(),
            reuse: reuse_of(job),
            filled: job.facts.as_ref().map(|facts| facts.missing.clone()).unwrap_or_default(),
            notes: job.facts.as_ref().map(|facts| facts.notes.clone()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(Millis(1_795_874_712_999)), "2026-11-28T14:05:12Z");
        assert_eq!(rfc3339(Millis(-1)), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn only_a_path_that_is_no_text_has_its_bytes_beside_it() {
        assert_eq!(bytes_of_no_text(&"ü.mp4".into()), None);
        assert_eq!(bytes_of_no_text(&FilePath::from_bytes(vec![b'a', 0xff])), Some(vec![b'a', 0xff]));
    }
}
