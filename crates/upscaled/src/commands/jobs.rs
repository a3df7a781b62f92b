//! `list`, `show`, `cancel`, `retry`: what a person sees and changes in the ledger, whether a server runs or not.

use coordinator::{JobReport, now};
use job::JobId;
use job::state::{Effect, Event};
use ledger::Record;

use crate::cli::{Chosen, Listing, Show};
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

pub(super) async fn list(listing: Listing) -> anyhow::Result<Ending> {
    let ledger = Root::new(&listing.root.root)?.open_existing_ledger().await?;
    let records = ledger.list().await?;
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
    format!("{:>4}  {:<17}  {progress}  {}{reason}", report.id.0, report.status, output::path(&report.source))
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
    add("encoder", Some(format!("libx264, crf {}, preset {}", settings.crf, settings.preset)));
    add("reuse", report.reuse.in_words());
    add("folder", (!record.job.status.is_final()).then(|| output::path(&record.request.folder)));
    for note in &report.notes {
        add("note", Some(note.clone()));
    }
    lines
}
