//! The server's log: files of bounded size, a new one each day, and, more briefly, standard error.
//!
//! What is logged quotes names of files and what workers say of them. Control characters of it are escaped here, once, so that
//! no name makes a line of its own or steers a terminal.

mod files;
mod tail;

use std::fmt;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::output;

use files::{Limits, LogFiles};
pub(crate) use tail::Tail;

/// What is kept: a server that says a few lines an hour never comes near, and one that goes wrong fills no disk.
const KEPT: Limits = Limits { file: 50_000_000, total: 500_000_000, days: 14 };

/// Logs to files and, more briefly, to standard error and to a tail in memory. `UPSCALED_LOG` sets what is logged to the files, which are
/// written as long as the guard is kept.
pub(crate) fn start(folder: &Path) -> anyhow::Result<(Tail, tracing_appender::non_blocking::WorkerGuard)> {
    // Lines are dropped where the disk is slower than they come, or full: the server does not wait for its log.
    let (writer, guard) = tracing_appender::non_blocking(LogFiles::new(folder, KEPT));
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("UPSCALED_LOG")
        .from_env()
        .context("the variable UPSCALED_LOG is not a filter: try `info` or `debug`")?;
    let to_file = tracing_subscriber::fmt::layer()
        .fmt_fields(OneLine)
        .with_writer(writer)
        .with_ansi(false)
        .with_filter(filter);
    let to_terminal = tracing_subscriber::fmt::layer()
        .fmt_fields(OneLine)
        .with_writer(std::io::stderr)
        .with_ansi(may_colour())
        .with_target(false)
        .with_filter(LevelFilter::INFO);
    let tail = Tail::new();
    let to_tail = tail.clone().with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(to_file).with(to_terminal).with(to_tail).try_init()?;
    Ok((tail, guard))
}

/// True where standard error is a terminal, and colours were not declined (<https://no-color.org>).
fn may_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes the text and the fields of an event without control characters.
struct OneLine;

impl<'writer> FormatFields<'writer> for OneLine {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&output::one_line(&text))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_name_makes_no_line_and_no_colours() {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(OneLine)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let name = Path::new("a\nINFO forged\r\u{1b}[2J\u{7}\u{9b}31m\u{7f} ü.mp4");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!("`{}` is taken in", name.display());
            tracing::warn!(name = ?name, text = "x\ny", other = %name.display(), "fields");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(text.contains("`a\\nINFO forged\\r") && text.contains("ü.mp4` is taken in"), "{text:?}");
    }
}
