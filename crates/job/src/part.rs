//! The part of a film that is made, where that is not all of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// A time within a film, in microseconds from its beginning as a player shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilmTime(pub u64);

/// From when on and up to before when a film is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The first frame is the first from then on; `None` for that of the film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<FilmTime>,
    /// No frame is shown then or later; `None` for the end of the film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<FilmTime>,
}

impl Part {
    /// From one time to another; `None` for the whole film.
    pub fn of(from: Option<FilmTime>, to: Option<FilmTime>) -> Option<Self> {
        // The beginning of the film is no part of its own.
        let from = from.filter(|from| from.0 > 0);
        (from.is_some() || to.is_some()).then_some(Self { from, to })
    }

    /// False where it ends before it begins, or there.
    pub fn is_usable(&self) -> bool {
        self.to.is_none_or(|to| to > self.from.unwrap_or(FilmTime(0)))
    }

    /// What names of files have of it: `00h01m00s-00h02m00s`, or `end` for the second time.
    pub fn label(&self) -> String {
        let time = |time: FilmTime| {
            let (hours, minutes, seconds) = time.parts();
            format!("{hours:02}h{minutes:02}m{seconds}s")
        };
        let to = self.to.map_or_else(|| "end".to_owned(), time);
        format!("{}-{to}", time(self.from.unwrap_or(FilmTime(0))))
    }
}

/// As people read it: `00:01:00-00:02:00`, or `end` for the second time.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.from.unwrap_or(FilmTime(0)))?;
        match self.to {
            Some(to) => to.fmt(f),
            None => f.write_str("end"),
        }
    }
}

impl FilmTime {
    /// Hours, minutes, and seconds with as many decimals as they have.
    fn parts(self) -> (u64, u64, String) {
        let (seconds, micros) = (self.0 / SECOND, self.0 % SECOND);
        let decimals = if micros == 0 { String::new() } else { format!(".{micros:06}") };
        let text = format!("{:02}{}", seconds % 60, decimals.trim_end_matches('0'));
        (seconds / 3600, seconds / 60 % 60, text)
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }
}

impl fmt::Display for FilmTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = self.parts();
        write!(f, "{hours:02}:{minutes:02}:{seconds}")
    }
}

/// Text that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write seconds, MM:SS or HH:MM:SS, for example 12.5 or 1:02:03.5")]
pub struct FilmTimeError;

impl std::str::FromStr for FilmTime {
    type Err = FilmTimeError;

    /// Seconds, `MM:SS` or `HH:MM:SS`, with decimals, of which six count. What stands behind a larger unit is less than one of it.
    fn from_str(text: &str) -> Result<Self, FilmTimeError> {
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| is_plain).ok_or(FilmTimeError)
        };
        let mut parts = text.rsplit(':');
        let last = parts.next().unwrap_or_default();
        let (whole, decimals) = match last.split_once('.') {
            Some((whole, decimals)) => {
                number(decimals.get(..1).unwrap_or_default())?;
                let all_digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
                let micros = format!("{decimals:0<6}");
                (whole, if all_digits { number(&micros[..6])? } else { return Err(FilmTimeError) })
            }
            None => (last, 0),
        };
        let mut seconds = number(whole)?;
        for unit in [60, 3600] {
            let Some(part) = parts.next() else { break };
            if seconds >= unit {
                return Err(FilmTimeError);
            }
            seconds = number(part)?
                .checked_mul(unit)
                .and_then(|more| more.checked_add(seconds))
                .ok_or(FilmTimeError)?;
        }
        // Some 30,000 years: sums of such times cannot overflow.
        let micros = seconds.checked_mul(SECOND).and_then(|micros| micros.checked_add(decimals));
        micros.filter(|&micros| parts.next().is_none() && micros < 1 << 60).map(Self).ok_or(FilmTimeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, micros, written) in [
            ("0", 0, "00:00:00"),
            ("90", 90_000_000, "00:01:30"),
            ("90.5", 90_500_000, "00:01:30.5"),
            ("1:30", 90_000_000, "00:01:30"),
            ("01:02:03.5", 3_723_500_000, "01:02:03.5"),
            ("0.0000019", 1, "00:00:00.000001"),
            ("100:00:00", 360_000_000_000, "100:00:00"),
            ("123456", 123_456_000_000, "34:17:36"),
        ] {
            assert_eq!(text.parse(), Ok(FilmTime(micros)), "{text}");
            assert_eq!(FilmTime(micros).to_string(), written);
            assert_eq!(written.parse(), Ok(FilmTime(micros)), "{written}");
        }
        for wrong in [
            "",
            "-1",
            "+1",
            "x",
            "1:",
            ":1",
            "1:60",
            "1:2:3:4",
            "1:60:00",
            "1e3",
            "NaN",
            "inf",
            ".5",
            "5.",
            "1.x",
            "1.5:00",
            "1.-5",
            " 1",
            "1 ",
            "99999999999999999999",
            "9999999999999",
            "1.ü",
            "٣",
        ] {
            assert_eq!(wrong.parse::<FilmTime>(), Err(FilmTimeError), "{wrong}");
        }
    }

    #[test]
    fn a_part_has_a_name() {
        let part =
            |from: Option<u64>, to: Option<u64>| Part { from: from.map(FilmTime), to: to.map(FilmTime) };
        let usual = part(Some(60_000_000), Some(120_500_000));
        assert_eq!(usual.label(), "00h01m00s-00h02m00.5s");
        assert_eq!(usual.to_string(), "00:01:00-00:02:00.5");
        assert_eq!(part(None, Some(1_000_000)).label(), "00h00m00s-00h00m01s");
        assert_eq!(part(Some(1_000_000), None).label(), "00h00m01s-end");
        assert_eq!(part(Some(1_000_000), None).to_string(), "00:00:01-end");
        assert_eq!(Part::of(None, None), None);
        assert_eq!(Part::of(Some(FilmTime(0)), None), None);
        assert_eq!(Part::of(Some(FilmTime(0)), Some(FilmTime(1))), Some(part(None, Some(1))));
        for (from, to, is_usable) in [
            (Some(1), Some(2), true),
            (Some(1), None, true),
            (None, Some(1), true),
            (None, Some(0), false),
            (Some(2), Some(2), false),
            (Some(3), Some(2), false),
        ] {
            assert_eq!(part(from, to).is_usable(), is_usable, "{from:?} {to:?}");
        }
    }

    #[test]
    fn a_part_is_kept() {
        let part = Part { from: Some(FilmTime(5)), to: None };
        assert_eq!(serde_json::to_string(&part).unwrap(), "{\"from\":5}");
        assert_eq!(serde_json::from_str::<Part>("{\"from\":5}").unwrap(), part);
    }
}
