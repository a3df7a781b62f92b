//! What a person sees of a running job: a progress bar, or lines where there is no terminal.

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coordinator::{JobReport, Update, Updates};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use job::JobId;
use job::state::Phase;
use ledger::Ledger;
use storage::Bytes;

use crate::output::{self, cut_end, width};
use crate::remedies;
use crate::terminal;

/// Time between lines where there is no terminal, at least.
const LINE: Duration = Duration::from_secs(10);
/// And at most, for films that take days.
const LONGEST: Duration = Duration::from_mins(10);
/// Such a line comes so many times as often as the time that the job has taken, so that a long film does not fill a log.
const LINES: u32 = 20;
/// Columns of the bar, and of a terminal that has room for one.
const BAR: usize = 20;
const WIDE: usize = 100;

/// How updates are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// For people.
    Bar,
    /// As lines of JSON.
    Json,
}

/// Shows updates until there are no more. True when one of them said that the job has come to its end. What is missed is looked up
/// in the ledger, for the job of this number.
///
/// # Errors
/// When the standard output cannot be written.
pub(crate) async fn show(
    mut updates: Updates,
    view: View,
    of: Option<(Ledger, JobId)>,
) -> anyhow::Result<bool> {
    let mut people = People::new();
    let (mut last, mut noted) = (String::new(), HashSet::new());
    let mut has_ended = false;
    while let Some(update) = updates.next().await {
        let update = match update {
            Update::Missed(_) => {
                let Some((ledger, id)) = &of else { continue };
                let Ok(Some(record)) = ledger.get(*id).await else { continue };
                let report = JobReport::of(&record);
                for note in report.notes.iter().filter(|note| view == View::Bar && !noted.contains(*note)) {
                    people.note(&remedies::sentence(note));
                }
                Update::Job(Arc::new(report))
            }
            other => other,
        };
        match (view, update) {
            (View::Json, Update::Job(report)) => {
                has_ended |= report.ended.is_some();
                let line = serde_json::to_string(&remedies::report(&report))?;
                if line != last {
                    output::data(&line)?;
                    last = line;
                }
            }
            (View::Json, Update::Note { .. }) | (_, Update::Alive | Update::Missed(_)) => {}
            (View::Bar, Update::Job(report)) => {
                has_ended |= report.ended.is_some();
                people.job(&report);
            }
            (View::Bar, Update::Note { notice, .. }) => {
                people.note(&remedies::sentence(&notice));
                noted.insert(notice);
            }
        }
    }
    people.bar.finish_and_clear();
    Ok(has_ended)
}

struct People {
    bar: ProgressBar,
    is_terminal: bool,
    has_bar: bool,
    begun: Instant,
    last_line: Option<Instant>,
    last_news: String,
    /// What the last line said.
    last_text: String,
}

impl People {
    fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(false));
        let begun = Instant::now();
        Self {
            bar,
            is_terminal,
            has_bar: false,
            begun,
            last_line: None,
            last_news: String::new(),
            last_text: String::new(),
        }
    }

    fn job(&mut self, report: &JobReport) {
        // How it ended is said once, by who asked for it.
        if report.ended.is_some() {
            return;
        }
        let elapsed = self.begun.elapsed();
        if self.is_terminal {
            // The last column stays free: some terminals go to the next line when it is written.
            let columns = terminal::columns(&std::io::stderr()).map_or(79, |columns| columns - 1);
            let has_bar = columns >= WIDE && is_made(report);
            if self.has_bar != has_bar {
                self.has_bar = has_bar;
                self.bar.set_style(style(has_bar));
            }
            if let Some(frames) = report.frames {
                self.bar.set_length(u64::from(frames));
            }
            self.bar.set_position(report.frames_done);
            let taken = if has_bar { BAR + 1 } else { 0 };
            self.bar.set_message(line(report, elapsed, Some(columns.saturating_sub(taken))));
            return;
        }
        if let Some(text) = self.next_line(report, elapsed) {
            output::say(&text);
        }
    }

    /// The next line where there is no terminal: at once when the job does something else, and now and then when it got on. What did
    /// not change is not said again.
    fn next_line(&mut self, report: &JobReport, elapsed: Duration) -> Option<String> {
        let news = format!("{} {:?}", report.status, report.phase);
        let gap = (elapsed / LINES).clamp(LINE, LONGEST);
        let is_due = news != self.last_news || self.last_line.is_none_or(|last| last.elapsed() >= gap);
        let text = line(report, elapsed, None);
        if !is_due || text == self.last_text {
            return None;
        }
        (self.last_news, self.last_line) = (news, Some(Instant::now()));
        self.last_text.clone_from(&text);
        Some(text)
    }

    fn note(&self, text: &str) {
        if self.is_terminal {
            self.bar.suspend(|| output::say(text));
        } else {
            output::say(text);
        }
    }
}

