//! `list`: the jobs of a server, and the files that it has seen and waits for.

mod screen;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use job::state::Status;
use job::{FilePath, Millis};
use ledger::{Ledger, Record, SeenFile};

use self::screen::Screen;
use crate::cli::{Kinds, Listing};
use crate::clock::Clock;
use crate::exit::{Ending, wrong};
use crate::facts::Facts;
use crate::output;
use crate::root::Root;
use crate::signals::shutdown_on_signal;
use crate::table::{self, Row, SeenReport};

/// Time between two pictures of `--watch`.
const REDRAW: Duration = Duration::from_secs(2);

pub(super) async fn run(listing: Listing) -> anyhow::Result<Ending> {
    let root = Root::new(&listing.root.root)?;
    let ledger = root.open_existing_ledger().await?;
    if listing.watch {
        return watch(&listing, &root, &ledger).await;
    }
    let found = Found::read(&listing, &ledger, &Clock::system()).await?;
    if listing.json {
        let jobs = found.jobs.iter().map(serde_json::to_string);
        let seen = found.seen.iter().map(|file| serde_json::to_string(&SeenReport::of(file)));
        output::lines(jobs.chain(seen).collect::<Result<Vec<_>, _>>()?)?;
        return Ok(Ending::Done);
    }
    let lines = found.lines(&listing, &root.input(), screen::columns());
    if lines.is_empty() {
        output::say(if found.is_filtered { "no such jobs" } else { "no jobs yet" });
    }
    output::lines(lines)?;
    Ok(Ending::Done)
}

/// Draws the list anew every few seconds until a person asks to stop.
async fn watch(listing: &Listing, root: &Root, ledger: &Ledger) -> anyhow::Result<Ending> {
    if !std::io::stdout().is_terminal() {
        return Err(wrong("--watch draws on a terminal, and the standard output is none: leave it out"));
    }
    let shutdown = shutdown_on_signal()?;
    let screen = Screen::open()?;
    while !shutdown.is_requested() {
        let clock = Clock::system();
        let found = Found::read(listing, ledger, &clock).await?;
        let mut lines = found.lines(listing, &root.input(), screen::columns());
        if lines.is_empty() {
            lines.push(if found.is_filtered { "no such jobs" } else { "no jobs yet" }.to_owned());
        }
        screen.draw(&lines)?;
        shutdown.sleep(REDRAW).await;
    }
    Ok(Ending::Stopped)
}

/// What is to be shown.
struct Found {
    clock: Clock,
    /// The jobs in their order.
    jobs: Vec<Facts>,
    /// How many of them have not come to their end, which stand first.
    unfinished: usize,
    /// Jobs that are left out because of a limit.
    left_out: usize,
    seen: Vec<SeenFile>,
    is_filtered: bool,
}

impl Found {
    async fn read(listing: &Listing, ledger: &Ledger, clock: &Clock) -> anyhow::Result<Self> {
        Ok(Self::choose(listing, ledger.list().await?, ledger.seen().await?, clock))
    }

    fn choose(listing: &Listing, records: Vec<Record>, seen: Vec<SeenFile>, clock: &Clock) -> Self {
        let since = listing.since.map(|since| clock.since(since));
        let Kinds { running, waiting, failed, done } = listing.kinds;
        let is_filtered = running || waiting || failed || done;
        let mut seen = waiting_files(seen, &records);
        seen.retain(|file| (waiting || !is_filtered) && since.is_none_or(|since| file.since >= since));
        let is_wanted = |record: &Record| {
            let is_of_kind = match record.job.status {
                Status::Running => running,
                Status::Queued
                | Status::WaitingForSpace { .. }
                | Status::WaitingForFolder { .. }
                | Status::Paused => waiting,
                Status::Failed { .. } => failed,
                Status::Done => done,
                Status::Canceled => false,
            };
            (is_of_kind || !is_filtered) && since.is_none_or(|since| record.changed >= since)
        };
        let listed = records.into_iter().filter(|record| !record.is_removed);
        let mut records: Vec<Record> = listed.filter(is_wanted).collect();
        // What is worked on, then what will be, in that order, then what has come to its end, the newest first.
        records.sort_by_key(|Record { job, place, changed, .. }| match &job.status {
            status if status.is_final() => (2, Reverse(job.priority), -changed.0),
            Status::Running => (0, Reverse(job.priority), *place),
            _ => (1, Reverse(job.priority), *place),
        });
        let limit = listing.limit.map_or(usize::MAX, |limit| limit as usize);
        let left_out = records.len().saturating_sub(limit);
        records.truncate(limit);
        let unfinished = records.iter().filter(|record| !record.job.status.is_final()).count();
        let jobs = records.iter().map(|record| Facts::of(record, clock.now)).collect();
        Self {
            clock: clock.clone(),
            jobs,
            unfinished,
            left_out,
            seen,
            is_filtered: is_filtered || since.is_some(),
        }
    }

