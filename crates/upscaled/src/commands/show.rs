//! `show`: all about one job.

use coordinator::JobReport;
use job::{JobId, Settings, SourceFacts};
use ledger::Record;

use crate::cli::Show;
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

pub(super) async fn run(show: Show) -> anyhow::Result<Ending> {
    let ledger = Root::new(&show.root.root)?.open_existing_ledger().await?;
    let id = JobId(show.id);
    let record = ledger.get(id).await?.ok_or(ledger::Error::NoJob(id))?;
    if show.json {
        output::json(&JobReport::of(&record))?;
    } else {
        for line in details(&record) {
            output::data(&line);
        }
    }
    Ok(Ending::Done)
}

fn details(record: &Record) -> Vec<String> {
    let report = JobReport::of(record);
    let mut lines = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("{name:<12}{value}"));
        }
    };
    let settings = &record.request.settings;
    add("job", Some(report.id.to_string()));
    add("status", Some(report.status.to_owned()));
    add("reason", report.reason.clone());
    add("priority", Some(report.priority.name().to_owned()));
    add("source", Some(output::path(&report.source)));
    add("result", report.result.as_deref().map(output::path));
    add("model", Some(report.model.clone()));
    add("denoise", (settings.denoise < 1.0).then(|| settings.denoise.to_string()));
    add(
        "size",
        report
            .source_size
            .clone()
            .zip(report.result_size.clone())
            .map(|(from, to)| format!("{from} -> {to}")),
    );
    add("codec", record.job.facts.as_ref().map(|facts| facts.codec.clone()));
    add("duration", record.job.facts.as_ref().map(|facts| output::duration(facts.seconds)));
    add("frames", report.frames.map(|frames| format!("{} of {frames}", report.frames_done)));
    add(
        "segments",
        (report.segments > 0).then(|| format!("{} of {}", report.segments_done, report.segments)),
    );
    add("encoder", record.job.facts.as_ref().and_then(|facts| encoder(settings, facts)));
    add("reuse", report.reuse.in_words());
    add("folder", (!record.job.status.is_final()).then(|| output::path(&record.request.folder)));
    for note in &report.notes {
        add("note", Some(note.clone()));
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
fn encoder(settings: &Settings, facts: &SourceFacts) -> Option<String> {
    let encoding = facts.encodings.first()?;
    let about = encoding.about()?;
    let (crf, preset) = settings.quality(about);
    let quality = about.crf.as_ref().map_or_else(String::new, |_| format!(", quality {crf}"));
    let preset = if preset.is_empty() { String::new() } else { format!(", preset {preset}") };
    Some(format!("{}, {}{quality}{preset}", encoding.encoder, encoding.pixel_format))
}
