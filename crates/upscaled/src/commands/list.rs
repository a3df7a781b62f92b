//! `list`: the jobs of a server, and the files that it has seen and waits for.

use std::cmp::Reverse;
use std::collections::HashMap;

use coordinator::JobReport;
use job::{FilePath, Millis};
use ledger::{Record, SeenFile};
use serde::Serialize;

use crate::cli::Listing;
use crate::exit::Ending;
use crate::output;
use crate::root::Root;

/// Files that are no jobs yet which `list` names for people.
const SEEN_TOLD: usize = 5;

pub(super) async fn run(listing: Listing) -> anyhow::Result<Ending> {
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
