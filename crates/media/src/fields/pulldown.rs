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

/// True for the frames of film: all where nearly all cycles are right, else those of the cycles that are, if there are more.
pub(super) fn frames(samples: &[Sample]) -> Vec<bool> {
    let mut all = Vec::with_capacity(samples.len());
    for part in samples.chunks(TOGETHER * CYCLE as usize) {
        let (best, (phase, first)) = Cycles::of_part(part);
        let is_more = best.right > 1;
        for number in 0..part.len() {
            let cycle = number / CYCLE as usize;
            let is_right = || Cycles::is_right(part, cycle, phase, first);
            all.push(best.are_pulldown() || is_more && is_right());
        }
    }
    all
}

impl Cycles {
    /// Counts those of frames in a row.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let mut all = Self::default();
        for part in samples.chunks(TOGETHER * CYCLE as usize) {
            let (best, _) = Self::of_part(part);
            all.right += best.right;
            all.moving += best.moving;
        }
        all
    }

    /// The cycles of the phase that is right in the most of them.
    fn of_part(part: &[Sample]) -> (Self, (usize, Repeated)) {
        let mut best = (Self::default(), (0, Repeated::Top));
        for phase in 0..CYCLE as usize {
            for first in [Repeated::Top, Repeated::Bottom] {
                let cycles = Self::at(part, phase, first);
                if cycles.right >= best.0.right {
                    best = (cycles, (phase, first));
                }
            }
        }
        best
    }

    /// Looks for cycles in which frame `phase` repeats its `first` field.
    fn at(part: &[Sample], phase: usize, first: Repeated) -> Self {
        let mut cycles = Self::default();
        for (number, frames) in part.chunks_exact(CYCLE as usize).enumerate() {
            // Where nothing moves, no field is repeated more than the other.
            let is_moving =
                |frame: &Sample| frame.repeated != Repeated::Neither || frame.alone != Seen::Nothing;
            cycles.moving += u32::from(frames.iter().any(is_moving));
            cycles.right += u32::from(Self::is_right(part, number, phase, first));
        }
        cycles
    }

    /// True for a cycle in which frame `phase` repeats its `first` field, the next but one the other, and no others any.
    fn is_right(part: &[Sample], number: usize, phase: usize, first: Repeated) -> bool {
        let other = if first == Repeated::Top { Repeated::Bottom } else { Repeated::Top };
        let begin = number * CYCLE as usize;
        let frames = part.get(begin..begin + CYCLE as usize);
        frames.is_some_and(|frames| {
            (begin..).zip(frames).all(|(place, frame)| {
                let expected = match (place + CYCLE as usize - phase) % CYCLE as usize {
                    0 => first,
                    2 => other,
                    _ => Repeated::Neither,
                };
                // At the ends of a film the frame beside is unknown.
                let is_end = place == 0 || place + 1 == part.len();
                frame.repeated == expected || is_end && frame.repeated == Repeated::Neither
            })
        })
    }

    pub(super) fn are_pulldown(self) -> bool {
        self.right >= LEAST_CYCLES && self.right * 5 >= self.moving * 4
    }
}
