//! `show`: all about jobs.

use coordinator::JobDetails;
use coordinator::commands::{Reply, Request, Which};
use job::{Encoding, Model, Settings};
use serde::Serialize;
use storage::Bytes;

use super::list::Told;
use super::unexpected;
use crate::cli::Show;
use crate::clock::Clock;
use crate::exit::Ending;
use crate::output;
use crate::reach::ask;
use crate::remedies;
use crate::root::Root;
use crate::terminal;
use crate::wrap::hang;

pub(super) async fn run(show: Show) -> anyhow::Result<Ending> {
    let request = Request::Show(Which::Named(show.jobs));
    let Reply::Shown(jobs) = ask(&Root::new(&show.root.root)?, request).await? else {
        return Err(unexpected());
    };
    let (clock, columns) = (Clock::system(), terminal::columns(&std::io::stdout()));
    for (number, job) in jobs.iter().enumerate() {
        if show.json {
            output::json(&Shown::of(job))?;
            continue;
        }
        let gap = (number > 0).then(String::new);
        output::lines(gap.into_iter().chain(details(job, &clock, columns)))?;
    }
    Ok(Ending::Done)
}

/// All about a job, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    told: Told<'a>,
    /// What became of the subtitle files beside the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle_files: Option<&'a coordinator::SubtitleFiles>,
    /// Bytes of its segments and of the result that is being made.
    disk_held: u64,
}

impl<'a> Shown<'a> {
    fn of(job: &'a JobDetails) -> Self {
        Self {
            told: Told::of(&job.view),
            subtitle_files: job.subtitle_files.as_ref(),
            disk_held: job.disk_held,
        }
    }
}

/// Its lines, in so many columns.
fn details(job: &JobDetails, clock: &Clock, columns: Option<usize>) -> Vec<String> {
    let (report, held) = (&job.view.report, job.disk_held);
    let mut lines = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.extend(hang(&format!("{name:<12}"), &output::one_line(&value), columns));
        }
    };
    let settings = &job.settings;
    add("job", Some(report.id.to_string()));
    add("status", Some(job.view.doing.to_string()));
    add("reason", report.reason.as_ref().map(remedies::sentence));
    add("priority", Some(report.priority.name().to_owned()));
    add("source", Some(output::path(&report.source)));
    add("result", report.result.as_deref().map(output::path));
    add("part", report.part.clone());
    let model = if settings.model == Model::None { "none (no network)" } else { &report.model };
    add("model", Some(model.to_owned()));
    add("denoise", (settings.denoise < 1.0).then(|| settings.denoise.to_string()));
    add(
        "size",
        report
            .source_size
            .clone()
            .zip(report.result_size.clone())
            .map(|(from, to)| format!("{from} -> {to}")),
    );
    add("crop", report.crop.clone());
    add("codec", job.codec.clone());
    add("duration", job.seconds.map(output::duration));
    add(
        "frames",
        match (report.frames, report.frames_read) {
            (Some(frames), _) => {
                let percent = job.view.percent().map(|percent| format!(", {percent} %")).unwrap_or_default();
                Some(format!("{} of {frames}{percent}", report.frames_done))
            }
            (None, read) => read.map(|read| format!("{read} read so far")),
        },
    );
    add(
        "segments",
        (report.segments > 0).then(|| format!("{} of {}", report.segments_done, report.segments)),
    );
    add("speed", report.frames_per_second.map(|speed| format!("{speed:.2} fps")));
    add("time left", output::time_left(report));
    add("added", Some(clock.long(report.added)));
    add("started", report.started.map(|time| clock.long(time)));
    add("ended", report.ended.map(|time| clock.long(time)));
    add("worked", report.seconds_taken.map(output::duration));
    add("engine", report.engine.clone());
    add("encoder", job.encoding.as_ref().and_then(|encoding| encoder(settings, encoding)));
    add("reuse", report.reuse.in_words());
    let keeps = report.ended.is_none() || held > 0;
    add("folder", keeps.then(|| output::path(&job.folder)));
    add("disk held", (held > 0).then(|| Bytes(held).to_string()));
    let along = job.subtitle_files.as_ref();
    for name in along.into_iter().flat_map(|files| &files.taken) {
        add("subtitles", Some(name.clone()));
    }
    let of_files = along.into_iter().flat_map(|files| files.notes.iter().cloned());
    for note in report.notes.iter().map(remedies::sentence).chain(of_files) {
        add("note", Some(note));
    }
    // An only attempt without a death has nothing to tell beyond the reason.
    let is_telling = report.failed_attempts.iter().any(|attempt| attempt.death.is_some())
        || report.failed_attempts.len() > 1;
    for (number, attempt) in (1..).zip(report.failed_attempts.iter().filter(|_| is_telling)) {
        let frames = attempt.frames.map(|range| format!("frames {}-{}: ", range.first, range.end - 1));
        let attempt_name = format!("attempt {number}");
        add(&attempt_name, Some(format!("{}{}", frames.unwrap_or_default(), attempt.message)));
        for line in attempt.death.iter().flat_map(|death| &death.last_lines) {
            add("", Some(line.clone()));
        }
    }
    lines
}

/// How the video is encoded, in words.
fn encoder(settings: &Settings, encoding: &Encoding) -> Option<String> {
    let about = encoding.about()?;
    let (crf, preset) = settings.quality(about);
    let quality = about.crf.as_ref().map_or_else(String::new, |_| format!(", quality {crf}"));
    let preset = if preset.is_empty() { String::new() } else { format!(", preset {preset}") };
    Some(format!("{}, {}{quality}{preset}", encoding.encoder, encoding.pixel_format))
}

#[cfg(test)]
mod tests {
    use job::state::{Death, FailedAttempt, Status};
    use job::{Notice, Remedy};

    use super::*;
    use crate::made_up::{self, NOW, WIDTHS, compare};

    #[test]
    fn jobs_look_as_they_were_recorded() {
        let mut running = made_up::running(4);
        running.request.folder = "/nonexistent/film 4.mkv.job".into();
        let stream = "video stream 0 (h264 1280x720) is upscaled, of 2: stream 1 is copied as it is";
        let notes =
            vec![Notice::new(stream, Remedy::OtherStream), "HDR was brought to BT.709 with 8 bits".into()];
        running.job.facts.as_mut().unwrap().notes = notes;
        let mut failed = made_up::failed(2, "the worker died three times: see its last words below", 50);
        let death = Death {
            exit_code: None,
            signal: Some(11),
            last_lines: vec!["frame 7".to_owned(), "a\u{202e}b".to_owned()],
        };
        failed.job.failed_attempts = vec![FailedAttempt {
            at: NOW,
            segment: Some(1),
            epoch: 1,
            frames: Some(job::SegmentRange { first: 250, end: 500 }),
            message: "the worker process ended: it crashed (signal 11)".to_owned(),
            death: Some(death),
        }];
        let mut shown = String::new();
        let jobs =
            [running, failed, made_up::to_join(5), made_up::queued(6), made_up::ended(7, Status::Done, 15)];
        for (columns, title) in WIDTHS {
            for record in &jobs {
                let job = JobDetails { disk_held: 5_000_000, ..JobDetails::of(record, NOW) };
                let lines = details(&job, &Clock::fixed(NOW), columns);
                shown.extend([
                    format!("--- job {}, {title}\n", record.id),
                    lines.join("\n"),
                    "\n".to_owned(),
                ]);
            }
        }
        compare("show.txt", &shown);
    }
}
