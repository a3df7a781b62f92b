//! How fast the frames of a job come, which tells a worker that hangs from one that is slow.

use std::collections::VecDeque;
use std::time::Duration;

/// Frames whose times are kept.
const KEPT: usize = 101;
/// Frames that must have been seen before their times say anything.
const ENOUGH: usize = 20;
/// A worker that is silent for less than this does not hang.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);
/// Usual frames that a worker may be silent for.
const USUAL_FRAMES: u32 = 20;
/// Slow frames that a worker may be silent for: among many that only repeat the one before, the usual frame takes no time.
const SLOW_FRAMES: u32 = 3;

/// The times that the frames of a job took.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    times: VecDeque<Duration>,
    slowest: Duration,
}

impl Pace {
    /// So many frames came in this time.
    pub(crate) fn add(&mut self, frames: u32, time: Duration) {
        let each = time / frames.max(1);
        self.slowest = self.slowest.max(each);
        self.times.extend(std::iter::repeat_n(each, KEPT.min(frames as usize)));
        self.times.drain(..self.times.len().saturating_sub(KEPT));
    }

    /// How long a worker may be silent between two frames; `None` before enough of them were seen.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.times.iter().copied().collect();
        sorted.sort_unstable();
        let median = *sorted.get(sorted.len() / 2).filter(|_| sorted.len() >= ENOUGH)?;
        Some(LEAST_PATIENCE.max(median * USUAL_FRAMES).max(self.slowest * SLOW_FRAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn pace(frames: &[(u32, u64)]) -> Pace {
        let mut pace = Pace::default();
        for &(count, time) in frames {
            pace.add(count, seconds(time));
        }
        pace
    }

    #[test]
    fn nothing_is_known_before_enough_frames_were_seen() {
        assert_eq!(pace(&[(1, 1); 19]).patience(), None);
        assert!(pace(&[(1, 1); 20]).patience().is_some());
        assert!(pace(&[(20, 1)]).patience().is_some());
    }

    #[test]
    fn a_worker_is_waited_for_as_long_as_twenty_frames_take_or_half_a_minute() {
        assert_eq!(pace(&[(100, 1)]).patience(), Some(seconds(30)));
        assert_eq!(pace(&[(1, 2); 50]).patience(), Some(seconds(40)));
        // The median follows the last hundred frames.
        assert_eq!(pace(&[[(1, 2); 60], [(1, 5); 60]].concat()).patience(), Some(seconds(100)));
    }

    #[test]
    fn frames_that_take_no_time_do_not_make_impatient() {
        assert_eq!(pace(&[(1, 60), (1000, 1)]).patience(), Some(seconds(180)));
    }
}
