//! `list`: the jobs of a server, and the files that it has seen and waits for.

mod screen;

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use coordinator::JobView;
use coordinator::commands::{JobList, ListFilter, Reply, Request};
use serde::Serialize;

use self::screen::Screen;
use super::unexpected;
use crate::cli::{Kinds, Listing};
use crate::clock::Clock;
use crate::exit::{Ending, wrong};
use crate::output;
use crate::reach::{Answer, answer};
use crate::remedies;
use crate::root::Root;
use crate::signals::shutdown_on_signal;
use crate::table::{self, Row, SeenReport};
use crate::wrap::{beside, wrap};

/// What the header says where no server works on the jobs.
const NO_SERVER: &str = "no server runs";
/// Time between two pictures of `--watch`.
const REDRAW: Duration = Duration::from_secs(2);

pub(super) async fn run(listing: Listing) -> anyhow::Result<Ending> {
    let root = Root::new(&listing.root.root)?;
    if listing.watch {
        return watch(&listing, &root).await;
    }
    let clock = Clock::system();
    let found = read(&listing, &root, &clock).await?;
    if listing.json {
        let jobs = found.list.jobs.iter().map(|job| serde_json::to_string(&Told::of(job)));
        let seen = found.list.seen.iter().map(|file| serde_json::to_string(&SeenReport::of(file)));
        output::lines(jobs.chain(seen).collect::<Result<Vec<_>, _>>()?)?;
        return Ok(Ending::Done);
    }
    let drawn = drawn(&found, &listing, &clock, &root.input(), screen::columns());
    if drawn.table.is_empty() {
        output::say(&nothing(&listing, &found));
    }
    output::lines(drawn.table.iter().chain(&drawn.footer))?;
    Ok(Ending::Done)
}

/// Draws the list anew every few seconds until a person asks to stop.
async fn watch(listing: &Listing, root: &Root) -> anyhow::Result<Ending> {
    if !std::io::stdout().is_terminal() {
        return Err(wrong("--watch draws on a terminal, and the standard output is none: leave it out"));
    }
    let shutdown = shutdown_on_signal()?;
    // What is wrong with the folder is to be read on the usual screen.
    let mut found = read(listing, root, &Clock::system()).await?;
    let screen = Screen::open()?;
    while !shutdown.is_requested() {
        let clock = Clock::system();
        let mut drawn = drawn(&found, listing, &clock, &root.input(), screen::columns());
        if drawn.table.is_empty() {
            drawn.table = wrap(&nothing(listing, &found), screen::columns());
        }
        screen.draw(&drawn)?;
        shutdown.sleep(REDRAW).await;
        tokio::select! {
            read = read(listing, root, &clock) => found = read?,
            () = shutdown.requested() => {}
        }
    }
    Ok(Ending::Stopped)
}

/// The list, and whether a server works on the jobs.
struct Found {
    list: JobList,
    has_server: bool,
}

async fn read(listing: &Listing, root: &Root, clock: &Clock) -> anyhow::Result<Found> {
    match answer(root, Request::List(filter(listing, clock))).await? {
        Answer { reply: Reply::Listed(list), is_of_server } => Ok(Found { list, has_server: is_of_server }),
        _ => Err(unexpected()),
    }
}

fn filter(listing: &Listing, clock: &Clock) -> ListFilter {
    let Kinds { running, waiting, paused, failed, done } = listing.kinds;
    let since = listing.since.map(|since| clock.since(since));
    ListFilter { running, waiting, paused, failed, done, since, limit: listing.limit }
}

/// What is said where there is nothing to list.
fn nothing(listing: &Listing, found: &Found) -> String {
    let Kinds { running, waiting, paused, failed, done } = listing.kinds;
    let is_filtered = running || waiting || paused || failed || done || listing.since.is_some();
    let words = match found.list.removed {
        _ if is_filtered => "no such jobs".to_owned(),
        0 => "no jobs yet".to_owned(),
        1 => "no jobs on the list; 1 was taken off it".to_owned(),
        removed => format!("no jobs on the list; {removed} were taken off it"),
    };
    match &found.list.hold {
        Some(hold) => format!("{words}; {hold}"),
        None if found.has_server => words,
        None => format!("{words}; {NO_SERVER}"),
    }
}

/// What is drawn.
struct Drawn {
    /// The jobs and files; nothing where there are none.
    table: Vec<String>,
    /// What is said of all of them.
    footer: Vec<String>,
}

