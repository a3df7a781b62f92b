//! `list`, `show`, `cancel`, `retry`, `pause`, `resume`, `priority`, `move`: what a person sees and changes in the ledger,
//! whether a server runs or not.

use std::cmp::Reverse;

use anyhow::ensure;
use coordinator::{JobReport, now};
use job::state::{Effect, Event};
use job::{JobId, Settings, SourceFacts};
use ledger::{Place, Record};

use crate::cli::{Chosen, Listing, Move, Show, Urgency};
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

pub(super) async fn list(listing: Listing) -> anyhow::Result<Ending> {
    let ledger = Root::new(&listing.root.root)?.open_existing_ledger().await?;
    let mut records = ledger.list().await?;
    // What has come to its end, and then what is to be done in the order in which it will be.
    records.sort_by_key(|Record { job, place, .. }| {
        (!job.status.is_final()).then_some((Reverse(job.priority), *place))
    });
    if !listing.json && records.is_empty() {
        output::say("no jobs yet");
    }
    for record in &records {
        let report = JobReport::of(record);
        if listing.json {
            output::json(&report)?;
        } else {
            output::data(&line(&report));
        }
    }
    Ok(Ending::Done)
}

pub(super) async fn show(show: Show) -> anyhow::Result<Ending> {
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

pub(super) async fn cancel(chosen: Chosen) -> anyhow::Result<Ending> {
    change(chosen, &Event::Cancel, "canceled", "has come to its end already").await
}

pub(super) async fn retry(chosen: Chosen) -> anyhow::Result<Ending> {
    change(chosen, &Event::Retry, "queued again", "has not failed and was not canceled").await
}

pub(super) async fn pause(chosen: Chosen) -> anyhow::Result<Ending> {
    change(chosen, &Event::Pause, "paused", "cannot be paused").await
}

pub(super) async fn resume(chosen: Chosen) -> anyhow::Result<Ending> {
    change(chosen, &Event::Resume, "let go on", "is not paused").await
}

pub(super) async fn prioritize(urgency: Urgency) -> anyhow::Result<Ending> {
    let done = format!("of {} priority now", urgency.to.name());
    let event = Event::Prioritize(urgency.to);
    change(urgency.chosen, &event, &done, "has come to its end already").await
}

pub(super) async fn set_place(moving: Move) -> anyhow::Result<Ending> {
    let ledger = Root::new(&moving.root.root)?.open_existing_ledger().await?;
    let get = async |id: i64| {
        let id = JobId(id);
        let record = ledger.get(id).await?.ok_or(ledger::Error::NoJob(id))?;
        let status = &record.job.status;
        ensure!(!status.is_final(), "job {id} has come to its end already: it is {}", status.name());
        Ok(record)
    };
    let record = get(moving.id).await?;
    let (id, priority) = (record.id, record.job.priority.name());
    let place = if let Some(other) = moving.to.before {
        let other = get(other).await?;
        ensure!(
            other.job.priority == record.job.priority,
            "job {id} is of {priority} priority and job {} of {}: make them the same with `upscaled priority` first",
            other.id,
            other.job.priority.name()
        );
        Place::Before(other.id)
    } else if moving.to.first {
        Place::First
    } else {
        Place::Last
    };
    ledger.set_place(id, place).await?;
    let place = match place {
        Place::First => "first".to_owned(),
        Place::Before(other) => format!("before job {other}"),
        Place::Last => "last".to_owned(),
    };
    output::say(&format!("job {id} comes {place} among the jobs of {priority} priority"));
    Ok(Ending::Done)
}

async fn change(chosen: Chosen, event: &Event, done: &str, refused: &str) -> anyhow::Result<Ending> {
    let ledger = Root::new(&chosen.root.root)?.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    for id in chosen.ids.into_iter().map(JobId) {
        match ledger.apply(id, event.clone(), now()).await {
            Ok(applied) if matches!(applied.effects.as_slice(), [Effect::Refused(_)]) => {
                output::error(&format!("job {id} {refused}: it is {}", applied.record.job.status.name()));
                ending = Ending::Failed;
            }
            Ok(_) => output::say(&format!("job {id} is {done}")),
            Err(error) => {
                output::error(&error.to_string());
                ending = Ending::Failed;
            }
        }
    }
    Ok(ending)
}

fn line(report: &JobReport) -> String {
    let progress = match report.frames {
        Some(frames) if frames > 0 => format!("{:3} %", report.frames_done * 100 / u64::from(frames)),
        _ => "  -  ".to_owned(),
    };
    let reason = report.reason.as_ref().map(|reason| format!("  ({reason})")).unwrap_or_default();
    let (id, priority) = (report.id.0, report.priority.name());
    format!(
        "{id:>4}  {priority:<6}  {:<17}  {progress}  {}{reason}",
        report.status,
        output::path(&report.source)
    )
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
