//! What people and programs see of the measurements.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use protocol::message::BenchRequest;

use super::Case;
use crate::output;

/// Time between the pictures of what turns while a frame takes long.
const TICK: Duration = Duration::from_millis(200);

/// What is shown: a table or JSON on standard output, and on standard error which case is running.
pub(super) struct View {
    bar: ProgressBar,
    cases: usize,
    json: bool,
    /// Width of the column with the models' names.
    names: usize,
    /// The engine that stands over the table.
    engine: Option<String>,
}

impl View {
    pub(super) fn new(requests: &[BenchRequest], json: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(TICK);
        let names = requests.iter().map(|request| request.model.name().chars().count()).max();
        Self { bar, cases: requests.len(), json, names: names.unwrap_or(0).max("model".len()), engine: None }
    }

    /// Case number `index` begins.
    pub(super) fn begin(&self, index: usize, request: &BenchRequest) {
        let doing = format!("measuring {} of {}: {}", index + 1, self.cases, title(request));
        if self.bar.is_hidden() {
            output::say(&doing);
        } else {
            self.bar.set_prefix(doing.clone());
            self.bar.set_message(doing);
        }
    }

    /// So many frames of the case are done.
    pub(super) fn frames(&self, frames: u32) {
        if frames > 0 {
            self.bar.set_message(format!("{}, {frames} frames", self.bar.prefix()));
        }
    }

    /// The case is measured.
    pub(super) fn show(&mut self, case: &Case) -> anyhow::Result<()> {
        if self.json {
            return self.bar.suspend(|| output::json(case));
        }
        let mut lines = String::new();
        if self.engine.as_ref() != Some(&case.description) {
            let above = if self.engine.is_some() { "\n" } else { "" };
            lines = format!("{above}engine: {}\n\n{}\n", case.description, self.head());
            self.engine = Some(case.description.clone());
        }
        lines.push_str(&self.row(case));
        self.bar.suspend(|| output::data(&lines))
    }

    /// The case could not be measured.
    pub(super) fn fail(&self, request: &BenchRequest, error: &anyhow::Error) {
        self.bar.suspend(|| output::error(&format!("{}: {error:#}", title(request))));
    }

    /// Nothing more comes.
    pub(super) fn end(&self) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        if self.engine.is_some() {
            return output::data(
                "\nThe film is one of 90 minutes at 24 frames a second of that size; decoding and encoding take their part \
                 of the\nprocessor besides. GFLOP/s counts the convolutions as written. Memory is the worker's peak.",
            );
        }
        Ok(())
    }

    fn head(&self) -> String {
        self.line(["model", "size", "ms/frame", "fps", "GFLOP/s", "memory", "film"])
    }

    fn row(&self, case: &Case) -> String {
        self.line([
            &case.model,
            &format!("{}x{}", case.width, case.height),
            &format!("{:.1}", case.ms_per_frame),
            &format!("{:.3}", case.fps),
            &format!("{:.1}", case.gflops),
            &format!("{:.0} MB", case.peak_rss_bytes as f64 / 1e6),
            &output::duration(case.film_seconds),
        ])
    }

    fn line(&self, [model, size, time, fps, gflops, memory, film]: [&str; 7]) -> String {
        let names = self.names;
        format!("{model:<names$}  {size:>11}  {time:>9}  {fps:>8}  {gflops:>8}  {memory:>8}  {film:>12}")
    }
}

fn title(request: &BenchRequest) -> String {
    format!("{} at {}x{}", request.model.name(), request.width, request.height)
}
