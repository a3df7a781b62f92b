//! Where reading a part of a film may end.

use frame::Rational;

use crate::Shift;
use crate::frame_list::{MOST_REORDERED, ticks};

/// Counts the frames behind the end of the part that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    to: Option<u64>,
    frames: usize,
}

impl Behind {
    /// Frames behind the part that are needed: the order of decoding may differ by so many, the last frames of the part may
    /// depend on their neighbours, and of film in 2:3 pulldown the last cycle has to be whole.
    const NEEDED: usize = MOST_REORDERED + 2;

    pub(super) const fn of(to: Option<u64>) -> Self {
        Self { to, frames: 0 }
    }

    /// True when the whole part was read.
    pub(super) const fn have_begun(self) -> bool {
        self.frames > 0
    }

    /// True when enough was read: nothing else has to be.
    pub(super) const fn are_enough(self) -> bool {
        self.frames >= Self::NEEDED
    }

    /// The same with another frame.
    pub(super) fn are_enough_with(
        &mut self,
        pts: i64,
        shift: impl FnOnce() -> Shift,
        time_base: Rational,
    ) -> bool {
        let is_behind = self.to.is_some_and(|to| pts >= ticks(to, shift(), time_base));
        self.frames += usize::from(is_behind);
        self.are_enough()
    }
}
