//! How the frames of a list are made of those that the decoder gives, where they are not those.

use std::ops::Range;

use frame::Rational;

use super::Index;
use crate::raw;

/// Which field of a frame comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOrder {
    /// The one that each frame says, the top one where it says nothing.
    Flagged,
    /// The one with the topmost row.
    TopFirst,
    /// The other one.
    BottomFirst,
}

/// What is made of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// A frame of each frame.
    Frames,
    /// Two frames of each frame, one for each field.
    Fields,
    /// The frames of a film that was spread over more frames by 2:3 pulldown.
    Film {
        /// The decoded frames that are kept, ascending.
        kept: Vec<u32>,
    },
}

/// How the frames of a list are made of those that the decoder gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// What is made.
    pub made: Made,
    /// The decoded frames whose fields are of different times: ascending, apart. The others stay as they are.
    pub stretches: Vec<Stretch>,
    /// The list of the frames that the decoder gives.
    pub decoded: Box<Index>,
}

/// Decoded frames in a row that are interlaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Their numbers.
    pub frames: Range<u32>,
    /// Which field comes first in them.
    pub order: FieldOrder,
}

impl Stretch {
    /// True for stretches of a film with so many frames: none is empty, and each begins where the one before ends or later.
    pub fn are_within(stretches: &[Self], frames: usize) -> bool {
        let mut end = 0;
        stretches.iter().all(|Self { frames, .. }| {
            let is_behind = end <= frames.start && frames.start < frames.end;
            end = frames.end;
            is_behind
        }) && end as usize <= frames
    }

    /// The field order of a frame; `None` where it is in none of the stretches.
    pub(crate) fn order_at(stretches: &[Self], frame: u32) -> Option<FieldOrder> {
        let place = stretches.partition_point(|stretch| stretch.frames.end <= frame);
        stretches.get(place).filter(|stretch| stretch.frames.contains(&frame)).map(|stretch| stretch.order)
    }
}

/// A frame that is made: the decoded frame that it is made of, and whether its second field gives the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shown {
    pub(crate) frame: u32,
    pub(crate) is_second: bool,
}

impl Made {
    /// Frames that are made of each.
    pub(crate) const fn of_each(&self) -> u32 {
        match self {
            Self::Frames | Self::Film { .. } => 1,
            Self::Fields => 2,
        }
    }
}

impl Fields {
    /// Decoded frames before and after one that may change what is made of it.
    pub(crate) const fn reach(&self) -> u32 {
        match self.made {
            Made::Frames | Made::Fields => 1,
            // Fields are matched with those of the neighbours, and what does not match is then deinterlaced.
            Made::Film { .. } => 2,
        }
    }

    /// What frame `number` of the list is made of.
    pub(crate) fn place(&self, number: u32) -> Shown {
        match &self.made {
            Made::Frames => Shown { frame: number, is_second: false },
            Made::Fields => Shown { frame: number / 2, is_second: number % 2 == 1 },
            Made::Film { kept } => {
                Shown { frame: kept.get(number as usize).copied().unwrap_or(u32::MAX), is_second: false }
            }
        }
    }

    /// The frames that are missing in a list whose frames are made so, out of the missing decoded frames. (A film has none.)
    pub(crate) fn missing(&self) -> Vec<Range<u32>> {
        let times = self.made.of_each();
        self.decoded.missing.iter().map(|run| run.start * times..run.end * times).collect()
    }

    /// The decoded frames that are missing, out of the missing frames of a list.
    pub fn missing_in_file(made: &Made, missing: &[Range<u32>]) -> Vec<Range<u32>> {
        let times = made.of_each();
        missing.iter().map(|run| run.start / times..run.end / times).collect()
    }
}

impl Index {
    /// Frames a second of the list, out of those of the file.
    pub fn frame_rate(&self, of_file: Rational) -> Rational {
        let (times, of) = match self.film().fields.as_ref().map(|fields| &fields.made) {
            None | Some(Made::Frames) => (1, 1),
            Some(Made::Fields) => (2, 1),
            Some(Made::Film { .. }) => (4, 5),
        };
        raw::multiply(of_file, Rational::new(times, of))
    }
}
