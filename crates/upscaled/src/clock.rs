//! Times as people read and write them.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit, ZonedDateTime};
use job::Millis;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// From this age on a date says more than a number of days.
const OLD: i64 = 14 * DAY;

/// The present, and where: what every time is shown relative to.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub(crate) now: Millis,
    zone: TimeZone,
}

impl Clock {
    /// The clock of this machine.
    pub(crate) fn system() -> Self {
        Self { now: coordinator::now(), zone: TimeZone::system() }
    }

    /// A clock that stands still, in UTC.
    #[cfg(test)]
    pub(crate) const fn fixed(now: Millis) -> Self {
        Self { now, zone: TimeZone::UTC }
    }

    fn local(&self, time: Millis) -> ZonedDateTime {
        let time = Timestamp::from_second(time.0.div_euclid(1000)).unwrap_or_default();
        time.to_zoned_datetime(self.zone.clone())
    }

    /// How long ago it was, in 11 characters at most: `just now`, `5 min ago`, `3 days ago`, `2026-10-02`.
    pub(crate) fn short(&self, time: Millis) -> String {
        let age = (self.now.0 - time.0).div_euclid(1000);
        match age {
            // A clock that was set back makes times of the future.
            ..MINUTE => "just now".to_owned(),
            MINUTE..HOUR => format!("{} min ago", age / MINUTE),
            HOUR..DAY => format!("{} h ago", age / HOUR),
            DAY..OLD if age < 2 * DAY => "1 day ago".to_owned(),
            DAY..OLD => format!("{} days ago", age / DAY),
            _ => self.local(time).strftime("%Y-%m-%d").to_string(),
        }
    }

    /// Date and time of day here, and how long ago that was.
    pub(crate) fn long(&self, time: Millis) -> String {
        let short = self.short(time);
        let ago = if short.ends_with("ago") { format!(" ({short})") } else { String::new() };
        format!("{}{ago}", self.local(time).strftime("%Y-%m-%d %H:%M:%S"))
    }

    /// When a span that ends now began, or when a day did.
    pub(crate) fn since(&self, since: Since) -> Millis {
        match since {
            Since::Ago(seconds) => self.now.plus(seconds.saturating_mul(-1000)),
            Since::Moment(moment) => moment
                .to_zoned_datetime(self.zone.clone())
                .map_or(self.now, |time| Millis(time.timestamp().as_millisecond())),
        }
    }
}

/// A point in time on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// So many seconds ago.
    Ago(i64),
    /// On this day, at this time of day here.
    Moment(DateTime),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let ago = || {
            let unit = match text.chars().next_back()? {
                's' => 1,
                'm' => MINUTE,
                'h' => HOUR,
                'd' => DAY,
                'w' => WEEK,
                _ => return None,
            };
            let count = text.get(..text.len() - 1)?.trim_end();
            let count = count.parse::<u32>().ok().filter(|_| !count.starts_with('+'))?;
            Some(Self::Ago(i64::from(count) * unit))
        };
        let day = || text.parse::<Date>().ok().filter(|_| text.len() == "2026-11-28".len());
        let moment = || text.parse::<DateTime>().ok().and_then(|moment| moment.round(Unit::Second).ok());
        ago()
            .or_else(|| day().map(|day| Self::Moment(day.into())))
            .or_else(|| moment().map(Self::Moment))
            .ok_or_else(|| {
                "write a number and s, m, h, d or w, for example 2h or 3d, or a date, for example 2026-11-28"
                    .to_owned()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28 14:05:12 in UTC.
    const NOW: Millis = Millis(1_795_874_712_000);

    #[test]
    fn times_are_told_by_their_age() {
        let clock = Clock::fixed(NOW);
        let ago = |seconds: i64| clock.short(NOW.plus(-1000 * seconds));
        let shown = [-5, 0, 59, 60, 3599, 3600, DAY - 1, DAY, 2 * DAY, OLD - 1, OLD].map(ago);
        let wanted = [
            "just now",
            "just now",
            "just now",
            "1 min ago",
            "59 min ago",
            "1 h ago",
            "23 h ago",
            "1 day ago",
            "2 days ago",
            "13 days ago",
            "2026-11-14",
        ];
        assert_eq!(shown, wanted);
        assert_eq!(clock.long(NOW.plus(-7_200_000)), "2026-11-28 12:05:12 (2 h ago)");
        assert_eq!(clock.long(NOW), "2026-11-28 14:05:12");
    }

    #[test]
    fn points_in_time_are_read() {
        let clock = Clock::fixed(NOW);
        for (text, before) in [
            ("30s", 30),
            ("2h", 7200),
            ("3 d", 3 * DAY),
            ("1w", 7 * DAY),
            ("2026-11-28", 14 * HOUR + 5 * MINUTE + 12),
            ("2026-11-28 14:00", 5 * MINUTE + 12),
            ("2026-11-28T14:00:12", 5 * MINUTE),
        ] {
            assert_eq!(clock.since(text.parse().unwrap()), NOW.plus(-1000 * before), "{text}");
        }
        for text in
            ["", "h", "-2h", "+2h", "2", "1.5h", "yesterday", "2026-13-01", "2026-11-31", "99999999999d", "ü"]
        {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
