//! What the API says of jobs: its own types, so that what programs read does not change when the inside does.

use coordinator::{JobDetails, JobReport, JobView, Seen, rfc3339};
use job::state::{FailedAttempt, Phase};
use job::{FilePath, Priority};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Says what the user can do about something, in the words of the command line.
pub(crate) type Words = fn(job::Remedy) -> String;

/// A sentence for people, and what they can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Notice {
    /// What is so.
    text: String,
    /// What to do about it; null where that is in the text, or nothing is to be done.
    remedy: Option<Remedy>,
}

/// What the user can do about something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Remedy {
    /// One of few words that never change, for programs.
    #[schema(example = "fill_gaps")]
    code: String,
    /// The same in the words of the command line.
    words: String,
}

impl Notice {
    pub(crate) fn new(notice: &job::Notice, words: Words) -> Self {
        let remedy = |remedy: job::Remedy| Remedy { code: code(remedy), words: words(remedy) };
        Self { text: notice.text.clone(), remedy: notice.remedy.map(remedy) }
    }
}

/// The name of a remedy, without what it names.
fn code(remedy: job::Remedy) -> String {
    match serde_json::to_value(remedy) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(named)) => {
            named.into_iter().next().map(|(name, _)| name).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Priority)]
pub(crate) enum PriorityName {
    /// Only when no other waits, but for a twentieth of the turns.
    Low,
    /// The usual one.
    Normal,
    /// Before the others.
    High,
}

impl From<Priority> for PriorityName {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
        }
    }
}

impl From<PriorityName> for Priority {
    fn from(priority: PriorityName) -> Self {
        match priority {
            PriorityName::Low => Self::Low,
            PriorityName::Normal => Self::Normal,
            PriorityName::High => Self::High,
        }
    }
}

/// A part of the work on a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Phase)]
pub(crate) enum PhaseName {
    /// The source is read, and the segments are planned.
    Index,
    /// Segments are made.
    Segments,
    /// The segments are joined, and the result is checked.
    Join,
    /// The result gets its name.
    Publish,
}

impl From<Phase> for PhaseName {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Index => Self::Index,
            Phase::Segments => Self::Segments,
            Phase::Join => Self::Join,
            Phase::Publish => Self::Publish,
        }
    }
}

/// How far the work on a job is: what changes from second to second.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Progress {
    /// The number of the job.
    id: i64,
    /// Queued, running, waiting for space, waiting for folder, paused, done, failed or canceled.
    status: String,
    /// The part of the work that is under way or comes next.
    phase: PhaseName,
    /// Frames of the source; known after it was read.
    frames: Option<u32>,
    /// Frames that were read so far, while the source is read.
    frames_read: Option<u32>,
    /// Frames that are finished, and those of segments under way.
    frames_done: u64,
    /// Segments of the plan; 0 before there is one.
    segments: u32,
    /// Segments that are finished.
    segments_done: u32,
    /// Frames a second, over what this run of the server made.
    frames_per_second: Option<f64>,
    /// Seconds until the result is there, while it is worked on; null while nothing is known of jobs like it, and while it has
    /// stalled.
    seconds_left: Option<f64>,
    /// Seconds since a frame came, where these are many more than usual.
    stalled_seconds: Option<f64>,
    /// Bytes of video made so far.
    bytes: u64,
    /// The engine in use.
    engine: Option<String>,
}

impl Progress {
    pub(crate) fn new(report: &JobReport) -> Self {
        Self {
            id: report.id.0,
            status: report.status.to_string(),
            phase: report.phase.into(),
            frames: report.frames,
            frames_read: report.frames_read,
            frames_done: report.frames_done,
            segments: report.segments,
            segments_done: report.segments_done,
            frames_per_second: report.frames_per_second,
            seconds_left: report.seconds_left,
            stalled_seconds: report.stalled_seconds,
            bytes: report.bytes,
            engine: report.engine.clone(),
        }
    }
}

/// A job as a list has it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Job {
    #[serde(flatten)]
    progress: Progress,
    /// What happens to it, in a word or two: as the status, but finer.
    doing: String,
    /// The source, as an absolute path.
    source: String,
    /// The file name of the source.
    name: String,
    /// The result, as an absolute path; known once the segments are joined.
    result: Option<String>,
    /// It is done, and its result is not where it was put.
    result_gone: bool,
    /// Why it failed, or what it waits for.
    reason: Option<Notice>,
    /// Bytes that must be free for it to go on, while it waits for them.
    bytes_needed: Option<u64>,
    /// Seconds that its work takes once it has its turn, while it waits; null while nothing is known of jobs like it.
    seconds_needed: Option<f64>,
    /// How urgent it is.
    priority: PriorityName,
    /// The model.
    model: String,
    /// Size of the source's pictures.
    #[schema(example = "640x272")]
    source_size: Option<String>,
    /// Size of the result's pictures.
    #[schema(example = "2560x1088")]
    result_size: Option<String>,
    /// Which part of the film is made, where that is not all of it.
    #[schema(example = "00:01:00-00:02:00")]
    part: Option<String>,
    /// What is left of the source's pictures where something is cut off: `WIDTH:HEIGHT:LEFT:TOP`.
    crop: Option<String>,
    /// Finished frames that are repeats of the frame before, and were not computed again.
    reused_frames: u64,
    /// Share of the pixels of finished frames that were not computed again, from 0 to 1.
    reused_pixels: f64,
    /// When it was taken in.
    #[schema(format = DateTime)]
    added: String,
    /// When the work on it began for the first time.
    #[schema(format = DateTime)]
    started: Option<String>,
    /// When it came to its end.
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// Seconds that it was worked on so far, without the time that it waited or was paused; null before, and for jobs that began under an
    /// earlier version.
    seconds_taken: Option<f64>,
    /// Attempts that failed.
    failed_attempts: usize,
    /// What else people should know.
    notes: Vec<Notice>,
}

