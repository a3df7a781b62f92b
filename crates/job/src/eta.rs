//! How long work will still take: what there is to do, in pixels, and how fast pixels were done.
//!
//! Frames say little. One that repeats the frame before takes next to nothing, one of which everything changes takes the network's
//! whole time, and both are encoded. So work is counted apart for each of the four things that take time ([`Work`]), how much a film
//! has of it is foreseen from what indexing saw ([`Film`]), and how long each takes is learned from what was done ([`Speed`]).

mod film;
mod speed;

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

pub(crate) use film::MOST_PARTS;
pub use film::{Changes, Film};
pub use speed::Speed;

/// An amount of work, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Pixels of the source that are read to make the frame list.
    pub read: f64,
    /// Pixels of the source that go through the network.
    pub computed: f64,
    /// Pixels of the result that are encoded, and all else that each frame takes.
    pub encoded: f64,
    /// Pixels of the result that are joined and verified.
    pub joined: f64,
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            computed: self.computed + other.computed,
            encoded: self.encoded + other.encoded,
            joined: self.joined + other.joined,
        }
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
