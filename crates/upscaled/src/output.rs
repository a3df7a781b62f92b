//! Writing to the terminal: data to standard output, everything else to standard error.

use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use coordinator::{JobReport, Outlook};
pub(crate) use job::one_line;
use serde::Serialize;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Writes a line of data.
///
/// # Errors
/// When it cannot be written. A reader that has gone away is no error of ours.
pub(crate) fn data(line: &str) -> anyhow::Result<()> {
    lines(std::iter::once(line))
}

/// Writes lines of data, as [`data`] does.
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    let mut writer = io::BufWriter::new(io::stdout().lock());
    let write = || {
        for line in lines {
            writeln!(writer, "{}", line.as_ref())?;
        }
        writer.flush()?;
        // What the library keeps of an unfinished line aside.
        writer.get_mut().flush()
    };
    accept(write())
}

/// Writes text as it is, as [`data`] does.
pub(crate) fn raw(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    accept(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

fn accept(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("the standard output cannot be written: free its disk, or name another file")
        }
        _ => Ok(()),
    }
}

/// Writes a value as one line of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    data(&serde_json::to_string(value)?)
}

/// Writes a line for people. What follows a line break would look like another: names can have such.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", one_line(text));
}

/// Writes an error for people.
pub(crate) fn error(message: &str) {
    say(&format!("error: {message}"));
}

/// A number of seconds as people say it: `42 s`, `3 min 05 s`, `2 h 10 min`, `3 days 4 h`.
pub(crate) fn duration(seconds: f64) -> String {
    const DAY: u64 = 86_400;
    let seconds = seconds.round() as u64;
    let days = seconds / DAY;
    let plural = if days == 1 { "" } else { "s" };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..DAY => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ if days < 100 => format!("{days} day{plural} {} h", seconds % DAY / 3600),
        _ => format!("{days} days"),
    }
}

/// A file name or path in a line of text: what could steer a terminal is shown as escapes.
pub(crate) fn path(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}

/// Columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text in so many columns at most: where it is longer, an ellipsis stands in its middle, so that its end is seen.
pub(crate) fn cut_middle(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let end = take(text.chars().rev(), room / 2);
    let start = take(text.chars(), room - room / 2);
    format!("{}…{}", start.into_iter().collect::<String>(), end.into_iter().rev().collect::<String>())
}

/// A text in so many columns at most: where it is longer, an ellipsis stands at its end.
pub(crate) fn cut_end(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let start = take(text.chars(), columns.saturating_sub(1));
    format!("{}…", start.into_iter().collect::<String>().trim_end())
}

/// The first characters that take so many columns at most.
fn take(characters: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut left = columns;
    let fits = |c: &char| {
        let rest = left.checked_sub(c.width().unwrap_or(0));
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    characters.take_while(fits).collect()
}

/// How long a job still takes, or takes once it has its turn; or that it has stalled. `None` where nothing can be told.
pub(crate) fn time_left(report: &JobReport) -> Option<String> {
    let stalled = report.stalled_seconds.map(|seconds| format!("no frame for {}", duration(seconds)));
    let needed = report.seconds_needed.map(|seconds| format!("~{}", duration(seconds)));
    stalled.or_else(|| report.seconds_left.map(duration)).or(needed)
}

/// How long all jobs take, where there are several and something is known of them.
pub(crate) fn outlook(Outlook { jobs, unknown, seconds }: Outlook) -> Option<String> {
    let known = jobs.saturating_sub(unknown);
    let of = if unknown == 0 { format!("all {jobs}") } else { format!("{known} of {jobs}") };
    let seconds = seconds.filter(|_| jobs > 1)?;
    Some(format!("about {} for {of} jobs", duration(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_readable() {
        assert_eq!(duration(41.6), "42 s");
        assert_eq!(duration(185.0), "3 min 05 s");
        assert_eq!(duration(7800.0), "2 h 10 min");
        assert_eq!(duration(86_399.0), "23 h 59 min");
        assert_eq!(duration(86_400.0), "1 day 0 h");
        assert_eq!(duration(273_600.0), "3 days 4 h");
        assert_eq!(duration(1e7), "115 days");
    }

    #[test]
    fn what_is_left_is_told_or_why_it_is_not() {
        let report = || JobReport::of(&crate::made_up::running(1));
        let left = |change: fn(&mut JobReport)| {
            let mut report = report();
            change(&mut report);
            time_left(&report).unwrap_or_default()
        };
        assert_eq!(left(|_| {}), "");
        assert_eq!(left(|report| report.seconds_left = Some(185.0)), "3 min 05 s");
        assert_eq!(left(|report| report.stalled_seconds = Some(40.0)), "no frame for 40 s");
        assert_eq!(left(|report| report.seconds_needed = Some(7800.0)), "~2 h 10 min");
        let all = |jobs, unknown, seconds| outlook(Outlook { jobs, unknown, seconds });
        assert_eq!(all(14, 0, Some(7800.0)).unwrap(), "about 2 h 10 min for all 14 jobs");
        assert_eq!(all(14, 2, Some(7800.0)).unwrap(), "about 2 h 10 min for 12 of 14 jobs");
        assert_eq!((all(1, 0, Some(7800.0)), all(14, 14, None)), (None, None));
    }

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(path(Path::new("a\nb\u{1b}[2J ü.mp4")), "a\\nb\\u{1b}[2J ü.mp4");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(cut_middle("abcdefghij.mkv", 14), "abcdefghij.mkv");
        assert_eq!(cut_middle("abcdefghij.mkv", 9), "abcd….mkv");
        // Each of these characters takes two columns.
        assert_eq!(cut_middle("日本語日本語.mkv", 10), "日本….mkv");
        assert_eq!(cut_end("the disk is full", 9), "the disk…");
        assert_eq!(cut_end("the disk", 8), "the disk");
        for columns in 0..20 {
            assert!(width(&cut_middle("日本語日本語.mkv", columns)) <= columns.max(1));
            assert!(width(&cut_end("日本語日本語.mkv", columns)) <= columns.max(1));
        }
    }
}
