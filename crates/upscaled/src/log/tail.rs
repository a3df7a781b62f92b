//! The last lines of the log, in memory: what the page shows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use coordinator::now;
use job::Millis;
use server::{LogLevel, LogLine, LogPage};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::FormatFields as _;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::Context;

use super::OneLine;

/// Lines that are kept.
const MOST_LINES: usize = 5000;
/// Bytes of them in all.
const MOST_BYTES: usize = 1 << 20;
/// Bytes of a line; more of it is in the file.
const LONGEST: usize = 4096;

/// The last lines of the log. Copies are the same.
#[derive(Debug, Clone)]
pub(crate) struct Tail(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    kept: VecDeque<Line>,
    bytes: usize,
    /// The number of the next one.
    next: u64,
}

#[derive(Debug)]
struct Line {
    number: u64,
    at: Millis,
    level: LogLevel,
    text: String,
}

impl Tail {
    /// Numbers begin with the microseconds of the clock, so that they are larger than those of earlier runs.
    pub(crate) fn new() -> Self {
        let next = u64::try_from(now().0).unwrap_or_default() * 1000;
        Self(Arc::new(Mutex::new(Lines { kept: VecDeque::new(), bytes: 0, next })))
    }

    fn push(&self, level: LogLevel, mut text: String) {
        if text.len() > LONGEST {
            text.truncate(text.floor_char_boundary(LONGEST));
            text.push('…');
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = lines.next;
        lines.next += 1;
        lines.bytes += text.len();
        lines.kept.push_back(Line { number, at: now(), level, text });
        while lines.kept.len() > MOST_LINES || lines.bytes > MOST_BYTES {
            let Some(line) = lines.kept.pop_front() else { break };
            lines.bytes -= line.text.len();
        }
    }
}

impl server::Log for Tail {
    fn page(&self, after: Option<u64>, level: LogLevel, limit: usize) -> LogPage {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = lines.kept.front().map_or(lines.next, |line| line.number);
        let wanted = lines.kept.iter().filter(|line| line.level <= level);
        let line = |line: &Line| LogLine {
            number: line.number,
            at: coordinator::rfc3339(line.at),
            level: line.level,
            text: line.text.clone(),
        };
        let Some(after) = after else {
            let mut last: Vec<LogLine> = wanted.rev().take(limit).map(line).collect();
            last.reverse();
            return LogPage { lines: last, next: lines.next.saturating_sub(1), missed: false };
        };
        let new: Vec<LogLine> = wanted.filter(|line| line.number > after).take(limit).map(line).collect();
        let all = new.len() < limit;
        let next = match new.last() {
            Some(last) if !all => last.number,
            _ => lines.next.saturating_sub(1),
        };
        LogPage { lines: new, next, missed: after.saturating_add(1) < first }
    }
}

impl<S: Subscriber> Layer<S> for Tail {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            _ => LogLevel::Info,
        };
        let mut text = String::new();
        if OneLine.format_fields(Writer::new(&mut text), event).is_ok() {
            self.push(level, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use server::Log as _;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn texts(page: &LogPage) -> Vec<&str> {
        page.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_told_once_from_a_number_on_and_by_their_level() {
        let tail = Tail::new();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(tail.clone()), || {
            tracing::info!("one\nINFO forged \u{1b}[2J");
            tracing::warn!(name = "x", "two");
            tracing::error!("three");
        });
        let all = tail.page(None, LogLevel::Info, 10);
        assert_eq!(texts(&all), ["one\\nINFO forged \\x1b[2J", "two name=\"x\"", "three"]);
        assert_eq!(texts(&tail.page(None, LogLevel::Warn, 10)), ["two name=\"x\"", "three"]);
        assert_eq!(texts(&tail.page(None, LogLevel::Info, 2)), ["two name=\"x\"", "three"]);
        assert!(tail.page(Some(all.next), LogLevel::Info, 10).lines.is_empty());
        let first = tail.page(Some(all.lines[0].number - 1), LogLevel::Info, 2);
        assert_eq!((texts(&first), first.missed), (texts(&all)[..2].to_vec(), false));
        assert_eq!(texts(&tail.page(Some(first.next), LogLevel::Error, 2)), ["three"]);
        // A number of an earlier run.
        assert!(tail.page(Some(7), LogLevel::Info, 10).missed);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let tail = Tail::new();
        for _ in 0..MOST_LINES + 10 {
            tail.push(LogLevel::Info, "a".to_owned());
        }
        let start = tail.page(None, LogLevel::Info, usize::MAX);
        assert_eq!(start.lines.len(), MOST_LINES);
        for _ in 0..2000 {
            tail.push(LogLevel::Info, "ü".repeat(LONGEST));
        }
        let lines = tail.page(None, LogLevel::Info, usize::MAX).lines;
        let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
        assert!((MOST_BYTES - 2 * LONGEST..=MOST_BYTES).contains(&bytes), "{bytes}");
        assert!(lines.iter().all(|line| line.text.ends_with('…')));
        assert!(tail.page(Some(start.next), LogLevel::Info, 1).missed);
    }
}