impl Job {
    pub(crate) fn new(view: &JobView, words: Words) -> Self {
        let report = &view.report;
        let name = report.source.file_name().unwrap_or(report.source.as_os_str());
        Self {
            progress: Progress::new(report),
            doing: view.doing.to_string(),
            source: text(&report.source),
            name: name.to_string_lossy().into_owned(),
            result: report.result.as_ref().map(text),
            result_gone: view.result_gone,
            reason: report.reason.as_ref().map(|reason| Notice::new(reason, words)),
            bytes_needed: report.bytes_needed,
            seconds_needed: report.seconds_needed,
            priority: report.priority.into(),
            model: report.model.clone(),
            source_size: report.source_size.clone(),
            result_size: report.result_size.clone(),
            part: report.part.clone(),
            crop: report.crop.clone(),
            reused_frames: report.reuse.repeats,
            reused_pixels: report.reuse.pixels,
            added: rfc3339(report.added),
            started: report.started.map(rfc3339),
            ended: report.ended.map(rfc3339),
            seconds_taken: report.seconds_taken,
            failed_attempts: report.failed_attempts.len(),
            notes: report.notes.iter().map(|note| Notice::new(note, words)).collect(),
        }
    }
}

/// All about a job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Details {
    #[serde(flatten)]
    job: Job,
    /// What was chosen for it.
    #[schema(value_type = Object)]
    settings: serde_json::Value,
    /// The folder of its unfinished work.
    work_folder: String,
    /// Bytes in that folder.
    disk_held: u64,
    /// The source's video codec; known after the source was read.
    codec: Option<String>,
    /// Length of the source in seconds; known after the source was read.
    seconds: Option<f64>,
    /// The encoder; known after the source was read.
    encoder: Option<String>,
    /// Subtitle files beside the source that are beside the result now.
    subtitle_files: Vec<String>,
    /// The attempts that failed, the oldest first.
    attempts: Vec<Attempt>,
}

impl Details {
    pub(crate) fn new(details: &JobDetails, words: Words) -> Self {
        let attempts = &details.view.report.failed_attempts;
        Self {
            job: Job::new(&details.view, words),
            settings: serde_json::to_value(&details.settings).unwrap_or_default(),
            work_folder: text(&details.folder),
            disk_held: details.disk_held,
            codec: details.codec.clone(),
            seconds: details.seconds,
            encoder: details.encoding.as_ref().map(|encoding| encoding.encoder.clone()),
            subtitle_files: details.subtitle_files.iter().flat_map(|files| files.taken.clone()).collect(),
            attempts: attempts.iter().map(Attempt::new).collect(),
        }
    }
}

/// An attempt at a piece of a job's work that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Attempt {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// The segment; null for what is no segment.
    segment: Option<u32>,
    /// Its first frame.
    first_frame: Option<u32>,
    /// The frame after its last.
    end_frame: Option<u32>,
    /// Why, in a sentence.
    reason: String,
    /// The signal that ended the worker.
    signal: Option<i32>,
    /// The code that the worker exited with.
    exit_code: Option<i32>,
    /// The last lines that the worker wrote.
    last_lines: Vec<String>,
}

impl Attempt {
    fn new(attempt: &FailedAttempt) -> Self {
        let death = attempt.death.as_ref();
        Self {
            at: rfc3339(attempt.at),
            segment: attempt.segment,
            first_frame: attempt.frames.map(|frames| frames.first),
            end_frame: attempt.frames.map(|frames| frames.end),
            reason: attempt.message.clone(),
            signal: death.and_then(|death| death.signal),
            exit_code: death.and_then(|death| death.exit_code),
            last_lines: death.map(|death| death.last_lines.clone()).unwrap_or_default(),
        }
    }
}

/// A file in the input folder that is no job yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct File {
    /// The file, as an absolute path.
    path: String,
    /// Its bytes.
    size: u64,
    /// When its content last changed.
    #[schema(format = DateTime)]
    modified: String,
    /// When the server first saw it.
    #[schema(format = DateTime)]
    since: String,
    /// What it waits for.
    reason: String,
}

impl File {
    pub(crate) fn new(file: &Seen) -> Self {
        Self {
            path: text(&file.path),
            size: file.size,
            modified: rfc3339(file.modified),
            since: rfc3339(file.since),
            reason: file.reason.clone(),
        }
    }
}

fn text(path: &FilePath) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use job::{Container, Setting};

    use super::*;

    #[test]
    fn a_remedy_has_a_code_without_what_it_names() {
        for (remedy, name) in [
            (job::Remedy::FillGaps, "fill_gaps"),
            (job::Remedy::Container(Container::Mp4), "container"),
            (job::Remedy::LeaveOutEither(Setting::Crf, Setting::Preset), "leave_out_either"),
        ] {
            assert_eq!(code(remedy), name);
        }
    }
}
