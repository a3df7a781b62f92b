//! The table of `list`: one line a job, as wide as the terminal and never wider.

use std::path::{Path, PathBuf};

use coordinator::{JobView, Seen, bytes_of_no_text};
use job::state::Phase;
use job::{FilePath, Millis, Priority};
use serde::Serialize;

use crate::clock::Clock;
use crate::output::{self, cut_middle, width};
use crate::remedies;
use crate::wrap::{GAP, hang};

/// Files that are no jobs yet which are named.
const SEEN_TOLD: usize = 5;
/// The least that is left of a name before another column goes.
const LEAST_NAME: usize = 20;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Job,
    Priority,
    Status,
    Percent,
    Frames,
    Speed,
    Left,
    Added,
    Ended,
    Source,
    Result,
}

use Column::{Added, Ended, Frames, Job, Left, Percent, Result, Source, Speed, Status};

/// All columns, from left to right.
const COLUMNS: [Column; 11] =
    [Job, Column::Priority, Status, Percent, Frames, Speed, Left, Added, Ended, Source, Result];
/// Those that can be done without where the terminal is narrow, the least important first.
const DROPPED: [Column; 8] = [Frames, Added, Speed, Ended, Column::Priority, Left, Percent, Result];

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Job => "JOB",
            Self::Priority => "PRIORITY",
            Status => "STATUS",
            Percent => "READY",
            Frames => "FRAMES",
            Speed => "SPEED",
            Left => "TIME LEFT",
            Added => "ADDED",
            Ended => "ENDED",
            Source => "SOURCE",
            Result => "RESULT",
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Job | Percent | Frames | Speed | Left)
    }

    /// Names have what is left of the line, and are cut.
    const fn is_name(self) -> bool {
        matches!(self, Source | Result)
    }
}

/// A line of the table.
#[derive(Debug, Default)]
pub(crate) struct Row {
    cells: [String; COLUMNS.len()],
    reason: Option<String>,
}

impl Row {
    /// The line of a job. A source in the input folder is named as it is there, others by their last part; `long` names all
    /// by their whole paths.
    pub(crate) fn of_job(job: &JobView, clock: &Clock, input: &Path, long: bool) -> Self {
        let report = &job.report;
        let mut row = Self {
            reason: report.reason.as_ref().map(|reason| output::one_line(&remedies::sentence(reason))),
            ..Self::default()
        };
        row.set(Job, report.id.to_string());
        if report.priority != Priority::Normal {
            row.set(Column::Priority, report.priority.name().to_owned());
        }
        row.set(Status, job.doing.to_string());
        row.set(Percent, job.percent().map(|percent| format!("{percent} %")).unwrap_or_default());
        let read = report.frames_read.filter(|_| report.phase == Phase::Index);
        row.set(
            Frames,
            match (report.frames, read) {
                (Some(frames), _) => format!("{}/{frames}", report.frames_done),
                (None, Some(read)) => format!("{read} read"),
                (None, None) => String::new(),
            },
        );
        row.set(Speed, report.frames_per_second.map(|speed| format!("{speed:.2} fps")).unwrap_or_default());
        row.set(Left, output::time_left(report).unwrap_or_default());
        row.set(Added, clock.short(report.added));
        row.set(Ended, report.ended.map(|ended| clock.short(ended)).unwrap_or_default());
        row.set(Source, if long { output::path(&report.source) } else { name(&report.source, input) });
        if long {
            row.set(Result, report.result.as_deref().map(output::path).unwrap_or_default());
        }
        row
    }

    /// The lines of files that are no jobs yet: what the newest of them wait for, and how many there are.
    pub(crate) fn of_seen(seen: &[Seen], clock: &Clock, input: &Path, long: bool) -> Vec<Self> {
        let mut rows = Vec::new();
        for file in seen.iter().take(SEEN_TOLD) {
            let mut row = Self { reason: Some(output::one_line(&file.reason)), ..Self::default() };
            row.set(Job, "-".to_owned());
            row.set(Status, "seen".to_owned());
            row.set(Added, clock.short(file.since));
            row.set(Source, if long { output::path(&file.path) } else { name(&file.path, input) });
            rows.push(row);
        }
        if seen.len() > SEEN_TOLD {
            let mut row = Self::default();
            row.set(Job, "-".to_owned());
            row.set(Status, "seen".to_owned());
            row.set(Source, format!("and {} more, {} in all", seen.len() - SEEN_TOLD, seen.len()));
            rows.push(row);
        }
        rows
    }

