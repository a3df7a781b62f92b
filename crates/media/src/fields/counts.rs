//! What was seen, in numbers of frames, and the rule for frames in a row.
//!
//! With shares of those frames in which `idet` sees anything:
//! - Of frames that are flagged interlaced, a fifth must look so with one field order.
//! - Of those that are not, three quarters must, and be combed as well, since rows that scroll look like fields to `idet`; ten
//!   frames at least, nine tenths of them with one field order.

use super::FieldOrder;
use super::sample::{Sample, Seen};

/// Frames in which something must be seen where no flag says anything.
const LEAST_FRAMES: u32 = 10;

/// The numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) all: u32,
    pub(super) flagged: u32,
    top_first: u32,
    bottom_first: u32,
    pub(super) progressive: u32,
    /// Frames in which anything is seen without others, and those among them that look interlaced and are combed, with the top
    /// field first and with the bottom one.
    alone: u32,
    combed: [u32; 2],
    /// Flagged progressive and looking so.
    right_progressive: u32,
    /// Flagged progressive, looking interlaced, and combed.
    wrong_progressive: u32,
}

impl Counts {
    pub(super) fn of(samples: &[Sample]) -> Self {
        let mut counts = Self::default();
        for sample in samples {
            counts.all += 1;
            counts.flagged += u32::from(sample.is_flagged);
            // By the frame alone: what is seen beside others comes some frames late where the kind changes.
            if !sample.is_flagged {
                counts.right_progressive += u32::from(sample.alone == Seen::Progressive);
                counts.wrong_progressive += u32::from(sample.alone.is_interlaced() && sample.is_combed);
            }
            match sample.seen {
                Seen::Nothing => {}
                Seen::Progressive => counts.progressive += 1,
                Seen::TopFirst => counts.top_first += 1,
                Seen::BottomFirst => counts.bottom_first += 1,
            }
            counts.alone += u32::from(sample.alone != Seen::Nothing);
            counts.combed[0] += u32::from(sample.alone == Seen::TopFirst && sample.is_combed);
            counts.combed[1] += u32::from(sample.alone == Seen::BottomFirst && sample.is_combed);
        }
        counts
    }

    pub(super) const fn interlaced(&self) -> u32 {
        self.top_first + self.bottom_first
    }

    pub(super) const fn seen(&self) -> u32 {
        self.interlaced() + self.progressive
    }

    /// The field order that nine of ten interlaced frames have.
    pub(super) fn order(&self) -> FieldOrder {
        let most = self.top_first.max(self.bottom_first);
        if most == 0 || most * 10 < self.interlaced() * 9 {
            FieldOrder::Flagged
        } else if self.top_first > self.bottom_first {
            FieldOrder::TopFirst
        } else {
            FieldOrder::BottomFirst
        }
    }

    /// Frames that are flagged progressive are so, and there are some.
    pub(super) const fn flags_tell(&self) -> bool {
        self.flagged > 0
            && self.right_progressive > 0
            && self.wrong_progressive * 10 <= self.right_progressive
    }

    /// Frames that are flagged progressive do not look otherwise.
    pub(super) const fn stay_progressive(&self) -> bool {
        self.wrong_progressive <= self.right_progressive
    }

    /// Frames in a row are interlaced by the rule, which flags make milder.
    pub(super) fn is_interlaced(&self, are_flagged: bool) -> bool {
        let seen = self.seen();
        if are_flagged {
            return seen == 0 || self.looks_interlaced();
        }
        let combed = self.combed[0] + self.combed[1];
        let is_plain = self.combed[0].max(self.combed[1]) * 10 >= combed * 9;
        is_plain && combed * 4 >= self.alone * 3 && self.alone >= LEAST_FRAMES
    }

    /// More than by chance, where both field orders are as likely.
    pub(super) const fn looks_interlaced(&self) -> bool {
        self.top_first.abs_diff(self.bottom_first) * 5 >= self.seen()
    }
}
