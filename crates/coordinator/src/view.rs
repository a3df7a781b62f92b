//! What people are told of a job: what the ledger knows, what its server says of it now, and what is on the disk.

use std::borrow::Cow;
use std::path::Path;

use job::state::{Phase, Status};
use job::{Encoding, FilePath, Millis, NewJob, Settings};
use ledger::{Record, SeenFile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::names::report_of;
use crate::status::JobReport;
use crate::task::unpublished_result;

/// The largest file that is read.
const LARGEST: u64 = 4 << 20;
/// Longest name of an engine, in characters. A worker can write to the file that it comes from.
const LONGEST_ENGINE: usize = 200;

/// A job as a list has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// How far it is.
    pub report: JobReport,
    /// What happens to it, in words.
    pub doing: Cow<'static, str>,
    /// It is done and its result is not where it was put.
    pub result_gone: bool,
}

/// All about a job that people may want to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobDetails {
    /// What a list has of it.
    pub view: JobView,
    /// What was chosen for it.
    pub settings: Settings,
    /// The folder of its unfinished work.
    pub folder: FilePath,
    /// Name of the source's video codec; known after indexing.
    pub codec: Option<String>,
    /// Length of the source in seconds; known after indexing.
    pub seconds: Option<f64>,
    /// The encoder; known after indexing.
    pub encoding: Option<Encoding>,
    /// What became of the subtitle files beside the source, as the report beside the result says.
    pub subtitle_files: Option<SubtitleFiles>,
    /// Bytes of its finished segments and of its result as long as that has no name, while they are kept.
    pub disk_held: u64,
}

/// Subtitle files that lay beside a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleFiles {
    /// Names of those that are beside the result.
    pub taken: Vec<String>,
    /// Why others are not.
    pub notes: Vec<String>,
}

/// A file in the input folder that is no job yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The file.
    pub path: FilePath,
    /// Its bytes.
    pub size: u64,
    /// When its content last changed.
    pub modified: Millis,
    /// When it was first seen.
    pub since: Millis,
    /// What it waits for, in words.
    pub reason: String,
}

impl From<SeenFile> for Seen {
    fn from(SeenFile { path, size, modified, since, reason }: SeenFile) -> Self {
        Self { path, size, modified, since, reason }
    }
}

impl JobView {
    /// What is to be told of a job now. Reads small files of its.
    pub fn of(record: &Record, now: Millis) -> Self {
        let mut report = JobReport { seconds_taken: record.seconds_worked(now), ..JobReport::of(record) };
        let leased = Leased::of(record, now);
        if leased == Leased::Held
            && let Some(said) = Said::of(record)
        {
            said.add_to(&mut report);
        }
        let result = record.request.result.as_ref();
        let result_gone = record.job.status == Status::Done
            && result.is_some_and(|result| {
                // A link or a pipe in its place is not what was made.
                !result.symlink_metadata().is_ok_and(|found| found.is_file())
            });
        let doing = doing(&record.job.status, record.job.phase, leased, result_gone).into();
        Self { report, doing, result_gone }
    }

    /// Share of the frames that are finished, in percent.
    pub fn percent(&self) -> Option<u64> {
        let frames = self.report.frames.filter(|&frames| frames > 0)?;
        Some(self.report.frames_done * 100 / u64::from(frames))
    }
}

impl JobDetails {
    /// All that is to be told of a job now. Reads small files of its.
    pub fn of(record: &Record, now: Millis) -> Self {
        let mut view = JobView::of(record, now);
        let facts = record.job.facts.as_ref();
        Self {
            subtitle_files: add_report(&mut view.report),
            settings: record.request.settings.clone(),
            folder: record.request.folder.clone(),
            codec: facts.map(|facts| facts.codec.clone()),
            seconds: facts.map(|facts| facts.seconds),
            encoding: facts.and_then(|facts| facts.encodings.first().cloned()),
            disk_held: disk_held(record),
            view,
        }
    }
}

/// Adds what the report beside the result says and the ledger has no place for; gives what became of subtitle files.
fn add_report(report: &mut JobReport) -> Option<SubtitleFiles> {
    #[derive(Deserialize)]
    struct Report {
        engine: Option<String>,
        subtitle_files: Option<SubtitleFiles>,
    }
    let result = report.result.as_deref().filter(|_| report.status == "done")?;
    let (said, _) = read::<Report>(&report_of(result))?;
    let engine = said.engine.map(|engine| job::cut_line(&engine, LONGEST_ENGINE));
    report.engine = report.engine.take().or(engine);
    said.subtitle_files
}

/// Bytes that a job holds on the disk. The ledger knows those of its segments; of a result that is being made only the file itself
/// tells. What else lies in the folder is small beside them, and working files have no names.
fn disk_held(record: &Record) -> u64 {
    let NewJob { folder, .. } = &record.request;
    // The totals of a job stay when its folder goes.
    if matches!(record.job.status, Status::Done | Status::Canceled) || !folder.is_dir() {
        return 0;
    }
    let has_result = matches!(record.job.phase, Phase::Join | Phase::Publish);
    let result = has_result.then(|| unpublished_result(record).symlink_metadata().ok()).flatten();
    record.job.totals.bytes.saturating_add(result.map_or(0, |result| result.len()))
}

/// Whether workers have the right to pieces of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leased {
    /// None has, as between two pieces.
    No,
    /// One had, and gave no sign of life for longer than a lease lasts.
    Expired,
    /// One has, and so lives as far as can be told.
    Held,
}