    fn lines(&self, listing: &Listing, input: &Path, columns: Option<usize>) -> Vec<String> {
        let row = |facts: &Facts| Row::of_job(facts, &self.clock, input, listing.long);
        let (unfinished, ended) = self.jobs.split_at(self.unfinished);
        let mut rows: Vec<Row> = unfinished.iter().map(row).collect();
        rows.extend(Row::of_seen(&self.seen, &self.clock, input, listing.long));
        rows.extend(ended.iter().map(row));
        let mut lines = table::lines(&rows, columns);
        if self.left_out > 0 {
            lines.push(format!("and {} more", self.left_out));
        }
        lines
    }
}

/// The files that are no jobs yet. The server notes that one has become a job a moment after it has.
fn waiting_files(seen: Vec<SeenFile>, records: &[Record]) -> Vec<SeenFile> {
    let jobs = records.iter().map(|record| (&record.request.source, record.created));
    let mut latest: HashMap<&FilePath, Millis> = HashMap::new();
    for (source, created) in jobs {
        let known = latest.entry(source).or_insert(created);
        *known = created.max(*known);
    }
    let is_job = |file: &SeenFile| latest.get(&file.path).is_some_and(|&created| created >= file.since);
    seen.into_iter().filter(|file| !is_job(file)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use job::Priority;

    use super::*;
    use crate::cli::{Arguments, Command};
    use crate::made_up::{self, NOW, compare};

    fn listing(arguments: &[&str]) -> Listing {
        match Arguments::try_parse_from([&["upscaled", "list"], arguments].concat()).unwrap().command {
            Command::List(listing) => listing,
            other => panic!("{other:?}"),
        }
    }

    /// Twenty jobs of all kinds, in the order of their numbers. The server says how fast the fourth goes.
    fn twenty() -> Vec<Record> {
        static SAID: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
        let said = SAID.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let text =
                r#"{"id":4,"frames_done":300,"frames_per_second":2.413,"seconds_left":18060,"bytes":9}"#;
            std::fs::write(folder.path().join("status.json"), text).unwrap();
            folder
        });
        let mut records: Vec<Record> = vec![
            made_up::ended(1, Status::Done, 3 * 1440),
            made_up::failed(
                2,
                "the file ends in the middle of a frame: copy it again, or take it as it is with --fill-gaps",
                50,
            ),
            made_up::ended(3, Status::Canceled, 40),
            made_up::running(4),
            made_up::to_join(5),
            made_up::queued(6),
        ];
        records[3].request.folder = said.path().into();
        records[5].job.priority = Priority::High;
        let mut waiting = made_up::to_join(7);
        waiting.job.status = Status::WaitingForSpace { bytes: 12_300_000_000 };
        let mut pausing = made_up::running(8);
        pausing.job.status = Status::Paused;
        let mut reading = made_up::running(9);
        (reading.job.phase, reading.job.facts) = (job::state::Phase::Index, None);
        let mut long = made_up::queued(10);
        long.request.source = "/srv/video/input/Series/Season 1/A film with a name that is much longer than any terminal has room for, part 1 of 2.mkv".into();
        let mut odd = made_up::queued(11);
        odd.request.source = FilePath::from_bytes(b"/elsewhere/a\nb\x1b[2J\xff\xe2\x80\xae4pm.mkv".to_vec());
        let mut wide = made_up::queued(12);
        wide.request.source = "/srv/video/input/\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{6620}\u{753b}.mkv".into();
        records.extend([waiting, pausing, reading, long, odd, wide]);
        records.extend((13..=20).map(|id| made_up::ended(id, Status::Done, id * 60)));
        // Something is there.
        records[14].request.result = Some("/dev/null".into());
        records
    }

    fn seen(count: i64) -> Vec<SeenFile> {
        let file = |number: i64| SeenFile {
            path: FilePath::from(format!("/srv/video/input/new {number}.mkv")),
            size: 5,
            modified: NOW,
            since: NOW.plus(-60_000),
            reason: "it was changed a moment ago".to_owned(),
        };
        (0..count).map(file).collect()
    }

    fn lines(
        arguments: &[&str],
        records: Vec<Record>,
        seen: Vec<SeenFile>,
        columns: Option<usize>,
    ) -> Vec<String> {
        let listing = listing(arguments);
        let found = Found::choose(&listing, records, seen, &Clock::fixed(NOW));
        found.lines(&listing, Path::new("/srv/video/input"), columns)
    }

    #[test]
    fn lists_look_as_they_were_recorded() {
        let mut shown = String::new();
        for columns in [Some(60), Some(80), Some(160), None] {
            let title =
                columns.map_or_else(|| "redirected".to_owned(), |columns| format!("{columns} columns"));
            for (name, records, seen) in [
                ("one job", vec![made_up::running(1)], Vec::new()),
                ("twenty jobs and seven files", twenty(), seen(7)),
            ] {
                let lines = lines(&[], records, seen, columns);
                shown.extend([format!("--- {name}, {title}\n"), lines.join("\n"), "\n".to_owned()]);
            }
            let lines =
                lines(&["--long", "--failed", "--done", "--limit", "3"], twenty(), Vec::new(), columns);
            shown.extend([
                format!("--- --long --failed --done --limit 3, {title}\n"),
                lines.join("\n"),
                "\n".to_owned(),
            ]);
        }
        assert!(lines(&[], Vec::new(), Vec::new(), Some(80)).is_empty());
        compare("list.txt", &shown);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 40..200 {
            for long in [&[][..], &["--long"]] {
                for line in lines(long, twenty(), seen(7), Some(columns)) {
                    assert!(output::width(&line) <= columns, "{columns}: {line}");
                    assert!(!line.chars().any(char::is_control), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn thousands_of_jobs_are_listed_at_once() {
        let records: Vec<Record> = (1..=2000).map(|id| made_up::ended(id, Status::Done, id)).collect();
        let lines = lines(&[], records, Vec::new(), Some(80));
        assert_eq!(lines.len(), 2001);
        assert!(
            lines[1].trim_start().starts_with("1 ") && lines[2000].starts_with("2000 "),
            "the newest first"
        );
    }

    #[test]
    fn jobs_are_chosen_by_what_happens_to_them_and_when() {
        let ids = |arguments: &[&str]| {
            let found = Found::choose(&listing(arguments), twenty(), seen(1), &Clock::fixed(NOW));
            (found.jobs.iter().map(|facts| facts.report.id.0).collect::<Vec<_>>(), found.seen.len())
        };
        let done: Vec<i64> = (13..=20).chain([1]).collect();
        assert_eq!(ids(&["--running"]), (vec![4, 9], 0));
        assert_eq!(ids(&["--waiting"]), (vec![6, 5, 7, 8, 10, 11, 12], 1));
        assert_eq!(ids(&["--failed"]), (vec![2], 0));
        assert_eq!(ids(&["--done"]), (done.clone(), 0));
        assert_eq!(ids(&["--failed", "--running"]), (vec![4, 9, 2], 0));
        assert_eq!(ids(&["--done", "--since", "14h"]), (vec![13, 14], 0));
        assert_eq!(ids(&["--limit", "2"]), (vec![4, 9], 1));
        let all: Vec<i64> = [4, 9, 6, 5, 7, 8, 10, 11, 12, 3, 2].into_iter().chain(done).collect();
        assert_eq!(ids(&[]), (all, 1));
    }

    #[test]
    fn a_line_of_json_has_text_for_every_path_and_time() {
        let mut record = made_up::queued(1);
        record.request.source = FilePath::from_bytes(b"/in/\xff.mkv".to_vec());
        let found = Found::choose(&listing(&[]), vec![record], seen(1), &Clock::fixed(NOW));
        let job = serde_json::to_value(&found.jobs[0]).unwrap();
        assert_eq!(job["source"], "/in/\u{fffd}.mkv");
        assert_eq!(job["source_path_bytes"], serde_json::json!(b"/in/\xff.mkv"));
        assert_eq!(
            (&job["added"], &job["ended"]),
            (&"2026-11-28T12:35:12Z".into(), &serde_json::Value::Null)
        );
        assert_eq!(
            (&job["status"], &job["doing"], &job["result_gone"]),
            (&"queued".into(), &"queued".into(), &false.into())
        );
        let file = serde_json::to_value(SeenReport::of(&found.seen[0])).unwrap();
        assert_eq!((&file["since"], &file["status"]), (&"2026-11-28T14:04:12Z".into(), &"seen".into()));
    }
}
