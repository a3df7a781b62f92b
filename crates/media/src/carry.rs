//! What was decided for the streams beside the video, before the first frame was made.

use std::collections::BTreeMap;

use frame::Rational;

use crate::{SoundFormat, raw};

/// An amount of time that is added to all times of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// The amount in ticks.
    pub ticks: i64,
    /// Seconds a tick.
    pub time_base: Rational,
}

impl Shift {
    /// All times stay.
    pub const NONE: Self = Self { ticks: 0, time_base: Rational { num: 1, den: 1 } };

    /// The amount in ticks of a stream, to the nearest: one number for a whole stream, so that distances stay.
    pub(crate) fn in_ticks(self, of: Rational) -> i64 {
        if self.ticks == 0 { 0 } else { raw::rescale(self.ticks, self.time_base, of) }
    }

    /// The amount in seconds.
    pub fn seconds(self) -> f64 {
        self.ticks as f64 * self.time_base.to_f64()
    }
}

impl Default for Shift {
    fn default() -> Self {
        Self::NONE
    }
}

/// What becomes of a stream that is not taken as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamChange {
    /// Its sound is decoded and brought to one format: plain samples, or in MPEG-4 what AAC can hold of it.
    Convert(SoundFormat),
    /// It is not in the result.
    LeaveOut,
}

/// What is done with the streams beside the video where the usual rules do not hold. All of it was said when it was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carry {
    /// What is added to all times.
    pub shift: Shift,
    /// Streams by their numbers in the source; the others are taken as they are, as far as the container has a place for them.
    pub streams: BTreeMap<usize, StreamChange>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_one_number_in_each_time_base() {
        let shift = Shift { ticks: -126_000, time_base: Rational::new(1, 90_000) };
        assert_eq!(shift.in_ticks(Rational::new(1, 1000)), -1400);
        assert_eq!(shift.in_ticks(Rational::new(1, 44_100)), -61_740);
        assert!((shift.seconds() + 1.4).abs() < 1e-12);
        assert_eq!(Shift::NONE.in_ticks(Rational::new(1, 1000)), 0);
    }
}