impl Leased {
    fn of(record: &Record, now: Millis) -> Self {
        match record.job.is_worked_on() {
            false => Self::No,
            true if record.job.lease_until > now => Self::Held,
            true => Self::Expired,
        }
    }
}

const fn doing(status: &Status, phase: Phase, leased: Leased, result_gone: bool) -> &'static str {
    match (status, phase) {
        (Status::Running, _) if matches!(leased, Leased::Expired) => "interrupted",
        (Status::Running, _) if matches!(leased, Leased::No) => "queued",
        (Status::Running, Phase::Index) => "reading",
        (Status::Running, Phase::Segments) => "upscaling",
        (Status::Running, Phase::Join) => "joining",
        (Status::Running, Phase::Publish) => "publishing",
        (Status::Queued, Phase::Join) => "queued to join",
        (Status::Queued, Phase::Publish) => "queued to publish",
        (Status::Paused, _) if matches!(leased, Leased::Held) => "pausing",
        (Status::Done, _) if result_gone => "done, result gone",
        (status, _) => status.name(),
    }
}

/// What the server says in the job's folder of the work under way. The ledger has no place for it, and nothing is decided
/// by it.
#[derive(Debug, Deserialize)]
struct Said {
    id: i64,
    frames_done: u64,
    frames_read: Option<u32>,
    frames_per_second: Option<f64>,
    seconds_left: Option<f64>,
    #[serde(default)]
    stalled_seconds: Option<f64>,
    bytes: u64,
    engine: Option<String>,
    /// How old it is.
    #[serde(skip)]
    age: f64,
}

impl Said {
    fn of(record: &Record) -> Option<Self> {
        let (said, age): (Self, f64) = read(&record.request.folder.join("status.json"))?;
        (said.id == record.id.0).then_some(Self { age, ..said })
    }

    fn add_to(self, report: &mut JobReport) {
        report.frames_read = report.frames_read.or(self.frames_read.filter(|_| report.phase == Phase::Index));
        let said = self.engine.map(|engine| job::cut_line(&engine, LONGEST_ENGINE));
        report.engine = report.engine.take().or(said);
        let most = u64::from(report.frames.unwrap_or(0));
        report.frames_done = report.frames_done.max(self.frames_done.min(most));
        report.bytes = report.bytes.max(self.bytes);
        let is_sound = |number: &f64| number.is_finite() && *number >= 0.0;
        if report.phase == Phase::Segments {
            report.frames_per_second = self.frames_per_second.filter(is_sound);
            report.stalled_seconds = self.stalled_seconds.filter(is_sound).map(|stalled| stalled + self.age);
        }
        report.seconds_left = self.seconds_left.filter(is_sound).map(|left| (left - self.age).max(0.0));
    }
}

/// What a file of JSON says, and how many seconds ago it was written; `None` where there is no such file, or it is none of ours.
fn read<T: DeserializeOwned>(path: &Path) -> Option<(T, f64)> {
    let bytes = storage::read_workers_file(path, LARGEST).ok()??;
    let modified = path.symlink_metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| modified.elapsed().ok());
    Some((serde_json::from_slice(&bytes).ok()?, age.unwrap_or_default().as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::queued;

    #[test]
    fn what_a_job_holds_is_told_without_a_look_at_every_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = queued(1);
        record.request.folder = folder.path().join("a.job").into();
        (record.job.status, record.job.phase) = (Status::Running, Phase::Segments);
        record.job.totals.bytes = 700;
        // It was removed by hand.
        assert_eq!(disk_held(&record), 0);
        std::fs::create_dir(&*record.request.folder).unwrap();
        std::fs::write(record.request.folder.join("unknown"), [0; 99]).unwrap();
        assert_eq!(disk_held(&record), 700);
        std::fs::write(unpublished_result(&record), [0; 50]).unwrap();
        record.job.phase = Phase::Join;
        assert_eq!(disk_held(&record), 750);
        let failed = Status::Failed { reason: "no".into() };
        for (status, held) in [(failed, 750), (Status::Done, 0), (Status::Canceled, 0)] {
            record.job.status = status;
            assert_eq!(disk_held(&record), held, "{:?}", record.job.status);
        }
    }

    #[test]
    fn what_happens_to_a_job_is_said() {
        for (status, phase, leased, gone, wanted) in [
            (Status::Running, Phase::Index, Leased::Held, false, "reading"),
            (Status::Running, Phase::Segments, Leased::Held, false, "upscaling"),
            (Status::Running, Phase::Join, Leased::Held, false, "joining"),
            (Status::Running, Phase::Publish, Leased::Held, false, "publishing"),
            (Status::Running, Phase::Segments, Leased::Expired, false, "interrupted"),
            (Status::Running, Phase::Segments, Leased::No, false, "queued"),
            (Status::Queued, Phase::Segments, Leased::No, false, "queued"),
            (Status::Queued, Phase::Join, Leased::No, false, "queued to join"),
            (Status::Paused, Phase::Segments, Leased::Held, false, "pausing"),
            (Status::Paused, Phase::Segments, Leased::No, false, "paused"),
            (Status::Done, Phase::Publish, Leased::No, false, "done"),
            (Status::Done, Phase::Publish, Leased::No, true, "done, result gone"),
        ] {
            assert_eq!(doing(&status, phase, leased, gone), wanted, "{status:?} {phase:?}");
        }
    }
}