fn style(has_bar: bool) -> ProgressStyle {
    let template = if has_bar { "{bar:20.cyan} {msg}" } else { "{msg}" };
    // A template without variables of its own cannot be wrong; the default is there all the same.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// True while frames are made.
fn is_made(report: &JobReport) -> bool {
    report.status == "running" && report.phase == Phase::Segments
}

/// What happens to a job, in so many columns at most.
fn line(report: &JobReport, elapsed: Duration, columns: Option<usize>) -> String {
    if is_made(report) {
        return making(report, elapsed, columns);
    }
    let doing = match (&*report.status, report.phase) {
        ("running", Phase::Index) => match report.frames_read {
            Some(frames) => format!("reading the source: {frames} frames so far"),
            None => "reading the source".to_owned(),
        },
        ("running", Phase::Join) => "joining and checking the result".to_owned(),
        ("running", Phase::Publish) => "publishing the result".to_owned(),
        (status, _) => match &report.reason {
            Some(reason) => output::one_line(&format!("{status}: {}", remedies::sentence(reason))),
            None => status.to_owned(),
        },
    };
    columns.map_or_else(|| doing.clone(), |columns| cut_end(&doing, columns))
}

/// How far a job is whose segments are being made: as much as there is room for.
fn making(report: &JobReport, elapsed: Duration, columns: Option<usize>) -> String {
    let frames = report.frames.unwrap_or(0);
    let percent = report.frames_done * 100 / u64::from(frames.max(1));
    let left = report.seconds_left.map(|seconds| format!("{} left", output::duration(seconds)));
    let stalled = report.stalled_seconds.map(|seconds| format!("no frame for {}", output::duration(seconds)));
    let left = stalled.or(left);
    // Each with its rank: those of the last go first.
    let mut parts = vec![
        (0, format!("{percent} %")),
        (2, format!("{}/{frames} frames", report.frames_done)),
        (1, left.unwrap_or_else(|| "estimating the time".to_owned())),
    ];
    if elapsed.as_secs() > 0 {
        parts.push((5, format!("{} so far", output::duration(elapsed.as_secs_f64()))));
    }
    if report.bytes > 0 {
        parts.push((4, Bytes(report.bytes).to_string()));
    }
    if let Some(speed) = report.frames_per_second {
        parts.insert(2, (3, format!("{speed:.2} fps")));
    }
    loop {
        let text = parts.iter().map(|(_, part)| part.as_str()).collect::<Vec<_>>().join(", ");
        let last = parts.iter().enumerate().max_by_key(|(_, (rank, _))| *rank).map(|(index, _)| index);
        match (columns, last) {
            (Some(columns), Some(last)) if width(&text) > columns && parts.len() > 1 => {
                parts.remove(last);
            }
            (Some(columns), _) => return cut_end(&text, columns),
            (None, _) => return text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up;

    fn report() -> JobReport {
        JobReport {
            frames_per_second: Some(2.413),
            seconds_left: Some(18_725.0),
            ..JobReport::of(&made_up::running(1))
        }
    }

    fn shown(report: &JobReport, columns: usize) -> String {
        line(report, Duration::from_secs(3725), Some(columns))
    }

    #[test]
    fn what_did_not_change_is_said_once() {
        let mut people = People::new();
        let mut next = |report: &JobReport| {
            // As after a long time.
            people.last_line = None;
            people.next_line(report, Duration::from_secs(3725))
        };
        let queued = JobReport { status: "queued".into(), ..report() };
        assert_eq!((next(&queued).as_deref(), next(&queued)), (Some("queued"), None));
        let held = JobReport { reason: Some("the server is paused".into()), ..queued };
        assert_eq!((next(&held).as_deref(), next(&held)), (Some("queued: the server is paused"), None));
        assert!(next(&report()).is_some() && next(&report()).is_none());
        assert!(next(&JobReport { frames_done: 251, ..report() }).is_some());
    }

    #[test]
    fn a_line_has_what_there_is_room_for() {
        let report = report();
        assert_eq!(shown(&report, 40), "25 %, 250/1000 frames, 5 h 12 min left");
        assert_eq!(shown(&report, 59), "25 %, 250/1000 frames, 2.41 fps, 5 h 12 min left, 5.0 MB");
        assert_eq!(
            shown(&report, 79),
            "25 %, 250/1000 frames, 2.41 fps, 5 h 12 min left, 1 h 02 min so far, 5.0 MB"
        );
        assert_eq!(
            line(&report, Duration::ZERO, None),
            "25 %, 250/1000 frames, 2.41 fps, 5 h 12 min left, 5.0 MB"
        );
    }

    #[test]
    fn lines_look_as_they_were_recorded() {
        let reading = JobReport { phase: Phase::Index, frames_read: Some(123_456), ..report() };
        let join = JobReport { phase: Phase::Join, ..report() };
        let waiting = JobReport {
            status: "waiting for space".into(),
            reason: Some("12.3 GB must be free on the disk of the output folder".into()),
            ..report()
        };
        let estimating = JobReport { seconds_left: None, frames_per_second: None, ..report() };
        let mut text = String::new();
        for columns in [Some(59), Some(79), Some(159), None] {
            let title =
                columns.map_or_else(|| "redirected".to_owned(), |columns| format!("{} columns", columns + 1));
            text.extend(["--- ".to_owned(), title, "\n".to_owned()]);
            for report in [&reading, &estimating, &report(), &waiting, &join] {
                text.extend([line(report, Duration::from_secs(3725), columns), "\n".to_owned()]);
            }
        }
        made_up::compare("up.txt", &text);
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let waiting = JobReport {
            status: "waiting for space".into(),
            reason: Some("123.4 GB must be free on the disk of the output folder of this very job".into()),
            ..report()
        };
        let reading = JobReport { phase: Phase::Index, frames_read: Some(123_456), ..report() };
        for report in [report(), JobReport { seconds_left: None, ..report() }, waiting, reading] {
            for columns in 10..200 {
                let line = shown(&report, columns);
                assert!(width(&line) <= columns && !line.is_empty(), "{columns}: {line}");
            }
        }
    }

    #[test]
    fn an_estimate_that_is_not_there_is_no_time_left() {
        let line = shown(&JobReport { seconds_left: None, frames_per_second: None, ..report() }, 160);
        assert!(line.contains("estimating the time") && !line.contains("left"), "{line}");
    }
}
