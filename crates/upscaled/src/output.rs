//! Writing to the terminal: data to standard output, everything else to standard error.

use std::io::Write as _;

use serde::Serialize;

/// Writes a line of data. A reader that has gone away is no error of ours.
pub(crate) fn data(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a value as one line of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    data(&serde_json::to_string(value)?);
    Ok(())
}

/// Writes a line for people, or several.
pub(crate) fn say(text: &str) {
    for line in text.lines() {
        let _ = writeln!(std::io::stderr(), "{}", one_line(line));
    }
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

/// A file name or path in a line of text: control characters are shown as escapes.
pub(crate) fn path(path: &std::path::Path) -> String {
    one_line(&path.to_string_lossy())
}

/// A text that stays on its line and cannot steer a terminal: control characters are shown as escapes.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
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
    fn a_name_stays_on_its_line() {
        assert_eq!(path(std::path::Path::new("a\nb\u{1b}[2J ü.mp4")), "a\\nb\\u{1b}[2J ü.mp4");
    }
}