    fn set(&mut self, column: Column, text: String) {
        self.cells[column as usize] = text;
    }

    fn cell(&self, column: Column) -> &str {
        &self.cells[column as usize]
    }
}

/// The name of a source for people: where it lies in the input folder, else its last part.
fn name(source: &Path, input: &Path) -> String {
    let within = source.strip_prefix(input).ok().map(Path::to_owned);
    output::path(&within.unwrap_or_else(|| PathBuf::from(source.file_name().unwrap_or(source.as_os_str()))))
}

/// The lines of the table, its header first; nothing without rows. Without columns no line is cut.
pub(crate) fn lines(rows: &[Row], columns: Option<usize>) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let natural = |column: Column| {
        let longest = rows.iter().map(|row| width(row.cell(column))).max().unwrap_or(0);
        if longest == 0 { 0 } else { longest.max(width(column.title())) }
    };
    let mut shown: Vec<(Column, usize)> = COLUMNS.map(|column| (column, natural(column))).to_vec();
    // Where no job has anything to say in a column, it only takes room.
    shown.retain(|&(_, columns)| columns > 0);
    if let Some(columns) = columns {
        fit(&mut shown, columns);
    }
    let mut lines = vec![line(&shown, Column::title)];
    // Under the status.
    let indent = shown.first().map_or(0, |&(_, columns)| columns + GAP);
    for row in rows {
        let line = line(&shown, |column| row.cell(column));
        let Some(reason) = &row.reason else {
            lines.push(line);
            continue;
        };
        // A reason ends with what to do, so all of it is shown.
        let whole = format!("{line}  ({reason})");
        if columns.is_none_or(|columns| width(&whole) <= columns) {
            lines.push(whole);
        } else {
            lines.push(line);
            lines.extend(hang(&" ".repeat(indent), reason, columns));
        }
    }
    lines
}

/// Takes columns away until names have room in so many columns, and gives them what is left.
fn fit(shown: &mut Vec<(Column, usize)>, columns: usize) {
    let taken = |shown: &[(Column, usize)]| {
        let fixed = shown.iter().map(|&(column, width)| if column.is_name() { 0 } else { width });
        fixed.sum::<usize>() + GAP * shown.len().saturating_sub(1)
    };
    let wanted = |shown: &[(Column, usize)]| {
        let names = shown.iter().filter(|(column, _)| column.is_name());
        names.map(|&(_, width)| width.min(LEAST_NAME)).sum::<usize>()
    };
    for dropped in DROPPED {
        if taken(shown) + wanted(shown) <= columns {
            break;
        }
        shown.retain(|&(column, _)| column != dropped);
    }
    let mut room = columns.saturating_sub(taken(shown));
    let mut names: Vec<&mut usize> =
        shown.iter_mut().filter(|(column, _)| column.is_name()).map(|(_, width)| width).collect();
    // The shorter ones first: what they leave goes to the others.
    names.sort();
    let mut left = names.len();
    for name in names {
        *name = (*name).min(room / left).max(1);
        room = room.saturating_sub(*name);
        left -= 1;
    }
}

fn line<'a>(shown: &[(Column, usize)], cell: impl Fn(Column) -> &'a str) -> String {
    let mut line = String::new();
    for (number, &(column, columns)) in shown.iter().enumerate() {
        if number > 0 {
            line.push_str(&" ".repeat(GAP));
        }
        let text = cut_middle(cell(column), columns);
        let padding = " ".repeat(columns - width(&text).min(columns));
        if column.is_number() {
            line.push_str(&padding);
            line.push_str(&text);
        } else {
            line.push_str(&text);
            line.push_str(&padding);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// A file in the input folder that is no job yet, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct SeenReport {
    status: &'static str,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_path_bytes: Option<Vec<u8>>,
    reason: String,
    size: u64,
    modified: String,
    since: String,
}

impl SeenReport {
    pub(crate) fn of(file: &Seen) -> Self {
        let time = |time: Millis| coordinator::rfc3339(time);
        let path: &FilePath = &file.path;
        Self {
            status: "seen",
            source: path.to_string_lossy().into_owned(),
            source_path_bytes: bytes_of_no_text(path),
            reason: file.reason.clone(),
            size: file.size,
            modified: time(file.modified),
            since: time(file.since),
        }
    }
}
