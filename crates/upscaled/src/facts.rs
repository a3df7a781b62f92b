//! What people are told of a job: what the ledger knows, what its server says of it now, and what is on the disk.

use std::path::Path;

use coordinator::JobReport;
use job::Millis;
use job::state::{Phase, Status};
use ledger::Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest file that is read.
const LARGEST: u64 = 4 << 20;
/// Longest name of an engine, in characters. A worker can write to the file that it comes from.
const LONGEST_ENGINE: usize = 200;

/// All about a job that people may want to know.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Facts {
    #[serde(flatten)]
    pub(crate) report: JobReport,
    /// What happens to it, in words.
    pub(crate) doing: &'static str,
    /// It is done and its result is not where it was put.
    pub(crate) result_gone: bool,
    /// What became of the subtitle files beside the source, as the report beside the result says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subtitle_files: Option<SubtitleFiles>,
    /// It is worked on now.
    #[serde(skip)]
    pub(crate) is_active: bool,
}

/// Subtitle files that lay beside a source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SubtitleFiles {
    /// Names of those that are beside the result.
    pub(crate) taken: Vec<String>,
    /// Why others are not.
    pub(crate) notes: Vec<String>,
}

impl Facts {
    pub(crate) fn of(record: &Record, now: Millis) -> Self {
        let mut report = JobReport::of(record);
        let is_held = is_held(record, now);
        let is_running = record.job.status == Status::Running;
        if is_held && let Some(said) = Said::of(record) {
            said.add_to(&mut report);
        }
        let result = record.request.result.as_ref();
        let result_gone = record.job.status == Status::Done
            && result.is_some_and(|result| result.symlink_metadata().is_err());
        Self {
            doing: doing(&record.job.status, record.job.phase, is_held, result_gone),
            report,
            result_gone,
            subtitle_files: None,
            is_active: is_held || is_running,
        }
    }

    /// Adds what the report beside the result says and the ledger has no place for.
    pub(crate) fn add_report(&mut self) {
        #[derive(Deserialize)]
        struct Report {
            engine: Option<String>,
            subtitle_files: Option<SubtitleFiles>,
        }
        let report = &mut self.report;
        if report.status == "done"
            && let Some(result) = report.result.as_deref()
            && let Some((said, _)) = read::<Report>(&coordinator::report_of(result))
        {
            let engine = said.engine.map(|engine| job::cut_line(&engine, LONGEST_ENGINE));
            report.engine = report.engine.take().or(engine);
            self.subtitle_files = said.subtitle_files;
        }
    }

    /// Share of the frames that are finished, in percent.
    pub(crate) fn percent(&self) -> Option<u64> {
        let frames = self.report.frames.filter(|&frames| frames > 0)?;
        Some(self.report.frames_done * 100 / u64::from(frames))
    }

    /// Seconds from its start to its end, or until now.
    pub(crate) fn seconds_taken(&self, now: Millis) -> Option<f64> {
        let until = self.report.ended.or(self.is_active.then_some(now))?;
        Some((until.0 - self.report.started?.0).max(0) as f64 / 1000.0)
    }
}

/// True while a worker has the right to a piece of the job, and so lives as far as can be told.
fn is_held(record: &Record, now: Millis) -> bool {
    record.job.is_worked_on() && record.job.lease_until > now
}

fn doing(status: &Status, phase: Phase, is_held: bool, result_gone: bool) -> &'static str {
    match (status, phase) {
        (Status::Running, _) if !is_held => "interrupted",
        (Status::Running, Phase::Index) => "reading",
        (Status::Running, Phase::Segments) => "upscaling",
        (Status::Running, Phase::Join) => "joining",
        (Status::Running, Phase::Publish) => "publishing",
        (Status::Queued, Phase::Join) => "queued to join",
        (Status::Queued, Phase::Publish) => "queued to publish",
        (Status::Paused, _) if is_held => "pausing",
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
        if report.phase == Phase::Segments {
            let is_sound = |number: &f64| number.is_finite() && *number >= 0.0;
            report.frames_per_second = self.frames_per_second.filter(is_sound);
            report.seconds_left = self.seconds_left.filter(is_sound).map(|left| (left - self.age).max(0.0));
        }
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

    #[test]
    fn what_happens_to_a_job_is_said() {
        for (status, phase, is_held, gone, wanted) in [
            (Status::Running, Phase::Index, true, false, "reading"),
            (Status::Running, Phase::Segments, true, false, "upscaling"),
            (Status::Running, Phase::Join, true, false, "joining"),
            (Status::Running, Phase::Publish, true, false, "publishing"),
            (Status::Running, Phase::Segments, false, false, "interrupted"),
            (Status::Queued, Phase::Segments, false, false, "queued"),
            (Status::Queued, Phase::Join, false, false, "queued to join"),
            (Status::Paused, Phase::Segments, true, false, "pausing"),
            (Status::Paused, Phase::Segments, false, false, "paused"),
            (Status::Done, Phase::Publish, false, false, "done"),
            (Status::Done, Phase::Publish, false, true, "done, result gone"),
        ] {
            assert_eq!(doing(&status, phase, is_held, gone), wanted, "{status:?} {phase:?}");
        }
    }

    #[test]
    fn what_the_server_says_of_the_work_under_way_is_read_as_far_as_it_makes_sense() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = crate::made_up::running(7);
        record.request.folder = folder.path().into();
        let file = folder.path().join("status.json");
        let facts = || Facts::of(&record, crate::made_up::NOW).report;
        let of_ledger = facts().frames_done;
        let said = |id, done: u64| {
            format!(
                r#"{{"id":{id},"frames_done":{done},"frames_read":null,"frames_per_second":2.5,"seconds_left":60,"bytes":9,"engine":"cpu"}}"#
            )
        };
        std::fs::write(&file, said(7, of_ledger + 5)).unwrap();
        let report = facts();
        assert_eq!((report.frames_done, report.frames_per_second), (of_ledger + 5, Some(2.5)));
        assert!(report.seconds_left.is_some_and(|left| (55.0..=60.0).contains(&left)), "{report:?}");
        assert_eq!(report.engine.as_deref(), Some("cpu"));
        // Another job's, or nothing that can be read.
        for useless in [said(8, 1), "{".to_owned(), String::new()] {
            std::fs::write(&file, useless).unwrap();
            let report = facts();
            assert_eq!((report.frames_done, report.frames_per_second), (of_ledger, None));
        }
        std::fs::write(&file, said(7, u64::MAX)).unwrap();
        assert_eq!(facts().frames_done, u64::from(facts().frames.unwrap()));
    }
}
