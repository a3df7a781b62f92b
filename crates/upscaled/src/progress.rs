//! What a person sees of a running job: a progress bar, or lines where there is no terminal.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use coordinator::{JobReport, Update};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use job::state::Phase;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::output;

/// Time between lines where there is no terminal.
const LINE: Duration = Duration::from_secs(10);

/// How updates are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// For people.
    Bar,
    /// As lines of JSON.
    Json,
}

/// Shows updates until the sender is gone.
pub(crate) async fn show(mut updates: UnboundedReceiver<Update>, view: View) {
    let mut people = People::new();
    while let Some(update) = updates.recv().await {
        match (view, update) {
            (View::Json, Update::Job(report)) => {
                let _ = output::json(&report);
            }
            (View::Json, Update::Note { .. }) | (_, Update::Alive) => {}
            (View::Bar, Update::Job(report)) => people.job(&report),
            (View::Bar, Update::Note { text, .. }) => people.note(&text),
        }
    }
    people.bar.finish_and_clear();
}

struct People {
    bar: ProgressBar,
    is_terminal: bool,
    last_line: Option<Instant>,
    last_segments: usize,
    last_status: &'static str,
}

impl People {
    fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        // A template without variables of its own cannot be wrong; the default is there all the same.
        let style = ProgressStyle::with_template("{bar:24.cyan} {pos}/{len} frames  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, is_terminal, last_line: None, last_segments: 0, last_status: "" }
    }

    fn job(&mut self, report: &JobReport) {
        let doing = match (report.status, report.phase) {
            ("running", Phase::Index) => match report.frames_read {
                Some(frames) => format!("reading the source: {frames} frames so far"),
                None => "reading the source".to_owned(),
            },
            ("running", Phase::Segments) => making(report),
            ("running", Phase::Join) => "joining and checking the result".to_owned(),
            ("running", Phase::Publish) => "publishing".to_owned(),
            (status, _) => match &report.reason {
                Some(reason) => format!("{status}: {reason}"),
                None => status.to_owned(),
            },
        };
        if self.is_terminal {
            if let Some(frames) = report.frames {
                self.bar.set_length(u64::from(frames));
            }
            self.bar.set_position(report.frames_done);
            self.bar.set_message(doing);
            return;
        }
        let is_news = report.segments_done != self.last_segments || report.status != self.last_status;
        if is_news || self.last_line.is_none_or(|last| last.elapsed() >= LINE) {
            self.last_segments = report.segments_done;
            self.last_status = report.status;
            self.last_line = Some(Instant::now());
            let frames = report.frames.map(|frames| format!("{} of {frames} frames, ", report.frames_done));
            output::say(&format!("{}{doing}", frames.unwrap_or_default()));
        }
    }

    fn note(&self, text: &str) {
        if self.is_terminal {
            self.bar.suspend(|| output::say(text));
        } else {
            output::say(text);
        }
    }
}

/// Speed, remaining time and bytes of a job whose segments are being made.
fn making(report: &JobReport) -> String {
    let mut parts = Vec::new();
    if let Some(speed) = report.frames_per_second {
        parts.push(format!("{speed:.2} fps"));
    }
    match report.seconds_left {
        Some(seconds) => parts.push(format!("{} left", output::duration(seconds))),
        None => parts.push("estimating the time".to_owned()),
    }
    parts.push(HumanBytes(report.bytes).to_string());
    parts.join(", ")
}
