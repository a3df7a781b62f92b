//! Times for frames that have none, or some that contradict each other.

use frame::Rational;

use crate::frame_list::{JUMP_SECONDS, LONGEST_GAP_SECONDS};
use crate::raw;

/// Gives every decoded frame a time that is later than that of the frame before.
#[derive(Debug)]
pub(super) struct Clock {
    last: Option<i64>,
    /// Ticks of a frame by the frame rate.
    frame: i64,
    time_base: Rational,
    /// Seconds of a field, where frames say how many of them they are shown: films in which some fields are to be repeated.
    pub(super) field: Option<Rational>,
    /// The last time that a frame had, and the fields since.
    said: (i64, i64),
    /// Ticks of a jump.
    jump: i64,
    /// Ticks after the frame before beyond which a time is damaged.
    longest_gap: i64,
    /// What is added since the clock of the file went back.
    offset: i64,
}

impl Clock {
    pub(super) fn new(time_base: Rational, rate: Rational) -> Self {
        let jump = raw::rescale(JUMP_SECONDS, Rational::new(1, 1), time_base);
        let longest_gap = raw::rescale(LONGEST_GAP_SECONDS, Rational::new(1, 1), time_base);
        let frame = one_frame(time_base, rate);
        Self { last: None, frame, time_base, field: None, said: (0, 0), jump, longest_gap, offset: 0 }
    }

    /// The times of so many frames at the beginning that have none, before the first one that says `said`.
    pub(super) fn times_before(&self, said: i64, frames: usize) -> impl Iterator<Item = i64> {
        let frame = self.frame;
        (1..=frames as i64).rev().map(move |before| said.saturating_sub(before.saturating_mul(frame)))
    }

    /// The time of the next frame, which itself says `said` and is shown for so many fields.
    pub(super) fn time_of(&mut self, said: Option<i64>, fields: i64) -> i64 {
        let latest = self.last.map_or(i64::MAX, |last| last.saturating_add(self.longest_gap));
        let said = said.filter(|said| said.saturating_add(self.offset) <= latest);
        let time = match (self.last, said) {
            (None, said) => said.unwrap_or(0),
            // No time of its own: a frame after the one before.
            (Some(last), None) => match self.field {
                Some(field) => {
                    let since = raw::rescale(self.said.1, field, self.time_base);
                    self.said.0.saturating_add(since).max(last.saturating_add(1))
                }
                None => last.saturating_add(self.frame),
            },
            (Some(last), Some(said)) => {
                if said.saturating_add(self.offset) < last.saturating_sub(self.jump) {
                    self.offset = last.saturating_add(self.frame).saturating_sub(said);
                }
                said.saturating_add(self.offset).max(last.saturating_add(1))
            }
        };
        let has_time = said.is_some() || self.last.is_none();
        self.said = if has_time { (time, fields) } else { (self.said.0, self.said.1 + fields) };
        self.last = Some(time);
        time
    }
}

/// Ticks of a frame by the frame rate; 1 where that is not known.
pub(super) fn one_frame(time_base: Rational, rate: Rational) -> i64 {
    if rate.is_known() { raw::rescale(1, Rational::new(rate.den, rate.num), time_base).max(1) } else { 1 }
}

/// Spreads frames evenly whose times contradict those before: the clock gave them the next tick, which coarser containers cannot
/// tell from the one before. `frame` is the usual distance.
pub(super) fn spread(times: &mut [i64], frame: i64) {
    /// Ticks of a frame from which on one tick is no distance.
    const FINE: i64 = 4;
    let mut begin = 1;
    while frame >= FINE && begin < times.len() {
        let forced = times[begin - 1..].windows(2).take_while(|pair| pair[1] - pair[0] == 1).count() as i64;
        let (from, after) = (times[begin - 1], begin + forced as usize);
        let until =
            times.get(after).copied().unwrap_or(from.saturating_add(frame.saturating_mul(forced + 1)));
        let step = until.saturating_sub(from) / (forced + 1);
        if forced > 0 && step > 1 {
            for (number, time) in (1..).zip(&mut times[begin..after]) {
                *time = from + number * step;
            }
        }
        begin = after + 1;
    }
}

/// How long the last frame is shown: what its packet says, else as long as the one before, else one by the frame rate.
pub(super) fn last_duration(said: i64, pts: &[i64], time_base: Rational, rate: Rational) -> i64 {
    if said > 0 {
        return said;
    }
    match pts {
        [.., before, last] => last.saturating_sub(*before),
        _ => one_frame(time_base, rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_another_age_is_none() {
        let mut clock = Clock::new(Rational::new(1, 25), Rational::new(25, 1));
        let days = |count: i64| Some(count * 86_400 * 25);
        let said = [Some(7), Some(8_086_963_216_230_955_298), Some(9), days(30), days(4000), days(31)];
        let times = said.map(|said| clock.time_of(said, 0));
        assert_eq!(times[..3], [7, 8, 9]);
        assert_eq!(
            times[3..].iter().copied().map(Some).collect::<Vec<_>>(),
            [days(30), days(30).map(|t| t + 1), days(31)]
        );
    }

    #[test]
    fn frames_that_stand_too_close_are_spread() {
        let spread_out = |times: &[i64], frame: i64| {
            let mut times = times.to_vec();
            spread(&mut times, frame);
            times
        };
        assert_eq!(spread_out(&[0, 40, 41, 42, 100, 140], 40), [0, 40, 60, 80, 100, 140]);
        assert_eq!(spread_out(&[0, 40, 80, 81], 40), [0, 40, 80, 120]);
        assert_eq!(spread_out(&[0, 1, 2, 3], 1), [0, 1, 2, 3]);
        assert_eq!(spread_out(&[0, 40, 41, 43], 40), [0, 40, 41, 43]);
        assert_eq!(spread_out(&[7], 40), [7]);
        assert_eq!(spread_out(&[], 40), []);
    }
}
