//! Cycles of 2:3 pulldown: of five frames, one repeats a field of the frame before, and the next but one repeats the other
//! field.

use frame::Rational;

use super::film::CYCLE;
use super::sample::{Repeated, Sample, Seen};

/// Cycles of 2:3 pulldown that have to be seen.
pub(super) const LEAST_CYCLES: u32 = 4;
/// Cycles that are looked at together. The phase may be another in the next ones: films are cut after they were spread.
const TOGETHER: usize = 6;

/// Cycles that were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cycles {
    /// Those that are as they should be.
    pub(super) right: u32,
    /// Those in which something moves.
    pub(super) moving: u32,
}

/// True for the rate of video that films are spread over.
pub(super) fn is_ntsc(rate: Rational) -> bool {
    (29.9..30.1).contains(&rate.to_f64())
}

/// True for the frames that are beside cycles of pulldown.
pub(super) fn frames(samples: &[Sample]) -> Vec<bool> {
    let parts = samples.chunks(TOGETHER * CYCLE as usize);
    parts.flat_map(|part| vec![Cycles::of_part(part).are_pulldown(); part.len()]).collect()
}

impl Cycles {
    /// Counts those of frames in a row.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let mut all = Self::default();
        for part in samples.chunks(TOGETHER * CYCLE as usize) {
            let best = Self::of_part(part);
            all.right += best.right;
            all.moving += best.moving;
        }
        all
    }

    fn of_part(part: &[Sample]) -> Self {
        let phases = (0..CYCLE as usize)
            .flat_map(|phase| [Repeated::Top, Repeated::Bottom].map(|first| Self::at(part, phase, first)));
        phases.max_by_key(|cycles| cycles.right).unwrap_or_default()
    }

    /// Looks for cycles in which frame `phase` repeats its `first` field.
    fn at(part: &[Sample], phase: usize, first: Repeated) -> Self {
        let other = if first == Repeated::Top { Repeated::Bottom } else { Repeated::Top };
        let expected = |place: usize| match (place + CYCLE as usize - phase) % CYCLE as usize {
            0 => first,
            2 => other,
            _ => Repeated::Neither,
        };
        let mut cycles = Self::default();
        for (number, frames) in part.chunks_exact(CYCLE as usize).enumerate() {
            let begin = number * CYCLE as usize;
            let mut places = (begin..).zip(frames);
            // At the ends of a film nobody knows the frame beside.
            let is_right = |(place, frame): (usize, &Sample)| {
                let is_end = place == 0 || place + 1 == part.len();
                frame.repeated == expected(place) || is_end && frame.repeated == Repeated::Neither
            };
            // Where nothing moves, no field is repeated more than the other.
            let is_moving =
                |frame: &Sample| frame.repeated != Repeated::Neither || frame.alone != Seen::Nothing;
            cycles.moving += u32::from(frames.iter().any(is_moving));
            cycles.right += u32::from(places.all(is_right));
        }
        cycles
    }

    pub(super) fn are_pulldown(self) -> bool {
        self.right >= LEAST_CYCLES && self.right * 5 >= self.moving * 4
    }
}
