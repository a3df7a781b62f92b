//! The report that a job leaves beside its result: what went in, what came out, what was decided and what was checked.

use std::path::Path;

use job::Encoding;
use ledger::Record;
use protocol::report::{Encoder, LARGEST, Model, PROGRAM, Report, Side, Verified, is_report};
use storage::{read_users_file, read_workers_file};

use crate::clock::now;
use crate::names::report_of;
use crate::status::{JobReport, rfc3339};
use crate::subtitles::Along;

/// The report in a job's folder before the result has its name.
const NAME: &str = "report.json";
/// Writes the report into the job's folder. It is for people: that it cannot be written stops nothing.
pub(crate) fn keep(
    record: &Record,
    went: &JobReport,
    speed: Option<f64>,
    joined: &[String],
    verified: &Verified,
    bytes: u64,
) {
    let Some(facts) = &record.job.facts else { return };
    let settings = &record.request.settings;
    let encoding = facts.encodings.first();
    let about = encoding.and_then(Encoding::about);
    let quality = about.map(|about| settings.quality(about));
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let ended = now();
    let report = Report {
        program: PROGRAM,
        version: env!("CARGO_PKG_VERSION"),
        source: Side {
            path: path(&record.request.source),
            bytes: storage::Stamp::of(&record.request.source).map(|stamp| stamp.size).ok(),
            size: went.source_size.clone(),
            part: went.part.as_deref(),
            crop: went.crop.as_deref(),
            fingerprint: Some(&record.request.fingerprint),
            file: &verified.source,
        },
        result: Side {
            path: record.request.result.as_deref().map(path).unwrap_or_default(),
            bytes: Some(bytes),
            size: went.result_size.clone(),
            part: None,
            crop: None,
            fingerprint: None,
            file: &verified.result,
        },
        model: Model { name: settings.model.name(), checksum: verified.model.as_deref() },
        encoder: Encoder {
            encoding,
            quality: quality
                .as_ref()
                .filter(|_| about.is_some_and(|about| about.crf.is_some()))
                .map(|(crf, _)| *crf),
            preset: quality.map(|(_, preset)| preset).filter(|preset| !preset.is_empty()),
            refused: &facts.refused,
            replaced: &facts.replaced,
        },
        settings,
        settings_hash: settings.hash(),
        engine: went.engine.clone(),
        frames: went.frames,
        seconds_of_video: facts.seconds,
        added: rfc3339(record.created),
        started: record.started.map(rfc3339),
        ended: rfc3339(ended),
        seconds_taken: record.seconds_worked(ended),
        frames_per_second: speed,
        reuse: went.reuse,
        filled: &went.filled,
        notes: went.notes.iter().map(|note| note.text.clone()).chain(joined.iter().cloned()).collect(),
        checks: &verified.checks,
    };
    let written = serde_json::to_vec_pretty(&report).map_err(|error| error.to_string());
    let place = record.request.folder.join(NAME);
    let written =
        written.and_then(|bytes| storage::write_status(&place, &bytes).map_err(|error| error.to_string()));
    if let Err(error) = written {
        tracing::warn!("job {}: no report: {error}", record.id);
    }
}

/// Puts the report beside the result, with what the result took along, in place of an earlier report but of nothing else.
/// Gives the reason why it is not there.
pub(crate) fn leave(record: &Record, result: &Path, along: &Along) -> Option<String> {
    let bytes = read_workers_file(&record.request.folder.join(NAME), LARGEST).ok()??;
    let report = with_subtitles(String::from_utf8(bytes).ok()?, along);
    let place = report_of(result);
    if place.symlink_metadata().is_ok() && !is_there(&place) {
        return Some(format!(
            "there is no report beside the result: `{}` is no report and is left as it is",
            place.display()
        ));
    }
    let written = storage::write_status(&place, report.as_bytes()).err();
    written.map(|error| format!("there is no report beside the result: {error}"))
}

/// A report with what became of the subtitle files as its last entry; all else stays in its order, as it was written.
fn with_subtitles(report: String, along: &Along) -> String {
    let entry = serde_json::to_string(along).unwrap_or_default();
    match report.strip_suffix("\n}") {
        Some(entries) if *along != Along::default() => {
            format!("{entries},\n  \"subtitle_files\": {entry}\n}}")
        }
        _ => report,
    }
}

/// True for a file that says that this program wrote it as a report.
fn is_there(path: &Path) -> bool {
    read_users_file(path, LARGEST).ok().flatten().is_some_and(|bytes| is_report(&bytes))
}
