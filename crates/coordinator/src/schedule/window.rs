//! Windows of the local time, such as `22:00-07:00` or `sat-sun 09:00-24:00`. A clock that is set forward or back makes a window shorter
//! or longer; its ends stay what people read on the clock.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{ToSpan as _, ZonedDateTime};

/// The days by the names that people write.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A time of each day, or of some days of the week; one that ends before it begins ends on the next day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    written: String,
    days: Vec<Weekday>,
    from: Time,
    to: Time,
    ends_next_day: bool,
}

/// A text that is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no window: write times as 22:00-07:00, with days before them where not all are meant, as sat-sun 09:00-24:00"
)]
pub struct WindowError(String);

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        read(text).ok_or_else(|| WindowError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Window> {
    let lower = text.trim().to_ascii_lowercase();
    let (days, times) = match lower.rsplit_once(char::is_whitespace) {
        Some((days, times)) => (read_days(days.trim())?, times),
        None => (DAYS.map(|(_, day)| day).to_vec(), &*lower),
    };
    let (from, to) = times.split_once('-')?;
    let midnight = Time::midnight();
    let from = time(from)?;
    let (to, is_24) = if to == "24:00" { (midnight, true) } else { (time(to)?, false) };
    if from == to && !is_24 {
        return None;
    }
    Some(Window { written: text.trim().to_owned(), days, from, to, ends_next_day: is_24 || to < from })
}

/// Hours and minutes.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let is_number =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) || minute.len() != 2 {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// `mon`, `mon-fri` or `sat,sun`.
fn read_days(text: &str) -> Option<Vec<Weekday>> {
    let place = |name: &str| DAYS.iter().position(|(known, _)| *known == name.trim());
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        // Over the end of the week, as `fri-mon`.
        let count = (last + DAYS.len() - first) % DAYS.len();
        days.extend((0..=count).map(|more| DAYS[(first + more) % DAYS.len()].1));
    }
    Some(days)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Window {
    /// The window that begins on a day; `None` where none does.
    fn on(&self, day: Date, now: &ZonedDateTime) -> Option<(ZonedDateTime, ZonedDateTime)> {
        if !self.days.contains(&day.weekday()) {
            return None;
        }
        let last = if self.ends_next_day { day.tomorrow().ok()? } else { day };
        let at = |day: Date, time: Time| {
            DateTime::from_parts(day, time).to_zoned_datetime(now.time_zone().clone()).ok()
        };
        Some((at(day, self.from)?, at(last, self.to)?))
    }

    /// When the window ends in which a time lies; `None` where it lies in none.
    pub(super) fn end_around(&self, now: &ZonedDateTime) -> Option<ZonedDateTime> {
        let days = [now.date().yesterday().ok(), Some(now.date())];
        let windows = days.into_iter().flatten().filter_map(|day| self.on(day, now));
        windows.filter(|(from, to)| from <= now && now < to).map(|(_, to)| to).max()
    }

    /// When the next window begins.
    pub(super) fn next(&self, now: &ZonedDateTime) -> Option<ZonedDateTime> {
        let days = (0..=8).filter_map(|days| now.date().checked_add(days.days()).ok());
        days.filter_map(|day| self.on(day, now)).map(|(from, _)| from).find(|from| from > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> ZonedDateTime {
        format!("{text}[Europe/Berlin]").parse().unwrap()
    }

    fn is_open(window: &str, now: &str) -> bool {
        window.parse::<Window>().unwrap().end_around(&at(now)).is_some()
    }

    #[test]
    fn a_window_may_go_over_midnight_and_have_days() {
        // 2026-11-30 is a Monday.
        for (window, now, wanted) in [
            ("22:00-07:00", "2026-11-30T21:59", false),
            ("22:00-07:00", "2026-11-30T22:00", true),
            ("22:00-07:00", "2026-12-01T06:59", true),
            ("22:00-07:00", "2026-12-01T07:00", false),
            ("mon 22:00-07:00", "2026-12-01T03:00", true),
            ("mon 22:00-07:00", "2026-11-30T03:00", false),
            ("fri-mon 9:00-17:00", "2026-11-29T12:00", true),
            ("tue,thu 09:00-17:00", "2026-12-02T12:00", false),
            ("SUN 00:00-24:00", "2026-11-29T23:59", true),
            ("sun 00:00-24:00", "2026-11-30T00:00", false),
        ] {
            assert_eq!(is_open(window, now), wanted, "{window} {now}");
        }
        let next = |window: &str, now: &str| window.parse::<Window>().unwrap().next(&at(now)).unwrap();
        assert_eq!(next("22:00-07:00", "2026-11-30T12:00"), at("2026-11-30T22:00"));
        assert_eq!(next("mon 10:00-11:00", "2026-11-30T10:00"), at("2026-12-07T10:00"));
    }

    #[test]
    fn the_ends_are_what_the_clock_shows_when_it_is_set() {
        // In the night to 2026-03-29 the hour from 2 on is not there, in that to 2026-10-25 it is there twice.
        let hours = |from: &str| {
            let window: Window = "22:00-07:00".parse().unwrap();
            let end = window.end_around(&at(from)).unwrap();
            at(from).duration_until(&end).as_hours()
        };
        assert_eq!(
            (hours("2026-03-28T22:00"), hours("2026-10-24T22:00"), hours("2026-11-30T22:00")),
            (8, 10, 9)
        );
        assert_eq!(
            "02:30-04:00".parse::<Window>().unwrap().next(&at("2026-03-29T00:00")).unwrap(),
            at("2026-03-29T03:30")
        );
        assert!(is_open("02:30-04:00", "2026-03-29T03:45"));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "",
            "22",
            "22-7",
            "22:00",
            "22:00-22:00",
            "25:00-26:00",
            "22:0-23:00",
            "-1:00-2:00",
            "noday 1:00-2:00",
            "mon-xyz 1:00-2:00",
            "24:00-1:00",
            "mon",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