fn drawn(
    Found { list: found, has_server }: &Found,
    listing: &Listing,
    clock: &Clock,
    input: &Path,
    columns: Option<usize>,
) -> Drawn {
    let row = |job: &JobView| Row::of_job(job, clock, input, listing.long);
    let (unfinished, ended) = found.jobs.split_at(found.unfinished.min(found.jobs.len()));
    let mut rows: Vec<Row> = unfinished.iter().map(row).collect();
    rows.extend(Row::of_seen(&found.seen, clock, input, listing.long));
    rows.extend(ended.iter().map(row));
    let mut table = table::lines(&rows, columns);
    if let Some(header) = table.first().filter(|_| !has_server) {
        let header = beside(header, &format!("({NO_SERVER})"), 0, columns);
        table.splice(..1, header);
    }
    let left_out = (found.left_out > 0).then(|| format!("and {} more", found.left_out));
    let hold = found.hold.as_ref().map(|hold| format!("{hold}; `upscaled resume --now` goes on at once"));
    let said = [left_out, hold, output::outlook(found.outlook)].into_iter().flatten();
    let footer =
        if table.is_empty() { Vec::new() } else { said.flat_map(|text| wrap(&text, columns)).collect() };
    Drawn { table, footer }
}

/// A job as JSON.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    report: coordinator::JobReport,
    doing: &'a str,
    result_gone: bool,
}

impl<'a> Told<'a> {
    pub(super) fn of(JobView { report, doing, result_gone }: &'a JobView) -> Self {
        Self { report: remedies::report(report), doing, result_gone: *result_gone }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use job::state::Status;
    use job::{FilePath, Notice, Priority, Remedy};
    use ledger::{Record, SeenFile};

    use super::*;
    use crate::cli::{Arguments, Command};
    use crate::made_up::{self, NOW, WIDTHS, compare};

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
                Notice::new(
                    "frames 70-79 (00:02.8 to the end) are missing in the damaged file",
                    Remedy::FillGaps,
                ),
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
        records[14].request.result = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into());
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
        let found = Found { list: choose(&listing, records, seen), has_server: true };
        let drawn = drawn(&found, &listing, &Clock::fixed(NOW), Path::new("/srv/video/input"), columns);
        [drawn.table, drawn.footer].concat()
    }

    fn choose(listing: &Listing, records: Vec<Record>, seen: Vec<SeenFile>) -> JobList {
        JobList::choose(&filter(listing, &Clock::fixed(NOW)), records, seen, NOW)
    }

    #[test]
    fn lists_look_as_they_were_recorded() {
        let mut shown = String::new();
        for (columns, title) in WIDTHS {
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
    fn an_empty_list_says_why() {
        let said = |arguments: &[&str], removed: u64, has_server: bool| {
            let list = JobList { removed, ..JobList::default() };
            nothing(&listing(arguments), &Found { list, has_server })
        };
        assert_eq!(said(&[], 0, true), "no jobs yet");
        assert_eq!(said(&[], 0, false), "no jobs yet; no server runs");
        assert_eq!(said(&[], 1, true), "no jobs on the list; 1 was taken off it");
        assert_eq!(said(&[], 5, true), "no jobs on the list; 5 were taken off it");
        assert_eq!(said(&["--failed"], 5, true), "no such jobs");
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
            let found = choose(&listing(arguments), twenty(), seen(1));
            (found.jobs.iter().map(|job| job.report.id.0).collect::<Vec<_>>(), found.seen.len())
        };
        let done: Vec<i64> = (13..=20).chain([1]).collect();
        assert_eq!(ids(&["--running"]), (vec![4, 9], 0));
        assert_eq!(ids(&["--waiting"]), (vec![6, 5, 7, 8, 10, 11, 12], 1));
        assert_eq!(ids(&["--paused"]), (vec![8], 0));
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
        let found = choose(&listing(&[]), vec![record], seen(1));
        let job = serde_json::to_value(Told::of(&found.jobs[0])).unwrap();
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

    #[test]
    fn what_the_server_says_of_the_work_under_way_is_read_as_far_as_it_makes_sense() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = made_up::running(7);
        record.request.folder = folder.path().into();
        let file = folder.path().join("status.json");
        let facts = || JobView::of(&record, NOW).report;
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
