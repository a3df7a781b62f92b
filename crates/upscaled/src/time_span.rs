//! Spans of time as people write them: `30s`, `10m`, `2h`.

use std::str::FromStr;
use std::time::Duration;

/// The longest span that is taken, in seconds: a year.
const LONGEST: u64 = 366 * 86_400;

/// A span of time in whole seconds, minutes or hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeSpan(pub(crate) Duration);

impl FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mistake =
            || format!("`{text}` is no span of time: write a number and s, m or h, for example 10m");
        let text = text.trim();
        let unit = text.chars().next_back().ok_or_else(mistake)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(mistake()),
        };
        let count = text.strip_suffix(unit).unwrap_or_default().trim_end();
        let count = count.parse::<u64>().ok().filter(|_| !count.starts_with('+'));
        let span = count.and_then(|count| count.checked_mul(seconds)).filter(|&span| span <= LONGEST);
        span.map(|span| Self(Duration::from_secs(span))).ok_or_else(mistake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("2 h", 7200), ("0s", 0), (" 1m ", 60)] {
            assert_eq!(text.parse(), Ok(TimeSpan(Duration::from_secs(seconds))), "{text}");
        }
        for text in [
            "",
            "10",
            "m",
            "-1m",
            "+1m",
            "1.5h",
            "10 minutes",
            "1ü",
            "18446744073709551615h",
            "9999h9",
            "99999h",
        ] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
    }
}
