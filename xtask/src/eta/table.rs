//! What was shown, beside what was true.

use std::fmt;

use super::SHARES;

/// What was shown at a point of a film.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Seconds from the start of the server.
    pub(crate) at: f64,
    /// Seconds left, as shown.
    pub(crate) shown: Option<f64>,
    /// It was said that no frame came.
    pub(crate) stalled: bool,
    /// Seconds left of all jobs, as shown.
    pub(crate) all_left: Option<f64>,
    /// Seconds of processors that the server took, and all others.
    pub(crate) load: (f64, f64),
}

/// A film, in the table.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Its number among those of the server.
    pub(crate) film: usize,
    began: Option<f64>,
    pub(crate) samples: Vec<Sample>,
    /// When its result was there.
    pub(crate) done: Option<f64>,
    /// When all results were.
    all_done: f64,
    /// Seconds of processors that the server took when it began, and all others.
    load_before: (f64, f64),
    load: (f64, f64),
}

impl Line {
    /// The first segment was begun.
    pub(crate) fn begin(&mut self, now: f64, load: (f64, f64)) {
        if self.began.is_none() {
            (self.began, self.load_before) = (Some(now), load);
        }
    }

    /// The result is there.
    pub(crate) fn end(&mut self, now: f64, load: (f64, f64)) {
        (self.done, self.load) = (Some(now), load);
    }

    /// All results were there.
    pub(crate) fn until(mut self, all_done: f64) -> Self {
        self.all_done = all_done;
        self
    }

    fn seconds(&self) -> f64 {
        self.done.unwrap_or(0.0) - self.began.unwrap_or(0.0)
    }

    /// By how much the time left was wrong at a point: 0.1 where it was a tenth too long.
    fn error(&self, point: usize) -> Option<f64> {
        let sample = self.samples.get(point)?;
        error(sample.shown?, self.done? - sample.at)
    }

    /// The same on a machine that is even: what was shown, counted in the processor's time that the server got until then, beside the
    /// processor's time that the rest took.
    fn even_error(&self, point: usize) -> Option<f64> {
        let sample = self.samples.get(point)?;
        let share = (sample.load.0 - self.load_before.0) / (sample.at - self.began?);
        error(sample.shown? * share, self.load.0 - sample.load.0)
    }

    /// The same for all jobs.
    fn error_of_all(&self, point: usize) -> Option<f64> {
        let sample = self.samples.get(point)?;
        error(sample.all_left?, self.all_done - sample.at)
    }
}

fn error(shown: f64, truth: f64) -> Option<f64> {
    (truth > 0.0).then_some(shown / truth - 1.0)
}

pub(crate) fn header() -> String {
    let shares = columns(|point| Some(format!("{:.0} %", SHARES.get(point)? * 100.0)));
    format!(
        "{:<14} {:>8}{shares}{:>9}{:>7}{:>8}{:>9}",
        "film", "seconds", "all jobs", "own", "others", "in CPU"
    )
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<14} {:>8.1}", self.name, self.seconds())?;
        for point in 0..SHARES.len() {
            let text = match (self.error(point), self.samples.get(point)) {
                (Some(error), _) => percent(error),
                (None, Some(Sample { stalled: true, .. })) => "stalled".to_owned(),
                (None, _) => "-".to_owned(),
            };
            write!(f, "{text:>9}")?;
        }
        let all = self.error_of_all(0).map_or_else(|| "-".to_owned(), percent);
        let cores = |now: f64, before: f64| (now - before) / self.seconds().max(0.1);
        let (own, others) = (cores(self.load.0, self.load_before.0), cores(self.load.1, self.load_before.1));
        let even = self.even_error(0).map_or_else(|| "-".to_owned(), percent);
        write!(f, "{all:>9}{own:>7.2}{others:>8.2}{even:>9}")
    }
}

/// The medians as they would be on a machine that is even.
pub(crate) fn even_medians(lines: &[Line]) -> String {
    let shares = columns(|point| median_of(lines, |line| line.even_error(point)));
    format!("{:<14} {:>8}{shares}", "in CPU time", "")
}

/// A column for each point at which something was taken down.
fn columns(text: impl Fn(usize) -> Option<String>) -> String {
    (0..SHARES.len()).fold(String::new(), |columns, point| {
        columns + &format!("{:>9}", text(point).unwrap_or_else(|| "-".to_owned()))
    })
}

/// The median of errors, whatever their sign, in words.
fn median_of(lines: &[Line], error: impl Fn(&Line) -> Option<f64>) -> Option<String> {
    median(lines.iter().filter_map(error).collect()).map(|error| format!("{:.1} %", error * 100.0))
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

/// The medians of the errors, whatever their sign.
pub(crate) fn medians(lines: &[Line]) -> String {
    let shares = columns(|point| median_of(lines, |line| line.error(point)));
    let all = median_of(lines, |line| line.error_of_all(0)).unwrap_or_default();
    format!("{:<14} {:>8}{shares}{all:>9}", "median", "")
}

fn median(errors: Vec<f64>) -> Option<f64> {
    let mut sizes: Vec<f64> = errors.into_iter().map(f64::abs).collect();
    sizes.sort_by(f64::total_cmp);
    let (lower, upper) = (sizes.get(sizes.len().checked_sub(1)? / 2)?, sizes.get(sizes.len() / 2)?);
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_compared_with_what_was_true() {
        let mut line = Line { name: "film".to_owned(), all_done: 200.0, ..Line::default() };
        line.begin(10.0, (5.0, 1.0));
        for (at, shown) in [(20.0, Some(99.0)), (40.0, None)] {
            line.samples.push(Sample {
                at,
                shown,
                stalled: shown.is_none(),
                all_left: Some(90.0),
                load: (15.0, 6.0),
            });
        }
        line.end(110.0, (105.0, 51.0));
        assert!(
            (line.error(0).unwrap() - 0.1).abs() < 1e-9 && (line.error_of_all(0).unwrap() + 0.5).abs() < 1e-9
        );
        let shown = line.to_string();
        assert!(
            shown.contains("+10.0 %")
                && shown.contains("stalled")
                && shown.ends_with("1.00    0.50  +10.0 %"),
            "{shown}"
        );
        assert!(medians(std::slice::from_ref(&line)).contains("10.0 %"));
        // It had one processor until then, and needed 90 seconds of one.
        assert!((line.even_error(0).unwrap() - 0.1).abs() < 1e-9);
        assert_eq!((median(vec![-0.3, 0.1]), median(Vec::new())), (Some(0.2), None));
    }
}
