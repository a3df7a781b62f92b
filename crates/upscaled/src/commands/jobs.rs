//! `list`, `show`, `cancel`, `retry`, `pause`, `resume`, `priority`, `move`: what a person sees and changes in the ledger,
//! whether a server runs or not.

use std::cmp::Reverse;
use std::collections::HashMap;

use anyhow::ensure;
use coordinator::{JobReport, make_again, now};
use job::state::{Effect, Event, Status};
use job::{FilePath, JobId, Millis, Settings, SourceFacts};
use ledger::{Place, Record, SeenFile};
use serde::Serialize;

use crate::cli::{Chosen, Listing, Move, Show, Urgency};
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

/// Files that are no jobs yet which `list` names for people.
const SEEN_TOLD: usize = 5;

pub(super) async fn list(listing: Listing) -> anyhow::Result<Ending> {
    let ledger = Root::new(&listing.root.root)?.open_existing_ledger().await?;
    let mut records = ledger.list().await?;
    // What has come to its end, and then what is to be done in the order in which it will be.
    records.sort_by_key(|Record { job, place, .. }| {
        (!job.status.is_final()).then_some((Reverse(job.priority), *place))
    });
    let seen = waiting(ledger.seen().await?, &records);
    if !listing.json && records.is_empty() && seen.is_empty() {
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
    if listing.json {
        for file in &seen {
            output::json(&SeenReport::of(file))?;
        }
    } else {
        tell_seen(&seen);
    }
    Ok(Ending::Done)
}

/// A file in the input folder that is no job yet.
#[derive(Serialize)]
struct SeenReport<'a> {
    status: &'static str,
    source: &'a FilePath,
    reason: &'a str,
    size: u64,
    modified: Millis,
    since: Millis,
}

impl<'a> SeenReport<'a> {
    fn of(file: &'a SeenFile) -> Self {
        let SeenFile { path, reason, size, modified, since } = file;
        Self { status: "seen", source: path, reason, size: *size, modified: *modified, since: *since }
    }
}

/// The files that are no jobs yet. The server notes that one has become a job a moment after it has.
fn waiting(seen: Vec<SeenFile>, records: &[Record]) -> Vec<SeenFile> {
    let jobs = records.iter().map(|record| (&record.request.source, record.created));
    let mut latest: HashMap<&FilePath, Millis> = HashMap::new();
    for (source, created) in jobs {
        let known = latest.entry(source).or_insert(created);
        *known = created.max(*known);
    }
    let is_job = |file: &SeenFile| latest.get(&file.path).is_some_and(|&created| created >= file.since);
    seen.into_iter().filter(|file| !is_job(file)).collect()
}

/// Says how many files are no jobs yet, and what the newest of them wait for.
fn tell_seen(seen: &[SeenFile]) {
    for file in seen.iter().take(SEEN_TOLD) {
        let path = output::path(&file.path);
        let reason = output::one_line(&file.reason);
        output::data(&format!("   -  {:<6}  {:<17}    -    {path}  ({reason})", "", "seen"));
    }
    if seen.len() > SEEN_TOLD {
        let more = seen.len() - SEEN_TOLD;
        output::data(&format!(
            "   -  {:<6}  {:<17}    -    and {more} more, {} in all",
            "",
            "seen",
            seen.len()
        ));
    }
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
    let ledger = Root::new(&chosen.root.root)?.open_existing_ledger().await?;
    let mut ending = Ending::Done;
    let mut others = Vec::new();
    for id in chosen.ids {
        match ledger.get(JobId(id)).await? {
            Some(record) if record.job.status == Status::Done && !has_result(&record) => {
                match make_again(&ledger, &record, now()).await {
                    Ok(new) if new == record.id => {
                        output::say(&format!("job {new} is queued again: its result is gone"));
                    }
                    Ok(new) => {
                        output::say(&format!("the source has other content by now: that is job {new}"));
                    }
                    Err(error) => {
                        output::error(&error.to_string());
                        ending = Ending::Failed;
                    }
                }
            }
            _ => others.push(id),
        }
    }
    ledger.close().await;
    let others = Chosen { ids: others, ..chosen };
    let refused = "has not failed, was not canceled, and its result is not gone";
    let changed = change(others, &Event::Retry, "queued again", refused).await?;
    Ok(if changed == Ending::Done { ending } else { changed })
}

/// True when something has the name of a job's result.
fn has_result(record: &Record) -> bool {
    record.request.result.as_ref().is_some_and(|result| result.symlink_metadata().is_ok())
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
